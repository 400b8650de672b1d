"""The negative-binomial CUSUM: causal, still where nothing happens, quick where something does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom, poisson

from ews.detectors import nb_cusum
from ews.detectors.count_baseline import Baseline
from ews.detectors.panel import Floats
from ews.model import Frequency
from tests import bench_outbreak as bench
from tests import outbreak_simulation as sim
from tests.outbreak_drawing import amoc_picture


def steady(n: int = 6, t: int = 150, mean: float = 30.0, seed: int = 7) -> Floats:
    return np.random.default_rng(seed).poisson(mean, (n, t)).astype(float)


@pytest.mark.parametrize(("mean", "alpha"), [(9.0, 0.0), (30.0, 0.2), (0.8, 1.0)])
def test_every_ratio_is_that_of_the_likelihoods(mean: float, alpha: float) -> None:
    counts = np.arange(60.0)
    edges = np.full((2, 60), mean)
    found = nb_cusum.ratios(counts, edges, np.full(60, alpha))

    def log_mass(m: float) -> Floats:
        law = nbinom(1 / alpha, 1 / (1 + alpha * m)) if alpha else poisson(m)
        return np.asarray(law.logpmf(counts))

    for shift, one in enumerate(nb_cusum.SHIFTS):
        factor = 1 + one * np.sqrt(1 / mean + alpha)
        for row, moved in ((0, mean * factor), (1, mean / factor)):
            expected = log_mass(moved) - log_mass(mean)
            np.testing.assert_allclose(found[row, shift], expected, atol=1e-6)


def test_a_likelihood_ratio_has_mean_one_when_nothing_happens() -> None:
    counts = np.arange(2000.0)
    mass = nbinom(5, 1 / (1 + 0.2 * 30)).pmf(counts)
    found = nb_cusum.ratios(counts, np.full((2, 2000), 30.0), np.full(2000, 0.2))
    np.testing.assert_allclose((np.exp(found) * mass).sum(axis=2), 1.0, rtol=1e-9)


def test_a_later_value_changes_no_earlier_score() -> None:
    values = steady()
    before = nb_cusum.score(sim.panel_from(values), {})
    changed = values.copy()
    changed[:, 110:] = 90
    after = nb_cusum.score(sim.panel_from(changed), {})
    for name in ("score", "tail", "up", "expected"):
        np.testing.assert_array_equal(getattr(before, name)[:, :110], getattr(after, name)[:, :110])
    assert (after.score[:, 112] > before.score[:, 112] + 5).all()


@settings(max_examples=12, deadline=None)
@given(cut=st.integers(60, 89), seed=st.integers(0, 2**32 - 1), gaps=st.floats(0.0, 0.4))
def test_no_score_depends_on_what_comes_later(cut: int, seed: int, gaps: float) -> None:
    dice = np.random.default_rng(seed)
    values = dice.negative_binomial(2, 0.1, (3, 90)).astype(float)
    values[dice.random(values.shape) < gaps] = np.nan
    whole = nb_cusum.score(sim.panel_from(values), {"least": 20})
    short = nb_cusum.score(sim.panel_from(values[:, :cut]), {"least": 20})
    for name in ("score", "tail", "up", "expected"):
        np.testing.assert_array_equal(getattr(whole, name)[:, :cut], getattr(short, name))


def test_the_newest_three_are_the_same_alone() -> None:
    values = steady()
    values[2, 140:149] = np.nan
    whole = nb_cusum.score(sim.panel_from(values), {})
    newest = nb_cusum.score(sim.panel_from(values), {}, last=3)
    for name in ("score", "tail", "up", "expected"):
        np.testing.assert_array_equal(getattr(whole, name)[:, -3:], getattr(newest, name)[:, -3:])
    assert np.isnan(newest.tail[:, :-3]).all()


def test_series_do_not_touch_each_other() -> None:
    values = steady(3)
    values[0, 100:] = 500
    alone = nb_cusum.score(sim.panel_from(values[1:]), {})
    beside = nb_cusum.score(sim.panel_from(values), {})
    np.testing.assert_allclose(beside.score[1:], alone.score)


def test_a_missing_value_does_not_move_the_sum() -> None:
    values = steady(2)
    values[:, 100:103] = 45
    values[1, 103:110] = np.nan
    above = nb_cusum.charts(sim.panel_from(values), slice(0, 2), {})[0]
    assert np.isnan(above[1, 103:110]).all()
    assert above[1, 110] == pytest.approx(above[1, 102], abs=4)  # one value's worth, not eight
    assert above[1, 110] > above[0, 110]


def test_no_ratio_moves_a_sum_that_is_not_judged() -> None:
    sums = nb_cusum._Sums(2)
    first = sums.move(np.full((2, 3, 2), 2.0), np.array([True, True]))
    second = sums.move(np.full((2, 3, 2), 2.0), np.array([True, False]))
    assert first.tolist() == [[2.0, 2.0]] * 2
    assert second.tolist() == [[4.0, 2.0]] * 2


def test_a_zero_is_a_fall_and_a_missing_value_is_nothing() -> None:
    stopped, silent = steady(1), steady(1)
    stopped[0, 120:], silent[0, 120:] = 0.0, np.nan
    fallen = nb_cusum.score(sim.panel_from(stopped), {})
    assert (fallen.tail[0, 121:] < 1e-6).all()
    assert not fallen.up[0, 120]
    assert np.isnan(nb_cusum.score(sim.panel_from(silent), {}).tail[0, 120:]).all()


def test_too_little_past_is_not_judged() -> None:
    values = steady()
    values[:, :60] = np.nan
    scores = nb_cusum.score(sim.panel_from(values), {})
    judged = ~np.isnan(scores.score)
    assert not judged[:, : 60 + nb_cusum.LEAST[Frequency.DAY]].any()
    assert judged[:, 60 + nb_cusum.LEAST[Frequency.DAY] + 1 :].all()


def test_the_alarm_ends_soon_after_the_excursion_and_the_fall_back_is_none() -> None:
    values = steady(40, 450)
    values[:, 400:414] += 30
    above, below, _ = nb_cusum.charts(sim.panel_from(values), slice(0, 40), {})
    assert (above[:, 402:414] > 9).all()
    assert (above[:, 414 + nb_cusum.STALE :] >= 9).mean() < 0.01
    assert (below[:, 414:] >= 9).mean() < 0.01


def test_what_stays_becomes_the_new_rule() -> None:
    values = steady(10, 700)
    values[:, 420:] = np.random.default_rng(8).poisson(12, (10, 280))
    scores = nb_cusum.score(sim.panel_from(values), {})
    assert (scores.tail[:, 423:440] < 1e-4).all()
    assert scores.expected[:, -1] == pytest.approx(12, rel=0.25)
    assert (scores.tail[:, -60:] > 1e-4).all()


def test_a_season_is_learnt_and_then_no_surprise() -> None:
    dice = np.random.default_rng(9)
    mean = 40 * np.exp(0.5 * np.cos(2 * np.pi * np.arange(1000) / 365.25))
    scores = nb_cusum.score(sim.panel_from(dice.poisson(mean, (8, 1000)).astype(float)), {})
    np.testing.assert_allclose(scores.expected[:, 800:].mean(axis=0), mean[800:], rtol=0.1)
    assert np.mean(scores.tail[:, 731:] < 0.001) < 0.003


def test_the_tail_falls_with_the_score_and_stays_below_the_bound() -> None:
    scores = np.linspace(0.01, 40, 400)
    for frequency in Frequency:
        for up in (True, False):
            tail = nb_cusum.tail_of(scores, frequency, up)
            assert (np.diff(tail) < 0).all()
            # Three charts a side, each below exp(-s) by Doob's inequality; months scatter more.
            assert (tail <= len(nb_cusum.SHIFTS) * np.exp(-scores) * 1.5).all()
    assert nb_cusum.tail_of(np.array([0.0]), Frequency.DAY, True)[0] == 1.0


def test_weekly_means_are_counts_of_seven_days() -> None:
    days = steady(5, 7 * 120, 20.0)
    means = sim.blocks(sim.panel_from(days))
    scores = nb_cusum.score(means, {})
    summed = nb_cusum.score(
        sim.panel_from(means.values * 7, Frequency.WEEK, means.periods), {"per": 1.0}
    )
    np.testing.assert_allclose(scores.score, summed.score)
    np.testing.assert_allclose(scores.expected * 7, summed.expected)


def test_counts_that_scatter_more_need_more_to_surprise() -> None:
    dice = np.random.default_rng(10)
    values = dice.negative_binomial(3, 3 / 33, (20, 300)).astype(float)
    poisson_too = nb_cusum.score(sim.panel_from(values), {"poisson": 1.0})
    plain = nb_cusum.score(sim.panel_from(values), {})
    assert np.mean(poisson_too.tail[:, 200:] < 1e-4) > 0.02
    assert np.mean(plain.tail[:, 200:] < 1e-4) < 0.002


def test_the_baseline_knows_how_little_it_knows() -> None:
    panel = sim.panel_from(steady(200, 120))
    base = Baseline(200, panel.periods, Frequency.DAY, {})
    errors = []
    for day in range(120):
        log_mean, variance = base.expect(day, 1)
        errors.append(((log_mean - np.log(30.0)) / np.sqrt(variance)).std())
        base.learn(day, panel.values[:, day], np.ones(200, bool))
    assert 0.2 < min(errors[30:]) <= max(errors[30:]) < 1.2
    assert base.alpha.mean() < 0.02


def test_the_benchmark_counts_days_rates_and_episodes() -> None:
    alarms = np.zeros((4, 365), bool)
    alarms[0, 10:15] = alarms[1, 20] = True
    assert bench.rate(alarms)["rate"] == pytest.approx(6 / 1460)
    assert bench.episodes_a_year(alarms) == pytest.approx(2 / 1460 * 365.25)
    data = sim.pulses(repeats=1)
    scores = np.zeros(data.panel.values.shape)
    row = np.arange(len(scores))
    scores[row, data.onset + 2] = 5.0
    scores[:, : sim.LEARN] = 99.0  # before the pulse: no find
    assert (bench.found_after(scores, 4.0, data) == 2).all()
    assert np.isnan(bench.found_after(scores, 5.0, data)).all()


def test_most_pulses_are_found_at_one_false_alarm_in_a_thousand() -> None:
    data = sim.pulses(seed=1, repeats=1, sizes=(4.0,))
    tail = nb_cusum.tail_of(bench.side(data.panel, {}), Frequency.DAY, True)
    found = bench.found_after(-tail, -0.001, data)
    assert (~np.isnan(found)).mean() >= 0.9


def test_keeping_one_key_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    path.write_text('{"scale": 1}')
    bench.keep(path, "outbreak", {"a": 2})
    assert json.loads(path.read_text()) == {"scale": 1, "outbreak": {"a": 2}}


def test_the_picture_has_a_line_for_each_detector() -> None:
    names = list(bench.DETECTORS)
    picture = amoc_picture({name: [(0.01, 9.0, 0.5), (10.0, 1.0, 0.9)] for name in names})
    assert picture.count("<polyline") == len(names)
    assert all(f">{name}<" in picture for name in names)
