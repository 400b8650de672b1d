"""Saving rules: at once or at a time, on what was looked at, past their tests; undo never loops."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.rulebook import RuleError, budgets
from ews.model import flatten
from ews.storage import Store
from ews.tuning import rules
from ews.tuning.desk_history import versions
from ews.tuning.rule_tests import FailingCases, own_file, read_own, run_all
from ews.tuning.rules import RuleChangeError, RulesConflict, Saving

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
QUIET, REOPEN = "evaluate.quiet_days", "group.reopen_days"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def save(store: Store, key: str, value: str, now: datetime = NOW, **how: object) -> int:
    made = Saving(**how)  # type: ignore[arg-type]
    return rules.set_rules(
        store, {key: value}, by="Kim", reason="tried", now=now, how=made
    ).version  # fmt: skip


def undo(store: Store, now: datetime = NOW) -> int:
    return rules.undo_rules(store, by="Lee", reason="back", now=now).version


def value(store: Store, now: datetime, key: str = QUIET) -> object:
    return flatten(rules.in_force(store, now).rules)[key]


# --------------------------------------------------------------------------- undo


def test_undo_twice_takes_back_two_changes_and_brings_none_back(store: Store) -> None:
    save(store, QUIET, "29")
    save(store, QUIET, "28")
    seen = []
    for _ in range(2):
        undo(store)
        seen.append(value(store, NOW))
    assert seen == [29, 30]
    with pytest.raises(RuleChangeError, match="as shipped"):
        undo(store)


def test_a_change_after_an_undo_is_taken_back_to_where_the_undo_had_led(store: Store) -> None:
    save(store, QUIET, "29")
    save(store, QUIET, "28")
    undo(store)  # 29
    save(store, REOPEN, "6")
    undo(store)
    assert (value(store, NOW), value(store, NOW, REOPEN)) == (29, 14)
    undo(store)
    assert value(store, NOW) == 30


def test_what_an_undo_restores_is_said_of_its_version(store: Store) -> None:
    save(store, QUIET, "29")
    undo(store)
    newest, changed, first = versions(store, NOW)
    assert (newest.restores, newest.name, newest.state) == (1, "undo 2", "in_force")
    assert [(row.key, row.before, row.after) for row in changed.diff] == [(QUIET, 30, 29)]
    assert (changed.state, first.state, first.diff) == ("past", "past", ())


# --------------------------------------------------------------------------- planned


def test_a_planned_version_is_in_force_from_its_time_on_and_not_before(store: Store) -> None:
    save(store, QUIET, "29", at=NOW + DAY)
    assert value(store, NOW) == 30
    assert value(store, NOW + DAY) == 29
    assert [one.version for one in rules.planned(store, NOW)] == [2]
    assert rules.planned(store, NOW + DAY) == ()


def test_a_time_that_is_past_is_refused(store: Store) -> None:
    with pytest.raises(RuleChangeError, match="is past"):
        save(store, QUIET, "29", at=NOW)
    assert store.rulesets() == []


def test_undo_takes_back_a_plan_and_the_rules_in_force_stay(store: Store) -> None:
    save(store, QUIET, "29")
    save(store, QUIET, "25", at=NOW + DAY)
    undo(store)
    assert value(store, NOW) == value(store, NOW + 2 * DAY) == 29
    assert rules.planned(store, NOW) == ()
    undo(store)
    assert value(store, NOW) == 30


def test_saving_at_once_does_not_silently_throw_a_plan_away(store: Store) -> None:
    save(store, QUIET, "25", at=NOW + DAY)
    with pytest.raises(RulesConflict) as refused:
        save(store, REOPEN, "6")
    assert refused.value.planned
    assert refused.value.colliding == ()
    assert "planned for 2026-03-03 09:00 UTC" in str(refused.value)
    assert "예약" in refused.value.ko
    assert save(store, REOPEN, "6", base=2) == 3  # on top of it, knowingly
    assert (value(store, NOW), value(store, NOW, REOPEN)) == (25, 6)


def test_undo_of_what_was_saved_on_a_plan_brings_the_plan_back_as_a_plan(store: Store) -> None:
    save(store, QUIET, "25", at=NOW + DAY)
    save(store, REOPEN, "6", base=2)
    undo(store)
    assert (value(store, NOW), value(store, NOW, REOPEN)) == (30, 14)
    assert value(store, NOW + DAY) == 25
    undo(store)
    assert value(store, NOW + DAY) == 30


def test_of_two_plans_the_later_saved_one_holds_once_both_times_have_come(store: Store) -> None:
    save(store, QUIET, "29", at=NOW + 2 * DAY)
    save(store, QUIET, "28", base=2, at=NOW + DAY)  # earlier, and newer: the first never comes
    assert [one.version for one in rules.planned(store, NOW)] == [3]
    assert value(store, NOW + 3 * DAY) == 28
    states = {one.version: one.state for one in versions(store, NOW)}
    assert states == {1: "in_force", 2: "replaced", 3: "planned"}


# --------------------------------------------------------------------------- two at once


def test_who_saves_second_is_told_who_saved_first_and_what_collides(store: Store) -> None:
    rules.set_rules(store, {QUIET: "29"}, by="Park", reason="shorter", now=NOW,
                    how=Saving(name="short"))  # fmt: skip
    with pytest.raises(RulesConflict, match=r"2 \(short\), Park, .*: shorter") as refused:
        save(store, QUIET, "28", base=1)
    assert refused.value.colliding == (QUIET,)
    assert refused.value.newest == 2
    with pytest.raises(RulesConflict):
        save(store, QUIET, "28", base=1, rebase=True)
    assert len(store.rulesets()) == 2


def test_what_does_not_collide_can_be_put_on_top(store: Store) -> None:
    save(store, QUIET, "29")
    with pytest.raises(RulesConflict, match="--rebase"):
        save(store, REOPEN, "6", base=1)
    assert save(store, REOPEN, "6", base=1, rebase=True) == 3
    assert (value(store, NOW), value(store, NOW, REOPEN)) == (29, 6)


def test_the_same_change_by_two_people_does_not_collide(store: Store) -> None:
    save(store, QUIET, "29")
    with pytest.raises(RuleChangeError, match="nothing changes"):
        save(store, QUIET, "29", base=1, rebase=True)


# --------------------------------------------------------------------------- rule tests


def own(tmp_path: Path, text: str) -> Path:
    file = own_file(tmp_path)
    file.write_text(text, encoding="utf-8")
    return file


MINE = """
[[case]]
name = "two outlets on a measure of China are 주의 at least"
countries = ["CN"]
severity = 1.1
share = 0.15
expect = "주의"
"""
SEVERITY = "rules.caution-item.when.severity.raise_at"


def test_a_failing_own_case_refuses_the_save_and_is_named(store: Store, tmp_path: Path) -> None:
    file = own(tmp_path, MINE)
    with pytest.raises(FailingCases, match="two outlets on a measure") as refused:
        save(store, SEVERITY, "2.5", own_cases=file)
    mine = [one for one in refused.value.failed if one.own]
    assert [(one.expected, one.got) for one in mine] == [("주의", "관심 by watch-item")]
    assert "규칙 시험" in refused.value.ko
    assert store.rulesets() == []


def test_saving_over_failing_cases_keeps_their_names_with_the_reason(
    store: Store, tmp_path: Path
) -> None:
    file = own(tmp_path, MINE)
    save(store, SEVERITY, "2.5", own_cases=file, force_tests=True)
    assert "saved over failing tests: " in rules.in_force(store).reason
    assert "two outlets on a measure of China" in rules.in_force(store).reason


def test_a_guard_is_never_saved_over(store: Store) -> None:
    key = "rules.watch-item.phases"
    easing = '["threat_or_proposed", "actual_or_ongoing", "easing_or_aftermath"]'
    with pytest.raises(FailingCases, match="a relief, not a shock"):
        save(store, key, easing, force_tests=True)


def test_an_own_case_takes_the_place_of_a_shipped_example_but_not_of_a_guard(
    tmp_path: Path, store: Store
) -> None:
    name = "Korea hardly buys it there"
    mine = read_own(own(tmp_path, f'[[case]]\nname = "{name}"\nshare = 0.5\nexpect = "주의"'))
    found = [one for one in run_all(rules.in_force(store).rules, mine) if one.name == name]
    assert [(one.own, one.passed) for one in found] == [(True, True)]
    guard = read_own(own(tmp_path, '[[case]]\nname = "a relief, not a shock"\nexpect = "관심"'))
    with pytest.raises(RuleError, match="guard"):
        run_all(rules.in_force(store).rules, guard)


def test_an_example_that_failed_already_does_not_stop_every_later_change(store: Store) -> None:
    save(store, SEVERITY, "2.5", force_tests=True)
    assert save(store, REOPEN, "6") == 3


def test_a_broken_file_of_cases_refuses_a_save_and_no_undo(store: Store, tmp_path: Path) -> None:
    save(store, QUIET, "29")
    file = own(tmp_path, "[[case]\n")
    with pytest.raises(RuleError, match=r"rules_test\.toml: not TOML"):
        save(store, QUIET, "28", own_cases=file)
    assert undo(store) == 3


# --------------------------------------------------------------------------- open keys


def test_budgets_and_sensitivities_are_set_and_taken_back_as_keys(store: Store) -> None:
    save(store, "budget.console", "5")
    save(store, "sensitivity.types.price_shock", "0.5")
    save(store, "sensitivity.countries.CN", "2")
    now = rules.in_force(store).rules
    assert budgets(now) == {"console": 5}
    assert now["sensitivity"] == {"types": {"price_shock": 0.5}, "countries": {"CN": 2.0}}
    save(store, "budget.console", "-")
    save(store, "sensitivity.types.price_shock", "1")
    save(store, "sensitivity.countries.CN", "-")
    assert rules.in_force(store).digest == rules.of_version(store, 1).digest


@pytest.mark.parametrize(
    ("key", "text", "what"),
    [
        ("sensitivity.types.price_shok", "0.5", "no event is of type"),
        ("sensitivity.countries.China", "0.5", "no country 'China'"),
        ("sensitivity.types.price_shock", "-0.5", "from 0"),
        ("sensitivity.types.price_shock", "nan", "from 0"),
        ("sensitivity.types.price_shock", "much", "not a number"),
        ("budget.console", "2.5", "whole number"),
        ("budget.console", "-3", "whole number"),
        ("budget.", "3", "unknown key"),
    ],
)
def test_a_wrong_budget_or_sensitivity_is_refused(
    store: Store, key: str, text: str, what: str
) -> None:
    with pytest.raises(ValueError, match=what):
        save(store, key, text)
    assert store.rulesets() == []
