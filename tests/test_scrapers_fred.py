"""FRED: a row says when its value entered; the window that we asked for says only "by then"."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ews.model import Observation, VintageBasis
from graph import ITEMS
from scrapers.calendars import dated
from scrapers.catalog import load_source
from scrapers.errors import SourceError
from scrapers.golden import SAMPLE_NOW, sample_file
from scrapers.kinds import parse

BRENT = load_source("fred_brent")
SAMPLE: dict[str, Any] = json.loads(sample_file(BRENT).read_bytes())
NAMES = ["fred_brent", "fred_wti", "fred_henry_hub", "fred_uranium", "fred_deep_sea_freight"]


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def read(answer: object, now: datetime = SAMPLE_NOW) -> list[Observation]:
    parsed = parse(BRENT, json.dumps(answer).encode(), now)
    return [one for one in parsed.signals if isinstance(one, Observation)]


def known(period: str) -> list[tuple[float, str, VintageBasis]]:
    return [
        (one.value, one.available_at.date().isoformat(), one.basis)
        for one in read(SAMPLE)
        if one.observed_at == day(period)
    ]


def test_a_value_is_known_from_the_end_of_the_day_it_entered() -> None:
    assert known("2025-10-20") == [(61.77, "2025-10-29", VintageBasis.RECORDED)]


def test_a_revision_is_a_vintage_of_its_own() -> None:
    assert known("2025-10-14") == [
        (63.10, "2025-10-22", VintageBasis.RECORDED),  # by the window's first day, 8 days after it
        (63.35, "2025-10-29", VintageBasis.RECORDED),
    ]


def test_what_stood_there_when_the_window_opens_gets_the_calendars_date() -> None:
    assert known("2021-09-13") == [(73.41, "2021-09-21", VintageBasis.CALENDAR)]


def test_no_value_is_known_before_the_window_that_first_shows_it() -> None:
    for row in SAMPLE["observations"]:
        if row["value"] == "." or row["realtime_start"] == SAMPLE["realtime_start"]:
            continue
        (one,) = [
            o for o in read(SAMPLE) if o.observed_at == day(row["date"]) and f"{o.value:.2f}" == row["value"]
        ]  # fmt: skip
        assert one.available_at > day(row["realtime_start"])


def test_a_point_is_a_missing_value() -> None:
    assert known("2026-11-20") == []


def test_a_vintage_of_today_is_not_known_tomorrow() -> None:
    now = datetime(2026, 11, 24, 9, tzinfo=UTC)
    assert max(one.available_at for one in read(SAMPLE, now)) == now


def test_a_window_that_repeats_the_value_says_nothing() -> None:
    answer = json.loads(json.dumps(SAMPLE))
    again = {"realtime_start": "2025-11-03", "realtime_end": "9999-12-31",
             "date": "2025-10-14", "value": "63.35"}  # fmt: skip
    answer["observations"].append(again)
    assert read(answer) == read(SAMPLE)


def test_a_later_window_does_not_date_what_we_hold_by_the_calendar() -> None:
    """The next fetch asks for a later window: all that is older only "stood there" now."""
    first = read(SAMPLE)
    moved = {**SAMPLE, "realtime_start": "2026-01-05"}
    moved["observations"] = [
        {**row, "realtime_start": max(row["realtime_start"], "2026-01-05")}
        for row in SAMPLE["observations"]
        if row["realtime_end"] > "2026-01-05"
    ]
    held = {(one.series, one.observed_at): one.value for one in first}
    later = read(moved)
    assert VintageBasis.CALENDAR in {one.basis for one in later}
    assert [
        one for one in dated(later, held, SAMPLE_NOW) if one.basis is VintageBasis.CALENDAR
    ] == []


def test_an_answer_that_is_cut_off_is_refused_and_the_limit_a_minute_is_kept() -> None:
    with pytest.raises(SourceError, match="8 rows came of 100001"):
        read({**SAMPLE, "count": 100_001, "limit": 8})
    for name in NAMES:
        assert float(str(load_source(name).options["min_gap_s"])) >= 60 / 120


def test_an_answer_without_its_window_and_an_error_are_loud() -> None:
    with pytest.raises(SourceError, match="no realtime_start"):
        read({"observations": []})
    with pytest.raises(SourceError, match="api_key"):
        read({"error_code": 400, "error_message": "Bad Request. The value for api_key is not set."})


@pytest.mark.parametrize("name", NAMES)
def test_each_series_is_off_without_a_key_and_names_an_item_of_ours(name: str) -> None:
    source = load_source(name)
    assert not source.enabled
    assert source.key_env == "FRED_API_KEY"
    (one,) = parse(source, sample_file(source).read_bytes(), SAMPLE_NOW).series
    assert one.name.split("/")[3] in {*ITEMS, "-"}
    assert "realtime_start={day:-400}" in source.url  # FRED refuses more than 2,000 vintages
