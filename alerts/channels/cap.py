"""Drop CAP 1.2 messages as files into a folder, for a CAP aggregator to pick up.

The aggregator may take files away, so what was published stands in a ledger in the same folder,
`.published.jsonl`: it says which earlier messages an update refers to, and that nothing is
published twice. A file is written under a hidden name, then entered in the ledger, then renamed:
whoever is killed in between, the next try finishes that step and no other.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from alerts.cap import Issuer, Parent, build_cap, identifier, named, published
from alerts.channels.channel import ChannelError, ChannelSettings, Sent, standing
from alerts.messages import Message
from ews.model import ChangeKind, Notification

LEDGER = ".published.jsonl"
LOCK = ".lock"


class Cap:
    """A channel that publishes files. The receiver's address is the folder."""

    def __init__(self, home: Path, issuer: Issuer) -> None:
        self._home = home
        self._issuer = issuer

    def send(self, message: Message, notification: Notification, thread_id: str | None) -> Sent:
        """Publish one change. What CAP has no word for (a digest, a proposal, a call to a person)
        counts as sent and leaves no file."""
        view = message.view
        if notification.edit or view is None or view.change is None:
            return standing(notification, thread_id)
        folder = self._folder(notification.address)
        name = identifier(notification.alert_id, notification.alert_revision)
        try:
            with _alone_in(folder):
                rows = read_ledger(folder / LEDGER)
                if not any(row["identifier"] == name for row in rows):
                    parents = parents_of(rows, notification.alert_id)
                    released = view.change.kind is ChangeKind.RELEASED
                    if not published(view.change, not parents) and not released:
                        return standing(notification, thread_id)
                    _write(folder / f".{name}.xml", build_cap(view, self._issuer, parents))
                    _append(folder / LEDGER, _row(named(view.change, self._issuer), notification))
                _publish(folder, name)
        except OSError as error:
            raise ChannelError(
                f"cap: cannot write in {folder} ({error.strerror}); make the folder, free space or "
                "mend its permissions"
            ) from error  # the same step is done again, so nothing is ambiguous
        return Sent(name, thread_id or name)

    def find(
        self,
        notification_id: str,
        address: str,
        since: datetime,
        thread_id: str | None = None,
    ) -> Sent | None:
        """None while the file still waits under its hidden name: `send` then finishes it."""
        folder = self._folder(address)
        try:
            rows = read_ledger(folder / LEDGER)
        except OSError as error:
            raise ChannelError(f"cap: cannot read the ledger ({error.strerror})") from error
        for row in rows:
            if row["notification"] == notification_id:
                if (folder / f".{row['identifier']}.xml").exists():
                    return None
                return Sent(row["identifier"], thread_id or row["identifier"])
        return None

    def _folder(self, address: str) -> Path:
        """Relative folders count from the home."""
        if "\0" in address or not address.strip():
            raise ChannelError("cap: the receiver's address must be a folder", permanent=True)
        return self._home / address


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Two workers that publish there at once would each miss what the other says."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # closing the file ends it, however we end
        yield


def read_ledger(file: Path) -> list[dict[str, str]]:
    """What was published there, oldest first. A line that a crash tore is left out."""
    if not file.exists():
        return []
    rows = []
    for line in file.read_text("utf-8", "replace").splitlines():
        try:
            row = json.loads(line)
            keys = ("notification", "alert", "sender", "identifier", "sent")
            rows.append({key: str(row[key]) for key in keys})
        except (ValueError, KeyError, TypeError):
            continue
    return rows


def parents_of(rows: list[dict[str, str]], alert_id: str) -> list[Parent]:
    """The messages of that alert that were published there, oldest first."""
    return [
        Parent(row["sender"], row["identifier"], row["sent"])
        for row in rows
        if row["alert"] == alert_id
    ]


def _row(own: Parent, notification: Notification) -> dict[str, str]:
    return {
        "notification": notification.id,
        "alert": notification.alert_id,
        "sender": own.sender,
        "identifier": own.identifier,
        "sent": own.sent,
    }


def _write(file: Path, content: bytes) -> None:
    with file.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())


def _append(file: Path, row: dict[str, str]) -> None:
    """One synced write; a torn line of an earlier crash is closed first."""
    line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
    descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.lseek(descriptor, 0, os.SEEK_END)
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        if os.write(descriptor, line) != len(line):
            raise OSError(28, "only part of the line was written")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _publish(folder: Path, name: str) -> None:
    """Rename the hidden file; none is there when it was published before."""
    hidden = folder / f".{name}.xml"
    if hidden.exists():
        hidden.replace(folder / f"{name}.xml")
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def open_cap(settings: ChannelSettings) -> Cap:
    """ChannelError (permanent) when nobody is named as the sender."""
    if not settings.cap_sender:
        raise ChannelError(
            "cap: no sender; set cap_sender to an e-mail address or host name of yours "
            "(docs/howto-channels.md)",
            permanent=True,
        )
    try:
        issuer = Issuer(
            settings.cap_sender,
            settings.cap_status,
            settings.public_url,
            codes=settings.codes,
        )
    except ValueError as error:
        raise ChannelError(f"cap: {error}", permanent=True) from error
    return Cap(settings.home, issuer)
