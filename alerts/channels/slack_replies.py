"""How does ews answer the one person who pressed or typed? A form, or words that only they see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from slack_sdk.errors import SlackClientError
from slack_sdk.webhook import WebhookClient

from alerts.blocks import Block
from alerts.channels.channel import ChannelError
from alerts.channels.slack_calls import SDK_LOG, Calls
from alerts.channels.slack_limits import check_form, checked
from alerts.channels.slack_payloads import Asked
from alerts.channels.slack_pictures import slacks_own

TIMEOUT_S = 4


class Replies:
    """The Web API as far as answering goes. Its methods raise ChannelError and nothing else."""

    def __init__(self, token: str, url: str, timeout_s: int = TIMEOUT_S) -> None:
        self._calls = Calls(token, url, timeout_s)
        self._url = url
        self._timeout_s = timeout_s

    def __repr__(self) -> str:
        return "Replies(token=***)"

    def team(self) -> str:
        """The workspace that the token is of."""
        return str(self._calls.call("auth.test", {}).get("team_id", ""))

    def granted(self) -> tuple[str, frozenset[str]]:
        """The workspace, and the scopes that the token has. ChannelError when it has none."""
        team = self.team()
        try:
            headers = self._calls.client.api_call("auth.test").headers
        except (SlackClientError, URLError, HTTPException, OSError, ValueError):
            headers = {}
        scopes = next((v for k, v in headers.items() if k.lower() == "x-oauth-scopes"), "")
        return team, frozenset(one.strip() for one in scopes.split(",") if one.strip())

    def reads(self, channel: str) -> None:
        """Look into a channel. ChannelError, with what to do, when ews cannot."""
        self._calls.call("conversations.history", {"channel": channel, "limit": 1})

    def open_form(self, trigger: str, form: Mapping[str, Any]) -> None:
        """Open it. A trigger lives three seconds: later it is a permanent ChannelError."""
        try:
            check_form(form)
        except SlackClientError as error:
            raise ChannelError(f"slack views.open: not a form ({error})", permanent=True) from None
        self._calls.call("views.open", {"trigger_id": trigger, "view": dict(form)})

    def tell(self, asked: Asked, text: str, blocks: Sequence[Block] = ()) -> None:
        """Say it to whoever asked, seen by nobody else: by the address that came with the press,
        else in the channel, else in their own messages."""
        said: dict[str, Any] = {"text": text, "blocks": checked(blocks) if blocks else None}
        if asked.respond_at and slacks_own(asked.respond_at, self._url):
            self._respond(asked, said)
            return
        channel, thread = asked.place.channel, asked.place.thread or None
        if channel:
            try:
                self._calls.call(
                    "chat.postEphemeral",
                    {"channel": channel, "user": asked.user, "thread_ts": thread, **said},
                )
            except ChannelError as error:
                if not error.permanent:
                    raise
            else:
                return
        self._calls.call("chat.postMessage", {"channel": asked.user, **said})

    def _respond(self, asked: Asked, said: Mapping[str, Any]) -> None:
        client = WebhookClient(
            asked.respond_at, timeout=self._timeout_s, retry_handlers=[], logger=SDK_LOG
        )
        body = {
            "response_type": "ephemeral",
            "replace_original": False,
            "thread_ts": asked.place.thread or None,
            **said,
        }
        try:
            answer = client.send_dict({k: v for k, v in body.items() if v is not None})
        except (URLError, HTTPException, OSError, SlackClientError, ValueError) as error:
            raise ChannelError(f"slack answer: {type(error).__name__}", ambiguous=True) from None
        if answer.status_code != 200:
            raise ChannelError(f"slack answer: HTTP {answer.status_code}", ambiguous=True)
