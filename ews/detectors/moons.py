"""Moons: how much of a period lies in holidays whose date moves against our calendar?

Chinese and Korean trade falls around the Lunar New Year, which lies in January or in February, and
around Chuseok, which lies in September or in October: a month effect alone alarms every few years.
Golden Week of China (1 to 7 October) and of Japan (29 April to 5 May) never move: in months the
season holds them and their regressor is nought; in weeks they have their own.
"""

from __future__ import annotations

import numpy as np

from ews.detectors.panel import Days, Floats
from ews.model import Frequency

FIRST_YEAR = 2000
# First day of the first and fifteenth day of the eighth lunar month (Beijing time), month and day,
# one a year from 2000 to 2040. Made with lunardate 0.3.0; a test compares every row with the mean
# motion of the moon. Korea's own calendar (UTC+9) is a day later in 2027 and 2028.
_NEW_YEARS = (
    "0205 0124 0212 0201 0122 0209 0129 0218 0207 0126 0214 0203 0123 0210 0131 0219 0208 0128 "
    "0216 0205 0125 0212 0201 0122 0210 0129 0217 0206 0126 0213 0203 0123 0211 0131 0219 0208 "
    "0128 0215 0204 0124 0212"
)
_CHUSEOKS = (
    "0912 1001 0921 0911 0928 0918 1006 0925 0914 1003 0922 0912 0930 0919 0908 0927 0915 1004 "
    "0924 0913 1001 0921 0910 0929 0917 1006 0925 0915 1003 0922 0912 1001 0919 0908 0927 0916 "
    "1004 0924 0913 1002 0920"
)


def _dates(days: str) -> Days:
    """One date a year from FIRST_YEAR."""
    rows = enumerate(days.split(), FIRST_YEAR)
    return np.array([f"{year}-{day[:2]}-{day[2:]}" for year, day in rows], "M8[D]")


LUNAR_NEW_YEAR = _dates(_NEW_YEARS)
CHUSEOK = _dates(_CHUSEOKS)
CHINA_GOLDEN_WEEK = _dates(" ".join(["1001"] * len(CHUSEOK)))
JAPAN_GOLDEN_WEEK = _dates(" ".join(["0429"] * len(CHUSEOK)))

# (dates, first and last day of the effect, counted from the date). Factories send their workers
# home before the New Year and are back after the Lantern Festival, on the fifteenth day: the
# before-during-after windows of Lin & Liu (2003), "Modeling Lunar Calendar Holiday Effects in
# Taiwan", as one window.
HOLIDAYS: dict[str, tuple[Days, int, int]] = {
    "lunar new year": (LUNAR_NEW_YEAR, -3, 14),
    "chuseok": (CHUSEOK, -1, 2),
    "golden week of China": (CHINA_GOLDEN_WEEK, 0, 6),
    "golden week of Japan": (JAPAN_GOLDEN_WEEK, 0, 6),
}


def regressors(periods: Days, frequency: Frequency) -> Floats:
    """[holidays, t] share of each holiday's days in each period, less what the season holds.

    Months are centred on the mean of their calendar month over the whole table (the "genhol" of
    the US Census Bureau's X-13ARIMA-SEATS), so that the month effect keeps the average and the
    regressor only the moving part. Nought for days, quarters and years, where nothing moves across
    a border that matters, and before 2000 and after 2040.

    >>> jan, feb = regressors(np.array(["2024-01-01", "2024-02-01"], "M8[D]"), Frequency.MONTH)[0]
    >>> bool(jan < 0 < feb)  # in 2024 the New Year was on 10 February
    True
    """
    if frequency not in (Frequency.WEEK, Frequency.MONTH) or not len(periods):
        return np.zeros((len(HOLIDAYS), len(periods)))
    if frequency is Frequency.WEEK:
        return np.array([_share(periods, periods + 7, holiday) for holiday in HOLIDAYS])
    months = periods.astype("M8[M]")
    every = np.arange(f"{FIRST_YEAR}-01", f"{FIRST_YEAR + len(LUNAR_NEW_YEAR)}-01", dtype="M8[M]")
    inside = (months >= every[0]) & (months <= every[-1])
    rows = []
    for holiday in HOLIDAYS:
        mean = _months_share(every, holiday).reshape(-1, 12).mean(axis=0)
        rows.append(inside * (_months_share(months, holiday) - mean[months.astype(int) % 12]))
    return np.array(rows)


def _months_share(months: Days, holiday: str) -> Floats:
    return _share(months.astype("M8[D]"), (months + 1).astype("M8[D]"), holiday)


def _share(starts: Days, ends: Days, holiday: str) -> Floats:
    """[t] share of the holiday's window that lies in [start, end)."""
    dates, first, last = HOLIDAYS[holiday]
    begins, stops = dates + first, dates + last + 1
    late = np.maximum(starts[:, None], begins[None, :])
    early = np.minimum(ends[:, None], stops[None, :])
    overlap = np.maximum((early - late).astype(int), 0).sum(axis=1)
    share: Floats = overlap / float(last - first + 1)
    return share
