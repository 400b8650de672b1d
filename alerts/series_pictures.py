"""How does a series look? A small PNG: what it did, what was usual, where it alarmed, who says so.

The usual range of a period is that of the values known before it: nothing on the picture knows more
than a reader could have known then. A gap in the values is a gap in the line.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median, quantiles

from PIL import ImageDraw

from alerts.paper import AMBER, BLUE, GREY, PAD, RED, WIDTH, canvas, fitted, font, png
from alerts.paper import INK as TEXT
from alerts.plain import one_line
from alerts.series_words import provider_name
from alerts.words import say
from ews.model import Observation

MANY_KG = 100_000.0  # from which kilograms are shown as tonnes
POINTS = 800  # of a series, at most
BAND, GRID = "#cbd5dd", "#d5dce2"
LEFT, RIGHT, TOP, BOTTOM = 150, WIDTH - 150, 110, 500
LEAST_PAST = 12  # values without which nobody knows what is usual
PAST = 104  # values back that make the usual range: two years of weeks, eight of months
TORN = 1.7  # a step so many times the usual one is a gap


@dataclass(frozen=True, slots=True)
class Marks:
    """What the picture says of a series beside its values."""

    alarms: Collection[datetime] = field(default_factory=frozenset)  # first days of periods
    source: str = ""  # provider, as in the name of the series
    synthetic: bool = False
    since: datetime | None = None  # shown from then on; what is older makes the usual range


def series_picture(
    observations: Sequence[Observation], title: str, lang: str, marks: Marks | None = None
) -> bytes | None:
    """PNG of a series over time; None with fewer than two values to show."""
    marks = marks or Marks()
    newest = {one.observed_at: one for one in sorted(observations, key=lambda o: o.available_at)}
    finite = [o for o in newest.values() if o.value == o.value and abs(o.value) != float("inf")]
    every = sorted(finite, key=lambda one: one.observed_at)
    shown = [one for one in every if marks.since is None or one.observed_at >= marks.since]
    if every and max(abs(one.value) for one in every) >= MANY_KG:
        every, shown = _tonnes(every), _tonnes(shown)
    kept = shown[-POINTS:]
    if len(kept) < 2:
        return None
    image, draw = canvas(WIDTH, 620)
    if marks.synthetic:
        title = f"[{say('picture.synthetic', lang)}] {title}"
    lines, size = fitted(draw, one_line(title, 200), WIDTH - 2 * PAD, 1, 36)
    draw.text((PAD, 30), lines[0], TEXT, font(size, bold=True))
    band = _usual([one.value for one in every], len(kept))
    plot = _Plot.of(kept, band)
    _grid(draw, plot)
    _band(draw, plot, kept, band)
    _line(draw, plot, kept)
    _alarms(draw, plot, kept, marks)
    _newest(draw, plot, kept[-1])
    _feet(draw, kept, lang, marks, any(band))
    return png(image)


def _tonnes(values: Sequence[Observation]) -> list[Observation]:
    """Kilograms by the million are read as tonnes; other units as they are."""
    return [replace(o, value=o.value / 1000, unit="t") if o.unit == "kg" else o for o in values]


# --------------------------------------------------------------------------- what is usual

Range = tuple[float, float] | None


def _usual(values: Sequence[float], shown: int) -> list[Range]:
    """For each of the newest `shown` values the 10-90 % range of the values before it."""
    start = len(values) - shown
    return [usual_range(values[max(0, n - PAST) : n]) for n in range(start, len(values))]


def usual_range(past: Sequence[float]) -> Range:
    """10 % and 90 % quantiles; None where too little is known.

    >>> usual_range([1.0] * 5) is None, usual_range([float(n) for n in range(21)])
    (True, (2.0, 18.0))
    """
    if len(past) < LEAST_PAST:
        return None
    cuts = quantiles(past, n=10, method="inclusive")
    return cuts[0], cuts[-1]


# --------------------------------------------------------------------------- drawing


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where a value of a moment lies on the paper."""

    start: datetime
    seconds: float
    low: float
    high: float
    step: timedelta  # usual distance of two values

    @classmethod
    def of(cls, kept: Sequence[Observation], band: Sequence[Range]) -> _Plot:
        ends = [end for pair in band if pair for end in pair]
        values = [one.value for one in kept] + ends
        low, high = min(0.0, *values), max(values)
        steps = [b.observed_at - a.observed_at for a, b in pairwise(kept)]
        return cls(
            kept[0].observed_at,
            (kept[-1].observed_at - kept[0].observed_at).total_seconds() or 1.0,
            low,
            high if high > low else low + 1.0,
            timedelta(seconds=median(one.total_seconds() for one in steps)),
        )

    def x(self, at: datetime) -> float:
        return LEFT + (RIGHT - LEFT) * (at - self.start).total_seconds() / self.seconds

    def y(self, value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (value - self.low) / (self.high - self.low)

    def runs(self, kept: Sequence[Observation]) -> list[list[int]]:
        """Places of values that follow one another without a gap."""
        runs = [[0]]
        for n, (a, b) in enumerate(pairwise(kept), 1):
            if b.observed_at - a.observed_at > self.step * TORN:
                runs.append([])
            runs[-1].append(n)
        return runs


def _grid(draw: ImageDraw.ImageDraw, plot: _Plot) -> None:
    for part in (0.0, 0.5, 1.0):
        y = BOTTOM - (BOTTOM - TOP) * part
        draw.line((LEFT, y, RIGHT, y), GRID, 2)
        said = figure(plot.low + (plot.high - plot.low) * part)
        draw.text((LEFT - 14, y), said, GREY, font(24), anchor="rm")


def _band(
    draw: ImageDraw.ImageDraw, plot: _Plot, kept: Sequence[Observation], band: Sequence[Range]
) -> None:
    for run in plot.runs(kept):
        known = [(plot.x(kept[n].observed_at), pair) for n in run if (pair := band[n])]
        if len(known) > 1:
            upper = [(x, plot.y(pair[1])) for x, pair in known]
            lower = [(x, plot.y(pair[0])) for x, pair in reversed(known)]
            draw.polygon([*upper, *lower], BAND)


def _line(draw: ImageDraw.ImageDraw, plot: _Plot, kept: Sequence[Observation]) -> None:
    for run in plot.runs(kept):
        points = [(plot.x(kept[n].observed_at), plot.y(kept[n].value)) for n in run]
        if len(points) > 1:
            draw.line(points, BLUE, 5, joint="curve")
        else:  # a value between two gaps
            x, y = points[0]
            draw.ellipse((x - 4, y - 4, x + 4, y + 4), BLUE)


def _alarms(
    draw: ImageDraw.ImageDraw, plot: _Plot, kept: Sequence[Observation], marks: Marks
) -> None:
    """A ring around each value that alarmed: a shape, so that colour is not all that tells it."""
    for one in kept:
        if one.observed_at in marks.alarms:
            x, y = plot.x(one.observed_at), plot.y(one.value)
            draw.ellipse((x - 15, y - 15, x + 15, y + 15), outline=RED, width=4)


def _newest(draw: ImageDraw.ImageDraw, plot: _Plot, one: Observation) -> None:
    x, y = plot.x(one.observed_at), plot.y(one.value)
    draw.ellipse((x - 9, y - 9, x + 9, y + 9), RED)
    draw.text((x + 20, y), figure(one.value), RED, font(28, bold=True), anchor="lm")


def _feet(
    draw: ImageDraw.ImageDraw,
    kept: Sequence[Observation],
    lang: str,
    marks: Marks,
    banded: bool,
) -> None:
    """Dates and unit under the axis; what the marks mean; who published it, and when."""
    newest = kept[-1]
    draw.text((LEFT, BOTTOM + 28), _day(kept[0].observed_at), GREY, font(24), anchor="lm")
    draw.text((RIGHT, BOTTOM + 28), _day(newest.observed_at), GREY, font(24), anchor="rm")
    draw.text((WIDTH / 2, BOTTOM + 28), one_line(newest.unit, 40), GREY, font(24), anchor="mm")
    told = [say("picture.newest", lang)]
    if any(one.observed_at in marks.alarms for one in kept):
        told.append(say("picture.alarm", lang))
    if banded:
        told.append(say("picture.usual", lang))
    _foot(draw, BOTTOM + 62, " · ".join(told), GREY)
    name = one_line(provider_name(marks.source, lang), 60)
    told = [say("picture.source", lang, name=name)] if name else []
    told.append(say("picture.known", lang, date=_day(newest.available_at)))
    if marks.synthetic:
        told.insert(0, say("picture.synthetic", lang))
    _foot(draw, BOTTOM + 94, " · ".join(told), AMBER if marks.synthetic else GREY)


def _foot(draw: ImageDraw.ImageDraw, y: float, said: str, colour: str) -> None:
    lines, size = fitted(draw, said, WIDTH - 2 * PAD, 1, 24)
    draw.text((PAD, y), lines[0], colour, font(size), anchor="lm")


def figure(value: float) -> str:
    """A value as a person reads it.

    >>> figure(1234567.0), figure(35.25), figure(0.00012)
    ('1,234,567', '35.2', '0.00012')
    """
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}" if abs(value) < 1e12 else f"{value:.2e}"
    return f"{value:.3g}"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"
