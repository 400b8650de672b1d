"""Which thresholds give at most so many alerts a day at the best recall? A search that ends.

Fitted on the first half of the period, so that the second half can say what to expect. The search
tries rule sets in a fixed order and at most so many: the same question gets the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from alerts.rulebook import read_book
from ews.model import RuleSet, Stage
from ews.tuning.desk_figures import point
from ews.tuning.desk_knobs import SCALES
from ews.tuning.desk_play import Bench, Played
from ews.tuning.desk_scaling import Values, scaled, typed, with_values
from ews.tuning.desk_shapes import Point, Target

MOST_TRIES = 90
ENOUGH_JUDGED = 10  # alerts that must be judged before their precision decides anything
SWEEP = (1.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5)
STEPS = (0.7, 0.85, 1.15, 1.4)
Rank = tuple[float, ...]  # the smallest is the best


@dataclass(slots=True)
class Search:
    """One search on one bench: tries, and the best so far."""

    bench: Bench
    base: RuleSet
    target: Target
    most: int = MOST_TRIES
    tried: int = 0
    ranks: dict[tuple[tuple[str, float], ...], Rank] = field(default_factory=dict)

    def run(self) -> Values:
        """First all thresholds together, then each alone, until nothing gets better."""
        best = min((self._swept(factor) for factor in SWEEP), key=self._rank)
        better = True
        while better and self.tried < self.most:
            better = False
            for rule, measure in self._axes():
                for step in STEPS:
                    other = self._stepped(best, rule, measure, step)
                    if self.tried < self.most and self._rank(other) < self._rank(best):
                        best, better = other, True
        return best

    def _swept(self, factor: float) -> Values:
        values = scaled(self.base, factor, self.target.stage)
        return {} if factor == 1.0 else values

    def _stepped(self, best: Values, rule: str, measure: str, step: float) -> Values:
        now = with_values(self.base, best)
        return best | scaled(now, step, self.target.stage, rule, measure)

    def _axes(self) -> Iterator[tuple[str, str]]:
        """The thresholds that may decide, rules of the lowest stage first: they tell most."""
        for rule in reversed(read_book(self.base).rules):
            if rule.stage >= self.target.stage:
                yield from ((rule.name, one) for one in rule.when if one in SCALES)

    def _rank(self, values: Values) -> Rank:
        key = tuple(sorted(values.items()))
        if key not in self.ranks:
            self.tried += 1
            played = self.bench.play(with_values(self.base, values))
            self.ranks[key] = rank(played, self.target, len(typed(self.base, values)))
        return self.ranks[key]


def rank(played: Played, target: Target, moved: int) -> Rank:
    """Within the load first, then precise enough, then recall, then precision; of equals the one
    that moves less and tells less."""
    at = point(played.scored, target.stage)
    caution = point(played.scored, Stage.CAUTION)
    load = load_of(played, target)
    over = max(0.0, load - target.most_per_day)
    sure = at.precision is not None and at.judged >= ENOUGH_JUDGED
    lack = 0.0
    if target.precision_at_least is not None and sure:
        lack = max(0.0, target.precision_at_least - (at.precision or 0.0))
    right = at.precision if sure and at.precision is not None else 0.0
    return (round(over, 4), round(lack, 4), -at.caught, -caution.caught, -round(right, 2),
            moved, load)  # fmt: skip


def load_of(played: Played, target: Target) -> float:
    """What counts against the target, a day: new alerts that reach its stage, or the messages that
    its receiver would have to be sent, those that its budget held with them."""
    if target.receiver is None:
        return point(played.scored, target.stage).per_day
    load = played.backtest.loads[target.receiver]
    asked = sum(load.told_by_day.values()) + load.held_by_reason.get("held_by_budget", 0)
    return round(asked / played.scored.window.days, 4)


def met(played: Played, target: Target) -> bool:
    """Whether the load, and the precision where enough is judged, are as asked."""
    at = point(played.scored, target.stage)
    wanted = target.precision_at_least
    sure = at.precision is not None and at.judged >= ENOUGH_JUDGED
    precise = wanted is None or not sure or (at.precision or 0.0) >= wanted
    return load_of(played, target) <= target.most_per_day and precise


def figures(played: Played, target: Target) -> Point:
    return point(played.scored, target.stage)
