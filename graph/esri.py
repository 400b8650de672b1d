"""ESRI: the share of an economy that fails when firms close, as Diem et al. define and run it.

Losses l^d (downstream, from suppliers) and l^u (upstream, from buyers) start at the shock psi and
only grow. With c(k, j) the class of buyer j's input group k, sweep t + 1 is

    Ld_ij = w_ij / sum of the group      if the group is essential
          = w_ij / s_in_j                if it is not
    Lu_ij = w_ij / x_i                   x = sales to firms + final demand; w_ij / s_out_i: no leak
    sigma_i = min(1, s_out_i / what the rest of i's market still sells), 1 without `market`
    l^d_j = min(1, max(psi_j, max over essential k of g_jk, sum over non-essential k of g_jk)),
            g_jk = sum over i in k of sigma_i Ld_ij l^d_i
    l^u_i = min(1, max(psi_i, sum over j of Lu_ij l^u_j))

and ESRI = sum over j of w_j max(l^d_j, l^u_j), w a share of sales unless other weights are given.
Sources: Diem, Borsos, Reisch, Kertész, Thurner 2022 (Scientific Reports 12:7719), Diem et al. 2024
(PNAS Nexus 3:pgae064); the stop rules are those of the authors' packages GLcascade, fastcascade.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse import csgraph

from graph.arrays import ESSENTIAL, NON_ESSENTIAL, Floats, Ints, SupplyArrays
from graph.esri_loops import networkx_sweep
from graph.steps import SOLD_OUT, market_part

Bools = NDArray[np.bool_]
Sweep = Callable[[Floats, Floats, Floats], tuple[Floats, Floats]]  # psi, l^d, l^u -> the next two
STOPS = ("increase", "ratio")


class EsriError(ValueError):
    """An ESRI that cannot be had from this graph or these arguments, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Esri:
    """Losses of b shocks, one a column, each at the sweep at which it stopped for itself."""

    down: Floats  # n x b: l^d, 0..1
    up: Floats  # n x b: l^u, 0..1
    esri: Floats  # b: sum of w max(l^d, l^u), 0..1
    esri_down: Floats  # b: sum of w l^d
    esri_up: Floats  # b: sum of w l^u
    before: Floats  # b: esri one sweep earlier
    sweeps: Ints  # b: T, the last one being the sweep that was still enough
    residual: Floats  # b: greatest increase of a loss in the last sweep
    converged: Bools  # b: whether the stop rule was met before max_sweeps
    sweep_bound: float  # sweeps upstream never needs more of: log eps / log(1 - f); inf if f = 0
    switches: str  # what made the numbers

    def settled(self) -> Esri:
        """This result when every shock converged; else EsriError with how far off they were.

        >>> from graph.arrays import compile_arrays
        >>> ring = compile_arrays(2, [0, 1], [1, 0], [0, 1], [1.0, 1.0], final=0.01)
        >>> esri(ring, [1.0, 0.0], max_sweeps=1, eps=1e-9, down=False).settled()
        Traceback (most recent call last):
        ...
        graph.esri.EsriError: 1 of 1 shocks still moved by up to 0.99 a sweep after 1 sweeps; \
raise max_sweeps, or give the final-demand shares
        """
        if bool(self.converged.all()):
            return self
        open_ = ~self.converged
        raise EsriError(
            f"{open_.sum()} of {len(open_)} shocks still moved by up to "
            f"{self.residual[open_].max():.2g} a sweep after {self.sweeps[open_].max()} sweeps; "
            "raise max_sweeps, or give the final-demand shares"
        )


