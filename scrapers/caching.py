"""How long does an answer stay good, and which answer do its validators belong to? RFC 9111 and 9110.

We are a private cache of one: `s-maxage` is not for us, and nothing is ever used without asking. So
`must-revalidate` and `stale-if-error` ask for what we do anyway, and `Vary` too, since every
request of a source says the same; only `Vary: *` matters.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

DAY_S = 86_400
_DIRECTIVE = re.compile(r'([\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?')


@dataclass(frozen=True, slots=True)
class Validators:
    """ETag and Last-Modified, as they came, and the mark of the URL that gave them."""

    etag: str | None
    last_modified: str | None
    mark: str

    def headers_for(self, mark: str) -> dict[str, str]:
        """The conditions for a request of the URL with that mark: none when it is another URL.

        A date of one page must not turn another one into "not modified".
        """
        if not self.mark or mark != self.mark:
            return {}
        sent = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {
            name: value
            for name, value in sent.items()
            if value and value.isascii() and value.isprintable()  # else it cannot be sent back
        }


def mark_of(url: str) -> str:
    """A short name of a URL, from which neither it nor a key in it can be read."""
    return hashlib.sha256(url.partition("#")[0].encode("utf-8", "replace")).hexdigest()[:16]


def freshness_s(headers: Mapping[str, str], now: datetime | None = None) -> int:
    """Seconds for which the answer says that it stays good, at most a day; 0 when it does not.

    RFC 9111, 4.2: max-age, else Expires counted from the answer's Date (or `now`), less its Age.
    """
    said = directives(headers.get("cache-control", ""))
    if "no-store" in said or "no-cache" in said or headers.get("vary", "").strip() == "*":
        return 0
    if "max-age" in said:
        lifetime = _seconds(said["max-age"])
    else:
        expires = http_date(headers.get("expires", ""))
        start = http_date(headers.get("date", "")) or now
        if expires is None or start is None:
            return 0
        lifetime = int((expires - start).total_seconds())
    return max(0, min(lifetime - _seconds(headers.get("age", "")), DAY_S))


def directives(cache_control: str) -> dict[str, str]:
    """Names (lower case) and values of a Cache-Control header; the first of two equal names counts.

    >>> directives('Private="x, max-age=9", max-age="60", MAX-AGE=5')
    {'private': 'x, max-age=9', 'max-age': '60'}
    """
    found: dict[str, str] = {}
    for match in _DIRECTIVE.finditer(cache_control[:2000]):
        quoted, plain = match.group(2), match.group(3)
        found.setdefault(match.group(1).lower(), quoted if quoted is not None else plain or "")
    return found


def _seconds(text: str) -> int:
    """A delta-seconds, or 0 where it is none."""
    text = text.strip()
    return min(int(text[:12]), 2**31) if text.isascii() and text.isdigit() else 0


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> int | None:
    """Seconds that Retry-After asks for, at most a day; None when it is absent or no such thing.

    A date is counted from the answer's own Date, whose clock it was written by, or from `now` when
    it has none.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(_seconds(value), DAY_S)
    moment, start = http_date(value), http_date(headers.get("date", "")) or now
    if moment is None or start is None:
        return None
    return max(0, min(int((moment - start).total_seconds()), DAY_S))


def http_date(text: str) -> datetime | None:
    """The moment that a date header names; None when it names none."""
    try:
        moment = parsedate_to_datetime(text[:80])
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
