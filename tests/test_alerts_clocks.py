"""Nobody has taken it in time: the next person is called, once a step; and local clocks are right."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.clocks import ack_minutes, escalations
from alerts.quiet import SEOUL, digest_times, last_digest, next_digest, quiet_until, zone
from alerts.routing import Routes, Spent, route, told_of
from ews.model import (
    Alert,
    AlertChange,
    AlertState,
    ChangeKind,
    Delivery,
    DeliveryState,
    Notification,
    Receiver,
    RouteReason,
    Stage,
)
from tests.alert_samples import NOW, change, urea_alert

DUTY = Receiver(
    "duty", "slack", "C1", people=("kim", "lee", "park"),
    ack_within_min={"caution": 60, "severe": 10}, quiet="22:00-07:00",
)  # fmt: skip
MINUTE = timedelta(minutes=1)


class Day:
    """One alert at one receiver: what was told, accepted at once, and what the clock then says."""

    def __init__(self, alert: Alert, receiver: Receiver = DUTY) -> None:
        self.alert, self.routes = alert, Routes((receiver,))
        self.told: list[Notification] = []
        self.delivered: list[Delivery] = []

    def tell(self, step: AlertChange, now: datetime, accepted: bool = True) -> Notification:
        self.alert = step.alert
        (one,) = route([step], self.routes, (), Spent(), now, told_of(self.told))
        self.told.append(one)
        if accepted:
            self.delivered.append(Delivery(one.id, DeliveryState.SENT, sent_at=now))
        return one

    def late(self, now: datetime) -> list[AlertChange]:
        return escalations([self.alert], self.routes, self.told, self.delivered, now)


def test_the_first_message_calls_the_first_person_and_each_step_the_next_then_all() -> None:
    day = Day(urea_alert())
    assert day.tell(change(), NOW).mentions == ("kim",)
    called, now = [], NOW
    for _ in range(200):
        now += MINUTE
        for step in day.late(now):
            assert (step.kind, step.receivers) == (ChangeKind.ESCALATED, ("duty",))
            called.append(((now - NOW) / MINUTE, day.tell(step, now).mentions))
    assert called == [(60, ("lee",)), (120, ("park",)), (180, ("kim", "lee", "park"))]
    assert day.late(now + timedelta(days=3)) == []


@pytest.mark.parametrize(
    "taken",
    [
        {"holder": "kim", "takers": {"kim": 2}},
        {"holder": "park", "takers": {"park": 4}},  # who is on duty nowhere answers for all
        {"acknowledged_at": NOW},
        {"state": AlertState.RESOLVED},
    ],
)
def test_a_clock_stops_when_somebody_takes_it_or_it_is_over(taken: dict[str, object]) -> None:
    day = Day(urea_alert())
    day.tell(change(), NOW)
    assert day.late(NOW + 60 * MINUTE)
    day.alert = replace(day.alert, **taken)  # type: ignore[arg-type]
    assert day.late(NOW + 60 * MINUTE) == []


def test_the_clock_starts_when_the_channel_accepts_and_not_before() -> None:
    day = Day(urea_alert())
    one = day.tell(change(), NOW, accepted=False)
    assert day.late(NOW + timedelta(days=1)) == []
    day.delivered = [Delivery(one.id, DeliveryState.SENT, sent_at=NOW + 30 * MINUTE)]
    assert day.late(NOW + 89 * MINUTE) == []
    assert day.late(NOW + 90 * MINUTE)


def test_after_a_pause_each_person_still_gets_the_whole_time() -> None:
    day = Day(urea_alert())
    day.tell(change(), NOW)
    late = NOW + timedelta(hours=5)
    day.tell(day.late(late)[0], late)
    assert day.late(late + 59 * MINUTE) == []
    assert day.late(late + 60 * MINUTE)


def test_a_rise_starts_the_clock_again_with_the_first_person() -> None:
    day = Day(urea_alert())
    day.tell(change(), NOW)
    day.tell(day.late(NOW + 60 * MINUTE)[0], NOW + 60 * MINUTE)
    rise = change(ChangeKind.STAGE_UP, urea_alert(Stage.SEVERE, revision=3), Stage.CAUTION)
    assert day.tell(rise, NOW + 70 * MINUTE).mentions == ("kim",)
    assert day.late(NOW + 79 * MINUTE) == []
    assert day.tell(day.late(NOW + 80 * MINUTE)[0], NOW + 80 * MINUTE).mentions == ("lee",)


def test_a_higher_stage_is_bound_by_the_nearest_lower_clock_and_watch_by_none() -> None:
    assert [ack_minutes(DUTY, stage) for stage in Stage] == [None, 60, 60, 10]
    day = Day(urea_alert(Stage.WATCH))
    assert day.tell(change(alert=day.alert), NOW).mentions == ()
    assert day.late(NOW + timedelta(days=1)) == []


def test_in_quiet_hours_the_clock_of_caution_stands_still_and_that_of_severe_runs() -> None:
    evening = datetime(2021, 10, 11, 12, 30, tzinfo=UTC)  # 21:30 in Seoul
    morning = datetime(2021, 10, 11, 22, 0, tzinfo=UTC)
    day = Day(urea_alert())
    day.tell(change(), evening)
    assert day.late(morning - MINUTE) == []
    assert day.late(morning)
    severe = Day(urea_alert(Stage.SEVERE))
    severe.tell(change(alert=severe.alert), evening)
    assert severe.late(evening + 40 * MINUTE)


def test_a_receiver_that_was_told_nothing_has_no_clock() -> None:
    held = Day(urea_alert(), replace(DUTY, minimum=Stage.ALERT))
    assert not held.tell(change(), NOW).reason.sent
    assert held.late(NOW + timedelta(days=1)) == []
    nobody = Day(urea_alert(), replace(DUTY, people=()))
    nobody.tell(change(), NOW)
    assert nobody.late(NOW + timedelta(days=1)) == []


def test_one_alert_late_at_two_receivers_is_one_change_for_both() -> None:
    other = replace(DUTY, name="other", address="C2", people=("choi",))
    routes = Routes((DUTY, other, Receiver("third", "slack", "C3")))
    told = route([change()], routes, (), Spent(), NOW, told_of([]))
    accepted = [Delivery(n.id, DeliveryState.SENT, sent_at=NOW) for n in told]
    (step,) = escalations([urea_alert()], routes, told, accepted, NOW + 60 * MINUTE)
    assert (step.receivers, step.alert.revision) == (("duty", "other"), 2)
    out = route([step], routes, (), Spent(), NOW + 60 * MINUTE, told_of(told))
    assert [(n.receiver, n.mentions, n.reason) for n in out] == [
        ("duty", ("lee",), RouteReason.ESCALATED), ("other", ("choi",), RouteReason.ESCALATED),
    ]  # fmt: skip


# --------------------------------------------------------------------------- local time


def at(text: str, where: str = SEOUL) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone(where)).astimezone(UTC)


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        ("22:00-07:00", "2026-01-05 21:59", None),
        ("22:00-07:00", "2026-01-05 22:00", "2026-01-06 07:00"),
        ("22:00-07:00", "2026-01-06 06:59", "2026-01-06 07:00"),
        ("22:00-07:00", "2026-01-06 07:00", None),
        ("12:00-13:00", "2026-01-05 12:30", "2026-01-05 13:00"),
        ("12:00-13:00", "2026-01-05 11:30", None),
        ("", "2026-01-05 23:00", None),
    ],
)
def test_quiet_hours_begin_and_end_on_the_minute_over_midnight_too(
    quiet: str, now: str, until: str | None
) -> None:
    receiver = replace(DUTY, quiet=quiet)
    assert quiet_until(receiver, at(now)) == (at(until) if until else None)


@pytest.mark.parametrize("where", ["Europe/Brussels", "America/New_York", SEOUL, "Asia/Kathmandu"])
@pytest.mark.parametrize("hour", ["00:00", "01:30", "02:30", "03:00", "23:45"])
def test_a_digest_time_comes_once_a_local_date_all_year(where: str, hour: str) -> None:
    receiver = replace(DUTY, timezone=where, digests=(hour,))
    now, found = datetime(2026, 1, 1, tzinfo=UTC), set()
    while now < datetime(2027, 1, 2, tzinfo=UTC):
        now = next_digest(receiver, now) or now
        assert last_digest(receiver, now) == now
        found.add(now)
    dates = [moment.astimezone(zone(where)).date() for moment in sorted(found)]
    assert all(b - a == timedelta(days=1) for a, b in pairwise(dates))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 365 * 24 * 60).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + n * MINUTE),
    st.sampled_from(["Europe/Brussels", "America/New_York", SEOUL]),
    st.sampled_from(["22:00-07:00", "01:30-02:30", "02:15-02:45", "12:00-12:01"]),
)
def test_quiet_hours_always_end_and_are_over_when_they_say_so(
    now: datetime, where: str, quiet: str
) -> None:
    receiver = replace(DUTY, timezone=where, quiet=quiet)
    until = quiet_until(receiver, now)
    if until is not None:
        assert now < until <= now + timedelta(hours=11)
        assert quiet_until(receiver, until) is None


def test_whoever_has_something_held_by_the_clock_has_a_digest() -> None:
    plain = Receiver("a", "slack", "C1")
    assert digest_times(plain) == ()
    assert digest_times(replace(plain, budget_per_day=5)) == ("08:30",)
    assert digest_times(replace(plain, quiet="22:00-07:00")) == ("08:30",)
    assert digest_times(replace(plain, quiet="22:00-07:00", digests=("09:00",))) == ("09:00",)
