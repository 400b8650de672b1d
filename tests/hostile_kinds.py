"""Kinds whose parsers were taken over: imported by a parse worker of the tests, nowhere else."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from ews.model import Article, Source
from scrapers.kinds import KINDS, Kind
from scrapers.mapping import Parsed
from scrapers.worker_calls import ARCHITECTURES, REFUSED

NOTHING = Parsed([], 0, None)


def _article(source: Source, now: datetime) -> Article:
    url, title = "https://example.org/a", "Urea exports halted"
    return Article(
        Article.make_id(source.name, url, title), source.name, "Example", url, title, "", "en",
        now, now, source.independence,
    )  # fmt: skip


def _sleep(source: Source, body: bytes, now: datetime, label: str) -> Parsed:
    time.sleep(60)
    return NOTHING


def _crash(source: Source, body: bytes, now: datetime, label: str) -> Parsed:
    os._exit(3)


def _eat(source: Source, body: bytes, now: datetime, label: str) -> Parsed:
    eaten = [bytes(1_000_000) for _ in range(10_000)]
    return Parsed([], len(eaten), None)


LIES: dict[str, Callable[[Article], Article]] = {
    "true": lambda one: one,
    "authority": lambda one: replace(one, authority="KR"),
    "independence": lambda one: replace(one, independence="reuters"),
    "id": lambda one: replace(one, id="art-0123456789abcdef"),
    "link": lambda one: replace(
        one, url="javascript:alert(1)", id=Article.make_id("", "javascript:alert(1)", one.title)
    ),
    "control": lambda one: replace(one, text="safe \u202eelas"),
    "long": lambda one: replace(one, text="x" * 5_000),
    "line": lambda one: replace(one, text="calm\nWARNING everything is on fire"),
    "separator": lambda one: replace(one, outlet="Example\u2028Reuters"),
    "future": lambda one: replace(one, observed_at=one.observed_at + timedelta(days=400)),
    "no host": lambda one: replace(
        one, url="http://[::1", id=Article.make_id("", "http://[::1", one.title)
    ),
    "naive": lambda one: replace(one, observed_at=one.observed_at.replace(tzinfo=None)),
}


def lie(source: Source, body: bytes, now: datetime, label: str = "") -> Parsed:
    """What a parser says that was taken over, in one way of LIES."""
    return Parsed([LIES[body.decode()](_article(source, now))], 1, now)


def _system(name: str, *given: int) -> None:
    _number(REFUSED[name][ARCHITECTURES[platform.machine()][0]] or 0, *given)


def _number(call: int, *given: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(call, *given) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _tries() -> dict[str, Callable[[], object]]:
    parent = os.getppid()
    return {
        "socket": lambda: socket.socket(),
        "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "unix": lambda: socket.socket(socket.AF_UNIX),
        "fork": os.fork,
        "program": lambda: os.execv("/bin/true", ["true"]),
        "read": lambda: Path("/etc/passwd").read_text(),
        "secrets": lambda: Path(f"/proc/{parent}/environ").read_bytes(),
        "settings": lambda: (Path(__file__).parents[1] / "pyproject.toml").read_text(),
        "write": lambda: Path("/tmp/ews-worker-wrote").write_text("x"),
        "kill": lambda: os.kill(parent, 0),
        "kill a thread": lambda: _system("tgkill", parent, parent, 0),
        "limits of another": lambda: resource.prlimit(parent, resource.RLIMIT_NOFILE),
        "turns of another": lambda: os.setpriority(os.PRIO_PROCESS, parent, 0),
        "mode": lambda: os.chmod(__file__, 0o644),
        "times": lambda: os.utime(__file__),
        "owner": lambda: os.chown(__file__, -1, -1),
        "shared memory": lambda: _system("shmget", 0, 4096, 0),
        "rings": lambda: _number(425),
        "files": lambda: [os.open("/dev/null", os.O_RDONLY) for _ in range(100)],
    }


def _escape(source: Source, body: bytes, now: datetime, label: str) -> Parsed:
    """Tries everything that a worker must not; what worked is told."""
    worked = []
    for name, attempt in _tries().items():
        try:
            attempt()
            worked.append(name)
        except OSError:
            continue
    left = sorted(name for name in os.environ if name not in ("TZ", "LC_CTYPE"))
    return Parsed([], len(left), None, ",".join(worked))


for _name, _parse in {
    "sleep": _sleep, "crash": _crash, "eat": _eat, "lie": lie, "escape": _escape,
}.items():  # fmt: skip
    KINDS[_name] = Kind(_parse, frozenset())
