"""Pink Sheet: units come from the sheet, names lose their footnotes, marks are no zeros."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ews.model import Observation
from graph import ITEMS
from scrapers.catalog import load_source
from scrapers.errors import SourceError
from scrapers.golden import SAMPLE_NOW, sample_file
from scrapers.kinds import parse
from scrapers.mapping import Parsed
from scrapers.sheets import bare

SOURCE = load_source("pink_sheet")
BODY = sample_file(SOURCE).read_bytes()
COLUMNS = SOURCE.options["columns"]


def read(old: str = "", new: str = "") -> Parsed:
    """The sample, with one text of its shared strings replaced."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(BODY)) as archive, zipfile.ZipFile(packed, "w") as changed:
        for name in archive.namelist():
            text = archive.read(name).decode()
            assert not old or name != "xl/sharedStrings.xml" or old in text
            changed.writestr(name, text.replace(old, new) if old else text)
    return parse(SOURCE, packed.getvalue(), SAMPLE_NOW)


def values(parsed: Parsed) -> dict[tuple[str, str], float]:
    return {
        (one.series, f"{one.observed_at:%Y-%m}"): one.value
        for one in parsed.signals
        if isinstance(one, Observation)
    }


def test_every_column_gives_a_series_of_one_of_our_items() -> None:
    parsed = read()
    assert isinstance(COLUMNS, dict)
    assert len(parsed.series) == len(COLUMNS) == len({one.name for one in parsed.series})
    for one in parsed.series:
        assert one.name.split("/")[3] in ITEMS
        assert one.currency == "USD"
    assert "pinksheet/price-usd/WLD/urea" in {one.name for one in parsed.series}


def test_marks_for_missing_are_no_values() -> None:
    whole = replace(SOURCE, options={**SOURCE.options, "observation": {
        **SOURCE.options["observation"], "keep_days": 40_000,  # type: ignore[dict-item]
    }})  # fmt: skip
    got = values(parse(whole, BODY, SAMPLE_NOW))
    first = {series for series, month in got if month == "1960-01"}
    assert 0 < len(first) < len(whole.options["columns"])  # type: ignore[arg-type]
    assert ("pinksheet/price-usd/WLD/barley", "2026-09") in got
    assert ("pinksheet/price-usd/WLD/barley", "2026-10") not in got  # ".."
    assert min(got.values()) > 0


def test_the_unit_is_the_sheets_own() -> None:
    units = {one.name.split("/")[3]: one.unit for one in read().series}
    assert units["urea"] == "USD/t"
    assert units["lng"] == "USD/mmbtu"
    assert units["platinum"] == "USD/troy oz"
    assert units["iron-ore"] == "USD/t"  # the sheet says dmtu, its description dry ton


def test_a_price_in_another_unit_is_refused() -> None:
    with pytest.raises(SourceError, match=r"is now in USD/kg, not USD/t"):
        read("($/mt)", "($/kg)")
    with pytest.raises(SourceError, match=r"unit '\(EUR/mt\)' is unknown"):
        read("($/mt)", "(EUR/mt)")


def test_marks_of_footnotes_come_and_go() -> None:
    assert values(read("Beef **", "Beef")) == values(read())
    assert values(read("Urea", "Urea  *")) == values(read())
    assert bare("Potassium  chloride **") == "Potassium chloride"


def test_a_column_that_is_gone_is_loud() -> None:
    with pytest.raises(SourceError, match="no column 'Urea' in row 5"):
        read("Urea", "Urea (granular)")


def test_notes_below_the_table_are_no_months() -> None:
    assert {month for _, month in values(read())} == {"2021-09", "2026-09", "2026-10"}


def test_periods_of_another_form_are_not_taken_for_data() -> None:
    assert read("2026M10", "Oct 2026").rows == read().rows - len(SOURCE.options["columns"])  # type: ignore[arg-type]


def test_the_newest_month_is_known() -> None:
    assert read().newest == datetime(2026, 10, 1, tzinfo=UTC)
