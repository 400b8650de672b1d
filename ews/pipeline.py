"""Every stage, in order, each with its transaction. READ SECOND.

    scrape -> classify -> detect -> shock, propagate -> evaluate -> route -> deliver

When a source is due says scrapers.schedule; what it sends is read by a parse worker
(scrapers.worker), and a text that repeats another takes its tags (ews.reading).
Numbers need no classifying: `scrape` keeps them as series (ews.storage.numbers), and `detect`
measures what is new among them (ews.measuring: panels, ews.detectors.numeric, the false-alarm
budget -> Detections) beside the stories, then lets both meet in events (ews.detectors.fusion).

A stage reads what the stage before left undone, calls a pure function of its room, and writes the
answer and the mark "done" in one transaction. Killed at any point, the next cycle finds the same
work undone and does it again; IDs are hashes of content, so nothing is written twice. A replay is
this code with an old `now`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

from alerts import rules
from alerts.channels import Channel
from alerts.messages import Message, Names
from alerts.routes import with_budgets
from alerts.routing import Routes
from alerts.rulebook import budgets
from ews.blindness import watch_over
from ews.delivering import LANES, Worker
from ews.detectors import DETECTORS, DetectorInput
from ews.detectors.fusion import Settings, fuse, joined
from ews.judging import LOOKBACK, NETWORK, judge
from ews.keeping import keep_texts, within_quota
from ews.measuring import Measured, Measurer, items_by_code, shares
from ews.model import (
    Article,
    Event,
    Fetch,
    FetchOutcome,
    Notification,
    Observation,
    Polling,
    RuleSet,
    Series,
    Source,
    Story,
)
from ews.precedence import believed, left_to_others
from ews.reading import Reader
from ews.storage import Store
from ews.storage.numbers import UnitChanged
from ews.storage.tallies import counted
from ews.telling import Teller, tell
from graph import Network, propagate, shock
from nlp.classifier import Classifier
from nlp.stories import OPEN_DAYS, StoryIndex
from scrapers import KINDS, Client, Collected, Parser, collect, parse
from scrapers.calendars import dated
from scrapers.conditional import as_before
from scrapers.schedule import LOOKED_BACK, asked_as, plan, with_news

log = logging.getLogger(__name__)

BATCH = 512  # articles classified in one transaction
DETECT_BATCH = 5_000
KEPT_AT_ONCE = 20_000  # values of one fetch in one transaction: some seconds, others write too
AWAITING = timedelta(days=400)  # those that numbers may prove: a measure, its date, monthly figures
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the stages call, built once at the edge."""

    classifier: Classifier
    network: Network
    routes: Routes
    channels: Mapping[str, Channel]
    names: Names
    owner: str = "ews"  # who claims deliveries
    sources: tuple[Source, ...] = ()  # watched live; a silent one makes the reader blind
    public_url: str = ""  # address of our pages, for links in messages
    keep_raws: bool = True  # whether bodies are kept as they came, for `ews reparse`
    parser: Parser = parse  # reads what sources send; live in a worker (scrapers.worker)


