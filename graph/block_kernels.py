"""ESRI of sixteen shocks at once: each link is read once for all of them.

Where one shock pushes, a block pulls: a node whose suppliers (upstream: buyers) passed on a change
in any lane is computed anew, with the maximum over its input groups in the same pass; the others
are skipped. A lane's answer is taken at the sweep at which it has settled for itself, whatever
the other lanes still do. Equations: graph.esri.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from graph.arrays import Floats, Ints
from graph.jit import njit
from graph.kernels import DENSE, SOLD_LOW
from graph.lanes import (
    LANES,
    above,
    double,
    larger,
    level,
    line,
    minus,
    over,
    plus,
    put,
    smaller,
    times,
)
from graph.operators import NOBODY, Market, Numbers, Operators, Parts, Side
from graph.steps import SOLD_OUT

STILL, MOVED, SETTLED = 0, 1, 2  # a node that lost nothing; more in this sweep; before it


class Block(NamedTuple):
    """Where one direction of sixteen shocks stands."""

    loss: Parts  # n x 16: l at the end of the last sweep
    sent: Parts  # n x 16: sigma l as it was last passed on
    state: NDArray[np.uint8]  # n: STILL, MOVED or SETTLED, in any lane
    asked: NDArray[np.uint8]  # n: 1 if the node is to be computed in this sweep
    sender: Numbers  # list: nodes that pass on something now


class Remains(NamedTuple):
    """What each market still sells, in each lane."""

    sells: Parts  # markets x 16
    whole: Floats  # markets: before the shocks
    stirred: NDArray[np.uint8]  # markets: 1 if a node of it moved in the last sweep


class Answers(NamedTuple):
    """What is told of each lane."""

    esri: Floats  # 16: sum of w max(l^d, l^u)
    down: Floats  # 16: sum of w l^d
    up: Floats  # 16: sum of w l^u
    sweeps: Ints  # 16
    residual: Floats  # 16: greatest increase in its last sweep
    touched: Ints  # 1: links read, each for sixteen lanes


def packed_as(packed: Operators, kind: DTypeLike) -> Operators:
    """The operators with float32 or float64 numbers for the lanes.

    >>> from graph.arrays import compile_arrays
    >>> from graph.operators import operators
    >>> two = operators(compile_arrays(2, [0], [1], [0], [1.0]))
    >>> packed_as(two, np.float32).up.pull_part.dtype
    dtype('float32')
    """
    down, up, market = packed.down, packed.up, packed.market
    return packed._replace(
        down=down._replace(pull_part=down.pull_part.astype(kind)),
        up=up._replace(pull_part=up.pull_part.astype(kind)),
        market=market._replace(sold=market.sold.astype(kind)),
    )


def block(nodes: int, kind: DTypeLike) -> Block:
    """One direction of a block before any shock: all 0.

    >>> block(3, np.float32).loss.shape
    (3, 16)
    """
    loss, sent = _table(nodes, kind), _table(nodes, kind)
    state, asked = np.zeros((2, nodes), np.uint8)
    return Block(loss, sent, state, asked, np.zeros(nodes, np.uint32))


def _table(rows: int, kind: DTypeLike) -> Parts:
    """Zeros, each row of which lies in one cache line (float32) or two."""
    size = np.dtype(kind).itemsize
    line_values = 64 // size
    memory = np.zeros(rows * LANES + line_values, kind)
    first = -(memory.ctypes.data // size) % line_values
    return memory[first : first + rows * LANES].reshape(rows, LANES)


def remains(market: Market, kind: DTypeLike) -> Remains:
    """What the markets sell before any shock, each as a share of its normal sales.

    >>> from graph.arrays import compile_arrays
    >>> from graph.operators import operators
    >>> two = compile_arrays(2, [0], [1], [0], [3.0], sector=[0, 0])
    >>> remains(operators(two, market=True).market, np.float64).sells.sum()
    np.float64(16.0)
    """
    sells = _table(len(market.whole), kind)
    sells[:] = market.whole[:, None]
    return Remains(sells, market.whole, np.zeros(len(market.whole), np.uint8))


def answers() -> Answers:
    """Room for what is told of a block.

    >>> answers().esri.shape
    (16,)
    """
    esri, down, up = np.zeros((3, LANES))
    return Answers(
        esri, down, up, np.zeros(LANES, np.int64), np.zeros(LANES), np.zeros(1, np.int64)
    )


@njit()
def spread_block(
    packed: Operators,
    nodes: Numbers,
    lanes: Numbers,
    psi: Floats,
    weights: Floats,
    eps: float,
    theta: float,
    max_sweeps: int,
    down: Block,
    up: Block,
    left: Remains,
    told: Answers,
) -> None:
    """Runs sixteen shocks until each has settled or max_sweeps are done; `told` has the answers.

    Shock `lanes[k]` takes the share `psi[k]` of the capacity of `nodes[k]` (new numbers). Blocks
    must come cleared, and are cleared again.
    """
    _begin(down, nodes, lanes, psi)
    _begin(up, nodes, lanes, psi)
    none = level(down.loss, 0.0)
    told.touched[0] = 0
    told.sweeps[:] = 0
    most = np.zeros_like(down.loss[:1])
    open_lanes = LANES
    market = len(packed.market.start) > 1
    for sweep in range(1, max_sweeps + 1):
        put(most, 0, none)
        if market:
            _refresh(packed.market, down, left)
        told.touched[0] += _sweep(packed.down, down, packed.market, left, market, theta, most)
        told.touched[0] += _sweep(packed.up, up, packed.market, left, False, theta, most)
        settled = 0
        for lane in range(LANES):
            if told.sweeps[lane] == 0:
                told.residual[lane] = most[0, lane]
                settled += most[0, lane] <= eps or sweep == max_sweeps
        if settled > 0:
            open_lanes -= settled
            _tell(down, up, weights, most, eps, sweep, max_sweeps, told)
        if open_lanes == 0:
            break
    _forget(down)
    _forget(up)
    for of in range(len(left.whole)):
        left.sells[of, :] = left.whole[of]


@njit()
def _begin(b: Block, nodes: Numbers, lanes: Numbers, psi: Floats) -> None:
    for k in range(len(nodes)):
        b.loss[nodes[k], lanes[k]] = psi[k]
        b.state[nodes[k]] = MOVED


@njit()
def _forget(b: Block) -> None:
    loss, sent, state = b.loss, b.sent, b.state
    none = level(loss, 0.0)
    for i in range(np.uint32(len(state))):
        if state[i] != STILL:
            put(loss, i, none)
            put(sent, i, none)
            state[i] = STILL


@njit()
def _refresh(market: Market, b: Block, left: Remains) -> None:
    """What is left in the markets of the nodes that moved."""
    left.stirred[:] = 0
    for i in range(np.uint32(len(b.state))):
        if b.state[i] == MOVED and market.of[i] != NOBODY:
            left.stirred[market.of[i]] = 1
    for of in range(np.uint32(len(left.whole))):
        if left.stirred[of] == 1:
            _sum_market(market, b, left, of)


@njit()
def _sum_market(market: Market, b: Block, left: Remains, of: int) -> None:
    """Whole less lost, which spares the nodes that lost nothing; summed when little is left."""
    loss, state, member, sold = b.loss, b.state, market.member, market.sold
    whole, none, one = left.whole[of], double(level(loss, 0.0)), double(level(loss, 1.0))
    lost = none
    for at in range(market.start[of], market.start[of + 1]):
        i = member[at]
        if state[i] != STILL:
            lost = plus(lost, sold[i], double(line(loss, i)))
    sells = minus(plus(none, whole, one), lost)
    if above(lost, (1.0 - SOLD_LOW) * whole):
        sells = none
        for at in range(market.start[of], market.start[of + 1]):
            i = member[at]
            sells = plus(sells, sold[i], minus(one, double(line(loss, i))))
    put(left.sells, of, sells)


@njit()
def _sweep(
    side: Side,
    b: Block,
    market: Market,
    left: Remains,
    steps_in: bool,
    theta: float,
    most: Parts,
) -> int:
    """One sweep of one direction; raises `most`, and says how many links were read."""
    senders, links = _choose_senders(side, b, market, left, steps_in, theta)
    every = links > DENSE * len(side.push_node)
    if not every:
        for k in range(senders):
            i = b.sender[k]
            for e in range(side.push_start[i], side.push_start[i + 1]):
                b.asked[side.push_node[e]] = 1
    return _pull(side, b, every, most)


@njit()
def _choose_senders(
    side: Side, b: Block, market: Market, left: Remains, steps_in: bool, theta: float
) -> tuple[int, int]:
    """How many nodes pass on more than theta in any lane, and along how many links."""
    loss, sent, state, start, sold = b.loss, b.sent, b.state, side.push_start, market.sold
    sells, stirred = left.sells, left.stirred
    one, least = level(loss, 1.0), level(loss, SOLD_OUT)
    senders, links = 0, 0
    for i in range(np.uint32(len(state))):
        if state[i] == STILL:
            continue
        of = market.of[i]
        listed = steps_in and of != NOBODY
        if state[i] == SETTLED and not (listed and stirred[of] == 1):
            continue
        state[i] = SETTLED
        passed = line(loss, i)
        if listed:
            sigma = over(level(loss, sold[i]), larger(line(sells, of), least))
            passed = times(passed, smaller(one, sigma))
        if above(minus(passed, line(sent, i)), theta):
            put(sent, i, passed)
            b.sender[senders] = i
            senders += 1
            links += start[i + 1] - start[i]
    return senders, links


@njit()
def _pull(side: Side, b: Block, every: bool, most: Parts) -> int:
    """Computes the nodes that were asked for, or every one; says how many links that took."""
    # Taken out of their tuples once: numba counts references each time.
    loss, sent, state, asked = b.loss, b.sent, b.state, b.asked
    start, ends, node, part = side.slot_start, side.pull_start, side.pull_node, side.pull_part
    none, one, highest = level(loss, 0.0), level(loss, 1.0), level(loss, 0.0)
    read = 0
    for j in range(np.uint32(len(state))):
        if not every and asked[j] == 0:
            continue
        asked[j] = 0
        before = line(loss, j)
        top = before
        for slot in range(start[j], start[j + 1]):
            total = none
            for e in range(ends[slot], ends[slot + 1]):
                total = plus(total, part[e], line(sent, node[e]))
            top = larger(top, total)
            read += ends[slot + 1] - ends[slot]
        top = smaller(top, one)
        rise = minus(top, before)
        if above(rise, 0.0):
            put(loss, j, top)
            highest = larger(rise, highest)
            state[j] = MOVED
    put(most, 0, larger(highest, line(most, 0)))
    return read


@njit()
def _tell(
    down: Block,
    up: Block,
    weights: Floats,
    most: Parts,
    eps: float,
    sweep: int,
    max_sweeps: int,
    told: Answers,
) -> None:
    """The weighted losses of the lanes that settled in this sweep."""
    by_suppliers, by_buyers, moved, called = down.loss, up.loss, down.state, up.state
    both = double(level(by_suppliers, 0.0))
    below, above_ = both, both
    for i in range(np.uint32(len(weights))):
        if moved[i] != STILL or called[i] != STILL:
            l_down, l_up = double(line(by_suppliers, i)), double(line(by_buyers, i))
            both = plus(both, weights[i], larger(l_down, l_up))
            below = plus(below, weights[i], l_down)
            above_ = plus(above_, weights[i], l_up)
    sums = np.zeros((3, LANES))
    put(sums, 0, both)
    put(sums, 1, below)
    put(sums, 2, above_)
    for lane in range(LANES):
        if told.sweeps[lane] == 0 and (most[0, lane] <= eps or sweep == max_sweeps):
            told.sweeps[lane] = sweep
            told.esri[lane] = sums[0, lane]
            told.down[lane] = sums[1, lane]
            told.up[lane] = sums[2, lane]
