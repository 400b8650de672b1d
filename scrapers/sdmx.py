"""What do the observations of an SDMX provider say? Any of them: Eurostat, ECB, OECD, BIS, ...

SDMX-ML and SDMX-JSON are read by sdmx1 from the bytes that our own guarded client fetched (its own
client is never used); SDMX-CSV, whose columns are the dimensions, is a CSV file. Each observation
becomes a row: one field per dimension and attribute, `OBS_VALUE`, `TIME_PERIOD`, and `@day`, the
first day of the period; the templates of source.toml map it to provider/measure/place/item.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from ews.model import Source
from scrapers.errors import SourceError
from scrapers.feeds import xml_text
from scrapers.hs import Cell, sums
from scrapers.mapping import Parsed, map_rows
from scrapers.periods import period_start
from scrapers.rows import csv_rows
from scrapers.templates import Row, number
from scrapers.text import clean_text, decode

# What sdmx1 raises for a message that is cut off or is none.
_BROKEN: tuple[type[Exception], ...] = (
    ValueError, LookupError, TypeError, AttributeError, RuntimeError, SyntaxError, AssertionError,
)  # fmt: skip
_CSV = ("DATAFLOW,", "DATAFLOW;", "STRUCTURE,", "STRUCTURE[")  # SDMX-CSV 1.0 and 2.0


def parse_sdmx(source: Source, body: bytes, now: datetime, label: str = "") -> Parsed:
    """The observations of one data message, mapped. Raises SourceError.

    With `options.sum_codes` (the name of a dimension of trade codes) rows are first summed to
    six-digit HS codes; a sum with an unreadable or confidential row is left out, and told.
    """
    text = decode(body, label).lstrip("\ufeff \t\r\n")
    if text.startswith(_CSV):
        rows = list(csv_rows(source, iter(text.splitlines())))
    else:
        rows = _message_rows(source, body, text, label)
    if rows and all(row.get("OBS_VALUE") in (None, "") for row in rows):
        raise SourceError(
            f"{source.name}: no OBS_VALUE in any of {len(rows)} observations; the format has changed, "
            "compare it with the sample"
        )
    said = ""
    if isinstance(name := source.options.get("sum_codes"), str):
        rows, said = _summed(source, rows, name)
    dated = [{**row, "@day": _day(row)} for row in rows]
    parsed = map_rows(source, dated, now)
    words = "; ".join(filter(None, [parsed.said, said]))
    return replace(parsed, said=words)


def _day(row: Row) -> str:
    moment = period_start(str(row.get("TIME_PERIOD", "")))
    return moment.strftime("%Y-%m-%d") if moment else ""


def _message_rows(source: Source, body: bytes, text: str, label: str) -> list[Row]:
    """The observations of an SDMX-ML or SDMX-JSON message. Raises SourceError."""
    # sdmx1 resolves entities; what declares any is refused before it sees a byte.
    clean = xml_text(source, body, label) if text.startswith("<") else text
    message = _read(source, clean)
    if not hasattr(message, "data"):
        raise SourceError(
            f"{source.name}: no data message but {clean_text(clean[:600], 120)!r}; the query may be "
            "too large to be answered at once: ask for less, or compare it with the documents"
        )
    return [_row(one) for dataset in message.data for one in dataset.obs]


def _read(source: Source, text: str) -> Any:
    library, broken = _library()
    kind = "XML" if text.startswith("<") else "JSON"
    try:
        return library.read_sdmx(io.BytesIO(text.encode("utf-8")), format=kind)
    except broken as error:
        raise SourceError(
            f"{source.name}: no SDMX that can be read ({type(error).__name__}: {str(error)[:80]}); it "
            f"begins {clean_text(text[:300], 80)!r}; open the url and see what it says"
        ) from None


@cache
def _library() -> tuple[Any, tuple[type[Exception], ...]]:
    """sdmx1, and what it raises for a broken message. It brings pandas: loaded when an SDMX source is first read."""
    import sdmx
    from sdmx.exceptions import XMLParseError
    from sdmx.reader.xml import common

    logging.getLogger("sdmx").setLevel(logging.ERROR)  # it asks for a structure; names suffice
    common.print = lambda *_, **__: None  # it prints its whole state when a message is broken
    return sdmx, (XMLParseError, *_BROKEN)


def _row(one: Any) -> Row:
    row: dict[str, object] = {name: str(attr.value) for name, attr in one.attrib.items()}
    row.update({name: str(key.value) for name, key in one.key.values.items()})
    row["OBS_VALUE"] = None if one.value is None else str(one.value)
    return row


def _summed(source: Source, rows: Sequence[Row], name: str) -> tuple[list[Row], str]:
    """One row per six-digit code and whatever else tells the rows apart; and what was left out."""
    groups: dict[tuple[tuple[str, str], ...], dict[str, Cell]] = {}
    for row in rows:
        if name not in row:
            raise SourceError(
                f"{source.name}: no dimension {name!r} in the answer; correct options.sum_codes"
            )
        code = str(row[name])
        if not (code.isascii() and code.isdigit()):
            continue  # "TOTAL" and confidential chapters ("25SSS") are no items
        key = tuple(sorted((k, str(v)) for k, v in row.items() if k not in _of_the_row(name)))
        cells = groups.setdefault(key, {})
        cells[code] = None if code in cells else number(row.get("OBS_VALUE"), ("NaN", ":"))
    out: list[Row] = []
    left = 0
    for key, cells in groups.items():
        for item, value in sums(cells).items():
            left += value is None
            if value is not None:
                out.append({**dict(key), name: item, "OBS_VALUE": value})
    return out, f"{left} sums left out: a row of theirs is missing or confidential" * bool(left)


def _of_the_row(name: str) -> Mapping[str, None]:
    """Fields that differ between the rows of one sum."""
    return dict.fromkeys((name, "OBS_VALUE", "OBS_FLAG", "OBS_STATUS", "CONF_STATUS", "@last"))
