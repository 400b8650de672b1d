"""Turns at GDELT: no slot is lost, none is read twice, and none of it depends on staying alive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from ews.model import Fetch, FetchOutcome, Source
from ews.pipeline import Pipeline, Rooms
from ews.reports.source_errors import in_korean
from ews.storage import Store
from scrapers import Client, Collected, collect, reread
from scrapers.catalog import load_source
from scrapers.errors import SourceError
from scrapers.gdelt_turn import read_index
from scrapers.http import Reply
from scrapers.slots import QUARTER, from_text, stamp
from tests.gdelt_samples import event, index_of, mention, page, slot_files

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOURCE = replace(load_source("gdelt_gkg"), expect_min=1)
BASE = "https://storage.googleapis.com/data.gdeltproject.org/gdeltv2"


def rows(slot: str) -> dict[str, list[str]]:
    """One page by theme; one that only an event of the slot lets in."""
    by_event = f"https://example.org/{slot}/event"
    number = int(slot[4:12])
    return {
        "export.CSV": [event(number, "163", slot=slot)],
        "mentions.CSV": [mention(number, by_event, slot=slot)],
        "gkg.csv": [
            page(1, f"https://example.org/{slot}/theme", f"Sample {slot}", ["STRIKE"], slot=slot),
            page(2, by_event, f"Sample by event {slot}", slot=slot),
        ],
    }


class World(Client):
    """GDELT with the files it was given; nothing is asked of a network."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.environ = {}
        self.status: dict[str, int] = {}
        self.failing: SourceError | None = None

    def publish(self, slot: datetime, made: Mapping[str, bytes] | None = None) -> None:
        files = dict(made or slot_files(stamp(slot), rows(stamp(slot))))
        self.files.update(files)
        self.files["lastupdate.txt"] = index_of(files)

    def lose(self, slot: datetime, ending: str = "") -> dict[str, bytes]:
        gone = [name for name in self.files if name.startswith(stamp(slot)) and ending in name]
        return {name: self.files.pop(name) for name in gone}

    def get(self, url: str, **_: Any) -> Reply:
        assert url.startswith(BASE + "/"), f"{url} is asked for beside the index, over TLS"
        name = url.removeprefix(BASE + "/")
        self.asked.append(name)
        if self.failing is not None and name != "lastupdate.txt":
            raise self.failing
        status = self.status.get(name, 200 if name in self.files else 404)
        stored = {"cache-control": "public, max-age=3600"}
        return Reply(status, stored, self.files.get(name, b"") if status == 200 else b"", url)

    def slots_asked(self) -> list[str]:
        """The slots asked for since the last look, each once."""
        told = dict.fromkeys(name[:14] for name in self.asked if name != "lastupdate.txt")
        self.asked.clear()
        return list(told)


class Reader:
    """A source with the memory between its turns."""

    def __init__(self, world: World, source: Source = SOURCE) -> None:
        self.world, self.source = world, source
        self.memory, self.last = "", cast(Fetch | None, None)
        self.urls: list[str] = []

    def turn(self, now: datetime) -> Collected:
        got = collect(self.source, self.last, now, self.world, self.memory)
        self.memory = got.memory if got.memory is not None else self.memory
        self.last = got.fetch
        self.urls += [one.url for one in got.signals if hasattr(one, "url")]
        return got


@pytest.fixture
def world() -> World:
    made = World()
    made.publish(START)
    return made


# --------------------------------------------------------------------------- the index


def test_the_index_names_slot_stream_sizes_and_sums() -> None:
    files = slot_files(stamp(START), {}, ".translation")
    index = read_index(SOURCE, index_of(files).decode())
    assert (index.slot, index.stream) == (START, ".translation")
    assert {what: promise.size for what, promise in index.files.items()} == {
        "export.csv": len(files["20261124120000.translation.export.CSV.zip"]),
        "mentions.csv": len(files["20261124120000.translation.mentions.CSV.zip"]),
        "gkg.csv": len(files["20261124120000.translation.gkg.csv.zip"]),
    }


GOOD = index_of(slot_files(stamp(START), {})).decode()


@pytest.mark.parametrize(
    "text",
    [
        "", "oops", "<html>Blocked</html>", GOOD.replace("gkg.csv", "other.csv"),
        GOOD.replace("20261124120000.gkg", "20261124114500.gkg"), GOOD.replace("120000", "120100"),
        GOOD.replace("20261124120000.gkg", "20261124120000.translation.gkg"),
        GOOD.replace(GOOD.split()[1], "no-sum"),
    ],
)  # fmt: skip
def test_an_index_of_anything_else_is_refused(text: str) -> None:
    with pytest.raises(SourceError, match="names no three files"):
        read_index(SOURCE, text)


