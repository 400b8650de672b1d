"""A document as plain parts, and as Markdown. Text from outside is one clean line, never markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from alerts.plain import one_line, safe_link

SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; `minor` is small print."""

    text: str
    minor: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are plain words; `links` holds an address for a row's last cell, "" for none."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...] = ()  # columns of figures
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Image:
    """A PNG with the words that say the same."""

    alt: str
    png: bytes = field(repr=False)


Block = Text | Bullets | Table | Image


@dataclass(frozen=True, slots=True)
class Part:
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    lang: str
    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]  # under the title
    parts: tuple[Part, ...]


def as_markdown(document: Document) -> str:
    """CommonMark with tables, ending in a newline. Pictures are left out: the tables say the same."""
    lines = [f"# {escaped(document.title)}", "", escaped(document.subtitle), ""]
    lines += [f"- **{escaped(name)}**: {escaped(value)}" for name, value in document.facts]
    for part in document.parts:
        lines += ["", f"## {escaped(part.title)}"]
        for block in part.blocks:
            if not isinstance(block, Image):
                lines += ["", *_lines(block)]
    return "\n".join(lines) + "\n"


def _lines(block: Text | Bullets | Table) -> Iterator[str]:
    match block:
        case Text():
            yield f"*{escaped(block.text)}*" if block.minor else escaped(block.text)
        case Bullets():
            yield from (f"- {escaped(line)}" for line in block.lines)
        case Table():
            yield from _table(block)


def _table(table: Table) -> Iterator[str]:
    if table.caption:
        yield f"**{escaped(table.caption)}**"
        yield ""
    yield _row([escaped(name) for name in table.head])
    yield _row(["---:" if n in table.right else "---" for n in range(len(table.head))])
    for place, row in enumerate(table.rows):
        cells = [escaped(cell) for cell in row]
        link = safe_link(table.links[place]) if place < len(table.links) else ""
        if link:
            cells[-1] = f"[{cells[-1] or 'link'}](<{link}>)"
        yield _row(cells)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """Plain words that Markdown shows as they are.

    >>> escaped("a|b *c* <x>")
    'a\\\\|b \\\\*c\\\\* \\\\<x\\\\>'
    """
    return SPECIAL.sub(r"\\\1", one_line(text, 2_000))
