"""KOMIS: the bytes of a price chart, which its page asks for with a form, become rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ews.model import Source
from scrapers.errors import SourceError
from scrapers.mapping import Parsed, map_rows
from scrapers.rows import read_json
from scrapers.templates import MissingField, Row, pick


def parse_chart(source: Source, body: bytes, now: datetime, label: str = "") -> Parsed:
    """The points of the chart's first line, mapped. Raises SourceError.

    `dates` and `values` are the paths of two lists of equal length in the answer; a row has the
    fields `date` and `value`. A point without a value ("-", empty) is a day without a price.
    """
    answer = read_json(source, body, label)
    dates, values = (_points(source, answer, name) for name in ("dates", "values"))
    if len(dates) != len(values):
        raise SourceError(
            f"{source.name}: {len(dates)} dates and {len(values)} values; they cannot be put "
            "together, look at a fresh answer"
        )
    rows: list[Row] = [
        {"date": str(day).strip(), "value": value} for day, value in zip(dates, values, strict=True)
    ]
    return map_rows(source, rows, now)


def _points(source: Source, answer: object, name: str) -> list[object]:
    path = str(source.options[name])
    try:
        found = pick(answer, path) if isinstance(answer, Mapping) else None
    except MissingField:
        found = None
    if not isinstance(found, list):
        raise SourceError(
            f"{source.name}: no list at {path!r}; the service has changed or refuses us: compare "
            f"options.{name} with what its page receives"
        )
    return found
