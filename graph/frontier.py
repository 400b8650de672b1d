"""One scenario of the time-stepped model, visiting only what changes: the numbers of graph.steps.

Downstream (what inputs allow) an input group wakes on the day on which the first missing delivery
is due, and sleeps again when nothing is missing and its stock is full. Upstream (what is ordered)
a node tells its suppliers of a change when it has changed. The two sides do not meet in the
separate mode, so each has a frontier of its own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph.arrays import ESSENTIAL, NONE, Floats, Ints, SupplyArrays
from graph.jit import njit
from graph.scenario import Outcome, Scenario
from graph.steps import SOLD_OUT, first_loss, last_change

TINY = 1e-200  # losses below this are none, so that a product of shares is never lost unseen
Arrays = tuple[NDArray[Any], ...]
MANY = 16
FEW = 64  # nodes that there is room for at first

MANY = 16
FEW = 64  # nodes that there is room for at first

# What is known of a node upstream, in one place of memory
NODE = np.dtype(
    [(name, "f8") for name in ("orders", "cut", "drop", "told")]
    + [(name, "i4") for name in ("day", "place", "news")]
)


def run_frontier(
    arrays: SupplyArrays, scenario: Scenario, *, market: bool = False, theta: float = 0.0
) -> Outcome:
    """The outcome of graph.steps.run, of the nodes that moved only, at the cost of these alone.

    `theta`: a node tells its suppliers of a change of its orders only when it is more than this
    since it last told; until its orders have once fallen by more, it counts as unmoved. 0 is exact.
    Otherwise h^u is off by no more than the bound in `switches`; h^d is exact whatever theta is.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> chain = compile_arrays(3, [0], [1], [0], [1.0], stock=3.0, lead=2)
    >>> closed = scenario(8, [Hit(np.array([0]), 1.0)])
    >>> moved = run_frontier(chain, closed)
    >>> moved.nodes.tolist(), moved.first_day().tolist()
    ([0, 1], [0, 6])
    """
    if not theta >= 0:
        raise ValueError(f"theta is a smallest change, 0 or more, not {theta}")
    below, down = _downstream(arrays, scenario, market)
    above, up = _upstream(arrays, scenario, theta)
    nodes = np.union1d(below, above)
    inputs, orders = _levels(nodes, below, down), _levels(nodes, above, up)
    level = np.minimum(inputs, orders)
    said = f"separate; market {'on' if market else 'off'}"
    if theta:
        bound = error_bound(arrays, scenario.days, theta)
        said += f"; theta {theta:g}: h^u within {bound:.2g}, h^d exact"
    return Outcome(
        nodes=nodes.astype(np.int64),
        level=level,
        down=inputs,
        up=orders,
        engine="frontier",
        switches=said,
        residual=last_change(1.0 - level[-2:]),
    )


def _levels(nodes: NDArray[np.int32], moved: NDArray[np.int32], loss: Floats) -> Floats:
    """T x nodes: what the loss (T x moved) leaves of each; by days, to touch memory once."""
    level = np.ones((len(loss), len(nodes)))
    at = np.searchsorted(nodes, moved)
    for today, lost in zip(level, loss, strict=True):
        today[at] = 1.0 - lost
    return level


def error_bound(arrays: SupplyArrays, days: int, theta: float) -> float:
    """How far h^u can be off: theta is left unsaid each day, and a share 1 - f of it goes on.

    >>> from graph.arrays import compile_arrays
    >>> error_bound(compile_arrays(2, [0], [1], [0], [1.0], final=0.5), 60, 1e-6)
    2e-06
    """
    goes_on = np.where(arrays.final < 1, 1.0 - arrays.final, arrays.sold_weight > 0)
    most = float(goes_on.max(initial=0.0))
    return theta * (1.0 + (min(days, most / (1.0 - most)) if most < 1 else days))


def _downstream(
    arrays: SupplyArrays, scenario: Scenario, market: bool
) -> tuple[NDArray[np.int32], Floats]:
    """The nodes whose inputs or capacity fell short, and l^d of each (T x nodes)."""
    n, g = arrays.nodes, arrays.groups
    listed = arrays.sector >= 0
    sells = (
        np.bincount(arrays.sector[listed], arrays.sold_weight[listed]) if market else np.zeros(0)
    )
    cut = np.zeros(arrays.links if len(scenario.links) else 0, dtype=np.int32)
    if len(cut):
        cut[scenario.links] = np.arange(1, len(scenario.links) + 1)
    # Asked for here, not in the kernel: the pages of these that nobody touches cost nothing.
    nodes, moved, loss = fall_short(
        (arrays.group_buyer, arrays.group_class, arrays.group_part),
        (arrays.link_start, arrays.link_supplier, arrays.link_part, arrays.link_lead),
        (arrays.link_rho, arrays.link_ramp, arrays.sold_start, arrays.sold),
        (scenario.nodes, scenario.psi, scenario.links, scenario.phi, cut),
        first_loss(scenario),
        (arrays.sector if market else arrays.sector[:0], arrays.sold_weight, sells),
        (np.zeros(n, np.int32), np.empty(n, np.int32), np.zeros(n, np.int32)),
        (np.empty(n), np.empty(n), np.empty(n, np.int32)),
        (arrays.group_stock, np.zeros(g), np.zeros(g, np.bool_), np.empty(g, np.int64)),
        np.empty(g),
    )
    return nodes[:moved], loss[:, :moved]


@njit()
def room(history: Floats, places: int) -> Floats:
    """The history (T x nodes) with at least so many places: four times as wide when it is full."""
    if places <= history.shape[1]:
        return history
    wider = np.zeros((history.shape[0], max(places, 4 * history.shape[1])))
    wider[:, : history.shape[1]] = history
    return wider


@njit()
def group_of(link_start: Ints, link: int) -> int:
    """The input group that a link belongs to."""
    low, high = 0, len(link_start) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if link_start[middle] <= link:
            low = middle
        else:
            high = middle
    return low


@njit()
def missing(
    g: int, t: int, links: Arrays, more: Arrays, cuts: Arrays, onset: int, at: Any, sent: Floats
) -> float:
    """The share of group g's normal deliveries that does not arrive on day t."""
    link_start, supplier, part, lead = links
    rho, ramp = more[0], more[1]
    phi, cut = cuts[3], cuts[4]
    total = 0.0
    for e in range(link_start[g], link_start[g + 1]):
        day = t - 1 - lead[e]
        if day < 0:
            continue
        place = at[supplier[e]]
        gone = sent[day, place - 1] if place else 0.0
        if gone > 0 and rho[e] > 0:
            grown = -math.expm1(-max(0, day - onset) / ramp[e]) if ramp[e] > 0 else 1.0
            gone *= 1.0 - rho[e] * grown
        if len(cut) and cut[e]:
            gone += phi[day, cut[e] - 1] * (1.0 - gone)
        total += part[e] * gone
    return total


