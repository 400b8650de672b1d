"""Does a source bring as much as it used to? New signals of the last day and week against its own past.

A window of 24 hours is held against the same 24 hours of the four weeks before, so that weekends
and nights weigh alike whatever the time zone; a week against the four weeks before. How far counts
swing is read from the source itself. A day on which the other publishers of the country are quiet
too (a holiday) expects less. Pure. `ews.tuning.drift_sources` asks another question (has it
changed for good within twelve weeks?) with a list of all texts, and stands above this room.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaincc

from ews.model import Source
from ews.storage.tallies import SPAN, Tally, span_of

WEEKS = 4  # that say what is usual
FEWEST_WEEKS = 3  # with fewer nothing is judged
DAY, WEEK = timedelta(days=1), timedelta(days=7)
PER_DAY, PER_WEEK = DAY // SPAN, WEEK // SPAN
PAST = (WEEKS + 1) * WEEK  # how far back spans are read
ALPHA = 0.001  # chance of a count so low when nothing is wrong, per source and window
READ = 0.75  # of the usual turns: a window that was read less is not judged
SHARE = 0.5  # and below this share of what is usual
QUIET_FROM = 3  # other sources of a country by which a quiet day is known
QUIET_LEAST = 20.0  # and so many new signals that they usually bring together

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """Signals that were new in a time, and how many are usual."""

    seen: int
    usual: float | None = None  # median of the same window in the weeks before; None: too young
    least: int | None = None  # fewer come by chance in one of a thousand such windows

    @property
    def few(self) -> bool:
        if self.usual is None or self.least is None:
            return False
        return self.seen < self.least and self.seen < SHARE * self.usual


@dataclass(frozen=True, slots=True)
class Usual:
    """What a source brought until `until`, and what it usually does."""

    until: datetime
    day: Window
    week: Window
    quiet: float = 1.0  # share of the usual that the country's other sources brought that day

    @property
    def drying(self) -> bool:
        """Whether it brings far less than it used to."""
        return self.day.few or self.week.few


def usual(
    sources: Sequence[Source], spans: Mapping[str, Sequence[Tally]], now: datetime
) -> dict[str, Usual]:
    """Each source that was asked within the last week, by name. `spans` are the store's tallies
    since `now - PAST`; the span that is not over yet is not judged."""
    until = span_of(now)
    begin = until - PAST
    grids = {one.name: _grid(spans[one.name], begin) for one in sources if one.name in spans}
    days = {
        name: _days(grid) for name, grid in grids.items() if np.isfinite(grid[-PER_WEEK:]).any()
    }
    quiet = _quiet([one for one in sources if one.name in days], days)
    return {
        name: Usual(until, _day(found, quiet[name]), _week(grids[name], found), quiet[name])
        for name, found in days.items()
    }


@dataclass(frozen=True, slots=True)
class _Days:
    """Sums of 24 hours: the newest, the same ones of the weeks before, and how far sums swing."""

    now: float  # NaN: it was not read in that time
    before: Floats  # [WEEKS], NaN where it was not read
    swing: float  # variance of a sum over its mean, 1 (Poisson) or more

    @property
    def known(self) -> Floats:
        return self.before[np.isfinite(self.before)]

    @property
    def mean(self) -> float:
        return float(self.known.mean()) if len(self.known) >= FEWEST_WEEKS else float("nan")


def _grid(spans: Sequence[Tally], begin: datetime) -> Floats:
    """[spans of PAST] new signals; NaN where no turn was answered."""
    grid = np.full(PAST // SPAN, np.nan)
    for one in spans:
        at = (one.at - begin) // SPAN
        if 0 <= at < len(grid) and one.turns > one.failed:
            grid[at] = one.new
    return grid


def _days(grid: Floats) -> _Days:
    """Windows of 24 hours that end where the newest span does, a day apart."""
    sums = _sums(grid, PER_DAY)
    by_weekday = sums.reshape(-1, 7)  # [weeks, 7], the newest day last
    past = by_weekday[:-1]
    return _Days(float(sums[-1]), past[:, -1], _swing(past))


def _sums(grid: Floats, length: int) -> Floats:
    """Sums over windows of so many spans; NaN where it was read much less often than usual: what
    came while ews was down is told by another window."""
    parts = grid.reshape(-1, length)
    reads = np.isfinite(parts).sum(1)
    usual_ = np.median(reads[reads > 0]) if reads.any() else 0
    return np.where((reads > 0) & (reads >= READ * usual_), np.nansum(parts, 1), np.nan)


def _swing(past: Floats) -> float:
    """How many times more than Poisson counts sums of the same weekday swing about their mean."""
    n = np.isfinite(past).sum(0)
    many = past[:, n >= FEWEST_WEEKS]
    if not many.size:
        return 1.0
    mean = np.nanmean(many, 0)
    far = (many - mean) ** 2 / np.maximum(mean, 0.5)
    free = np.isfinite(many).sum() - many.shape[1]
    return max(1.0, float(np.nansum(far)) / max(int(free), 1))


def _quiet(sources: Sequence[Source], days: Mapping[str, _Days]) -> dict[str, float]:
    """Share of the usual that other publishers of the same country brought: below 1 on a holiday."""
    seen: dict[str, dict[str, list[float]]] = defaultdict(
        lambda: defaultdict(lambda: [0.0, 0.0, 0])
    )
    for one in sources:
        found = days[one.name]
        if np.isfinite(found.now) and np.isfinite(found.mean):
            sums = seen[one.country][one.independence or one.name]
            sums[0] += min(found.now, found.mean)
            sums[1] += found.mean
            sums[2] += 1
    shares = {}
    for one in sources:
        others = [
            sums for group, sums in seen[one.country].items()
            if group != (one.independence or one.name)
        ]  # fmt: skip
        brought, expected, n = (
            (sum(part) for part in zip(*others, strict=True)) if others else (0, 0, 0)
        )
        enough = n >= QUIET_FROM and expected >= QUIET_LEAST
        shares[one.name] = brought / expected if enough else 1.0
    return shares


def _day(found: _Days, quiet: float) -> Window:
    if not np.isfinite(found.now):
        return Window(0)
    seen = int(found.now)
    if not np.isfinite(found.mean):
        return Window(seen)
    usual_ = float(np.median(found.known)) * quiet
    return Window(seen, usual_, least(found.mean * quiet, found.swing, len(found.known)))


def _week(grid: Floats, found: _Days) -> Window:
    sums = _sums(grid, PER_WEEK)
    before = sums[:-1][np.isfinite(sums[:-1])]
    seen = int(np.nansum(grid[-PER_WEEK:]))
    if len(before) < FEWEST_WEEKS or np.isnan(sums[-1]):
        return Window(seen)
    swing = found.swing
    if before.mean() > 0:  # weeks may swing more than their days
        swing = max(swing, float(before.var(ddof=1) / before.mean()))
    return Window(seen, float(np.median(before)), least(float(before.mean()), swing, len(before)))


def least(mean: float, swing: float, n: int, alpha: float = ALPHA) -> int:
    """The smallest count that is still usual: a lower one has a chance of `alpha` at most.

    Negative binomial with variance `swing` times the mean (Poisson at 1), widened because the mean
    itself is known from `n` counts only.

    >>> least(40.0, 1.0, 4), least(40.0, 4.0, 4), least(2.0, 1.0, 4)
    (20, 9, 0)
    """
    if mean <= 0:
        return 0
    variance = mean * max(swing, 1.0) * (1 + 1 / n)
    low, high = 0, int(mean) + 1
    while low < high:  # the chance of `count` or fewer grows with the count
        middle = (low + high) // 2
        if _chance(middle, mean, variance) > alpha:
            high = middle
        else:
            low = middle + 1
    return low


def _chance(count: int, mean: float, variance: float) -> float:
    """Probability of `count` or fewer."""
    if variance <= mean * (1 + 1e-9):
        return float(gammaincc(count + 1, mean))
    size = mean**2 / (variance - mean)
    return float(betainc(size, count + 1, mean / variance))
