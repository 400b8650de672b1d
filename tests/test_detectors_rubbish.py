"""Rubbish in: zeros, lumps, negative and huge values, gaps, series that begin late or end early."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.detectors import alarms
from ews.detectors.budget import Budget, Monitored, allocate
from ews.detectors.calibration import class_of, shipped
from ews.detectors.derived import derive
from ews.detectors.numeric import NUMERIC
from ews.detectors.panel import Floats, Panel, grid
from ews.detectors.stopped import filled
from ews.model import Frequency, series_parts

NAMES = (
    *(
        f"{provider}/{measure}/{partner}-KR/250410"
        for provider in ("customs", "comtrade")
        for measure in ("import-kg", "import-usd", "export-usd")
        for partner in ("CN", "JP", "WLD")
    ),
    "pinksheet/price-usd/WLD/urea", "gscpi/pressure/WLD/-", "portwatch/transits/suez/-",
    "portwatch/capacity/suez/-", "customs/hhi/KR/250410", "mirror/gap/CN-KR/250410", "x/odd/CN-KR/1",
)  # fmt: skip
ODD = np.array([0.0, -1.0, 1e-12, 1e-9, 1.0, 7.0, 3e9, 1e15, -1e15, np.nan, np.nan])
KINDS = ("rubbish", "constant", "negative", "huge", "zeros", "late", "ended")


def values_of(kind: str, rng: np.random.Generator, length: int) -> Floats:
    shape = (len(NAMES), length)
    usual: Floats = 100 * np.exp(0.3 * rng.normal(size=shape))
    if kind == "rubbish":
        return rng.choice(ODD, size=shape)
    if kind == "constant":
        return np.repeat(rng.choice([0.0, 1.0, -5.0, 1e12], size=(shape[0], 1)), length, axis=1)
    if kind in ("late", "ended"):
        cut = rng.integers(0, length + 1, shape[0])[:, None]
        inside = np.arange(length)[None, :] >= cut
        return np.where(inside == (kind == "late"), usual, np.nan)
    zeros = np.where(rng.random(shape) < 0.7, 0.0, usual)
    return {"negative": -usual, "huge": usual * 1e30, "zeros": zeros}[kind]


def panel_of_rubbish(kind: str, seed: int, frequency: Frequency, length: int) -> Panel:
    values = values_of(kind, np.random.default_rng(seed), length)
    start = np.datetime64("2015-01-01")
    periods = grid(frequency, start, start + 95 * (length + 1))[:length]
    known = np.broadcast_to((periods + 40).astype("M8[us]"), values.shape).copy()
    known[np.isnan(values)] = np.datetime64("NaT")
    last = (start if not length else periods[-1]) + 50
    now: datetime = last.astype("M8[us]").astype(object).replace(tzinfo=UTC)
    return Panel(NAMES, frequency, periods, values, known, known.copy(), now)


@settings(max_examples=6, deadline=None)
@given(
    kind=st.sampled_from(KINDS), seed=st.integers(0, 2**31),
    frequency=st.sampled_from([Frequency.MONTH, Frequency.WEEK, Frequency.QUARTER]),
    length=st.sampled_from([0, 1, 25, 33]), last=st.sampled_from([None, 3]),
)  # fmt: skip
def test_whatever_comes_in_a_tail_is_a_probability_of_a_value_that_is_there(
    kind: str, seed: int, frequency: Frequency, length: int, last: int | None
) -> None:
    panel = panel_of_rubbish(kind, seed, frequency, length)
    for given_ in (filled(panel), derive(panel)):
        for detector in NUMERIC.values():
            tail = detector.score(given_, {}, last).tail
            judged = ~np.isnan(tail)
            assert ((tail[judged] >= 0) & (tail[judged] <= 1)).all(), detector.name
            assert not (judged & np.isnan(given_.values)).any() or detector.pauses


@settings(max_examples=4, deadline=None)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 2**31))
def test_whatever_comes_in_an_alarm_tells_a_value_a_way_and_a_p_within_its_share(
    kind: str, seed: int
) -> None:
    panel = panel_of_rubbish(kind, seed, Frequency.MONTH, 33)
    tests = [
        Monitored(name, one.name, series_parts(name)[3], 12.0)
        for name in panel.names for one in NUMERIC.values()
        if one.in_force and class_of(series_parts(name)[1]) in one.told
    ]  # fmt: skip
    allocation = allocate(tests, Budget(1000.0, 50.0))
    never = np.full(len(NAMES), np.datetime64("NaT"), "M8[us]")
    whole = filled(panel)
    for found in alarms.judge(
        panel,
        alarms.tested(whole, never),
        allocation,
        shipped(),
        {"least_move": 0.1},
        lambda name: (name,),
    ):
        for one in found.detections:
            assert 0 <= one.p <= one.alpha <= 0.05
            assert np.isfinite(one.value)
            kind_of = class_of(series_parts(one.series)[1])
            assert one.direction in NUMERIC[one.detector].told[kind_of]
