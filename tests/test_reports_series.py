"""The list of series, one series as it was known then, the budget, and the dry run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.rulebook import with_keys
from ews.measuring.shares import KEY, limits_kept, ruleset_of, share_out
from ews.model import Frequency, Series
from ews.reports import NotFound, UnknownName
from ews.reports.series_budget import (
    budget_of_series,
    budget_report,
    kept,
    shared,
)
from ews.reports.series_dry_run import dry_run
from ews.reports.series_list import Ages, Asked, series_list
from ews.reports.series_names import DETECTORS, item_codes, series_label
from ews.reports.series_report import known, known_of, series_report
from ews.reports.series_scores import band
from ews.reports.series_sheet import list_sheet
from ews.storage import Store
from ews.tuning.rule_values import RuleChangeError, checked
from ews.tuning.series_load import RealSeries, load_series, load_synthetic
from tests.series_home import (
    BEFORE,
    EVENT,
    GRAPHITE,
    HHI,
    JAPAN,
    MADE_UP,
    MISSING,
    NOW,
    PRICE,
    REVISED,
    SURGE,
    TURNS,
    keep,
    make_series_home,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    home = tmp_path_factory.mktemp("home")
    make_series_home(home)
    opened = Store.open(home)
    yield opened
    opened.close()


def names(store: Store, **asked: object) -> list[str]:
    return [one.name for one in series_list(store, Asked(**asked), NOW).series]  # type: ignore[arg-type]


# --------------------------------------------------------------------------- the list


def test_words_in_korean_and_english_and_codes_find_the_same_series(store: Store) -> None:
    assert names(store, text="흑연 중국") == [GRAPHITE] == names(store, text="graphite CHINA")
    assert names(store, item="천연흑연") == [GRAPHITE, JAPAN] == names(store, item="250410")
    assert names(store, item="25.04") == [GRAPHITE, JAPAN]
    assert names(store, item="요소") == [PRICE] == names(store, item="310210")
    assert names(store, measure="import-kg", place="JP-KR") == [JAPAN]
    with pytest.raises(UnknownName):
        names(store, item="nosuchgood")
    with pytest.raises(ValueError, match="newest"):
        names(store, sort="colour")


def test_a_search_is_no_pattern_and_no_query(store: Store) -> None:
    for text in ("%", "_", "' OR 1=1 --", "\\"):
        assert names(store, text=text) == []


def test_pages_hold_every_series_once_and_count_them_all(store: Store) -> None:
    whole = series_list(store, Asked(), NOW)
    pages = [series_list(store, Asked(offset=at, limit=1), NOW) for at in range(whole.count)]
    assert [page.series[0].name for page in pages] == sorted({GRAPHITE, JAPAN, PRICE, MADE_UP})
    assert {page.count for page in pages} == {4}
    found = series_list(store, Asked(detected=True), NOW)
    paged = [
        series_list(store, Asked(detected=True, offset=at, limit=1), NOW).series[0].name
        for at in range(found.count)
    ]
    assert paged == [one.name for one in found.series]


def test_a_line_has_the_newest_value_its_unit_and_label(store: Store) -> None:
    lines = {one.name: one for one in series_list(store, Asked(), NOW).series}
    one = lines[GRAPHITE]
    assert (one.newest, one.unit, one.valuation, one.classification) == (
        SURGE.date(), "kg", "CIF", "HS2022",
    )  # fmt: skip
    assert one.value == store.observations(NOW, series=GRAPHITE)[-1].value
    assert one.detections >= 1
    assert one.allowed == 0.5  # natural graphite is watched
    assert lines[MADE_UP].synthetic
    assert "synthetic" in list_sheet(series_list(store, Asked(item="851762"), NOW), "en")


def test_a_derived_series_that_alarmed_is_listed_with_the_others(tmp_path: Path) -> None:
    make_series_home(tmp_path)  # before the store is opened: it writes the file itself
    made = Store.open(tmp_path)
    found = made.detections(series=[GRAPHITE])[0]
    made.save_detections([replace(found, series=HHI, detector="concentration")])
    listed = series_list(made, Asked(detected=True), NOW)
    assert {GRAPHITE, HHI} <= {one.name for one in listed.series}
    assert names(made, detected=True, item="요소") == []
    made.close()


def test_ages_follow_the_release_calendar() -> None:
    series = Series(GRAPHITE, Frequency.MONTH, "kg")
    key, november = ("customs", "import-kg", "CN-KR"), datetime(2023, 11, 1, tzinfo=UTC)
    due = datetime(2024, 1, 16, tzinfo=UTC)  # December, by the calendar

    def age(now: datetime, report: datetime = november) -> str:
        state, at = Ages({key: report}, now).of(series, november)
        assert at in (due, None)
        return state

    assert age(due - timedelta(hours=1)) == "on_time"
    assert age(due + timedelta(hours=1)) == "due"
    assert age(due + timedelta(days=20)) == "late"
    assert age(due + timedelta(days=60)) == "stale"
    # The report of December came without this flow: nobody is late, there was no trade.
    assert age(due + timedelta(days=60), november + timedelta(days=61)) == "silent"
    assert age(due + timedelta(days=900), november + timedelta(days=900)) == "ended"


def test_every_detector_in_the_table_has_a_name_in_both_languages() -> None:
    from ews.detectors.numeric import NUMERIC

    assert set(NUMERIC) <= {*DETECTORS, *(name.replace("-", "_") for name in DETECTORS)}


def test_a_code_of_the_tariff_has_a_name_where_no_item_of_ours_has_it() -> None:
    label = series_label(MADE_UP)
    assert "HS 851762" in label.en
    assert "합성 자료" in label.ko
    assert item_codes("8517")[1] == "8517"


# --------------------------------------------------------------------------- one series


def test_a_report_of_then_holds_nothing_that_became_known_later(store: Store) -> None:
    found = series_report(store, GRAPHITE, NOW, as_of=BEFORE)
    assert max(one.available_at for one in found.vintages) <= BEFORE
    assert max(one.known_at for one in found.points if one.known_at) <= BEFORE
    assert (found.detections, found.events) == ((), ())
    assert found.series.newest == datetime(2023, 10, 1, tzinfo=UTC).date()
    assert found.series.found_at is None
    june = next(one for one in found.points if one.period == REVISED.date())
    assert not june.revised


def test_a_report_of_then_is_the_report_of_a_store_that_knows_no_more(
    store: Store, tmp_path: Path
) -> None:
    then = Store.open(tmp_path)
    keep(then, BEFORE)
    for name in (GRAPHITE, HHI, PRICE):
        before = series_report(then, name, BEFORE, as_of=BEFORE, periods=None)
        assert series_report(store, name, NOW, as_of=BEFORE, periods=None) == before
    then.close()


def test_a_revision_shows_both_figures_and_both_dates(store: Store) -> None:
    found = series_report(store, GRAPHITE, NOW)
    june = next(one for one in found.points if one.period == REVISED.date())
    assert june.revised
    assert june.value == pytest.approx(1.25 * (june.first or 0))
    rows = [one for one in found.vintages if one.period == REVISED.date()]
    assert [(one.number, one.basis) for one in rows] == [(1, "calendar"), (2, "recorded")]
    assert rows[0].available_at < rows[1].available_at == june.known_at


def test_a_missing_month_is_missing_and_not_zero(store: Store) -> None:
    point = next(p for p in series_report(store, GRAPHITE, NOW).points
                 if p.period == MISSING.date())  # fmt: skip
    assert (point.value, point.known_at, point.p) == (None, None, None)


def test_a_report_says_which_event_the_alarm_became(store: Store) -> None:
    found = series_report(store, GRAPHITE, NOW)
    assert [one.id for one in found.events] == [EVENT]
    assert found.events[0].outcome == "open"
    assert "+230%" in found.events[0].title.ko
    assert {one.period for one in found.detections} == {SURGE.date()}
    assert all(one.p <= one.alpha for one in found.detections)


def test_a_derived_series_says_what_it_is_made_of(store: Store) -> None:
    found = series_report(store, HHI, NOW)
    assert found.series.derived
    assert found.about.made_of == (GRAPHITE, JAPAN)
    assert HHI in series_report(store, GRAPHITE, NOW).about.leads_to
    value = found.points[-1].value
    assert value is not None
    assert 0.5 < value < 1.0


def test_there_is_no_report_of_what_is_not_there(store: Store) -> None:
    for name in ("customs/import-kg/CN-KR/999999", "a/b/c/d"):
        with pytest.raises(NotFound):
            series_report(store, name, NOW)
    with pytest.raises(NotFound):
        series_report(store, GRAPHITE, NOW, as_of=datetime(2010, 1, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="provider/measure"):
        series_report(store, "graphite", NOW)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.1, 10), min_size=20, max_size=40), st.integers(0, 19))
def test_the_usual_range_of_a_period_is_made_of_earlier_values_only(
    ratios: list[float], at: int
) -> None:
    values = np.array(ratios)
    expected = np.ones(len(values))
    low, high = band(values, expected, "flows-kg")
    changed = values.copy()
    changed[at:] *= 7
    again = band(changed, expected, "flows-kg")
    for before, after in zip((low, high), again, strict=True):
        np.testing.assert_array_equal(before[: at + 1], after[: at + 1])


# --------------------------------------------------------------------------- budget


def test_the_budget_of_a_series_is_its_part_of_what_all_tests_cost(store: Store) -> None:
    given_then = shared(store, NOW)
    total = sum(
        series_report(store, name, NOW).budget.per_year for name in (GRAPHITE, JAPAN, HHI, PRICE)
    )
    one = series_report(store, GRAPHITE, NOW).budget
    assert one.item_set == 0.5
    assert 0 < one.per_year < one.item_per_year <= 0.5 + 1e-9
    assert all(t.per_year == pytest.approx(t.alpha * t.tests_per_year) for t in one.tests)
    assert total <= given_then.allocation.expected_per_year
    found = budget_report(given_then, kept(store, NOW), NOW)
    assert sum(i.per_year for i in found.items) == pytest.approx(
        given_then.allocation.expected_per_year
    )
    only = budget_report(given_then, kept(store, NOW), NOW, item="천연흑연")
    assert [i.payer.code for i in only.items] == ["250410"]


def test_what_came_is_counted_against_what_was_allowed(store: Store) -> None:
    found = budget_report(shared(store, NOW), kept(store, NOW), NOW)
    service = found.service
    turns = store.turns(NOW - timedelta(days=60), NOW + timedelta(days=1))
    assert service.expected == pytest.approx(sum(one.expected for one in turns))
    alarms = len({(one.series, one.direction) for one in store.detections()})
    assert (service.alarms, service.open, service.real) == (alarms, alarms, 0)
    assert service.verdict == "too few to say"


def test_an_item_has_a_budget_of_its_own_and_an_unknown_one_is_refused(store: Store) -> None:
    rules = ruleset_of(store, NOW)
    own = {"false_alarms.250410": 2.0, "series.false_alarms_per_week": 1.0}
    changed = replace(rules, version=2, rules=checked(with_keys(rules.rules, own)))
    before = series_report(store, GRAPHITE, NOW).budget
    after = budget_of_series(shared(store, NOW, changed), GRAPHITE)
    assert (after.item_set, after.service_set) == (2.0, 1.0)
    assert after.per_year > before.per_year
    for code in ("nosuchgood", "123"):
        with pytest.raises(RuleChangeError, match=code):
            checked(with_keys(rules.rules, {f"false_alarms.{code}": 1.0}))
    assert checked(with_keys(rules.rules, {"false_alarms.suez": 1.0}))


def test_no_rate_is_told_of_less_than_a_week(store: Store) -> None:
    first = kept(store, TURNS[0], past=True)
    found = budget_report(shared(store, TURNS[0]), first, TURNS[0]).service
    assert (found.per_week, found.low, found.high) == (None, None, None)
    assert found.alarms >= 1
    assert kept(store, NOW).weeks == pytest.approx((NOW - TURNS[0]) / timedelta(days=7))


def test_a_dry_run_says_what_the_turn_said(store: Store) -> None:
    found = dry_run(store, GRAPHITE, BEFORE, NOW)
    said = {(t.period, t.detector): t for t in found.told}
    for one in store.detections(series=[GRAPHITE]):
        again = said[one.period.date(), one.detector]
        assert again.alarm
        assert (again.p, again.alpha) == (pytest.approx(one.p), pytest.approx(one.alpha))
    assert {"ears-c1", "ears-c2", "ears-c3"} <= {t.detector for t in found.told}
    assert not any(t.alarm for t in found.told if not t.in_force)
    assert store.detections() == store.detections(until=NOW)  # nothing was kept


def test_a_dry_run_reads_no_value_before_its_release(store: Store) -> None:
    releases = {one.available_at for one in store.vintages(NOW, series=GRAPHITE)}
    known = {(v.observed_at.date(), v.value): v.available_at
             for v in store.vintages(NOW, series=GRAPHITE)}  # fmt: skip
    told = dry_run(store, GRAPHITE, NOW - timedelta(days=70), NOW).told
    assert told
    for one in told:
        assert one.release in releases
        assert known[one.period, one.value] <= one.release


# --------------------------------------------------------------------------- loading


def series_file(path: Path, rows: str) -> Path:
    path.write_text("series,observed_at,available_at,value,unit\n" + rows, encoding="utf-8")
    return path


def test_history_that_is_loaded_raises_no_alarm_and_what_comes_later_does_wait(
    tmp_path: Path,
) -> None:
    store = Store.open(tmp_path)
    rows = "".join(
        f"{PRICE},20{y}-01-01,20{y}-02-05T00:00:00Z,{400 + y},USD/t\n" for y in range(10, 25)
    )
    now = datetime(2023, 6, 1, tzinfo=UTC)
    found = load_series(store, [series_file(tmp_path / "a.csv", rows)], now)
    assert (found.series, found.values, found.later) == (1, 15, 1)
    assert store.waiting_series(now) == []
    assert [w.name for w in store.waiting_series(datetime(2024, 3, 1, tzinfo=UTC))] == [PRICE]
    assert store.series([PRICE])[0].unit == "USD/t"
    assert load_series(store, [tmp_path / "a.csv"], now).values == 0
    store.close()


def test_a_file_in_another_unit_changes_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    now = datetime(2024, 1, 1, tzinfo=UTC)
    row = f"{PRICE},2020-01-01,2020-02-05T00:00:00Z,400,"
    load_series(store, [series_file(tmp_path / "a.csv", row + "USD/t\n")], now)
    wrong = series_file(tmp_path / "b.csv", row.replace("2020", "2021") + "EUR/t\n")
    with pytest.raises(ValueError, match="EUR/t"):
        load_series(store, [wrong], now)
    assert len(store.vintages(now)) == 1
    store.close()


def test_made_up_trade_is_labelled_and_stays_out_of_a_home_with_real_series(
    tmp_path: Path,
) -> None:
    store = Store.open(tmp_path)
    found = load_synthetic(store, NOW, items=3, months=24)
    assert found.values > 0
    assert all(one.synthetic for one in store.series())
    assert {one.item for one in series_list(store, Asked(), NOW).series} >= {"310210"}
    assert store.waiting_series(NOW) == []
    store.save_observations([one for one in _one_real()])
    with pytest.raises(RealSeries, match="--mixed"):
        load_synthetic(store, NOW, items=3, months=24)
    assert load_synthetic(store, NOW, items=3, months=24, seed=2, fresh=2, mixed=True).values > 0
    waiting = {one.name for one in store.waiting_series(NOW)}
    assert any(name.startswith("synthetic/") for name in waiting)
    store.close()


def _one_real() -> list[object]:
    from tests.series_home import values

    return values(PRICE, 400, 3, "USD/t")[:1]  # type: ignore[return-value]


def test_one_series_is_shown_as_the_whole_budget_has_it_without_sharing_it_out(
    store: Store,
) -> None:
    share_out(store, NOW)
    whole = known(store, NOW)
    for name in (GRAPHITE, PRICE, HHI):
        alone = known_of(store, name, NOW)
        assert alone is not None
        assert len(alone.shared.monitored) < len(whole.shared.monitored)
        shown = series_report(store, name, NOW, given=alone)
        assert shown == series_report(store, name, NOW, given=whole), name
        assert shown.budget.per_year > 0


def test_the_limits_kept_are_not_taken_for_other_rules_series_or_times(store: Store) -> None:
    share_out(store, NOW)
    ruleset = ruleset_of(store, NOW)
    assert limits_kept(store, ruleset, NOW) is not None
    assert limits_kept(store, ruleset, NOW + timedelta(days=6)) is not None
    assert limits_kept(store, ruleset, NOW + timedelta(days=8)) is None
    assert limits_kept(store, ruleset, NOW - timedelta(days=1)) is None
    assert limits_kept(store, replace(ruleset, version=ruleset.version + 1), NOW) is None
    kept = store.get(KEY)
    assert kept is not None
    told = json.loads(kept)
    store.put(KEY, json.dumps(told | {"series": told["series"] + 1}))
    assert limits_kept(store, ruleset, NOW) is None
    store.put(KEY, kept)
