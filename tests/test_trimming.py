"""Kept bodies: so long and so much as the settings say, and the newest stay."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ews.model import Raw
from ews.storage import Store
from ews.trimming import trim_daily, trim_raws

NOW = datetime(2026, 11, 25, tzinfo=UTC)
NOISE = random.Random(8)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def kept(store: Store, days: int, body: bytes, source: str = "a") -> None:
    store.save_raws([Raw(source, NOW - timedelta(days=days), 0, "https://example.org/", {}, body)])


def ages(store: Store, source: str = "a") -> list[int]:
    return [(NOW - at).days for at in store.raw_turns(source)]


def test_bodies_older_than_the_setting_go(store: Store) -> None:
    for days in (40, 31, 29, 1):
        kept(store, days, b"%d" % days)
    assert trim_raws(store, NOW, 30, 1000) == 2
    assert ages(store) == [29, 1]
    assert store.counts("bodies") == {"bodies": 2}


def test_the_oldest_go_where_all_take_too_much(store: Store) -> None:
    for days in range(5, 0, -1):
        kept(store, days, NOISE.randbytes(400_000), "a" if days % 2 else "b")
    assert trim_raws(store, NOW, 30, 1) == 3
    assert (ages(store, "a"), ages(store, "b")) == ([1], [2])
    assert store.raw_bytes() <= 1_000_000


def test_a_body_that_came_again_counts_to_its_newest_turn(store: Store) -> None:
    same = NOISE.randbytes(600_000)
    kept(store, 5, same)
    kept(store, 3, NOISE.randbytes(600_000))
    kept(store, 1, same)
    trim_raws(store, NOW, 30, 1)
    assert ages(store) == [1]
    assert store.raws("a", NOW - timedelta(days=1))[0].body == same


def test_one_that_floods_pushes_out_nothing_of_the_others(store: Store) -> None:
    for days in range(20, 10, -1):
        kept(store, days, NOISE.randbytes(20_000), "quiet")
    for days in range(10):
        kept(store, days, NOISE.randbytes(300_000), "flood")
    trim_raws(store, NOW, 30, 1)
    assert len(ages(store, "quiet")) == 10
    assert ages(store, "flood") == [1, 0]
    assert store.raw_bytes() <= 1_000_000


def test_a_flood_is_not_waited_out_until_tomorrow(store: Store) -> None:
    assert trim_daily(store, NOW, 30, 1) == 0
    kept(store, 1, NOISE.randbytes(900_000))
    assert trim_daily(store, NOW, 30, 1) is None
    kept(store, 0, NOISE.randbytes(900_000))
    assert trim_daily(store, NOW, 30, 1) == 1


def test_it_is_done_once_a_day(store: Store) -> None:
    kept(store, 40, b"x")
    assert trim_daily(store, NOW, 30, 1000) == 1
    kept(store, 41, b"y")
    assert trim_daily(store, NOW + timedelta(hours=3), 30, 1000) is None
    assert trim_daily(store, NOW + timedelta(days=1), 30, 1000) == 1
