"""The score of an item by month as a small picture."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ews.reports.watch_views import MonthPoint

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 560, 150, 34, 24, 10


def draw_history(points: Sequence[MonthPoint], lang: str) -> str:
    """A line over the months with the score 0..1 on its axis; "" for fewer than two months."""
    known = [(n, one) for n, one in enumerate(points) if one.score is not None]
    if len(known) < 2:
        return ""
    step = (WIDTH - LEFT - 10) / (len(points) - 1)
    scale = HEIGHT - TOP - BOTTOM

    def at(n: int, score: float) -> str:
        return f"{LEFT + n * step:.1f},{TOP + scale * (1 - score):.1f}"

    lines = "".join(
        f'<path class="grid" d="M{LEFT},{y:.1f}H{WIDTH - 10}"/>'
        f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{share:g}</text>'
        for share in (0.0, 0.5, 1.0)
        for y in (TOP + scale * (1 - share),)
    )
    dots = "".join(
        f'<circle cx="{at(n, one.score or 0).split(",")[0]}" cy="{at(n, one.score or 0).split(",")[1]}" r="3">'
        f"<title>{one.month}: {one.score:.3f}</title></circle>"
        for n, one in known
    )
    first, last = points[0], points[-1]
    ends = (
        f'<text x="{LEFT}" y="{HEIGHT - 6}">{first.month}</text>'
        f'<text x="{WIDTH - 10}" y="{HEIGHT - 6}" text-anchor="end">{last.month}</text>'
    )
    told = "월별 점수" if lang == "ko" else "Score by month"
    path = "M" + "L".join(at(n, one.score or 0) for n, one in known)
    said = "; ".join(f"{one.month} {one.score:.2f}" for _, one in known)
    return (
        f'<svg class="history" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{escape(told)}: {said}">{lines}<path class="line" d="{path}"/>{dots}{ends}</svg>'
    )
