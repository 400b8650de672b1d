"""What the board of the situation room shows: flat rows, as every face prints them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ews.reports.acts import ActLine, SilenceLine
from ews.reports.blind import BoardLine, CountryLine
from ews.reports.views import AlertLine, Label


@dataclass(frozen=True, slots=True)
class AckClock:
    """By when somebody at one receiver has to take an alert."""

    alert_id: str
    receiver: str
    told_at: datetime | None  # when the channel accepted the message that calls; None: not yet
    due_at: datetime | None  # by then somebody there takes it; never within quiet hours
    next_call_at: datetime | None  # when the next person is called; None: nobody is left to call
    state: str  # taken | running | overdue | paused (quiet hours) | silenced | unsent
    calls: int  # persons called so far
    late: bool  # taken, but after it was due


@dataclass(frozen=True, slots=True)
class BoardAlert:
    """One alert that fires. The stage that waits, names and clocks are None or empty for who works
    here under no name."""

    alert: AlertLine
    urgency: int  # the stage that waits for a signature counts as if it were signed
    proposed: int | None
    proposed_en: str
    proposed_ko: str
    proposed_at: datetime | None
    sign_by: datetime | None  # then it is taken unsigned; None: never by itself
    timed_out: bool  # the stage in force was taken because nobody signed in time
    refused: int | None  # a stage that a person said no to
    refused_by: str | None
    holder: str | None
    acknowledged_at: datetime | None
    blind_since: datetime | None
    unlisted: tuple[Label, ...]  # items of which no domestic use is on record
    told: tuple[str, ...]  # receivers that know of it
    clocks: tuple[AckClock, ...]

    @property
    def free(self) -> bool:
        """Nobody has taken it."""
        return self.holder is None and self.acknowledged_at is None


@dataclass(frozen=True, slots=True)
class Band:
    """The alerts of one stage in force."""

    stage: int
    en: str
    ko: str
    alerts: tuple[BoardAlert, ...]


@dataclass(frozen=True, slots=True)
class MinistryLine:
    """How many alerts that fire touch what one ministry answers for."""

    ministry: Label
    severe: int
    alert: int
    caution: int
    watch: int
    waiting: int | None  # of them for a signature; None: not for this viewer
    free: int | None  # 주의 or higher, and nobody has taken it


@dataclass(frozen=True, slots=True)
class Counts:
    """The figures at the top, the same on every face. None: unknown, or not for this viewer."""

    severe: int
    alert: int
    caution: int
    watch: int
    blind_items: int | None  # that cannot be seen, alerting ones too; None: nothing is watched live
    waiting: int | None = None  # for a signature
    free: int | None = None  # 주의 or higher, or a higher stage proposed, and nobody has taken it
    overdue: int | None = None  # acknowledgement clocks that have run out
    withheld: int | None = None  # held back today, over all receivers, and not told since
    decisions: int | None = None  # 주의 or higher without a decision and outcome in writing
    silences: int | None = None  # in force
    planned: int | None = None
    dead_addresses: int | None = None
    letters: int | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What can be seen."""

    watched: bool  # False: nothing was ever fetched live here, so silence says nothing at all
    dark: bool  # most of all sources are silent
    since: datetime | None
    sources: int
    silent: int
    items: tuple[BoardLine, ...]  # those that cannot be seen
    countries: tuple[CountryLine, ...] = ()  # those of which no news can be seen


@dataclass(frozen=True, slots=True)
class WithheldLine:
    """An alert that a receiver was not told, or not told the newest of, and why."""

    alert_id: str
    title: str
    type: Label
    items: tuple[Label, ...]
    stage: int
    stage_en: str
    stage_ko: str
    state: str
    reason: str
    why: str
    said: Label  # why, in words
    at: datetime
    told: int | None  # highest stage it was told before; None: it knows nothing of it
    today: bool  # held on this day of the receiver


@dataclass(frozen=True, slots=True)
class WithheldFrom:
    """What one receiver does not know, best first."""

    receiver: str
    today: int
    count: int
    reasons: dict[str, int]  # today's, by reason
    next_digest: datetime | None  # then it reads of them; None: it has no digest
    lines: tuple[WithheldLine, ...]


@dataclass(frozen=True, slots=True)
class LetterLine:
    """A message that was given up."""

    notification_id: str
    alert_id: str  # of the bulletin, when it carries one
    bulletin: str  # kind of bulletin, "" for an alert
    title: str
    receiver: str
    channel: str
    change: str
    at: datetime
    attempts: int
    maybe_arrived: bool  # it may be there: it is looked for before it is sent again
    error: str
    advice: Label  # what to do before sending it again
    moved: bool  # the receiver has another address now: there it would be sent


@dataclass(frozen=True, slots=True)
class AddressLine:
    """An address that does not answer. Named by its receivers: it may be a private channel."""

    channel: str
    receivers: tuple[str, ...]
    dead: bool
    failing_since: datetime
    failures: int
    error: str
    paged_at: datetime | None  # when the operators were told
    waiting: int  # messages that wait for it


@dataclass(frozen=True, slots=True)
class Outbox:
    """How messages get out."""

    letters: tuple[LetterLine, ...]
    addresses: tuple[AddressLine, ...]
    waiting: int  # new, being sent, or to be settled
    problem: str = ""  # what is wrong with the routes


@dataclass(frozen=True, slots=True)
class Decisions:
    """The decision log: what waits for one, oldest first, and what was written, newest first."""

    waiting: tuple[AlertLine, ...]
    written: tuple[ActLine, ...]


@dataclass(frozen=True, slots=True)
class Situation:
    """The board at one moment. Parts that are not for the viewer are empty, their counts None."""

    at: datetime
    staff: bool  # whether the viewer sees who is told what
    operator: bool
    counts: Counts
    bands: tuple[Band, ...]  # 심각 first
    ministries: tuple[MinistryLine, ...]  # the heaviest first; an alert counts for each of its own
    sight: Sight
    withheld: tuple[WithheldFrom, ...]
    decisions: tuple[AlertLine, ...]
    silences: tuple[SilenceLine, ...]
    addresses: tuple[AddressLine, ...]
    letters: int | None
    signers: tuple[str, ...]  # who may sign
    problem: str  # what is wrong with the routes, "" nothing

    @property
    def alerts(self) -> tuple[BoardAlert, ...]:
        return tuple(one for band in self.bands for one in band.alerts)

    @property
    def waiting(self) -> tuple[BoardAlert, ...]:
        """What waits for a signature, the first to be taken unsigned first."""
        found = (one for one in self.alerts if one.proposed is not None)
        return tuple(sorted(found, key=lambda one: (-(one.proposed or 0), str(one.sign_by or "9"))))

    @property
    def clocks(self) -> tuple[tuple[BoardAlert, AckClock], ...]:
        """Clocks of what nobody has taken, those that have run out first."""
        pairs = [(one, clock) for one in self.alerts for clock in one.clocks if one.free]
        order = ("overdue", "running", "unsent", "paused", "silenced")
        return tuple(
            sorted(
                pairs,
                key=lambda pair: (
                    order.index(pair[1].state), -pair[0].urgency, str(pair[1].due_at),
                ),
            )
        )  # fmt: skip
