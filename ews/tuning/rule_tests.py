"""Do the rules still decide as people wrote down that they must? Shipped cases and the analyst's own.

A shipped case that is no guard is an example at the shipped thresholds: a change may be saved over it
with a reason, and an own case of the same name takes its place. Guards hold whatever the thresholds,
and no change is saved over one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alerts.rule_cases import CaseOutcome, Facts, read_cases, run_cases, shipped_cases
from alerts.rulebook import RuleError
from alerts.words import Bilingual
from ews.model import RuleSet, Stage


@dataclass(frozen=True, slots=True)
class RuleTest:
    """How one case came out."""

    name: str
    passed: bool
    message: str
    expected: str = ""
    got: str = ""
    own: bool = False  # of the analyst's own file
    guard: bool = False


class FailingCases(Bilingual, ValueError):
    """Rule tests that a change would fail; nothing was saved. `failed` has them all."""

    def __init__(self, failed: Sequence[RuleTest]) -> None:
        self.failed = tuple(failed)
        named = "; ".join(f"{one.name!r} {one.message}" for one in failed)
        guards = [one for one in failed if one.guard]
        super().__init__(
            f"rule tests fail, so nothing was saved: {named}. "
            + ("A guard holds whatever the thresholds: change the rules otherwise" if guards else
               "Change the rules otherwise, write what you want instead into rules_test.toml, or "
               "save over them with --force-tests: their names are kept with your reason"),
            f"규칙 시험이 어긋나 저장하지 않았습니다: {named}. "
            + ("지킴(guard) 사례는 어떤 기준에서도 지켜야 합니다. 규칙을 달리 바꾸십시오." if guards else
               "규칙을 달리 바꾸거나, rules_test.toml에 원하는 결과를 쓰거나, --force-tests로 "
               "저장하십시오. 그 사례의 이름이 사유와 함께 남습니다."),
        )  # fmt: skip


def own_file(home: Path) -> Path:
    """Where the analyst of that home writes rule tests."""
    return home / "rules_test.toml"


def read_own(file: Path | None) -> list[Facts]:
    """The analyst's cases; none without a file. RuleError names what is wrong with it."""
    if file is None or not file.is_file():
        return []
    try:
        return read_cases(file.read_text(encoding="utf-8"), file.name)
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"{file.name}: cannot be read: {error}") from error


def run_rule_tests(ruleset: RuleSet, file: Path | None = None) -> list[RuleTest]:
    """Every shipped case, or those of a file written as it, decided under the rule set."""
    cases: Sequence[Facts] = shipped_cases()
    if file is not None:
        cases = read_cases(file.read_text(encoding="utf-8"), file.name)
    return [told(outcome) for outcome in run_cases(ruleset.rules, cases)]


def run_all(rules: Mapping[str, object], own: Sequence[Facts]) -> list[RuleTest]:
    """The shipped cases with the analyst's, which take the place of those they are named after."""
    names = {str(case.get("name")) for case in own if isinstance(case, Mapping)}
    guards = {str(case["name"]) for case in shipped_cases() if case.get("guard") is True}
    if taken := sorted(names & guards):
        raise RuleError(f"rules_test.toml: {taken[0]!r} is a guard that ews ships; give your case "
                        "another name")  # fmt: skip
    shipped = [case for case in shipped_cases() if str(case.get("name")) not in names]
    return [
        *(told(one) for one in run_cases(rules, shipped)),
        *(told(one, own=True) for one in run_cases(rules, own)),
    ]


def refusing(
    before: Iterable[RuleTest], after: Iterable[RuleTest], force: bool = False
) -> list[RuleTest]:
    """The failures that keep a change from being saved.

    A guard always. Unless forced: an own case, and a shipped example that passed before (one that
    failed already is not made worse, and must not stand in the way of every later change).
    """
    passed = {one.name for one in before if one.passed}
    return [
        one for one in after
        if not one.passed
        and (one.guard or (not force and (one.own or one.name in passed)))
    ]  # fmt: skip


def told(outcome: CaseOutcome, own: bool = False) -> RuleTest:
    """The outcome in words."""
    expected, got = _stage(outcome.expected), _stage(outcome.got)
    rule = f"{got} by {outcome.rule}" if outcome.rule else got
    message = rule if outcome.passed else f"expected {expected}, got {rule}"
    return RuleTest(
        outcome.name, outcome.passed, message, expected, rule, own, outcome.guard and not own
    )


def _stage(stage: Stage | None) -> str:
    return stage.ko if stage else "no alert"
