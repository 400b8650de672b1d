"""Which sources can be believed when they are quiet, and what is there to do about the others?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ews.freshness import Heard, heard
from ews.model import Fetch, FetchOutcome, Source
from ews.own_sources import kept_sources, switched_off
from ews.reports.names import label
from ews.reports.source_advice import CHOSEN, ORDER, advise, todo
from ews.reports.source_dark import coverage
from ews.reports.source_flow import flows, in_full
from ews.reports.source_views import (
    INTERNATIONAL,
    BrokenLine,
    GroupLine,
    SourceLine,
    SourcesReport,
)
from ews.reports.views import Label, safe_url
from ews.storage import Store
from scrapers.catalog import GROUPS, PRIVATE_TIER
from scrapers.sweeps import is_sweep, round_turns

STATES = ("failing", "stale", "never", "fresh", "off")  # what asks for eyes first
LATE = timedelta(hours=2)  # past its turn: nobody asks
SORTS = ("", "name", "newest", "next")


@dataclass(frozen=True, slots=True)
class SourcesAsked:
    """Which sources are asked for; "" and None: all."""

    state: str = ""  # of STATES, or "blind"
    group: str = ""
    country: str = ""
    language: str = ""
    private: bool | None = None
    todo: str = ""  # what there is to do about it: a code of Advice
    q: str = ""  # words in name, title, publisher or address
    sort: str = ""  # what is most pressing | name | newest: the oldest first | next: soonest first

    def fits(self, line: SourceLine) -> bool:
        told = " ".join((line.name, line.title, line.title_ko, line.publisher, line.url)).casefold()
        return (
            (line.blind if self.state == "blind" else self.state in ("", line.state))
            and self.group in ("", line.group)
            and self.country in ("", line.country.code)
            and self.language in ("", line.lang)
            and self.private in (None, line.private)
            and (not self.todo or any(one.code == self.todo for one in line.advice))
            and all(word in told for word in self.q.casefold().split())
        )  # fmt: skip


def sources_report(
    store: Store,
    now: datetime,
    asked: SourcesAsked | None = None,
    sources: Sequence[Source] | None = None,
) -> SourcesReport:
    """The sources asked for, and over all of them what is silent, what is blind for it, and what to
    do. ValueError for a state, group or order that is none."""
    asked = asked or SourcesAsked()
    _check(asked)
    known = sources_here(store, now) if sources is None else tuple(sources)
    seen = coverage(store, known, now)
    found = flows(store, known, now)
    lines = [in_full(line, found, seen) for line in source_lines(store, now, known)]
    broken = kept_sources(store).broken
    return SourcesReport(
        sources=tuple(_sorted([line for line in lines if asked.fits(line)], asked.sort)),
        blind=sum(line.blind for line in lines),
        count=len(lines),
        on=sum(line.state != "off" for line in lines),
        states=_states(lines),
        groups=tuple(
            GroupLine(group, len(own), _states(own))
            for group in GROUPS
            if (own := [line for line in lines if line.group == group])
        ),
        todo=todo(lines),
        watched=seen is not None,
        dark=seen.dark_lines() if seen else (),
        broken=tuple(BrokenLine(one.name, one.error) for one in broken),
    )


def _check(asked: SourcesAsked) -> None:
    for name, value, known in (
        ("state", asked.state, ("", "blind", *STATES)), ("group", asked.group, ("", *GROUPS)),
        ("todo", asked.todo, ("", *ORDER)), ("sort", asked.sort, SORTS),
    ):  # fmt: skip
        if value not in known:
            raise ValueError(f"{name} {value[:40]!r} is unknown; use one of {', '.join(known[1:])}")


def _states(lines: Iterable[SourceLine]) -> dict[str, int]:
    found = Counter(line.state for line in lines)
    return {state: found[state] for state in STATES}


def _sorted(lines: list[SourceLine], sort: str) -> list[SourceLine]:
    if sort == "name":
        return sorted(lines, key=lambda line: line.name)
    if sort == "newest":
        return sorted(lines, key=lambda line: (_stamp(line.newest), line.name))
    if sort == "next":
        return sorted(lines, key=lambda line: (line.next_due is None, _stamp(line.next_due), line.name))  # fmt: skip
    return sorted(lines, key=_pressing)


def _stamp(at: datetime | None) -> float:
    return at.timestamp() if at else 0.0


def _pressing(line: SourceLine) -> tuple[bool, int, int, str, str]:
    """Blind ones first, those that only a person can mend before those that mend themselves."""
    codes = [one.code for one in line.advice if one.code not in CHOSEN]
    urgent = min((ORDER[code] for code in codes), default=len(ORDER))
    return (not line.blind, STATES.index(line.state), urgent, line.group, line.name)


# --------------------------------------------------------------------------- lines


def source_lines(
    store: Store, now: datetime, sources: Sequence[Source] | None = None
) -> tuple[SourceLine, ...]:
    """Every source with its state, the blind ones first."""
    known = sources_here(store, now) if sources is None else sources
    off = switched_off(store)
    lines = [_line(one, now, one.source.name in off) for one in heard(store, known, now)]
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


def _line(one: Heard, now: datetime, off_here: bool) -> SourceLine:
    source, last, good, polling, state = one.source, one.last, one.good, one.polling, one.state
    due = polling.next_due
    line = SourceLine(
        name=source.name,
        title=source.title,
        title_ko=source.titled("ko"),
        publisher=source.publisher,
        kind=source.kind,
        group=source.group,
        lang=source.lang,
        url=safe_url(shown(source, source.url)),
        state=state.value,
        # nobody looks through one that is off, and nothing rests on one that nobody vouches for
        blind=state.blind and source.enabled and source.trusted,
        last_at=last.at if last else None,
        last_outcome=last.outcome.value if last else "",
        last_good_at=good.at if good else None,
        newest=good.newest if good else None,
        signals=good.signals if good else None,
        next_due=due,
        error=_error(last),
        note=(last.error or "") if last and last.outcome is not FetchOutcome.FAILED else "",
        key_env=source.key_env or "",
        round_s=round_turns(source) * source.every_s if is_sweep(source) else None,
        every_s=source.every_s,
        fresh_within_s=source.fresh_within_s,
        terms=source.terms,
        live_tested=source.live_tested,
        trusted=source.trusted,
        country=country_label(source.country),
        tier=source.tier,
        independence=source.independence,
        authority=source.authority or "",
        private=source.tier == PRIVATE_TIER,
        off_here=off_here,
        status=last.status if last else None,
        permanent=last.permanent if last else False,
        rows=good.rows if good else None,
        expect_min=source.expect_min,
        expect_max=source.expect_max,
        learnt_s=polling.every_s,
        why=polling.why,
        failures=polling.failures,
        circuit=polling.circuit.value,
        moved_to=safe_url(shown(source, polling.moved_to or "")),
        changed_at=polling.changed_at,
        late=source.enabled and due is not None and now - due > LATE,
    )
    return replace(line, advice=advise(line))


def country_label(code: str) -> Label:
    return INTERNATIONAL if code == INTERNATIONAL.code else label("country", code)


def shown(source: Source, url: str) -> str:
    """The address; of a private source without its query, where readers' own keys stand."""
    return url.partition("?")[0] if source.tier == PRIVATE_TIER else url


def _error(last: Fetch | None) -> str:
    failed = last is not None and last.outcome is FetchOutcome.FAILED
    return (last.error or "no reason given") if failed and last else ""
