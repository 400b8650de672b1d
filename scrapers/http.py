"""The only way out to the network: one polite, guarded GET, and the conditional fetch over it."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

import httpcore2
import httpx2
import stamina

from ews.model import Host
from scrapers.errors import SourceError
from scrapers.guard import Deadline, GuardedBackend, Resolver, resolve
from scrapers.hosts import HostBook, MemoryHosts, booked, held, why_not
from scrapers.robots import Robots

DAY_S = 86_400
_REDIRECTS = {301, 302, 303, 307, 308}
# Nothing was committed on the other side and nothing was read: safe to try once more.
_RETRIED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.RemoteProtocolError)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: `headers` has lower-case names, `body` is decoded and within the cap."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    moved: str = ""  # where permanent redirects alone (301, 308) led; "" when there was none


class Client:
    """Fetches public http(s) URLs for all sources; safe to share between threads.

    `contact` goes into the User-Agent. `environ` holds API keys by name (never logged).
    `allow_loopback` is for tests only. `ca_file` adds a certificate authority of one's own.
    """

    def __init__(
        self,
        contact: str,
        *,
        environ: Mapping[str, str] | None = None,
        allow_loopback: bool = False,
        max_bytes: int = 8 * 1024 * 1024,
        deadline_s: float = 60.0,
        min_gap_s: float = 1.0,
        attempts: int = 2,
        resolver: Resolver = resolve,
        ca_file: str | None = None,
        hosts: HostBook | None = None,
        clock: Callable[[], datetime] = _now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        who = re.sub(r"[^\x20-\x7e]", "", contact).strip() or "no contact set"
        self.user_agent = f"ews/0.1 (supply-chain early warning; contact: {who})"
        self.environ = dict(environ or {})
        self._allow_loopback = allow_loopback
        self._max_bytes = max_bytes
        self._deadline_s = deadline_s
        self._min_gap_s = min_gap_s
        self._attempts = attempts
        self._resolver = resolver
        self._tls = httpx2.create_ssl_context(trust_env=False)
        if ca_file is not None:
            self._tls = ssl.create_default_context(cafile=ca_file)
        self._clock = clock
        self._sleep = sleep
        self._hosts: HostBook = hosts if hosts is not None else MemoryHosts()
        self._robots = Robots(self._read_robots, time.monotonic)

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        deadline_s: float | None = None,
        min_gap_s: float | None = None,
        robots: bool = True,
        secret: str = "",
        form: Mapping[str, str] | None = None,
    ) -> Reply:
        """The reply to one GET, redirects followed (at most 5, each checked anew).

        With `form` it is a POST of those fields, url-encoded, for services that only answer one; a
        redirect of it is refused. Raises SourceError for a refused address, robots.txt, a connection that fails, a body over
        the cap or a fetch over the deadline; never for an HTTP status. `secret` is kept out of
        every message.
        """
        deadline = Deadline(deadline_s or self._deadline_s)
        cap = max_bytes or self._max_bytes
        gap = self._min_gap_s if min_gap_s is None else min_gap_s
        try:
            return self._follow(url, dict(headers or {}), cap, gap, deadline, robots, form)
        except SourceError as error:
            raise _without(secret, error) from None
        except (httpx2.TimeoutException, httpcore2.TimeoutException):
            raise SourceError(
                f"{host_of(url)} did not finish within {deadline.seconds:g} s; it is tried again at "
                "the next turn"
            ) from None
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, ValueError) as error:
            raise _without(
                secret, SourceError(f"not a usable URL: {error}; check source.toml", permanent=True)
            ) from None
        except (httpx2.HTTPError, httpcore2.ConnectError) as error:
            raise _without(
                secret,
                SourceError(
                    f"{host_of(url)}: {type(error).__name__} {error}; tried again next turn"
                ),
            ) from None

    def _follow(
        self,
        url: str,
        headers: dict[str, str],
        cap: int,
        gap: float,
        deadline: Deadline,
        robots: bool,
        form: Mapping[str, str] | None = None,
    ) -> Reply:
        for _ in range(6):
            checked_url(url)
            delay = self._robots.check(url) if robots else 0.0
            self._wait_turn(url, max(gap, delay), deadline)
            reply = self._once(url, headers, cap, deadline, form)
            if reply.status not in _REDIRECTS or "location" not in reply.headers:
                self._note_hold(reply)
                return reply
            if form is not None:
                raise SourceError(
                    f"{host_of(url)} redirects a form elsewhere; open the url and correct it",
                    permanent=True,
                )
            onward = str(httpx2.URL(url).join(reply.headers["location"]))
            if urlsplit(onward).netloc != urlsplit(url).netloc:
                headers = {k: v for k, v in headers.items() if k.lower().startswith("if-")}
            if urlsplit(url).scheme == "https" and urlsplit(onward).scheme == "http":
                raise SourceError(
                    f"{host_of(url)} redirects from https to plain http; refused", permanent=True
                )
            url = onward
        raise SourceError(
            f"{host_of(url)} redirects more than 5 times; check the url", permanent=True
        )

    def _once(
        self,
        url: str,
        headers: Mapping[str, str],
        cap: int,
        deadline: Deadline,
        form: Mapping[str, str] | None,
    ) -> Reply:
        method, data = ("GET", None) if form is None else ("POST", dict(form))
        sent = {
            "User-Agent": self.user_agent,
            "Accept": "*/*",
            "Accept-Encoding": "gzip, deflate",
            **headers,
        }
        for attempt in stamina.retry_context(
            on=_RETRIED, attempts=self._attempts, timeout=None, wait_initial=0.2, wait_max=1.0
        ):
            with (
                attempt,
                self._open(deadline) as client,
                client.stream(method, url, headers=sent, data=data) as response,
            ):
                return Reply(
                    response.status_code,
                    {k.lower(): v for k, v in response.headers.items()},
                    b"" if response.status_code in _REDIRECTS else _body(response, cap),
                    url,
                )
        raise AssertionError("stamina either returns or raises")

    def _open(self, deadline: Deadline) -> httpx2.Client:
        transport = httpx2.HTTPTransport(verify=self._tls, trust_env=False)
        transport._pool = httpcore2.ConnectionPool(
            ssl_context=self._tls,
            network_backend=GuardedBackend(deadline, self._resolver, self._allow_loopback),
        )
        return httpx2.Client(
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(max(deadline.remaining(), 0.001)),
        )

    def _read_robots(self, url: str) -> tuple[int, bytes]:
        reply = self.get(url, robots=False, deadline_s=min(20.0, self._deadline_s))
        return reply.status, reply.body

    def _wait_turn(self, url: str, gap_s: float, deadline: Deadline) -> None:
        """Sleeps until the host's turn, booked before. Raises SourceError (deferred) when that is
        past the deadline."""
        now = self._clock()
        at_latest = now + timedelta(seconds=max(deadline.remaining(), 0))
        start: datetime | None = None

        def book(host: Host) -> Host:
            nonlocal start
            booking = booked(host, gap_s, now, at_latest)
            start = booking.start
            return booking.host

        host = self._hosts.change_host(host_key(url), book)
        if start is None:
            raise why_not(host, now)
        if start > now:
            self._sleep((start - now).total_seconds())

    def _note_hold(self, reply: Reply) -> None:
        seconds = retry_after(reply.headers)
        if reply.status in (429, 503) and seconds:
            now, wait = self._clock(), seconds
            self._hosts.change_host(host_key(reply.url), lambda host: held(host, wait, now))


def host_key(url: str) -> str:
    """The name under which a HostBook knows the URL's host: lower case, with an unusual port."""
    parts = httpx2.URL(url)
    host = parts.raw_host.decode("ascii", "replace").lower().rstrip(".")
    return f"{host}:{parts.port}" if parts.port else host


