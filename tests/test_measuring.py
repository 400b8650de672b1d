"""The stage of numbers: what is new is judged once, within the budget, and never as a surprise twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from alerts.rulebook import shipped_ruleset
from ews.measuring import Measured, Measurer
from ews.measuring.monitored import budget_of
from ews.measuring.shares import limits_kept, ruleset_of
from ews.model import Detection, Direction, Frequency, Observation, RuleSet, Series
from ews.pipeline import Pipeline
from ews.storage import Store

MONTHS = 72
FIRST = np.datetime64("2018-01", "M")
ORIGINS = ("CN", "JP", "US", "DE", "VN", "TW", "AU", "IN", "BR", "MY")
NAMES = tuple(f"customs/import-kg/{origin}-KR/250410" for origin in ORIGINS)
CHINA = NAMES[0]
LAG = timedelta(days=45)
Values = Mapping[str, Sequence[float | None]]


def at(month: int) -> datetime:
    """First day of the n-th month."""
    day: datetime = (FIRST + month).astype("M8[us]").astype(object)
    return day.replace(tzinfo=UTC)


def after(month: int) -> datetime:
    """A day after the n-th month was published."""
    return at(month) + LAG + timedelta(days=1)


def quiet(months: int = MONTHS, names: Sequence[str] = NAMES) -> dict[str, list[float | None]]:
    """Imports that vary by a tenth and nothing else."""
    noise = np.random.default_rng(7).normal(0.0, 0.1, (len(names), months))
    return {name: list(np.exp(12.0 + row)) for name, row in zip(names, noise, strict=True)}


def saved(store: Store, values: Values, first: int = 0, late: timedelta = LAG) -> None:
    """Keep the values of months from `first` on; None is a month without a row."""
    store.save_observations([
        Observation(name, at(first + n), at(first + n) + late, float(value), "kg", "customs")
        for name, row in values.items() for n, value in enumerate(row) if value is not None
    ])  # fmt: skip


def rules(**own: float) -> RuleSet:
    """The shipped rules with budgets of single items."""
    shipped = shipped_ruleset(at(0))
    return replace(shipped, rules={**shipped.rules, "false_alarms": own})


def turn(store: Store, now: datetime, ruleset: RuleSet | None = None) -> Measured:
    """One turn, kept and marked as the pipeline does it."""
    found = Measurer(store).measure(ruleset or rules(), store.waiting_series(now), (), now)
    with store.begin() as tx:
        tx.save_detections(found.detections)
        tx.save_turns(found.turns)
        tx.mark_scored(found.read, now)
    return found


def judged(found: Measured) -> int:
    return sum(one.tests for one in found.turns)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path)


def test_a_first_load_tests_the_newest_value_and_no_history(store: Store) -> None:
    values = quiet()
    values[CHINA][50] = 1000.0
    saved(store, values)
    found = turn(store, after(MONTHS - 1))
    assert not found.detections
    assert {one.detector: one.tests for one in found.turns}["seasonal"] == len(NAMES)
    assert judged(turn(store, after(MONTHS - 1))) == 0  # nothing is new


def test_a_first_load_tells_the_newest_value_when_it_is_unusual(store: Store) -> None:
    values = quiet()
    values[CHINA][MONTHS - 1] = 100.0
    saved(store, values)
    found = turn(store, after(MONTHS - 1))
    told = [one for one in found.detections if one.series == CHINA]
    assert told
    assert {(one.period, one.direction) for one in told} == {(at(MONTHS - 1), Direction.DOWN)}
    assert not any(one.revised for one in told)


def test_old_figures_loaded_late_are_history_and_no_alarm(store: Store) -> None:
    values = quiet()
    values[CHINA][MONTHS - 1] = 100.0
    saved(store, values)
    found = turn(store, after(MONTHS - 1) + timedelta(days=200))
    assert judged(found) == 0


def test_a_revision_of_an_old_month_is_not_tested_again(store: Store) -> None:
    saved(store, quiet())
    turn(store, after(MONTHS - 1))
    late = LAG + timedelta(days=400)
    saved(store, {CHINA: [100.0]}, MONTHS - 10, late)
    now = at(MONTHS - 10) + late + timedelta(days=1)
    assert [one.name for one in store.waiting_series(now)] == [CHINA]
    assert judged(turn(store, now)) == 0
    assert not store.waiting_series(now)


def test_a_revision_of_one_of_the_newest_three_months_is_tested_and_says_so(store: Store) -> None:
    saved(store, quiet())
    turn(store, after(MONTHS - 1))
    late = LAG + timedelta(days=90)
    saved(store, {CHINA: [100.0]}, MONTHS - 3, late)
    found = turn(store, at(MONTHS - 3) + late + timedelta(days=1))
    told = {(d.series, d.period, d.revised, d.value) for d in found.detections}
    assert (CHINA, at(MONTHS - 3), True, 100.0) in told
    assert all(revised for _, _, revised, _ in told)


def test_a_month_without_a_row_is_a_pause_once_the_report_is_there(store: Store) -> None:
    values = quiet()
    values[CHINA][MONTHS - 1] = None
    saved(store, values)
    watched = rules(**{"natural-graphite": 60.0})
    turn(store, after(MONTHS - 2), watched)
    found = turn(store, after(MONTHS - 1), watched)
    pauses = [one for one in found.detections if one.detector == "stopped"]
    assert [(p.series, p.period, p.value, p.direction) for p in pauses] == [
        (CHINA, at(MONTHS - 1), 0.0, Direction.DOWN)
    ]


def test_a_report_that_did_not_come_is_no_pause(store: Store) -> None:
    values = quiet()
    for name in NAMES[:8]:  # only two of ten are there
        values[name][MONTHS - 1] = None
    saved(store, values)
    watched = rules(**{"natural-graphite": 60.0})
    turn(store, after(MONTHS - 2), watched)
    found = turn(store, after(MONTHS - 1), watched)
    assert not [one for one in found.turns if one.detector == "stopped"]


def test_a_year_of_turns_may_not_cost_more_than_the_budget(store: Store) -> None:
    months = 38
    saved(store, quiet(months, NAMES[:3]))
    turn(store, after(months - 13))
    spent = sum(
        one.expected
        for month in range(months - 12, months)
        for one in turn(store, after(month)).turns
    )
    allowed = Measurer(store).allocation(rules(), store.summaries(), after(months - 1))
    item = budget_of(rules()).of("250410")
    assert 0 < spent <= allowed.expected_per_year + 1e-9 <= item + 2e-9


def test_the_budget_that_an_analyst_gives_an_item_is_its_own(store: Store) -> None:
    other = "customs/import-kg/CN-KR/310210"
    saved(store, quiet(names=(*NAMES, other)))
    now = after(MONTHS - 1)
    shipped = Measurer(store).allocation(rules(), store.summaries(), now)
    wider = Measurer(store).allocation(rules(**{"natural-graphite": 1.5}), store.summaries(), now)
    for detector in ("seasonal", "change_point", "stockpiling", "stopped"):
        assert wider.alpha(CHINA, detector) == pytest.approx(3 * shipped.alpha(CHINA, detector))
        assert wider.alpha(other, detector) == shipped.alpha(other, detector)
    none = Measurer(store).allocation(rules(**{"natural-graphite": 0.0}), store.summaries(), now)
    assert none.alpha(CHINA, "seasonal") == 0.0


def test_made_up_series_give_detections_and_no_event(
    tmp_path: Path, pipeline_at: Callable[[Path], Pipeline]
) -> None:
    pipeline = pipeline_at(tmp_path)
    values = quiet()
    values[CHINA][MONTHS - 1] = 100.0
    pipeline.store.describe_series(
        [Series(name, Frequency.MONTH, "kg", "customs", synthetic=True) for name in NAMES]
    )
    saved(pipeline.store, values)
    pipeline.detect(after(MONTHS - 1))
    found = pipeline.store.detections()
    assert CHINA in {one.series for one in found}
    assert all(one.synthetic for one in found if one.series in NAMES)
    assert not pipeline.store.events()
    now = after(MONTHS - 1)
    whole = Measurer(pipeline.store).allocation(
        ruleset_of(pipeline.store, now), pipeline.store.summaries(), now
    )
    assert limits_kept(pipeline.store, ruleset_of(pipeline.store, now), now) == whole.limits


class Stop(Exception):
    """The process ends here."""


@pytest.mark.parametrize("method", ["save_detections", "save_turns", "mark_scored"])
def test_stopped_before_the_mark_the_next_turn_finds_the_same(
    tmp_path: Path,
    pipeline_at: Callable[[Path], Pipeline],
    monkeypatch: pytest.MonkeyPatch,
    method: str,
) -> None:
    values = quiet()
    values[CHINA][MONTHS - 1] = 100.0
    now, real = after(MONTHS - 1), getattr(Store, method)

    def stopping(self: Store, *args: object) -> None:
        real(self, *args)
        raise Stop(method)  # after the write, before the commit

    stopped, whole = pipeline_at(tmp_path / "stopped"), pipeline_at(tmp_path / "whole")
    for pipeline in (stopped, whole):
        saved(pipeline.store, values)
    monkeypatch.setattr(Store, method, stopping)
    with pytest.raises(Stop):
        stopped.detect(now)
    assert not stopped.store.detections()
    assert len(stopped.store.waiting_series(now)) == len(NAMES)
    monkeypatch.undo()
    stopped.detect(now)
    whole.detect(now)
    assert told(stopped.store) == told(whole.store) != []
    assert not stopped.store.waiting_series(now)


def told(store: Store) -> list[Detection]:
    return sorted(store.detections(), key=lambda one: one.id)
