"""The AMOC curves as a picture: days to detection against false alarms a year."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 760, 440, 60, 50, 30, 30
COLOURS = ("#7f7f7f", "#e69f00", "#d55e00", "#cc79a7", "#56b4e9", "#0b4f8a")  # Okabe & Ito


def amoc_picture(curves: Mapping[str, Sequence[tuple[float, float, float]]]) -> str:
    """An SVG: one line a detector; x logarithmic, both axes labelled in Korean and English."""
    used = [point for points in curves.values() for point in points if point[0] > 0]
    low = 10 ** (math.floor(math.log10(min(x for x, _, _ in used))) - 1)  # room for the names
    high = 10 ** math.ceil(math.log10(max(x for x, _, _ in used)))
    most = math.ceil(max(y for _, y, _ in used) / 2) * 2

    def place(x: float, y: float) -> tuple[float, float]:
        across = math.log(x / low) / math.log(high / low)
        wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return LEFT + across * wide, HEIGHT - BOTTOM - y / most * tall

    parts = [
        _text(
            LEFT,
            18,
            "Days to detection (a missed pulse counts its whole length) · 탐지까지 걸린 날",
        )
    ]
    for y in range(0, most + 1, 2):
        (x1, at), (x2, _) = place(low, y), place(high, y)
        parts += [_line(x1, at, x2, at), _text(x1 - 8, at + 4, str(y), "end")]
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        (at, y1), (_, y2) = place(10**power, 0), place(10**power, most)
        parts += [_line(at, y1, at, y2), _text(at, y1 + 16, f"{10**power:g}", "middle")]
    parts.append(
        _text(LEFT, HEIGHT - 12, "False alarms (episodes) a series-year · 계열당 연간 오경보")
    )
    for (name, points), colour in zip(curves.items(), COLOURS, strict=True):
        spots = [place(x, y) for x, y, _ in points if x > 0]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>'
        )
        parts.append(_text(spots[0][0] - 6, spots[0][1] + 4, name, "end", colour))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'font-family="sans-serif" font-size="12"><title>AMOC curves of the simulated outbreaks '
        f'(synthetic data)</title><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, words: str, anchor: str = "start", fill: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{words}</text>'
