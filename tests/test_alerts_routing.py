"""Who gets what: dependence decides, silences and budgets hold, and everything has a reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.routing import (
    Routes,
    RoutesError,
    add_receiver,
    check_matchers,
    day_start,
    explain_route,
    load_routes,
    parse_routes,
    route,
)
from ews.model import AlertChange, AlertState, ChangeKind, Receiver, RouteReason, Silence, Stage
from tests.alert_samples import NOW, change, urea_alert

EVERYTHING = Receiver("console", "console", "-")
MOLIT = Receiver("slack-molit", "slack", "C1", ministries=("molit",))
CULTURE = Receiver("slack-mcst", "slack", "C2", ministries=("mcst",))


def held_or_sent(
    changes: list[AlertChange],
    *receivers: Receiver,
    silences: tuple[Silence, ...] = (),
    sent: dict[str, int] | None = None,
    told: set[tuple[str, str]] | None = None,
) -> list[tuple[str, RouteReason]]:
    out = route(changes, Routes(receivers), silences, sent or {}, NOW, told)
    return [(n.receiver, n.reason) for n in out]


def silence(**matchers: str) -> Silence:
    hour = timedelta(hours=1)
    return Silence("sil-1", "kim", "planned work", NOW - hour, NOW + hour, matchers)


def test_the_shipped_routes_tell_the_console_everything() -> None:
    routes = load_routes()
    assert routes.receiver("console").channel == "console"
    (told,) = route([change()], routes, (), {}, NOW)
    assert (told.receiver, told.reason, told.lang) == ("console", RouteReason.FIRST, "ko")


def test_the_ministry_that_depends_on_the_item_is_told_and_another_is_not() -> None:
    (told,) = route([change()], Routes((MOLIT, CULTURE)), (), {}, NOW)
    assert told.receiver == "slack-molit"
    assert "molit" in told.why
    assert "urea" in told.why


def test_items_widen_a_receiver_of_ministries() -> None:
    both = replace(CULTURE, items=("urea",))
    assert held_or_sent([change()], both) == [("slack-mcst", RouteReason.FIRST)]
    assert held_or_sent([change()], replace(both, items=("neon",))) == []


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (ChangeKind.RAISED, RouteReason.FIRST),
        (ChangeKind.STAGE_UP, RouteReason.STAGE_ROSE),
        (ChangeKind.STAGE_DOWN, RouteReason.STAGE_FELL),
        (ChangeKind.UPDATED, RouteReason.MATERIAL_UPDATE),
        (ChangeKind.RESOLVED, RouteReason.RESOLVED),
        (ChangeKind.REOPENED, RouteReason.REOPENED),
    ],
)
def test_every_kind_of_change_has_its_reason(kind: ChangeKind, reason: RouteReason) -> None:
    assert held_or_sent([change(kind)], EVERYTHING) == [("console", reason)]


def test_routing_twice_gives_the_same_ids() -> None:
    first = route([change()], Routes((EVERYTHING, MOLIT)), (), {}, NOW)
    again = route([change()], Routes((EVERYTHING, MOLIT)), (), {}, NOW + timedelta(hours=1))
    assert [n.id for n in first] == [n.id for n in again]
    assert len({n.id for n in first}) == 2


def test_below_the_minimum_is_held_and_listed() -> None:
    picky = replace(EVERYTHING, minimum=Stage.ALERT)
    assert held_or_sent([change()], picky) == [("console", RouteReason.HELD_BELOW_MINIMUM)]


def test_the_end_of_what_was_above_the_minimum_is_told() -> None:
    picky = replace(EVERYTHING, minimum=Stage.ALERT)
    fell = change(ChangeKind.STAGE_DOWN, urea_alert(Stage.CAUTION), Stage.ALERT)
    ended = urea_alert(Stage.CAUTION, max_stage=Stage.ALERT, state=AlertState.RESOLVED)
    assert held_or_sent([fell], picky) == [("console", RouteReason.STAGE_FELL)]
    resolved = change(ChangeKind.RESOLVED, ended, Stage.CAUTION)
    assert held_or_sent([resolved], picky) == [("console", RouteReason.RESOLVED)]


def test_the_end_of_what_was_never_told_is_held_and_a_rise_of_it_is_the_first() -> None:
    ended = change(ChangeKind.RESOLVED)
    reasons = held_or_sent([ended], EVERYTHING, told=set())
    assert reasons == [("console", RouteReason.HELD_BELOW_MINIMUM)]
    rise = change(ChangeKind.STAGE_UP, urea_alert(Stage.ALERT), Stage.WATCH)
    assert held_or_sent([rise], EVERYTHING, told=set()) == [("console", RouteReason.FIRST)]
    known = {(rise.alert.id, "console")}
    assert held_or_sent([rise], EVERYTHING, told=known) == [("console", RouteReason.STAGE_ROSE)]


# --------------------------------------------------------------------------- silences


@pytest.mark.parametrize(
    "matchers",
    [
        {"type": "export_restriction", "country": "CN"},
        {"item": "urea"},
        {"ministry": "molit", "receiver": "console"},
        {"alert": urea_alert().id},
        {"rule": "dependent-item", "stage": "주의"},
    ],
)
def test_a_silence_holds_what_fits_all_its_matchers(matchers: dict[str, str]) -> None:
    (told,) = route([change()], Routes((EVERYTHING,)), (silence(**matchers),), {}, NOW)
    assert told.reason is RouteReason.HELD_BY_SILENCE
    assert "planned work" in told.why


@pytest.mark.parametrize(
    "matchers",
    [
        {"type": "export_restriction", "country": "US"},
        {"item": "urea", "receiver": "another"},
        {"item": "urea", "stage": "관심"},
        {},
        {"receiver": "console"},
        {"colour": "red", "item": "urea"},
        {"item": "urea", "stage": "purple"},
    ],
)
def test_a_silence_that_does_not_fit_or_cannot_be_understood_holds_nothing(
    matchers: dict[str, str],
) -> None:
    told = held_or_sent([change()], EVERYTHING, silences=(silence(**matchers),))
    assert told == [("console", RouteReason.FIRST)]


def test_a_silence_ends() -> None:
    over = replace(silence(item="urea"), ends_at=NOW)
    assert held_or_sent([change()], EVERYTHING, silences=(over,)) == [
        ("console", RouteReason.FIRST)
    ]


def test_a_small_silence_cannot_hide_the_highest_stage() -> None:
    severe = change(alert=urea_alert(Stage.SEVERE))
    quiet = (silence(item="urea"),)
    assert held_or_sent([severe], EVERYTHING, silences=quiet) == [("console", RouteReason.FIRST)]
    loud = (silence(item="urea", stage="심각"),)
    assert held_or_sent([severe], EVERYTHING, silences=loud) == [
        ("console", RouteReason.HELD_BY_SILENCE)
    ]


def test_a_silence_nobody_could_mean_is_refused_when_it_is_made() -> None:
    check_matchers({"type": "labour_action", "country": "US"})
    for matchers in ({}, {"colour": "red"}, {"receiver": "console"}, {"item": "u", "stage": "x"}):
        with pytest.raises(ValueError, match=r"silence|stage"):
            check_matchers(matchers)


# --------------------------------------------------------------------------- budgets


def many(stages: list[Stage]) -> list[AlertChange]:
    return [change(alert=urea_alert(stage, id=f"alr-{n}")) for n, stage in enumerate(stages)]


def test_a_budget_is_spent_on_the_highest_stages_first() -> None:
    tight = replace(EVERYTHING, budget_per_day=2)
    changes = many([Stage.WATCH, Stage.CAUTION, Stage.WATCH, Stage.CAUTION])
    told = route(changes, Routes((tight,)), (), {}, NOW)
    sent = [n.alert_id for n in told if n.reason.sent]
    assert set(sent) == {"alr-1", "alr-3"}
    assert [n.reason for n in told[2:]] == [RouteReason.HELD_BY_BUDGET] * 2


def test_what_was_sent_today_counts() -> None:
    tight = replace(EVERYTHING, budget_per_day=2)
    assert held_or_sent([change()], tight, sent={"console": 1})[0][1].sent
    assert not held_or_sent([change()], tight, sent={"console": 2})[0][1].sent


def test_no_budget_holds_a_stage_somebody_must_act_on_or_an_all_clear() -> None:
    tight = replace(EVERYTHING, budget_per_day=0)
    for step in (
        change(alert=urea_alert(Stage.ALERT)),
        change(alert=urea_alert(Stage.SEVERE)),
        change(ChangeKind.RESOLVED),
        change(ChangeKind.STAGE_DOWN, urea_alert(Stage.WATCH), Stage.CAUTION),
    ):
        assert held_or_sent([step], tight)[0][1].sent
    assert not held_or_sent([change()], tight)[0][1].sent


def test_one_receivers_budget_is_not_anothers() -> None:
    tight = replace(EVERYTHING, budget_per_day=0)
    assert [reason.sent for _, reason in held_or_sent([change()], tight, MOLIT)] == [False, True]


def test_the_budget_day_is_koreas() -> None:
    before = datetime(2021, 10, 11, 14, 59, tzinfo=UTC)
    assert day_start(before) == datetime(2021, 10, 10, 15, tzinfo=UTC)
    assert day_start(before + timedelta(minutes=1)) == datetime(2021, 10, 11, 15, tzinfo=UTC)


# --------------------------------------------------------------------------- who would get this?


def test_who_would_get_this_says_why_and_why_not() -> None:
    tight = replace(EVERYTHING, budget_per_day=0)
    answers = explain_route(urea_alert(), Routes((tight, MOLIT, CULTURE)), (), {}, NOW)
    assert [(r.name, reason) for r, reason, _ in answers] == [
        ("console", RouteReason.HELD_BY_BUDGET),
        ("slack-molit", RouteReason.FIRST),
        ("slack-mcst", None),
    ]
    assert "mcst" in answers[2][2]
    assert "urea" in answers[2][2]


# --------------------------------------------------------------------------- the file


def test_a_full_receiver_is_read() -> None:
    text = """
    [[receiver]]
    name = "a"
    channel = "slack"
    address = "C1"
    lang = "en"
    minimum = "alert"
    budget_per_day = 10
    ministries = ["molit"]
    items = ["urea"]
    """
    assert parse_routes(text).receivers == (
        Receiver("a", "slack", "C1", "en", Stage.ALERT, 10, ("molit",), ("urea",)),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[receiver]]\nname='a'\nchannel='x'", "address"),
        ("[[receiver]]\nname='a'\nchannel='x'\naddress='-'\ncolour='red'", "colour"),
        ("[[receiver]]\nname='a'\nchannel='x'\naddress='-'\nminimum='loud'", "관심"),
        ("[[receiver]]\nname='a'\nchannel='x'\naddress='-'\nbudget_per_day='9'", "whole number"),
        ("[[receiver]]\nname='a'\nchannel='x'\naddress='-'\nbudget_per_day=-1", "0 or more"),
        ("[[receiver]]\nname='a'\nchannel='x'\naddress='-'\nlang='fr'", "ko or en"),
        ("[[receiver]]\nname='a'\nchannel='x'\naddress='-'\nitems='urea'", "list"),
        ("[[receiver]]\nname='a'\nchannel='x'\naddress='-'\n" * 2, "twice"),
        (
            "[[receiver]]\nname='a'\nchannel='x'\naddress='-'\n"
            "[[receiver]]\nname='b'\nchannel='x'\naddress='-'\n",
            "told twice",
        ),
        ("receivers = 1", "receiver"),
        ("receiver = [1]", "table"),
        ("= 1", "TOML"),
    ],
)
def test_a_wrong_routes_file_is_loud(text: str, says: str) -> None:
    with pytest.raises(RoutesError, match=says):
        parse_routes(text)


def test_a_receiver_is_added_once() -> None:
    routes = add_receiver(load_routes(), MOLIT)
    assert len(routes.receivers) == 2
    assert add_receiver(routes, replace(MOLIT, name="same-address")) == routes
