"""The only way out to the network: one polite, guarded request, booked before it goes out."""

from __future__ import annotations

import logging
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version

import httpcore2
import httpx2

from ews.model import Host
from scrapers.bodies import read_body
from scrapers.caching import Validators, mark_of, retry_after
from scrapers.errors import SourceError
from scrapers.guard import Deadline, GuardedBackend, Resolver, resolve
from scrapers.hops import (
    MOST_REDIRECTS,
    PERMANENT,
    REDIRECTS,
    checked_url,
    host_key,
    host_of,
    onward,
    origin_key,
    same_host,
    where_moved,
)
from scrapers.hosts import (
    Guests,
    HostBook,
    MemoryHosts,
    OwnLine,
    answered,
    booked,
    failed,
    held,
    why_not,
)
from scrapers.redacting import redact
from scrapers.robots import MAX_BYTES as ROBOTS_BYTES
from scrapers.robots import Robots

MOST_HOSTS = 1_000  # whose last end is remembered; redirects may lead to many
TOO_MANY_WAIT_S = 60  # after a 429 that does not say how long
# Nothing was committed on the other side and nothing was read: safe to try once more.
_RETRIED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.RemoteProtocolError)
# They would log whole URLs and headers, and keys live there.
for _name in ("httpx2", "httpcore2.connection", "httpcore2.http11", "httpcore2.http2",
              "httpcore2.proxy", "httpcore2.socks"):  # fmt: skip
    logging.getLogger(_name).addFilter(lambda record: False)


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
    note: str = ""  # what an operator should know although it worked
    conditional: bool = False  # validators were sent with the request that this answers


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request and its limits, the same over all its hops."""

    headers: Mapping[str, str]
    cap: int
    gap_s: float
    deadline: Deadline
    robots: bool
    secret: str
    form: Mapping[str, str] | str | None
    validators: Validators | None
    cut: bool
    guest: bool = False


class Client:
    """Fetches public http(s) URLs for all sources; safe to share between threads.

    `contact` (e-mail or web page) goes into the User-Agent and, an e-mail, into From (RFC 9110).
    `environ` holds API keys by name (never logged). `hosts` is where spacing, holds, robots.txt and
    circuits are kept: the Store in a service. `clock` gives aware UTC, `sleep` seconds of it.
    `patience_s` is how long a request may wait for its turn at the host, as long as its deadline
    when not given. `allow_loopback` is for tests only. `ca_file` adds a certificate authority of
    one's own.
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
        patience_s: float | None = None,
        attempts: int = 2,
        resolver: Resolver = resolve,
        ca_file: str | None = None,
        hosts: HostBook | None = None,
        clock: Callable[[], datetime] = _now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.identity = identity(contact)
        self.user_agent = self.identity["User-Agent"]
        self.environ = dict(environ or {})
        self._allow_loopback = allow_loopback
        self._max_bytes = max_bytes
        self._deadline_s = deadline_s
        self._min_gap_s = min_gap_s
        self._patience_s = patience_s
        self._attempts = attempts
        self._resolver = resolver
        self._tls = _tls(ca_file)
        self._hosts: HostBook = hosts if hosts is not None else MemoryHosts()
        self._clock = clock
        self._sleep = sleep
        self._guests = Guests(self._hosts)
        self._line = OwnLine()
        self._free_at: dict[str, datetime] = {}  # hosts: the gap after the end of a request
        self._robots = Robots(self._hosts, clock)

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        validators: Validators | None = None,
        max_bytes: int | None = None,
        deadline_s: float | None = None,
        min_gap_s: float | None = None,
        robots: bool = True,
        secret: str = "",
        form: Mapping[str, str] | str | None = None,
        guest: bool = False,
    ) -> Reply:
        """The reply to one GET, redirects followed (at most 5, each checked anew).

        With `form` it is a POST of those fields, url-encoded, or of that JSON text, for services that only answer one; a
        redirect of it is refused. `validators` are sent to the URL that gave them and to no other.
        Raises SourceError for a refused address, robots.txt, a connection that fails, a body over
        the cap or not whole, or a fetch over the deadline, which covers look-up, handshake, headers
        and body of all hops; never for an HTTP status. An error with `deferred`: nothing was sent,
        the host is left alone for now. `secret` is kept out of every message and from other hosts. How
        a `guest` is answered keeps nobody else away from the host; so it is beyond a redirect to another.
        """
        return self._told(
            url,
            _Asked(
                dict(headers or {}), max_bytes or self._max_bytes,
                self._min_gap_s if min_gap_s is None else min_gap_s,
                Deadline(deadline_s or self._deadline_s), robots, secret, form, validators, False, guest,
            ),
        )  # fmt: skip

    def _told(self, url: str, asked: _Asked) -> Reply:
        """The reply, or whatever goes wrong as a SourceError without the key."""
        try:
            return self._follow(url, asked)
        except SourceError as error:
            told = error
        except (httpx2.TimeoutException, httpcore2.TimeoutException):
            told = SourceError(
                f"{host_of(url)} did not finish within {asked.deadline.seconds:g} s; it is tried "
                "again at the next turn"
            )
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, ValueError) as error:
            told = SourceError(f"not a usable URL: {error}; check source.toml", permanent=True)
        except (httpx2.HTTPError, httpcore2.ConnectError) as error:
            said = f"{type(error).__name__} {error}"[:300]
            told = SourceError(f"{host_of(url)}: {said}; tried again next turn")
        # outside of the except: the error that holds the key is no context of what is raised
        raise told.reworded(redact(told.message, asked.secret))

    def _follow(self, url: str, asked: _Asked) -> Reply:
        first, permanent = url, True
        for hops in range(MOST_REDIRECTS + 1):
            checked_url(url)
            gap_s = asked.gap_s
            if asked.robots:
                passing = not same_host(first, url)
                gap_s = max(gap_s, self._allowed(url, asked.deadline, passing))
            guest = asked.guest or not same_host(first, url)
            reply = self._once(url, replace(asked, gap_s=gap_s, guest=guest))
            if reply.status not in REDIRECTS or "location" not in reply.headers:
                if not hops or not permanent:
                    return reply
                moved, note = where_moved(first, url, asked.secret)
                return replace(reply, moved=moved, note=note)
            permanent = permanent and reply.status in PERMANENT
            url, asked = _next_hop(url, reply, asked)
        raise SourceError(
            f"{host_of(url)} redirects more than {MOST_REDIRECTS} times; check the url",
            permanent=True,
        )

    def _once(self, url: str, asked: _Asked) -> Reply:
        """The answer of one URL. Every attempt is booked before, a second one too."""
        name, lost = host_key(url), None
        for _ in range(self._attempts):
            try:
                host = self._wait_turn(name, asked)
            except SourceError:
                if lost is None:
                    raise
                break
            try:
                reply = self._send(url, asked)
            except _RETRIED as error:
                lost = error
            except (httpx2.TransportError, httpcore2.TimeoutException, httpcore2.ConnectError):
                self._no_answer(name, asked.guest)
                raise
            else:
                self._note(host, reply, asked.guest)
                return reply
            finally:
                self._free_from(name, self._clock() + timedelta(seconds=asked.gap_s))
        self._no_answer(name, asked.guest)
        assert lost is not None
        raise lost

    def _send(self, url: str, asked: _Asked) -> Reply:
        conditions = asked.validators.headers_for(mark_of(url)) if asked.validators else {}
        sent = {
            "Accept": "*/*", **asked.headers, **conditions, **self.identity,
            "Accept-Encoding": "gzip, deflate", "Connection": "close",
        }  # fmt: skip
        fields = dict(asked.form) if isinstance(asked.form, Mapping) else None
        text = asked.form if isinstance(asked.form, str) else None
        method = "GET" if asked.form is None else "POST"
        if text is not None:
            sent["Content-Type"] = "application/json"
        with (
            self._open(asked) as client,
            client.stream(method, url, headers=sent, data=fields, content=text) as response,
        ):
            hop = response.status_code in REDIRECTS
            return Reply(
                response.status_code,
                {name.lower(): value for name, value in response.headers.items()},
                b"" if hop else read_body(response, asked.cap, asked.cut),
                url,
                conditional=bool(conditions),
            )

    def _open(self, asked: _Asked) -> httpx2.Client:
        transport = httpx2.HTTPTransport(verify=self._tls, trust_env=False)
        most = asked.cap + asked.cap // 8 + 256 * 1024  # room for headers and chunk sizes
        transport._pool = httpcore2.ConnectionPool(
            ssl_context=self._tls,
            network_backend=GuardedBackend(
                asked.deadline, self._resolver, self._allow_loopback, most
            ),
        )
        return httpx2.Client(
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(max(asked.deadline.remaining(), 0.001)),
        )

    def _allowed(self, url: str, deadline: Deadline, passing: bool) -> float:
        """The crawl delay of robots.txt. Raises SourceError when it forbids the URL, or cannot be
        read; where the host is none that we can or may reach, that is what is told."""
        try:
            read = partial(self._read_robots, deadline)
            return self._robots.check(url, origin_key(url), read, passing)
        except SourceError as error:
            if error.deferred:
                parts = httpx2.URL(url)
                port = parts.port or (443 if parts.scheme == "https" else 80)
                GuardedBackend(deadline, self._resolver, self._allow_loopback).checked(
                    parts.raw_host.decode("ascii"), port
                )
            raise

    def _read_robots(self, deadline: Deadline, url: str) -> tuple[int, bytes]:
        asked = _Asked({}, ROBOTS_BYTES, self._min_gap_s, deadline, False, "", None, None, True)
        reply = self._told(url, asked)
        return reply.status, reply.body

    # ----- the host's turn

    def _wait_turn(self, name: str, asked: _Asked) -> Host:
        """Sleeps until the host's turn, booked before; the host as booked. Raises SourceError
        (deferred) when that is further away than our patience, which is one for all hops."""
        patience_s = asked.deadline.seconds if self._patience_s is None else self._patience_s
        most = timedelta(seconds=max(patience_s - asked.deadline.waited_s, 0))
        start: datetime | None = None
        now = self._clock()
        if asked.guest:
            self._guests.check(name, now)

        def book(host: Host) -> Host:
            # read when the book is ours: who waited for it must not send closer to the next one
            nonlocal start, now
            now = self._clock()
            booking = booked(host, asked.gap_s, now, now + most)
            start = booking.start
            return booking.host

        host = self._hosts.change_host(name, book)
        if start is None:
            raise why_not(host, now)
        # A request that was slow to go out counts from its end: the gap is kept at the host as well.
        start = max(start, self._free_at.get(name, start))
        asked.deadline.wait((start - self._clock()).total_seconds(), self._sleep)
        return host

    def _free_from(self, name: str, at: datetime) -> None:
        self._free_at[name] = at
        if len(self._free_at) > MOST_HOSTS:
            now = self._clock()
            for other, free_at in list(self._free_at.items()):
                if free_at < now:
                    self._free_at.pop(other, None)

    def _note(self, known: Host, reply: Reply, guest: bool) -> None:
        """What an answer says of its host: alive, in trouble, or asking us to wait."""
        now, book = self._clock(), self._guests.met if guest else self._hosts
        known = book.host(known.name) if guest else known
        self._line.works(known.name, now)
        wait_s = retry_after(reply.headers, now) if reply.status in (429, 503) else None
        if reply.status == 429:
            wait_s = wait_s or TOO_MANY_WAIT_S

        def change(host: Host) -> Host:
            host = failed(host, now) if reply.status >= 500 else answered(host)
            return held(host, wait_s, now) if wait_s else host

        if wait_s or reply.status >= 500 or known.failures:
            book.change_host(known.name, change)

    def _no_answer(self, name: str, guest: bool) -> None:
        """Silence counts against a host only while another one answers: else our own line is down,
        and every host would be left alone for hours after it is up again."""
        now = self._clock()
        if self._line.works_elsewhere(name, now):
            book = self._guests.met if guest else self._hosts
            book.change_host(name, lambda host: failed(host, now))