@njit()
def standing_in(
    t: int, losers: Any, market: Arrays, nodes: Any, at: Any, loss: Floats, sent: Floats
) -> None:
    """Lessens what each loser fails to send by what the rest of its market makes good."""
    sector, sold_weight, sells = market
    gone = np.zeros(len(sells))
    left = sells.copy()
    for place in losers:
        if sector[nodes[place]] >= 0:
            gone[sector[nodes[place]]] += sold_weight[nodes[place]] * loss[t, place]
    for k in range(len(sells)):
        left[k] = sells[k] - gone[k]
        if gone[k] > 0 and left[k] < 1e-3 * sells[k]:  # a difference of near-equals: add up anew
            left[k] = 0.0
            for i in range(len(sector)):
                if sector[i] == k:
                    lost = loss[t, at[i] - 1] if at[i] else 0.0
                    left[k] += sold_weight[i] * (1.0 - lost)
    for place in losers:
        k = sector[nodes[place]]
        if k >= 0 and left[k] > SOLD_OUT:
            sent[t, place] *= min(1.0, sold_weight[nodes[place]] / left[k])


@njit()
def fall_short(
    groups: Arrays,
    links: Arrays,
    more: Arrays,
    scenario: Arrays,
    onset: int,
    market: Arrays,
    known: Arrays,
    today: Arrays,
    stocks: Arrays,
    lacks: Floats,
) -> tuple[Any, int, Floats]:
    """Nodes that fell short, how many, and l^d (T x nodes): the step of graph.steps, by waking."""
    buyer, kind, nu = groups
    sold_start, sold = more[2], more[3]
    hit, psi, cut_links, phi = scenario[0], scenario[1], scenario[2], scenario[3]
    at, nodes, stamp = known  # 1 + a node's place, the nodes by place, 1 + the last day of loss
    worst, spread, losing = today
    stock, used, awake, live = stocks  # used: what is missing from a full stock
    days = len(psi)
    loss, sent = np.zeros((days, FEW)), np.zeros((days, FEW))
    head = np.full(days, -1)  # by day, the first of the groups that are due to wake
    due, after = np.empty(FEW, np.int64), np.empty(FEW, np.int64)
    moved, n_live, n_due = 0, 0, 0
    for t in range(days):
        event = head[t]
        while event >= 0:
            if not awake[due[event]]:
                awake[due[event]] = True
                live[n_live] = due[event]
                n_live += 1
            event = after[event]
        if MANY * n_live > len(awake):
            n_live = 0
            for g in range(len(awake)):
                if awake[g]:
                    live[n_live] = g
                    n_live += 1
        n_losing = 0
        for k in range(n_live + len(hit)):
            if k < n_live:
                g = live[k]
                lacks[k] = missing(g, t, links, more, scenario, onset, at, sent)
                short, j = used[g] + lacks[k] - stock[g], buyer[g]
            else:
                short, j = psi[t, k - n_live], hit[k - n_live]
            if short <= 0:
                continue
            if at[j] == 0:
                loss, sent = room(loss, moved + 1), room(sent, moved + 1)
                nodes[moved] = j
                moved += 1
                at[j] = moved
            place = at[j] - 1
            if stamp[place] != t + 1:
                stamp[place] = t + 1
                worst[place], spread[place] = 0.0, 0.0
                losing[n_losing] = place
                n_losing += 1
            if k >= n_live or kind[live[k]] == ESSENTIAL:
                worst[place] = max(worst[place], short)
            else:
                spread[place] += nu[live[k]] * short
        for place in losing[:n_losing]:
            lost = min(1.0, max(worst[place], spread[place]))
            loss[t, place] = lost
            sent[t, place] = lost if lost > TINY else 0.0
        kept = 0
        for k in range(n_live):
            g = live[k]
            refilled = 0.0
            if kind[g] == ESSENTIAL and at[buyer[g]]:
                refilled = loss[t, at[buyer[g]] - 1]
            used[g] = min(max(used[g] + lacks[k] - refilled, 0.0), stock[g])
            # What is not essential is used at the planned rate, so that its stock stays as it is.
            if lacks[k] > 0 or (kind[g] == ESSENTIAL and used[g] > 0):
                live[kept] = g
                kept += 1
            else:
                awake[g] = False
        n_live = kept
        if len(market[0]):
            standing_in(t, losing[:n_losing], market, nodes, at, loss, sent)
        for k in range(n_losing + len(cut_links)):
            if k < n_losing:
                place = losing[k]
                if sent[t, place] == 0 or (t > 0 and sent[t - 1, place] > 0):
                    continue
                told = sold[sold_start[nodes[place]] : sold_start[nodes[place] + 1]]
            else:
                c = k - n_losing
                if phi[t, c] == 0 or (t > 0 and phi[t - 1, c] > 0):
                    continue
                told = cut_links[c : c + 1]
            for e in told:
                day = t + 1 + links[3][e]
                g = group_of(links[0], e)
                if day >= days or kind[g] == NONE:
                    continue
                if n_due == len(due):
                    due, after = np.append(due, due), np.append(after, after)
                due[n_due], after[n_due] = g, head[day]
                head[day] = n_due
                n_due += 1
    return nodes, moved, loss


