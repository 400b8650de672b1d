"""ArcGIS feature services (IMF PortWatch): the bytes of a query's answer become rows.

Its traps, all seen at PortWatch: the date column is now text, now milliseconds, now named `date_`;
errors come with HTTP 200; `exceededTransferLimit` is true, false or absent; a page holds at most
`maxRecordCount` rows whatever was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime

from ews.model import Source
from scrapers.errors import SourceError, Truncated
from scrapers.mapping import Parsed, map_rows
from scrapers.rows import list_at, read_json
from scrapers.templates import Row
from scrapers.text import clean_text, parse_date

DAY = "@day"  # the day of a row, as YYYY-MM-DD, whatever its date column looks like
_DATES = ("esriFieldTypeDateOnly", "esriFieldTypeDate", "esriFieldTypeString")


def parse_arcgis(source: Source, body: bytes, now: datetime, label: str = "") -> Parsed:
    """The attributes of a query's features, with the day of each as `@day`, mapped.

    Raises SourceError for an error inside the answer and for a schema without the day; Truncated
    when a request of a sweep, which reads one page only, met more rows than a page holds.
    """
    answer = read_json(source, body, label)
    _refused(source, answer)
    if "each" in source.options and _more(answer):
        raise Truncated(
            f"{source.name}: more rows than one page holds; put fewer values into options.batch"
        )
    column = _date_column(source, answer)
    rows: list[Row] = []
    for feature in list_at(source, answer, "features"):
        attributes = feature.get("attributes") if isinstance(feature, Mapping) else None
        if isinstance(attributes, Mapping):
            day = _day(attributes, column)
            rows.append({**attributes, DAY: day} if day else attributes)
    return map_rows(source, rows, now)


def _refused(source: Source, answer: object) -> None:
    """Raises SourceError for an error that came with HTTP 200: 400 will not mend itself, 498 and
    499 (a token that nobody needs) and 429 (too often) go away."""
    error = answer.get("error") if isinstance(answer, Mapping) else None
    if not error:
        return
    code = str(error.get("code", "")) if isinstance(error, Mapping) else ""
    words = error.get("message") if isinstance(error, Mapping) else error
    details = error.get("details") if isinstance(error, Mapping) else None
    said = [words, *(details if isinstance(details, list) else [])]
    text = clean_text("; ".join(str(part) for part in said if part), 160)
    hint = "compare the query in url with its documents" if code == "400" else "tried again later"
    raise SourceError(
        f"{source.name}: the service answered an error ({code or 'no code'}: {text}); {hint}",
        permanent=code == "400",
        retry_after_s=60 if code == "429" else None,
    )


def _more(answer: object) -> bool:
    return isinstance(answer, Mapping) and answer.get("exceededTransferLimit") is True


def _date_column(source: Source, answer: object) -> str:
    """The name of the date column by the answer's own schema; "" when year, month and day tell it.

    SourceError when neither is there.
    """
    fields = answer.get("fields") if isinstance(answer, Mapping) else None
    if not isinstance(fields, list) or not fields:
        return "date"  # an empty page states no schema
    types = {
        str(one.get("name")): str(one.get("type")) for one in fields if isinstance(one, Mapping)
    }
    for name, kind in types.items():
        if name.lower().strip("_") == "date" and kind in _DATES:
            return name
    if {"year", "month", "day"} <= set(types):
        return ""
    raise SourceError(
        f"{source.name}: no date among the columns ({', '.join(types)[:120]}); the layer has "
        "changed, compare it with source.toml"
    )


def _day(row: Row, column: str) -> str:
    """The row's day as YYYY-MM-DD: text, milliseconds or its year, month and day; "" for none.

    A date column that says another day than the numbers beside it is not believed.
    """
    names = [name for name in (column, "date", "date_") if name and row.get(name) not in (None, "")]
    moment = parse_date(row[names[0]]) if names else None
    told = moment.date() if moment else None
    parts = [row.get(name) for name in ("year", "month", "day")]
    if all(isinstance(part, int) for part in parts):
        try:
            counted = date(*parts)  # type: ignore[arg-type]
        except ValueError:
            return ""
        if told not in (None, counted):
            return ""
        told = counted
    return told.isoformat() if told else ""


def next_page(source: Source, body: bytes, url: str) -> str | None:
    """The URL of the next page, or None when this was the last one.

    The offset grows by the rows that came, not by those asked for: the service caps a page.
    """
    answer = read_json(source, body)
    if not _more(answer):
        return None
    count = len(list_at(source, answer, "features"))
    if count == 0:
        return None
    found = re.search(r"([?&]resultOffset=)(\d+)", url)
    if found is None:
        return f"{url}{'&' if '?' in url else '?'}resultOffset={count}"
    return url[: found.start(2)] + str(int(found.group(2)) + count) + url[found.end(2) :]