@cache
def _tls(ca_file: str | None) -> ssl.SSLContext:
    """What certificates are trusted; one for all clients, since reading them takes its time."""
    if ca_file is not None:
        return ssl.create_default_context(cafile=ca_file)
    return httpx2.create_ssl_context(trust_env=False)


def identity(contact: str) -> dict[str, str]:
    """The headers that say who asks: `ews/0.1.0 (+contact)`, the same for every source."""
    who = re.sub(r"[^\x21-\x7e]|[()\\]", "", contact)
    try:
        release = version("ews-supply-chain")
    except PackageNotFoundError:  # run from a source tree
        release = "0"
    said = {"User-Agent": f"ews/{release} (+{who})" if who else f"ews/{release} (no contact set)"}
    if re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+", who):
        said["From"] = who
    return said


def _next_hop(url: str, reply: Reply, asked: _Asked) -> tuple[str, _Asked]:
    """Where a redirect leads, and what is asked there: nothing that belongs to another host."""
    if asked.form is not None:
        raise SourceError(
            f"{host_of(url)} redirects a form elsewhere; open the url and correct it",
            permanent=True,
        )
    target = onward(url, reply.headers["location"], asked.secret)
    if same_host(url, target):
        return target, asked
    kept = {k: v for k, v in asked.headers.items() if k.lower().startswith("accept")}
    return target, replace(asked, headers=kept)
