"""An uploaded table: bytes -> numbered rows of cells, and a cell -> the value it means.

A file is read as a stream: what is held at a time is one row, and the first MAX_ERRORS errors.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path

from graph.reference import COUNTRIES, ITEMS

MAX_ROWS = 2_000_000
MAX_CELL = 200
MAX_ERRORS = 1_000  # kept; a file that is wrong on every line is wrong in one way
MAX_JSON = 100_000_000  # bytes; JSON is read whole, a longer list goes as CSV
CHUNK = 1 << 20
EXCEL = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # how .xlsx and .xls begin
LONGEST_DAYS = 3650
Error = tuple[int, str, str]
Source = bytes | str | Path
Row = tuple[int, list[str]]  # line, cells


class FirmCsvError(ValueError):
    """Everything wrong with an upload: (line, column, message), lines counted from 1."""

    def __init__(self, errors: list[Error]) -> None:
        self.errors = errors
        super().__init__(
            "; ".join(f"line {n}, {column}: {text}" for n, column, text in errors[:20])
        )


# --------------------------------------------------------------------------- bytes -> rows


def table(source: Source) -> Iterator[Row]:
    """Rows of a CSV or JSON file, the header first; empty rows are left out.

    A path is streamed; bytes and text are as read. CSV may be parted by commas, semicolons or
    tabs. JSON is a list of objects, or `{"rows": [...]}`; its rows count as lines from 2.
    FirmCsvError for what is neither.

    >>> list(table("firm,item\\nA,urea\\n"))
    [(1, ['firm', 'item']), (2, ['A', 'urea'])]
    >>> list(table('[{"firm": "A", "share": 0.7}]'))
    [(1, ['firm', 'share']), (2, ['A', '0.7'])]
    """
    stream = _opened(source)
    with stream:
        start = stream.read(4096)
        stream.seek(0)
        if start.lstrip("\ufeff \t\r\n").startswith(("[", "{")):
            yield from _json_rows(stream)
        else:
            yield from _csv_rows(stream, start.split("\n", 1)[0])


def _opened(source: Source) -> io.TextIOBase:
    if isinstance(source, str):
        return io.StringIO(source.removeprefix("\ufeff"), newline="")
    binary = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    try:
        if binary.read(8).startswith(EXCEL):
            raise FirmCsvError([(1, "file", "an Excel file; in Excel, save it as 'CSV UTF-8'")])
        binary.seek(0)
        encoding = _encoding(binary)
    except FirmCsvError:
        binary.close()
        raise
    binary.seek(0)
    return io.TextIOWrapper(binary, encoding, newline="")


def _encoding(binary: io.BufferedIOBase) -> str:
    """UTF-8 with or without BOM, UTF-16 with BOM, or cp949 as Excel in Korea writes."""
    head = binary.read(2)
    tried = ("utf-16",) if head in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp949")
    for encoding in tried:
        binary.seek(0)
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            while chunk := binary.read(CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise FirmCsvError([(1, "file", "not text in UTF-8 or CP949; save it as 'CSV UTF-8'")])


def _csv_rows(stream: io.TextIOBase, first: str) -> Iterator[Row]:
    reader = csv.reader(stream, strict=True, delimiter=max(",;\t", key=first.count))
    try:
        for cells in reader:
            if reader.line_num == 1 or any(map(str.strip, cells)):
                yield reader.line_num, cells
            if reader.line_num > MAX_ROWS + 1:
                said = f"more than {MAX_ROWS:,} rows; split the file"
                raise FirmCsvError([(reader.line_num, "file", said)])
    except csv.Error as error:
        raise FirmCsvError([(max(1, reader.line_num), "file", f"not a CSV: {error}")]) from error


def _json_rows(stream: io.TextIOBase) -> Iterator[Row]:
    text = stream.read(MAX_JSON + 1)
    if len(text) > MAX_JSON:
        raise FirmCsvError([(1, "file", f"JSON longer than {MAX_JSON:,} characters; use CSV")])
    try:
        found = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise FirmCsvError([(line, "file", f"not JSON: {getattr(error, 'msg', error)}")]) from error
    rows = found.get("rows") if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        said = 'write a list of objects, [{"firm": ...}, ...], or {"rows": [...]}'
        raise FirmCsvError([(1, "file", said)])
    header = list(dict.fromkeys(str(key) for row in rows for key in row))
    yield 1, header
    for number, row in enumerate(rows, start=2):
        yield number, [_json_cell(row.get(key), number, key) for key in header]


def _json_cell(value: object, line: int, column: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise FirmCsvError([(line, column[:40], "is a list or object; write one value")])


# --------------------------------------------------------------------------- cell -> value


@lru_cache(100_000)
def harmless(cell: str) -> str:
    """A cell without control characters, as it was given otherwise; what is written for a
    spreadsheet is quoted there, where one would run it (ews.reports.sheet).

    >>> harmless(" -2+3\\x07 ")
    '-2+3'
    """
    return (cell if cell.isprintable() else "".join(ch for ch in cell if ch.isprintable())).strip()


def column_name(cell: str) -> str:
    """A header as it is looked up: without case, blanks, or signs.

    >>> column_name(" 금액 (USD)"), column_name("Stock_days")
    ('금액usd', 'stockdays')
    """
    return re.sub(r"[\W_]+", "", harmless(cell).casefold())


@lru_cache(100_000)
def number(text: str) -> float | None:
    """A finite number, with or without thousands commas; None for anything else.

    >>> number("1,234.5"), number("nan")
    (1234.5, None)
    """
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if value == value and abs(value) != float("inf") else None


@lru_cache(20_000)
def item_of(text: str) -> str | None:
    """The item id that a firm's cell means: an id, a name in English or Korean, or an HS code
    that names one item only.

    >>> item_of("요소"), item_of("2709.00")
    ('urea', 'crude-oil')
    """
    key = text.casefold().strip()
    if key in ITEMS:
        return key
    code = key.replace(".", "")
    if code.isdigit():
        named = items_of_hs(code)
        return named[0] if len(named) == 1 else None
    hits = [i.id for i in ITEMS.values() if key and key in (i.en.casefold(), i.ko.casefold())]
    return hits[0] if len(hits) == 1 else None


def items_of_hs(code: str) -> list[str]:
    """Items of exactly that HS code; those that it falls under when there is none. None of the
    pseudo-items of freight: a firm does not buy those.

    >>> items_of_hs("3102100000")
    ['urea', 'diesel-exhaust-fluid']
    """
    if len(code) < 4 or code.startswith("9999"):
        return []
    exact = [item.id for item in ITEMS.values() if code in item.hs]
    if exact:
        return exact
    under = {i.id: max((len(h) for h in i.hs if code.startswith(h)), default=0)
             for i in ITEMS.values()}  # fmt: skip
    most = max(under.values(), default=0)
    return [item for item, length in under.items() if length == most and most > 0]


def no_item(text: str) -> str:
    """Why a cell names no item, and what would."""
    code = text.replace(".", "").strip()
    several = items_of_hs(code) if code.isdigit() else []
    if several:
        return f"HS code {code} is of several items; write one of: {', '.join(several[:6])}"
    return (
        f"unknown item {text[:40]!r}; write an id or name of graph/data/items.csv (such as urea), "
        "or an HS code that names one item"
    )


@lru_cache(5_000)
def country_of(text: str) -> str | None:
    """The ISO code that a firm's cell means: a code, or a name in English or Korean.

    >>> country_of("중국"), country_of("vn"), country_of("EU")
    ('CN', 'VN', None)
    """
    key = text.strip().casefold()
    for code, country in COUNTRIES.items():
        if code != "EU" and key in (code.casefold(), country.en.casefold(), country.ko.casefold()):
            return code
    return None


@lru_cache(20_000)
def day_of(text: str) -> date | None:
    """A day written 2024-01-31, 2024.1.31, 2024/01/31 or 20240131, with or without a time.

    >>> day_of("2024.1.31"), day_of("20240131 00:00") == day_of("2024-01-31")
    (datetime.date(2024, 1, 31), True)
    """
    found = re.match(r"(\d{4})[-./]?(\d{1,2})[-./]?(\d{1,2})(?:[ T].*)?\.?$", text.strip())
    if found is None:
        return None
    try:
        return date(*map(int, found.groups()))
    except ValueError:
        return None


class Cells:
    """One row's cells by column, and what is wrong with them."""

    __slots__ = ("line", "of", "wrong")

    def __init__(self, line: int, header: Sequence[str | None], cells: Sequence[str]) -> None:
        self.line = line
        self.of = {
            name: harmless(cell)
            for name, cell in zip(header, cells, strict=True)
            if name is not None
        }
        self.wrong: list[Error] = []
        for name, cell in self.of.items():
            if len(cell) > MAX_CELL:
                self.fault(name, f"longer than {MAX_CELL} characters")

    def fault(self, column: str, message: str) -> None:
        self.wrong.append((self.line, column, message))

    def text(self, column: str, needed: bool = False) -> str:
        cell = self.of.get(column, "")
        if needed and not cell:
            self.fault(column, "is empty")
        return cell

    def item(self, column: str = "item") -> str:
        cell = self.of[column]
        found = item_of(cell)
        if found is None:
            self.fault(column, no_item(cell))
        return found or ""

    def country(self, column: str = "country", needed: bool = True) -> str:
        cell = self.of.get(column, "")
        if not cell and not needed:
            return ""
        found = country_of(cell)
        if found is None:
            said = f"{cell[:20]!r} is no country; write its ISO 3166 code, such as CN"
            self.fault(column, said)
        return found or ""

    def share(self, column: str = "share") -> float | None:
        """0..1, written 0.7 or 70%."""
        cell = self.of.get(column, "")
        if not cell:
            return None
        value = number(cell.rstrip("% "))
        if value is None:
            self.fault(column, f"{cell[:20]!r} is not a number; write 0.7 or 70%")
            return None
        value = value / 100 if cell.endswith("%") else value
        if not 0 <= value <= 1:
            said = f"{cell[:20]!r} is not between 0 and 1 (write 70%, not 70)"
            self.fault(column, said)
            return None
        return value

    def number(self, column: str, most: float, what: str, least: float = 0.0) -> float | None:
        """A number from `least` to `most`; `what` names it in the error."""
        cell = self.of.get(column, "")
        if not cell:
            return None
        value = number(cell)
        if value is None or not least <= value <= most:
            self.fault(column, f"{cell[:20]!r} is not {what}, {least:g} to {most:g}")
            return None
        return value

    def days(self, column: str) -> float | None:
        """Days, written 20, 20일 or 20 days."""
        cell = self.of.get(column, "")
        self.of[column] = re.sub(r"(?<=\d)\s*(?:일|days?)$", "", cell, flags=re.IGNORECASE)
        return self.number(column, LONGEST_DAYS, "a number of days")

    def flag(self, column: str) -> bool | None:
        cell = self.of.get(column, "").casefold()
        if cell in ("true", "1", "yes", "y", "o", "예", "필수"):
            return True
        if cell in ("false", "0", "no", "n", "x", "아니오", "비필수"):
            return False
        if cell:
            self.fault(column, "use true or false")
        return None

    def day(self, column: str) -> date | None:
        cell = self.of.get(column, "")
        found = day_of(cell) if cell else None
        if cell and found is None:
            self.fault(column, f"{cell[:20]!r} is not a day; write 2024-01-31")
        return found
