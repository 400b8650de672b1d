"""Which buttons stand under an alert in Slack? From the alert as it was told, never from its text.

A button carries the alert's id and the revision that was seen, nothing else; who may press it is
asked when it is pressed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from alerts.blocks import Block
from alerts.messages import Message
from alerts.plain import safe_link
from alerts.sections import stage_word
from alerts.words import say
from ews.model import ActKind, Alert, AlertState, ChangeKind, Stage

ACTION = "ews_"  # begins every action id, form and shortcut of ours
WHY = "why"
SIGNING = (ActKind.SIGN_OFF, ActKind.REFUSE)
CARE = (
    ActKind.ACKNOWLEDGE,
    ActKind.HAND_OVER,
    ActKind.SILENCE,
    ActKind.FALSE_ALARM,
    ActKind.CLEAR,
    ActKind.CLOSE,
)
ENDED = (ActKind.CLOSE, ActKind.FALSE_ALARM)
CALLED = (ActKind.ACKNOWLEDGE, ActKind.HAND_OVER)
VALUE = re.compile(r"(alr-[0-9a-z]{1,32})\.([0-9]{1,9})", re.ASCII)


def root_buttons(message: Message, lang: str) -> list[Block]:
    """The buttons under the first message of a thread: everything that can be done now."""
    if message.view is None:
        return []
    return buttons(message.view.alert, message.view.link, lang)


def buttons(alert: Alert, link: str, lang: str) -> list[Block]:
    """Everything that can be done with the alert as it stands."""
    if alert.state is AlertState.RESOLVED:
        return [_row(alert, "acts", ENDED, lang, link)]
    signing = SIGNING if alert.proposed or alert.timed_out else ()
    rows = [_row(alert, "sign", signing, lang)] if signing else []
    return [*rows, _row(alert, "acts", CARE, lang, link)]


def reply_buttons(message: Message, lang: str) -> list[Block]:
    """The buttons under a reply: only what it asks for, so that nobody scrolls up for it."""
    if message.view is None:
        return []
    alert, kind, link = message.view.alert, message.view.kind, message.view.link
    if kind is ChangeKind.PROPOSED and alert.proposed:
        return [_row(alert, "sign", SIGNING, lang, link)]
    if kind is ChangeKind.ESCALATED:
        return [_row(alert, "acts", CALLED, lang, link)]
    return []


def _row(
    alert: Alert, name: str, kinds: Sequence[ActKind], lang: str, link: str | None = None
) -> Block:
    """`link`: where the whole proof stands, "" nowhere; None leaves the button for it out."""
    buttons = [_button(kind.value, alert, lang) for kind in kinds]
    for button, kind in zip(buttons, kinds, strict=True):
        if kind is ActKind.SIGN_OFF:
            confirm = _confirm(alert.proposed or alert.stage, lang)
            button |= {"style": "primary", "confirm": confirm}
        if kind is ActKind.ACKNOWLEDGE and alert.holder is None:
            button["style"] = "primary"
    if link is not None:
        why = _button(WHY, alert, lang)
        if safe := safe_link(link):
            why["url"] = safe
        buttons.append(why)
    # The language is kept where the press brings it back.
    return {"type": "actions", "block_id": f"{ACTION}{name}_{lang}", "elements": buttons}


def _button(name: str, alert: Alert, lang: str) -> dict[str, Any]:
    return {
        "type": "button",
        "action_id": f"{ACTION}{name}",
        "text": _plain(say(f"slack.{name}", lang)),
        "value": value_of(alert),
    }


def value_of(alert: Alert) -> str:
    return f"{alert.id}.{alert.revision}"


def read_value(value: object) -> tuple[str, int] | None:
    """The alert's id and revision, or None for what no button of ours carries.

    >>> read_value("alr-00ff.3"), read_value("alr-00ff.3 <!channel>")
    (('alr-00ff', 3), None)
    """
    found = VALUE.fullmatch(value) if isinstance(value, str) else None
    return (found[1], int(found[2])) if found else None


def _confirm(stage: Stage, lang: str) -> dict[str, Any]:
    """A signature is asked for twice: it is somebody's name."""
    word = stage_word(stage, lang)
    return {
        "title": _plain(say("slack.sign_title", lang, stage=word)),
        "text": _plain(say("slack.sign_text", lang, stage=word)),
        "confirm": _plain(say("slack.sign_off", lang)),
        "deny": _plain(say("slack.no", lang)),
    }


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}
