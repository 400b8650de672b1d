"""Sources that date their vintages: which value was published for a period, and when?

`vintage_csv` (New York Fed, GSCPI): one column per vintage. `fred`: observations repeated per
real-time window, as ALFRED gives them. Both yield one row per value that is new or changed, with
the moment it became known, so that a reader as of any day sees what stood there on that day.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ews.model import Frequency, Source
from scrapers.calendars import Release, end_of_day, first_seen, release_of
from scrapers.errors import SourceError
from scrapers.mapping import BASIS, FUTURE, KNOWN, Parsed, map_rows
from scrapers.periods import first_day
from scrapers.rows import all_there, list_at, read_json, refused_inside
from scrapers.templates import Row, number
from scrapers.text import clean_text, decode, parse_date

MAX_CELLS = 2_000_000  # of a vintage table; GSCPI has about 350 x 60 in 2026
_MONTH_FORMS = ("%b-%y", "%b-%Y", "%Y-%m")  # Sep-26, Sep-2026, 2026-09
_DAY_FORMS = ("%d-%b-%Y", "%d-%b-%y", "%Y-%m-%d")  # 30-Sep-2026, 30-Sep-26, 2026-09-30


# --------------------------------------------------------------------------- one column per vintage


@dataclass(frozen=True, slots=True)
class Vintage:
    """One column of the table."""

    column: int
    label: str
    known: datetime  # when it was published
    limit: datetime  # it can hold no period that begins at or after this


def parse_vintage_csv(source: Source, body: bytes, now: datetime, label: str = "") -> Parsed:
    """A table with a period per line and a vintage per column, as vintages of each period.

    The first column is the date (`date_form` of the observation). A value is kept where it differs
    from that of the vintage before. Raises SourceError for a heading that is no date, for vintages
    out of order, and for a vintage that knows the future.
    """
    lines = _lines(source, decode(body, label))
    heads = next(csv.reader(lines[:1]), [])
    cells = list(csv.reader(lines[1:]))
    if len(heads) * len(cells) > MAX_CELLS:
        raise SourceError(f"{source.name}: {len(cells)} lines of {len(heads)}; too large a table")
    vintages = _vintages(source, heads, cells, now)
    rows = [row for line in cells for row in _changes(source, heads[0].strip(), vintages, line)]
    return map_rows(source, rows, now)


def _lines(source: Source, text: str) -> list[str]:
    if re.match(r"\s*<(?:!doctype|html|\?xml)", text, re.IGNORECASE):
        raise SourceError(
            f"{source.name}: a web page came instead of a table; we may be blocked, or the file "
            "has moved: open the url and correct source.toml"
        )
    # The publisher's file has lines of commas only, and some that begin with one.
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip().strip(",")]
    lines = [line for line in lines if not line.startswith(",")]
    if len(lines) < 2:
        raise SourceError(f"{source.name}: no table in this body; open the url and look")
    return lines


def _vintages(
    source: Source, heads: Sequence[str], cells: Sequence[Sequence[str]], now: datetime
) -> list[Vintage]:
    found = []
    for column, head in enumerate(heads[1:], start=1):
        if not head.strip() and not any(len(line) > column and line[column] for line in cells):
            continue  # spreadsheets write commas past the last column
        found.append(_vintage(source, column, head.strip(), now))
    for earlier, later in itertools.pairwise(found):
        if later.known <= earlier.known:
            raise SourceError(
                f"{source.name}: vintage {later.label!r} stands after {earlier.label!r} and is not "
                "later; the columns are out of order, look at a fresh file"
            )
    if not found or found[-1].limit > now + FUTURE:
        raise SourceError(
            f"{source.name}: {found[-1].label + ' is a vintage of the future' if found else 'no vintage'}"
            "; look at a fresh file"
        )
    return found


def _vintage(source: Source, column: int, head: str, now: datetime) -> Vintage:
    """The vintage that a heading names.

    A heading with a day was public at the end of that day. One with a month only was public at the
    end of the release day that the calendar gives for that month: the vintage called Sep-26 comes
    out in September 2026 and ends with August.
    """
    release = _release(source)
    for form in _DAY_FORMS:
        if (day := parse_date(head, form)) is not None:
            return Vintage(column, head, min(end_of_day(day.date()), now), day)
    for form in _MONTH_FORMS:
        if (month := parse_date(head, form)) is not None:
            period = (month - timedelta(days=1)).replace(day=1)
            return Vintage(column, head, release.available(period, Frequency.MONTH), month)
    numeric = number(head) is not None
    what = "a number, which cannot be told from a count of days" if numeric else "no date"
    raise SourceError(
        f"{source.name}: the heading {clean_text(head, 40)!r} of column {column + 1} is {what}; a "
        "vintage reads Sep-26, Sep-2026, 30-Sep-2026, 2026-09 or 2026-09-30"
    )


def _release(source: Source) -> Release:
    spec = source.options["observation"]
    release = release_of(str(spec["series"])) if isinstance(spec, Mapping) else None
    if release is None:
        raise SourceError(f"{source.name}: its series has no rule in calendars.toml; add one")
    return release


def _changes(
    source: Source, name: str, vintages: Sequence[Vintage], line: Sequence[str]
) -> Iterator[Row]:
    """The values of one period that differ from the vintage before, oldest first."""
    month, held = _month(source, line[0].strip()), None
    for vintage in vintages:
        text = line[vintage.column].strip() if len(line) > vintage.column else ""
        value = _value(source, vintage, text)
        if value is None:
            continue  # a value that is withdrawn stays as it stood: nobody said another
        if month >= vintage.limit.replace(day=1):
            raise SourceError(
                f"{source.name}: vintage {vintage.label} has a value for {line[0].strip()}, a "
                "month that was not over; the headings mean something else than we think"
            )
        if value != held:
            yield {name: line[0].strip(), "value": text, KNOWN: vintage.known}
            held = value


def _month(source: Source, text: str) -> datetime:
    """The first day of the month that a line is for. SourceError when it begins with no date."""
    spec = source.options["observation"]
    form = str(spec.get("date_form", "")) if isinstance(spec, Mapping) else ""
    day = parse_date(text, form)
    if day is None:
        raise SourceError(
            f"{source.name}: a line begins with {clean_text(text, 40)!r}, which is no date; "
            "compare options.observation.date_form with a fresh file"
        )
    return first_day(day, Frequency.MONTH)


def _value(source: Source, vintage: Vintage, text: str) -> float | None:
    """The number of a cell, None for a missing one. SourceError for anything else."""
    nulls = source.options.get("nulls", [])
    if not text or (isinstance(nulls, list) and text in nulls):
        return None
    value = number(text)
    if value is None:
        raise SourceError(
            f"{source.name}: {text[:40]!r} in vintage {vintage.label} is no number; if it marks a "
            "missing value, add it to options.nulls"
        )
    return value


# --------------------------------------------------------------------------- real-time windows


def parse_fred(source: Source, body: bytes, now: datetime, label: str = "") -> Parsed:
    """FRED's observations, each with the day its value entered FRED. Raises SourceError.

    Every row carries the window in which FRED showed the value. One that opens later than the
    window we asked for is a vintage of that day. One that opens with it stood there already: it
    gets the date of its release calendar, never later than the window's first day, and says so.
    """
    answer = read_json(source, body, label)
    refused_inside(source, answer)
    opened = _day(answer.get("realtime_start")) if isinstance(answer, Mapping) else None
    if opened is None:
        raise SourceError(f"{source.name}: no realtime_start in the answer; the format has changed")
    found = list_at(source, answer, "observations")
    stated, limit = answer.get("count"), answer.get("limit")
    if isinstance(stated, int) and isinstance(limit, int) and stated > limit:
        raise SourceError(
            f"{source.name}: {len(found)} rows came of {stated}; ask for a shorter period in url"
        )
    told = [row for row in found if isinstance(row, Mapping)]
    all_there(source, told, ("date", "value", "realtime_start"))
    rows = [_windowed(source, row, opened, now) for row in told]
    rows.sort(key=lambda row: (str(row.get("date")), str(row.get("realtime_start"))))
    return map_rows(source, list(_without_repeats(rows)), now)


def _windowed(source: Source, row: Row, opened: date, now: datetime) -> Row:
    start = _day(row.get("realtime_start"))
    period = parse_date(row.get("date"))
    if start is None or period is None:
        return {name: value for name, value in row.items() if name != "date"}  # unreadable: counted
    seen = min(end_of_day(start), now)
    if start > opened:
        return {**row, KNOWN: seen}
    spec = source.options["observation"]
    frequency = Frequency(str(spec["frequency"])) if isinstance(spec, Mapping) else None
    at, basis = first_seen(_release(source), frequency, period, seen)
    return {**row, KNOWN: at, BASIS: basis}


def _without_repeats(rows: Sequence[Row]) -> Iterator[Row]:
    """Rows by period and window; a window that shows the value of the one before says nothing."""
    shown: dict[object, object] = {}
    for row in rows:
        if shown.get(row.get("date")) != row.get("value"):
            yield row
        shown[row.get("date")] = row.get("value")


def _day(raw: object) -> date | None:
    moment = parse_date(raw, "%Y-%m-%d")
    return moment.date() if moment else None
