"""Sensitivities and budgets of a rule document: what they scale, what is said, who reads them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.routes import load_routes, with_budgets
from alerts.routing import Routes
from alerts.rule_cases import run_cases
from alerts.rulebook import RuleError, read_book, with_keys
from alerts.rules import shipped_ruleset
from alerts.sensitivity import Sensitivity, counted
from ews import pipeline as stages
from ews.model import Event, EventStatus, Phase
from ews.pipeline import Pipeline, Rooms
from ews.reports import Names
from ews.storage import Store
from ews.tuning.rules import set_rules
from graph import Network
from nlp.classifier import Classifier

NOW = datetime(2024, 1, 1, tzinfo=UTC)
SHIPPED = shipped_ruleset(NOW)


def event(type_: str = "price_shock", countries: tuple[str, ...] = ("CN",)) -> Event:
    return Event(
        id="e", type=type_, also=("epidemic",), status=EventStatus.SUSPECTED, phase=Phase.ACTUAL,
        probability=0.8, severity=1.5, countries=countries, items=("urea",), ports=(),
        chokepoints=(), firms=(), title="", first_seen=NOW, updated_at=NOW, evidence=(),
        detector="news",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("countries", "factor"),
    [
        (("CN",), 0.5), (("CN", "KR"), 0.5), (("KR",), 3.0), (("CN", "US"), 1.0),
        (("CN", "JP"), 2.0), ((), 1.0),
    ],
)  # fmt: skip
def test_of_several_countries_the_largest_counts_and_korea_only_alone(
    countries: tuple[str, ...], factor: float
) -> None:
    found = Sensitivity(countries={"CN": 0.5, "JP": 2.0, "KR": 3.0})
    assert found.factor(event(countries=countries)) == factor


def test_the_main_type_counts_and_the_further_ones_do_not() -> None:
    found = Sensitivity({"epidemic": 0.0, "price_shock": 0.5}, {"CN": 2.0})
    assert found.factor(event()) == 1.0
    assert found.factor(event("epidemic")) == 0.0


@given(
    st.floats(0, 3), st.floats(0, 1), st.floats(0, 1), st.floats(0, 10), st.floats(0, 10)
)  # fmt: skip
def test_a_larger_factor_never_counts_for_less_and_stays_within_the_measure(
    severity: float, loss: float, probability: float, one: float, other: float
) -> None:
    values = {"severity": severity, "loss": loss, "probability": probability,
              "expected_loss": probability * loss, "named": 1.0}  # fmt: skip
    low, high = (counted(values, factor) for factor in sorted((one, other)))
    assert all(low[key] <= high[key] for key in values)
    assert high["severity"] <= 3
    assert high["expected_loss"] <= high["loss"] <= 1
    assert (high["probability"], high["named"]) == (probability, 1.0)
    assert counted(values, 1.0) == values


def test_a_document_without_factors_decides_as_before_and_says_nothing_of_them() -> None:
    book = read_book(SHIPPED)
    assert book.sensitivity.factor(event()) == 1.0
    assert book.sensitivity.said(event()) == ()
    assert book.rules_for(event()) == book.rules


def test_never_told_holds_for_a_rule_that_asks_for_no_measure_that_is_scaled() -> None:
    rules = with_keys(SHIPPED.rules, {
        "sensitivity.types.price_shock": 0,
        "rules.any": {"stage": "관심", "when": {"probability": {"raise_at": 0.1, "clear_at": 0.1}}},
    })  # fmt: skip
    assert read_book(replace(SHIPPED, rules=rules)).rules_for(event()) == ()


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("sensitivity.types.price_shock", -1, "from 0"),
        ("sensitivity.types.price_shock", True, "from 0"),
        ("sensitivity.types.price_shock", float("inf"), "from 0"),
        ("sensitivity.items.urea", 1, "unknown key 'items'"),
        ("sensitivity.types", 3, "must be a table"),
        ("budgets.console", 2.5, "whole number"),
        ("budgets.console", -1, "whole number"),
    ],
)
def test_a_factor_or_budget_that_makes_no_sense_is_named(
    key: str, value: object, what: str
) -> None:
    with pytest.raises(RuleError, match=what):
        read_book(replace(SHIPPED, rules=with_keys(SHIPPED.rules, {key: value})))


def test_an_act_on_what_the_rules_do_not_tell_fails_the_case_and_breaks_no_file() -> None:
    steps = [{"share": 0.8, "expect": "주의"}, {"act": "sign_off"}]
    case = {"name": "mine", "given": {"sensitivity.types.export_restriction": 0}, "step": steps}
    (first,) = run_cases(SHIPPED.rules, [case])
    assert not first.passed
    (second,) = run_cases(SHIPPED.rules, [{**case, "step": [{"share": 0.0001}, steps[1]]}])
    assert not second.passed
    assert "no alert to act on" in second.differs


def test_a_budget_of_the_rules_stands_in_place_of_that_of_the_routes() -> None:
    routes = load_routes()
    (one,) = with_budgets(routes, {"console": 3, "gone": 1}).receivers
    assert (one.name, one.budget_per_day) == ("console", 3)
    assert with_budgets(routes, {}) is routes


def test_the_pipeline_routes_by_the_budgets_of_the_rules_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path)
    # Nothing is classified here, and nothing sent.
    rooms = Rooms(cast(Classifier, None), cast(Network, None), load_routes(), {}, Names())
    set_rules(store, {"budget.console": "4"}, by="Kim", reason="fewer", now=NOW)
    seen: list[Routes] = []

    def tell(store: object, routes: Routes, *_: object) -> int:
        seen.append(routes)
        return 0

    monkeypatch.setattr(stages, "tell", tell)
    Pipeline(store, rooms).route(NOW)
    store.close()
    assert [one.budget_per_day for one in seen[0].receivers] == [4]
