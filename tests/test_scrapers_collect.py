"""One attempt at a source: it never raises, and silence is told apart from calm."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pytest_httpserver import HTTPServer

from ews.model import Fetch, FetchOutcome, Observation, Source, SourceState
from scrapers import Client, collect, freshness, load_source, scrape
from scrapers.golden import sample_file
from scrapers.schedule import next_due

NOW = datetime(2026, 11, 25, tzinfo=UTC)
FEED = (
    '<rss version="2.0"><channel><title>S</title><ttl>30</ttl><item><title>Port shut</title>'
    "<link>https://example.org/1</link><pubDate>Tue, 24 Nov 2026 10:00:00 GMT</pubDate></item>"
    "</channel></rss>"
)


@pytest.fixture
def client() -> Client:
    return Client("test", allow_loopback=True, min_gap_s=0, attempts=1)


@pytest.fixture
def web(httpserver: HTTPServer) -> HTTPServer:
    httpserver.expect_request("/robots.txt").respond_with_data("", status=404)
    return httpserver


def feed_source(web: HTTPServer, **changes: object) -> Source:
    source = Source(
        name="sample", publisher="Sample", title="Sample", url=web.url_for("/feed"), kind="rss",
        lang="en", group="news", terms="none", every_s=600, fresh_within_s=86_400, expect_min=1,
        expect_max=50,
    )  # fmt: skip
    return replace(source, **changes)  # type: ignore[arg-type]


def test_new_then_unchanged(web: HTTPServer, client: Client) -> None:
    web.expect_request("/feed").respond_with_data(FEED, headers={"ETag": '"1"'})
    source = feed_source(web)
    first, signals = scrape(source, None, NOW, client)
    assert (first.outcome, first.signals, len(signals)) == (FetchOutcome.NEW, 1, 1)
    assert first.newest == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert signals[0].available_at == NOW
    assert signals[0].observed_at == first.newest
    second, signals = scrape(source, first, NOW + timedelta(minutes=10), client)
    assert (second.outcome, signals) == (FetchOutcome.UNCHANGED, [])
    assert second.newest == first.newest


def test_a_move_is_learnt_from_an_answer_that_brings_nothing_new(
    web: HTTPServer, client: Client
) -> None:
    web.expect_request("/feed").respond_with_data("", 301, {"Location": web.url_for("/new/feed")})
    web.expect_request("/new/feed").respond_with_data(FEED)
    source = feed_source(web)
    first = collect(source, None, NOW, client)
    second = collect(source, first.fetch, NOW + timedelta(minutes=10), client)
    assert second.fetch.outcome is FetchOutcome.UNCHANGED
    assert first.moved_to == second.moved_to == web.url_for("/new/feed")


@pytest.mark.parametrize("body", ["", "<html>blocked</html>", FEED[:150], "{}", "\x00\x01"])
def test_a_body_that_cannot_be_read_is_failed_and_asked_for_again(
    web: HTTPServer, client: Client, body: str
) -> None:
    web.expect_request("/feed").respond_with_data(body, headers={"ETag": '"2"'})
    last = Fetch("sample", NOW, FetchOutcome.NEW, etag='"1"', sha256="ab", newest=NOW)
    fetched, signals = scrape(feed_source(web), last, NOW, client)
    assert (fetched.outcome, signals) == (FetchOutcome.FAILED, [])
    assert fetched.error
    assert fetched.etag == '"1"'
    assert fetched.sha256 == "ab"


def test_a_source_that_dries_up_is_failed_but_loses_nothing(
    web: HTTPServer, client: Client
) -> None:
    web.expect_request("/feed").respond_with_data(FEED)
    fetched, signals = scrape(feed_source(web, expect_min=5), None, NOW, client)
    assert fetched.outcome is FetchOutcome.FAILED
    assert len(signals) == 1
    assert "1 rows where at least 5 are expected" in (fetched.error or "")
    fetched, signals = scrape(feed_source(web, expect_min=0, expect_max=0), None, NOW, client)
    assert fetched.outcome is FetchOutcome.NEW
    assert "at most 0" in (fetched.error or "")


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://127.0.0.1:1/", "http://nowhere.invalid/", "http://[::/", ""]
)
def test_it_never_raises_for_a_bad_address(web: HTTPServer, url: str) -> None:
    def resolver(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    client = Client("test", allow_loopback=True, resolver=resolver, min_gap_s=0, attempts=1)
    fetched, signals = scrape(feed_source(web, url=url), None, NOW, client)
    assert (fetched.outcome, signals) == (FetchOutcome.FAILED, [])
    assert fetched.error


def test_pages_are_read_to_the_end(web: HTTPServer, client: Client) -> None:
    def page(first: int, more: bool) -> str:
        rows = [
            {"attributes": {"date": f"2026-11-{day:02d}", "portname": "Suez Canal",
                            "n_total": day, "n_tanker": 1, "n_container": 1, "capacity": 9}}
            for day in range(first, first + 3)
        ]  # fmt: skip
        flag = {"exceededTransferLimit": True} if more else {}
        return json.dumps({"features": rows, **flag})

    web.expect_request("/query", query_string="f=json").respond_with_data(page(1, True))
    web.expect_request("/query", query_string="f=json&resultOffset=3").respond_with_data(
        page(4, False)
    )
    real = load_source("portwatch_chokepoints")
    options = {**real.options, "min_gap_s": 0}
    source = replace(real, url=web.url_for("/query?f=json"), expect_min=1, options=options)
    fetched, signals = scrape(source, None, NOW, client)
    transits = [s.value for s in signals if isinstance(s, Observation) and "/transits/" in s.series]
    assert transits == [1, 2, 3, 4, 5, 6], fetched.error


def test_the_pink_sheet_is_two_steps(web: HTTPServer, client: Client) -> None:
    source = load_source("pink_sheet")
    fetched, _ = scrape(replace(source, url=web.url_for("/page")), None, NOW, client)
    assert fetched.outcome is FetchOutcome.FAILED  # 500 from the test server
    web.expect_request("/direct.xlsx").respond_with_data(sample_file(source).read_bytes())
    fetched, signals = scrape(replace(source, url=web.url_for("/direct.xlsx")), None, NOW, client)
    assert fetched.outcome is FetchOutcome.NEW
    assert len(signals) == 152


# --------------------------------------------------------------------------- what silence means


def good(newest: datetime | None, at: datetime = NOW) -> Fetch:
    return Fetch("sample", at, FetchOutcome.NEW, newest=newest)


def bad(at: datetime = NOW, permanent: bool = False) -> Fetch:
    return Fetch("sample", at, FetchOutcome.FAILED, permanent=permanent)


def test_silence_is_calm_only_when_the_data_are_fresh(web: HTTPServer) -> None:
    source = feed_source(web)
    hour = timedelta(hours=1)
    assert freshness(source, None, NOW) is SourceState.NEVER
    assert freshness(source, good(NOW - hour), NOW) is SourceState.FRESH
    assert freshness(source, good(NOW - 30 * hour), NOW) is SourceState.STALE  # frozen, answers 200
    assert freshness(source, good(None), NOW) is SourceState.STALE
    assert freshness(source, good(NOW, NOW - 30 * hour), NOW) is SourceState.STALE  # nobody polls
    assert freshness(replace(source, enabled=False), good(NOW), NOW) is SourceState.OFF


def test_a_quiet_season_is_fresh_where_nothing_is_normal(web: HTTPServer) -> None:
    source = feed_source(web, expect_min=0, group="hazard")
    assert freshness(source, good(None), NOW) is SourceState.FRESH


def test_news_that_stay_empty_are_no_quiet_season(web: HTTPServer) -> None:
    source, empty = feed_source(web, expect_min=0), good(None)
    day = timedelta(seconds=source.fresh_within_s)
    assert freshness(source, empty, NOW, empty, NOW - day / 2) is SourceState.FRESH
    assert freshness(source, empty, NOW, empty, NOW - 2 * day) is SourceState.STALE
    assert freshness(source, empty, NOW, empty) is SourceState.STALE  # it never brought a text


def test_one_failed_turn_is_tolerated_but_not_many(web: HTTPServer) -> None:
    source = feed_source(web)
    fresh = good(NOW, NOW - timedelta(minutes=20))
    assert freshness(source, fresh, NOW, bad()) is SourceState.FRESH
    old = good(NOW, NOW - timedelta(minutes=31))
    assert freshness(source, old, NOW, bad()) is SourceState.FAILING
    assert freshness(source, fresh, NOW, bad(permanent=True)) is SourceState.FAILING
    assert freshness(source, None, NOW, bad()) is SourceState.FAILING


def test_the_next_turn_obeys_schedule_ttl_and_back_off(web: HTTPServer) -> None:
    source = feed_source(web)

    def wait(fetched: Fetch, failures: int = 0) -> float:
        return (next_due(source, fetched, failures) - NOW).total_seconds()

    assert wait(good(NOW)) == 600
    assert wait(replace(good(NOW), retry_after_s=1800)) == 1800  # TTL
    assert wait(replace(good(NOW), retry_after_s=10)) == 600
    assert wait(replace(good(NOW), retry_after_s=86_400)) == 43_200  # half of fresh_within
    assert wait(bad()) == 600
    assert wait(bad(), 1) == 1200
    assert wait(bad(), 30) == 3600  # no answer: it may be our own line
    assert wait(replace(bad(), status=500), 30) == 86_400
    assert wait(bad(permanent=True)) == 86_400
    assert wait(replace(bad(), retry_after_s=7200)) == 7200


def test_a_feeds_ttl_reaches_the_fetch(web: HTTPServer, client: Client) -> None:
    web.expect_request("/feed").respond_with_data(FEED, headers={"Cache-Control": "max-age=60"})
    fetched, _ = scrape(feed_source(web), None, NOW, client)
    assert fetched.retry_after_s == 1800
