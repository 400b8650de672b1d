"""A feed that copies the links of another house is heard as itself, and silences nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ews.model import Source
from ews.reparsing import reparse
from ews.storage import Store
from scrapers import load_source
from scrapers.golden import SAMPLE_NOW
from tests.test_reparsing import feed, keep

LATER = SAMPLE_NOW + timedelta(minutes=5)
THIEF = replace(
    load_source("bbc_world"), name="thief", publisher="Thief", independence="thief", expect_min=0,
    url="https://thief.example.net/rss",
)  # fmt: skip
MINISTRY = replace(
    THIEF, name="ministry", publisher="Ministry", independence="ministry", authority="KR",
    url="https://www.ministry.example.org/rss",
)  # fmt: skip
PAPER = replace(MINISTRY, name="paper", publisher="Paper", independence="paper", authority=None)
ITEM = ("Export of urea is stopped", "1")  # at https://example.org/1


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def voices(store: Store) -> list[tuple[str, str | None]]:
    found = [*store.newest_articles("thief"), *store.newest_articles("ministry"),
             *store.newest_articles("paper"), *store.newest_articles("second")]  # fmt: skip
    return [(one.source, one.authority) for one in found]


def both(store: Store, first: Source, then: Source) -> None:
    for source, at in ((first, SAMPLE_NOW), (then, LATER), (then, LATER + timedelta(hours=1))):
        keep(store, source, at, [feed(ITEM)])


def test_an_act_of_a_state_is_heard_although_another_feed_gave_its_link_first(store: Store) -> None:
    both(store, THIEF, MINISTRY)
    assert voices(store) == [("thief", None), ("ministry", "KR")]


def test_a_paper_keeps_its_voice_for_links_to_its_own_site(store: Store) -> None:
    both(store, THIEF, PAPER)
    assert voices(store) == [("thief", None), ("paper", None)]


@pytest.mark.parametrize("then", [
    THIEF,  # copies what it did not write
    replace(PAPER, name="second"),  # another feed of the same house
], ids=["thief", "same house"])  # fmt: skip
def test_nobody_else_gets_a_second_voice(store: Store, then: Source) -> None:
    both(store, PAPER, then)
    assert voices(store) == [("paper", None)]


def test_what_a_gatherer_says_of_an_outlet_is_the_same_voice(store: Store) -> None:
    gatherer = replace(THIEF, tier=3, independence="example.org")
    both(store, gatherer, PAPER)
    assert voices(store) == [("thief", None)]


def test_reading_again_finds_nothing_gone(store: Store) -> None:
    both(store, THIEF, MINISTRY)
    told = reparse(store, MINISTRY, lambda: LATER + timedelta(days=1), write=True)
    assert (told.gone, told.kept, told.new, told.changed) == (0, 0, 0, 0)
    assert voices(store) == [("thief", None), ("ministry", "KR")]
