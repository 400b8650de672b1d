"""Paths as inline SVG: boxes from the country to the ministry, arrows with their weights.

Solid arrows are stated or computed, dashed ones inferred, dotted ones assumed, unknown or
synthetic. Only classes, no inline style, so the Content-Security-Policy stays strict.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ews.reports import HopLine, Label, percent
from ews.reports.words import word

BOX_W, GAP_X, GAP_Y, LINE_H, PAD = 150, 92, 16, 17, 10
LINE_UNITS = 20  # half-width characters that fit a box
SOLID = {"stated", "computed", "observed"}


@dataclass(frozen=True, slots=True)
class Box:
    label: Label
    kind: str
    lines: tuple[str, ...]
    x: float
    y: float
    height: float


def draw_paths(paths: Sequence[Sequence[HopLine]], lang: str) -> str:
    """One SVG of all paths, shared boxes drawn once; "" when there is nothing to draw."""
    hops = _unique_hops(paths)
    if not hops:
        return ""
    boxes, width, height = _place(hops, lang)
    title = (
        "공급 경로: 국가에서 품목, 용도, 산업, 소관 부처까지"
        if lang == "ko"
        else ("Supply path: from country to item, use, industry and ministry")
    )
    moves = [hop for hop in hops if not _stays(hop)]
    into, out = Counter(h.target.code for h in moves), Counter(h.source.code for h in moves)
    edges = "".join(
        _edge(hop, boxes, into[hop.target.code] > 1, out[hop.source.code] > 1, lang)
        for hop in moves
    )
    lost = {hop.source.code: hop for hop in hops if _stays(hop)}
    drawn = "".join(_box(box, lost.get(code), lang) for code, box in boxes.items())
    return (
        f'<svg class="paths" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-labelledby="paths-title" '
        f'xmlns="http://www.w3.org/2000/svg"><title id="paths-title">{escape(title)}</title>'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" class="tip"/></marker></defs>'
        f"{edges}{drawn}</svg>"
    )


def _unique_hops(paths: Sequence[Sequence[HopLine]]) -> list[HopLine]:
    found: dict[tuple[str, str], HopLine] = {}
    for path in paths:
        for hop in path:
            found.setdefault((hop.source.code, hop.target.code), hop)
    return list(found.values())


def _stays(hop: HopLine) -> bool:
    """A hop from a node to itself: the flow that is lost there."""
    return hop.source.code == hop.target.code


def _is_loss(hop: HopLine) -> bool:
    """The event's own hop: its weight is what is lost, not a share of import."""
    return _stays(hop) or (
        hop.source.code.startswith("country:") and hop.target.code.startswith("origin:")
    )


def _columns(hops: Sequence[HopLine]) -> dict[str, int]:
    """The column of each node: its longest distance from a start (bounded, so a cycle ends)."""
    column = {label.code: 0 for hop in hops for label in (hop.source, hop.target)}
    for _ in range(len(column)):
        moved = False
        for hop in (one for one in hops if not _stays(one)):
            wanted = column[hop.source.code] + 1
            if column[hop.target.code] < wanted <= len(column):
                column[hop.target.code] = wanted
                moved = True
        if not moved:
            break
    return column


def _place(hops: Sequence[HopLine], lang: str) -> tuple[dict[str, Box], float, float]:
    """Boxes by node, with the size of the whole picture."""
    column = _columns(hops)
    names = {label.code: label for hop in hops for label in (hop.source, hop.target)}
    stacks: dict[int, list[str]] = {}
    for code in column:
        stacks.setdefault(column[code], []).append(code)
    lines = {code: _wrap(label.text(lang)) for code, label in names.items()}
    heights = {code: 2 * PAD + LINE_H * (len(lines[code]) + 1) for code in column}
    total = max(
        sum(heights[c] for c in stack) + GAP_Y * (len(stack) - 1) for stack in stacks.values()
    )
    boxes: dict[str, Box] = {}
    for depth in sorted(stacks):
        stack = stacks[depth]
        used = sum(heights[c] for c in stack) + GAP_Y * (len(stack) - 1)
        y = PAD + (total - used) / 2
        for code in stack:
            kind = code.partition(":")[0]
            x = PAD + depth * (BOX_W + GAP_X)
            boxes[code] = Box(names[code], kind, lines[code], x, y, heights[code])
            y += heights[code] + GAP_Y
    width = 2 * PAD + (max(stacks) + 1) * BOX_W + max(stacks) * GAP_X
    return boxes, width, total + 2 * PAD


