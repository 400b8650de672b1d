"""What did somebody do in Slack? Payloads of buttons, forms and commands, read strictly.

Nothing in a payload is believed beyond its form: who may do what is asked elsewhere, by the Slack
id of who pressed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from alerts.channels.slack_buttons import ACTION, CARE, SIGNING, WHY, read_value
from alerts.channels.slack_forms import FIELDS, Place
from alerts.words import LANGS
from ews.model import ActKind

PRESSED = frozenset({kind.value for kind in (*CARE, *SIGNING)})
SLACK_ID = re.compile(r"[A-Z][A-Z0-9]{1,30}", re.ASCII)
TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}", re.ASCII)
OPAQUE = re.compile(r"[!-~]{1,200}", re.ASCII)
BLOCK_LANG = re.compile(rf"{ACTION}[a-z]+_([a-z]{{2}})", re.ASCII)
COMMAND = re.compile(r"/ews[a-z0-9_-]{0,28}", re.ASCII)
LONGEST_TEXT = 3000


class PayloadError(ValueError):
    """A payload that no button, form or command of ours sends; nothing is done."""


class Way(StrEnum):
    BUTTON = "button"
    WHY = "why"
    FORM = "form"
    COMMAND = "command"
    SHORTCUT = "shortcut"
    NOTHING = "nothing"  # to be acknowledged, and that is all


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that somebody did in Slack. `key` names this doing, so that it is done once."""

    way: Way
    team: str
    user: str
    name: str = ""  # of the act or form
    key: str = ""
    place: Place = field(default_factory=lambda: Place(""))  # lang "": not known
    trigger: str = field(default="", repr=False)  # opens one form, within three seconds
    respond_at: str = field(default="", repr=False)
    text: str = ""  # of a command
    values: Mapping[str, str] = field(default_factory=dict)  # of a form


Tree = Mapping[str, object]


def read_interaction(text: str) -> Asked:
    """What the `payload` of an interaction says."""
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError):
        raise PayloadError("the payload is not JSON") from None
    return read_payload(payload)


def read_payload(payload: object) -> Asked:
    """The same, parsed already (Socket Mode)."""
    if not isinstance(payload, Mapping):
        raise PayloadError("the payload is not an object")
    kind = payload.get("type")
    if kind == "block_actions":
        return _press(payload)
    if kind == "view_submission":
        return _form(payload)
    if kind == "shortcut":
        return _shortcut(payload)
    if kind == "view_closed":
        return Asked(Way.NOTHING, _team(payload), _user(payload))
    raise PayloadError("unknown kind of payload")


def _press(payload: Tree) -> Asked:
    actions = payload.get("actions")
    if not isinstance(actions, list) or len(actions) != 1 or not isinstance(actions[0], Mapping):
        raise PayloadError("not one action")
    action: Tree = actions[0]
    name = _text(action, "action_id").removeprefix(ACTION)
    if name not in PRESSED | {WHY}:
        raise PayloadError("unknown action")
    seen = read_value(action.get("value"))
    if seen is None:
        raise PayloadError("not a value of ours")
    user, at = _user(payload), _matching(TS, action, "action_ts")
    found = BLOCK_LANG.fullmatch(_text(action, "block_id"))
    lang = found[1] if found and found[1] in LANGS else ""
    place = Place(lang, seen[0], seen[1], _channel(payload), _thread(payload))
    return Asked(
        Way.WHY if name == WHY else Way.BUTTON,
        _team(payload),
        user,
        name,
        f"slack:{at}:{ACTION}{name}:{user}",
        place,
        _matching(OPAQUE, payload, "trigger_id"),
        _text(payload, "response_url", ""),
    )


def _form(payload: Tree) -> Asked:
    view = _tree(payload, "view")
    name = _text(view, "callback_id").removeprefix(ACTION)
    if name not in FIELDS:
        raise PayloadError("unknown form")
    user, id = _user(payload), _matching(SLACK_ID, view, "id")
    return Asked(
        Way.FORM,
        _team(payload),
        user,
        name,
        f"slack:{id}:{ACTION}{name}:{user}",
        _place(_text(view, "private_metadata"), needs_alert=name != ActKind.MISSED),
        values=_values(view, name),
    )


