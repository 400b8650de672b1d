"""Which day does a period begin?"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

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


def period_start(text: str) -> datetime | None:
    """The first day of a period as SDMX writes it, aware UTC; None for anything else.

    >>> [str(period_start(t))[:10] for t in ("2026", "2026-08", "2026-Q3", "2026-W05", "2026-08-17")]
    ['2026-01-01', '2026-08-01', '2026-07-01', '2026-01-26', '2026-08-17']
    """
    found = re.fullmatch(
        r"(\d{4})(?:-(?:A1|([SQMW])(\d{1,2})|(\d{2})(?:-(\d{2}))?))?", text.strip()
    )
    if found is None:
        return None
    year, kind, number, month, day = found.groups()
    try:
        if kind == "W":
            return datetime.fromisocalendar(int(year), int(number), 1).replace(tzinfo=UTC)
        months = {"S": 6, "Q": 3, "M": 1}.get(kind or "", 1)
        first = (int(number) - 1) * months + 1 if kind else int(month or 1)
        return datetime(int(year), first, int(day or 1), tzinfo=UTC)
    except ValueError:
        return None
