"""Which bodies make up one answer? Its pages, or the file that an index leads to.

Where it goes on is read in the worker too: an answer of 8 MiB can take 200 MiB to read. What the
worker says is an address like any other of a stranger: our client looks at it again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

from ews.model import Source
from scrapers.collected import Parser
from scrapers.conditional import api_key, ask, judge
from scrapers.errors import SourceError
from scrapers.hops import host_of, same_host
from scrapers.http import Client, Reply
from scrapers.kinds import KINDS, ONWARD
from scrapers.redacting import redact

MAX_PAGES = 20
MAX_PAGES_BYTES = 32 * 1024 * 1024  # of all pages of an answer together
_KEY = "{key}"  # stands for the key where a worker reads an address


def pages_of(
    source: Source, reply: Reply, now: datetime, client: Client, parser: Parser
) -> list[Reply]:
    """The pages of an answer, or the file that it leads to. Raises SourceError."""
    kind = KINDS[source.kind]
    pages: list[Reply] = [reply]
    if kind.follow is None or (kind.follow_by and kind.follow_by not in source.options):
        return pages
    for _ in range(MAX_PAGES):
        onward = _onward(source, pages[-1], now, client, parser)
        if onward is None:
            return pages
        answer = _page(source, onward, now, client)
        if kind.pages and any(answer.body == one.body for one in pages):
            raise SourceError(
                f"{source.name}: the service sends the same page again whatever page is asked for; "
                "nothing of it is kept: ask for a shorter period in url"
            )
        pages = [*pages, answer] if kind.pages else [answer]
        if kind.pages and sum(len(one.body) for one in pages) > MAX_PAGES_BYTES:
            raise SourceError(
                f"{source.name}: its pages take more than {MAX_PAGES_BYTES:,} bytes together; ask "
                "for a shorter period in url"
            )
    raise SourceError(
        f"{source.name}: more than {MAX_PAGES} pages; ask for a shorter period in url"
    )


def _onward(
    source: Source, page: Reply, now: datetime, client: Client, parser: Parser
) -> str | None:
    """Where that page leads, None where it ends. Raises SourceError."""
    key = quote(api_key(source, client), safe="")
    hidden = redact(page.url.replace(key, _KEY), key) if key else page.url
    said = parser(source, page.body, now, ONWARD + hidden, "").memory
    if not said:
        return None
    index = KINDS[source.kind].index  # a page of the publisher, the file elsewhere
    known = same_host(said, page.url) or same_host(said, source.url)
    if page.url.startswith("https:") and not said.startswith("https:"):
        known = index = False
    if not (known or index):
        raise SourceError(
            f"{source.name}: it leads to {host_of(said)}, not to its own host; open the url and look"
        )
    return said.replace(_KEY, key) if key and known else said


def _page(source: Source, url: str, now: datetime, client: Client) -> Reply:
    """One page more. What is refused here may be there at the next turn, so nothing is permanent."""
    answer = ask(source, url, client, {})
    try:
        judge(source, answer, now)
    except SourceError as error:
        bare = url.split("?")[0].split("#")[0][:200]
        raise SourceError(
            f"{source.name}: HTTP {answer.status} for {bare}; it is tried again at the next turn",
            retry_after_s=error.retry_after_s,
            status=answer.status,
        ) from None
    # the fragment carries what the index promised of the file
    return replace(answer, url=url)
