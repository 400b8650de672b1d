"""What time is it where a receiver reads? Its day, its quiet hours, its digest times, in UTC.

Every local time becomes one instant: the first when clocks go back over it, the one after the gap
when they jump it. So a digest comes once a local date and time, whatever the clocks do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ews.model import Receiver

SEOUL = "Asia/Seoul"
# What a budget or quiet hours hold must be read somewhere: without own times, after work begins.
DIGEST = "08:30"
_DAY = timedelta(days=1)


@cache
def zone(name: str) -> tzinfo:
    """The time zone of that name. ValueError when this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        if name == SEOUL:  # a bare container has no table of zones, and Korea no summer time
            return timezone(timedelta(hours=9), "KST")
        raise ValueError(f"unknown time zone {name!r}; write one such as {SEOUL}") from error


def clock_time(text: str) -> time:
    """A local time from "08:30". ValueError for anything else."""
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError(f"{text!r} is no time of day; write 00:00 to 23:59")
    return time(int(text[:2]), int(text[3:]))


@cache
def quiet_span(text: str) -> tuple[time, time] | None:
    """The two ends of "22:00-07:00"; None for "". ValueError when it cannot be read."""
    if not text:
        return None
    start, dash, end = text.partition("-")
    if not dash or start.strip() == end.strip():
        raise ValueError(f'{text!r} are no quiet hours; write them as "22:00-07:00"')
    return clock_time(start.strip()), clock_time(end.strip())


def instant(day: date, at: time, where: tzinfo) -> datetime:
    """The moment when clocks there show that time, the first of two."""
    return datetime.combine(day, at, where).astimezone(UTC)


def day_of(receiver: Receiver, now: datetime) -> tuple[datetime, datetime]:
    """Beginning and end of the receiver's day: 23, 24 or 25 hours."""
    where = zone(receiver.timezone)
    today = now.astimezone(where).date()
    return instant(today, time(), where), instant(today + _DAY, time(), where)


def quiet_until(receiver: Receiver, now: datetime) -> datetime | None:
    """When the quiet hours end that `now` is in; None outside them."""
    span = quiet_span(receiver.quiet)
    if span is None:
        return None
    start, end = span
    where = zone(receiver.timezone)
    today = now.astimezone(where).date()
    for day in (today - _DAY, today):
        until = instant(day if start < end else day + _DAY, end, where)
        if instant(day, start, where) <= now < until:
            return until
    return None


def digest_times(receiver: Receiver) -> tuple[str, ...]:
    """Local times of its digests; one a day for whoever has something held back by the clock."""
    held = receiver.budget_per_day is not None or receiver.quiet
    return receiver.digests or ((DIGEST,) if held else ())


def last_digest(receiver: Receiver, now: datetime) -> datetime | None:
    """The newest digest time that is not after `now`; None for a receiver without digests."""
    return max((at for at in _digests(receiver, now) if at <= now), default=None)


def next_digest(receiver: Receiver, now: datetime) -> datetime | None:
    """The first digest time after `now`."""
    return min((at for at in _digests(receiver, now) if at > now), default=None)


def _digests(receiver: Receiver, now: datetime) -> Iterator[datetime]:
    where = zone(receiver.timezone)
    today = now.astimezone(where).date()
    for text in digest_times(receiver):
        for day in (today - _DAY, today, today + _DAY):
            yield instant(day, clock_time(text), where)
