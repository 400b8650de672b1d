"""Cells of nodes.csv and links.csv as values, in pieces, so that a million lines are no burden."""

from __future__ import annotations

import codecs
import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from itertools import accumulate, islice
from pathlib import Path
from typing import IO, Any

from graph.supply_nouns import (
    LINK_COEFFICIENTS,
    NODE_COEFFICIENTS,
    Node,
    Problem,
    SupplyError,
    SupplyLink,
)

PIECE = 10_000  # rows read at a time
MOST_CACHED = 200_000  # different texts of a column
MAX_CELL = 2000
Source = Path | bytes
Value = Any  # of a cell: text, number, date, flag or shares, by its column


def number(text: str) -> float:
    """A figure as people write it; NaN and infinity are left to the checks.

    >>> number("1,234.5")
    1234.5
    """
    if text.endswith("%"):
        raise ValueError(f"{text[:30]!r} is a percentage; write 0.7, and unit share, for 70%")
    try:
        return float(text.replace(",", ""))
    except ValueError:
        raise ValueError(f"{text[:30]!r} is not a number") from None


def part(text: str) -> float:
    """
    >>> part("70%"), part("0.7")
    (0.7, 0.7)
    """
    return number(text[:-1]) / 100.0 if text.endswith("%") else number(text)


def whole(text: str) -> float:
    """A count; what is no whole number is left to the checks."""
    return whole_number(number(text))


def whole_number(value: float) -> float:
    """An int where the value is one, else the value itself."""
    return int(value) if math.isfinite(value) and value == int(value) else value


def day(text: str) -> date:
    """
    >>> day("2021.10.15")
    datetime.date(2021, 10, 15)
    """
    try:
        return date.fromisoformat(text.replace(".", "-").replace("/", "-"))
    except ValueError:
        raise ValueError(f"{text[:30]!r} is not a date; write 2024-01-31") from None


def flag(text: str) -> bool:
    if text.casefold() not in ("true", "false", "1", "0", "yes", "no"):
        raise ValueError(f"{text[:30]!r} is neither true nor false")
    return text.casefold() in ("true", "1", "yes")


def shares(text: str) -> dict[str, float]:
    """
    >>> shares("port:busan=0.75; chokepoint:suez=1")
    {'port:busan': 0.75, 'chokepoint:suez': 1.0}
    """
    parts = [one.split("=") for one in text.split(";") if one.strip()]
    if any(len(one) != 2 for one in parts):
        raise ValueError(f"{text[:60]!r} is no list like port:busan=0.75; chokepoint:suez=1")
    found = {name.strip(): part(value.strip()) for name, value in parts}
    if len(found) < len(parts):
        raise ValueError("names the same thing twice")
    return found


_PARSERS: Mapping[str, Callable[[str], Value]] = {
    **dict.fromkeys(
        ("output", "time_to_recover_days", "weight", "stock_days", "ramp_days"), number
    ),
    **dict.fromkeys(("final", "slack", "confidence", "substitutability"), part),
    **dict.fromkeys(("essential", "lead_days"), whole),
    **dict.fromkeys(("as_of", "valid_from", "valid_to", "known_from"), day),
    **dict.fromkeys(("route", "spend", "member"), shares),
    "synthetic": flag,
}
NODE_NEEDED = ("id", "kind")
LINK_NEEDED = ("supplier", "buyer", "item", "weight")


@dataclass(frozen=True, slots=True)
class Table:
    """The columns that a file may have."""

    name: str  # nodes or links
    needed: tuple[str, ...]
    columns: frozenset[str]
    defaults: Mapping[str, Value]


def _table(
    name: str, of: type[Node] | type[SupplyLink], needed: tuple[str, ...], more: tuple[str, ...]
) -> Table:
    sample: Node | SupplyLink = of("", "") if of is Node else SupplyLink("", "", "", 0.0)
    own = {f.name: getattr(sample, f.name) for f in fields(of) if f.name != "sources"}
    defaults = {**own, **{f"{coefficient}_source": "" for coefficient in more}}
    return Table(name, needed, frozenset(defaults), defaults)


NODES = _table("nodes", Node, NODE_NEEDED, NODE_COEFFICIENTS)
LINKS = _table("links", SupplyLink, LINK_NEEDED, LINK_COEFFICIENTS)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some lines of a file: a list of values per column of the header, and what was wrong.

    A cell that was wrong has its column's default, so that the other cells are checked as well.
    """

    lines: Sequence[int]
    values: Mapping[str, list[Value]]
    problems: list[Problem]


def read_pieces(source: Source, table: Table) -> Iterator[Piece]:
    """A CSV in UTF-8 (with or without BOM), UTF-16 with BOM or cp949, as Excel writes it.

    SupplyError at once when the header is wrong or the file is no text.
    """
    with _text(source, table.name) as stream:
        reader = csv.reader(stream, strict=True)
        try:
            header = _header(next(reader, []), table)
            cache = {name: _Texts(name, table) for name in header}
            before = reader.line_num
            while rows := list(islice(reader, PIECE)):
                lines = _lines(rows, before, reader.line_num)
                before = reader.line_num
                yield _piece(lines, rows, header, table, cache)
        except csv.Error as error:
            reason = f"not a CSV: {error}"
            raise SupplyError([Problem(table.name, reader.line_num, "line", reason)]) from error


def _lines(rows: list[list[str]], before: int, after: int) -> Sequence[int]:
    """The file's line on which each row ends; a quoted cell may run over several."""
    if after - before == len(rows):
        return range(before + 1, after + 1)
    return list(accumulate((1 + sum(c.count("\n") for c in r) for r in rows), initial=before))[1:]


