"""Many scenarios of the time-stepped model at once: blocks of them, reduced as they run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from graph.arrays import Floats, Ints, SupplyArrays
from graph.scenario import Scenario
from graph.steps import run

Values = NDArray[np.floating]
Days = NDArray[np.int16]
LANES = 16  # float32 of one cache line: scenarios that are stepped together
# A column per scenario, or a function that makes the columns of a range of scenarios
Columns = NDArray[np.generic] | Callable[[range], NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class BlockOutcome:
    """B scenarios of T days on a graph of n nodes, in the order given."""

    lost_days: Values  # n x B: sum over the days of 1 - h
    first_day: Days  # n x B: first day that loses more than the threshold; -1 never
    curve: Floats  # T x B: loss of all nodes on each day, currency
    watched: Ints  # W: the nodes that were asked for, in that order
    levels: Values  # T x W x B: their level h
    residual: Floats  # B: greatest change of the last day
    engine: str
    switches: str

    def loss(self, arrays: SupplyArrays) -> Floats:
        """n x B: V, loss of each node over the horizon, currency."""
        return np.asarray(self.lost_days * arrays.output[:, None], dtype=np.float64)


def run_block(
    arrays: SupplyArrays,
    scenarios: Sequence[Scenario],
    *,
    stocks: NDArray[np.generic] | None = None,
    parts: NDArray[np.generic] | None = None,
    classes: NDArray[np.generic] | None = None,
    watch: Iterable[int] = (),
    market: bool = False,
    threshold: float = 1e-9,
    dtype: type = np.float32,
) -> BlockOutcome:
    """All scenarios (B, of equal days) together; `stocks` and `classes` (g x B) and `parts` (m x B)
    take the place of the graph's own where they are given. ValueError on unequal days or shapes.
    """
    watched = np.array(list(watch), dtype=np.int64)
    runs = []
    for b, scenario in enumerate(scenarios):
        own = replace(
            arrays,
            group_stock=arrays.group_stock if stocks is None else stocks[:, b].astype(float),
            link_part=arrays.link_part if parts is None else parts[:, b].astype(float),
            group_class=arrays.group_class if classes is None else classes[:, b].astype(np.int8),
        )
        runs.append(run(own, scenario, market=market))
    return BlockOutcome(
        lost_days=np.stack([(1.0 - r.level).sum(axis=0) for r in runs], axis=1).astype(dtype),
        first_day=np.stack([r.first_day(threshold) for r in runs], axis=1).astype(np.int16),
        curve=np.stack([r.curve(arrays) for r in runs], axis=1),
        watched=watched,
        levels=np.stack([r.level[:, watched] for r in runs], axis=2).astype(dtype),
        residual=np.array([r.residual for r in runs]),
        engine="reference",
        switches=runs[0].switches,
    )


def run_many(
    arrays: SupplyArrays,
    scenarios: Sequence[Scenario],
    *,
    stocks: Columns | None = None,
    parts: Columns | None = None,
    classes: Columns | None = None,
    watch: Iterable[int] = (),
    market: bool = False,
    threshold: float = 1e-9,
    dtype: type = np.float32,
    how: str = "serial",
) -> BlockOutcome:
    """Any number of scenarios, in blocks of 16; bit for bit the same for every `how`.

    `stocks`, `parts` and `classes` are as in `run_block`, or a function that makes the columns of
    a range of scenario numbers, called where the block runs: a thousand columns need not exist at
    once.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> chain = compile_arrays(2, [0], [1], [0], [365.0], stock=3.0, lead=2)
    >>> closed = scenario(8, [Hit(np.array([0]), 1.0)])
    >>> both = run_many(chain, [closed, closed], stocks=np.array([[3.0, 0.0]]), watch=[1])
    >>> both.first_day.tolist(), both.levels[-1].tolist()
    ([[0, 0], [6, 3]], [[0.0, 0.0]])
    """

    def of(columns: Columns | None, block: range) -> NDArray[np.generic] | None:
        if callable(columns):
            return columns(block)
        return None if columns is None else columns[:, block.start : block.stop]

    watched = list(watch)
    blocks = [range(at, min(at + LANES, len(scenarios))) for at in range(0, len(scenarios), LANES)]
    done = [
        run_block(
            arrays,
            [scenarios[b] for b in block],
            stocks=of(stocks, block),
            parts=of(parts, block),
            classes=of(classes, block),
            watch=watched,
            market=market,
            threshold=threshold,
            dtype=dtype,
        )
        for block in blocks
    ]
    return BlockOutcome(
        lost_days=np.concatenate([d.lost_days for d in done], axis=1),
        first_day=np.concatenate([d.first_day for d in done], axis=1),
        curve=np.concatenate([d.curve for d in done], axis=1),
        watched=done[0].watched,
        levels=np.concatenate([d.levels for d in done], axis=2),
        residual=np.concatenate([d.residual for d in done]),
        engine=done[0].engine,
        switches=done[0].switches,
    )
