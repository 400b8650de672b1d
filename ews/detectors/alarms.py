"""Which of the newest values are unusual enough for the false-alarm budget? Panels -> detections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ews.detectors.budget import Allocation
from ews.detectors.calibration import Calibration, calibrated, class_of
from ews.detectors.forecasts import shared
from ews.detectors.numeric import Numeric, detectors_in_force
from ews.detectors.panel import Bools, Days, Floats, Panel, Scores
from ews.detectors.stopped import filled
from ews.model import Detection, DetectorTurn, Direction

TESTED = 3  # periods back from the newest whose value may still be tested, as new or as revised
LEAST_SHARE = 0.05  # of shares: five points matter at 90% as they do at 40%
ADDITIVE = frozenset({"gaps", "index"})  # classes whose moves are differences, not shares
SHOWN = 9  # newest periods that are scored, so that a return to the usual range shows
RECENT = np.timedelta64(100, "D")  # a first reading of old values tells nothing of today


@dataclass(frozen=True, slots=True)
class Judged:
    """What one detector found in one panel, and how many tests it took."""

    detections: tuple[Detection, ...]
    turn: DetectorTurn
    scores: Scores
    p: Floats  # [n, t] calibrated
    tested: Bools  # [n, t]


def tested(panel: Panel, read_until: Days) -> Bools:
    """[n, t] the values that are new since the series was read last (`read_until`, [n], NaT: never).

    Of a series that nobody has read only the newest value counts, if it is recent: what was
    unusual years ago is history and no alarm. A later vintage of one of the newest periods counts.
    """
    if not len(panel.periods):
        return np.zeros(panel.values.shape, np.bool_)
    newest = panel.newest()
    back = newest[:, None] - np.arange(len(panel.periods))[None, :]
    has = ~np.isnan(panel.values)
    now = np.datetime64(panel.now.replace(tzinfo=None), "us")
    never = np.isnat(read_until)[:, None]
    fresh = panel.known > read_until[:, None]  # False for NaT
    first = (back == 0) & (now - panel.first < RECENT)
    found: Bools = has & (back >= 0) & (back < TESTED) & np.where(never, first, fresh)
    return found


def judge(
    panel: Panel,
    mask: Bools,
    allocation: Allocation,
    calibration: Calibration,
    params: Mapping[str, float],
    items_of: Callable[[str], tuple[str, ...]],
    synthetic: frozenset[str] = frozenset(),
    whole: Panel | None = None,
) -> list[Judged]:
    """Every detector in force on a panel; `mask` are the values to test, pauses among them (a value
    that is missing in `panel` is judged by the detectors that fill). `whole` is `filled(panel)`,
    where that is known already.

    A value alarms when its calibrated p is within its share of the budget, it moved the way that the
    detector tells, and by a share that matters (`least_move`).
    """
    if not mask.any():
        return []
    kinds = np.array([class_of(measure) for measure in panel.measures()])
    reach = len(panel.periods) - int(np.argmax(mask.any(axis=0)))
    look = _Look(
        panel, filled(panel) if whole is None else whole, mask, np.isnan(panel.values), kinds,
        allocation, calibration, params, min(len(panel.periods), max(SHOWN, reach)), items_of,
        synthetic,
    )  # fmt: skip
    with shared():
        found = [look.by(detector) for detector in detectors_in_force(set(kinds.tolist()))]
    return [one for one in found if one is not None]


@dataclass(frozen=True, slots=True)
class _Look:
    """One panel, and all that its detectors are judged by."""

    panel: Panel
    filled: Panel
    mask: Bools
    missing: Bools
    kinds: NDArray[np.str_]  # [n]
    allocation: Allocation
    calibration: Calibration
    params: Mapping[str, float]
    last: int
    items_of: Callable[[str], tuple[str, ...]]
    synthetic: frozenset[str]

    def by(self, detector: Numeric) -> Judged | None:
        """What one detector says; None where nothing is to be tested by it."""
        alpha = self.allocation.alphas_of(self.panel.names, detector.name)
        pays = (alpha > 0) & np.isin(self.kinds, list(detector.told))
        asked = self.mask & pays[:, None]
        if detector.pauses or not detector.fills:
            asked &= self.missing if detector.pauses else ~self.missing
        if not asked.any():
            return None
        rows = np.flatnonzero(pays | self._beside(detector, pays))
        whole = self.filled if detector.fills else self.panel
        scores, p = _scored(detector, whole, rows, self.calibration, self.params, self.last)
        asked &= ~np.isnan(p)
        move = moves(whole, scores, self.kinds)
        hits = asked & (p <= alpha[:, None]) & _told(detector, self.kinds, scores)
        hits &= ~self._too_small(whole, scores, move)  # one that expects nothing may tell
        detections = tuple(
            _detection(whole, scores, move, p, alpha, int(n), int(t), self.items_of, self.synthetic)
            for n, t in np.argwhere(hits)
        )
        expected = float((asked.sum(axis=1) * alpha).sum())
        turn = DetectorTurn(detector.name, whole.now, int(asked.sum()), expected, len(detections))
        return Judged(detections, turn, scores, p, asked)

    def _too_small(self, panel: Panel, scores: Scores, move: Floats) -> Bools:
        shares = (self.kinds == "shares")[:, None]
        little = np.abs(panel.values - scores.expected) < LEAST_SHARE
        return np.where(shares, little, np.abs(move) < self.params["least_move"])

    def _beside(self, detector: Numeric, pays: Bools) -> Bools:
        """[n] what the detector reads beside those that pay: the same trade in another unit."""
        beside: Bools = np.isin(self.kinds, list(detector.beside))
        if not beside.any():
            return beside
        names = self.panel.names
        trades = {_trade(names[n]) for n in np.flatnonzero(pays).tolist()}
        for n in np.flatnonzero(beside).tolist():
            beside[n] = _trade(names[n]) in trades
        return beside


def _trade(name: str) -> tuple[str, str]:
    """A series' name without the unit: (provider/flow, place/item)."""
    provider, measure, rest = name.split("/", 2)
    return f"{provider}/{measure.partition('-')[0]}", rest


