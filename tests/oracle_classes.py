"""Reads matrices of input classes, however their rows and columns are labelled.

A file seldom says all that it means (labels or numbers, whose rows, which numbers are essential),
so what comes back is every reading that fits its shape; the numbers of the folder choose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

Pairs = dict[tuple[str, str], float]  # class by the supplier's and the buyer's sector
Kinds = dict[tuple[str, str], int]
# What a number may stand for: as in the ESRI papers, as in the IHS survey (1 critical, 0.5
# important), or essential or not.
MEANINGS: Mapping[frozenset[float], Sequence[Mapping[float, int]]] = {
    frozenset({0.0, 1.0}): [{0: 0, 1: 1}, {0: 0, 1: 2}, {0: 1, 1: 2}],
    frozenset({0.0, 1.0, 2.0}): [{0: 0, 1: 1, 2: 2}],
    frozenset({0.0, 0.5, 1.0}): [
        {0: 0, 0.5: 1, 1: 2}, {0: 1, 0.5: 2, 1: 2}, {0: 0, 0.5: 2, 1: 2}, {0: 1, 0.5: 1, 1: 2}
    ],
}  # fmt: skip


class OracleError(ValueError):
    """A folder of which something is not understood; says what."""


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def label(cell: str) -> str:
    """A name as it stands, but a whole number however it was written."""
    value = number(cell)
    if value is None or value != value or abs(value) > 2**53 or value != int(value):
        return cell
    return cell if "." in cell and cell.rstrip("0")[-1] != "." else str(int(value))


def class_readings(
    name: str, cells: Sequence[Sequence[str]], used: Sequence[str], needed: set[tuple[str, str]]
) -> list[Kinds]:
    """Every reading of a class file; `used` are the firms' sectors in order, `needed` their pairs.

    OracleError when none fits.
    """
    found: list[Kinds] = []
    tables = [table for table in _tables(cells, used) if needed & set(table)]
    for table, turned in product(tables, _turns(name)):
        pairs = {(b, a): value for (a, b), value in table.items()} if turned else table
        missing = needed - set(pairs)
        values = frozenset(pairs.values())
        for known, meanings in MEANINGS.items():
            if values <= known:
                for meaning, fill in product(meanings, (0, 1, 2) if missing else (0,)):
                    kinds = {pair: meaning[value] for pair, value in pairs.items()}
                    kinds |= dict.fromkeys(missing, fill)
                    if kinds not in found:
                        found.append(kinds)
    if not found:
        seen = sorted({cell for row in cells for cell in row})[:12]
        raise OracleError(
            f"{name}: no matrix of classes 0, 1, 2 (or 0, 0.5, 1) for the sectors "
            f"{', '.join(used[:12])}: it is {len(cells)} rows by {len(cells[0]) if cells else 0} "
            f"columns and holds {', '.join(seen)}"
        )
    return found


def _turns(name: str) -> list[bool]:
    """Whether the rows are the buyers': as the file is called, else first no, then yes."""
    stem = name.lower()
    for pattern in (r"(supplier|buyer)s?_?rows?", r"rows?_?(supplier|buyer)"):
        rows = re.search(pattern, stem)
        if rows:
            return [rows[1] == "buyer"]
    return [False, True]


def _tables(cells: Sequence[Sequence[str]], used: Sequence[str]) -> Iterator[Pairs]:
    """By pair of sectors, for each way in which labels may stand at the edges."""
    for top, left, body in _bodies(cells):
        values = [[number(cell) for cell in row] for row in body]
        if any(value is None for row in values for value in row):
            continue
        for rows, columns in _names(top, left, len(body), len(body[0]), used):
            yield {
                (a, b): float(value)
                for a, row in zip(rows, values, strict=True)
                for b, value in zip(columns, row, strict=True)
                if value is not None
            }
    listed = _listed(cells)
    if listed:
        yield listed


Body = tuple[list[str] | None, list[str] | None, list[list[str]]]


def _bodies(cells: Sequence[Sequence[str]]) -> Iterator[Body]:
    """(column labels, row labels, values) in every way that the widths of the rows allow."""
    grid = [list(row) for row in cells]
    count, widths = len(grid), {len(row) for row in grid}
    if not grid:
        return
    if len(widths) == 1:
        width = widths.pop()
        if width == count:
            yield None, None, grid
        if width == count - 1:
            yield grid[0], None, grid[1:]
        if width == count + 1:
            yield None, [row[0] for row in grid], [row[1:] for row in grid]
        if width > 1 and count > 1:
            yield grid[0][1:], [row[0] for row in grid[1:]], [row[1:] for row in grid[1:]]
    elif widths == {len(grid[0]), len(grid[0]) + 1}:  # R writes no name over row names
        yield grid[0], [row[0] for row in grid[1:]], [row[1:] for row in grid[1:]]


def _names(
    top: list[str] | None, left: list[str] | None, rows: int, columns: int, used: Sequence[str]
) -> Iterator[tuple[list[str], list[str]]]:
    """Sectors of rows and columns: their labels, or where there are none their numbers."""
    known = set(used)
    tops = [re.sub(r"^[xX](?=\d)", "", cell) for cell in top or []]
    across, along = ([label(cell) for cell in names] for names in (tops, left or []))
    if known & set(across) and known & set(along):
        yield along, across
    if rows != columns:
        return
    for names in (across, along):
        if known <= set(names):
            yield names, names
    if top is not None and left is not None and (known & set(across) or known & set(along)):
        return
    if rows == len(used):
        yield list(used), list(used)
    for first in (1, 0):
        count = [str(code + first) for code in range(rows)]
        if known <= set(count) and count != list(used):
            yield count, count


def _listed(cells: Sequence[Sequence[str]]) -> Pairs:
    """One pair a row: supplier's sector, buyer's sector, class; the header says which is which."""
    if not cells or any(len(row) != len(cells[0]) for row in cells) or len(cells[0]) != 3:
        return {}
    head = [cell.lower() for cell in cells[0]]
    headed = number(cells[0][2]) is None
    buyer = next((at for at, name in enumerate(head) if re.search(r"buy|^to|target", name)), 1)
    if headed and buyer == 2:
        return {}
    rows = cells[1:] if headed else cells
    return {
        (label(row[1 - buyer]), label(row[buyer])): float(value)
        for row in rows
        if (value := number(row[2])) is not None
    }
