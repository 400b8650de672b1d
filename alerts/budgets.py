"""Which messages does a receiver's budget pay for today? The best ones, without knowing the rest.

A budget is paid out over the receiver's day: some at once, the rest as the day goes on, so that
the morning's noise cannot spend what the afternoon's better alert needs. 주의 may reach further
ahead than 관심. What waits is looked at again with every part paid out, the best first
(`alerts.routing.release`), and what is left at the end is in the digest. One item may take only a
part of the day (`Receiver.item_share`), so that a loud one starves nobody.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerts.quiet import day_of
from alerts.silences import urgency
from ews.model import Alert, ChangeKind, Notification, Receiver, RouteReason, Stage

# A person who may have to act is told, whatever the day's count says.
BUDGET_HOLDS_BELOW = Stage.ALERT
# The end of something told costs nothing: it is what makes the next alert believed. Nor does the
# call for somebody who has not answered.
FREE = frozenset({
    ChangeKind.RESOLVED, ChangeKind.RETRACTED, ChangeKind.STAGE_DOWN, ChangeKind.REFUSED,
    ChangeKind.ESCALATED, ChangeKind.HANDED_OVER,
})  # fmt: skip
# How a budget is paid out: to 주의 half at midnight and the rest evenly, to 관심 (where nobody has
# to act) slowly at first, so that it leaves the day's 주의 room; all of it by 20:00. Assumed: chosen
# on simulated days (tests/test_alerts_budgets.py says what they are like), not on real ones.
AT_ONCE = {Stage.WATCH: 0.0, Stage.CAUTION: 0.5}
STEEPNESS = {Stage.WATCH: 2, Stage.CAUTION: 1}
ALL_BY = 5 / 6


@dataclass(frozen=True, slots=True)
class Spent:
    """What today's messages have cost each receiver, in all and for each item."""

    counts: Mapping[str, int] = field(default_factory=dict)
    by_item: Mapping[tuple[str, str], int] = field(default_factory=dict)


def spent_of(
    notifications: Iterable[Notification],
    receivers: Sequence[Receiver],
    now: datetime,
    dead: Collection[str] = (),
) -> Spent:
    """What was sent since each receiver's own midnight; needs the notifications since `since_of`.
    `dead` names those (by id) that a channel refused for good."""
    starts = {receiver.name: day_of(receiver, now)[0] for receiver in receivers}
    paid = [
        n for n in notifications
        if costs(n) and n.id not in dead and n.receiver in starts and n.at >= starts[n.receiver]
    ]  # fmt: skip
    return Spent(
        Counter(n.receiver for n in paid), Counter((n.receiver, n.item) for n in paid if n.item)
    )


def since_of(receivers: Sequence[Receiver], now: datetime) -> datetime:
    """The earliest midnight of any receiver's day."""
    return min((day_of(receiver, now)[0] for receiver in receivers), default=now)


def costs(notification: Notification) -> bool:
    """Whether the message is one that a budget counts."""
    free = notification.edit or notification.bulletin or notification.change in FREE
    return notification.reason.sent and notification.reason is not RouteReason.STANDING and not free


def main_item(alert: Alert) -> str:
    """What the alert is about, for the share that one item may take: rules put it first."""
    return alert.items[0] if alert.items else alert.type


def worth(alert: Alert) -> tuple[int, float, float]:
    """What makes one alert better than another: stage, expected loss, probability. The last two
    from the measures that its rule asked for; 0 when it asked for none."""
    found = dict(
        (match[1], float(match[2]))
        for reason in alert.reasons
        if (match := re.match(r"(\w+)=([0-9.]+(?:e-?\d+)?)", reason))
    )
    probability = found.get("probability", 0.0)
    share = found.get("loss", found.get("share", 0.0))
    return int(urgency(alert)), found.get("expected_loss", share * probability), probability


def paid_out(receiver: Receiver, stage: Stage, passed: float) -> int:
    """Messages of that stage that the receiver may have had when that part (0..1) of its day has
    passed. Never more than the budget."""
    at_once = AT_ONCE.get(stage, 1.0)
    grown = min(1.0, passed / ALL_BY) ** STEEPNESS.get(stage, 1)
    part = at_once + (1.0 - at_once) * grown
    paid = (receiver.budget_per_day or 0) * part
    # Rounded for 주의 and against 관심: of a budget of one, the first 관심 does not take it.
    return math.floor(paid + 1e-9) if stage is Stage.WATCH else math.ceil(paid - 1e-9)


def part_of_day(receiver: Receiver, now: datetime) -> float:
    start, end = day_of(receiver, now)
    return (now - start) / (end - start)


def item_limit(receiver: Receiver) -> int:
    """Messages about one item that a day's budget pays for. Who asked for one item has all."""
    budget = receiver.budget_per_day or 0
    if len(receiver.items) == 1 and not receiver.ministries and not receiver.sectors:
        return budget
    return max(1, math.ceil(budget * receiver.item_share - 1e-9))
