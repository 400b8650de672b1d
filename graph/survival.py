"""Time to survive against time to recover: least lost profit, and longest survival, by LP.

With u what each plant makes over the horizon of t days, y what goes over each link and l the
units that customers do not get (Simchi-Levi et al. 2014, 2015):

    loss at recovery   min sum f l,   u of the plants that are down = 0,   0 <= l <= d t
      parts            r_jk u_j - sum over links of (j, k) of y <= part stock_jk
      products         sum over links out of i of y - u_i + (d_i t - l_i) <= s_i
      capacity         u_j <= c_j t
    time to survive    max t with l = 0

A plant that both ships on and serves customers has its stock once, not twice. The optimum is
what could be done with perfect foresight, so the times are the longest and the losses the least.
Solved by HiGHS (scipy.optimize.linprog).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.optimize import OptimizeResult, linprog

from graph.arrays import Floats, Ints, SupplyArrays
from graph.plants import PlantNetwork
from graph.scenario import Hit, scenario
from graph.steps import run

SOLVED = 0  # status of linprog
FOR_EVER = 1e6  # days: the program is bounded, as HiGHS may call an unbounded one infeasible
NOTHING = 1e-7  # a dual value or a loss below what the solver is exact to


class SurvivalError(ValueError):
    """The question cannot be answered as asked, or the solver gave up; the message says which."""


@dataclass(frozen=True, slots=True)
class Loss:
    """The least that is lost while plants are down for `recover_days`, and what binds it.

    The worths are dual values: profit saved by one more unit. What is worth nothing does not bind.
    """

    recover_days: float
    lost_profit: float
    lost: Floats  # n: units that customers do not get
    made: Floats  # n: units made
    flow: Floats  # m: units of the part that go over each link
    stock_worth: Floats  # n: profit per unit of product in hand
    part_worth: Floats  # g: profit per unit of part in hand
    capacity_worth: Floats  # n: profit per unit a day of capacity; 0 where the plant is down

    def binding(self) -> list[tuple[str, int, float]]:
        """(`stock` | `capacity` with the plant, or `part` with the need; worth), largest first."""
        kinds = (("stock", self.stock_worth), ("part", self.part_worth),
                 ("capacity", self.capacity_worth))  # fmt: skip
        found = [
            (kind, int(at), float(worth[at]))
            for kind, worth in kinds
            for at in np.flatnonzero(worth > NOTHING)
        ]
        return sorted(found, key=lambda row: (-row[2], row[0], row[1]))


@dataclass(frozen=True, slots=True)
class NodeRisk:
    """What one plant being down does to all customers (risk exposure index)."""

    plant: int
    lost_profit: float
    index: float  # lost profit over the largest of all plants, 0..1
    recover_days: float
    survive_days: float | None  # None: not asked, no less than the days to recover


def loss_at_recovery(network: PlantNetwork, down: Iterable[int], recover_days: float) -> Loss:
    """The least lost profit when the plants in `down` make nothing for so many days.

    SurvivalError when a plant is unknown or the days are not a finite number >= 0.

    >>> from graph.plants import plant_network
    >>> chain = plant_network([20, 50, 0, 30], [0, 0, 0, 10], [0, 1, 2], [1, 2, 3],
    ...                       ["a", "b", "c"], profit=5)
    >>> [round(loss_at_recovery(chain, [k], 14).lost_profit, 9) for k in range(4)]
    [200.0, 300.0, 550.0, 550.0]
    >>> loss_at_recovery(chain, [2], 14).binding()    # only what stands behind the cut helps
    [('part', 2, 5.0), ('stock', 2, 5.0), ('stock', 3, 5.0)]
    """
    return _loss(network, _matrix(network), _numbers(network, down), recover_days)


def time_to_survive(network: PlantNetwork, down: Iterable[int]) -> float:
    """Days for which no customer need lose anything while `down` makes nothing.

    inf: no exposure (a million days or more).

    Finite with nothing down means that the network cannot serve its customers anyway.

    >>> from graph.plants import plant_network
    >>> made = plant_network([10, 60, 10, 10], [0, 0, 10, 0], [0, 3, 1], [2, 2, 2], ["A", "A", "B"],
    ...                      units=[1, 1, 2], capacity=[np.inf, np.inf, np.inf, 4])
    >>> [round(time_to_survive(made, [k]), 9) for k in (0, 1, 3)]
    [5.0, 4.0, inf]
    """
    n, m, g = network.plants, network.links, network.needs
    unit, _ = _scales(network)
    limited = np.flatnonzero(np.isfinite(network.capacity))
    served = sparse.csc_array(np.append(np.zeros(g), network.demand / unit)[:, None])
    able = sparse.csc_array(
        (np.ones(len(limited)), (np.arange(len(limited)), m + limited)), (len(limited), m + n)
    )
    most = sparse.csc_array(-network.capacity[limited][:, None] / unit)
    upper = np.full(m + n + 1, np.inf)
    upper[m + _numbers(network, down)] = 0.0
    upper[-1] = FOR_EVER
    found = _solve(
        cost=np.append(np.zeros(m + n), -1.0),
        rows=sparse.block_array([[_matrix(network)[:, : m + n], served], [able, most]]),
        limits=np.concatenate([network.need_stock, network.stock, np.zeros(len(limited))]) / unit,
        upper=upper,
    )
    days = max(0.0, -float(found.fun))
    return days if days < FOR_EVER * (1.0 - NOTHING) else float("inf")


def exposure_ranking(network: PlantNetwork, recover_days: ArrayLike) -> list[NodeRisk]:
    """Every plant as the one that is down, the largest lost profit first.

    `recover_days` is one value, or one per plant. A plant that the best plan for so many days
    does without needs no LP of its own: that plan still stands when it is down. The time to
    survive is asked of those alone that cost something.

    Measured by tests/bench_graph_survival.py.

    >>> from graph.plants import plant_network
    >>> chain = plant_network([20, 50, 0, 30], [0, 0, 0, 10], [0, 1, 2], [1, 2, 3], ["a", "b", "c"])
    >>> [(r.plant, round(r.index, 3), round(r.survive_days, 6)) for r in exposure_ranking(chain, 14)]
    [(2, 1.0, 3.0), (3, 1.0, 3.0), (1, 0.545, 8.0), (0, 0.364, 10.0)]
    """
    days = np.broadcast_to(np.asarray(recover_days, dtype=np.float64), (network.plants,))
    matrix, none = _matrix(network), np.zeros(0, dtype=np.int64)
    whole = {t: _loss(network, matrix, none, float(t)) for t in np.unique(days)}
    lost = np.zeros(network.plants)
    for j, t in enumerate(days):
        base = whole[t]
        needed = base.made[j] > 0
        found = _loss(network, matrix, np.array([j]), float(t)) if needed else base
        lost[j] = found.lost_profit if found.lost_profit > NOTHING else 0.0
    top = lost.max(initial=0.0)
    order = sorted(range(network.plants), key=lambda j: (-round(float(lost[j]), 6), j))
    return [
        NodeRisk(
            plant=j,
            lost_profit=float(lost[j]),
            index=float(lost[j] / top) if top > 0 else 0.0,
            recover_days=float(days[j]),
            survive_days=time_to_survive(network, [j]) if lost[j] > 0 else None,
        )
        for j in order
    ]


def simulated_survival(arrays: SupplyArrays, down: Iterable[int], days: int) -> float:
    """Days without a loss to final demand in the time-stepped model; inf: none in `days` days.

    The nodes in `down` make nothing from day 0 on. Only what inputs and capacity allow counts
    (`Outcome.down`): that fewer orders come is no failure to deliver.

    >>> from graph.arrays import compile_arrays
    >>> chain = compile_arrays(3, [0, 1], [1, 2], [0, 1], [1.0, 1.0], stock=[2.0, 5.0], lead=[1, 0])
    >>> simulated_survival(chain, [0], 30)    # stocks 2 + 5, lead 1, two hops
    10.0
    >>> from graph.plants import plants_of
    >>> time_to_survive(plants_of(chain), [0])
    10.0
    """
    out = run(arrays, scenario(days, [Hit(np.unique(np.array(list(down), dtype=np.int64)), 1.0)]))
    serves = arrays.final[out.nodes] > 0
    lost = ((1.0 - out.down[:, serves]) > NOTHING).any(axis=1)
    return float(lost.argmax()) if lost.any() else float("inf")


# --------------------------------------------------------------------------- the program


def _matrix(network: PlantNetwork) -> sparse.csc_array:
    """Rows: g parts, n products. Columns: m flows, n made, n lost."""
    n, m, g = network.plants, network.links, network.needs
    every = np.arange(n)
    rows = (network.link_need, np.arange(g), g + network.link_supplier, g + every, g + every)
    columns = (np.arange(m), m + network.need_buyer, np.arange(m), m + every, m + n + every)
    values = (-np.ones(m), network.need_units, network.link_taken, -np.ones(n), -np.ones(n))
    where = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csc_array((np.concatenate(values), where), shape=(g + n, m + 2 * n))


def _scales(network: PlantNetwork) -> tuple[float, float]:
    """The largest demand and the largest profit: the solver is exact to 1e-7 of what it is given."""
    return network.demand.max(initial=0.0) or 1.0, network.profit.max(initial=0.0) or 1.0


def _numbers(network: PlantNetwork, down: Iterable[int]) -> Ints:
    found = np.unique(np.array(list(down), dtype=np.int64))
    if found.size and (found[0] < 0 or found[-1] >= network.plants):
        raise SurvivalError(f"a plant that is down must be one of 0..{network.plants - 1}")
    return found


def _loss(network: PlantNetwork, matrix: sparse.csc_array, down: Ints, days: float) -> Loss:
    if not (np.isfinite(days) and days >= 0):
        raise SurvivalError(f"days to recover must be a finite number >= 0, not {days}")
    n, m, g = network.plants, network.links, network.needs
    unit, price = _scales(network)
    limit, asked = network.capacity * days if days else np.zeros(n), network.demand * days
    limit[down] = 0.0
    found = _solve(
        cost=np.append(np.zeros(m + n), network.profit / price),
        rows=matrix,
        limits=np.append(network.need_stock, network.stock - asked) / unit,
        upper=np.concatenate([np.full(m, np.inf), limit, asked]) / unit,
    )
    plan = found.x * unit
    worth = -np.asarray(found.ineqlin.marginals) * price
    able = np.where(limit > 0, -found.upper.marginals[m : m + n] * price, 0.0)
    return Loss(
        recover_days=days,
        lost_profit=float(found.fun * unit * price),
        lost=plan[m + n :],
        made=plan[m : m + n],
        flow=plan[:m],
        stock_worth=worth[g:],
        part_worth=worth[:g],
        capacity_worth=able * days,
    )


def _solve(cost: Floats, rows: sparse.sparray, limits: Floats, upper: Floats) -> OptimizeResult:
    """The optimum. To do nothing is always a plan, and every gain has a bound: there is one."""
    bounds = np.stack([np.zeros(len(upper)), upper], axis=1)
    for presolve in (True, False):
        found: OptimizeResult = linprog(  # type: ignore[call-overload]  # takes sparse rows too
            cost, A_ub=rows, b_ub=limits, bounds=bounds, method="highs",
            options={"presolve": presolve},
        )  # fmt: skip
        if found.status == SOLVED:
            return found
    raise SurvivalError(f"the solver gave up ({found.message}); check for huge or tiny values")
