"""The joint mode: what a node really makes drives what it delivers and what it orders.

In the separate mode (`graph.steps`) losses run down and up side by side and meet only in the
report. Here orders, goods, stocks and goods on the way are kept in quantities. Each is a share of
normal: o, d, c of a normal order, delivery and final demand, h of normal output, stocks in days of
normal use. p_e = w_e / x_i is the part of its supplier's output that link e takes. On day t

    v_jk  = s_jk + sum over e of a_e (d_e + z_e)(t - 1 - L_e)           what can be used
    o_jk  = max(0, b_j + (T_jk + (1 + L_jk) b_j - v_jk - way_jk) / tau), T_jk = S_jk;
            L_jk the mean lead time, way_jk all that is still on the way
    o_e   = o_jk, on a route that is hit at most 1 - phi_e
    D_i   = f_i (1 - delta_i) + sum over e of i of p_e o_e
    u_j   = min((1 - psi_j) (1 + alpha_j), D_j)                         what it sets out to make
    h_j   = min(u_j, least v_jk of essential k, r - sum over other k of nu_jk max(0, r - v_jk))
            with r = max(1, u_j)
    s_jk <- v_jk - use,  use = h_j if essential, else min(v_jk, u_j)
    b_j  <- max(h_j, floor u_j)                                          tomorrow's base of orders

Then i gives out all that it makes: f_i c_i + sum of p_e d_e = h_i. Nothing is lost: what came in
and what went out of stock is what was used. Substitutes z_e = rho_e (1 - exp(-t / tau_e))
max(0, min(1, o_e) - d_e) come from outside the graph and are kept apart.

**The floor** keeps scarcity from feeding on itself, in two places. (1) A node that lacks an input
goes on ordering for at least `floor` of what is asked of it and what its capacity allows; with
floor 0 it orders for what it made, and without stock it then never asks for more again. (2) No
buyer, and not final demand, gets less than the lesser of its order and `floor` of its normal part
of what its supplier makes, however much others order. Rationing by order ratio keeps (2) for any
floor, because it serves the lowest ratio of order to normal order first.

With floor 0, T_jk = S_jk b_j (`stock_follows`), no lead times and S = N - 1 days this is the model
of Inoue & Todo 2019, order type 0, for rationing 0 (proportional), 1 (final-last) and 2
(order-ratio); their order is for the day's goods and N days, ours counts the day's goods apart.
Where their loop serves several buyers it takes those already served off the rest once more; ours
fills all to one level (with one buyer and final demand, as in their toy, the two are the same).
Sources: Inoue & Todo 2019 (rationing, stocks), Hallegatte 2008 (restocking, spare capacity).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from graph.arrays import ESSENTIAL, NON_ESSENTIAL, Floats, Ints, SupplyArrays
from graph.rationing import RATIONING, Claims
from graph.scenario import Outcome, Scenario, check_scenario
from graph.steps import first_loss, grown, last_change


@dataclass(frozen=True, slots=True)
class Terms:
    """How orders are placed and how what is short is shared out (see the module's words)."""

    rationing: str = "order-ratio"
    floor: float = 1.0  # 0..1
    restock_days: float = 6.0  # tau: days in which a gap in stock is ordered back
    stock_follows: bool = False  # the stock aimed at moves with what the node makes

    def __post_init__(self) -> None:
        if self.rationing not in RATIONING:
            raise ValueError(f"unknown rationing {self.rationing!r}; use one of {list(RATIONING)}")
        if not 0.0 <= self.floor <= 1.0:
            raise ValueError(f"floor {self.floor} is not a share; give 0..1")
        if not self.restock_days >= 1.0:
            raise ValueError(f"restock_days {self.restock_days} is under one day; give 1 or more")

    def __str__(self) -> str:
        target = "follows output" if self.stock_follows else "fixed"
        return (
            f"joint; rationing {self.rationing}; floor {self.floor:g}; "
            f"restock {self.restock_days:g} d; stock target {target}"
        )


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything that moved, day by day (rows), as shares of normal; stocks and use in days.

    `orders`, `sent` and `substitutes` are per link, `final` per node (what final demand got, of
    its normal demand), `received`, `used` and `stock` (at the day's end) per input group.
    """

    outcome: Outcome
    orders: Floats
    sent: Floats
    substitutes: Floats
    final: Floats
    received: Floats
    used: Floats
    stock: Floats


@dataclass(frozen=True, slots=True)
class _Day:
    """One day as losses against normal; less than 0 is more than normal."""

    down: Floats
    up: Floats
    loss: Floats
    unordered: Floats
    unsent: Floats
    substitutes: Floats
    unserved: Floats
    missed: Floats
    unused: Floats
    behind: Floats


def run_joint(
    arrays: SupplyArrays,
    scenario: Scenario,
    *,
    rationing: str = "order-ratio",
    floor: float = 1.0,
    restock_days: float = 6.0,
    stock_follows: bool = False,
) -> Outcome:
    """Levels of every node on every day in the joint mode; with spare capacity they may pass 1.

    `rationing` is order-ratio (lowest order against normal order first), proportional (to orders)
    or final-last (firms in proportion, final demand what is left). ValueError says what is wrong
    with these, or with the scenario.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> chain = compile_arrays(3, [0, 1], [1, 2], [0, 0], [1.0, 1.0])
    >>> hit = scenario(6, [Hit(np.array([1]), 0.5, 0, 2)])     # the middle one, for two days
    >>> run_joint(chain, hit).level.round(2).tolist()[:4]      # what it did not use is not ordered
    [[1.0, 0.5, 1.0], [0.33, 0.5, 0.5], [0.36, 1.0, 0.5], [1.0, 0.69, 1.0]]
    """
    terms = Terms(rationing, floor, restock_days, stock_follows)
    moved = [(day.down, day.up, day.loss) for day in _run(arrays, scenario, terms)]
    return _outcome(moved, terms)


def ledger(arrays: SupplyArrays, scenario: Scenario, terms: Terms | None = None) -> Ledger:
    """The same run with everything that was ordered, sent, received, used and kept.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> chain = compile_arrays(2, [0], [1], [0], [1.0], stock=2.0)
    >>> books = ledger(chain, scenario(4, [Hit(np.array([0]), 1.0)]))
    >>> books.stock[:, 0].tolist(), books.outcome.of(1).tolist()
    ([2.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0])
    """
    terms = terms or Terms()
    days = list(_run(arrays, scenario, terms))
    return Ledger(
        outcome=_outcome([(day.down, day.up, day.loss) for day in days], terms),
        orders=1.0 - np.array([day.unordered for day in days]),
        sent=1.0 - np.array([day.unsent for day in days]),
        substitutes=np.array([day.substitutes for day in days]),
        final=1.0 - np.array([day.unserved for day in days]),
        received=1.0 - np.array([day.missed for day in days]),
        used=1.0 - np.array([day.unused for day in days]),
        stock=arrays.group_stock - np.array([day.behind for day in days]),
    )


def _outcome(moved: list[tuple[Floats, Floats, Floats]], terms: Terms) -> Outcome:
    down, up, loss = (np.array(side) for side in zip(*moved, strict=True))
    return Outcome(
        nodes=np.arange(loss.shape[1]),
        level=1.0 - loss,
        down=1.0 - down,
        up=1.0 - up,
        engine="reference",
        switches=str(terms),
        residual=last_change(loss),
        size=loss.shape[1],
    )


def _run(arrays: SupplyArrays, scenario: Scenario, terms: Terms) -> Iterator[_Day]:
    """Day by day. As in `graph.steps`, losses are carried, so that no shock changes no bit."""
    check_scenario(arrays, scenario)
    way = _Way(arrays)
    behind = np.zeros(arrays.groups)  # S - s
    base = np.zeros(arrays.nodes)  # 1 - b
    onset = first_loss(scenario)
    for t in range(scenario.days):
        psi = _spread(arrays.nodes, scenario.nodes, scenario.psi[t])
        away = _spread(arrays.nodes, scenario.buyers, scenario.delta[t])
        missed = way.arrived(t)
        short = behind + missed  # S + 1 - v
        unordered = _unordered(arrays, way, terms, base, short, _limits(scenario, t))
        capacity = psi - arrays.slack * (1.0 - psi)
        demand = _undemanded(arrays, away, unordered)
        plan = np.maximum(capacity, demand)
        inputs = _inputs(arrays, short - arrays.group_stock, plan)
        loss = np.minimum(1.0, np.maximum(plan, inputs))
        unused = _unused(arrays, short - arrays.group_stock, plan, loss)
        behind = np.minimum(arrays.group_stock, short - unused)  # over S by rounding only
        unsent, unserved = _give_out(arrays, terms, loss, demand, unordered, away)
        wanted = np.maximum(0.0, unsent - np.maximum(0.0, unordered))
        substitutes = arrays.link_rho * grown(arrays, t - onset) * wanted
        way.send(t, unsent - substitutes)
        base = np.minimum(loss, 1.0 - terms.floor + terms.floor * plan)
        down = np.minimum(1.0, np.maximum(capacity, inputs))
        yield _Day(
            down, plan, loss, unordered, unsent, substitutes, unserved, missed, unused, behind
        )


class _Way:
    """Goods on the way, as what is missing of normal, by day of dispatch modulo the longest lag."""

    def __init__(self, arrays: SupplyArrays) -> None:
        self.group, self.part = arrays.link_group, arrays.link_part
        self.lag = arrays.link_lead.astype(np.int64) + 1
        self.gap = np.zeros((int(self.lag.max(initial=1)) + 1, arrays.links))
        self.every = np.arange(arrays.links)
        self.missing = np.zeros(arrays.groups)  # of all that is on the way, days of use
        self.usual = self._by_group(arrays.link_lead.astype(np.float64))  # the same at normal times

    def arrived(self, t: int) -> Floats:
        """g: what is missing of the day's receipts."""
        missed = self._by_group(self.gap[(t - self.lag) % len(self.gap), self.every])
        self.missing = self.missing - missed
        return missed

    def send(self, t: int, gap: Floats) -> None:
        self.gap[t % len(self.gap)] = gap
        self.missing = self.missing + self._by_group(gap)

    def _by_group(self, of_link: Floats) -> Floats:
        total = np.bincount(self.group, self.part * of_link, len(self.missing))
        return np.asarray(total, dtype=np.float64)


def _spread(size: int, where: Ints, values: Floats) -> Floats:
    spread = np.zeros(size)
    spread[where] = values
    return spread


def _limits(scenario: Scenario, t: int) -> tuple[Ints, Floats]:
    """Links by a route that is hit, and what of their normal flow cannot pass."""
    phi = scenario.phi[t]
    return scenario.links[phi > 0], phi[phi > 0]


def _unordered(
    arrays: SupplyArrays,
    way: _Way,
    terms: Terms,
    base: Floats,
    short: Floats,
    limits: tuple[Ints, Floats],
) -> Floats:
    """m: 1 - o, from the base of the day's orders and what stock and the goods on the way lack."""
    days = 1.0 + way.usual + (arrays.group_stock if terms.stock_follows else 0.0)
    slower = base[arrays.group_buyer]
    lacking = short + way.missing - days * slower
    unordered = np.minimum(1.0, slower - lacking / terms.restock_days)[way.group]
    links, closed = limits
    unordered[links] = np.maximum(unordered[links], closed)
    return np.asarray(unordered)


def _undemanded(arrays: SupplyArrays, away: Floats, unordered: Floats) -> Floats:
    """n: 1 - D."""
    orders = np.bincount(arrays.link_supplier, arrays.link_sold_part * unordered, arrays.nodes)
    return np.minimum(1.0, arrays.final * away + orders)


def _inputs(arrays: SupplyArrays, short: Floats, plan: Floats) -> Floats:
    """n: the loss that inputs force; `short` is 1 - v per group, `plan` 1 - u per node."""
    essential = arrays.group_class == ESSENTIAL
    other = arrays.group_class == NON_ESSENTIAL
    worst = np.full(arrays.nodes, -np.inf)
    np.maximum.at(worst, arrays.group_buyer[essential], short[essential])
    over = np.maximum(0.0, -plan)  # r - 1
    lacks = np.maximum(0.0, short + over[arrays.group_buyer])
    spread = np.bincount(
        arrays.group_buyer[other], (arrays.group_part * lacks)[other], arrays.nodes
    )
    return np.asarray(np.maximum(worst, spread - over))


def _unused(arrays: SupplyArrays, short: Floats, plan: Floats, loss: Floats) -> Floats:
    """g: 1 - use; what is not essential is used as planned, as far as it is there."""
    buyer = arrays.group_buyer
    planned = np.minimum(1.0, np.maximum(short, plan[buyer]))
    return np.where(arrays.group_class == ESSENTIAL, loss[buyer], planned)


def _give_out(
    arrays: SupplyArrays,
    terms: Terms,
    loss: Floats,
    demand: Floats,
    unordered: Floats,
    away: Floats,
) -> tuple[Floats, Floats]:
    """What links (m) and final demand (n) do not get, when what was made goes round."""
    tight = demand < loss
    if not tight.any():
        return unordered.copy(), away.copy()
    part = np.concatenate([arrays.link_sold_part, arrays.final])
    owner = np.concatenate([arrays.link_supplier, np.arange(arrays.nodes)])
    wanted = 1.0 - np.concatenate([unordered, away])
    lacking = 1.0 - wanted
    rows = np.flatnonzero(tight[owner] & (part > 0))
    got = RATIONING[terms.rationing](
        Claims(part[rows], owner[rows], wanted[rows], rows >= arrays.links),
        1.0 - loss,
        terms.floor,
    )
    lacking[rows] = 1.0 - got
    return lacking[: arrays.links], lacking[arrays.links :]
