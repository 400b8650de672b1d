"""How much do events of a type, or of a country, count for the rules? Factors that an analyst sets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from ews.model import Event

# What a factor scales, and the most that each can be.
SCALED: Mapping[str, float] = {"severity": 3.0, "loss": 1.0}
HIGHEST = 10.0
HOME = "KR"  # nearly every event names it: its factor counts only where no other country is named


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Factors, 1 = as is, 0 = never told; a type or country that is not named has 1."""

    types: Mapping[str, float] = field(default_factory=dict)
    countries: Mapping[str, float] = field(default_factory=dict)

    def factor(self, event: Event) -> float:
        """That of its main type times the largest of its countries.

        >>> Sensitivity({"price_shock": 0.5}).types["price_shock"]
        0.5
        """
        if not (self.types or self.countries):
            return 1.0
        places = [c for c in event.countries if c != HOME] or list(event.countries)
        place = max((self.countries.get(code, 1.0) for code in places), default=1.0)
        return self.types.get(event.type, 1.0) * place

    def said(self, event: Event) -> tuple[str, ...]:
        """The reason to show beside the measures; none where nothing is scaled."""
        factor = self.factor(event)
        return () if factor == 1.0 else (f"sensitivity={factor:.3g}",)


AS_IS = Sensitivity()


def counted(values: Mapping[str, float], factor: float) -> dict[str, float]:
    """The measures as they count for the rules under that factor.

    >>> counted({"severity": 2.0, "loss": 0.4, "probability": 0.5, "expected_loss": 0.2}, 0.5)
    {'severity': 1.0, 'loss': 0.2, 'probability': 0.5, 'expected_loss': 0.1}
    """
    if factor == 1.0:
        return dict(values)
    scaled = {name: min(most, values[name] * factor) for name, most in SCALED.items()}
    return {**values, **scaled, "expected_loss": values["probability"] * scaled["loss"]}


def read_sensitivity(document: Mapping[str, object]) -> Sensitivity:
    """[sensitivity.types] and [sensitivity.countries]; ValueError names what is wrong."""
    table = document.get("sensitivity", {})
    if not isinstance(table, Mapping):
        raise ValueError(
            "sensitivity must be a table: [sensitivity.types], [sensitivity.countries]"
        )
    if extra := set(table) - {"types", "countries"}:
        raise ValueError(f"sensitivity: unknown key {min(map(str, extra))!r}; use types, countries")
    return Sensitivity(_factors(table, "types"), _factors(table, "countries"))


def _factors(table: Mapping[str, object], key: str) -> dict[str, float]:
    found = table.get(key, {})
    if not isinstance(found, Mapping):
        raise ValueError(f"sensitivity.{key} must be a table: code = factor")
    return {str(code): _factor(f"sensitivity.{key}.{code}", value) for code, value in found.items()}


def _factor(key: str, value: object) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(float(str(value))) or not 0 <= float(str(value)) <= HIGHEST:
        raise ValueError(
            f"{key}: {value!r} must be a number from 0 (never) to {HIGHEST:g}; 1 = as is"
        )
    return float(str(value))
