"""Earthquakes, storms and warnings: one happening is told once, and again when it grew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ews.model import Article
from scrapers.catalog import load_source
from scrapers.errors import SourceError
from scrapers.golden import read_sample, sample_file
from scrapers.kinds import parse
from scrapers.mapping import Parsed

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
MS = int(NOW.timestamp() * 1000)


def quake(id: str = "us7000aaa1", **over: object) -> dict[str, object]:
    facts: dict[str, object] = {
        "mag": 6.1, "place": "20 km E of Example, Chile", "time": MS - 3_600_000, "updated": MS,
        "url": f"https://example.org/{id}", "alert": None, "tsunami": 0, "status": "automatic",
        "ids": f",{id},", "type": "earthquake",
    } | over  # fmt: skip
    where = {"type": "Point", "coordinates": [-71.1, -30.2, 35.0]}
    return {"type": "Feature", "id": id, "properties": facts, "geometry": where}


def week(*quakes: dict[str, object], memory: str | None = "", now: datetime = NOW) -> Parsed:
    body = json.dumps({"type": "FeatureCollection", "features": list(quakes)}).encode()
    return parse(load_source("usgs_week"), body, now, memory=memory or "")


def ids(parsed: Parsed) -> list[str]:
    return [signal.id for signal in parsed.signals]


def titles(parsed: Parsed) -> list[str]:
    return [one.title for one in parsed.signals if isinstance(one, Article)]


def test_an_earthquake_keeps_its_id_as_networks_merge() -> None:
    first = week(quake("ak0001"))
    merged = week(quake("us7000aaa1", ids=",ak0001,us7000aaa1,"), memory=first.memory)
    later = week(quake("us7000aaa1", ids=",us7000aaa1,"), memory=merged.memory)
    assert ids(first) == ids(merged) == ids(later)
    assert len(set(ids(week(quake("us7000bbb2"), memory=later.memory)) + ids(first))) == 2


@pytest.mark.parametrize(
    ("change", "told_again"),
    [
        ({"mag": 6.5}, False),
        ({"mag": 6.6}, True),
        ({"mag": 5.6}, True),
        ({"alert": "green"}, False),
        ({"alert": "yellow"}, False),
        ({"alert": "orange"}, True),
        ({"alert": "red"}, True),
        ({"tsunami": 1}, True),
        ({"place": "elsewhere", "status": "reviewed", "felt": 40}, False),
    ],
)
def test_an_earthquake_is_told_again_when_it_grew(
    change: Mapping[str, object], told_again: bool
) -> None:
    first = week(quake())
    again = week(quake(**(dict(change) | {"updated": MS + 1})), memory=first.memory)
    assert (ids(again) != ids(first)) is told_again


def test_magnitudes_that_creep_are_told_by_the_sum_of_their_steps() -> None:
    memory, seen = None, []
    for step, mag in enumerate((6.0, 6.2, 6.4, 6.5, 6.7, 6.9, 7.0)):
        parsed = week(quake(mag=mag, updated=MS + step), memory=memory)
        memory = parsed.memory
        seen += ids(parsed)
    assert len(seen) == 7
    assert len(set(seen)) == 3  # at 6.0, 6.5 and 7.0


def test_an_older_state_from_a_cache_is_left_out() -> None:
    newer = week(quake(mag=7.0, alert="red", updated=MS + 1000))
    older = week(quake(mag=6.1, updated=MS), memory=newer.memory)
    assert ids(older) == []
    assert ids(week(quake(mag=7.0, alert="red", updated=MS + 1000), memory=older.memory)) == ids(
        newer
    )


def test_a_deleted_earthquake_and_a_small_one_are_not_told() -> None:
    assert ids(week(quake(status="deleted"), quake("us2", mag=5.4))) == []


def test_an_explosion_is_not_called_an_earthquake() -> None:
    (title,) = titles(week(quake(type="nuclear explosion")))
    assert title == "M6.1 nuclear explosion, 20 km E of Example, Chile"


def test_both_lists_of_earthquakes_give_the_same_id() -> None:
    body = json.dumps({"features": [quake()]}).encode()
    assert ids(parse(load_source("usgs_significant"), body, NOW)) == ids(week(quake()))


def test_what_is_long_over_is_forgotten() -> None:
    first = week(quake())
    later = week(quake("us9"), memory=first.memory, now=NOW + timedelta(days=61))
    assert "us7000aaa1" not in (later.memory or "")
    assert "us9" in (later.memory or "")


@pytest.mark.parametrize("memory", ["", "{", "[]", '{"a": 1}', '{"a": {"ids": 3}}', "nonsense"])
def test_a_memory_of_another_form_is_as_none(memory: str) -> None:
    assert ids(week(quake(), memory=memory)) == ids(week(quake()))


def test_a_list_of_earthquakes_without_ids_is_a_changed_format() -> None:
    odd = quake()
    odd["id"] = None
    with pytest.raises(SourceError, match="the format has changed"):
        week(odd)


# --------------------------------------------------------------------------- storms


def storm(**over: str) -> bytes:
    facts = {
        "id": "al182026", "name": "Sample", "classification": "TS", "intensity": "50",
        "latitude": "24.1N", "longitude": "83.0W", "lastUpdate": "2026-11-24T15:00:00.000Z",
    } | over  # fmt: skip
    return json.dumps({"activeStorms": [facts]}).encode()


def test_a_storm_is_told_by_class_and_by_strength_not_by_advisory() -> None:
    memory, seen = "", dict[str, str]()
    for kind, winds in (("TS", 50), ("TS", 60), ("HU", 75), ("HU", 85), ("HU", 120), ("HU", 130)):
        body = storm(classification=kind, intensity=str(winds), longitude=f"{winds}.0W")
        parsed = parse(load_source("nhc"), body, NOW, memory=memory)
        memory = parsed.memory or ""
        for id, title in zip(ids(parsed), titles(parsed), strict=True):
            seen.setdefault(id, title.split(" near")[0])
    assert list(seen.values()) == [
        "Tropical storm Sample: winds 50 kt", "Hurricane Sample: winds 75 kt",
        "Hurricane Sample: winds 120 kt",
    ]  # fmt: skip


def test_no_storm_is_no_failure() -> None:
    parsed = parse(load_source("nhc"), b'{"activeStorms": []}', NOW)
    assert (parsed.signals, parsed.rows, load_source("nhc").expect_min) == ([], 0, 0)


# --------------------------------------------------------------------------- GDACS, JMA


def test_an_episode_is_not_news_and_another_level_is() -> None:
    source = load_source("gdacs")
    body = sample_file(source).read_bytes()
    first = ids(parse(source, body, NOW))
    episode = body.replace(b"episodeid>1<", b"episodeid>2<").replace(b"episodeid=1", b"episodeid=2")
    assert episode != body
    assert ids(parse(source, episode, NOW)) == first
    worse = body.replace(b"alertlevel>Orange<", b"alertlevel>Red<")
    assert len({*first, *ids(parse(source, worse, NOW))}) == len(first) + 1


def test_the_map_of_gdacs_gives_the_ids_of_its_feed() -> None:
    feed = {one.id for one in read_sample(load_source("gdacs")).signals}
    assert {one.id for one in read_sample(load_source("gdacs_events")).signals} <= feed


@pytest.mark.parametrize("name", ["jma_eqvol", "jma_extra"])
def test_the_long_feed_fills_gaps_under_the_same_ids(name: str) -> None:
    short, long = read_sample(load_source(name)), read_sample(load_source(f"{name}_long"))
    assert set(ids(short)) < set(ids(long))


def test_japanese_titles_are_whole_japanese_sentences() -> None:
    for name in ("jma_quake", "jma_eqvol", "jma_extra_long"):
        signals = read_sample(load_source(name)).signals
        assert signals, name
        for one in signals:
            assert isinstance(one, Article)
            assert one.lang == "ja"
            assert not any(word in one.title for word in ("earthquake", "intensity", "{"))


def test_titles_of_hazards_do_not_change_what_they_are() -> None:
    """A source that is renamed keeps the ids of keyed articles with a scope."""
    source = load_source("gdacs")
    renamed = replace(source, name="gdacs_two")
    body = sample_file(source).read_bytes()
    assert ids(parse(renamed, body, NOW)) == ids(parse(source, body, NOW))
