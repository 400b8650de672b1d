"""The board says how we stand: the same figures on every face, nothing of it to whom it is not for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from ews.acting import NotAllowed, NotFound
from ews.config import load_settings
from ews.model import ActKind, AlertChange, ChangeKind, DeliveryState, Silence, Stage
from ews.reports import OPEN, OPERATOR, NotForViewer, UnknownName, Viewer
from ews.reports.board import FIGURES, decision_log, left, situation
from ews.reports.board_rows import AckClock, Situation
from ews.reports.outbox import ADVICE, find_letter, mended, outbox
from ews.reports.receivers import (
    check_operator,
    check_work,
    find_receiver,
    routes_of,
    routes_seen,
    sees_work,
)
from ews.reports.steps import first_steps
from ews.reports.withheld import next_digest_of, withheld_lists
from tests.board_home import GONE, Room, open_room, told
from tests.faces_home import NOW
from tests.people_home import FIRM, LATER, PEOPLE, cheap_passwords, parsed_once

STAFF = Viewer("official", None, "김공무")


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with pytest.MonkeyPatch.context() as patch, time_machine.travel(LATER, tick=False):
        cheap_passwords(patch)
        parsed_once(patch)
        yield from open_room(tmp_path_factory.mktemp("room"))


def seen(room: Room, viewer: Viewer) -> Situation:
    return situation(room.home.store, load_settings(room.home.folder), LATER, viewer)


# --------------------------------------------------------------------------- what it says


def test_alerts_stand_by_their_stage_and_what_waits_stands_first(room: Room) -> None:
    found = seen(room, STAFF)
    by_stage = {band.ko: [one.alert.id for one in band.alerts] for band in found.bands}
    assert list(by_stage) == ["심각", "경계", "주의", "관심"]
    assert by_stage == {"심각": [room.severe.id], "경계": [],
                        "주의": [room.waits.id, room.taken.id], "관심": [room.watch.id]}  # fmt: skip
    (one,) = found.waiting
    assert (one.alert.id, one.proposed, one.sign_by) == (
        room.waits.id, Stage.ALERT, NOW + timedelta(hours=1),
    )  # fmt: skip
    assert found.signers == ("서명인", "운영장")


def test_a_clock_runs_from_when_the_channel_took_the_call(room: Room) -> None:
    clocks = {(one.alert.id, c.receiver): c for one in seen(room, STAFF).alerts for c in one.clocks}
    waits = clocks[room.waits.id, "room"]
    # 경계 is asked for, so the minutes of 경계 count though 주의 is in force.
    assert (waits.told_at, waits.due_at) == (NOW, NOW + timedelta(minutes=20))
    assert (waits.state, waits.calls, waits.late) == ("overdue", 1, False)
    assert waits.next_call_at == waits.due_at  # the next cycle calls the next person
    assert clocks[room.waits.id, "molit"].due_at == NOW + timedelta(minutes=10)
    at_molit, in_room = clocks[room.taken.id, "molit"], clocks[room.taken.id, "room"]
    assert (at_molit.state, at_molit.late) == ("taken", True)
    assert (in_room.state, in_room.late, in_room.due_at) == (
        "taken", False, NOW + timedelta(minutes=240),
    )  # fmt: skip
    # 관심 has no clock, and a receiver without one has none.
    assert not [pair for pair in clocks if pair[0] == room.watch.id or pair[1] == "ministers"]


def test_a_clock_stands_still_in_quiet_hours_and_under_a_silence(room: Room) -> None:
    def clock(at: datetime, **changes: object) -> AckClock:
        receivers = tuple(replace(r, **changes) for r in room.routes.receivers)  # type: ignore[arg-type]
        routes = replace(room.routes, receivers=receivers)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ews.reports.board.routes_seen", lambda _: (routes, ""))
            found = situation(room.home.store, load_settings(room.home.folder), at, STAFF)
        return next(
            c for one in found.alerts for c in one.clocks
            if (one.alert.id, c.receiver) == (free.id, "room")
        )  # fmt: skip

    free = replace(room.taken, id="alr-free", fingerprint="free", revision=1)
    store = room.home.store
    with suppress(Undone), store.begin() as tx, pytest.MonkeyPatch.context() as patch:
        patch.setattr(room.home, "store", tx)
        tx.save_changes([AlertChange(free, ChangeKind.RAISED, NOW, None, "made up")])
        told(room.home, room.routes)
        due = NOW + timedelta(minutes=240)  # 15:00 in Korea
        for at, state in ((LATER, "running"), (due, "overdue")):
            assert (clock(at).state, clock(at).due_at) == (state, due)
        morning = NOW.replace(day=13, hour=0)  # 09:00 in Korea
        for at, state in ((LATER, "running"), (due, "paused"), (morning, "overdue")):
            found = clock(at, quiet="14:00-09:00")
            assert (found.state, found.due_at, found.next_call_at) == (state, morning, morning)
        # Once it was due it stays so in the quiet hours of the next day.
        assert clock(morning + timedelta(hours=9), quiet="14:00-09:00").state == "overdue"
        tx.save_silence(
            Silence("sil-x", "김공무", "known", LATER, due + timedelta(days=9), {"alert": free.id})
        )
        assert clock(NOW + timedelta(minutes=1)).state == "running"
        assert clock(due).state == "silenced"
        raise Undone


def test_only_what_nobody_has_taken_is_listed_the_overdue_first(room: Room) -> None:
    listed = [(one.alert.id, c.receiver, c.state) for one, c in seen(room, STAFF).clocks]
    assert {row[2] for row in listed} == {"overdue"}
    assert {row[0] for row in listed} == {room.waits.id, room.severe.id}
    assert listed[0][0] == room.severe.id  # the heavier before the lighter


def test_the_figures_are_counted_from_what_is_listed(room: Room) -> None:
    found = seen(room, OPERATOR)
    counts = found.counts
    assert (counts.severe, counts.alert, counts.caution, counts.watch) == (1, 0, 2, 1)
    assert (counts.waiting, counts.free) == (1, 2)  # the one that waits, and 심각
    assert counts.overdue == len([c for _, c in found.clocks if c.state == "overdue"]) == 4
    assert counts.decisions == len(found.decisions) == 3
    assert (counts.silences, counts.planned) == (1, 0)
    assert (counts.dead_addresses, counts.letters) == (1, len(room.home.store.dead_letters()))
    assert counts.withheld == sum(one.today for one in found.withheld) > 0


def test_an_alert_counts_for_each_ministry_it_touches(room: Room) -> None:
    other = replace(room.watch, id="alr-two", fingerprint="two", revision=1,
                    ministries=("mof", "molit"))  # fmt: skip
    with suppress(Undone), room.home.store.begin() as tx:
        tx.save_changes([AlertChange(other, ChangeKind.RAISED, NOW, None, "made up")])
        found = situation(tx, load_settings(room.home.folder), LATER, STAFF)
        assert [
            (m.ministry.code, m.severe, m.alert, m.caution, m.watch, m.waiting, m.free)
            for m in found.ministries
        ] == [("molit", 1, 0, 2, 2, 1, 2), ("mof", 0, 0, 0, 1, 0, 0)]
        raise Undone
    assert [(m.waiting, m.free) for m in seen(room, OPEN).ministries] == [(None, None)]


def test_quiet_is_never_told_as_calm_where_nothing_is_watched(room: Room) -> None:
    found = seen(room, STAFF)  # a source failed, and nothing good ever came: all of it is dark
    assert found.sight.watched
    assert found.sight.dark
    assert found.counts.blind_items == len(found.sight.items) > 10


def test_a_home_that_never_fetched_has_no_figure_of_what_is_blind(
    tmp_path: Path,
) -> None:
    from ews.storage import Store

    store = Store.open(tmp_path)
    found = situation(store, load_settings(tmp_path), NOW, OPERATOR)
    store.close()
    assert (found.sight.watched, found.counts.blind_items) == (False, None)
    assert found.counts.severe == 0


# --------------------------------------------------------------------------- for whom


@pytest.mark.parametrize("viewer", [OPEN, Viewer("firm", FIRM, "표본인"), Viewer("analyst")])
def test_who_works_here_under_no_name_sees_alerts_in_force_and_nothing_of_people(
    room: Room, viewer: Viewer
) -> None:
    found = seen(room, viewer)
    text = repr(found)
    assert len(found.alerts) == 4
    for word in (*PEOPLE, "room", "molit-private", "ministers", "known here", "bought elsewhere"):
        if word != "서명인":  # who signed stands on the public alert
            assert f"'{word}" not in text, word
    assert {key for key in FIGURES if getattr(found.counts, key) is None} == {
        "waiting", "free", "overdue", "withheld", "decisions", "silences", "planned",
        "dead_addresses", "letters",
    }  # fmt: skip
    assert [one.proposed for one in found.alerts] == [None] * 4
    # Nor does the order tell which one waits for a signature.
    other = replace(room.waits, revision=9, proposed=None, proposed_at=None, sign_by=None)
    with room.home.store.begin() as tx:
        tx.save_changes([AlertChange(other, ChangeKind.REFUSED, LATER, None, "no")])
        without = situation(tx, load_settings(room.home.folder), LATER, viewer)
        order = [one.alert.id for one in without.alerts]
        tx.save_changes([AlertChange(replace(room.waits, revision=10), ChangeKind.PROPOSED, LATER,
                                     None, "again")])  # fmt: skip
    assert order == [one.alert.id for one in found.alerts]


def test_addresses_and_letters_are_for_operators(room: Room) -> None:
    found = seen(room, STAFF)
    assert (found.addresses, found.letters, found.counts.letters) == ((), None, None)
    with pytest.raises(NotForViewer):
        check_operator(STAFF)
    with pytest.raises(NotAllowed):
        check_work(Viewer("official"))
    assert sees_work(STAFF)
    assert not sees_work(Viewer("firm", FIRM, "표본인"))


def test_no_address_is_ever_shown(room: Room) -> None:
    text = repr(seen(room, OPERATOR)) + repr(outbox(room.home.store, room.routes, LATER))
    assert "PRIVATE" not in text
    assert "private" not in text


# --------------------------------------------------------------------------- routes


def test_routes_that_cannot_be_read_close_no_board(room: Room, tmp_path: Path) -> None:
    file = tmp_path / "routes.toml"
    file.write_text("[[receiver]]\nname = 3", "utf-8")
    settings = load_settings(room.home.folder).model_copy(update={"routes_file": file})
    routes, problem = routes_seen(settings)
    assert (routes.receivers, problem[:7]) == ((), "routes:")
    found = situation(room.home.store, settings, LATER, STAFF)
    assert (len(found.alerts), found.problem, found.withheld) == (4, problem, ())
    assert situation(room.home.store, settings, LATER, OPEN).problem == ""


def test_the_slack_channel_of_the_settings_is_one_more_receiver(room: Room) -> None:
    settings = load_settings(room.home.folder)
    assert routes_of(settings) == room.routes
    more = routes_of(settings.model_copy(update={"slack_channel": "C1"}))
    assert more.receiver("slack").address == "C1"
    with pytest.raises(UnknownName, match="room, molit"):
        find_receiver(room.routes, "nobody")


# --------------------------------------------------------------------------- held back, decided


def test_what_a_receiver_does_not_know_is_listed_with_the_reason(room: Room) -> None:
    lists = {one.receiver: one for one in withheld_lists(room.home.store, room.routes, LATER)}
    ministers = lists["ministers"]
    assert [(line.alert_id, line.reason, line.told) for line in ministers.lines] == [
        (id, "held_below_minimum", None) for id in (room.taken.id, room.watch.id)
    ]  # fmt: skip
    assert ministers.today == ministers.count == sum(ministers.reasons.values()) == 2
    assert ministers.next_digest is not None
    assert lists["room"].count == 0
    # On the next day of the receiver they are not of today any more, and still not known.
    (tomorrow,) = withheld_lists(
        room.home.store, room.routes, LATER + timedelta(days=1), [room.routes.receiver("ministers")]
    )
    assert (tomorrow.today, tomorrow.count) == (0, 2)


def test_a_message_that_died_told_nobody(room: Room) -> None:
    """An alert whose only message died is not counted as known."""
    store = room.home.store
    letters = {told.receiver for told, _ in store.dead_letters()}
    assert letters == {"gone"}
    assert "gone" not in {name for one in seen(room, STAFF).alerts for name in one.told}


def test_the_next_digest_is_shown_and_not_sent(room: Room) -> None:
    before = room.home.store.counts()
    bulletin, due = next_digest_of(room.home.store, room.routes.receiver("ministers"), LATER)
    assert due is not None
    assert due > LATER
    assert room.severe.id in bulletin.alerts
    nobody, none = next_digest_of(room.home.store, room.routes.receiver("gone"), LATER)
    assert none is None
    assert nobody.receiver == "gone"
    assert room.home.store.counts() == before


def test_the_decision_log_has_what_waits_and_what_was_written(room: Room) -> None:
    log = decision_log(room.home.store)
    assert room.severe.id not in {a.id for a in log.waiting}
    assert {room.waits.id, room.taken.id} <= {a.id for a in log.waiting}
    assert room.watch.id not in {a.id for a in log.waiting}  # 관심 needs none
    assert log.written[0].detail == {"decision": "bought elsewhere", "outcome": "stocks hold"}


# --------------------------------------------------------------------------- the outbox


def test_a_dead_letter_says_why_and_what_to_do(room: Room) -> None:
    found = outbox(room.home.store, room.routes, LATER)
    (address,) = found.addresses
    assert (address.receivers, address.dead, address.error) == (("gone",), True, GONE)
    assert {one.receiver for one in found.letters} == {"gone"}
    assert all(one.error == GONE for one in found.letters)
    one = find_letter(room.home.store, room.routes, found.letters[0].notification_id[:12])
    assert one == found.letters[0]
    for unknown in ("", "ntf-", "nothing"):
        with pytest.raises(NotFound):
            find_letter(room.home.store, room.routes, unknown)


def test_the_advice_follows_what_happened(room: Room) -> None:
    store = room.home.store
    told, delivery = store.dead_letters()[0]
    assert delivery.first_try_at is None  # refused: it surely did not arrive
    assert find_letter(store, room.routes, told.id).advice == ADVICE["mend"]
    moved = replace(room.routes, receivers=tuple(
        replace(one, address="https://new.example/") if one.name == "gone" else one
        for one in room.routes.receivers
    ))  # fmt: skip
    assert find_letter(store, moved, told.id).advice == ADVICE["moved"]
    assert mended(moved, told) == {"channel": "webhook", "address": "https://new.example/"}
    assert mended(room.routes, told) == mended(moved, None) == {}
    with suppress(Undone), store.begin() as tx:
        tx.resend(told.id, LATER)
        tried = replace(delivery, attempts=9, first_try_at=NOW)
        tx.save_delivery(tried, LATER)  # it may have arrived before it was given up
        assert find_letter(tx, room.routes, told.id).advice == ADVICE["look"]
        newer = replace(told, id="ntf-newer", alert_revision=told.alert_revision + 3)
        tx.save_notifications([], [newer])
        assert find_letter(tx, room.routes, told.id).advice == ADVICE["old"]
        raise Undone
    assert find_letter(store, room.routes, told.id).advice == ADVICE["mend"]


class Undone(Exception):
    """Takes back what a test wrote."""


# --------------------------------------------------------------------------- words


def test_how_long_until_is_said_in_both_languages() -> None:
    at = NOW
    assert left(None, at, "ko") == ""
    assert left(at + timedelta(seconds=30), at, "ko") == "0분 남음"
    assert left(at - timedelta(hours=26), at, "ko") == "1일 2시간 지남"
    assert left(at + timedelta(minutes=61), at, "en") == "1 h 1 min left"


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_steps_are_those_of_the_stage_and_of_the_kind(lang: str) -> None:
    stage, kind = first_steps("export_restriction", 2, lang)
    assert len(stage) >= 3
    assert len(kind) >= 3
    assert first_steps("no_such_type", 2, lang) == (stage, ())


# --------------------------------------------------------------------------- on every face


@pytest.mark.parametrize("name", ["운영자", "김공무", "표본인"])
def test_the_figures_are_the_same_by_command_api_and_page(room: Room, name: str) -> None:
    home, token = room.home, room.home.tokens[name]
    _, printed = home.ews("board", "--json", token=token)
    command = json.loads(printed)["counts"]
    assert home.api(token).get("/api/v1/board").json()["counts"] == command
    page = home.browser(name).get("/board").text
    shown = dict(re.findall(r'data-figure="(\w+)">(\d+)<', page))
    assert shown == {key: str(value) for key, value in command.items() if value is not None}
    table = home.ews("board", token=token)[1]
    for key, (ko, _) in FIGURES.items():
        if command[key] is not None:
            assert re.search(rf"^{ko} +{command[key]} *$", table, re.M), (key, table)


def test_held_back_is_the_same_by_command_api_and_page(room: Room) -> None:
    home, token = room.home, room.home.tokens["김공무"]
    code, printed = home.ews("withheld", "ministers", "--json", token=token)
    answer = home.api(token).get("/api/v1/withheld?receiver=ministers").json()
    assert (code, answer["receivers"]) == (0, json.loads(printed))
    page = home.browser("김공무").get("/withheld?receiver=ministers").text
    assert f"오늘 {answer['today']}건, 모두 {answer['count']}건" in page
    assert home.ews("withheld", "nobody", token=token)[0] == 1
    assert home.api(token).get("/api/v1/withheld?receiver=nobody").status_code == 404


def test_the_commands_are_for_whom_the_pages_are(room: Room) -> None:
    home = room.home
    for words, least in (("board", "표본인"), ("withheld", "분석가"), ("digest ministers", "분석가"),
                         ("outbox list", "운영자"), ("outbox show x", "운영자")):  # fmt: skip
        for name in ("표본인", "분석가", "운영자"):
            code, said = home.ews(*words.split(), token=home.tokens[name])
            order = ["표본인", "분석가", "운영자"]
            allowed = order.index(name) >= order.index(least)
            assert (code in {0, 1}) == allowed, (words, name, said)
    assert "심각" in home.ews("digest", "ministers")[1]
    assert home.ews("board")[0] == 1  # something waits for a person
    assert GONE.split(";")[0] in home.ews("outbox", "list", "--receiver", "gone")[1].replace(
        "\n", " "
    )
    assert home.ews("outbox", "list", "--receiver", "room")[0] == 1


def test_a_letter_goes_out_again_only_as_the_act_of_an_operator(room: Room) -> None:
    home = room.home
    told = home.store.dead_letters()[-1][0]
    path = f"/api/v1/outbox/{told.id}/resend"
    assert home.api(None).post(path).status_code == 401
    assert home.api(home.tokens["김공무"]).post(path).status_code == 403
    assert home.api(home.tokens["운영자"]).post("/api/v1/outbox/x/resend").status_code == 404
    done = home.api(home.tokens["운영자"]).post(path, headers={"Idempotency-Key": "one"})
    again = home.api(home.tokens["운영자"]).post(path, headers={"Idempotency-Key": "one"})
    assert (done.status_code, again.json()["act"]["repeated"]) == (200, True)
    delivery = home.store.delivery(told.id)
    assert delivery is not None
    assert delivery.state is DeliveryState.NEW
    (act,) = home.store.acts(kinds=[ActKind.RESEND])
    assert act.by == "운영자"
    home.store.save_delivery(replace(delivery, state=DeliveryState.DEAD, error=GONE), LATER)
