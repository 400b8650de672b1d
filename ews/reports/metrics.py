"""What does Prometheus read of this ews? Gauges and counters from the store, at the time it is asked.

So they are the same whichever process fetches, and a process that hangs cannot keep them fresh. One
label `source`, one `host`, never a text from outside: at most some thousands of lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from ews.config import Settings
from ews.freshness import Heard, heard
from ews.liveness.pulse import began_at, cycle_done, last_ping, seen_at
from ews.liveness.usual import PAST, Usual, usual
from ews.model import (
    Circuit,
    DeliveryState,
    Fetch,
    FetchOutcome,
    Polling,
    Source,
    SourceState,
    Stage,
)
from ews.reports.collection import sources_here
from ews.reports.pulse import missed_beats, pulse
from ews.storage import Store
from ews.storage.schema_base import EPOCH
from ews.storage.tallies import Tally, span_of
from scrapers.schedule import due_at

STATES = [state.value for state in SourceState]
CIRCUITS = [circuit.value for circuit in Circuit]
MOST_HOSTS = 300  # lines of each kind: redirects may lead to ever new hosts that ask us to wait
Rows = Iterable[tuple[list[str], float | None]]


class StoreCollector(Collector):
    """Reads the store anew at each question; what is usual changes with a quarter of a day only."""

    def __init__(self, settings: Settings, store: Store, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._usual: tuple[datetime, dict[str, Usual]] = (EPOCH, {})

    def collect(self) -> Iterator[Metric]:
        now = self._clock()
        yield from sources(self._store, now)
        yield from brought(self._usually(now))
        yield from hosts(self._store, now)
        yield from work(self._store, now)
        yield from beats(self._settings, self._store, now)
        yield build()

    def _usually(self, now: datetime) -> dict[str, Usual]:
        if self._usual[0] != span_of(now):
            on = [one for one in sources_here(self._store, now) if one.enabled]
            found = usual(on, self._store.tallies(now - PAST), now)
            self._usual = (span_of(now), found)
        return self._usual[1]


def exposition(collector: StoreCollector, accept: str = "") -> tuple[bytes, str]:
    """The document and its media type: OpenMetrics where `accept` asks for it, else the text format
    of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


# --------------------------------------------------------------------------- sources


def sources(store: Store, now: datetime) -> Iterator[Metric]:
    """Everything of the sources of this installation, by name."""
    known = sources_here(store, now)
    found = heard(store, known, now)
    tried = {one.source.name: one.last for one in found if one.last}
    answered = {one.source.name: one.good for one in found if one.good}
    polled = {one.source.name: one.polling for one in found}
    on = [one for one in known if one.enabled]
    yield _states(found)
    yield _circuits(on, polled)
    yield from _moments(on, tried, answered, polled, now)
    yield gauge("ews_source_failures_in_a_row", "Failed turns since the last good one", ["source"],
                (([one.name], polled[one.name].failures) for one in on))  # fmt: skip
    yield gauge("ews_source_rows", "Rows of the last good answer, before any filter", ["source"],
                (([n], f.rows) for n, f in answered.items()))  # fmt: skip
    yield gauge("ews_source_rows_expected", "Rows that source.toml expects", ["source", "bound"],
                (([one.name, bound], n) for one in on
                 for bound, n in (("min", one.expect_min), ("max", one.expect_max))))  # fmt: skip
    yield gauge("ews_source_took_seconds", "Length of the last turn", ["source"],
                (([n], f.took_s) for n, f in tried.items()))  # fmt: skip
    yield from _counters(store.totals())


