"""Presses, forms and commands of Slack: done once, in the name of who pressed, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alerts.channels.slack_limits import check_form, checked
from alerts.channels.slack_payloads import Way, read_command, read_payload
from alerts.channels.slack_replies import Replies
from ews.model import FALSE_ALARMS, ActKind, AlertChange, AlertState, ChangeKind, Person, Stage
from ews.slack_desk import Desk, Outcome
from ews.storage import Store
from tests.alert_samples import NOW
from tests.faces_home import NOW as FACES_NOW
from tests.faces_home import make_home
from tests.fake_slack import HIDDEN
from tests.fake_slack_more import FullSlack
from tests.slack_samples import PROPOSED, USERS, command, filled_store, people, press, submit


@pytest.fixture(scope="module")
def slack() -> Iterator[FullSlack]:
    with FullSlack(("C1", *USERS)) as server:
        yield server


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seed")


@pytest.fixture
def store(tmp_path: Path, seed: Path) -> Iterator[Store]:
    with filled_store(tmp_path, seed) as opened:
        yield opened


@pytest.fixture
def desk(store: Store, slack: FullSlack) -> Iterator[Desk]:
    slack.fault = lambda method, body: None
    slack.response_status = 200
    for kept in (slack.forms, slack.ephemerals, slack.responses):
        kept.clear()
    made = Desk(store, Replies(HIDDEN, slack.url), lambda: NOW + timedelta(minutes=5))
    yield made
    made.close()


def done(desk: Desk, payload: dict[str, Any]) -> Outcome:
    return desk.take(read_payload(payload)).result(10)


def typed(desk: Desk, slack: FullSlack, text: str, user: str = "UOFF") -> str:
    """What is told to who typed it."""
    assert not desk.take(read_command(command(slack, text, user))).result(10).refused
    return str(slack.responses[-1]) if slack.responses else ""


def kept(store: Store) -> dict[str, int]:
    """Rows of every table."""
    with store._engine.connect() as connection:
        names = sa.inspect(connection).get_table_names()
        return {
            name: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0
            for name in names
        }


# --------------------------------------------------------------------------- acts


def test_a_press_takes_the_alert_in_the_name_of_who_pressed(
    desk: Desk, store: Store, slack: FullSlack
) -> None:
    assert done(desk, press(slack, "acknowledge")) == Outcome()
    alert = store.alert(PROPOSED)
    assert alert is not None
    assert (alert.holder, alert.state) == ("홍길동", AlertState.ACKNOWLEDGED)
    (act,) = store.acts(alert_id=PROPOSED)
    assert (act.kind, act.by, act.via) == (ActKind.ACKNOWLEDGE, "홍길동", "slack")
    (answer,) = slack.responses
    assert answer["response_type"] == "ephemeral"
    assert answer["replace_original"] is False
    assert "홍길동" in answer["text"]


def test_a_signature_raises_the_stage_once_however_often_it_comes(
    desk: Desk, store: Store, slack: FullSlack
) -> None:
    sign = press(slack, "sign_off")
    for _ in range(3):
        assert not done(desk, sign).refused
    alert = store.alert(PROPOSED)
    assert alert is not None
    assert (alert.stage, alert.signed_off_by, alert.revision) == (Stage.ALERT, "홍길동", 2)
    assert len(store.acts(alert_id=PROPOSED)) == 1
    assert len(slack.responses) == 1


def test_the_same_press_twenty_times_at_once_is_one_act(
    desk: Desk, store: Store, slack: FullSlack
) -> None:
    asked = read_payload(press(slack, "acknowledge"))
    taken = [desk.take(asked) for _ in range(20)]
    assert [one.result(20) for one in taken] == [Outcome()] * 20
    assert len(store.acts(alert_id=PROPOSED)) == 1
    assert store.alert(PROPOSED).revision == 2  # type: ignore[union-attr]
    assert len(slack.responses) == 1


def test_a_signature_of_what_has_changed_since_is_not_taken(
    desk: Desk, store: Store, slack: FullSlack
) -> None:
    done(desk, press(slack, "sign_off"))
    before = kept(store)
    done(desk, press(slack, "sign_off"))  # another press on the old message
    assert "그사이 경보가 바뀌었습니다" in slack.responses[-1]["text"]
    assert kept(store) == before


@pytest.mark.parametrize("name", ["sign_off", "refuse", "clear", "false_alarm"])
def test_an_old_button_answers_with_what_changed_and_buttons_of_now(
    desk: Desk, store: Store, slack: FullSlack, name: str
) -> None:
    """The channel need not have been told of the change: it may be held back by a cooldown."""
    alert = store.alert(PROPOSED)
    assert alert is not None
    grown = replace(alert, revision=2, updated_at=NOW + timedelta(minutes=1))
    store.save_changes([AlertChange(grown, ChangeKind.UPDATED, grown.updated_at, alert.stage,
                                    "new: 3 independent sources")])  # fmt: skip
    if name == "sign_off":
        done(desk, press(slack, name))
    else:
        done(desk, press(slack, name))
        (form,) = slack.forms
        reason = {"reason": "not_real"} if name == "false_alarm" else {"note": "because"}
        assert done(desk, submit(form, reason)).errors
    assert store.alert(PROPOSED) == grown
    answer = slack.responses[-1] if slack.responses else slack.ephemerals[-1]
    assert checked(answer["blocks"]) is not None
    fresh = [one for block in answer["blocks"] for one in block.get("elements", [])]
    values = {one["action_id"]: one["value"] for one in fresh if "value" in one}
    assert values["ews_sign_off"] == f"{PROPOSED}.2"
    assert not done(desk, press(slack, "sign_off", value=values["ews_sign_off"])).refused
    assert store.alert(PROPOSED).signed_off_by == "홍길동"  # type: ignore[union-attr]


@pytest.mark.parametrize("user", ["UNKNOWN", "UGONE", "UFIRM", "UANA"])
def test_who_may_not_sign_changes_nothing_and_is_told_what_to_do(
    desk: Desk, store: Store, slack: FullSlack, user: str
) -> None:
    before = kept(store)
    assert done(desk, press(slack, "sign_off", user)).refused
    assert kept(store) == before
    (answer,) = slack.responses
    assert "아무것도 하지 않았습니다" in answer["text"]


def test_another_workspace_is_refused_and_told_nothing(
    desk: Desk, store: Store, slack: FullSlack
) -> None:
    before = kept(store)
    for wrong in (
        {"team": {"id": "T2"}},
        {"user": {"id": "UOFF", "team_id": "T2"}},
    ):
        assert done(desk, press(slack, "acknowledge") | wrong).refused
    assert kept(store) == before
    assert not slack.responses
    assert not slack.ephemerals


def test_nothing_is_done_while_it_is_not_known_which_workspace_is_ours(
    desk: Desk, store: Store, slack: FullSlack
) -> None:
    slack.fault = lambda method, body: "500" if method == "auth.test" else None
    before = kept(store)
    done(desk, press(slack, "acknowledge"))
    assert kept(store) == before


def test_an_alert_that_is_not_there_is_said_to_be_unknown(desk: Desk, slack: FullSlack) -> None:
    assert not done(desk, press(slack, "acknowledge", value="alr-nothere.1")).refused
    assert "alr-nothere" in slack.responses[-1]["text"]


def test_a_fault_of_ours_is_told_and_does_not_end_the_desk(
    desk: Desk, store: Store, slack: FullSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(store, "person", None)
        assert done(desk, press(slack, "acknowledge")) == Outcome()
    assert "잘못" in slack.responses[-1]["text"]
    done(desk, press(slack, "acknowledge"))
    assert store.alert(PROPOSED).holder == "홍길동"  # type: ignore[union-attr]


# --------------------------------------------------------------------------- forms

FILLED = {
    "hand_over": {"to": "per-uana", "remark": "내일 쉽니다"},
    "refuse": {"note": "아직 이릅니다"},
    "silence": {"hours": "4", "note": "이미 대응 중"},
    "false_alarm": {"reason": "old_news", "remark": "작년 일"},
    "clear": {"note": "통관이 풀렸습니다"},
    "close": {"decision": "긴급 할당", "outcome": "재고 유지"},
}


def opened(desk: Desk, slack: FullSlack, name: str, user: str = "UOFF") -> dict[str, Any]:
    assert not done(desk, press(slack, name, user)).refused
    return slack.forms[-1]


@pytest.mark.parametrize("name", FILLED)
def test_a_form_opens_and_what_is_sent_is_done_once(
    desk: Desk, store: Store, slack: FullSlack, name: str
) -> None:
    view = opened(desk, slack, name)
    check_form(view)
    sent = submit(view, FILLED[name])
    assert [done(desk, sent) for _ in range(2)] == [Outcome(), Outcome()]
    (act,) = store.acts(kinds=[ActKind(name)])
    assert (act.by, act.alert_id) == ("홍길동", PROPOSED)
    (told,) = slack.ephemerals
    assert (told["user"], told["channel"]) == ("UOFF", "C1")
    assert told["thread_ts"] == "1633919400.000001"


def test_what_the_forms_do_is_what_the_acts_mean(
    desk: Desk, store: Store, slack: FullSlack
) -> None:
    done(desk, submit(opened(desk, slack, "hand_over"), FILLED["hand_over"]))
    assert store.alert(PROPOSED).holder == "Ana"  # type: ignore[union-attr]
    done(desk, submit(opened(desk, slack, "silence"), FILLED["silence"]))
    (silence,) = store.silences(NOW + timedelta(hours=4))
    assert (silence.by, silence.reason, silence.matchers) == (
        "홍길동", "이미 대응 중", {"alert": PROPOSED},
    )  # fmt: skip
    assert silence.ends_at == NOW + timedelta(hours=4, minutes=5)
    done(desk, submit(opened(desk, slack, "false_alarm"), FILLED["false_alarm"]))
    changes = store.changes(alert_id=PROPOSED)
    assert changes[-1].kind is ChangeKind.RETRACTED
    assert "철회" in slack.ephemerals[-1]["text"]


def test_a_false_alarm_has_the_eight_reasons(desk: Desk, slack: FullSlack) -> None:
    menu = opened(desk, slack, "false_alarm")["blocks"][0]["element"]
    assert [option["value"] for option in menu["options"]] == list(FALSE_ALARMS)
    assert len(FALSE_ALARMS) == 8


def test_an_empty_field_and_a_refusal_are_shown_in_the_form(
    desk: Desk, store: Store, slack: FullSlack
) -> None:
    view = opened(desk, slack, "clear")
    before = kept(store)
    assert set(done(desk, submit(view, {"note": "  "})).errors) == {"note"}
    assert kept(store) == before
    done(desk, submit(view, FILLED["clear"]))
    assert set(done(desk, submit(view, FILLED["clear"])).errors) == {"note"}  # it is over already


def test_a_form_of_somebody_who_lost_the_right_meanwhile_does_nothing(
    desk: Desk, store: Store, slack: FullSlack
) -> None:
    view = opened(desk, slack, "clear")
    person = store.person(slack_id="UOFF")
    assert isinstance(person, Person)
    store.save_person(replace(person, disabled_at=NOW), "test", NOW)
    before = kept(store)
    assert done(desk, submit(view, FILLED["clear"])).refused
    assert kept(store) == before


def test_a_form_sent_by_another_user_counts_as_that_users(
    desk: Desk, store: Store, slack: FullSlack
) -> None:
    view = opened(desk, slack, "refuse")
    before = kept(store)
    assert done(desk, submit(view, FILLED["refuse"], "UFIRM")).refused
    assert kept(store) == before


def test_no_form_opens_for_who_may_not_send_it(desk: Desk, slack: FullSlack) -> None:
    assert done(desk, press(slack, "clear", "UFIRM")).refused
    assert not slack.forms


def test_a_trigger_that_waited_too_long_says_to_press_again(desk: Desk, slack: FullSlack) -> None:
    late = press(slack, "clear")
    slack.triggers[late["trigger_id"]] -= 4
    done(desk, late)
    assert "다시 눌러" in slack.responses[-1]["text"]


def test_more_people_than_a_menu_takes_are_picked_from_slacks_own_list(
    desk: Desk, store: Store, slack: FullSlack
) -> None:
    for number in range(120):
        name = f"Person {number}"
        store.save_person(
            Person(f"per-{number}", name, "official", NOW, slack_id=f"U{number}"), "test", NOW
        )
    view = opened(desk, slack, "hand_over")
    check_form(view)
    assert view["blocks"][0]["element"]["type"] == "users_select"
    assert done(desk, submit(view, {"to": "U7"})) == Outcome()
    assert store.alert(PROPOSED).holder == "Person 7"  # type: ignore[union-attr]
    assert done(desk, submit(opened(desk, slack, "hand_over"), {"to": "UNOBODY"})).errors


def test_a_missed_alert_is_reported_by_command_and_by_shortcut(
    desk: Desk, store: Store, slack: FullSlack
) -> None:
    typed(desk, slack, "놓침 요소 수출이 막혔는데 아무 말이 없었음", "UFIRM")
    (what,) = [b for b in slack.forms[-1]["blocks"] if b["block_id"] == "what"]
    assert what["element"]["initial_value"] == "요소 수출이 막혔는데 아무 말이 없었음"
    short = press(slack, "x") | {
        "type": "shortcut", "callback_id": "ews_missed", "action_ts": "1633919400.000009",
    }  # fmt: skip
    assert read_payload(short).way is Way.SHORTCUT
    done(desk, short)
    view = slack.forms[-1]
    values = {"item": "요소", "what": "통관이 멈춤", "when": "2021-10-11", "link": "ftp://x"}
    assert done(desk, submit(view, values, "UFIRM")).errors
    assert done(desk, submit(view, values | {"link": "https://e.org/a"}, "UFIRM")) == Outcome()
    (act,) = store.acts(kinds=[ActKind.MISSED])
    assert (act.by, act.note, act.detail["item"]) == ("Firm Person", "통관이 멈춤", "요소")
    assert slack.messages["UFIRM"][-1]["text"]  # no channel there: in their own messages


# --------------------------------------------------------------------------- questions


@pytest.mark.parametrize("text", ["310210", "요소", "urea", "국가 중국", "port busan", "호르무즈"])
def test_a_command_tells_what_hangs_on_it_inside_slacks_limits(
    desk: Desk, slack: FullSlack, text: str
) -> None:
    said = typed(desk, slack, text)
    blocks = slack.responses[-1]["blocks"]
    assert checked(blocks)
    assert blocks[0]["type"] == "header"
    if text in {"310210", "요소", "urea"}:
        assert "요소" in said
        assert "국토교통부" in said  # the ministry of trucks, by diesel fluid


def test_a_command_in_words_nobody_knows_offers_near_ones_and_injects_nothing(
    desk: Desk, slack: FullSlack
) -> None:
    said = typed(desk, slack, "<!channel> <@U1> *x* <https://e.org|y>")
    assert "<!" not in said
    assert "<@" not in said
    assert "<http" not in said


def test_a_firm_sees_its_own_exposure_and_nobody_else_does(
    tmp_path: Path, slack: FullSlack
) -> None:
    make_home(tmp_path)
    store = Store.open(tmp_path)
    people(store)
    person = store.person(slack_id="UFIRM")
    assert person is not None
    store.save_person(replace(person, owner="표본상사"), "test", NOW)
    store.save_person(
        replace(person, id="per-2", name="Other", owner="Other", slack_id="UOTHER"), "test", NOW
    )
    desk = Desk(store, Replies(HIDDEN, slack.url), lambda: FACES_NOW)
    try:
        said = {u: typed(desk, slack, "요소", u) for u in ("UFIRM", "UOTHER", "UOFF", "UOPS")}
        assert {user for user, text in said.items() if "표본상사" in text} == {"UFIRM"}
        assert all("97.6" in text for text in said.values())
        assert all("alert(1)" not in text for text in said.values())
        assert "표본상사" in typed(desk, slack, "표본상사", "UFIRM")
        assert "90" not in typed(desk, slack, "표본상사", "UOTHER")
    finally:
        desk.close()
        store.close()


def test_help_is_given_for_nothing_and_for_help(desk: Desk, slack: FullSlack) -> None:
    for text in ("", "help", "도움말"):
        assert "/ews 310210" in typed(desk, slack, text)


def test_a_stranger_learns_nothing_by_a_command(desk: Desk, slack: FullSlack) -> None:
    asked = read_command(command(slack, "요소", "UNKNOWN"))
    assert desk.take(asked).result(10).refused
    assert "국토교통부" not in str(slack.responses)


def test_why_names_the_command_where_no_page_is_served(desk: Desk, slack: FullSlack) -> None:
    done(desk, press(slack, "why"))
    assert f"ews explain {PROPOSED}" in slack.responses[-1]["text"]


# --------------------------------------------------------------------------- answering


@pytest.mark.parametrize(
    "url", ["https://hooks.slack.com.example.org/x", "http://127.0.0.1:1/x", "file:///etc/passwd"]
)
def test_an_answer_goes_to_slack_only(desk: Desk, slack: FullSlack, url: str) -> None:
    done(desk, press(slack, "acknowledge", response_url=url))
    assert not slack.responses
    assert len(slack.ephemerals) == 1


def test_an_answer_that_does_not_get_through_undoes_nothing(
    desk: Desk, store: Store, slack: FullSlack
) -> None:
    slack.response_status = 500
    assert done(desk, press(slack, "acknowledge")) == Outcome()
    assert store.alert(PROPOSED).holder == "홍길동"  # type: ignore[union-attr]


def test_who_is_not_in_the_channel_is_answered_in_their_own_messages(
    desk: Desk, slack: FullSlack
) -> None:
    view = opened(desk, slack, "refuse")
    slack.fault = lambda method, body: (
        "user_not_in_channel" if method == "chat.postEphemeral" else None
    )
    before = len(slack.messages["UOFF"])
    done(desk, submit(view, FILLED["refuse"]))
    assert len(slack.messages["UOFF"]) == before + 1
