"""Who gets what: dependence decides, silences and budgets hold, and everything has a reason."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from alerts import route_cases
from alerts.holding import EDITS, REASONS
from alerts.routes import problems
from alerts.routing import (
    Routes,
    RoutesError,
    Spent,
    Told,
    add_receiver,
    check_matchers,
    explain_route,
    load_routes,
    parse_routes,
    release,
    route,
    spent_of,
    told_of,
)
from alerts.told import Word
from ews.model import AlertChange, AlertState, ChangeKind, Receiver, RouteReason, Silence, Stage
from tests.alert_samples import NOW, change, urea_alert

EVERYTHING = Receiver("console", "console", "-")
MOLIT = Receiver("slack-molit", "slack", "C1", ministries=("molit",))
CULTURE = Receiver("slack-mcst", "slack", "C2", ministries=("mcst",))


LONG_AGO = NOW - timedelta(days=2)
NOBODY = Told({})


def everybody(changes: list[AlertChange], *receivers: Receiver) -> Told:
    """Everybody was told of these alerts long ago."""
    known = Word(1, Stage.WATCH, LONG_AGO, True)
    return Told({(c.alert.id, r.name): known for c in changes for r in receivers})


def held_or_sent(
    changes: list[AlertChange],
    *receivers: Receiver,
    silences: tuple[Silence, ...] = (),
    sent: dict[str, int] | None = None,
    told: Told | None = None,
) -> list[tuple[str, RouteReason]]:
    told = told or everybody(changes, *receivers)
    out = route(changes, Routes(receivers), silences, Spent(sent or {}), NOW, told)
    return [(n.receiver, n.reason) for n in out]


def silence(**matchers: str) -> Silence:
    hour = timedelta(hours=1)
    return Silence("sil-1", "kim", "planned work", NOW - hour, NOW + hour, matchers)


def test_the_shipped_routes_tell_the_console_everything() -> None:
    routes = load_routes()
    assert routes.receiver("console").channel == "console"
    (told,) = route([change()], routes, (), Spent(), NOW, NOBODY)
    assert (told.receiver, told.reason, told.lang) == ("console", RouteReason.FIRST, "ko")


def test_the_ministry_that_depends_on_the_item_is_told_and_another_is_not() -> None:
    (told,) = route([change()], Routes((MOLIT, CULTURE)), (), Spent(), NOW, NOBODY)
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
        (ChangeKind.RETRACTED, RouteReason.RETRACTED),
        (ChangeKind.PROPOSED, RouteReason.PROPOSED),
        (ChangeKind.REFUSED, RouteReason.REFUSED),
        (ChangeKind.ESCALATED, RouteReason.ESCALATED),
        (ChangeKind.RELEASED, RouteReason.RELEASED),
        (ChangeKind.BLIND, RouteReason.BLIND),
        (ChangeKind.SEEING, RouteReason.SEEING),
        (ChangeKind.ACKNOWLEDGED, RouteReason.STANDING),
        (ChangeKind.HANDED_OVER, RouteReason.STANDING),
        (ChangeKind.CLOSED, RouteReason.STANDING),
    ],
)
def test_every_kind_of_change_has_its_reason(kind: ChangeKind, reason: RouteReason) -> None:
    assert held_or_sent([change(kind)], EVERYTHING) == [("console", reason)]


def test_routing_twice_gives_the_same_ids() -> None:
    first = route([change()], Routes((EVERYTHING, MOLIT)), (), Spent(), NOW, NOBODY)
    again = route(
        [change()], Routes((EVERYTHING, MOLIT)), (), Spent(), NOW + timedelta(hours=1), NOBODY
    )
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
    reasons = held_or_sent([ended], EVERYTHING, told=NOBODY)
    assert reasons == [("console", RouteReason.HELD_BELOW_MINIMUM)]
    rise = change(ChangeKind.STAGE_UP, urea_alert(Stage.ALERT), Stage.WATCH)
    assert held_or_sent([rise], EVERYTHING, told=NOBODY) == [("console", RouteReason.FIRST)]
    assert held_or_sent([rise], EVERYTHING) == [("console", RouteReason.STAGE_ROSE)]


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
    (told,) = route([change()], Routes((EVERYTHING,)), (silence(**matchers),), Spent(), NOW, NOBODY)
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


# --------------------------------------------------------------------------- whose, and by what


class Use(NamedTuple):
    ko: str
    en: str
    ksic: str
    ministries: tuple[str, ...]


USES = {
    "urea": [
        Use("요소수", "exhaust fluid", "49301", ("molit", "mcee")),
        Use("비료", "fertiliser", "20311", ("mafra",)),
    ]
}


def why(alert_change: AlertChange, receiver: Receiver) -> str | None:
    out = route([alert_change], Routes((receiver,)), (), Spent(), NOW, NOBODY, uses=USES)
    return out[0].why if out else None


def test_the_reason_names_the_item_and_the_use_that_made_it_theirs() -> None:
    english = replace(MOLIT, lang="en")
    assert why(change(), english) == "depends on it: molit ← urea (exhaust fluid)"
    assert why(change(), replace(MOLIT, ministries=("mafra",))) == "의존 부처: mafra ← urea (비료)"


def test_a_sector_is_told_of_what_its_industries_depend_on() -> None:
    alert = urea_alert(industries=("49301", "20311"))
    trucks = Receiver("t", "slack", "C3", "en", sectors=("493",))
    assert why(change(alert=alert), trucks) == (
        "its industries depend on it: 49301 ← urea (exhaust fluid)"
    )
    assert why(change(alert=alert), replace(trucks, sectors=("9301",))) is None


def test_an_item_without_a_use_on_record_goes_to_whoever_must_find_out_and_says_so() -> None:
    odd = change(alert=urea_alert(items=("odd",), ministries=(), unlisted=("odd",)))
    text = "[[receiver]]\nname='o'\nchannel='x'\naddress='-'\nitems=['neon']\noperator=true"
    (operator,) = parse_routes(text).receivers
    assert "odd" in (why(odd, operator) or "")
    assert "odd" in (why(odd, EVERYTHING) or "")
    assert why(odd, MOLIT) is None
    assert why(change(), operator) is None


def test_a_receiver_that_the_routes_left_out_since_hears_the_end_and_nothing_else() -> None:
    for kind, told in ((ChangeKind.RESOLVED, True), (ChangeKind.UPDATED, False)):
        assert bool(held_or_sent([change(kind)], CULTURE)) is told


def test_only_the_receivers_of_a_change_are_told() -> None:
    only = replace(change(ChangeKind.RELEASED), receivers=("slack-molit",))
    assert held_or_sent([only], EVERYTHING, MOLIT) == [("slack-molit", RouteReason.RELEASED)]


def test_what_is_not_news_brings_only_a_known_thread_up_to_date() -> None:
    for kind in EDITS:
        step = change(kind)
        (made,) = route(
            [step], Routes((EVERYTHING,)), (), Spent(), NOW, everybody([step], EVERYTHING)
        )
        assert (made.edit, made.reason) == (True, RouteReason.STANDING)
        assert route([step], Routes((EVERYTHING,)), (), Spent(), NOW, NOBODY) == []
    assert set(REASONS) == set(ChangeKind)


def test_the_changes_of_one_alert_keep_their_order_whatever_their_stages() -> None:
    first = change(alert=urea_alert(Stage.WATCH))
    rise = change(ChangeKind.STAGE_UP, urea_alert(Stage.CAUTION, revision=2), Stage.WATCH)
    told = route([rise, first], Routes((EVERYTHING,)), (), Spent(), NOW, NOBODY)
    assert [(n.alert_revision, n.reason) for n in told] == [
        (1, RouteReason.FIRST), (2, RouteReason.STAGE_ROSE),
    ]  # fmt: skip


# --------------------------------------------------------------------------- planned events


def plan(**matchers: str) -> Silence:
    return replace(silence(**matchers), planned=True, title="port holiday")


@pytest.mark.parametrize(
    ("stage", "reason"),
    [
        (Stage.WATCH, RouteReason.HELD_BY_PLAN),
        (Stage.CAUTION, RouteReason.HELD_BY_PLAN),
        (Stage.ALERT, RouteReason.FIRST),
        (Stage.SEVERE, RouteReason.FIRST),
    ],
)
def test_a_planned_event_explains_up_to_caution_and_is_named_above(
    stage: Stage, reason: RouteReason
) -> None:
    for planned in (plan(item="urea"), plan(item="urea", stage="심각")):
        (told,) = route(
            [change(alert=urea_alert(stage))],
            Routes((EVERYTHING,)),
            (planned,),
            Spent(),
            NOW,
            NOBODY,
        )
        assert told.reason is reason
        assert "port holiday" in told.why


# --------------------------------------------------------------------------- held, then told


def test_what_a_silence_held_speaks_once_when_it_ends() -> None:
    routes, alert = Routes((EVERYTHING,)), urea_alert()
    quiet = (silence(item="urea"),)
    held = route([change()], routes, quiet, Spent(), NOW, NOBODY)
    assert release([alert], routes, quiet, held, Spent(), NOW) == []
    later = NOW + timedelta(hours=2)
    (step,) = release([alert], routes, quiet, held, Spent(), later)
    assert (step.kind, step.receivers, step.alert.revision) == (
        ChangeKind.RELEASED, ("console",), 2,
    )  # fmt: skip
    told = route([step], routes, quiet, Spent(), later, told_of(held))
    assert [n.reason for n in told] == [RouteReason.RELEASED]
    assert release([step.alert], routes, quiet, [*held, *told], Spent(), later) == []


def test_what_ended_while_it_was_held_never_speaks() -> None:
    held = route([change()], Routes((EVERYTHING,)), (silence(item="urea"),), Spent(), NOW, NOBODY)
    over = urea_alert(state=AlertState.RESOLVED)
    later = NOW + timedelta(hours=2)
    assert release([over], Routes((EVERYTHING,)), (), held, Spent(), later) == []


def test_below_the_minimum_nothing_waits_to_speak() -> None:
    picky = Routes((replace(EVERYTHING, minimum=Stage.ALERT),))
    held = route([change()], picky, (), Spent(), NOW, NOBODY)
    assert release([urea_alert()], Routes((EVERYTHING,)), (), held, Spent(), NOW) == []


def test_a_dead_letter_told_nothing_and_cost_nothing() -> None:
    sent = route([change()], Routes((EVERYTHING,)), (), Spent(), NOW, NOBODY)
    dead = {n.id for n in sent}
    assert told_of(sent).of(sent[0].alert_id, "console").open
    assert not told_of(sent, dead).of(sent[0].alert_id, "console").known
    assert spent_of(sent, [EVERYTHING], NOW).counts == {"console": 1}
    assert spent_of(sent, [EVERYTHING], NOW, dead).counts == {}


# --------------------------------------------------------------------------- who would get this?


def test_who_would_get_this_says_why_when_and_why_not() -> None:
    tight = replace(EVERYTHING, budget_per_day=0)
    on_duty = replace(MOLIT, people=("kim",), ack_within_min={"caution": 60})
    answers = explain_route(urea_alert(), Routes((tight, on_duty, CULTURE)), (), Spent(), NOW)
    assert [(a.receiver.name, a.reason, a.called) for a in answers] == [
        ("console", RouteReason.HELD_BY_BUDGET, ()),
        ("slack-molit", RouteReason.FIRST, ("kim",)),
        ("slack-mcst", None, ()),
    ]
    assert answers[0].when == NOW.replace(hour=23, minute=30)  # the digest of 08:30 in Seoul
    assert answers[1].when == NOW
    assert "mcst" in answers[2].why
    assert "urea" in answers[2].why


# --------------------------------------------------------------------------- cases as data


def test_every_shipped_route_case_holds() -> None:
    routes, cases = route_cases.shipped_cases()
    outcomes = route_cases.run_cases(routes, cases)
    assert [one for one in outcomes if not one.passed] == []
    reasons = {one.got for one in outcomes}
    assert {r.value for r in RouteReason if not r.sent} <= reasons, "every hold has a case"


def test_a_case_that_does_not_hold_is_seen() -> None:
    _, cases = route_cases.read_cases("[[case]]\nitems=['urea']\nexpect={console='held_by_budget'}")
    (outcome,) = route_cases.run_cases(Routes((EVERYTHING,)), cases)
    assert (outcome.passed, outcome.got) == (False, "first")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("= 1", "TOML"),
        ("[[case]]\ncolour='red'", "colour"),
        ("[[case]]\nstage='loud'", "관심"),
        ("[[case]]\nitems='urea'", "list"),
        ("[[case]]\nspent=[1]", "table"),
        ("[[case]]\nkind='eaten'", "eaten"),
        ("[[case]]\nat='noon'", "noon"),
        ("[[case]]\nsilences=[{colour='red'}]", "colour"),
        ("[[case]]\nexpect={nobody='first'}", "nobody"),
    ],
)
def test_a_case_that_cannot_be_read_says_why(text: str, says: str) -> None:
    with pytest.raises(RoutesError, match=says):
        route_cases.run_cases(Routes((EVERYTHING,)), route_cases.read_cases(text)[1])


def test_cases_are_read_from_a_file(tmp_path: Path) -> None:
    own = tmp_path / "routes_test.toml"
    own.write_text("[[case]]\nname='one'", "utf-8")
    routes, cases = route_cases.load_cases(own)
    assert (routes, [case.name for case in cases]) == (None, ["one"])
    with pytest.raises(RoutesError, match="cannot be read"):
        route_cases.load_cases(tmp_path / "none.toml")


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
    sectors = ["493"]
    people = ["kim", "lee"]
    ack_within_min = { "주의" = 60, severe = 5 }
    quiet = "22:00-07:00"
    timezone = "Europe/Brussels"
    digests = ["17:00", "08:30"]
    cooldown_min = 30
    item_share = 0.25
    operator = true

    [[receiver]]
    name = "b"
    channel = "email"
    address = "b@example.org"
    backup = "a"
    unlisted = true
    """
    assert parse_routes(text).receivers == (
        Receiver(
            "a", "slack", "C1", "en", Stage.ALERT, 10, ("molit",), ("urea",), ("493",),
            ("kim", "lee"), {"caution": 60, "severe": 5}, "22:00-07:00", "Europe/Brussels",
            ("08:30", "17:00"), 30, 0.25, operator=True, unlisted=True,
        ),
        Receiver("b", "email", "b@example.org", backup="a", unlisted=True),
    )  # fmt: skip


