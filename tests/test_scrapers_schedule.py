"""When is a source asked next, where, and why? The clock is the fetch's; chance is a hash."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.model import Circuit, Fetch, FetchOutcome, Polling, Source
from scrapers.schedule import (
    LOOKED_BACK,
    OPENS_AFTER,
    asked_as,
    due_at,
    is_due,
    jitter_s,
    next_due,
    plan,
    renewed,
    resumed,
    slowest_s,
)
from tests.source_made import made_source

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
NEW, SAME, FAILED = FetchOutcome.NEW, FetchOutcome.UNCHANGED, FetchOutcome.FAILED
FEED = made_source("feed")  # every ten minutes, fresh within a day
MOVED = "https://new.example/feed"


def turn(outcome: FetchOutcome = NEW, at: datetime = NOW, **more: object) -> Fetch:
    status = None if outcome is FAILED else 200
    return replace(Fetch("feed", at, outcome, status), **more)  # type: ignore[arg-type]


def waited(polling: Polling, at: datetime = NOW) -> float:
    assert polling.next_due is not None
    return (polling.next_due - at).total_seconds()


def polled(source: Source, changes: list[bool]) -> list[Polling]:
    """What is planned after each of these polls, each made when the one before planned it."""
    at, polling, past, plans = NOW, Polling(source.name), list[Fetch](), list[Polling]()
    for changed in changes:
        fetch = turn(NEW if changed else SAME, at)
        polling = plan(source, polling, fetch, past[:LOOKED_BACK])
        past.insert(0, fetch)
        plans.append(polling)
        assert polling.next_due is not None
        at = polling.next_due
    return plans


def test_the_first_turns_follow_the_schedule() -> None:
    first = plan(FEED, Polling("feed"), turn())
    assert (first.why, first.failures, first.changed_at) == ("schedule", 0, NOW)
    assert 600 <= waited(first) <= 600 + jitter_s(600)


def test_a_feed_that_brings_news_at_every_poll_stays_on_its_schedule() -> None:
    assert {one.why for one in polled(FEED, [True] * 80)} == {"schedule"}


def test_a_quiet_feed_is_asked_less_and_less_but_never_slower_than_its_bound() -> None:
    plans = polled(FEED, [True] + [False] * 60)
    waits = [one.every_s or 0 for one in plans]
    assert plans[-1].why == "history"
    assert waits[-1] == slowest_s(FEED) == 8 * 600
    assert all(later <= 1.5 * earlier + 1 for earlier, later in pairwise(waits))


def test_a_quiet_feed_that_wakes_is_back_on_its_schedule_after_a_few_changes() -> None:
    *_, asleep, _, _, _, awake = polled(FEED, [True] + [False] * 60 + [True] * 4)
    assert (asleep.every_s, asleep.why) == (4800, "history")
    assert (awake.every_s, awake.why) == (600, "schedule")


def test_what_a_state_publishes_is_never_asked_at_less_than_half_its_schedule() -> None:
    notices = replace(FEED, tier=1)
    assert polled(notices, [True] + [False] * 60)[-1].every_s == 1200


@pytest.mark.parametrize(
    ("every_s", "fresh_s", "slowest"),
    [(600, 86_400, 4800), (600, 7_200, 1800), (3600, 864_000, 7200), (86_400, 5_184_000, 86_400)],
)
def test_history_slows_nothing_beyond_freshness_or_two_hours(
    every_s: int, fresh_s: int, slowest: int
) -> None:
    assert slowest_s(replace(FEED, every_s=every_s, fresh_within_s=fresh_s)) == slowest


def test_how_long_an_answer_stays_good_is_obeyed_also_when_an_unchanged_one_does_not_repeat_it() -> (
    None
):
    said = turn(retry_after_s=3600)
    after = plan(FEED, Polling("feed"), said)
    assert (after.why, waited(after) >= 3600) == ("cache", True)
    later = NOW + timedelta(hours=1, minutes=2)
    again = plan(FEED, after, turn(SAME, later), [said])
    assert (again.why, waited(again, later) >= 3600) == ("cache", True)
    silly = plan(FEED, Polling("feed"), turn(retry_after_s=10**6))
    assert waited(silly) <= FEED.fresh_within_s / 2 + 60


def test_failures_double_the_wait_to_a_day_and_open_the_circuit_and_a_success_closes_it() -> None:
    polling, waits, whys = Polling("feed"), list[float](), list[str]()
    for _ in range(12):
        polling = plan(FEED, polling, turn(FAILED, status=500))
        waits.append(waited(polling))
        whys.append(polling.why)
    assert [round(one / 600) for one in waits[:4]] == [1, 2, 4, 8]
    assert max(waits) <= 86_400 + 60
    assert whys == ["back-off"] * (OPENS_AFTER - 1) + ["circuit"] * (13 - OPENS_AFTER)
    assert (polling.circuit, polling.failures, polling.opened_at) == (Circuit.OPEN, 12, NOW)
    closed = plan(FEED, polling, turn(SAME))
    assert (closed.circuit, closed.failures, closed.opened_at) == (Circuit.CLOSED, 0, None)


@pytest.mark.parametrize("every_s", [600, 86_400])
def test_after_a_night_without_a_line_a_source_is_asked_within_the_hour(every_s: int) -> None:
    source, at, polling = replace(FEED, every_s=every_s), NOW, Polling("feed")
    while at < NOW + timedelta(hours=12):  # nothing answers
        polling = plan(source, polling, turn(FAILED, at))
        assert polling.next_due is not None
        at = polling.next_due
    assert at <= NOW + timedelta(hours=13, minutes=1)


def test_a_daily_source_that_did_not_answer_is_tried_again_the_same_hour() -> None:
    daily = replace(FEED, every_s=86_400, fresh_within_s=864_000)
    assert waited(plan(daily, Polling("feed"), turn(FAILED))) <= 900 + 60
    assert waited(plan(daily, Polling("feed"), turn(FAILED, status=503))) <= 900 + 60
    refused = turn(FAILED, status=200)  # it came whole and could not be read
    assert waited(plan(daily, Polling("feed"), refused)) >= 86_400


def test_retry_after_is_obeyed_on_a_failure() -> None:
    polling = plan(FEED, Polling("feed"), turn(FAILED, status=429, retry_after_s=7200))
    assert (polling.why, waited(polling) >= 7200) == ("retry-after", True)


def test_a_host_that_is_left_alone_is_no_failure_of_the_source() -> None:
    before = Polling("feed", failures=2, url=FEED.url)
    after = plan(FEED, before, turn(FAILED, asked=False, retry_after_s=120))
    assert (after.failures, after.why, after.circuit) == (2, "host", Circuit.CLOSED)
    assert 120 <= waited(after) <= 132


def test_what_is_gone_is_not_asked_again_until_it_is_resumed_or_its_url_corrected() -> None:
    gone = plan(FEED, Polling("feed"), turn(FAILED, status=410, permanent=True))
    assert (gone.circuit, gone.next_due, gone.why) == (Circuit.GONE, None, "gone")
    later = NOW + timedelta(days=400)
    assert not is_due(FEED, gone, later)
    assert due_at(FEED, gone, later) is None
    assert is_due(FEED, resumed(gone, later), later)
    corrected = replace(FEED, url="https://feed.example/other")
    assert is_due(corrected, gone, later)
    assert renewed(corrected, gone).circuit is Circuit.CLOSED


def test_a_feed_that_moved_is_asked_at_its_new_address_and_at_the_old_one_once_a_week() -> None:
    moved = plan(FEED, Polling("feed"), turn(), moved_to=MOVED)
    assert (moved.moved_to, moved.moved_at) == (MOVED, NOW)
    assert asked_as(FEED, moved, NOW + timedelta(days=6)).url == MOVED
    week = NOW + timedelta(days=7)
    assert asked_as(FEED, moved, week).url == FEED.url
    still = plan(FEED, moved, turn(NEW, week), moved_to=MOVED)
    assert (still.moved_to, still.moved_at) == (MOVED, week)
    back = plan(FEED, moved, turn(NEW, week))
    assert back.moved_to is None
    for quiet in (turn(SAME, week), turn(FAILED, week)):
        assert asked_as(FEED, plan(FEED, moved, quiet), week + timedelta(minutes=11)).url == MOVED


def test_a_new_address_that_refuses_is_forgotten() -> None:
    moved = plan(FEED, Polling("feed"), turn(), moved_to=MOVED)
    for status in (404, 410):
        refused = plan(FEED, moved, turn(FAILED, status=status, permanent=True))
        assert (refused.moved_to, refused.circuit) == (None, Circuit.CLOSED)


@pytest.mark.parametrize(
    "source",
    [replace(FEED, url="https://feed.example/{day}"), replace(FEED, key_env="KEY")],
    ids=["a url that is filled in", "a key of one's own"],
)
def test_a_move_is_not_remembered_where_the_url_or_the_key_belongs_to_one_host(
    source: Source,
) -> None:
    assert plan(source, Polling("feed"), turn(), moved_to=MOVED).moved_to is None


def test_a_corrected_url_forgets_the_move() -> None:
    moved = plan(FEED, Polling("feed"), turn(), moved_to=MOVED)
    corrected = replace(FEED, url="https://third.example/feed")
    assert asked_as(corrected, moved, NOW).url == corrected.url


def test_turns_of_many_sources_do_not_bunch_and_a_restart_changes_nothing() -> None:
    dues = [plan(made_source(f"s{n}"), Polling(f"s{n}"), turn()).next_due for n in range(300)]
    assert dues == [
        plan(made_source(f"s{n}"), Polling(f"s{n}"), turn()).next_due for n in range(300)
    ]
    seconds = sorted(waited(Polling("x", due)) for due in dues)
    assert seconds[-1] - seconds[0] > 50
    per_second = [sum(int(one) == second for one in seconds) for second in range(600, 661)]
    assert max(per_second) < 16


def test_a_time_that_only_a_wrong_clock_can_have_planned_is_not_believed() -> None:
    polling = Polling("feed", next_due=NOW + timedelta(days=30), url=FEED.url)
    due = due_at(FEED, polling, NOW)
    assert due is not None
    assert due <= NOW + timedelta(seconds=60)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from([NEW, SAME, FAILED]), max_size=12),
    st.sampled_from([300, 600, 3600, 86_400]),
    st.integers(0, 200_000),
)
def test_no_history_makes_a_turn_earlier_than_asked_or_later_than_its_bound(
    outcomes: list[FetchOutcome], every_s: int, asked: int
) -> None:
    source = replace(FEED, every_s=every_s, fresh_within_s=4 * every_s)
    at, polling, past = NOW, Polling("feed"), list[Fetch]()
    for outcome in outcomes:
        fetch = turn(outcome, at, retry_after_s=asked)
        polling = plan(source, polling, fetch, past)
        assert polling.next_due is not None
        assert polling.next_due >= next_due(
            source, fetch, polling.failures - 1 if outcome is FAILED else 0
        )
        longest = max(86_400, every_s) + 60
        assert waited(polling, at) <= longest
        past.insert(0, fetch)
        at = polling.next_due
