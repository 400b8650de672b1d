"""Which receiver hears today that ews works, and which heartbeat did not come?

A heartbeat is due once a local day. It is kept with the store's notes of what was done in one
transaction, and goes through the outbox, so that a restart neither loses nor doubles it. Whether
one is missing is read from the store alone: another process sees it, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.quiet import clock_time, instant, zone
from alerts.routes import Routes
from ews.model import DeliveryState, Notification, Receiver, content_id
from ews.storage import Store

KEY = "beat.receivers"  # of the store: receiver -> since when it is on the list, and what was done
QUIET = "quiet"  # done without a message: it had heard of us that day
DAY = timedelta(days=1)
REMEMBERED = 14  # dues of a receiver
LOOKED_BACK = 7  # days in which a heartbeat that did not come is told with the next


@dataclass(frozen=True, slots=True)
class Missed:
    """A heartbeat that was due and not delivered in time."""

    receiver: str
    due: datetime
    kind: str  # not_made: nobody made it, so ews did not run or hung | not_sent | late
    why: str = ""  # what the channel said


@dataclass(frozen=True, slots=True)
class Book:
    """Who is on the list since when, and what was done at which due time."""

    since: dict[str, datetime] = field(default_factory=dict)
    done: dict[str, dict[datetime, str]] = field(default_factory=dict)


def read_book(store: Store) -> Book:
    said = json.loads(store.get(KEY) or "{}")
    book = Book()
    for name, one in said.items():
        book.since[name] = datetime.fromisoformat(one["since"])
        book.done[name] = {datetime.fromisoformat(at): how for at, how in one["done"].items()}
    return book


def keep_book(tx: Store, book: Book) -> None:
    said = {
        name: {
            "since": since.isoformat(),
            "done": {
                at.isoformat(): how for at, how in sorted(book.done[name].items())[-REMEMBERED:]
            },
        }
        for name, since in sorted(book.since.items())
    }
    text = json.dumps(said, ensure_ascii=False)
    if tx.get(KEY) != text:
        tx.put(KEY, text)


def on_the_list(routes: Routes) -> list[Receiver]:
    """Receivers that hear that ews works: operators, and whoever says `heartbeat = true`."""
    return [
        one for one in routes.receivers
        if (one.operator if one.heartbeat is None else one.heartbeat)
    ]  # fmt: skip


def enrol(book: Book, receivers: Sequence[Receiver], now: datetime) -> None:
    """Who is new is on the list from now on, who left is forgotten."""
    names = {one.name for one in receivers}
    for name in set(book.since) - names:
        del book.since[name], book.done[name]
    for name in names - set(book.since):
        book.since[name], book.done[name] = now, {}


def dues(receiver: Receiver, at: str, now: datetime) -> Iterator[datetime]:
    """Times until `now` at which its heartbeat was due, the newest first, without end."""
    where, time = zone(receiver.timezone), clock_time(at)
    day = now.astimezone(where).date() + DAY
    while True:
        moment = instant(day, time, where)
        if moment <= now:
            yield moment
        day -= DAY


def due_now(book: Book, receiver: Receiver, at: str, now: datetime) -> datetime | None:
    """The newest due time that nothing was done about yet; None when there is none."""
    due = next(dues(receiver, at, now))
    known = book.since.get(receiver.name, now)
    return due if due > known and due not in book.done.get(receiver.name, {}) else None


def bulletin_id(receiver: str, due: datetime) -> str:
    return content_id("bul", "heartbeat", receiver, due.isoformat())


def notification_id(receiver: str, due: datetime) -> str:
    return Notification.make_id(bulletin_id(receiver, due), 1, receiver)


def missing(
    store: Store, receivers: Sequence[Receiver], at: str, grace: timedelta, now: datetime
) -> list[Missed]:
    """Each receiver's newest heartbeat that should be there by now and is not."""
    book, found = read_book(store), []
    for one in receivers if at else ():
        due = next(dues(one, at, now - grace))
        missed = judged(store, book, one, due, grace)
        if missed is not None and missed.kind != "late":
            found.append(missed)
    return found


def missed_before(
    store: Store, book: Book, receiver: Receiver, at: str, grace: timedelta, due: datetime
) -> list[Missed]:
    """Heartbeats before that one that did not come in time, oldest first, back to the last that did."""
    found: list[Missed] = []
    for past in dues(receiver, at, due - timedelta(seconds=1)):
        missed = judged(store, book, receiver, past, grace)
        if missed is None or due - past > LOOKED_BACK * DAY:
            return found[::-1]
        found.append(missed)
    return found


def judged(
    store: Store, book: Book, receiver: Receiver, due: datetime, grace: timedelta
) -> Missed | None:
    """What went wrong with that heartbeat; None when it came in time or was not due to anybody."""
    since = book.since.get(receiver.name)
    if since is None or due <= since:
        return None
    how = book.done.get(receiver.name, {}).get(due)
    if how is None:
        return Missed(receiver.name, due, "not_made")
    if how == QUIET:
        return None
    delivery = store.delivery(notification_id(receiver.name, due))
    if delivery is None or delivery.state is not DeliveryState.SENT:
        return Missed(receiver.name, due, "not_sent", (delivery and delivery.error) or "")
    late = delivery.sent_at is not None and delivery.sent_at > due + grace
    return Missed(receiver.name, due, "late") if late else None
