"""What was each receiver told in a period, as the notifications of a store say?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from alerts.budgets import costs
from ews.model import Notification, Receiver
from ews.storage import Store
from ews.tuning.scored import Window


@dataclass(frozen=True, slots=True)
class StoredLoad:
    """What one receiver was told, by its own day: the messages that its budget counts."""

    receiver: str
    budget_per_day: int | None
    told_by_day: Mapping[date, int]
    held_by_day: Mapping[date, int]
    held_by_reason: Mapping[str, int]
    alerts: Mapping[str, datetime]  # alert id -> when it was first told of it


def stored_loads(
    store: Store, window: Window, receivers: Iterable[Receiver]
) -> dict[str, StoredLoad]:
    """The load of each receiver of the routes, and of each that was told by earlier routes."""
    known = {one.name: one for one in receivers}
    some: dict[str, list[Notification]] = {name: [] for name in known}
    for one in store.notifications(since=window.since):
        if one.at < window.until and (costs(one) or not one.reason.sent):
            some.setdefault(one.receiver, []).append(one)
    return {
        name: _load(known.get(name) or Receiver(name, "", ""), some[name]) for name in sorted(some)
    }


def _load(receiver: Receiver, some: Iterable[Notification]) -> StoredLoad:
    zone = ZoneInfo(receiver.timezone)
    told: Counter[date] = Counter()
    held: Counter[date] = Counter()
    reasons: Counter[str] = Counter()
    alerts: dict[str, datetime] = {}
    for one in some:
        day = one.at.astimezone(zone).date()
        if one.reason.sent:
            told[day] += 1
            alerts.setdefault(one.alert_id, one.at)
        else:
            held[day] += 1
            reasons[one.reason.value] += 1
    return StoredLoad(
        receiver.name, receiver.budget_per_day, dict(told), dict(held), dict(reasons), alerts
    )
