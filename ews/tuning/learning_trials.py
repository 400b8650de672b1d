"""What would a suggested change have done in the stored period? Asked of the tuning desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ews.tuning.desk import Desk
from ews.tuning.desk_shapes import Candidate, ConfusionRow, Period, Preview
from ews.tuning.learning_judged import Judged
from ews.tuning.learning_suggestions import Trial, Try


def trials(desk: Desk, base: int, period: Period, judged: Sequence[Judged]) -> Try:
    """Plays changes of that version over the period; what people said of alerts is `judged`."""
    against = {one.alert.id for one in judged if one.against}

    def trial(changes: Mapping[str, str], stage: int) -> Trial:
        found = desk.preview(Candidate(base, changes), period, curve=False)
        return _trial(found, stage, against, period.days)

    return trial


def _trial(found: Preview, stage: int, against: set[str], days: float) -> Trial:
    dropped = [row for row in found.alerts if _was(row, stage) and not _is(row, stage)]
    said = [_said(row, against) for row in dropped]
    return Trial(
        wrong=said.count("wrong"),
        right=said.count("right"),
        unjudged=said.count(""),
        lost=tuple(e.name for e in found.episodes if e.required and e.state == "lost"),
        gained=tuple(e.name for e in found.episodes if e.required and e.state == "gained"),
        before=round(sum(_was(row, stage) for row in found.alerts) / days, 4),
        after=round(sum(_is(row, stage) for row in found.alerts) / days, 4),
    )


def _was(row: ConfusionRow, stage: int) -> bool:
    return row.stage_before is not None and row.stage_before >= stage


def _is(row: ConfusionRow, stage: int) -> bool:
    return row.side != "lost" and row.stage >= stage


def _said(row: ConfusionRow, against: set[str]) -> str:
    if row.alert in against or row.judged in ("false", "trap"):
        return "wrong"
    return "right" if row.judged in ("true", "episode") else ""
