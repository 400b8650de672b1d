"""ARIO's days as compiled loops in which orders between industries are never written out.

By the order rule O_ij = Z0_ij ratio_i per_s(i)j, so what a sector's buyers receive, their new
stocks and their new orders need that sector's rows of the table only, and a day reads the table
once. Rows of `flows` stand by sector, `start[s]:start[s + 1]`; `rows` says which industry each is.
"""

from __future__ import annotations

import numpy as np

from graph.arrays import Floats, Ints
from graph.jit import njit

CLOSE, NEARLY = 1e-5, 1e-8  # numpy.allclose's relative and absolute tolerance

# Sums may be reordered, so that they run in SIMD lanes; NaN and inf keep their meaning.
FAST = {"fastmath": {"reassoc", "contract", "nsz"}, "error_model": "numpy"}

Tables = tuple[Floats, Ints, Ints, Floats, Floats, Floats, Floats, Floats, Floats, Floats]
Days = tuple[Floats, Floats, Floats, Floats, Floats, Floats, Floats]
Room = tuple[Floats, Floats, Floats, Floats, Floats]


# fmt: off
@njit(**FAST)
def run_days(tables: Tables, lost: Floats, factors: Floats, alt: bool, held: Floats, keep: bool,
             days: Days) -> int:
    """Writes every day into `days`; the first day on which a stock fell below 0, else -1.

    `factors`: alpha_base, alpha_max, alpha_days. One mill that sells half of its output to itself,
    loses half of its capacity on the second day, and holds two days of input:

    >>> one = np.ones(1)
    >>> mill = (np.array([[5.0]]), np.array([0]), np.array([0, 1]), 10 * one, 5 * one,
    ...         np.array([[0.5]]), np.array([[1.0]]), np.array([[0.8]]), 60 * one, 10 * one)
    >>> days = (*(np.zeros((3, 1)) for _ in range(6)), np.zeros((1, 1, 1)))
    >>> lost = np.array([[0.0], [0.5], [0.5]])
    >>> run_days(mill, lost, np.array([1.0, 1.25, 365.0]), False, 10 * np.ones((1, 1)), False, days)
    -1
    >>> days[0][:, 0].round(3).tolist()
    [10.0, 5.0, 5.001]
    """
    _, _, _, output, final, _, _, floor, _, demand = tables
    production, capacity, alphas, orders, unmet, limits, kept = days
    n, per, room = len(output), np.ones_like(held), _scratch(held)
    alpha, made, wanted, demand = np.full(n, factors[0]), output.copy(), output.copy(), demand.copy()
    sent, ratio, spare, spent = np.ones(n), np.ones(n), np.ones(n), np.ones(n)
    limit = _able(held, floor)
    for t in range(len(lost)):
        if keep:
            kept[t] = held
        if t > 1:
            _overproduce(alpha, demand, made, factors)
        for i in range(n):
            capacity[t, i] = output[i] * (1.0 - lost[t, i]) * alpha[i]
            wanted[i] = min(demand[i], capacity[t, i])
            made[i] = min(wanted[i], limit[i])
            delivered = made[i] / demand[i] if demand[i] != 0 else 0.0
            unmet[t, i] = final[i] * (1.0 - delivered)
            sent[i] = delivered * ratio[i]
            if alt and output[i] != 0:
                spare[i] = capacity[t, i] / output[i]
        production[t], alphas[t], limits[t] = made, alpha, wanted - made
        if _trade(tables, held, per, made, wanted, sent, spare, orders[t], room) > 0:
            return t
        new_held, new_per, got, pool, limit = room
        room = held, per, got, pool, spent  # yesterday's are written over tomorrow
        held, per, spent = new_held, new_per, limit
        ratio[:] = spare
        demand = orders[t] + final
    if not keep:
        kept[0] = held
    return -1


@njit(**FAST)
def _scratch(held: Floats) -> Room:
    """Room for new stocks, new orders by flow, one sector's sums twice, and what stocks allow."""
    n = held.shape[1]
    return np.empty_like(held), np.empty_like(held), np.empty(n), np.empty(n), np.empty(n)


@njit(**FAST)
def _able(held: Floats, floor: Floats) -> Floats:
    """n: the output that the shortest stock allows."""
    limit = np.full(held.shape[1], np.inf)
    for s in range(held.shape[0]):
        for j in range(held.shape[1]):
            limit[j] = min(limit[j], held[s, j] / floor[s, j] if floor[s, j] > 0 else np.inf)
    return limit


