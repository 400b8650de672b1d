"""Did Slack send this request, just now, and only once? Signature, age, and no repetition."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from threading import Lock

from slack_sdk.signature import Clock, SignatureVerifier

OLDEST_S = 300  # as Slack advises
AHEAD_S = 10  # a signed time in the future is a replay that waits; clocks may differ by this much
REMEMBERED = 10_000
NUMBER = re.compile(r"[0-9]{1,12}", re.ASCII)
SIGNATURE = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)


class Signatures:
    """Says of each request whether it is Slack's. Never raises, whatever the headers hold.

    A request that was seen before is not: a second look within its five minutes is a replay.
    Another process or a restart does not know it; there the act's key keeps it from being done
    twice.
    """

    def __init__(self, secret: str, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._verifier = SignatureVerifier(secret, _Ours(clock))
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def good(self, body: bytes, timestamp: str | None, signature: str | None) -> bool:
        if not timestamp or not NUMBER.fullmatch(timestamp):
            return False
        if not signature or not SIGNATURE.fullmatch(signature):
            return False
        age = self._clock().timestamp() - int(timestamp)
        if not -AHEAD_S <= age <= OLDEST_S:
            return False
        try:
            if not self._verifier.is_valid(body, timestamp, signature):
                return False
        except UnicodeDecodeError:
            return False  # Slack's bodies are UTF-8
        return self._first_time(signature, self._clock().timestamp())

    def _first_time(self, signature: str, now: float) -> bool:
        with self._lock:
            while self._seen and now - next(iter(self._seen.values())) > OLDEST_S + AHEAD_S:
                self._seen.popitem(last=False)
            if signature in self._seen or len(self._seen) >= REMEMBERED:
                return False
            self._seen[signature] = now
            return True


class _Ours(Clock):
    """The clock that the verifier asks."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock().timestamp()
