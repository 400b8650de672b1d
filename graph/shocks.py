"""An event becomes shocks: which flows it hits, how hard, how soon and for how long.

The figures are the table graph/data/shock_profiles.toml (our assumptions, each with its basis)
unless a detector measured the drop. Rules: docs/reference-network.md, "From event to shock".
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ews.model import Event, Phase, Shock
from graph import reference as ref
from graph.compile import Compiled, compile_network
from graph.firms import firm_slug
from graph.network import CARRIED, Network, origin

EFFECTS = frozenset({"shortage_or_allocation", "price_shock"})
POLICY = frozenset({"export_restriction", "import_restriction", "sanctions", "regulation_change"})
# Types that can hit a whole country's deliveries although the text names no product.
COUNTRY_WIDE = frozenset(
    {
        "armed_conflict_or_unrest",
        "natural_disaster",
        "energy_outage",
        "labour_action",
        "logistics_disruption",
        "epidemic",
    }
)
WORLD_PRICE = "price_shock"
PORT_WORK = frozenset({"labour_action", "logistics_disruption", "cyber_attack"})
# States that impose sanctions more often than they are under them: dropped when another is named.
IMPOSERS = frozenset("US EU GB CA JP AU NZ CH KR".split()) | ref.EU_MEMBERS
COVERED = 0.95  # suppliers with figures that add up to this leave no room for another
MOST_ITEMS = 12


@dataclass(frozen=True, slots=True)
class Profile:
    """How an event of a type bites at the reference severity."""

    magnitude: float
    duration_days: float
    lag_days: float
    basis: str


@cache
def settings() -> Mapping[str, Mapping[str, float]]:
    """The number tables of shock_profiles.toml: targets, severity, limits, times."""
    names = ("targets", "severity", "limits", "times")
    return {name: {k: float(str(v)) for k, v in _tables()[name].items()} for name in names}


@cache
def profiles() -> Mapping[str, Profile]:
    """Profile by event type, with `default` for any other."""
    return {
        name: Profile(
            magnitude=float(str(table["magnitude"])),
            duration_days=float(str(table["duration_days"])),
            lag_days=float(str(table["lag_days"])),
            basis=str(table["basis"]),
        )
        for name, table in _tables("types").items()
    }


@cache
def _phases() -> Mapping[str, tuple[float, float]]:
    return {
        name: (float(str(table["magnitude"])), float(str(table["lag_days"])))
        for name, table in _tables("phases").items()
    }


@cache
def _tables(inside: str = "") -> Mapping[str, Mapping[str, object]]:
    text = files("graph").joinpath("data").joinpath("shock_profiles.toml").read_text("utf-8")
    document = tomllib.loads(text)
    return document[inside] if inside else document


@dataclass(frozen=True, slots=True)
class _Force:
    """What every shock of one event has in common."""

    event: Event
    magnitude: float
    duration: float
    lag: float
    basis: str

    def on(self, kind: str, target: str, factor: float = 1.0, inferred: str = "") -> Shock:
        event = self.event
        start = event.onset if event.onset and event.onset < event.first_seen else event.first_seen
        return Shock(
            event_id=event.id,
            target_kind=kind,
            target=target,
            magnitude=round(min(self.magnitude * factor, settings()["limits"]["magnitude"]), 4),
            probability=event.probability,
            duration_days=self.duration,
            start=start,
            lag_days=self.lag,
            basis=f"inferred: {inferred}; {self.basis}" if inferred else self.basis,
        )


def shock(event: Event, network: Network) -> list[Shock]:
    """The shocks of an event, at most one per target; empty when it reaches nothing of Korea's.

    A closed or dismissed event is still translated: what to do with it is the caller's choice.
    """
    compiled = compile_network(network)
    force = _force(event)
    found = [*_routes(event, force), *_suppliers(event, force, network)]
    on_the_way = bool(event.chokepoints or event.ports)
    items = [item for item in event.items if item in ref.ITEMS][:MOST_ITEMS]
    if items and not (on_the_way and event.type not in POLICY):
        for item in items:
            found.extend(_item(event, item, force, compiled))
    elif items:
        found.extend(_passing(event, items, force, compiled))
    elif not on_the_way:
        found.extend(_countries(event, force))
    strongest: dict[str, Shock] = {}
    for one in found:
        if one.magnitude > 0 and (
            one.target not in strongest or one.magnitude > strongest[one.target].magnitude
        ):
            strongest[one.target] = one
    return list(strongest.values())


# --------------------------------------------------------------------------- how hard


def severity_factor(severity: float) -> float:
    """How much harder or softer than the profile, from the severity 0..3 of the text.

    >>> severity_factor(1.5), severity_factor(0.0), severity_factor(3.0)
    (1.0, 0.4, 1.4)
    """
    table = settings()["severity"]
    return min(table["most"], max(table["least"], severity / table["reference"]))


def observed_drop(facts: Mapping[str, float]) -> float | None:
    """The share of a flow that a detector saw lost, 0..1; None when it saw none.

    >>> observed_drop({"drop": 0.44}), observed_drop({"move": -0.3}), observed_drop({"move": 0.3})
    (0.44, 0.3, None)
    """
    drop = facts.get("drop", -facts.get("move", 0.0))
    return min(drop, 1.0) if drop > 0 else None


def _force(event: Event) -> _Force:
    known = profiles()
    profile = known.get(event.type, known["default"])
    if event.type in EFFECTS:  # the cause says more than "short" or "dear"
        causes = [known[t] for t in event.also if t in known and t not in EFFECTS]
        profile = max([profile, *causes], key=lambda p: p.magnitude)
    factor, delay = _phases()[event.phase.value]
    drop = observed_drop(event.facts)
    if drop is not None:
        magnitude, basis = drop, f"observed: {event.detector} measured a drop of {drop:.0%}"
    else:
        magnitude = profile.magnitude * severity_factor(event.severity)
        basis = profile.basis
    magnitude *= factor
    lag = profile.lag_days + delay
    if event.onset is not None and event.onset > event.first_seen:  # announced, in force later
        lag = (event.onset - event.first_seen).total_seconds() / 86400
    elif event.phase is Phase.ACTUAL and drop is not None:
        lag = 0.0
    return _Force(event, magnitude, profile.duration_days, lag, basis)


# --------------------------------------------------------------------------- where


def _routes(event: Event, force: _Force) -> Iterable[Shock]:
    targets = settings()["targets"]
    drop = observed_drop(event.facts)
    phase, _ = _phases()[event.phase.value]
    for code in event.chokepoints:
        point = ref.CHOKEPOINTS.get(code)
        if point is None:
            continue
        name = "chokepoint_block" if point.mode == "block" else "chokepoint_detour"
        hit = drop if drop is not None else targets[name] * severity_factor(event.severity)
        days = targets["chokepoint_duration_days"]
        lag, basis = force.lag, force.basis if drop is not None else f"assumed: {point.mode}"
        if point.mode == "detour" and point.detour_days:
            # A detour loses no cargo: a gap of so many days in arrivals, spread over the duration.
            hit *= min(1.0, point.detour_days / days)
            lag = force.lag + point.detour_days
            basis += f"; detour of {point.detour_days:g} days ({point.basis}) over {days:g} days"
        elif point.mode == "open-sea":
            hit *= 0.05
        yield _Force(event, hit * phase, days, lag, basis).on("chokepoint", f"chokepoint:{code}")
    for code in event.ports:
        if code in ref.PORTS:
            yield force.on("port", f"port:{code}", targets["port"])


def _suppliers(event: Event, force: _Force, network: Network) -> Iterable[Shock]:
    """Suppliers that a firm's own links name."""
    for firm in event.firms:
        node = f"supplier:{firm_slug(firm)}"
        if node in network:
            yield force.on("firm", node)


