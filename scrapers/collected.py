"""What did one turn at a source bring? The answer of every way to collect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ews.model import Article, Fetch, Observation, Raw, Series, Source
from scrapers.http import Reply
from scrapers.mapping import Parsed, Signal
from scrapers.redacting import holds, redact
from scrapers.voices import own_id

# (source, body, now, charset label of the header, what the kind remembers) -> signals.
# Raises SourceError only.
Parser = Callable[[Source, bytes, datetime, str, str], Parsed]

# Headers worth keeping beside a body; cookies and the like are not.
KEPT_HEADERS = (
    "content-type", "content-encoding", "content-length", "content-language", "date", "etag",
    "last-modified", "cache-control", "expires", "age", "retry-after", "location", "link", "server",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Collected:
    """One turn at a source: how it went, what it brought, what the series in it are.

    `raws`: every body that came, in order. `memory`: what the kind wants to remember until its next
    turn; None leaves what it remembers as it is. `moved_to`: where permanent redirects led.
    """

    fetch: Fetch
    signals: list[Article | Observation] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    raws: list[Raw] = field(default_factory=list)
    memory: str | None = None
    moved_to: str = ""


def raw_of(source: Source, now: datetime, page: int, reply: Reply, parsed: bool = True) -> Raw:
    """A reply as it is kept, without headers that are nobody's business; a key goes in
    `without_keys`."""
    headers = {name: reply.headers[name][:500] for name in KEPT_HEADERS if name in reply.headers}
    return Raw(source.name, now, page, reply.url.partition("#")[0], headers, reply.body, parsed)


def vouched(source: Source, signals: Sequence[Signal]) -> list[Signal]:
    """The signals as trusted as their source, whatever the parser said of them.

    One that nobody promoted gives texts only, under ids of its own: it must not stand in the place
    of the same text from a newsroom that comes later.
    """
    if source.trusted:
        return [
            one if isinstance(one, Observation) or one.trusted else replace(one, trusted=True)
            for one in signals
        ]
    return [
        replace(one, id=own_id(source.name, one), trusted=False)
        for one in signals
        if isinstance(one, Article)
    ]


def without_keys(got: Collected, keys: Sequence[str]) -> Collected:
    """The turn without any key in what is shown, logged or kept beside a body; bodies are left as
    they came."""
    for key in keys:
        error = redact(got.fetch.error or "", key) or None
        raws = [
            replace(
                raw,
                url=redact(raw.url, key),
                headers={name: redact(value, key) for name, value in raw.headers.items()},
            )
            for raw in got.raws
        ]
        moved = "" if holds(got.moved_to, key) else got.moved_to
        got = replace(got, fetch=replace(got.fetch, error=error), raws=raws, moved_to=moved)
    return got
