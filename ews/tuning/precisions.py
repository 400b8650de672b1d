"""Which alerts were right: strictly, by people's verdicts, and within a budget of alerts a day?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from ews.model import Stage
from ews.tuning.intervals import share
from ews.tuning.matching import Raised
from ews.tuning.numbers import Json, proportion
from ews.tuning.reliability import Bin, Reliability, reliability
from ews.tuning.scored import END, MATCHED, OPTIONAL, STALE, UNMATCHED, Scored
from ews.tuning.verdicts import Verdicts

BUDGETS = (1, 3, 5, 10)  # alerts a day


def precision(scored: Scored) -> Json:
    counted = [alert for alert in scored.alerts if scored.fates[alert.id] != OPTIONAL]
    fates = list(scored.fates.values())
    document: Json = {
        "strict": strict(scored, counted),
        "strict_caution": strict(scored, cautious(counted)),
        "matched": fates.count(MATCHED),
        "unmatched": fates.count(UNMATCHED),
        "stale": fates.count(STALE),
        "optional_only": fates.count(OPTIONAL),
        "on_end_item": fates.count(END),
        "unmatched_but_known_episode_outside_window": len(scored.outside),
        "judged": None,
    }
    if scored.verdicts is not None:
        document["judged"] = _judged(scored, counted, scored.verdicts)
    return document


def cautious(alerts: Sequence[Raised]) -> list[Raised]:
    return [alert for alert in alerts if alert.max_stage >= Stage.CAUTION]


def strict(scored: Scored, alerts: Sequence[Raised]) -> Json:
    """Right is what is matched to a required episode; optional ones are left out."""
    fates = scored.fates
    return share([
        (scored.block(alert), fates[alert.id] == MATCHED)
        for alert in alerts if fates[alert.id] != OPTIONAL
    ])  # fmt: skip


def judged(scored: Scored, alerts: Sequence[Raised]) -> Json:
    """Right is what people call a real supply event; others are not counted."""
    return share([
        (scored.block(alert), said)
        for alert in alerts if (said := scored.said(alert.id)) is not None
    ])  # fmt: skip


def _judged(scored: Scored, counted: Sequence[Raised], verdicts: Verdicts) -> Json:
    loose = [alert for alert in scored.alerts if scored.fates[alert.id] == UNMATCHED]
    said = [real for alert in loose if (real := scored.said(alert.id)) is not None]
    right = sum(fate == MATCHED for fate in scored.fates.values())
    adjudicated = None
    if said and counted:
        adjudicated = round((right + sum(said) / len(said) * len(loose)) / len(counted), 4)
    return {
        "all": judged(scored, scored.alerts),
        "caution": judged(scored, cautious(scored.alerts)),
        "unmatched": judged(scored, loose),
        "adjudicated": adjudicated,
        "unsure": sum(id_ in scored.by_id for id_ in verdicts.unsure),
        "unknown_alerts": sorted(verdicts.all_ids - set(scored.by_id)),
        "annotators": sorted(verdicts.annotators),
        "agreement": verdicts.agreement,
    }


# --------------------------------------------------------------------------- within a budget


def at_budgets(scored: Scored) -> list[Json]:
    """What is left when only the best few alerts of each day are read, ordered when raised."""
    days: dict[date, list[Raised]] = {}
    for alert in scored.alerts:
        days.setdefault(alert.at.date(), []).append(alert)
    for some in days.values():
        some.sort(key=lambda alert: (-_rank(scored, alert), alert.at, alert.id))
    return [
        _at_budget(scored, budget, [a for some in days.values() for a in some[:budget]])
        for budget in BUDGETS
    ]


def _rank(scored: Scored, alert: Raised) -> float:
    ranks = scored.ranks(alert)
    return ranks[0][0] if ranks else 0.0


def _at_budget(scored: Scored, budget: int, read: Sequence[Raised]) -> Json:
    caught = scored.caught_by({alert.id for alert in read})
    fates = [fate for alert in read if (fate := scored.fates[alert.id]) != OPTIONAL]
    said = [real for alert in read if (real := scored.said(alert.id)) is not None]
    days = scored.window.days or 1.0
    return {
        "budget": budget,
        "alerts_per_day": round(len(read) / days, 4),
        "strict": proportion(fates.count(MATCHED), len(fates)),
        "judged": proportion(sum(said), len(said)) if scored.verdicts else None,
        "recall": proportion(sum(ep.id in caught for ep in scored.required), len(scored.required)),
    }


# --------------------------------------------------------------------------- calibration


def calibration(scored: Scored) -> Json | None:
    """The probabilities that were sent, against what people said; None without either.

    `first` is what the first message of each alert said, `last` the newest while it was open.
    """
    if scored.verdicts is None or not scored.by_chance:
        return None
    return {
        "first": _calibrated(scored, scored.alerts, 0),
        "last": _calibrated(scored, scored.alerts, -1),
        "caution": _calibrated(scored, cautious(scored.alerts), -1),
    }


def _calibrated(scored: Scored, alerts: Sequence[Raised], step: int) -> Json:
    pairs = [
        (chances[step], said)
        for alert in alerts if (said := scored.said(alert.id)) is not None
        for chances in ([s.chance for s in alert.steps if s.open and s.chance is not None],)
        if chances
    ]  # fmt: skip
    found = reliability([chance for chance, _ in pairs], [said for _, said in pairs])
    return _reliable(found)


def _reliable(found: Reliability) -> Json:
    def rounded(figure: float | None) -> float | None:
        return None if figure is None else round(figure, 4)

    def pair(figures: tuple[float, float] | None) -> list[float] | None:
        return None if figures is None else [round(one, 4) for one in figures]

    return {
        "count": found.count,
        "said": rounded(found.said),
        "came": rounded(found.came),
        "ece": rounded(found.ece),
        "ece_interval": pair(found.ece_interval),
        "ece_by_chance": pair(found.ece_by_chance),
        "ece_equal_mass": rounded(found.ece_masses),
        "ece_equal_mass_interval": pair(found.ece_masses_interval),
        "brier": rounded(found.brier),
        "brier_interval": pair(found.brier_interval),
        "skill": rounded(found.skill),
        "table": [_bin(one) for one in found.widths],
        "table_equal_mass": [_bin(one) for one in found.masses],
    }


def _bin(one: Bin) -> Json:
    return {
        "from": round(one.low, 4),
        "to": round(one.high, 4),
        "count": one.count,
        "said": round(one.said, 4),
        "came": round(one.came, 4),
        "interval": [round(x, 4) for x in one.interval],
    }
