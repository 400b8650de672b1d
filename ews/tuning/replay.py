"""Replay: the live pipeline over recorded signals, with an old `now`.

Signals are taken in order of `available_at`, a day at a time; classification of the day runs in
large batches (a text's tags do not depend on the clock), every later stage runs at each tick that
has something new. The clock is stored at each tick, so a killed replay goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from ews.model import Alert, Article, Observation, RuleSet, Stage, TaggedArticle
from ews.pipeline import Pipeline
from ews.storage import Store
from nlp.classifier import Classifier, TransformerClassifier

STEP = timedelta(hours=1)
Progress = Callable[[date, float, int], None]  # day just played, share done, alerts so far


@dataclass(frozen=True, slots=True)
class Played:
    """What a replay did."""

    since: date
    until: date
    articles: int
    observations: int
    ticks: int
    alerts: int


def replay(
    pipeline: Pipeline,
    signals: Iterable[Article | Observation],
    since: date,
    until: date,
    *,
    feeds: Sequence[str] = (),
    history: Sequence[Observation] = (),
    step: timedelta = STEP,
    progress: Progress | None = None,
) -> Played:
    """Play the signals available from `since` to the end of `until` (UTC days, both included).

    `history` are figures known before: the past that detectors compare with, in which nothing is
    found. Played again over the same store it changes nothing: every stage writes once.
    """
    store = pipeline.store
    days = (until - since).days + 1
    if days < 1:
        raise ValueError(f"the replay ends ({until}) before it starts ({since})")
    marks = {"from": since.isoformat(), "to": until.isoformat(), "feeds": list(feeds)}
    resumed = _resume_at(store, marks)
    _finish_interrupted(pipeline)
    with store.begin() as tx:
        tx.put("replay.last", json.dumps(marks, ensure_ascii=False))
    _know(store, history, _midnight(since))
    counts = [0, 0, 0]
    for day, batch in _by_day(signals, since, until):
        counts[0] += sum(isinstance(s, Article) for s in batch)
        counts[1] += sum(isinstance(s, Observation) for s in batch)
        end = _midnight(day + timedelta(days=1))
        if resumed is None or end > resumed:
            pipeline.ingest(batch)
            pipeline.classify(end)
            counts[2] += _play_day(pipeline, day, batch, step, resumed)
        if progress:
            progress(day, ((day - since).days + 1) / days, store.counts("alerts")["alerts"])
    # Whatever a kill left half sent has settled by now.
    pipeline.deliver(_midnight(until + timedelta(days=1)) + timedelta(hours=1))
    with store.begin() as tx:
        tx.put("replay.clock", "")
    return Played(since, until, counts[0], counts[1], counts[2], store.counts("alerts")["alerts"])


def _know(store: Store, history: Sequence[Observation], at: datetime) -> None:
    """Keep what was known at the start, as read by the detectors long ago."""
    past = [one for one in history if one.available_at < at]
    if not past:
        return
    with store.begin() as tx:
        waited = {one.name for one in tx.waiting_series(at)}
        tx.save_observations(past)
        new = [one for one in tx.waiting_series(at)
               if one.scored_until is None or one.name not in waited]  # fmt: skip
        tx.mark_scored(new, at)


def _play_day(
    pipeline: Pipeline,
    day: date,
    batch: Sequence[Article | Observation],
    step: timedelta,
    resumed: datetime | None,
) -> int:
    """Every later stage at each tick of the day that has a new signal, at its midnight, and when
    the wait for a signature ends."""
    start = _midnight(day)
    end = start + timedelta(days=1)
    ticks = {start}
    for signal in batch:
        ticks.add(start + step * -((start - signal.available_at) // step))
    played, now = 0, start - step
    while (now := _next(ticks, now, pipeline.store, end)) < end:
        if resumed is not None and now < resumed:
            continue
        with pipeline.store.begin() as tx:
            tx.put("replay.clock", now.isoformat())
        _tick(pipeline, now)
        played += 1
    return played


def _next(ticks: Collection[datetime], now: datetime, store: Store, end: datetime) -> datetime:
    """The next moment at which something is due; `end` when nothing is before it."""
    deadlines = (alert.sign_by for alert in store.open_alerts() if alert.sign_by is not None)
    return min((t for t in (*ticks, *deadlines) if t > now), default=end)


def _tick(pipeline: Pipeline, now: datetime) -> None:
    pipeline.detect(now)
    pipeline.propagate(now)
    pipeline.evaluate(now)
    pipeline.route(now)
    pipeline.deliver(now)


def _finish_interrupted(pipeline: Pipeline) -> None:
    """Do what a kill left undone at the moment it stood for, not at the first tick of this run."""
    if clock := pipeline.store.get("replay.clock"):
        _tick(pipeline, datetime.fromisoformat(clock))


def _resume_at(store: Store, marks: Mapping[str, object]) -> datetime | None:
    """Where a killed replay of the same window and feeds stood; None for a fresh one."""
    clock, last = store.get("replay.clock"), store.get("replay.last")
    if not clock or not last or json.loads(last) != marks:
        return None
    return datetime.fromisoformat(clock)


def _by_day(
    signals: Iterable[Article | Observation], since: date, until: date
) -> Iterator[tuple[date, list[Article | Observation]]]:
    """The signals of each day of the window in order; days without signals come too."""
    days: dict[date, list[Article | Observation]] = {}
    for signal in signals:
        day = signal.available_at.astimezone(UTC).date()
        if since <= day <= until:
            days.setdefault(day, []).append(signal)
    day = since
    while day <= until:
        batch = days.pop(day, [])
        batch.sort(key=lambda s: (s.available_at, s.id))
        yield day, batch
        day += timedelta(days=1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class RememberingClassifier:
    """Tags already in a store are taken from it, with the relevance that they may lack; only new
    texts go to the model."""

    def __init__(self, classifier: Classifier, memory: Store) -> None:
        self.classifier = classifier
        self.version = classifier.version
        self._memory = memory

    def classify(self, articles: Sequence[Article]) -> list[TaggedArticle]:
        known = {a.id: self._memory.tagged(a.id) for a in articles}
        missing = [a for a in articles if known[a.id] is None]
        if missing:
            known |= {t.article_id: t for t in self.classifier.classify(missing)}
        kept = [a for a in articles if known[a.id] is not None]
        tagged = [one for a in kept if (one := known[a.id]) is not None]
        if isinstance(self.classifier, TransformerClassifier):
            return self.classifier.with_relevance(kept, tagged)
        return tagged


def compare(
    base: Store,
    candidate: RuleSet,
    build: Callable[[Store], Pipeline],
    signals: Iterable[Article | Observation],
    home: Path,
    progress: Progress | None = None,
) -> tuple[Store, Played]:
    """The window of the last replay of `base` under another RuleSet, in its own store at `home`.

    `build` makes a pipeline over a store; texts that `base` has tagged are not read again.
    """
    last = base.get("replay.last")
    if not last:
        raise ValueError("this store has no replay to compare with; run `ews replay` first")
    marks = json.loads(last)
    store = Store.open(home)
    if store.ruleset() is None:
        with store.begin() as tx:
            tx.save_ruleset(candidate)
    pipeline = build(store)
    remembering = RememberingClassifier(pipeline.rooms.classifier, base)
    pipeline.rooms = replace(pipeline.rooms, classifier=remembering)
    played = replay(
        pipeline,
        signals,
        date.fromisoformat(marks["from"]),
        date.fromisoformat(marks["to"]),
        feeds=marks["feeds"],
        history=base.vintages(_midnight(date.fromisoformat(marks["from"]))),
        progress=progress,
    )
    return store, played


@dataclass(frozen=True, slots=True)
class Moved:
    """One alert that two rule sets treat differently."""

    alert: str
    stage: str  # "caution", or "watch -> caution"
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Two replays of one period: alerts by highest stage, and those gained, lost and moved."""

    before: Mapping[str, int]
    after: Mapping[str, int]
    gained: tuple[Moved, ...]
    lost: tuple[Moved, ...]
    moved: tuple[Moved, ...]


