"""What a rule document may not say: anything that would stop, silence or flood every evaluation."""

from __future__ import annotations

import copy
import math

import pytest

from alerts.rulebook import RuleError, load_document, read_rules
from ews.model import flatten
from ews.tuning.rules import RuleChangeError, changed, checked

SHIPPED = load_document()


def with_value(key: str, value: object) -> dict[str, object]:
    """The shipped document with one dotted key set, or taken away (None)."""
    document = copy.deepcopy(SHIPPED)
    *path, last = key.split(".")
    table = document
    for part in path:
        table = table[part]  # type: ignore[assignment]
    if value is None:
        del table[last]
    else:
        table[last] = value
    return document


NUMBERS = [
    key for key, value in flatten(SHIPPED).items()
    if isinstance(value, int | float) and not key.startswith("rules.")
]  # fmt: skip


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("value", ["soon", math.nan, math.inf, 1e300, -1, True])
def test_a_number_that_would_break_every_later_evaluation_is_refused(
    key: str, value: object
) -> None:
    with pytest.raises(RuleError, match=key.split(".")[0]):
        read_rules(with_value(key, value))


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("rules.caution-route.types", "logistics_disruption", "must be a list of texts"),
        ("rules.caution-route.types", [1, ["x"]], "must be a list of texts"),
        ("rules.caution-route.phases", 3, "must be a list of texts"),
        ("rules.caution-route.when.route.raise_at", math.nan, "finite"),
        ("rules.caution-route.when.route.raise_at", math.inf, "finite"),
        ("rules.caution-route.when", {}, "would hold for everything"),
        ("rules", {}, "nothing would ever be told"),
        ("evaluate.quiet_days", None, "evaluate.quiet_days must be a number"),
        ("news.min_probability", None, "news.min_probability must be a number"),
    ],
)
def test_a_rule_that_would_be_silent_or_always_hold_is_refused(
    key: str, value: object, says: str
) -> None:
    with pytest.raises(RuleError, match=says):
        read_rules(with_value(key, value))


def test_a_type_that_no_reader_knows_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(
        RuleChangeError, match=r"rules.caution-route.types.*'logistic'.*price_shock"
    ):
        changed(SHIPPED, {"rules.caution-route.types": '["logistic"]'})
    with pytest.raises(RuleChangeError, match=r"group.families.route.*'strike'"):
        checked(with_value("group.families.route", ["strike"]))
    assert checked(SHIPPED) == SHIPPED
