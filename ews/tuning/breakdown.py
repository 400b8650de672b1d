"""Where is the service good and where not? The score by stage, type, goods, language, source and
receiver.

An alert that fits several groups (goods of two chapters) counts in each. Episodes and alerts stand
side by side in a group, each by its own mark: an episode of type strike is caught by any alert that
matches it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ews.model import Stage
from ews.tuning.detections import Detection
from ews.tuning.matching import Raised
from ews.tuning.numbers import Json, proportion
from ews.tuning.references import Episode
from ews.tuning.scored import MATCHED, OPTIONAL, Load, Scored

NONE = "-"  # the group of what carries no such mark


@dataclass(frozen=True, slots=True)
class Group:
    """One row: its alerts, its required episodes and how they were caught."""

    alerts: Sequence[Raised]
    episodes: Sequence[Episode]
    caught: Mapping[str, Detection]


def breakdown(scored: Scored) -> Json:
    return {
        "by_stage": {stage.en: _row(scored, _of_stage(scored, stage)) for stage in Stage},
        "by_type": _by(scored, lambda a: [a.type], lambda ep: [ep.type]),
        "by_chapter": _by(scored, _chapters, lambda ep: _heads(ep.hs4)),
        "by_language": _by(scored, _language, lambda ep: [ep.lang]),
        "by_source": _by(scored, _source, lambda ep: [ep.source]),
        "by_receiver": {
            name: _row(scored, _of_receiver(scored, load))
            for name, load in sorted((scored.loads or {}).items())
        },
    }


def _of_stage(scored: Scored, stage: Stage) -> Group:
    """Alerts that ever reached the stage, and episodes that one open at it caught."""
    reached = [alert for alert in scored.alerts if alert.max_stage >= stage]
    return Group(reached, scored.required, scored.found(stage))


def _of_receiver(scored: Scored, load: Load) -> Group:
    """Alerts that the receiver was told of. What others were told catches nothing for it."""
    told: Collection[str] = getattr(load, "alerts", ())
    alerts = [alert for alert in scored.alerts if alert.id in told]
    caught = scored.caught_by({alert.id for alert in alerts})
    return Group(alerts, scored.required, caught)


def _by(
    scored: Scored,
    of_alert: Callable[[Raised], Iterable[str]],
    of_episode: Callable[[Episode], Iterable[str]],
) -> Json:
    alerts: dict[str, list[Raised]] = {}
    episodes: dict[str, list[Episode]] = {}
    for alert in scored.alerts:
        for key in dict.fromkeys(of_alert(alert)):
            alerts.setdefault(key or NONE, []).append(alert)
    for ep in scored.required:
        for key in dict.fromkeys(of_episode(ep)):
            episodes.setdefault(key or NONE, []).append(ep)
    caught = scored.found()
    return {
        key: _row(scored, Group(alerts.get(key, ()), episodes.get(key, ()), caught))
        for key in sorted({*alerts, *episodes})
    }


def _row(scored: Scored, group: Group) -> Json:
    ids = {alert.id for alert in group.alerts}
    matched = [id_ for id_ in ids if id_ in scored.matching.chosen]
    fates = [scored.fates[id_] for id_ in ids if scored.fates[id_] != OPTIONAL]
    said = [real for id_ in ids if (real := scored.said(id_)) is not None]
    cautious = [alert for alert in group.alerts if alert.max_stage >= Stage.CAUTION]
    days = scored.window.days or 1.0
    return {
        "alerts": len(group.alerts),
        "per_day": round(len(group.alerts) / days, 4),
        "caution_per_day": round(len(cautious) / days, 4),
        "recall": proportion(sum(ep.id in group.caught for ep in group.episodes),
                             len(group.episodes)),
        "missed": [ep.id for ep in group.episodes if ep.id not in group.caught],
        "strict": proportion(fates.count(MATCHED), len(fates)),
        "judged": proportion(sum(said), len(said)) if scored.verdicts else None,
        "duplicates": proportion(sum(scored.repeats.get(id_) == "duplicate" for id_ in matched),
                                 len(matched)),
        "traps": len({hit.trap.link for hit in scored.hits if hit.alert_id in ids}),
    }  # fmt: skip


def _chapters(alert: Raised) -> list[str]:
    codes = {code for step in alert.steps for code in step.content.hs4}
    return _heads(codes)


def _heads(codes: Iterable[str]) -> list[str]:
    """HS chapters of HS codes, in order; one empty text without any."""
    return sorted({code[:2] for code in codes}) or [""]


def _language(alert: Raised) -> list[str]:
    first = alert.trigger()
    return [first.lang if first else ""]


def _source(alert: Raised) -> list[str]:
    """Who told it first: the independence group, else the outlet."""
    first = alert.trigger()
    return [(first.group or first.outlet) if first else ""]


# --------------------------------------------------------------------------- receivers


def receivers(scored: Scored) -> list[Json]:
    """What each receiver was told a day against what it takes."""
    return [_load(scored, load) for _, load in sorted((scored.loads or {}).items())]


def _load(scored: Scored, load: Load) -> Json:
    days = scored.window.days or 1.0
    told, held = load.told_by_day, load.held_by_day
    budget = load.budget_per_day
    return {
        "receiver": load.receiver,
        "budget_per_day": budget,
        "told": sum(told.values()),
        "told_per_day": round(sum(told.values()) / days, 4),
        "held_per_day": round(sum(held.values()) / days, 4),
        "most_in_a_day": max(told.values(), default=0),
        "days_at_budget": sum(n >= budget for n in told.values()) if budget else 0,
        "days_over_budget": sum(n > budget for n in told.values()) if budget else 0,
        "held_by_reason": {
            reason: load.held_by_reason[reason] for reason in sorted(load.held_by_reason)
        },
    }
