"""A day's budget: the best are sent without knowing the rest, and a loud item starves nobody."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.budgets import item_limit, main_item, paid_out, part_of_day, since_of, worth
from alerts.quiet import day_of
from alerts.routing import Routes, Spent, Told, release, route, spent_of, told_of
from ews.model import (
    Alert,
    AlertChange,
    ChangeKind,
    Notification,
    Receiver,
    RouteReason,
    Stage,
)
from tests.alert_samples import NOW, change, urea_alert

EVERYTHING = Receiver("console", "console", "-")
NOBODY = Told({})
MIDNIGHT = day_of(EVERYTHING, NOW)[0]
EVENING = MIDNIGHT + timedelta(hours=20)


def sent(
    changes: list[AlertChange], receiver: Receiver, spent: Spent | None = None,
    now: datetime = NOW,
) -> list[Notification]:  # fmt: skip
    out = route(changes, Routes((receiver,)), (), spent or Spent(), now, NOBODY)
    return [n for n in out if n.reason.sent]


def alert(n: int, stage: Stage = Stage.WATCH, item: str = "", loss: float = 0.0) -> Alert:
    return urea_alert(
        stage, id=f"alr-{n:04}", items=(item or f"item-{n}",),
        reasons=(f"expected_loss={loss:.3g} (raise 0.001, clear 0.0006)",),
    )  # fmt: skip


def raised(one: Alert, at: datetime = NOW) -> AlertChange:
    return AlertChange(replace(one, raised_at=at, updated_at=at), ChangeKind.RAISED, at, None, "")


def test_the_best_of_one_cycle_are_sent() -> None:
    tight = replace(EVERYTHING, budget_per_day=2)
    stages = [Stage.WATCH, Stage.CAUTION, Stage.WATCH, Stage.CAUTION]
    told = sent([raised(alert(n, stage)) for n, stage in enumerate(stages)], tight, now=EVENING)
    assert {n.alert_id for n in told} == {"alr-0001", "alr-0003"}


def test_at_one_stage_the_larger_expected_loss_comes_first() -> None:
    tight = replace(EVERYTHING, budget_per_day=1)
    changes = [raised(alert(n, loss=loss)) for n, loss in enumerate([0.01, 0.3, 0.02])]
    assert [n.alert_id for n in sent(changes, tight, now=EVENING)] == ["alr-0001"]
    assert sent(changes, tight) == [], "at noon the only one is kept for something better"


def test_worth_is_read_from_the_measures_of_the_rule() -> None:
    assert worth(urea_alert()) == (2, pytest.approx(0.976 * 0.83), 0.83)
    assert worth(alert(1, loss=1e-5)) == (1, 1e-5, 0.0)
    assert worth(urea_alert(reasons=("a person said so",))) == (2, 0.0, 0.0)
    assert worth(urea_alert(proposed=Stage.SEVERE))[0] == 4


def test_what_was_sent_today_counts() -> None:
    tight = replace(EVERYTHING, budget_per_day=2)
    assert sent([change()], tight, Spent({"console": 1}))
    assert not sent([change()], tight, Spent({"console": 2}))


@pytest.mark.parametrize(
    "step",
    [
        change(alert=urea_alert(Stage.ALERT)),
        change(alert=urea_alert(Stage.SEVERE)),
        change(alert=urea_alert(proposed=Stage.ALERT)),
        change(ChangeKind.STAGE_UP, urea_alert(), Stage.WATCH),
    ],
)
def test_no_budget_holds_a_rise_or_a_stage_somebody_must_act_on(step: AlertChange) -> None:
    assert sent([step], replace(EVERYTHING, budget_per_day=0))
    assert not sent([change()], replace(EVERYTHING, budget_per_day=0))


def test_one_receivers_budget_is_not_anothers() -> None:
    receivers = (replace(EVERYTHING, budget_per_day=0), Receiver("b", "slack", "C1"))
    out = route([change()], Routes(receivers), (), Spent(), NOW, NOBODY)
    assert [n.reason.sent for n in out] == [False, True]


def test_the_day_is_the_receivers_own_and_as_long_as_its_clocks_make_it() -> None:
    seoul, brussels = EVERYTHING, replace(EVERYTHING, timezone="Europe/Brussels")
    assert day_of(seoul, NOW)[0] == MIDNIGHT == NOW.replace(day=10, hour=15, minute=0)
    long = datetime(2021, 10, 31, 12, tzinfo=NOW.tzinfo)
    start, end = day_of(brussels, long)
    assert end - start == timedelta(hours=25)
    assert part_of_day(brussels, start) == 0.0
    assert since_of([seoul, brussels], NOW) == min(day_of(r, NOW)[0] for r in (seoul, brussels))
    told = sent([change()], seoul)
    assert spent_of(told, [seoul], NOW).counts == {"console": 1}
    assert spent_of(told, [seoul], NOW + timedelta(hours=13)).counts == {}


def test_ends_updates_of_the_first_message_and_bulletins_cost_nothing() -> None:
    (told,) = sent([change()], EVERYTHING)
    free = [
        replace(told, change=ChangeKind.RESOLVED),
        replace(told, change=ChangeKind.ESCALATED),
        replace(told, edit=True, reason=RouteReason.STANDING),
        replace(told, bulletin="dig-1", reason=RouteReason.BULLETIN),
        replace(told, reason=RouteReason.HELD_BY_SILENCE),
    ]
    assert spent_of(free, [EVERYTHING], NOW) == Spent(Counter(), Counter())


@given(
    st.integers(0, 40), st.sampled_from([Stage.WATCH, Stage.CAUTION]), st.floats(0, 1),
    st.floats(0, 1),
)  # fmt: skip
def test_a_budget_is_paid_out_as_the_day_goes_on_and_never_more_of_it(
    budget: int, stage: Stage, early: float, late: float
) -> None:
    receiver = replace(EVERYTHING, budget_per_day=budget)
    early, late = sorted([early, late])
    assert 0 <= paid_out(receiver, stage, early) <= paid_out(receiver, stage, late) <= budget
    assert paid_out(receiver, stage, 5 / 6) == budget
    assert paid_out(receiver, Stage.WATCH, late) <= paid_out(receiver, Stage.CAUTION, late)


def test_one_item_may_take_only_its_share_unless_it_is_all_that_was_asked_for() -> None:
    assert item_limit(replace(EVERYTHING, budget_per_day=10)) == 5
    assert item_limit(replace(EVERYTHING, budget_per_day=1)) == 1
    assert item_limit(replace(EVERYTHING, budget_per_day=10, item_share=0.2)) == 2
    assert item_limit(replace(EVERYTHING, budget_per_day=10, items=("urea",))) == 10
    assert main_item(urea_alert(items=())) == "export_restriction"


# --------------------------------------------------------------------------- random days

CYCLE = timedelta(minutes=15)


def play(alerts: list[tuple[datetime, Alert]], *receivers: Receiver) -> list[Notification]:
    """One day, as the pipeline lives it: every 15 minutes what may speak again, then the new."""
    routes = Routes(receivers)
    waiting, firing = sorted(alerts, key=lambda pair: pair[0]), dict[str, Alert]()
    out: list[Notification] = []
    for n in range(1, 24 * 4):
        now = MIDNIGHT + n * CYCLE
        spent = spent_of(out, receivers, now)
        changes = release(list(firing.values()), routes, (), out, spent, now)
        while waiting and waiting[0][0] <= now:
            changes.append(raised(waiting.pop(0)[1], now))
        firing |= {c.alert.id: c.alert for c in changes}
        out += route(changes, routes, (), spent, now, told_of(out), list(firing.values()))
    return out


def random_day(seed: int) -> list[tuple[datetime, Alert]]:
    """About 40 alerts at random times; one in four is 주의; losses over two orders of magnitude."""
    dice = random.Random(seed)
    return [
        (
            MIDNIGHT + timedelta(minutes=dice.uniform(0, 23 * 60)),
            alert(
                n,
                Stage.CAUTION if dice.random() < 0.25 else Stage.WATCH,
                loss=round(min(1.0, 0.01 * dice.lognormvariate(0, 1.5)), 6),
            ),
        )
        for n in range(dice.randint(25, 55))
    ]


def ranks(day: list[tuple[datetime, Alert]]) -> dict[str, float]:
    """Where each alert stands on its day: 1 the best, 0 the least."""
    ordered = sorted((one for _, one in day), key=worth)
    return {one.id: place / (len(ordered) - 1) for place, one in enumerate(ordered)}


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_on_random_days_the_sent_ones_are_worth_more_than_those_that_came_first() -> None:
    budget, days = 8, 6
    ours, first, best, counts = [], [], [], []
    for seed in range(days):
        day = random_day(seed)
        place = ranks(day)
        out = play(day, replace(EVERYTHING, budget_per_day=budget))
        told = [n.alert_id for n in out if n.reason.sent]
        assert len(told) == len(set(told)) == budget
        ours.append(mean([place[id] for id in told]))
        first.append(mean([place[one.id] for _, one in sorted(day, key=lambda p: p[0])[:budget]]))
        best.append(mean(sorted(place.values())[-budget:]))
        counts.append(ours[-1] > first[-1])
    print(f"mean rank of the sent: {mean(ours):.2f}, first come {mean(first):.2f}, "
          f"hindsight {mean(best):.2f}; better on {sum(counts)} of {days} days")  # fmt: skip
    assert mean(ours) >= mean(first) + 0.25
    assert sum(counts) >= 0.9 * days


def test_a_loud_item_does_not_starve_the_small_ministrys_own_alerts() -> None:
    small = Receiver("small", "slack", "C1", items=("loud", "own-0", "own-1"), budget_per_day=6)
    loud = [
        (MIDNIGHT + timedelta(minutes=6 * n), alert(n, Stage.CAUTION, "loud", 0.5))
        for n in range(200)
    ]
    own = [
        (MIDNIGHT + timedelta(hours=9 + n), alert(900 + n, Stage.WATCH, f"own-{n % 2}", 0.01))
        for n in range(3)
    ]
    told = Counter(n.item for n in play(loud + own, small) if n.reason.sent)
    assert told["loud"] == 3
    assert told["own-0"] + told["own-1"] == 3


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 12))
def test_no_day_costs_more_than_its_budget_and_no_item_more_than_its_share(
    seed: int, budget: int
) -> None:
    tight = replace(EVERYTHING, budget_per_day=budget)
    day = [
        (at, replace(one, items=(f"item-{n % 3}",))) for n, (at, one) in enumerate(random_day(seed))
    ]
    told = [n for n in play(day[:20], tight) if n.reason.sent]
    assert len(told) <= budget
    assert all(n <= item_limit(tight) for n in Counter(n.item for n in told).values())
