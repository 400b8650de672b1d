"""Which address is dead, which operator is told of it on another way, and who reads in its place?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.digests import carry
from alerts.routes import Routes
from alerts.view import korean_time
from alerts.words import say
from ews.model import (
    Bulletin,
    BulletinKind,
    BulletinPart,
    ChannelState,
    Delivery,
    Notification,
    Receiver,
    content_id,
)

DEAD_AFTER = timedelta(minutes=10)
LETTER_AGE = timedelta(days=1)  # an older dead letter is history, not for a backup to read now
SHOWN = 20  # lines of one part
Address = tuple[str, str]  # (channel, address)
Letters = Sequence[tuple[Notification, Delivery]]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What an operator has to hear now: each address and each letter once."""

    dead: tuple[ChannelState, ...] = ()
    mended: tuple[ChannelState, ...] = ()
    letters: tuple[tuple[Notification, Delivery], ...] = ()
    waiting: Mapping[Address, int] = field(
        default_factory=dict
    )  # messages that wait for an address

    def __bool__(self) -> bool:
        return bool(self.dead or self.mended or self.letters)

    @property
    def summary(self) -> str:
        """In few words, for the log."""
        places = [f"{one.channel} {one.address}" for one in self.dead]
        return f"dead: {', '.join(places) or 'none'}; letters given up: {len(self.letters)}"

    @property
    def channels(self) -> set[str]:
        """Channels that cannot be trusted to carry the page."""
        states = (*self.dead, *self.mended)
        return {one.channel for one in states} | {told.channel for told, _ in self.letters}


def is_dead(
    state: ChannelState, letters: Letters, now: datetime, dead_after: timedelta = DEAD_AFTER
) -> bool:
    """Whether nothing gets through for long, or the last answer was a refusal for good."""
    if state.failing_since is None:
        return False
    refused = (
        (told.channel, told.address) == (state.channel, state.address)
        and (delivery.error or "").endswith(state.error or "\0")
        for told, delivery in letters
    )
    return now - state.failing_since >= dead_after or any(refused)


def operators(routes: Routes, trouble: Trouble, dead: Collection[Address]) -> list[Receiver]:
    """Operator receivers on a channel that is not in trouble; else at an address that is not."""
    every = [one for one in routes.receivers if one.operator]
    alive = [one for one in every if (one.channel, one.address) not in dead]
    elsewhere = [one for one in alive if one.channel not in trouble.channels]
    return elsewhere or alive


def page(
    routes: Routes, trouble: Trouble, dead: Collection[Address], now: datetime
) -> list[tuple[Bulletin, Notification]]:
    """A bulletin to each operator who can be reached, with the notification that carries it."""
    if not trouble:
        return []
    pages = []
    for one in operators(routes, trouble, dead):
        bulletin = _bulletin(one, routes, trouble, now)
        pages.append((bulletin, carry(bulletin, one)))
    return pages


def stand_ins(
    routes: Routes,
    dead: Collection[Address],
    stranded: Sequence[Notification],
    told: Collection[tuple[str, int, str]],
    now: datetime,
) -> list[Notification]:
    """What is stranded at a dead address, again, for the backup of its receiver.

    `told` holds (alert, revision, receiver) of what is sent anyway or was copied before: a backup
    that reads the alert itself is not told twice. The copy's receiver is named "backup (receiver)": a thread of its own.
    """
    by_name = {one.name: one for one in routes.receivers}
    copies = []
    for one in stranded:
        backup = _backup(by_name, one.receiver, dead)
        if one.edit or backup is None:
            continue
        copy = _copy(one, backup, now)
        names = (backup.name, copy.receiver)
        if not any((one.alert_id, one.alert_revision, name) in told for name in names):
            copies.append(copy)
    return copies


