"""Socket Mode with slack-sdk's own client: acknowledged at once, done once, connected again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.channels import ChannelError
from alerts.channels.slack_payloads import PayloadError, Way
from alerts.channels.slack_replies import Replies
from alerts.channels.slack_socket import read_envelope, try_socket
from ews.model import AlertState
from ews.slack_desk.desk import Desk
from ews.slack_listening import shown, slack_listening
from ews.storage import Store
from tests.alert_samples import NOW
from tests.fake_slack import HIDDEN
from tests.fake_slack_more import APP_TOKEN, FullSlack
from tests.slack_samples import (
    PROPOSED,
    USERS,
    command,
    filled_store,
    press,
    settings_for,
    submit,
)


@pytest.fixture
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


def envelope(id: str, payload: dict[str, Any], kind: str = "interactive") -> dict[str, Any]:
    return {
        "envelope_id": id, "type": kind, "accepts_response_payload": True, "payload": payload,
    }  # fmt: skip


def answers(slack: FullSlack) -> dict[str, Any]:
    """envelope -> what was shown with its acknowledgement."""
    return {one["envelope_id"]: one.get("payload") for one in slack.sockets.received}


def test_presses_forms_and_commands_come_in_over_a_socket_and_again_after_it_broke(
    tmp_path: Path, store: Store, slack: FullSlack
) -> None:
    settings, stop = settings_for(tmp_path, slack), threading.Event()
    sockets = slack.sockets

    def said(id: str) -> bool:
        return sockets.wait(lambda: id in answers(slack))

    clock = lambda: NOW + timedelta(minutes=5)  # noqa: E731
    with slack_listening(settings, store, clock, stop, ping_s=0.2) as connected:
        assert connected
        assert sockets.wait(lambda: sockets.connections == 1)
        sockets.send({"type": "hello", "num_connections": 1})
        pressed = press(slack, "acknowledge")
        sockets.send(envelope("e1", pressed))
        sockets.send(envelope("e2", pressed))  # Slack sends again what it thinks was lost
        sockets.send(envelope("e3", command(slack, "요소"), "slash_commands"))
        sockets.send(envelope("e4", {"type": "nonsense"}))
        sockets.send(envelope("e5", press(slack, "acknowledge", "UNKNOWN")))
        assert all(said(id) for id in ("e1", "e2", "e3", "e4", "e5"))
        sockets.cut()
        assert sockets.wait(lambda: sockets.connections == 2, 10)
        view = {
            "callback_id": "ews_clear",
            "private_metadata": f'["ko", "{PROPOSED}", 1, "C1", ""]',
            "blocks": [{"block_id": "note", "element": {"type": "plain_text_input"}}],
        }
        sockets.send(envelope("e6", submit(view, {"note": " "})))
        sockets.send(envelope("e7", submit(view, {"note": "통관이 풀림"})))
        assert said("e6")
        assert said("e7")
    assert answers(slack)["e6"]["response_action"] == "errors"
    assert [answers(slack)[id] for id in ("e1", "e2", "e3", "e4", "e5", "e7")] == [None] * 6
    # Listening has ended: what was taken is done.
    alert = store.alert(PROPOSED)
    assert alert is not None
    assert (alert.state, alert.holder) == (AlertState.RESOLVED, "홍길동")
    assert sorted(act.by for act in store.acts(alert_id=PROPOSED)) == ["홍길동", "홍길동"]
    assert any("요소" in one["text"] for one in slack.responses)


def test_a_network_that_is_down_is_waited_for_until_told_to_stop(
    tmp_path: Path, store: Store, slack: FullSlack
) -> None:
    slack.fault = lambda method, body: "ratelimited_by_nobody"
    stop = threading.Event()
    stop.set()
    with slack_listening(settings_for(tmp_path, slack), store, lambda: NOW, stop) as connected:
        assert not connected


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"slack_app_token": None}, "EWS_SLACK_APP_TOKEN"),
        ({"slack_bot_token": None}, "EWS_SLACK_BOT_TOKEN"),
    ],
)
def test_a_missing_token_says_which(
    tmp_path: Path, store: Store, slack: FullSlack, changes: dict[str, None], advice: str
) -> None:
    settings = settings_for(tmp_path, slack, **changes)
    with (
        pytest.raises(ChannelError, match=advice) as caught,
        slack_listening(settings, store, lambda: NOW, threading.Event()),
    ):
        pass
    assert caught.value.permanent


def test_a_token_of_the_wrong_kind_is_permanent_and_not_shown(slack: FullSlack) -> None:
    with pytest.raises(ChannelError, match="xapp-") as caught:
        try_socket("xoxb-wrong-kind", slack.url)
    assert caught.value.permanent
    assert "wrong-kind" not in str(caught.value)
    try_socket(APP_TOKEN, slack.url)


@pytest.mark.parametrize("payload", [None, [], "x", {}, {"type": "block_actions"}])
@pytest.mark.parametrize("kind", ["interactive", "slash_commands", "events_api", "x" * 5000])
def test_an_envelope_that_is_not_ours_is_a_payload_error(kind: str, payload: object) -> None:
    with pytest.raises(PayloadError):
        read_envelope(kind, payload)


def test_too_much_at_once_is_said_and_not_kept(
    tmp_path: Path, store: Store, slack: FullSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ews.slack_desk.desk.WAITING", 0)
    desk = Desk(store, Replies(HIDDEN, slack.url), lambda: NOW)
    pressed = read_envelope("interactive", press(slack, "acknowledge"))
    assert shown(desk, pressed) == {}
    assert "몰려" in slack.responses[-1]["text"]
    form = replace(pressed, way=Way.FORM, name="clear")
    assert set(shown(desk, form)["errors"]) == {"note"}  # type: ignore[call-overload]
    desk.close()
    assert store.alert(PROPOSED).state is AlertState.FIRING  # type: ignore[union-attr]
