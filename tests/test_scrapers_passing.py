"""Hosts that only a redirect led to: whoever writes the redirects makes us remember nothing without end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ews.model import Host
from ews.storage import Store
from scrapers.errors import SourceError
from scrapers.hosts import OPENS_AFTER, FewHosts, MemoryHosts
from scrapers.http import Client
from scrapers.robots import LONG_TEXT, MOST_ORIGINS, Robots
from tests.raw_web import RawWeb, page, raw_web

NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)


class Book(MemoryHosts):
    def names(self) -> list[str]:
        return list(self._known)


def look(
    robots: Robots, name: str, text: bytes = b"User-agent: *\nDisallow: /no\n", **more: bool
) -> int:
    """How often robots.txt was asked for in two looks."""
    reads = 0

    def read(url: str) -> tuple[int, bytes]:
        nonlocal reads
        reads += 1
        return 200, text

    for _ in range(2):
        robots.check(f"https://{name}/yes", name, read, **more)
    return reads


def test_a_host_in_passing_is_read_once_and_stands_in_no_book() -> None:
    book = Book()
    robots = Robots(book, lambda: NOW)
    assert look(robots, "passing.example", passing=True) == 1
    assert look(robots, "own.example") == 1
    assert book.names() == ["own.example"]
    assert look(robots, "own.example", passing=True) == 0, "what the book knows is not read again"


def test_a_thousand_hosts_in_passing_leave_a_few_and_long_texts_leave_nothing() -> None:
    robots = Robots(Book(), lambda: NOW)
    for n in range(MOST_ORIGINS + 50):
        look(robots, f"{n}.example", passing=True)
    assert len(robots._passing._known) == FewHosts().most
    assert len(robots._parsed) <= MOST_ORIGINS
    assert len(robots._one_look) <= MOST_ORIGINS + 1
    long = b"# x\n" * LONG_TEXT
    assert look(robots, "long.example", long, passing=True) == 2
    assert "long.example" not in robots._parsed


def test_hosts_that_nobody_asks_any_more_are_forgotten(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    old, late = NOW - timedelta(days=40), NOW - timedelta(days=1)
    for host in (
        Host("gone", free_at=old), Host("asked", free_at=late),
        Host("held", free_at=old, held_until=NOW), Host("open", free_at=old, open_until=NOW),
        Host("read", free_at=old, robots="", robots_at=late),
    ):  # fmt: skip
        store.save_host(host)
    assert store.drop_hosts(NOW - timedelta(days=30)) == 1
    assert sorted(one.name for one in store.hosts()) == ["asked", "held", "open", "read"]
    store.close()


# ----- what others are told is not held against a host


@pytest.fixture
def web() -> Iterator[RawWeb]:
    with raw_web() as server:
        server.answers["/feed"] = page(b"news")
        server.answers["/sorry"] = page(b"", "Retry-After: 86400", status="429 Too Many Requests")
        server.answers["/broken"] = page(b"", status="500 Internal Server Error")
        for path in ("sorry", "broken"):
            to = server.url(f"/{path}", "shared.example")
            server.answers[f"/to-{path}"] = page(b"", f"Location: {to}", status="302 Found")
        yield server


def a_client(book: MemoryHosts) -> Client:
    return Client(
        "x", allow_loopback=True, attempts=1, min_gap_s=0, hosts=book, clock=lambda: NOW,
        resolver=lambda host, port: ["127.0.0.1"], sleep=lambda s: None,
    )  # fmt: skip


@pytest.mark.parametrize("path", ["/to-sorry", "/to-broken"])
def test_a_redirect_keeps_no_source_away_from_the_host_that_it_leads_to(
    web: RawWeb, path: str
) -> None:
    client = a_client(Book())
    for _ in range(OPENS_AFTER + 1):
        with suppress(SourceError):  # whoever led there is to wait
            client.get(web.url(path, "evil.example"), robots=False)
    assert client.get(web.url("/feed", "shared.example"), robots=False).body == b"news"


@pytest.mark.parametrize("path", ["/sorry", "/broken"])
def test_a_source_that_nobody_vouches_for_keeps_no_other_away(web: RawWeb, path: str) -> None:
    client, asked = a_client(Book()), web.url(path, "shared.example")
    for _ in range(OPENS_AFTER):
        with suppress(SourceError):
            client.get(asked, robots=False, guest=True)
    with pytest.raises(SourceError, match=r"shared\.example") as caught:
        client.get(asked, robots=False, guest=True)
    assert caught.value.deferred, "it is told to wait itself"
    assert client.get(web.url("/feed", "shared.example"), robots=False).body == b"news"


def test_a_host_that_failed_is_not_tried_first_by_a_guest(web: RawWeb) -> None:
    book = Book()
    name = f"shared.example:{web.port}"
    book.change_host(name, lambda host: Host(name, failures=OPENS_AFTER, open_until=NOW))
    client, url = a_client(book), web.url("/feed", "shared.example")
    with pytest.raises(SourceError) as caught:
        client.get(url, robots=False, guest=True)
    assert caught.value.deferred
    assert client.get(url, robots=False).status == 200, "the first try is left to the others"
    assert client.get(url, robots=False, guest=True).status == 200


def test_a_hold_of_the_host_is_one_for_guests_too(web: RawWeb) -> None:
    client = a_client(Book())
    client.get(web.url("/sorry", "shared.example"), robots=False)
    with pytest.raises(SourceError, match="asked us to wait"):
        client.get(web.url("/feed", "shared.example"), robots=False, guest=True)
