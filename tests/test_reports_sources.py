"""What an operator is told of sources: which key is missing, how long a round takes, what to do."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer

from ews.cli import app
from ews.model import Fetch, FetchOutcome
from ews.reports.collection import source_lines, sources_here
from ews.reports.source_advice import ADVICE, advise, todo
from ews.reports.source_errors import OTHERWISE, in_korean
from ews.reports.source_views import SourceLine
from ews.reports.source_words import (
    TERMS_KO,
    a_round,
    ago,
    flow_words,
    state_words,
    terms_words,
    trouble,
)
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
    assert trouble(line, "en") == line.advice[0].en
    assert "DATA_GO_KR_KEY" in trouble(line, "en")
    assert (a_round(line, "ko"), a_round(line, "en")) == (
        "한 바퀴 도는 데 0.8일",
        "a round takes 0.8 d",
    )
    komis = load_source("komis_bismuth")
    (own,) = source_lines(store, NOW, [replace(komis, tier=4, trusted=False)])
    assert "source.toml" in trouble(own, "en"), "nobody's consent is missing for one's own"
    (line,) = source_lines(store, NOW, [komis])
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


@pytest.fixture(scope="module")
def fresh(store: Store) -> SourceLine:
    source = replace(load_source("gscpi"), name="any_source")
    store.save_fetch(Fetch("any_source", NOW, FetchOutcome.NEW, signals=1, newest=NOW, rows=300))
    (line,) = source_lines(store, NOW, [source])
    assert (line.state, line.advice) == ("fresh", ())
    return line


def failed(status: int | None, error: str, **more: object) -> dict[str, object]:
    return {"state": "failing", "last_outcome": "failed", "status": status, "error": error, **more}


ADVISED: list[tuple[dict[str, object], list[str]]] = [
    (failed(410, "HTTP 410", circuit="gone"), ["gone"]),
    (failed(401, "HTTP 401"), ["refused"]),
    (failed(403, "HTTP 403"), ["refused"]),
    (failed(None, "a.org: robots.txt does not allow it", permanent=True), ["barred"]),
    (failed(None, "ConnectError: connection refused"), ["unanswered"]),
    (failed(404, "HTTP 404"), ["address"]),
    (failed(200, "x: suspicious: 9 of 10 entries are gone at once"), ["short"]),
    (failed(200, "x: broken or cut-off XML"), ["format"]),
    (failed(200, "x: 1 rows where at least 5 are expected; it dries up"), ["fewer"]),
    (failed(500, "HTTP 500"), ["unanswered"]),
    (failed(429, "HTTP 429"), ["waits"]),
    (failed(503, "HTTP 503", why="retry-after"), ["waits"]),
    (failed(None, "x needs an API key: set K", key_env="K", permanent=True), ["key"]),
    (failed(500, "HTTP 500", late=True, moved_to="https://e.org/"), ["late", "moved"]),
    ({"state": "stale", "trusted": False}, ["stale", "unverified"]),
    ({"state": "never"}, ["never"]),
    ({"drying": True}, ["dry"]),
    ({"state": "stale", "drying": True}, ["stale"]),
    ({"state": "off", "off_here": True, "key_env": "K"}, ["switched"]),
    ({"state": "off", "key_env": "K"}, ["key"]),
    ({"state": "off"}, ["consent"]),
    ({"state": "off", "private": True}, ["resting"]),
]  # fmt: skip


def test_each_trouble_has_its_advice_and_every_advice_its_trouble(fresh: SourceLine) -> None:
    for changes, codes in ADVISED:
        found = advise(replace(fresh, **changes))  # type: ignore[arg-type]
        assert [one.code for one in found] == codes, changes
        for one in found:
            assert re.search("[가-힣]", one.ko), one
            assert not re.search("[가-힣]", one.en), one
            assert "{" not in one.ko + one.en + one.command
            assert one.command == "" or "any_source" in one.command or one.code == "late"
    assert {code for _, codes in ADVISED for code in codes} == set(ADVICE)


def test_commands_that_are_advised_exist() -> None:
    made = typer.main.get_command(app)
    for code, (_, _, command) in ADVICE.items():
        words = command.split()
        if words:
            group = made.commands[words[1]]  # type: ignore[attr-defined]
            deeper = getattr(group, "commands", None)
            assert deeper is None or words[2] in deeper, code


def test_what_there_is_to_do_is_told_once_for_all_of_a_kind(fresh: SourceLine) -> None:
    lines = [
        replace(fresh, name=f"s{n}", **changes)  # type: ignore[arg-type]
        for n, changes in enumerate([
            {"state": "off", "key_env": "A"}, {"state": "off", "key_env": "B"},
            {"state": "off", "key_env": "A"}, failed(500, "HTTP 500"), failed(410, "", circuit="gone"),
        ])
    ]  # fmt: skip
    found = todo([replace(one, advice=advise(one)) for one in lines])
    assert [(one.advice.code, one.sources, one.more) for one in found] == [
        ("gone", ("s4",), ""), ("unanswered", ("s3",), ""),
        ("key", ("s0", "s2"), "A"), ("key", ("s1",), "B"),
    ]  # fmt: skip
    assert found[0].advice.command == "ews sources resume NAME"


def test_how_a_source_stands_is_said_in_a_few_words(fresh: SourceLine) -> None:
    later = NOW + timedelta(hours=3)
    for changes, ko, en in (
        ({}, "최신 3시간 전", "newest 3 h ago"),
        ({"newest": None}, "성공 3시간 전", "good 3 h ago"),
        (failed(500, "", failures=6), "6번 거듭, 마지막 성공 3시간 전", "6 in a row, last good 3 h ago"),
        (failed(500, "", last_good_at=None, failures=1), "성공한 적 없음", "never answered well"),
        ({"state": "stale"}, "최신 3시간 전 (한도 ", "newest 3 h ago (limit "),
        ({"state": "off"}, "", ""),
    ):  # fmt: skip
        one = replace(fresh, **changes)  # type: ignore[arg-type]
        assert state_words(one, later, "ko").startswith(ko)
        assert state_words(one, later, "en").startswith(en)
    assert ago(later, NOW, "ko") == "3시간 뒤"
    seen = replace(fresh, seen_day=1200, usual_day=40.4, seen_week=2, usual_week=None)
    assert flow_words(seen, "en") == "day 1,200 (usually 40) · week 2"
    assert flow_words(seen, "ko") == "하루 1,200건 (평소 40건) · 한 주 2건"
    assert flow_words(fresh, "ko") == "아직 세지 않음"  # never a dash where something came
    assert flow_words(replace(fresh, last_at=None), "ko") == "-"


def test_terms_that_many_sources_share_are_told_in_korean() -> None:
    shared = {one.terms for one in load_sources()} & set(TERMS_KO)
    assert shared == set(TERMS_KO), "each phrase is one that a source.toml has"
    assert all(terms_words(one, "ko") != one == terms_words(one, "en") for one in shared)
    assert terms_words("CC BY 4.0", "ko") == "CC BY 4.0"