def _item(event: Event, item: str, force: _Force, compiled: Compiled) -> Iterable[Shock]:
    abroad = [c for c in event.countries if c != "KR" and c in ref.COUNTRIES]
    if event.type == WORLD_PRICE and (abroad or "KR" not in event.countries):
        yield force.on("item", f"item:{item}")  # a price is paid for every origin
        return
    sellers = suppliers(event.type, item, abroad, compiled)
    if sellers:
        for country in sellers:
            yield force.on("origin", origin(country, item))
    elif "KR" in event.countries:
        yield force.on(
            "item", f"item:{item}", settings()["targets"]["domestic"], "an event in Korea itself"
        )
    elif not abroad:
        world = event.type in EFFECTS or observed_drop(event.facts) is not None
        yield force.on("item", f"item:{item}", 1.0, "" if world else "no origin named")


def suppliers(
    type_: str, item: str, countries: Sequence[str], compiled: Compiled
) -> tuple[str, ...]:
    """The named countries whose sale of the item to Korea the event can hit.

    Those with a figure; without one, all named, unless the suppliers that are known leave no
    room. Of sanctions, the states under them. EU means its members that sell the item.
    """
    named = list(dict.fromkeys(countries))
    if type_ == "sanctions" and any(c not in IMPOSERS for c in named):
        named = [c for c in named if c not in IMPOSERS]
    sellers = compiled.suppliers.get(item, ())
    if "EU" in named:
        named[named.index("EU") : named.index("EU") + 1] = [
            c for c in sellers if c in ref.EU_MEMBERS
        ] or ["EU"]
    known = [c for c in dict.fromkeys(named) if c in sellers]
    if known:
        return tuple(known)
    shares = (compiled.share(c, item, None) for c in sellers)
    if sum((s.share or 0.0) for s in shares if s and not s.stale) >= COVERED:
        return ()
    return tuple(dict.fromkeys(named))


def _passing(
    event: Event, items: Sequence[str], force: _Force, compiled: Compiled
) -> Iterable[Shock]:
    """Items named beside a strait or port that no known origin brings through it."""
    nodes = [f"chokepoint:{c}" for c in event.chokepoints] + [f"port:{p}" for p in event.ports]
    through = {item for node in nodes for _, item in compiled.through.get(node, ())}
    for item in items:
        if item not in through and item != CARRIED:
            yield force.on(
                "item",
                f"item:{item}",
                settings()["targets"]["port"],
                "named with the route; no origin of it is known to pass",
            )


def _countries(event: Event, force: _Force) -> Iterable[Shock]:
    if event.type not in COUNTRY_WIDE:
        return
    abroad = [c for c in event.countries if c != "KR" and c in ref.COUNTRIES]
    for country in abroad[:3]:
        yield force.on(
            "country",
            f"country:{country}",
            settings()["targets"]["country_only"],
            "the text names no item",
        )
    if not abroad and "KR" in event.countries and event.type in PORT_WORK:
        yield force.on(
            "item",
            f"item:{CARRIED}",
            settings()["targets"]["domestic"],
            "deliveries within Korea",
        )
