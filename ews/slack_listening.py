"""Presses over Socket Mode: ews calls Slack, so no port is open to the world."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from alerts.channels.channel import ChannelError
from alerts.channels.slack_payloads import Asked, Way
from alerts.channels.slack_socket import listening
from alerts.words import say
from ews.config import Settings
from ews.slack_desk import Desk, open_desk
from ews.storage import Store


@contextmanager
def slack_listening(
    settings: Settings,
    store: Store,
    clock: Callable[[], datetime],
    stop: threading.Event,
    ping_s: float = 5.0,
) -> Iterator[bool]:
    """Listens for as long as the block runs: True; False when `stop` came before Slack answered.

    At the end what was taken is finished. ChannelError (permanent) when a token is missing or not
    taken.
    """
    token = settings.slack_app_token
    if token is None:
        raise ChannelError("slack: no app-level token; set EWS_SLACK_APP_TOKEN "
                           "(docs/howto-slack.md)", permanent=True)  # fmt: skip
    desk = open_desk(settings, store, clock)
    app_token, url = token.get_secret_value(), settings.slack_base_url
    try:
        with listening(app_token, url, lambda asked: shown(desk, asked), stop, ping_s) as client:
            yield client is not None
    finally:
        desk.close()


def shown(desk: Desk, asked: Asked) -> Mapping[str, object]:
    """What Slack is to show at once: the errors of a form. All else is acknowledged, and told by
    the desk when it is done."""
    taken = desk.take(asked)
    if asked.way is not Way.FORM:
        if taken.done() and taken.result().busy:
            desk.tell(asked, say("slack.busy", asked.place.lang or desk.lang))
        return {}
    outcome = desk.finished(asked, taken)
    return {"response_action": "errors", "errors": dict(outcome.errors)} if outcome.errors else {}
