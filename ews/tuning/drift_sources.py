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
RATIO = 2.0  # to twice, or to half
PAUSE = 2.0  # times its own longest pause
SHORTEST = 3  # days of silence
DOUBT = 0.2  # relative spread of weekly counts that is always allowed for


def source_tests(now: Sequence[Day], then: Sequence[Day]) -> Iterator[Test]:
    """One test for each source with a past worth the name."""
    every = sources_of([*then, *now])
    for name, counts in every.items():
        before, after = counts[: len(then)], counts[len(then) :]
        weeks = _weeks(before)
        if len(weeks) < 4 or np.median(weeks) < LEAST_A_WEEK or (before > 0).sum() < LEAST_DAYS:
            continue
        yield _silent(name, before, after) or _rate(name, weeks, after)


def _weeks(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Weekly sums, the newest week whole."""
    whole = counts[len(counts) % 7 :]
    return np.asarray(whole.reshape(-1, 7).sum(1))


def _silent(name: str, before: NDArray[np.int64], after: NDArray[np.int64]) -> Test | None:
    """Nothing at the end of the window, for longer than it ever paused."""
    seen = np.flatnonzero(np.concatenate([before, after]))
    quiet = len(before) + len(after) - 1 - int(seen[-1])
    pauses = np.diff(np.flatnonzero(before)) - 1
    longest = int(pauses.max()) if len(pauses) else 0
    if quiet < max(SHORTEST, PAUSE * longest):
        return None
    # Runs of silence as its own days show them: chance that so many days in a row bring nothing.
    empty = (float((before == 0).sum()) + 0.5) / (len(before) + 1)
    facts = {"source": name, "days": str(quiet), "longest": str(longest),
             "usual": f"{np.mean(before):.1f}"}  # fmt: skip
    limit = max(SHORTEST, PAUSE * longest)
    return Test(f"source:{name}", "silent", float(quiet), float(longest), float(limit),
                float(empty**quiet), int(after.sum()), int(before.sum()), facts)  # fmt: skip


def _rate(name: str, weeks: NDArray[np.int64], after: NDArray[np.int64]) -> Test:
    """Items a week now against its usual week."""
    usual = float(np.median(weeks))
    found = float(after.sum()) * 7 / len(after)
    wide = max(spread(weeks.tolist()), DOUBT * usual, float(np.sqrt(usual)))
    p = 2 * float(stats.norm.sf(abs(found - usual) / wide))
    ratio = (found + 0.5) / (usual + 0.5)
    past = max(_fold((float(one) + 0.5) / (usual + 0.5)) for one in weeks)
    facts = {"source": name, "before": f"{usual / 7:.1f}", "after": f"{found / 7:.1f}"}
    kind = "more" if ratio >= 1 else "fewer"
    # What once doubled without anything being wrong must move further to be told.
    return Test(f"source:{name}", kind, _fold(ratio), past, max(RATIO, 1.25 * min(past, 4.0)), p,
                int(after.sum()), int(weeks.sum()), facts)  # fmt: skip


def _fold(ratio: float) -> float:
    return max(ratio, 1 / ratio)
