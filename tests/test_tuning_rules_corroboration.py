"""Who else must state it: put into a rule that does not ask, and taken out of one that does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alerts.routing import load_routes
from alerts.rulebook import RuleError
from alerts.rules import read_rules, shipped_ruleset
from ews.model import Threshold
from ews.tuning.desk_knobs import knobs
from ews.tuning.rule_values import RuleChangeError, changed

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SHIPPED = shipped_ruleset(NOW)
LACKS, HAS = "rules.caution-item.when", "rules.alert-short.when"


def when(changes: dict[str, str], rule: str = "caution-item") -> dict[str, Threshold]:
    (found,) = [one for one in read_rules(changed(SHIPPED.rules, changes)) if one.name == rule]
    return dict(found.when)


def test_one_end_is_enough_to_ask_for_sources() -> None:
    assert when({f"{LACKS}.sources.raise_at": "3"})["sources"] == Threshold(3, 3)


def test_both_ends_may_be_given_in_any_order() -> None:
    both = {f"{LACKS}.sources.clear_at": "1", f"{LACKS}.sources.raise_at": "2"}
    assert when(both)["sources"] == Threshold(2, 1)


@pytest.mark.parametrize("text", ["-", "0", "-1"])
def test_what_a_rule_asks_of_others_is_taken_out(text: str) -> None:
    assert "corroborated" in when({f"{LACKS}.sources.raise_at": "2"}, "alert-short")
    assert "corroborated" not in when({f"{HAS}.corroborated.raise_at": text}, "alert-short")


def test_what_lets_go_alone_asks_for_nothing() -> None:
    assert "sources" not in when({f"{LACKS}.sources.clear_at": "1"})


@pytest.mark.parametrize(
    "changes",
    [
        {f"{LACKS}.sources.raise_at": "many"},
        {f"{LACKS}.sources.raise_at": "nan"},
        {f"{LACKS}.sources.clear_at": "inf"},
        {f"{LACKS}.sources.raise_at": "1", f"{LACKS}.sources.clear_at": "2"},
        {f"{LACKS}.sources.weight": "1"},
        {f"{LACKS}.soon.raise_at": "1"},
        {"rules.nothing.when.sources.raise_at": "1"},
    ],
)
def test_rubbish_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises((RuleChangeError, RuleError)):
        changed(SHIPPED.rules, changes)


def test_every_rule_can_be_asked_to_wait_for_others() -> None:
    found = {(one.rule, one.measure): one.value for one in knobs(SHIPPED, load_routes())}
    assert found["caution-item", "corroborated"] == found["caution-item", "sources"] == 0
    assert found["alert-short", "corroborated"] == 1
