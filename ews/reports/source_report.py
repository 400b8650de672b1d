"""How does one source do: its turns, what it brought, what is kept of it, and what rests on it?"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from ews.model import Article, Fetch, Polling, Source
from ews.own_sources import kept_sources
from ews.reports.collection import shown, source_lines, sources_here
from ews.reports.source_dark import coverage, subject_label
from ews.reports.source_flow import flows, in_full
from ews.reports.source_views import (
    BodyLine,
    DayCount,
    DecisionLine,
    HostLine,
    SourceReport,
    TextLine,
    TurnLine,
)
from ews.reports.viewer import NotForViewer, NotFound, Viewer
from ews.reports.views import safe_url
from ews.storage import Store
from ews.storage.tallies import Tally
from scrapers.catalog import CatalogError
from scrapers.schedule import host_of_turn, renewed

TURNS, TEXTS, SERIES, BODIES = 50, 20, 20, 50
DAYS = 35  # drawn


def source_report(
    store: Store,
    name: str,
    now: datetime,
    viewer: Viewer,
    sources: Sequence[Source] | None = None,
) -> SourceReport:
    """The source of that name in full; kept bodies for operators only, decisions for who works here
    under a name. NotFound, with near names or what is wrong with its folder, when there is none."""
    known = sources_here(store, now) if sources is None else tuple(sources)
    source = next((one for one in known if one.name == name), None)
    if source is None:
        raise _unknown(store, name)
    (line,) = source_lines(store, now, [source])
    seen = coverage(store, known, now)
    own = sorted(seen.of(name)) if seen else []
    dark = seen.dark_lines(own) if seen else ()
    line = in_full(line, flows(store, known, now), seen)
    polling = renewed(source, store.polling(name))
    names, count = store.series_of(name, SERIES)
    bodies = _bodies(store, source) if viewer.role == "operator" else None
    return SourceReport(
        source=line,
        covers=tuple(subject_label(one) for one in own),
        dark=dark,
        turns=tuple(_turn(one) for one in store.fetches(name, TURNS)),
        days=_days(store.tallies_of(name, _midnight(now) - timedelta(days=DAYS - 1)), now),
        texts=tuple(_text(one) for one in store.newest_articles(name, TEXTS)),
        series=tuple(names),
        series_count=count,
        bodies=bodies,
        host=_host(store, source, polling, known, now),
        decisions=_decisions(store, name) if _works_here(viewer) else (),
    )


def _unknown(store: Store, name: str) -> NotFound:
    try:
        kept_sources(store).named(name)
    except CatalogError as error:
        return NotFound(str(error))
    return NotFound(f"no source {name[:60]!r}")


def _turn(one: Fetch) -> TurnLine:
    return TurnLine(
        at=one.at, outcome=one.outcome.value, status=one.status, asked=one.asked, rows=one.rows,
        signals=one.signals, newest=one.newest, took_s=one.took_s, error=one.error or "",
    )  # fmt: skip


def _text(one: Article) -> TextLine:
    return TextLine(
        id=one.id, title=one.title, url=safe_url(one.url), outlet=one.outlet, lang=one.lang,
        observed_at=one.observed_at, available_at=one.available_at, trusted=one.trusted,
    )  # fmt: skip


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _days(tallies: Sequence[Tally], now: datetime) -> tuple[DayCount, ...]:
    """A row for each UTC day since the first one that something was asked; the last is not over."""
    found: dict[date, list[Tally]] = defaultdict(list)
    for one in tallies:
        found[one.at.date()].append(one)
    if not found:
        return ()
    first, today = min(found), now.astimezone(UTC).date()
    days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    return tuple(
        DayCount(
            day=day,
            new=sum(one.new for one in found[day]),
            turns=sum(one.turns for one in found[day]),
            failed=sum(one.failed for one in found[day]),
        )
        for day in days
    )


def _bodies(store: Store, source: Source) -> tuple[BodyLine, ...]:
    return tuple(
        BodyLine(one.at, one.page, shown(source, one.url), one.size, one.sha256, one.parsed)
        for one in store.newest_raws(source.name, BODIES)
    )


def raw_body(store: Store, name: str, at: datetime, page: int, viewer: Viewer) -> bytes:
    """A kept body as it came. NotForViewer for any but an operator: it may hold what a source meant
    for us alone. NotFound when there is none."""
    if viewer.role != "operator":
        raise NotForViewer("kept bodies are for operators", "보관한 원문은 운영자만 봅니다.")
    body = store.raw_body(name, at, page)
    if body is None:
        raise NotFound(f"no body of {name[:60]} is kept of that time; `ews sources raw` lists them")
    return body


def _host(
    store: Store, source: Source, polling: Polling, known: Sequence[Source], now: datetime
) -> HostLine | None:
    """The host that its next turn asks; None when it was never asked."""
    name = host_of_turn(source, polling, now)
    host = store.host(name)
    if host.free_at is None and host.robots_at is None:
        return None
    pollings = store.pollings()
    others = (
        one.name
        for one in known
        if one.name != source.name
        and host_of_turn(one, pollings.get(one.name) or Polling(one.name), now) == name
    )
    return HostLine(
        name=name,
        held_until=_ahead(host.held_until, now),
        open_until=_ahead(host.open_until, now),
        failures=host.failures,
        robots_status=host.robots_status,
        robots_at=host.robots_at,
        sources=tuple(others),
    )


def _ahead(at: datetime | None, now: datetime) -> datetime | None:
    return at if at is not None and at > now else None


def _works_here(viewer: Viewer) -> bool:
    """Who decided and why is for those who work here under a name, as acts on alerts are."""
    return viewer.role == "operator" or (viewer.person is not None and viewer.role != "firm")


def _decisions(store: Store, name: str) -> tuple[DecisionLine, ...]:
    """What operators decided of it, newest first, from the audit."""
    found = []
    for row in store.audit_rows(name):
        if row.kind == "source":
            said = json.loads(row.body)
            done, why = str(said.get("done", "")), str(said.get("why", ""))
            found.append(DecisionLine(row.at, row.who, done, why))
    return tuple(reversed(found))
