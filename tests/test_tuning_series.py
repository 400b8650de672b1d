"""Recorded series: bad lines are named, and no figure is known before its source published it."""

from __future__ import annotations

import csv
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ews.model import Frequency, VintageBasis
from ews.tuning.series import (
    TABLES,
    SeriesFileError,
    convert_series,
    described,
    read_series,
)
from ews.tuning.series_tables import COUNTRIES, pink_sheet_columns
from scrapers.calendars import release_of

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


PASSAGES = "chokepoint,date,total,tanker,container,capContainer,capDryBulk,capGeneralCargo,capRoro,capTanker\n"


def made(tmp_path: Path) -> dict[str, float]:
    """The tables of a folder as one file, read again: {series: newest value}."""
    convert_series(tmp_path, tmp_path / "out" / "series.csv")
    return {v.series: v.value for v in read_series([tmp_path / "out" / "series.csv"])}


def test_tables_become_one_file_that_can_be_read_again(tmp_path: Path) -> None:
    write(tmp_path / TABLES[0].path, PASSAGES + "suez,2023-12-15,50,20,12,1,2,3,4,5\n")
    write(tmp_path / "trade/prices/brent-daily.csv", "Date,Price\n2023-12-18,78.89\n2023-12-19,\n")
    columns = list(pink_sheet_columns())
    with (tmp_path / "trade/prices/pinksheet_monthly.csv").open("w", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["month", *columns])
        writer.writerow(["2023-06", *("287.5" if c == "Urea" else "…" for c in columns)])
    assert made(tmp_path) == {
        "portwatch/transits/suez/-": 50,
        "portwatch/tanker-transits/suez/-": 20,
        "portwatch/container-transits/suez/-": 12,
        "portwatch/capacity/suez/-": 15,
        "eia/price-usd/brent/crude-oil": 78.89,
        "pinksheet/price-usd/WLD/urea": 287.5,
    }


def test_a_capacity_with_a_missing_class_is_missing(tmp_path: Path) -> None:
    write(tmp_path / TABLES[0].path, PASSAGES + "suez,2023-12-15,50,20,12,1,,3,4,5\n")
    assert "portwatch/capacity/suez/-" not in made(tmp_path)


def test_chinas_exports_go_to_every_partner_in_kilograms_and_dollars(tmp_path: Path) -> None:
    folder = tmp_path / "trade/mirror"
    write(
        folder / "cn_exports_deep_dive_hs6_monthly.csv",
        "period_dt,partner_name,hs6,val,qty,uv\n"
        "2023-10-01,South Korea,250410,5000000,2971400,1\n2023-10-01,Tanzania,250410,7,5,1\n",
    )
    write(
        folder / "cn_exports_country_monthly_stats.csv",
        "period_dt,val,qty,uv,hhi,broad_group,partner_name\n"
        "2023-10-01,8,9,1,1,Polysilicon,Japan\n2023-10-01,1,1,1,1,Graphite,Japan\n",
    )
    write(
        folder / "cn_exports_overview_monthly.csv",
        "period_dt,broad_group,total_value,total_qty,unit_price\n"
        "2023-10-01,Graphite,3,4,1\n2023-10-01,Gallium/Germanium,3,4,1\n",
    )
    assert made(tmp_path) == {
        "comtrade/export-kg/CN-KR/250410": 2971400, "comtrade/export-usd/CN-KR/250410": 5000000,
        "comtrade/export-kg/CN-TZ/250410": 5, "comtrade/export-usd/CN-TZ/250410": 7,
        "comtrade/export-kg/CN-JP/polysilicon": 9, "comtrade/export-usd/CN-JP/polysilicon": 8,
        "comtrade/export-kg/CN-WLD/graphite": 4, "comtrade/export-usd/CN-WLD/graphite": 3,
    }  # fmt: skip


def test_each_value_has_the_date_of_its_calendar_and_says_so(tmp_path: Path) -> None:
    write(tmp_path / "trade/prices/wti-daily.csv", "Date,Price\n2023-12-18,72.47\n")
    assert convert_series(tmp_path, tmp_path / "out.csv") == {"trade/prices/wti-daily.csv": 1}
    (value,) = read_series([tmp_path / "out.csv"])
    assert value.series == "eia/price-usd/wti/crude-oil"
    release = release_of(value.series)
    assert release is not None
    assert value.available_at == release.available(day("2023-12-18")) == day("2023-12-20")
    assert value.basis is VintageBasis.CALENDAR


def test_a_file_without_a_basis_was_recorded_and_an_unknown_one_is_named(tmp_path: Path) -> None:
    row = "p/q/r/s,2023-01-01,2023-02-01,1"
    (value,) = read_series([write(tmp_path / "s.csv", f"{HEAD}{row}\n")])
    assert value.basis is VintageBasis.RECORDED
    bad = write(tmp_path / "bad.csv", f"{HEAD.strip()},basis\n{row},guessed\n")
    with pytest.raises(SeriesFileError, match=r"bad\.csv line 2.*guessed"):
        read_series([bad])


def test_what_a_converted_series_is_can_be_told(tmp_path: Path) -> None:
    write(
        tmp_path / "trade/mirror/cn_exports_deep_dive_hs6_monthly.csv",
        "period_dt,partner_name,hs6,val,qty,uv\n2023-10-01,South Korea,250410,5,2,1\n",
    )
    convert_series(tmp_path, tmp_path / "out.csv")
    told = {one.name.split("/")[1]: one for one in described(read_series([tmp_path / "out.csv"]))}
    usd, kg = told["export-usd"], told["export-kg"]
    assert (usd.unit, usd.currency, usd.valuation, usd.classification) == (
        "USD",
        "USD",
        "FOB",
        "HS",
    )
    assert (kg.unit, kg.currency, kg.valuation, kg.frequency) == ("kg", "", "", Frequency.MONTH)


def test_every_country_of_the_tables_has_a_code_of_its_own() -> None:
    assert len(set(COUNTRIES.values())) == len(COUNTRIES)
    assert all(len(code) == 2 and code.isupper() for code in COUNTRIES.values())


def test_a_bad_table_row_is_named_and_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SeriesFileError, match="no known table"):
        convert_series(tmp_path, tmp_path / "x.csv")
    write(tmp_path / TABLES[0].path, PASSAGES + "atlantis,2023-12-15,50,1,1,1,1,1,1,1\n")
    with pytest.raises(SeriesFileError, match="line 2: 'atlantis'"):
        convert_series(tmp_path, tmp_path / "x.csv")


@pytest.mark.recorded
def test_the_shared_tables_convert(tmp_path: Path) -> None:
    if not (RECORDED / "trade").is_dir():
        pytest.skip("recorded tables are not here (EWS_RECORDED_DATA)")
    counts = convert_series(RECORDED, tmp_path / "series.csv")
    assert set(counts) == {table.path for table in TABLES}
    values = read_series(
        [tmp_path / "series.csv"], since=day("2023-07-01"), until=day("2024-01-01")
    )
    assert len({v.series for v in values}) > 250
    assert {v.basis for v in values} == {VintageBasis.CALENDAR}
    assert not any("natural-graphite" in v.series for v in values)
    assert all(v.available_at > v.observed_at for v in values)
