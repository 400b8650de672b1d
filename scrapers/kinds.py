"""Which shapes can we read? KINDS: bytes in, signals out; one row per shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ews.model import Fetch, Raw, Series, Source
from scrapers import gdelt_turn
from scrapers.arcgis import next_page, parse_arcgis
from scrapers.collected import Collected, Parser
from scrapers.comtrade import parse_comtrade
from scrapers.customs import check_span, parse_customs
from scrapers.differences import parse_list
from scrapers.episodes import parse_episodes
from scrapers.errors import SourceError
from scrapers.feeds import parse_feed
from scrapers.forms import parse_chart
from scrapers.gdelt import parse_gdelt
from scrapers.http import Client
from scrapers.mapping import Parsed, Signal
from scrapers.onward import listed_file, next_listed
from scrapers.rows import (
    parse_csv,
    parse_geojson,
    parse_json,
    parse_xml,
)
from scrapers.sdmx import parse_sdmx
from scrapers.sheets import parse_xlsx, xlsx_link
from scrapers.vintages import parse_fred, parse_vintage_csv

# (source, body, now, charset label); of a kind that remembers also what it remembers
Parse = Callable[..., Parsed]
# A turn of several requests that no generic way fits. (source, latest fetch, now, client, memory, parser)
Turn = Callable[[Source, Fetch | None, datetime, Client, str, Parser], Collected]
# The bodies of one such turn, read again. (source, bodies, memory, parser)
Reread = Callable[[Source, Sequence[Raw], str, Parser], list[Parsed]]
# The next URL to read for this source, or None. (source, body, url of the body)
Follow = Callable[[Source, bytes, str], str | None]
# Raises SourceError for a URL that the publisher is known to refuse. (source, url)
Check = Callable[[Source, str], None]

# A label that begins so asks where a body leads, not what it says; after it the body's address. No
# header can say it.
ONWARD = "\0onward "

# Options that every kind knows.
COMMON = frozenset({
    "robots", "robots_reason", "min_gap_s", "max_bytes", "deadline_s", "also_try", "key_header",
    "key_prefix", "post_json",
    "max_entries", "tz", "each", "per_turn", "batch", "join", "empty_status",
    "past", "after", "keep_raw", "parse_s", "parse_mib",
})  # fmt: skip
LISTED = frozenset({
    "format", "items", "of", "columns", "id", "name", "group", "split", "watch", "tell",
    "count_by", "file",
})  # fmt: skip
SHEET = frozenset({"sheet", "names_row", "units_row", "units", "columns", "file_name"})
MAPPED = frozenset({"article", "observation", "lookup", "nulls", "drop", "keep", "at_least", "contains"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """How to read one shape. `pages`: follow adds pages; otherwise it replaces the body. `index`: the
    url is a page that may stay as it is while the file that it links changes. `follow_by`: the option
    without which nothing is followed, "" where each body is asked.

    `check` is asked before each request of a sweep. `remembers`: parse takes what it remembered at the
    turn before (lists told by their difference). `turn` does the asking itself; `reread` reads what
    such a turn kept.
    """

    parse: Parse
    options: frozenset[str]
    needs: frozenset[str] = frozenset()
    follow: Follow | None = None
    follow_by: str = ""
    pages: bool = False
    index: bool = False
    check: Check | None = None
    remembers: bool = False
    turn: Turn | None = None
    reread: Reread | None = None


KINDS: dict[str, Kind] = {
    "rss": Kind(parse_feed, frozenset({"text", "aggregator", "drop_query"})),
    "json": Kind(
        parse_json,
        MAPPED | {"items", "header_row", "next"},
        follow=next_listed,
        follow_by="next",
        pages=True,
    ),
    "geojson": Kind(parse_geojson, MAPPED),
    "arcgis": Kind(parse_arcgis, MAPPED, follow=next_page, pages=True),
    "csv": Kind(parse_csv, MAPPED | {"columns", "skip_prefix"}),
    "list": Kind(
        parse_list,
        LISTED | MAPPED - {"article"},
        frozenset({"format", "id", "name", "group", "tell"}),
        follow=listed_file,
        follow_by="file",
        remembers=True,
    ),
    "episodes": Kind(
        parse_episodes,
        MAPPED | {"format", "items", "episode"},
        frozenset({"format", "episode", "article"}),
        remembers=True,
    ),
    "xml": Kind(parse_xml, MAPPED | {"items"}, frozenset({"items"})),
    "xlsx": Kind(
        parse_xlsx,
        MAPPED | SHEET | {"period_form"},
        SHEET,
        follow=xlsx_link,
        index=True,
    ),
    "vintage_csv": Kind(parse_vintage_csv, MAPPED, frozenset({"observation"})),
    "fred": Kind(parse_fred, MAPPED, frozenset({"observation"})),
    "chart": Kind(
        parse_chart, MAPPED | {"dates", "values", "form"}, frozenset({"dates", "values", "form"})
    ),
    "customs": Kind(parse_customs, frozenset({"world"}), check=check_span),
    "sdmx": Kind(parse_sdmx, MAPPED | {"sum_codes"}),
    "comtrade": Kind(parse_comtrade, frozenset({"row_limit"})),
    "gdelt": Kind(
        parse_gdelt,
        frozenset(
            {
                "themes",
                "cameo",
                "cameo_between",
                "min_confidence",
                "keep_days",
                "slots_per_turn",
            }
        ),
        remembers=True,
        turn=gdelt_turn.turn,
        reread=gdelt_turn.reread,
    ),
}


def parse(source: Source, body: bytes, now: datetime, label: str = "", memory: str = "") -> Parsed:
    """One body as signals. Raises SourceError only, whatever the bytes are.

    `label` is the charset of the HTTP header, used when the bytes themselves do not say. `memory`
    is what the kind remembered at its turn before, "" when nothing. With ONWARD before an address as
    `label` the answer's `memory` is where the body leads, "" for nowhere.
    """
    kind = KINDS[source.kind]
    try:
        if label.startswith(ONWARD):
            leads = kind.follow(source, body, label[len(ONWARD) :]) if kind.follow else None
            return Parsed([], 0, None, memory=leads or "")
        if kind.remembers:
            return kind.parse(source, body, now, label, memory)
        return kind.parse(source, body, now, label)
    except SourceError:
        raise
    except (
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        RecursionError,
        OverflowError,
        MemoryError,
        AssertionError,
        LookupError,
    ) as error:
        # A bug of ours must not stop the other sources; it shows as this source's failure.
        raise SourceError(
            f"{source.name}: our parser failed ({type(error).__name__}: {str(error)[:80]}); keep "
            "the body as sample and report it"
        ) from error


def joined(parts: list[Parsed]) -> Parsed:
    """Several pages as one answer, each signal and series once."""
    signals: dict[str, Signal] = {}
    series: dict[str, Series] = {}
    for part in parts:
        for signal in part.signals:
            signals.setdefault(signal.id, signal)
        for one in part.series:
            series.setdefault(one.name, one)
    dates = [part.newest for part in parts if part.newest is not None]
    said = "; ".join(dict.fromkeys(part.said for part in parts if part.said))
    return Parsed(
        list(signals.values()),
        sum(part.rows for part in parts),
        max(dates, default=None),
        said,
        max((part.ttl_s for part in parts), default=0),
        list(series.values()),
        next((part.memory for part in reversed(parts) if part.memory is not None), None),
        next((part.refused for part in parts if part.refused), ""),
    )
