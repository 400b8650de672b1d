"""One fetch of a source, with the body that it brought alone: what most tests of the network ask."""

from __future__ import annotations

from datetime import datetime

from ews.model import Fetch, FetchOutcome, Source
from scrapers import Client
from scrapers.conditional import fetch_reply


def fetch(
    source: Source, last: Fetch | None, now: datetime, client: Client
) -> tuple[Fetch, bytes | None]:
    """As `fetch_reply`; the body is None unless it is new."""
    fetched, reply = fetch_reply(source, last, now, client)
    new = reply is not None and fetched.outcome is FetchOutcome.NEW
    return fetched, reply.body if reply is not None and new else None
