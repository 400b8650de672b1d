"""Hosts that only a redirect led to: whoever writes the redirects makes us remember nothing without end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from ews.model import Host
from ews.storage import Store
from scrapers.hosts import FewHosts, MemoryHosts
from scrapers.robots import LONG_TEXT, MOST_ORIGINS, Robots

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
    assert len(robots._passing._known) == FewHosts.MOST
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
