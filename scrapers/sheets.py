"""XLSX: the bytes of a workbook become rows."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lxml import etree

from ews.model import Source
from scrapers.errors import SourceError
from scrapers.mapping import Parsed, map_rows
from scrapers.rows import local_name, read_member, xml_root
from scrapers.templates import Row
from scrapers.text import decode


def parse_xlsx(source: Source, body: bytes, now: datetime, label: str = "") -> Parsed:
    """A wide sheet (names and units in their rows, one period a row) as one row per cell, mapped.

    `columns` says what each column that we keep is: `{ place, item, unit }`. Fields of a row: those,
    `name`, `period`, `value`. Marks of footnotes after a name (`**`) are no part of it. SourceError
    when a column is gone or its unit is another: a price in another unit is another series.
    """
    options = source.options
    grid = _grid(source, body, str(options["sheet"]))
    columns = _columns(source, grid)
    period = re.compile(str(options.get("period_form", ".+")))
    rows: list[Row] = []
    for number in sorted(row for row in grid if row > _row_number(source, "units_row")):
        cells = grid[number]
        if period.fullmatch(cells.get("A", "")):
            rows += [
                {**what, "period": cells["A"], "value": cells[column]}
                for column, what in columns.items()
                if column in cells
            ]
    return map_rows(source, rows, now)


def _columns(
    source: Source, grid: Mapping[int, Mapping[str, str]]
) -> dict[str, Mapping[str, object]]:
    """{column letters: what it holds} of the columns that we keep. Raises SourceError."""
    wanted = source.options["columns"]
    assert isinstance(wanted, Mapping)
    names_row = _row_number(source, "names_row")
    heads = {bare(text): column for column, text in grid.get(names_row, {}).items()}
    units = grid.get(_row_number(source, "units_row"), {})
    found: dict[str, Mapping[str, object]] = {}
    for name, what in wanted.items():
        column = heads.get(bare(name))
        if column is None:
            raise SourceError(
                f"{source.name}: no column {name!r} in row {names_row}; the sheet has changed, "
                "correct options.columns or names_row"
            )
        unit = _unit(source, units.get(column, ""))
        if unit != what["unit"]:
            raise SourceError(
                f"{source.name}: {name!r} is now in {unit or 'no unit'}, not {what['unit']}; that "
                "is another series: correct options.columns, and give it another place or measure"
            )
        found[column] = {"name": name, **what}
    return found


def bare(name: str) -> str:
    """A column's name without the marks of footnotes.

    >>> bare("Rubber,  TSR20 **")
    'Rubber, TSR20'
    """
    return " ".join(name.replace("*", " ").split())


def _unit(source: Source, text: str) -> str:
    """The sheet's unit in our words. SourceError for one that options.units does not know."""
    units = source.options["units"]
    assert isinstance(units, Mapping)
    sheet = " ".join(text.split()).strip("()").lower()
    if sheet and sheet not in units:
        raise SourceError(
            f"{source.name}: unit {text[:40]!r} is unknown; add it to options.units in source.toml"
        )
    return str(units.get(sheet, ""))


def _row_number(source: Source, name: str) -> int:
    number = source.options[name]
    assert isinstance(number, int)
    return number


def _grid(source: Source, body: bytes, sheet: str) -> dict[int, dict[str, str]]:
    """{row number: {column letters: text}} of one sheet of an xlsx file."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            shared = _shared(source, archive)
            path = _sheet_path(source, archive, sheet)
            return _cells(source, read_member(source, archive, path), shared)
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
        raise SourceError(
            f"{source.name}: not an xlsx file ({str(error)[:80]}); open the url and correct it"
        ) from None


def _member(source: Source, archive: zipfile.ZipFile, name: str) -> Any:
    return xml_root(source, read_member(source, archive, name), "")


def _sheet_path(source: Source, archive: zipfile.ZipFile, sheet: str) -> str:
    book = _member(source, archive, "xl/workbook.xml")
    links = {
        node.get("Id"): str(node.get("Target"))
        for node in _member(source, archive, "xl/_rels/workbook.xml.rels")
    }
    for node in book.iter():
        if local_name(node) == "sheet" and node.get("name") == sheet:
            ident = next((v for k, v in node.items() if k.endswith("}id")), None)
            return "xl/" + links[ident].removeprefix("/xl/")
    raise SourceError(f"{source.name}: no sheet {sheet!r}; correct options.sheet")


def _shared(source: Source, archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    root = _member(source, archive, "xl/sharedStrings.xml")
    return ["".join(t.text or "" for t in item.iter() if local_name(t) == "t") for item in root]


def _cells(source: Source, sheet: bytes, shared: list[str]) -> dict[int, dict[str, str]]:
    """The cells row by row, each row forgotten when it was read: as a tree a sheet would be some
    thirty times its size. Raises SourceError."""
    if b"<!ENTITY" in sheet:
        raise SourceError(f"{source.name}: a sheet with ENTITY is refused", permanent=True)
    grid: dict[int, dict[str, str]] = {}
    try:
        for _, node in etree.iterparse(
            io.BytesIO(sheet), tag=("{*}c", "{*}row"), resolve_entities=False, no_network=True,
            huge_tree=False, load_dtd=False,
        ):  # fmt: skip
            if local_name(node) == "c":
                _put(grid, node, shared)
                continue
            node.clear()
            while node.getprevious() is not None:
                del node.getparent()[0]
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError(
            f"{source.name}: a broken or cut-off sheet ({str(error)[:100]}); it is read again at "
            "the next turn"
        ) from None
    return grid


def _put(grid: dict[int, dict[str, str]], cell: Any, shared: list[str]) -> None:
    place = re.fullmatch(r"([A-Z]{1,3})(\d{1,7})", cell.get("r", ""))
    if place is None:
        return
    text = next((n.text or "" for n in cell.iter() if local_name(n) in {"v", "t"}), "").strip()
    if cell.get("t") == "s" and text.isdigit() and int(text) < len(shared):
        text = shared[int(text)]
    grid.setdefault(int(place.group(2)), {})[place.group(1)] = text


def xlsx_link(source: Source, body: bytes, url: str) -> str | None:
    """The address of the workbook that a page links to (its path changes), None for a workbook."""
    if body.startswith(b"PK"):
        return None
    name = re.escape(str(source.options["file_name"]))
    found = re.search(rf"https://[\w./-]{{1,300}}/{name}", decode(body))
    if found is None:
        raise SourceError(
            f"{source.name}: the page no longer links {source.options['file_name']}; open the url "
            "and find where it went"
        )
    return found.group(0)
