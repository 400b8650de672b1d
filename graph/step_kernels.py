"""The fast engines of the time-stepped model: many scenarios in blocks, one by what it moves.

All give the numbers of graph.steps: in float64 to 1e-12, in float32 to about 1e-6.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from graph.arrays import SupplyArrays
from graph.blocks import BlockOutcome, Column, Columns, Job, lay_out, run_laid
from graph.frontier import run_frontier
from graph.jit import HAVE_NUMBA
from graph.lanes import LANES
from graph.scenario import Outcome, Scenario, check_scenario
from graph.steps import run
from graph.sweeps import sweep

__all__ = ["LANES", "BlockOutcome", "run_block", "run_fast", "run_many"]


def run_many(
    arrays: SupplyArrays,
    scenarios: Sequence[Scenario],
    *,
    stocks: Columns | None = None,
    parts: Columns | None = None,
    classes: Columns | None = None,
    watch: Iterable[int] = (),
    market: bool = False,
    threshold: float | None = None,
    dtype: type = np.float32,
    how: str = "serial",
    workers: int | None = None,
) -> BlockOutcome:
    """Any number of scenarios of equal days, in blocks of 16; the same bits however it is run.

    `stocks` (days) and `classes` (g x B) and `parts` (m x B) take the place of the graph's own; or
    they are functions that make the columns of a range of scenario numbers, so that a thousand
    columns need not exist at once. A first day is one that loses more than `threshold`, by default
    1e-9 in float64 and 1e-6 in float32, which knows no smaller loss from rounding. `how` and `workers` are those of graph.sweeps. ValueError when
    nothing is asked, or days or shapes differ.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> chain = compile_arrays(2, [0], [1], [0], [365.0], stock=3.0, lead=2)
    >>> closed = scenario(8, [Hit(np.array([0]), 1.0)])
    >>> both = run_many(chain, [closed, closed], stocks=np.array([[3.0, 0.0]]), watch=[1])
    >>> both.first_day.tolist(), both.levels[-1].tolist()
    ([[0, 0], [6, 3]], [[0.0, 0.0]])
    """
    if not scenarios:
        raise ValueError("no scenario to run")
    for one in scenarios:
        check_scenario(arrays, one)
    laid = lay_out(arrays, watch, market, threshold, dtype)
    numbers = range(len(scenarios))
    blocks = [numbers[at : at + LANES] for at in range(0, len(scenarios), LANES)]
    jobs = [
        Job([scenarios[b] for b in own], own, *(_of(c, own) for c in (stocks, parts, classes)))
        for own in blocks
    ]
    done = sweep(run_laid, laid, jobs, how=how, workers=workers)
    return replace(
        done[0],
        lost_days=np.concatenate([one.lost_days for one in done], axis=1),
        first_day=np.concatenate([one.first_day for one in done], axis=1),
        curve=np.concatenate([one.curve for one in done], axis=1),
        levels=np.concatenate([one.levels for one in done], axis=2),
        residual=np.concatenate([one.residual for one in done]),
    )


def _of(columns: Columns | None, numbers: range) -> Columns | None:
    """What a block needs of the columns, so that no worker is sent those of others."""
    if columns is None or callable(columns):
        return columns
    return columns[:, numbers.start : numbers.stop]


def run_block(
    arrays: SupplyArrays,
    scenarios: Sequence[Scenario],
    *,
    stocks: Column | None = None,
    parts: Column | None = None,
    classes: Column | None = None,
    watch: Iterable[int] = (),
    market: bool = False,
    threshold: float | None = None,
    dtype: type = np.float32,
) -> BlockOutcome:
    """At most 16 scenarios, as `run_many` has them, stepped together.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> chain = compile_arrays(2, [0], [1], [0], [365.0], stock=1.0)
    >>> run_block(chain, [scenario(4, [Hit(np.array([0]), 0.75)])]).lost_days.tolist()
    [[3.0], [1.25]]
    """
    if not 1 <= len(scenarios) <= LANES:
        raise ValueError(f"a block has 1 to {LANES} scenarios, not {len(scenarios)}; see run_many")
    for one in scenarios:
        check_scenario(arrays, one)
    laid = lay_out(arrays, watch, market, threshold, dtype)
    return run_laid(laid, Job(scenarios, range(len(scenarios)), stocks, parts, classes))


def run_fast(
    arrays: SupplyArrays, scenario: Scenario, *, market: bool = False, theta: float = 0.0
) -> Outcome:
    """One scenario by the fastest engine that is here; `Outcome.engine` says which it was.

    `theta` is that of graph.frontier; the reference, taken where numba is missing, is exact.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> chain = compile_arrays(2, [0], [1], [0], [1.0], stock=3.0, lead=2)
    >>> run_fast(chain, scenario(8, [Hit(np.array([0]), 1.0)])).first_day().tolist()
    [0, 6]
    """
    if HAVE_NUMBA:
        return run_frontier(arrays, scenario, market=market, theta=theta)
    return run(arrays, scenario, market=market)
