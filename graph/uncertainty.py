"""How sure is it: many worlds run through one graph, their bands, and whether the bands hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import betabinom

from graph.arrays import Floats, Ints, SupplyArrays
from graph.bands import PERCENTILES, TOTAL, Bands, quantile
from graph.blocks import Job, Laid, lay_out, run_laid
from graph.lanes import LANES
from graph.scenario import Scenario
from graph.spreads import SpreadError, draw
from graph.step_kernels import run_fast
from graph.sweeps import sweep
from graph.worlds import Design, check, worlds

HIT_SHARE = 0.01  # of a day's normal output: a watch that loses more is hit
FEW_LINKS = 2_000  # up to which worlds are run in turn, in double precision; blocks win past it
MOST_NUMBERS = 250_000_000  # runs x days x watches that are held: 2 GB
SURE = 0.999  # of the bounds within which a right coverage falls


@dataclass(frozen=True, slots=True)
class Task:
    """What every worker of a Monte Carlo is given once."""

    arrays: SupplyArrays
    design: Design
    seed: int
    days: int
    watched: Ints  # U nodes, sorted
    output: csr_array  # U x W - 1: output of each watched node, by watch
    market: bool
    laid: Laid | None  # for blocks of worlds; None: each world is run on its own


def monte_carlo(
    arrays: SupplyArrays,
    design: Design,
    *,
    runs: int = 1000,
    seed: int = 0,
    days: int = 60,
    watch: Mapping[str, Ints] | None = None,
    hit_share: float = HIT_SHARE,
    market: bool = False,
    how: str = "serial",
    workers: int | None = None,
) -> Bands:
    """`runs` worlds of the design over `days` days, summed by watch (name: nodes) and in total.

    `how` and `workers` are those of `graph.sweeps.sweep`; the numbers are the same for all of
    them. SpreadError when the design does not fit the graph, or when nothing would be left to
    count, or too much to hold.

    >>> from graph.arrays import compile_arrays
    >>> from graph.spreads import fixed, pert
    >>> from graph.worlds import Blow
    >>> chain = compile_arrays(2, [0], [1], [0], [365.0], stock=3.0, output=[1.0, 10.0])
    >>> fire = Blow("capacity", np.array([0]), pert("magnitude", 0.2, 0.5, 0.9),
    ...             fixed("start", 0.0), fixed("duration", 99.0))
    >>> bands = monte_carlo(chain, Design((fire,), probability=0.5), runs=200, days=20,
    ...                     watch={"buyer": np.array([1])})
    >>> buyer = bands.of("buyer")
    >>> buyer.first_day, buyer.never   # its stock of 3 days lasts longer, the less is missing
    ((5.0, 6.0, 9.0), 0.0)
    >>> bool(buyer.weighted.mean == buyer.given.mean / 2), buyer.enough
    (True, False)
    """
    names = tuple(watch or {})
    if TOTAL in names:
        raise SpreadError(f"{TOTAL!r} is the total's own name; call the watch otherwise")
    if runs < 1 or days < 1:
        raise SpreadError(f"give at least one run and one day, not {runs} and {days}")
    if runs * days * (len(names) + 1) > MOST_NUMBERS:
        raise SpreadError(
            f"{runs} runs x {days} days x {len(names) + 1} watches do not fit: watch fewer"
        )
    task = task_of(arrays, design, seed, days, watch or {}, market)
    blocks = [range(at, min(at + LANES, runs)) for at in range(0, runs, LANES)]
    done = sweep(measure, task, blocks, how=how, workers=workers)
    return Bands(
        names=(TOTAL, *names),
        curves=np.concatenate([curves for curves, _, _ in done]),
        normal=np.append(arrays.output.sum(), task.output.sum(axis=0)),
        draws=draw(design.spreads, seed, runs),
        probability=design.probability,
        hit_share=hit_share,
        seed=seed,
        switches=done[0][2],
        residual=max(residual for _, residual, _ in done),
    )


def task_of(
    arrays: SupplyArrays,
    design: Design,
    seed: int,
    days: int,
    watch: Mapping[str, Ints],
    market: bool = False,
) -> Task:
    """A Monte Carlo, laid out to be run in parts. SpreadError as for `monte_carlo`.

    >>> from graph.arrays import compile_arrays
    >>> from graph.spreads import fixed
    >>> from graph.worlds import Blow
    >>> shut = Blow("capacity", np.array([0]), fixed("m", 1.0), fixed("s", 1.0), fixed("d", 9.0))
    >>> pair = compile_arrays(2, [0], [1], [0], [1.0], output=[1.0, 0.0])
    >>> measure(task_of(pair, Design((shut,)), 0, 3, {}), range(2))[0][:, :, 0].tolist()
    [[0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]
    """
    check(arrays, design)
    watched, output = _watched(arrays, watch)
    of = {doubt.of for doubt in design.doubts}
    together = arrays.links > FEW_LINKS and of <= {"stock", "class"}
    laid = lay_out(arrays, watched.tolist(), market, 0.0, np.float32) if together else None
    return Task(arrays, design, seed, days, watched, output, market, laid)


def measure(task: Task, block: range) -> tuple[Floats, float, str]:
    """The worlds of a block: curves (runs x T x W, currency a day), residual and switches."""
    made = worlds(task.arrays, task.design, task.seed, block, task.days)
    return _in_turn(task, made) if task.laid is None else _together(task, task.laid, made, block)


def _in_turn(task: Task, made: list[tuple[SupplyArrays, Scenario]]) -> tuple[Floats, float, str]:
    outcomes = [run_fast(graph, scenario, market=task.market) for graph, scenario in made]
    curves = []
    for outcome in outcomes:
        at = np.searchsorted(outcome.nodes, task.watched)
        moved = np.append(outcome.nodes, -1)[at] == task.watched
        by_watch = (1.0 - outcome.level[:, at[moved]]) @ task.output[moved]
        curves.append(np.column_stack((outcome.curve(task.arrays), by_watch)))
    return np.stack(curves), max(one.residual for one in outcomes), outcomes[0].switches


def _together(
    task: Task, laid: Laid, made: list[tuple[SupplyArrays, Scenario]], block: range
) -> tuple[Floats, float, str]:
    of = {doubt.of for doubt in task.design.doubts}

    def columns(name: str, wanted: bool) -> NDArray[np.generic] | None:
        return np.stack([getattr(g, name) for g, _ in made], axis=1) if wanted else None

    job = Job(
        scenarios=[scenario for _, scenario in made],
        numbers=block,
        stocks=columns("group_stock", bool(of)),
        parts=columns("link_part", "class" in of),
        classes=columns("group_class", "class" in of),
    )
    outcome = run_laid(laid, job)
    lost = 1.0 - outcome.levels.astype(np.float64)  # T x U x B
    curves = [
        np.column_stack((outcome.curve[:, b], lost[:, :, b] @ task.output))
        for b in range(len(made))
    ]
    return np.stack(curves), float(outcome.residual.max()), outcome.switches


def _watched(arrays: SupplyArrays, watch: Mapping[str, Ints]) -> tuple[Ints, csr_array]:
    parts = [np.unique(np.asarray(nodes, dtype=np.int64)) for nodes in watch.values()]
    for name, nodes in zip(watch, parts, strict=True):
        if not len(nodes) or nodes[0] < 0 or nodes[-1] >= arrays.nodes:
            raise SpreadError(f"watch {name!r} names no node, or one outside of the graph")
    every = np.concatenate([np.zeros(0, dtype=np.int64), *parts])
    watched = np.unique(every)
    column = np.repeat(np.arange(len(parts)), [len(nodes) for nodes in parts])
    where = (np.searchsorted(watched, every), column)
    shape = (len(watched), len(parts))
    return watched, csr_array((arrays.output[every], where), shape=shape)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often the truth lay within P5..P95 of one watch's loss."""

    name: str
    inside: int
    worlds: int
    bounds: tuple[int, int]  # of `inside`, which a right prior keeps in 99.9 % of all checks
    below: int  # truths under P5
    above: int  # truths over P95

    @property
    def share(self) -> float:
        return self.inside / self.worlds

    @property
    def holds(self) -> bool:
        """Losses that pile up on one value can only be covered more often than 90 %."""
        return self.inside >= self.bounds[0]


def coverage(
    arrays: SupplyArrays,
    prior: Design,
    truth: Design,
    *,
    worlds: int = 400,
    runs: int = 400,
    seed: int = 0,
    days: int = 60,
    watch: Mapping[str, Ints] | None = None,
    how: str = "serial",
) -> list[Coverage]:
    """By watch, total first: bands from the prior, counted against true worlds they never saw.

    The worlds are drawn from `truth`: the prior itself, or a world about which the prior is
    wrong. The truths have random numbers of their own (give a seed below 2**63). The bounds are those of the beta-binomial
    law: the 90 % between two order statistics of `runs` draws are themselves uncertain.

    >>> from graph.arrays import compile_arrays
    >>> from graph.spreads import fixed, pert
    >>> from graph.worlds import Blow
    >>> def fire(mode):
    ...     return Design((Blow("capacity", np.array([0]), pert("magnitude", 0.1, mode, 0.9),
    ...                         fixed("start", 0.0), fixed("duration", 5.0)),))
    >>> one = compile_arrays(1, [], [], [], [], output=1.0)
    >>> [c.holds for c in coverage(one, fire(0.5), fire(0.5), worlds=200, runs=200, days=5)]
    [True]
    >>> [c.holds for c in coverage(one, fire(0.2), fire(0.8), worlds=200, runs=200, days=5)]
    [False]
    """
    bands = monte_carlo(arrays, prior, runs=runs, seed=seed, days=days, watch=watch, how=how)
    true = monte_carlo(
        arrays, truth, runs=worlds, seed=seed + 2**63, days=days, watch=watch, how=how
    )
    return [_covered(bands, true, name) for name in bands.names]


def _covered(bands: Bands, true: Bands, name: str) -> Coverage:
    losses, truths = bands.losses(name), true.losses(name)
    low, high = quantile(losses, PERCENTILES[0]), quantile(losses, PERCENTILES[-1])
    below, above = int((truths < low).sum()), int((truths > high).sum())
    n = len(losses)
    ranks = round(0.9 * n)  # from the order statistic of P5 to that of P95
    law = betabinom(len(truths), ranks, n - ranks + 1)
    least, most = law.interval(SURE)
    return Coverage(
        name, len(truths) - below - above, len(truths), (int(least), int(most)), below, above
    )