class Pipeline:
    """The stages over one store. Holds only caches that the store can rebuild."""

    def __init__(self, store: Store, rooms: Rooms) -> None:
        self.store = store
        self.rooms = rooms
        self._stories: StoryIndex | None = None
        self._reader = Reader(store)
        self._events: dict[str, Event] = {}
        self._measurer = Measurer(store)

    def cycle(
        self, now: datetime, clock: Clock | None = None, deliver: bool = True
    ) -> dict[str, int]:
        """One pass of every stage after scrape; how many rows each wrote.

        `clock` is read before each sending, where seconds count; a replay has none. Without
        `deliver` a worker of its own sends (`ews run`): a hanging channel delays no detection.
        """
        return {
            "classified": self.classify(now),
            "events": self.detect(now),
            "exposures": self.propagate(now),
            "changes": self.evaluate(now),
            "notifications": self.route(now),
            "delivered": self.deliver(now, clock) if deliver else 0,
        }

    def tend(self, now: datetime) -> int:
        """What needs no new signal: acts of people, waits that end, calls, digests. Costs little
        when nothing is due, so that `ews run` does it every few seconds."""
        return self.evaluate(now) + self.route(now)

    def watch(self, sources: Sequence[Source]) -> None:
        """From now on these are the sources whose silence makes the reader blind."""
        if tuple(sources) != self.rooms.sources:
            self.rooms = replace(self.rooms, sources=tuple(sources))

    # ------------------------------------------------------------------ scrape

    def scrape(self, source: Source, client: Client, now: datetime) -> int:
        """Fetch one source and keep what it says. A bad source is a failed Fetch, never an error."""
        past = self.store.fetches(source.name, limit=LOOKED_BACK)
        last, polling = past[0] if past else None, self.store.polling(source.name)
        memory = self.store.memory(source.name) if KINDS[source.kind].remembers else ""
        asked = asked_as(source, polling, now)
        got = collect(asked, last, now, client, memory, self.rooms.parser)
        got = within_quota(self.store, source, got, now)
        planned = plan(source, polling, got.fetch, past, got.moved_to)
        try:
            return self._keep_fetched(source, got, planned, now)
        except UnitChanged as error:
            fetch = _nothing_kept(got.fetch, last, str(error))
            planned = plan(source, polling, fetch, past)
            # what came is the body that a mended mapping will want
            return self._keep_fetched(source, Collected(fetch, raws=got.raws), planned, now)

    def _keep_fetched(self, source: Source, got: Collected, planned: Polling, now: datetime) -> int:
        """Values are kept with the day on which each became known, and only what is new. A large
        fetch is kept in parts, each an item with all its places: others must write too. Killed in
        between, the turn is made again and says nothing new of what was kept."""
        values = [one for one in got.signals if isinstance(one, Observation)]
        described = {one.name: one for one in got.series}
        *parts, last = _parts(values)
        kept = Tally()
        for part in parts:
            with self.store.begin() as tx:
                _keep_values(tx, source, part, described, now, kept)
        with self.store.begin() as tx:
            _keep_values(tx, source, last, described, now, kept)
            texts = [one for one in got.signals if isinstance(one, Article)]
            new_texts = keep_texts(tx, source, texts)
            tx.save_fetch(_noting(got.fetch, kept.differ))
            if got.fetch.asked:
                tx.add_tally(counted(got.fetch, len(texts), len(values), new_texts, kept.new))
            if self.rooms.keep_raws and source.options.get("keep_raw", True):
                tx.save_raws(got.raws)
            if got.memory is not None:
                tx.save_memory(source.name, got.memory)
            tx.save_polling(with_news(planned, got.fetch, [one.id for one in texts], new_texts))
        return kept.new + new_texts

    def ingest(self, signals: Iterable[Article | Observation]) -> int:
        """Keep recorded signals, as `scrape` keeps fetched ones."""
        with self.store.begin() as tx:
            return _keep(tx, signals)

    # ------------------------------------------------------------------ classify

    def classify(self, now: datetime) -> int:
        """Tag every article that could be read by `now`, in batches. A text that repeats an earlier
        one takes its tags (nlp.folding)."""
        done = 0
        while articles := self.store.unclassified(now, BATCH):
            tagged = self._reader.read(articles, self.rooms.classifier)
            with self.store.begin() as tx:
                tx.save_tagged(tagged, now)
            done += len(tagged)
        return done

    # ------------------------------------------------------------------ detect

    def detect(self, now: datetime) -> int:
        """Place new articles into stories, run every detector, keep new and changed events."""
        done = 0
        while (events := self._detect_batch(now)) is not None:
            done += events
        return done

    def _detect_batch(self, now: datetime) -> int | None:
        """The next articles and observations; None when none waits."""
        ruleset = self.ruleset(now)
        new = self.store.undetected(now, DETECT_BATCH)
        waiting = self.store.waiting_series(now)
        if not new and not waiting:
            return None
        # The clock of stories is that of the texts: after a pause, a backlog meets its own stories.
        oldest, newest = (new[0][0].available_at, new[-1][0].available_at) if new else (now, now)
        index = self._index(now, oldest)
        measured = self._measurer.measure(ruleset, waiting, self._events.values(), now)
        minimum = rules.setting(ruleset.rules, "news", "min_probability")
        try:
            for article, tagged in new:
                index.place(article, tagged, minimum)
            stories = index.touched()
            events = self._detected(ruleset, stories, measured, now)
            with self.store.begin() as tx:
                tx.save_stories(stories)
                tx.save_events(events)
                tx.mark_detected([article.id for article, _ in new], now)
                tx.save_detections(joined(measured.detections, events))
                tx.save_turns(measured.turns)
                if measured.shares:
                    tx.put(shares.KEY, measured.shares)
                tx.mark_scored(measured.read, now)
        except BaseException:
            self._stories = None  # the index is ahead of the store: rebuild it
            raise
        self._events.update((event.id, event) for event in events)
        index.close_before(newest)
        for key, event in list(self._events.items()):
            if now - (event.last_seen or event.updated_at) > _kept(event):
                del self._events[key]
        return len(events)

    def _detected(
        self, ruleset: RuleSet, stories: Sequence[Story], measured: Measured, now: datetime
    ) -> list[Event]:
        events: list[Event] = []
        for name, detector in DETECTORS.items():
            params = ruleset.rules[name]
            assert isinstance(params, Mapping)
            events += detector(DetectorInput(stories, self._events, params, now))
        real = rules.setting(ruleset.rules, "series", "real_per_item_year")
        alarms = [one for one in measured.detections if not one.synthetic]
        return fuse(
            events, alarms, self._events, measured.readings, items_by_code(), Settings(real)
        )

    def _index(self, now: datetime, oldest: datetime) -> StoryIndex:
        if self._stories is None:
            since = oldest - timedelta(days=OPEN_DAYS)
            self._stories = StoryIndex(self.store.open_stories(since))
            kept = self.store.open_events(now - AWAITING)
            self._events = {
                e.id: e for e in kept if now - (e.last_seen or e.updated_at) <= _kept(e)
            }
        return self._stories

    # ------------------------------------------------------------------ shock, propagate

    def propagate(self, now: datetime) -> int:
        """Lay each new or changed event on the network; keep its exposures with their paths."""
        done = 0
        for event in self.store.unpropagated():
            shocks = shock(event, self.rooms.network)
            exposures = propagate(self.rooms.network, shocks)
            with self.store.begin() as tx:
                # The network may be older than a firm's wish to be forgotten.
                firms = tx.known_firms({one.firm for one in exposures if one.firm})
                kept = [one for one in exposures if one.firm is None or one.firm in firms]
                tx.save_propagation(event, shocks, kept)
                if tx.get(NETWORK) != (version := str(self.rooms.network.graph["version"])):
                    tx.put(NETWORK, version)
            done += len(kept)
        return done

    # ------------------------------------------------------------------ evaluate

    def evaluate(self, now: datetime) -> int:
        """See what cannot be seen any more; apply the RuleSet in force to what changed, and take
        what nobody signed in time; once a day also end alerts whose events went quiet."""
        ruleset, rooms = self.ruleset(now), self.rooms
        told = watch_over(self.store, rooms.sources, rooms.routes, rooms.names, ruleset.rules, now)
        return told + judge(self.store, ruleset, now)

    # ------------------------------------------------------------------ route

    def route(self, now: datetime) -> int:
        """Decide who hears of each change, and why; who is called next; what held back may speak;
        digests that are due. The outbox is written in the same transaction."""
        rooms = self.rooms
        routes = with_budgets(rooms.routes, budgets(self.ruleset(now).rules))
        return tell(self.store, routes, rooms.names, now, rooms.public_url)

    # ------------------------------------------------------------------ deliver

    def deliver(self, now: datetime, clock: Clock | None = None) -> int:
        """Send what is due. A crash may delay a message; it never loses or doubles one.

        Settle times and leases count in seconds, so live sending reads the clock; a replay has
        none, and sends one after the other.
        """
        lanes = 1 if clock is None else LANES
        return Worker(
            self.store, self.rooms.channels, self.message, clock or (lambda: now), self.rooms.owner,
            lanes,
        ).deliver_due()  # fmt: skip

    def message(self, notification: Notification, now: datetime) -> Message:
        """The message of a notification, as the alert stood at that revision."""
        rooms = self.rooms
        return Teller(self.store, rooms.names, rooms.sources, rooms.public_url).message(
            notification, now
        )

    # ------------------------------------------------------------------ rules

    def ruleset(self, now: datetime) -> RuleSet:
        """The RuleSet in force; a new store starts with the shipped one as version 1."""
        current = self.store.ruleset_at(now)
        if current is None:
            current = rules.shipped_ruleset(datetime(2000, 1, 1, tzinfo=UTC))
            with self.store.begin() as tx:
                tx.save_ruleset(current)
        return current


