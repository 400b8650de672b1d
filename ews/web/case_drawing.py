"""The time line of a case as inline SVG: what was known, our alerts, what the state did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from ews.model import Stage
from ews.tuning.timeline_words import Line, moment

WIDTH, HEIGHT = 900, 190
LEFT, RIGHT = 110, 20
LANES = (
    ("known", 40, ("알려진 것", "known")),
    ("alert", 90, ("경보", "alerts")),
    ("reaction", 140, ("실제 대응·결과", "what happened")),
)
LANE_OF = {"known": "known", "unread": "reaction", "alert": "alert", "reaction": "reaction",
           "reality": "reaction"}  # fmt: skip
TICKS = 6


def draw_timeline(rows: Sequence[Line], lang: str) -> str:
    """One mark for each line that has a lane; the table beside it says the same. "" for too few."""
    shown = [one for one in rows if one.kind in LANE_OF]
    if len(shown) < 2:
        return ""
    first, last = _span(shown)
    title = "사례의 시간표" if lang == "ko" else "Time line of the case"
    lanes = "".join(
        f'<path class="grid" d="M{LEFT} {y} H{WIDTH - RIGHT}"/>'
        f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">'
        f"{escape(said[0] if lang == 'ko' else said[1])}</text>"
        for _, y, said in LANES
    )
    marks = "".join(_mark(one, _x(one.at, first, last), lang) for one in shown
                    if first <= one.at <= last)  # fmt: skip
    return (
        f'<svg class="curve moments" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="{title}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{title}</title>{lanes}{_dates(first, last)}{marks}</svg>"
    )


def _span(shown: Sequence[Line]) -> tuple[datetime, datetime]:
    """The time that is drawn: what ews told, with the reactions; a far end would press it flat."""
    alerts = [one.at for one in shown if one.kind == "alert"] or [one.at for one in shown]
    near = [one.at for one in shown if one.kind == "reaction"]
    first, last = min(*alerts, *near, alerts[0]), max(*alerts, *near, alerts[0])
    room = (last - first) / 20
    return first - room, last + room


def _x(at: datetime, first: datetime, last: datetime) -> float:
    share = (at - first) / (last - first) if last > first else 0.5
    return LEFT + (WIDTH - LEFT - RIGHT) * share


def _mark(one: Line, x: float, lang: str) -> str:
    y = next(y for name, y, _ in LANES if name == LANE_OF[one.kind])
    stage = Stage(one.stage) if one.stage is not None else None
    known = f" {stage.ko if lang == 'ko' else stage.en}" if stage else ""
    said = escape(f"{moment(one.at)} · {one.what}{known} · {one.text}")
    name = (
        f"moment {one.kind}" + (f" s{one.stage}" if stage else "") + (" ended" if one.ended else "")
    )
    shape = (
        f'<rect x="{x - 6:.1f}" y="{y - 6 - 3 * (one.stage or 0)}" width="12" '
        f'height="{12 + 6 * (one.stage or 0)}" rx="2"/>'
        if stage
        else f'<circle cx="{x:.1f}" cy="{y}" r="5"/>'
    )
    return f'<g class="{name}"><title>{said}</title>{shape}</g>'


def _dates(first: datetime, last: datetime) -> str:
    """Days below the lanes; of a few days each once."""
    parts: list[str] = []
    told = ""
    for number in range(TICKS):
        at = first + (last - first) * number / (TICKS - 1)
        if (day := moment(at)[:10]) == told:
            continue
        told = day
        anchor = "start" if number == 0 else "end" if number == TICKS - 1 else "middle"
        parts.append(f'<text x="{_x(at, first, last):.0f}" y="{HEIGHT - 12}" '
                     f'text-anchor="{anchor}">{day}</text>')  # fmt: skip
    return "".join(parts)
