"""What may we fetch from this host? Its robots.txt, by RFC 9309, remembered for a day."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from protego import Protego

from ews.model import Host
from scrapers.errors import SourceError
from scrapers.hosts import FewHosts, HostBook

KEPT = timedelta(days=1)
SKEW = timedelta(minutes=5)
UNREACHABLE_S = 600  # how long an unreachable robots.txt is believed before the next look
MAX_BYTES = 512 * 1024  # RFC 9309 asks for at least 500 KiB; what comes after is not read
LONGEST_DELAY_S = 60.0
MOST_ORIGINS = 1_000  # that are kept parsed
LONG_TEXT = 64 * 1024  # characters; a longer one is parsed each time, a tenth of a second
AGENT = "ews"
# URL -> (status, the first MAX_BYTES of the body). Raises SourceError.
Reader = Callable[[str], tuple[int, bytes]]


class Robots:
    """Answers by origin, from the HostBook.

    4xx: no rules, all is allowed. 5xx, 429 and no answer: an older copy holds on, and where there is
    none nothing is allowed until it answers.
    """

    def __init__(
        self,
        hosts: HostBook,
        clock: Callable[[], datetime],
    ) -> None:
        self._hosts = hosts
        self._clock = clock
        self._passing = FewHosts()
        self._parsed: dict[str, tuple[str, Protego]] = {}
        self._one_look: dict[str, threading.Lock] = {}

    def check(self, url: str, name: str, read: Reader, passing: bool = False) -> float:
        """The crawl delay asked for, in seconds (0 when none). `name`: of the origin in the book;
        `passing`: only a redirect leads there, so it is remembered for a while and not in the book.
        Raises SourceError if the URL is disallowed, or (deferred) if nobody can tell."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        with self._look_of(name):
            known = self._known(name, f"{origin}/robots.txt", read, passing)
        if known.robots is None:
            said = "no answer" if known.robots_status is None else f"HTTP {known.robots_status}"
            raise SourceError(
                f"{origin}/robots.txt could not be read ({said}), so nothing is fetched from "
                "there for now; it is looked at again by itself",
                retry_after_s=UNREACHABLE_S,
                deferred=True,
            )
        rules = self._rules(name, known.robots)
        if not rules.can_fetch(url, AGENT):
            raise SourceError(
                f"{origin}/robots.txt does not allow {parts.path}; ask the publisher, or set "
                "enabled = false in source.toml",
                permanent=True,
            )
        return max(0.0, min(float(rules.crawl_delay(AGENT) or 0.0), LONGEST_DELAY_S))

    def _look_of(self, name: str) -> threading.Lock:
        """Who looks for this origin; the others of it wait."""
        if len(self._one_look) > MOST_ORIGINS:
            for other, lock in list(self._one_look.items()):
                if not lock.locked():
                    self._one_look.pop(other, None)
        return self._one_look.setdefault(name, threading.Lock())

    def _rules(self, name: str, text: str) -> Protego:
        known = self._parsed.get(name)
        if known is not None and known[0] == text:
            return known[1]
        rules = Protego.parse(text)
        if len(text) <= LONG_TEXT:  # parsed, a text takes thirty times its room
            self._parsed[name] = (text, rules)
        for old in list(self._parsed)[:-MOST_ORIGINS]:
            self._parsed.pop(old, None)
        return rules

    def _known(self, name: str, url: str, read: Reader, passing: bool) -> Host:
        host, now = self._hosts.host(name), self._clock()
        book: HostBook = self._hosts
        if passing and host.robots_at is None:
            book = self._passing
            host = book.host(name)
        # a date ahead of now was written by a clock that has been put back
        if host.robots_at is not None and -SKEW < now - host.robots_at < _kept(host):
            return host
        text, status = _look(url, read)
        return book.change_host(name, lambda host: _seen(host, text, status, self._clock()))


def unreachable(status: int | None) -> bool:
    """Whether that status of a robots.txt leaves open what it says (RFC 9309, 2.3.1.4)."""
    return status is None or status == 429 or status >= 500


def _kept(host: Host) -> timedelta:
    return timedelta(seconds=UNREACHABLE_S) if unreachable(host.robots_status) else KEPT


def _seen(host: Host, text: str | None, status: int | None, now: datetime) -> Host:
    kept = host.robots if text is None else text
    return replace(host, robots=kept, robots_status=status, robots_at=now)


def _look(url: str, read: Reader) -> tuple[str | None, int | None]:
    """The text and the HTTP status; no text when that does not tell what is allowed."""
    try:
        status, body = read(url)
    except SourceError as error:
        if error.deferred:
            raise
        return None, None
    if unreachable(status):
        return None, status
    if status != 200:
        return "", status
    if len(body) >= MAX_BYTES:
        body = body[: body.rfind(b"\n") + 1]  # half a rule is none
    return body.decode("utf-8-sig", "replace").replace("\0", ""), status
