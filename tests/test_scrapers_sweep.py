"""A sweep asks a few requests a turn, each in its time; one that fails costs only itself."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request as WebRequest
from werkzeug import Response

from ews.model import Fetch, FetchOutcome, Observation, Source
from scrapers import Client, collect, load_source, load_sources
from scrapers.catalog import CatalogError, read_source
from scrapers.lists import shared_lists
from scrapers.sweeps import Request, due, is_sweep, per_turn, requests, round_turns

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SWEEPS = [source for source in load_sources() if is_sweep(source)]
SPEC = {
    "series": "p/export-kg/{place}-KR/-", "value": "value", "unit": "kg", "date": "date",
    "frequency": "M",
}  # fmt: skip


def sweep_source(url: str = "https://example.org/{place}", **options: object) -> Source:
    return Source(
        name="sample", publisher="S", title="S", url=url, kind="json", lang="en",
        group="statistics", terms="none", every_s=3600, fresh_within_s=86_400, expect_min=0,
        expect_max=500, options={"each": {"place": ["a", "b", "c"]}, "per_turn": 3,
        "observation": SPEC, "min_gap_s": 0, "robots": "exempt", "empty_status": [204], **options},
    )  # fmt: skip


# --------------------------------------------------------------------------- which requests


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    places=st.integers(1, 7), months=st.integers(1, 6), items=st.integers(1, 9),
    size=st.integers(1, 4), turn=st.integers(1, 11), start=st.integers(0, 10**6),
)  # fmt: skip
def test_one_round_asks_everything_once_wherever_it_begins(
    places: int, months: int, items: int, size: int, turn: int, start: int
) -> None:
    each = {"place": list(range(places)), "back": list(range(months)), "item": list(range(items))}
    source = sweep_source(each=each, batch={"item": size}, per_turn=turn)
    first = NOW + timedelta(seconds=start)
    asked = [
        request
        for k in range(round_turns(source))
        for request in due(source, first + timedelta(seconds=source.every_s * k))
    ]
    cells = [
        (place, back, item)
        for one in asked
        for place in one.values["place"]
        for back in one.values["back"]
        for item in one.values["item"]
    ]
    assert len(cells) == len(set(cells)) == places * months * items
    assert all(len(one.values["item"]) <= size for one in asked)


@pytest.mark.parametrize("source", SWEEPS, ids=[source.name for source in SWEEPS])
def test_what_a_machine_that_is_off_at_the_same_hours_misses_is_not_the_same_each_round(
    source: Source,
) -> None:
    """On from 9 to 18 in Korea, Monday to Friday: every turn still comes within twenty rounds."""
    turns = round_turns(source)
    asked = set()
    for k in range(20 * turns):
        at = NOW + timedelta(seconds=source.every_s * k)
        if at.weekday() < 5 and any((at + timedelta(seconds=s)).hour < 9
                                    for s in range(0, source.every_s, 3600)):  # fmt: skip
            asked.add(int(at.timestamp()) // source.every_s % turns)
    assert len(asked) == turns


def test_what_a_limit_cuts_off_is_not_the_same_each_round() -> None:
    source = sweep_source(each={"place": list("abcdefgh")}, per_turn=8)
    firsts = [due(source, NOW + timedelta(hours=k))[:4] for k in range(8)]
    assert {one.values["place"][0] for part in firsts for one in part} == set("abcdefgh")


def test_a_restart_in_the_middle_of_a_turn_asks_the_same() -> None:
    source = sweep_source(per_turn=1)
    assert due(source, NOW) == due(source, NOW + timedelta(minutes=59))
    assert due(source, NOW) != due(source, NOW + timedelta(hours=1))


def test_a_cut_reply_is_asked_for_in_halves_of_its_longest_batch() -> None:
    request = Request({"a": ("1",), "b": ("1", "2", "3")})
    assert [half.values["b"] for half in request.halves()] == [("1",), ("2", "3")]
    assert Request({"a": ("1",)}).halves() == []


@pytest.mark.parametrize("source", SWEEPS, ids=[source.name for source in SWEEPS])
def test_the_shipped_sweeps_keep_the_limits_of_their_publishers(source: Source) -> None:
    daily = per_turn(source) * 86_400 / source.every_s
    months = daily * 31
    limits = {
        "DATA_GO_KR_KEY": 10_000 / 4,
        "CENSUS_API_KEY": 500 / 4,
    }  # a quarter: others use the key
    if source.key_env in limits:
        assert daily <= limits[source.key_env]
    if source.key_env == "COMTRADE_API_KEY":
        assert months <= 500
    if source.name.startswith("comtrade"):
        assert float(str(source.options["min_gap_s"])) >= 3.5
    assert round_turns(source) * source.every_s <= 15 * 86_400, "a revision waits half a month"
    longest = max(len(one.fill(source.url, ",")) for one in requests(source))
    assert longest < 1900, "some servers refuse longer addresses"


def test_watched_items_are_those_of_the_reference_network() -> None:
    path = Path(__file__).parent.parent / "graph" / "data" / "items.csv"
    with path.open(encoding="utf-8") as handle:
        codes = {code for row in csv.DictReader(handle) for code in row["hs"].split(";")}
    six = sorted(code for code in codes if len(code) == 6 and code.isdigit())
    assert shared_lists()["lists"]["watched"] == six


# --------------------------------------------------------------------------- one turn


@pytest.fixture
def client() -> Client:
    return Client("test", allow_loopback=True, min_gap_s=0, attempts=1)


def answering(web: HTTPServer, answer: Callable[[str], Response]) -> list[str]:
    """A server that answers by the last part of the path; the list of what it was asked."""
    asked: list[str] = []

    def handle(request: WebRequest) -> Response:
        name = request.path.strip("/")
        asked.append(name)
        return answer(name)

    web.expect_request(re.compile("/.*")).respond_with_handler(handle)
    return asked


def rows(*places: str, date: str = "2026-10-01") -> Response:
    table = [{"place": place, "value": 5, "date": date} for place in places]
    return Response(json.dumps(table))


def test_a_failing_request_costs_only_itself(httpserver: HTTPServer, client: Client) -> None:
    asked = answering(
        httpserver, lambda name: Response("no", 500) if name == "b" else rows(name)
    )  # fmt: skip
    got = collect(sweep_source(httpserver.url_for("/{place}")), None, NOW, client)
    assert got.fetch.outcome is FetchOutcome.NEW
    assert {s.series for s in got.signals if isinstance(s, Observation)} == {
        "p/export-kg/a-KR/-", "p/export-kg/c-KR/-",
    }  # fmt: skip
    assert {one.name: one.frequency for one in got.series} == {
        "p/export-kg/a-KR/-": "M", "p/export-kg/c-KR/-": "M",
    }  # fmt: skip
    assert asked == ["a", "b", "c", "b"], "what failed is tried once more at the end of the turn"
    assert "1 of 4 requests failed" in (got.fetch.error or "")
    assert "place b" in (got.fetch.error or "")


def test_a_server_that_is_down_is_left_alone_after_three(
    httpserver: HTTPServer, client: Client
) -> None:
    asked = answering(httpserver, lambda name: Response("no", 503))
    source = sweep_source(
        httpserver.url_for("/{place}"), each={"place": list("abcdefgh")}, per_turn=8
    )
    got = collect(source, None, NOW, client)
    assert got.fetch.outcome is FetchOutcome.FAILED
    assert len(asked) == 3
    assert "were not made" in (got.fetch.error or "")


def test_a_key_that_is_refused_stops_the_turn_at_once(
    httpserver: HTTPServer, client: Client
) -> None:
    asked = answering(httpserver, lambda name: Response("no", 401))
    got = collect(sweep_source(httpserver.url_for("/{place}")), None, NOW, client)
    assert (got.fetch.outcome, got.fetch.permanent, len(asked)) == (FetchOutcome.FAILED, True, 1)


def test_too_many_calls_waits_a_minute_and_keeps_what_came(
    httpserver: HTTPServer, client: Client
) -> None:
    asked = answering(
        httpserver, lambda name: Response("slow", 429) if name == "b" else rows(name)
    )  # fmt: skip
    got = collect(sweep_source(httpserver.url_for("/{place}")), None, NOW, client)
    assert (got.fetch.outcome, got.fetch.retry_after_s) == (FetchOutcome.NEW, 60)
    assert (len(got.signals), asked) == (1, ["a", "b"])


def test_no_content_is_no_failure_and_no_value(httpserver: HTTPServer, client: Client) -> None:
    answering(httpserver, lambda name: Response("", 204) if name != "a" else rows(name))
    got = collect(sweep_source(httpserver.url_for("/{place}")), None, NOW, client)
    assert (got.fetch.outcome, got.fetch.error, len(got.signals)) == (FetchOutcome.NEW, None, 1)


def test_a_turn_of_old_months_does_not_make_the_source_look_old(
    httpserver: HTTPServer, client: Client
) -> None:
    answering(httpserver, lambda name: rows(name, date="2025-11-01"))
    last = Fetch("sample", NOW, FetchOutcome.NEW, newest=datetime(2026, 10, 1, tzinfo=UTC))
    got = collect(sweep_source(httpserver.url_for("/{place}")), last, NOW, client)
    assert got.fetch.newest == last.newest
    again = collect(sweep_source(httpserver.url_for("/{place}")), got.fetch, NOW, client)
    assert (again.fetch.outcome, again.fetch.newest) == (FetchOutcome.UNCHANGED, last.newest)


def test_a_source_of_the_past_describes_no_series(httpserver: HTTPServer, client: Client) -> None:
    answering(httpserver, lambda name: rows(name, date="2019-01-01"))
    source = sweep_source(httpserver.url_for("/{place}"), past=True)
    got = collect(source, None, NOW, client)
    assert (len(got.signals), got.series) == (3, [])


def test_a_missing_key_is_said_before_anything_is_asked(client: Client) -> None:
    source = replace(load_source("customs_items"), enabled=True)
    got = collect(source, None, NOW, client)
    assert "set DATA_GO_KR_KEY" in (got.fetch.error or "")


# --------------------------------------------------------------------------- source.toml


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("per_turn = 57", "", "per_turn must be"),
        ('hs = "@watched"', 'hs = "@wached"', "'@wached' is not in lists.toml"),
        ('hs = "@watched"', 'hs = ["1", 1]', "a list of different values"),
        ('hs = "@watched"', 'item = "@watched"', "must stand in url as {item}"),
        ('hs = "@watched"', 'hs = "@watched"\n[options.batch]\nhs = 0', "options.batch must"),
        ("[options.each]", "[options.drop]", "unknown key"),
        ('[options.each]\nhs = "@watched"', "", "options.per_turn needs options.each"),
    ],
)
def test_a_sweep_that_cannot_work_is_refused_when_it_is_read(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    folder = Path(__file__).parent.parent / "scrapers" / "sources" / "customs_items"
    text = (folder / "source.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "source.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(CatalogError) as caught:
        read_source(tmp_path)
    assert words in str(caught.value)
