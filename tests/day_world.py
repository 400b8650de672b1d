"""A made-up day of 300 feeds on 60 hosts, served on one loopback port, with everything that goes wrong.

Synthetic throughout. What is served and when is a function of the seed and the clock alone; the ledger
says what was asked and what was sent whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import socket
import socketserver
import struct
import threading
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cached_property

from ews.model import Source
from tests.source_made import made_source

START = datetime(2026, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = 25  # items that a feed shows
HOSTS = 60
FEEDS = 300
EVERY_S = (600, 600, 900, 900, 1800, 1800, 1800, 3600)
# What happens to one request, in shares; the rest is answered well.
FAULTS = {
    "500": 0.04, "429": 0.02, "429 with a date": 0.02, "503": 0.01, "reset": 0.04, "hang": 0.004,
    "drip": 0.006, "truncated": 0.04, "page": 0.03, "empty": 0.02,
}  # fmt: skip
HELD = {"429", "429 with a date", "503"}
BEFORE = timedelta(days=2)  # items that were there when the day began


@dataclass(frozen=True)
class Feed:
    """One feed: where it is, how often it brings something, and what becomes of it."""

    name: str
    host: str
    every_s: int
    fate: str  # plain | frozen | frozen, new body | moved | gone
    turns_at: datetime  # when its fate comes
    seed: int

    @property
    def fresh_within_s(self) -> int:
        return 4 * 3600 if self.fate.startswith("frozen") else 86_400

    @cached_property
    def times(self) -> list[datetime]:
        """When its items come out, two days before the day included."""
        chance = random.Random(f"{self.seed} {self.name} items")
        mean_s = chance.choice((900, 1800, 3600, 7200))
        if self.fate.startswith("frozen"):
            mean_s = 900
        times, at = list[datetime](), START - BEFORE
        while at < START + DAY:
            at += timedelta(seconds=chance.expovariate(1 / mean_s))
            times.append(at.replace(microsecond=0))
        frozen = self.fate.startswith("frozen")
        return [one for one in times if not frozen or one < self.turns_at]

    def shown(self, now: datetime) -> range:
        """Numbers of the items that the feed shows, oldest first."""
        last = bisect_right(self.times, now)
        return range(max(last - WINDOW, 0), last)

    def item(self, number: int) -> tuple[str, str]:
        """(url, title) of an item."""
        return (
            f"http://{self.host}/{self.name}/item/{number}",
            f"{self.name} reports delay number {number} at berth {number % 17}",
        )

    def body(self, now: datetime) -> bytes:
        items = "".join(
            f"<item><title>{title}</title><link>{url}</link><guid>{url}</guid>"
            f"<pubDate>{format_datetime(self.times[number])}</pubDate>"
            f"<description>Synthetic item {number} of {self.name}.</description></item>"
            for number in reversed(self.shown(now))
            for url, title in [self.item(number)]
        )
        built = format_datetime(now) if self.fate == "frozen, new body" else "Mon, 05 Jan 2026"
        return (
            '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>'
            f"<title>{self.name}</title><link>http://{self.host}/</link>"
            f"<description>synthetic</description><copyright>{built}</copyright>"
            f"{items}</channel></rss>"
        ).encode()

    def source(self, port: int) -> Source:
        return made_source(
            self.name, url=f"http://{self.host}:{port}/{self.name}", every_s=self.every_s,
            fresh_within_s=self.fresh_within_s,
        )  # fmt: skip


def feeds(seed: int, count: int = FEEDS, hosts: int = HOSTS) -> list[Feed]:
    """The feeds of a day: mostly plain ones, some of every fate."""
    chance = random.Random(f"{seed} feeds")
    fates = ["frozen", "frozen, new body", "moved", "gone"]
    made = []
    for n in range(count):
        fate = fates[n % len(fates)] if n % 10 == 0 else "plain"
        fate = fates[(n // 10) % len(fates)] if n % 10 == 0 else fate
        turns_at = START + timedelta(hours=chance.uniform(2, 14))
        made.append(
            Feed(f"s{n:03d}", f"h{n % hosts:02d}.sim.example", chance.choice(EVERY_S), fate,
                 turns_at.replace(microsecond=0), seed)
        )  # fmt: skip
    return made


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    at: datetime
    real: float
    host: str
    path: str
    feed: str
    what: str  # a fault, "ok", "304", "moved", "gone", "robots", "outage"
    wait_s: int = 0  # Retry-After


@dataclass
class Ledger:
    """All that was asked, and which items were sent whole, when (in real seconds)."""

    asked: list[Asked] = field(default_factory=list)
    served: dict[str, list[float]] = field(default_factory=dict)
    titles: dict[str, tuple[str, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, asked: Asked) -> None:
        with self.lock:
            self.asked.append(asked)

    def sent(self, feed: Feed, shown: range, real: float) -> None:
        with self.lock:
            for number in shown:
                url, title = feed.item(number)
                self.served.setdefault(url, []).append(real)
                self.titles[url] = (feed.name, title)

    def kinds(self) -> dict[str, int]:
        return dict(sorted(Counter(one.what for one in self.asked).items()))


class World:
    """The server. `clock` gives simulated time; `calm` stops everything that goes wrong."""

    def __init__(self, seed: int, made: list[Feed], clock: Callable[[], datetime]) -> None:
        self.seed = seed
        self.feeds = {one.name: one for one in made}
        self.clock = clock
        self.ledger = Ledger()
        self.calm = False
        self._count: Counter[str] = Counter()
        self._lock = threading.Lock()
        chance = random.Random(f"{seed} hosts")
        hosts = sorted({one.host for one in made})
        self.skew = {h: timedelta(hours=chance.choice((0, 0, 0, 0, -3, 3))) for h in hosts}
        self.outage = {
            h: START + timedelta(hours=chance.uniform(1, 20))
            for h in hosts
            if chance.random() < 0.2
        }
        self.robots = {h: chance.choice((404, 200, 200)) for h in hosts}
        world = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                world.answer(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            request_queue_size = 256
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True
        ).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    # ----- one request

    def answer(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError):
            line.settimeout(10)
            head = _head(line)
            if head is not None:
                self._reply(line, *head)

    def _reply(self, line: socket.socket, path: str, headers: dict[str, str]) -> None:
        now, host = self.clock(), headers.get("host", "").partition(":")[0]
        if path == "/robots.txt":
            self._note(now, host, path, "", "robots")
            status = self.robots.get(host, 404)
            text = b"User-agent: *\nDisallow: /private\n" if status == 200 else b"none"
            _send(line, status, {"Content-Type": "text/plain"}, text)
            return
        feed = self.feeds.get(path.strip("/").removesuffix("/new"))
        if feed is None:
            _send(line, 404, {}, b"")
            return
        what = self._fate(feed, path, host, now) or self._fault(feed, host, now)
        if what in ("moved", "gone"):
            self._note(now, host, path, feed.name, what)
            onward = {"Location": f"http://{host}:{self.port}/{feed.name}/new"}
            _send(line, 301, onward, b"") if what == "moved" else _send(line, 410, {}, b"gone")
            return
        self._faulty(line, feed, host, path, what, now) if what else self._good(
            line, feed, host, path, headers, now
        )

    def _fate(self, feed: Feed, path: str, host: str, now: datetime) -> str:
        over = now >= feed.turns_at
        if feed.fate == "moved" and over and not path.endswith("/new"):
            return "moved"
        return "gone" if feed.fate == "gone" and over else ""

    def _fault(self, feed: Feed, host: str, now: datetime) -> str:
        if self.calm:
            return ""
        began = self.outage.get(host)
        if began is not None and began <= now < began + timedelta(hours=1.5):
            return "outage"
        with self._lock:
            self._count[feed.name] += 1
            chance = random.Random(f"{self.seed} {feed.name} {self._count[feed.name]}").random()
        for name, share in FAULTS.items():
            if chance < share:
                return name
            chance -= share
        return ""

    def _note(
        self, now: datetime, host: str, path: str, feed: str, what: str, wait_s: int = 0
    ) -> None:
        self.ledger.note(Asked(now, time.time(), host, path, feed, what, wait_s))

    def _stamp(self, host: str, now: datetime) -> dict[str, str]:
        """Date as the host's own clock has it."""
        return {"Date": format_datetime(now + self.skew[host], usegmt=True)}

    def _good(
        self, line: socket.socket, feed: Feed, host: str, path: str, asked: dict[str, str],
        now: datetime,
    ) -> None:  # fmt: skip
        shown, body = feed.shown(now), feed.body(now)
        etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        modified = feed.times[shown[-1]] + self.skew[host]
        headers = self._stamp(host, now) | {
            "ETag": etag, "Last-Modified": format_datetime(modified, usegmt=True),
            "Content-Type": "application/rss+xml",
        }  # fmt: skip
        if asked.get("if-none-match") == etag:
            self._note(now, host, path, feed.name, "304")
            _send(line, 304, headers, b"")
            return
        self._note(now, host, path, feed.name, "ok")
        _send(line, 200, headers, body)
        self.ledger.sent(feed, shown, time.time())

    def _faulty(
        self, line: socket.socket, feed: Feed, host: str, path: str, what: str, now: datetime
    ) -> None:
        chance = random.Random(f"{self.seed} {feed.name} {now.isoformat()}")
        wait_s = chance.randrange(300, 1800) if what in HELD else 0
        self._note(now, host, path, feed.name, what, wait_s)
        headers = self._stamp(host, now) | {"Content-Type": "application/rss+xml"}
        if what in HELD:
            until = now + self.skew[host] + timedelta(seconds=wait_s)
            dated = what == "429 with a date"
            after = format_datetime(until, usegmt=True) if dated else str(wait_s)
            _send(line, int(what[:3]), headers | {"Retry-After": after}, b"slow down")
        elif what == "500":
            _send(line, 500, headers, b"oops")
        elif what in ("reset", "outage"):
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.close()
        elif what == "hang":
            _until_gone(line, 15)
        elif what == "drip":
            _drip(line, feed.body(now))
        elif what == "truncated":
            body = feed.body(now)
            line.sendall(_header(200, headers | {"Content-Length": str(len(body))}) + body[:-9])
        elif what == "page":
            page = (
                b"<!doctype html><html><head><title>Sorry</title></head><body>later</body></html>"
            )
            _send(line, 200, headers | {"Content-Type": "text/html"}, page)
        elif what == "empty":
            empty = (
                b'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title></channel></rss>'
            )
            _send(line, 200, headers, empty)


def _head(line: socket.socket) -> tuple[str, dict[str, str]] | None:
    data = b""
    while b"\r\n\r\n" not in data:
        part = line.recv(65_536)
        if not part or len(data) > 65_536:
            return None
        data += part
    first, *rest = data.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    pairs = (one.partition(":") for one in rest)
    return first.split(" ")[1], {name.strip().lower(): value.strip() for name, _, value in pairs}


def _header(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n").encode()


def _send(line: socket.socket, status: int, headers: dict[str, str], body: bytes) -> None:
    length = {} if status == 304 else {"Content-Length": str(len(body))}
    line.sendall(_header(status, headers | length) + body)


def _until_gone(line: socket.socket, seconds: float) -> None:
    line.settimeout(seconds)
    line.recv(1)


def _drip(line: socket.socket, body: bytes) -> None:
    line.sendall(_header(200, {"Content-Length": str(len(body))}))
    for n in range(100):
        line.sendall(body[n : n + 1])
        time.sleep(0.2)
