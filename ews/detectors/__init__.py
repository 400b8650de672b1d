"""Detectors: signals in, events out. Pure; each lives in its own file and has a row below."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ews.model import Event, Story

Params = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class DetectorInput:
    """What a detector of stories may look at. Everything in it was available at `now`.

    `stories` are those touched since the last cycle; `events` are the open events by id. Numbers
    have detectors of their own (ews.detectors.numeric); both meet in ews.detectors.fusion.
    """

    stories: Sequence[Story]
    events: Mapping[str, Event]
    params: Params
    now: datetime


def number(params: Params, key: str) -> float:
    """A number of the RuleSet; KeyError or TypeError when it is missing or not a number."""
    value = params[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"rule setting {key!r} must be a number, not {value!r}")
    return float(value)


from ews.detectors import news  # noqa: E402  (they need DetectorInput)

DETECTORS: Mapping[str, Callable[[DetectorInput], list[Event]]] = {
    "news": news.detect,
}
