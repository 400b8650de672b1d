"""What must a channel be able to do? Send once, and say afterwards whether it did."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, TextIO

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


class Channel(Protocol):
    """A way out. Both methods raise ChannelError and nothing else."""

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
class ChannelSettings:
    """What channels need to open. `home` is where the console keeps its record."""

    home: Path
    stream: TextIO | None = None  # where the console prints; None: the record only
    slack_token: str | None = field(default=None, repr=False)
    slack_url: str = "https://slack.com/api/"
    slack_timeout_s: int = 8  # below the settle time: a late request must not land after a look
