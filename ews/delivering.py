"""Who sends what is due? A worker: one hand claims from the outbox, lanes of each channel send.

One address has one message on its way, so that its order and rate are kept; a channel has a few
lanes, and addresses that do not answer may fill only half of them. So neither a paused address nor
a hanging one, nor a whole channel that is down, keeps a message for somebody else waiting.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.channels import Channel, ChannelError
from alerts.delivery import PATIENCE, Patience, Tried, after, attempt, dropped, unsent
from alerts.messages import Message
from alerts.paging import (
    DEAD_AFTER,
    LETTER_AGE,
    Letters,
    Trouble,
    is_dead,
    page,
    stand_ins,
)
from alerts.routes import Routes
from ews.model import BulletinKind, ChannelState, Delivery, DeliveryState, Notification
from ews.storage import StaleLeader, Store
from ews.storage.channel_states import Address, Rate

log = logging.getLogger(__name__)

LANES = 4  # of each channel
LEASE_S = 60.0
POLL_S = 0.2
PAGES_EVERY = timedelta(seconds=15)
RETRY_S = 1.0  # when the store cannot be asked
# Slack: about one message a second and channel, short bursts are let through.
RATES: Mapping[str, Rate] = {"slack": Rate(1.0, burst=3)}

LETTERS_TOLD = "delivery.letters_told"  # key of the store: dead letters a page has named

Clock = Callable[[], datetime]
Render = Callable[[Notification, datetime], Message]


@dataclass(frozen=True, slots=True)
class Worker:
    """What delivering needs. `render` makes the words, `clock` is read where seconds count."""

    store: Store
    channels: Mapping[str, Channel]
    render: Render
    clock: Clock
    owner: str
    lanes: int = LANES
    rates: Mapping[str, Rate] = field(default_factory=lambda: RATES)
    lease_s: float = LEASE_S
    patience: Patience = PATIENCE
    routes: Routes | None = None  # with them, `serve` tells operators of dead addresses

    def deliver_due(self) -> int:
        """Send what is due until nothing more is; how many were sent."""
        if self.lanes <= 1:
            return self._one_by_one()
        with Lanes(self) as lanes:
            while True:
                busy = lanes.busy  # asked first: a lane that ends meanwhile may make more due
                if not lanes.fill() and not busy:
                    return lanes.sent
                lanes.wait(None)

    def serve(self, stop: threading.Event, poll_s: float = POLL_S) -> None:
        """Send what falls due until `stop`; what has begun is finished. A store that cannot be
        asked is asked again later. StaleLeader when another has the lease."""
        paged: datetime | None = None
        with Lanes(self) as lanes:
            while not stop.is_set():
                try:
                    lanes.fill()
                    now = self.clock()
                    if self.routes and (paged is None or now - paged >= PAGES_EVERY):
                        paged = now
                        pages(self.store, self.routes, now)
                except StaleLeader:
                    raise  # another has the lease: not ours to send any more
                except Exception:
                    log.exception("delivering: the store cannot be asked; trying again")
                    stop.wait(RETRY_S)
                lanes.wait(poll_s)

    def take(self, told: Notification, claimed: Delivery, claimed_at: datetime) -> bool:
        """One step of a claimed delivery, written down with what its address said; whether it was
        sent."""
        tried = self._try(told, claimed, claimed_at)
        now = self.clock()
        with self.store.begin() as tx:
            written = tx.save_delivery(tried.delivery, now)
            tx.change_channel_state(
                told.channel, told.address, lambda state: self._after(state, tried, now)
            )
        if tried.delivery.state is DeliveryState.DEAD:
            log.error("not delivered to %s, given up: %s", told.receiver, tried.delivery.error)
        return written and tried.delivery.state is DeliveryState.SENT

    def _after(self, state: ChannelState, tried: Tried, now: datetime) -> ChannelState:
        """What the address said, and when its next message may go."""
        rate = self.rates.get(state.channel)
        if rate is not None and tried.called:
            state = replace(state, next_ok_at=rate.ended(state.next_ok_at, now))
        return after(state, tried, now)

    def _try(self, told: Notification, claimed: Delivery, claimed_at: datetime) -> Tried:
        channel = self.channels.get(told.channel)
        if channel is None:
            known = ", ".join(sorted(self.channels))
            text = f"no channel {told.channel!r} is open; open are: {known}"
            return unsent(claimed, ChannelError(text, permanent=True), claimed_at, self.clock())
        if told.edit and self.store.superseded(told):
            return dropped(claimed, self.clock())
        thread = self.store.thread_id(told.alert_id, told.receiver, told.channel, told.address)
        try:
            message = self.render(told, self.clock())
        except Exception as error:  # one message without words must not stop the others
            log.exception("notification %s cannot be put into words", told.id)
            text = f"cannot be put into words ({type(error).__name__}); see the log"
            return unsent(claimed, ChannelError(text, permanent=True), claimed_at, self.clock())
        try:
            return attempt(
                channel, message, told, claimed, thread, claimed_at, self.patience, self.clock
            )
        except Exception as error:  # a channel that breaks its word: the message may be out
            log.exception("channel %s failed in a way that it should not", told.channel)
            text = f"{told.channel}: {type(error).__name__}; see the log"
            return unsent(claimed, ChannelError(text, ambiguous=True), claimed_at, self.clock())

    def _one_by_one(self) -> int:
        sent = 0
        while True:
            now = self.clock()
            found = self.store.claim(now, self.owner, self.lease_s, self.rates)
            if found is None:
                return sent
            sent += self.take(*found, now)


class Lanes:
    """Threads that send, and what each is at. Only one thread fills them."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._pool = ThreadPoolExecutor(
            worker.lanes * max(1, len(worker.channels)), thread_name_prefix="deliver"
        )
        self._freed = threading.Event()
        self._lock = threading.Lock()
        self._at: set[Address] = set()
        self.sent = 0

    def __enter__(self) -> Lanes:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True)

    @property
    def busy(self) -> bool:
        return bool(self._at)

    def wait(self, timeout_s: float | None) -> None:
        """Until a lane has finished since the last wait, or that long."""
        self._freed.wait(timeout_s)
        self._freed.clear()

    def fill(self) -> int:
        """Give every free lane a delivery that is due; how many were given."""
        worker, given = self._worker, 0
        failing = worker.store.failing_addresses()
        if not worker.store.due(worker.clock(), *self._occupied(failing)):
            return given  # only read so far: asking often disturbs no writer
        while True:
            now = worker.clock()
            taken = self._occupied(failing)
            found = worker.store.claim(now, worker.owner, worker.lease_s, worker.rates, *taken)
            if found is None:
                return given
            with self._lock:
                self._at.add((found[0].channel, found[0].address))
            self._pool.submit(self._run, *found, now)
            given += 1

    def _occupied(self, failing: set[Address]) -> tuple[set[Address], set[str]]:
        """Addresses that have a message on its way, or must leave lanes to those that answer; and
        channels without a free lane."""
        with self._lock:
            at = set(self._at)
        counts = Counter(channel for channel, _ in at)
        full = {channel for channel, n in counts.items() if n >= self._worker.lanes}
        slow = Counter(channel for channel, address in at if (channel, address) in failing)
        crowded = {c for c, n in slow.items() if n >= max(1, self._worker.lanes // 2)}
        return at | {one for one in failing if one[0] in crowded}, full

    def _run(self, told: Notification, claimed: Delivery, now: datetime) -> None:
        sent = False
        try:
            sent = self._worker.take(told, claimed, now)
        except Exception:  # the claim's lease ends, and the message is looked for then
            log.exception("delivery %s could not be written down", told.id)
        finally:
            with self._lock:
                self._at.discard((told.channel, told.address))
                self.sent += sent
            self._freed.set()


# --------------------------------------------------------------------------- dead addresses


def pages(store: Store, routes: Routes, now: datetime, dead_after: timedelta = DEAD_AFTER) -> int:
    """Tell the operators, on another channel, of addresses that are dead or work again and of
    letters given up, each once; let backups read what is stranded. How many notifications."""
    with store.begin() as tx:
        states, letters = tx.channel_states(), tx.dead_letters()
        dead = [one for one in states if is_dead(one, letters, now, dead_after)]
        at = {(one.channel, one.address) for one in dead}
        stranded = [told for place in sorted(at) for told in tx.stranded(*place)]
        trouble = Trouble(
            tuple(one for one in dead if one.paged_at is None),
            tuple(one for one in states if one.paged_at and one.failing_since is None),
            _untold(tx, letters),
            Counter((told.channel, told.address) for told in stranded),
        )
        paged = page(routes, trouble, at, now)
        tx.save_bulletins([bulletin for bulletin, _ in paged], [told for _, told in paged])
        since = now - LETTER_AGE
        stranded += [
            told for told, _ in letters if (told.channel, told.address) in at and told.at >= since
        ]
        copies = stand_ins(routes, at, stranded, _told(tx, stranded), now)
        tx.save_notifications([], copies)
        for one in (*trouble.dead, *trouble.mended):
            tx.change_channel_state(one.channel, one.address, lambda state: _paged(state, now))
    if trouble and not paged:
        log.error("nobody can be told: %s; give an operator another channel", trouble.summary)
    return len(paged) + len(copies)


def _paged(state: ChannelState, now: datetime) -> ChannelState:
    """The state after its page: told of while it fails, forgotten when it works again."""
    return replace(state, paged_at=None if state.failing_since is None else now)


def _untold(tx: Store, letters: Letters) -> tuple[tuple[Notification, Delivery], ...]:
    """Dead letters that no page has named. A page that died itself is not paged: it would go on
    for ever."""
    told = set(json.loads(tx.get(LETTERS_TOLD) or "[]"))
    ids = {notification.id for notification, _ in letters}
    if ids != told:
        tx.put(LETTERS_TOLD, json.dumps(sorted(ids)))
    return tuple(
        (notification, delivery)
        for notification, delivery in letters
        if notification.id not in told and not _is_page(tx, notification)
    )


def _is_page(tx: Store, told: Notification) -> bool:
    bulletin = tx.bulletin(told.bulletin) if told.bulletin else None
    return bulletin is not None and bulletin.kind is BulletinKind.OPERATOR


def _told(tx: Store, stranded: Sequence[Notification]) -> set[tuple[str, int, str]]:
    """(alert, revision, receiver) of what is sent anyway, for the alerts that are stranded."""
    return {
        (told.alert_id, told.alert_revision, told.receiver)
        for alert in {one.alert_id for one in stranded}
        for told in tx.notifications(alert_id=alert)
        if told.reason.sent
    }
