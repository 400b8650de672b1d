"""What does one rule set gain and lose against another? Two scores over the same episodes, paired.

Both are drawn with the same families in each draw, so that what both catch or both miss cancels
out. The exact test of McNemar looks only at the episodes that one of them catches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import comb

import numpy as np

from ews.model import Stage
from ews.tuning.detections import Detection
from ews.tuning.intervals import Tally, counted, limits, rates
from ews.tuning.matching import Raised
from ews.tuning.numbers import Json
from ews.tuning.references import Episode
from ews.tuning.scored import MATCHED, OPTIONAL, Scored

HOUR_S = 3600
SAME_HOURS = 1.0  # delays that differ by less are one
LOOKS = (("any", Stage.WATCH), ("caution", Stage.CAUTION))


def compare_scores(before: Scored, after: Scored) -> Json:
    """Alerts and cases gained and lost by name and link, and the difference of each figure.

    ValueError when the two were not scored over the same window and episodes.
    """
    if (before.window.since, before.window.until) != (after.window.since, after.window.until):
        raise ValueError("the two scores are of different windows; score both over the same days")
    if {ep.id for ep in before.episodes} != {ep.id for ep in after.episodes}:
        raise ValueError("the two scores are of different episodes; give both the same files")
    pairs = list(paired(before.alerts, after.alerts))
    return {
        "alerts": _alerts(before, after, pairs),
        "episodes": {name: _episodes(before, after, stage) for name, stage in LOOKS},
        "traps": _traps(before, after),
        "figures": list(_figures(before, after, pairs)),
    }


def paired(before: Sequence[Raised], after: Sequence[Raised]) -> Iterator[tuple[Raised, Raised]]:
    """Alerts on one happening: of the same id, else of events that both took in."""
    left = {alert.id: alert for alert in before}
    rest = []
    for alert in after:
        if (same := left.pop(alert.id, None)) is not None:
            yield same, alert
        else:
            rest.append(alert)
    home = {event: alert.id for alert in left.values() for event in alert.events}
    for alert in rest:
        met = next((home[event] for event in alert.events if home.get(event) in left), None)
        if met is not None:
            yield left.pop(met), alert


# --------------------------------------------------------------------------- lists


def _alerts(before: Scored, after: Scored, pairs: Sequence[tuple[Raised, Raised]]) -> Json:
    old, new = {a.id for a, _ in pairs}, {b.id for _, b in pairs}
    return {
        "before": len(before.alerts),
        "after": len(after.alerts),
        "caution_before": sum(a.max_stage >= Stage.CAUTION for a in before.alerts),
        "caution_after": sum(a.max_stage >= Stage.CAUTION for a in after.alerts),
        "gained": [_alert(after, one) for one in after.alerts if one.id not in new],
        "lost": [_alert(before, one) for one in before.alerts if one.id not in old],
        "moved": [
            _alert(after, b) | {"stage_before": a.max_stage.en}
            for a, b in pairs if a.max_stage is not b.max_stage
        ],
    }  # fmt: skip


def _alert(scored: Scored, alert: Raised) -> Json:
    match = scored.matching.chosen.get(alert.id)
    return {
        "alert": alert.id,
        "at": alert.at.isoformat(),
        "stage": alert.max_stage.en,
        "type": alert.type,
        "rule": alert.rule,
        "title": alert.title,
        "link": alert.href,
        "fate": scored.fates[alert.id],
        "episode": match.episode.id if match else None,
        "judged": scored.said(alert.id),
        "trap": any(hit.alert_id == alert.id for hit in scored.hits),
    }


def _episodes(before: Scored, after: Scored, stage: Stage) -> Json:
    old, new = before.found(stage), after.found(stage)
    rows: dict[str, list[Json]] = {"gained": [], "lost": [], "earlier": [], "later": []}
    for ep in after.required:
        was, now = old.get(ep.id), new.get(ep.id)
        if was is None and now is not None:
            rows["gained"].append(_episode(ep, now))
        elif was is not None and now is None:
            rows["lost"].append(_episode(ep, was))
        elif was is not None and now is not None:
            hours = (now.at - was.at).total_seconds() / HOUR_S
            if abs(hours) >= SAME_HOURS:
                rows["earlier" if hours < 0 else "later"].append(
                    _episode(ep, now) | {"hours": round(hours, 3)}
                )
    return {**rows}


def _episode(ep: Episode, found: Detection) -> Json:
    return {
        "episode": ep.id,
        "name": ep.name,
        "severity": ep.severity,
        "alert": found.alert.id,
        "title": found.alert.title,
        "link": found.alert.href,
        "rule": found.rule,
        "delay_hours": round(found.hours, 3),
    }


def _traps(before: Scored, after: Scored) -> Json:
    old, new = ({hit.trap.link for hit in one.hits} for one in (before, after))
    return {"gained": sorted(new - old), "lost": sorted(old - new)}


# --------------------------------------------------------------------------- figures


def _figures(
    before: Scored, after: Scored, pairs: Sequence[tuple[Raised, Raised]]
) -> Iterator[Json]:
    for name, stage in (("recall", Stage.WATCH), ("recall_caution", Stage.CAUTION)):
        for strong in ("", ".strong"):
            old, new = (one.found(stage, strong=bool(strong)) for one in (before, after))
            yield _recall(f"{name}{strong}.all", before, old, new, 1)
            yield _recall(f"{name}{strong}.severity_2", before, old, new, 2)
            yield _recall(f"{name}{strong}.severity_3", before, old, new, 3)
    met = {b.id: a.id for a, b in pairs}
    for name, least in (("strict", Stage.WATCH), ("strict_caution", Stage.CAUTION)):
        yield _figure(f"precision.{name}", _strict(before, least, {}), _strict(after, least, met))
    if before.verdicts is not None and after.verdicts is not None:
        for name, least in (("all", Stage.WATCH), ("caution", Stage.CAUTION)):
            yield _figure(
                f"precision.judged.{name}", _judged(before, least, {}), _judged(after, least, met)
            )
    yield _figure("duplicates", _repeated(before), _repeated(after))


def _recall(
    name: str,
    scored: Scored,
    old: Mapping[str, Detection],
    new: Mapping[str, Detection],
    severity: int,
) -> Json:
    some = [ep for ep in scored.required if ep.severity >= severity]
    gained = sum(ep.id in new and ep.id not in old for ep in some)
    lost = sum(ep.id in old and ep.id not in new for ep in some)
    figure = _figure(
        name,
        [(scored.family[ep.id], ep.id in old) for ep in some],
        [(scored.family[ep.id], ep.id in new) for ep in some],
    )
    return figure | {"gained": gained, "lost": lost, "mcnemar_p": mcnemar(gained, lost)}


def _figure(name: str, old: Tally, new: Tally) -> Json:
    rate_old, rate_new = _rate(old), _rate(new)
    both = rate_old is not None and rate_new is not None
    interval, better = _difference(old, new) if both else (None, None)
    return {
        "figure": name,
        "before": None if rate_old is None else round(rate_old, 4),
        "after": None if rate_new is None else round(rate_new, 4),
        "difference": round((rate_new or 0.0) - (rate_old or 0.0), 4) + 0.0 if both else None,
        "interval": interval,
        "better": better,
    }


def _rate(flags: Tally) -> float | None:
    return sum(hit for _, hit in flags) / len(flags) if flags else None


def _difference(old: Tally, new: Tally) -> tuple[list[float] | None, float | None]:
    """95% of after minus before, and the share of draws in which after is higher (ties: half)."""
    names, hits, of = counted([old, new])
    if len(names) < 2:
        return None, None
    apart = rates(hits[1], of[1]) - rates(hits[0], of[0])
    real = apart[~np.isnan(apart)]
    if not len(real):
        return None, None
    higher = float((real > 0).mean() + (real == 0).mean() / 2)
    return limits(real), round(higher, 4)


def mcnemar(gained: int, lost: int) -> float:
    """Exact two-sided p of as uneven a split of the episodes that only one of the two caught.

    >>> mcnemar(5, 0), mcnemar(2, 2), mcnemar(0, 0)
    (0.0625, 1.0, 1.0)
    """
    n = gained + lost
    tail = sum(comb(n, k) for k in range(min(gained, lost) + 1)) / (1 << n)
    return round(min(1.0, 2 * tail), 4)


def _block(scored: Scored, alert: Raised, met: Mapping[str, str]) -> str:
    """The block of an alert; an unmatched one that both have is one block."""
    block = scored.block(alert)
    return met.get(alert.id, alert.id) if block == alert.id else block


def _strict(scored: Scored, least: Stage, met: Mapping[str, str]) -> Tally:
    return [
        (_block(scored, alert, met), scored.fates[alert.id] == MATCHED)
        for alert in scored.alerts
        if alert.max_stage >= least and scored.fates[alert.id] != OPTIONAL
    ]


def _judged(scored: Scored, least: Stage, met: Mapping[str, str]) -> Tally:
    return [
        (_block(scored, alert, met), said)
        for alert in scored.alerts
        if alert.max_stage >= least and (said := scored.said(alert.id)) is not None
    ]


def _repeated(scored: Scored) -> Tally:
    return [
        (scored.family[match.episode.id], scored.repeats.get(id_) == "duplicate")
        for id_, match in scored.matching.chosen.items()
    ]
