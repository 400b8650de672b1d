"""Did it arrive? One step of a delivery: send, settle by looking, or give up; never twice.

    NEW --claim--> TRYING --sent--> SENT
                     |--refused for good--> DEAD
                     |--surely not sent--> NEW, later
                     |--maybe sent, or a crash--> AMBIGUOUS --found--> SENT
                                                     |--not found after the settle time--> sends

The caller claims (attempts + 1, first_try_at, a lease) and commits before calling, and saves what
comes back; `owner` stays in it, so that a worker whose claim was taken over cannot save.
`first_try_at` is the first moment at which the channel may have got it: set by the claim, taken
away when it surely got nothing, and moved on when a look shows that it is not there. A claim that finds it set before looks first. A lease must outlast
one call and the settle time (60 s is plenty): whoever takes over a claim that a crash left behind
can then trust its look. Nothing is sent when so much of the lease is not left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.channels.channel import Channel, ChannelError, Sent
from alerts.messages import Message
from ews.model import ChannelState, Delivery, DeliveryState, Notification

SETTLE_S = 10.0  # measured: with history up to 5 s late, 10 s gave no duplicate in 20,000 sends
CALL_S = 25.0  # a sending is over by then: three calls of 8 s
FIRST_PAUSE_S = 1.0  # of one message; its address rests by itself
LONGEST_PAUSE_S = 30.0
LONGEST_REST_S = 60.0  # of an address that does not answer
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that decide when a look can be trusted. A test with a fast clock scales all."""

    settle_s: float = SETTLE_S
    call_s: float = CALL_S


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Tried:
    """How one step ended: the delivery after it, and what the address said to us."""

    delivery: Delivery
    error: ChannelError | None = None  # None: it got through
    called: bool = True  # False: the address was not asked, so nothing is learned of it


def attempt(
    channel: Channel,
    message: Message,
    notification: Notification,
    delivery: Delivery,
    thread_id: str | None,
    now: datetime,
    patience: Patience = PATIENCE,
    clock: Clock | None = None,
) -> Tried:
    """One step of a freshly claimed delivery (state TRYING); `now` is the moment of the claim.

    If it may have been sent before, the message is looked for first: whatever went wrong, it may
    be there. A look that fails leaves it AMBIGUOUS; it is never sent again unproven. `clock` tells
    when a call ended: the settle time counts from there, and the lease must still cover a sending
    that comes after a slow look. Without one, calls take no time.
    """
    clock = clock or (lambda: now)
    first_try = delivery.first_try_at or now
    delivery = replace(delivery, first_try_at=first_try)
    if notification.edit:
        return _edit(channel, message, notification, delivery, thread_id, clock)
    if first_try < now:
        settled_at = first_try + timedelta(seconds=patience.settle_s)
        if now < settled_at:
            waits = _later(delivery, DeliveryState.AMBIGUOUS, settled_at, "waiting to settle")
            return Tried(waits, called=False)
        try:
            found = channel.find(notification.id, notification.address, first_try, thread_id)
        except ChannelError as error:
            return Tried(_unsettled(delivery, error, clock()), error)
        if found is not None:
            return Tried(_sent(delivery, found, clock()))
        delivery = replace(delivery, first_try_at=clock())  # no earlier try arrived
    if not _covered(delivery, clock(), patience):
        return _out_of_time(delivery, clock())
    try:
        sent = channel.send(message, notification, thread_id)
        return Tried(_sent(delivery, sent, clock()))
    except ChannelError as error:
        return Tried(_failed(delivery, error, clock(), patience.settle_s), error)


def unsent(delivery: Delivery, error: ChannelError, claimed_at: datetime, now: datetime) -> Tried:
    """The step that our own side broke off: no channel is open, or the words could not be made."""
    if delivery.first_try_at not in (None, claimed_at):  # an earlier try may have arrived
        return Tried(_unsettled(delivery, error, now), error, called=False)
    return Tried(_failed(delivery, error, now, SETTLE_S), error, called=False)


def dropped(delivery: Delivery, now: datetime) -> Tried:
    """An edit that nobody needs: there is no message to bring up to date, or a later one does."""
    return Tried(_sent(delivery, None, now), called=False)


