"""The time-stepped generalised Leontief model with stocks, read as it is written down.

Losses l = 1 - h are carried instead of levels, so that no shock changes nothing to the last bit.
On day t, for node j, input group k of j, link e of supplier i (docs/propagation.md):

    d_e(t)  = 1 - (1 - phi_e(t)) (1 - (1 - rho_e (1 - exp(-t / tau_e))) sigma_i(t) l^d_i(t))
    miss_jk = sum over e in (j, k) of a_e d_e(t - 1 - L_e)
    m_jk    = min(1, 1 - miss_jk + s_jk)
    l^d_j   = min(1, max(psi_j, max over essential k of 1 - m_jk,
                         sum over non-essential k of nu_jk (1 - m_jk)))
    s_jk   <- min(S_jk, max(0, s_jk + 1 - miss_jk - use)),  use = h^d_j if essential else 1
    l^u_i   = max(psi_i, f_i delta_i(t) + sum over j of w_ij / x_i l^u_j(t - 1))

Orders to refill stock are not in this mode: they would let a loss of inputs make good a loss of
orders, so that a greater shock could lower a loss. The joint mode (`graph.joint`) has them.
Sources: Diem et al. 2022 (ESRI), Pichler et al. 2022 (input classes), Inoue & Todo 2019 (stocks).
"""

from __future__ import annotations

import numpy as np

from graph.arrays import ESSENTIAL, NON_ESSENTIAL, Floats, SupplyArrays
from graph.scenario import Outcome, Scenario, check_scenario

SOLD_OUT = 1e-10  # a market that sells less than this of its normal sales steps in for nobody


def run(arrays: SupplyArrays, scenario: Scenario, *, market: bool = False) -> Outcome:
    """The reference: every node on every day. `market`: others of the sector step in (sigma).

    ScenarioError when the scenario does not fit the graph.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> chain = compile_arrays(2, [0], [1], [0], [1.0], stock=3.0, lead=2)
    >>> closed = scenario(8, [Hit(np.array([0]), 1.0)])
    >>> run(chain, closed).first_day().tolist()   # stock 3 + lead 2 + one day for the hop
    [0, 6]
    """
    check_scenario(arrays, scenario)
    n, days = arrays.nodes, scenario.days
    group = arrays.link_group
    lag = arrays.link_lead.astype(np.int64) + 1
    depth = int(lag.max(initial=1)) + 1
    missing = np.zeros((depth, arrays.links))  # d_e of the last days, by day modulo depth
    every = np.arange(arrays.links)
    stock = arrays.group_stock.copy()
    down, up = np.zeros((days, n)), np.zeros((days, n))
    onset = first_loss(scenario)
    for t in range(days):
        psi = np.zeros(n)
        psi[scenario.nodes] = scenario.psi[t]
        late = missing[(t - lag) % depth, every]
        miss = np.bincount(group, arrays.link_part * late, arrays.groups)
        short = np.maximum(0.0, miss - stock)  # 1 - m
        down[t] = np.minimum(1.0, np.maximum(psi, from_inputs(arrays, short)))
        use = np.where(
            arrays.group_class == ESSENTIAL, 1.0 - down[t][arrays.group_buyer], 1.0
        )  # what is not essential is used at the planned rate
        # Written as changes, so that a group that misses nothing keeps its stock to the bit.
        stock = np.clip(stock - miss + (1.0 - use), 0.0, arrays.group_stock)
        missing[t % depth] = undelivered(arrays, scenario, t, t - onset, down[t], market)
        orders = _unordered(arrays, scenario, t, up[t - 1] if t else np.zeros(n))
        up[t] = np.minimum(1.0, np.maximum(psi, orders))  # over 1 by rounding only
    loss = np.maximum(down, up)
    return Outcome(
        nodes=np.arange(n),
        level=1.0 - loss,
        down=1.0 - down,
        up=1.0 - up,
        engine="reference",
        switches=switches(arrays, market),
        residual=last_change(loss),
        size=n,
    )


def last_change(loss: Floats) -> float:
    """The greatest change of any node on the last day (days x nodes), against 0 on day -1.

    It speaks of levels: stocks that still run down, or goods still on the way, are not in it.
    """
    before = loss[-2] if len(loss) > 1 else np.zeros(loss.shape[1])
    return float(np.abs(loss[-1] - before).max(initial=0.0))


