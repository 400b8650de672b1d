"""What Slack sends: presses, forms, commands, signed as Slack signs them."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pydantic import SecretStr

from ews.config import Settings, load_settings
from ews.model import Alert, AlertChange, ChangeKind, Person, Stage
from ews.storage import Store
from tests.alert_samples import NOW, urea_alert, urea_event
from tests.fake_slack import HIDDEN
from tests.fake_slack_more import APP_TOKEN, TEAM, FullSlack

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"  # of no app: Slack's own example
PROPOSED = "alr-00000000000000aa"
FORM = "application/x-www-form-urlencoded"
USERS = {
    "UOFF": ("홍길동", "official", True),
    "UANA": ("Ana", "analyst", False),
    "UFIRM": ("Firm Person", "firm", False),
    "UOPS": ("Operator", "operator", False),
    "UGONE": ("Gone", "official", True),
}
_number = count(1)


def people(store: Store) -> None:
    """One person of each role, and one who is switched off."""
    for slack_id, (name, role, signs) in USERS.items():
        person = Person(
            f"per-{slack_id.lower()}", name, role, NOW - timedelta(days=9),
            owner="Acme" if role == "firm" else None, slack_id=slack_id, signs=signs,
            disabled_at=NOW - timedelta(days=1) if slack_id == "UGONE" else None,
        )  # fmt: skip
        store.save_person(person, "test", NOW - timedelta(days=9))


def proposed(**changes: object) -> Alert:
    """An alert that waits for a signature to 경계."""
    facts: dict[str, object] = {
        "id": PROPOSED, "proposed": Stage.ALERT, "proposed_at": NOW,
        "sign_by": NOW + timedelta(hours=1),
    }  # fmt: skip
    return urea_alert(Stage.CAUTION, **(facts | changes))


def fill(store: Store) -> Alert:
    """People, and the alert that waits."""
    people(store)
    store.save_events([urea_event()])
    alert = proposed()
    store.save_changes([AlertChange(alert, ChangeKind.PROPOSED, NOW, Stage.CAUTION, "rule holds")])
    return alert


@contextmanager
def filled_store(home: Path, seed: Path) -> Iterator[Store]:
    """A filled store in that home; made once in `seed` and copied from there."""
    if not (seed / "ews.db").exists():
        made = Store.open(seed)
        fill(made)
        made.close()
    home.mkdir(exist_ok=True)
    shutil.copy(seed / "ews.db", home / "ews.db")
    opened = Store.open(home)
    yield opened
    opened.close()


def settings_for(home: Path, slack: FullSlack, **changes: object) -> Settings:
    """Settings of a home that talks to the fake."""
    given: dict[str, object] = {
        "slack_bot_token": SecretStr(HIDDEN), "slack_app_token": SecretStr(APP_TOKEN),
        "slack_signing_secret": SecretStr(SECRET), "slack_base_url": slack.url,
    }  # fmt: skip
    return load_settings(home).model_copy(update=given | changes)


def press(
    slack: FullSlack,
    name: str,
    user: str = "UOFF",
    value: str = f"{PROPOSED}.1",
    **changes: Any,
) -> dict[str, Any]:
    """A press of a button."""
    at = f"1633919400.{next(_number):06d}"
    return {
        "type": "block_actions",
        "team": {"id": TEAM, "domain": "test"},
        "user": {"id": user, "team_id": TEAM, "name": "<!channel>"},
        "channel": {"id": "C1", "name": "alerts"},
        "message": {"ts": "1633919400.000001", "text": "x"},
        "trigger_id": slack.trigger(),
        "response_url": slack.response_url,
        "actions": [
            {"type": "button", "action_id": f"ews_{name}", "block_id": "ews_acts_ko",
             "value": value, "action_ts": at}
        ],
    } | changes  # fmt: skip


def submit(
    view: Mapping[str, Any], values: Mapping[str, str], user: str = "UOFF"
) -> dict[str, Any]:
    """A form, filled in: chosen where it has a menu, written elsewhere."""
    state: dict[str, Any] = {}
    for block in view["blocks"]:
        name, kind = block["block_id"], block["element"]["type"]
        value = values.get(name)
        part: dict[str, Any] = {"type": kind, "value": value}
        if kind == "static_select":
            part = {"type": kind, "selected_option": {"value": value} if value else None}
        if kind == "users_select":
            part = {"type": kind, "selected_user": value}
        state[name] = {name: part}
    return {
        "type": "view_submission",
        "team": {"id": TEAM},
        "user": {"id": user, "team_id": TEAM},
        "view": {"id": f"V{next(_number)}", "callback_id": view["callback_id"],
                 "private_metadata": view["private_metadata"], "state": {"values": state}},
    }  # fmt: skip


def command(slack: FullSlack, text: str, user: str = "UOFF", **changes: str) -> dict[str, str]:
    return {
        "command": "/ews", "text": text, "user_id": user, "team_id": TEAM, "channel_id": "C1",
        "trigger_id": slack.trigger(), "response_url": slack.response_url,
    } | changes  # fmt: skip


def signed(body: bytes, at: datetime, secret: str = SECRET) -> dict[str, str]:
    """The headers that Slack would send with that body."""
    stamp = str(int(at.astimezone(UTC).timestamp()))
    mac = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={mac.hexdigest()}",
        "Content-Type": FORM,
    }


def payload(of: Mapping[str, Any]) -> bytes:
    return urlencode({"payload": json.dumps(of)}).encode()


def form(of: Mapping[str, str]) -> bytes:
    return urlencode(of).encode()
