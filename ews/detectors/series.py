"""Series -> events: the numbers say it, whatever the news says.

Each new value is compared with the same series' own past by a robust z-score (median and MAD,
Iglewicz & Hoaglin 1993), and must also move by a share that matters. A source's own data is its
own authority, so one series may raise an event alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from statistics import mean, median
from typing import TYPE_CHECKING

from ews.model import Event, EventStatus, Evidence, Observation, Phase, content_id

if TYPE_CHECKING:
    from ews.detectors import DetectorInput

# measure -> (event type, which move is bad, points in the recent mean, points in the baseline)
MEASURES: dict[str, tuple[str, str, int, int]] = {
    "transits": ("logistics_disruption", "down", 7, 56),
    "capacity": ("logistics_disruption", "down", 7, 56),
    "export-kg": ("shortage_or_allocation", "down", 1, 12),
    "price-usd": ("price_shock", "up", 1, 24),
    "price-index": ("price_shock", "up", 1, 24),
}


def detect(given: DetectorInput) -> list[Event]:
    """One event per series and departure; it stays the same event until the series is back."""
    from ews.detectors import number

    found = []
    for name, values in given.series.items():
        event = _departure(
            name,
            values,
            given,
            z_raise=number(given.params, "z_raise"),
            move_raise=number(given.params, "move_raise"),
        )
        if event is not None:
            found.append(event)
    return found


def robust_z(recent: float, past: Sequence[float]) -> float:
    """0.6745 (x - median) / MAD; the MAD has a floor of 2% of the median, for still series.

    >>> round(robust_z(50, [100, 101, 99, 100, 102, 98]), 1)
    -16.9
    """
    middle = median(past)
    spread = median(abs(x - middle) for x in past)
    floor = 0.02 * abs(middle) or 1e-9
    return 0.6745 * (recent - middle) / max(spread, floor)


def _means(numbers: Sequence[float], width: int) -> list[float]:
    """Means of consecutive stretches of `width`, newest first: like is compared with like.

    >>> _means([1, 3, 5, 7], 2)
    [6, 2]
    """
    ends = range(len(numbers), width - 1, -width)
    return [mean(numbers[end - width : end]) for end in ends] or list(numbers)


def _departure(
    name: str,
    values: Sequence[Observation],
    given: DetectorInput,
    z_raise: float,
    move_raise: float,
) -> Event | None:
    provider, measure, place, item = values[-1].parts
    if measure not in MEASURES:
        return None
    type_, bad, width, length = MEASURES[measure]
    if len(values) < width + length // 2:
        return None
    numbers = [obs.value for obs in values]
    recent = mean(numbers[-width:])
    # The baseline ends well before the recent window, so that a slow slide is seen too.
    past = _means(numbers[-(length + 2 * width) : -2 * width] or numbers[:-width], width)
    middle = median(past)
    if not middle or any(math.isnan(x) for x in past):
        return None
    move = recent / middle - 1
    z = robust_z(recent, past)
    wrong = -move if bad == "down" else move
    if wrong < move_raise or abs(z) < z_raise:
        return None
    newest = values[-1]
    episode = _episode(name, newest, given)
    event = Event(
        id=episode[0] if episode else content_id("evt", "series", name, newest.observed_at.date()),
        type=type_,
        also=(),
        status=EventStatus.CONFIRMED,
        phase=Phase.ACTUAL,
        probability=min(0.97, 0.5 + 0.05 * (abs(z) - z_raise) + 0.3),
        severity=min(3.0, 1.0 + 2.5 * wrong) if bad == "down" else min(2.0, 1.0 + wrong),
        countries=tuple(c for c in place.split("-") if len(c) == 2 and c.isupper() and c != "KR"),
        items=() if item == "-" else (item,),
        ports=(),
        chokepoints=(place,) if measure in ("transits", "capacity") else (),
        firms=(),
        title=f"{measure} {place if item == '-' else item}: {move:+.0%} ({provider})",
        first_seen=episode[1].first_seen if episode else newest.available_at,
        updated_at=newest.available_at,
        evidence=(_evidence(newest, provider),),
        detector="series",
        onset=newest.observed_at,
        model="series.v1",
        authority=True,
        facts={"move": round(move, 4), "z": round(z, 2), "recent": recent, "baseline": middle},
        last_seen=newest.available_at,
    )
    if episode is None:
        return event
    before = episode[1]
    still = int(before.severity * 4) == int(event.severity * 4)
    if still and newest.available_at - before.updated_at < timedelta(days=20):
        return None
    return replace(event, revision=before.revision + 1)


def _episode(name: str, newest: Observation, given: DetectorInput) -> tuple[str, Event] | None:
    """The open event that this series already raised, if its last word is recent."""
    for event in given.events.values():
        if event.detector != "series" or event.evidence[0].signal_id != name:
            continue
        seen = event.last_seen or event.updated_at
        if newest.available_at - seen <= timedelta(days=45):
            return event.id, event
    return None


def _evidence(newest: Observation, provider: str) -> Evidence:
    return Evidence(
        signal_id=newest.series,
        independence=provider,
        available_at=newest.available_at,
        title=newest.series,
        outlet=provider,
        observed_at=newest.observed_at,
    )
