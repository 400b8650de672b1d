"""Rule sets in a store: show, change, plan, compare, undo. Every change is a version with a name.

Nothing is overwritten: undo writes one more version, equal to an earlier one.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from alerts.rules import load_document, shipped_ruleset
from alerts.words import Bilingual
from ews.acting import ActRefused, clean, recorded
from ews.model import Act, ActKind, Person, RuleSet
from ews.storage import Store
from ews.tuning.rule_tests import FailingCases, read_own, refusing, run_all, run_rule_tests
from ews.tuning.rule_values import RuleChangeError, changed, checked, difference, differing

__all__ = [
    "Changer", "FailingCases", "RuleChangeError", "RulesConflict", "candidate", "changed", "checked",
    "difference", "in_force", "of_version", "planned", "restored", "run_rule_tests", "set_document",
    "set_rules", "undo_rules",
]  # fmt: skip
SHIPPED_AT = datetime(2000, 1, 1, tzinfo=UTC)  # as the pipeline writes it: no one has set any
MOST_VERSIONS = 1 << 62  # what a store can be asked for
RESTORES = "rules.restores"  # in the store: version -> the version that it took back to
Make = Callable[[Mapping[str, object]], dict[str, object]]


class RulesConflict(Bilingual, RuleChangeError):
    """Somebody saved, or planned, a version that this change does not know of.

    `theirs` are those versions, `colliding` the keys that both change to other values. Without any
    the change can be put on top of the newest (`rebase`).
    """

    def __init__(
        self, base: int, theirs: tuple[RuleSet, ...], colliding: tuple[str, ...], now: datetime
    ) -> None:
        self.base, self.theirs, self.colliding = base, theirs, colliding
        self.newest = theirs[-1].version
        self.planned = any(not one.in_force(now) for one in theirs)
        en = "; ".join(_who(one, now, "en") for one in theirs)
        ko = "; ".join(_who(one, now, "ko") for one in theirs)
        keys = ", ".join(colliding)
        super().__init__(
            f"your change is of version {base}, and meanwhile there is more: {en}. "
            + (f"Both change {keys}: look at `ews tune diff {base} {self.newest}` and decide anew"
               if colliding else "Nothing collides: --rebase puts yours on top"
               + (", and what was planned comes into force with it" if self.planned else "")),
            f"이 변경은 버전 {base} 기준인데 그 뒤에 저장된 버전이 있습니다: {ko}. "
            + (f"함께 바꾼 항목: {keys}. `ews tune diff {base} {self.newest}`을 보고 다시 정하십시오."
               if colliding else "겹치는 항목은 없습니다. --rebase로 그 위에 얹을 수 있습니다."
               + (" 예약된 변경도 함께 시행됩니다." if self.planned else "")),
        )  # fmt: skip


def _who(one: RuleSet, now: datetime, lang: str) -> str:
    name = f" ({one.name})" if one.name else ""
    if one.in_force_at is None or one.in_force(now):
        at = f"{one.created_at:%Y-%m-%d %H:%M} UTC"
        return f"{one.version}{name}, {one.by}, {at}: {one.reason}"
    at = f"{one.in_force_at:%Y-%m-%d %H:%M} UTC"
    said = f"planned for {at}" if lang == "en" else f"{at} 시행 예약"
    return f"{one.version}{name}, {one.by}, {said}: {one.reason}"


@dataclass(frozen=True, slots=True)
class Changer:
    """The person who changes the rules, by which way, and the key that makes it once."""

    person: Person
    via: str
    key: str
    said: Mapping[str, str] = field(default_factory=dict)  # more to keep with the act


@dataclass(frozen=True, slots=True)
class Saving:
    """How a change is saved: what it is called, from when, on what, and past which tests."""

    name: str = ""
    at: datetime | None = None  # in force from then; None: at once
    base: int | None = None  # the version that the change was made on; None: the one in force
    rebase: bool = False  # put it on top of what was saved meanwhile, where nothing collides
    own_cases: Path | None = None  # the analyst's rule tests
    force_tests: bool = False  # save over failing cases that are no guards


AT_ONCE = Saving()


def in_force(store: Store, now: datetime | None = None) -> RuleSet:
    """The rule set in force at `now`, without `now` the newest, planned or not; the shipped one, as
    version 1, in a store that has none yet."""
    found = store.ruleset() if now is None else store.ruleset_at(now)
    return found or shipped_ruleset(SHIPPED_AT)


def planned(store: Store, now: datetime) -> tuple[RuleSet, ...]:
    """Versions that come into force later, the first to come first; one that a later version took
    the place of is none."""
    waiting: list[RuleSet] = []
    for one in reversed(store.rulesets()):
        if one.in_force(now):
            break  # every older plan is passed over: this one is newer
        if not waiting or (one.in_force_at or now) < (waiting[-1].in_force_at or now):
            waiting.append(one)
    return tuple(reversed(waiting))


def of_version(store: Store, version: int) -> RuleSet:
    """That version. RuleChangeError names the versions there are."""
    found = store.ruleset(version) if 0 < version < MOST_VERSIONS else None
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
    how: Saving = AT_ONCE,
) -> RuleSet:
    """Save a new version with these dotted keys changed. RuleChangeError when one cannot be,
    RulesConflict when others saved meanwhile, FailingCases when rule tests fail.

    A key must be in the rules already and keep its kind of value; budgets and sensitivities may be
    new. Where people are known, one of them changes it (`changer`), and it is kept as their act.
    """
    return _save(store, lambda rules: changed(rules, changes), by, reason, now, changer, how)


def set_document(
    store: Store,
    document: Mapping[str, object],
    *,
    by: str,
    reason: str,
    now: datetime,
    how: Saving = AT_ONCE,
) -> RuleSet:
    """Save a whole rule document (as alerts/rules.toml) as a new version."""
    checked(document)
    return _save(store, lambda _: copy.deepcopy(dict(document)), by, reason, now, None, how)


def undo_rules(
    store: Store, *, by: str, reason: str, now: datetime, changer: Changer | None = None
) -> RuleSet:
    """Take back the newest change, in force or planned, as a new version; once more takes back the
    change before it, and so on to version 1: two undos never bring a change back. RuleChangeError
    when nothing is left. No rule test stands in its way.
    """
    by, reason = _named(by, reason, changer)
    with store.begin() as tx:
        _check_person(tx, changer)
        if (done := _done(tx, reason, changer, undo=True)) is not None:
            return done
        newest, line = tx.ruleset(), restored(tx)
        at = line.get(newest.version, newest.version) if newest else 1
        if newest is None or at == 1:
            raise RuleChangeError("nothing to undo: the rules are as shipped")
        target = of_version(tx, line.get(at - 1, at - 1))
        steps = [target]
        if newest.in_force(now) and not target.in_force(now):
            # Back to a plan: until it comes, what was in force before it is in force again.
            older = [one for one in tx.rulesets() if one.version < target.version]
            steps.insert(0, next(one for one in reversed(older) if one.in_force(now)))
        for step in steps:
            saved = replace(
                step, version=_next(tx), by=by, reason=reason, created_at=now,
                rules=copy.deepcopy(dict(step.rules)), name=f"undo {newest.version}",
                in_force_at=None if step.in_force(now) else step.in_force_at,
            )  # fmt: skip
            tx.save_ruleset(saved)
            line[saved.version] = line.get(step.version, step.version)
        tx.put(RESTORES, json.dumps(line))
        _record(tx, saved, reason, changer, now, {"undoes": str(newest.version)})
    return saved


def restored(store: Store) -> dict[int, int]:
    """Version -> the version that it took back to, of those that an undo wrote."""
    said = json.loads(store.get(RESTORES) or "{}")
    return {int(version): int(target) for version, target in said.items()}


def candidate(store: Store, path: Path, now: datetime) -> RuleSet:
    """The rule document of a file as version 1 of a store to try it in; nothing is saved here."""
    return RuleSet(1, "candidate", f"{path.name}, tried against version {in_force(store).version}",
                   now, checked(load_document(path)))  # fmt: skip


# --------------------------------------------------------------------------- saving


def _save(
    store: Store,
    make: Make,
    by: str,
    reason: str,
    now: datetime,
    changer: Changer | None,
    how: Saving,
) -> RuleSet:
    """The next version, written in one transaction. It must differ from the version in force."""
    by, reason = _named(by, reason, changer)
    if how.at is not None and how.at <= now:
        raise RuleChangeError(f"--at {how.at:%Y-%m-%d %H:%M} UTC is past; give a time to come, or "
                              "leave it out: then it is in force at once")  # fmt: skip
    with store.begin() as tx:
        _check_person(tx, changer)
        if (done := _done(tx, reason, changer, undo=False)) is not None:
            return done
        if tx.ruleset() is None:
            tx.save_ruleset(shipped_ruleset(SHIPPED_AT))
        before = _base(tx, make, how, now)
        after = make(before.rules)
        if after == before.rules:
            raise RuleChangeError(f"nothing changes: version {before.version} already says so")
        forced = _tested(before.rules, after, how)
        saved = RuleSet(_next(tx), by, _with_forced(reason, forced), now, after, how.name.strip(),
                        how.at)  # fmt: skip
        tx.save_ruleset(saved)
        _record(tx, saved, reason, changer, now, {"forced": "; ".join(forced)})
    return saved


def _base(tx: Store, make: Make, how: Saving, now: datetime) -> RuleSet:
    """What the change is put on. RulesConflict when that is not what its maker looked at."""
    newest = in_force(tx)
    base = in_force(tx, now) if how.base is None else of_version(tx, how.base)
    if base.version == newest.version:
        return newest
    theirs = differing(base.rules, newest.rules)
    mine = differing(base.rules, make(base.rules))
    both = tuple(key for key in mine if key in theirs and mine[key][1] != theirs[key][1])
    if how.rebase and not both:
        return newest
    meanwhile = tuple(one for one in tx.rulesets() if one.version > base.version)
    raise RulesConflict(base.version, meanwhile, both, now)


def _tested(
    before: Mapping[str, object], after: Mapping[str, object], how: Saving
) -> tuple[str, ...]:
    """Names of the cases that fail and are saved over. FailingCases when any may not be."""
    own = read_own(how.own_cases)
    results = run_all(after, own)
    if all(one.passed for one in results):
        return ()
    earlier = run_all(before, own)
    if failed := refusing(earlier, results, how.force_tests):
        raise FailingCases(failed)
    passed = {one.name for one in earlier if one.passed}
    return tuple(one.name for one in results if not one.passed and (one.own or one.name in passed))


def _with_forced(reason: str, forced: tuple[str, ...]) -> str:
    return f"{reason} (saved over failing tests: {'; '.join(forced)})" if forced else reason


def _named(by: str, reason: str, changer: Changer | None) -> tuple[str, str]:
    by = (changer.person.name if changer else by).strip()
    if not by or not reason.strip():
        raise RuleChangeError("a change of the rules needs --by NAME and --reason TEXT")
    return by, reason.strip()


def _check_person(tx: Store, changer: Changer | None) -> None:
    if changer is None and tx.people():
        raise RuleChangeError("people are known here, so one of them changes the rules")


def _done(tx: Store, reason: str, changer: Changer | None, *, undo: bool) -> RuleSet | None:
    """What this key saved before: asked again, as after a lost answer, nothing happens twice.
    ActRefused when it was another change."""
    act = tx.act(Act.make_id(changer.key)) if changer else None
    if act is None or changer is None:
        return None
    same = (act.by, act.kind, act.note) == (
        changer.person.name,
        ActKind.RULES,
        clean(reason, 2_000),
    )
    if not same or ("undoes" in act.detail) != undo:
        raise ActRefused("this key was used for another act; use a new one",
                         "이미 다른 일에 쓴 양식입니다. 화면을 새로 여십시오.")  # fmt: skip
    return of_version(tx, int(act.detail["ruleset"]))


def _next(tx: Store) -> int:
    newest = tx.ruleset()
    return 1 if newest is None else newest.version + 1


def _record(
    tx: Store,
    saved: RuleSet,
    reason: str,
    changer: Changer | None,
    now: datetime,
    more: Mapping[str, str],
) -> None:
    if changer is None:
        return
    at = saved.in_force_at.isoformat() if saved.in_force_at else ""
    said = {"ruleset": str(saved.version), "name": saved.name, "in_force_at": at, **more}
    recorded(
        tx, changer.person, ActKind.RULES, note=reason,
        detail={**{k: v for k, v in said.items() if v}, **changer.said},
        via=changer.via, key=changer.key, now=now,
    )  # fmt: skip
