"""How do two versions of the rules look side by side? A curve and bars as inline SVG, no style."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ews.web.tuning_words import of

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 20, 16, 74
LINE_H, NAME_W, BAR_W, FIGURES_W = 44, 150, 330, 150
WORDS = {
    "curve": (
        "문턱값을 함께 올리고 내릴 때: 하루 경보 수(주의 이상)와 찾은 사건의 비율",
        "All thresholds moved together: alerts a day (CAUTION or higher) and share of episodes caught",
    ),
    "x": ("하루 경보 수, 주의 이상", "alerts a day, CAUTION or higher"),
    "recall": ("찾은 사건의 비율", "episodes caught"),
    "precision": ("맞은 경보의 비율", "alerts that are right"),
    "before": ("지금", "now"),
    "after": ("바꾸면", "changed"),
    "loads": ("수신처마다 하루에 받는 알림", "Messages a day for each receiver"),
    "budget": ("한도", "budget"),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One operating point of the curve."""

    per_day: float
    recall: float | None
    precision: float | None = None


@dataclass(frozen=True, slots=True)
class Bars:
    """What one receiver hears a day, before and after, and its budget."""

    name: str
    before: float
    after: float
    budget: int | None


def draw_operating(points: Sequence[Mark], before: Mark, after: Mark, lang: str) -> str:
    """Recall (solid) and precision (dashed) over alerts a day, with where the rules stand: a square
    now, a disc as changed; "" without two points."""
    if len(points) < 2:
        return ""
    top = _rounded(max([*(p.per_day for p in points), before.per_day, after.per_day, 0.1]))
    title = of(WORDS["curve"], lang)
    lines = "".join(_line(points, name, top) for name in ("recall", "precision"))
    marks = _mark(before, "before", top, lang) + _mark(after, "after", top, lang)
    return (
        f'<svg class="curve tuned" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="{escape(title)}" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>'
        f"{_axes(top, lang)}{lines}{marks}{_key(points, lang)}</svg>"
    )


def _at(per_day: float, share: float, top: float) -> tuple[float, float]:
    x = LEFT + (WIDTH - LEFT - RIGHT) * min(per_day / top, 1.0)
    return x, TOP + (HEIGHT - TOP - BOTTOM) * (1 - share)


def _rounded(value: float) -> float:
    """The next 1, 2 or 5 of a power of ten.

    >>> _rounded(1.3), _rounded(0.04), _rounded(5.0)
    (2.0, 0.05, 5.0)
    """
    power = 10.0 ** math.floor(math.log10(value))
    return float(next(step * power for step in (1, 2, 5, 10) if value <= step * power * 1.0000001))


def _axes(top: float, lang: str) -> str:
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _at(0, share, top)
        parts.append(f'<path class="grid" d="M{x:.1f} {y:.1f} H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{x - 6:.0f}" y="{y + 4:.0f}" text-anchor="end">{share:.0%}</text>')
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _at(top * part, 0, top)
        parts.append(
            f'<text x="{x:.0f}" y="{y + 17:.0f}" text-anchor="middle">{top * part:g}</text>'
        )
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    said = escape(of(WORDS["x"], lang))
    parts.append(f'<text x="{middle:.0f}" y="{HEIGHT - 36}" text-anchor="middle">{said}</text>')
    return "".join(parts)


def _line(points: Sequence[Mark], name: str, top: float) -> str:
    known = sorted((p.per_day, getattr(p, name)) for p in points if getattr(p, name) is not None)
    if len(known) < 2:
        return ""
    path = " L".join("{:.1f} {:.1f}".format(*_at(x, y, top)) for x, y in known)
    return f'<path class="{name}" d="M{path}"/>'


def _mark(mark: Mark, name: str, top: float, lang: str) -> str:
    if mark.recall is None:
        return ""
    x, y = _at(mark.per_day, mark.recall, top)
    said = f"{of(WORDS[name], lang)}: {mark.per_day:.2f}, {mark.recall:.0%}"
    return f'<g class="mark {name}"><title>{escape(said)}</title>{_shape(name, x, y)}</g>'