def after(state: ChannelState, tried: Tried, now: datetime) -> ChannelState:
    """The state of the address after that step.

    A pause it asks for is kept. One that does not answer twice running rests 1, 2, 4 ... 60 s, so
    that a dead address costs little; any answer that lets a message through ends the spell.
    """
    error = tried.error
    if not tried.called:
        return state
    if error is None:
        return replace(state, failing_since=None, failures=0, error=None)
    state = replace(state, failing_since=state.failing_since or now, error=str(error))
    if error.permanent:
        return state
    if error.retry_after_s is not None:
        return _not_before(state, now + timedelta(seconds=error.retry_after_s))
    state = replace(state, failures=state.failures + 1)
    return _not_before(state, now + timedelta(seconds=rest_s(state.failures)))


def _edit(
    channel: Channel,
    message: Message,
    notification: Notification,
    delivery: Delivery,
    thread_id: str | None,
    clock: Clock,
) -> Tried:
    """Bring the thread's first message up to date. Doing it twice changes nothing, so there is
    nothing to look for, and a try that may or may not have arrived is simply made again."""
    if thread_id is None:
        return dropped(delivery, clock())
    try:
        sent = channel.send(message, notification, thread_id)
        return Tried(_sent(delivery, sent, clock()))
    except ChannelError as error:
        plain = ChannelError(
            str(error), permanent=error.permanent, retry_after_s=error.retry_after_s
        )
        return Tried(_failed(delivery, plain, clock(), SETTLE_S), error)


def _out_of_time(delivery: Delivery, now: datetime) -> Tried:
    """Back to the outbox, surely unsent: it was a first try, or a look has just shown that none
    arrived. Whoever takes a claim over must be able to trust a look of its own."""
    slow = "the lease was nearly over before it could be sent"
    delivery = replace(delivery, first_try_at=None)
    return Tried(_later(delivery, DeliveryState.NEW, now, slow), called=False)


def _covered(delivery: Delivery, now: datetime, patience: Patience) -> bool:
    """Whether the lease outlasts a sending that begins now, and the settle time after it."""
    needs = timedelta(seconds=patience.call_s + patience.settle_s)
    return delivery.lease_until is None or now + needs <= delivery.lease_until


def _sent(delivery: Delivery, sent: Sent | None, now: datetime) -> Delivery:
    return replace(
        delivery,
        state=DeliveryState.SENT,
        external_id=sent.external_id if sent else None,
        thread_id=sent.thread_id if sent else None,
        sent_at=now,
        next_try_at=None,
        lease_until=None,
        error=None,
    )


def _failed(delivery: Delivery, error: ChannelError, now: datetime, settle_s: float) -> Delivery:
    if error.ambiguous:
        wait = max(settle_s, pause_s(delivery.attempts))
        return _later(delivery, DeliveryState.AMBIGUOUS, now + timedelta(seconds=wait), str(error))
    surely_not = replace(delivery, first_try_at=None)
    if error.permanent:
        return _dead(surely_not, str(error))
    wait = error.retry_after_s or pause_s(delivery.attempts)
    return _later(surely_not, DeliveryState.NEW, now + timedelta(seconds=wait), str(error))


def _unsettled(delivery: Delivery, error: ChannelError, now: datetime) -> Delivery:
    if error.permanent:
        return _dead(delivery, f"sent or not is unknown, and cannot be looked up: {error}")
    wait = error.retry_after_s or pause_s(delivery.attempts)
    return _later(delivery, DeliveryState.AMBIGUOUS, now + timedelta(seconds=wait), str(error))


def _dead(delivery: Delivery, error: str) -> Delivery:
    return replace(
        delivery,
        state=DeliveryState.DEAD,
        error=error,
        next_try_at=None,
        lease_until=None,
    )


def _later(delivery: Delivery, state: DeliveryState, at: datetime, error: str) -> Delivery:
    return replace(delivery, state=state, next_try_at=at, error=error, lease_until=None)


def _not_before(state: ChannelState, at: datetime) -> ChannelState:
    return replace(state, next_ok_at=max(state.next_ok_at or at, at))


def pause_s(attempts: int) -> float:
    """Seconds until a message's next try: 1, 2, 4, ... at most 30.

    >>> [pause_s(n) for n in (1, 2, 3, 20)]
    [1.0, 2.0, 4.0, 30.0]
    """
    return float(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(attempts - 1, 10)))


def rest_s(failures: int) -> float:
    """Seconds an address is left alone after so many tries without an answer.

    >>> [rest_s(n) for n in (1, 2, 3, 20)]
    [0.0, 1.0, 2.0, 60.0]
    """
    return 0.0 if failures < 2 else float(min(LONGEST_REST_S, 2 ** min(failures - 2, 10)))
