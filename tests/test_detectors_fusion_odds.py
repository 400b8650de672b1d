"""Fusion's probabilities: right on average when the model holds, bounded when it does not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.detectors import expectations as table
from ews.detectors.expectations import Effect, expectations, read
from ews.detectors.fusion_odds import (
    CAP,
    LEAST_LR,
    MOST_LR,
    alone,
    attributed,
    fused,
    likelihood_ratio,
    looked,
    persistent,
    power,
    sizes,
    toward,
    updated,
)
from ews.detectors.fusion_scale import scales
from ews.detectors.panel import Panel
from ews.model import Direction, Frequency, utc
from nlp.taxonomy import TYPES

FALL = expectations().rows[0].effect
STILL = 0.35
DOWN, UP = Direction.DOWN, Direction.UP
some_p = st.floats(1e-12, 1.0)


@dataclass(frozen=True)
class Reliability:
    """What was said against what was so."""

    said: np.ndarray
    real: np.ndarray

    def bins(self, count: int = 10) -> list[tuple[int, float, float]]:
        """(draws, mean of what was said, share that was real) of each tenth of the scale."""
        place = np.minimum((self.said * count).astype(int), count - 1)
        return [
            (int(here.sum()), float(self.said[here].mean()), float(self.real[here].mean()))
            for n in range(count)
            if (here := place == n).any()
        ]

    @property
    def error(self) -> float:
        """Expected calibration error."""
        return sum(n * abs(said - so) for n, said, so in self.bins()) / len(self.said)


def effects(rng: np.random.Generator, count: int, scale: float) -> np.ndarray:
    """Means of z of real effects, as large as they come."""
    shares = np.array(FALL.shares)[rng.choice(len(FALL.shares), count, p=FALL.weights)]
    return np.asarray(-np.log1p(-shares) / scale)


def drawn(
    rng: np.random.Generator, real: np.ndarray, scale: float, size: float = 1.0, noise: float = 1.0
) -> np.ndarray:
    """z toward the expected direction of one reading each. `size` and `noise`: how wrong we are."""
    means = effects(rng, len(real), scale) * size
    moved = real & (rng.random(len(real)) > STILL)
    return np.asarray(rng.normal(0, noise, len(real)) + np.where(moved, means, 0.0))


def believed(z: np.ndarray, text: np.ndarray, scale: float) -> np.ndarray:
    means = sizes(FALL, scale)
    return np.array(
        [fused(t, likelihood_ratio(x, means, FALL.weights, STILL))
         for x, t in zip(z, text, strict=True)]
    )  # fmt: skip


@pytest.mark.parametrize("scale", [0.1, 0.35])
def test_what_is_said_of_texts_with_numbers_happens_as_often(scale: float) -> None:
    rng = np.random.default_rng(7)
    text = rng.uniform(0.2, 0.9, 8_000)
    real = rng.random(len(text)) < text
    found = Reliability(believed(drawn(rng, real, scale), text, scale), real)
    for n, said, so in found.bins():
        assert abs(said - so) <= 3.3 * sqrt(max(said * (1 - said), 0.01) / n) + 0.01
    assert found.error < 0.02
    sharper = np.mean((found.said - real) ** 2) < np.mean((text - real) ** 2)
    assert sharper, "numbers help"


@pytest.mark.parametrize(
    ("size", "noise"), [(0.4, 1.0), (2.0, 1.0), (1.0, 1.3)], ids=["smaller", "larger", "noisier"]
)
def test_wrong_about_the_size_or_the_noise_the_error_stays_bounded(
    size: float, noise: float
) -> None:
    rng = np.random.default_rng(8)
    text = rng.uniform(0.2, 0.9, 6_000)
    real = rng.random(len(text)) < text
    found = Reliability(believed(drawn(rng, real, 0.2, size, noise), text, 0.2), real)
    assert found.error < 0.1
    for before, after in zip(text, found.said, strict=True):
        odds = after / (1 - after) / (before / (1 - before))
        assert LEAST_LR * 0.999 <= odds <= MOST_LR * 1.001


def test_departures_without_texts_are_real_as_often_as_said() -> None:
    """One year of 8,000 monthly series: what passes the line, as an alarm does."""
    rng = np.random.default_rng(9)
    real = rng.random(96_000) < 0.3 / 12
    means = sizes(FALL, 0.2)
    z = rng.normal(size=len(real)) + np.where(real, effects(rng, len(real), 0.2), 0.0)
    alarms = z > 2.5
    said = np.array(
        [alone(likelihood_ratio(x, means, FALL.weights, 0.0), 0.3, 12) for x in z[alarms]]
    )
    found = Reliability(said, real[alarms])
    assert len(said) > 1_000
    assert found.error < 0.03
    for n, told, so in found.bins():
        assert abs(told - so) <= 3.3 * sqrt(max(told * (1 - told), 0.01) / n) + 0.03


def test_a_ratio_is_one_on_average_when_nothing_happens() -> None:
    """Then means of ratios are, too, however the series hang together."""
    z = np.linspace(-9, 25, 4_001)
    density = np.exp(-z * z / 2) / sqrt(2 * np.pi) * (z[1] - z[0])
    for scale in (0.3, 0.6):
        means = sizes(FALL, scale)
        ratios = np.array([likelihood_ratio(x, means, FALL.weights, STILL) for x in z])
        assert float((ratios * density).sum()) == pytest.approx(1.0, abs=0.01)


@settings(max_examples=60, deadline=None)
@given(z=st.floats(-12, 12), more=st.floats(0, 5), scale=st.floats(0.02, 1.0))
def test_a_larger_departure_never_says_less(z: float, more: float, scale: float) -> None:
    means = sizes(FALL, scale)
    low = likelihood_ratio(z, means, FALL.weights, STILL)
    high = likelihood_ratio(z + more, means, FALL.weights, STILL)
    assert STILL <= low <= high * (1 + 1e-9)


@settings(max_examples=60, deadline=None)
@given(text=st.floats(0, 1), p=some_p, way=st.sampled_from([UP, DOWN]), n=st.integers(1, 6))
def test_whatever_is_read_a_probability_stays_one(
    text: float, p: float, way: Direction, n: int
) -> None:
    ratio = likelihood_ratio(toward(p, way, DOWN), sizes(FALL, 0.2, n), FALL.weights, STILL)
    assert 0 <= fused(text, attributed(ratio, n, 12)) <= 1
    assert 0 <= alone(ratio, 0.3, 12) <= CAP


def test_a_code_shared_by_more_items_says_less_of_each() -> None:
    z = toward(1e-8, DOWN, DOWN)
    said = [
        attributed(likelihood_ratio(z, sizes(FALL, 0.2, n), FALL.weights, STILL), n, 12)
        for n in (1, 2, 3, 4)
    ]
    assert said == sorted(said, reverse=True)
    assert said[3] < 5 < said[1]
    assert (
        power(sizes(FALL, 0.1, 4), FALL.weights) < 0.5 < 0.8 < power(sizes(FALL, 0.1), FALL.weights)
    )


@pytest.mark.parametrize("alike", [0.0, 0.33, 0.7])
def test_six_releases_whose_noise_hangs_together_keep_their_word(alike: float) -> None:
    rng = np.random.default_rng(5)
    text = rng.uniform(0.2, 0.9, 6_000)
    real = rng.random(len(text)) < text
    moved = effects(rng, len(text), 0.35) * (real & (rng.random(len(text)) > STILL))
    noise = total = rng.normal(size=len(text))
    for _ in range(5):
        noise = alike * noise + sqrt(1 - alike**2) * rng.normal(size=len(text))
        total = total + noise
    means = sizes(FALL, 0.35)
    z = total + 6 * moved
    said = np.array(
        [
            fused(t, persistent(x, 6, means, FALL.weights, STILL))
            for x, t in zip(z, text, strict=True)
        ]
    )
    assert Reliability(said, real).error < 0.06


def test_one_release_is_one_ratio_and_many_calm_ones_end_at_the_floor() -> None:
    means = sizes(FALL, 0.2)
    for z in (-2.0, 0.0, 3.0):
        one = likelihood_ratio(z, means, FALL.weights, STILL)
        assert persistent(z, 1, means, FALL.weights, STILL) == pytest.approx(one)
    assert persistent(0.0, 200, means, FALL.weights, STILL) == pytest.approx(STILL)
    assert fused(0.9, 1e-9) == pytest.approx(updated(0.9, LEAST_LR))


def test_many_detectors_that_look_at_one_value_cost_what_they_cost() -> None:
    """The smallest of four independent p, times four, is as small as p says, or less often."""
    rng = np.random.default_rng(3)
    smallest = rng.random((20_000, 4)).min(axis=1)
    adjusted = np.array([looked(p, 4) for p in smallest])
    for level in (0.01, 0.05, 0.2):
        assert (adjusted <= level).mean() <= level + 3 * sqrt(level / 20_000)


def test_the_usual_scale_is_that_of_the_noise_whatever_the_season_and_the_outliers() -> None:
    rng = np.random.default_rng(4)
    months = np.arange(240)
    values = np.exp(5 + np.sin(months / 6 * np.pi) + rng.normal(0, 0.2, (3, 240)))
    values[:, ::40] *= 8
    values[1, 20:] = np.nan
    values[2, 5] = 0.0
    none = np.full(values.shape, np.datetime64("NaT"), "M8[us]")
    periods = (np.datetime64("2004-01") + months).astype("M8[D]")
    panel = Panel(("a", "b", "c"), Frequency.MONTH, periods, values, none, none, utc("2024-02-01"))
    found = scales(panel)
    assert found[[0, 2]] == pytest.approx(0.2, rel=0.25)
    assert np.isnan(scales(replace(panel, values=np.full(values.shape, np.nan)))).all()
    short = replace(
        panel, periods=periods[:12], values=values[:, :12], known=none[:, :12], first=none[:, :12]
    )
    assert np.isnan(scales(short)).all()


# ------------------------------------------------------------------------------ the table


def test_every_type_of_the_table_is_one_of_the_taxonomy_and_every_row_says_its_basis() -> None:
    known = set(TYPES)
    rows = expectations()
    assert {t for row in rows.rows for t in row.types} <= known
    assert {one.type for one in rows.alone} <= known
    assert all(row.basis for row in rows.rows)


def test_what_a_departure_makes_is_expected_to_go_on() -> None:
    """Else the next alarm of the series would begin another event."""
    rows = expectations()
    for one in rows.alone:
        same = [row for row in rows.of([one.type], one.family) if row.direction is one.direction]
        assert same, (one.family, one.direction)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('family = "traffic"\ndirection', 'family = "ships"\ndirection', "unknown family 'ships'"),
        ("still = 0.25", "still = 0.0", "between 0 and 1"),
        ("from_days = -62", "from_days = 900", "before until_days"),
        ("0.2, 0.15]\nbasis", "0.2, 0.95]\nbasis", "adding up to 1"),
        (
            'basis = "assumed: a price shock',
            'was = "assumed: a price shock',
            "say what it rests on",
        ),
    ],
)
def test_a_row_that_makes_no_sense_is_named(old: str, new: str, says: str) -> None:
    from importlib import resources

    text = resources.files(table.__package__).joinpath("expectations.toml").read_text("utf-8")
    assert old in text
    with pytest.raises(ValueError, match=says):
        read(text.replace(old, new, 1))


def test_effects_are_shares_lost_as_logarithms() -> None:
    one = Effect("fall", (0.5,), (1.0,))
    assert sizes(one, 0.2)[0] == pytest.approx(3.47, abs=0.01)
    assert exp(-sizes(one, 1.0)[0]) == pytest.approx(0.5)