def _moments(
    on: Iterable[Source],
    tried: dict[str, Fetch],
    answered: dict[str, Fetch],
    polled: dict[str, Polling],
    now: datetime,
) -> Iterator[Metric]:
    for name, text, moments in (
        ("last_attempt", "When the source was last asked", ((n, f.at) for n, f in tried.items())),
        ("last_good", "When it last answered", ((n, f.at) for n, f in answered.items())),
        ("newest", "Newest date inside its last good answer", ((n, f.newest) for n, f in answered.items())),
        ("last_news", "When its texts last were others than before", ((n, p.news_at) for n, p in polled.items())),
        ("next_due", "When it is asked next", ((one.name, due_at(one, polled[one.name], now)) for one in on)),
    ):  # fmt: skip
        rows = (([n], at.timestamp()) for n, at in moments if at is not None)
        yield gauge(f"ews_source_{name}_timestamp_seconds", text, ["source"], rows)


def _states(known: Iterable[Heard]) -> Metric:
    family = StateSetMetricFamily(
        "ews_source_state", "What a reader may conclude from its silence", labels=["source"]
    )
    for one in known:
        family.add_metric([one.source.name], {each: each == one.state.value for each in STATES})
    return family


def _circuits(known: Iterable[Source], polled: dict[str, Polling]) -> Metric:
    family = StateSetMetricFamily(
        "ews_source_circuit", "Whether the source is asked at all", labels=["source"]
    )
    for one in known:
        found = polled[one.name].circuit.value
        family.add_metric([one.name], {each: each == found for each in CIRCUITS})
    return family


def _counters(totals: dict[str, Tally]) -> Iterator[Metric]:
    turns = CounterMetricFamily(
        "ews_source_fetches", "Turns in which the source was asked", labels=["source", "outcome"]
    )
    signals = CounterMetricFamily(
        "ews_source_signals", "New signals that it brought", labels=["source", "kind"]
    )
    for name, one in totals.items():
        new = one.turns - one.unchanged - one.failed
        for outcome, n in ((FetchOutcome.NEW, new), (FetchOutcome.UNCHANGED, one.unchanged),
                           (FetchOutcome.FAILED, one.failed)):  # fmt: skip
            turns.add_metric([name, outcome.value], n)
        signals.add_metric([name, "text"], one.new_texts)
        signals.add_metric([name, "figure"], one.new_figures)
    return iter((turns, signals))


def brought(found: dict[str, Usual]) -> Iterator[Metric]:
    """What each source brought, and what is usual."""
    values: tuple[tuple[str, str, Callable[[Usual], float | None]], ...] = (
        ("new_24h", "New signals of 24 hours, to the last quarter of a day", lambda u: u.day.seen),
        ("new_24h_usual", "The same 24 hours of the weeks before, median", lambda u: u.day.usual),
        ("new_24h_least", "Fewer come by chance once in a thousand days", lambda u: u.day.least),
        ("new_7d", "New signals of 7 days", lambda u: u.week.seen),
        ("new_7d_usual", "New signals of the weeks before, median", lambda u: u.week.usual),
        ("drying", "1 when it brings far less than it used to", lambda u: float(u.drying)),
    )
    for name, text, value in values:
        rows = (([source], value(one)) for source, one in found.items())
        yield gauge(f"ews_source_{name}", text, ["source"], rows)


def hosts(store: Store, now: datetime) -> Iterator[Metric]:
    """Hosts that are left alone for now; those that are fine have no line."""
    known = store.hosts()
    yield gauge("ews_hosts", "Hosts that were ever asked", [], [([], len(known))])
    for name, text, moments in (
        ("held", "Asked us to wait until then", ((h.name, h.held_until) for h in known)),
        ("open", "Failed too often, asked again then", ((h.name, h.open_until) for h in known)),
    ):  # fmt: skip
        ahead = sorted(((at, n) for n, at in moments if at is not None and at > now), reverse=True)
        rows = (([n], at.timestamp()) for at, n in ahead[:MOST_HOSTS])
        yield gauge(f"ews_host_{name}_until_timestamp_seconds", text, ["host"], rows)


# --------------------------------------------------------------------------- work


