"""Named limit cases: older models that the supply graph's own becomes when things are switched off.

Each takes the same arrays and gives a loss per node; `LIMITS[name].switch` says what makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse import csgraph
from scipy.sparse.linalg import splu

from graph.ario import ArioRules, ario, economy_of
from graph.arrays import NONE, Floats, SupplyArrays
from graph.esri import esri, sold_part

SMALL = 1e-9  # a solution that fails its own equations by more than this is none
MOST_DENSE = 5_000  # nodes for which n x n values are still made


class LimitError(ValueError):
    """A limit case that this graph or these inputs do not have, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a limit case gives: losses, and by how much they miss its equations."""

    name: str
    loss: Floats  # n, or T x n of a model with days: 0 normal, 1 nothing
    residual: float
    switches: str


@dataclass(frozen=True, slots=True)
class LimitCase:
    run: Callable[..., tuple[Floats, float]]  # arrays and inputs -> loss, residual
    switch: str  # what is switched off or on to get it
    source: str


def limit(name: str, arrays: SupplyArrays, **inputs: Any) -> Limit:
    """The losses that a named limit case gives; inputs are those of its function in LIMITS.

    LimitError for a name that is not in LIMITS.

    >>> from graph.arrays import compile_arrays
    >>> chain = compile_arrays(3, [0, 1], [1, 2], [0, 1], [1.0, 1.0], final=0.5)
    >>> limit("leontief-inverse", chain, delta=[0.0, 0.0, 0.4]).loss.tolist()
    [0.1, 0.2, 0.4]
    """
    if name not in LIMITS:
        raise LimitError(f"unknown limit case {name!r}; use one of {', '.join(LIMITS)}")
    loss, residual = LIMITS[name].run(arrays, **inputs)
    return Limit(name, loss, residual, LIMITS[name].switch)


def esri_loss(
    arrays: SupplyArrays, psi: ArrayLike, *, market: bool = False, eps: float = 1e-12
) -> tuple[Floats, float]:
    """max(l^d, l^u) of one shock, n values, and its residual. LimitError when it does not settle.

    >>> from graph.arrays import compile_arrays
    >>> chain = compile_arrays(2, [0], [1], [0], [1.0], final=0.5)
    >>> esri_loss(chain, [0.0, 1.0])[0].tolist()
    [0.5, 1.0]
    """
    out = esri(arrays, psi, market=market, eps=eps)
    if not bool(out.converged.all()):
        raise LimitError(
            f"losses still moved by {out.residual.max():.2g} a sweep after {out.sweeps.max()} "
            "sweeps: give the nodes a greater final-demand share, or raise eps"
        )
    return np.maximum(out.down, out.up)[:, 0], float(out.residual[0])


def leontief_loss(arrays: SupplyArrays, delta: ArrayLike) -> tuple[Floats, float]:
    """Loss of output when final demand falls by `delta`: x (1 - l) = (I - A)^-1 F (1 - delta).

    >>> from graph.arrays import compile_arrays
    >>> leontief_loss(compile_arrays(2, [0], [1], [0], [1.0], final=0.5), [1.0, 0.0])[0].tolist()
    [0.5, 0.0]
    """
    return _solved(_orders(arrays), arrays.final * _per_node(arrays, delta), "final demand")


def iim_loss(arrays: SupplyArrays, psi: ArrayLike) -> tuple[Floats, float]:
    """Demand-driven inoperability q = (I - A*)^-1 c*, A*_ij = w_ij / x_i, of a perturbation c*.

    >>> from graph.arrays import compile_arrays
    >>> iim_loss(compile_arrays(2, [0], [1], [0], [1.0], final=0.5), [0.25, 0.5])[0].tolist()
    [0.5, 0.5]
    """
    return _solved(_orders(arrays), _per_node(arrays, psi), "final demand")


def ghosh_loss(
    arrays: SupplyArrays, psi: ArrayLike, *, costs: ArrayLike | None = None
) -> tuple[Floats, float]:
    """Supply-driven l = (I - Ld')^-1 psi, every input non-essential, no cap at 1.

    `costs` (n, currency a year) are all costs, labour too; by default bought inputs are all.

    >>> from graph.arrays import compile_arrays
    >>> chain = compile_arrays(2, [0], [1], [0], [1.0])
    >>> ghosh_loss(chain, [0.5, 0.25], costs=[1.0, 2.0])[0].tolist()
    [0.5, 0.5]
    """
    return _solved(_spending(arrays, costs), _per_node(arrays, psi), "costs beyond bought inputs")


def diim_loss(
    arrays: SupplyArrays, psi: ArrayLike, *, resilience: ArrayLike, days: int
) -> tuple[Floats, float]:
    """Dynamic inoperability, T x n: q(t+1) = q(t) + K (A* q(t) + c*(t) - q(t)) from q(0) = 0.

    `psi` is c*: n values for every day or T x n; `resilience` is K, 0..1. The residual is the
    change of the last day.

    >>> from graph.arrays import compile_arrays
    >>> chain = compile_arrays(2, [0], [1], [0], [1.0], final=0.5)
    >>> diim_loss(chain, [0.0, 1.0], resilience=0.5, days=3)[0].tolist()
    [[0.0, 0.0], [0.0, 0.5], [0.125, 0.75]]
    """
    speed, part = _per_node(arrays, resilience), _orders(arrays)
    if days < 1:
        raise LimitError(f"{days} days have nothing to run; give 1 or more")
    given = np.asarray(psi, dtype=np.float64)
    shapes = {(), (arrays.nodes,), (days, arrays.nodes)}
    if given.shape not in shapes or not bool(((given >= 0) & (given <= 1)).all()):
        raise LimitError(f"psi must be {arrays.nodes} shares in 0..1, or {days} days of them")
    hit = np.broadcast_to(given, (days, arrays.nodes))
    q = np.zeros((days, arrays.nodes))
    for t in range(days - 1):
        q[t + 1] = q[t] + speed * (part @ q[t] + hit[t] - q[t])
    return q, float(np.abs(q[-1] - q[-2]).max(initial=0.0)) if days > 1 else 0.0


def debtrank_loss(arrays: SupplyArrays, psi: ArrayLike) -> tuple[Floats, float]:
    """Supply-driven losses when each node passes its loss on once, when it is first hit.

    >>> from graph.arrays import compile_arrays
    >>> ring = compile_arrays(2, [0, 1], [1, 0], [0, 1], [1.0, 1.0])
    >>> debtrank_loss(ring, [0.5, 0.0])[0].tolist()
    [1.0, 0.5]
    """
    part, loss = _spending(arrays, None), _per_node(arrays, psi).copy()
    sends = loss > 0
    done = np.zeros(arrays.nodes, dtype=bool)
    while bool(sends.any()):
        new = np.minimum(1.0, loss + part @ np.where(sends, loss, 0.0))
        done |= sends
        sends, loss = (new > 0) & ~done, new
    return loss, 0.0


def influence(arrays: SupplyArrays, labour: float = 0.5) -> Floats:
    """n: v, by which a first-order loss of the economy is v . psi; sums to 1.

    v = (labour / n) (I - (1 - labour) W')^-1 1, W the shares of what is bought: the PageRank of
    the graph from buyers to suppliers with damping 1 - labour. Who buys nothing counts as if it
    bought of all alike.

    >>> from graph.arrays import compile_arrays
    >>> influence(compile_arrays(2, [0], [1], [0], [1.0]), 0.5).round(3).tolist()
    [0.6, 0.4]
    """
    if not 0 < labour <= 1:
        raise LimitError(f"labour is a share of costs above 0 and up to 1, not {labour:g}")
    bought = _spending(arrays, None).T.tocsr()
    v, _ = _solved((1.0 - labour) * bought, np.ones(arrays.nodes), "labour")
    return np.asarray(v / v.sum())


def acemoglu_loss(
    arrays: SupplyArrays, psi: ArrayLike, *, labour: float = 0.5
) -> tuple[Floats, float]:
    """First-order losses when all is linear: those of which influence . psi is the mean.

    >>> from graph.arrays import compile_arrays
    >>> ring = compile_arrays(2, [0, 1], [1, 0], [0, 1], [1.0, 1.0])
    >>> acemoglu_loss(ring, [0.75, 0.0])[0].tolist()
    [0.5, 0.25]
    """
    part = (1.0 - labour) * _spending(arrays, None)
    return _solved(part, labour * _per_node(arrays, psi), "labour")


def ario_loss(
    arrays: SupplyArrays, psi: ArrayLike, *, rules: ArioRules | None = None
) -> tuple[Floats, float]:
    """1 - x / x0 of graph.ario, T x n, for a capacity loss `psi` of T x n.

    Nodes of one sector replace each other, as industries of one sector do in its table; stocks are
    the days that `rules` give, for every node, not the graph's. The residual is the change of the
    last day. LimitError past 5,000 nodes: the table is dense.

    >>> from graph.arrays import compile_arrays
    >>> chain = compile_arrays(2, [0], [1], [0], [365.0], final=0.5)
    >>> ario_loss(chain, [[0.0, 0.0], [0.5, 0.0]])[0].tolist()
    [[0.0, 0.0], [0.5, 0.0]]
    """
    if arrays.nodes > MOST_DENSE:
        raise LimitError(f"ARIO's table is dense: at most {MOST_DENSE} nodes; take fewer sectors")
    table = economy_of(arrays)
    made = ario(table, psi, rules).production
    kept = np.divide(made, table.output, out=np.ones_like(made), where=table.output > 0)
    last = np.abs(kept[-1] - kept[-2]).max(initial=0.0) if len(kept) > 1 else 0.0
    return 1.0 - kept, float(last)


def noisy_or_chance(
    arrays: SupplyArrays, psi: ArrayLike, *, passes: ArrayLike | None = None
) -> tuple[Floats, float]:
    """n: chance of failure P_j = 1 - (1 - psi_j) prod over suppliers i of (1 - p_ij P_i).

    `passes` is p by link, by default the link's part of its group. Exact on trees, where what
    reaches a node by different links is independent; LimitError for any other graph.

    >>> from graph.arrays import compile_arrays
    >>> tree = compile_arrays(3, [0, 1], [2, 2], [0, 1], [1.0, 1.0])
    >>> noisy_or_chance(tree, [0.5, 0.5, 0.0])[0].tolist()
    [0.5, 0.5, 0.75]
    """
    n, supplier, buyer = arrays.nodes, arrays.link_supplier, arrays.link_buyer
    p = arrays.link_part if passes is None else np.asarray(passes, dtype=np.float64)
    if p.shape not in {(), (arrays.links,)} or not bool(((p >= 0) & (p <= 1)).all()):
        raise LimitError(f"passes must be {arrays.links} chances, one a link, each in 0..1")
    p = np.broadcast_to(p, (arrays.links,))
    net = sparse.coo_array((np.ones(arrays.links), (supplier, buyer)), shape=(n, n))
    parts, _ = csgraph.connected_components(net, directed=False)
    if arrays.links != n - parts:
        raise LimitError("noisy-or is exact on trees only, and here two paths join two nodes")
    works = 1.0 - _per_node(arrays, psi)
    start = works.copy()
    for _ in range(n):  # at most as many rounds as the longest path has links
        each = 1.0 - p * (1.0 - works[supplier])
        new = start.copy()
        np.multiply.at(new, buyer, each)
        if bool((new == works).all()):
            break
        works = new
    return 1.0 - works, 0.0


def _per_node(arrays: SupplyArrays, values: ArrayLike) -> Floats:
    given = np.asarray(values, dtype=np.float64)
    if given.shape not in {(), (arrays.nodes,)} or not bool(((given >= 0) & (given <= 1)).all()):
        raise LimitError(f"one value or {arrays.nodes}, each a share in 0..1, are needed")
    return np.broadcast_to(given, (arrays.nodes,))


def _orders(arrays: SupplyArrays) -> sparse.csr_array:
    """A*: w_ij / x_i, supplier by buyer."""
    n, at = arrays.nodes, (arrays.link_supplier, arrays.link_buyer)
    return sparse.csr_array((sold_part(arrays, True), at), shape=(n, n))


def _spending(arrays: SupplyArrays, costs: ArrayLike | None) -> sparse.csr_array:
    """Ld': w_ij / costs_j, buyer by supplier; links of class none carry nothing."""
    n, group, buyer = arrays.nodes, arrays.link_group, arrays.link_buyer
    weight = np.where(arrays.group_class[group] == NONE, 0.0, arrays.link_weight)
    bought = np.bincount(buyer, arrays.link_weight, n)
    whole = bought if costs is None else np.asarray(costs, dtype=np.float64)
    if (
        whole.shape != (n,)
        or not bool(np.isfinite(whole).all())
        or bool((whole < bought * (1 - SMALL)).any())
    ):
        raise LimitError(f"costs must be {n} values a year, none below what the node buys")
    part = np.divide(weight, whole[buyer], out=np.zeros(arrays.links), where=whole[buyer] > 0)
    return sparse.csr_array((part, (buyer, arrays.link_supplier)), shape=(n, n))


def _solved(part: sparse.csr_array, first: Floats, leaves: str) -> tuple[Floats, float]:
    """l = part l + first, and by how much l misses it. LimitError when losses never fade."""
    system = sparse.csc_array(sparse.eye_array(len(first)) - part)
    try:
        loss = splu(system).solve(np.ascontiguousarray(first))
    except RuntimeError:  # exactly singular
        loss = np.full(len(first), np.nan)
    residual = float(np.abs(system @ loss - first).max(initial=0.0))
    size = float(np.abs(loss).max(initial=0.0))
    # A circle that keeps all but a rounding error has a solution, and one without meaning.
    if not residual <= SMALL * max(1.0, size) or size > 1 / SMALL:
        raise LimitError(f"losses go round in a closed circle for ever: give {leaves} to the graph")
    return np.asarray(loss), residual


LIMITS: Mapping[str, LimitCase] = {
    "esri": LimitCase(
        esri_loss, "no stocks, no lead times, constant psi, separate mode", "Diem et al. 2022"
    ),
    "leontief-inverse": LimitCase(
        leontief_loss, "demand falls only, every input non-essential", "Leontief 1936"
    ),
    "iim": LimitCase(iim_loss, "upstream only, no cap at 1", "Haimes & Jiang 2001"),
    "ghosh": LimitCase(
        ghosh_loss, "downstream only, every input non-essential, no cap at 1", "Ghosh 1958"
    ),
    "diim": LimitCase(
        diim_loss, "iim, each node closing a share K of the gap a day", "Lian & Haimes 2006"
    ),
    "debtrank": LimitCase(
        debtrank_loss, "ghosh with a cap, each node sending once", "Battiston et al. 2012"
    ),
    "acemoglu": LimitCase(
        acemoglu_loss, "ghosh with a share of labour in all costs", "Acemoglu et al. 2012"
    ),
    "ario": LimitCase(
        ario_loss, "joint mode with dense tables, rationing in proportion, no lead times",
        "Hallegatte 2008, BoARIO 0.7.2",
    ),
    "noisy-or": LimitCase(
        noisy_or_chance, "failure or not, links failing apart from each other",
        "Hosseini & Ivanov 2020",
    ),
}  # fmt: skip