def checked_url(url: str) -> None:
    """Raises SourceError unless the URL is http(s), without user name, and has a host."""
    parts = httpx2.URL(url)
    if parts.scheme not in ("http", "https"):
        raise SourceError(
            f"{parts.scheme or 'no'} scheme refused; give an http or https URL", permanent=True
        )
    if parts.userinfo:
        raise SourceError("a user name in the URL is refused; use key_env", permanent=True)
    host = parts.raw_host.decode("ascii", "replace")
    if not re.fullmatch(r"[A-Za-z0-9._:\-]{1,253}", host):
        raise SourceError("the URL has no usable host; check source.toml", permanent=True)


def _body(response: httpx2.Response, cap: int) -> bytes:
    """The decoded body, or SourceError as soon as it passes `cap` bytes (decoded or on the wire)."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise SourceError(f"content encoding {coding[:40]!r} was not asked for; refused")
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if max(size, response.num_bytes_downloaded) > cap:
            raise SourceError(
                f"the answer is larger than {cap:,} bytes; ask for less, or raise max_bytes in "
                "source.toml",
                permanent=True,
            )
        chunks.append(chunk)
    return b"".join(chunks)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> int | None:
    """Seconds that Retry-After asks for, at most a day; None when it is absent.

    A date is counted from the answer's own Date, or from `now` when it has none.
    """
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isdigit() and value.isascii():
        return min(int(value[:9]), DAY_S)
    moment, start = _http_date(value), _http_date(headers.get("date", "")) or now
    if moment is None or start is None:
        return None
    return max(0, min(int((moment - start).total_seconds()), DAY_S))


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def max_age(headers: Mapping[str, str]) -> int:
    """Seconds for which Cache-Control says that the answer stays good, at most a day."""
    found = re.search(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})", headers.get("cache-control", ""))
    return min(int(found.group(1)), DAY_S) if found else 0


def host_of(url: str) -> str:
    """The host for a message, without query (keys live there)."""
    return urlsplit(url).netloc.rpartition("@")[2][:100] or "the URL"


def _without(secret: str, error: SourceError) -> SourceError:
    if secret:
        for form in (secret, quote(secret, safe="")):
            error.message = error.message.replace(form, "***")
        error.args = (error.message,)
    return error
