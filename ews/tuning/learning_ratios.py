"""How often are alerts wrong, by rule, type, source, language and item? Counts with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ews.tuning.learning_judged import FIGURE, Judged
from ews.tuning.numbers import wilson

LEAST = 10  # judged alerts from which a share is shown as a figure
BY = ("rule", "type", "outlet", "group", "language", "item")


@dataclass(frozen=True, slots=True)
class Ratio:
    """False alarms of one group of alerts."""

    by: str  # rule | type | outlet | group | language | item
    key: str
    alerts: int
    judged: int  # by a person or a reader; repeats of another alert left out
    wrong: int
    too_high: int  # real, but at a stage that people call too high
    share: float | None  # wrong of judged; None below LEAST
    interval: tuple[float, float] | None  # 95%, Wilson; given with the share
    reasons: Mapping[str, int]  # what people who called one a false alarm said was wrong


def ratios(judged: Sequence[Judged], by: Iterable[str] = BY) -> tuple[Ratio, ...]:
    """By each dimension, the groups with most that is wrong first. An alert on several items counts
    for each."""
    found: list[Ratio] = []
    for name in by:
        groups: dict[str, list[Judged]] = {}
        for one in judged:
            for key in keys(name, one):
                groups.setdefault(key, []).append(one)
        rows = [_ratio(name, key, group) for key, group in groups.items()]
        found += sorted(rows, key=lambda row: (-row.wrong, -row.judged, -row.alerts, row.key))
    return tuple(found)


def keys(by: str, one: Judged) -> tuple[str, ...]:
    """The groups that an alert is of."""
    alert, lead = one.alert, one.lead
    if by == "item":
        return alert.items or (FIGURE,)
    return ({
        "rule": alert.rule,
        "type": alert.type,
        "outlet": lead.outlet if lead else FIGURE,
        "group": lead.independence if lead else FIGURE,
        "language": (lead.lang if lead else "") or FIGURE,
    }[by],)  # fmt: skip


def _ratio(by: str, key: str, group: Sequence[Judged]) -> Ratio:
    said = [one for one in group if one.wrong is not None and not one.repeats]
    wrong = sum(bool(one.wrong) for one in said)
    interval = wilson(wrong, len(said)) if len(said) >= LEAST else None
    counts: dict[str, int] = {}
    for one in group:
        for reason in one.reasons:
            counts[reason] = counts.get(reason, 0) + 1
    return Ratio(
        by, key, len(group), len(said), wrong, sum(one.too_high for one in group),
        round(wrong / len(said), 4) if interval else None,
        (round(interval[0], 4), round(interval[1], 4)) if interval else None,
        dict(sorted(counts.items())),
    )  # fmt: skip
