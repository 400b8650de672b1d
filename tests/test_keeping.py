"""A private source brings no more texts a day than can be read beside those of all others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ews.keeping import A_DAY, within_quota
from ews.model import Article, Fetch, FetchOutcome, Source
from ews.reports.source_errors import in_korean
from ews.storage import Store
from ews.storage.tallies import Tally, span_of
from scrapers import Collected, load_source
from scrapers.golden import SAMPLE_NOW as NOW
from tests.empty_store import opened

GUEST = replace(load_source("bbc_world"), name="guest", trusted=False)


def turn(source: Source, count: int, first: int = 0) -> Collected:
    texts = [
        Article(f"art-{n:016x}", source.name, "O", f"https://example.org/{n}", f"text {n}", "", "en",
                NOW, NOW, "x", trusted=source.trusted)
        for n in range(first, first + count)
    ]  # fmt: skip
    return Collected(Fetch(source.name, NOW, FetchOutcome.NEW, error="odd"), list(texts))


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    made = opened(tmp_path_factory.mktemp("quota"))
    span = span_of(NOW - timedelta(hours=8))
    made.add_tally(Tally(GUEST.name, span, 1, 0, 0, 0, 0, A_DAY - 10, 0))
    return made


def test_what_is_over_the_day_is_left_out_and_told(store: Store) -> None:
    known = turn(GUEST, 50)
    store.save_articles([one for one in known.signals if isinstance(one, Article)])
    got = within_quota(store, GUEST, turn(GUEST, 80), NOW)
    assert [one.id for one in got.signals] == [f"art-{n:016x}" for n in range(60)]
    assert got.fetch.error == (
        "odd; 20 new texts more than the 2,000 a day of an unverified source; not kept"
    )
    assert in_korean(got.fetch.error).startswith("확인되지 않은 출처의 하루 한도")
    store.close()


def test_what_fits_and_what_is_vouched_for_stays_whole(store: Store) -> None:
    few, trusted = turn(GUEST, 10), turn(replace(GUEST, trusted=True), 500)
    assert within_quota(store, GUEST, few, NOW) is few
    assert within_quota(store, replace(GUEST, trusted=True), trusted, NOW) is trusted
    tomorrow = turn(GUEST, 500)
    assert within_quota(store, GUEST, tomorrow, NOW + timedelta(days=2)) is tomorrow
    store.close()