@njit(**FAST)
def _overproduce(alpha: Floats, demand: Floats, made: Floats, factors: Floats) -> None:
    """Moves alpha by a day: up by scarcity, down where there is none."""
    for i in range(len(alpha)):
        scarcity = (demand[i] - made[i]) / demand[i] if demand[i] != 0 else 0.0
        more = (factors[1] - alpha[i]) * scarcity
        if scarcity == 0:
            more += factors[0] - alpha[i]
        alpha[i] = max(1.0, alpha[i] + more / factors[2])


@njit(**FAST)
def _trade(tables: Tables, held: Floats, per: Floats, made: Floats, wanted: Floats, sent: Floats,
           ratio: Floats, orders: Floats, room: Room) -> int:
    """A day's deliveries, stocks and new orders, into room and orders; how many stocks are below 0.

    Whether deliveries equal use, and stocks their goals, is known only at the end, and changes the
    day (see graph.ario); so the day is done on a guess, and again where the guess was wrong.
    """
    flows, rows, start, _, _, use, goal, floor, tau, _ = tables
    still, ask = 1.0, 1.0
    for _ in range(3):
        moved, off, below = 0, 0, 0
        room[4][:] = np.inf
        for s in range(len(use)):
            _pooled(flows, rows, start[s], start[s + 1], sent, ratio, room)
            counts = _restocked(use[s], goal[s], floor[s], tau[s], held[s], per[s], made, wanted,
                                still, ask, room[0][s], room[1][s], room)
            moved, off, below = moved + counts[0], off + counts[1], below + counts[2]
            _ordered(flows, rows, start[s], start[s + 1], ratio, room[1][s], orders)
        if (moved > 0) == (still > 0) and (off > 0) == (ask > 0):
            break
        still, ask = 1.0 if moved > 0 else 0.0, 1.0 if off > 0 else 0.0
    return below


@njit(**FAST)
def _pooled(flows: Floats, rows: Ints, first: int, end: int, sent: Floats, ratio: Floats,
            room: Room) -> None:
    """One sector's sales to each buyer times what is sent of them, and times ratio."""
    got, pool = room[2], room[3]
    got[:] = 0.0
    pool[:] = 0.0
    for r in range(first, end):
        f, g = sent[rows[r]], ratio[rows[r]]
        for j in range(flows.shape[1]):
            got[j] += flows[r, j] * f
            pool[j] += flows[r, j] * g


@njit(**FAST)
def _restocked(use: Floats, goals: Floats, floor: Floats, tau: float, held: Floats, per: Floats,
               made: Floats, wanted: Floats, still: float, ask: float, new_held: Floats,
               new_per: Floats, room: Room) -> tuple[int, int, int]:
    """One sector's stocks and orders after a day.

    Comes back: how many deliveries are not close to use, stocks not to their goal, stocks below 0.

    `still` 0 leaves stocks as they are, `ask` 0 orders for use alone.
    """
    got, pool, limit = room[2], room[3], room[4]
    moved, off, below = 0, 0, 0
    for j in range(len(made)):
        used, received = use[j] * made[j], per[j] * got[j]
        moved += abs(received - used) > NEARLY + CLOSE * used
        k = held[j] + still * (received - used)
        goal = goals[j] * wanted[j]
        gap = goal - k  # NaN for an endless stock, whose goal is inf
        off += not (abs(gap) <= NEARLY + CLOSE * goal or k == goal)
        order = (ask * gap / tau if gap > 0 else 0.0) + used
        below += k < 0
        new_held[j] = k
        new_per[j] = order / pool[j] if pool[j] > 0 else 0.0
        limit[j] = min(limit[j], k / floor[j] if floor[j] > 0 else np.inf)
    return moved, off, below


@njit(**FAST)
def _ordered(flows: Floats, rows: Ints, first: int, end: int, ratio: Floats, per: Floats,
             orders: Floats) -> None:
    """Into orders: what each industry of one sector is asked for by all the others."""
    for r in range(first, end):
        total = 0.0
        for j in range(flows.shape[1]):
            total += flows[r, j] * per[j]
        orders[rows[r]] = ratio[rows[r]] * total
# fmt: on
