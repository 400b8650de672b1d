"""What must a channel be able to do? Send once, and say afterwards whether it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, TextIO

from alerts.facts import Codes
from alerts.messages import Message
from ews.model import Notification


class ChannelError(Exception):
    """A message did not surely arrive.

    permanent: trying again cannot help. ambiguous: the channel may have it, so nobody may send
    again before `find` said no. retry_after_s: the channel asked for that pause. None of the
    three: it surely did not arrive, try again.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        ambiguous: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.ambiguous = ambiguous
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a message lies: the channel's own ID, and that of its thread's first message."""

    external_id: str
    thread_id: str


def standing(notification: Notification, thread_id: str | None) -> Sent:
    """What a channel that cannot edit answers to `notification.edit`: nothing is posted, and the
    thread stays where it is."""
    there = thread_id or notification.id
    return Sent(there, there)


class Channel(Protocol):
    """A way out. Both methods raise ChannelError and nothing else.

    `notification.edit` asks to bring the thread's first message up to date and to post nothing; a
    channel that cannot edit answers `standing`.
    """

    def send(self, message: Message, notification: Notification, thread_id: str | None) -> Sent: ...

    def find(
        self,
        notification_id: str,
        address: str,
        since: datetime,
        thread_id: str | None = None,
    ) -> Sent | None:
        """Where the notification lies if it was sent at or after `since`, else None."""
        ...


@dataclass(frozen=True, slots=True)
class Smtp:
    """The mail server that takes our messages, and as whom we send."""

    host: str
    sender: str  # address in From
    port: int = 587
    tls: str = "starttls"  # starttls | tls | none
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """What channels need to open. `home` is where the console and CAP keep their records."""

    home: Path
    stream: TextIO | None = None  # where the console prints; None: the record only
    slack_token: str | None = field(default=None, repr=False)
    slack_url: str = "https://slack.com/api/"
    slack_timeout_s: int = 8  # below the settle time: a late request must not land after a look
    slack_id: Callable[[str], str | None] = lambda name: None  # of a person of our own table
    timeout_s: float = 8.0  # of one e-mail or webhook as a whole, for the same reason
    smtp: Smtp | None = None
    # receiver -> its secrets, the newest first
    webhook_secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    cap_sender: str | None = None
    cap_status: str = "Test"  # Actual | Exercise | Test
    public_url: str = ""  # of the pages, for links; "" none
    codes: Codes = field(default_factory=Codes)
    clock: Callable[[], datetime] | None = None  # webhooks are signed with the time of sending
