"""A series as inline SVG: what it did, what was expected, where it alarmed. Only classes, no style."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape

from ews.reports.given import KST
from ews.reports.series_names import said
from ews.reports.series_views import Joined, Point, SeriesReport

WIDTH, HEIGHT = 1100, 430
LEFT, RIGHT, TOP, BOTTOM = 78, 20, 74, 66
LANES = 3  # rows of names above the picture
LATER = 150  # days after the newest period at which an event is still drawn
CLOSE = 40  # px: alarms nearer than this share a name
LETTER = 6.6  # width of a Latin letter
WORDS = {
    "title": ("{name}: 값과 통상 범위, 이상", "{name}: values, their usual range and alarms"),
    "value": ("값", "value"),
    "first": ("처음 공표한 값", "as first published"),
    "expected": ("예상 ({by})", "expected ({by})"),
    "band": ("앞선 값 열에 아홉이 있던 범위", "where nine of ten earlier values lay"),
    "alarm": ("이상", "alarm"),
    "event": ("사건이 시작된 때", "an event began"),
    "synthetic": ("합성 자료: 실제 통계가 아님", "SYNTHETIC DATA: no real figures"),
}
SCALES = {
    "ko": ((1e12, "조"), (1e8, "억"), (1e4, "만")),
    "en": ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")),
}


def compact(value: float, lang: str) -> str:
    """A figure in the reader's own large numbers.

    >>> compact(13_884_535, "en"), compact(13_884_535, "ko"), compact(0.25, "en")
    ('13.9M', '1,388만', '0.25')
    """
    for size, word in SCALES["ko" if lang == "ko" else "en"]:
        if abs(value) >= size:
            scaled = value / size
            return f"{scaled:,.0f}{word}" if abs(scaled) >= 100 else f"{scaled:.3g}{word}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


@dataclass(frozen=True, slots=True)
class Plot:
    """Where a value of a day lies."""

    start: date
    days: int
    low: float
    high: float

    @classmethod
    def of(cls, points: Sequence[Point], until: date) -> Plot:
        values = [p.value for p in points if p.value is not None]
        values += [p.first for p in points if p.first is not None]
        low, high = min(0.0, *values), max(0.0, *values)
        # A band that is far wider than anything seen would press the line flat: it is cut.
        ends = [e for p in points for e in (p.low, p.high) if e is not None]
        span = (high - low) or 1.0
        low = max(min([low, *ends]), low - span * 0.3) if low < 0 else low
        high = min(max([high, *ends]), high + span * 0.3)
        days = (max(points[-1].period, until) - points[0].period).days or 1
        return cls(points[0].period, days, low, high if high > low else low + 1.0)

    def x(self, day: date) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (day - self.start).days / self.days

    def y(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        share = (inside - self.low) / (self.high - self.low)
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share)


def draw_series(found: SeriesReport, lang: str) -> str:
    """The value line with gaps where a value is missing, the usual range, the first vintages where
    they were revised, alarms with their detectors, and events; "" without two values."""
    points = found.points
    if sum(p.value is not None for p in points) < 2:
        return ""
    plot = Plot.of(points, max((day for _, day in _begun(found)), default=points[-1].period))
    title = escape(_word("title", lang).format(name=found.series.title.text(lang)))
    return (
        f'<svg class="series" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{title}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{title}</title>{_axes(plot, found, lang)}{_band(plot, points)}"
        f"{_lines(plot, points)}{_events(plot, found, lang)}{_alarms(plot, found, lang)}"
        f"{_key(found, lang)}</svg>"
    )


def _word(name: str, lang: str) -> str:
    ko, en = WORDS[name]
    return ko if lang == "ko" else en


# --------------------------------------------------------------------------- lines


def _runs(
    points: Sequence[Point], of: Callable[[Point], float | None]
) -> Iterator[list[tuple[date, float]]]:
    """Stretches of points that follow one another without a gap."""
    run: list[tuple[date, float]] = []
    for one in points:
        value = of(one)
        if value is None:
            if run:
                yield run
            run = []
        else:
            run.append((one.period, value))
    if run:
        yield run


def _path(plot: Plot, run: Sequence[tuple[date, float]]) -> str:
    return "M" + " L".join(f"{plot.x(day):.1f} {plot.y(value):.1f}" for day, value in run)


def _line(
    plot: Plot, points: Sequence[Point], name: str, of: Callable[[Point], float | None]
) -> str:
    parts = []
    for run in _runs(points, of):
        if len(run) > 1:
            parts.append(f'<path class="{name}" d="{_path(plot, run)}"/>')
        else:  # a value between two gaps
            day, value = run[0]
            x, y = plot.x(day), plot.y(value)
            parts.append(f'<circle class="{name} lone" cx="{x:.1f}" cy="{y:.1f}" r="2"/>')
    return "".join(parts)


def _lines(plot: Plot, points: Sequence[Point]) -> str:
    ghost = ""
    if any(p.first is not None for p in points):
        ghost = _line(plot, points, "first", lambda p: p.value if p.first is None else p.first)
    expected = _line(plot, points, "expected", lambda p: p.expected)
    return expected + ghost + _line(plot, points, "value", lambda p: p.value)


def _band(plot: Plot, points: Sequence[Point]) -> str:
    parts = []
    for upper in _runs(points, lambda p: p.high if p.low is not None else None):
        days = {day for day, _ in upper}
        lower = [(p.period, p.low) for p in points if p.period in days and p.low is not None]
        if len(upper) > 1:
            shape = _path(plot, [*upper, *reversed(lower)])
            parts.append(f'<path class="band" d="{shape} z"/>')
    return "".join(parts)


# --------------------------------------------------------------------------- axes


def _axes(plot: Plot, found: SeriesReport, lang: str) -> str:
    parts = []
    for value in _levels(plot.low, plot.high):
        y = plot.y(value)
        parts.append(
            f'<path class="grid" d="M{LEFT} {y:.1f} H{WIDTH - RIGHT}"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">'
            f"{escape(compact(value, lang))}</text>"
        )
    if plot.low < 0 < plot.high:
        parts.append(f'<path class="zero" d="M{LEFT} {plot.y(0):.1f} H{WIDTH - RIGHT}"/>')
    base = HEIGHT - BOTTOM
    for day, text in _ticks(plot):
        x = plot.x(day)
        parts.append(
            f'<path class="tick" d="M{x:.1f} {base} v5"/>'
            f'<text x="{x:.0f}" y="{base + 19}" text-anchor="middle">{text}</text>'
        )
    unit = found.series.unit
    parts.append(
        f'<text class="unit" x="{LEFT - 8}" y="{TOP - 12}" text-anchor="end">{escape(unit)}</text>'
    )
    return "".join(parts)


def _levels(low: float, high: float) -> list[float]:
    """Round values between two: from three to six of them.

    >>> _levels(0.0, 13.9), _levels(-0.4, 0.8)
    ([0.0, 2.5, 5.0, 7.5, 10.0, 12.5], [-0.25, 0.0, 0.25, 0.5, 0.75])
    """
    size = 10.0 ** math.floor(math.log10((high - low) / 4))
    steps = (size * part for part in (1.0, 2.0, 2.5, 5.0, 10.0))
    step = next(one for one in steps if (high - low) / one <= 6)
    return [at * step for at in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _ticks(plot: Plot) -> list[tuple[date, str]]:
    """Years, or months where there are few years."""
    end = plot.start + timedelta(days=plot.days)
    step = 12 if plot.days > 3 * 366 else 3 if plot.days > 300 else 1
    found = []
    count = plot.start.year * 12 + plot.start.month - 1
    while (day := date(count // 12, count % 12 + 1, 1)) <= end:
        if (count % 12) % step == 0 and day >= plot.start:
            found.append((day, str(day.year) if step == 12 else f"{day:%Y-%m}"))
        count += 1
    return found


# --------------------------------------------------------------------------- marks


def _events(plot: Plot, found: SeriesReport, lang: str) -> str:
    parts = []
    for one, day in _begun(found):
        x = plot.x(day)
        line = (
            f'<g class="event"><title>{escape(_event_said(one, day, lang))}</title>'
            f'<path d="M{x:.1f} {TOP} V{HEIGHT - BOTTOM}"/>'
            f'<path class="tip" d="M{x - 5:.1f} {HEIGHT - BOTTOM + 36} h10 l-5 -9 z"/></g>'
        )
        at = f"/alerts/{one.alerts[0]}" if one.alerts else ""
        query = "?lang=en" if lang == "en" else ""
        parts.append(f'<a href="{escape(at)}{query}">{line}</a>' if at else line)
    return "".join(parts)


def _begun(found: SeriesReport) -> list[tuple[Joined, date]]:
    """Events with the day on which they began, as far as the picture reaches or soon after: what a
    series says of a month is known some months later."""
    first, last = found.points[0].period, found.points[-1].period + timedelta(days=LATER)
    days = [(one, one.first_seen.astimezone(KST).date()) for one in found.events]
    return [(one, day) for one, day in days if first <= day <= last]


def _event_said(one: Joined, day: date, lang: str) -> str:
    return f"{day} · {one.title.text(lang)} · {said('status', one.status, lang)}"


def _alarms(plot: Plot, found: SeriesReport, lang: str) -> str:
    """A ring at each alarm; its detectors in the lanes above, as far as there is room. Of alarms of
    the same detectors that stand close together the first is named, with their number."""
    values = {p.period: p.value for p in found.points}
    alarms: dict[date, list[str]] = {}
    for one in sorted(found.detections, key=lambda d: d.period):
        alarms.setdefault(one.period, []).append(said("detector", one.detector, lang))
    runs: list[list[tuple[float, float, str]]] = []
    rings = []
    for day, names in alarms.items():
        value = values.get(day)
        if value is None:
            continue
        x, y, told = plot.x(day), plot.y(value), " + ".join(dict.fromkeys(names))
        rings.append(
            f"<g><title>{escape(f'{day} · {told} · {compact(value, lang)}')}</title>"
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6"/></g>'
        )
        if runs and runs[-1][-1][2] == told and x - runs[-1][-1][0] < CLOSE:
            runs[-1].append((x, y, told))
        else:
            runs.append([(x, y, told)])
    ends = [0.0] * LANES
    lanes = [_lane(_times(run), *run[0][:2], ends) for run in runs]
    return f'<g class="alarm">{"".join(lanes)}{"".join(rings)}</g>' if rings else ""


def _times(run: Sequence[tuple[float, float, str]]) -> str:
    return run[0][2] if len(run) == 1 else f"{run[0][2]} x{len(run)}"


def _lane(text: str, x: float, y: float, ends: list[float]) -> str:
    """The name of an alarm above the picture with a line to it; "" when every lane is taken."""
    width = wide(text)
    begin = min(max(x - width / 2, LEFT), WIDTH - RIGHT - width)
    for lane, end in enumerate(ends):
        if begin > end + 8:
            ends[lane] = begin + width
            top = 16 + lane * 17
            return (
                f'<path class="lead" d="M{x:.1f} {top + 4} V{y - 7:.1f}"/>'
                f'<text x="{begin:.0f}" y="{top}">{escape(text)}</text>'
            )
    return ""


def wide(text: str) -> float:
    """About how wide a text is drawn."""
    return sum(12.0 if ord(char) > 0x2E80 else LETTER for char in text)


def _key(found: SeriesReport, lang: str) -> str:
    points = found.points
    shown = [("value", True), ("first", any(p.first is not None for p in points)),
             ("expected", bool(found.expected_by)), ("band", any(p.low is not None for p in points)),
             ("alarm", bool(found.detections)), ("event", bool(found.events))]  # fmt: skip
    by = said("detector", found.expected_by, lang) if found.expected_by else ""
    x, y, parts = float(LEFT), HEIGHT - 14, []
    for name, there in shown:
        if not there:
            continue
        text = _word(name, lang).format(by=by)
        parts.append(f'{_mark(name, x, y)}<text x="{x + 25:.0f}" y="{y}">{escape(text)}</text>')
        x += 46 + wide(text)
    if found.series.synthetic:
        parts.append(
            f'<text class="made" x="{WIDTH - RIGHT}" y="{TOP + 18}" text-anchor="end">'
            f"{escape(_word('synthetic', lang))}</text>"
        )
    return "".join(parts)


def _mark(name: str, x: float, y: float) -> str:
    if name == "band":
        return f'<rect class="band" x="{x:.0f}" y="{y - 10}" width="20" height="11"/>'
    if name == "alarm":
        return f'<g class="alarm"><circle cx="{x + 10:.0f}" cy="{y - 4}" r="6"/></g>'
    if name == "event":
        return f'<g class="event"><path class="tip" d="M{x + 5:.0f} {y} h10 l-5 -9 z"/></g>'
    return f'<path class="{name}" d="M{x:.0f} {y - 4} h20"/>'
