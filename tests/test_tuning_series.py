"""Recorded series: bad lines are named, and no figure is known before its source published it."""

from __future__ import annotations

import csv
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ews.tuning.series import (
    LAGS,
    PINK_SHEET,
    TABLES,
    SeriesFileError,
    convert_file,
    convert_series,
    next_tuesday,
    read_series,
)

RECORDED = Path(os.environ.get("EWS_RECORDED_DATA", Path(__file__).parents[2] / "shared" / "data"))
HEAD = "series,observed_at,available_at,value\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_series_file_is_read_in_order_of_availability(tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.csv",
        HEAD
        + 'p/price-usd/WLD/urea,2023-02-01,2023-03-02T00:00:00Z,"1,300.5"\n'
        + "p/price-usd/WLD/urea,2023-01-01,2023-02-02T00:00:00Z,400\n",
    )
    values = read_series([path])
    assert [v.value for v in values] == [400, 1300.5]
    assert values[0].source == "p"
    assert len(read_series([path], since=day("2023-03-01"))) == 1
    assert len(read_series([path, path])) == 2


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("p/q/r,2023-01-01,2023-02-01,1", "must read provider/measure/place/item"),
        ("p/q/r/s,2023-01-01,2023-02-01,many", "could not convert"),
        ("p/q/r/s,2023-01-01,2023-02-01,nan", "not a finite number"),
        ("p/q/r/s,soon,2023-02-01,1", "Invalid isoformat"),
        ("p/q/r/s,2023-02-01,2023-01-01,1", "before observed_at"),
        ("p/q/r/s,2023-02-01", ""),
    ],
)
def test_a_bad_row_is_named_with_file_and_line(tmp_path: Path, line: str, what: str) -> None:
    good = "p/q/r/s,2023-01-01,2023-02-01,1\n"
    path = write(tmp_path / "bad.csv", f"{HEAD}{good}{line}\n")
    with pytest.raises(SeriesFileError, match=rf"bad\.csv line 3.*{what}"):
        read_series([path])


def test_a_table_of_another_form_points_to_the_conversion(tmp_path: Path) -> None:
    with pytest.raises(SeriesFileError, match="series convert"):
        read_series([write(tmp_path / "brent.csv", "Date,Price\n2023-01-03,82\n")])


@pytest.mark.parametrize(
    ("source", "period", "known"),
    [
        ("portwatch", "2023-12-15", "2023-12-20"),  # Friday -> end of Tuesday
        ("portwatch", "2023-12-16", "2023-12-20"),  # Saturday, three days before Tuesday
        ("portwatch", "2023-12-17", "2023-12-27"),  # Sunday waits for the next one
        ("pinksheet", "2023-06-01", "2023-07-05"),  # Mon 3 and Tue 4 July
        ("gscpi", "2023-06-01", "2023-07-07"),
        ("eia", "2023-12-18", "2023-12-20"),
        ("comtrade", "2023-12-01", "2024-03-16"),
    ],
)
def test_each_source_has_its_publication_lag(source: str, period: str, known: str) -> None:
    assert LAGS[source].available(day(period)) == day(known)
    assert LAGS[source].read_in


def test_portwatch_is_never_known_sooner_than_three_days() -> None:
    for number in range(1, 29):
        start = datetime(2023, 11, number, tzinfo=UTC)
        assert 3 <= (next_tuesday(start) - start).days <= 10


def test_tables_become_one_file_that_can_be_read_again(tmp_path: Path) -> None:
    write(tmp_path / TABLES[0].path, "chokepoint,date,total\nsuez,2023-12-15,50\n")
    write(tmp_path / "trade/prices/brent-daily.csv", "Date,Price\n2023-12-18,78.89\n2023-12-19,\n")
    write(
        tmp_path / "trade/mirror/cn_exports_deep_dive_hs6_monthly.csv",
        "period_dt,partner_name,hs6,val,qty,uv\n"
        "2023-10-01,South Korea,250410,1,2971400,1\n2023-10-01,Tanzania,250410,1,5,1\n",
    )
    columns = list(PINK_SHEET)
    with (tmp_path / "trade/prices/pinksheet_monthly.csv").open("w", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["month", *columns])
        writer.writerow(["2023-06", *("287.5" if c == "Urea" else "…" for c in columns)])
    counts = convert_series(tmp_path, tmp_path / "out" / "series.csv")
    assert sum(counts.values()) == 4
    assert {v.series: v.value for v in read_series([tmp_path / "out" / "series.csv"])} == {
        "portwatch/transits/suez/-": 50,
        "eia/price-usd/brent/crude-oil": 78.89,
        "comtrade/export-kg/CN-KR/natural-graphite": 2971400,
        "pinksheet/price-usd/WLD/urea": 287.5,
    }


def test_a_bad_table_row_is_named_and_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SeriesFileError, match="no known table"):
        convert_series(tmp_path, tmp_path / "x.csv")
    write(tmp_path / TABLES[0].path, "chokepoint,date,total\natlantis,2023-12-15,50\n")
    with pytest.raises(SeriesFileError, match="line 2: 'atlantis'"):
        convert_series(tmp_path, tmp_path / "x.csv")


def test_one_file_can_be_converted_by_its_layout(tmp_path: Path) -> None:
    path = write(tmp_path / "wti.csv", "Date,Price\n2023-12-18,72.47\n")
    assert convert_file("wti", path, tmp_path / "out.csv") == 1
    assert read_series([tmp_path / "out.csv"])[0].series == "eia/price-usd/wti/crude-oil"
    with pytest.raises(SeriesFileError, match="use one of portwatch"):
        convert_file("mine", path, tmp_path / "out.csv")


@pytest.mark.recorded
def test_the_shared_tables_convert(tmp_path: Path) -> None:
    if not (RECORDED / "trade").is_dir():
        pytest.skip("recorded tables are not here (EWS_RECORDED_DATA)")
    counts = convert_series(RECORDED, tmp_path / "series.csv")
    assert set(counts) == {table.path for table in TABLES}
    values = read_series(
        [tmp_path / "series.csv"], since=day("2023-07-01"), until=day("2024-01-01")
    )
    assert len({v.series for v in values}) > 40
    assert all(v.available_at > v.observed_at for v in values)
