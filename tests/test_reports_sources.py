"""What an operator is told of sources: which key is missing, how long a round takes, what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ews.model import Fetch, FetchOutcome
from ews.reports.collection import source_lines, sources_here
from ews.reports.source_errors import OTHERWISE, in_korean
from ews.reports.source_words import a_round, trouble
from ews.storage import Store
from ews.storage.series_rows import units
from scrapers import load_sources
from scrapers.catalog import load_source, with_key

NOW = datetime(2026, 11, 25, tzinfo=UTC)
CUSTOMS = load_source("customs_items")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store.open(tmp_path_factory.mktemp("sources") / Path("home"))


def test_a_source_is_on_where_its_key_is() -> None:
    on = {
        one.name
        for one in load_sources({"DATA_GO_KR_KEY": "x", "FRED_API_KEY": " "})
        if one.enabled
    }
    default = {one.name for one in load_sources() if one.enabled}
    assert {name.split("_")[0] for name in on - default} == {"customs", "kotra"}
    assert default <= on
    komis = load_source("komis_bismuth")
    assert not with_key(komis, {"DATA_GO_KR_KEY": "x"}).enabled, "no key stands for a consent"


def test_a_missing_key_and_the_length_of_a_round_are_said_in_both_languages(store: Store) -> None:
    (line,) = source_lines(store, NOW, [CUSTOMS])
    assert (line.state, line.blind, line.key_env, line.round_s) == (
        "off",
        False,
        "DATA_GO_KR_KEY",
        64_800,
    )
    assert "DATA_GO_KR_KEY" in trouble(line, "ko")
    assert trouble(line, "en") == "off: set DATA_GO_KR_KEY to its API key and start again"
    assert (a_round(line, "ko"), a_round(line, "en")) == ("한 바퀴 0.8일", "a round takes 0.8 d")
    (line,) = source_lines(store, NOW, [load_source("komis_bismuth")])
    assert ("동의" in trouble(line, "ko"), line.round_s) == (True, None)


def test_what_runs_elsewhere_with_its_key_is_not_called_off(store: Store) -> None:
    said = "3 sums left out: a row of theirs cannot be read"
    store.save_fetch(
        Fetch(CUSTOMS.name, NOW, FetchOutcome.NEW, signals=5, newest=NOW, error=said)
    )  # fmt: skip
    (line,) = [
        one for one in source_lines(store, NOW + timedelta(hours=1)) if one.name == CUSTOMS.name
    ]
    assert (line.state, line.error, line.note) == ("fresh", "", said), "what was left out is told"
    assert trouble(line, "ko").startswith("읽을 수 없거나")
    late = NOW + timedelta(days=9)
    assert not [
        one for one in sources_here(store, late) if one.name == CUSTOMS.name and one.enabled
    ]
    words = "customs_items needs an API key: set DATA_GO_KR_KEY, or enabled = false"
    store.save_fetch(Fetch(CUSTOMS.name, late, FetchOutcome.FAILED, error=words, permanent=True))
    assert not [
        one for one in sources_here(store, late) if one.name == CUSTOMS.name and one.enabled
    ]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("x needs an API key: set FRED_API_KEY, or enabled = false", "FRED_API_KEY"),
        ("x: data.go.kr refused (code 22): today's calls are used up", "한도"),
        ("x: HTTP 403 from a.org; we are not welcome there", "우회하지 말고"),
        ("x: 500 rows are the most that one reply holds, so it is cut off", "행 한도"),
        (units("p/q/r/s", "USD", "KRW"), "단위"),
        ("x: something that nobody foresaw in a unit of its own", OTHERWISE),
        ("2 of 20 requests failed, first (hs 250410): x: HTTP 503 from a.org", "발행처 서버"),
    ],
)
def test_a_korean_reader_is_told_what_to_do(error: str, words: str) -> None:
    said = in_korean(error)
    assert words in said.split(" (")[0] + said[:60]
    assert said.endswith(f"({error})"), "what the source said stays as it was said"
    assert in_korean("") == ""


def test_a_source_that_needs_no_key_is_as_its_file_says() -> None:
    open_one = replace(load_source("gscpi"), enabled=False)
    assert not with_key(open_one, {"": "x", "DATA_GO_KR_KEY": "x"}).enabled
