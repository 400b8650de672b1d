"""Has what comes in, or what the model says of it, drifted? A week against the eight weeks before.

A finding needs three things: it is no chance over all tests of the look (Benjamini-Hochberg), the
effect is large enough to matter, and it is well beyond what the weeks of the reference show against
each other. Drift says that something moved; whether the model or the world did, a person finds out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from scipy import stats

from ews.storage import Store
from ews.tuning import drift_tests as tests
from ews.tuning.drift_days import MIXES, SCORES, SHARES, Day, Span, days_of
from ews.tuning.drift_sources import source_tests
from ews.tuning.drift_tests import Counts, Test

WEEK = timedelta(days=7)
REFERENCE_WEEKS = 8
LEAST_WEEKS = 4  # of a reference with texts in it
FALSE_DISCOVERY = 0.01
BEYOND = 1.5  # times what the reference shows against itself
LIMITS = {"scores": 0.1, "type": 0.02, "language": 0.02, "rule": 0.15, "share": 0.05}


@dataclass(frozen=True, slots=True)
class Drift:
    """One look: every test, and those of them that are findings."""

    since: datetime
    until: datetime
    reference_since: datetime
    texts: int  # in the window
    reference_texts: int
    weeks: int  # of the reference with texts
    tests: tuple[Test, ...]
    findings: tuple[Test, ...]
    why_not: str = ""  # too_little_past, no_texts: nothing was tested


def last_midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def drift(
    store: Store, now: datetime, since: datetime | None = None, until: datetime | None = None
) -> Drift:
    """What drifted in the window: the seven days up to the last midnight (UTC), or [since, until)."""
    until = last_midnight(until or now)
    since = last_midnight(since) if since else until - WEEK
    if until - since < WEEK:
        raise ValueError("a window of drift is seven days or more: give an earlier --since")
    begins = since - REFERENCE_WEEKS * WEEK
    return looked(days_of(store, begins, until), since, until)


def looked(days: Sequence[Day], since: datetime, until: datetime) -> Drift:
    """The look at days that begin with the reference. Pure."""
    cut = sum(day.on < since.date() for day in days)
    now, then = Span(tuple(days[cut:])), Span(tuple(days[:cut]))
    weeks = tuple(week for week in then.weeks() if week.texts)
    found = _tested(now, then, weeks) if len(weeks) >= LEAST_WEEKS and now.texts else ()
    return Drift(
        since, until, since - REFERENCE_WEEKS * WEEK, now.texts, then.texts, len(weeks), found,
        tuple(one for one in found if one.found),
        "too_little_past" if len(weeks) < LEAST_WEEKS else "" if now.texts else "no_texts",
    )  # fmt: skip


def _tested(now: Span, then: Span, weeks: Sequence[Span]) -> tuple[Test, ...]:
    made = [
        *_scores(now, then, weeks),
        *_mixes(now, then, weeks),
        *_shares(now, then, weeks),
        *source_tests(now.days, then.days),
    ]
    q = tests.adjusted([one.p for one in made])
    return tuple(
        replace(
            one, q=adjusted, found=adjusted < FALSE_DISCOVERY and one.effect >= one.limit
        )
        for one, adjusted in zip(made, q, strict=True)
    )  # fmt: skip


def _limit(least: float, past: float) -> float:
    return max(least, BEYOND * past)


def _among(
    weeks: Sequence[Span],
    read: Callable[[Span], Counts],
    measure: Callable[[Counts, Counts], float],
    least: int,
) -> float:
    """The largest effect of one week of the reference against the others."""
    counts = [read(week) for week in weeks]
    total = np.sum(counts, axis=0)
    found = [
        measure(one, total - one)
        for one in counts
        if one.sum() >= least and (total - one).sum() >= least
    ]
    return max(found, default=0.0)


def _scores(now: Span, then: Span, weeks: Sequence[Span]) -> Iterator[Test]:
    for name in SCORES:
        least = tests.LEAST_ALERTS if name in ("chance", "event_probability") else tests.LEAST
        a, b = now.histogram(name), then.histogram(name)
        if a.sum() < least or b.sum() < 2 * least:
            continue
        past = _among(weeks, lambda span, n=name: span.histogram(n), tests.psi, least)  # type: ignore[misc]
        _, p = tests.kolmogorov(a, b)
        facts = {"before": f"{tests.middle(b):.3f}", "after": f"{tests.middle(a):.3f}"}
        yield Test(
            f"scores:{name}", "scores", tests.psi(a, b), past, _limit(LIMITS["scores"], past), p,
            int(a.sum()), int(b.sum()), facts,
        )  # fmt: skip


def _mixes(now: Span, then: Span, weeks: Sequence[Span]) -> Iterator[Test]:
    for name in MIXES:
        keys = sorted({*now.counts(name), *then.counts(name)})
        least = tests.LEAST_ALERTS if name == "rule" else tests.LEAST

        def read(span: Span, name: str = name, keys: Sequence[str] = keys) -> Counts:
            counts = span.counts(name)
            return np.array([counts[key] for key in keys], np.int64)

        a, b = read(now), read(then)
        if len(keys) < 2 or a.sum() < least or b.sum() < 2 * least:
            continue
        past = _among(weeks, read, tests.divergence, least)
        key, before, after = tests.most_moved(keys, a, b)
        yield Test(
            f"mix:{name}", "mix", tests.divergence(a, b), past, _limit(LIMITS[name], past),
            tests.g_test(a, b), int(a.sum()), int(b.sum()),
            {"key": key, "before": f"{before:.3f}", "after": f"{after:.3f}"},
        )  # fmt: skip


def _shares(now: Span, then: Span, weeks: Sequence[Span]) -> Iterator[Test]:
    for name in SHARES:
        n, m = _of(now, name), _of(then, name)
        if n < tests.LEAST or m < 2 * tests.LEAST:
            continue
        before = [_hits(week, name) / of for week in weeks if (of := _of(week, name))]
        usual, share = float(np.median(before)), _hits(now, name) / n
        chance = np.sqrt(max(usual * (1 - usual), 1 / n) / n)
        wide = max(tests.spread(before), float(chance))
        past = max((abs(one - usual) for one in before), default=0.0)
        p = 2 * float(stats.norm.sf(abs(share - usual) / wide))
        facts = {"before": f"{usual:.3f}", "after": f"{share:.3f}"}
        yield Test(f"share:{name}", "share", abs(share - usual), past,
                   _limit(LIMITS["share"], past), p, n, m, facts)  # fmt: skip


def _hits(span: Span, name: str) -> int:
    return span.counts("share")[name]


def _of(span: Span, name: str) -> int:
    """Texts of which the share is: of the model's own doubt, those that it read."""
    return span.read if name == "triage" else span.texts
