"""One turn of the numeric detectors: what is new among the values known now, and what it says.

Pure detectors judge; here is read what they need, and the budget shared out. Nothing is written.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from ews.detectors.alarms import judge, tested
from ews.detectors.budget import Allocation
from ews.detectors.calibration import class_of, shipped
from ews.detectors.derived import derive
from ews.detectors.fusion_match import Reading
from ews.detectors.panel import Days, Panel, blocks, panel_of
from ews.detectors.readings import awaited, readings
from ews.detectors.stopped import filled
from ews.measuring.codes import items_by_code, items_of
from ews.measuring.monitored import TRADE, numbers
from ews.measuring.pauses import pausing
from ews.measuring.shares import shared_out, written
from ews.model import Detection, DetectorTurn, Event, Frequency, RuleSet, series_parts
from ews.storage import Store
from ews.storage.series_rows import Summary, Waiting

HISTORY = {  # of its own past that a detector reads, by frequency
    Frequency.DAY: timedelta(days=4 * 366),
    Frequency.WEEK: timedelta(days=8 * 366),
    Frequency.MONTH: timedelta(days=10 * 366),
    Frequency.QUARTER: timedelta(days=15 * 366),
    Frequency.YEAR: timedelta(days=30 * 366),
}
CHUNK = 6_000  # series in memory at once, about
WEEK_ENDS = 5  # Saturday: PortWatch's Tuesday release ends on one, markets have closed by then


@dataclass(frozen=True, slots=True)
class Measured:
    """What the detectors said in one turn, and which series they read."""

    detections: tuple[Detection, ...] = ()
    turns: tuple[DetectorTurn, ...] = ()
    readings: Mapping[str, Reading] = field(default_factory=dict)
    read: tuple[Waiting, ...] = ()
    shares: str = ""  # to be kept at `shares.KEY`


@dataclass(slots=True)
class Measurer:
    """Measures again and again; remembers the shared-out budget while nothing about it changes."""

    store: Store
    _key: tuple[object, ...] = ()
    _allocation: Allocation | None = None

    def measure(
        self, ruleset: RuleSet, new: Sequence[Waiting], events: Collection[Event], now: datetime
    ) -> Measured:
        """Judge what is new among the values known at `now`: of the series `new`, and of what
        follows from them. `events` are open and may wait for it."""
        waiting = {one.name: one for one in new}
        if not waiting:
            return Measured()
        with uncollected():
            summaries = self.store.summaries()
            allocation = self.allocation(ruleset, summaries, now)
            turn = _Turn(self.store, allocation, numbers(ruleset), events, now)
            for one in pausing(summaries, waiting):
                waiting.setdefault(one.name, Waiting(one.name, one.saved, one.scored_until))
            for group in grouped(summaries, waiting):
                turn.read(group)
        return Measured(
            tuple(turn.detections), turn.together(), turn.readings, tuple(waiting.values()),
            written(allocation.limits, ruleset, len(summaries), now),
        )  # fmt: skip

    def allocation(self, ruleset: RuleSet, summaries: list[Summary], now: datetime) -> Allocation:
        """The false-alarm budget, shared out over every series that is monitored at `now`."""
        key = (ruleset.version, now.date(), len(summaries))
        if self._allocation is None or key != self._key:
            self._allocation = shared_out(self.store, ruleset, summaries, now)
            self._key = key
        return self._allocation


@contextmanager
def uncollected() -> Iterator[None]:
    """Without looking for reference cycles: a turn over all series makes hundreds of thousands of
    objects that last and no cycle, and the looking took a tenth of its time."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


