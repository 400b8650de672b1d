"""Which figures of two backtests does an analyst compare? Loads, operating points, episodes, alerts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from ews.model import Alert, Stage
from ews.tuning.desk_shapes import (
    AlertLoad,
    ConfusionRow,
    EpisodeRow,
    Expected,
    Point,
    ReceiverRow,
    StageLoad,
    Told,
)
from ews.tuning.detections import Detection
from ews.tuning.raised import Raised
from ews.tuning.references import Episode
from ews.tuning.scored import END, MATCHED, OPTIONAL, Load, Scored

BUDGET = "held_by_budget"


def alert_load(scored: Scored) -> AlertLoad:
    """New alerts of the window, by the highest stage that each reached."""
    days = scored.window.days
    reached = Counter(alert.max_stage for alert in scored.alerts)
    daily = Counter(alert.at.date() for alert in scored.alerts)
    caution = sum(count for stage, count in reached.items() if stage >= Stage.CAUTION)
    return AlertLoad(
        total=len(scored.alerts),
        per_day=round(len(scored.alerts) / days, 4),
        most_in_a_day=max(daily.values(), default=0),
        caution=caution,
        caution_per_day=round(caution / days, 4),
        by_stage=tuple(
            StageLoad(int(s), s.en, s.ko, reached[s], round(reached[s] / days, 4)) for s in Stage
        ),
    )


def receiver_rows(
    before: Mapping[str, Load],
    after: Mapping[str, Load],
    days: float,
    expected: Mapping[str, tuple[Expected, Expected]],
) -> tuple[ReceiverRow, ...]:
    """Each receiver under both rule sets, in the order of the routes."""
    rows = []
    for name, load in after.items():
        first, then = expected.get(name, (None, None))
        rows.append(ReceiverRow(name, _told(before[name], days, first), _told(load, days, then)))
    return tuple(rows)


def _told(load: Load, days: float, expected: Expected | None) -> Told:
    told, held = sum(load.told_by_day.values()), sum(load.held_by_day.values())
    budget = load.budget_per_day
    return Told(
        budget=budget,
        told=told,
        told_per_day=round(told / days, 4),
        held=held,
        held_per_day=round(held / days, 4),
        held_by_budget=load.held_by_reason.get(BUDGET, 0),
        most_in_a_day=max(load.told_by_day.values(), default=0),
        days_over_budget=0 if budget is None else sum(
            count > budget for count in load.told_by_day.values()
        ),
        expected=expected,
    )  # fmt: skip


def point(scored: Scored, stage: Stage, factor: float | None = None) -> Point:
    """Alerts a day that reach the stage, required episodes caught there, and how many of those that
    somebody judged were right: a match with an episode alone would only ever say right."""
    reached = [alert for alert in scored.alerts if alert.max_stage >= stage]
    caught = sum(ep.id in scored.found(stage) for ep in scored.required)
    said = [one for alert in reached if (one := scored.said(alert.id)) is not None]
    episodes = len(scored.required)
    return Point(
        factor=factor,
        per_day=round(len(reached) / scored.window.days, 4),
        caught=caught,
        episodes=episodes,
        recall=round(caught / episodes, 4) if episodes else None,
        right=sum(said),
        judged=len(said),
        precision=round(sum(said) / len(said), 4) if said else None,
    )


def judgement(scored: Scored, alert: Raised) -> tuple[str, str, str]:
    """What is known of an alert: word, what it rests on, and of which episode or trap."""
    said, fate = scored.said(alert.id), scored.fates[alert.id]
    match = scored.matching.chosen.get(alert.id)
    name = match.episode.name if match else ""
    if said is not None:
        return ("true" if said else "false"), "verdict", name
    trap = next((hit.trap.category for hit in scored.hits if hit.alert_id == alert.id), None)
    if trap is not None:
        return "trap", "trap", trap
    if fate in (MATCHED, OPTIONAL):
        return "episode", "episode", name
    if fate == END:
        return "false", "episode", name
    return "open", "", ""


# --------------------------------------------------------------------------- episodes


def episode_rows(before: Scored, after: Scored) -> tuple[EpisodeRow, ...]:
    """Every episode of the window, those gained and lost first."""
    rows = [_episode(ep, before, after) for ep in after.episodes]
    order = {"gained": 0, "lost": 1, "missed": 2, "kept": 3}
    return tuple(sorted(rows, key=lambda row: (order[row.state], not row.required, row.id)))


def _episode(ep: Episode, before: Scored, after: Scored) -> EpisodeRow:
    then, now = before.found(Stage.CAUTION).get(ep.id), after.found(Stage.CAUTION).get(ep.id)
    seen = after.found().get(ep.id) or before.found().get(ep.id)
    shown = now or then or seen
    state = {(True, True): "kept", (False, True): "gained", (True, False): "lost"}.get(
        (then is not None, now is not None), "missed"
    )
    return EpisodeRow(
        id=ep.id,
        name=ep.name,
        link=shown.alert.href if shown else _link(ep),
        severity=ep.severity,
        required=ep.required,
        before=then is not None,
        after=now is not None,
        hours_before=_hours(then),
        hours_after=_hours(now),
        seen_before=ep.id in before.found(),
        seen_after=ep.id in after.found(),
        state=state,
        alert=shown.alert.id if shown else "",
    )


def _hours(found: Detection | None) -> float | None:
    """None for an early alert by luck: nothing of the episode was in its evidence then."""
    return None if found is None or found.lucky else round(found.hours, 2)


def _link(ep: Episode) -> str:
    first = min(ep.links, default="")
    return f"https://{first}" if first else ""


# --------------------------------------------------------------------------- alerts


def confusion_rows(
    before: Scored,
    after: Scored,
    of_before: Mapping[str, Alert],
    of_after: Mapping[str, Alert],
) -> tuple[ConfusionRow, ...]:
    """Each alert of either rule set once: gained, lost and moved first, the highest stage first."""
    pairs = list(_paired(before.alerts, after.alerts, of_before, of_after))
    rows = [_row(before, after, old, new) for old, new in pairs]
    order = {"gained": 0, "lost": 1, "moved": 2, "same": 3}
    return tuple(sorted(rows, key=lambda row: (order[row.side], -row.stage, row.at, row.alert)))


def _row(before: Scored, after: Scored, old: Raised | None, new: Raised | None) -> ConfusionRow:
    shown, scored = (new, after) if new is not None else (old, before)
    assert shown is not None
    stage = shown.max_stage
    if old is None or new is None:
        side = "lost" if new is None else "gained"
    else:
        side = "same" if old.max_stage is new.max_stage else "moved"
    judged, basis, what = judgement(scored, shown)
    return ConfusionRow(
        alert=shown.id,
        at=shown.at,
        title=shown.title,
        link=shown.href,
        type=shown.type,
        stage=int(stage),
        stage_en=stage.en,
        stage_ko=stage.ko,
        stage_before=int(old.max_stage) if old else None,
        rule=shown.rule,
        side=side,
        judged=judged,
        basis=basis,
        what=what,
    )


def _paired(
    old: Sequence[Raised],
    new: Sequence[Raised],
    of_old: Mapping[str, Alert],
    of_new: Mapping[str, Alert],
) -> Iterator[tuple[Raised | None, Raised | None]]:
    """Alerts on one happening: of one id, else with a report that both took in. Other rules may let
    another report speak first."""
    left = {alert.id: alert for alert in old}
    rest = []
    for alert in new:
        if (same := left.pop(alert.id, None)) is not None:
            yield same, alert
        else:
            rest.append(alert)
    home = {event: id_ for id_ in left for event in events_of(of_old.get(id_))}
    for alert in rest:
        met = (home[event] for event in events_of(of_new.get(alert.id)) if event in home)
        yield next((left.pop(id_) for id_ in met if id_ in left), None), alert
    for alert in left.values():
        yield alert, None


def events_of(alert: Alert | None) -> tuple[str, ...]:
    return () if alert is None else tuple(dict.fromkeys((alert.event_id, *alert.members)))
