"""What Slack sees: one thread per alert, the root kept current, limits kept, no token shown."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.channels import Channel, ChannelError, ChannelSettings, Sent, open_channel
from alerts.channels.slack import checked
from alerts.delivery import attempt
from alerts.messages import build_message
from ews.model import AlertState, ChangeKind, Delivery, DeliveryState, Stage
from tests.alert_samples import (
    NOW,
    change,
    notification,
    urea_alert,
    urea_event,
    urea_exposure,
    view_of,
)
from tests.fake_slack import HIDDEN, FakeSlack, blocks_refused

RAISED = build_message(view_of(), "ko")


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as server:
        server.now = NOW.timestamp()
        yield server


def channel_to(slack: FakeSlack, timeout_s: int = 5, token: str = HIDDEN) -> Channel:
    settings = ChannelSettings(
        Path("."), slack_token=token, slack_url=slack.url, slack_timeout_s=timeout_s
    )
    return open_channel("slack", settings)


def error_of(slack: FakeSlack, fault: str, **more: int) -> ChannelError:
    slack.fault = lambda method, body: fault
    with pytest.raises(ChannelError) as caught:
        channel_to(slack, **more).send(RAISED, notification(), None)
    return caught.value


def test_a_message_is_posted_with_its_notification_as_metadata(slack: FakeSlack) -> None:
    told = notification()
    sent = channel_to(slack).send(RAISED, told, None)
    (message,) = slack.messages["C1"]
    assert sent == Sent(message["ts"], message["ts"])
    assert message["metadata"] == {
        "event_type": "ews_notification",
        "event_payload": {"k": told.id},
    }
    assert message["blocks"][0]["text"]["text"].startswith("[주의] 중국 · 요소")
    _, body = slack.calls[0]
    assert (body["unfurl_links"], body["link_names"], body["parse"]) == (False, False, "none")


def test_a_later_message_is_a_reply_and_the_root_shows_the_stage_of_today(
    slack: FakeSlack,
) -> None:
    channel = channel_to(slack)
    root = channel.send(RAISED, notification(revision=1), None)
    risen = urea_alert(Stage.ALERT, revision=2)
    up = build_message(view_of(change(ChangeKind.STAGE_UP, risen, Stage.CAUTION)), "ko")
    reply = channel.send(up, notification(revision=2), root.thread_id)
    first, second = slack.messages["C1"]
    assert second["thread_ts"] == first["ts"] == reply.thread_id
    assert reply.external_id == second["ts"]
    assert first["edited"]
    assert first["blocks"][0]["text"]["text"].startswith("[경계 · 서명 없음]")
    assert "달라진 점" not in str(first["blocks"])
    assert "주의 → 경계" in str(second["blocks"])
    ended = urea_alert(Stage.ALERT, revision=3, state=AlertState.RESOLVED, resolved_at=NOW)
    end = build_message(view_of(change(ChangeKind.RESOLVED, ended, Stage.ALERT, "eased")), "ko")
    channel.send(end, notification(revision=3), root.thread_id)
    assert first["blocks"][0]["text"]["text"].startswith("[해제]")


@pytest.mark.parametrize("fault", ["message_not_found", "cant_update_message", "invalid_blocks"])
def test_a_root_that_cannot_be_edited_does_not_hold_back_the_reply(
    slack: FakeSlack, fault: str
) -> None:
    root = channel_to(slack).send(RAISED, notification(revision=1), None)
    slack.fault = lambda method, body: fault if method == "chat.update" else None
    channel_to(slack).send(RAISED, notification(revision=2), root.thread_id)
    assert len(slack.messages["C1"]) == 2


def test_a_broken_update_of_the_root_is_surely_nothing_sent(slack: FakeSlack) -> None:
    root = channel_to(slack).send(RAISED, notification(revision=1), None)
    slack.fault = lambda method, body: "drop" if method == "chat.update" else None
    with pytest.raises(ChannelError) as caught:
        channel_to(slack).send(RAISED, notification(revision=2), root.thread_id)
    assert not caught.value.ambiguous
    assert not caught.value.permanent
    assert len(slack.messages["C1"]) == 1


def test_find_reads_a_thread_and_a_channel_page_by_page(slack: FakeSlack) -> None:
    channel = channel_to(slack)
    told = [notification(number) for number in range(1, 8)]
    roots = {n.id: channel.send(RAISED, n, None) for n in told}
    second = notification(1, revision=2)
    reply = channel.send(RAISED, second, roots[told[0].id].thread_id)
    slack.page = 2
    for n in told:
        assert channel.find(n.id, "C1", NOW) == roots[n.id]
    assert channel.find(second.id, "C1", NOW, reply.thread_id) == reply
    assert channel.find("ntf-never", "C1", NOW) is None
    assert channel.find("ntf-never", "C1", NOW, reply.thread_id) is None


def test_find_looks_back_five_seconds_before_the_first_try(slack: FakeSlack) -> None:
    channel = channel_to(slack)
    sent = channel.send(RAISED, notification(), None)
    assert channel.find(notification().id, "C1", NOW + timedelta(seconds=4)) == sent
    assert channel.find(notification().id, "C1", NOW + timedelta(seconds=7)) is None


def test_another_apps_metadata_is_not_ours(slack: FakeSlack) -> None:
    channel = channel_to(slack)
    channel.send(RAISED, notification(), None)
    slack.messages["C1"][0]["metadata"]["event_type"] = "other"
    assert channel.find(notification().id, "C1", NOW) is None


@pytest.mark.parametrize("fault", ["500", "drop", "fatal_error", "internal_error"])
def test_what_may_have_arrived_is_ambiguous(slack: FakeSlack, fault: str) -> None:
    error = error_of(slack, fault)
    assert error.ambiguous
    assert not error.permanent


def test_a_call_is_made_once_even_when_the_connection_drops(slack: FakeSlack) -> None:
    error_of(slack, "drop")
    assert len(slack.calls) == 1
    assert slack.posted()[notification().id] == 1


def test_a_hanging_call_ends_and_is_ambiguous(slack: FakeSlack) -> None:
    assert error_of(slack, "hang", timeout_s=1).ambiguous


def test_a_busy_slack_tells_how_long_to_wait(slack: FakeSlack) -> None:
    error = error_of(slack, "429")
    assert error.retry_after_s == 1
    assert not error.ambiguous


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        ("channel_not_found", "routes.toml"),
        ("not_in_channel", "invite"),
        ("missing_scope", "slack-manifest.yaml"),
        ("token_revoked", "howto-slack"),
        ("some_new_refusal", "howto-slack"),
    ],
)
def test_a_refusal_is_permanent_and_says_what_to_do(
    slack: FakeSlack, fault: str, advice: str
) -> None:
    error = error_of(slack, fault)
    assert error.permanent
    assert fault in str(error)
    assert advice in str(error)


def test_a_refused_layout_is_sent_as_plain_words(slack: FakeSlack) -> None:
    slack.fault = lambda method, body: "invalid_blocks" if body.get("blocks") else None
    channel_to(slack).send(RAISED, notification(), None)
    (message,) = slack.messages["C1"]
    assert "blocks" not in message
    assert "요소" in message["text"]


def test_nobody_listening_is_surely_nothing_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/api/"
    settings = ChannelSettings(Path("."), slack_token=HIDDEN, slack_url=url)
    with pytest.raises(ChannelError) as caught:
        open_channel("slack", settings).send(RAISED, notification(), None)
    assert not caught.value.ambiguous
    assert not caught.value.permanent


@pytest.mark.parametrize("fault", [None, "500", "drop", "429", "channel_not_found", "invalid_auth"])
def test_the_token_is_in_no_repr_log_error_or_delivery(
    slack: FakeSlack, caplog: pytest.LogCaptureFixture, fault: str | None
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("alerts.channels.slack.sdk").setLevel(logging.DEBUG)
    try:
        slack.fault = lambda method, body: fault
        settings = ChannelSettings(Path("."), slack_token=HIDDEN, slack_url=slack.url)
        channel = open_channel("slack", settings)
        row = Delivery(notification().id, DeliveryState.TRYING, 1, NOW)
        after = attempt(channel, RAISED, notification(), row, None, NOW).delivery
    finally:
        logging.getLogger("alerts.channels.slack.sdk").setLevel(logging.CRITICAL)
    seen = [repr(settings), str(settings), repr(channel), repr(after), caplog.text]
    assert all(HIDDEN not in text for text in seen)


def test_a_wrong_token_is_permanent_and_not_repeated_in_the_error(slack: FakeSlack) -> None:
    with pytest.raises(ChannelError) as caught:
        channel_to(slack, token="xoxb-wrong").send(RAISED, notification(), None)
    assert caught.value.permanent
    assert "xoxb" not in repr(caught.value) + str(caught.value.__dict__)


# --------------------------------------------------------------------------- limits

LONG = "가나다 <&> " * 200


def test_the_longest_message_stays_inside_every_limit_and_is_taken(slack: FakeSlack) -> None:
    exposures = tuple(
        urea_exposure(
            use,
            item=f"item-{item}-{'x' * 200}",
            use_id=f"use:{item}:{use}&<>{'y' * 90}",
            ministries=tuple(f"ministry-{n}-{'&' * 80}" for n in range(9)),
        )
        for item in range(12)
        for use in range(14)
    )
    evidence = replace(urea_event().evidence[0], outlet=LONG, url="https://e.org/" + "a&" * 400)
    event = urea_event(title=LONG, evidence=(evidence,) * 50)
    alert = urea_alert(
        Stage.SEVERE,
        title=LONG,
        rule=LONG,
        reasons=(LONG,) * 60,
        signed_off_by=LONG,
        countries=tuple(f"C{'&' * 90}{n}" for n in range(200)),
        items=tuple("i" * 9 for _ in "ab"),
    )
    for kind in ChangeKind:
        step = change(kind, alert, Stage.CAUTION, LONG)
        view = view_of(step, event, exposures, told=(LONG,) * 90, because=LONG, blind=(LONG,) * 90)
        for lang in ("ko", "en"):
            message = build_message(view, lang)
            blocks = [dict(block) for block in message.blocks]
            assert blocks_refused(blocks) is None
            assert checked(message.blocks) is not None
            number = list(ChangeKind).index(kind) + (10 if lang == "en" else 0)
            channel_to(slack).send(message, notification(number), None)
    assert all("blocks" in message for message in slack.messages["C1"])


def test_blocks_that_slack_would_refuse_are_not_sent() -> None:
    def section(text: str) -> dict[str, object]:
        return {"type": "section", "text": {"type": "mrkdwn", "text": text}}

    assert checked([section("ok")]) == [section("ok")]
    assert checked([section("x" * 3001)]) is None
    assert checked([section("x")] * 51) is None
    assert checked([section("x" * 2900)] * 5) is None
    assert checked([{"type": "nonsense"}]) is None
