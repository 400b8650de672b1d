"""The reliability diagram as inline SVG: what was said against how often it came true. Only classes,
no inline style."""

from __future__ import annotations

from html import escape

from ews.tuning.reliability import Bin, Reliability

SIDE, LEFT, TOP, BOTTOM, BARS = 330, 52, 14, 40, 70
WIDTH, HEIGHT = LEFT + SIDE + 24, TOP + SIDE + BOTTOM + BARS + 30
WORDS = {
    "title": ("보낸 확률과 실제: 확률 구간별로 맞은 비율", "Probability sent against outcome: share that came true, by bin"),
    "x": ("보낸 확률", "probability sent"),
    "y": ("맞은 비율", "share that came true"),
    "n": ("구간별 건수", "count in each bin"),
    "mark": ("{said:.0%}라 한 {n}건 가운데 {came:.0%}가 맞음 (95% 구간 {low:.0%}~{high:.0%})",
             "{n} said {said:.0%}, {came:.0%} came true (95% interval {low:.0%} to {high:.0%})"),
}  # fmt: skip


def draw_reliability(found: Reliability, lang: str) -> str:
    """Points with their intervals, the line where both agree, counts below; "" when nothing was
    counted."""
    if not found.widths:
        return ""
    title = escape(_word("title", lang))
    marks = "".join(_mark(one, lang) for one in found.widths)
    most = max(one.count for one in found.widths)
    bars = "".join(_bar(one, most) for one in found.widths)
    return (
        f'<svg class="reliability" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="{title}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{title}</title>{_axes(lang)}{marks}{bars}</svg>"
    )


def _word(name: str, lang: str) -> str:
    ko, en = WORDS[name]
    return ko if lang == "ko" else en


def _x(share: float) -> float:
    return LEFT + SIDE * share


def _y(share: float) -> float:
    return TOP + SIDE * (1 - share)


def _axes(lang: str) -> str:
    parts = [f'<path class="even" d="M{_x(0):.1f} {_y(0):.1f} L{_x(1):.1f} {_y(1):.1f}"/>']
    for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        parts.append(f'<path class="grid" d="M{_x(0):.1f} {_y(share):.1f} H{_x(1):.1f}"/>')
        parts.append(
            f'<text x="{LEFT - 6}" y="{_y(share) + 4:.0f}" text-anchor="end">{share:.0%}</text>'
            f'<text x="{_x(share):.0f}" y="{_y(0) + 16:.0f}" text-anchor="middle">{share:.0%}</text>'
        )
    middle, base = _x(0.5), _y(0)
    parts.append(
        f'<text class="axis" x="{middle:.0f}" y="{base + 33:.0f}" text-anchor="middle">'
        f"{escape(_word('x', lang))}</text>"
        f'<text class="axis" x="{LEFT + 6}" y="{TOP + 12}">{escape(_word("y", lang))}</text>'
        f'<text class="axis" x="{LEFT}" y="{base + BOTTOM + 12:.0f}">{escape(_word("n", lang))}</text>'
    )
    return "".join(parts)


def _mark(one: Bin, lang: str) -> str:
    low, high = one.interval
    said = _word("mark", lang).format(n=one.count, said=one.said, came=one.came, low=low, high=high)
    x = _x(one.said)
    return (
        f'<g class="mark"><title>{escape(said)}</title>'
        f'<path d="M{x:.1f} {_y(low):.1f} V{_y(high):.1f}"/>'
        f'<circle cx="{x:.1f}" cy="{_y(one.came):.1f}" r="5"/></g>'
    )


def _bar(one: Bin, most: int) -> str:
    height = (BARS - 18) * one.count / most
    base = _y(0) + BOTTOM + BARS
    x, width = _x(one.low) + 2, SIDE * (one.high - one.low) - 4
    return (
        f'<rect class="count" x="{x:.1f}" y="{base - height:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}"/><text x="{x + width / 2:.1f}" y="{base + 13:.0f}" '
        f'text-anchor="middle">{one.count}</text>'
    )
