"""How good tags are: F1, calibration error, Brier score. Arrays in, plain numbers out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def f1(said: Flags, true: Flags) -> float:
    """2·hits / (said + true) over all cells; 0 when there is nothing.

    >>> f1(np.array([True, True]), np.array([True, False]))
    0.667
    """
    return round(float(2 * (said & true).sum() / max(1, said.sum() + true.sum())), 3)


def precision(said: Flags, true: Flags) -> float | None:
    return round(float((said & true).sum() / said.sum()), 3) if said.any() else None


def recall(said: Flags, true: Flags) -> float | None:
    return round(float((said & true).sum() / true.sum()), 3) if true.any() else None


def label_scores(said: Flags, true: Flags, names: Sequence[str]) -> dict[str, dict[str, object]]:
    """Precision, recall, F1 and number of true rows of each label."""
    return {
        name: {
            "f1": f1(said[:, column], true[:, column]),
            "precision": precision(said[:, column], true[:, column]),
            "recall": recall(said[:, column], true[:, column]),
            "rows": int(true[:, column].sum()),
        }
        for column, name in enumerate(names)
    }


def macro(said: Flags, true: Flags) -> float:
    """Mean F1 of the labels that occur."""
    known = [f1(said[:, k], true[:, k]) for k in range(true.shape[1]) if true[:, k].any()]
    return round(float(np.mean(known)), 3) if known else 0.0


def interval(said: Flags, true: Flags, draws: int = 400, seed: int = 1) -> tuple[float, float]:
    """95% bootstrap interval of micro-F1 over rows."""
    draw = np.random.default_rng(seed)
    size = len(said)
    scores = []
    for _ in range(draws):
        rows = draw.integers(0, size, size)
        scores.append(f1(said[rows], true[rows]))
    low, high = np.quantile(scores, [0.025, 0.975])
    return round(float(low), 3), round(float(high), 3)


def calibration_error(probability: Floats, true: Flags, bins: int = 10) -> float:
    """Expected calibration error over equal-width bins (0 is perfect)."""
    place = np.minimum((probability * bins).astype(int), bins - 1)
    total = 0.0
    for number in range(bins):
        chosen = place == number
        if chosen.any():
            total += chosen.sum() * abs(probability[chosen].mean() - true[chosen].mean())
    return round(float(total / max(1, len(probability))), 3)


def brier(probability: Floats, true: Flags) -> float:
    return round(float(((probability - true) ** 2).mean()), 3)


def spread(left: Sequence[float], right: Sequence[float]) -> float:
    """Quadratic-weighted kappa of rounded severities 0..3."""
    a, b = np.clip(np.rint(left), 0, 3).astype(int), np.asarray(right, dtype=int)
    table = np.zeros((4, 4))
    np.add.at(table, (a, b), 1)
    cost = (np.arange(4)[:, None] - np.arange(4)[None, :]) ** 2
    chance = np.outer(table.sum(1), table.sum(0)) / max(1.0, table.sum())
    return round(float(1 - (cost * table).sum() / max(1e-9, (cost * chance).sum())), 3)
