"""What does the newest value of a series say, alarming or not? For events that wait for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from ews.detectors.alarms import ADDITIVE, Judged, moment, moves
from ews.detectors.calibration import class_of
from ews.detectors.fusion_match import Reading
from ews.detectors.fusion_scale import scales
from ews.detectors.panel import Panel
from ews.model import Direction, Event, series_parts

USUAL = 0.05  # a p above it is within the usual range


def awaited(
    names: Collection[str], events: Collection[Event], items: Mapping[str, tuple[str, ...]]
) -> set[str]:
    """Series that feed an open event, or are of its item, chokepoint or port."""
    linked = {link.removeprefix("series:") for event in events for link in event.links}
    goods = {item for event in events for item in event.items}
    spots = {place for event in events for place in (*event.chokepoints, *event.ports)}
    found = set()
    for name in names:
        _, _, place, item = series_parts(name)
        if name in linked or place in spots or not goods.isdisjoint(items.get(item, (item,))):
            found.add(name)
    return found


def readings(panel: Panel, judged: Sequence[Judged], wanted: Collection[str]) -> dict[str, Reading]:
    """The newest value of each wanted series that a detector judged and that is new this turn.

    The detector with the smallest p speaks; one that says what it expected is asked first.
    """
    kinds = np.array([class_of(measure) for measure in panel.measures()])
    newest = panel.newest()
    spread = np.where(np.isin(kinds, list(ADDITIVE)), scales(panel, True), scales(panel, False))
    shifts = {one.scores.detector: moves(panel, one.scores, kinds) for one in judged}
    found: dict[str, Reading] = {}
    for n in np.flatnonzero(np.isin(panel.names, list(wanted))).tolist():
        name, t = panel.names[n], int(newest[n])
        asked = [one for one in judged if t >= 0 and one.tested[n, t]]
        asked = [one for one in asked if np.isfinite(one.scores.expected[n, t])] or asked
        if not asked:
            continue
        one = min(asked, key=lambda j: (float(j.p[n, t]), j.scores.detector))
        move = float(shifts[one.scores.detector][n, t])
        if not np.isfinite(move):
            continue
        found[name] = Reading(
            series=name,
            p=float(one.p[n, t]),
            direction=Direction.UP if one.scores.up[n, t] else Direction.DOWN,
            move=move,
            period=moment(panel.periods[t]),
            found_at=moment(panel.known[n, t]),
            value=float(panel.values[n, t]),
            n_since=_calm(one, n, t),
            scale=float(spread[n]) if spread[n] > 0 else None,
        )
    return found


def _calm(one: Judged, n: int, t: int) -> int:
    """Judged values in a row within the usual range, up to this one."""
    p = one.p[n, : t + 1]
    p = p[~np.isnan(p)][::-1]
    out = np.flatnonzero(p <= USUAL)
    return int(out[0]) if len(out) else len(p)
