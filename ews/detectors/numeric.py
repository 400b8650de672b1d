"""NUMERIC: the detectors of numbers, one row each: what each reads, and which moves it may tell.

Each lives in its own file and has a section in docs/detectors.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ews.detectors import concentration, ears, mirror_gap, seasonal
from ews.detectors.panel import Panel, Scores
from ews.model import Direction

Score = Callable[[Panel, Mapping[str, float], int | None], Scores]

DOWN, UP = frozenset({Direction.DOWN}), frozenset({Direction.UP})
BOTH = DOWN | UP


@dataclass(frozen=True, slots=True)
class Numeric:
    """A detector: class of measure (ews.detectors.calibration) -> moves that are told."""

    name: str
    score: Score
    told: Mapping[str, frozenset[Direction]]
    in_force: bool = True  # a baseline is scored for comparison only


NUMERIC: Mapping[str, Numeric] = {
    one.name: one
    for one in (
        Numeric(
            "seasonal", seasonal.score,
            {"counts": DOWN, "tonnage": DOWN, "flows-kg": BOTH, "flows-usd": DOWN, "index": UP},
        ),
        Numeric(concentration.NAME, concentration.score, {"shares": UP}),
        Numeric(mirror_gap.NAME, mirror_gap.score, {"gaps": BOTH}),
        Numeric("ears-c1", ears.c1, {"counts": DOWN}, in_force=False),
        Numeric("ears-c2", ears.c2, {"counts": DOWN}, in_force=False),
        Numeric("ears-c3", ears.c3, {"counts": DOWN}, in_force=False),
    )
}  # fmt: skip


def detectors_of(kind: str) -> tuple[Numeric, ...]:
    """The detectors in force for a class of measure."""
    return tuple(one for one in NUMERIC.values() if one.in_force and kind in one.told)