def _backup(
    by_name: Mapping[str, Receiver], name: str, dead: Collection[Address]
) -> Receiver | None:
    """The first receiver along the backups whose own address is not dead."""
    seen = {name}
    receiver = by_name.get(name)
    while receiver is not None and receiver.backup is not None and receiver.backup not in seen:
        seen.add(receiver.backup)
        receiver = by_name.get(receiver.backup)
        if receiver is not None and (receiver.channel, receiver.address) not in dead:
            return receiver
    return None


def _copy(told: Notification, backup: Receiver, now: datetime) -> Notification:
    name = f"{backup.name} ({told.receiver})"
    return replace(
        told,
        id=Notification.make_id(told.alert_id, told.alert_revision, name),
        receiver=name,
        channel=backup.channel,
        address=backup.address,
        lang=backup.lang,
        at=now,
        why=say("paging.for_other", backup.lang, receiver=told.receiver, why=told.why),
    )


def _bulletin(receiver: Receiver, routes: Routes, trouble: Trouble, now: datetime) -> Bulletin:
    lang = receiver.lang
    counts = {"dead": trouble.dead, "mended": trouble.mended, "letters": trouble.letters}
    title = " · ".join(
        say(f"paging.{key}", lang, n=len(these)) for key, these in counts.items() if these
    )
    parts = [
        BulletinPart(say("paging.where", lang), _addresses(routes, trouble, now, lang)),
        BulletinPart(say("paging.instead", lang), _instead(routes, trouble, lang)),
        BulletinPart(say("paging.letters", lang, n=len(trouble.letters)), _letters(trouble, lang)),
        BulletinPart(say("paging.to_do", lang), _to_do(trouble, lang)),
    ]
    return Bulletin(
        content_id("bul", BulletinKind.OPERATOR.value, receiver.name, now.isoformat()),
        BulletinKind.OPERATOR, receiver.name, lang, now, title,
        tuple(part for part in parts if part.lines),
    )  # fmt: skip


def _addresses(routes: Routes, trouble: Trouble, now: datetime, lang: str) -> tuple[str, ...]:
    lines = [
        say(
            "paging.address", lang, channel=s.channel, address=s.address,
            receivers=", ".join(_at(routes, s)) or "-", since=korean_time(s.failing_since or now),
            minutes=int((now - (s.failing_since or now)).total_seconds() // 60),
            waiting=trouble.waiting.get((s.channel, s.address), 0), error=s.error or "-",
        )
        for s in trouble.dead
    ]  # fmt: skip
    lines += [
        say("paging.works", lang, channel=s.channel, address=s.address,
            receivers=", ".join(_at(routes, s)) or "-")
        for s in trouble.mended
    ]  # fmt: skip
    return _short(lines)


def _instead(routes: Routes, trouble: Trouble, lang: str) -> tuple[str, ...]:
    by_name = {one.name: one for one in routes.receivers}
    lines = []
    for name in (name for state in trouble.dead for name in _at(routes, state)):
        backup = by_name[name].backup
        key = "paging.stands_in" if backup else "paging.no_backup"
        lines.append(say(key, lang, receiver=name, backup=backup or ""))
    return _short(lines)


def _letters(trouble: Trouble, lang: str) -> tuple[str, ...]:
    return _short([
        say("paging.letter", lang, receiver=told.receiver, id=told.id, error=delivery.error or "-")
        for told, delivery in trouble.letters
    ])  # fmt: skip


def _to_do(trouble: Trouble, lang: str) -> tuple[str, ...]:
    lines = [say("paging.mend", lang)] if trouble.dead else []
    return (*lines, say("paging.resend", lang)) if trouble.letters else tuple(lines)


def _at(routes: Routes, state: ChannelState) -> list[str]:
    here = (state.channel, state.address)
    return [one.name for one in routes.receivers if (one.channel, one.address) == here]


def _short(lines: Sequence[str]) -> tuple[str, ...]:
    more = len(lines) - SHOWN
    return (*lines[:SHOWN], f"+ {more}") if more > 0 else tuple(lines)
