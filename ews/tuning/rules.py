"""Rule sets in a store: show, change, compare, undo. Every change is a new version with a name.

Nothing is overwritten: undo writes one more version, equal to the one before.
"""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from alerts.rule_cases import CaseOutcome, read_cases, run_cases, shipped_cases
from alerts.rulebook import complete, read_grouping
from alerts.rules import load_document, read_rules, shipped_ruleset
from ews.acting import recorded
from ews.model import ActKind, Person, RuleSet, flatten
from ews.storage import Store
from nlp.taxonomy import NAMES

SHIPPED_AT = datetime(2000, 1, 1, tzinfo=UTC)  # as the pipeline writes it: no one has set any


class RuleChangeError(ValueError):
    """A change of the rules that cannot be made; the message says what is allowed."""


@dataclass(frozen=True, slots=True)
class Changer:
    """The person who changes the rules, by which way, and the key that makes it once."""

    person: Person
    via: str
    key: str
    said: Mapping[str, str] = field(default_factory=dict)  # more to keep with the act


def in_force(store: Store) -> RuleSet:
    """The newest rule set; the shipped one, as version 1, in a store that has none yet."""
    return store.ruleset() or shipped_ruleset(SHIPPED_AT)


def of_version(store: Store, version: int) -> RuleSet:
    """That version. RuleChangeError names the versions there are."""
    found = store.ruleset(version)
    if found is None and version == 1 and store.ruleset() is None:
        return in_force(store)
    if found is None:
        known = ", ".join(str(one.version) for one in store.rulesets()) or "1"
        raise RuleChangeError(f"there is no version {version} of the rules; there are: {known}")
    return found


def set_rules(
    store: Store,
    changes: Mapping[str, str],
    *,
    by: str,
    reason: str,
    now: datetime,
    changer: Changer | None = None,
) -> RuleSet:
    """Save a new version with these dotted keys changed. RuleChangeError when one cannot be.

    A key must be in the rules in force and keep its kind of value. Where people are known, one of
    them changes it (`changer`), and it is kept as their act.
    """
    return _save(store, lambda rules: changed(rules, changes), by, reason, now, changer)


def set_document(
    store: Store, document: Mapping[str, object], *, by: str, reason: str, now: datetime
) -> RuleSet:
    """Save a whole rule document (as alerts/rules.toml) as a new version."""
    checked(document)
    return _save(store, lambda _: copy.deepcopy(dict(document)), by, reason, now)


def undo_rules(
    store: Store, *, by: str, reason: str, now: datetime, changer: Changer | None = None
) -> RuleSet:
    """Save a new version equal to the one before the newest. RuleChangeError when there is none."""
    newest = store.ruleset()
    if newest is None or newest.version == 1:
        raise RuleChangeError("nothing to undo: the rules are still as shipped")
    before = of_version(store, newest.version - 1)
    return _save(store, lambda _: copy.deepcopy(dict(before.rules)), by, reason, now, changer)


def candidate(store: Store, path: Path, now: datetime) -> RuleSet:
    """The rule document of a file as version 1 of a store to try it in; nothing is saved here."""
    return RuleSet(1, "candidate", f"{path.name}, tried against version {in_force(store).version}",
                   now, checked(load_document(path)))  # fmt: skip


def checked(document: Mapping[str, object]) -> dict[str, object]:
    """The document, once it can be used. A type that no reader knows would make its rule silent."""
    named = {type_: f"rules.{rule.name}.types" for rule in read_rules(document)
             for type_ in rule.types}  # fmt: skip
    families = read_grouping(document).family_of
    named |= {type_: f"group.families.{family}" for type_, family in families.items()}
    for type_, key in sorted(named.items()):
        if type_ not in NAMES:
            raise RuleChangeError(
                f"{key}: no event is of type {type_!r}; use {', '.join(sorted(NAMES))}"
            )
    return dict(document)


def difference(before: RuleSet, after: RuleSet) -> dict[str, tuple[object, object]]:
    """Dotted key -> (before, after) of every value that differs; None stands for absent."""
    old, new = flatten(before.rules), flatten(after.rules)
    return {
        key: (old.get(key), new.get(key))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    }


