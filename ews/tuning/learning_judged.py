"""What have people said of each alert, and which text led it there? The ground of all that is learnt.

Only words of named persons and of readers count (feedback, review): what later reports and figures
say rests on the same model that is to learn. A firm's person speaks for itself, not for the state.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ews.model import Act, ActKind, Alert, Basis, Event, Evidence, Outcome, Resolution
from ews.storage import Store
from ews.storage.ledger import outcome_of
from ews.tuning.ledger_people import DUPLICATE

READ = (Basis.FEEDBACK, Basis.REVIEW)
RIGHT = (Outcome.TRUE, Outcome.LATE, Outcome.PREVENTED)
REASON = re.compile(r"([a-z_]+)=(-?[0-9.e+-]+) \(raise")
FIGURE = "-"  # language and source of an alert that no text raised


@dataclass(frozen=True, slots=True)
class Judged:
    """One alert with what people said of it."""

    alert: Alert
    lead: Evidence | None  # first text of the event that it was raised for; None: a figure
    wrong: bool | None  # None: nobody has said
    repeats: bool  # it tells what another alert told: counts for neither
    reasons: tuple[str, ...]  # of people who called it a false alarm, oldest first
    acts: tuple[str, ...]  # ids of the acts and reviews that say so
    resolution: Resolution | None

    @property
    def too_high(self) -> bool:
        """Real, but people say the stage was too high."""
        return not self.wrong and bool(self.reasons) and self.reasons[-1] == "too_high"

    @property
    def against(self) -> bool:
        """It speaks against the rule that raised it to this stage."""
        return not self.repeats and (bool(self.wrong) or self.too_high)

    @property
    def speaks_for(self) -> bool:
        return not self.repeats and self.wrong is False and not self.too_high


def judged_of(
    store: Store, now: datetime, since: datetime | None = None, until: datetime | None = None
) -> list[Judged]:
    """Every alert raised in the period, as people had judged it by `now`, oldest first."""
    alerts = store.alerts(since=since, until=min(now, until or now))
    said: dict[str, list[Resolution]] = {}
    for one in store.resolutions([alert.id for alert in alerts], until=now):
        if one.basis in READ:
            said.setdefault(one.alert_id, []).append(one)
    called: dict[str, list[Act]] = {}
    firms = firm_people(store)
    for act in store.acts(kinds=[ActKind.FALSE_ALARM], until=now):
        if act.alert_id and act.by not in firms:
            called.setdefault(act.alert_id, []).append(act)
    events = store.events_of({alert.event_id for alert in alerts})
    found = [
        _judged(alert, events.get(alert.event_id), said.get(alert.id, ()), called.get(alert.id, ()))
        for alert in alerts
    ]
    return sorted(found, key=lambda one: (one.alert.raised_at, one.alert.id))


def _judged(
    alert: Alert, event: Event | None, said: Sequence[Resolution], called: Sequence[Act]
) -> Judged:
    held = outcome_of(said)
    decided = held is not None and held.outcome is not Outcome.OPEN
    speaking = [proof.ref for one in said for proof in one.proofs if proof.kind == "act"]
    reviews = [one.id for one in said if one.basis is Basis.REVIEW]
    return Judged(
        alert,
        lead_of(event),
        held.outcome is Outcome.FALSE if held is not None and decided else None,
        held is not None and held.note.startswith(DUPLICATE),
        tuple(act.detail.get("reason", "") for act in called),
        tuple(dict.fromkeys((*(act.id for act in called), *speaking, *reviews))),
        held if decided else None,
    )


def lead_of(event: Event | None) -> Evidence | None:
    """The first text of an event; of a series there is none."""
    if event is None or event.detector != "news" or not event.evidence:
        return None
    return min(event.evidence, key=lambda one: (one.available_at, one.signal_id))


def firm_people(store: Store) -> Collection[str]:
    return {person.name for person in store.people() if person.role == "firm"}


def peaks_of(store: Store, judged: Sequence[Judged]) -> dict[str, dict[str, float]]:
    """Of each alert that people spoke against: the highest of each measure, as the alert itself said
    it, while the rule held that it stands under."""
    found: dict[str, dict[str, float]] = {}
    for one in judged:
        if not one.against:
            continue
        peaks = found.setdefault(one.alert.id, {})
        for change in store.changes(alert_id=one.alert.id):
            if change.alert.rule == one.alert.rule:
                for measure, value in _measured(change.alert.reasons):
                    peaks[measure] = max(value, peaks.get(measure, value))
    return found


def _measured(reasons: Sequence[str]) -> Iterator[tuple[str, float]]:
    for reason in reasons:
        if said := REASON.match(reason):
            yield said[1], float(said[2])
