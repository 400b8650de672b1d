"""The achieved rate: what was set against what came, and no verdict from too little."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from scipy import stats

from ews.detectors.achieved import (
    Rate,
    Verdict,
    achieved,
    episodes,
    outcome_of,
    poisson_interval,
)
from ews.model import (
    Detection,
    DetectorTurn,
    Direction,
    Event,
    EventStatus,
    Frequency,
    Phase,
)

NOW = datetime(2024, 1, 1, tzinfo=UTC)
GRAPHITE = "comtrade/export-kg/CN-KR/250410"
SUEZ = "portwatch/transits/suez/-"


def detection(
    month: int, series: str = GRAPHITE, detector: str = "seasonal", way: Direction = Direction.UP
) -> Detection:
    period = datetime(2023, month, 1, tzinfo=UTC)
    return Detection(
        series, detector, period, period + timedelta(days=50), way, 2.0, 1.0, 5.0, 1e-4, 1e-3,
        () if series == SUEZ else ("natural-graphite",),
    )  # fmt: skip


def event(status: EventStatus, *links: str) -> Event:
    return Event(
        "evt-1", "shortage_or_allocation", (), status, Phase.ACTUAL, 0.5, 1.0, (), (), (), (), (),
        "", NOW, NOW, (), "series", links=links,
    )  # fmt: skip


def test_alarms_that_follow_one_another_in_one_direction_count_once() -> None:
    found = [
        detection(3), detection(4), detection(4, detector="change_point"), detection(6),
        detection(7, way=Direction.DOWN), detection(3, series=SUEZ),
    ]  # fmt: skip
    alarms = episodes(found, {}, {})
    assert [len(one.detections) for one in alarms] == [1, 3, 1, 1]
    weekly = episodes(found, {}, {GRAPHITE: Frequency.WEEK})
    assert len(weekly) == 5, "a month apart is no week apart"


def test_one_real_detection_makes_its_alarm_real_and_an_open_one_keeps_it_open() -> None:
    march, april = detection(3), detection(4)
    for said, real in (
        ({march.id: True, april.id: False}, True),
        ({march.id: False}, None),
        ({march.id: False, april.id: False}, False),
    ):
        (alarm,) = episodes([march, april], said, {})
        assert alarm.real is real


def test_an_event_says_what_became_of_its_alarm() -> None:
    numbers = f"series:{GRAPHITE}"
    assert outcome_of(event(EventStatus.CORROBORATED, numbers, "story:sty-1")) is True
    assert outcome_of(event(EventStatus.CONFIRMED, numbers)) is True
    assert outcome_of(event(EventStatus.CLOSED, numbers, "story:sty-1")) is True
    assert outcome_of(event(EventStatus.CLOSED, numbers)) is False
    assert outcome_of(event(EventStatus.DISMISSED, numbers, "story:sty-1")) is False
    assert outcome_of(event(EventStatus.SUSPECTED, numbers)) is None
    assert outcome_of(None) is None


@pytest.mark.parametrize(
    ("expected", "false", "open_", "verdict"),
    [
        (10.0, 10, 0, Verdict.WITHIN),
        (10.0, 0, 0, Verdict.WITHIN),  # a budget is a limit, not an aim
        (10.0, 21, 0, Verdict.ABOVE),
        (10.0, 3, 18, Verdict.TOO_FEW),  # the open ones decide
        (10.0, 3, 12, Verdict.WITHIN),  # even if all of them are false
        (2.0, 1, 0, Verdict.TOO_FEW),
        (0.1, 4, 0, Verdict.ABOVE),
        (None, 4, 0, Verdict.TOO_FEW),
    ],
)
def test_the_verdict(expected: float | None, false: int, open_: int, verdict: Verdict) -> None:
    assert Rate("x", expected, false + open_, 0, false, open_).verdict is verdict
    assert verdict.ko


def test_a_detector_three_times_too_loud_is_seen_at_the_least_number_for_a_verdict() -> None:
    too_many = next(k for k in range(30) if poisson_interval(k)[0] > 3.0)
    assert 0.6 < stats.poisson.sf(too_many - 1, 9.0) < 0.7
    assert stats.poisson.sf(too_many - 1, 3.0) < 0.025


def test_what_was_set_and_what_came_by_detector_class_item_and_week() -> None:
    since, until = datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
    turns = [
        DetectorTurn("seasonal", since + timedelta(weeks=week), 100, 0.08, 1) for week in range(60)
    ]
    turns.append(DetectorTurn("change_point", since, 50, 0.5, 0))
    found = [
        detection(3), detection(4), detection(8), detection(5, series=SUEZ, way=Direction.DOWN),
        replace(detection(2), found_at=until),
    ]  # fmt: skip
    said = {found[0].id: True, found[3].id: False}
    got = achieved(turns, found, said, since, until, {}, {"natural-graphite": 0.5, "urea": 0.1})
    assert got.service.expected == pytest.approx(53 * 0.08 + 0.5)
    assert (got.service.alarms, got.service.real, got.service.false, got.service.open) == (
        3,
        1,
        1,
        1,
    )
    assert got.service.tests == 5350
    assert got.service.verdict is Verdict.WITHIN
    per_week = got.service.per_week
    assert per_week is not None
    assert per_week[0] == pytest.approx(2 / (365 / 7))
    assert {r.name: (r.expected, r.alarms) for r in got.detectors} == {
        "change_point": (0.5, 0),
        "seasonal": (pytest.approx(4.24), 3),
    }
    assert {r.name: r.alarms for r in got.classes} == {"counts": 1, "flows-kg": 2}
    items = {r.name: r for r in got.items}
    assert items["natural-graphite"].expected == pytest.approx(0.5 * 365 / 365.25)
    assert items["urea"].alarms == 0
    assert items["urea"].verdict is Verdict.TOO_FEW


def test_nothing_seen_is_no_verdict() -> None:
    got = achieved([], [], {}, NOW, NOW, {})
    assert got.service.verdict is Verdict.TOO_FEW
    assert got.service.per_week is None
