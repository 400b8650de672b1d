"""Verdicts of people on alerts: the sheet to judge, and reading what they said.

The sheet hides the stage and the score, so that the judge cannot lean on them.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ews.tuning.matching import Raised

REAL, NOT_REAL, UNSURE = "real", "not_real", "unsure"
WORDS: Mapping[str, str] = {
    **dict.fromkeys(("real", "true", "yes", "right", "1"), REAL),
    **dict.fromkeys(("not_real", "false", "no", "wrong", "0"), NOT_REAL),
    **dict.fromkeys(("unsure", "?", "unclear"), UNSURE),
}


class VerdictFileError(ValueError):
    """A line of a verdict file cannot be read; the message names the file and the line."""


@dataclass(frozen=True, slots=True)
class Verdict:
    alert_id: str
    verdict: str  # real | not_real | unsure
    reason: str
    annotator: str


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What all annotators say together: the majority of each alert."""

    decided: Mapping[str, bool]  # alert id -> a real supply event
    unsure: frozenset[str]  # no majority, or unsure itself
    annotators: frozenset[str]
    agreement: float | None  # share of alerts with several annotators on which all agree

    @property
    def all_ids(self) -> set[str]:
        return set(self.decided) | self.unsure


def read_verdicts(path: Path) -> Verdicts:
    """Verdicts of a JSONL file (alert_id, verdict, reason, annotator); a judge's last word counts.

    VerdictFileError names the line that is wrong.
    """
    last: dict[tuple[str, str], Verdict] = {}
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    said = _verdict(cast("Mapping[str, object]", json.loads(line)))
                except (KeyError, ValueError, TypeError, AttributeError) as error:
                    what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
                    raise VerdictFileError(f"{path.name} line {number}: {what}") from error
                last[(said.alert_id, said.annotator)] = said
    return together(list(last.values()))


def together(verdicts: Sequence[Verdict]) -> Verdicts:
    """The majority of each alert; `unsure` votes count for neither side."""
    votes: dict[str, list[str]] = {}
    for one in verdicts:
        votes.setdefault(one.alert_id, []).append(one.verdict)
    decided: dict[str, bool] = {}
    unsure = set()
    for alert_id, said in votes.items():
        yes, no = said.count(REAL), said.count(NOT_REAL)
        if yes == no:
            unsure.add(alert_id)
        else:
            decided[alert_id] = yes > no
    several = [set(said) for said in votes.values() if len(said) > 1]
    agreement = round(sum(len(s) == 1 for s in several) / len(several), 4) if several else None
    annotators = frozenset(one.annotator for one in verdicts)
    return Verdicts(decided, frozenset(unsure), annotators, agreement)


def sample_sheet(alerts: Sequence[Raised], count: int, seed: int) -> list[dict[str, object]]:
    """`count` alerts at random in random order, with their evidence and no stage.

    Fill in `verdict` (real, not_real, unsure), `reason` and `annotator`, and the sheet is a verdict
    file. The same alerts and seed give the same sheet.
    """
    ordered = sorted(alerts, key=lambda alert: alert.id)
    chosen = random.Random(seed).sample(ordered, min(count, len(ordered)))
    return [
        {
            "alert_id": alert.id,
            "raised_at": alert.at.isoformat(),
            "type": alert.type,
            "countries": sorted(alert.steps[0].content.countries),
            "title": alert.title,
            "evidence": [
                {"title": link.title, "url": link.href or link.url}
                for link in sorted(alert.links, key=lambda link: link.at)[:5]
            ],
            "verdict": "",
            "reason": "",
            "annotator": "",
        }
        for alert in chosen
    ]


def _verdict(row: Mapping[str, object]) -> Verdict:
    word = str(row["verdict"]).strip().casefold()
    if word not in WORDS:
        raise ValueError(f"verdict {row['verdict']!r} must be real, not_real or unsure")
    return Verdict(
        str(row["alert_id"]), WORDS[word], str(row.get("reason") or ""),
        str(row.get("annotator") or ""),
    )  # fmt: skip