def _wrap(text: str) -> tuple[str, ...]:
    """At most three lines that fit a box; the full text stays in the box's <title>."""
    lines, line = [], ""
    for token in text.replace("/", "/ ").split():
        if line and _units(f"{line} {token}") > LINE_UNITS:
            lines.append(line)
            line = token
        else:
            line = f"{line} {token}".strip()
    lines.append(line)
    cut = [_clip(one) for one in lines[:3]]
    if len(lines) > 3:
        cut[-1] = _clip(cut[-1] + "…")
    return tuple(cut)


def _clip(line: str) -> str:
    while _units(line) > LINE_UNITS:
        line = line.rstrip("…")[:-1] + "…"
    return line


def _units(text: str) -> int:
    """Width in half-width characters: Korean, Chinese and Japanese letters count two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


KIND_WORDS = {
    "origin": ("공급국", "supplier"),
    "country": ("국가", "country"),
    "chokepoint": ("해협·운하", "chokepoint"),
    "port": ("항만", "port"),
    "item": ("품목", "item"),
    "use": ("국내 용도", "use in Korea"),
    "industry": ("산업", "industry"),
    "ministry": ("소관 부처", "ministry"),
    "firm": ("기업", "firm"),
    "event": ("사건", "event"),
}


def _box(box: Box, lost: HopLine | None, lang: str) -> str:
    ko, en = KIND_WORDS.get(box.kind, (box.kind, box.kind))
    top = box.y + PAD + 11
    kind = ko if lang == "ko" else en
    if lost is not None:
        kind = f"{kind} · {_loss(lost, lang)}"
    spans = "".join(
        f'<text x="{box.x + PAD}" y="{top + LINE_H * (n + 1):.0f}">{escape(line)}</text>'
        for n, line in enumerate(box.lines)
    )
    return (
        f'<g class="box {escape(box.kind)}"><title>{escape(box.label.text(lang))}</title>'
        f'<rect x="{box.x}" y="{box.y:.0f}" width="{BOX_W}" height="{box.height}" rx="6"/>'
        f'<text class="kind" x="{box.x + PAD}" y="{top:.0f}">{escape(kind)}</text>'
        f"{spans}</g>"
    )


def _loss(hop: HopLine, lang: str) -> str:
    said = percent(hop.weight, lang)
    return f"{said} 차질" if lang == "ko" else f"{said} lost"


def _edge(hop: HopLine, boxes: dict[str, Box], crowded: bool, fans_out: bool, lang: str) -> str:
    """An arrow with its words in a <title>; `crowded`: other arrows end at the same box."""
    start, end = boxes[hop.source.code], boxes[hop.target.code]
    x1, y1 = start.x + BOX_W, start.y + start.height / 2
    x2, y2 = end.x - 2, end.y + end.height / 2
    bend = (x2 - x1) / 2
    style = hop.basis if hop.basis in SOLID | {"inferred"} else "unknown"
    why = hop.ko if lang == "ko" else hop.en
    said = " · ".join(
        filter(None, [why, percent(hop.weight, lang), word(hop.basis, lang), hop.period])
    )
    at = (x1 + 6, y1 - 7, "start") if crowded else (x2 - 8, y2 - 7, "end")
    hidden = crowded and fans_out and hop.weight is None
    return (
        f'<g class="edge {escape(style)}"><title>{escape(said)}</title>'
        f'<path d="M{x1:.0f} {y1:.0f} C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} '
        f'{x2:.0f} {y2:.0f}" marker-end="url(#tip)"/>'
        f"{'' if hidden else _weight(hop, at, lang)}</g>"
    )


def _weight(hop: HopLine, at: tuple[float, float, str], lang: str) -> str:
    """The share on an arrow. A step without one (a use's industry, say) shows its basis instead,
    an unknown share reads "unknown"."""
    known = hop.weight is not None
    shown = percent(hop.weight, lang) if known else word(hop.basis, lang)
    if _is_loss(hop):
        shown = _loss(hop, lang)
    x, y, anchor = at
    return (
        f'<text class="weight{"" if known else " none"}" x="{x:.0f}" y="{y:.0f}" '
        f'text-anchor="{anchor}">{escape(shown)}</text>'
    )
