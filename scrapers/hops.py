"""May this URL be asked, under which name is its host known, and where does a redirect lead?"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import httpx2

from scrapers.errors import SourceError
from scrapers.redacting import holds

REDIRECTS = {301, 302, 303, 307, 308}
PERMANENT = {301, 308}
MOST_REDIRECTS = 5
_LOGIN = re.compile(r"/(?:log-?in|sign-?in|sso|auth|account)(?:[/.?]|$)", re.IGNORECASE)


def checked_url(url: str) -> None:
    """Raises SourceError unless the URL is http(s), without user name, and has a host."""
    parts = httpx2.URL(url)
    if parts.scheme not in ("http", "https"):
        raise SourceError(
            f"{parts.scheme} scheme refused; give an http or https URL"
            if parts.scheme
            else "scheme refused: the address must begin with https:// or http://",
            permanent=True,
        )
    if parts.userinfo:
        raise SourceError("a user name in the URL is refused; use key_env", permanent=True)
    host = parts.raw_host.decode("ascii", "replace")
    if not re.fullmatch(r"[A-Za-z0-9._:\-]{1,253}", host):
        raise SourceError("the URL has no usable host; check source.toml", permanent=True)


def host_key(url: str) -> str:
    """The name under which a HostBook knows the URL's host: lower case, with an unusual port.

    >>> host_key("https://Example.org.:443/x"), host_key("http://example.org:8080/")
    ('example.org', 'example.org:8080')
    """
    parts = httpx2.URL(url)
    host = parts.raw_host.decode("ascii", "replace").lower().rstrip(".")
    return f"{host}:{parts.port}" if parts.port else host


def origin_key(url: str) -> str:
    """The same for its robots.txt, of which plain http has one of its own (RFC 9309, 2.3).

    >>> origin_key("https://example.org/"), origin_key("http://example.org/")
    ('example.org', 'example.org:80')
    """
    parts = httpx2.URL(url)
    plain = parts.scheme == "http" and parts.port is None
    return f"{host_key(url)}:80" if plain else host_key(url)


def host_of(url: str) -> str:
    """The host for a message, without query (keys live there)."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2][:100] or "the URL"
    except ValueError:
        return "the URL"


def onward(url: str, location: str, secret: str) -> str:
    """Where a redirect leads. Raises SourceError when it must not be followed."""
    target = str(httpx2.URL(url).join(location))
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme == "http":
        raise SourceError(
            f"{host_of(url)} redirects from https to plain http; refused", permanent=True
        )
    if not same_host(url, target) and holds(target, secret):
        raise SourceError(
            f"{host_of(url)} redirects to another host with our key in the address; refused. "
            "Find the new address and change url in source.toml",
            permanent=True,
        )
    return target


def same_host(one: str, other: str) -> bool:
    """Whether both are of one host; what is no address is of none."""
    try:
        return host_key(one) == host_key(other)
    except (httpx2.InvalidURL, ValueError):
        return False


def where_moved(first: str, last: str, secret: str) -> tuple[str, str]:
    """Where a URL lives now that permanent redirects alone led to another, and what to tell of it.

    A front page or a login is no new address of what was a page of its own: the note says so.
    """
    before, after = urlsplit(first), urlsplit(last)
    front = after.path in ("", "/") and not after.query and before.path not in ("", "/")
    if front or (_LOGIN.search(after.path) and not _LOGIN.search(before.path)):
        what = "its front page" if front else "a login"
        return "", f"{before.netloc} sends us to {what} ({after.netloc}); find the new address"
    return ("" if holds(last, secret) else last), ""
