"""Which engine answers an ESRI question, and the question itself: of some shocks, or of all firms.

Few shocks, or losses node by node: changes are pushed, and most links are never read (`push`).
Many shocks: sixteen at a time, each link read once for all of them (`block` in float32, `block64`).
Without numba: sparse matrices (`scipy`). All give the numbers of `graph.esri.esri`: push and
block64 to 1e-12, block to 1e-6 where losses fade in few sweeps. What a sweep leaves unsent adds up
over the sweeps, so that `auto` takes block only where theta times their number stays below 1e-6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graph import block_kernels, kernels
from graph.arrays import Floats, Ints, SupplyArrays
from graph.esri import EsriError, ask_for_final_demand, checked, esri, sold_part, weight_shares
from graph.jit import HAVE_NUMBA
from graph.lanes import LANES
from graph.operators import Numbers, Operators, operators
from graph.sweeps import sweep

SINGLE = 1e-6  # what float32 may be off by
FEW = LANES // 2  # fewer shocks than half a block are cheaper one by one
UNSENT = 1e-13  # theta of float64: far below eps, and a tenth of what engines may differ by
JOB_BLOCKS = 32  # blocks a job: room for a block is made once a job


class Shocks(NamedTuple):
    """b shocks: shock k takes psi[start[k]:start[k + 1]] of the nodes of the same places."""

    start: Ints  # b + 1
    node: Numbers
    psi: Floats  # 0 < psi <= 1


@dataclass(frozen=True, slots=True)
class Systemic:
    """ESRI of b shocks, each at the sweep at which it stopped for itself."""

    esri: Floats  # b: sum of w max(l^d, l^u), 0..1
    esri_down: Floats  # b: sum of w l^d
    esri_up: Floats  # b: sum of w l^u
    sweeps: Ints  # b
    residual: Floats  # b: greatest increase of a loss in the last sweep
    converged: NDArray[np.bool_]  # b: residual <= eps; False: max_sweeps came first
    links_read: int  # by all sweeps together; a block of sixteen reads a link once
    engine: str  # push, block, block64, scipy or networkx
    switches: str
    down: Floats  # n x b: l^d, where losses were asked for; else n x 0
    up: Floats  # n x b: l^u, likewise


class Terms(TypedDict, total=False):
    """What may be said of an ESRI question; the words are those of `graph.esri.esri`."""

    eps: float
    market: bool
    leak: bool
    down: bool
    up: bool
    weights: ArrayLike | None
    max_sweeps: int
    engine: str  # auto, push, block, block64, scipy or networkx
    theta: float | None  # changes below it are not passed on; None: what the engine rounds away


def engine_for(shocks: int, *, losses: bool) -> str:
    """The engine that `auto` stands for.

    >>> engine_for(1, losses=False) in ("push", "scipy")
    True
    """
    if not HAVE_NUMBA:
        return "scipy"
    return "push" if losses or shocks < FEW else "block"


def esri_of(
    arrays: SupplyArrays, psi: ArrayLike, *, losses: bool = True, **terms: Unpack[Terms]
) -> Systemic:
    """ESRI of one shock (n values of psi, 0..1) or of b (n x b), with the losses of every node.

    A shock stops when no loss rises by more than eps (default 1e-6) in a sweep. `losses=False`
    spares the n x b table, so that many shocks may go sixteen at a time. EsriError as in
    `graph.esri.esri`, and for an engine that is unknown.

    >>> from graph.arrays import compile_arrays
    >>> chain = compile_arrays(3, [0, 1], [1, 2], [0, 1], [1.0, 1.0])
    >>> out = esri_of(chain, [0.0, 1.0, 0.0])
    >>> out.down[:, 0].tolist(), out.up[:, 0].tolist(), out.sweeps.tolist()
    ([0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [2])
    """
    table = checked(arrays, psi, terms.get("eps", 1e-6), "increase")
    shock, node = np.nonzero(table.T)
    start = np.searchsorted(shock, np.arange(table.shape[1] + 1))
    shocks = Shocks(start.astype(np.int64), node.astype(np.uint32), table[node, shock])
    return _answered(arrays, shocks, losses, "serial", None, terms)


def esri_all(
    arrays: SupplyArrays,
    closed: ArrayLike | None = None,
    *,
    how: str = "serial",
    workers: int | None = None,
    **terms: Unpack[Terms],
) -> Systemic:
    """ESRI of the closure of each node alone, or of those in `closed`, in their order.

    `how` and `workers` are those of `graph.sweeps.sweep`: serial, pool and ray give the same bits.

    >>> from graph.arrays import compile_arrays
    >>> chain = compile_arrays(3, [0, 1], [1, 2], [0, 1], [1.0, 1.0])
    >>> esri_all(chain).esri.tolist(), esri_all(chain, [2]).esri.tolist()
    ([1.0, 1.0, 1.0], [1.0])
    """
    which = np.arange(arrays.nodes) if closed is None else np.asarray(closed, dtype=np.int64)
    if len(which) and not 0 <= which.min() <= which.max() < arrays.nodes:
        raise EsriError(f"a node to close lies outside 0..{arrays.nodes - 1}")
    start, psi = np.arange(len(which) + 1), np.ones(len(which))
    return _answered(
        arrays, Shocks(start, which.astype(np.uint32), psi), False, how, workers, terms
    )


class _Plan(NamedTuple):
    """What each worker reads."""

    packed: Operators
    weights: Floats  # n, shares, in the new numbers
    eps: float
    theta: float
    max_sweeps: int
    losses: bool


class _Part(NamedTuple):
    """What a worker answers: the fields of Systemic, of some of the shocks."""

    esri: Floats
    esri_down: Floats
    esri_up: Floats
    sweeps: Ints
    residual: Floats
    links_read: int
    down: Floats
    up: Floats


def _answered(
    arrays: SupplyArrays,
    shocks: Shocks,
    losses: bool,
    how: str,
    workers: int | None,
    terms: Terms,
) -> Systemic:
    engine = terms.get("engine", "auto")
    eps = terms.get("eps", 1e-6)
    if not eps > 0:
        raise EsriError(f"eps must be positive, not {eps:g}: losses only come close to their limit")
    most = terms.get("max_sweeps", 10_000)
    if most < 1:
        raise EsriError(f"max_sweeps must be 1 or more, not {most}: no sweep gives no answer")
    if engine == "auto":
        engine = engine_for(len(shocks.start) - 1, losses=losses)
        if engine == "block" and (eps < SINGLE or unsent_bound(arrays, "block", terms) > SINGLE):
            engine = "block64"
    if engine not in ENGINES:
        raise EsriError(f"unknown engine {engine!r}; use one of auto, {', '.join(ENGINES)}")
    if losses and engine.startswith("block"):
        raise EsriError(f"{engine} keeps no losses by node: ask for push, or for losses=False")
    if terms.get("up", True) and terms.get("leak", True):
        ask_for_final_demand(arrays)
    work, each = ENGINES[engine]
    if engine in ("scipy", "networkx"):
        told: Any = (arrays, losses, {**terms, "engine": engine})
    else:
        told = _plan(arrays, engine, losses, terms)
        shocks = shocks._replace(node=told.packed.number[shocks.node].astype(np.uint32))
    parts = sweep(work, told, _split(shocks, each), how=how, workers=workers)
    return _together(parts, engine, eps, arrays, losses, terms)


def unsent_bound(arrays: SupplyArrays, engine: str, terms: Terms) -> float:
    """By how much what is not passed on may lower an upstream loss: theta by the most sweeps.

    With f the least final-demand share, sweeps are at most log eps / log(1 - f), and theta a sweep
    adds up to theta / f at most. Downstream and with a market it is what sweeps make of it.

    >>> from graph.arrays import compile_arrays
    >>> chain = compile_arrays(3, [0, 1], [1, 2], [0, 1], [1.0, 1.0], final=0.5)
    >>> unsent_bound(chain, "block", {"eps": 1e-6})
    2e-08
    """
    theta = _theta(engine, terms)
    if not theta or engine in ("scipy", "networkx"):
        return 0.0
    part = sold_part(arrays, terms.get("leak", True))
    kept = np.bincount(arrays.link_supplier, part, arrays.nodes).max(initial=0.0)
    most = float(terms.get("max_sweeps", 10_000))
    if terms.get("up", True):
        return float(theta * min(most, 1 / (1 - kept) if kept < 1 else most))
    return theta


def _theta(engine: str, terms: Terms) -> float:
    given = terms.get("theta")
    if given is not None:
        return given
    eps = terms.get("eps", 1e-6)
    return eps / 100 if engine == "block" else min(UNSENT, eps / 100)


def _plan(arrays: SupplyArrays, engine: str, losses: bool, terms: Terms) -> _Plan:
    packed = operators(
        arrays,
        market=terms.get("market", False),
        leak=terms.get("leak", True),
        down=terms.get("down", True),
        up=terms.get("up", True),
    )
    given = terms.get("weights")
    weights = np.empty(arrays.nodes)
    weights[packed.number] = weight_shares(
        arrays.sold_weight if given is None else given, arrays.nodes
    )
    eps, theta = terms.get("eps", 1e-6), _theta(engine, terms)
    if engine == "block":
        packed = block_kernels.packed_as(packed, np.float32)
    return _Plan(packed, weights, eps, theta, terms.get("max_sweeps", 10_000), losses)


def _split(shocks: Shocks, each: int) -> list[Shocks]:
    start = shocks.start
    return [
        Shocks(
            start[at : at + each + 1] - start[at],
            shocks.node[start[at] : start[min(at + each, len(start) - 1)]],
            shocks.psi[start[at] : start[min(at + each, len(start) - 1)]],
        )
        for at in range(0, len(start) - 1, each)
    ]


def _pushed(plan: _Plan, shocks: Shocks) -> _Part:
    packed, weights, count = plan.packed, plan.weights, len(shocks.start) - 1
    down, up = kernels.room(packed.down), kernels.room(packed.up)
    left = kernels.left(packed.market)
    sums, residual = np.zeros((3, count)), np.zeros(count)
    sweeps, read = np.zeros(count, np.int64), 0
    kept_down, kept_up = np.zeros((2, len(weights), count if plan.losses else 0))
    for k in range(count):
        of = slice(shocks.start[k], shocks.start[k + 1])
        sweeps[k], residual[k] = kernels.spread(
            packed, shocks.node[of], shocks.psi[of], *plan[2:5], down, up, left
        )
        sums[:, k] = kernels.totals(weights, down, up)
        read += int(down.counts[kernels.TOUCHED] + up.counts[kernels.TOUCHED])
        if plan.losses:
            kept_down[:, k], kept_up[:, k] = down.loss[packed.number], up.loss[packed.number]
        if k + 1 < count:
            kernels.clear(packed, down, up, left)
    return _Part(sums[0], sums[1], sums[2], sweeps, residual, read, kept_down, kept_up)


def _in_blocks(plan: _Plan, shocks: Shocks) -> _Part:
    packed, count = plan.packed, len(shocks.start) - 1
    nodes, kind = len(plan.weights), packed.down.pull_part.dtype
    down, up = block_kernels.block(nodes, kind), block_kernels.block(nodes, kind)
    left, told = block_kernels.remains(packed.market, kind), block_kernels.answers()
    sums, residual = np.zeros((3, count)), np.zeros(count)
    sweeps, read = np.zeros(count, np.int64), 0
    lane_of = (np.arange(count) % LANES).astype(np.uint32)
    lane_of = np.repeat(lane_of, np.diff(shocks.start))
    for at in range(0, count, LANES):
        until = min(at + LANES, count)
        of = slice(shocks.start[at], shocks.start[until])
        block_kernels.spread_block(
            packed,
            shocks.node[of],
            lane_of[of],
            shocks.psi[of],
            plan.weights,
            *plan[2:5],
            down,
            up,
            left,
            told,
        )
        some = slice(0, until - at)
        sums[:, at:until] = told.esri[some], told.down[some], told.up[some]
        sweeps[at:until], residual[at:until] = told.sweeps[some], told.residual[some]
        read += int(told.touched[0])
    none = np.zeros((nodes, 0))
    return _Part(sums[0], sums[1], sums[2], sweeps, residual, read, none, none)


def _by_matrices(told: tuple[SupplyArrays, bool, dict[str, Any]], shocks: Shocks) -> _Part:
    arrays, losses, terms = told
    psi = np.zeros((arrays.nodes, len(shocks.start) - 1))
    psi[shocks.node, np.repeat(np.arange(psi.shape[1]), np.diff(shocks.start))] = shocks.psi
    out = esri(arrays, psi, **{key: terms[key] for key in terms if key != "theta"})
    read = int(out.sweeps.sum()) * arrays.links
    sums = out.esri, out.esri_down, out.esri_up
    kept = slice(None) if losses else slice(0)  # a table for each shock would be n x n for all
    return _Part(
        *sums, out.sweeps, out.residual, read, out.down[:, kept].copy(), out.up[:, kept].copy()
    )


def _together(
    parts: Sequence[_Part],
    engine: str,
    eps: float,
    arrays: SupplyArrays,
    losses: bool,
    terms: Terms,
) -> Systemic:
    residual = np.concatenate([np.zeros(0), *(part.residual for part in parts)])
    none = np.zeros((arrays.nodes, 0))
    return Systemic(
        esri=np.concatenate([np.zeros(0), *(part.esri for part in parts)]),
        esri_down=np.concatenate([np.zeros(0), *(part.esri_down for part in parts)]),
        esri_up=np.concatenate([np.zeros(0), *(part.esri_up for part in parts)]),
        sweeps=np.concatenate([np.zeros(0, np.int64), *(part.sweeps for part in parts)]),
        residual=residual,
        converged=residual <= eps,
        links_read=sum(part.links_read for part in parts),
        engine=engine,
        switches=_switches(arrays, engine, eps, terms),
        down=np.concatenate([none, *(part.down for part in parts)], axis=1),
        up=np.concatenate([none, *(part.up for part in parts)], axis=1),
    )


def _switches(arrays: SupplyArrays, engine: str, eps: float, terms: Terms) -> str:
    """What made the numbers, in the words of graph.esri, and what the engine leaves out."""
    said = (
        f"market {'on' if terms.get('market', False) else 'off'}; "
        f"leak {'on' if terms.get('leak', True) else 'off'}; "
        f"{'down ' if terms.get('down', True) else ''}{'up ' if terms.get('up', True) else ''}; "
        f"stop increase {eps:g}; {engine}"
    )
    if terms.get("weights") is not None:
        said += "; weights given"
    unsent = unsent_bound(arrays, engine, terms)
    return f"{said}; unsent up to {unsent:.2g}" if unsent else said


# Each with how many shocks it takes as one job.
ENGINES: dict[str, tuple[Callable[[Any, Shocks], _Part], int]] = {
    "push": (_pushed, 256),
    "block": (_in_blocks, LANES * JOB_BLOCKS),
    "block64": (_in_blocks, LANES * JOB_BLOCKS),
    "scipy": (_by_matrices, LANES),
    "networkx": (_by_matrices, LANES),
}
