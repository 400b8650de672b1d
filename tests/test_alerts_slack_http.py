"""Signed HTTP: what is not Slack's, not fresh or not ours is refused and changes nothing."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from alerts.channels.slack_signature import Signatures
from ews.model import AlertState
from ews.reports import OPEN
from ews.storage import Store
from ews.web import create_app
from ews.web.site import Site
from ews.web.slack import closing, desk_of, slack_router
from tests.alert_samples import NOW
from tests.fake_slack_more import FullSlack
from tests.slack_samples import (
    PROPOSED,
    SECRET,
    USERS,
    command,
    filled_store,
    form,
    payload,
    press,
    settings_for,
    signed,
    submit,
)

LATER = NOW + timedelta(minutes=5)


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


def answering(home: Path, store: Store, slack: FullSlack, **changes: object) -> FastAPI:
    """An application that only answers Slack."""
    site = Site(settings_for(home, slack, **changes), store, OPEN, lambda: LATER)
    desk = desk_of(site)
    app = FastAPI(lifespan=closing(asynccontextmanager(nothing), desk))
    app.include_router(slack_router(site, desk))
    return app


async def nothing(app: FastAPI) -> AsyncIterator[None]:
    yield


@pytest.fixture
def alone(tmp_path: Path, store: Store, slack: FullSlack) -> FastAPI:
    slack.responses.clear()
    slack.forms.clear()
    return answering(tmp_path, store, slack)


@pytest.fixture
def client(alone: FastAPI) -> Iterator[TestClient]:
    with TestClient(alone, raise_server_exceptions=False) as one:
        yield one


@pytest.fixture(scope="module")
def abused(
    tmp_path_factory: pytest.TempPathFactory, seed: Path, slack: FullSlack
) -> Iterator[tuple[TestClient, Store]]:
    """The whole application, on which all abuse is tried, and its store."""
    home = tmp_path_factory.mktemp("abused")
    with filled_store(home, seed) as store:
        app = create_app(settings_for(home, slack), store, clock=lambda: LATER)
        yield TestClient(app, raise_server_exceptions=False), store


def contents(store: Store) -> str:
    """A digest of every row of every table."""
    seen = hashlib.sha256()
    with store._engine.connect() as connection:
        for name in sorted(sa.inspect(connection).get_table_names()):
            rows = connection.execute(sa.text(f"select * from {name}"))
            seen.update(repr(sorted(map(repr, rows))).encode())
    return seen.hexdigest()


# --------------------------------------------------------------------------- what works


def test_a_signed_press_is_done_and_answered_with_nothing(
    client: TestClient, store: Store, slack: FullSlack
) -> None:
    body = payload(press(slack, "acknowledge"))
    answer = client.post("/slack/actions", content=body, headers=signed(body, LATER))
    assert (answer.status_code, answer.content) == (200, b"")
    assert store.alert(PROPOSED).state is AlertState.ACKNOWLEDGED  # type: ignore[union-attr]


def test_a_form_shows_what_is_wrong_and_closes_when_it_is_right(
    client: TestClient, store: Store, slack: FullSlack
) -> None:
    body = payload(press(slack, "clear"))
    client.post("/slack/actions", content=body, headers=signed(body, LATER))
    view = slack.forms[-1]
    for values, shown in (({"note": ""}, True), ({"note": "끝났습니다"}, False)):
        body = payload(submit(view, values))
        answer = client.post("/slack/actions", content=body, headers=signed(body, LATER))
        assert answer.status_code == 200
        assert (answer.json()["response_action"] == "errors") if shown else answer.content == b""
    assert store.alert(PROPOSED).state is AlertState.RESOLVED  # type: ignore[union-attr]


def test_a_signed_command_is_answered_and_an_ssl_check_too(
    client: TestClient, slack: FullSlack
) -> None:
    body = form(command(slack, "요소"))
    answer = client.post("/slack/commands", content=body, headers=signed(body, LATER))
    assert (answer.status_code, answer.content) == (200, b"")
    assert "요소" in slack.responses[-1]["text"]
    body = form({"ssl_check": "1", "token": "x"})
    assert client.post("/slack/commands", content=body, headers=signed(body, LATER)).is_success


def test_without_a_signing_secret_there_is_no_such_path(
    tmp_path: Path, store: Store, slack: FullSlack
) -> None:
    for changes in ({"slack_signing_secret": None}, {"slack_bot_token": None}):
        without = answering(tmp_path, store, slack, **changes)
        body = payload(press(slack, "acknowledge"))
        one = TestClient(without)
        answer = one.post("/slack/actions", content=body, headers=signed(body, LATER))
        assert answer.status_code == 404


# --------------------------------------------------------------------------- abuse

Sent = tuple[bytes, dict[str, str]]


def _good(slack: FullSlack, **changes: Any) -> Sent:
    body = payload(press(slack, "acknowledge", **changes))
    return body, signed(body, LATER)


def _header(name: str, value: str) -> Callable[[FullSlack], Sent]:
    def make(slack: FullSlack) -> Sent:
        body, headers = _good(slack)
        return body, headers | {name: value}

    return make


def _at(**moved: float) -> Callable[[FullSlack], Sent]:
    def make(slack: FullSlack) -> Sent:
        body, _ = _good(slack)
        return body, signed(body, LATER + timedelta(**moved))

    return make


def _body(make: Callable[[FullSlack], bytes]) -> Callable[[FullSlack], Sent]:
    def sent(slack: FullSlack) -> Sent:
        body = make(slack)
        return body, signed(body, LATER)

    return sent


def _pressed(**changes: Any) -> Callable[[FullSlack], Sent]:
    return _body(lambda slack: payload(press(slack, "acknowledge") | changes))


def _action(**changes: Any) -> Callable[[FullSlack], Sent]:
    def make(slack: FullSlack) -> bytes:
        one = press(slack, "acknowledge")
        return payload(one | {"actions": [one["actions"][0] | changes]})

    return _body(make)


def _without(name: str) -> Callable[[FullSlack], Sent]:
    def make(slack: FullSlack) -> Sent:
        body, headers = _good(slack)
        return body, {key: value for key, value in headers.items() if key != name}

    return make


def _forged(slack: FullSlack) -> Sent:
    body, _ = _good(slack)
    return body, signed(body, LATER, "another-secret")


def _tampered(slack: FullSlack) -> Sent:
    body, headers = _good(slack)
    return body.replace(b"acknowledge", b"sign_off"), headers


STAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"
ABUSE: dict[str, tuple[int, Callable[[FullSlack], Sent]]] = {
    "no signature": (401, _without(SIGNATURE)),
    "no time": (401, _without(STAMP)),
    "forged with another secret": (401, _forged),
    "body changed after signing": (401, _tampered),
    "signature of another version": (401, _header(SIGNATURE, "v1=" + "0" * 64)),
    "signature in capitals": (401, _header(SIGNATURE, "V0=" + "A" * 64)),
    "signature too short": (401, _header(SIGNATURE, "v0=abc")),
    "empty signature": (401, _header(SIGNATURE, "")),
    "stale": (401, _at(minutes=-6)),
    "299 s in the future": (401, _at(seconds=299)),
    "a day in the future": (401, _at(days=1)),
    "time that is no number": (401, _header(STAMP, "now")),
    "time with a fraction": (401, _header(STAMP, "1633919400.5")),
    "time below zero": (401, _header(STAMP, "-1633919400")),
    "time with spaces and plus": (401, _header(STAMP, " +1633919400")),
    "time of a thousand digits": (401, _header(STAMP, "1" * 1000)),
    "time with an underscore": (401, _header(STAMP, "1_633919400")),
    "not UTF-8": (401, _body(lambda slack: b"payload=\xff\xfe%7B%7D")),
    "oversized": (413, _body(lambda slack: b"payload=" + b"a" * 700_000)),
    "empty": (400, _body(lambda slack: b"")),
    "broken JSON": (400, _body(lambda slack: urlencode({"payload": "{"}).encode())),
    "JSON of another kind": (400, _body(lambda slack: urlencode({"payload": "[1]"}).encode())),
    "JSON a thousand deep": (
        400, _body(lambda slack: urlencode({"payload": "[" * 100_000}).encode()),
    ),
    "many fields": (400, _body(lambda slack: b"&".join(b"a=%d" % n for n in range(500)))),
    "another content type": (
        400, lambda slack: (lambda sent: (sent[0], sent[1] | {"Content-Type": "application/json"}))(
            _good(slack)
        ),
    ),
    "JSON as the body": (
        400, _body(lambda slack: json.dumps(press(slack, "acknowledge")).encode()),
    ),
    "unknown kind": (400, _pressed(type="message_action")),
    "unknown action": (400, _action(action_id="ews_delete_all")),
    "action of another app": (400, _action(action_id="approve")),
    "value that is text": (400, _action(value="<!channel>")),
    "value with SQL": (400, _action(value="alr-1'; drop table alerts;--.1")),
    "value that is no text": (400, _action(value={"id": 1})),
    "no value": (400, _action(value=None)),
    "no action time": (400, _action(action_ts="soon")),
    "two actions": (400, _pressed(actions=[{}, {}])),
    "no actions": (400, _pressed(actions=[])),
    "actions that are none": (400, _pressed(actions="ews_acknowledge")),
    "no user": (400, _pressed(user=None)),
    "user id with a line end": (400, _pressed(user={"id": "U1\n"})),
    "no team": (400, _pressed(team=None)),
    "another workspace": (403, _pressed(team={"id": "T2"})),
    "guest of another workspace": (403, _pressed(user={"id": "UOFF", "team_id": "T2"})),
    "unknown user": (403, _pressed(user={"id": "UNKNOWN"})),
    "disabled user": (403, _pressed(user={"id": "UGONE"})),
    "user of another role": (403, _pressed(user={"id": "UFIRM"})),
    "form with nothing in it": (400, _pressed(type="view_submission", view={})),
    "unknown shortcut": (400, _pressed(type="shortcut", callback_id="x")),
    "unknown command": (400, lambda slack: _command(slack, command="/rm")),
    "command without a user": (400, lambda slack: _command(slack, user_id="")),
    "command of an unknown user": (403, lambda slack: _command(slack, user_id="UNKNOWN")),
    "command of another workspace": (403, lambda slack: _command(slack, team_id="T2")),
}  # fmt: skip


def _command(slack: FullSlack, **changes: str) -> Sent:
    body = form(command(slack, "요소") | changes)
    return body, signed(body, LATER)


@pytest.mark.parametrize("name", ABUSE)
def test_abuse_is_refused_and_changes_nothing(
    abused: tuple[TestClient, Store], slack: FullSlack, name: str
) -> None:
    client, store = abused
    status, make = ABUSE[name]
    body, headers = make(slack)
    before = contents(store)
    path = "/slack/commands" if "command" in name else "/slack/actions"
    answer = client.post(path, content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert contents(store) == before
    assert SECRET not in answer.text


@pytest.mark.parametrize("value", ["v0=é" + "0" * 63, "v0=" + "０" * 64, "\xff"])
def test_a_signature_that_is_not_ascii_is_refused(
    abused: tuple[TestClient, Store], slack: FullSlack, value: str
) -> None:
    client, store = abused
    body, headers = _good(slack)
    raw = [(k.encode(), v.encode()) for k, v in headers.items() if k != SIGNATURE]
    before = contents(store)
    answer = client.post(
        "/slack/actions", content=body, headers=[*raw, (SIGNATURE.encode(), value.encode("utf-8"))]
    )
    assert answer.status_code == 401
    assert contents(store) == before


def test_a_replay_is_refused_and_after_a_restart_done_no_second_time(
    client: TestClient, tmp_path: Path, store: Store, slack: FullSlack
) -> None:
    body, headers = _good(slack)
    assert client.post("/slack/actions", content=body, headers=headers).is_success
    before = contents(store)
    assert client.post("/slack/actions", content=body, headers=headers).status_code == 401
    other = TestClient(answering(tmp_path, store, slack))
    assert other.post("/slack/actions", content=body, headers=headers).is_success
    assert contents(store) == before


def test_signatures_are_remembered_as_long_as_they_would_be_taken_and_no_longer() -> None:
    at = [NOW]
    signatures = Signatures(SECRET, lambda: at[0])

    def good(number: int) -> bool:
        headers = signed(b"%d" % number, at[0])
        return signatures.good(b"%d" % number, headers[STAMP], headers[SIGNATURE])

    assert [good(number) for number in (1, 1, 2)] == [True, False, True]
    at[0] += timedelta(seconds=400)
    assert good(3)
    assert len(signatures._seen) == 1


def test_a_get_is_not_answered(client: TestClient) -> None:
    assert client.get("/slack/actions").status_code == 405


# --------------------------------------------------------------------------- in time


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The address of the application on a real server."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def locked(store: Store) -> Iterator[Callable[[], None]]:
    """Somebody writes, and does not finish until told to."""
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with store.begin():
            held.set()
            free.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(5)
    try:
        yield free.set
    finally:
        free.set()
        holder.join()


def test_it_is_answered_in_time_while_the_store_is_locked_and_done_after(
    alone: FastAPI, store: Store, slack: FullSlack
) -> None:
    slack.responses.clear()
    with locked(store) as free, serving(alone) as url:
        post(url, payload(press(slack, "why")))  # the first request loads what it needs
        began = time.monotonic()
        assert post(url, payload(press(slack, "acknowledge"))) == 200
        assert time.monotonic() - began < 3
        assert store.alert(PROPOSED).state is AlertState.FIRING  # type: ignore[union-attr]
        free()
    # The server has stopped: what it took is done.
    assert store.alert(PROPOSED).state is AlertState.ACKNOWLEDGED  # type: ignore[union-attr]
    assert "홍길동" in slack.responses[-1]["text"]


def test_forms_open_while_acts_wait_for_the_store(
    alone: FastAPI, store: Store, slack: FullSlack
) -> None:
    with locked(store) as free, serving(alone) as url:
        bodies = [payload(sent_clear(number)) for number in range(5)]
        bodies += [payload(press(slack, "acknowledge")) for _ in range(5)]
        threads = [threading.Thread(target=post, args=(url, body)) for body in bodies]
        for thread in threads:
            thread.start()
        assert post(url, payload(press(slack, "hand_over"))) == 200
        assert slack.forms[-1]["callback_id"] == "ews_hand_over"
        free()
        for thread in threads:
            thread.join()


def post(url: str, body: bytes) -> int:
    with urlopen(Request(f"{url}/slack/actions", body, signed(body, LATER))) as answer:
        return int(answer.status)


def sent_clear(number: int) -> dict[str, Any]:
    view = {
        "callback_id": "ews_clear",
        "private_metadata": json.dumps(["ko", PROPOSED, 1, "C1", ""]),
        "blocks": [{"block_id": "note", "element": {"type": "plain_text_input"}}],
    }
    return submit(view, {"note": f"끝 {number}"})