def switches(arrays: SupplyArrays, market: bool) -> str:
    """What was on in a run in the separate mode, for `Outcome.switches`.

    The leak is the least share that final demand takes of any node that sells to others: at 0 a
    loss of orders never dies out in a closed part of the graph.

    >>> from graph.arrays import compile_arrays
    >>> switches(compile_arrays(2, [0], [1], [0], [1.0], stock=3.0, final=0.2), market=False)
    'separate; market off; stocks on; lead times off; substitution off; leak 0.2'
    """
    sells = arrays.sold_start[1:] > arrays.sold_start[:-1]
    parts = {
        "market": market,
        "stocks": arrays.group_stock.any(),
        "lead times": arrays.link_lead.any(),
        "substitution": arrays.link_rho.any(),
    }
    states = [f"{what} {'on' if on else 'off'}" for what, on in parts.items()]
    leak = arrays.final[sells].min(initial=1.0)
    return "; ".join(["separate", *states, f"leak {leak:g}"])


def first_loss(scenario: Scenario) -> int:
    """The first day on which anything is lost: substitution is counted from it."""
    days = [
        np.flatnonzero(part.any(axis=1))[0]
        for part in (scenario.psi, scenario.phi, scenario.delta)
        if part.any()
    ]
    return int(min(days, default=0))


def from_inputs(arrays: SupplyArrays, short: Floats) -> Floats:
    """n: the loss that what is short in each group (g, 0..1) forces on its buyer."""
    essential = arrays.group_class == ESSENTIAL
    other = arrays.group_class == NON_ESSENTIAL
    worst = np.zeros(arrays.nodes)
    np.maximum.at(worst, arrays.group_buyer[essential], short[essential])
    spread = np.bincount(
        arrays.group_buyer[other], (arrays.group_part * short)[other], arrays.nodes
    )
    return np.maximum(worst, spread)


def standing_in(arrays: SupplyArrays, loss: Floats) -> Floats:
    """n: sigma, the part of a node's loss that the rest of its market cannot make good."""
    listed, part = arrays.sector >= 0, market_part(arrays)
    markets = np.bincount(arrays.sector[listed], (part * (1.0 - loss))[listed])
    sigma = np.ones(arrays.nodes)
    left = markets[arrays.sector[listed]]
    sigma[listed] = np.minimum(
        1.0, np.divide(part[listed], left, out=np.ones(len(left)), where=left > SOLD_OUT)
    )
    return sigma


def market_part(arrays: SupplyArrays) -> Floats:
    """n: the share of its market's normal sales that each node makes, so that no unit matters.

    0 outside a market and in one that sells nothing.

    >>> from graph.arrays import compile_arrays
    >>> shops = compile_arrays(4, [0, 1], [2, 2], [0, 0], [3e-12, 1e-12], sector=[0, 0, -1, 1])
    >>> market_part(shops).tolist()
    [0.75, 0.25, 0.0, 0.0]
    """
    listed = arrays.sector >= 0
    sales = arrays.sold_weight[listed]
    normal = np.bincount(arrays.sector[listed], sales)[arrays.sector[listed]]
    part = np.zeros(arrays.nodes)
    part[listed] = np.divide(sales, normal, out=np.zeros(len(sales)), where=normal > 0)
    return part


def grown(arrays: SupplyArrays, since: int) -> Floats:
    """m: how far substitution has come `since` days after the first loss, 0..1 of rho."""
    ramp = arrays.link_ramp
    return np.where(ramp > 0, -np.expm1(-max(0, since) / np.where(ramp > 0, ramp, 1.0)), 1.0)


def undelivered(
    arrays: SupplyArrays, scenario: Scenario, t: int, since: int, loss: Floats, market: bool
) -> Floats:
    """m: d_e(t), the share of each link's normal delivery that is not sent on day t."""
    sigma = standing_in(arrays, loss) if market else np.ones(arrays.nodes)
    gone = (1.0 - arrays.link_rho * grown(arrays, since)) * (sigma * loss)[arrays.link_supplier]
    phi = np.zeros(arrays.links)
    phi[scenario.links] = scenario.phi[t]
    return gone + phi * (1.0 - gone)  # 1 - (1 - phi)(1 - gone), exactly 0 when both are 0


def _unordered(arrays: SupplyArrays, scenario: Scenario, t: int, before: Floats) -> Floats:
    """n: the part of normal orders that does not come, from buyers' losses of yesterday."""
    delta = np.zeros(arrays.nodes)
    delta[scenario.buyers] = scenario.delta[t]
    lost = arrays.link_sold_part * before[arrays.link_buyer]
    orders = np.bincount(arrays.link_supplier, lost, arrays.nodes)
    return np.asarray(arrays.final * delta + orders)
