"""What may we fetch from this host? Its robots.txt, by RFC 9309, remembered for a day."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from protego import Protego

from scrapers.errors import SourceError

DAY_S = 86_400.0
UNREACHABLE_S = 600.0  # how long an unreachable robots.txt is believed before the next look
MAX_BYTES = 512 * 1024  # RFC 9309 asks for at least 500 KiB
AGENT = "ews"


@dataclass
class _Rules:
    """The rules of one origin. `parsed` None: it could not be reached, so nothing is allowed."""

    parsed: Protego | None
    read_at: float
    why: str = ""


class Robots:
    """Answers by origin. `read(url)` returns (status, body) and raises SourceError.

    4xx: no rules, all is allowed. 5xx, 429 and no answer: nothing is allowed until it answers; an
    older copy is used for up to a day more.
    """

    def __init__(
        self, read: Callable[[str], tuple[int, bytes]], clock: Callable[[], float]
    ) -> None:
        self._read = read
        self._clock = clock
        self._known: dict[str, _Rules] = {}
        self._lock = threading.Lock()

    def check(self, url: str) -> float:
        """The crawl delay asked for, in seconds (0 when none). Raises SourceError if disallowed."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        rules = self._rules(origin)
        if rules.parsed is None:
            raise SourceError(
                f"{origin}/robots.txt could not be read ({rules.why}), so nothing is fetched from "
                "there for now; it is looked at again by itself",
                retry_after_s=int(UNREACHABLE_S),
            )
        if not rules.parsed.can_fetch(url, AGENT):
            raise SourceError(
                f"{origin}/robots.txt does not allow {parts.path}; ask the publisher, or set "
                "enabled = false in source.toml",
                permanent=True,
            )
        return min(float(rules.parsed.crawl_delay(AGENT) or 0.0), 60.0)

    def _rules(self, origin: str) -> _Rules:
        with self._lock:
            known = self._known.get(origin)
        age = self._clock() - known.read_at if known else 0.0
        if known and age < (DAY_S if known.parsed is not None else UNREACHABLE_S):
            return known
        fresh = self._look(f"{origin}/robots.txt")
        if fresh.parsed is None and known and known.parsed is not None and age < 2 * DAY_S:
            return known
        with self._lock:
            self._known[origin] = fresh
        return fresh

    def _look(self, url: str) -> _Rules:
        try:
            status, body = self._read(url)
        except SourceError as error:
            return _Rules(None, self._clock(), error.message)
        if status == 429 or status >= 500:
            return _Rules(None, self._clock(), f"HTTP {status}")
        text = body[:MAX_BYTES].decode("utf-8", "replace") if status == 200 else ""
        return _Rules(Protego.parse(text), self._clock())
