"""What did each day bring? Counts and histograms of it, so that any window is a sum of days."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from ews.model import ChangeKind
from ews.storage import Store
from ews.storage.readings import Reading

GRAIN = 200  # steps of a histogram of probabilities
STATES = 0.5  # a text states a type that is at least so probable
SCORES = ("p_event", "event_probability", "relevance", "chance")
MIXES = ("type", "language", "rule")
SHARES = ("screened", "triage", "degraded", "untagged")
DAY = timedelta(days=1)
Histogram = NDArray[np.int64]


@dataclass(slots=True)
class Day:
    """One UTC day."""

    on: date
    texts: int = 0
    read: int = 0  # texts that the model read in full
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    scores: dict[str, Histogram] = field(
        default_factory=lambda: {name: np.zeros(GRAIN, np.int64) for name in SCORES}
    )

    def take(self, one: Reading) -> None:
        self.texts += 1
        self.counts["source"][one.source] += 1
        self.counts["language"][one.lang or "-"] += 1
        self.counts["share"]["untagged"] += one.p_event is None
        self.counts["share"]["screened"] += one.screened
        self.counts["share"]["degraded"] += one.degraded
        if one.p_event is None or one.screened or one.degraded:
            return
        self.read += 1
        self.counts["share"]["triage"] += one.triage
        self.score("p_event", one.p_event)
        self.score("relevance", one.relevance)
        for type_, probability in one.tags:
            if probability >= STATES:
                self.counts["type"][type_] += 1

    def score(self, name: str, value: float | None) -> None:
        if value is not None:
            self.scores[name][min(GRAIN - 1, max(0, int(value * GRAIN)))] += 1


@dataclass(frozen=True, slots=True)
class Span:
    """Days taken together."""

    days: tuple[Day, ...]

    @property
    def texts(self) -> int:
        return sum(day.texts for day in self.days)

    @property
    def read(self) -> int:
        return sum(day.read for day in self.days)

    def counts(self, dimension: str) -> Counter[str]:
        total: Counter[str] = Counter()
        for day in self.days:
            total.update(day.counts.get(dimension, {}))
        return total

    def histogram(self, name: str) -> Histogram:
        total = np.zeros(GRAIN, np.int64)
        for day in self.days:
            total += day.scores[name]
        return total

    def weeks(self) -> tuple[Span, ...]:
        """Seven days each, the newest week whole."""
        cut = len(self.days) % 7
        return tuple(Span(self.days[n : n + 7]) for n in range(cut, len(self.days), 7))


def days_of(store: Store, since: datetime, until: datetime) -> tuple[Day, ...]:
    """The days of [since, until), those on which nothing came too."""
    days = empty_days(since, until)
    for one in store.readings(since, until):
        days[_on(one.at)].take(one)
    for at, probability in store.first_words(since, until):
        days[_on(at)].score("event_probability", probability)
    for change in store.changes(since=since, until=until):
        if change.kind is ChangeKind.RAISED:
            days[_on(change.at)].counts["rule"][change.alert.rule] += 1
            days[_on(change.at)].score("chance", change.alert.chance)
    return tuple(days.values())


def summed(readings: Iterable[Reading], since: datetime, until: datetime) -> tuple[Day, ...]:
    """The days of texts alone."""
    days = empty_days(since, until)
    for one in readings:
        days[_on(one.at)].take(one)
    return tuple(days.values())


def empty_days(since: datetime, until: datetime) -> dict[date, Day]:
    first = _on(since)
    return {on: Day(on) for on in (first + n * DAY for n in range((until - since) // DAY))}


def _on(at: datetime) -> date:
    return at.astimezone(UTC).date()


def sources_of(days: Sequence[Day]) -> Mapping[str, NDArray[np.int64]]:
    """Items a day of each source."""
    names = sorted({name for day in days for name in day.counts.get("source", {})})
    return {
        name: np.array([day.counts["source"].get(name, 0) for day in days], np.int64)
        for name in names
    }
