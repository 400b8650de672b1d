"""How likely is it that an alert on this event is right? One probability, of what the rules measure.

Right means: a present happening that can change supply, cost or delivery of a named item to Korea.
A logistic model over the measures and the event's type; its weights stand in [chance] of the rules,
so that a RuleSet says all that decided. They were fitted on happenings that readers judged
(`ews.tuning.fit_chance`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from ews.model import Event

LEAST = 1e-4  # a share or probability below it counts as this
STEEPEST = 30.0


def _log_odds(p: float) -> float:
    p = min(max(p, LEAST), 1 - LEAST)
    return math.log(p / (1 - p))


# What may be weighed, and how each is read.
LOG_ODDS = frozenset({"relevance", "probability"})
# Not who states it: that is for `corroborated`, and changes with every further report.
LOGARITHM = frozenset({"expected_loss", "loss", "share"})
PLAIN = frozenset({"severity", "named", "route", "korea", "critical", "actual"})
TERMS = LOG_ODDS | LOGARITHM | PLAIN


@dataclass(frozen=True, slots=True)
class Weights:
    """[chance] of the rules: bias, one weight for each measure, one for each event type."""

    bias: float = 0.0
    terms: Mapping[str, float] = field(default_factory=dict)
    types: Mapping[str, float] = field(default_factory=dict)


def term(name: str, value: float) -> float:
    """A measure as the model reads it."""
    if name in LOG_ODDS:
        return _log_odds(value)
    return math.log(max(value, LEAST)) if name in LOGARITHM else value


def chance(event: Event, values: Mapping[str, float], weights: Weights | None) -> float:
    """0..1. Without weights, or for figures that no text told, the probability of the event."""
    if weights is None or event.relevance is None:
        return event.probability
    logit = weights.bias + weights.types.get(event.type, 0.0)
    logit += sum(weight * term(name, values[name]) for name, weight in weights.terms.items())
    return 1 / (1 + math.exp(-max(-STEEPEST, min(STEEPEST, logit))))


def read_weights(document: Mapping[str, object]) -> Weights | None:
    """[chance]: `bias`, [chance.terms], [chance.types]; None without it. ValueError names the key."""
    table = document.get("chance")
    if table is None:
        return None
    if not isinstance(table, Mapping):
        raise ValueError("chance must be a table: bias, [chance.terms], [chance.types]")
    if extra := set(table) - {"bias", "terms", "types"}:
        raise ValueError(f"chance: unknown key {min(map(str, extra))!r}; use bias, terms, types")
    terms = _numbers(table, "terms")
    if unknown := set(terms) - TERMS:
        raise ValueError(f"chance.terms: {min(unknown)!r} cannot be weighed; use {sorted(TERMS)}")
    bias = _number("chance.bias", table.get("bias", 0.0))
    return Weights(bias, terms, _numbers(table, "types"))


def _numbers(table: Mapping[str, object], key: str) -> dict[str, float]:
    found = table.get(key, {})
    if not isinstance(found, Mapping):
        raise ValueError(f"chance.{key} must be a table: name = weight")
    return {str(name): _number(f"chance.{key}.{name}", value) for name, value in found.items()}


def _number(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1_000:
        raise ValueError(f"{key}: {value!r} must be a number from -1,000 to 1,000")
    return float(value)
