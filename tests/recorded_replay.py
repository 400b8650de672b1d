"""The live service on the recorded series: release by release into a store, and measured there.

Each value is saved at the moment its source's calendar brings it, and `ews.measuring.Measurer`,
the code of the live service, judges what is new: nothing later is in the store. At the end
`differences` asks the full store for the same views as of sampled moments, and compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from unittest.mock import patch

import numpy as np

from alerts.rulebook import shipped_ruleset
from ews.detectors.alarms import Judged, judge
from ews.detectors.budget import Allocation
from ews.detectors.numeric import NUMERIC
from ews.detectors.panel import Bools, Panel
from ews.measuring import Measurer
from ews.measuring.turns import panel_at
from ews.model import Detection, Direction, Frequency, Observation, Series
from ews.storage import Store

# Daily prices alone make no look: they are measured together with the next release, by the week.
ALONE = frozenset({"eia", "fred"})
QUIET_DAYS = 7


@dataclass(frozen=True, slots=True)
class Test:
    """One value that one detector judged."""

    __test__ = False

    series: str
    detector: str
    period: np.datetime64  # first day
    frequency: Frequency
    known: np.datetime64
    direction: Direction
    p: float
    alpha: float


@dataclass(slots=True)
class Replay:
    """What the service would have said, oldest first."""

    tests: list[Test] = field(default_factory=list)
    detections: list[Detection] = field(default_factory=list)
    expected: float = 0.0  # sum of the alphas, as the live turns count it
    looks: int = 0
    panels: dict[tuple[datetime, tuple[str, ...]], Panel] = field(default_factory=dict)


def replay(
    store: Store, observations: Sequence[Observation], since: datetime, keep_every: int = 40
) -> Replay:
    """Save and measure from `since` on; what was known before is read without an alarm.

    Every `keep_every`-th look keeps its panels, for `differences`.
    """
    ruleset, measurer, found = shipped_ruleset(since), Measurer(store), Replay()
    ordered = sorted(observations, key=lambda one: (one.available_at, one.series, one.observed_at))
    _describe(store, ordered)
    past = [one for one in ordered if one.available_at < since]
    store.save_observations(past)
    before = since - timedelta(seconds=1)
    store.mark_scored(store.waiting_series(before), before)
    with patch("ews.measuring.turns.judge", _Spy(found, keep_every)):
        for now, new in looks(ordered[len(past) :]):
            store.save_observations(new)
            waiting = store.waiting_series(now)
            measured = measurer.measure(ruleset, waiting, (), now)
            store.mark_scored(measured.read, now)
            found.detections += measured.detections
            found.expected += sum(turn.expected for turn in measured.turns)
            found.looks += 1
    return found


@dataclass(frozen=True, slots=True)
class _Spy:
    """The live `judge`, which also writes down every test that it makes."""

    found: Replay
    keep_every: int

    def __call__(
        self, panel: Panel, mask: Bools, allocation: Allocation, *rest: Any, **named: Any
    ) -> list[Judged]:
        judged = judge(panel, mask, allocation, *rest, **named)
        for one in judged:
            self.found.tests += _tests(panel, one, allocation)
        fetched = panel.names and not {"hhi", "top-share", "gap"} & set(panel.measures())
        if self.found.looks % self.keep_every == 0 and fetched:
            self.found.panels[panel.now, panel.names] = panel
        return judged


def _tests(panel: Panel, judged: Judged, allocation: Allocation) -> Iterator[Test]:
    scores = judged.scores
    alphas = allocation.alphas_of(panel.names, scores.detector)
    for row, column in np.argwhere(judged.tested & ~np.isnan(judged.p)):
        yield Test(
            panel.names[row],
            scores.detector,
            panel.periods[column],
            panel.frequency,
            panel.known[row, column],
            Direction.UP if scores.up[row, column] else Direction.DOWN,
            float(judged.p[row, column]),
            float(alphas[row]),
        )


def looks(ordered: Sequence[Observation]) -> Iterator[tuple[datetime, list[Observation]]]:
    """(moment, what came since the last one): every release, daily prices with the next release."""
    waiting: list[Observation] = []
    last: datetime | None = None
    for now, some in groupby(ordered, key=lambda one: one.available_at):
        waiting += some
        alone = all(one.series.split("/", 1)[0] in ALONE for one in waiting)
        if alone and last is not None and now - last < timedelta(days=QUIET_DAYS):
            continue
        yield now, waiting
        waiting, last = [], now


def _describe(store: Store, observations: Iterable[Observation]) -> None:
    """Say of each series what its source's description says live: frequency and unit."""
    units = {one.series: one.unit for one in observations}
    store.describe_series(
        [
            Series(name, Frequency.DAY if daily(name) else Frequency.MONTH, unit)
            for name, unit in units.items()
        ]
    )


def daily(name: str) -> bool:
    return name.split("/", 1)[0] in ALONE | {"portwatch"}


def differences(store: Store, found: Replay, params: Mapping[str, float]) -> dict[str, float]:
    """How far the views that the full store gives of the kept moments lie from what was seen then:
    values, and the tails of every detector. inf when one holds a value that the other lacks."""
    worst = {"views": float(len(found.panels)), "values": 0.0, "tails": 0.0}
    for (now, names), then in found.panels.items():
        frequency = Frequency.DAY if then.frequency is Frequency.WEEK else then.frequency
        view = panel_at(store, names, frequency, now)
        worst["values"] = max(worst["values"], _gap(view.values, then.values))
        for detector in NUMERIC.values():
            seen = detector.score(then, params, None).tail
            worst["tails"] = max(
                worst["tails"], _gap(detector.score(view, params, None).tail, seen)
            )
    return worst


def _gap(one: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
         other: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:  # fmt: skip
    if one.shape != other.shape or not np.array_equal(np.isnan(one), np.isnan(other)):
        return float("inf")
    return float(np.max(np.abs(np.nan_to_num(one) - np.nan_to_num(other)), initial=0.0))
