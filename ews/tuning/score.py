"""Score of a replay against reference episodes and traps: one JSON-ready document.

Pure. Every key is written down in docs/score-format.md. Proportions carry a 95% Wilson interval
(each episode or alert taken as independent of the others), median delays a bootstrap interval.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from ews.model import Stage
from ews.tuning.detections import Detection, at_stage, detections, duplicates, is_end
from ews.tuning.matching import Matching, Raised, match_alerts, trap_hits
from ews.tuning.numbers import Json, bootstrap_median, grouped, proportion, quantile
from ews.tuning.references import Episode, Trap
from ews.tuning.verdicts import Verdicts

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Window:
    """What is scored: alerts raised, reference times and traps inside [since, until)."""

    since: datetime
    until: datetime
    feeds: tuple[str, ...] = ()  # empty: every feed of the files

    @property
    def days(self) -> float:
        return (self.until - self.since) / timedelta(days=1)

    def holds(self, at: datetime, feed: str = "") -> bool:
        return self.since <= at < self.until and (not self.feeds or feed in self.feeds or not feed)


def score(
    alerts: Sequence[Raised],
    episodes: Sequence[Episode],
    traps: Sequence[Trap],
    window: Window,
    verdicts: Verdicts | None = None,
) -> Json:
    """Everything that docs/score-format.md lists, for the alerts raised in the window."""
    feeds = window.feeds
    here = [ep for ep in episodes if window.holds(ep.reference_time, ep.feed)]
    elsewhere = [
        ep for ep in episodes
        if ep not in here and (not feeds or not ep.feed or ep.feed in feeds)
    ]  # fmt: skip
    raised = sorted(
        (alert for alert in alerts if window.since <= alert.at < window.until),
        key=lambda alert: (alert.at, alert.id),
    )
    matching = match_alerts(raised, here)
    other = match_alerts(matching.unmatched, elsewhere)
    any_stage = detections(matching, here)
    cautioned = {
        id_: found for id_, found in (
            (ep.id, at_stage(ep, matching, here, Stage.CAUTION)) for ep in here
        ) if found is not None
    }  # fmt: skip
    repeats = duplicates(matching)
    wrong = _false(matching)
    return {
        "format": FORMAT,
        "window": {
            "from": window.since.date().isoformat(),
            "to": (window.until - timedelta(seconds=1)).date().isoformat(),
            "days": round(window.days, 3),
            "feeds": list(window.feeds),
        },
        "alerts": _volume(raised, window),
        "recall": _recalls(here, any_stage),
        "recall_caution": _recalls(here, cautioned),
        "precision": _precision(raised, matching, wrong, other, verdicts),
        "delay": _delays(here, any_stage),
        "delay_caution": _delays(here, cautioned),
        "duplicates": {
            **proportion(sum(kind == "duplicate" for kind in repeats.values()),
                          len(matching.chosen)),
            "updates": sum(kind == "update" for kind in repeats.values()),
            "reopenings": sum(kind == "reopening" for kind in repeats.values()),
        },
        "traps": _traps(raised, traps, window),
        "stage_error": _stage_error(here, any_stage),
        "episodes": [_episode(ep, any_stage, cautioned, matching, repeats) for ep in here],
        "unmatched": [alert.id for alert in matching.unmatched],
        "stale": [{"alert": m.alert.id, "episode": m.episode.id} for m in matching.stale],
    }  # fmt: skip


# --------------------------------------------------------------------------- numbers


def _recalls(episodes: Sequence[Episode], found: Mapping[str, Detection]) -> Json:
    required = [ep for ep in episodes if ep.required]

    def recall(some: Sequence[Episode]) -> Json:
        return proportion(sum(ep.id in found for ep in some), len(some))

    families: dict[str, bool] = {}
    for ep in required:
        root = ep.parent or ep.id
        families[root] = families.get(root, False) or ep.id in found
    return {
        "all": recall(required),
        "severity_2": recall([ep for ep in required if ep.severity >= 2]),
        "severity_3": recall([ep for ep in required if ep.severity >= 3]),
        "families": proportion(sum(families.values()), len(families)),
        "by_feed": grouped(required, lambda ep: ep.feed, recall),
        "by_type": grouped(required, lambda ep: ep.type, recall),
        "by_language": grouped(required, lambda ep: ep.lang, recall),
    }


def _precision(
    raised: Sequence[Raised],
    matching: Matching,
    wrong: set[str],
    other: Matching,
    verdicts: Verdicts | None,
) -> Json:
    neutral = {id_ for id_, match in matching.chosen.items() if not match.episode.required} - wrong
    right = set(matching.chosen) - neutral - wrong
    counted = [alert for alert in raised if alert.id not in neutral]

    def strict(some: Sequence[Raised]) -> Json:
        return proportion(sum(alert.id in right for alert in some), len(some))

    caution = [alert for alert in counted if alert.max_stage >= Stage.CAUTION]
    document: Json = {
        "strict": strict(counted),
        "strict_caution": strict(caution),
        "matched": len(right),
        "unmatched": len(matching.unmatched),
        "stale": len(matching.stale),
        "optional_only": len(neutral),
        "on_end_item": len(wrong),
        "unmatched_but_known_episode_outside_window": len(other.chosen),
        "judged": None,
    }
    if verdicts is not None:
        document["judged"] = _judged(raised, matching, right, counted, verdicts)
    return document


def _judged(
    raised: Sequence[Raised],
    matching: Matching,
    right: set[str],
    counted: Sequence[Raised],
    verdicts: Verdicts,
) -> Json:
    known = {alert.id: alert for alert in raised}
    said = {id_: real for id_, real in verdicts.decided.items() if id_ in known}
    loose = [alert.id for alert in matching.unmatched]
    loose_said = [said[id_] for id_ in loose if id_ in said]
    cautious = [real for id_, real in said.items() if known[id_].max_stage >= Stage.CAUTION]
    adjudicated = None
    if loose_said and counted:
        share = sum(loose_said) / len(loose_said)
        adjudicated = round((len(right) + share * len(loose)) / len(counted), 4)
    return {
        "all": proportion(sum(said.values()), len(said)),
        "caution": proportion(sum(cautious), len(cautious)),
        "unmatched": proportion(sum(loose_said), len(loose_said)),
        "adjudicated": adjudicated,
        "unsure": sum(id_ in known for id_ in verdicts.unsure),
        "unknown_alerts": sorted(verdicts.all_ids - set(known)),
        "annotators": sorted(verdicts.annotators),
        "agreement": verdicts.agreement,
    }


def _volume(raised: Sequence[Raised], window: Window) -> Json:
    days = window.days or 1.0
    reached = Counter(alert.max_stage for alert in raised)
    at_first = Counter(alert.steps[0].stage for alert in raised)
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


def _delays(episodes: Sequence[Episode], found: Mapping[str, Detection]) -> Json:
    caught = [found[ep.id] for ep in episodes if ep.required and ep.id in found]
    hours = sorted(d.hours for d in caught if not d.lucky)
    required = sum(ep.required for ep in episodes)

    def within(limit: float) -> Json:
        return proportion(sum(h <= limit for h in hours), len(hours))

    return {
        "counted": len(hours),
        "median_hours": round(median(hours), 3) if hours else None,
        "median_interval": bootstrap_median(hours),
        "p90_hours": round(quantile(hours, 0.9), 3) if hours else None,
        "within_1h": within(1),
        "within_6h": within(6),
        "within_24h": within(24),
        "within_24h_of_required": proportion(sum(h <= 24 for h in hours), required),
        "early": sum(h < 0 for h in hours),
        "lucky_early": [d.episode.id for d in caught if d.lucky],
    }


def _traps(raised: Sequence[Raised], traps: Sequence[Trap], window: Window) -> Json:
    here = [trap for trap in traps if window.holds(trap.published, trap.feed)]
    hits = trap_hits(raised, here)
    hit = {found.trap.link for found in hits}

    def rate(some: Sequence[Trap]) -> Json:
        return proportion(sum(trap.link in hit for trap in some), len(some))

    return {
        **rate(here),
        "by_category": grouped(here, lambda trap: trap.category, rate),
        "by_language": grouped(here, lambda trap: trap.lang, rate),
        "by_kind": grouped(here, lambda trap: trap.kind, rate),
        "each": [
            {"link": found.trap.link, "alert": found.alert_id, "how": found.how} for found in hits
        ],
    }


def _stage_error(episodes: Sequence[Episode], found: Mapping[str, Detection]) -> Json:
    steps = [
        found[ep.id].alert.max_stage - ep.expected
        for ep in episodes if ep.required and ep.id in found
    ]  # fmt: skip
    return {
        "episodes": len(steps),
        "mean_absolute_steps": round(sum(map(abs, steps)) / len(steps), 4) if steps else None,
        "mean_steps": round(sum(steps) / len(steps), 4) if steps else None,
        "exact": proportion(sum(step == 0 for step in steps), len(steps)),
        "near": proportion(sum(abs(step) <= 1 for step in steps), len(steps)),
    }


def _episode(
    ep: Episode,
    found: Mapping[str, Detection],
    cautioned: Mapping[str, Detection],
    matching: Matching,
    repeats: Mapping[str, str],
) -> Json:
    detection, caution = found.get(ep.id), cautioned.get(ep.id)
    return {
        "id": ep.id,
        "required": ep.required,
        "severity": ep.severity,
        "type": ep.type,
        "parent": ep.parent,
        "expected_stage": ep.expected.en,
        "detected": detection is not None,
        "alert": detection.alert.id if detection else None,
        "rule": detection.rule if detection else None,
        "delay_hours": round(detection.hours, 3) if detection else None,
        "lucky": detection.lucky if detection else False,
        "stage": detection.alert.max_stage.en if detection else None,
        "caution_delay_hours": round(caution.hours, 3) if caution else None,
        "alerts": [
            {"alert": m.alert.id, "rule": m.rule.value, "as": repeats.get(m.alert.id, "first")}
            for m in matching.of_episode.get(ep.id, ())
        ],
    }


def _false(matching: Matching) -> set[str]:
    return {alert_id for alert_id, match in matching.chosen.items() if is_end(match)}