def _place(text: str, needs_alert: bool) -> Place:
    try:
        lang, alert_id, revision, channel, thread = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        raise PayloadError("not a form of ours") from None
    seen = read_value(f"{alert_id}.{revision}")
    known = (
        lang in LANGS
        and isinstance(channel, str)
        and isinstance(thread, str)
        and (seen is not None or (alert_id is None and not needs_alert))
        and (not channel or SLACK_ID.fullmatch(channel))
        and (not thread or TS.fullmatch(thread))
    )
    if not known:
        raise PayloadError("not a form of ours")
    at, number = seen or (None, None)
    return Place(lang, at, number, channel, thread)


def _values(view: Tree, name: str) -> dict[str, str]:
    """field -> what was chosen or written; a field that was left empty is not there."""
    state = _tree(_tree(view, "state"), "values")
    found: dict[str, str] = {}
    for label in FIELDS[name]:
        block = state.get(label)
        part = block.get(label) if isinstance(block, Mapping) else None
        if not isinstance(part, Mapping):
            continue
        option = part.get("selected_option")
        picked = option.get("value") if isinstance(option, Mapping) else None
        value = picked or part.get("selected_user") or part.get("value")
        if value is None:
            continue
        if not isinstance(value, str) or len(value) > LONGEST_TEXT:
            raise PayloadError("a value that no form of ours sends")
        found[label] = value
    return found


def _shortcut(payload: Tree) -> Asked:
    if _text(payload, "callback_id") != f"{ACTION}{ActKind.MISSED.value}":
        raise PayloadError("unknown shortcut")
    user, at = _user(payload), _matching(TS, payload, "action_ts")
    return Asked(
        Way.SHORTCUT,
        _team(payload),
        user,
        ActKind.MISSED.value,
        f"slack:{at}:{ACTION}{ActKind.MISSED.value}:{user}",
        trigger=_matching(OPAQUE, payload, "trigger_id"),
    )


def read_command(given: Tree) -> Asked:
    """What a slash command says."""
    _matching(COMMAND, given, "command")
    text = _text(given, "text", "")
    trigger = _matching(OPAQUE, given, "trigger_id")
    user = _matching(SLACK_ID, given, "user_id")
    return Asked(
        Way.COMMAND,
        _matching(SLACK_ID, given, "team_id"),
        user,
        key=f"slack:{trigger}:command:{user}",
        place=Place("", channel=_matching(SLACK_ID, given, "channel_id")),
        trigger=trigger,
        respond_at=_text(given, "response_url", ""),
        text=text[:500].strip(),
    )


def _team(payload: Tree) -> str:
    """The workspace; a guest of a shared channel belongs to another one."""
    team = _matching(SLACK_ID, _tree(payload, "team"), "id")
    guest = _tree(payload, "user").get("team_id")
    return team if guest in (None, team) else f"{team}/{guest}"


def _user(payload: Tree) -> str:
    return _matching(SLACK_ID, _tree(payload, "user"), "id")


def _channel(payload: Tree) -> str:
    channel = payload.get("channel")
    return _matching(SLACK_ID, channel, "id") if isinstance(channel, Mapping) else ""


def _thread(payload: Tree) -> str:
    """The first message of the thread that the button stands in."""
    message = payload.get("message")
    if not isinstance(message, Mapping):
        return ""
    return _matching(TS, message, "thread_ts" if message.get("thread_ts") else "ts")


def _tree(payload: Tree, key: str) -> Tree:
    found = payload.get(key)
    if not isinstance(found, Mapping):
        raise PayloadError(f"no {key} in the payload")
    return found


def _text(payload: Tree, key: str, default: str | None = None) -> str:
    found = payload.get(key, default)
    if not isinstance(found, str) or len(found) > LONGEST_TEXT:
        raise PayloadError(f"no {key} in the payload")
    return found


def _matching(pattern: re.Pattern[str], payload: Tree, key: str) -> str:
    found = payload.get(key)
    if not isinstance(found, str) or not pattern.fullmatch(found):
        raise PayloadError(f"no {key} of the usual form in the payload")
    return found
