"""Which day does a period begin?"""

from __future__ import annotations

from datetime import datetime, timedelta

from ews.model import Frequency


def first_day(moment: datetime, frequency: object) -> datetime:
    """The first day (00:00) of the period of that frequency in which `moment` lies; `moment` itself
    when the frequency is none of ours. Publishers write a month as its last day, its first, or one
    in between.

    >>> first_day(datetime(2026, 10, 31), Frequency.MONTH)  # noqa: DTZ001
    datetime.datetime(2026, 10, 1, 0, 0)
    """
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    match frequency:
        case Frequency.DAY:
            return day
        case Frequency.WEEK:
            return day - timedelta(days=day.weekday())
        case Frequency.MONTH:
            return day.replace(day=1)
        case Frequency.QUARTER:
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case Frequency.YEAR:
            return day.replace(month=1, day=1)
    return moment
