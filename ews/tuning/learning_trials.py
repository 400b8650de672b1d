"""What would a suggested change have done in the stored period? Asked of the tuning desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ews.tuning.desk import Desk
from ews.tuning.desk_figures import episode_rows, judgement
from ews.tuning.desk_play import Played
from ews.tuning.desk_shapes import Period
from ews.tuning.learning_judged import Judged
from ews.tuning.learning_suggestions import Trial, Try
from ews.tuning.raised import Raised


def trials(desk: Desk, base: int, period: Period, judged: Sequence[Judged]) -> Try:
    """Plays changes of that version over the period; what people said of alerts is `judged`."""
    against = {one.alert.id for one in judged if one.against}

    def trial(changes: Mapping[str, str], stage: int) -> Trial:
        before = desk.played(desk.rules_at(base, {}), period)
        after = desk.played(desk.rules_at(base, changes), period)
        return _trial(before, after, stage, against, period.days)

    return trial


def _trial(before: Played, after: Played, stage: int, against: set[str], days: float) -> Trial:
    was, now = _reached(before, stage), _reached(after, stage)
    said = [_said(before, one, against) for id, one in was.items() if id not in now]
    episodes = [one for one in episode_rows(before.scored, after.scored) if one.required]
    return Trial(
        wrong=said.count("wrong"),
        right=said.count("right"),
        unjudged=said.count(""),
        lost=tuple(one.name for one in episodes if one.state == "lost"),
        gained=tuple(one.name for one in episodes if one.state == "gained"),
        before=round(len(was) / days, 4),
        after=round(len(now) / days, 4),
    )


def _reached(played: Played, stage: int) -> dict[str, Raised]:
    return {one.id: one for one in played.scored.alerts if one.max_stage >= stage}


def _said(played: Played, one: Raised, against: set[str]) -> str:
    word = judgement(played.scored, one)[0]
    if one.id in against or word in ("false", "trap"):
        return "wrong"
    return "right" if word in ("true", "episode") else ""
