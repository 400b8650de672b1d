"""Reliability diagrams as hand-written SVG: plain values in, text out. The same in, the same out.

A dot per bin of the predicted probability: across, its mean; up, the share of rows that were
events, with the 95% interval; below, how many rows the bin has. On the dashed line the two agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nlp.cards import ANY

LEAST_ROWS = 10  # fewer make no diagram
NAMES = {"all": "All languages", "ko": "Korean", "en": "English", "ja": "Japanese", "zh": "Chinese"}
WIDTH, HEIGHT = 360, 424
LEFT, TOP, SIDE = 54, 66, 288  # of the square plot
INK, SOFT, GRID, DOT = "#1f2328", "#59636e", "#e4e7eb", "#0a5c9e"


def of_set(calibration: Mapping[str, Any]) -> dict[str, str]:
    """File name and drawing per language of a calibration report, all languages first."""
    langs = [name for name in calibration if name not in {"rows", "all"}]
    found: dict[str, str] = {}
    for name in ["all", *sorted(langs, key=lambda x: (-calibration[x][ANY]["rows"], x))]:
        table = calibration.get(name, {}).get(ANY)
        if table and table["rows"] >= LEAST_ROWS:
            found[f"reliability-{name}.svg"] = reliability(NAMES.get(name, name), table)
    return found


def reliability(title: str, table: Mapping[str, Any]) -> str:
    """One diagram of `nlp.cards.reliability`'s table."""
    low, high = table["ece_95"] or (None, None)
    spread = "" if low is None else f" ({low:.3f} to {high:.3f})"
    what = (
        f"{title}: any event, natural stream, {table['rows']} rows, {table['true']} events. "
        + f"ECE {table['ece']:.3f}, Brier {table['brier']:.3f}. "
        + " ".join(
            f"{b['from']:.1f} to {b['to']:.1f}: {b['rows']} rows, {b['true']} events."
            for b in table["bins"]
            if b["rows"]
        )
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" font-family="sans-serif">',
        f"<title>{escaped(title)}</title>",
        f"<desc>{escaped(what)}</desc>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        text(LEFT, 24, title, 16, INK, weight="bold"),
        text(LEFT, 41, f"natural stream: {table['rows']} rows, {table['true']} events", 12, SOFT),
        text(LEFT, 56, f"ECE {table['ece']:.3f}{spread}, Brier {table['brier']:.3f}", 12, SOFT),
        *frame(),
        *(mark for one in table["bins"] for mark in dot(one)),
        *counts(table["bins"]),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def x_of(share: float) -> str:
    return plain(LEFT + SIDE * share)


def y_of(share: float) -> str:
    return plain(TOP + SIDE * (1 - share))


def plain(value: float) -> str:
    """One decimal, none when it is 0: small files, and no noise in a diff.

    >>> plain(54.0), plain(54.25)
    ('54', '54.2')
    """
    return f"{value:.1f}".removesuffix(".0")


def frame() -> list[str]:
    """Grid, axes with their numbers and words, and the line of agreement."""
    parts = []
    for step in range(6):
        share = step / 5
        x, y = x_of(share), y_of(share)
        parts += [
            f'<path d="M{x} {y_of(0)}V{y_of(1)}M{x_of(0)} {y}H{x_of(1)}" stroke="{GRID}"/>',
            text(float(x), TOP + SIDE + 16, f"{share:.1f}", 11, SOFT, "middle"),
            text(LEFT - 6, float(y) + 4, f"{share:.1f}", 11, SOFT, "end"),
        ]
    middle = TOP + SIDE / 2
    return [
        *parts,
        f'<path d="M{x_of(0)} {y_of(0)}L{x_of(1)} {y_of(1)}" stroke="{SOFT}" '
        'stroke-dasharray="5 4"/>',
        text(LEFT + SIDE / 2, HEIGHT - 8, "predicted probability of any event", 12, INK, "middle"),
        f'<text x="16" y="{plain(middle)}" font-size="12" fill="{INK}" text-anchor="middle" '
        f'transform="rotate(-90 16 {plain(middle)})">share of rows that were events</text>',
    ]


def dot(one: Mapping[str, Any]) -> list[str]:
    """The bin's dot, larger with more rows, over its interval; nothing for an empty bin."""
    if not one["rows"]:
        return []
    low, high = one["seen_95"]
    x = x_of(one["mean"])
    size = min(8.0, 3.0 + one["rows"] ** 0.5 / 6)
    return [
        f'<path d="M{x} {y_of(low)}V{y_of(high)}" stroke="{DOT}" stroke-width="1.5" '
        'stroke-opacity="0.55"/>',
        f'<circle cx="{x}" cy="{y_of(one["seen"])}" r="{plain(size)}" fill="{DOT}"/>',
    ]


def counts(bins: list[Mapping[str, Any]]) -> list[str]:
    """Rows of every bin, under the axis."""
    y = TOP + SIDE + 34
    return [
        text(LEFT - 6, y, "rows", 11, INK, "end"),
        *(
            text(
                LEFT + SIDE * (one["from"] + one["to"]) / 2, y, str(one["rows"]), 11, INK, "middle"
            )
            for one in bins
        ),
    ]


def text(
    x: float, y: float, words: str, size: int, fill: str, anchor: str = "start", weight: str = ""
) -> str:
    bold = f' font-weight="{weight}"' if weight else ""
    side = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return (
        f'<text x="{plain(x)}" y="{plain(y)}" font-size="{size}" fill="{fill}"{side}{bold}>'
        f"{escaped(words)}</text>"
    )


def escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
