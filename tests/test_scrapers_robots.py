"""robots.txt by RFC 9309: what it allows, what its silence means, and that it is kept for a day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ews.model import FetchOutcome
from ews.storage import Store
from scrapers.errors import SourceError
from scrapers.hosts import MemoryHosts
from scrapers.http import Client
from scrapers.robots import MAX_BYTES, Robots
from tests.fetched import fetch
from tests.raw_web import RawWeb, page, raw_web
from tests.test_scrapers_http import make_source

NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class Reading:
    """A robots.txt that answers what a test gives it, and counts."""

    def __init__(self, body: bytes = b"", status: int = 200) -> None:
        self.body, self.status, self.reads = body, status, 0
        self.now = NOW
        self.hosts = MemoryHosts()
        self.robots = Robots(self.hosts, lambda: self.now)

    def __call__(self, url: str) -> tuple[int, bytes]:
        self.reads += 1
        if self.status == 0:
            raise SourceError("no answer")
        return self.status, self.body

    def delay(self, path: str) -> float:
        return self.robots.check(f"https://a.example{path}", "a.example", self)

    def allows(self, path: str) -> bool:
        try:
            self.delay(path)
        except SourceError:
            return False
        return True


@pytest.mark.parametrize(
    ("text", "allowed", "refused"),
    [
        ("User-agent: *\nDisallow: /a\n", "/b", "/a/x"),
        ("\ufeffUser-agent: *\nDisallow: /a\n", "/b", "/a"),  # the first line counts, mark or not
        ("User-agent: *\nDisallow: /\n\nUser-agent: ews\nAllow: /\n", "/a", ""),
        ("User-agent: EWS\nDisallow: /a\n\nUser-agent: *\nAllow: /\n", "/b", "/a"),
        ("User-agent: news\nDisallow: /\n", "/a", ""),  # another one's name ends like ours
        ("User-agent: *\nDisallow: /*.xml$\n", "/a.xml?x", "/a.xml"),
        ("User-agent: *\nDisallow: /*/feed\n", "/feed", "/a/feed"),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b\n", "/a/b/c", "/a/c"),  # the longest rule
        ("User-agent: *\nDisallow: /한국\n", "/a", "/%ED%95%9C%EA%B5%AD/x"),
        ("<html><body>not found</body></html>", "/a", ""),
        ("User-agent: *\r\nDisallow: /a\r\n", "/b", "/a"),
        ("\0\0User-agent: *\nDisallow: /a", "/b", "/a"),
        ("", "/a", ""),
    ],
)
def test_its_rules_are_read(text: str, allowed: str, refused: str) -> None:
    reading = Reading(text.encode())
    assert reading.allows(allowed)
    assert not refused or not reading.allows(refused)
    assert reading.reads == 1


@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7), ("0.5", 0.5), ("9999", 60), ("nan", 0), ("-3", 0), ("soon", 0)]
)
def test_the_crawl_delay_is_a_sensible_number(said: str, seconds: float) -> None:
    assert Reading(f"User-agent: *\nCrawl-delay: {said}\n".encode()).delay("/") == seconds


@pytest.mark.parametrize(("status", "allowed"), [(404, True), (401, True), (403, True),
                                                 (204, True), (429, False), (500, False),
                                                 (503, False), (0, False)])  # fmt: skip
def test_what_an_answer_without_rules_means(status: int, allowed: bool) -> None:
    reading = Reading(b"Disallow: /", status)
    assert reading.allows("/a") is allowed
    assert reading.allows("/a") is allowed
    assert reading.reads == 1


def test_it_is_kept_for_a_day_and_an_unreachable_one_looked_at_again_after_ten_minutes() -> None:
    reading = Reading(b"User-agent: *\nDisallow: /a\n")
    assert not reading.allows("/a")
    reading.now += DAY - timedelta(seconds=1)
    assert not reading.allows("/a")
    assert reading.reads == 1
    reading.now += timedelta(seconds=2)
    reading.status = 503
    assert not reading.allows("/a")  # the older copy holds on
    assert reading.allows("/b")
    assert reading.reads == 2
    reading.now += timedelta(minutes=11)
    reading.status, reading.body = 200, b""
    assert reading.allows("/a")
    assert reading.reads == 3


def test_a_date_that_a_wrong_clock_wrote_is_not_believed() -> None:
    reading = Reading(b"User-agent: *\nDisallow: /a\n")
    reading.now = NOW + timedelta(days=300)
    assert not reading.allows("/a")
    reading.now, reading.body = NOW, b""
    assert reading.allows("/a")


def test_what_comes_after_half_a_mebibyte_is_not_read_nor_half_a_rule() -> None:
    rules = b"User-agent: *\nDisallow: /a\n"
    filler = b"# " + b"x" * (MAX_BYTES - len(rules) - 12) + b"\n"
    reading = Reading((rules + filler + b"Disallow: /b")[:MAX_BYTES] + b"")
    assert not reading.allows("/a")
    assert reading.allows("/")


# ----- over the network


@pytest.fixture
def web() -> Iterator[RawWeb]:
    with raw_web() as server:
        yield server


def a_client(**changes: object) -> Client:
    return Client(
        "x", allow_loopback=True, attempts=1, min_gap_s=0, resolver=lambda host, port: ["127.0.0.1"],
        **changes,
    )  # type: ignore[arg-type] # fmt: skip


def test_it_survives_a_restart(web: RawWeb, tmp_path: Path) -> None:
    web.answers["/robots.txt"] = page(b"User-agent: *\nDisallow: /no\n")
    web.answers["/yes"] = page()
    for _ in range(2):
        store = Store.open(tmp_path)
        client = a_client(hosts=store)
        assert client.get(web.url("/yes")).status == 200
        with pytest.raises(SourceError, match="does not allow"):
            client.get(web.url("/no"))
        store.close()
    assert web.paths() == ["/robots.txt", "/yes", "/yes"]


def test_its_redirects_are_followed_to_another_host_too(web: RawWeb) -> None:
    elsewhere = web.url("/rules", "other.example")
    web.answers["/robots.txt"] = page(b"", f"Location: {elsewhere}", status="302 Found")
    web.answers["/rules"] = page(b"User-agent: *\nDisallow: /no\n")
    with pytest.raises(SourceError, match="does not allow"):
        a_client().get(web.url("/no", "one.example"))
    assert web.paths() == ["/robots.txt", "/rules"]


def test_a_redirect_to_a_private_place_leaves_it_unread(web: RawWeb) -> None:
    web.answers["/robots.txt"] = page(b"", "Location: http://10.0.0.1/", status="302 Found")
    with pytest.raises(SourceError, match="could not be read") as caught:
        a_client().get(web.url("/feed"))
    assert caught.value.deferred


@pytest.mark.parametrize(
    ("url", "said"),
    [("http://192.168.0.1/rss", "192.168.0.1, which is not a public address"),
     ("http://gone.example/rss", "gone.example cannot be resolved"),
     ("http://odd.example:8080/rss", "port 8080 is refused")],
)  # fmt: skip
def test_a_host_that_cannot_or_may_not_be_reached_is_told_as_that(url: str, said: str) -> None:
    def look_up(host: str, port: int) -> list[str]:
        if host == "gone.example":
            raise OSError("Name or service not known")
        return ["93.184.215.14"] if host == "odd.example" else ["127.0.0.1"]

    client = Client("x", attempts=1, min_gap_s=0, resolver=look_up)
    for _ in range(2):  # at the second its robots.txt is known to be out of reach
        with pytest.raises(SourceError) as caught:
            client.get(url)
        assert said in caught.value.message
        assert not caught.value.deferred
        assert caught.value.permanent is ("gone" not in url)


def test_a_huge_one_is_cut_and_obeyed(web: RawWeb) -> None:
    body = b"User-agent: *\nDisallow: /no\n" + b"# x\n" * 3_000_000
    web.answers["/robots.txt"] = page(body)
    with pytest.raises(SourceError, match="does not allow"):
        a_client().get(web.url("/no"))


def test_the_host_of_a_redirect_is_asked_for_its_rules_too(web: RawWeb) -> None:
    web.answers["/robots.txt"] = page(b"User-agent: *\nDisallow: /no\n")
    away = web.url("/no", "other.example")
    web.answers["/feed"] = page(b"", f"Location: {away}", status="301 Moved")
    with pytest.raises(SourceError, match=r"other\.example:\d+/robots\.txt does not allow /no"):
        a_client().get(web.url("/feed"))


def test_an_exempt_source_does_not_read_it(web: RawWeb) -> None:
    web.answers["/feed"] = page()
    source = make_source(web.url("/feed"), options={"robots": "exempt"})
    fetched, _ = fetch(source, None, NOW, a_client())
    assert fetched.outcome is FetchOutcome.NEW
    assert web.paths() == ["/feed"]
