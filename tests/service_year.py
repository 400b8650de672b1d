"""One made-up year of the whole service: releases month by month into a store, and measured there.

The trade is synthetic (ews.tuning.synthetic_trade) and was no part of what the detectors were
fitted on. It is stored as if customs had sent it, with what China says to have sold; a fifth of
the newest values are revised later. Events of known kind and size can be put in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from alerts.rulebook import shipped_ruleset
from ews.detectors.budget import Allocation
from ews.measuring import Measurer
from ews.model import Detection, Series
from ews.storage import Store
from ews.storage.value_rows import Columns
from ews.tuning.synthetic_trade import synthetic_trade
from tests.bench_series_scale import known, with_mirror

Floats = NDArray[np.float64]
FIRST, MONTHS = "2016-01", 109  # the last year of it is judged
YEAR = np.datetime64("2024-01", "M")  # first month that is judged
LOOKS = tuple(datetime(2024 + (m > 11), m % 12 + 1, 20, tzinfo=UTC) for m in range(1, 13))
BEFORE = datetime(2024, 1, 31, tzinfo=UTC)
# Of the values of the newest months a fifth are replaced a release or two later, most by a few
# percent and one of twenty by a third: our assumption of what customs do.
REVISED, SMALL, LARGE, LARGE_SHARE = 0.2, 0.03, 0.3, 0.05
LASTS = 6  # months of an event
# kind -> what is left (or how many times as much comes) of the largest partner, or of all
KINDS: Mapping[str, tuple[float, ...]] = {
    "stop": (0.0, 0.1, 0.3, 0.5),
    "stop of all": (0.0, 0.1, 0.3, 0.5),
    "surge": (1.5, 2.0, 3.0, 5.0),
    "shift": (0.1,),
    "price": (1.6, 2.5),
}
CELLS = tuple((kind, size) for kind, sizes in KINDS.items() for size in sizes)


@dataclass(frozen=True, slots=True)
class World:
    """The trade of a seed without an event, its last values not yet revised."""

    seed: int
    columns: Columns
    told: list[Series]

    def of(self, items: Collection[str]) -> World:
        """The same for some items."""
        mine = np.array([name.rsplit("/", 1)[1] in items for name in self.columns.names], np.bool_)
        place = np.cumsum(mine) - 1
        c, use = self.columns, mine[self.columns.rows]
        names = tuple(name for name, one in zip(c.names, mine, strict=True) if one)
        part = Columns(
            names, place[c.rows[use]], c.periods[use], c.available[use], c.values[use],
            c.calendar[use],
        )  # fmt: skip
        return replace(
            self, columns=part, told=[s for s, one in zip(self.told, mine, strict=True) if one]
        )


@dataclass(frozen=True, slots=True)
class Injected:
    """An event: what was done to the largest partner of an item, or to all, from `first` on."""

    item: str
    kind: str
    size: float
    first: np.datetime64  # month


@dataclass(slots=True)
class Year:
    """What the service said."""

    detections: list[Detection] = field(default_factory=list)
    tests: dict[str, int] = field(default_factory=dict)  # by detector
    expected: dict[str, float] = field(default_factory=dict)
    allocation: Allocation | None = None


def world(seed: int, items: Sequence[str]) -> World:
    made = synthetic_trade(seed, first=FIRST, months=MONTHS, items=items, disturbed=0)
    names = [name.replace("synthetic/", "customs/", 1) for name in made.names]
    told = [replace(one, name=name) for one, name in zip(made.series(), names, strict=True)]
    columns = Columns(
        tuple(names), made.row, made.period.astype("M8[us]").astype(np.int64),
        made.available_at.astype(np.int64), made.value, np.zeros(len(made.row), np.int8),
    )  # fmt: skip
    return World(seed, *with_mirror(columns, told))


def revised(columns: Columns, seed: int) -> Columns:
    """With a first vintage of a fifth of the values of the judged year, off by a little."""
    rng = np.random.default_rng([seed, 1])
    month = columns.periods.astype("M8[us]").astype("M8[M]")
    lag = columns.available.astype("M8[us]") - (month + 1).astype("M8[us]")
    recent = (month >= YEAR - 3) & (lag < np.timedelta64(60, "D"))
    again = np.flatnonzero(recent & (rng.random(len(month)) < REVISED))
    size = np.where(rng.random(len(again)) < LARGE_SHARE, LARGE, SMALL)
    first = columns.values[again] * np.exp(size * rng.normal(size=len(again)))
    by = rng.integers(1, 3, len(again))  # releases
    values, available = columns.values.copy(), columns.available.copy()
    later = (month[again] + 1 + by).astype("M8[us]") + lag[again]
    final = values[again].copy()
    values[again] = np.round(first, 2)
    return Columns(
        columns.names, np.append(columns.rows, columns.rows[again]),
        np.append(columns.periods, columns.periods[again]),
        np.append(available, later.astype(np.int64)), np.append(values, final),
        np.append(columns.calendar, columns.calendar[again]),
    )  # fmt: skip


def live(store: Store, given: World, fixed: Allocation | None = None) -> Year:
    """History first, then a release a month, as the pipeline does; `fixed`: that budget instead."""
    columns, year = revised(given.columns, given.seed), Year(allocation=fixed)
    ruleset, measurer = shipped_ruleset(BEFORE), Measurer(store)
    store.describe_series(given.told)
    store.save_columns(known(columns, None, BEFORE))
    store.mark_scored(store.waiting_series(BEFORE), BEFORE)
    since = BEFORE
    for now in LOOKS:
        store.save_columns(known(columns, since, now))
        with _budget(fixed):
            said = measurer.measure(ruleset, store.waiting_series(now), (), now)
        with store.begin() as tx:
            tx.save_detections(said.detections)
            tx.save_turns(said.turns)
            tx.mark_scored(said.read, now)
        year.detections += said.detections
        for turn in said.turns:
            year.tests[turn.detector] = year.tests.get(turn.detector, 0) + turn.tests
            year.expected[turn.detector] = year.expected.get(turn.detector, 0) + turn.expected
        since = now
    year.allocation = fixed or measurer.allocation(ruleset, store.summaries(), LOOKS[-1])
    return year


def opened(folder: str) -> Store:
    return Store.open(Path(folder))


def _budget(fixed: Allocation | None) -> AbstractContextManager[object]:
    """Within, the budget is shared out as it was elsewhere."""
    if fixed is None:
        return nullcontext()
    return patch.object(Measurer, "allocation", lambda *_: fixed)


# --------------------------------------------------------------------------- events


def injected(given: World, arm: int) -> tuple[World, tuple[Injected, ...]]:
    """An event in every item; from arm to arm each item gets another kind and size."""
    rng = np.random.default_rng([given.seed, 2, arm])
    names = given.columns.names
    rows = _imports(names)
    kg = np.array(["/import-kg/" in name for name in names], np.bool_)
    size = np.bincount(given.columns.rows, given.columns.values, len(names))
    month = given.columns.periods.astype("M8[us]").astype("M8[M]")
    values = given.columns.values.copy()
    truth = []
    for at, (item, mine) in enumerate(sorted(rows.items())):
        kind, left = CELLS[(at + arm * 5) % len(CELLS)]
        first = YEAR + int(rng.integers(0, 12 - LASTS + 1))
        lead = max((n for n in mine if kg[n]), key=lambda n: (size[n], n))
        place = names[lead].split("/")[2]
        during = (month >= first) & (month < first + LASTS)
        _change(values, given.columns, names, mine, place, kind, left, during)
        truth.append(Injected(item, kind, left, first))
    use = values > 0
    c = given.columns
    part = Columns(
        c.names, c.rows[use], c.periods[use], c.available[use], values[use], c.calendar[use]
    )
    return replace(given, columns=part), tuple(truth)


def _imports(names: Sequence[str]) -> dict[str, list[int]]:
    """By item: the rows that a disturbance of Korea's imports touches, the exporter's among them."""
    found: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        _, measure, place, item = name.split("/")
        if place.endswith("-KR") and measure in ("import-kg", "import-usd", "export-usd"):
            found.setdefault(item, []).append(at)
    return found


def _change(
    values: Floats, columns: Columns, names: Sequence[str], mine: Sequence[int], place: str,
    kind: str, left: float, during: NDArray[np.bool_],
) -> None:  # fmt: skip
    cells = {n: _cells(columns.rows, n, during) for n in mine}
    lead = {n for n in mine if names[n].split("/")[2] == place}
    if kind in ("stop", "surge"):
        for n in lead:
            values[cells[n]] *= left
    elif kind == "stop of all":
        for n in mine:
            values[cells[n]] *= left
    elif kind == "price":
        for n in mine:
            if not names[n].split("/")[1].endswith("-kg"):
                values[cells[n]] *= left
    else:
        _shifted(values, columns, names, mine, lead, left, cells)


def _shifted(
    values: Floats, columns: Columns, names: Sequence[str], mine: Sequence[int], lead: set[int],
    left: float, cells: Mapping[int, NDArray[np.intp]],
) -> None:  # fmt: skip
    """The others fall to `left`; the largest partner sells what they no longer do."""
    for n in lead:
        measure = names[n].split("/")[1]
        others = [m for m in mine if m not in lead and names[m].split("/")[1] == measure]
        lost = dict.fromkeys(columns.periods[cells[n]].tolist(), 0.0)
        for m in others:
            for cell in cells[m].tolist():
                gone = (1 - left) * values[cell]
                values[cell] -= gone
                period = int(columns.periods[cell])
                lost[period] = lost.get(period, 0.0) + gone
        for cell in cells[n].tolist():
            values[cell] += lost[int(columns.periods[cell])]


def _cells(rows: NDArray[np.int64], n: int, during: NDArray[np.bool_]) -> NDArray[np.intp]:
    return np.flatnonzero((rows == n) & during)


def events_seen(
    year: Year, truth: Sequence[Injected]
) -> Iterator[tuple[Injected, int | None, frozenset[str]]]:
    """(event, months from its first to the first that an alarm speaks of, detectors that spoke)."""
    by_item: dict[str, list[Detection]] = {}
    for one in year.detections:
        by_item.setdefault(one.series.rsplit("/", 1)[1], []).append(one)
    for event in truth:
        delays: list[int] = []
        who = set()
        for one in by_item.get(event.item, []):
            month = np.datetime64(one.period.replace(tzinfo=None), "M")
            delay = int((month - event.first).astype(int))
            if 0 <= delay < LASTS:
                delays.append(delay)
                who.add(one.detector)
        yield event, min(delays, default=None), frozenset(who)
