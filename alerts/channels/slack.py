"""Post alerts to Slack: one thread per alert, each message once.

Slack has no idempotency key, so every message carries its notification's ID as metadata and
`find` reads the channel back. Buttons stand under the thread's first message, which always shows
the alert of now, and under a reply that asks for a press.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from alerts.blocks import Block
from alerts.channels.channel import ChannelError, ChannelSettings, Sent, standing
from alerts.channels.slack_buttons import reply_buttons, root_buttons
from alerts.channels.slack_calls import Calls, LayoutError, RootGone
from alerts.channels.slack_limits import checked
from alerts.channels.slack_pictures import Pictures
from alerts.messages import Message
from alerts.words import say
from ews.model import Notification

EVENT_TYPE = "ews_notification"
LOOK_BACK = timedelta(seconds=5)  # Slack's clock and ours may differ
PAGE = 200
MAX_PAGES = 50
USER = re.compile(r"[UW][A-Z0-9]{1,30}", re.ASCII)


class Slack:
    """A channel that posts with a bot token. `slack_id` finds the Slack id of a person by name."""

    def __init__(
        self,
        token: str,
        url: str,
        timeout_s: int,
        slack_id: Callable[[str], str | None] = lambda name: None,
    ) -> None:
        self._calls = Calls(token, url, timeout_s)
        self._pictures = Pictures(self._calls, url)
        self._slack_id = slack_id

    def __repr__(self) -> str:
        return "Slack(token=***)"

    def pictures_tried(self) -> bool:
        """Whether the pictures of what was sent were all tried; waits for them a moment."""
        return self._pictures.wait()

    def send(self, message: Message, notification: Notification, thread_id: str | None) -> Sent:
        """Post the message; in a thread, first bring the root message up to date.

        The update comes first because it may be repeated without harm: a failure there is
        surely nothing sent. An edit posts nothing.
        """
        address = notification.address
        if thread_id is not None:
            self._update_root(message, address, thread_id, notification.lang)
        if notification.edit:
            return standing(notification, thread_id)
        sent = self._post(self._told(message, notification, thread_id), thread_id)
        self._pictures.later(message.pictures, notification.id, address, sent.thread_id)
        return sent

    def _told(
        self, message: Message, notification: Notification, thread_id: str | None
    ) -> dict[str, Any]:
        """The message as Slack takes it; nothing in it is unfurled or linked by itself."""
        lang = notification.lang
        called = self._called(notification.mentions or message.mentions, lang)
        buttons = (reply_buttons if thread_id else root_buttons)(message, lang)
        return {
            "channel": notification.address,
            "text": "\n".join([*called, message.summary]),
            "blocks": laid_out(message.blocks, called, buttons),
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"k": notification.id}},
            "unfurl_links": False,
            "unfurl_media": False,
            "link_names": False,
            "parse": "none",
            "thread_ts": thread_id,
        }

    def _post(self, post: dict[str, Any], thread_id: str | None) -> Sent:
        try:
            answer = self._calls.call("chat.postMessage", post)
        except LayoutError:
            # A refused layout was not posted: better plain words than none.
            answer = self._calls.call("chat.postMessage", {**post, "blocks": None})
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
            answer = self._calls.call(method, query)
            yield from answer.get("messages") or []
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return
            query["cursor"] = cursor
        raise ChannelError(f"slack: more than {MAX_PAGES} pages of history; not settled yet")

    def _update_root(self, message: Message, address: str, thread_id: str, lang: str) -> None:
        body = {
            "channel": address,
            "ts": thread_id,
            "text": message.root_summary,
            "blocks": laid_out(message.root_blocks, (), root_buttons(message, lang)),
        }
        try:
            self._calls.call("chat.update", body)
        except (RootGone, LayoutError):
            return  # deleted, too old to edit, or refused: the reply still goes out
        except ChannelError as error:
            error.ambiguous = False  # repeating an update changes nothing
            raise

    def _called(self, names: Sequence[str], lang: str) -> list[str]:
        """One line that calls the persons who have a Slack id in our own table; none without."""
        found = [id for name in names if USER.fullmatch(id := self._slack_id(name) or "")]
        who = " ".join(f"<@{id}>" for id in dict.fromkeys(found))
        return [say("slack.called", lang, who=who)] if who else []


def laid_out(
    blocks: Sequence[Block], called: Sequence[str], buttons: Sequence[Block]
) -> list[dict[str, Any]] | None:
    """The blocks with the call below the headline and the buttons at the end; when that is too
    much for Slack, without the buttons."""
    calls: list[Block] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": line, "verbatim": True}}
        for line in called
    ]
    rows = [*blocks[:1], *calls, *blocks[1:]]
    return checked([*rows, *buttons]) or checked(rows)


def open_slack(settings: ChannelSettings) -> Slack:
    if not settings.slack_token:
        raise ChannelError(
            "slack: no bot token; set EWS_SLACK_BOT_TOKEN (docs/howto-slack.md)", permanent=True
        )
    return Slack(
        settings.slack_token, settings.slack_url, settings.slack_timeout_s, settings.slack_id
    )