def _shape(name: str, x: float, y: float) -> str:
    """Told apart by shape, not by colour alone."""
    if name == "before":
        return f'<rect x="{x - 7:.1f}" y="{y - 7:.1f}" width="14" height="14"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6"/>'


def _key(points: Sequence[Mark], lang: str) -> str:
    x, y, parts = float(LEFT), HEIGHT - 10, []
    lines = ["recall"] if any(p.recall is not None for p in points) else []
    lines += ["precision"] if any(p.precision is not None for p in points) else []
    for name in (*lines, "before", "after"):
        said = of(WORDS[name], lang)
        if name in lines:
            shape = f'<path class="{name}" d="M{x:.0f} {y - 4} h24"/>'
        else:
            shape = f'<g class="mark {name}">{_shape(name, x + 12, y - 4)}</g>'
        parts.append(f'{shape}<text x="{x + 30:.0f}" y="{y}">{escape(said)}</text>')
        x += 50 + _wide(said)
    return "".join(parts)


def _wide(said: str) -> float:
    return sum(12.5 if ord(char) > 0x2E80 else 6.8 for char in said)


def draw_loads(rows: Sequence[Bars], lang: str) -> str:
    """Two bars for each receiver, now (outlined) and as changed (filled), and a mark at its budget;
    "" without rows."""
    if not rows:
        return ""
    top = _rounded(max([0.1, *(max(r.before, r.after, r.budget or 0) for r in rows)]))
    width, height = NAME_W + BAR_W + FIGURES_W, LINE_H * len(rows) + 26
    title = of(WORDS["loads"], lang)
    drawn = "".join(_bars(row, n * LINE_H, top, lang) for n, row in enumerate(rows))
    return (
        f'<svg class="curve loads" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(title)}" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>{drawn}'
        f"{_bar_key(height, lang)}</svg>"
    )


def _bars(row: Bars, y: int, top: float, lang: str) -> str:
    before, after = BAR_W * row.before / top, BAR_W * row.after / top
    over = row.budget is not None and row.after > row.budget
    figures = f"{row.before:.2f} → {row.after:.2f}"
    mark = ""
    if row.budget is not None:
        x = NAME_W + BAR_W * row.budget / top
        said = f"{of(WORDS['budget'], lang)} {row.budget}"
        mark = (
            f'<g class="budget"><title>{escape(said)}</title><path d="M{x:.1f} {y + 3} v36"/></g>'
        )
    name = row.name if len(row.name) <= 20 else row.name[:19] + "…"
    return (
        f"<g><title>{escape(f'{row.name}: {figures}')}</title>"
        f'<text x="{NAME_W - 8}" y="{y + 26}" text-anchor="end">{escape(name)}</text>'
        f'<rect class="before" x="{NAME_W}" y="{y + 7}" width="{before:.1f}" height="12"/>'
        f'<rect class="after{" over" if over else ""}" x="{NAME_W}" y="{y + 22}" '
        f'width="{after:.1f}" height="12"/>'
        f'<text x="{NAME_W + BAR_W + 10}" y="{y + 26}">{figures}{" !" if over else ""}</text></g>'
        f"{mark}"
    )


def _bar_key(height: int, lang: str) -> str:
    x, y, parts = float(NAME_W), height - 6, []
    for name in ("before", "after", "budget"):
        said = of(WORDS[name], lang)
        shape = (
            f'<g class="budget"><path d="M{x + 9:.0f} {y - 12} v14"/></g>'
            if name == "budget"
            else f'<rect class="{name}" x="{x:.0f}" y="{y - 10}" width="18" height="10"/>'
        )
        parts.append(f'{shape}<text x="{x + 24:.0f}" y="{y}">{escape(said)}</text>')
        x += 44 + _wide(said)
    return "".join(parts)
