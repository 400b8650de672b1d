"""As of a moment: no detector of numbers reads a value before its `available_at`."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.detectors.derived import derive
from ews.detectors.numeric import NUMERIC
from ews.detectors.panel import Floats, Panel, Scores, blocks, panel_of
from ews.model import Frequency, Observation
from ews.storage import Store
from scrapers.calendars import releases
from scrapers.catalog import load_source
from scrapers.vintages import parse_vintage_csv

MONTHS, DAYS = 40, 7 * 24
LAG = np.timedelta64(46, "D")  # first vintages; a second one, of some values, comes LATER
LATER = np.timedelta64(90, "D")
NAMES = (
    "comtrade/export-kg/CN-KR/250410",
    "customs/import-usd/CN-KR/310210",
    "pinksheet/price-usd/WLD/urea",
    "portwatch/transits/suez/-",
)
FEW = settings(max_examples=2, deadline=None)  # detectors walk through time: keep it cheap


def utc_of(moment: np.datetime64) -> datetime:
    return datetime.fromisoformat(str(moment.astype("M8[s]"))).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Vintages:
    """Columns as the store gives them."""

    frequency: Frequency
    rows: np.ndarray[tuple[int], np.dtype[np.intp]]
    periods: np.ndarray[tuple[int], np.dtype[np.datetime64]]
    available: np.ndarray[tuple[int], np.dtype[np.datetime64]]
    values: Floats

    names: tuple[str, ...] = NAMES

    def at(self, now: np.datetime64) -> Panel:
        panel = panel_of(self.names, self.frequency, self.rows, self.periods, self.available,
                         self.values, utc_of(now))  # fmt: skip
        return blocks(panel) if self.frequency is Frequency.DAY else panel


def vintages(seed: int, frequency: Frequency) -> Vintages:
    """Noisy series with a season; a fifth of the values are revised later, some are missing."""
    rng = np.random.default_rng(seed)
    daily = frequency is Frequency.DAY
    first = np.datetime64("2020-01-05") if daily else np.datetime64("2019-01", "M")
    axis = (first + np.arange(DAYS if daily else MONTHS)).astype("M8[D]")
    n = len(NAMES)
    level = 60 * np.exp(
        0.2 * np.sin(np.arange(len(axis)) / 6) + 0.15 * rng.normal(size=(n, len(axis)))
    )
    rows, columns = np.nonzero(rng.random((n, len(axis))) > 0.05)
    values = level[rows, columns].round(3)
    available = axis[columns] + (np.timedelta64(4, "D") if daily else LAG)
    again = rng.random(len(rows)) < 0.2
    return Vintages(
        frequency,
        np.concatenate([rows, rows[again]]),
        axis[np.concatenate([columns, columns[again]])],
        np.concatenate([available, available[again] + LATER]).astype("M8[us]"),
        np.concatenate([values, values[again] * rng.uniform(0.5, 2.0, int(again.sum()))]),
    )


def same(one: Scores, other: Scores, columns: slice = slice(None)) -> None:
    """The same judgement of the columns; NaN where nothing was judged."""
    for name in ("score", "tail", "expected"):
        np.testing.assert_allclose(
            getattr(one, name)[:, columns], getattr(other, name)[:, columns], rtol=1e-9, atol=1e-12,
            err_msg=f"{one.detector}: {name}",
        )  # fmt: skip
    judged = ~np.isnan(one.tail[:, columns])
    np.testing.assert_array_equal(one.up[:, columns][judged], other.up[:, columns][judged])


@pytest.mark.parametrize("frequency", [Frequency.MONTH, Frequency.DAY])
@FEW
@given(seed=st.integers(0, 2**32), back=st.integers(0, 6))
def test_no_detector_reads_a_value_before_it_was_available(
    frequency: Frequency, seed: int, back: int
) -> None:
    known = vintages(seed, frequency)
    now = np.unique(known.available)[-1 - 3 * back - 1]
    later = known.available > now
    assert later.any()
    changed = replace(known, values=np.where(later, known.values * 50 + 7, known.values))
    for detector in NUMERIC.values():
        same(
            detector.score(known.at(now), {}, None),
            detector.score(changed.at(now), {}, None),
        )


@pytest.mark.parametrize("frequency", [Frequency.MONTH, Frequency.WEEK])
@FEW
@given(seed=st.integers(0, 2**32), cut=st.integers(3, 12))
def test_a_score_does_not_change_when_later_values_do(
    frequency: Frequency, seed: int, cut: int
) -> None:
    panel = vintages(seed, Frequency.DAY if frequency is Frequency.WEEK else frequency).at(
        np.datetime64("2030-01-01")
    )
    changed = panel.values.copy()
    changed[:, -cut:] = changed[:, -cut:] * 9 + 100
    other = replace(panel, values=changed)
    for detector in NUMERIC.values():
        before = slice(0, -cut)
        same(detector.score(panel, {}, None), detector.score(other, {}, None), before)


@FEW
@given(seed=st.integers(0, 2**32), last=st.integers(1, 4))
def test_the_newest_periods_are_judged_alike_with_and_without_the_rest(
    seed: int, last: int
) -> None:
    panel = vintages(seed, Frequency.MONTH).at(np.datetime64("2030-01-01"))
    for detector in NUMERIC.values():
        same(detector.score(panel, {}, None), detector.score(panel, {}, last), slice(-last, None))


def test_a_revision_changes_history_only_in_the_view_that_could_see_it() -> None:
    known = vintages(1, Frequency.MONTH)
    row, period, moment = known.rows[-1], known.periods[-1], known.available[-1]  # a second vintage
    before, after = known.at(moment - 1), known.at(moment)
    cell = row, int(np.searchsorted(before.periods, period))
    assert before.values[cell] != after.values[cell]
    assert after.values[cell] == known.values[-1]
    assert not before.revised[cell]
    assert after.revised[cell]
    assert after.known[cell] == moment
    assert after.first[cell] == before.known[cell]  # it is still known when it was first published
    untouched = np.ones(before.values.shape, np.bool_)
    came = known.available == moment
    untouched[known.rows[came], np.searchsorted(before.periods, known.periods[came])] = False
    np.testing.assert_array_equal(before.values[untouched], after.values[untouched])


def test_a_view_of_the_past_never_learns_of_a_revision() -> None:
    known = vintages(2, Frequency.MONTH)
    now = np.datetime64("2022-01-15")
    keep = known.available <= now
    then = replace(known, rows=known.rows[keep], periods=known.periods[keep],
                   available=known.available[keep], values=known.values[keep])  # fmt: skip
    for detector in NUMERIC.values():
        same(detector.score(known.at(now), {}, None), detector.score(then.at(now), {}, None))


@pytest.mark.parametrize(
    ("provider", "period", "until", "there"),
    [
        ("pinksheet", "2021-09-01", "2021-10-04", False),  # 1 and 4 October: the 2nd ends at 24:00
        ("pinksheet", "2021-09-01", "2021-10-05", True),
        ("comtrade", "2023-11-01", "2024-02-12", False),
        ("comtrade", "2023-11-01", "2024-03-01", True),
        ("portwatch", "2023-12-17", "2023-12-26", False),  # a Sunday: the Tuesday of next week
        ("portwatch", "2023-12-17", "2023-12-27", True),
    ],
)
def test_a_first_vintage_without_a_record_comes_by_the_calendar_of_its_source(
    provider: str, period: str, until: str, there: bool
) -> None:
    day = datetime.fromisoformat(period).replace(tzinfo=UTC)
    at = releases()[provider].available(day).replace(tzinfo=None)
    panel = panel_of(
        (f"{provider}/export-kg/CN-KR/250410",),
        releases()[provider].frequency,
        np.array([0]),
        np.array([period], "M8[D]"),
        np.array([at], "M8[us]"),
        np.array([1.0]),
        datetime.fromisoformat(until).replace(tzinfo=UTC),
    )
    assert bool(panel.values.size) is there


PARTNERS = (  # two origins and China's own report: shares and a gap follow from them
    "customs/import-kg/CN-KR/310210",
    "customs/import-kg/VN-KR/310210",
    "customs/import-kg/QA-KR/310210",
    "comtrade/export-kg/CN-KR/310210",
)


@FEW
@given(seed=st.integers(0, 2**32), back=st.integers(0, 6))
def test_what_follows_from_series_reads_no_value_before_it_was_available(
    seed: int, back: int
) -> None:
    known = replace(vintages(seed, Frequency.MONTH), names=PARTNERS)
    now = np.unique(known.available)[-1 - 3 * back - 1]
    later = known.available > now
    changed = replace(known, values=np.where(later, known.values * 50 + 7, known.values))
    derived, other = derive(known.at(now)), derive(changed.at(now))
    assert {"hhi", "top-share", "gap"} == set(derived.measures())
    np.testing.assert_array_equal(derived.values, other.values)
    assert (derived.known[~np.isnan(derived.values)] <= now).all()
    for detector in NUMERIC.values():
        same(detector.score(derived, {}, None), detector.score(other, {}, None))


def test_what_was_derived_then_changes_only_where_a_part_was_revised() -> None:
    known = replace(vintages(4, Frequency.MONTH), names=PARTNERS)
    moment = known.available[-1]
    before, after = derive(known.at(moment - 1)), derive(known.at(moment))
    parts = known.available == moment
    touched = np.isin(before.periods, known.periods[parts])
    assert not np.array_equal(before.values, after.values, equal_nan=True)
    np.testing.assert_array_equal(before.values[:, ~touched], after.values[:, ~touched])


def test_the_index_is_known_on_each_day_as_its_vintage_column_had_it(tmp_path: Path) -> None:
    folder = files("scrapers") / "sources" / "gscpi"
    now = datetime(2027, 1, 1, tzinfo=UTC)
    body = (folder / "sample.csv").read_bytes()
    parsed = parse_vintage_csv(load_source("gscpi"), body, now)
    store = Store.open(tmp_path)
    store.save_observations([one for one in parsed.signals if isinstance(one, Observation)])
    rows = [row for row in csv.reader(body.decode().splitlines()) if row[0]]
    for column, month in enumerate(("2026-08", "2026-09", "2026-10", "2026-11"), start=1):
        released = releases()["gscpi"].available(_month_before(month))
        table = [float(row[column]) for row in rows[1:] if row[column] != "#N/A"]
        assert [one.value for one in store.observations(released)] == table
        assert len(store.observations(released - timedelta(seconds=1))) < len(table)
    store.close()


def _month_before(month: str) -> datetime:
    first = datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC)
    return (first - timedelta(days=1)).replace(day=1)
