"""How do thresholds move together? Raising and clearing alike, never past what a measure can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from alerts.rulebook import read_book, with_keys
from ews.model import RuleSet, Stage, Threshold
from ews.tuning.desk_knobs import ENDS, SCALES
from ews.tuning.rule_values import checked

REACHED = 0.95  # of the most that a measure can be
Values = dict[str, float]  # dotted key -> value


def scaled(
    ruleset: RuleSet, factor: float, least: Stage, rule: str = "", measure: str = ""
) -> Values:
    """The thresholds of the rules of that stage and above times the factor; of one rule and one
    measure alone when they are named. Measures that say yes or no stay as they are, and none is
    raised to where its measure hardly ever comes: that would switch the rule off."""
    values: Values = {}
    for one in read_book(ruleset).rules:
        if one.stage < least or (rule and one.name != rule):
            continue
        for name, limit in one.when.items():
            if name in SCALES and measure in ("", name):
                values |= _moved(f"rules.{one.name}.when.{name}", limit, factor, ENDS[name])
    return values


def _moved(key: str, limit: Threshold, factor: float, most: float) -> Values:
    highest = max(REACHED * most, limit.raise_at)
    raise_at = _round(min(highest, limit.raise_at * factor))
    return {
        f"{key}.raise_at": raise_at,
        f"{key}.clear_at": min(raise_at, _round(limit.clear_at * factor)),
    }


def _round(value: float) -> float:
    """Four digits: what an analyst can read and type.

    >>> _round(0.00130001), _round(1.08749)
    (0.0013, 1.087)
    """
    return float(f"{value:.4g}")


def with_values(ruleset: RuleSet, values: Mapping[str, float]) -> RuleSet:
    """The rule set with these values, checked."""
    return replace(ruleset, rules=checked(with_keys(ruleset.rules, values)))


def typed(ruleset: RuleSet, values: Mapping[str, float]) -> dict[str, str]:
    """The values that differ from the rule set's, as they are typed."""
    limits = {
        f"rules.{rule.name}.when.{measure}.{end}": value
        for rule in read_book(ruleset).rules
        for measure, limit in rule.when.items()
        for end, value in (("raise_at", limit.raise_at), ("clear_at", limit.clear_at))
    }
    return {key: f"{value:.4g}" for key, value in values.items() if limits.get(key) != value}
