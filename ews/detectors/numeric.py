"""NUMERIC: the detectors of numbers, one row each: what each reads, and which moves it may tell.

Each lives in its own file and has a section in docs/detectors.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache

from ews.detectors import (
    change_point,
    concentration,
    ears,
    mirror_gap,
    nb_cusum,
    seasonal,
    stockpiling,
    stopped,
)
from ews.detectors.panel import Panel, Scores
from ews.model import Direction

Score = Callable[[Panel, Mapping[str, float], int | None], Scores]

DOWN, UP = frozenset({Direction.DOWN}), frozenset({Direction.UP})
BOTH = DOWN | UP


@dataclass(frozen=True, slots=True)
class Numeric:
    """A detector, and what it is for."""

    name: str
    score: Score
    told: Mapping[str, frozenset[Direction]]  # class of measure (calibration.class_of) -> moves
    beside: frozenset[str] = frozenset()  # classes that it reads beside, without a word on them
    # Reads a flow that is missing from a report that came as none, and judges such pauses, too.
    fills: bool = False
    pauses: bool = False  # judges nothing but those
    in_force: bool = True  # a baseline is scored for comparison only


NUMERIC: Mapping[str, Numeric] = {
    one.name: one
    for one in (
        Numeric(
            seasonal.NAME, seasonal.score,
            {"counts": DOWN, "tonnage": DOWN, "flows-kg": BOTH, "flows-usd": DOWN, "index": UP},
            fills=True,
        ),
        Numeric(nb_cusum.NAME, nb_cusum.score, {"counts": DOWN}),
        Numeric(
            change_point.NAME, change_point.score,
            {"prices": UP, "flows-kg": DOWN, "flows-usd": DOWN, "index": UP}, fills=True,
        ),
        # Not with pauses as zeros: the first trade after one is no surge (on recorded quiet windows
        # it then spoke four times at 0.001 where half a time was set).
        Numeric(
            stockpiling.NAME, stockpiling.score, {"flows-kg": BOTH}, beside=frozenset({"flows-usd"})
        ),
        Numeric(
            stopped.NAME, stopped.score, {"flows-kg": DOWN, "flows-usd": DOWN}, fills=True,
            pauses=True,
        ),
        Numeric(concentration.NAME, concentration.score, {"shares": UP}),
        Numeric(mirror_gap.NAME, mirror_gap.score, {"gaps": BOTH}),
        Numeric("ears-c1", ears.c1, {"counts": DOWN}, in_force=False),
        Numeric("ears-c2", ears.c2, {"counts": DOWN}, in_force=False),
        Numeric("ears-c3", ears.c3, {"counts": DOWN}, in_force=False),
    )
}  # fmt: skip


@cache
def detectors_of(kind: str) -> tuple[Numeric, ...]:
    """The detectors in force for a class of measure."""
    return tuple(one for one in NUMERIC.values() if one.in_force and kind in one.told)


def detectors_in_force(kinds: Collection[str]) -> tuple[Numeric, ...]:
    """The detectors in force for any of the classes."""
    return tuple(
        one for one in NUMERIC.values() if one.in_force and not one.told.keys().isdisjoint(kinds)
    )