def closures(nodes: int, closed: ArrayLike) -> Floats:
    """n x b: one shock a column, each the whole closure of one node.

    >>> closures(3, [2, 0]).T.tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    which = np.asarray(closed, dtype=np.int64)
    psi = np.zeros((nodes, len(which)))
    psi[which, np.arange(len(which))] = 1.0
    return psi


def esri(
    arrays: SupplyArrays,
    psi: ArrayLike,
    *,
    eps: float = 1e-6,
    market: bool = False,
    stop: str = "increase",
    leak: bool = True,
    down: bool = True,
    up: bool = True,
    weights: ArrayLike | None = None,
    max_sweeps: int = 10_000,
    engine: str = "scipy",
) -> Esri:
    """Losses and ESRI of one shock (n values of psi, 0..1) or of b shocks (n x b).

    A shock stops when no loss rises by more than `eps` in a sweep (`stop="increase"`), or when its
    ESRI is at most 1 + eps times that of the sweep before (`"ratio"`). `market`: others of a node's
    sector step in. `leak=False` takes sales to firms for all of the output, as published code
    does. `down` or `up` off leaves that side at psi. Weights are taken as shares of their sum.
    `engine` is scipy (sparse matrices, all shocks of a block at once) or networkx (plain loops).
    What had not stopped by `max_sweeps` has `converged` False: `settled()` refuses it.
    EsriError for a graph that has no final demand, from which upstream losses never leave.

    >>> from graph.arrays import compile_arrays
    >>> chain = compile_arrays(3, [0, 1], [1, 2], [0, 1], [1.0, 1.0])
    >>> out = esri(chain, [0.0, 1.0, 0.0])
    >>> out.down[:, 0].tolist(), out.up[:, 0].tolist(), out.sweeps.tolist()
    ([0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [2])
    """
    shocks = checked(arrays, psi, eps, stop)
    if engine not in ENGINES:
        raise EsriError(f"unknown engine {engine!r}; use one of {', '.join(ENGINES)}")
    if up and leak:
        ask_for_final_demand(arrays)
    part = sold_part(arrays, leak)
    sweep = ENGINES[engine](arrays, part if up else np.zeros(arrays.links), market, down)
    share = weight_shares(arrays.sold_weight if weights is None else weights, arrays.nodes)
    switches = (
        f"market {'on' if market else 'off'}; leak {'on' if leak else 'off'}; "
        f"{'down ' if down else ''}{'up ' if up else ''}; stop {stop} {eps:g}; {engine}"
    )
    bound = _sweep_bound(arrays, part, eps) if up else 0.0
    return _until_still(sweep, shocks, share, eps, stop, max_sweeps, bound, switches)


def esri_compat(
    arrays: SupplyArrays, psi: ArrayLike, *, market: bool = False, eps: float = 1e-2
) -> Esri:
    """ESRI as published code gives it by default: eps 1e-2 and no leak. For parity only.

    Without a leak the number depends on where it is stopped, so it is not a converged one.

    >>> from graph.arrays import compile_arrays
    >>> ring = compile_arrays(2, [0, 1], [1, 0], [0, 1], [1.0, 1.0])
    >>> esri_compat(ring, [0.5, 0.0]).esri.tolist()
    [0.5]
    """
    return esri(arrays, psi, eps=eps, market=market, leak=False)


def sold_part(arrays: SupplyArrays, leak: bool) -> Floats:
    """m: Lu, the part of its supplier's output that each link takes; of its sales without leak.

    >>> from graph.arrays import compile_arrays
    >>> two = compile_arrays(2, [0], [1], [0], [3.0], final_sales=[1.0, 0.0])
    >>> sold_part(two, True).tolist(), sold_part(two, False).tolist()
    ([0.75], [1.0])
    """
    if leak:
        return arrays.link_sold_part
    sales = arrays.sold_weight[arrays.link_supplier]
    return np.divide(arrays.link_weight, sales, out=np.zeros(arrays.links), where=sales > 0)


def checked(arrays: SupplyArrays, psi: ArrayLike, eps: float, stop: str) -> Floats:
    """n x b: the shocks as a table. EsriError for a wrong shape, value, stop rule or eps.

    And for a graph without nodes: compiled sweeps take it that there is one. A ranking of all of
    its nodes (`graph.planner.esri_all`) is empty and no error.
    """
    if not arrays.nodes:
        raise EsriError("the graph has no nodes, so that nothing can be shocked; give it some")
    shocks = np.asarray(psi, dtype=np.float64)
    shocks = shocks[:, None] if shocks.ndim == 1 else shocks
    if shocks.ndim != 2 or len(shocks) != arrays.nodes:
        raise EsriError(f"psi must have {arrays.nodes} rows, one a node, not {shocks.shape}")
    if not bool(((shocks >= 0) & (shocks <= 1)).all()):
        raise EsriError("psi is a share of capacity lost: every value must lie in 0..1")
    if stop not in STOPS:
        raise EsriError(f"unknown stop rule {stop!r}; use one of {', '.join(STOPS)}")
    if not eps > 0:
        raise EsriError(f"eps must be positive, not {eps:g}: losses only come close to their limit")
    return shocks


def weight_shares(weights: ArrayLike, nodes: int) -> Floats:
    """n: the weights as shares of their sum; of no nodes there are none. EsriError says why not.

    >>> weight_shares([3.0, 1.0], 2).tolist(), weight_shares([], 0).tolist()
    ([0.75, 0.25], [])
    """
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != (nodes,):
        raise EsriError(f"weights: shape {given.shape}; one value for each of {nodes} nodes is due")
    if not bool((np.isfinite(given) & (given >= 0)).all()):
        raise EsriError("weights: a value that is no finite number of 0 or more")
    if nodes and not given.any():
        raise EsriError(
            "nodes have nothing to be weighed by: their weights, or without weights what they sell "
            "to other nodes, come to nothing; give weights, not all 0"
        )
    return np.asarray(given / (given.sum() or 1.0))


def ask_for_final_demand(arrays: SupplyArrays) -> None:
    """EsriError when a closed circle of sellers keeps losses: none of it sells to final demand."""
    if bool((arrays.final[arrays.sold_weight > 0] > 0).all()):
        return
    kept = closed_circles(arrays)
    if len(kept):
        raise EsriError(
            f"{len(kept)} nodes (first: {arrays.names[int(kept[0])]}) sell to each other only and "
            "none of them has a final-demand share: upstream, all of them would fail. Give final "
            "or final_sales to compile_arrays, or ask for leak=False"
        )


def closed_circles(arrays: SupplyArrays) -> Ints:
    """Nodes in circles of sellers from which no sale leaves: upstream losses there never fade.

    >>> from graph.arrays import compile_arrays
    >>> closed_circles(compile_arrays(3, [0, 1, 0], [1, 0, 2], [0, 1, 0], [1.0, 1.0, 1.0])).tolist()
    []
    >>> closed_circles(compile_arrays(3, [0, 1, 2], [1, 0, 0], [0, 1, 2], [1.0, 1.0, 1.0])).tolist()
    [0, 1]
    """
    n, supplier, buyer = arrays.nodes, arrays.link_supplier, arrays.link_buyer
    sales = sparse.coo_array((np.ones(arrays.links), (supplier, buyer)), shape=(n, n))
    count, part = csgraph.connected_components(sales, directed=True, connection="strong")
    inside = part[supplier] == part[buyer]
    leaves = np.bincount(part[supplier[~inside]], minlength=count) > 0
    leaves |= np.bincount(part[arrays.final > 0], minlength=count) > 0
    turns = np.bincount(part[supplier[inside]], minlength=count) > 0
    return np.flatnonzero((turns & ~leaves)[part])


def _sweep_bound(arrays: SupplyArrays, part: Floats, eps: float) -> float:
    """log(eps) / log(1 - f): each upstream sweep rises by at most 1 - f times the one before."""
    kept = np.bincount(arrays.link_supplier, part, arrays.nodes).max(initial=0.0)
    if kept <= 0 or eps >= 1:
        return 1.0
    return math.log(eps) / math.log(kept) if kept < 1 - 1e-12 else math.inf


def _until_still(
    sweep: Sweep,
    psi: Floats,
    share: Floats,
    eps: float,
    stop: str,
    max_sweeps: int,
    bound: float,
    switches: str,
) -> Esri:
    """Sweeps until each shock has stopped for itself; those that have are left where they are."""
    b = psi.shape[1]
    down, up = psi.copy(), psi.copy()
    whole = np.asarray(share @ psi)
    before, residual = whole.copy(), np.full(b, np.inf)
    sweeps, converged = np.zeros(b, dtype=np.int64), np.zeros(b, dtype=bool)
    at, hit, lost, unordered = np.arange(b), psi, psi, psi  # those shocks that still move
    while len(at) and sweeps[at[0]] < max_sweeps:
        new_lost, new_unordered = sweep(hit, lost, unordered)
        residual[at] = np.maximum(
            (new_lost - lost).max(axis=0, initial=0.0),
            (new_unordered - unordered).max(axis=0, initial=0.0),
        )
        lost, unordered = new_lost, new_unordered
        before[at], whole[at] = whole[at], share @ np.maximum(lost, unordered)
        sweeps[at] += 1
        still = residual[at] <= eps if stop == "increase" else whole[at] <= (1 + eps) * before[at]
        converged[at] = still
        if bool(still.any()) or sweeps[at[0]] == max_sweeps:
            down[:, at], up[:, at] = lost, unordered
            at, hit = at[~still], hit[:, ~still]
            lost, unordered = lost[:, ~still], unordered[:, ~still]
    return Esri(
        down=down,
        up=up,
        esri=whole,
        esri_down=np.asarray(share @ down),
        esri_up=np.asarray(share @ up),
        before=before,
        sweeps=sweeps,
        residual=residual,
        converged=converged,
        sweep_bound=bound,
        switches=switches,
    )


def scipy_sweep(arrays: SupplyArrays, part: Floats, market: bool, down: bool) -> Sweep:
    """One sweep of all shocks of a block as sparse products; `part` is Lu by link.

    >>> from graph.arrays import compile_arrays
    >>> chain = compile_arrays(2, [0], [1], [0], [2.0])
    >>> psi = closures(2, [0])
    >>> scipy_sweep(chain, sold_part(chain, True), False, True)(psi, psi, psi)[0].tolist()
    [[1.0], [1.0]]
    """
    n, supplier, group = arrays.nodes, arrays.link_supplier, arrays.link_group
    sold = sparse.csr_array((part, (supplier, arrays.link_buyer)), shape=(n, n))
    essential = np.flatnonzero(arrays.group_class == ESSENTIAL)
    by_group = sparse.csr_array((arrays.link_part, (group, supplier)), shape=(arrays.groups, n))[
        essential
    ]
    buyers, first = np.unique(arrays.group_buyer[essential], return_index=True)
    other = arrays.group_class[group] == NON_ESSENTIAL
    spread = (arrays.link_part * arrays.group_part[group])[other]
    by_buyer = sparse.csr_array((spread, (arrays.link_buyer[other], supplier[other])), shape=(n, n))
    remains = _Market(arrays) if market else None

    def sweep(psi: Floats, lost: Floats, unordered: Floats) -> tuple[Floats, Floats]:
        orders = np.minimum(1.0, np.maximum(psi, np.asarray(sold @ unordered)))
        if not down:
            return lost, orders
        sent = lost if remains is None else remains.sigma(lost) * lost
        short = np.maximum(psi, np.asarray(by_buyer @ sent))
        if len(first):
            worst = np.maximum.reduceat(np.asarray(by_group @ sent), first, axis=0)
            short[buyers] = np.maximum(short[buyers], worst)
        return np.minimum(1.0, short), orders

    return sweep


class _Market:
    """Who can step in for whom: nodes of one sector share a market."""

    def __init__(self, arrays: SupplyArrays) -> None:
        self.listed = np.flatnonzero(arrays.sector >= 0)
        sectors, self.of = np.unique(arrays.sector[self.listed], return_inverse=True)
        self.sales = market_part(arrays)[self.listed, None]  # shares of normal
        ones = np.ones(len(self.listed))
        shape = (len(sectors), len(self.listed))
        self.sums = sparse.csr_array((ones, (self.of, np.arange(len(self.listed)))), shape=shape)

    def sigma(self, loss: Floats) -> Floats:
        sigma = np.ones_like(loss)
        sells = np.asarray(self.sums @ (self.sales * (1.0 - loss[self.listed])))
        left = sells[self.of]
        ratio = np.divide(self.sales, left, out=np.ones_like(left), where=left > SOLD_OUT)
        sigma[self.listed] = np.minimum(1.0, ratio)
        return sigma


ENGINES: dict[str, Callable[[SupplyArrays, Floats, bool, bool], Sweep]] = {
    "scipy": scipy_sweep,
    "networkx": networkx_sweep,
}