def work(store: Store, now: datetime) -> Iterator[Metric]:
    """What waits, what is open, what cannot be seen, what is to be sent."""
    waiting, found = store.waiting_counts(), store.open_counts()
    deliveries, oldest = store.delivery_counts()
    yield gauge("ews_raw_bytes", "Kept bodies, compressed", [], [([], store.raw_bytes())])
    yield gauge("ews_articles_waiting", "Articles that a stage has not read", ["stage"],
                (([name], n) for name, n in waiting.items()))  # fmt: skip
    yield gauge("ews_events_open", "Events that can still change", ["status"],
                (([status], n) for _, status, n in found["events"]))  # fmt: skip
    yield gauge("ews_alerts_open", "Alerts that are not over", ["stage", "state"],
                (([Stage(int(stage)).en, state], n) for stage, state, n in found["alerts"]))  # fmt: skip
    yield _blind(store)
    states = [one.value for one in DeliveryState if one is not DeliveryState.HELD]
    yield gauge("ews_outbox", "Deliveries by state", ["state"],
                (([state], deliveries.get(state, 0)) for state in states))  # fmt: skip
    age = (now - oldest).total_seconds() if oldest else 0
    yield gauge("ews_outbox_oldest_seconds", "Since when the oldest message waits", [], [([], age)])
    failing = [one for one in store.channel_states() if one.failing_since is not None]
    yield gauge("ews_channel_addresses_failing", "Addresses where nothing gets through", ["channel"],
                (([name], sum(one.channel == name for one in failing))
                 for name in sorted({one.channel for one in failing})))  # fmt: skip


def _blind(store: Store) -> Metric:
    kinds = {"item": 0, "country": 0, "all": 0}
    for spell in store.blind_spells():
        kinds[spell.subject.partition(":")[0]] += 1
    return gauge("ews_blind_subjects", "What cannot be seen now", ["kind"],
                 (([kind], n) for kind, n in kinds.items()))  # fmt: skip


def beats(settings: Settings, store: Store, now: datetime) -> Iterator[Metric]:
    """Whether ews works: cycles, the heartbeat, the switch outside."""
    at, took_s = cycle_done(store)
    switch = last_ping(store)
    moments = (
        ("ews_run_began", "When `ews run` began, or first tried to, since a cycle was done", began_at(store)),
        ("ews_run_seen", "Last sign of the running `ews run`", seen_at(store)),
        ("ews_cycle", "When the last cycle was finished", at),
        ("ews_dead_mans_switch", "When the switch outside last answered", switch.ok_at),
    )  # fmt: skip
    for name, text, moment in moments:
        rows: Rows = [([], moment.timestamp())] if moment else []
        yield gauge(f"{name}_timestamp_seconds", text, [], rows)
    yield gauge("ews_cycle_took_seconds", "Length of the last cycle", [], [([], took_s)])
    yield gauge("ews_dead_mans_switch_failures_in_a_row", "Tries that it did not answer", [],
                [([], switch.failures)])  # fmt: skip
    newest = store.newest_bulletins_sent()
    yield gauge("ews_heartbeat_last_timestamp_seconds", "When a heartbeat was last delivered",
                ["receiver"], (([name], at.timestamp()) for name, at in newest.items()))  # fmt: skip
    yield gauge("ews_heartbeats_missed", "Heartbeats that are due and did not come", [],
                [([], len(missed_beats(settings, store, now)))])  # fmt: skip
    yield gauge("ews_sign_ok", "1 while this sign says that ews works", ["sign"],
                (([one.name], one.ok) for one in pulse(settings, store, now)))  # fmt: skip


def build() -> Metric:
    try:
        release = version("ews-supply-chain")
    except PackageNotFoundError:  # run from a source tree
        release = "0"
    return InfoMetricFamily("ews_build", "What runs here", {"version": release})


def gauge(name: str, text: str, labels: list[str], rows: Rows) -> Metric:
    """A gauge; a row without a value is left out."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, number in rows:
        if number is not None:
            family.add_metric(values, float(number))
    return family
