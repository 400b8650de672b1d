"""Which sources can be believed when they are quiet?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ews.model import Fetch, FetchOutcome, Polling, Source
from ews.own_sources import kept_sources, switched_off
from ews.reports.views import SourceLine, safe_url
from ews.storage import Store
from scrapers import freshness
from scrapers.catalog import PRIVATE_TIER
from scrapers.sweeps import is_sweep, round_turns


def source_lines(
    store: Store, now: datetime, sources: Sequence[Source] | None = None
) -> tuple[SourceLine, ...]:
    """Every source with its state, the blind ones first."""
    known = sources_here(store, now) if sources is None else sources
    newest, answered = store.newest_fetches(source.name for source in known)
    pollings = store.pollings()
    lines = [
        _line(
            one, now, newest.get(one.name), answered.get(one.name),
            pollings.get(one.name) or Polling(one.name),
        )
        for one in known
    ]  # fmt: skip
    return tuple(sorted(lines, key=lambda line: (not line.blind, line.group, line.name)))


def sources_here(store: Store, now: datetime) -> tuple[Source, ...]:
    """The sources as this home works with them, its private ones too: one that needs a key is on
    where `ews run` asked it lately with its key, whether or not this process has the key too."""
    known = kept_sources(store)
    off = switched_off(store)
    keyed = [s for s in known.sources if s.key_env and not s.enabled and s.name not in off]
    last, _ = store.newest_fetches([one.name for one in keyed])
    on = {one.name for one in keyed if _asked(one, last.get(one.name), now)}
    return tuple(replace(s, enabled=True) if s.name in on else s for s in known.sources)


def _asked(source: Source, last: Fetch | None, now: datetime) -> bool:
    """True when the source was asked lately; a want of its key fails before anything is asked."""
    if last is None or (last.permanent and last.status is None):
        return False
    return now - last.at <= max(timedelta(seconds=3 * source.every_s), timedelta(days=3))


def _line(
    source: Source, now: datetime, last: Fetch | None, good: Fetch | None, polling: Polling
) -> SourceLine:
    state = freshness(source, good, now, last, polling.news_at)
    return SourceLine(
        name=source.name,
        title=source.title,
        title_ko=source.titled("ko"),
        publisher=source.publisher,
        kind=source.kind,
        group=source.group,
        lang=source.lang,
        url=safe_url(_shown(source)),
        state=state.value,
        # nobody looks through one that is off, and nothing rests on one that nobody vouches for
        blind=state.blind and source.enabled and source.trusted,
        last_at=last.at if last else None,
        last_outcome=last.outcome.value if last else "",
        last_good_at=good.at if good else None,
        newest=good.newest if good else None,
        signals=good.signals if good else None,
        next_due=polling.next_due,
        error=_error(last),
        note=(last.error or "") if last and last.outcome is not FetchOutcome.FAILED else "",
        key_env=source.key_env or "",
        round_s=round_turns(source) * source.every_s if is_sweep(source) else None,
        every_s=source.every_s,
        fresh_within_s=source.fresh_within_s,
        terms=source.terms,
        live_tested=source.live_tested,
        trusted=source.trusted,
    )


def _shown(source: Source) -> str:
    """The address; of a private source without its query, where readers' own keys stand."""
    return source.url.partition("?")[0] if source.tier == PRIVATE_TIER else source.url


def _error(last: Fetch | None) -> str:
    failed = last is not None and last.outcome is FetchOutcome.FAILED
    return (last.error or "no reason given") if failed and last else ""