def _upstream(
    arrays: SupplyArrays, scenario: Scenario, theta: float
) -> tuple[NDArray[np.int32], Floats]:
    """The nodes whose orders or capacity fell, and l^u of each (T x nodes)."""
    n = arrays.nodes
    nodes, moved, loss = fall_off(
        (arrays.group_start, arrays.link_start, arrays.link_supplier, arrays.link_sold_part),
        (scenario.nodes, scenario.psi, scenario.buyers, scenario.delta, arrays.final),
        (np.zeros(n), np.zeros(n), np.zeros(n)),
        (np.zeros(n), np.zeros(n), np.zeros(n, np.int32), np.zeros(n, np.int32)),
        (np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32)),
        max(theta, TINY),
    )
    return nodes[:moved], loss[:, :moved]


@njit()
def fall_off(
    links: Arrays,
    scenario: Arrays,
    falls: Arrays,
    state: Arrays,
    lists: Arrays,
    theta: float,
) -> tuple[Any, int, Floats]:
    """Nodes that fell off, how many, and l^u (T x nodes): the step of graph.steps, by telling."""
    group_start, link_start, supplier, sold_part = links
    hit, psi, buyers, delta, final = scenario
    orders, cut, drop = falls  # lost by buyers' orders, by psi, by final demand
    now, told, day, at = state  # its loss, the one it told, 1 + day last asked, 1 + its place
    nodes, asked, changed = lists
    days = len(psi)
    loss = np.zeros((days, FEW))
    moved, n_changed = 0, 0
    for t in range(days):
        n_asked = 0
        many = MANY * n_changed > len(at)  # then asking all costs less than asking whom
        for j in changed[:n_changed]:
            change = now[j] - told[j]
            told[j] = now[j]
            first, last = link_start[group_start[j]], link_start[group_start[j + 1]]
            for e in range(first, last):
                orders[supplier[e]] += sold_part[e] * change
            if many:
                continue
            for i in supplier[first:last]:
                if day[i] != t + 1:
                    day[i] = t + 1
                    asked[n_asked] = i
                    n_asked += 1
        if many:
            n_asked = len(at)
            for i in range(n_asked):
                asked[i], day[i] = i, t + 1
        for k in range(len(hit) + len(buyers)):
            if k < len(hit):
                i = hit[k]
                cut[i] = psi[t, k]
            else:
                i = buyers[k - len(hit)]
                drop[i] = final[i] * delta[t, k - len(hit)]
            if day[i] != t + 1:
                day[i] = t + 1
                asked[n_asked] = i
                n_asked += 1
        n_changed = 0
        for i in asked[:n_asked]:
            lost = min(1.0, max(cut[i], drop[i] + orders[i]))
            if at[i] == 0 and lost > theta:
                nodes[moved] = i
                moved += 1
                at[i] = moved
            now[i] = lost
            if abs(lost - told[i]) > theta:
                changed[n_changed] = i
                n_changed += 1
        loss = room(loss, moved)
        for place in range(moved):
            loss[t, place] = now[nodes[place]]
    return nodes, moved, loss
