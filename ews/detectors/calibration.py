"""How often does a nominal tail as small really begin an alarm, when nothing happens?

A detector's own model is wrong in the far tail, just where a small budget looks. So its nominal
tail is replaced by what null data show (ews.detectors.calibration_fit made the shipped table): the
share of tests that begin a run of values at least as unusual, in one direction. Alarms of one
series and direction that follow one another are one alarm.

Synthetic null data lower no p below its nominal, two-sided tail: series that we made up may be
easier than the world. Half of it is the limit for monthly trade and shares of which one direction
alone is told (ews.tuning.fit_calibration). A class of measure may have several curves
(synthetic and recorded null data): the most cautious counts. A class without one takes the most
cautious of its detector; a detector without any gets the square root of its nominal tail, and
`basis` says so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources

import numpy as np

from ews.detectors.panel import Floats, Scores

SMALLEST = 1e-300  # tails below it count as it

_CLASSES = {
    "transits": "counts",
    "tanker-transits": "counts",
    "port-calls": "counts",
    "capacity": "tonnage",
    "port-import": "tonnage",
    "port-export": "tonnage",
    "hhi": "shares",
    "top-share": "shares",
    "gap": "gaps",
    "pressure": "index",
}


def class_of(measure: str) -> str:
    """The class of a measure whose null behaviour it shares; "other" when none is known.

    >>> [class_of(one) for one in ("transits", "import-kg", "export-usd", "price-usd", "gap")]
    ['counts', 'flows-kg', 'flows-usd', 'prices', 'gaps']
    """
    if measure in _CLASSES:
        return _CLASSES[measure]
    head, _, tail = measure.partition("-")
    if head in ("import", "export"):
        return "flows-usd" if tail == "usd" else "flows-kg"
    return "prices" if head == "price" else "counts" if tail == "transits" else "other"


@dataclass(frozen=True, slots=True)
class Curve:
    """y of each x up to the last point, then a generalised Pareto tail."""

    detector: str
    kind: str  # class of measure
    basis: str  # synthetic | recorded
    series: int
    tests: int
    runs: int  # as many independent peaks as the tail was fitted on
    x: tuple[float, ...]
    y: tuple[float, ...]
    scale: float
    shape: float  # 0: exponential
    floor: float  # p is not below this times the nominal tail

    def p(self, tails: Floats) -> Floats:
        """The calibrated probability of each nominal tail, of any shape; NaN stays NaN."""
        x = -np.log(np.clip(tails, SMALLEST, 1.0))
        y = np.interp(x, self.x, self.y)
        over = np.maximum(x - self.x[-1], 0.0) / self.scale
        beyond: Floats = np.log1p(self.shape * over) / self.shape if self.shape > 0 else over
        found: Floats = np.exp(-(y + beyond))
        return np.maximum(found, self.floor * tails)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Curves, and in words what they were fitted on."""

    curves: tuple[Curve, ...]
    on: tuple[str, ...] = ()

    def of(self, detector: str, kind: str) -> tuple[Curve, ...]:
        """The curves that speak for a class: its own, or all of the detector; () when none does."""
        mine = tuple(one for one in self.curves if one.detector == detector)
        return tuple(one for one in mine if one.kind == kind) or mine

    def basis(self, detector: str, measure: str) -> str:
        """On what the p of a measure rests: "recorded", "recorded, synthetic", "synthetic",
        "other measures", or "assumed"."""
        kind = class_of(measure)
        curves = self.of(detector, kind)
        if curves and curves[0].kind == kind:
            return ", ".join(sorted({one.basis for one in curves}))
        return "other measures" if curves else "assumed"

    def p(self, detector: str, kind: str, tails: Floats) -> Floats:
        """The most cautious of the curves; the square root of the tail where there is none."""
        curves = self.of(detector, kind)
        if not curves:
            return np.sqrt(tails)
        found = curves[0].p(tails)
        for one in curves[1:]:
            found = np.maximum(found, one.p(tails))
        return found


def calibrated(scores: Scores, measures: Sequence[str], calibration: Calibration) -> Floats:
    """[n, t] how likely each test is to begin an alarm as large when nothing happens; NaN: not
    judged. `measures[i]` is the measure of series i (`Panel.measures`)."""
    kinds = np.array([class_of(one) for one in measures])
    found = np.full(scores.tail.shape, np.nan)
    judged = ~np.isnan(scores.tail)
    for kind in np.unique(kinds):
        here = judged & (kinds == kind)[:, None]
        found[here] = calibration.p(scores.detector, str(kind), scores.tail[here])
    return found


# --------------------------------------------------------------------------- the shipped table


def to_json(calibration: Calibration) -> str:
    """The table as it is shipped: one curve a line."""
    curves = ",\n".join(f"  {json.dumps(asdict(one))}" for one in calibration.curves)
    on = json.dumps(list(calibration.on), ensure_ascii=False, indent=2)
    return f'{{"on": {on},\n"curves": [\n{curves}\n]}}\n'


def from_json(text: str) -> Calibration:
    """The table again. KeyError or TypeError when a curve lacks a field or has a strange one."""
    document = json.loads(text)
    curves = [
        Curve(**one | {"x": tuple(one["x"]), "y": tuple(one["y"])}) for one in document["curves"]
    ]
    return Calibration(tuple(curves), tuple(document["on"]))


@cache
def shipped() -> Calibration:
    """The table that comes with ews (`python -m ews.tuning.fit_calibration` makes it)."""
    return from_json(resources.files("ews.detectors").joinpath("calibration.json").read_text())
