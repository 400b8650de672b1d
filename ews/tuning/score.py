"""Score of a replay against reference episodes and traps: one JSON-ready document.

Pure. Every key is written down in docs/score-format.md. Proportions carry a 95% Wilson interval
(each episode or alert taken as independent of the others); those over episodes and alerts also a
bootstrap over families of episodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

from ews.model import Stage
from ews.tuning.amoc import amoc
from ews.tuning.breakdown import breakdown, receivers
from ews.tuning.intervals import share
from ews.tuning.matching import Matcher, Raised
from ews.tuning.numbers import Json, grouped, proportion
from ews.tuning.precisions import at_budgets, calibration, precision
from ews.tuning.recalls import delays, recall, warning_lead
from ews.tuning.references import Episode, Trap
from ews.tuning.scored import Load, Scored, Window, examine
from ews.tuning.verdicts import Verdicts

__all__ = ["FORMAT", "Load", "Scored", "Window", "document", "examine", "score"]

FORMAT = 2


def score(
    alerts: Sequence[Raised],
    episodes: Sequence[Episode],
    traps: Sequence[Trap],
    window: Window,
    verdicts: Verdicts | None = None,
    loads: Mapping[str, Load] | None = None,
    matcher: Matcher | None = None,
) -> Json:
    """Everything that docs/score-format.md lists, for the alerts raised in the window.

    A `matcher` of the same episodes, kept between calls, answers what it has seen at once.
    """
    return document(examine(alerts, episodes, traps, window, verdicts, loads, matcher))


def document(scored: Scored) -> Json:
    """The score of what `examine` decided."""
    return {
        "format": FORMAT,
        "window": _window(scored.window),
        "alerts": _volume(scored),
        "recall": recall(scored, Stage.WATCH),
        "recall_caution": recall(scored, Stage.CAUTION),
        "precision": precision(scored),
        "precision_at_budget": at_budgets(scored),
        "calibration": calibration(scored),
        "delay": delays(scored, Stage.WATCH),
        "delay_caution": delays(scored, Stage.CAUTION),
        "warning_lead": warning_lead(scored),
        "amoc": amoc(scored),
        "duplicates": _duplicates(scored),
        "traps": _traps(scored),
        "stage_error": _stage_error(scored),
        "receivers": receivers(scored),
        "breakdown": breakdown(scored),
        "episodes": [_episode(scored, ep) for ep in scored.episodes],
        "unmatched": [alert.id for alert in scored.matching.unmatched],
        "stale": [{"alert": m.alert.id, "episode": m.episode.id} for m in scored.matching.stale],
    }


def _window(window: Window) -> Json:
    return {
        "from": window.since.date().isoformat(),
        "to": (window.until - timedelta(seconds=1)).date().isoformat(),
        "days": round(window.days, 3),
        "feeds": list(window.feeds),
    }


def _volume(scored: Scored) -> Json:
    raised, days = scored.alerts, scored.window.days or 1.0
    reached = Counter(alert.max_stage for alert in raised)
    at_first = Counter(alert.first_stage for alert in raised)
    daily = Counter(alert.at.date() for alert in raised)
    cautious = [alert for alert in raised if alert.max_stage >= Stage.CAUTION]
    return {
        "total": len(raised),
        "per_day": round(len(raised) / days, 4),
        "caution_per_day": round(len(cautious) / days, 4),
        "per_day_by_max_stage": {s.en: round(reached[s] / days, 4) for s in Stage},
        "per_day_by_first_stage": {s.en: round(at_first[s] / days, 4) for s in Stage},
        "most_in_a_day": max(daily.values(), default=0),
        "unsigned": sum(alert.unsigned for alert in raised),
    }


def _duplicates(scored: Scored) -> Json:
    kinds, chosen = scored.repeats, scored.matching.chosen
    flags = [
        (scored.family[match.episode.id], kinds.get(id_) == "duplicate")
        for id_, match in chosen.items()
    ]
    return share(flags) | {
        "updates": sum(kind == "update" for kind in kinds.values()),
        "reopenings": sum(kind == "reopening" for kind in kinds.values()),
    }


def _traps(scored: Scored) -> Json:
    hit = {found.trap.link for found in scored.hits}

    def rate(some: Sequence[Trap]) -> Json:
        return proportion(sum(trap.link in hit for trap in some), len(some))

    return {
        **rate(scored.traps),
        "by_category": grouped(scored.traps, lambda trap: trap.category, rate),
        "by_language": grouped(scored.traps, lambda trap: trap.lang, rate),
        "by_kind": grouped(scored.traps, lambda trap: trap.kind, rate),
        "each": [
            {
                "link": found.trap.link,
                "alert": found.alert_id,
                "how": found.how,
                "category": found.trap.category,
                "kind": found.trap.kind,
                "stage": scored.by_id[found.alert_id].max_stage.en,
            }
            for found in scored.hits
        ],
    }


def _stage_error(scored: Scored) -> Json:
    found = scored.found()
    steps = [found[ep.id].alert.max_stage - ep.expected for ep in scored.required if ep.id in found]
    return {
        "episodes": len(steps),
        "mean_absolute_steps": round(sum(map(abs, steps)) / len(steps), 4) if steps else None,
        "mean_steps": round(sum(steps) / len(steps), 4) if steps else None,
        "exact": proportion(sum(step == 0 for step in steps), len(steps)),
        "near": proportion(sum(abs(step) <= 1 for step in steps), len(steps)),
    }


def _episode(scored: Scored, ep: Episode) -> Json:
    first, caution = scored.found().get(ep.id), scored.found(Stage.CAUTION).get(ep.id)
    matches = scored.matching.of_episode.get(ep.id, ())
    return {
        "id": ep.id,
        "required": ep.required,
        "severity": ep.severity,
        "type": ep.type,
        "parent": ep.parent,
        "family": scored.family[ep.id],
        "expected_stage": ep.expected.en,
        "detected": first is not None,
        "strong": ep.id in scored.found(strong=True),
        "alert": first.alert.id if first else None,
        "rule": first.rule if first else None,
        "delay_hours": round(first.hours, 3) if first else None,
        "lucky": first.lucky if first else False,
        "stage": first.alert.max_stage.en if first else None,
        "caution_alert": caution.alert.id if caution else None,
        "caution_rule": caution.rule if caution else None,
        "caution_strong": ep.id in scored.found(Stage.CAUTION, strong=True),
        "caution_delay_hours": round(caution.hours, 3) if caution else None,
        "alerts": [
            {"alert": m.alert.id, "rule": m.rule.value,
             "as": scored.repeats.get(m.alert.id, "first")}
            for m in matches
        ],
    }  # fmt: skip