def differ(base: Store, other: Store) -> Difference:
    """What `other` gains and loses against `base`, in the window that `other` replayed last."""
    marks = json.loads(other.get("replay.last") or "{}")
    since = _midnight(date.fromisoformat(marks["from"]))
    until = _midnight(date.fromisoformat(marks["to"]) + timedelta(days=1))
    old = base.alerts(since=since, until=until)
    new = other.alerts(since=since, until=until)
    both = sorted(_paired(old, new), key=lambda pair: pair[0].event_id)
    met = {alert.id for alert, _ in both}, {alert.id for _, alert in both}
    gained = sorted((a for a in new if a.id not in met[1]), key=lambda a: a.event_id)
    lost = sorted((a for a in old if a.id not in met[0]), key=lambda a: a.event_id)
    return Difference(
        before=_by_stage(old),
        after=_by_stage(new),
        gained=tuple(_moved(other, alert) for alert in gained),
        lost=tuple(_moved(base, alert) for alert in lost),
        moved=tuple(
            _moved(other, b, f"{a.max_stage.en} -> {b.max_stage.en}")
            for a, b in both
            if a.max_stage is not b.max_stage
        ),
    )


def _paired(old: Sequence[Alert], new: Sequence[Alert]) -> Iterator[tuple[Alert, Alert]]:
    """Alerts on one happening: of the same first report, else of reports that both took in. Other
    rules may let another report speak first."""
    left = {alert.event_id: alert for alert in old}
    rest = []
    for alert in new:
        if (same := left.pop(alert.event_id, None)) is not None:
            yield same, alert
        else:
            rest.append(alert)
    home = {id_: alert for alert in left.values() for id_ in (*alert.members, alert.event_id)}
    for alert in rest:
        met = next((home[id_] for id_ in (alert.event_id, *alert.members) if id_ in home), None)
        if met is not None and left.pop(met.event_id, None) is not None:
            yield met, alert


def _by_stage(alerts: Iterable[Alert]) -> dict[str, int]:
    reached = [alert.max_stage for alert in alerts]
    return {stage.en: reached.count(stage) for stage in Stage}


def _moved(store: Store, alert: Alert, stage: str = "") -> Moved:
    event = store.event(alert.event_id)
    url = event.evidence[0].url if event and event.evidence else ""
    return Moved(alert.id, stage or alert.max_stage.en, alert.title, url)