@dataclass
class Tally:
    """What one fetch brought: vintages and articles that are new, values that another source goes before."""

    new: int = 0
    differ: int = 0


def _parts(values: list[Observation]) -> list[list[Observation]]:
    """The values in parts of some KEPT_AT_ONCE; all of one item in one part. At least one part."""
    if len(values) <= KEPT_AT_ONCE:
        return [values]
    by_item = sorted(values, key=lambda one: one.series.rpartition("/")[2])
    parts: list[list[Observation]] = [[]]
    for _, group in groupby(by_item, lambda one: one.series.rpartition("/")[2]):
        if len(parts[-1]) >= KEPT_AT_ONCE:
            parts.append([])
        parts[-1] += group
    return parts


def _keep_values(
    tx: Store, source: Source, part: Sequence[Observation], described: Mapping[str, Series],
    now: datetime, kept: Tally,
) -> None:  # fmt: skip
    names = dict.fromkeys(one.series for one in part)
    left = left_to_others(tx, source, names, now)
    told = [described[name] for name in names if name in described]
    tx.describe_series([one for one in told if one.name not in left])
    held = tx.held(part)
    part, differ = believed(part, held, left)
    frequencies = {one.name: one.frequency for one in told}
    kept.new += _keep(tx, dated(part, held, now, frequencies))
    kept.differ += differ


def _noting(fetch: Fetch, differ: int) -> Fetch:
    if not differ:
        return fetch
    note = (
        f"{differ} values differ from those of a source that goes first (options.after); not kept"
    )
    return replace(fetch, error="; ".join(filter(None, [fetch.error, note])))


def _nothing_kept(fetch: Fetch, before: Fetch | None, error: str) -> Fetch:
    """That fetch as failed, with what was known before it: the same answer again must not read as
    unchanged when nothing of it was kept."""
    known = as_before(fetch, before)
    return replace(known, outcome=FetchOutcome.FAILED, error=error, signals=0)


def _kept(event: Event) -> timedelta:
    """How long after its newest evidence an event can still change."""
    return AWAITING if event.items or event.chokepoints or event.ports else LOOKBACK


def _keep(tx: Store, signals: Iterable[Article | Observation]) -> int:
    signals = list(signals)
    new = tx.save_articles([s for s in signals if isinstance(s, Article)])
    return new + tx.save_observations([s for s in signals if isinstance(s, Observation)])
