"""A block: sixteen scenarios of the time-stepped model stepped together, reduced as they run.

A supplier's loss under sixteen scenarios is one row, a cache line of float32, hence each link is
read once a day for all of them. Only what is asked for is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph.arrays import ESSENTIAL, NON_ESSENTIAL, Floats, Ints, SupplyArrays
from graph.block_day import inputs_day, market_day, orders_day
from graph.jit import HAVE_NUMBA
from graph.lanes import LANES
from graph.scenario import Scenario
from graph.steps import first_loss, market_part, run

Values = NDArray[np.floating[Any]]
Days = NDArray[np.int32]
Column = NDArray[np.generic]  # one column per scenario
Columns = Column | Callable[[range], Column]  # or what makes those of a range of scenarios
Arrays = tuple[NDArray[Any], ...]

MOST_RAMPS = 4096  # kinds of ramp for which growth is laid out by day and scenario
# A float32 is rounded to a multiple of some 1e-27, as denormal numbers are slow to reckon with
TINY = {np.dtype(np.float32): 1e-20, np.dtype(np.float64): 0.0}


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


@dataclass(frozen=True, slots=True)
class Laid:
    """A graph as the compiled days read it, and what is asked of every block."""

    arrays: SupplyArrays
    watched: Ints
    market: bool
    threshold: float
    dtype: np.dtype[Any]
    groups: Arrays
    links: Arrays
    sales: Arrays  # by supplier: who buys, and what part of what the supplier makes
    ramps: Floats  # the different ramps
    substitutes: Arrays  # m: rho, and which of the ramps


@dataclass(frozen=True, slots=True)
class Job:
    """One block: its scenarios, their numbers in the run, and the columns that are their own."""

    scenarios: Sequence[Scenario]
    numbers: range
    stocks: Columns | None
    parts: Columns | None
    classes: Columns | None


def lay_out(
    arrays: SupplyArrays, watch: Iterable[int], market: bool, threshold: float | None, dtype: type
) -> Laid:
    """The graph and the question, ready for blocks. ValueError for a node or kind there is not.

    >>> from graph.arrays import compile_arrays
    >>> lay_out(compile_arrays(2, [0], [1], [0], [1.0], ramp=9), [], False, 0, np.float32).ramps
    array([9.])
    """
    kind, watched = np.dtype(dtype), np.array(list(watch), dtype=np.int64)
    if kind not in TINY:
        raise ValueError(f"a block reckons in float32 or float64, not {kind}")
    least = 1e-9 if kind == np.float64 else 1e-6  # float32 takes rounding for smaller losses
    if len(watched) and not (watched.min() >= 0 and watched.max() < arrays.nodes):
        raise ValueError(f"a watched node is outside 0..{arrays.nodes - 1}")
    ramps, ramp = np.unique(arrays.link_ramp, return_inverse=True)
    essential = (arrays.group_class == ESSENTIAL).astype(kind)
    nu = (arrays.group_part * (arrays.group_class == NON_ESSENTIAL)).astype(kind)
    return Laid(
        arrays=arrays,
        watched=watched,
        market=market,
        threshold=least if threshold is None else threshold,
        dtype=kind,
        groups=(
            *(arrays.group_start, arrays.group_class),
            *(essential, nu, arrays.group_stock.astype(kind)),
        ),
        links=(
            *(arrays.link_start, arrays.link_supplier, arrays.link_lead),
            arrays.link_part.astype(kind),
        ),
        sales=(
            *(arrays.sold_start, arrays.link_buyer[arrays.sold]),
            arrays.link_sold_part[arrays.sold].astype(kind),
            *(arrays.final.astype(kind), arrays.output),
        ),
        ramps=ramps,
        substitutes=(arrays.link_rho.astype(kind), ramp.astype(np.int32)),
    )


def run_laid(laid: Laid, job: Job) -> BlockOutcome:
    """The outcome of a job of at most sixteen scenarios.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> half = scenario(4, [Hit(np.array([0]), 0.5)])
    >>> laid = lay_out(compile_arrays(2, [0], [1], [0], [1.0]), [1], False, 1e-9, np.float64)
    >>> run_laid(laid, Job([half], range(1), None, None, None)).levels[:, 0, 0].tolist()
    [1.0, 0.5, 0.5, 0.5]
    """
    days = {one.days for one in job.scenarios}
    if len(days) != 1:
        raise ValueError(f"the scenarios of a run must have the same number of days, not {days}")
    columns = (
        _column("stocks", job.stocks, laid.arrays.groups, job.numbers),
        _column("parts", job.parts, laid.arrays.links, job.numbers),
        _column("classes", job.classes, laid.arrays.groups, job.numbers),
    )
    if HAVE_NUMBA and len(laid.ramps) <= MOST_RAMPS:
        return _together(laid, job.scenarios, *columns)
    return _in_turn(laid, job.scenarios, *columns)


def _column(name: str, columns: Columns | None, rows: int, numbers: range) -> Column | None:
    if columns is None:
        return None
    own = columns(numbers) if callable(columns) else columns
    if own.shape != (rows, len(numbers)):
        raise ValueError(f"{name} of a block have shape {own.shape}, not {(rows, len(numbers))}")
    return own


def _in_turn(
    laid: Laid,
    scenarios: Sequence[Scenario],
    stocks: Column | None,
    parts: Column | None,
    classes: Column | None,
) -> BlockOutcome:
    """Each scenario by graph.steps: without numba, or where nearly every link has its own ramp."""
    arrays, watched, kind = laid.arrays, laid.watched, laid.dtype
    runs = []
    for b, one in enumerate(scenarios):
        own = replace(
            arrays,
            group_stock=arrays.group_stock if stocks is None else stocks[:, b].astype(float),
            link_part=arrays.link_part if parts is None else parts[:, b].astype(float),
            group_class=arrays.group_class if classes is None else classes[:, b].astype(np.int8),
        )
        runs.append(run(own, one, market=laid.market))
    return BlockOutcome(
        lost_days=np.stack([(1.0 - r.level).sum(axis=0) for r in runs], axis=1).astype(kind),
        first_day=np.stack([r.first_day(laid.threshold) for r in runs], axis=1).astype(np.int32),
        curve=np.stack([r.curve(arrays) for r in runs], axis=1),
        watched=watched,
        levels=np.stack([r.level[:, watched] for r in runs], axis=2).astype(kind),
        residual=np.array([r.residual for r in runs]),
        engine="reference",
        switches=runs[0].switches,
    )


class Targets:
    """What the scenarios of a block do to nodes or links, as rows of the days that are in reach.

    `at` has 1 + the row of each target, 0 elsewhere; day t is row `t % depth * targets + row`.
    """

    def __init__(
        self, done: Sequence[tuple[Ints, Floats]], size: int, depth: int, kind: np.dtype[Any]
    ) -> None:
        hit = np.unique(np.concatenate([targets for targets, _ in done]))
        self.at = np.zeros(size, dtype=np.int32)
        self.at[hit] = np.arange(1, len(hit) + 1)
        self.rows = np.zeros((depth * len(hit), LANES), kind)
        self._depth, self._hit = depth, len(hit)
        self._at = np.concatenate([self.at[targets] - 1 for targets, _ in done])
        self._lane = np.repeat(np.arange(len(done)), [len(targets) for targets, _ in done])
        self._share = np.concatenate([share for _, share in done], axis=1)

    def turn_to(self, t: int) -> None:
        """Writes the rows of day t over those that have gone out of reach."""
        first = t % self._depth * self._hit
        self.rows[first + self._at, self._lane] = self._share[t]


def _together(
    laid: Laid,
    scenarios: Sequence[Scenario],
    stocks: Column | None,
    parts: Column | None,
    classes: Column | None,
) -> BlockOutcome:
    arrays, kind, n, days = laid.arrays, laid.dtype, laid.arrays.nodes, scenarios[0].days
    depth = min(int(arrays.link_lead.max(initial=0)), days) + 2
    hit = Targets([(s.nodes, s.psi) for s in scenarios], n, 1, kind)
    weak = Targets([(s.buyers, s.delta) for s in scenarios], n, 1, kind)
    cut = Targets([(s.links, s.phi) for s in scenarios], arrays.links, depth, kind)
    own = (*_classes(arrays, classes, kind), _rows(stocks, kind), _rows(parts, kind))
    growth = (_growth(laid.ramps, scenarios, kind), *laid.substitutes)
    cuts = (cut.rows, cut.at if len(cut.rows) else cut.at[:0])
    down = (np.zeros((depth * n, LANES), kind), np.zeros(depth * n, np.bool_))
    stores = (np.zeros((arrays.groups, LANES), kind), np.zeros(arrays.groups, np.bool_))
    up = (np.zeros((2 * n, LANES), kind), np.zeros(2 * n, np.bool_))
    lost_days, ends = np.zeros((n, LANES), kind), np.zeros((2 * n, LANES), kind)
    first_day, without = np.full((n, LANES), -1, np.int32), np.full(n, LANES, np.int16)
    curve, levels = np.zeros((days, LANES)), np.ones((days, len(laid.watched), LANES), kind)
    lost = (lost_days, first_day, without, curve, ends)
    units = (kind.type(1), kind.type(TINY[kind]))
    sells = np.zeros((int(arrays.sector.max(initial=-1)) + 1, LANES))
    for t in range(days):
        for targets in (hit, weak, cut):
            targets.turn_to(t)
        psi, delta = (hit.rows, hit.at), (weak.rows, weak.at)
        inputs_day(t, days, laid.groups, laid.links, own, growth, cuts, psi, *down, *stores, units)
        orders_day(
            t, days, laid.sales, psi, delta, down, *up, lost, (*units, kind.type(laid.threshold))
        )
        levels[t] = 1.0 - np.maximum(
            _today(*down, t, laid.watched, n), _today(*up, t, laid.watched, n)
        )
        if laid.market:
            market_day(t, (arrays.sector, market_part(arrays)), sells, *down)
    change = np.abs(ends[n:] - ends[:n]).max(axis=0, initial=0.0)
    wanted = len(scenarios)
    return BlockOutcome(
        lost_days=lost_days[:, :wanted],
        first_day=first_day[:, :wanted],
        curve=curve[:, :wanted],
        watched=laid.watched,
        levels=levels[:, :, :wanted],
        residual=change[:wanted].astype(np.float64),
        engine=f"block of {LANES}, {kind}",
        switches=f"separate; market {'on' if laid.market else 'off'}",
    )


def _today(rows: Values, marks: NDArray[np.bool_], t: int, nodes: Ints, n: int) -> Values:
    """The losses of these nodes on day t: rows that are not marked are of days gone by."""
    at = t % (len(marks) // n) * n + nodes
    return np.where(marks[at, None], rows[at], 0)


def _rows(columns: Column | None, kind: np.dtype[Any]) -> Values:
    """The columns as rows of sixteen; none if there are none."""
    if columns is None:
        return np.zeros((0, LANES), kind)
    rows = np.zeros((len(columns), LANES), kind)
    rows[:, : columns.shape[1]] = columns
    return rows


def _classes(arrays: SupplyArrays, classes: Column | None, kind: np.dtype[Any]) -> Arrays:
    """Rows by group: whether it is essential, and nu if it is not but of weight."""
    if classes is None:
        return _rows(None, kind), _rows(None, kind)
    nu = arrays.group_part[:, None] * (classes == NON_ESSENTIAL)
    return _rows(classes == ESSENTIAL, kind), _rows(nu, kind)


def _growth(ramps: Floats, scenarios: Sequence[Scenario], kind: np.dtype[Any]) -> Values:
    """Rows by ramp and day: how far substitution has come in each scenario."""
    onset = np.array([first_loss(one) for one in scenarios])
    since = np.maximum(0, np.arange(scenarios[0].days)[:, None] - onset)
    safe = np.where(ramps > 0, ramps, 1.0)[:, None, None]
    grown = np.where(ramps[:, None, None] > 0, -np.expm1(-since / safe), 1.0)
    return _rows(grown.reshape(-1, len(scenarios)), kind)
