"""What a rule document may not say: anything that would stop, silence or flood every evaluation."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alerts.measures import MEASURES
from alerts.reasons import readable_measure
from alerts.rule_cases import read_cases, run_cases
from alerts.rulebook import RuleError, load_document, read_rules
from ews.cli import app
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


OUTSIDE = ["soon", math.nan, math.inf, 1e300, True]  # of every number
WEIGHTS = [key for key in NUMBERS if key.startswith("chance.")]  # of the logistic model: any sign


@pytest.mark.parametrize(
    ("key", "value"),
    [(key, value) for key in NUMBERS for value in OUTSIDE]
    + [(key, -1) for key in NUMBERS if key not in WEIGHTS]
    + [(key, -1_001) for key in WEIGHTS],
)
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


@pytest.mark.parametrize(
    "case",
    [
        {"name": "a", "phase": "bogus"},
        {"name": "a", "expect": "orange"},
        {"name": "a", "sources": math.nan},
        {"name": "a", "step": [3]},
        {"name": "a", "step": [{"after_days": 1e30}]},
        3,
    ],
)
def test_a_case_that_cannot_be_read_is_named(case: dict[str, object]) -> None:
    with pytest.raises(RuleError, match=r"'a'|table"):
        run_cases(SHIPPED, [case])


def test_every_measure_is_said_in_words_where_a_rule_explains_itself() -> None:
    for measure in MEASURES:
        for lang in ("ko", "en"):
            said = readable_measure(f"{measure}=0.5 (raise 0.3, clear 0.1)", lang)
            assert "=" not in said, measure
            assert "clear" not in said, measure


def test_an_analyst_runs_cases_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[[case]]\nname = "mine"\nsources = 1\nexpect = "심각"\n', encoding="utf-8")
    found = CliRunner().invoke(app, ["rules", "test", "--cases", str(file), "--json"])
    assert found.exit_code == 1, "it fails, and says how"
    assert [(one["name"], one["passed"]) for one in json.loads(found.stdout)] == [("mine", False)]
    file.write_text("", encoding="utf-8")
    with pytest.raises(RuleError, match=r"mine.toml: write each case"):
        read_cases(file.read_text(encoding="utf-8"), file.name)
