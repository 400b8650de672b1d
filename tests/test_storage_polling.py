"""The store remembers how sources and hosts are polled, and the bodies that came."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ews.model import Circuit, Host, Polling, Raw
from ews.storage import Store

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def test_how_a_source_is_polled_comes_back_and_leaves_its_memory_alone(store: Store) -> None:
    assert store.polling("s") == Polling("s")
    store.save_memory("s", "slots")
    polling = Polling("s", NOW, "history", 2, Circuit.OPEN, NOW, "https://b.org/", NOW, NOW, 900)
    store.save_polling(polling)
    assert store.polling("s") == polling
    assert store.memory("s") == "slots"
    store.save_polling(replace(polling, next_due=NOW + HOUR))
    assert store.polling("s") == replace(polling, next_due=NOW + HOUR)
    assert store.pollings() == {"s": store.polling("s")}


def test_a_host_is_changed_by_one_after_the_other(store: Store) -> None:
    """What a change saw is what it changes, whoever else books the same host at that moment."""

    def later(host: Host) -> Host:
        return replace(host, free_at=(host.free_at or NOW) + timedelta(seconds=1))

    def book() -> None:
        for _ in range(10):
            store.change_host("h", later)

    threads = [threading.Thread(target=book) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert store.host("h") == Host("h", NOW + timedelta(seconds=40))
    assert store.change_host("h", lambda host: host) == store.host("h")


def test_a_body_is_kept_once_and_goes_with_the_last_turn_that_has_it(store: Store) -> None:
    first = Raw("s", NOW, 0, "https://x.org/", {"etag": "1"}, "요소".encode() * 500)
    index = replace(first, page=1, body=b"index", parsed=False)
    store.save_raws([first, index])
    store.save_raws([replace(first, at=NOW + HOUR)])
    assert store.raw_turns("s") == [NOW, NOW + HOUR]
    assert store.raws("s", NOW) == [first, index]
    size = next(iter(store.raw_sizes()))
    assert (size.turns, size.bodies) == (2, 2)
    assert store.drop_raws(NOW + timedelta(minutes=1)) == 2
    assert store.raws("s", NOW) == []
    assert store.raws("s", NOW + HOUR) == [replace(first, at=NOW + HOUR)]
    assert store.drop_raws(NOW + 2 * HOUR) == 1
    assert store.counts()["bodies"] == 0
