"""What should the numbers do when an event is real? The table expectations.toml, read and checked."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from ews.model import Direction, Phase


@dataclass(frozen=True, slots=True)
class Family:
    """Measures that say the same of one place and item."""

    name: str
    measures: tuple[str, ...]
    span_days: int
    scale: float  # usual sd of ln(value / expected), when the series' own is not known
    tests_per_year: float
    calm_releases: int
    additive: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """How large an effect may be: shares lost or gained, with weights that add up to one."""

    name: str
    shares: tuple[float, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Expectation:
    """One row: events of `types` move series of `family` that way, in that stretch of time."""

    types: frozenset[str]
    family: str
    direction: Direction
    effect: Effect
    fulfils: bool
    from_days: int
    due_days: int
    until_days: int
    still: float  # probability that the series does not move though the event is real
    basis: str
    before_due: bool = False
    slack_days: int = 0


@dataclass(frozen=True, slots=True)
class Alone:
    """The event that a departure makes when no text tells of it."""

    family: str
    direction: Direction
    type: str
    phase: Phase
    sign: str  # fall | surge | rise | dependence | gap
    effect: Effect
    base: float
    slope: float
    most: float

    def severity(self, share: float) -> float:
        """0..3, from the share lost or gained."""
        return min(self.most, self.base + self.slope * abs(share))


@dataclass(frozen=True, slots=True)
class Expectations:
    """The whole table."""

    families: Mapping[str, Family]
    rows: tuple[Expectation, ...]
    alone: tuple[Alone, ...]
    routes: tuple[frozenset[str], ...] = ()
    by_measure: Mapping[str, Family] = field(default_factory=dict)

    def family(self, measure: str) -> Family | None:
        """The family of a measure; None for one that fusion does not know."""
        return self.by_measure.get(measure)

    def of(self, types: Iterable[str], family: str) -> tuple[Expectation, ...]:
        """Rows that any of the types has for that family."""
        known = frozenset(types)
        return tuple(row for row in self.rows if row.family == family and row.types & known)

    def lone(self, family: str, direction: Direction) -> Alone | None:
        """What that departure is without any text; None when it harms nobody."""
        fits = (one for one in self.alone if (one.family, one.direction) == (family, direction))
        return next(fits, None)

    def way(self, place: str) -> frozenset[str]:
        """The chokepoint with those on the same way."""
        return next((same for same in self.routes if place in same), frozenset({place}))


@cache
def expectations() -> Expectations:
    """The shipped table."""
    text = resources.files("ews.detectors").joinpath("expectations.toml").read_text("utf-8")
    return read(text)


def read(text: str) -> Expectations:
    """The table of a TOML document. ValueError names the row that is wrong and what it needs."""
    document = tomllib.loads(text)
    families = {name: _family(name, row) for name, row in document["families"].items()}
    effects = {name: _effect(name, row) for name, row in document["effects"].items()}
    rows = tuple(
        _row(row, families, effects, f"expect row {number}")
        for number, row in enumerate(document.get("expect", ()), 1)
    )
    alone = tuple(
        _alone(row, families, effects, f"alone row {number}")
        for number, row in enumerate(document.get("alone", ()), 1)
    )
    routes = tuple(frozenset(same) for same in document.get("routes", {}).get("same", ()))
    measures = {m: family for family in families.values() for m in family.measures}
    return Expectations(families, rows, alone, routes, measures)


def _family(name: str, row: Mapping[str, Any]) -> Family:
    _stated(row, f"families.{name}")
    return Family(
        name,
        tuple(row["measures"]),
        int(row["span_days"]),
        float(row["scale"]),
        float(row["tests_per_year"]),
        int(row["calm_releases"]),
        bool(row.get("additive", False)),
    )


def _effect(name: str, row: Mapping[str, Any]) -> Effect:
    _stated(row, f"effects.{name}")
    effect = Effect(name, tuple(row["shares"]), tuple(row["weights"]))
    if len(effect.shares) != len(effect.weights) or abs(sum(effect.weights) - 1) > 1e-9:
        raise ValueError(f"effects.{name}: one weight for each share, adding up to 1")
    if name == "fall" and not all(0 < share < 1 for share in effect.shares):
        raise ValueError("effects.fall: shares lost lie between 0 and 1")
    return effect


def _row(
    row: Mapping[str, Any],
    families: Mapping[str, Family],
    effects: Mapping[str, Effect],
    where: str,
) -> Expectation:
    _stated(row, where)
    family, direction, effect = _told(row, families, effects, where)
    if not 0 < row["still"] < 1:
        raise ValueError(f"{where}: still must lie between 0 and 1, not {row['still']}")
    if row["from_days"] >= row["until_days"]:
        raise ValueError(f"{where}: from_days must lie before until_days")
    return Expectation(
        frozenset(row["types"]),
        family,
        direction,
        effect,
        bool(row["fulfils"]),
        int(row["from_days"]),
        int(row["due_days"]),
        int(row["until_days"]),
        float(row["still"]),
        row["basis"],
        bool(row.get("before_due", False)),
        int(row.get("slack_days", 0)),
    )


def _alone(
    row: Mapping[str, Any],
    families: Mapping[str, Family],
    effects: Mapping[str, Effect],
    where: str,
) -> Alone:
    family, direction, effect = _told(row, families, effects, where)
    return Alone(
        family,
        direction,
        row["type"],
        Phase(row["phase"]),
        row["sign"],
        effect,
        float(row["base"]),
        float(row["slope"]),
        float(row["most"]),
    )


def _stated(row: Mapping[str, Any], where: str) -> None:
    if not str(row.get("basis", "")).strip():
        raise ValueError(f'{where}: say what it rests on (basis = "..."), or "assumed"')


def _told(
    row: Mapping[str, Any],
    families: Mapping[str, Family],
    effects: Mapping[str, Effect],
    where: str,
) -> tuple[str, Direction, Effect]:
    """What both tables say: the family of series, the way it moves, and how far."""
    if row["family"] not in families:
        raise ValueError(f"{where}: unknown family {row['family']!r}; use {sorted(families)}")
    if row["effect"] not in effects:
        raise ValueError(f"{where}: unknown effect {row['effect']!r}; use {sorted(effects)}")
    return row["family"], Direction(row["direction"]), effects[row["effect"]]
