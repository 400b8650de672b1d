"""What an event may do to uses, industries and firms: how much, when, how sure, and by which path.

Two clear runs (as assumed, and a bad case with every assumption at its bad end) and a Monte Carlo
between them, on the national model of the event's shocks. Losses are in days of normal use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ews.model import Shock
from graph.arrays import Floats, SupplyArrays
from graph.assumptions import Decides, assumption, rank_assumptions
from graph.bands import Band, Bands
from graph.national import SUPPOSED, NationalModel, StockFact, scenario_of, shortage_days
from graph.scenario import Outcome, Scenario
from graph.spreads import Spread, fixed, lognormal, pert
from graph.step_kernels import run_fast
from graph.uncertainty import monte_carlo
from graph.why import Why, contribution_paths
from graph.worlds import Blow, Design, Doubt, settled, worlds

DAYS = 180
RUNS = 512
MOST_BUYERS = 24  # for which bands are made; the worst of the bad case first
PATHS = 3


@dataclass(frozen=True, slots=True)
class BuyerOutlook:
    """One use, industry or firm (node id). Days count from the start of the earliest shock."""

    node: str
    band: Band  # losses in days of normal use
    assumed_day: int | None  # first day short in the run as assumed; None: not within the horizon
    bad_day: int | None  # the same in the bad case
    curve: Floats  # T: share of normal use that is short, as assumed
    bad_curve: Floats  # T
    why: Why  # paths of the run as assumed, or of the bad case where that one loses nothing
    why_bad: bool  # the paths are of the bad case


@dataclass(frozen=True, slots=True)
class Outlook:
    """The outlook of one event; `unknown` are items hit of which no share was read."""

    model: NationalModel
    days: int
    runs: int
    seed: int
    probability: float
    buyers: tuple[BuyerOutlook, ...]  # the greatest mean loss first
    deciding: tuple[Decides, ...]  # assumptions behind the worst buyer's loss, strongest first
    unknown: tuple[tuple[str, str], ...]
    design: Design
    bands: Bands
    assumed: Outcome
    scenario: Scenario
    calm: tuple[str, ...]  # buyers of the same items that lose nothing even in the bad case
    engine: str
    switches: str
    residual: float


def outlook(model: NationalModel, *, days: int = DAYS, runs: int = RUNS, seed: int = 1) -> Outlook:
    """The outlook of a national model and its shocks. ValueError when it has no shock.

    >>> from datetime import UTC, date, datetime
    >>> from ews.model import Shock
    >>> from graph.national import national_model
    >>> from graph.network import build_network
    >>> notice = Shock("evt-1", "origin", "origin:CN:urea", 0.6, 0.9, 90.0,
    ...                datetime(2021, 10, 11, tzinfo=UTC), lag_days=4)
    >>> found = outlook(national_model(build_network(), [notice], date(2021, 10, 11)), runs=64)
    >>> trucks = next(b for b in found.buyers if b.node == "industry:49301")
    >>> trucks.band.never < 1, trucks.assumed_day, trucks.why.paths[0].source
    (True, None, 'capacity')
    """
    if not model.targets:
        raise ValueError("an outlook needs at least one shock")
    design = design_of(model)
    assumed_scenario = scenario_of(model, days)
    bad_arrays, bad_scenario = bad_case(model, design, days)
    n = model.arrays.nodes
    assumed = run_fast(model.arrays, assumed_scenario).whole(n)
    bad = run_fast(bad_arrays, bad_scenario).whole(n)
    names = _worst(model, bad)
    watch = {name: np.array([model.numbers[name]]) for name in names}
    bands = monte_carlo(model.arrays, design, runs=runs, seed=seed, days=days, watch=watch)
    first, first_bad = shortage_days(model, assumed.down), shortage_days(model, bad.down)
    hurt = set(_hurt(model, bad))
    buyers = []
    for name in names:
        node = model.numbers[name]
        calm = float((1 - assumed.of(node)).sum()) == 0
        buyers.append(
            BuyerOutlook(
                node=name,
                band=bands.of(name),
                assumed_day=first.get(name),
                bad_day=first_bad.get(name),
                curve=1.0 - assumed.of(node),
                bad_curve=1.0 - bad.of(node),
                why=contribution_paths(bad_arrays, bad, bad_scenario, node, top=PATHS)
                if calm
                else contribution_paths(model.arrays, assumed, assumed_scenario, node, top=PATHS),
                why_bad=calm,
            )
        )
    buyers.sort(key=lambda b: (-b.band.given.mean, b.node))
    return Outlook(
        model=model,
        days=days,
        runs=runs,
        seed=seed,
        probability=design.probability,
        buyers=tuple(buyers),
        deciding=_deciding(model, design, days, bands, buyers[0].node) if buyers else (),
        calm=tuple(name for name in model.buyers if name not in hurt),
        unknown=model.unknown,
        design=design,
        bands=bands,
        assumed=assumed,
        scenario=assumed_scenario,
        engine=assumed.engine,
        switches=bands.switches,
        residual=bands.residual,
    )


def design_of(model: NationalModel) -> Design:
    """What is not known for sure: magnitude, start and duration of the blows, stocks, substitution.

    A measured drop is known to a tenth; an assumed one may be half as much or half as much again.
    A stated stock is known to a fifth; an assumed one may be 0.4 or 2.5 times as much. What a
    reader supposed (a what-if's blow, its stock) is what was asked: it is not varied.
    """
    blows: list[Blow] = []
    first = min(t.shock.start for t in model.targets)
    for target in model.targets:
        shock = target.shock
        start = (shock.start - first).total_seconds() / 86400 + shock.lag_days
        spreads = _blow(shock, start)
        for on, targets in (("capacity", target.nodes), ("deliveries", target.links)):
            if len(targets):
                blows.append(Blow(on, targets, *spreads))
    doubts = [
        Doubt("stock", np.array([g]), _stock_factor(fact))
        for g, fact in enumerate(model.stocks)
        if fact.days > 0
    ]
    outside = [n for n, fact in enumerate(model.links) if fact.country]
    doubts.append(
        Doubt("rho", np.array(outside, dtype=np.int64), pert("substitution", 0.3, 1.0, 1.1))
    )
    return Design(tuple(blows), tuple(doubts), max(t.shock.probability for t in model.targets))


def _deciding(
    model: NationalModel, design: Design, days: int, bands: Bands, name: str
) -> tuple[Decides, ...]:
    """The assumptions behind one buyer's loss, ranked; those that cannot move it are left out."""
    behind = _behind(model, name)
    doubts = tuple(d for d in design.doubts if d.of != "stock" or set(map(int, d.targets)) & behind)
    asked = replace(design, doubts=doubts)
    spreads = {spread.name: spread for spread in asked.spreads}

    def answer(values: Mapping[str, float]) -> float:
        arrays, scenario = world_of(model, asked, values, days)
        return float((1.0 - run_fast(arrays, scenario).of(model.numbers[name])).sum())

    ranked = rank_assumptions(
        [assumption(s) for s in spreads.values() if s.high > s.low],
        answer,
        stage=lambda loss: loss > 0,
        draws=bands.draws,
        answers=bands.losses(name),
    )
    return tuple(d for d in ranked if d.moves > 0 or (d.variance or 0.0) > 0.01)


def _behind(model: NationalModel, name: str) -> set[int]:
    """The input groups of a buyer and of whatever it is made of."""
    arrays, groups, todo = model.arrays, set[int](), [model.numbers[name]]
    while todo:
        node = todo.pop()
        for g in range(int(arrays.group_start[node]), int(arrays.group_start[node + 1])):
            if g not in groups:
                groups.add(g)
                links = slice(int(arrays.link_start[g]), int(arrays.link_start[g + 1]))
                todo += arrays.link_supplier[links].tolist()
    return groups


def world_of(
    model: NationalModel, design: Design, values: Mapping[str, float], days: int
) -> tuple[SupplyArrays, Scenario]:
    """The graph and scenario in which every spread has the value given for its name, or P50."""
    at = {spread.name: values.get(spread.name, spread.middle) for spread in design.spreads}
    return worlds(model.arrays, settled(design, at), 0, range(1), days)[0]


def _magnitude(magnitude: float, basis: str) -> Spread:
    if basis.startswith("observed"):
        low, high = 0.9 * magnitude, min(1.0, 1.1 * magnitude)
        return pert(f"magnitude {magnitude:g}", low, magnitude, max(magnitude, high), basis)
    high = max(magnitude, min(0.95, 1.5 * magnitude))
    return pert(f"magnitude {magnitude:g}", 0.5 * magnitude, magnitude, high)


def _blow(shock: Shock, start: float) -> tuple[Spread, Spread, Spread]:
    """Magnitude, start and duration of a shock."""
    names = (
        f"magnitude {shock.magnitude:g}",
        f"start {start:g}",
        f"duration {shock.duration_days:g}",
    )
    if shock.basis.startswith(SUPPOSED):
        asked = shock.magnitude, start, shock.duration_days
        one, two, three = (fixed(n, v, SUPPOSED) for n, v in zip(names, asked, strict=True))
        return one, two, three
    return (
        _magnitude(shock.magnitude, shock.basis),
        pert(names[1], max(0.0, start - 2), start, start + 7),
        lognormal(names[2], 0.5 * shock.duration_days, 2.0 * shock.duration_days),
    )


def _stock_factor(fact: StockFact) -> Spread:
    name = stock_name(fact)
    if fact.basis == SUPPOSED:
        return fixed(name, 1.0, SUPPOSED)
    if fact.basis != "assumed":
        return pert(name, 0.8, 1.0, 1.2, fact.citation or fact.basis)
    return lognormal(name, 0.4, 2.5)


def stock_name(fact: StockFact) -> str:
    """The name of the spread of a stock."""
    return f"stock of {fact.buyer} {fact.item}"


def bad_case(model: NationalModel, design: Design, days: int) -> tuple[SupplyArrays, Scenario]:
    """The world in which every assumption is at its bad end.

    P95 of magnitudes and durations; P5 of stocks, substitution and the days before it starts.
    """
    ends = {spread.name: spread.low for spread in design.spreads}
    for blow in design.blows:
        ends |= {s.name: s.high for s in (blow.magnitude, blow.duration_days)}
    return world_of(model, design, ends, days)


def _hurt(model: NationalModel, outcome: Outcome) -> list[str]:
    lost = (1.0 - outcome.level).sum(axis=0)
    return [name for name in model.buyers if lost[model.numbers[name]] > 0]


def _worst(model: NationalModel, bad: Outcome) -> list[str]:
    """The buyers that lose most in the bad case; firms, whose own it is, are never cut."""
    lost = (1.0 - bad.level).sum(axis=0)
    ranked = sorted(_hurt(model, bad), key=lambda name: (-lost[model.numbers[name]], name))
    firms = [name for name in ranked if name.startswith("firm:")]
    return [*firms, *[n for n in ranked if n not in firms][: max(0, MOST_BUYERS - len(firms))]]
