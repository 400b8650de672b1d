"""What could be done about an outlook: cover, order-by day, other origins, stock, moved shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ews.model import Shock
from graph.alternatives import Alternative, alternative_origins
from graph.arrays import SupplyArrays
from graph.cover import Cover, days_of_cover
from graph.mix import Offer
from graph.national import UNKNOWN, NationalModel
from graph.network import Network
from graph.outlook import Outlook, bad_case
from graph.propagation import recover_days
from graph.remedies import MixPlan, StockPlan, smallest_diversification, smallest_stock
from graph.scenario import Outcome, Scenario
from graph.step_kernels import run_fast

LINE = 1.0  # days of normal use that may be lost in the bad case: what the plans below keep to
MOST_BUYERS = 8  # for which plans are made, the worst first
MOST_ALTERNATIVES = 8
STRUCK = 0.5  # an origin that loses this much of its flow to the same event is no way out


@dataclass(frozen=True, slots=True)
class Plan:
    """For one use or firm and one item: how long it lasts, and what would keep the bad case small.

    `mix` moves shares to an origin that the event leaves alone; whether it could send so much is
    not known. None: nothing of the item is bought from where the event hits.
    """

    buyer: str  # node id
    item: str
    cover: Cover  # in the run as assumed
    bad_cover: Cover
    recover_days: float  # until the flow is back or another supplier delivers, as assumed
    lag_days: float  # from an order elsewhere until it may be used
    lag_basis: str  # computed (of the best alternative) | assumed
    stock: StockPlan
    mix: MixPlan | None


@dataclass(frozen=True, slots=True)
class Advice:
    """Plans, the worst buyer first, and other origins of each item that is hit."""

    plans: tuple[Plan, ...]
    alternatives: dict[str, tuple[Alternative, ...]]  # item -> best first
    line: float


def advice(network: Network, found: Outlook, *, line: float = LINE) -> Advice:
    """What could be done about the uses and firms of an outlook, the worst first.

    >>> from datetime import UTC, date, datetime
    >>> from ews.model import Shock
    >>> from graph.national import national_model
    >>> from graph.network import build_network
    >>> from graph.outlook import outlook
    >>> net = build_network()
    >>> notice = Shock("evt-1", "origin", "origin:CN:natural-graphite", 0.6, 0.9, 90.0,
    ...                datetime(2024, 10, 11, tzinfo=UTC), lag_days=4)
    >>> told = advice(net, outlook(national_model(net, [notice], date(2024, 10, 11)), runs=64))
    >>> plan = told.plans[0]
    >>> plan.buyer, plan.stock.enough, bool(plan.stock.days[0] > plan.stock.now_days[0])
    ('use:natural-graphite:1', True, True)
    """
    model = found.model
    shocks = [target.shock for target in model.targets]
    arrays, scenario = bad_case(model, found.design, found.days)
    bad = run_fast(arrays, scenario).whole(arrays.nodes)
    items = dict.fromkeys(fact.item for fact in model.links if fact.country)
    # A country that sells nothing of what was read is not on the network: it has no alternatives.
    hit = {node: m for node, m in places_hit(shocks).items() if node in network}
    others = {
        item: tuple(_unstruck(alternative_origins(network, item, hit, model.on))) for item in items
    }
    plans = [
        _plan(model, found, (arrays, scenario, bad), group, others, line)
        for group in _groups(model, found)
    ]
    return Advice(tuple(plans), others, line)


def _unstruck(found: Sequence[Alternative]) -> list[Alternative]:
    """Those that the same event leaves with more than half of what they send."""
    kept = [a for a in found if a.own_loss.value is None or a.own_loss.value < STRUCK]
    return kept[:MOST_ALTERNATIVES]


def places_hit(shocks: Sequence[Shock]) -> dict[str, float]:
    """Node -> share of its flow that is lost, the largest of several shocks on one node."""
    hit: dict[str, float] = {}
    for shock in shocks:
        if shock.target_kind in ("origin", "country", "item", "chokepoint", "port"):
            hit[shock.target] = max(hit.get(shock.target, 0.0), shock.magnitude)
    return hit


def _groups(model: NationalModel, found: Outlook) -> list[int]:
    """Input groups with a stock of the worst uses and firms; a firm's are never left out."""
    names = [b.node for b in found.buyers if b.node.startswith(("use:", "firm:"))]
    kept = [n for k, n in enumerate(names) if k < MOST_BUYERS or n.startswith("firm:")]
    groups = []
    for name in kept:
        node = model.numbers[name]
        own = range(int(model.arrays.group_start[node]), int(model.arrays.group_start[node + 1]))
        groups += [g for g in own if _struck(model, g)]
    return groups


def _links(model: NationalModel, group: int) -> range:
    start = model.arrays.link_start
    return range(int(start[group]), int(start[group + 1]))


def _struck(model: NationalModel, group: int) -> list[int]:
    """Suppliers of the group that a shock hits, at home or on the way."""
    nodes = {int(n) for target in model.targets for n in target.nodes}
    cut = {int(n) for target in model.targets for n in target.links}
    supplier = model.arrays.link_supplier
    return [int(supplier[n]) for n in _links(model, group) if n in cut or int(supplier[n]) in nodes]


def _plan(
    model: NationalModel,
    found: Outlook,
    bad: tuple[SupplyArrays, Scenario, Outcome],
    group: int,
    others: dict[str, tuple[Alternative, ...]],
    line: float,
) -> Plan:
    arrays, scenario, outcome = bad
    fact = model.stocks[group]
    share = sum(model.links[n].weight for n in _links(model, group)
                if int(model.arrays.link_supplier[n]) in _struck(model, group))  # fmt: skip
    until = min(t.shock.duration_days for t in model.targets)
    recover = recover_days(until, share)
    lags = [a.lag_days for a in others.get(fact.item, ()) if a.lag_days is not None]
    lag, basis = (lags[0], "computed") if lags else (recover_days(float("inf"), share), "assumed")
    (cover,) = days_of_cover(model.arrays, found.scenario, found.assumed, lag, [group])
    (bad_cover,) = days_of_cover(arrays, scenario, outcome, lag, [group])
    return Plan(
        buyer=fact.buyer,
        item=fact.item,
        cover=cover,
        bad_cover=bad_cover,
        recover_days=recover,
        lag_days=lag,
        lag_basis=basis,
        stock=smallest_stock(arrays, scenario, [group], line, engine=run_fast),
        mix=_mix(model, arrays, scenario, group, line),
    )


def _mix(
    model: NationalModel, arrays: SupplyArrays, scenario: Scenario, group: int, line: float
) -> MixPlan | None:
    away = _struck(model, group)
    safe = [n for n in _links(model, group) if int(model.arrays.link_supplier[n]) not in away]
    if not away or not safe:
        return None
    # The largest origin that is left alone stands for all of them; an unknown one only as the last.
    link = max(safe, key=lambda n: (model.links[n].country != UNKNOWN, model.links[n].weight))
    offer = Offer(
        int(model.arrays.link_supplier[link]),
        1.0,
        int(model.arrays.link_lead[link]),
        float(model.arrays.link_rho[link]),
        float(model.arrays.link_ramp[link]),
    )
    return smallest_diversification(
        arrays, scenario, group, line, [offer], np.unique(away).tolist(), engine=run_fast
    )