def test_an_index_that_cannot_be_read_is_no_calm_at_the_next_turn(world: World) -> None:
    reader = Reader(world)
    world.files["lastupdate.txt"] = b"maintenance"
    for _ in range(2):
        assert reader.turn(START).fetch.outcome is FetchOutcome.FAILED
    world.publish(START)
    assert reader.turn(START).fetch.outcome is FetchOutcome.NEW


def test_a_slot_of_the_future_is_not_believed(world: World) -> None:
    fetch = Reader(world).turn(START - timedelta(hours=2)).fetch
    assert (fetch.outcome, fetch.permanent) == (FetchOutcome.FAILED, False)
    assert "compare the clock" in (fetch.error or "")


# --------------------------------------------------------------------------- turns


def test_a_slot_is_read_once_and_then_nothing_is_new(world: World) -> None:
    reader = Reader(world)
    first = reader.turn(START)
    assert (first.fetch.outcome, first.fetch.rows, first.fetch.newest) == (
        FetchOutcome.NEW,
        2,
        START,
    )
    assert len(first.signals) == 2, "one by theme, one by the event that it mentions"
    assert world.slots_asked() == ["20261124120000"]
    again = reader.turn(START + timedelta(minutes=5))
    assert (again.fetch.outcome, again.signals, again.fetch.newest) == (
        FetchOutcome.UNCHANGED, [], START
    )  # fmt: skip
    assert world.slots_asked() == []


def test_a_mention_of_an_event_of_an_earlier_slot_lets_a_page_in(world: World) -> None:
    reader = Reader(world)
    reader.turn(START)
    later = START + QUARTER
    url = "https://example.org/later"
    world.publish(later, slot_files(stamp(later), {
        "mentions.CSV": [mention(int(stamp(START)[4:12]), url)],
        "gkg.csv": [page(1, url, "Sample: the embargo, told later", slot=stamp(later))],
    }))  # fmt: skip
    got = reader.turn(later)
    assert [one.url for one in got.signals if hasattr(one, "url")] == [url]
    far = START + timedelta(days=1, minutes=30)
    world.publish(far, slot_files(stamp(far), {
        "mentions.CSV": [mention(int(stamp(START)[4:12]), url)],
        "gkg.csv": [page(1, url, "Sample: a day later", slot=stamp(far))],
    }))  # fmt: skip
    reader.turn(far)
    assert reader.urls.count(url) == 1, "after 24 hours an event is forgotten"


def test_after_a_pause_the_newest_comes_first_and_the_gap_follows(world: World) -> None:
    source = replace(SOURCE, options={**SOURCE.options, "slots_per_turn": 3})
    reader = Reader(world, source)
    reader.turn(START)
    for n in range(1, 8):
        world.publish(START + n * QUARTER)
    world.slots_asked()
    now = START + 7 * QUARTER
    got = reader.turn(now)
    assert world.slots_asked() == ["20261124134500", "20261124133000", "20261124131500"]
    assert "to be read later: 4 slots, the first 20261124121500" in (got.fetch.error or "")
    assert got.fetch.rows == 2, "rows are those of one slot, to be compared with expect"
    reader.turn(now + QUARTER)
    assert world.slots_asked() == ["20261124130000", "20261124124500", "20261124123000"]
    last = reader.turn(now + 2 * QUARTER)
    assert last.fetch.newest == now, "an old slot does not make the source look older"
    assert sorted(reader.urls) == sorted(set(reader.urls))
    assert len(reader.urls) == 16


def test_a_missing_slot_is_asked_for_less_and_less_and_read_when_it_comes(world: World) -> None:
    reader = Reader(world)
    reader.turn(START)
    world.publish(START + QUARTER)
    gone = world.lose(START + QUARTER)
    when, now = [], START + QUARTER
    for n in range(2, 34):
        got = reader.turn(now)
        if "20261124121500" in world.slots_asked():
            when.append(n - 2)
        world.publish(START + n * QUARTER)
        now = START + n * QUARTER
    assert when == [0, 1, 3, 7, 15, 31], "after 15 minutes, 30, 60, 120, 240"
    assert got.fetch.outcome is FetchOutcome.NEW
    world.files.update(gone)
    for n in range(34, 70):
        reader.turn(START + n * QUARTER)
    assert from_text(reader.memory).waiting == {}
    assert "https://example.org/20261124121500/event" in reader.urls


