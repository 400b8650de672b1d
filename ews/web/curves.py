"""The loss curve of one buyer with its band, as inline SVG: only classes, no inline style."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from ews.reports.outlook_views import BuyerLine, CurvePoint

WIDTH, HEIGHT = 720, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 14, 46
TICKS = 6  # dates under the curve, at most
WORDS = {
    "title": ("{who}: 하루 사용량 중 부족한 비율", "{who}: share of a day's normal use that is short"),
    "band": ("P5~P95 범위", "P5 to P95"),
    "p50": ("중앙값(P50)", "median (P50)"),
    "assumed": ("가정대로일 때", "as assumed"),
    "bad": ("모든 가정이 불리한 경우", "every assumption at its bad end"),
}  # fmt: skip


def draw_curve(buyer: BuyerLine, lang: str) -> str:
    """The band P5..P95, the median, the run as assumed and the bad case; "" without points."""
    points = buyer.curve
    if len(points) < 2:
        return ""
    last = points[-1].day
    top = max(0.05, *(max(p.p95, p.assumed, p.bad) for p in points))

    def at(day: float, short: float) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - RIGHT) * day / last
        return x, TOP + (HEIGHT - TOP - BOTTOM) * (1 - short / top)

    title = _word("title", lang).format(who=buyer.who.text(lang))
    band = [at(p.day, p.p95) for p in points] + [at(p.day, p.p5) for p in reversed(points)]
    lines = "".join(
        f'<path class="{name}" d="{_path([at(p.day, getattr(p, name)) for p in points])}"/>'
        for name in ("bad", "assumed", "p50")
    )
    return (
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{escape(title)}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(title)}</title>{_axes(points, top, at)}"
        f'<path class="band" d="{_path(band)} z"/>{lines}{_key(lang)}</svg>'
    )


def _word(name: str, lang: str) -> str:
    ko, en = WORDS[name]
    return ko if lang == "ko" else en


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _axes(
    points: Sequence[CurvePoint], top: float, at: Callable[[float, float], tuple[float, float]]
) -> str:
    parts = []
    for share in (0.0, top / 2, top):
        x, y = at(0, share)
        parts.append(f'<path class="grid" d="M{x:.1f} {y:.1f} H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{x - 6:.0f}" y="{y + 4:.0f}" text-anchor="end">{share:.0%}</text>')
    for point in points[:: max(1, -(-len(points) // TICKS))]:
        x, y = at(point.day, 0.0)
        form = "%m-%d" if point.on.year == points[0].on.year else "%Y-%m-%d"
        parts.append(
            f'<text x="{x:.0f}" y="{y + 16:.0f}" text-anchor="middle">{point.on:{form}}</text>'
        )
    return "".join(parts)


def _key(lang: str) -> str:
    x, y, parts = float(LEFT), HEIGHT - 10, []
    for name in ("band", "p50", "assumed", "bad"):
        said = _word(name, lang)
        mark = (
            f'<rect class="band" x="{x:.0f}" y="{y - 9}" width="18" height="9"/>'
            if name == "band"
            else f'<path class="{name}" d="M{x:.0f} {y - 4} h18"/>'
        )
        parts.append(f'{mark}<text x="{x + 23:.0f}" y="{y}">{escape(said)}</text>')
        x += 40 + sum(12.5 if ord(char) > 0x2E80 else 6.8 for char in said)
    return "".join(parts)
