"""Has a source fallen silent, or does it bring far less or far more than it used to?

A source is held against its own past: whole weeks, so that weekends weigh alike, and its own longest
pause, so that a weekly bulletin is not silent on the second day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ews.tuning.drift_days import Day, sources_of
from ews.tuning.drift_tests import Test, spread

LEAST_A_WEEK = 10.0  # items of a usual week, to be watched at all
LEAST_DAYS = 14  # on which it brought something
LEAST_WEEKS = 4
RATIO = 2.0  # to twice, or to half
BEYOND = 1.25  # times the second largest swing of its past
FARTHEST = 4.0  # of a source that swings more, as if it swung so much
PAUSE = 2.0  # times its second longest pause: one outage is no habit
SHORTEST = 3  # days of silence
DOUBT = 0.18  # spread of the logarithm of weekly counts that is always allowed for
OUTAGE = 0.2  # a week with less than this share of the median says nothing of what is usual


def source_tests(now: Sequence[Day], then: Sequence[Day]) -> Iterator[Test]:
    """One test for each source with a past worth the name."""
    every = sources_of([*then, *now])
    for name, counts in every.items():
        before, after = counts[: len(then)], counts[len(then) :]
        weeks = _usual_weeks(before)
        if len(weeks) < LEAST_WEEKS or np.median(weeks) < LEAST_A_WEEK:
            continue
        if (before > 0).sum() >= LEAST_DAYS:
            yield _silent(name, before, after) or _rate(name, weeks, after)


def _usual_weeks(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Weekly sums, the newest week whole; without the weeks of an outage."""
    whole = counts[len(counts) % 7 :]
    sums: NDArray[np.int64] = np.asarray(whole.reshape(-1, 7).sum(1))
    kept: NDArray[np.int64] = sums[sums > OUTAGE * np.median(sums)]
    return kept


def _silent(name: str, before: NDArray[np.int64], after: NDArray[np.int64]) -> Test | None:
    """Nothing at the end of the window, for longer than it is used to pause."""
    seen = np.flatnonzero(np.concatenate([before, after]))
    quiet = len(before) + len(after) - 1 - int(seen[-1])
    longest = _second(np.diff(np.flatnonzero(before)) - 1)
    limit = max(float(SHORTEST), PAUSE * longest)
    if quiet < limit:
        return None
    # Chance that so many days in a row bring nothing, as its own days show it.
    active = before[int(np.flatnonzero(before)[0]) : int(np.flatnonzero(before)[-1]) + 1]
    empty = (float((active == 0).sum()) + 0.5) / (len(active) + 1)
    facts = {"source": name, "days": str(quiet), "longest": f"{longest:.0f}",
             "usual": f"{np.mean(active):.1f}"}  # fmt: skip
    return Test(f"source:{name}", "silent", float(quiet), longest, limit, float(empty**quiet),
                int(after.sum()), int(before.sum()), facts)  # fmt: skip


def _rate(name: str, weeks: NDArray[np.int64], after: NDArray[np.int64]) -> Test:
    """Items a week now against its usual week, as a ratio: half and twice are as far."""
    usual = float(np.median(weeks))
    found = float(after.sum()) * 7 / len(after)
    swings = np.log((weeks + 0.5) / (usual + 0.5))
    moved = float(np.log((found + 0.5) / (usual + 0.5)))
    wide = max(spread(swings.tolist()), DOUBT, 1 / float(np.sqrt(usual)))
    p = 2 * float(stats.norm.sf(abs(moved) / wide))
    past = float(np.exp(_second(np.abs(swings))))
    facts = {"source": name, "before": f"{usual / 7:.1f}", "after": f"{found / 7:.1f}"}
    return Test(f"source:{name}", "more" if moved >= 0 else "fewer", float(np.exp(abs(moved))), past,
                max(RATIO, BEYOND * min(past, FARTHEST)), p, int(after.sum()), int(weeks.sum()),
                facts)  # fmt: skip


def _second(values: NDArray[np.int64] | NDArray[np.float64]) -> float:
    """The second largest; 0 of fewer than two."""
    return float(np.sort(values)[-2]) if len(values) > 1 else 0.0