def test_the_newest_slot_not_being_there_is_a_failure_until_it_is(world: World) -> None:
    reader = Reader(world)
    gone = world.lose(START)
    for minutes in (0, 5):
        fetch = reader.turn(START + timedelta(minutes=minutes)).fetch
        assert (fetch.outcome, fetch.permanent, fetch.newest) == (FetchOutcome.FAILED, False, None)
        assert "is not there yet" in (fetch.error or "")
    world.files.update(gone)
    assert reader.turn(START + timedelta(minutes=10)).fetch.outcome is FetchOutcome.NEW


@pytest.mark.parametrize("ending", ["export", "mentions", "gkg"])
def test_a_file_that_differs_from_its_sum_is_read_again(world: World, ending: str) -> None:
    name = next(one for one in world.files if ending in one)
    whole = world.files[name]
    for body, words in ((whole[:-1] + b"\1", "md5"), (whole + b"\0", "size")):
        world.files[name] = body
        reader = Reader(world)
        first = reader.turn(START)
        assert f"the {words} of {name} differs" in (first.fetch.error or "")
        assert len(first.signals) == {"export": 1, "mentions": 1, "gkg": 0}[ending]
        world.files[name] = whole
        reader.turn(START + QUARTER)
        assert len(set(reader.urls)) == 2
        assert from_text(reader.memory).waiting == {}


def test_a_damaged_file_of_an_older_slot_fails_by_its_crc(world: World) -> None:
    reader = Reader(world)
    reader.turn(START)
    for n in (1, 2):
        world.publish(START + n * QUARTER)
    name = "20261124121500.gkg.csv.zip"
    whole = world.files[name]
    middle = len(whole) // 2
    world.files[name] = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    got = reader.turn(START + 2 * QUARTER)
    assert got.fetch.outcome is FetchOutcome.NEW
    assert "to be read later: 1 slot," in (got.fetch.error or "")
    world.files[name] = whole
    reader.turn(START + 3 * QUARTER)
    assert "https://example.org/20261124121500/event" in reader.urls


def test_after_a_long_outage_a_day_is_caught_up_and_the_rest_is_told(world: World) -> None:
    reader = Reader(world)
    reader.turn(START)
    world.publish(START + timedelta(hours=30))
    got = reader.turn(START + timedelta(hours=30))
    assert "23 slots given up" in (got.fetch.error or "")
    assert len(from_text(reader.memory).waiting) == 96
    assert min(from_text(reader.memory).waiting) == START + timedelta(hours=6)


def test_what_is_never_there_is_given_up_after_a_day_and_told(world: World) -> None:
    reader = Reader(world)
    reader.turn(START)
    world.publish(START + 2 * QUARTER)
    reader.turn(START + 2 * QUARTER)
    told = []
    for n in range(3, 105):
        world.publish(START + n * QUARTER)
        world.asked.clear()
        told.append(reader.turn(START + n * QUARTER).fetch.error or "")
    assert sum("1 slot given up" in one for one in told) == 1
    assert from_text(reader.memory).waiting == {}
    assert told[-1] == ""


def test_slots_that_never_came_do_not_hold_up_those_behind_them(world: World) -> None:
    reader = Reader(world)
    reader.turn(START)
    for n in range(1, 8):
        world.publish(START + n * QUARTER)
    for n in (4, 5, 6):
        world.lose(START + n * QUARTER)
    world.asked.clear()
    reader.turn(START + 7 * QUARTER)
    assert len(world.asked) == 1 + 3 * 4 + 3, "one request tells that a slot is not there"
    assert len(set(reader.urls)) == 2 * 5


def test_a_host_that_is_down_is_asked_for_two_files_and_no_more(world: World) -> None:
    reader = Reader(world)
    reader.turn(START)
    for n in range(1, 8):
        world.publish(START + n * QUARTER)
    world.asked.clear()
    world.failing = SourceError(
        "storage.googleapis.com did not finish within 120 s", permanent=True
    )
    fetch = reader.turn(START + 7 * QUARTER).fetch
    assert (fetch.outcome, fetch.permanent, len(world.asked)) == (FetchOutcome.FAILED, False, 3)
    assert fetch.newest == START
    world.failing = None
    for n in range(8, 12):
        reader.turn(START + n * QUARTER)
    assert len(set(reader.urls)) == 16


