"""Release calendars: no figure is known before its source published it, none is news twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ews.model import Frequency, Observation, VintageBasis
from scrapers.calendars import (
    dated,
    first_seen,
    period_end,
    release_of,
    releases,
    working_day,
)
from scrapers.catalog import load_sources

PRICE = "pinksheet/price-usd/WLD/urea"
FLOW = "customs/import-kg/CN-KR/310210"


NOW = datetime(2026, 11, 25, tzinfo=UTC)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "period", "known"),
    [
        ("portwatch", "2023-12-15", "2023-12-20"),  # Friday -> end of Tuesday
        ("portwatch", "2023-12-16", "2023-12-20"),  # Saturday, three days before Tuesday
        ("portwatch", "2023-12-17", "2023-12-27"),  # Sunday waits for the next one
        ("portwatch_ports", "2023-12-11", "2023-12-20"),
        ("portwatch_ports", "2023-12-12", "2023-12-27"),
        ("pinksheet", "2023-06-01", "2023-07-06"),  # the 4th of July is no working day
        ("pinksheet", "2021-09-01", "2021-10-05"),
        ("gscpi", "2023-06-01", "2023-07-08"),
        ("gscpi", "2023-12-01", "2024-01-06"),  # nor is New Year's Day
        ("customs", "2023-10-01", "2023-11-16"),
        ("customs", "2026-07-01", "2026-08-19"),  # Saturday 15 August, its substitute on Monday
        ("customs", "2024-08-01", "2024-09-20"),  # a Sunday, then Chuseok, 16th to 18th
        ("customs_ten_days", "2023-11-01", "2023-11-14"),  # the 11th was a Saturday
        ("customs_ten_days", "2023-11-21", "2023-12-02"),
        ("comtrade", "2023-12-01", "2024-03-16"),
        ("census", "2023-12-01", "2024-02-05"),
        ("eurostat", "2023-12-01", "2024-02-15"),
        ("eia", "2023-12-18", "2023-12-20"),
        ("komis", "2023-12-18", "2023-12-20"),
    ],
)
def test_each_source_publishes_by_its_own_rule(name: str, period: str, known: str) -> None:
    assert releases()[name].available(day(period)) == day(known)


def test_a_rule_says_where_it_was_read_or_that_it_is_assumed() -> None:
    for release in releases().values():
        assert "assumed" in release.read_in or "survey" in release.read_in
        assert release.said.isascii()
        assert not release.said_ko.isascii()


def test_no_figure_is_public_before_its_period_is_over() -> None:
    for release in releases().values():
        for month in range(1, 13):
            for first in (1, 11, 21):
                start = datetime(2024, month, first, tzinfo=UTC)
                if release.frequency is Frequency.MONTH and release.rule != "ten_days":
                    start = start.replace(day=1)
                last = start if release.rule == "ten_days" else period_end(start, release.frequency)
                assert release.available(start) > last


def test_a_rule_without_the_frequency_is_loud() -> None:
    with pytest.raises(ValueError, match=r"\[census\]: no days for frequency D"):
        releases()["census"].available(day("2023-01-01"), Frequency.DAY)


def test_holidays_of_one_country_are_working_days_of_another() -> None:
    assert not working_day(date(2024, 5, 15), "KR")
    assert working_day(date(2024, 5, 15), "US")
    assert not working_day(date(2024, 11, 28), "US")
    assert working_day(date(2024, 11, 28), "KR")
    assert not working_day(date(2024, 11, 30), "US")  # a Saturday


def test_every_numeric_series_of_a_source_has_a_calendar() -> None:
    for source in load_sources():
        specs = source.options.get("observation", [])
        for spec in specs if isinstance(specs, list) else [specs]:
            if "frequency" in spec:  # counts of a list on the day of the fetch have none
                assert release_of(str(spec["series"])), f"{source.name}: add its calendar"


# --------------------------------------------------------------------------- first seen


def test_history_met_on_the_first_day_gets_its_calendar_date() -> None:
    release = release_of(FLOW)
    met = first_seen(release, Frequency.MONTH, day("2023-10-01"), day("2026-11-25"))
    assert met == (day("2023-11-16"), VintageBasis.CALENDAR)


def test_a_figure_met_when_it_appears_is_recorded() -> None:
    release = release_of(FLOW)
    for seen in ("2023-11-15", "2023-11-17", "2023-11-25"):
        met = first_seen(release, Frequency.MONTH, day("2023-10-01"), day(seen))
        assert met == (day(seen), VintageBasis.RECORDED)


def test_a_figure_is_never_dated_after_we_held_it() -> None:
    for days in range(200):
        seen = day("2023-10-01") + timedelta(days=days)
        for release in releases().values():
            at, _ = first_seen(release, None, day("2023-10-01"), seen)
            assert at <= seen


def value(series: str, period: str, number: float, seen: str = "2026-11-25") -> Observation:
    return Observation(series, day(period), day(seen), number)


def test_a_revision_is_seen_when_we_fetch_it() -> None:
    held = {(FLOW, day("2023-10-01")): 100.0, (FLOW, day("2023-11-01")): 50.0}
    fetched = [value(FLOW, "2023-10-01", 120), value(FLOW, "2023-11-01", 50)]
    assert dated(fetched, held, NOW) == [
        value(FLOW, "2023-10-01", 120)
    ]  # the other says nothing new


def test_a_backfill_spreads_over_the_dates_of_its_calendar() -> None:
    got = dated([value(PRICE, "2021-08-01", 1), value(PRICE, "2021-09-01", 2)], {}, NOW)
    assert [one.available_at for one in got] == [day("2021-09-03"), day("2021-10-05")]
    assert {one.basis for one in got} == {VintageBasis.CALENDAR}


def test_a_frequency_that_is_not_the_usual_one_of_its_provider_counts() -> None:
    daily = value("ecb/rate-eur/KRW/-", "2023-01-02", 1350)
    (got,) = dated([daily], {}, NOW, {daily.series: Frequency.DAY})
    assert got.available_at == day("2023-01-04")


def test_a_source_that_dates_its_vintages_is_believed() -> None:
    old = value("gscpi/pressure/WLD/-", "1998-01-01", -1, seen="2022-05-06")
    assert dated([old], {(old.series, old.observed_at): -1.0}, NOW) == [old]
    stated = value(FLOW, "2020-10-01", 7, seen="2023-01-05")  # the publisher's own release date
    assert dated([stated], {}, NOW) == [stated]


def test_a_series_without_a_calendar_stays_as_it_came() -> None:
    count = value("ofac/count/WLD/-", "2023-10-01", 3)
    assert dated([count], {}, NOW) == [count]


def test_the_page_on_series_tells_every_rule_as_it_is() -> None:
    page = (Path(__file__).parents[1] / "docs" / "series.md").read_text(encoding="utf-8")
    for release in releases().values():
        assert f"| {release.said} | {release.said_ko} | {release.read_in} |" in page, release.name
