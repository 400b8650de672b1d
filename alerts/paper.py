"""How is a picture drawn? The paper, the font that ships here, and words that fit a width."""

from __future__ import annotations

from functools import cache
from importlib import resources
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1200, 700  # at most
PAD = 40
INK, GREY, LINE, PALE = "#16202c", "#56636f", "#8a97a3", "#f2f5f8"
BLUE, RED, AMBER = "#0b5394", "#b42318", "#8a5a00"


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    name = "ews-sans-semibold.otf" if bold else "ews-sans-regular.otf"
    data = resources.files("alerts").joinpath("fonts", name).read_bytes()
    return ImageFont.truetype(BytesIO(data), size)


def canvas(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width, min(height, HEIGHT)), "white")
    return image, ImageDraw.Draw(image)


def png(image: Image.Image) -> bytes:
    """Few colours are enough for lines and letters: a third of the size."""
    target = BytesIO()
    image.quantize(64).save(target, "PNG", optimize=True)
    return target.getvalue()


def fitted(
    draw: ImageDraw.ImageDraw, text: str, width: float, most: int, size: int
) -> tuple[list[str], int]:
    """The text in at most `most` lines of that width: smaller letters first, then cut with …."""
    smallest = max(18, size - 8)
    for tried in range(size, smallest - 1, -2):
        lines = wrapped(draw, text, width, tried)
        whole = " ".join(lines) == " ".join(text.split(" "))  # no word is broken
        if len(lines) <= most and (whole or tried == smallest):
            return lines, tried
    lines = wrapped(draw, text, width, smallest)[:most]
    last = lines[-1]
    while last and draw.textlength(last + "…", font(smallest, bold=True)) > width:
        last = last[:-1]
    return [*lines[:-1], last.rstrip() + "…"], smallest


def wrapped(draw: ImageDraw.ImageDraw, text: str, width: float, size: int) -> list[str]:
    """Words into lines; a word wider than a line is broken."""
    lines, line = [], ""
    for word in text.split(" "):
        rest = word
        if line and draw.textlength(f"{line} {word}", font(size, bold=True)) <= width:
            line = f"{line} {word}"
            continue
        if line:
            lines.append(line)
        while rest and draw.textlength(rest, font(size, bold=True)) > width:
            cut = next(
                n for n in range(len(rest) - 1, 0, -1)
                if n == 1 or draw.textlength(rest[:n], font(size, bold=True)) <= width
            )  # fmt: skip
            lines.append(rest[:cut])
            rest = rest[cut:]
        line = rest
    return [*lines, line] if line else lines or [""]
