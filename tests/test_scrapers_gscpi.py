"""GSCPI: every column is what was known in its month. The sample is ours, in the publisher's form."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ews.model import Frequency, Observation, VintageBasis
from ews.storage import Store
from scrapers.calendars import dated
from scrapers.catalog import load_source
from scrapers.errors import SourceError
from scrapers.golden import SAMPLE_NOW, sample_file
from scrapers.kinds import parse
from scrapers.mapping import Parsed

SOURCE = load_source("gscpi")
SAMPLE = sample_file(SOURCE).read_text(encoding="utf-8")
LINES = list(csv.reader(line for line in SAMPLE.splitlines() if not line.startswith(",")))
# The 4th US working day of the vintage's month, at its end; Monday 7 September 2026 is Labor Day.
KNOWN = {"Aug-26": "2026-08-07", "Sep-26": "2026-09-05", "Oct-26": "2026-10-07", "Nov-26": "2026-11-06"}  # fmt: skip
TWO = "Date,Aug-26,Sep-26\n31-Jul-2026,0.10,0.15\n31-Aug-2026,#N/A,0.20\n"


def read(text: str) -> Parsed:
    return parse(SOURCE, text.encode(), SAMPLE_NOW)


def observations(text: str) -> list[Observation]:
    return [one for one in read(text).signals if isinstance(one, Observation)]


def as_of(values: list[Observation], at: datetime) -> dict[datetime, float]:
    """What stood for each period at that moment."""
    seen = sorted((one for one in values if one.available_at <= at), key=lambda o: o.available_at)
    return {one.observed_at: one.value for one in seen}


def column(label: str) -> dict[datetime, float]:
    at = LINES[0].index(label)
    return {
        datetime.strptime(line[0], "%d-%b-%Y").replace(day=1, tzinfo=UTC): float(line[at])
        for line in LINES[1:]
        if line[at] != "#N/A"
    }


@pytest.mark.parametrize("label", KNOWN)
def test_the_view_at_each_vintage_is_exactly_its_column(label: str) -> None:
    values = observations(SAMPLE)
    known = datetime.fromisoformat(KNOWN[label]).replace(tzinfo=UTC)
    assert as_of(values, known) == column(label)
    labels = list(KNOWN)
    before = labels.index(label) - 1
    earlier = column(labels[before]) if before >= 0 else {}
    assert as_of(values, known - timedelta(seconds=1)) == earlier


def test_the_sample_has_revisions_and_repeats_nothing() -> None:
    values = observations(SAMPLE)
    cells = sum(cell not in ("#N/A", "") for line in LINES[1:] for cell in line[1:])
    periods = {one.observed_at for one in values}
    assert len(periods) < len(values) < cells
    old = [one for one in values if one.observed_at.year == 1998]
    assert len(old) == 2  # never revised: one vintage each, though every column repeats them
    assert {one.basis for one in values} == {VintageBasis.RECORDED}


def test_the_series_says_what_it_is() -> None:
    (one,) = read(SAMPLE).series
    assert (one.name, one.frequency, one.unit) == (
        "gscpi/pressure/WLD/-", Frequency.MONTH, "std dev",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("heads", "first"),
    [
        ("Aug-2026,Sep-2026", "2026-08-07"),
        ("2026-08,2026-09", "2026-08-07"),
        ("06-Aug-2026,04-Sep-2026", "2026-08-07"),  # a day of its own counts to its end
        ("2026-08-06,2026-09-04", "2026-08-07"),
        ("13-Aug-2026,04-Sep-2026", "2026-08-14"),
    ],
)
def test_plausible_forms_of_a_heading_are_read(heads: str, first: str) -> None:
    values = observations(TWO.replace("Aug-26,Sep-26", heads))
    assert [(one.observed_at.month, one.value) for one in values] == [
        (7, 0.10),
        (7, 0.15),
        (8, 0.20),
    ]
    assert values[0].available_at.date().isoformat() == first


@pytest.mark.parametrize(
    ("heads", "words"),
    [
        ("46236,46266", "'46236' of column 2 is a number"),
        ("1,2", "'1' of column 2 is a number"),
        ("latest,Sep-26", "'latest' of column 2 is no date"),
        ("Aug-26,", "'' of column 3 is no date"),
        ("Sep-26,Aug-26", "out of order"),
        ("Sep-26,Sep-26", "out of order"),
        ("Aug-26,Sep-62", "Sep-62 is a vintage of the future"),
        ("Aug-26,Aug-26 (rev)", "is no date"),
    ],
)
def test_a_heading_that_cannot_be_trusted_is_loud(heads: str, words: str) -> None:
    with pytest.raises(SourceError, match=words.replace("(", r"\(")):
        read(TWO.replace("Aug-26,Sep-26", heads))


def test_a_vintage_that_knows_its_own_month_means_that_we_misread_the_headings() -> None:
    """Would the publisher name a vintage by its last month of data, every date would be a month early."""
    with pytest.raises(SourceError, match="a month that was not over"):
        read(TWO.replace("#N/A,0.20", "0.19,0.20"))


def test_lines_of_commas_and_comments_are_no_data() -> None:
    noisy = TWO.replace("31-Jul", ",,\n,see notes,\n31-Jul")
    assert observations(noisy) == observations(TWO)


def test_a_mark_that_is_no_number_and_a_line_that_is_no_month_are_loud() -> None:
    with pytest.raises(SourceError, match="'n/a' in vintage Aug-26 is no number"):
        read(TWO.replace("0.10", "n/a"))
    with pytest.raises(SourceError, match="begins with 'Total'"):
        read(TWO + "Total,1,2\n")
    with pytest.raises(SourceError, match="web page"):
        read("<!DOCTYPE html><html></html>")


def test_a_value_that_is_withdrawn_says_nothing_new() -> None:
    text = "Date,Aug-26,Sep-26,Oct-26\n31-Jul-2026,0.10,#N/A,0.10\n30-Jun-2026,1,2,2\n"
    assert [(o.observed_at.month, o.value) for o in observations(text)] == [
        (7, 0.10), (6, 1.0), (6, 2.0),
    ]  # fmt: skip


def test_the_store_shows_each_vintage_as_of_its_day_however_often_the_file_is_read(
    tmp_path: Path,
) -> None:
    store = Store.open(tmp_path)
    fetched = observations(SAMPLE)
    for _ in range(2):
        kept = store.save_observations(dated(fetched, store.held(fetched), SAMPLE_NOW))
    assert kept == 0
    since = datetime(1990, 1, 1, tzinfo=UTC)
    for label, day in KNOWN.items():
        at = datetime.fromisoformat(day).replace(tzinfo=UTC)
        seen = store.observations(at, since=since, series="gscpi/pressure/WLD/-")
        assert {one.observed_at: one.value for one in seen} == column(label)
