"""The recorded series, converted from the shared tables as `ews series convert` does it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ews.model import Observation
from ews.tuning.series import convert_series, read_series

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("EWS_RECORDED_DATA", ROOT.parent / "shared" / "data"))


def recorded(data: Path = DATA) -> list[Observation]:
    """Every value with the moment at which its source's release calendar brings it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "series.csv"
        convert_series(data, file)
        return read_series([file])
