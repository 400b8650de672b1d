"""What is new at this source? One attempt, which never raises for a bad source."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ews.model import Article, Fetch, FetchOutcome, Observation, Raw, Source
from scrapers.collected import Collected, Parser, raw_of, vouched, without_keys
from scrapers.conditional import (
    as_before,
    charset_of,
    failed,
    fetch_reply,
    keys_of,
)
from scrapers.errors import SourceError
from scrapers.http import Client, Reply
from scrapers.kinds import KINDS, joined, parse
from scrapers.mapping import Parsed
from scrapers.pages import pages_of
from scrapers.sweeps import is_sweep, sweep


def scrape(
    source: Source, last: Fetch | None, now: datetime, client: Client
) -> tuple[Fetch, list[Article | Observation]]:
    """As `collect`, without the descriptions of the series."""
    collected = collect(source, last, now, client)
    return collected.fetch, collected.signals


def collect(
    source: Source,
    last: Fetch | None,
    now: datetime,
    client: Client,
    memory: str = "",
    parser: Parser = parse,
) -> Collected:
    """One turn: signals, series, bodies, and how it went; `last` is the source's latest fetch.

    `memory` is what its kind remembered, `parser` reads bodies (in a worker, where they are not
    trusted). Never raises for a bad source: whatever goes wrong comes back as a FAILED fetch that says so.
    Too few rows (`expect`) is FAILED too, but the signals that came are returned. When to come back
    says scrapers.schedule.
    """
    begun = time.monotonic()
    got = _turn(source, last, now, client, memory, parser)
    fetch = replace(got.fetch, took_s=round(time.monotonic() - begun, 3))
    got = replace(got, fetch=fetch, signals=vouched(source, got.signals))
    return without_keys(got, keys_of(source, client))


def _turn(
    source: Source, last: Fetch | None, now: datetime, client: Client, memory: str, parser: Parser
) -> Collected:
    own = KINDS[source.kind].turn
    if own is not None:
        return own(source, last, now, client, memory, parser)
    if is_sweep(source):
        return _swept(source, last, now, client, parser)
    fetched, reply = fetch_reply(source, _conditions(source, last), now, client)
    if reply is None:
        return Collected(fetched)
    if fetched.outcome is FetchOutcome.UNCHANGED:
        return Collected(fetched, moved_to=reply.moved)
    kept = as_before(fetched, last)
    pages = [reply]
    try:
        pages = pages_of(source, reply, now, client, parser)
        if KINDS[source.kind].index:
            fetched = replace(fetched, sha256=hashlib.sha256(pages[-1].body).hexdigest())
            if last is not None and fetched.sha256 == last.sha256:
                return Collected(_unchanged(fetched, last), moved_to=reply.moved)
        parsed = _parsed(source, pages, now, memory, parser)
    except SourceError as error:
        # what could not be read is the body that a mended parser will want
        return Collected(failed(kept, error), raws=_raws(source, now, pages))
    return Collected(
        _outcome(source, fetched, kept, parsed), parsed.signals, parsed.series,
        _raws(source, now, pages), parsed.memory, reply.moved,
    )  # fmt: skip


def _parsed(
    source: Source, pages: Sequence[Reply], now: datetime, memory: str, parser: Parser
) -> Parsed:
    """The pages of one answer as one, what the way to it tells said first. Raises SourceError."""
    parsed = joined(
        [parser(source, one.body, now, charset_of(one.headers), memory) for one in pages]
    )
    return replace(parsed, said="; ".join(filter(None, [pages[0].note, parsed.said])))


def _raws(source: Source, now: datetime, pages: Sequence[Reply]) -> list[Raw]:
    return [raw_of(source, now, n, page) for n, page in enumerate(pages)]


def reread(source: Source, raws: Sequence[Raw], memory: str = "", parser: Parser = parse) -> Parsed:
    """The signals of one turn from its kept bodies, as `collect` read them. Raises SourceError."""
    parsed = _reread(source, raws, memory, parser)
    return replace(parsed, signals=vouched(source, parsed.signals))


def _reread(source: Source, raws: Sequence[Raw], memory: str, parser: Parser) -> Parsed:
    own = KINDS[source.kind].reread
    if own is not None:
        return joined(own(source, raws, memory, parser))
    return joined([
        parser(source, raw.body, raw.at, charset_of(raw.headers), memory)
        for raw in raws
        if raw.parsed
    ])  # fmt: skip


def _conditions(source: Source, last: Fetch | None) -> Fetch | None:
    """The latest fetch as the page is asked for: of an index only the file behind it tells whether
    there is news, so the index is always read."""
    if last is None or not KINDS[source.kind].index:
        return last
    return replace(last, etag=None, last_modified=None, sha256=None)


def _unchanged(fetched: Fetch, last: Fetch) -> Fetch:
    return replace(
        fetched, outcome=FetchOutcome.UNCHANGED, signals=last.signals, newest=last.newest
    )


def _swept(
    source: Source, last: Fetch | None, now: datetime, client: Client, parser: Parser
) -> Collected:
    """One turn of a sweep. Its newest date is that of all turns: one turn may ask for old months."""
    fetched, parts, raws = sweep(source, last, now, client, parser, KINDS[source.kind].check)
    if fetched.outcome is not FetchOutcome.NEW:
        return Collected(fetched, raws=raws if fetched.outcome is FetchOutcome.FAILED else [])
    parsed = joined(parts)
    dates = [one for one in (parsed.newest, last.newest if last else None) if one is not None]
    said = "; ".join(filter(None, [fetched.error, parsed.said]))
    parsed = replace(parsed, newest=max(dates, default=None), said=said)
    kept = replace(fetched, newest=last.newest if last else None)
    # what a series is now is not said by a source of old periods: its codes may be of another edition
    series = [] if source.options.get("past") else parsed.series
    return Collected(_outcome(source, fetched, kept, parsed), parsed.signals, series, raws)


def _outcome(source: Source, fetched: Fetch, kept: Fetch, parsed: Parsed) -> Fetch:
    count = len(parsed.signals)
    wait = max(parsed.ttl_s, fetched.retry_after_s or 0)
    good = replace(
        fetched,
        signals=count,
        rows=parsed.rows,
        newest=parsed.newest,
        error=parsed.said or None,
        retry_after_s=wait or None,
    )
    if parsed.refused:
        refused = SourceError(f"{source.name}: {parsed.refused}")
        return replace(failed(kept, refused), signals=count, rows=parsed.rows)
    if parsed.rows < source.expect_min:
        error = SourceError(
            f"{source.name}: {parsed.rows} rows where at least {source.expect_min} are expected; "
            "it dries up or has changed: open the url, then correct expect or the mapping"
        )
        return replace(failed(kept, error), signals=count, rows=parsed.rows)
    if parsed.rows > source.expect_max:
        note = f"{parsed.rows} rows where at most {source.expect_max} are expected"
        return replace(good, error="; ".join(filter(None, [note, parsed.said])))
    return good