def changed(rules: Mapping[str, object], changes: Mapping[str, str]) -> dict[str, object]:
    """A copy of the document with the dotted keys set, checked as a whole."""
    if not changes:
        raise RuleChangeError("nothing to change: give key=value, as `ews rules show` spells it")
    document = copy.deepcopy(complete(rules))
    known = flatten(document)
    for key, text in changes.items():
        if key not in known:
            raise RuleChangeError(f"unknown key {key!r}; {_near(key, known)}")
        _put(document, key, _value(key, text, known[key]))
    return checked(document)


@dataclass(frozen=True, slots=True)
class RuleTest:
    """How one case of alerts/rules_test.toml came out."""

    name: str
    passed: bool
    message: str


def run_rule_tests(ruleset: RuleSet, file: Path | None = None) -> list[RuleTest]:
    """Every shipped case, or those of a file written as it, decided under the rule set."""
    cases = read_cases(file.read_text(encoding="utf-8"), file.name) if file else shipped_cases()
    return [_told(outcome) for outcome in run_cases(ruleset.rules, cases)]


def _told(outcome: CaseOutcome) -> RuleTest:
    expected = outcome.expected.ko if outcome.expected else "no alert"
    got = outcome.got.ko if outcome.got else "no alert"
    rule = f"{got} by {outcome.rule}" if outcome.rule else got
    message = rule if outcome.passed else f"expected {expected}, got {rule}"
    return RuleTest(outcome.name, outcome.passed, message)


# --------------------------------------------------------------------------- helpers


def _value(key: str, text: str, present: object) -> object:
    """The text as the kind of value that is there now: number, true or false, text or list."""
    try:
        value: object = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    if isinstance(present, bool) or isinstance(value, bool):
        fits = isinstance(present, bool) and isinstance(value, bool)
    elif isinstance(present, int | float):
        fits = isinstance(value, int | float)
        if fits and isinstance(present, float):
            value = float(cast(float, value))
    else:
        fits = isinstance(value, type(present))
    if not fits:
        raise RuleChangeError(f"{key}: {text!r} is not {_kind(present)}; it is {present!r} now")
    return value


def _kind(present: object) -> str:
    if isinstance(present, bool):
        return "true or false"
    if isinstance(present, int | float):
        return "a number"
    return "a list" if isinstance(present, list) else "a text"


def _put(document: dict[str, object], key: str, value: object) -> None:
    *path, last = key.split(".")
    table = document
    for part in path:
        table = cast("dict[str, object]", table[part])
    table[last] = value


def _near(key: str, known: Mapping[str, object]) -> str:
    last = key.rsplit(".", 1)[-1]
    alike = [one for one in known if last in one][:5]
    return f"did you mean {' or '.join(alike)}?" if alike else "see `ews rules show` for all keys"


def _save(
    store: Store,
    make: Callable[[Mapping[str, object]], dict[str, object]],
    by: str,
    reason: str,
    now: datetime,
    changer: Changer | None = None,
) -> RuleSet:
    """The next version, written in one transaction. It must differ from the version in force."""
    by = changer.person.name if changer else by
    if not by.strip() or not reason.strip():
        raise RuleChangeError("a change of the rules needs --by NAME and --reason TEXT")
    with store.begin() as tx:
        if changer is None and tx.people():
            raise RuleChangeError("people are known here, so one of them changes the rules")
        before = tx.ruleset()
        if before is None:
            before = shipped_ruleset(SHIPPED_AT)
            tx.save_ruleset(before)
        after = RuleSet(before.version + 1, by.strip(), reason.strip(), now, make(before.rules))
        if after.rules == before.rules:
            raise RuleChangeError(f"nothing changes: version {before.version} already says so")
        tx.save_ruleset(after)
        if changer is not None:
            recorded(
                tx, changer.person, ActKind.RULES, note=reason,
                detail={"ruleset": str(after.version), **changer.said},
                via=changer.via, key=changer.key, now=now,
            )  # fmt: skip
    return after
