"""How does a path look? A PNG picture for messages and documents, readable on a phone.

Drawn with the font that ships here, dark on white. Names come from our own tables; a firm's name is
never drawn, and text from outside is one clean line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from PIL import ImageDraw

from alerts.paper import (
    AMBER,
    BLUE,
    GREY,
    INK,
    LINE,
    PAD,
    PALE,
    RED,
    WIDTH,
    canvas,
    fitted,
    font,
    png,
)
from alerts.plain import one_line
from alerts.reach import name_node, years
from alerts.sections import percent
from alerts.view import AlertView
from alerts.words import say
from ews.model import Exposure, Hop

COLUMNS, ROWS = 4, 2
BOX_W, BOX_H = 214, 150
STRIDE = (WIDTH - 2 * PAD - BOX_W) // (COLUMNS - 1)  # from one box to the next
TOP, FALL = 156, 210  # of the first row; to the next
KINDS = {"origin", "country", "chokepoint", "port", "item", "use", "industry", "ministry"}
SOLID = {"stated", "computed", "observed"}


@dataclass(frozen=True, slots=True)
class Step:
    """A box of the path, with the arrow that leads to it."""

    kind: str
    name: str
    share: str = ""  # on the arrow to it
    known: bool = True  # False: the share was never read
    basis: str = ""


# --------------------------------------------------------------------------- the path


def path_picture(view: AlertView, lang: str) -> bytes | None:
    """PNG of the strongest path, from the origin to the ministry; None when no path is known."""
    exposure = next(iter(view.public_exposures), None)
    if exposure is None:
        return None
    steps = path_steps(view, exposure, lang)
    if len(steps) < 2:
        return None
    rows = -(-len(steps) // COLUMNS)
    image, draw = canvas(WIDTH, TOP + rows * FALL + 20)
    _heading(draw, view, exposure, lang)
    for number, step in enumerate(steps):
        _arrow(draw, number, step)
    for number, step in enumerate(steps):
        _box(draw, number, step, lang)
    _foot(draw, exposure, lang, image.height)
    return png(image)


def path_steps(view: AlertView, exposure: Exposure, lang: str) -> list[Step]:
    """The boxes of a path: each node once, firms left out, at most two rows, the end kept."""
    hops = [hop for hop in exposure.path[:200] if hop.source != hop.target]
    if not hops:
        return []
    steps = [_step(view, hops[0].source, None, lang)]
    steps += [_step(view, hop.target, hop, lang) for hop in hops]
    shown: dict[tuple[str, str], Step] = {}
    for step in filter(None, steps):
        shown.setdefault((step.kind, step.name), step)
    found = [one for one in shown.values() if one.kind != "ministry"]
    if names := [one_line(view.names.ministry(m, lang), 60) for m in exposure.ministries]:
        whole = ", ".join(names)
        more = f" +{len(names) - 1}" if len(names) > 1 else ""
        found.append(Step("ministry", whole if len(whole) <= 20 else names[0] + more))
    most = COLUMNS * ROWS
    if len(found) > most:
        gap = Step("", f"… {len(found) - most + 1} …")
        found = [*found[: most - 3], gap, *found[-2:]]
    return found


def _step(view: AlertView, node: str, hop: Hop | None, lang: str) -> Step | None:
    kind = node.partition(":")[0]
    if kind not in KINDS:  # a firm, a supplier, or a kind we have no words for
        return None
    name = one_line(name_node(view, node, lang), 80) or say("text.unknown", lang)
    kind = "country" if kind == "origin" else kind
    if hop is None:
        return Step(kind, name)
    weighed = hop.source.startswith(("origin:", "country:", "chokepoint:", "port:"))
    share = percent(hop.weight) if hop.weight is not None else ""
    if hop.weight is None and weighed and kind == "item":
        share = say("text.unknown", lang)
    return Step(kind, name, share, hop.weight is not None, hop.basis)


def _place(number: int) -> tuple[int, int]:
    """Left and top of a box."""
    row, column = divmod(number, COLUMNS)
    return PAD + column * STRIDE, TOP + row * FALL


def _box(draw: ImageDraw.ImageDraw, number: int, step: Step, lang: str) -> None:
    x, y = _place(number)
    middle = x + BOX_W / 2
    if not step.kind:
        draw.text((middle, y + BOX_H / 2), step.name, GREY, font(34), anchor="mm")
        return
    edge = {"item": BLUE, "use": BLUE, "ministry": RED}.get(step.kind, LINE)
    draw.rounded_rectangle((x, y, x + BOX_W, y + BOX_H), 14, PALE, edge, 3)
    draw.text((middle, y + 24), say(f"picture.{step.kind}", lang), GREY, font(20), anchor="mm")
    lines, size = fitted(draw, step.name, BOX_W - 22, 3, 28)
    top = y + 92 - (len(lines) - 1) * size * 0.6
    for place, line in enumerate(lines):
        draw.text((middle, top + place * size * 1.2), line, INK, font(size, bold=True), anchor="mm")


def _arrow(draw: ImageDraw.ImageDraw, number: int, step: Step) -> None:
    """From the box before: along the row, or down to the next."""
    if number == 0:
        return
    x, y = _place(number)
    before_x, before_y = _place(number - 1)
    if y == before_y:
        start, end = (before_x + BOX_W + 4, y + BOX_H / 2), (x - 6, y + BOX_H / 2)
        _stroke(draw, [start, end], step)
        _tip(draw, end, (1, 0))
        label = ((start[0] + end[0]) / 2, y + BOX_H / 2 - 24)
    else:
        middle = y - 34
        points = [(before_x + BOX_W / 2, before_y + BOX_H + 4), (before_x + BOX_W / 2, middle),
                  (x + BOX_W / 2, middle), (x + BOX_W / 2, y - 6)]  # fmt: skip
        _stroke(draw, points, step)
        _tip(draw, points[-1], (0, 1))
        label = (x + BOX_W / 2 + 60, y - 16)
    if step.share:
        colour = INK if step.known else AMBER
        _, size = fitted(draw, step.share, STRIDE - BOX_W - 4, 1, 24)
        draw.text(label, step.share, colour, font(size, bold=True), anchor="mm")


def _stroke(draw: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], step: Step) -> None:
    """Solid when stated or computed; dashed when inferred, assumed or unknown."""
    for (x1, y1), (x2, y2) in pairwise(points):
        if step.basis in SOLID:
            draw.line((x1, y1, x2, y2), INK, 4)
            continue
        long = max(abs(x2 - x1), abs(y2 - y1))
        for at in range(0, int(long), 16):
            a, b = at / long, min(1.0, (at + 9) / long)
            draw.line((x1 + (x2 - x1) * a, y1 + (y2 - y1) * a,
                       x1 + (x2 - x1) * b, y1 + (y2 - y1) * b), GREY, 4)  # fmt: skip


def _tip(draw: ImageDraw.ImageDraw, end: tuple[float, float], way: tuple[int, int]) -> None:
    x, y = end
    dx, dy = way
    points = [(x + 4 * dx, y + 4 * dy), (x - 14 * dx + 9 * dy, y - 14 * dy + 9 * dx),
              (x - 14 * dx - 9 * dy, y - 14 * dy - 9 * dx)]  # fmt: skip
    draw.polygon(points, INK)


def _heading(draw: ImageDraw.ImageDraw, view: AlertView, exposure: Exposure, lang: str) -> None:
    item = one_line(view.names.item(exposure.item, lang), 60)
    type_ = one_line(view.names.type(view.alert.type, lang), 60)
    stage = view.alert.stage.ko if lang == "ko" else view.alert.stage.en
    title = f"[{stage}] {item}: {type_}"
    lines, size = fitted(draw, title, WIDTH - 2 * PAD, 1, 40)
    draw.text((PAD, 34), lines[0], INK, font(size, bold=True))
    share = say("text.unknown", lang)
    if exposure.share_at_risk is not None:
        share = percent(exposure.share_at_risk)
    said = say("picture.share", lang, share=share, years=years(exposure, lang) or "-")
    lines, size = fitted(draw, said, WIDTH - 2 * PAD, 1, 28)
    draw.text((PAD, 94), lines[0], GREY, font(size))


def _foot(draw: ImageDraw.ImageDraw, exposure: Exposure, lang: str, height: int) -> None:
    said = say("picture.legend", lang)
    if exposure.synthetic:
        said = f"{say('basis.synthetic', lang)} · {said}"
    lines, size = fitted(draw, said, WIDTH - 2 * PAD, 1, 24)
    draw.text((PAD, height - 56), lines[0], GREY, font(size))
