"""What do series look like while nothing happens? Synthetic null series, one panel a class.

They are synthetic and labelled so wherever a figure rests on them. Each class has the traits that
make detectors err: season, moving holidays, months that hang together, heavy tails, lumps, levels
that wander. Trends are slow; nothing is injected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import numpy as np

from ews.detectors.derived import derive
from ews.detectors.moons import LUNAR_NEW_YEAR
from ews.detectors.panel import Days, Floats, Panel, grid
from ews.model import Frequency

FIRST = np.datetime64("2008-01-01")
YEARS = 14  # of each series; the first two or three serve as its past
NOW = datetime(2030, 1, 1, tzinfo=UTC)
Dice = np.random.Generator


def null_panels(kind: str, count: int, seed: int) -> list[Panel]:
    """About `count` null series of a class, by frequency. KeyError for a class without a maker."""
    dice = np.random.default_rng([seed, *kind.encode()])
    return MAKERS[kind](dice, count)


def periods_of(frequency: Frequency) -> Days:
    """The periods of a null panel."""
    return grid(frequency, FIRST, FIRST + np.timedelta64(int(365.25 * YEARS), "D"))


def _panel(measure: str, frequency: Frequency, values: Floats) -> Panel:
    names = tuple(f"synthetic/{measure}/CN-KR/{at:06d}" for at in range(len(values)))
    return _named(names, frequency, values)


def _named(names: tuple[str, ...], frequency: Frequency, values: Floats) -> Panel:
    periods = periods_of(frequency)
    known = np.broadcast_to((periods + 45).astype("M8[us]"), values.shape).copy()
    known[np.isnan(values)] = np.datetime64("NaT")
    return Panel(names, frequency, periods, values, known, known.copy(), NOW)


# --------------------------------------------------------------------------- parts


def _lasting(dice: Dice, shape: tuple[int, int], share: Floats, freedom: float = 5.0) -> Floats:
    """[n, t] unit noise of Student t, each value carrying `share` ([n, 1]) of the one before."""
    steps = dice.standard_t(freedom, shape) / np.sqrt(freedom / (freedom - 2))
    found: Floats = steps.copy()
    for at in range(1, shape[1]):
        found[:, at] = share[:, 0] * found[:, at - 1] + np.sqrt(1 - share[:, 0] ** 2) * steps[:, at]
    return found


def _season(dice: Dice, count: int, periods: Days, most: float) -> Floats:
    """[n, t] two harmonics of the year, up to `most` (log scale), other in each series."""
    days = (periods - periods.astype("M8[Y]").astype("M8[D]")).astype(np.float64)
    angle = 2 * np.pi * days / 365.25
    size = dice.uniform(0, most, (count, 2, 1)) * np.array([[1.0], [0.4]])
    shift = dice.uniform(0, 2 * np.pi, (count, 2, 1))
    waves = np.cos(np.array([[1.0], [2.0]]) * angle[None, None, :] - shift)
    return np.asarray((size * waves).sum(axis=1))


def _holidays(dice: Dice, count: int, months: Days) -> Floats:
    """[n, t] the fall (log scale) of the month that holds the Lunar New Year."""
    moved = np.isin(months.astype("M8[M]"), LUNAR_NEW_YEAR.astype("M8[M]"))
    fall: Floats = -dice.uniform(0.0, 0.3, (count, 1)) * moved[None, :]
    return fall


def _trend(dice: Dice, count: int, length: int, per_year: float, years: float) -> Floats:
    drift: Floats = dice.normal(0, per_year, (count, 1)) * np.linspace(0, years, length)[None, :]
    return drift


# --------------------------------------------------------------------------- classes


def _counts(dice: Dice, count: int) -> list[Panel]:
    """Weekly means of seven daily counts: negative binomial, season, weeks that hang together."""
    weeks = periods_of(Frequency.WEEK)
    level = np.log(dice.uniform(4, 100, (count, 1)))
    share = dice.uniform(0.0, 0.5, (count, 1))
    wave = level + _season(dice, count, weeks, 0.15) + _trend(dice, count, len(weeks), 0.02, YEARS)
    mean = np.exp(wave + 0.04 * _lasting(dice, wave.shape, share, 8.0))
    size = dice.uniform(5, 60, (count, 1))  # of the negative binomial, each day
    days = dice.negative_binomial(7 * size, size / (size + mean))
    return [_panel("transits", Frequency.WEEK, days / 7.0)]


def _tonnage(dice: Dice, count: int) -> list[Panel]:
    weeks = periods_of(Frequency.WEEK)
    share = dice.uniform(0.0, 0.6, (count, 1))
    noise = dice.uniform(0.05, 0.4, (count, 1)) * _lasting(dice, (count, len(weeks)), share)
    logs = 12 + _season(dice, count, weeks, 0.2) + noise
    return [_panel("port-import", Frequency.WEEK, np.exp(logs))]


def _logs_of_flows(dice: Dice, count: int) -> Floats:
    months = periods_of(Frequency.MONTH)
    share = dice.uniform(0.0, 0.6, (count, 1))
    spread = np.exp(dice.uniform(np.log(0.08), np.log(0.8), (count, 1)))
    noise = spread * _lasting(dice, (count, len(months)), share)
    trend = _trend(dice, count, len(months), 0.05, YEARS)
    season = _season(dice, count, months, 0.3) + _holidays(dice, count, months)
    logs: Floats = 10 + noise + trend + season
    return logs


def _lumpy(dice: Dice, values: Floats) -> Floats:
    """A third of the series trade in lumps: months without trade, reported as 0 or not at all."""
    lumps = dice.random((len(values), 1)) < 1 / 3
    idle = lumps & (dice.random(values.shape) < dice.uniform(0.05, 0.7, (len(values), 1)))
    absent = dice.random((len(values), 1)) < 0.5
    return np.where(idle, np.where(absent, np.nan, 0.0), values)


def _flows(measure: str) -> Callable[[Dice, int], list[Panel]]:
    def make(dice: Dice, count: int) -> list[Panel]:
        values = _lumpy(dice, np.exp(_logs_of_flows(dice, count)))
        return [_panel(measure, Frequency.MONTH, values)]

    return make


def _prices(dice: Dice, count: int) -> list[Panel]:
    """Random walks whose restlessness comes and goes (a GARCH of Student t steps); half of them
    monthly averages, which hang together; half weekly."""
    made = []
    for frequency, share in ((Frequency.MONTH, 0.25), (Frequency.WEEK, 0.1)):
        length = len(periods_of(frequency))
        steps = dice.standard_t(5.0, (count // 2, length)) / np.sqrt(5 / 3)
        usual = dice.uniform(0.02, 0.09, count // 2)
        returns, restless = np.zeros(steps.shape), usual**2
        for at in range(length):
            returns[:, at] = np.sqrt(restless) * steps[:, at]
            restless = 0.1 * usual**2 + 0.15 * returns[:, at] ** 2 + 0.75 * restless
        returns[:, 1:] += share * returns[:, :-1]
        made.append(_panel("price-usd", frequency, 100 * np.exp(np.cumsum(returns, axis=1))))
    return made


def _index(dice: Dice, count: int) -> list[Panel]:
    months = periods_of(Frequency.MONTH)
    share = dice.uniform(0.6, 0.95, (count, 1))
    return [_panel("pressure", Frequency.MONTH, _lasting(dice, (count, len(months)), share))]


def _shares(dice: Dice, count: int) -> list[Panel]:
    """HHI and largest share of imports from twelve partners of Zipf's sizes."""
    partners = ("CN", "JP", "US", "AU", "VN", "DE", "ID", "MY", "IN", "TH", "CL", "BR")
    items = max(count // 2, 1)
    flows = np.exp(_logs_of_flows(dice, items * len(partners)))
    flows = _lumpy(dice, flows).reshape(items, len(partners), -1)
    flows *= (1.0 / np.arange(1, len(partners) + 1) ** 1.3)[None, :, None]
    total = np.nansum(flows, axis=1, keepdims=True)
    values = np.concatenate([flows, total], axis=1).reshape(items * 13, -1)
    names = tuple(
        f"synthetic/import-usd/{partner}-KR/{item:06d}"
        for item in range(items)
        for partner in (*partners, "WLD")
    )
    return [derive(_named(names, Frequency.MONTH, values))]


def _gaps(dice: Dice, count: int) -> list[Panel]:
    """Two reports of one flow: a margin, a part that arrives a month later, errors of both."""
    sold = np.exp(_logs_of_flows(dice, count))
    late = dice.uniform(0.0, 0.5, (count, 1)) * dice.uniform(0.5, 1.0, sold.shape)
    margin = dice.normal(0.06, 0.05, (count, 1))
    share = dice.uniform(0.0, 0.7, (count, 1))
    error = dice.uniform(0.02, 0.3, (count, 1)) * _lasting(dice, sold.shape, share, 4.0)
    arrived = sold * (1 - late)
    arrived[:, 1:] += (sold * late)[:, :-1]
    bought = arrived * np.exp(margin + error)
    names = tuple(
        f"synthetic/{measure}/CN-KR/{at:06d}"
        for measure in ("export-usd", "import-usd")
        for at in range(count)
    )
    panel = _named(names, Frequency.MONTH, np.vstack([sold, bought]))
    return [derive(panel, importers=(), exporters=())]


MAKERS: Mapping[str, Callable[[Dice, int], list[Panel]]] = {
    "counts": _counts,
    "tonnage": _tonnage,
    "flows-kg": _flows("import-kg"),
    "flows-usd": _flows("import-usd"),
    "prices": _prices,
    "shares": _shares,
    "gaps": _gaps,
    "index": _index,
}
