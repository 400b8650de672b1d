"""What a source brought on each day as inline SVG, beside what is usual. Only classes, no style."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ews.reports.source_views import DayCount

WIDTH, HEIGHT = 760, 190
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 14, 46
ROOM = 1.12  # above the largest, for words
WORDS = {
    "title": ("날마다 들어온 새 신호", "New signals by day"),
    "usual": ("평소 하루 {n:,.0f}", "usually {n:,.0f} a day"),
    "day": ("{day}: 새 신호 {new:,}, 시도 {turns} (실패 {failed})",
            "{day}: {new:,} new, {turns} tries ({failed} failed)"),
    "silent": ("{day}: 묻지 않음", "{day}: not asked"),
    "failed": ("실패한 시도가 있던 날", "days with failed tries"),
    "unasked": ("묻지 않은 날", "days without a try"),
}  # fmt: skip


def draw_days(days: Sequence[DayCount], usual: float | None, lang: str) -> str:
    """A bar a day with a dashed line at what is usual, days that were not asked, and those with
    failed turns; "" without a day. `usual` is the median of a day."""
    if not days:
        return ""
    most = ROOM * max(1.0, usual or 0.0, *(float(one.new) for one in days))
    title = escape(_word("title", lang))
    bars = "".join(_bar(one, at, len(days), most, lang) for at, one in enumerate(days))
    return (
        f'<svg class="days" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{title}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{title}</title>{_axis(most)}{bars}{_usual(usual, most, lang)}"
        f"{_dates(days)}{_key(days, lang)}</svg>"
    )


def _word(name: str, lang: str) -> str:
    ko, en = WORDS[name]
    return ko if lang == "ko" else en


def _y(value: float, most: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / most)


def _step(count: int) -> float:
    return (WIDTH - LEFT - RIGHT) / max(count, 14)


def _axis(most: float) -> str:
    base, top = HEIGHT - BOTTOM, _y(most / ROOM, most)
    return (
        f'<path class="grid" d="M{LEFT} {top:.1f} H{WIDTH - RIGHT} M{LEFT} {base} H{WIDTH - RIGHT}"/>'
        f'<text x="{LEFT - 6}" y="{top + 4:.0f}" text-anchor="end">{most / ROOM:,.0f}</text>'
        f'<text x="{LEFT - 6}" y="{base + 4}" text-anchor="end">0</text>'
    )


def _bar(one: DayCount, at: int, count: int, most: float, lang: str) -> str:
    step, base = _step(count), HEIGHT - BOTTOM
    x, width = LEFT + at * step + 1, step - 2
    if not one.turns:
        said = _word("silent", lang).format(day=one.day)
        mark = (
            f'<rect class="none" x="{x:.1f}" y="{TOP}" width="{width:.1f}" height="{base - TOP}"/>'
        )
        return f"<g><title>{escape(said)}</title>{mark}</g>"
    said = _word("day", lang).format(day=one.day, new=one.new, turns=one.turns, failed=one.failed)
    top = _y(one.new, most)
    mark = f'<rect class="new" x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{base - top:.1f}"/>'
    if one.failed:
        mark += f'<rect class="failed" x="{x:.1f}" y="{base + 2}" width="{width:.1f}" height="5"/>'
    last = " last" if at == count - 1 else ""
    return f'<g class="day{last}"><title>{escape(said)}</title>{mark}</g>'


def _usual(usual: float | None, most: float, lang: str) -> str:
    if usual is None:
        return ""
    y = _y(usual, most)
    said = escape(_word("usual", lang).format(n=usual))
    return (
        f'<path class="usual" d="M{LEFT} {y:.1f} H{WIDTH - RIGHT}"/>'
        f'<text class="usual" x="{WIDTH - RIGHT - 2}" y="{y - 4:.0f}" text-anchor="end">{said}</text>'
    )


def _dates(days: Sequence[DayCount]) -> str:
    step, base = _step(len(days)), HEIGHT - BOTTOM
    return "".join(
        f'<text x="{LEFT + (at + 0.5) * step:.0f}" y="{base + 20}" text-anchor="middle">'
        f"{one.day:%m-%d}</text>"
        for at, one in enumerate(days)
        if (len(days) - 1 - at) % 7 == 0
    )


def _key(days: Sequence[DayCount], lang: str) -> str:
    x, parts = LEFT, []
    for name, mark, there in (
        ("failed", "failed", any(one.failed for one in days)),
        ("unasked", "none", any(not one.turns for one in days)),
    ):
        if there:
            parts.append(
                f'<rect class="{mark}" x="{x}" y="{HEIGHT - 14}" width="14" height="8"/>'
                f'<text x="{x + 20}" y="{HEIGHT - 6}">{escape(_word(name, lang))}</text>'
            )
            x += 190
    return "".join(parts)
