"""One day of the time-stepped model for sixteen scenarios side by side (graph.lanes), compiled.

The history is kept by node, not by link: a link reads the row of its supplier on the day of
dispatch. Tables that remember days go round: day t of node i is row `t % depth * n + i`. Rows that
hold nothing are marked as such and not read, so that what is far from any hit costs a glance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph.arrays import NONE
from graph.jit import njit
from graph.lanes import above, double, larger, level, line, minus, over, plus, put, smaller, times

Rows = NDArray[np.floating[Any]]  # ... x LANES
Marks = NDArray[np.bool_]
Arrays = tuple[NDArray[Any], ...]


@njit(error_model="numpy")
def inputs_day(
    t: int,
    days: int,
    groups: Arrays,
    links: Arrays,
    columns: Arrays,
    growth: Arrays,
    cuts: Arrays,
    hit: Arrays,
    sent: Rows,
    sends: Marks,
    used: Rows,
    drawn: Marks,
    units: Any,
) -> None:
    """Downstream: l^d of every node into `sent`, what stocks lack into `used`.

    `sends` and `drawn` mark the rows of these that hold anything. `columns` are rows by group or
    link (essential, nu, stock; part) that take the place of `groups` and `links` if there are any;
    `growth` has a row by kind of ramp and day, of how far substitution has come.
    """
    group_start, kind, essential, nu, stock = groups
    link_start, supplier, lead, part = links
    essentials, nus, stocks, parts = columns
    grown, rho, ramp = growth
    phi, cut = cuts
    psi, hit_at = hit
    one, tiny = units
    n = len(group_start) - 1
    depth = len(sends) // n
    none, all_ = level(sent, one - one), level(sent, one)
    for j in range(n):
        heard = False
        worst, spread = none, none
        for g in range(group_start[j], group_start[j + 1]):
            if kind[g] == NONE and len(nus) == 0:
                continue
            miss, due = none, False
            for e in range(link_start[g], link_start[g + 1]):
                day = t - 1 - lead[e]
                if day < 0:
                    continue
                row = day % depth * n + supplier[e]
                lost = cut[e] if len(cut) else 0
                if not sends[row] and lost == 0:
                    continue
                due = True
                gone = line(sent, row) if sends[row] else none
                if rho[e] > 0:
                    gone = plus(gone, -rho[e], times(line(grown, ramp[e] * days + day), gone))
                if lost:
                    cut_off = line(phi, day % depth * (len(phi) // depth) + lost - 1)
                    gone = plus(gone, one, times(cut_off, minus(all_, gone)))
                if len(parts):
                    miss = plus(miss, one, times(line(parts, e), gone))
                else:
                    miss = plus(miss, part[e], gone)
            if not due:
                continue
            heard, drawn[g] = True, True
            lacks = plus(miss, one, line(used, g))
            put(used, g, lacks)
            full = line(stocks, g) if len(stocks) else level(sent, stock[g])
            short = larger(none, minus(lacks, full))
            if len(nus):
                worst = larger(worst, times(line(essentials, g), short))
                spread = plus(spread, one, times(line(nus, g), short))
            else:
                worst = larger(worst, times(level(sent, essential[g]), short))
                spread = plus(spread, nu[g], short)
        row = t % depth * n + j
        sends[row] = False
        if not heard and hit_at[j] == 0:
            continue
        loss = larger(worst, spread)
        if hit_at[j]:
            loss = larger(loss, line(psi, hit_at[j] - 1))
        loss = smaller(all_, loss)
        for g in range(group_start[j], group_start[j + 1]):
            if drawn[g]:
                full = line(stocks, g) if len(stocks) else level(sent, stock[g])
                idle = line(essentials, g) if len(nus) else level(sent, essential[g])
                lacks = minus(line(used, g), times(idle, loss))
                lacks = smaller(full, larger(none, lacks))
                put(used, g, lacks)
                drawn[g] = above(lacks, one - one)
        # A loss so small that it would be a denormal number, slow to reckon with, is none.
        loss = minus(plus(loss, one, level(sent, tiny)), level(sent, tiny))
        if above(loss, one - one):
            sends[row] = True
            put(sent, row, loss)


@njit(error_model="numpy")
def orders_day(
    t: int,
    days: int,
    sales: Arrays,
    hit: Arrays,
    weak: Arrays,
    down: Arrays,
    up: Rows,
    falls: Marks,
    lost: Arrays,
    units: Any,
) -> None:
    """Upstream, after `inputs_day`: l^u into `up`, and what both sides lose into `lost`.

    `lost` are the days lost by node, the first day over the threshold, how many scenarios have
    none yet, the loss of each day in currency, and the losses of the last two days.
    """
    sold_start, buyer, part, final, output = sales
    psi, hit_at = hit
    delta, weak_at = weak
    sent, sends = down
    lost_days, first_day, without, curve, ends = lost
    one, tiny, threshold = units
    n = len(sold_start) - 1
    none, all_ = level(up, one - one), level(up, one)
    now, before, today = t % 2 * n, (t + 1) % 2 * n, t % (len(sends) // n) * n
    total = level(curve, 0.0)
    seen = np.zeros((1, up.shape[1]), up.dtype)
    for i in range(n):
        fall = none
        for s in range(sold_start[i], sold_start[i + 1]):
            if falls[before + buyer[s]]:
                fall = plus(fall, part[s], line(up, before + buyer[s]))
        if weak_at[i]:
            fall = plus(fall, final[i], line(delta, weak_at[i] - 1))
        if hit_at[i]:
            fall = larger(fall, line(psi, hit_at[i] - 1))
        fall = smaller(all_, fall)
        fall = minus(plus(fall, one, level(up, tiny)), level(up, tiny))
        falls[now + i] = above(fall, one - one)
        put(up, now + i, fall)
        if sends[today + i]:
            fall = larger(fall, line(sent, today + i))
        elif not falls[now + i]:
            continue
        put(lost_days, i, plus(fall, one, line(lost_days, i)))
        total = plus(total, output[i], double(fall))
        if t >= days - 2:
            put(ends, (t - days + 2) * n + i, fall)
        if without[i] and above(fall, threshold):
            put(seen, 0, fall)
            for b in range(up.shape[1]):
                if seen[0, b] > threshold and first_day[i, b] < 0:
                    first_day[i, b] = t
                    without[i] -= 1
    put(curve, t, total)


@njit(error_model="numpy")
def market_day(t: int, market: Arrays, sells: Rows, sent: Rows, sends: Marks) -> None:
    """After `orders_day`: what is sent less is lessened by what the rest of the market makes good.

    `sells` has a row by market, of what is sold on this day (float64).
    """
    sector, sold_weight = market
    n = len(sector)
    today = t % (len(sends) // n) * n
    none, all_ = level(sells, 0.0), level(sells, 1.0)
    for k in range(len(sells)):
        put(sells, k, none)
    for i in range(n):
        if sector[i] >= 0:
            made = minus(all_, double(line(sent, today + i))) if sends[today + i] else all_
            put(sells, sector[i], plus(line(sells, sector[i]), sold_weight[i], made))
    for i in range(n):
        if sends[today + i] and sector[i] >= 0 and sold_weight[i] > 0:
            # A market that sells nothing gives infinity here, hence 1, as graph.steps has it.
            sigma = smaller(all_, over(level(sells, sold_weight[i]), line(sells, sector[i])))
            put(sent, today + i, times(double(line(sent, today + i)), sigma))
