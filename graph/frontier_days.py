"""The compiled sides of the frontier engine (graph.frontier): who falls short, who falls off.

Nodes get a place when they first move, and the history is by place, so that memory and time go
with what is touched. Numbers that mean "none" are 0, hence fresh memory needs no writing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph.arrays import ESSENTIAL, NONE, Floats, Ints
from graph.jit import njit
from graph.steps import SOLD_OUT

TINY = 1e-200  # losses below this are none, so that a product of shares is never lost unseen
FEW = 64  # nodes and events that there is room for at first
MANY = 16  # when more than a 16th of all are to be visited, they are in the order of memory

Arrays = tuple[NDArray[Any], ...]


@njit()
def room(history: Floats, places: int) -> Floats:
    """The history (T x nodes) with at least so many places: twice as wide when it is full."""
    if places <= history.shape[1]:
        return history
    wider = np.zeros((history.shape[0], max(places, 2 * history.shape[1])))
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
    g: int,
    t: int,
    links: Arrays,
    more: Arrays,
    cuts: Arrays,
    onset: int,
    at: Any,
    sent: Floats,
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
    sector, part, sells = market  # part: of its market's normal sales
    gone = np.zeros(len(sells))
    left = sells.copy()
    for place in losers:
        if sector[nodes[place]] >= 0:
            gone[sector[nodes[place]]] += part[nodes[place]] * loss[t, place]
    for k in range(len(sells)):
        left[k] = sells[k] - gone[k]
        if gone[k] > 0 and left[k] < 1e-3 * sells[k]:  # a difference of near-equals: add up anew
            left[k] = 0.0
            for i in range(len(sector)):
                if sector[i] == k:
                    lost = loss[t, at[i] - 1] if at[i] else 0.0
                    left[k] += part[i] * (1.0 - lost)
    for place in losers:
        k = sector[nodes[place]]
        if k >= 0 and left[k] > SOLD_OUT:
            sent[t, place] *= min(1.0, part[nodes[place]] / left[k])


@njit()
def wake(
    event: int,
    due: Ints,
    after: Ints,
    awake: NDArray[np.bool_],
    live: Ints,
    n_live: int,
) -> int:
    """How many groups are live when those that are due from `event` on have been woken."""
    while event >= 0:
        if not awake[due[event]]:
            awake[due[event]] = True
            live[n_live] = due[event]
            n_live += 1
        event = after[event]
    if MANY * n_live > len(awake):  # then it pays to have them in the order of memory
        n_live = 0
        for g in range(len(awake)):
            if awake[g]:
                live[n_live] = g
                n_live += 1
    return n_live


@njit()
def restock(
    n_live: int, groups: Arrays, stocks: Arrays, lacks: Floats, at: Any, loss: Floats
) -> int:
    """How many groups stay live when the day's use and deliveries are booked."""
    buyer, kind = groups[0], groups[1]
    stock, used, awake, live = stocks
    kept = 0
    for k in range(n_live):
        g = live[k]
        # What is not essential is used at the planned rate, so that its stock never refills.
        idle = loss[at[buyer[g]] - 1] if kind[g] == ESSENTIAL and at[buyer[g]] else 0.0
        used[g] = min(max(used[g] + lacks[k] - idle, 0.0), stock[g])
        if lacks[k] > 0 or (kind[g] == ESSENTIAL and used[g] > 0):
            live[kept] = g
            kept += 1
        else:
            awake[g] = False
    return kept


@njit()
def announce(
    told: Ints,
    t: int,
    kind: Any,
    links: Arrays,
    head: Ints,
    due: Ints,
    after: Ints,
    n_due: int,
) -> tuple[Ints, Ints, int]:
    """The calendar with the groups that these links are late for, each on its day."""
    link_start, lead = links[0], links[3]
    for e in told:
        day = t + 1 + lead[e]
        g = group_of(link_start, e)
        if day >= len(head) or kind[g] == NONE:
            continue
        if n_due == len(due):
            due, after = np.append(due, due), np.append(after, after)
        due[n_due], after[n_due] = g, head[day]
        head[day] = n_due
        n_due += 1
    return due, after, n_due


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
        n_live = wake(head[t], due, after, awake, live, n_live)
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
        n_live = restock(n_live, groups, stocks, lacks, at, loss[t])
        if len(market[0]):
            standing_in(t, losing[:n_losing], market, nodes, at, loss, sent)
        for place in losing[:n_losing]:
            if sent[t, place] > 0 and (t == 0 or sent[t - 1, place] == 0):
                told = sold[sold_start[nodes[place]] : sold_start[nodes[place] + 1]]
                due, after, n_due = announce(told, t, kind, links, head, due, after, n_due)
        for c in range(len(cut_links)):
            if phi[t, c] > 0 and (t == 0 or phi[t - 1, c] == 0):
                told = cut_links[c : c + 1]
                due, after, n_due = announce(told, t, kind, links, head, due, after, n_due)
    return nodes, moved, loss


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