def test_a_wait_that_is_asked_for_ends_the_turn(world: World) -> None:
    world.status["20261124120000.gkg.csv.zip"] = 429
    fetch = Reader(world).turn(START).fetch
    assert (fetch.outcome, fetch.retry_after_s, len(world.asked)) == (FetchOutcome.FAILED, 60, 2)


def test_too_few_rows_are_a_failure_that_keeps_what_came(world: World) -> None:
    got = Reader(world, replace(SOURCE, expect_min=100)).turn(START)
    assert (got.fetch.outcome, len(got.signals)) == (FetchOutcome.FAILED, 2)
    assert "2 rows a slot where at least 100 are expected" in (got.fetch.error or "")


def test_a_memory_that_is_damaged_is_told_and_begins_anew(world: World) -> None:
    reader = Reader(world)
    for damaged in ("{", '{"newest": 1}', '{"newest": "20261124120100"}', "[]", "null"):
        reader.memory, reader.last = damaged, None
        fetch = reader.turn(START).fetch
        assert fetch.outcome is FetchOutcome.NEW
        assert "cannot be read; it begins anew" in (fetch.error or "")


def test_an_older_copy_of_the_index_changes_nothing(world: World) -> None:
    reader, old = Reader(world), world.files["lastupdate.txt"]
    world.publish(START + QUARTER)
    reader.turn(START + QUARTER)
    world.files["lastupdate.txt"] = old
    world.slots_asked()
    assert reader.turn(START + QUARTER).fetch.outcome is FetchOutcome.UNCHANGED
    assert world.slots_asked() == []


# --------------------------------------------------------------------------- kept and read again


def test_kept_bodies_read_again_in_order_give_the_same_articles(world: World) -> None:
    reader = Reader(world, replace(SOURCE, options={**SOURCE.options, "keep_raw": True}))
    turns = [reader.turn(START)]
    for n in (1, 2):
        world.publish(START + n * QUARTER)
    turns.append(reader.turn(START + 2 * QUARTER))
    later = START + 3 * QUARTER
    world.publish(later, slot_files(stamp(later), {
        "mentions.CSV": [mention(int(stamp(START)[4:12]), "https://example.org/late")],
        "gkg.csv": [page(1, "https://example.org/late", "Sample: told later", slot=stamp(later))],
    }))  # fmt: skip
    turns.append(reader.turn(later))
    assert [len(got.signals) for got in turns] == [2, 4, 1]
    assert [raw.parsed for raw in turns[1].raws] == [False] + [True] * 6
    memory = ""
    for got in turns:
        again = reread(reader.source, got.raws, memory)
        memory = again.memory or ""
        assert [one.id for one in again.signals] == [one.id for one in got.signals]
    assert Reader(world).turn(later).raws == [], "shipped, it does not keep 10 MB a slot"


def test_a_kill_between_fetching_and_keeping_loses_nothing(world: World, tmp_path: Path) -> None:
    source = replace(SOURCE, options={**SOURCE.options, "keep_days": 0})

    def scraping() -> Pipeline:
        return Pipeline(Store.open(tmp_path), Rooms(*[cast(Any, None)] * 5))

    assert scraping().scrape(source, world, START) == 2
    world.publish(START + QUARTER)
    killed, now = scraping(), START + QUARTER
    past = killed.store.last_fetch(source.name)
    got = collect(source, past, now, world, killed.store.memory(source.name))
    assert len(got.signals) == 2, "read, and then the machine is gone before anything is kept"
    assert scraping().scrape(source, world, now) == 2
    world.asked.clear()
    assert scraping().scrape(source, world, now + timedelta(minutes=5)) == 0
    assert world.asked == ["lastupdate.txt"]


def test_what_went_wrong_is_told_in_korean_and_says_what_is_done(world: World) -> None:
    reader = Reader(world)
    gone = world.lose(START, "gkg")
    missing = reader.turn(START).fetch.error or ""
    assert in_korean(missing).startswith("아직 올라오지 않은 파일입니다")
    world.files.update({name: body + b"\0" for name, body in gone.items()})
    differs = reader.turn(START).fetch.error or ""
    assert in_korean(differs).startswith("파일이 온전하지 않습니다")
    world.publish(START + timedelta(hours=30))
    told = reader.turn(START + timedelta(hours=30)).fetch.error or ""
    assert in_korean(told).startswith("하루가 지나도록 없던 15분 파일을 포기했습니다")
