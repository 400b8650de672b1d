"""The edge of the pages and the API: who asks, by a token in a header or in a cookie.

A token is never part of an address, a log line or an error. One that is not known is 401 and
never reads as no token.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from fastapi import HTTPException, Request

from ews.reports import Viewer, WrongToken, viewer_of
from ews.reports.sessions import looking
from ews.reports.viewer import SignedOut, digest_of
from ews.web.site import Site

COOKIE = "ews_viewer"
GUESSES = 10  # wrong tokens of one address within WINDOW; further ones are not looked at
WINDOW = timedelta(minutes=5)
ADDRESSES = 10_000  # remembered at most


@dataclass(slots=True)
class Guesses:
    """Wrong tokens by address, and the tokens that were right before.

    A token that was right here before is always looked up, so that a stranger behind the same
    proxy cannot lock anybody out; whether it is still right, the store says each time.
    """

    wrong: OrderedDict[str, deque[datetime]] = field(default_factory=OrderedDict)
    right: OrderedDict[str, None] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def wait(self, address: str, digest: str, now: datetime) -> int:
        """Seconds until a token from there is looked at again; 0: now."""
        with self.lock:
            times = self.wrong.get(address)
            while times and now - times[0] >= WINDOW:
                times.popleft()
            if not times or len(times) < GUESSES or digest in self.right:
                return 0
            return max(1, round((times[0] + WINDOW - now).total_seconds()))

    def was_wrong(self, address: str, digest: str, now: datetime) -> None:
        with self.lock:
            self.right.pop(digest, None)
            self.wrong.setdefault(address, deque(maxlen=GUESSES)).append(now)
            self.wrong.move_to_end(address)
            while len(self.wrong) > ADDRESSES:
                self.wrong.popitem(last=False)

    def was_right(self, digest: str) -> None:
        with self.lock:
            self.right[digest] = None
            self.right.move_to_end(digest)
            while len(self.right) > ADDRESSES:
                self.right.popitem(last=False)


def looked_up(
    site: Site, guesses: Guesses, request: Request, token: str, cookie: bool = False
) -> Viewer:
    """The viewer of a token, or of a session where it came as a cookie. WrongToken, SignedOut for a
    session that has ended, or 429 after too many wrong ones from that address."""
    address, digest, now = address_of(request), digest_of(token), site.clock()
    slow_down(guesses, address, digest, now)
    try:
        viewer = looking(site.store, token, now) if cookie else viewer_of(site.store, token)
    except SignedOut:
        raise
    except WrongToken:
        guesses.was_wrong(address, digest, now)
        raise
    guesses.was_right(digest)
    return viewer


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""


def slow_down(guesses: Guesses, address: str, digest: str, now: datetime) -> None:
    """429 while too many were wrong from there."""
    if wait := guesses.wait(address, digest, now):
        raise HTTPException(429, "too many wrong tokens from your address; wait and try again",
                            {"Retry-After": str(wait)})  # fmt: skip


def bearer(request: Request) -> str | None:
    """The token of the Authorization header; None without one. Other schemes are a proxy's."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.casefold() == "bearer" else None


def asking(site: Site, guesses: Guesses) -> Callable[[Request], Viewer]:
    """A dependency for every path: the viewer who asks; the site's own without a token."""

    def viewer(request: Request) -> Viewer:
        token, cookie = bearer(request), request.cookies.get(COOKIE)
        if token is not None:
            found = looked_up(site, guesses, request, token)
        elif cookie is not None:
            found = looked_up(site, guesses, request, cookie, cookie=True)
        else:
            found = site.viewer
        request.state.viewer = found
        request.state.signed_in = token is not None or cookie is not None
        return found

    return viewer
