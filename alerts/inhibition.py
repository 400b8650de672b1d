"""Which larger alert explains this one? Data in routes.toml, read as Alertmanager's inhibit rules.

A source explains a target when both fit their matchers and the source has every value that the
target has of each name in `equal`: an alert that reaches one item more is not explained. Never by
a lower stage, never by itself, and never in a circle: alerts stand in one order (stage, then the
rule they can explain by, then age), and only an earlier one explains a later one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.silences import MATCHERS, urgency, values
from ews.model import Alert, AlertState, Stage

ANY, NONE = "*", "-"


@dataclass(frozen=True, slots=True)
class Inhibition:
    """One rule. A matcher lists the values of which one must be there; "*" any, "-" none at all."""

    name: str
    source: Mapping[str, tuple[str, ...]]
    target: Mapping[str, tuple[str, ...]]
    equal: tuple[str, ...]
    source_from: Stage = Stage.WATCH  # lowest stage at which a source explains

    def explains(self, source: Alert, target: Alert) -> bool:
        """Whether by this rule alone, whatever the order."""
        return (
            self.is_source(source)
            and fits(self.target, target)
            and all(_covers(source, target, MATCHERS[key]) for key in self.equal)
        )

    def is_source(self, alert: Alert) -> bool:
        return alert.stage >= self.source_from and fits(self.source, alert)


def fits(matchers: Mapping[str, tuple[str, ...]], alert: Alert) -> bool:
    for key, wanted in matchers.items():
        has = values(alert, MATCHERS[key])
        if ANY in wanted:
            found = bool(has)
        elif NONE in wanted:
            found = not has
        else:
            found = not set(wanted).isdisjoint(has)
        if not found:
            return False
    return True


def _covers(source: Alert, target: Alert, field: str) -> bool:
    asked = values(target, field)
    return bool(asked) and set(asked) <= set(values(source, field))


Order = tuple[int, int, datetime, str]
ENOUGH = 8  # explaining alerts looked at for one target; a receiver told of none of them is told


class Larger:
    """The alerts that fire, ready to be asked which of them explain another."""

    def __init__(self, firing: Iterable[Alert], inhibitions: Sequence[Inhibition]) -> None:
        self._inhibitions = tuple(inhibitions)
        self._firing = [alert for alert in firing if alert.state is not AlertState.RESOLVED]
        self._sources: dict[int, dict[str, list[Alert]]] = {}

    def _sources_of(self, number: int) -> dict[str, list[Alert]]:
        """By value, the alerts that can explain by that rule, in order. Most rules are never asked
        for: no alert fits their target."""
        if number not in self._sources:
            rule = self._inhibitions[number]
            by_value: dict[str, list[Alert]] = defaultdict(list)
            for alert in sorted(filter(rule.is_source, self._firing), key=self.order):
                for value in values(alert, MATCHERS[rule.equal[0]]):
                    by_value[value].append(alert)
            self._sources[number] = by_value
        return self._sources[number]

    def order(self, alert: Alert) -> Order:
        """Where the alert stands: only an earlier one explains it."""
        rank = next(
            (n for n, rule in enumerate(self._inhibitions) if rule.is_source(alert)),
            len(self._inhibitions),
        )
        return (-int(alert.stage), rank, alert.raised_at, alert.id)

    def explaining(self, target: Alert) -> list[tuple[Alert, Inhibition]]:
        """Alerts that explain the target, with the rule, the largest first."""
        fitting = [n for n, rule in enumerate(self._inhibitions) if fits(rule.target, target)]
        if not fitting:
            return []
        found: dict[str, tuple[Alert, Inhibition]] = {}
        place = self.order(target)
        for number in fitting:
            rule, by_value = self._inhibitions[number], self._sources_of(number)
            first = values(target, MATCHERS[rule.equal[0]])[:1]
            for source in by_value.get(first[0], ()) if first else ():
                if len(found) >= ENOUGH or source.stage < urgency(target):
                    break
                if self.order(source) >= place:
                    break
                if rule.explains(source, target):
                    found.setdefault(source.id, (source, rule))
        return sorted(found.values(), key=lambda pair: self.order(pair[0]))
