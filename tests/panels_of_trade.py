"""Panels written out by hand, for tests of derived series."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ews.detectors.panel import Panel, grid
from ews.model import Frequency

Floats = NDArray[np.float64]
NAN = float("nan")
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def panel(
    rows: Mapping[str, Floats | list[float]], lag_days: Mapping[str, int] | None = None
) -> Panel:
    """A monthly panel from 2015; each value known 45 days after its month began, or as given."""
    values = np.array(list(rows.values()), np.float64)
    first = np.datetime64("2015-01-01")
    months = grid(Frequency.MONTH, first, first.astype("M8[M]") + (values.shape[1] - 1))
    lags = np.array([(lag_days or {}).get(name, 45) for name in rows])
    known = (months[None, :] + lags[:, None]).astype("M8[us]")
    known = np.where(np.isnan(values), np.datetime64("NaT"), known).astype("M8[us]")
    return Panel(tuple(rows), Frequency.MONTH, months, values, known, known.copy(), NOW)


def of(derived: Panel, name: str) -> Floats:
    return derived.values[derived.names.index(name)]
