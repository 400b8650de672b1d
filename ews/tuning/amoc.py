"""How much delay does each false alert a day buy? The curve of Fawcett and Provost (1999).

AMOC, activity monitoring operating characteristic: an alert counts from the moment at which the
number that orders it reaches the threshold. False alerts a day lie on one axis, the delay until an
episode is caught on the other; a missed episode costs the whole of its window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median

import numpy as np
from numpy.typing import NDArray

from ews.tuning.detections import Detection, Lookout, ancestors, sightings
from ews.tuning.numbers import Json
from ews.tuning.references import Episode
from ews.tuning.scored import Scored

Floats = NDArray[np.float64]
MOST_POINTS = 60
FALSE_PER_DAY = (0.1, 0.25, 0.5, 1.0)
HOUR = timedelta(hours=1)
Sight = tuple[float, datetime]  # the number that orders an alert, and since when it has it


def amoc(scored: Scored) -> Json:
    """The curve from the strictest threshold to every alert, and delays at fixed false rates."""
    best = [max((rank for rank, _ in scored.ranks(a)), default=0.0) for a in scored.alerts]
    levels = _levels(best)
    truth = [scored.true(alert) for alert in scored.alerts]
    points = _points(scored, levels, np.array(best), [one is False for one in truth])
    judged = [scored.said(alert.id) is not None for alert in scored.alerts]
    return {
        "order": "chance" if scored.by_chance else "stage",
        "truth": {
            "judged": sum(judged),
            "by_reference": sum(
                one is not None and not said for one, said in zip(truth, judged, strict=True)
            ),
            "left_out": truth.count(None),
        },
        "points": points,
        "at_false_per_day": [_at(points, rate) for rate in FALSE_PER_DAY],
    }


def _points(scored: Scored, levels: Floats, highest: Floats, false: Sequence[bool]) -> list[Json]:
    wrong = highest[np.array(false, dtype=np.bool_)]
    days = scored.window.days or 1.0
    delays = _delays(scored, levels)
    costs = np.array([(ep.ends - ep.reference_time) / HOUR for ep in scored.required])
    return [
        _point(
            float(level), float((highest >= level).sum()) / days,
            float((wrong >= level).sum()) / days, delays[:, number], costs,
        )
        for number, level in enumerate(levels)
    ]  # fmt: skip


def _levels(best: Sequence[float]) -> Floats:
    """Thresholds, highest first: each number that occurs, thinned evenly when there are many."""
    levels = np.unique(np.array(best, dtype=np.float64))[::-1]
    if len(levels) > MOST_POINTS:
        kept = np.unique(np.linspace(0, len(levels) - 1, MOST_POINTS).round().astype(int))
        levels = levels[kept]
    return np.asarray(levels, dtype=np.float64)


def _delays(scored: Scored, levels: Floats) -> Floats:
    """Hours until each required episode is caught at each threshold; inf: missed."""
    sights = _sights(scored)
    rows = np.full((len(scored.required), len(levels)), np.inf)
    for row, ep in zip(rows, scored.required, strict=True):
        for rank, at in sights[ep.id]:
            hours = max(0.0, (at - ep.reference_time) / HOUR)
            row[levels <= rank] = np.minimum(row[levels <= rank], hours)
    return rows


def _sights(scored: Scored) -> dict[str, list[Sight]]:
    """What could catch each episode: its own alerts, and those of its children."""
    wanted = Lookout(item=scored.matcher.is_item)
    found: dict[str, list[Sight]] = {}
    handed: dict[str, list[Sight]] = {}  # what a child's alerts say to its parent
    for ep in sorted(scored.episodes, key=lambda e: -len(ancestors(e, scored.episodes))):
        seen = list(sightings(ep, scored.matching, scored.episodes, wanted))
        own = _within(ep, (s for d in seen if d.rule != "update" for s in _of(scored, d)))
        own += _within(ep, handed.get(ep.id, ()))
        found[ep.id] = own + _within(
            ep, (s for d in seen if d.rule == "update" for s in _of(scored, d))
        )
        handed.setdefault(ep.parent or "", []).extend(own)
    return found


def _of(scored: Scored, seen: Detection) -> list[Sight]:
    return [(rank, max(seen.at, at)) for rank, at in scored.ranks(seen.alert)]


def _within(ep: Episode, sights: Iterable[Sight]) -> list[Sight]:
    return [(rank, at) for rank, at in sights if ep.starts <= at <= ep.ends]


def _point(level: float, rate: float, false: float, delays: Floats, costs: Floats) -> Json:
    caught = np.isfinite(delays)
    charged = np.where(caught, delays, costs)
    return {
        "threshold": round(level, 4),
        "alerts_per_day": round(rate, 4),
        "false_per_day": round(false, 4),
        "caught": int(caught.sum()),
        "recall": round(float(caught.mean()), 4) if len(delays) else None,
        "mean_delay_hours": round(float(charged.mean()), 3) if len(delays) else None,
        "median_delay_hours": round(median(delays[caught].tolist()), 3) if caught.any() else None,
    }


def _at(points: Sequence[Json], most: float) -> Json:
    """The last point whose false alerts a day are at most so many."""
    inside = [point for point in points if float(str(point["false_per_day"])) <= most]
    return {"most": most, "point": inside[-1] if inside else None}
