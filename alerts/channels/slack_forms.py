"""Which form opens when a button asks for more than a press? Slack modals, in both languages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alerts.blocks import cut
from alerts.channels.slack_buttons import ACTION
from alerts.plain import one_line
from alerts.words import say
from ews.model import FALSE_ALARMS, ActKind

HOURS = ("1", "4", "24", "72", "168")
MOST_OPTIONS = 100  # Slack's limit of a menu
LONGEST_TEXT = 1000
LONGEST_LINE = 200
OPTION = 75  # Slack's limit of an option's words
# What each form asks; the same names as the details of ews.acting.
FIELDS: Mapping[str, tuple[str, ...]] = {
    ActKind.HAND_OVER: ("to", "remark"),
    ActKind.REFUSE: ("note",),
    ActKind.SILENCE: ("hours", "note"),
    ActKind.FALSE_ALARM: ("reason", "remark"),
    ActKind.CLEAR: ("note",),
    ActKind.CLOSE: ("decision", "outcome"),
    ActKind.MISSED: ("item", "what", "when", "link"),
}
OPTIONAL = frozenset({"remark", "when", "link"})
LINES = frozenset({"item", "when", "link"})  # one line; the other texts have room
CHOSEN = frozenset({"to", "hours", "reason"})  # from a menu of ours; the others are written


@dataclass(frozen=True, slots=True)
class Place:
    """Where a form was opened, so that its answer is told there."""

    lang: str
    alert_id: str | None = None
    revision: int | None = None
    channel: str = ""
    thread: str = ""

    def text(self) -> str:
        return json.dumps([self.lang, self.alert_id, self.revision, self.channel, self.thread])


def form(
    name: str,
    place: Place,
    people: Sequence[tuple[str, str]] = (),
    given: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The form of that act. `people`: (id, name) of whom it can be handed to; `given` fills in."""
    lang, filled = place.lang, given or {}
    return {
        "type": "modal",
        "callback_id": f"{ACTION}{name}",
        "private_metadata": place.text(),
        "title": _plain(cut(say(f"slack.{name}", lang), 24)),
        "submit": _plain(say("slack.send", lang)),
        "close": _plain(say("slack.cancel", lang)),
        "blocks": [
            _input(field, lang, _menu(field, _choices(field, lang, people)))
            if field in CHOSEN
            else _input(field, lang, _text(field, filled.get(field, "")))
            for field in FIELDS[name]
        ],
    }


def _choices(field: str, lang: str, people: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """(value, words) of a menu."""
    if field == "hours":
        return [(hours, say(f"slack.hours_{hours}", lang)) for hours in HOURS]
    if field == "reason":
        return [(reason, say(f"slack.reason_{reason}", lang)) for reason in FALSE_ALARMS]
    return [(id, one_line(name, OPTION) or id) for id, name in people]


def _input(field: str, lang: str, element: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": field,
        "optional": field in OPTIONAL,
        "label": _plain(say(f"slack.field_{field}", lang)),
        "element": {**element, "action_id": field},
    }


def _text(field: str, given: str) -> dict[str, Any]:
    element: dict[str, Any] = {
        "type": "plain_text_input",
        "multiline": field not in LINES,
        "max_length": LONGEST_LINE if field in LINES else LONGEST_TEXT,
    }
    if given:
        element["initial_value"] = cut(given, element["max_length"])
    return element


def _menu(field: str, options: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A menu; more people than Slack puts in one are picked by Slack's own list of users."""
    if field == "to" and not 0 < len(options) <= MOST_OPTIONS:
        return {"type": "users_select"}
    return {
        "type": "static_select",
        "options": [
            {"text": _plain(cut(label, OPTION)), "value": value} for value, label in options
        ],
    }


def missing(name: str, values: Mapping[str, str], lang: str) -> dict[str, str]:
    """field -> what is wrong with it; empty when the form can be taken."""
    empty = [f for f in FIELDS[name] if f not in OPTIONAL and not values.get(f, "").strip()]
    return {field: say("slack.empty", lang) for field in empty}


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}
