"""How did every alert stand at a moment, just before the rules had their turn?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from ews.model import Alert, AlertChange, AlertState, ChangeKind, RuleSet
from ews.storage import Store

# Decided before the rules' turn in a cycle of the pipeline; all others of a moment come after it.
BEFORE_RULES = frozenset({ChangeKind.BLIND, ChangeKind.SEEING})


@dataclass(frozen=True)
class Past:
    """The changes of a store up to a moment, each alert's by revision."""

    store: Store
    steps: Mapping[str, Sequence[AlertChange]]

    @classmethod
    def of(cls, store: Store, changes: Iterable[AlertChange]) -> Past:
        steps: dict[str, list[AlertChange]] = defaultdict(list)
        for change in changes:
            steps[change.alert.id].append(change)
        for found in steps.values():
            found.sort(key=lambda change: change.alert.revision)
        return cls(store, steps)

    def before(self, change: AlertChange) -> Alert | None:
        """The alert as the change found it; None when the change raised it."""
        wanted = change.alert.revision - 1
        mine = self.steps.get(change.alert.id, ())
        return next((one.alert for one in mine if one.alert.revision == wanted), None)

    def standing(self, at: datetime) -> list[Alert]:
        """Every alert that there was, as the rules met it at that moment."""
        found = []
        for steps in self.steps.values():
            known = [step for step in steps if _came_before(step, at)]
            if known:
                found.append(known[-1].alert)
        return found

    def firing(self, at: datetime) -> list[Alert]:
        """As `Store.open_alerts` gave them then."""
        found = [one for one in self.standing(at) if one.state is not AlertState.RESOLVED]
        return sorted(found, key=lambda one: (one.raised_at, one.id))

    def ended(self, at: datetime, since: datetime) -> list[Alert]:
        """As `Store.ended_alerts` gave them then."""
        ends = [
            (one.resolved_at, one.id, one)
            for one in self.standing(at)
            if one.resolved_at is not None and one.resolved_at >= since
        ]
        return [one for _, _, one in sorted(ends, key=lambda end: end[:2])]

    def ruleset(self, at: datetime) -> RuleSet | None:
        """The rules that were in force, as far as their times tell."""
        known = [one for one in self._rulesets if one.created_at <= at and one.in_force(at)]
        return max(known, key=lambda one: one.version, default=None)

    @cached_property
    def _rulesets(self) -> Sequence[RuleSet]:
        return self.store.rulesets()


def _came_before(step: AlertChange, at: datetime) -> bool:
    return step.at < at or (step.at == at and bool(step.kind in BEFORE_RULES or step.by))
