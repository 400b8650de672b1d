"""How do presses come in where no port may be open? Slack's Socket Mode: we call, Slack answers.

slack-sdk's own client (the one that slack-bolt wraps, without its reading of the environment)
keeps the connection: it pings, notices a dead one after 20 s and connects again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from alerts.channels.channel import ChannelError
from alerts.channels.slack_calls import ADVICE, SDK_LOG
from alerts.channels.slack_payloads import Asked, PayloadError, Way, read_command, read_payload

log = logging.getLogger(__name__)

AT_ONCE = 20
PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
Answer = Callable[[Asked], Mapping[str, object]]


@contextmanager
def listening(
    app_token: str, url: str, answer: Answer, stop: threading.Event, ping_s: float = 5.0
) -> Iterator[SocketModeClient | None]:
    """A connection for as long as the block runs; None when `stop` came before one was there.

    `answer` is asked once per envelope and says what Slack is to show (mostly nothing). A
    ChannelError (permanent) when the token is not taken; a network that is down is waited for.
    """
    client = SocketModeClient(
        app_token,
        logger=SDK_LOG,
        web_client=WebClient(base_url=url, timeout=10, retry_handlers=[], logger=SDK_LOG),
        concurrency=AT_ONCE,
        ping_interval=ping_s,
        receive_buffer_size=64 * 1024,
    )
    client.socket_mode_request_listeners.append(_taking(answer))
    try:
        yield client if _connected(client, stop) else None
    finally:
        client.close()


def _connected(client: SocketModeClient, stop: threading.Event) -> bool:
    """Whether it is connected; tries until then, or until `stop`."""
    for tries in range(1_000_000):
        try:
            client.connect()
            return True
        except SlackApiError as error:
            code = str(error.response.get("error", ""))
            if code in ADVICE:
                raise _not_taken(code) from None
            why = code
        except (SlackClientError, URLError, HTTPException, OSError, ValueError) as error:
            why = type(error).__name__
        log.warning("no connection to slack yet", extra={"why": why, "tries": tries + 1})
        if stop.wait(PAUSES_S[min(tries, len(PAUSES_S) - 1)]):
            break
    return False


def try_socket(app_token: str, url: str) -> None:
    """Ask for a connection and leave it. ChannelError, with what to do, when Slack gives none."""
    web = WebClient(base_url=url, timeout=10, retry_handlers=[], logger=SDK_LOG)
    try:
        web.apps_connections_open(app_token=app_token)
    except SlackApiError as error:
        raise _not_taken(str(error.response.get("error", ""))) from None
    except (SlackClientError, URLError, HTTPException, OSError, ValueError) as error:
        raise ChannelError(f"slack socket: no answer ({type(error).__name__})") from None


def _not_taken(code: str) -> ChannelError:
    said = ADVICE.get(code, "see docs/howto-slack.md").replace(
        "valid bot token", "valid app-level token (xapp-)"
    )
    return ChannelError(f"slack socket: {code}; {said}", permanent=code in ADVICE)


def _taking(answer: Answer) -> Callable[[BaseSocketModeClient, SocketModeRequest], None]:
    """Acknowledge every envelope, whatever is in it, and act on those of ours."""

    def take(client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        shown: Mapping[str, object] = {}
        try:
            asked = read_envelope(request.type, request.payload)
            shown = answer(asked) if asked.way is not Way.NOTHING else {}
        except PayloadError as error:
            log.warning("not taken from slack", extra={"why": str(error)})
        finally:
            # An unanswered envelope would come again.
            said: dict[str, Any] = {"envelope_id": request.envelope_id}
            client.send_socket_mode_response(said | ({"payload": dict(shown)} if shown else {}))

    return take


def read_envelope(kind: str, payload: object) -> Asked:
    """What an envelope of Socket Mode holds. PayloadError for what we did not ask for."""
    if kind == "interactive":
        return read_payload(payload)
    if kind == "slash_commands" and isinstance(payload, Mapping):
        return read_command(payload)
    raise PayloadError(f"an envelope of kind {kind[:40]!r}")
