"""The way out: polite, bounded, and honest about what it got."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from ews.model import Fetch, FetchOutcome, Source
from scrapers.caching import retry_after
from scrapers.conditional import fill_url
from scrapers.errors import SourceError
from scrapers.http import Client
from tests.fetched import fetch

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def make_source(url: str, **changes: object) -> Source:
    values: dict[str, object] = {
        "name": "sample", "publisher": "Sample", "title": "Sample", "url": url, "kind": "rss",
        "lang": "en", "group": "news", "terms": "none", "every_s": 600, "fresh_within_s": 86_400,
        "expect_min": 1, "expect_max": 100, **changes,
    }  # fmt: skip
    return Source(**values)  # type: ignore[arg-type]


@pytest.fixture
def web(httpserver: HTTPServer) -> HTTPServer:
    httpserver.expect_request("/robots.txt").respond_with_data("", status=404)
    return httpserver


@pytest.fixture
def client() -> Client:
    return Client("ops@example.org", allow_loopback=True, min_gap_s=0, attempts=1)


def asked(web: HTTPServer) -> list[Request]:
    return [request for request, _ in web.log if request.path != "/robots.txt"]


def test_it_says_who_it_is_and_asks_for_what_it_can_read(web: HTTPServer, client: Client) -> None:
    web.expect_request("/a").respond_with_data("x")
    client.get(web.url_for("/a"))
    headers = asked(web)[0].headers
    assert headers["User-Agent"] == f"ews/{version('ews-supply-chain')} (+ops@example.org)"
    assert headers["From"] == "ops@example.org"  # RFC 9110, 10.1.2
    assert headers["Accept-Encoding"] == "gzip, deflate"


def test_a_contact_cannot_smuggle_headers() -> None:
    assert "\n" not in Client("a\r\nX-Evil: 1").user_agent
    assert "no contact set" in Client("").user_agent
    page_of_ours = Client("https://ews.example.org/about (bot)").identity
    assert page_of_ours["User-Agent"].endswith(" (+https://ews.example.org/aboutbot)")
    assert "From" not in page_of_ours


def test_no_caller_speaks_under_another_name(web: HTTPServer, client: Client) -> None:
    web.expect_request("/a").respond_with_data("x")
    client.get(web.url_for("/a"), headers={"User-Agent": "Mozilla/5.0", "Accept-Encoding": "br"})
    assert asked(web)[0].headers["User-Agent"] == client.user_agent
    assert asked(web)[0].headers["Accept-Encoding"] == "gzip, deflate"


def test_an_unchanged_source_answers_304(web: HTTPServer, client: Client) -> None:
    def answer(request: Request) -> Response:
        if request.headers.get("If-None-Match") == '"v1"':
            return Response(status=304)
        return Response(
            "<rss/>", headers={"ETag": '"v1"', "Last-Modified": "Tue, 24 Nov 2026 00:00:00 GMT"}
        )

    web.expect_request("/feed").respond_with_handler(answer)
    source = make_source(web.url_for("/feed"))
    first, body = fetch(source, None, NOW, client)
    assert (first.outcome, body) == (FetchOutcome.NEW, b"<rss/>")
    second, body = fetch(source, first, NOW + timedelta(minutes=10), client)
    assert (second.outcome, second.status, body) == (FetchOutcome.UNCHANGED, 304, None)
    assert second.etag == '"v1"'
    assert second.sha256 == first.sha256
    assert asked(web)[1].headers["If-Modified-Since"] == "Tue, 24 Nov 2026 00:00:00 GMT"


def test_the_same_body_again_is_unchanged_too(web: HTTPServer, client: Client) -> None:
    web.expect_request("/feed").respond_with_data("same")
    source = make_source(web.url_for("/feed"))
    first, _ = fetch(source, None, NOW, client)
    second, body = fetch(source, first, NOW, client)
    assert (second.outcome, second.status, body) == (FetchOutcome.UNCHANGED, 200, None)


def test_a_failed_fetch_keeps_what_was_known(web: HTTPServer, client: Client) -> None:
    web.expect_request("/feed").respond_with_data("down", status=502)
    last = Fetch("sample", NOW, FetchOutcome.NEW, etag='"v1"', sha256="ab", newest=NOW)
    fetched, body = fetch(make_source(web.url_for("/feed")), last, NOW, client)
    assert (fetched.outcome, fetched.status, body) == (FetchOutcome.FAILED, 502, None)
    assert (fetched.etag, fetched.sha256, fetched.newest) == ('"v1"', "ab", NOW)
    assert not fetched.permanent


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(204, False), (400, True), (401, True), (403, True), (404, True), (408, False), (410, True),
     (418, False), (429, False), (499, False), (500, False), (503, False)],
)  # fmt: skip
def test_a_status_says_what_to_do(
    web: HTTPServer, client: Client, status: int, permanent: bool
) -> None:
    web.expect_request("/feed").respond_with_data("" if status == 204 else "no", status=status)
    fetched, _ = fetch(make_source(web.url_for("/feed")), None, NOW, client)
    assert (fetched.outcome, fetched.permanent) == (FetchOutcome.FAILED, permanent)
    assert fetched.error is not None
    assert str(status) in fetched.error
    assert ";" in fetched.error


def test_retry_after_is_kept_and_the_host_is_left_alone(web: HTTPServer, client: Client) -> None:
    web.expect_request("/feed").respond_with_data("slow down", 429, headers={"Retry-After": "120"})
    source = make_source(web.url_for("/feed"))
    first, _ = fetch(source, None, NOW, client)
    assert first.retry_after_s == 120
    second, _ = fetch(source, first, NOW, client)
    assert second.outcome is FetchOutcome.FAILED
    assert len(asked(web)) == 1
    assert second.retry_after_s is not None
    assert 100 <= second.retry_after_s <= 121


def test_retry_after_may_be_a_date() -> None:
    date = {"date": "Tue, 24 Nov 2026 10:00:00 GMT"}
    assert retry_after({"retry-after": "Tue, 24 Nov 2026 10:05:00 GMT", **date}) == 300
    assert retry_after({"retry-after": "Tue, 24 Nov 2026 09:05:00 GMT", **date}) == 0
    assert retry_after({"retry-after": "99999999999999999999"}) == 86_400
    for nonsense in ("", "soon", "-5", "²"):
        assert retry_after({"retry-after": nonsense}, NOW) is None


def test_a_gzip_bomb_is_stopped_at_the_cap(web: HTTPServer, client: Client) -> None:
    bomb = gzip.compress(b"\0" * 40_000_000, 9)
    assert len(bomb) < 200_000
    web.expect_request("/bomb").respond_with_data(bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(SourceError, match="larger than"):
        client.get(web.url_for("/bomb"))


def test_a_50_mb_body_is_stopped_at_the_cap(web: HTTPServer, client: Client) -> None:
    sent = 0

    def big() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(50):
            sent += 1_000_000
            yield b"x" * 1_000_000

    web.expect_request("/big").respond_with_handler(lambda request: Response(big()))
    with pytest.raises(SourceError, match="larger than") as caught:
        client.get(web.url_for("/big"))
    assert caught.value.permanent
    assert sent < 30_000_000


def test_two_encodings_are_refused(web: HTTPServer, client: Client) -> None:
    twice = gzip.compress(gzip.compress(b"x"))
    web.expect_request("/t").respond_with_data(twice, headers={"Content-Encoding": "gzip, gzip"})
    web.expect_request("/br").respond_with_data(b"x", headers={"Content-Encoding": "br"})
    for path in ("/t", "/br"):
        with pytest.raises(SourceError, match="encoding"):
            client.get(web.url_for(path))


def test_a_broken_gzip_is_an_error_in_words(web: HTTPServer, client: Client) -> None:
    web.expect_request("/g").respond_with_data(b"nonsense", headers={"Content-Encoding": "gzip"})
    with pytest.raises(SourceError, match="cannot be decoded"):
        client.get(web.url_for("/g"))


@pytest.fixture
def slow_web() -> Iterator[HTTPServer]:
    with HTTPServer(threaded=True) as server:
        server.expect_request("/robots.txt").respond_with_data("", status=404)
        yield server


def test_a_slow_drip_stops_at_the_deadline(slow_web: HTTPServer) -> None:
    def drip() -> Iterator[bytes]:
        for _ in range(60):
            yield b"x"
            time.sleep(0.1)

    slow_web.expect_request("/drip").respond_with_handler(lambda request: Response(drip()))
    client = Client("test", allow_loopback=True, min_gap_s=0, deadline_s=0.4)
    started = time.monotonic()
    with pytest.raises(SourceError, match="did not finish within") as caught:
        client.get(slow_web.url_for("/drip"))
    assert time.monotonic() - started < 4
    assert not caught.value.permanent


def test_a_slow_resolver_stops_at_the_deadline() -> None:
    def sleepy(host: str, port: int) -> list[str]:
        time.sleep(5.0)
        return ["93.184.216.34"]

    client = Client("test", resolver=sleepy, deadline_s=0.2, attempts=1)
    started = time.monotonic()
    with pytest.raises(SourceError):
        client.get("https://slow.example/", robots=False)
    assert time.monotonic() - started < 3


def test_a_refused_connection_is_tried_once_more_and_then_told() -> None:
    calls: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        calls.append(host)
        raise OSError("no such name")

    client = Client("test", resolver=resolver, attempts=2, min_gap_s=0)
    with pytest.raises(SourceError, match="cannot be resolved") as caught:
        client.get("https://gone.example/feed", robots=False)
    assert calls == ["gone.example"] * 2
    assert not caught.value.permanent


def test_robots_is_obeyed_and_read_once(httpserver: HTTPServer, client: Client) -> None:
    httpserver.expect_request("/robots.txt").respond_with_data(
        "User-agent: *\nDisallow: /private/\n"
    )
    httpserver.expect_request("/open/feed").respond_with_data("x")
    httpserver.expect_request("/private/feed").respond_with_data("x")
    client.get(httpserver.url_for("/open/feed"))
    with pytest.raises(SourceError, match=r"robots\.txt does not allow") as caught:
        client.get(httpserver.url_for("/private/feed"))
    assert caught.value.permanent
    paths = [request.path for request, _ in httpserver.log]
    assert paths == ["/robots.txt", "/open/feed"]
    client.get(httpserver.url_for("/private/feed"), robots=False)


def test_an_unreachable_robots_txt_means_not_now(httpserver: HTTPServer, client: Client) -> None:
    httpserver.expect_request("/robots.txt").respond_with_data("oops", status=500)
    httpserver.expect_request("/feed").respond_with_data("x")
    with pytest.raises(SourceError, match=r"robots\.txt could not be read") as caught:
        client.get(httpserver.url_for("/feed"))
    assert not caught.value.permanent
    assert caught.value.retry_after_s
    assert [request.path for request, _ in httpserver.log] == ["/robots.txt"]


def test_the_crawl_delay_and_the_gap_space_requests_out(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/robots.txt").respond_with_data("User-agent: ews\nCrawl-delay: 7\n")
    httpserver.expect_request("/feed").respond_with_data("x")
    slept: list[float] = []
    time_now = NOW

    def sleep(seconds: float) -> None:
        nonlocal time_now
        slept.append(seconds)
        time_now += timedelta(seconds=seconds)

    client = Client("test", allow_loopback=True, min_gap_s=2.0, clock=lambda: time_now, sleep=sleep)
    for _ in range(3):
        client.get(httpserver.url_for("/feed"))
    assert slept == [2.0, 7.0, 7.0]


def test_a_turn_past_the_deadline_is_given_up(web: HTTPServer) -> None:
    web.expect_request("/feed").respond_with_data("x")
    client = Client("test", allow_loopback=True, min_gap_s=90, deadline_s=5, sleep=lambda s: None)
    client.get(web.url_for("/feed"), robots=False)
    with pytest.raises(SourceError, match="queue of our own") as caught:
        client.get(web.url_for("/feed"), robots=False)
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s > 80


def test_redirects_are_followed_five_times_at_most(web: HTTPServer, client: Client) -> None:
    web.expect_request("/old").respond_with_data(status=301, headers={"Location": "/new"})
    web.expect_request("/new").respond_with_data("here")
    web.expect_request("/loop").respond_with_data(status=302, headers={"Location": "/loop"})
    assert client.get(web.url_for("/old")).body == b"here"
    with pytest.raises(SourceError, match="more than 5 times"):
        client.get(web.url_for("/loop"))


def test_a_key_is_not_carried_to_another_host_nor_into_words(
    web: HTTPServer, client: Client
) -> None:
    with HTTPServer() as other:
        other.expect_request("/robots.txt").respond_with_data("", status=404)
        other.expect_request("/x").respond_with_data("x")
        web.expect_request("/k").respond_with_data(
            status=302, headers={"Location": other.url_for("/x")}
        )
        client.get(web.url_for("/k"), headers={"Ocp-Apim-Subscription-Key": "s3cr3t"})
        assert "Ocp-Apim-Subscription-Key" in asked(web)[0].headers
        assert all("Ocp-Apim-Subscription-Key" not in r.headers for r, _ in other.log)
    keyed = Client("t", allow_loopback=True, min_gap_s=0, environ={"K": "s3cr3t+/="}, attempts=1)
    source = make_source("http://127.0.0.1:1/?key={key}", key_env="K", options={"robots": "exempt"})
    fetched, _ = fetch(source, None, NOW, keyed)
    assert fetched.error is not None
    assert "s3cr3t" not in fetched.error
    bad = make_source("http://exa mple/{key}", key_env="K", options={"robots": "exempt"})
    fetched, _ = fetch(bad, None, NOW, keyed)
    assert fetched.error is not None
    assert "s3cr3t" not in fetched.error


def test_a_missing_key_says_which_variable(client: Client) -> None:
    source = make_source("https://example.org/?k={key}", key_env="SAMPLE_KEY")
    fetched, _ = fetch(source, None, NOW, client)
    assert fetched.permanent
    assert "SAMPLE_KEY" in (fetched.error or "")


def test_a_second_address_is_tried_when_the_first_is_gone(web: HTTPServer, client: Client) -> None:
    web.expect_request("/dept_motir.xml").respond_with_data("", status=404)
    web.expect_request("/dept_motie.xml").respond_with_data("old name")
    source = make_source(
        web.url_for("/dept_motir.xml"), options={"also_try": [web.url_for("/dept_motie.xml")]}
    )
    fetched, body = fetch(source, None, NOW, client)
    assert (fetched.outcome, body) == (FetchOutcome.NEW, b"old name")


def test_a_url_that_moves_with_the_date_is_asked_without_validators(
    web: HTTPServer, client: Client
) -> None:
    web.expect_request("/q").respond_with_data("x")
    source = make_source(web.url_for("/q") + "?since={day:-1}")
    last, _ = fetch(source, None, NOW - timedelta(days=1), client)
    assert last.answered_by
    web.clear_log()
    fetch(source, replace(last, etag='"v1"'), NOW, client)
    assert asked(web)[0].query_string == b"since=2026-11-24"
    assert "If-None-Match" not in asked(web)[0].headers


def test_placeholders_cross_the_year() -> None:
    filled = fill_url("{month:-12}/{ym:-11}/{day:+1}/{key}", NOW, "a/b")
    assert filled == "202511/2025-12/2026-11-26/a%2Fb"