@dataclass(slots=True)
class _Turn:
    store: Store
    allocation: Allocation
    params: Mapping[str, float]
    events: Collection[Event]
    now: datetime
    detections: list[Detection] = field(default_factory=list)
    readings: dict[str, Reading] = field(default_factory=dict)
    _sums: dict[str, list[float]] = field(default_factory=dict)

    def read(self, group: list[Summary]) -> None:
        """Judge one panel and, for trade, what follows from it."""
        until = {one.name: one.scored_until for one in group}
        made_up = frozenset(one.name for one in group if one.synthetic)
        panel = panel_at(self.store, tuple(until), group[0].frequency, self.now)
        self._judge(panel, _moments([until[name] for name in panel.names]), made_up)
        if group[0].frequency is Frequency.MONTH and class_of(group[0].measure) in TRADE:
            self._derived(panel, until, made_up)

    def _derived(
        self, panel: Panel, until: Mapping[str, datetime | None], made_up: frozenset[str]
    ) -> None:
        whole = derive(panel)
        newest: dict[str, datetime] = {}  # by item: when any of it was read last
        for name, at in until.items():
            item = series_parts(name)[3]
            if at is not None:
                newest[item] = max(at, newest.get(item, at))
        when = _moments([newest.get(series_parts(name)[3]) for name in whole.names])
        made = frozenset(name for name in whole.names if name.startswith("synthetic/"))
        self._judge(whole, when, made | made_up)

    def _judge(self, panel: Panel, until: Days, made_up: frozenset[str]) -> None:
        whole = filled(panel)
        mask = tested(whole, until)
        judged = judge(
            panel, mask, self.allocation, shipped(), self.params, items_of, made_up, whole
        )
        for one in judged:
            self.detections += one.detections
            sums = self._sums.setdefault(one.turn.detector, [0, 0.0, 0])
            for at, number in enumerate((one.turn.tests, one.turn.expected, one.turn.alarms)):
                sums[at] += number
        if self.events and (wanted := awaited(panel.names, self.events, items_by_code()) - made_up):
            self.readings |= readings(whole, judged, wanted)

    def together(self) -> tuple[DetectorTurn, ...]:
        """One turn a detector, over all panels."""
        return tuple(
            DetectorTurn(name, self.now, int(tests), expected, int(alarms))
            for name, (tests, expected, alarms) in sorted(self._sums.items())
        )


def grouped(
    summaries: Iterable[Summary], waiting: Mapping[str, Waiting]
) -> Iterator[list[Summary]]:
    """Series that are read side by side, those that wait and those that they are compared with.

    Trade: everything of an item, because shares and gaps need all its partners. Others: the series
    of one provider, measure and frequency.
    """
    groups: dict[tuple[str, ...], list[Summary]] = defaultdict(list)
    touched: set[tuple[str, ...]] = set()
    trade: dict[str, bool] = {}  # by measure
    for one in summaries:
        if one.measure not in trade:
            trade[one.measure] = class_of(one.measure) in TRADE
        key: tuple[str, ...] = (
            ("trade", one.frequency.value, one.item) if trade[one.measure]
            else (one.provider, one.frequency.value, one.measure)
        )  # fmt: skip
        groups[key].append(one)
        if one.name in waiting:
            touched.add(key)
    batch: dict[str, list[Summary]] = defaultdict(list)
    for key in sorted(touched):
        if key[0] != "trade":
            yield groups[key]
            continue
        mine = batch[key[1]]
        mine += groups[key]
        if len(mine) >= CHUNK:
            yield batch.pop(key[1])
    yield from batch.values()


def panel_at(store: Store, names: tuple[str, ...], frequency: Frequency, now: datetime) -> Panel:
    """The series as known at `now`; days become weeks."""
    got = store.columns(now, names, now - HISTORY[frequency], by_day=True)
    panel = panel_of(
        got.names, frequency, got.rows, got.periods.astype("M8[us]").astype("M8[D]"),
        got.available.astype("M8[us]"), got.values, now,
    )  # fmt: skip
    return blocks(panel, ends=WEEK_ENDS) if frequency is Frequency.DAY else panel


def _moments(moments: Collection[datetime | None]) -> Days:
    given = [
        np.datetime64("NaT") if at is None else np.datetime64(at.replace(tzinfo=None))
        for at in moments
    ]
    return np.array(given, "M8[us]")
