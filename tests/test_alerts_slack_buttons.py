"""Under the message: buttons, calls by name and pictures; and what of them never happens."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerts.channels import ChannelSettings, Sent
from alerts.channels.slack import Slack, laid_out, open_slack
from alerts.channels.slack_buttons import read_value, reply_buttons, root_buttons
from alerts.channels.slack_calls import Calls
from alerts.channels.slack_forms import FIELDS, Place, form
from alerts.channels.slack_limits import check_form, checked
from alerts.channels.slack_manifest import SCOPES, manifest
from alerts.channels.slack_pictures import LARGEST, LONGEST_PAUSE_S, Pictures, slacks_own
from alerts.channels.slack_uploads import WAITING
from alerts.messages import Message, Picture, build_message
from ews.model import AlertState, ChangeKind, Ending, Stage
from tests.alert_samples import NOW, change, notification, urea_alert, view_of
from tests.fake_slack import HIDDEN, blocks_refused
from tests.fake_slack_more import FullSlack
from tests.hostile import HOSTILE
from tests.test_alerts_blocks import longest_view

LINK = "https://ews.example.org/alerts/alr-0123456789abcdef"
TABLE = {"홍길동": "U0KIM", "Ana": "W0ANA", "<!channel>": "U0X> <!channel>"}
PICTURES = (
    Picture("path.png", "이어지는 길", b"\x89PNG path"),
    Picture("series.png", "수입량", b"\x89PNG series"),
)


@pytest.fixture
def slack() -> Iterator[FullSlack]:
    with FullSlack() as server:
        server.now = NOW.timestamp()
        yield server


def channel_to(slack: FullSlack) -> Slack:
    settings = ChannelSettings(
        Path("."), slack_token=HIDDEN, slack_url=slack.url, slack_timeout_s=2, slack_id=TABLE.get
    )
    return open_slack(settings)


def message(kind: ChangeKind = ChangeKind.RAISED, lang: str = "ko", **alert: Any) -> Message:
    stage = alert.pop("stage", Stage.CAUTION)
    made = urea_alert(stage, **alert)
    return build_message(view_of(change(kind, made, Stage.WATCH), link=LINK), lang)


def names(blocks: Any) -> list[list[str]]:
    """The buttons by row."""
    return [
        [one["action_id"].removeprefix("ews_") for one in block["elements"]]
        for block in blocks
        if block["type"] == "actions"
    ]


CARE = ["acknowledge", "hand_over", "silence", "false_alarm", "clear", "close", "why"]
ENDED = {"state": AlertState.RESOLVED, "ending": Ending.EASED, "resolved_at": NOW}


@pytest.mark.parametrize(
    ("alert", "rows"),
    [
        ({}, [CARE]),
        ({"proposed": Stage.ALERT}, [["sign_off", "refuse"], CARE]),
        ({"stage": Stage.ALERT, "timed_out": True}, [["sign_off", "refuse"], CARE]),
        (ENDED, [["close", "false_alarm", "why"]]),
    ],
)
def test_the_first_message_offers_what_can_be_done_now(
    slack: FullSlack, alert: dict[str, Any], rows: list[list[str]]
) -> None:
    channel_to(slack).send(message(**alert), notification(), None)
    (posted,) = slack.messages["C1"]
    assert names(posted["blocks"]) == rows


def test_the_buttons_of_the_first_message_follow_the_alert(slack: FullSlack) -> None:
    channel = channel_to(slack)
    root = channel.send(message(), notification(), None)
    waits = message(ChangeKind.PROPOSED, proposed=Stage.ALERT, revision=2)
    channel.send(waits, notification(revision=2), root.thread_id)
    first, reply = slack.messages["C1"]
    assert names(first["blocks"]) == [["sign_off", "refuse"], CARE]
    assert names(reply["blocks"]) == [["sign_off", "refuse", "why"]]
    assert {read_value(one["value"]) for one in reply["blocks"][-1]["elements"]} == {
        ("alr-0123456789abcdef", 2)
    }
    channel.send(message(**ENDED, revision=3), notification(revision=3), root.thread_id)
    assert names(first["blocks"]) == [["close", "false_alarm", "why"]]
    assert names(slack.messages["C1"][-1]["blocks"]) == []


def test_an_edit_brings_the_first_message_up_to_date_and_posts_nothing(slack: FullSlack) -> None:
    channel = channel_to(slack)
    root = channel.send(message(), notification(), None)
    taken = message(ChangeKind.ACKNOWLEDGED, holder="홍길동", revision=2)
    edit = replace(notification(revision=2), edit=True)
    taken = replace(taken, pictures=PICTURES)
    assert channel.send(taken, edit, root.thread_id) == Sent(root.thread_id, root.thread_id)
    (first,) = slack.messages["C1"]
    assert first["edited"]
    assert "홍길동" in str(first["blocks"])
    assert not slack.shared
    assert first["metadata"]["event_payload"]["k"] == notification().id  # still found by it


def test_a_button_carries_the_alert_and_its_revision_and_no_text() -> None:
    made = build_message(view_of(change(alert=urea_alert(title="<!channel>"))), "ko")
    (row,) = root_buttons(made, "ko")
    assert {one["value"] for one in row["elements"]} == {"alr-0123456789abcdef.1"}  # type: ignore[attr-defined]
    for bad in ("", "alr-1", "x.1", "alr-1.x", "alr-1.1\n", "alr-1.1 ", "alr-１.1", None, 1, {}):
        assert read_value(bad) is None


@pytest.mark.parametrize(("link", "has"), [(LINK, True), ("", False), ("javascript:x", False)])
def test_why_leads_to_the_page_where_one_is_served(link: str, has: bool) -> None:
    made = build_message(view_of(link=link), "en")
    why = root_buttons(made, "en")[-1]["elements"][-1]  # type: ignore[index]
    assert why["text"]["text"] == "Why?"
    assert ("url" in why) == has


def test_buttons_speak_the_language_of_the_channel() -> None:
    for lang, word in (("ko", "확인"), ("en", "Take it")):
        (row,) = root_buttons(message(lang=lang), lang)
        assert row["elements"][0]["text"]["text"] == word  # type: ignore[index]
        assert str(row["block_id"]).endswith(f"_{lang}")


@pytest.mark.parametrize("kind", [ChangeKind.PROPOSED, ChangeKind.ESCALATED])
def test_the_longest_message_keeps_its_buttons_inside_every_limit(kind: ChangeKind) -> None:
    view = longest_view(kind, Stage.SEVERE, None)
    waits = replace(view.alert, proposed=Stage.SEVERE, timed_out=True)
    view = replace(view, alert=waits, link=LINK + "x" * 900)
    for lang in ("ko", "en"):
        made = build_message(view, lang)
        for blocks, buttons in (
            (made.root_blocks, root_buttons(made, lang)),
            (made.blocks, reply_buttons(made, lang)),
        ):
            rows = laid_out(blocks, ["<@U0KIM> " * 20], buttons)
            assert rows is not None
            assert checked(rows) == rows
            assert blocks_refused(rows) is None
            assert len(names(rows)) == len(buttons) > 0


def test_a_layout_that_is_too_much_goes_without_buttons_before_it_goes_as_words() -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2600}}
    buttons = root_buttons(message(), "ko")
    assert laid_out([section] * 5, (), buttons) == [section] * 5
    assert laid_out([section] * 6, (), buttons) is None


# --------------------------------------------------------------------------- calls by name


def test_a_person_is_called_by_the_id_of_our_own_table_only(slack: FullSlack) -> None:
    called = ("홍길동", "Ana", "홍길동", "<!channel>", "nobody", "<@U999>", *HOSTILE[:6])
    told = replace(notification(), mentions=called)
    channel_to(slack).send(message(), told, None)
    (posted,) = slack.messages["C1"]
    assert posted["blocks"][1]["text"]["text"].startswith("<@U0KIM> <@W0ANA> ")
    everything = posted["text"] + str(posted["blocks"])
    assert everything.count("<@") == 4  # two in the words for the lock screen, two in the block
    assert "<!" not in everything


def test_nobody_is_called_when_nobody_has_an_id(slack: FullSlack) -> None:
    channel_to(slack).send(message(), replace(notification(), mentions=("nobody",)), None)
    (posted,) = slack.messages["C1"]
    assert "<@" not in posted["text"] + str(posted["blocks"])


# --------------------------------------------------------------------------- pictures


def test_pictures_lie_in_the_thread_after_the_message(slack: FullSlack) -> None:
    channel = channel_to(slack)
    sent = channel.send(replace(message(), pictures=PICTURES), notification(), None)
    assert channel.pictures_tried()
    assert [(one["name"], one["title"], one["png"]) for one in slack.shared] == [
        (one.name, one.title, one.png) for one in PICTURES
    ]
    assert {(one["channel"], one["thread"]) for one in slack.shared} == {("C1", sent.thread_id)}
    methods = [method for method, _ in slack.calls]
    assert methods[0] == "chat.postMessage"


@pytest.mark.parametrize("method", [
    "files.getUploadURLExternal", "upload", "files.completeUploadExternal",
])  # fmt: skip
@pytest.mark.parametrize("fault", ["500", "429", "missing_scope", "drop"])
def test_a_picture_that_fails_neither_holds_back_nor_doubles_the_message(
    slack: FullSlack, method: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    if method == "upload" and not fault.isdigit():
        fault = "403"
    slack.fault = lambda called, body: fault if called == method else None
    told = replace(message(), pictures=PICTURES)
    channel = channel_to(slack)
    sent = channel.send(told, notification(), None)
    assert channel.pictures_tried()
    assert [one["ts"] for one in slack.messages["C1"]] == [sent.external_id]
    assert len(slack.shared) <= len(PICTURES)
    assert "picture not uploaded" in caplog.text
    assert HIDDEN not in caplog.text


def test_a_picture_is_put_once_however_often_its_message_is_tried(slack: FullSlack) -> None:
    channel = channel_to(slack)
    told = replace(message(), pictures=PICTURES)
    for _ in range(3):
        channel.send(told, notification(), None)  # as after a look-up that did not find it
    assert channel.pictures_tried()
    assert [one["name"] for one in slack.shared] == ["path.png", "series.png"]


def test_no_message_waits_for_a_picture_and_too_many_are_left_out(
    slack: FullSlack, caplog: pytest.LogCaptureFixture
) -> None:
    held = threading.Event()
    channel = channel_to(slack)

    def hang(*_: object) -> None:
        assert held.wait(20)
        raise RuntimeError("a fault of ours in the thread of the pictures")

    channel._pictures._one = hang  # type: ignore[method-assign]
    told = replace(message(), pictures=PICTURES[:1])
    began = time.monotonic()
    for number in range(2, WAITING + 5):
        channel._pictures.later(told.pictures, f"ntf-{number}", "C1", "1.000001")
    sent = channel.send(told, notification(), None)
    assert [one["ts"] for one in slack.messages["C1"]] == [sent.external_id]
    assert time.monotonic() - began < 5, "the upload hangs, and nothing else does"
    assert "pictures left out" in caplog.text
    held.set()
    assert channel.pictures_tried(), "a fault in one does not end the thread"
    assert caplog.text.count("work behind the messages failed") >= WAITING


def test_slack_is_let_be_when_it_wants_that(slack: FullSlack) -> None:
    slack.fault = lambda called, body: "429" if called.startswith("files.") else None
    pictures = Pictures(Calls(HIDDEN, slack.url, 2), slack.url)
    assert pictures.put(PICTURES, "ntf-1", "C1", "1.000001") == 0
    assert [method for method, _ in slack.calls] == ["files.getUploadURLExternal"]
    assert 0 < pictures._pause_s <= LONGEST_PAUSE_S


def test_pictures_that_are_slow_are_given_up(slack: FullSlack) -> None:
    clock = iter((0.0, 1.0, 30.0, 31.0))
    pictures = Pictures(Calls(HIDDEN, slack.url, 2), slack.url, lambda: next(clock))
    assert pictures.put(PICTURES, "ntf-1", "C1", "1.000001") == 1


def test_a_picture_too_large_or_an_address_elsewhere_is_not_sent(
    slack: FullSlack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    pictures = Pictures(Calls(HIDDEN, slack.url, 2), slack.url)
    huge = replace(PICTURES[0], png=b"x" * (LARGEST + 1))
    assert pictures.put((huge,), "ntf-1", "C1", "1.000001") == 0
    real = slack.serve

    def elsewhere(method: str, body: dict[str, Any], token: str) -> Any:
        status, answer, fault = real(method, body, token)
        if "upload_url" in answer:
            answer["upload_url"] = "http://127.0.0.1:1/secret"
        return status, answer, fault

    slack.serve = elsewhere  # type: ignore[method-assign]
    assert pictures.put(PICTURES, "ntf-2", "C1", "1.000001") == 0
    assert not slack.shared


@pytest.mark.parametrize(("url", "ours"), [
    ("https://files.slack.com/upload/v1/abc", True),
    ("https://hooks.slack.com/actions/T1/1/x", True),
    ("http://files.slack.com/x", False),
    ("https://slack.com.evil.example/x", False),
    ("https://evilslack.com/x", False),
    ("https://files.slack.com@evil.example/x", False),
    ("https://files.slack.com:8443/x", False),
    ("https://[::1", False),
    ("file:///etc/passwd", False),
    ("", False),
])  # fmt: skip
def test_only_slacks_own_addresses_are_called(url: str, ours: bool) -> None:
    assert slacks_own(url, "https://slack.com/api/") is ours
    if url.startswith("https://files.slack.com/"):
        assert not slacks_own(url, "http://127.0.0.1:1/api/")  # a double stands in for all of it


# --------------------------------------------------------------------------- forms and the app


@pytest.mark.parametrize("lang", ["ko", "en"])
@pytest.mark.parametrize("name", FIELDS)
def test_every_form_is_valid_with_the_longest_and_worst_words(name: str, lang: str) -> None:
    place = Place(lang, "alr-" + "a" * 32, 999_999_999, "C" * 30, "1633919400.000001")
    for words in HOSTILE:
        people = [(f"per-{number}", words or "x") for number in range(100)]
        check_form(form(name, place, people, dict.fromkeys(FIELDS[name], words[:5000])))


def test_the_manifest_of_the_docs_is_the_one_the_command_prints() -> None:
    docs = Path(__file__).parents[1] / "docs/slack-manifest.yaml"
    assert docs.read_text("utf-8") == manifest()
    assert "socket_mode_enabled: true" in manifest()
    http = manifest("https://ews.agency.go.kr/")
    assert "request_url: https://ews.agency.go.kr/slack/actions\n" in http
    assert "url: https://ews.agency.go.kr/slack/commands\n" in http
    assert "socket_mode_enabled: false" in http
    assert all(f"- {scope} " in http for scope in SCOPES)
    for bad in ("http://a.b", "https://a b", "ftp://x", "https://a\nb: c"):
        with pytest.raises(ValueError, match="https"):
            manifest(bad)
