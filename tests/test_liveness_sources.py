"""A frozen answer is noticed within its limit, whatever dates it bears; who stands behind a fault is blind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.routes import Routes
from alerts.rulebook import BlindLimits
from ews.blindness import (
    Feed,
    Watch,
    follows,
    informants,
    look,
    main_origins,
    named,
    origins,
    spells,
    step,
)
from ews.model import (
    Article,
    BulletinKind,
    Circuit,
    Fetch,
    FetchOutcome,
    Polling,
    Receiver,
    Source,
    SourceState,
)
from ews.pipeline import Pipeline, Rooms
from ews.reports import Names
from ews.reports.blind import board_states
from ews.storage import Store
from ews.storage.tallies import KEPT, Tally
from ews.telling import Teller
from ews.trimming import trim_daily
from scrapers import CatalogError, Collected, load_source
from scrapers.catalog import private_source
from scrapers.schedule import freshness, plan, with_news
from tests.empty_store import opened

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SOURCE = replace(load_source("mk_economy"), every_s=900, fresh_within_s=86_400, expect_min=1)
LIMITS = BlindLimits(after=DAY, quorum=0.5, evidence=timedelta(days=180))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = opened(tmp_path)
    yield made
    made.close()


def polled(
    source: Source, answers: list[tuple[list[str], int, timedelta]]
) -> tuple[Polling, Fetch]:
    """Hourly answers (ids of texts, how many the store did not have, age of the newest date)."""
    polling, last = Polling(source.name), None
    for n, (ids, new, old) in enumerate(answers):
        at = NOW + n * HOUR
        outcome = FetchOutcome.NEW
        last = Fetch(source.name, at, outcome, newest=at - old, signals=len(ids), rows=len(ids))
        polling = with_news(plan(source, polling, last), last, ids, new)
    assert last is not None
    return polling, last


def state(source: Source, polling: Polling, good: Fetch, last: Fetch | None = None) -> SourceState:
    return freshness(source, good, good.at, last or good, polling.news_at)


def test_a_publisher_that_stamps_now_on_the_same_texts_is_stale_within_its_limit() -> None:
    same = [(["a", "b"], 0, timedelta())] * 30
    hours = [
        n for n in range(1, 31)
        if state(SOURCE, *polled(SOURCE, [(["a", "b"], 2, timedelta()), *same[: n - 1]]))
        is SourceState.STALE
    ]  # fmt: skip
    assert hours == list(range(26, 31)), "25 answers span 24 hours: stale from the one after"


def test_texts_that_another_source_brought_first_are_news_too() -> None:
    overlapping = [([f"x{n}", f"x{n + 1}"], 0, timedelta()) for n in range(30)]
    assert state(SOURCE, *polled(SOURCE, overlapping)) is SourceState.FRESH


def test_an_answer_without_texts_is_judged_by_its_date_alone() -> None:
    polling, _ = polled(SOURCE, [(["a"], 1, timedelta())])
    empty = Fetch(SOURCE.name, NOW + 40 * HOUR, FetchOutcome.NEW, newest=NOW + 39 * HOUR, rows=9)
    assert state(SOURCE, polling, empty) is SourceState.FRESH
    assert with_news(polling, replace(empty, outcome=FetchOutcome.FAILED), ["b"], 1) == polling


def test_a_source_behind_a_fault_is_blind_by_the_same_rule(store: Store) -> None:
    """Gone, an open circuit, a host that is left alone: no answer for three turns is failing."""
    faults = {
        "gone": Fetch("gone", NOW, FetchOutcome.FAILED, status=410, permanent=True),
        "circuit": Fetch("circuit", NOW, FetchOutcome.FAILED, status=500),
        "held": Fetch("held", NOW, FetchOutcome.FAILED, asked=False, error="its host waits"),
    }
    sources = [replace(SOURCE, name=name) for name in (*faults, "moved")]
    for name, fault in faults.items():
        store.save_fetch(Fetch(name, NOW - 3 * HOUR, FetchOutcome.NEW, newest=NOW - 4 * HOUR))
        store.save_fetch(fault)
        store.save_polling(Polling(name, circuit=Circuit.OPEN, failures=6))
    store.save_fetch(Fetch("moved", NOW, FetchOutcome.NEW, newest=NOW, signals=1))
    store.save_polling(Polling("moved", moved_to="https://elsewhere.example.org/", news_at=NOW))
    watch = look(store, sources, LIMITS, NOW)
    assert watch is not None
    assert {name: feed.state.blind for name, feed in watch.feeds.items()} == {
        "gone": True, "circuit": True, "held": True, "moved": False,
    }  # fmt: skip
    stale = look(store, sources, LIMITS, NOW + 25 * HOUR)
    assert stale is not None
    assert stale.feeds["moved"].until == NOW + DAY


# --------------------------------------------------------------------------- items and countries


def test_a_source_says_what_it_covers_and_a_slip_is_refused() -> None:
    one = replace(SOURCE, name="one", covers=("item:urea", "country:CN"), country="INT")
    found = informants([one], {}, [], NOW)
    assert "one" in found["item:urea"] & found["country:CN"]
    good = 'publisher = "p"\ntitle = "t"\nurl = "https://a.example.org/f"\nkind = "rss"\nlang = "en"\ngroup = "news"\nterms = "t"\nevery = "15m"\nfresh_within = "1d"\nexpect = { min = 1, max = 9 }\nindependence = "p"\nlive_tested = false\ncountry = "KR"\ntier = 4\n'
    assert private_source("mine", good + 'covers = ["item:urea"]\n').covers == ("item:urea",)
    with pytest.raises(CatalogError, match="covers must be a list like"):
        private_source("mine", good + 'covers = ["urea"]\n')


def test_a_price_series_named_by_an_items_id_informs_it() -> None:
    assert named("urea") == ("urea",)
    assert "prices" in informants([], {}, [("urea", "prices")], NOW)["item:urea"]


def test_a_country_is_seen_through_its_authorities_and_newsrooms() -> None:
    press = replace(SOURCE, name="press", country="CN", tier=2)
    machine = replace(SOURCE, name="machine", country="CN", tier=3)
    found = informants([press, machine], {}, [], NOW)["country:CN"]
    assert found == {"press"}
    assert {"KR", "CN"} <= set(origins(NOW))
    assert "CN" in main_origins("urea", NOW)


def test_a_blind_country_is_told_to_who_depends_on_its_items_and_shown_on_the_board(
    store: Store,
) -> None:
    def fed(name: str, silent: bool) -> Feed:
        state_ = SourceState.FAILING if silent else SourceState.FRESH
        return Feed(replace(SOURCE, name=name, independence=""), state_, NOW - 2 * DAY)

    feeds = {name: fed(name, name in "ab") for name in "abcdef"}
    watch = Watch(feeds, {"country:CN": frozenset("ab")}, LIMITS, NOW - 9 * DAY, NOW)
    turn = spells(watch, ())
    assert [one.subject for one in turn.blind] == ["country:CN"]
    item = next(one for one in origins(NOW)["CN"])
    mine = Receiver("mine", "console", "-", lang="ko", items=(item,))
    other = Receiver("other", "console", "o", items=("no-such-item",))
    assert follows(mine, "country:CN", NOW)
    assert not follows(other, "country:CN", NOW)
    done = step(watch, (), (), Routes((mine, other)), Names())
    assert [(one.receiver, one.kind) for one in done.bulletins] == [("mine", BulletinKind.BLIND)]
    assert done.bulletins[0].parts[0].lines[0].startswith("중국 관련 소식: ")
    silent = [replace(SOURCE, name=n, country="CN", independence=n) for n in "ab"]
    heard = [replace(SOURCE, name=n, country="KR", independence=n) for n in "cdef"]
    for one in heard:
        store.save_fetch(Fetch(one.name, NOW, FetchOutcome.NEW, newest=NOW, signals=1))
    for one in silent:
        store.save_fetch(Fetch(one.name, NOW - HOUR, FetchOutcome.FAILED, permanent=True))
    board = board_states(store, NOW, [*silent, *heard])
    states = {one.country.code: one.state for one in board.countries}
    assert (states["CN"], states["KR"]) == ("blind", "calm")


def test_messages_name_silent_feeds_by_outlet_in_the_readers_language(store: Store) -> None:
    one = replace(SOURCE, publisher="매일경제", title="Economy", title_ko="경제")
    store.save_fetch(Fetch(one.name, NOW, FetchOutcome.FAILED, permanent=True))
    teller = Teller(store, Names(), (one,))
    assert teller.blind(NOW, "ko") == ("매일경제: 경제",)
    assert teller.blind(NOW, "en") == ("매일경제: Economy",)


def test_a_message_names_silent_ministries_before_newsrooms_and_korean_ones_first(
    store: Store,
) -> None:
    kinds = {"abroad": (2, "US"), "at_home": (2, "KR"), "customs": (1, "KR"), "usgs": (1, "US")}
    made = [replace(SOURCE, name=n, publisher=n, title=n, title_ko=n, tier=tier, country=land)
            for n, (tier, land) in kinds.items()]  # fmt: skip
    for one in made:
        store.save_fetch(Fetch(one.name, NOW, FetchOutcome.FAILED, permanent=True))
    told = Teller(store, Names(), tuple(made)).blind(NOW, "en")
    assert [one.split(":")[0] for one in told] == ["customs", "usgs", "at_home", "abroad"]


# --------------------------------------------------------------------------- tallies


def test_turns_are_summed_by_quarters_of_a_day_and_for_ever(store: Store) -> None:
    for minutes in (0, 15, 400):
        store.add_tally(Tally("s", NOW + timedelta(minutes=minutes), 1, 0, 0, 9, 0, 3, 0))
    spans = store.tallies(NOW - DAY)["s"]
    assert [(one.at, one.turns, one.new) for one in spans] == [
        (NOW, 2, 6), (NOW + timedelta(hours=6), 1, 3),
    ]  # fmt: skip
    trim_daily(store, NOW + KEPT + DAY, 30, 100)
    assert store.tallies(NOW - DAY) == {}
    assert store.totals()["s"].new_texts == 9, "counters never go back"


def test_the_pipeline_counts_each_turn_and_notes_when_news_came(store: Store) -> None:
    rooms = Rooms(None, None, Routes(()), {}, Names())  # type: ignore[arg-type]
    pipeline = Pipeline(store, rooms)
    article = Article("art-1", SOURCE.name, "o", "https://a.example.org/1", "t", "", "ko", NOW, NOW)
    for n in range(3):
        at = NOW + n * HOUR
        fetch = Fetch(SOURCE.name, at, FetchOutcome.NEW, newest=at, signals=1, rows=1)
        polling = plan(SOURCE, store.polling(SOURCE.name), fetch)
        pipeline._keep_fetched(SOURCE, Collected(fetch, [article]), polling, at)
    total = store.totals()[SOURCE.name]
    assert (total.turns, total.texts, total.new_texts) == (3, 3, 1)
    assert store.polling(SOURCE.name).news_at == NOW
    waits = Fetch(SOURCE.name, NOW + 9 * HOUR, FetchOutcome.FAILED, asked=False)
    pipeline._keep_fetched(SOURCE, Collected(waits), store.polling(SOURCE.name), waits.at)
    assert store.totals()[SOURCE.name].turns == 3, "nothing was asked"
