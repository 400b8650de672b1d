"""Print alerts, and keep them in `<home>/console.jsonl`: the channel that needs nobody's account.

The file is the channel's truth, the screen a view of it. A notification is appended (one write,
synced) before it is printed, so after a crash `find` knows it and it is never told twice. A crash
between the two leaves it in the file but not on that screen.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from alerts.channels.channel import ChannelError, ChannelSettings, Sent, standing
from alerts.messages import Message
from ews.model import Notification


class Console:
    """A channel that prints to a stream and appends to a JSON Lines file."""

    def __init__(self, file: Path, stream: TextIO | None) -> None:
        self._file = file
        self._stream = stream
        self._seen: dict[str, Sent] = {}
        self._read_to = 0  # bytes of the file already read

    def send(self, message: Message, notification: Notification, thread_id: str | None) -> Sent:
        """Append and print once; a notification already in the file is not told again."""
        if notification.edit:
            return standing(notification, thread_id)
        try:
            self._read_new()
            if notification.id in self._seen:
                return self._seen[notification.id]
            external_id = f"console-{notification.id}"
            sent = Sent(external_id, thread_id or external_id)
            self._append(message, notification, sent)
        except OSError as error:
            raise ChannelError(
                f"console: cannot write {self._file.name} in the home ({error.strerror}); "
                "free space or mend its permissions",
                ambiguous=True,
            ) from error
        self._seen[notification.id] = sent
        self._print(message.text)
        return sent

    def find(
        self,
        notification_id: str,
        address: str,
        since: datetime,
        thread_id: str | None = None,
    ) -> Sent | None:
        try:
            self._read_new()
        except OSError as error:
            raise ChannelError(
                f"console: cannot read {self._file.name} in the home ({error.strerror})"
            ) from error
        return self._seen.get(notification_id)

    def _append(self, message: Message, notification: Notification, sent: Sent) -> None:
        row = {
            "k": notification.id,
            "id": sent.external_id,
            "thread": sent.thread_id,
            "alert": notification.alert_id,
            "revision": notification.alert_revision,
            "receiver": notification.receiver,
            "reason": notification.reason.value,
            "at": notification.at.astimezone(UTC).isoformat(),
            "text": message.text,
        }
        line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
        self._file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if _torn(descriptor):
                line = b"\n" + line
            written = os.write(descriptor, line)
            if written != len(line):
                raise OSError(28, "only part of the line was written")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _read_new(self) -> None:
        """Learn the lines added since the last look, also by another process."""
        if not self._file.exists():
            return
        with self._file.open("rb") as file:
            file.seek(self._read_to)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # still being written, or torn by a crash: not there yet
                self._read_to += len(line)
                row = _row(line)
                if row is not None:
                    self._seen[row["k"]] = Sent(row["id"], row["thread"])

    def _print(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (OSError, UnicodeEncodeError, ValueError):
            return  # a closed or narrow screen loses the view, not the message


def _torn(descriptor: int) -> bool:
    """Whether a crash left the file without its last line end."""
    size = os.lseek(descriptor, 0, os.SEEK_END)
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"


def _row(line: bytes) -> dict[str, str] | None:
    """The IDs of one line; None for one that a crash tore."""
    try:
        row = json.loads(line)
        return {key: str(row[key]) for key in ("k", "id", "thread")}
    except (ValueError, KeyError, TypeError):
        return None


def open_console(settings: ChannelSettings) -> Console:
    return Console(settings.home / "console.jsonl", settings.stream)
