"""Changing the rules: every change is a version with a name, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ews.model import flatten
from ews.storage import Store
from ews.tuning import rules
from ews.tuning.rules import RuleChangeError

NOW = datetime(2024, 1, 1, tzinfo=UTC)
KEY = "evaluate.quiet_days"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def change(store: Store, value: str = "21", key: str = KEY) -> int:
    return rules.set_rules(store, {key: value}, by="Kim", reason="too slow", now=NOW).version


def value(store: Store, key: str = KEY) -> object:
    return flatten(rules.in_force(store).rules)[key]


def test_a_change_writes_a_version_with_name_and_reason(store: Store) -> None:
    assert change(store) == 2
    newest = rules.in_force(store)
    assert (newest.by, newest.reason, newest.created_at) == ("Kim", "too slow", NOW)
    assert value(store) == 21
    assert [one.version for one in store.rulesets()] == [1, 2]


def test_the_difference_names_what_changed(store: Store) -> None:
    change(store)
    found = rules.difference(rules.of_version(store, 1), rules.in_force(store))
    assert found == {KEY: (30, 21)}


def test_undo_writes_a_new_version_equal_to_the_one_before(store: Store) -> None:
    change(store)
    undone = rules.undo_rules(store, by="Lee", reason="back", now=NOW + timedelta(days=1))
    assert undone.version == 3
    assert value(store) == 30
    assert rules.of_version(store, 2).by == "Kim"
    assert undone.digest == rules.of_version(store, 1).digest


def test_nothing_can_be_undone_in_a_fresh_store(store: Store) -> None:
    with pytest.raises(RuleChangeError, match="as shipped"):
        rules.undo_rules(store, by="Lee", reason="back", now=NOW)


@pytest.mark.parametrize(
    ("key", "text", "what"),
    [
        ("evaluate.quiet_dayz", "21", "unknown key"),
        ("evaluate", "21", "unknown key"),
        (KEY, "soon", "is not a number"),
        (KEY, "true", "is not a number"),
        ("rules.watch-item.stage", "7", "is not a text"),
        ("rules.watch-item.stage", "loud", "unknown stage"),
        ("rules.watch-item.phases", "3", "is not a list"),
        ("rules.watch-item.when.probability.clear_at", "0.99", "above raise_at"),
        (KEY, "30", "nothing changes"),
    ],
)
def test_a_wrong_change_is_refused_and_nothing_is_written(
    store: Store, key: str, text: str, what: str
) -> None:
    with pytest.raises(ValueError, match=what):
        change(store, text, key)
    assert len(store.rulesets()) <= 1
    assert value(store) == 30


def test_an_unknown_key_suggests_the_one_that_was_meant(store: Store) -> None:
    with pytest.raises(RuleChangeError, match=r"did you mean evaluate\.quiet_days"):
        change(store, key="quiet_days")


def test_a_change_needs_a_name_and_a_reason(store: Store) -> None:
    with pytest.raises(RuleChangeError, match="--by"):
        rules.set_rules(store, {KEY: "21"}, by=" ", reason="x", now=NOW)
    with pytest.raises(RuleChangeError, match="--reason"):
        rules.set_rules(store, {KEY: "21"}, by="Kim", reason="", now=NOW)


def test_a_stage_can_be_set_in_korean(store: Store) -> None:
    changes, how = {"rules.watch-item.stage": "주의"}, rules.Saving(force_tests=True)
    rules.set_rules(store, changes, by="Kim", reason="louder", now=NOW, how=how)
    assert value(store, "rules.watch-item.stage") == "주의"


def test_an_unknown_version_names_the_known_ones(store: Store) -> None:
    change(store)
    with pytest.raises(RuleChangeError, match="there are: 1, 2"):
        rules.of_version(store, 9)


def test_the_shipped_rules_pass_their_own_cases(store: Store) -> None:
    outcomes = rules.run_rule_tests(rules.in_force(store))
    assert outcomes
    assert [one for one in outcomes if not one.passed] == []


def test_a_rule_file_can_be_tried_without_touching_the_store(store: Store, tmp_path: Path) -> None:
    shipped = Path(rules.__file__).parents[2] / "alerts" / "rules.toml"
    path = tmp_path / "mine.toml"
    text = shipped.read_text(encoding="utf-8").replace("quiet_days = 30", "quiet_days = 20")
    path.write_text(text, encoding="utf-8")
    tried = rules.candidate(store, path, NOW)
    assert rules.difference(rules.in_force(store), tried) == {KEY: (30, 20)}
    assert store.rulesets() == []
    whole = rules.set_document(store, tried.rules, by="Kim", reason="tried", now=NOW,
                               how=rules.Saving(force_tests=True))  # fmt: skip
    assert whole.version == 2
