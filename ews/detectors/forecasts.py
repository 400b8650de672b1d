"""Which forecasts did this look already make? Several detectors read the same series.

Made anew, they take half of the time of all detectors together. Rows are told apart by what they
hold, so that a shared forecast is the one that would be made again (but for the last digit: numpy
adds up the smoothers of a lone series in another order).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from ews.detectors import smoothing
from ews.detectors.panel import Panel
from ews.detectors.smoothing import Forecast, Params, is_price, is_size

Key = tuple[str, bytes, float, float]  # frequency, periods, season, holidays
_FIELDS = tuple(one.name for one in fields(Forecast))


@dataclass(slots=True)
class _Kept:
    """Forecasts of one look: what was forecast under which settings, one row below the other."""

    rows: dict[Key, dict[tuple[int, bytes], int]] = field(default_factory=dict)
    made: dict[Key, Forecast] = field(default_factory=dict)

    def of(self, panel: Panel, params: Params) -> Forecast:
        key = (
            panel.frequency.value, panel.periods.tobytes(), params.get("season", 1.0),
            params.get("holidays", 1.0),
        )  # fmt: skip
        rows = self.rows.setdefault(key, {})
        asked = list(zip(_scale(panel), (one.tobytes() for one in panel.values), strict=True))
        missing = []
        for n, one in enumerate(asked):
            if one not in rows:
                rows[one] = len(rows)
                missing.append(n)
        if missing:
            new = smoothing.forecast(panel.rows(np.array(missing, np.intp)), params)
            self.made[key] = _below(self.made.get(key), new)
        return _chosen(self.made[key], np.array([rows[one] for one in asked], np.intp))


_look: ContextVar[_Kept | None] = ContextVar("forecasts of this look", default=None)


@contextmanager
def shared() -> Iterator[None]:
    """Within, what was forecast once is not forecast again; afterwards it is forgotten."""
    before = _look.set(_Kept())
    try:
        yield
    finally:
        _look.reset(before)


def forecast(panel: Panel, params: Params) -> Forecast:
    """`ews.detectors.smoothing.forecast`, or the same that was made before in this look."""
    kept = _look.get()
    if kept is None or not panel.values.size:
        return smoothing.forecast(panel, params)
    return kept.of(panel, params)


def _scale(panel: Panel) -> list[int]:
    """[n] as what a row is read: a size, a price, or as it is."""
    kinds: list[int] = (is_size(panel) + 2 * is_price(panel)).tolist()
    return kinds


def _below(first: Forecast | None, second: Forecast) -> Forecast:
    if first is None:
        return second
    pairs = {name: (getattr(first, name), getattr(second, name)) for name in _FIELDS}
    return Forecast(**{name: np.concatenate(pair) for name, pair in pairs.items()})


def _chosen(made: Forecast, rows: NDArray[np.intp]) -> Forecast:
    if len(rows) == len(made.logs) and (rows == np.arange(len(rows))).all():
        return made
    return Forecast(**{name: getattr(made, name)[rows] for name in _FIELDS})