ONE = "[[receiver]]\nname='a'\nchannel='x'\naddress='-'\n"


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
        (ONE + "quiet='22-7'", "00:00"),
        (ONE + "quiet='22:00'", "quiet hours"),
        (ONE + "timezone='Mars/Olympus'", "Asia/Seoul"),
        (ONE + "digests=['8:30']", "00:00"),
        (ONE + "ack_within_min={watch=5}", "관심"),
        (ONE + "ack_within_min={caution=0}", "1 minute"),
        (ONE + "ack_within_min=5", "by stage"),
        (ONE + "item_share=2", "at most 1"),
        (ONE + "operator='yes'", "true or false"),
        (ONE + "sectors=['trucks']", "KSIC"),
        (ONE + "backup='b'", "no receiver 'b'"),
        (ONE + "backup='a'", "circle"),
        (ONE + "channel=''", "TOML"),
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
    assert routes.inhibitions == load_routes().inhibitions != ()
    assert add_receiver(routes, replace(MOLIT, name="same-address")) == routes


def test_what_is_wrong_with_routes_is_said_before_anything_must_be_told() -> None:
    assert problems(load_routes(), ["console"]) == []
    routes = Routes(
        (
            Receiver("a", "slak", "C1", people=("kim", "park"), operator=True),
            Receiver("b", "slack", "C2", ack_within_min={"caution": 5}, backup="c"),
            Receiver("c", "slack", "C3"),
        )
    )
    found = "\n".join(problems(routes, ["slack"], ["kim"]))
    for word in ("'slak'", "'park'", "calls nobody", "same channel", "two channels"):
        assert word in found
    assert "'kim'" not in found
    assert "nobody here" not in "\n".join(problems(routes, ["slack"]))


# --------------------------------------------------------------------------- speed


@pytest.mark.torture
def test_a_thousand_changes_and_sixty_receivers_take_about_a_second() -> None:
    changes = [
        change(alert=urea_alert(Stage(1 + n % 3), id=f"alr-{n:04}", items=(f"item-{n % 90}",)))
        for n in range(1000)
    ]
    receivers = tuple(
        Receiver(f"r{n}", "slack", f"C{n}", quiet="22:00-07:00" if n % 4 == 0 else "",
                 budget_per_day=10 if n % 2 else None, people=("kim",),
                 ministries=("molit",) if n % 3 else (), ack_within_min={"caution": 60})
        for n in range(60)
    )  # fmt: skip
    routes = Routes(receivers, load_routes().inhibitions)
    silences = tuple(replace(silence(item=f"item-{n}"), id=f"sil-{n}") for n in range(20))
    start = time.process_time()
    made = route(changes, routes, silences, Spent(), NOW, NOBODY)
    took = time.process_time() - start
    print(f"{len(made)} notifications in {took:.2f} s")
    assert len(made) == 60_000
    assert took < 1.5
