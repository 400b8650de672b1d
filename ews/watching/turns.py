"""When is vulnerability computed, of which months? Once a day at most, when a figure is new."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ews.model import Event, Vulnerability, content_id
from ews.storage import StaleLeader, Store
from ews.watching.declared import sole_sources
from ews.watching.figures import MADE_UP, Group, groups_at, part_of
from ews.watching.unwatched import month_before, note_unwatched
from graph.partner_risk import partner_risk
from graph.vulnerability import Weights, read_weights, vulnerabilities

log = logging.getLogger(__name__)

KEY = "watch.turn"  # key of the store: the day, what was read, and how far
YEAR = 12
POLL_S = 300.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn kept."""

    at: datetime
    rows: int
    months: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)  # provider -> months


def watch_daily(store: Store, now: datetime) -> Turn | None:
    """Compute if a day has begun and a figure is new; None otherwise, for the price of one read."""
    last = _last(store)
    if last.get("on") == now.date().isoformat():
        return None
    mark = _mark(store, now)
    if last.get("mark") == mark:
        store.put(KEY, json.dumps({**last, "on": now.date().isoformat()}))
        return None
    return _kept(store, now, last, mark)


def turn(store: Store, now: datetime) -> Turn:
    """Compute now what the daily turn would, whether or not anything is new."""
    return _kept(store, now, _last(store), _mark(store, now))


def _kept(store: Store, now: datetime, last: Mapping[str, object], mark: str) -> Turn:
    weights = read_weights()
    before = last.get("months") if last.get("weights") == weights.digest else None
    groups, around = groups_at(store, now), Around.at(store, now)
    months = {one.provider: months_of(one.newest, _moment(before, one.provider)) for one in groups}
    count, newest = 0, {one.provider: one.newest for one in groups}
    told: list[Vulnerability] = []  # of the newest month and the one before: blind spots
    for group in groups:
        for month in months[group.provider]:
            rows = around.rows(group, month, weights)
            with store.begin() as tx:  # one each: others may write between them
                tx.save_vulnerabilities(rows)
            count += len(rows)
            told += rows if month >= month_before(group.newest) else []
    # Last: a turn that was cut off is done anew.
    with store.begin() as tx:
        note_unwatched(tx, told, newest, weights, now)
        tx.put(KEY, json.dumps({
            "on": now.date().isoformat(), "mark": mark, "weights": weights.digest,
            "months": {provider: month.isoformat() for provider, month in newest.items()},
        }))  # fmt: skip
    return Turn(now, count, months)


def compute(
    store: Store, now: datetime, month: datetime | None = None, items: Sequence[str] | None = None
) -> list[Vulnerability]:
    """The rows of one month (of each provider's newest without one) as known at `now`; keeps
    nothing. At an old `now` they are what was said then, from the same series and weights."""
    weights, around = read_weights(), Around.at(store, now)
    back = 0 if month is None else (now.year - month.year) * YEAR + now.month - month.month
    return [
        row for one in groups_at(store, now, items, max(back, 0))
        for row in around.rows(one, month or one.newest, weights)
        if items is None or row.item in items
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Around:
    """What beside the series goes into the rows, as known at `now`."""

    events: Sequence[Event]
    firms: Mapping[str, tuple[int, int]]
    now: datetime

    @classmethod
    def at(cls, store: Store, now: datetime) -> Around:
        return cls(store.events_as_of(now), sole_sources(store, now), now)

    def rows(self, group: Group, month: datetime, weights: Weights) -> list[Vulnerability]:
        """Rows of a month, with the risk of partners as it stood then, and whose figures."""
        # Customs tells a month in the middle of the next: that is when it can be acted upon.
        then = min(self.now, month_before(month, -2))
        firms = {} if group.provider == MADE_UP else self.firms
        trade = replace(group.trade, partner_risk=partner_risk(self.events, then), firms=firms)
        rows = vulnerabilities(trade, weights, month, self.now)
        return [replace(r, facts={**r.facts, "provider": group.provider}) for r in rows]


def months_of(newest: datetime, before: datetime | None) -> tuple[datetime, ...]:
    """The newest month with those it is compared with, and all since the last turn; a year at
    first. A revision changes those that are compared; others stay as they were said."""
    back = {1, YEAR}
    if before is None:
        back |= set(range(1, YEAR + 1))
    else:
        gap = (newest.year - before.year) * YEAR + newest.month - before.month
        back |= set(range(1, min(max(gap, 0), YEAR) + 1))
    return tuple(month_before(newest, n) for n in sorted({0, *back}, reverse=True))


def _last(store: Store) -> dict[str, object]:
    said = json.loads(store.get(KEY) or "{}")
    return said if isinstance(said, dict) else {}


def _moment(before: object, provider: str) -> datetime | None:
    said = before.get(provider) if isinstance(before, dict) else None
    return datetime.fromisoformat(said) if isinstance(said, str) else None


def _mark(store: Store, now: datetime) -> str:
    """Of all that the rows come from: series, weights, the rules that say what is watched."""
    ruleset = store.ruleset_at(now)
    series = [one for one in store.summaries() if part_of(one)]
    known = [one for one in series if one.newest_available and one.newest_available <= now]
    early = [one.name for one in series if one.newest_available and one.newest_available > now]
    return content_id(
        "wat", str(len(known)), str(sum(one.saved for one in series)),
        str(max((one.newest_available for one in known if one.newest_available), default=None)),
        # Of a series with values still to come, how many have come.
        str(len(store.columns(now, early).values) if early else 0),
        read_weights().digest, str(ruleset.version if ruleset else 0),
    )  # fmt: skip


def keep_watch(store: Store, clock: Callable[[], datetime]) -> Callable[[threading.Event], None]:
    """A task beside the cycles that computes once a day for as long as this process leads."""

    def task(over: threading.Event) -> None:
        while not over.is_set():
            try:
                done = watch_daily(store, clock())
            except StaleLeader:
                raise
            except Exception:
                log.exception("vulnerability could not be computed; the next turn does it")
            else:
                if done is not None:
                    log.info("vulnerability of %d items and months", done.rows)
            over.wait(POLL_S)

    return task
