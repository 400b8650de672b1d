"""Were the probabilities right? Bins, calibration errors and Brier score, with intervals.

Two kinds of bins, because each hides what the other shows: equal widths are what a reader expects
of a reliability diagram, equal numbers keep a thin bin from speaking as loudly as a full one. With
few outcomes the error is above nought even for a forecaster who is exactly right, so that what
chance alone would give stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ews.tuning.numbers import wilson

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Places = NDArray[np.int64]  # bin of each probability
Interval = tuple[float, float]
DRAWS = 2000
SEED = 20230701


@dataclass(frozen=True, slots=True)
class Bin:
    """The probabilities from `low` up to `high`, and how often they came true."""

    low: float
    high: float
    count: int
    said: float  # mean probability
    came: float  # share that came true
    interval: Interval  # 95% of `came` (Wilson)


@dataclass(frozen=True, slots=True)
class Reliability:
    """How probabilities compare with what happened. Figures are None when nothing was counted."""

    count: int
    said: float | None  # mean probability
    came: float | None  # share that came true
    widths: tuple[Bin, ...]  # equal widths; empty bins are left out
    masses: tuple[Bin, ...]  # equal numbers
    ece: float | None  # mean |said - came| over `widths`, weighted by count
    ece_interval: Interval | None  # 95%, bootstrap over the outcomes
    ece_by_chance: Interval | None  # mean and 95th percentile for a forecaster who is exactly right
    ece_masses: float | None
    ece_masses_interval: Interval | None
    brier: float | None
    brier_interval: Interval | None
    skill: float | None  # 1 - Brier / Brier of always saying `came`; None without both outcomes


def reliability(
    chances: Sequence[float],
    truths: Sequence[bool],
    bins: int = 10,
    *,
    of: Sequence[str] | None = None,
    draws: int = DRAWS,
) -> Reliability:
    """Reliability of probabilities against outcomes; the same input gives the same intervals.

    `of` names what each pair is of, where one alert was told several times: the bootstrap then
    draws alerts, not messages. ValueError when lengths differ or a probability is outside 0..1.
    """
    said, came = _checked(chances, truths, bins)
    if not len(said):
        return Reliability(0, None, None, (), (), *(None,) * 8)
    wide = np.minimum((said * bins).astype(np.int64), bins - 1)
    full = _equal_numbers(said, bins)
    dice = np.random.default_rng(SEED)
    owner = np.unique(np.asarray(of if of is not None else range(len(said))), return_inverse=True)[
        1
    ]
    gap, square = said - came, (said - came) ** 2
    columns = [gap[:, None] * _cells(wide), gap[:, None] * _cells(full), square[:, None]]
    drawn = _drawn(np.concatenate(columns, axis=1), owner, dice, draws)
    split = np.cumsum([part.shape[1] for part in columns])
    ece, masses = (np.abs(part).sum(axis=1) for part in np.split(drawn, split, axis=1)[:2])
    lucky = _lucky(said, owner, _cells(wide), dice, draws)
    brier, base = float(square.mean()), float(came.mean() * (1 - came.mean()))
    return Reliability(
        count=len(said),
        said=float(said.mean()),
        came=float(came.mean()),
        widths=_bins(said, came, wide, [(n / bins, (n + 1) / bins) for n in range(bins)]),
        masses=_bins(said, came, full, _edges(said, full)),
        ece=float(ece[0]),
        ece_interval=_interval(ece),
        ece_by_chance=(float(lucky.mean()), float(np.quantile(lucky, 0.95))),
        ece_masses=float(masses[0]),
        ece_masses_interval=_interval(masses),
        brier=brier,
        brier_interval=_interval(drawn[:, -1]),
        skill=1 - brier / base if base else None,
    )


def _checked(chances: Sequence[float], truths: Sequence[bool], bins: int) -> tuple[Floats, Bools]:
    if len(chances) != len(truths):
        raise ValueError(f"{len(chances)} probabilities but {len(truths)} outcomes; give pairs")
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    said, came = np.asarray(chances, dtype=np.float64), np.asarray(truths, dtype=np.bool_)
    wrong = ~((said >= 0) & (said <= 1))
    if wrong.any():
        raise ValueError(f"{said[wrong][0]} is no probability; give numbers from 0 to 1")
    return said, came


def _equal_numbers(said: Floats, bins: int) -> Places:
    """Bin of each probability, about as many in each; equal probabilities share a bin."""
    edges = np.unique(np.quantile(said, np.arange(1, bins) / bins))
    place = np.searchsorted(edges, said, side="right")
    return np.unique(place, return_inverse=True)[1].astype(np.int64)


def _edges(said: Floats, place: Places) -> list[Interval]:
    """Least and greatest probability of each bin."""
    return [
        (float(said[place == one].min()), float(said[place == one].max()))
        for one in range(int(place.max()) + 1)
    ]


def _bins(said: Floats, came: Bools, place: Places, edges: Sequence[Interval]) -> tuple[Bin, ...]:
    found = []
    for number, (low, high) in enumerate(edges):
        inside = place == number
        count, hits = int(inside.sum()), int(came[inside].sum())
        interval = wilson(hits, count)
        if interval is not None:
            found.append(Bin(low, high, count, float(said[inside].mean()), hits / count, interval))
    return tuple(found)


def _cells(place: Places) -> Floats:
    """A row for each probability, with 1 in the column of its bin."""
    return np.asarray(place[:, None] == np.arange(int(place.max()) + 1), dtype=np.float64)


def _drawn(columns: Floats, owner: Places, dice: np.random.Generator, draws: int) -> Floats:
    """Means of the columns: of the rows as they are, then of each draw of owners."""
    many = int(owner.max()) + 1
    sums = np.zeros((many, columns.shape[1] + 1))
    np.add.at(sums, owner, np.concatenate([columns, np.ones((len(columns), 1))], axis=1))
    found = [sums.sum(axis=0)[None]]
    for some in _batches(many, draws):
        found.append(dice.multinomial(many, np.full(many, 1 / many), size=some) @ sums)
    drawn = np.concatenate(found)
    return np.asarray(drawn[:, :-1] / drawn[:, -1:])


def _lucky(
    said: Floats, owner: Places, cells: Floats, dice: np.random.Generator, draws: int
) -> Floats:
    """Calibration errors where outcomes are drawn from the probabilities themselves."""
    errors = []
    for some in _batches(len(said), draws):
        came = dice.random((some, int(owner.max()) + 1))[:, owner] < said
        errors.append(np.abs((said - came) @ cells).sum(axis=1) / len(said))
    return np.concatenate(errors)


def _batches(size: int, draws: int) -> Iterator[int]:
    """Numbers of draws that fit in memory together, `draws` in all."""
    left, most = draws, max(1, 4_000_000 // size)
    while left:
        yield min(left, most)
        left -= min(left, most)


def _interval(figures: Floats) -> Interval:
    """95% of the draws; drawing again adds noise, so it is stretched to hold the figure itself."""
    low, high = np.quantile(figures[1:], [0.025, 0.975])
    return float(min(low, figures[0])), float(max(high, figures[0]))
