"""What a person gives with a question, as readers in Korea mean it: days, and shares in percent."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

from alerts.words import Bilingual
from ews.model import utc

FIRST = datetime(1900, 1, 1, tzinfo=UTC)  # nothing here was known before
KST = timezone(timedelta(hours=9), "KST")  # Korea keeps no summer time


class NoSuchTime(Bilingual, ValueError):
    """A time that cannot be asked about."""


def known_at(text: str | None, now: datetime) -> datetime | None:
    """The time of a question about the past, in UTC; None when nothing was asked.

    A bare date is the end of that day in Korea, today's is now. NoSuchTime (a ValueError) for what
    is no date or time, for a time that has not come and for one before 1900.

    >>> known_at("2023-10-20", datetime(2026, 1, 5, tzinfo=UTC)).isoformat()
    '2023-10-20T14:59:59+00:00'
    """
    asked = (text or "").strip()
    if not asked:
        return None
    try:
        day: date | None = date.fromisoformat(asked)
    except ValueError:
        day = None
    try:
        at = utc(asked) if day is None else datetime.combine(day, time(23, 59, 59), KST)
    except (ValueError, OverflowError):
        raise NoSuchTime(
            f"{asked[:40]!r} is no date or time; write 2023-10-20 (the end of that day in Korea) "
            "or 2023-10-20T09:00+09:00",
            f"‘{asked[:40]}’은(는) 날짜나 시각이 아닙니다. 2023-10-20(한국의 그날 끝)이나 "
            "2023-10-20T09:00+09:00처럼 쓰십시오.",
        ) from None
    if day == now.astimezone(KST).date():
        return now
    if at > now:
        raise NoSuchTime(
            f"{asked[:40]} has not come yet; give a time up to now ({now:%Y-%m-%d})",
            f"{asked[:40]}은(는) 아직 오지 않았습니다. 지금({now:%Y-%m-%d})까지의 때를 쓰십시오.",
        )
    if at < FIRST:
        raise NoSuchTime(
            f"{asked[:40]} is before 1900, when nothing was known here; give a later time",
            f"{asked[:40]}은(는) 1900년보다 앞이어서 알던 것이 없습니다. 더 나중의 때를 쓰십시오.",
        )
    return at.astimezone(UTC)


def korean_day(now: datetime) -> datetime:
    """Noon of today in Korea, in UTC: the same date in both zones, and the same all day long.

    >>> korean_day(datetime(2026, 1, 5, 20, tzinfo=UTC)).isoformat()
    '2026-01-06T03:00:00+00:00'
    """
    return datetime.combine(now.astimezone(KST).date(), time(12), KST).astimezone(UTC)


def lost_share(percent: float) -> float:
    """The share of a flow that is lost, 0..1, from what was typed. ValueError names the bounds.

    >>> lost_share(80)
    0.8
    """
    if not 0 < percent <= 100:
        raise ValueError("percent: give the share of the flow that is lost, above 0 and up to 100")
    return percent / 100
