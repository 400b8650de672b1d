"""What was held is read somewhere: in a digest, once, best first and with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from alerts.digests import carry, digest, due_digests, withheld
from alerts.planned import planned_bulletins
from alerts.quiet import next_digest
from alerts.routing import Routes, Spent, Told, release, route, told_of
from ews.model import (
    Alert,
    AlertState,
    Bulletin,
    BulletinKind,
    ChangeKind,
    Ending,
    Notification,
    Receiver,
    RouteReason,
    Silence,
    Stage,
)
from tests.alert_samples import NOW, TableNames, change, urea_alert

ROOM = Receiver("room", "slack", "C1", budget_per_day=0, digests=("08:30", "17:00"))
ROUTES = Routes((ROOM,))
NAMES = TableNames()
DAY = timedelta(days=1)
NOBODY = Told({})


def told(alert: Alert, receiver: Receiver = ROOM, at: datetime = NOW) -> list[Notification]:
    return route([change(alert=alert)], Routes((receiver,)), (), Spent(), at, NOBODY)


def of(
    alerts: list[Alert], notifications: list[Notification], receiver: Receiver = ROOM,
    since: datetime = NOW - DAY, now: datetime = NOW,
) -> Bulletin:  # fmt: skip
    return digest(receiver, since, now, alerts, notifications, NAMES, now)


def lines(bulletin: Bulletin) -> str:
    return "\n".join([bulletin.title, *(line for part in bulletin.parts for line in part.lines)])


# --------------------------------------------------------------------------- when


def test_a_digest_is_due_once_for_each_of_its_times() -> None:
    made: dict[str, datetime] = {}
    times, now = [], NOW
    while now < NOW + 3 * DAY:
        for receiver, since, until in due_digests(ROUTES, made, now):
            assert receiver == ROOM
            assert since == made.get("room", until - DAY)
            made["room"] = now
            times.append(until)
        now += timedelta(minutes=7)
    assert len(times) == len(set(times)) == 1 + 3 * 2
    assert all(b == next_digest(ROOM, a) for a, b in pairwise(times))


def test_after_a_pause_one_digest_tells_all() -> None:
    ((_, since, _),) = due_digests(ROUTES, {"room": NOW}, NOW + 5 * DAY)
    assert since == NOW
    assert due_digests(Routes((Receiver("a", "slack", "C2"),)), {}, NOW) == []


def test_the_same_digest_made_twice_is_one_message() -> None:
    first, again = of([], []), digest(ROOM, NOW - DAY, NOW, [], [], NAMES, NOW + timedelta(hours=1))
    assert first.id == again.id
    assert carry(first, ROOM).id == carry(again, ROOM).id
    assert first.id != of([], [], now=NOW + DAY).id
    one = carry(first, ROOM)
    assert (one.alert_id, one.bulletin, one.reason) == (first.id, first.id, RouteReason.BULLETIN)
    assert told_of([one]).words == {}


# --------------------------------------------------------------------------- what


def test_an_empty_digest_says_that_there_is_nothing_and_that_we_run() -> None:
    for lang, words in (("ko", "알릴 것 없음"), ("en", "nothing to report")):
        bulletin = of([], [], replace(ROOM, lang=lang))
        assert words in bulletin.title
        assert (bulletin.kind, bulletin.alerts) == (BulletinKind.DIGEST, ())
        assert len(bulletin.parts) == 1


def test_the_best_stand_first_each_with_the_reason_why_it_was_held() -> None:
    small, large = urea_alert(Stage.WATCH, id="alr-1"), urea_alert(id="alr-2")
    bulletin = of([small, large], [*told(small), *told(large)])
    assert bulletin.alerts == ("alr-2", "alr-1")
    held = bulletin.parts[0]
    assert "주의" in held.lines[0]
    assert "한도" in held.lines[0]
    assert "관심" in held.lines[1]
    assert "보류 2건" in bulletin.title


def test_what_was_told_is_open_and_what_ended_says_how() -> None:
    free = replace(ROOM, budget_per_day=None)
    open_, over = urea_alert(id="alr-1"), urea_alert(id="alr-2")
    past = [*told(open_, free), *told(over, free), *told(urea_alert(id="alr-3"))]
    ends = [
        replace(one, state=AlertState.RESOLVED, resolved_at=NOW, ending=Ending.QUIET)
        for one in (over, urea_alert(id="alr-3"))
    ]
    bulletin = of([open_, *ends], past, free)
    assert bulletin.alerts == ("alr-1", "alr-2", "alr-3"), "held and ended unheard, too"
    assert "진행 1건, 보류 0건, 끝남 2건" in bulletin.title
    assert lines(bulletin).count("새 근거 없음") == 2


def test_a_blind_alert_in_a_digest_never_reads_as_calm() -> None:
    free = replace(ROOM, budget_per_day=None, lang="en")
    blind = urea_alert(blind_since=NOW)
    assert "silence is not calm" in lines(of([blind], told(blind, free), free))


def test_below_the_minimum_is_counted_and_not_listed() -> None:
    picky = replace(ROOM, minimum=Stage.SEVERE)
    bulletin = of([urea_alert()], told(urea_alert(), picky), picky)
    assert bulletin.alerts == ()
    assert "1건" in lines(bulletin)


def test_what_one_digest_listed_the_next_does_not_repeat_and_nothing_releases() -> None:
    alert, held = urea_alert(), told(urea_alert())
    first = of([alert], held)
    assert first.alerts == (alert.id,)
    later = NOW + timedelta(hours=6)
    assert of([alert], held, since=NOW, now=later).alerts == ()
    roomy = Routes((replace(ROOM, budget_per_day=5),))
    known = [*held, carry(first, ROOM)]
    assert release([alert], roomy, (), held, Spent(), later)
    assert release([alert], roomy, (), known, Spent(), later) == []


def test_what_quiet_hours_held_is_released_at_their_end_unless_a_digest_came_first() -> None:
    night = datetime.fromisoformat("2021-10-11T23:00+09:00")
    for digests, released in ((("08:30",), True), (("06:00",), False)):
        room = replace(ROOM, budget_per_day=None, quiet="22:00-07:00", digests=digests)
        alert, held = urea_alert(), told(urea_alert(), room, night)
        assert held[0].reason is RouteReason.HELD_BY_QUIET_HOURS
        six = night + timedelta(hours=7)
        assert release([alert], Routes((room,)), (), held, Spent(), six) == []
        if not released:
            held.append(carry(of([alert], held, room, night - DAY, six), room))
        end = night + timedelta(hours=8)
        assert bool(release([alert], Routes((room,)), (), held, Spent(), end)) is released


def test_yesterdays_over_budget_is_not_told_at_midnight() -> None:
    room = replace(ROOM, budget_per_day=1, digests=())
    held = [replace(n, reason=RouteReason.HELD_BY_BUDGET) for n in told(urea_alert(), room)]
    same_day, midnight = NOW + timedelta(hours=9), NOW + timedelta(hours=12, minutes=31)
    assert release([urea_alert()], Routes((room,)), (), held, Spent(), same_day)
    assert release([urea_alert()], Routes((room,)), (), held, Spent(), midnight) == []


# --------------------------------------------------------------------------- the withheld list


def test_the_withheld_list_holds_everything_that_no_message_followed_best_first() -> None:
    small, large, sent = (
        urea_alert(Stage.WATCH, id="alr-1"), urea_alert(id="alr-2"), urea_alert(Stage.ALERT, id="alr-3"),
    )  # fmt: skip
    known = [n for one in (small, large, sent) for n in told(one)]
    listed = withheld(ROOM, known, [small, large, sent])
    assert [(one.alert.id, one.reason, one.told) for one in listed] == [
        ("alr-2", RouteReason.HELD_BY_BUDGET, None), ("alr-1", RouteReason.HELD_BY_BUDGET, None),
    ]  # fmt: skip
    assert all("한도" in one.why for one in listed)
    rise = change(ChangeKind.STAGE_UP, replace(small, stage=Stage.CAUTION, revision=2), Stage.WATCH)
    after = [*known, *route([rise], ROUTES, (), Spent(), NOW, told_of(known))]
    assert [one.alert.id for one in withheld(ROOM, after, [small, large, sent])] == ["alr-2"]


# --------------------------------------------------------------------------- planned events


class Use:
    ko, en, ksic, ministries = "요소수", "exhaust fluid", "49301", ("molit",)


PLAN = Silence(
    "sil-1", "kim", "announced", NOW, NOW + DAY, {"item": "urea"}, planned=True, title="maintenance"
)
EVERYBODY = (
    Receiver("all", "console", "-", "en"),
    Receiver("transport", "slack", "C1", ministries=("molit",)),
    Receiver("trucks", "slack", "C2", sectors=("493",)),
    Receiver("urea", "slack", "C3", items=("urea",)),
    Receiver("culture", "slack", "C4", ministries=("mcst",)),
    Receiver("operator", "slack", "C5", items=("neon",), unlisted=True),
)


def concerned(silence: Silence, *receivers: Receiver) -> list[str]:
    found = planned_bulletins(
        silence, Routes(receivers or EVERYBODY), NOW, {"urea": [Use()]}, NAMES
    )
    return [one.receiver for one in found]


def test_a_planned_event_is_told_to_those_who_depend_on_it() -> None:
    assert concerned(PLAN) == ["all", "transport", "trucks", "urea"]
    assert concerned(replace(PLAN, matchers={"item": "odd"})) == ["all", "operator"]
    assert concerned(replace(PLAN, matchers={"ministry": "mcst"})) == ["all", "culture"]
    assert concerned(replace(PLAN, matchers={"port": "busan"})) == [r.name for r in EVERYBODY]
    only = {"item": "urea", "receiver": "urea"}
    assert concerned(replace(PLAN, matchers=only)) == ["urea"]


def test_a_silence_or_what_is_over_tells_nobody() -> None:
    assert concerned(replace(PLAN, planned=False)) == []
    assert concerned(replace(PLAN, ends_at=NOW)) == []


def test_the_bulletin_of_a_planned_event_says_what_when_and_what_it_does() -> None:
    english, korean = planned_bulletins(
        PLAN, Routes(EVERYBODY[:1] + EVERYBODY[3:4]), NOW, {}, NAMES
    )
    assert english.kind is BulletinKind.PLANNED
    assert "maintenance" in english.title
    assert "Urea" in lines(english)
    assert "held up to caution" in lines(english)
    assert "announced" in lines(english)
    assert "요소" in lines(korean)
    assert english.id != korean.id
