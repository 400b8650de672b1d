"""ESRI of one shock, exactly: only what changed is passed on, sweep by sweep.

A sweep pushes the increase of sigma l of each node that changed along its links, into the slots
of their targets; losses only grow, so that the sums are those of the whole equation. When so much
changed that most links would be touched, the sweep pulls instead: every slot is summed anew
(direction-optimising, as Beamer et al. 2012 do for breadth-first search). Equations: graph.esri.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from graph.arrays import Floats, Ints
from graph.jit import njit
from graph.operators import NOBODY, Market, Numbers, Operators, Side
from graph.steps import SOLD_OUT

DENSE = 0.1  # pull when more than this share of a side's links would be pushed along
SOLD_LOW = 0.1  # a market that sells less than this share is summed anew, or digits are lost
MOVED, HIT, AHEAD, TOUCHED = 0, 1, 2, 3  # what `Losses.counts` counts


class Losses(NamedTuple):
    """Where one direction of one shock stands; a list is the beginning of its array."""

    loss: Floats  # n: l at the end of the last sweep
    risen: Floats  # n: l as it will be at the end of this one, not yet cut at 1
    sent: Floats  # n: sigma l as it was last passed on
    short: Floats  # slots: their sums
    rise: Floats  # list: what each sender passes on now; after the sweep, how far each moved
    sender: Numbers  # list: nodes that pass on something now
    moved: Numbers  # list: nodes whose loss rose in the last sweep
    ahead: Numbers  # list: nodes whose loss rises in this one
    hit: Numbers  # list: nodes that have lost anything
    counts: Ints  # 4: nodes moved and hit; links by which those that moved pass on; links touched


class Left(NamedTuple):
    """What each market still sells."""

    whole: Floats  # markets: before the shock
    lost: Floats  # markets: what they sell no more
    sells: Floats  # markets: what they still sell


def room(side: Side) -> Losses:
    """Losses of a side before any shock: all 0. One is enough for many shocks in turn.

    >>> from graph.arrays import compile_arrays
    >>> from graph.operators import operators
    >>> room(operators(compile_arrays(2, [0], [1], [0], [1.0])).down).loss.tolist()
    [0.0, 0.0]
    """
    n, slots = len(side.push_start) - 1, len(side.pull_start) - 1
    return Losses(
        loss=np.zeros(n),
        risen=np.zeros(n),
        sent=np.zeros(n),
        short=np.zeros(slots),
        rise=np.zeros(n),
        sender=np.zeros(n, np.uint32),
        moved=np.zeros(n, np.uint32),
        ahead=np.zeros(n, np.uint32),
        hit=np.zeros(n, np.uint32),
        counts=np.zeros(4, np.int64),
    )


def left(market: Market) -> Left:
    """What the markets sell before any shock, each as a share of its normal sales.

    >>> from graph.arrays import compile_arrays
    >>> from graph.operators import operators
    >>> two = compile_arrays(3, [0, 1], [2, 2], [0, 0], [3.0, 1.0], sector=[0, 0, 1])
    >>> left(operators(two, market=True).market).sells.tolist()
    [1.0, 0.0]
    """
    return Left(market.whole, np.zeros(len(market.whole)), market.whole.copy())


@njit()
def spread(
    packed: Operators,
    nodes: Numbers,
    psi: Floats,
    eps: float,
    theta: float,
    max_sweeps: int,
    down: Losses,
    up: Losses,
    remains: Left,
) -> tuple[int, float]:
    """Sweeps done and greatest increase of the last one; the losses are in `down` and `up`.

    `nodes` (new numbers, each once) lose the share `psi` > 0 of their capacity. What is less than
    `theta` is not passed on until more has gathered: 0 is exact, else no loss is off by more than
    theta a sweep where nobody steps in. Losses must come cleared; `clear` does that afterwards.
    """
    market = len(packed.market.start) > 1
    _begin(down, nodes, psi)
    _begin(up, nodes, psi)
    most = np.inf
    for sweep in range(1, max_sweeps + 1):
        if market:
            _refresh(packed.market, down, remains)
        most = max(
            _sweep(packed.down, down, packed.market, remains, market, theta),
            _sweep(packed.up, up, packed.market, remains, False, theta),
        )
        if most <= eps:
            return sweep, most
    return max_sweeps, most


@njit()
def totals(weights: Floats, down: Losses, up: Losses) -> tuple[float, float, float]:
    """The sums of w max(l^d, l^u), w l^d and w l^u."""
    l_down, l_up = down.loss, up.loss
    both, below, above = 0.0, 0.0, 0.0
    for i in range(np.uint32(len(weights))):
        both += weights[i] * max(l_down[i], l_up[i])
        below += weights[i] * l_down[i]
        above += weights[i] * l_up[i]
    return both, below, above


@njit()
def clear(packed: Operators, down: Losses, up: Losses, remains: Left) -> None:
    """Sets the losses of a shock back to 0, at the cost of the nodes that it hit."""
    _forget(packed.down, down)
    _forget(packed.up, up)
    remains.lost[:] = 0.0
    remains.sells[:] = remains.whole


@njit()
def _begin(s: Losses, nodes: Numbers, psi: Floats) -> None:
    for k in range(len(nodes)):
        i = nodes[k]
        s.loss[i] = psi[k]
        s.risen[i] = psi[k]
        s.moved[k] = i
        s.rise[k] = psi[k]
        s.hit[k] = i
    s.counts[MOVED] = len(nodes)
    s.counts[HIT] = len(nodes)
    s.counts[AHEAD] = 0


@njit()
def _forget(side: Side, s: Losses) -> None:
    loss, risen, sent, short, start = s.loss, s.risen, s.sent, s.short, side.slot_start
    for k in range(s.counts[HIT]):
        i = s.hit[k]
        loss[i] = 0.0
        risen[i] = 0.0
        sent[i] = 0.0
        short[start[i] : start[i + 1]] = 0.0
    s.counts[:] = 0


@njit()
def _refresh(market: Market, s: Losses, remains: Left) -> None:
    """Takes from the markets what the nodes that moved sell no more."""
    whole, lost, sells = remains.whole, remains.lost, remains.sells
    for k in range(s.counts[MOVED]):
        i = s.moved[k]
        of = market.of[i]
        if of != NOBODY:
            lost[of] += market.sold[i] * s.rise[k]
            sells[of] = -1.0  # to be told below
    for of in range(np.uint32(len(sells))):
        if sells[of] < 0.0:
            sells[of] = whole[of] - lost[of]
            if sells[of] < SOLD_LOW * whole[of]:
                sells[of] = _sells(market, s, of)


@njit()
def _sells(market: Market, s: Losses, of: int) -> float:
    member, sold, loss = market.member, market.sold, s.loss
    total = 0.0
    for at in range(market.start[of], market.start[of + 1]):
        total += sold[member[at]] * (1.0 - loss[member[at]])
    return total


@njit()
def _sweep(
    side: Side, s: Losses, market: Market, remains: Left, steps_in: bool, theta: float
) -> float:
    """One sweep of one direction: the greatest increase of a loss."""
    dense = DENSE * len(side.push_node)
    if not steps_in and s.counts[AHEAD] > dense:
        s.sent[:] = s.loss
        s.counts[TOUCHED] += len(side.pull_node)
        return _settle(side, s, _pull(side, s), theta)
    senders, links = _choose_senders(side, s, market, remains, steps_in, theta)
    if links > dense:
        s.counts[TOUCHED] += len(side.pull_node)
        return _settle(side, s, _pull(side, s), theta)
    s.counts[TOUCHED] += links
    return _settle(side, s, _push(side, s, senders), theta)


@njit()
def _choose_senders(
    side: Side, s: Losses, market: Market, remains: Left, steps_in: bool, theta: float
) -> tuple[int, int]:
    """How many nodes pass on more than theta now, and along how many links.

    Where others step in, sigma l of every node that has lost anything may have risen.
    """
    asked = s.hit if steps_in else s.moved
    loss, sent, listed, start = s.loss, s.sent, s.sender, side.push_start
    senders, links = 0, 0
    for k in range(s.counts[HIT] if steps_in else s.counts[MOVED]):
        i = asked[k]
        passed = loss[i]
        if steps_in and market.of[i] != NOBODY:
            sells = remains.sells[market.of[i]]
            if sells > SOLD_OUT:
                passed *= min(1.0, market.sold[i] / sells)
        rise = passed - sent[i]
        if rise > theta:
            sent[i] = passed
            s.rise[senders] = rise
            listed[senders] = i
            senders += 1
            links += start[i + 1] - start[i]
    return senders, links


@njit()
def _push(side: Side, s: Losses, senders: int) -> int:
    """Passes on what the senders send; how many nodes of the list `ahead` it raised."""
    # Taken out of their tuples once: numba counts references each time.
    loss, risen, short, ahead = s.loss, s.risen, s.short, s.ahead
    start, slots, nodes, part = side.push_start, side.push_slot, side.push_node, side.push_part
    found = 0
    for k in range(senders):
        i, rise = s.sender[k], s.rise[k]
        for e in range(start[i], start[i + 1]):
            slot, j = slots[e], nodes[e]
            total = short[slot] + part[e] * rise
            short[slot] = total
            if total > risen[j]:
                if risen[j] == loss[j]:  # for the first time in this sweep
                    ahead[found] = j
                    found += 1
                risen[j] = total
    return found


@njit()
def _settle(side: Side, s: Losses, found: int, theta: float) -> float:
    """Makes what rose the losses of the nodes ahead; the greatest increase."""
    loss, risen, rise, moved, hit, start = s.loss, s.risen, s.rise, s.moved, s.hit, side.push_start
    most, hits, ahead = 0.0, s.counts[HIT], 0
    for k in range(found):
        j = s.ahead[k]
        now = min(1.0, risen[j])
        rise[k] = now - loss[j]
        most = max(most, rise[k])
        if rise[k] > theta:
            ahead += start[j + 1] - start[j]
        if loss[j] == 0.0:
            hit[hits] = j
            hits += 1
        loss[j] = now
        risen[j] = now
        moved[k] = j
    s.counts[HIT] = hits
    s.counts[MOVED] = found
    s.counts[AHEAD] = ahead
    return most


@njit()
def _pull(side: Side, s: Losses) -> int:
    """Sums every slot anew. Both ways are right for every side; which is faster hangs on it."""
    if len(side.pull_start) > len(s.loss) + 1:
        found = _pull_short_slots(side, s)
    else:
        found = _pull_long_slots(side, s)
    return found


@njit()
def _pull_long_slots(side: Side, s: Losses) -> int:
    risen, sent, short, ahead = s.risen, s.sent, s.short, s.ahead
    start, ends, node, part = side.slot_start, side.pull_start, side.pull_node, side.pull_part
    found = 0
    for j in range(np.uint32(len(risen))):
        top = 0.0
        for slot in range(start[j], start[j + 1]):
            total = 0.0
            for e in range(ends[slot], ends[slot + 1]):
                total += part[e] * sent[node[e]]
            short[slot] = total
            top = max(top, total)
        if top > risen[j]:
            risen[j] = top
            ahead[found] = j
            found += 1
    return found


@njit()
def _pull_short_slots(side: Side, s: Losses) -> int:
    """One loop over all of a node's links: where slots end is more than the processor foresees."""
    risen, sent, short, ahead = s.risen, s.sent, s.short, s.ahead
    start, ends, node, part = side.slot_start, side.pull_start, side.pull_node, side.pull_part
    found = 0
    for j in range(np.uint32(len(risen))):
        slot = np.int64(start[j]) - 1
        top, total = 0.0, 0.0
        for e in range(ends[start[j]], ends[start[j + 1]]):
            opens = side.pull_opens[e]
            before = total if opens == 0 else 0.0
            total = before + part[e] * sent[node[e]]
            slot += opens
            short[np.uint32(slot)] = total
            top = total if total > top else top  # losses only add up: the last is the largest
        if top > risen[j]:
            risen[j] = top
            ahead[found] = j
            found += 1
    return found
