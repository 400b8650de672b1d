"""How does a call to Slack's Web API end? An answer, or a ChannelError that says what to do.

slack-sdk's own retries post twice after a dropped connection, so they are off: all trying again
lives in alerts/delivery.py. The token is never shown.
"""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from alerts.channels.channel import ChannelError

# The SDK logs requests in its own words; what failed is told once, by our errors.
SDK_LOG = logging.getLogger("alerts.channels.slack.sdk")
SDK_LOG.setLevel(logging.CRITICAL)

# Slack says of these that part of the work may have been done.
AMBIGUOUS = {"fatal_error", "internal_error", "service_unavailable", "request_timeout"}
BUSY = {"ratelimited", "rate_limited", "message_limit_exceeded"}
BAD_LAYOUT = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"}
ROOT_GONE = {"message_not_found", "cant_update_message", "edit_window_closed"}
READS = "conversations."
LONGEST_WAIT_S = 3_600.0
FORMS = ("files.", "auth.")  # methods that are not sure to take JSON; a form they all take
ADVICE = {
    "channel_not_found": "check the receiver's address in routes.toml and invite the app there",
    "not_in_channel": "invite the app to the channel",
    "is_archived": "unarchive the channel or give the receiver another address",
    "missing_scope": "give the app the scopes of docs/slack-manifest.yaml and reinstall it",
    "invalid_auth": "set a valid bot token (docs/howto-slack.md)",
    "not_authed": "set a valid bot token (docs/howto-slack.md)",
    "token_revoked": "set a valid bot token (docs/howto-slack.md)",
    "token_expired": "set a valid bot token (docs/howto-slack.md)",
    "account_inactive": "the app's account is off: reinstall it",
    "not_allowed_token_type": "a bot token begins with xoxb-, an app-level one with xapp-",
}


class LayoutError(ChannelError):
    """Slack refused the blocks; nothing was posted."""


class RootGone(ChannelError):
    """The thread's first message cannot be edited any more."""


class Calls:
    """The Web API with one bot token."""

    def __init__(self, token: str, url: str, timeout_s: int) -> None:
        self._secret = token
        self.client = WebClient(
            token=token,
            base_url=url,
            timeout=timeout_s,
            retry_handlers=[],
            logger=SDK_LOG,
        )

    def __repr__(self) -> str:
        return "Calls(token=***)"

    def call(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer's body. Raises ChannelError, its token cut out."""
        given = {key: value for key, value in body.items() if value is not None}
        try:
            if method.startswith(READS):
                answer = self.client.api_call(method, http_verb="GET", params=given)
            elif method.startswith(FORMS):
                answer = self.client.api_call(method, params=given)
            else:
                answer = self.client.api_call(method, json=given)
        except SlackApiError as error:
            raise self._refused(method, error) from None
        except (URLError, HTTPException, OSError, SlackClientError, ValueError) as error:
            raise self._broken(method, error) from None
        data = answer.data
        if not isinstance(data, dict):
            raise ChannelError(f"slack {method}: not a JSON answer", ambiguous=True)
        return data

    def _refused(self, method: str, error: SlackApiError) -> ChannelError:
        """What Slack's refusal means: wait, ambiguous, or never."""
        answer = error.response
        status = getattr(answer, "status_code", 200)
        data = getattr(answer, "data", answer)
        code = str(data.get("error", "")) if isinstance(data, dict) else ""
        if status == 429 or code in BUSY:
            return ChannelError(
                f"slack {method}: too many requests", retry_after_s=retry_after(answer)
            )
        if status >= 500 or code in AMBIGUOUS or not code:
            return ChannelError(
                self.clean(f"slack {method}: HTTP {status} {code}".strip()), ambiguous=True
            )
        text = self.clean(f"slack {method}: {code}; {ADVICE.get(code, 'see docs/howto-slack.md')}")
        if code in BAD_LAYOUT:
            return LayoutError(text, permanent=True)
        if code in ROOT_GONE:
            return RootGone(text, permanent=True)
        return ChannelError(text, permanent=True)

    def _broken(self, method: str, error: Exception) -> ChannelError:
        """No answer. Only a connection that never opened is surely nothing sent."""
        cause = error.reason if isinstance(error, URLError) else error
        never_left = isinstance(cause, ConnectionRefusedError | socket.gaierror)
        text = self.clean(f"slack {method}: no answer ({type(cause).__name__})")
        return ChannelError(text, ambiguous=not never_left)

    def clean(self, text: str) -> str:
        return text.replace(self._secret, "***")


def retry_after(answer: Any) -> float:
    """Seconds Slack asks us to wait, an hour at most; 30 when it does not say."""
    headers = getattr(answer, "headers", None) or {}
    for name, value in headers.items():
        if name.lower() == "retry-after":
            found = re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", str(value).strip())
            return min(LONGEST_WAIT_S, max(1.0, float(found[0]))) if found else 30.0
    return 30.0
