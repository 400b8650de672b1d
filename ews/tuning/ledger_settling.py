"""How did each alert turn out, as far as acts, later reports and later figures say? Run daily.

Nothing is ever changed: a decision that no longer holds is followed by another. Run again over the
same knowledge it writes nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ews.model import Alert, Basis, Outcome, Resolution
from ews.storage import StaleLeader, Store
from ews.storage.ledger import outcome_of
from ews.tuning.ledger_known import SAID, Found, Known, known_of
from ews.tuning.ledger_people import by_people
from ews.tuning.ledger_reports import by_reports
from ews.tuning.ledger_series import by_series, series_of, speaking

log = logging.getLogger(__name__)

LOOKED_AT = timedelta(days=400)  # alerts older than this are decided by people only
EVERY = timedelta(days=1)
SETTLED = "ledger.settled"  # key of the store: when it was last done
POLL_S = 300.0
BATCH = 200  # decisions in one transaction: the writer's place is free between them


@dataclass(frozen=True, slots=True)
class Settled:
    """What one settling did."""

    at: datetime
    alerts: int  # looked at
    new: int  # decisions written
    outcomes: Mapping[str, int]  # how all that were looked at stand now


def settle(store: Store, now: datetime, alert_ids: Iterable[str] | None = None) -> Settled:
    """Decide what can be decided at `now`, from what was known then; idempotent."""
    asked = None if alert_ids is None else frozenset(alert_ids)
    every = _then(store, now)
    alerts = _chosen(store, every, now, asked)
    names = speaking(store.series_names())
    speak = {alert.id: series_of(alert, names) for alert in alerts if _young(alert, now)}
    held = {one.alert.id: one for one in known_of(store, alerts, now, speak, every)}
    new = {id: decide(known, now) for id, known in held.items()}
    outcomes = {id: _outcome(known.earlier, new[id]) for id, known in held.items()}
    # What a duplicate turned out to be is known once its twin is: a second look, and no more.
    for id, known in held.items():
        if known.twin:
            twin = outcomes.get(known.twin) or _outcome(store.resolutions([known.twin], until=now))
            new[id] = decide(replace(known, twin_outcome=twin), now)
            outcomes[id] = _outcome(known.earlier, new[id])
    written = _save(store, [one for id in held for one in new[id]])
    return Settled(now, len(alerts), written, _counted(outcomes.values()))


def decide(known: Known, now: datetime) -> tuple[Resolution, ...]:
    """The decisions that what is known adds to those made earlier. Pure."""
    new = [_after(found, known, found.key, now) for found in by_people(known)]
    if _young(known.alert, now):
        for basis, found in (
            (Basis.REPORTS, by_reports(known, now)),
            (Basis.SERIES, by_series(known, now)),
        ):
            new.append(_after(found or Found(Outcome.OPEN, basis, now, ()), known, "", now))
    return tuple(one for one in new if one is not None)


def _after(found: Found, known: Known, key: str, now: datetime) -> Resolution | None:
    """The decision, if it differs from what the same act or figures said before."""
    before = _before(known.earlier, found.basis, key)
    if before is None and found.outcome is Outcome.OPEN and found.basis is not Basis.FEEDBACK:
        return None
    if before is not None and (before.outcome, before.note) == (found.outcome, found.note):
        return None
    changed = found if before is None else replace(found, at=now)
    return changed.resolution(known.alert.id, before)


def _before(earlier: Sequence[Resolution], basis: Basis, key: str) -> Resolution | None:
    """The newest earlier decision of that basis, or of that act."""
    same = [
        one for one in earlier
        if one.basis is basis and (not key or any(proof.ref == key for proof in one.proofs))
    ]  # fmt: skip
    return max(same, key=lambda one: (one.at, one.id), default=None)


def _outcome(earlier: Sequence[Resolution], new: Sequence[Resolution] = ()) -> Outcome:
    held = outcome_of((*earlier, *new))
    return Outcome.OPEN if held is None else held.outcome


def _young(alert: Alert, now: datetime) -> bool:
    return now - alert.raised_at <= LOOKED_AT


def _then(store: Store, now: datetime) -> list[Alert]:
    """Alerts as they stood at `now`."""
    found = store.alerts(until=now)
    if all(alert.updated_at <= now for alert in found):
        return found
    return store.alerts_as_of(now)


def _chosen(
    store: Store, alerts: Sequence[Alert], now: datetime, asked: frozenset[str] | None
) -> list[Alert]:
    """Those that were asked for; else the young, and older ones that somebody acted on."""
    if asked is not None:
        return [one for one in alerts if one.id in asked]
    acted = {act.alert_id for act in store.acts(kinds=SAID, until=now)}
    return [one for one in alerts if _young(one, now) or one.id in acted]


def _save(store: Store, decisions: Sequence[Resolution]) -> int:
    return sum(
        store.save_resolutions(decisions[n : n + BATCH]) for n in range(0, len(decisions), BATCH)
    )


def _counted(outcomes: Iterable[Outcome]) -> dict[str, int]:
    counts = {outcome.value: 0 for outcome in Outcome}
    for outcome in outcomes:
        counts[outcome.value] += 1
    return counts


# --------------------------------------------------------------------------- once a day


def settle_due(store: Store, now: datetime) -> Settled | None:
    """Settle if a day has gone by since it was last done; None otherwise."""
    last = store.get(SETTLED)
    if last is not None and now - datetime.fromisoformat(last) < EVERY:
        return None
    found = settle(store, now)
    store.put(SETTLED, now.isoformat())
    return found


def settling(store: Store, clock: Callable[[], datetime]) -> Callable[[threading.Event], None]:
    """A task beside the cycles that settles once a day for as long as this process leads."""

    def task(over: threading.Event) -> None:
        for _ in _turns(over):
            try:
                found = settle_due(store, clock())
            except StaleLeader:
                raise
            except Exception:
                log.exception("the ledger could not be settled; the next turn does it")
                continue
            if found is not None:
                log.info("settled", extra={"alerts": found.alerts, "new": found.new})

    return task


def _turns(over: threading.Event) -> Iterator[None]:
    while not over.wait(0.0):
        yield
        over.wait(POLL_S)
