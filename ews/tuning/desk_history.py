"""Which versions of the rules were there, what did each change, and how does each stand?"""

from __future__ import annotations

from datetime import datetime

from ews.model import RuleSet
from ews.storage import Store
from ews.tuning.desk_shapes import DiffRow, Version
from ews.tuning.rule_values import difference
from ews.tuning.rules import in_force, planned, restored


def versions(store: Store, now: datetime) -> tuple[Version, ...]:
    """Every version, newest first; each against the version before it."""
    found = store.rulesets() or [in_force(store)]
    running, waiting = in_force(store, now).version, {one.version for one in planned(store, now)}
    line = restored(store)
    return tuple(
        _version(one, before, _state(one, running, waiting, now), line.get(one.version))
        for before, one in reversed(list(zip([None, *found[:-1]], found, strict=True)))
    )


def _state(one: RuleSet, running: int, waiting: set[int], now: datetime) -> str:
    if one.version == running:
        return "in_force"
    if one.version in waiting:
        return "planned"
    return "past" if one.in_force(now) and one.version < running else "replaced"


def _version(one: RuleSet, before: RuleSet | None, state: str, restores: int | None) -> Version:
    found = difference(before, one) if before else {}
    diff = tuple(DiffRow(key, old, new) for key, (old, new) in found.items())
    return Version(
        one.version, one.name, one.by, one.reason, one.created_at, one.in_force_at, state,
        restores, diff,
    )  # fmt: skip
