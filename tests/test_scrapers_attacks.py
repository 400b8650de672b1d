"""Every source of numbers meets the same bad answers: none is believed, none is lost, none counts twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ews.model import Fetch, FetchOutcome, Observation, Source, VintageBasis, series_parts
from ews.pipeline import Pipeline, Rooms, _parts
from ews.reports.source_errors import OTHERWISE, in_korean
from ews.storage import Store
from scrapers import Client, Collected, collect, load_sources, parse
from scrapers.calendars import release_of
from scrapers.golden import SAMPLE_NOW as NOW
from scrapers.golden import sample_file
from scrapers.http import Reply
from scrapers.schedule import next_due
from scrapers.sweeps import is_sweep, next_turn

NUMBERS = [
    source for source in load_sources() if "article" not in source.options
    and source.group in ("statistics", "shipping", "price") and source.kind != "rss"
]  # fmt: skip
PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body>Blocked</body></html>"
Answer = Callable[[str], Reply]


class Fake(Client):
    """A client whose network is a function; every key is set."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.asked = answer, list[str]()
        self.environ = {source.key_env: "k" for source in NUMBERS if source.key_env}

    def get(self, url: str, **_: Any) -> Reply:
        self.asked.append(url)
        return self.answer(url)


def says(body: bytes, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda url: Reply(status, named, body, url)


def sample(source: Source) -> bytes:
    return sample_file(source).read_bytes()


def named(source: Source) -> str:
    return source.name


# --------------------------------------------------------------------------- bad answers

BEFORE = Fetch("x", NOW - timedelta(days=1), FetchOutcome.NEW, etag='"1"', sha256="ab", newest=NOW)


@pytest.mark.parametrize("source", NUMBERS, ids=named)
def test_what_is_no_answer_is_a_failure_that_keeps_what_was_known(source: Source) -> None:
    bodies = {
        "empty": b"", "page": PAGE, "cut": sample(source)[: len(sample(source)) * 2 // 3],
        "other": b'{"status": "maintenance"}', "text": b"Service temporarily unavailable",
    }  # fmt: skip
    for name, body in bodies.items():
        got = collect(source, BEFORE, NOW, Fake(says(body, content_type="text/html")))
        if name == "cut" and source.kind == "vintage_csv":
            continue  # a table that ends early is one of fewer lines: `expect` counts them
        assert (got.fetch.outcome, got.signals, got.series) == (FetchOutcome.FAILED, [], []), name
        assert source.name in (got.fetch.error or ""), name
        assert not in_korean(got.fetch.error or "").startswith(OTHERWISE), got.fetch.error
        assert (got.fetch.sha256, got.fetch.newest) == ("ab", NOW), name
        assert not got.fetch.permanent, f"{name} may be another answer at the next turn"


COLUMNS = {
    "customs": (b"impWgt", b"hsCd", b"statCd", b"expDlr"), "comtrade": (b"netWgt", b"cmdCode", b"flowCode"),
    "arcgis": (b"n_tanker", b"portcalls"), "fred": (b'"value"',), "sdmx": (b"OBS_VALUE", b"dataSets"),
    "chart": (b"xaxis",), "json": (b"totalRecords", b"_VAL_MO"), "vintage_csv": (b"Date,",),
    "xlsx": (),
}  # fmt: skip


@pytest.mark.parametrize("source", NUMBERS, ids=named)
def test_a_column_that_was_renamed_is_a_failure_and_not_an_empty_answer(source: Source) -> None:
    body = sample(source)
    present = [one for one in COLUMNS[source.kind] if one in body]
    assert present or source.kind == "xlsx", "its own test renames a column"
    for name in present:
        renamed = body.replace(name, b"x" + name if name[:1] != b'"' else b'"x' + name[1:])
        got = collect(replace(source, expect_min=0), BEFORE, NOW, Fake(says(renamed)))
        assert (got.fetch.outcome, got.signals) == (FetchOutcome.FAILED, []), name


@pytest.mark.parametrize("source", NUMBERS, ids=named)
def test_a_wait_that_the_publisher_asks_for_is_kept(source: Source) -> None:
    client = Fake(says(b"slow down", 429, retry_after="90000"))
    got = collect(source, BEFORE, NOW, client)
    assert (got.fetch.outcome, len(client.asked)) == (FetchOutcome.FAILED, 1)
    assert got.fetch.retry_after_s == 86_400, "a day at most"
    assert next_due(source, got.fetch) >= NOW + timedelta(days=1)
    assert "너무 자주" in in_korean(got.fetch.error or "")


def test_a_page_that_repeats_itself_for_ever_is_given_up_at_once() -> None:
    source = next(one for one in NUMBERS if one.name == "portwatch_ports")
    body = sample(source).replace(b'"features"', b'"exceededTransferLimit": true, "features"', 1)
    client = Fake(says(body))
    got = collect(source, BEFORE, NOW, client)
    assert (got.fetch.outcome, got.signals, len(client.asked)) == (FetchOutcome.FAILED, [], 2)
    assert "same page again" in (got.fetch.error or "")


def test_a_later_page_may_ask_us_to_wait_and_condemns_nothing() -> None:
    source = next(one for one in NUMBERS if one.name == "portwatch_ports")
    body = sample(source).replace(b'"features"', b'"exceededTransferLimit": true, "features"', 1)

    def answer(url: str) -> Reply:
        return Reply(429 if "resultOffset" in url else 200, {"retry-after": "70"}, body, url)

    got = collect(source, None, NOW, Fake(answer)).fetch
    assert (got.outcome, got.retry_after_s, got.permanent) == (FetchOutcome.FAILED, 70, False)


def test_a_workbook_that_changes_behind_the_same_page_is_read() -> None:
    source = next(one for one in NUMBERS if one.kind == "xlsx")
    page = b"<a href='https://x.org/doc/CMO-Historical-Data-Monthly.xlsx'>monthly</a>"
    body = sample(source)

    def answer(url: str) -> Reply:
        return Reply(200, {"etag": '"p"'}, body if url.endswith(".xlsx") else page, url)

    first = collect(source, None, NOW, Fake(answer)).fetch
    again = collect(source, first, NOW, Fake(answer))
    assert (first.outcome, again.fetch.outcome) == (FetchOutcome.NEW, FetchOutcome.UNCHANGED)
    assert (again.signals, again.fetch.newest) == ([], first.newest)
    body += b"\0"
    assert collect(source, first, NOW, Fake(answer)).fetch.outcome is FetchOutcome.NEW


# --------------------------------------------------------------------------- first, again, revised


def scraping(home: Path) -> Pipeline:
    """A pipeline that can only scrape: no classifier is loaded."""
    rooms = cast(Rooms, SimpleNamespace(keep_raws=True, parser=parse))
    return Pipeline(Store.open(home), rooms)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Every source of numbers was read once, at NOW."""
    pipeline = scraping(tmp_path_factory.mktemp("numbers"))
    all_bring(pipeline, b"", NOW, "new")
    return pipeline


def all_bring(pipeline: Pipeline, extra: bytes, at: datetime, outcome: str) -> int:
    new = 0
    for source in NUMBERS:
        few = {"per_turn": 2} if is_sweep(source) else {}  # each request gets the same sample
        source = replace(source, expect_min=0, options={**source.options, **few})
        new += pipeline.scrape(source, Fake(says(sample(source) + extra)), at)
        told = pipeline.store.last_fetch(source.name)
        assert told is not None
        assert told.outcome == outcome, (source.name, told.error)
    return new


def test_every_series_says_what_it_is_and_when_it_is_published(filled: Pipeline) -> None:
    for one in filled.store.series():
        provider, measure, place, _ = series_parts(one.name)
        assert one.unit, one.name
        assert release_of(one.name) is not None, f"{one.name} has no release calendar"
        if measure.endswith("usd") and provider in ("customs", "comtrade", "census"):
            assert (one.currency, "-" in place) == ("USD", True), one.name
        if provider in ("customs", "comtrade"):
            assert one.classification.startswith("HS") or measure == "released-rows", one.name


def test_what_came_is_kept_once_whoever_brings_it_again(
    filled: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled.store
    first = store.vintages(NOW)
    assert len({one.id for one in first}) == len(first) > 400
    assert all_bring(filled, b"", NOW + timedelta(minutes=1), "unchanged") == 0
    assert all_bring(filled, b"\n", NOW + timedelta(minutes=2), "new") == 0
    later = NOW + timedelta(hours=1)
    assert store.vintages(later) == first

    def revised(*args: Any) -> Collected:
        got = collect(*args)
        values = [replace(s, value=s.value + 1) for s in got.signals if isinstance(s, Observation)]
        told = [replace(s, available_at=later, basis=VintageBasis.RECORDED) for s in values]
        return replace(got, signals=[*told])

    monkeypatch.setattr("ews.pipeline.collect", revised)
    all_bring(filled, b"\n\n", later, "new")
    assert store.vintages(NOW) == first, "a revision is seen from its day on, not before"
    periods = {(one.series, one.observed_at) for one in first}
    newest = store.observations(later)
    assert {(one.series, one.observed_at) for one in newest} == periods, "no period is made up"
    old = {(one.series, one.observed_at): one.value for one in store.observations(NOW)}
    alone = [one for one in newest if one.series.startswith(("portwatch/", "census/", "ecb/"))]
    assert alone
    assert all(one.value == old[one.series, one.observed_at] + 1 for one in alone)


def test_of_two_sources_that_disagree_the_first_is_kept_without_a_row_of_revisions(
    tmp_path: Path,
) -> None:
    pipeline = scraping(tmp_path)
    first, second = (
        replace(one, expect_min=0) for one in NUMBERS if one.name in ("customs_items", "customs_headings")
    )  # fmt: skip
    first, second = sorted((first, second), key=lambda one: one.name, reverse=True)
    name, errors = "customs/import-kg/CN-KR/250410", []
    pipeline.scrape(second, Fake(says(sample(second))), NOW)
    for turn in range(1, 7):
        source = first if turn % 2 else second
        body = sample(source) + b"\n" * turn
        pipeline.scrape(source, Fake(says(body)), NOW + timedelta(hours=6 * turn))
        told = pipeline.store.last_fetch(source.name)
        errors.append(told.error if told else None)
    after = pipeline.store.vintages(NOW + timedelta(days=9), series=name)
    assert [one.value for one in after if one.observed_at.month == 9] == [200_000.0, 201_000.0]
    assert pipeline.store.series([name])[0].source == "customs_items"
    assert "differ from those of a source that goes first" in (errors[-1] or "")
    late = NOW + timedelta(days=60)
    body = sample(second) + b"\n" * 9
    assert pipeline.scrape(second, Fake(says(body)), late) == 4, "the first one fell silent"


def test_a_unit_that_changed_is_told_again_at_the_next_turn(
    tmp_path: Path,
) -> None:
    pipeline = scraping(tmp_path)
    source = replace(next(one for one in NUMBERS if one.name == "gscpi"), expect_min=0)
    spec = {**source.options["observation"], "unit": "points"}  # type: ignore[dict-item]
    other = replace(source, options={**source.options, "observation": spec})
    pipeline.scrape(source, Fake(says(sample(source))), NOW)
    for minute in (1, 2):
        pipeline.scrape(other, Fake(says(sample(source) + b"\n")), NOW + timedelta(minutes=minute))
        told = pipeline.store.last_fetch("gscpi")
        assert told is not None
        assert told.outcome is FetchOutcome.FAILED, "the same answer again is no good one"
    turns = pipeline.store.raw_turns("gscpi")
    assert len(turns) == 3, "a body that was not taken is kept for the mapping that will"


def test_a_large_fetch_that_is_killed_between_its_parts_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = replace(next(one for one in NUMBERS if one.name == "customs_nitemtrade"), expect_min=0)
    whole, halves = scraping(tmp_path / "a"), scraping(tmp_path / "b")
    count = whole.scrape(source, Fake(says(sample(source))), NOW)
    monkeypatch.setattr("ews.pipeline.KEPT_AT_ONCE", 4)
    parts = _parts([one for one in whole.store.vintages(NOW + timedelta(days=1))])
    items = [{one.parts[3] for one in part} for part in parts]
    assert len(parts) > 1
    assert sum(map(len, items)) == len(set[str]().union(*items)), "an item is seen whole or not"
    saves, save = iter(range(99)), Store.save_observations

    def killed(store: Store, values: Any) -> int:
        if next(saves) == 1:
            raise KeyboardInterrupt
        return save(store, values)

    monkeypatch.setattr(Store, "save_observations", killed)
    with pytest.raises(KeyboardInterrupt):
        halves.scrape(source, Fake(says(sample(source))), NOW)
    store, at = halves.store, NOW + timedelta(days=1)
    assert 0 < len(store.vintages(at)) < count
    assert (store.last_fetch(source.name), store.polling(source.name).next_due) == (None, None)
    halves.scrape(source, Fake(says(sample(source))), NOW)
    assert store.vintages(at) == whole.store.vintages(at)


# --------------------------------------------------------------------------- turns


def test_a_killed_turn_is_made_again_and_turns_do_not_drift() -> None:
    source = next(one for one in NUMBERS if one.name == "customs_items")
    asked = [Fake(says(b"", 500)) for _ in range(2)]
    for client, minutes in zip(asked, (0, 50), strict=True):
        collect(source, None, NOW + timedelta(minutes=minutes), client)
    assert asked[0].asked == asked[1].asked, "killed in between, the same turn begins again"
    at = NOW
    for late in (59, 7, 31, 44):
        fetch = Fetch(source.name, at + timedelta(seconds=late), FetchOutcome.NEW)
        assert next_due(source, fetch) == next_turn(source, at) == at + timedelta(hours=6)
        at = next_due(source, fetch)
