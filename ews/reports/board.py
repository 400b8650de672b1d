"""How do we stand? The board of the situation room: stages, signatures, clocks, what is blind, held,
undecided, and whether messages get out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.clocks import ack_minutes, due_at
from alerts.quiet import quiet_until
from alerts.routing import Routes, told_of
from alerts.silences import fits, in_force, reaches, urgency
from alerts.told import Told, Word
from ews.acting import Acted, decisions
from ews.config import Settings
from ews.model import ActKind, Alert, DeliveryState, Event, Receiver, Silence, Stage
from ews.reports.acts import SilenceLine, act_line, silence_lines
from ews.reports.blind import board_states
from ews.reports.board_rows import (
    AckClock,
    AddressLine,
    Band,
    BoardAlert,
    Counts,
    Decisions,
    Sight,
    Situation,
    WithheldFrom,
)
from ews.reports.names import labels
from ews.reports.outbox import address_lines, total
from ews.reports.receivers import routes_seen, sees_work
from ews.reports.rows import alert_line
from ews.reports.viewer import Viewer
from ews.reports.views import AlertLine
from ews.reports.withheld import withheld_lists
from ews.storage import Store

WRITTEN = 100  # decisions of the log that are shown
# The figures in the order in which every face shows them: field of Counts -> Korean, English.
FIGURES: Mapping[str, tuple[str, str]] = {
    "severe": ("심각", "severe"),
    "alert": ("경계", "alert"),
    "caution": ("주의", "caution"),
    "watch": ("관심", "watch"),
    "waiting": ("서명 대기", "wait for a signature"),
    "free": ("담당 없음", "nobody has taken"),
    "overdue": ("확인 기한 지남", "overdue"),
    "blind_items": ("보이지 않는 품목", "items blind"),
    "withheld": ("오늘 보류", "held back today"),
    "decisions": ("적을 결정", "decisions open"),
    "silences": ("묵음", "silences"),
    "planned": ("예정된 일", "planned events"),
    "dead_addresses": ("끊긴 주소", "dead addresses"),
    "letters": ("못 보낸 메시지", "dead letters"),
}


def situation(
    store: Store, settings: Settings, now: datetime, viewer: Viewer, every: bool = False
) -> Situation:
    """The board as the viewer may see it: alerts in force and what is blind for everybody, the
    people and receivers for who works here under a name, addresses for operators. `every`: all
    items that are blind, not only those with a use, watched or alerting."""
    routes, problem = routes_seen(settings)
    staff = sees_work(viewer)
    firing = store.open_alerts()
    cards = _Cards.read(store, routes, firing, now).cards(staff)
    bands = tuple(
        Band(int(stage), stage.en, stage.ko, tuple(c for c in cards if c.alert.stage == stage))
        for stage in sorted(Stage, reverse=True)
    )
    sight = _sight(store, now, every)
    work = _Work.read(store, routes, now) if staff else _Work()
    machine = _Machine.read(store, routes, now) if viewer.role == "operator" else _Machine()
    return Situation(
        at=now,
        staff=staff,
        operator=viewer.role == "operator",
        counts=_counts(bands, sight, staff, work, machine),
        bands=bands,
        sight=sight,
        withheld=work.withheld,
        decisions=work.decisions,
        silences=work.silences,
        addresses=machine.addresses,
        letters=machine.letters,
        signers=work.signers,
        problem=problem if staff else "",
    )


def decision_log(store: Store) -> Decisions:
    """What waits for a decision, and the newest that were written down."""
    written = store.acts(kinds=[ActKind.CLOSE])[::-1][:WRITTEN]
    return Decisions(_undecided(store), tuple(act_line(Acted(one)) for one in written))


def _undecided(store: Store) -> tuple[AlertLine, ...]:
    waiting = decisions(store)
    events = store.events_of([one.event_id for one in waiting])
    return tuple(alert_line(one, events.get(one.event_id)) for one in waiting)


# --------------------------------------------------------------------------- alerts


@dataclass(frozen=True, slots=True)
class _Cards:
    """The alerts that fire, with what each receiver knows of them."""

    routes: Routes
    firing: Sequence[Alert]
    events: Mapping[str, Event]
    silences: Sequence[Silence]  # in force
    told: Told
    names: Mapping[str, tuple[str, ...]]  # alert -> receivers that know of it
    accepted: Mapping[str, datetime]  # notification -> when its channel took it
    now: datetime

    @classmethod
    def read(cls, store: Store, routes: Routes, firing: Sequence[Alert], now: datetime) -> _Cards:
        ids = [alert.id for alert in firing]
        notifications, deliveries = store.notifications_of(ids), store.deliveries_of(ids)
        dead = {d.notification_id for d in deliveries if d.state is DeliveryState.DEAD}
        told = told_of(notifications, dead)
        names: dict[str, list[str]] = defaultdict(list)
        for (alert_id, receiver), word in told.words.items():
            if word.known:
                names[alert_id].append(receiver)
        accepted = {
            d.notification_id: d.sent_at for d in deliveries
            if d.state is DeliveryState.SENT and d.sent_at is not None
        }  # fmt: skip
        listed = {alert_id: tuple(sorted(found)) for alert_id, found in names.items()}
        events = store.events_of([alert.event_id for alert in firing])
        silences = [one for one in store.silences(now) if in_force(one, now)]
        return cls(routes, firing, events, silences, told, listed, accepted, now)

    def cards(self, staff: bool) -> list[BoardAlert]:
        """What waits for a signature first, then what nobody has taken, then the newest."""
        found = [self._card(alert, staff) for alert in self.firing]
        return sorted(
            found,
            key=lambda card: (
                card.proposed is None, not card.free, -card.alert.raised_at.timestamp(),
            ),
        )  # fmt: skip

    def _card(self, alert: Alert, staff: bool) -> BoardAlert:
        line = alert_line(alert, self.events.get(alert.event_id))
        asked = alert.proposed if staff else None
        return BoardAlert(
            alert=line,
            urgency=int(urgency(alert)) if staff else int(alert.stage),
            proposed=None if asked is None else int(asked),
            proposed_en="" if asked is None else asked.en,
            proposed_ko="" if asked is None else asked.ko,
            proposed_at=alert.proposed_at if asked else None,
            sign_by=alert.sign_by if asked else None,
            timed_out=alert.timed_out,
            refused=int(alert.refused) if staff and alert.refused else None,
            refused_by=alert.refused_by if staff else None,
            holder=alert.holder if staff else None,
            acknowledged_at=alert.acknowledged_at if staff else None,
            blind_since=alert.blind_since,
            unlisted=labels("item", alert.unlisted),
            told=self.names.get(alert.id, ()) if staff else (),
            clocks=self._clocks(alert) if staff else (),
        )

    def _clocks(self, alert: Alert) -> tuple[AckClock, ...]:
        clocks = (self._clock(alert, receiver) for receiver in self.routes.receivers)
        return tuple(clock for clock in clocks if clock is not None)

    def _clock(self, alert: Alert, receiver: Receiver) -> AckClock | None:
        """None where none runs: the receiver sets none for that stage, or was not called."""
        word = self.told.of(alert.id, receiver.name)
        minutes = ack_minutes(receiver, urgency(alert))
        if minutes is None or word.called is None or not word.open:
            return None
        told_at = self.accepted.get(word.called.id)
        due = _awake(alert, receiver, told_at and told_at + timedelta(minutes=minutes))
        taken = alert.acknowledged_at
        return AckClock(
            alert_id=alert.id,
            receiver=receiver.name,
            told_at=told_at,
            due_at=due,
            next_call_at=_awake(alert, receiver, due_at(alert, receiver, word, self.accepted)),
            state=self._state(alert, receiver, due),
            calls=_calls(receiver, word),
            late=due is not None and taken is not None and taken > due,
        )

    def _state(self, alert: Alert, receiver: Receiver, due: datetime | None) -> str:
        if alert.holder is not None or alert.acknowledged_at is not None:
            return "taken"
        if any(_keeps(one, alert, receiver) for one in self.silences):
            return "silenced"
        if due is None:
            return "unsent"
        if due <= self.now:
            return "overdue"
        return "paused" if _awake(alert, receiver, self.now) != self.now else "running"


def _awake(alert: Alert, receiver: Receiver, at: datetime | None) -> datetime | None:
    """That time, or the end of the quiet hours it falls in: 관심 and 주의 wait for it."""
    if at is None or urgency(alert) >= Stage.ALERT:
        return at
    return quiet_until(receiver, at) or at


def _keeps(silence: Silence, alert: Alert, receiver: Receiver) -> bool:
    """Whether the silence, which is in force, keeps the next call from going out."""
    whose = silence.matchers.get("receiver", receiver.name)
    return whose == receiver.name and fits(silence, alert) and reaches(silence, alert)


def _calls(receiver: Receiver, word: Word) -> int:
    return min(len(word.escalated) + 1, len(receiver.people))


# --------------------------------------------------------------------------- the rest


def _sight(store: Store, now: datetime, every: bool) -> Sight:
    board = board_states(store, now, every=every)
    blind = tuple(line for line in board.lines if line.blind)
    return Sight(board.watched, board.blind, board.since, board.sources, len(board.silent), blind)


@dataclass(frozen=True, slots=True)
class _Work:
    """What those see who work here under a name."""

    withheld: tuple[WithheldFrom, ...] = ()
    decisions: tuple[AlertLine, ...] = ()
    silences: tuple[SilenceLine, ...] = ()
    signers: tuple[str, ...] = ()

    @classmethod
    def read(cls, store: Store, routes: Routes, now: datetime) -> _Work:
        signers = (p.name for p in store.people() if p.signs and p.disabled_at is None)
        return cls(
            withheld_lists(store, routes, now), _undecided(store), silence_lines(store, now),
            tuple(signers),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Machine:
    """What operators see."""

    addresses: tuple[AddressLine, ...] = ()
    letters: int | None = None

    @classmethod
    def read(cls, store: Store, routes: Routes, now: datetime) -> _Machine:
        letters = store.dead_letters()
        return cls(address_lines(store, routes, letters, now), len(letters))


def _counts(
    bands: Sequence[Band], sight: Sight, staff: bool, work: _Work, machine: _Machine
) -> Counts:
    severe, alert, caution, watch = (len(band.alerts) for band in bands)
    blind = len(sight.items) if sight.watched else None
    if not staff:
        return Counts(severe, alert, caution, watch, blind)
    cards = [card for band in bands for card in band.alerts]
    in_force = [one for one in work.silences if one.in_force]
    return Counts(
        severe, alert, caution, watch, blind,
        waiting=sum(card.proposed is not None for card in cards),
        free=sum(card.free and card.urgency >= Stage.CAUTION for card in cards),
        overdue=sum(clock.state == "overdue" for card in cards for clock in card.clocks),
        withheld=sum(one.today for one in work.withheld),
        decisions=len(work.decisions),
        silences=sum(not one.planned for one in in_force),
        planned=sum(one.planned for one in in_force),
        dead_addresses=None if machine.letters is None else total(machine.addresses),
        letters=machine.letters,
    )  # fmt: skip


def left(at: datetime | None, now: datetime, lang: str) -> str:
    """How long until then, or since; "" for no time.

    >>> from datetime import UTC
    >>> now = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    >>> left(now + timedelta(minutes=90), now, "ko"), left(now - timedelta(days=2), now, "en")
    ('1시간 30분 남음', '2 d ago')
    """
    if at is None:
        return ""
    minutes = int(abs((at - now).total_seconds()) // 60)
    days, hours, minutes = minutes // 1440, minutes % 1440 // 60, minutes % 60
    parts = [(days, "일", " d"), (hours, "시간", " h"), (minutes, "분", " min")]
    shown = [(n, ko, en) for n, ko, en in parts if n][:2] or [(0, "분", " min")]
    if lang == "ko":
        said = " ".join(f"{n}{ko}" for n, ko, _ in shown)
        return f"{said} 남음" if at > now else f"{said} 지남"
    said = " ".join(f"{n}{en}" for n, _, en in shown)
    return f"{said} left" if at > now else f"{said} ago"
