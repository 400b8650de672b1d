"""What the page of a network draws: the loss of the whole by day, and the paths to one firm."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from markupsafe import Markup

from ews.reports import HopLine, Label
from ews.reports.network_views import LossDay, NetworkPath, NetworkWhatIf
from ews.web.drawing import draw_paths

WIDTH, HEIGHT = 720, 230
LEFT, RIGHT, TOP, BOTTOM = 72, 16, 14, 34
TICKS = 8  # days under the curve, at most
DRAWN = 4  # paths; more boxes than these nobody reads, and the table lists all


def network_drawn(found: NetworkWhatIf | None, lang: str) -> dict[str, object]:
    """The drawings that `network.html` needs."""
    if found is None:
        return {"curve": Markup(), "picture": Markup()}
    paths = found.why.paths[:DRAWN] if found.why else ()
    return {
        "curve": Markup(draw_losses(found.curve, found.network.currency, lang)),
        "picture": Markup(draw_paths([_hops(path) for path in paths if path.steps], lang)),
    }


def draw_losses(curve: Sequence[LossDay], currency: str, lang: str) -> str:
    """Loss of all nodes together, day by day, as inline SVG; "" without two days.

    >>> draw_losses([LossDay(0, 1.0, 0.1)], "KRW", "en")
    ''
    """
    if len(curve) < 2:
        return ""
    most = max(day.loss for day in curve) or 1.0
    wide = (WIDTH - LEFT - RIGHT) / curve[-1].day
    high = HEIGHT - TOP - BOTTOM
    points = [(LEFT + wide * d.day, TOP + high * (1 - d.loss / most)) for d in curve]
    line = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    of = currency or ("화폐 단위" if lang == "ko" else "units of the file")
    title = f"날짜별 전체 손실 ({of})" if lang == "ko" else f"Loss of the whole by day ({of})"
    grid = "".join(
        f'<path class="grid" d="M{LEFT} {TOP + high * (1 - part):.1f} H{WIDTH - RIGHT}"/>'
        f'<text x="{LEFT - 6}" y="{TOP + high * (1 - part) + 4:.0f}" text-anchor="end">'
        f"{most * part:.3g}</text>"
        for part in (0.0, 0.5, 1.0)
    )
    days = "".join(
        f'<text x="{x:.0f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{d.day}</text>'
        for (x, _), d in list(zip(points, curve, strict=True))[:: -(-len(curve) // TICKS)]
    )
    return (
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{escape(title)}" xmlns="http://www.w3.org/2000/svg">'
        f'<title>{escape(title)}</title>{grid}{days}<path class="p50" d="{line}"/></svg>'
    )


def _hops(path: NetworkPath) -> list[HopLine]:
    """The path as hops, each with its share. Orders that stay out run from buyer to supplier."""
    hops = []
    for step in path.steps:
        ends = (step.supplier, step.buyer)
        source, target = ends if path.side == "down" else ends[::-1]
        basis = "synthetic" if step.synthetic else step.basis
        cited = " ".join(filter(None, (step.source, step.as_of)))
        hops.append(HopLine(_boxed(source), _boxed(target), step.item, step.item, step.weight,
                            basis, "", cited))  # fmt: skip
    return hops


def _boxed(who: Label) -> Label:
    """A node as the drawing takes it: its code begins with a kind."""
    code = who.code if ":" in who.code else f"firm:{who.code}"
    return Label(code, who.en, who.ko)
