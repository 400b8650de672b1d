"""How good tags are: F1, average precision, calibration error, kappa. Arrays in, numbers out.

Every figure of a report card comes with an interval: whole event groups are drawn with
replacement (`Resample`), so twenty tellings of one fire count as one piece of evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DRAWS, SEED = 1000, 20231020
CELLS = 4_000_000  # of one block of draws x rows
BINS = 10


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
    """Precision, recall, F1, and the numbers of true, said and rightly said rows of each label."""
    return {
        name: {
            "f1": f1(said[:, column], true[:, column]),
            "precision": precision(said[:, column], true[:, column]),
            "recall": recall(said[:, column], true[:, column]),
            "rows": int(true[:, column].sum()),
            "said": int(said[:, column].sum()),
            "right": int((said & true)[:, column].sum()),
        }
        for column, name in enumerate(names)
    }


def macro(said: Flags, true: Flags, least: int = 1) -> float:
    """Mean F1 of the labels with at least that many rows."""
    known = [f1(said[:, k], true[:, k]) for k in range(true.shape[1]) if true[:, k].sum() >= least]
    return round(float(np.mean(known)), 3) if known else 0.0


def calibration_error(probability: Floats, true: Flags, bins: int = BINS) -> float:
    """Expected calibration error over equal-width bins (0 is perfect)."""
    once = Resample.none(len(probability))
    return round(float(calibration_errors(once, probability, true, bins)[0]), 3)


def brier(probability: Floats, true: Flags) -> float:
    return round(float(((probability - true) ** 2).mean()), 3)


def spread(left: Sequence[float], right: Sequence[float]) -> float:
    """Quadratic-weighted kappa of rounded severities 0..3."""
    once = Resample.none(len(left))
    return round(float(kappas(once, np.asarray(left, float), np.asarray(right, float))[0]), 3)


# ------------------------------------------------------------------- bootstrap over event groups


@dataclass(frozen=True, slots=True)
class Resample:
    """How often each event group stands in each draw. Draw 0 is the data as they are, so the same
    function gives a figure and its interval."""

    counts: NDArray[np.uint8]  # (1 + draws) x groups
    group: NDArray[np.int64]  # of each row

    @classmethod
    def over(cls, groups: Sequence[str], draws: int = DRAWS, seed: int = SEED) -> Resample:
        """Draws of whole groups, as many as there are, with replacement."""
        names, group = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
        size, draw = len(names), np.random.default_rng(seed)
        counts = np.ones((1 + draws, size), np.uint8)
        for number in range(1, 1 + draws if size else 1):
            counts[number] = np.bincount(draw.integers(0, size, size), minlength=size)
        return cls(counts, group.astype(np.int64))

    @classmethod
    def none(cls, rows: int) -> Resample:
        """The data as they are only."""
        return cls(np.ones((1, rows), np.uint8), np.arange(rows))

    def sums(self, cells: NDArray[np.generic]) -> Floats:
        """Column sums of (rows x columns) cells in every draw."""
        table = np.zeros((self.counts.shape[1], cells.shape[1]))
        np.add.at(table, self.group, cells.astype(np.float64))
        step = max(1, CELLS // max(1, self.counts.shape[1]))
        blocks = [
            self.counts[start : start + step].astype(np.float64) @ table
            for start in range(0, len(self.counts), step)
        ]
        return np.concatenate(blocks)

    def keep(self, chosen: Flags) -> Resample:
        """The same draws, seen by some of the rows."""
        return Resample(self.counts, self.group[chosen])


def ratio(above: Floats, below: Floats) -> Floats:
    """Quotient; NaN where the divisor is 0."""
    found: Floats = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=found, where=below > 0)
    return found


def f1s(draws: Resample, said: Flags, true: Flags) -> Floats:
    """Micro-F1 per draw over (rows x labels) flags; 0 where nothing is said or true."""
    hits = (said & true).sum(1)
    sums = draws.sums(np.stack([2 * hits, said.sum(1) + true.sum(1)], 1))
    return np.asarray(np.nan_to_num(ratio(sums[:, 0], sums[:, 1])))


def macro_f1s(draws: Resample, said: Flags, true: Flags) -> Floats:
    """Mean per draw of the F1 of every column. NaN without columns."""
    if not true.shape[1]:
        return np.full(len(draws.counts), np.nan)
    hits = draws.sums(2 * (said & true))
    return np.asarray(np.nan_to_num(ratio(hits, draws.sums(said) + draws.sums(true))).mean(1))


def shares(draws: Resample, right: Flags, of: Flags) -> Floats:
    """Share per draw of the rows `of` that are `right`; NaN where there is none."""
    sums = draws.sums(np.stack([right & of, of], 1))
    return ratio(sums[:, 0], sums[:, 1])


def average_precisions(
    draws: Resample, probability: Floats, true: Flags, prevalence: float
) -> Floats:
    """Average precision per draw when the true rows are that share: the others are weighted.

    Rows of one probability are one step of the curve. NaN where a draw has no true row.
    """
    order = np.argsort(-probability, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(probability[order]) != 0, True))
    groups, hit = draws.group[order], true[order].astype(np.float64)
    step = max(1, CELLS // max(1, len(order)))
    found = []
    for start in range(0, len(draws.counts), step):
        weight = draws.counts[start : start + step][:, groups].astype(np.float64)
        right = np.cumsum(weight * hit, 1)[:, ends]
        wrong = np.cumsum(weight * (1 - hit), 1)[:, ends]
        odds = (1 - prevalence) / prevalence
        scale = np.nan_to_num(ratio(right[:, -1:] * odds, wrong[:, -1:]))
        precise = np.nan_to_num(ratio(right, right + scale * wrong))
        steps = np.diff(right, axis=1, prepend=0.0)
        found.append(ratio((steps * precise).sum(1), right[:, -1]))
    return np.concatenate(found)


def bin_of(probability: Floats, bins: int = BINS) -> NDArray[np.int64]:
    return np.minimum((probability * bins).astype(np.int64), bins - 1)


def calibration_errors(
    draws: Resample, probability: Floats, true: Flags, bins: int = BINS
) -> Floats:
    """Expected calibration error per draw over equal-width bins: the mean over rows (and labels)
    of |mean probability - share true| of their bin."""
    gap = (probability - true).reshape(len(true), -1)
    place = bin_of(probability, bins).reshape(gap.shape)
    cells = np.stack([np.where(place == b, gap, 0.0).sum(1) for b in range(bins)], 1)
    size = draws.sums(np.full((len(gap), 1), gap.shape[1]))[:, 0]
    return ratio(np.abs(draws.sums(cells)).sum(1), size)


def briers(draws: Resample, probability: Floats, true: Flags) -> Floats:
    """Mean squared distance of probability and truth, per draw."""
    square = ((probability - true) ** 2).reshape(len(true), -1)
    sums = draws.sums(np.stack([square.sum(1), np.full(len(square), square.shape[1])], 1))
    return ratio(sums[:, 0], sums[:, 1])


def kappas(draws: Resample, left: Floats, right: Floats) -> Floats:
    """Quadratic-weighted kappa per draw of rounded severities 0..3. NaN where both are constant
    and equal."""
    a, b = (np.clip(np.rint(side), 0, 3).astype(int) for side in (left, right))
    cells = np.zeros((len(a), 16))
    cells[np.arange(len(a)), 4 * a + b] = 1.0
    table = draws.sums(cells).reshape(-1, 4, 4)
    cost = (np.arange(4)[:, None] - np.arange(4)[None, :]) ** 2
    size = np.maximum(table.sum((1, 2), keepdims=True), 1.0)
    chance = table.sum(2, keepdims=True) * table.sum(1, keepdims=True) / size
    return np.asarray(1 - ratio((cost * table).sum((1, 2)), (cost * chance).sum((1, 2))))


def told(found: Floats) -> tuple[float | None, list[float] | None]:
    """The figure (draw 0) and its 95% interval over the draws, to three digits; None without.

    Drawing again adds noise, which makes a calibration error larger: the interval is stretched to
    hold the figure itself.
    """
    if not np.isfinite(found[0]):
        return None, None
    drawn = found[1:][np.isfinite(found[1:])]
    if not len(drawn):
        return round(float(found[0]), 3), None
    low, high = np.quantile(drawn, [0.025, 0.975])
    value = float(found[0])
    return round(value, 3), [round(min(float(low), value), 3), round(max(float(high), value), 3)]


def wilson(right: int, rows: int) -> tuple[float, float]:
    """95% interval of a share, for a bin of a diagram. (0, 1) without rows.

    >>> [round(end, 2) for end in wilson(5, 10)]
    [0.24, 0.76]
    """
    if not rows:
        return 0.0, 1.0
    z, share = 1.96, right / rows
    middle = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z * (share * (1 - share) / rows + z * z / (4 * rows * rows)) ** 0.5 / (1 + z * z / rows)
    return max(0.0, middle - half), min(1.0, middle + half)