def _header(cells: list[str], table: Table) -> list[str]:
    names = [cell.strip().casefold().replace(" ", "_") for cell in cells]
    problems = [
        Problem(table.name, 1, name, "column is missing")
        for name in table.needed
        if name not in names
    ]
    for name in dict.fromkeys(names):
        if name not in table.columns:
            known = ", ".join(sorted(table.columns))
            problems.append(
                Problem(table.name, 1, name[:40] or "(empty)", f"unknown column; use {known}")
            )
        elif names.count(name) > 1:
            problems.append(Problem(table.name, 1, name, "column is given twice"))
    if problems:
        raise SupplyError(problems)
    return names


def _piece(
    lines: Sequence[int],
    rows: list[list[str]],
    header: list[str],
    table: Table,
    cache: Mapping[str, _Texts],
) -> Piece:
    problems: list[Problem] = []
    if set(map(len, rows)) != {len(header)} or not all(map(any, rows)):
        lines, rows = _full(lines, rows, len(header), table.name, problems)
    columns = list(zip(*rows, strict=True)) or [()] * len(header)
    values = {
        name: _column(name, column, lines, table, cache[name], problems)
        for name, column in zip(header, columns, strict=True)
    }
    return Piece(lines, values, problems)


def _full(
    lines: Sequence[int], rows: list[list[str]], width: int, table: str, problems: list[Problem]
) -> tuple[Sequence[int], list[list[str]]]:
    """The rows that have a cell for every column; empty ones are left out without a word."""
    told = [(n, r) for n, r in zip(lines, rows, strict=True) if any(cell.strip() for cell in r)]
    for line, cells in told:
        if len(cells) != width:
            problems.append(Problem(table, line, "line", f"{len(cells)} cells, expected {width}"))
    full = [(line, cells) for line, cells in told if len(cells) == width]
    return [line for line, _ in full], [cells for _, cells in full]


def _column(
    name: str,
    cells: tuple[str, ...],
    lines: Sequence[int],
    table: Table,
    cache: _Texts,
    problems: list[Problem],
) -> list[Value]:
    """The values of a column; figures fast where all are plain, others each text once."""
    if _PARSERS.get(name) in (number, part):
        try:
            return list(map(float, cells))
        except ValueError:
            pass
    if len(cache) > MOST_CACHED:
        cache.clear()
    values = list(map(cache.__getitem__, cells))
    if cache.wrong:
        for line, cell in zip(lines, cells, strict=True):
            if cell in cache.wrong:
                problems.append(Problem(table.name, line, name, cache.wrong[cell]))
        cache.wrong.clear()
    return values


class _Texts(dict[str, Value]):
    """The value of each text of a column that was seen; why not, of those that have none."""

    def __init__(self, name: str, table: Table) -> None:
        super().__init__()
        self.parse = _PARSERS.get(name, str)
        self.default = table.defaults.get(name)
        self.needed = name in table.needed
        self.wrong: dict[str, str] = {}

    def __missing__(self, cell: str) -> Value:
        text = cell.strip()
        try:
            if not text and self.needed:
                raise ValueError("is empty")
            if len(text) > MAX_CELL or not text.isprintable():
                raise ValueError(f"longer than {MAX_CELL} characters, or with control characters")
            self[cell] = self.parse(text) if text else self.default
        except ValueError as error:
            self.wrong[cell] = str(error)
            return self.default
        return self[cell]


def _text(source: Source, table: str) -> IO[str]:
    with _bytes(source) as stream:
        encoding = _encoding(stream, table)
    return io.TextIOWrapper(_bytes(source), encoding=encoding, newline="")


def _bytes(source: Source) -> IO[bytes]:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _encoding(stream: IO[bytes], table: str) -> str:
    """How the file is written, found by reading it once; SupplyError names the line that is odd."""
    if stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    furthest = 1
    for encoding in ("utf-8-sig", "cp949"):
        stream.seek(0)
        decoder = codecs.getincrementaldecoder(encoding)()
        line = 1
        try:
            while block := stream.read(1 << 20):
                decoder.decode(block)
                line += block.count(b"\n")
            decoder.decode(b"", True)
        except UnicodeDecodeError as error:
            furthest = max(furthest, line + error.object[: error.start].count(b"\n"))
            continue
        return encoding
    reason = "not text in UTF-8 or CP949; save it as 'CSV UTF-8'"
    raise SupplyError([Problem(table, furthest, "file", reason)])
