"""Which thresholds give at most so many alerts a day at the best recall? A search that ends.

Fitted on the first half of the period, so that the second half can say what to expect. The search
tries rule sets in a fixed order and at most so many: the same question gets the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from alerts.rulebook import read_book
from ews.model import RuleSet, Stage
from ews.tuning.desk_figures import point
from ews.tuning.desk_knobs import SCALES
from ews.tuning.desk_play import Bench, Played
from ews.tuning.desk_scaling import Values, scaled, typed, with_values
from ews.tuning.desk_shapes import Point, Target

MOST_TRIES = 90
SPENDING = 1 / 3  # of them kept for taking back what did not help, and for loosening
ENOUGH_JUDGED = 10  # alerts that must be judged before their precision decides anything
SWEEP = (0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.35, 1.5, 1.75)
STEPS = (0.85, 1.15)
Rank = tuple[float, ...]  # the smallest is the best
Axis = tuple[str, str]  # rule, measure


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
        """All thresholds of the lowest stage together, and with them those above where that is not
        enough; then each alone; then without each that did not help."""
        best: Values = {}
        for axes in self._levels():
            for factor in SWEEP:
                best = self._better(best, self._stepped({}, axes, factor))
            if self._rank(best)[0] == 0:  # within the load
                break
        return self._spent(self._refined(best))

    def _spent(self, best: Values) -> Values:
        """Without each that did not help, and looser where the load allows: an episode that nobody
        has seen yet may need it."""
        for axis in self._axes():
            without = {k: v for k, v in best.items() if not k.startswith(_prefix(axis))}
            for other in (without, self._stepped(best, [axis], STEPS[0])):
                if other != best and self.tried < self.most and self._looser(other, best):
                    best = other
        return best

    def _looser(self, other: Values, best: Values) -> bool:
        """No worse, and tells more or moves less."""
        *new, new_moved, new_load = self._rank(other)
        *old, old_moved, old_load = self._rank(best)
        return (*new, -new_load, new_moved) < (*old, -old_load, old_moved)

    def _refined(self, best: Values) -> Values:
        while True:
            before = best
            for axis in self._axes():
                for step in STEPS:
                    best = self._better(best, self._stepped(best, [axis], step))
            if best == before or self.tried >= self._searching:
                return best

    @property
    def _searching(self) -> int:
        return self.most - int(self.most * SPENDING)

    def _better(self, best: Values, other: Values) -> Values:
        """The better of the two, as long as tries are left."""
        if self.tried >= self._searching:
            return best
        return other if self._rank(other) < self._rank(best) else best

    def _stepped(self, values: Values, axes: Iterable[Axis], factor: float) -> Values:
        now = with_values(self.base, values)
        moved = dict(values)
        for rule, measure in axes:
            moved |= scaled(now, factor, self.target.stage, rule, measure)
        return moved

    def _levels(self) -> Iterator[list[Axis]]:
        """The thresholds of the target's stage; then also those of each stage above it."""
        rules = {rule.name: rule.stage for rule in read_book(self.base).rules}
        axes = list(self._axes())
        for stage in sorted({rules[rule] for rule, _ in axes}):
            yield [axis for axis in axes if rules[axis[0]] <= stage]

    def _axes(self) -> Iterator[Axis]:
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
    that moves less and leaves more room under the load."""
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


def _prefix(axis: Axis) -> str:
    return f"rules.{axis[0]}.when.{axis[1]}."


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
