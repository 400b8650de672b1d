"""Which values may an analyst move, how far, and what are they called?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alerts.routing import Routes
from alerts.rulebook import MOST_A_DAY, RANGES, Book, budgets, complete, read_book
from alerts.sensitivity import HIGHEST
from alerts.words import phrases, say
from ews.model import RuleSet, Threshold, flatten
from ews.tuning.desk_shapes import Knob
from ews.tuning.rule_values import ADDABLE

# The most that a measure can be; counts and days have no such end. Those of 1 alone say yes or no.
ENDS: Mapping[str, float] = {"severity": 3.0} | dict.fromkeys(
    ("probability", "relevance", "chance", "share", "loss", "expected_loss", "named", "route",
     "korea", "authority", "corroborated", "critical", "actual", "soon"), 1.0,
)  # fmt: skip
# Measures on a scale: these are what a search and a curve move together.
SCALES = frozenset({
    "probability", "relevance", "chance", "severity", "share", "loss", "expected_loss",
})  # fmt: skip
NOT_ASKED = Threshold(0.0, 0.0)  # of a measure that the rule lacks and may be given
STEPS = {"severity": 0.05, "expected_loss": 0.0005, "loss": 0.005, "share": 0.01, "sources": 1.0,
         "gap_days": 1.0}  # fmt: skip


def knobs(ruleset: RuleSet, routes: Routes) -> tuple[Knob, ...]:
    """Thresholds, sensitivities, budgets and the numbers of the other sections, in that order."""
    book = read_book(ruleset)
    return (
        *_thresholds(book), *_factors(book), *_budgets(ruleset, routes), *_others(ruleset),
    )  # fmt: skip


def _thresholds(book: Book) -> Iterator[Knob]:
    for rule in book.rules:
        lacks = {one: NOT_ASKED for one in ADDABLE if one not in rule.when}
        for measure, limit in (*rule.when.items(), *lacks.items()):
            most = ENDS.get(measure, 365.0 if measure == "gap_days" else 20.0)
            least = -365.0 if measure == "gap_days" else 0.0
            for end, value in (("raise_at", limit.raise_at), ("clear_at", limit.clear_at)):
                yield Knob(
                    key=f"rules.{rule.name}.when.{measure}.{end}",
                    group="rule",
                    value=value,
                    low=least,
                    high=most,
                    step=STEPS.get(measure, 0.01 if measure in SCALES else 1.0),
                    label_en=_named(measure, "en"),
                    label_ko=_named(measure, "ko"),
                    rule=rule.name,
                    stage=rule.stage,
                    measure=measure,
                    end=end,
                )


def _named(measure: str, lang: str) -> str:
    key = f"measure.{measure}"
    return say(key, lang) if key in phrases() else measure


def _factors(book: Book) -> Iterator[Knob]:
    factors = book.sensitivity
    for group, table in (("types", factors.types), ("countries", factors.countries)):
        for code, value in sorted(table.items()):
            key = f"sensitivity.{group}.{code}"
            yield Knob(key, "sensitivity", value, 0.0, HIGHEST, 0.1, f"sensitivity to {code}",
                       f"민감도: {code}")  # fmt: skip


def _budgets(ruleset: RuleSet, routes: Routes) -> Iterator[Knob]:
    own = budgets(ruleset.rules)
    for one in routes.receivers:
        value = own.get(one.name, one.budget_per_day)
        yield Knob(
            f"budget.{one.name}", "budget", None if value is None else float(value), 0.0,
            float(MOST_A_DAY), 1.0, f"messages a day to {one.name}", f"하루 전달 한도: {one.name}",
        )  # fmt: skip


def _others(ruleset: RuleSet) -> Iterator[Knob]:
    flat = flatten(complete(ruleset.rules))
    for key, (low, high) in RANGES.items():
        value = flat.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            step = 1.0 if isinstance(value, int) else 0.01
            yield Knob(key, "other", float(value), low, high, step, key, key)
