"""Post alerts to Slack: one thread per alert, each message once.

Slack has no idempotency key, so every message carries its notification's ID as metadata and
`find` reads the channel back. slack-sdk's own retries post twice after a dropped connection, so
they are off: all trying again lives in alerts/delivery.py.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.models.blocks import Block as SdkBlock

from alerts.blocks import MAX_BLOCKS, MAX_TOTAL, Block
from alerts.channels.channel import ChannelError, ChannelSettings, Sent
from alerts.messages import Message
from ews.model import Notification

# The SDK logs requests in its own words; what failed is told once, by our errors.
SDK_LOG = logging.getLogger("alerts.channels.slack.sdk")
SDK_LOG.setLevel(logging.CRITICAL)
EVENT_TYPE = "ews_notification"
LOOK_BACK = timedelta(seconds=5)  # Slack's clock and ours may differ
PAGE = 200
MAX_PAGES = 50

# Slack says of these that part of the work may have been done.
AMBIGUOUS = {"fatal_error", "internal_error", "service_unavailable", "request_timeout"}
BUSY = {"ratelimited", "rate_limited", "message_limit_exceeded"}
BAD_LAYOUT = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"}
ROOT_GONE = {"message_not_found", "cant_update_message", "edit_window_closed"}
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
}


class Slack:
    """A channel that posts with a bot token. The token is never shown."""

    def __init__(self, token: str, url: str, timeout_s: int) -> None:
        self._secret = token
        self._client = WebClient(
            token=token,
            base_url=url,
            timeout=timeout_s,
            retry_handlers=[],
            logger=SDK_LOG,
        )

    def __repr__(self) -> str:
        return "Slack(token=***)"

    def send(self, message: Message, notification: Notification, thread_id: str | None) -> Sent:
        """Post the message; in a thread, first bring the root message up to date.

        The update comes first because it may be repeated without harm: a failure there is
        surely nothing sent.
        """
        if thread_id is not None:
            self._update_root(message, notification.address, thread_id)
        post: dict[str, Any] = {
            "channel": notification.address,
            "text": message.summary,
            "blocks": checked(message.blocks),
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"k": notification.id}},
            "unfurl_links": False,
            "unfurl_media": False,
            "link_names": False,
            "parse": "none",
        }
        if thread_id is not None:
            post["thread_ts"] = thread_id
        try:
            answer = self._call("chat.postMessage", post)
        except LayoutError:
            # A refused layout was not posted: better plain words than none.
            answer = self._call("chat.postMessage", {**post, "blocks": None})
        ts = answer.get("ts")
        if not isinstance(ts, str):
            raise ChannelError("slack: the answer has no ts", ambiguous=True)
        return Sent(ts, thread_id or ts)

    def find(
        self,
        notification_id: str,
        address: str,
        since: datetime,
        thread_id: str | None = None,
    ) -> Sent | None:
        for row in self._messages(address, since - LOOK_BACK, thread_id):
            metadata = row.get("metadata") or {}
            payload = metadata.get("event_payload") or {}
            if metadata.get("event_type") == EVENT_TYPE and payload.get("k") == notification_id:
                ts = str(row["ts"])
                return Sent(ts, thread_id or str(row.get("thread_ts") or ts))
        return None

    def _messages(
        self, address: str, oldest: datetime, thread_id: str | None
    ) -> Iterator[Mapping[str, Any]]:
        """Every message of the channel (or thread) since then, following the cursor."""
        method = "conversations.replies" if thread_id else "conversations.history"
        query: dict[str, Any] = {
            "channel": address,
            "oldest": f"{oldest.timestamp():.6f}",
            "inclusive": True,
            "include_all_metadata": True,
            "limit": PAGE,
        }
        if thread_id:
            query["ts"] = thread_id
        for _ in range(MAX_PAGES):
            answer = self._call(method, query)
            yield from answer.get("messages") or []
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return
            query["cursor"] = cursor
        raise ChannelError(f"slack: more than {MAX_PAGES} pages of history; not settled yet")

    def _update_root(self, message: Message, address: str, thread_id: str) -> None:
        body = {
            "channel": address,
            "ts": thread_id,
            "text": message.root_summary,
            "blocks": checked(message.root_blocks),
        }
        try:
            self._call("chat.update", body)
        except (RootGone, LayoutError):
            return  # deleted, too old to edit, or refused: the reply still goes out
        except ChannelError as error:
            error.ambiguous = False  # repeating an update changes nothing
            raise

    def _call(self, method: str, body: dict[str, Any]) -> Mapping[str, Any]:
        """The answer's body. Raises ChannelError, its token cut out."""
        body = {key: value for key, value in body.items() if value is not None}
        reads = method.startswith("conversations.")
        try:
            if reads:
                answer = self._client.api_call(method, http_verb="GET", params=body)
            else:
                answer = self._client.api_call(method, json=body)
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
                self._clean(f"slack {method}: HTTP {status} {code}".strip()), ambiguous=True
            )
        text = self._clean(f"slack {method}: {code}; {ADVICE.get(code, 'see docs/howto-slack.md')}")
        if code in BAD_LAYOUT:
            return LayoutError(text, permanent=True)
        if code in ROOT_GONE:
            return RootGone(text, permanent=True)
        return ChannelError(text, permanent=True)

    def _broken(self, method: str, error: Exception) -> ChannelError:
        """No answer. Only a connection that never opened is surely nothing sent."""
        cause = error.reason if isinstance(error, URLError) else error
        never_left = isinstance(cause, ConnectionRefusedError | socket.gaierror)
        text = self._clean(f"slack {method}: no answer ({type(cause).__name__})")
        return ChannelError(text, ambiguous=not never_left)

    def _clean(self, text: str) -> str:
        return text.replace(self._secret, "***")


class LayoutError(ChannelError):
    """Slack refused the blocks; nothing was posted."""


class RootGone(ChannelError):
    """The thread's first message cannot be edited any more."""


def retry_after(answer: Any) -> float:
    """Seconds Slack asks us to wait; 30 when it does not say."""
    headers = getattr(answer, "headers", None) or {}
    for name, value in headers.items():
        if name.lower() == "retry-after":
            try:
                return max(1.0, float(value))
            except ValueError:
                break
    return 30.0


def checked(blocks: Sequence[Block]) -> list[dict[str, Any]] | None:
    """The blocks as slack-sdk's own models accept them, or None: then the words go alone."""
    try:
        for block in blocks:
            parsed = SdkBlock.parse(dict(block))
            if parsed is None:
                return None
            parsed.validate_json()
    except SlackClientError:
        return None
    rows = [dict(block) for block in blocks]
    too_big = len(rows) > MAX_BLOCKS or sum(map(text_size, rows)) > MAX_TOTAL
    return None if too_big else rows


def text_size(part: object) -> int:
    """Characters of text inside a block, at any depth."""
    if isinstance(part, str):
        return len(part)
    if isinstance(part, Mapping):
        return sum(text_size(v) for k, v in part.items() if k not in {"type", "block_id"})
    if isinstance(part, Sequence):
        return sum(text_size(value) for value in part)
    return 0


def open_slack(settings: ChannelSettings) -> Slack:
    if not settings.slack_token:
        raise ChannelError(
            "slack: no bot token; set EWS_SLACK_BOT_TOKEN (docs/howto-slack.md)", permanent=True
        )
    return Slack(settings.slack_token, settings.slack_url, settings.slack_timeout_s)