def _scored(
    detector: Numeric,
    panel: Panel,
    rows: NDArray[np.intp],
    calibration: Calibration,
    params: Mapping[str, float],
    last: int,
) -> tuple[Scores, Floats]:
    """Scores and calibrated p of the whole panel, NaN in the rows that the detector does not read."""
    part = panel.rows(rows)
    scores = detector.score(part, params, last)
    p = calibrated(scores, part.measures(), calibration)
    whole, all_p = Scores.silent(detector.name, panel), np.full(panel.values.shape, np.nan)
    whole.score[rows], whole.tail[rows] = scores.score, scores.tail
    whole.up[rows], whole.expected[rows] = scores.up, scores.expected
    all_p[rows] = p
    return whole, all_p


def _told(detector: Numeric, kinds: NDArray[np.str_], scores: Scores) -> Bools:
    told = [detector.told.get(kind, frozenset()) for kind in kinds.tolist()]
    up = np.array([Direction.UP in moves for moves in told], np.bool_)[:, None]
    down = np.array([Direction.DOWN in moves for moves in told], np.bool_)[:, None]
    return np.where(scores.up, up, down)


def moves(panel: Panel, scores: Scores, kinds: NDArray[np.str_]) -> Floats:
    """[n, t] by what share of the expected a value moved; NaN where nothing was expected.

    The difference for classes in `ADDITIVE`, which are logarithms or standard deviations already.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = panel.values / scores.expected - 1.0
    additive = np.isin(kinds, list(ADDITIVE))[:, None]
    return np.where(additive, panel.values - scores.expected, shares)


def _detection(
    panel: Panel,
    scores: Scores,
    move: Floats,
    p: Floats,
    alpha: Floats,
    n: int,
    t: int,
    items_of: Callable[[str], tuple[str, ...]],
    synthetic: frozenset[str],
) -> Detection:
    name, value, expected = panel.names[n], float(panel.values[n, t]), float(scores.expected[n, t])
    known = np.isfinite(expected)
    facts = {"move": round(float(move[n, t]), 4)} if np.isfinite(move[n, t]) else {}
    return Detection(
        series=name,
        detector=scores.detector,
        period=moment(panel.periods[t]),
        found_at=moment(panel.known[n, t]),
        direction=Direction.UP if scores.up[n, t] else Direction.DOWN,
        value=value,
        expected=expected if known else None,
        score=round(float(scores.score[n, t]), 4),
        p=float(p[n, t]),
        alpha=float(alpha[n]),
        items=items_of(name),
        revised=bool(panel.revised[n, t]),
        facts=facts,
        synthetic=name in synthetic,
    )


def moment(at: np.datetime64) -> datetime:
    moment: datetime = at.astype("M8[us]").astype(object)
    return moment.replace(tzinfo=UTC)
