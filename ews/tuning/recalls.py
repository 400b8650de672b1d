"""Which episodes were caught, and how early or late?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from ews.model import Stage
from ews.tuning.detections import Detection
from ews.tuning.intervals import median_interval, share
from ews.tuning.numbers import Json, grouped, proportion, quantile
from ews.tuning.references import Episode
from ews.tuning.scored import Scored

KOREA = ZoneInfo("Asia/Seoul")
HOUR = timedelta(hours=1)


def recall(scored: Scored, stage: Stage) -> Json:
    """Required episodes that an alert at that stage or higher caught; by their items too."""
    caught = scored.found(stage)

    def of(some: Sequence[Episode]) -> Json:
        return proportion(sum(ep.id in caught for ep in some), len(some))

    return {
        **_recalls(scored, caught),
        "by_feed": grouped(scored.required, lambda ep: ep.feed, of),
        "by_type": grouped(scored.required, lambda ep: ep.type, of),
        "by_language": grouped(scored.required, lambda ep: ep.lang, of),
        "strong": _recalls(scored, scored.found(stage, strong=True)),
    }


def _recalls(scored: Scored, caught: Mapping[str, Detection]) -> Json:
    required = scored.required

    def of(some: Sequence[Episode]) -> Json:
        return share([(scored.family[ep.id], ep.id in caught) for ep in some])

    def of_families(some: Sequence[Episode]) -> Json:
        hit: dict[str, bool] = {}
        for ep in some:
            top = scored.family[ep.id]
            hit[top] = hit.get(top, False) or ep.id in caught
        return share(list(hit.items()))

    grave = [ep for ep in required if ep.severity >= 2]
    return {
        "all": of(required),
        "severity_2": of(grave),
        "severity_3": of([ep for ep in required if ep.severity >= 3]),
        "families": of_families(required),
        "families_severity_2": of_families(grave),
    }


def delays(scored: Scored, stage: Stage) -> Json:
    """First alert at that stage minus reference time, over required episodes that were caught."""
    found = scored.found(stage)
    caught = [found[ep.id] for ep in scored.required if ep.id in found]
    sure = [d for d in caught if not d.lucky]
    hours = sorted(d.hours for d in sure)

    def within(limit: float) -> Json:
        return proportion(sum(h <= limit for h in hours), len(hours))

    return {
        "counted": len(hours),
        "median_hours": round(median(hours), 3) if hours else None,
        "median_interval": median_interval((scored.family[d.episode.id], d.hours) for d in sure),
        "p90_hours": round(quantile(hours, 0.9), 3) if hours else None,
        "within_1h": within(1),
        "within_6h": within(6),
        "within_24h": within(24),
        "within_24h_of_required": proportion(sum(h <= 24 for h in hours), len(scored.required)),
        "early": sum(h < 0 for h in hours),
        "lucky_early": [d.episode.id for d in caught if d.lucky],
    }


# --------------------------------------------------------------------------- warning lead


def warning_lead(scored: Scored) -> Json:
    """Hours from our first alert to the reference time and to what was done then, each listed.

    Positive: we were first. A lucky early alert has no lead over the reference time.
    """
    each = [_lead(scored, ep) for ep in scored.required]
    return {
        "reference": _leads(scored, each, "lead_hours"),
        "reference_caution": _leads(scored, each, "caution_lead_hours"),
        "reaction": _leads(scored, each, "reaction_lead_hours"),
        "reaction_caution": _leads(scored, each, "reaction_caution_lead_hours"),
        "same_day": proportion(sum(row["same_day"] is True for row in each), len(each)),
        "same_day_caution": proportion(
            sum(row["same_day_caution"] is True for row in each), len(each)
        ),
        "each": each,
    }


def _lead(scored: Scored, ep: Episode) -> Json:
    first, caution = scored.found().get(ep.id), scored.found(Stage.CAUTION).get(ep.id)
    reaction: datetime | None = ep.reaction
    return {
        "episode": ep.id,
        "reference_time": ep.reference_time.isoformat(),
        "reaction_time": reaction.isoformat() if reaction else None,
        "alert": first.alert.id if first else None,
        "at": first.at.isoformat() if first else None,
        "lead_hours": _before(ep.reference_time, first, lucky=False),
        "reaction_lead_hours": _before(reaction, first),
        "same_day": _same_day(ep, first),
        "caution_alert": caution.alert.id if caution else None,
        "caution_at": caution.at.isoformat() if caution else None,
        "caution_lead_hours": _before(ep.reference_time, caution, lucky=False),
        "reaction_caution_lead_hours": _before(reaction, caution),
        "same_day_caution": _same_day(ep, caution),
        "lucky": first.lucky if first else False,
        "caution_lucky": caution.lucky if caution else False,
    }


def _before(moment: datetime | None, found: Detection | None, lucky: bool = True) -> float | None:
    if moment is None or found is None or (found.lucky and not lucky):
        return None
    return round((moment - found.at) / HOUR, 3) + 0.0  # no -0.0


def _same_day(ep: Episode, found: Detection | None) -> bool:
    """By the end of the reference time's day in Korea, and not by luck."""

    def day(moment: datetime) -> date:
        return moment.astimezone(KOREA).date()

    return found is not None and not found.lucky and day(found.at) <= day(ep.reference_time)


def _leads(scored: Scored, each: Sequence[Json], key: str) -> Json:
    known = [
        (scored.family[str(row["episode"])], float(str(row[key])))
        for row in each if row[key] is not None
    ]  # fmt: skip
    hours = [value for _, value in known]
    return {
        "counted": len(hours),
        "median_hours": round(median(hours), 3) if hours else None,
        "median_interval": median_interval(known),
    }
