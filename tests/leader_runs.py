"""Schedulers as processes of their own on one PostgreSQL, to be killed, frozen and cut off.

Each notes in one shared journal what it begins and what it has committed; the store counts how often
each due run was committed. `tests/test_scheduler_leader.py` asserts, `tests/bench_leader.py` measures.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ews.storage import Store

ROOT = Path(__file__).parent.parent
SOURCES = ("s0", "s1", "s2", "s3")
EVERY_S = 1
ENDS = ("done", "refused")
SCHEDULER = """
import json, logging, os, sys, threading, time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
import ews.scheduler as scheduler
import ews.storage.engine as engine
from ews.model import Polling
from ews.storage import StaleLeader, Store, StoreError
from tests.source_made import made_source

home, url, lease_s, every_s, names = sys.argv[1:6]
scheduler.LEASE_S = float(lease_s)
scheduler.STANDBY_POLL_S = 0.2
engine.IDLE_IN_TRANSACTION_MS = int(float(lease_s) * 667)
logging.basicConfig(level="INFO", format="%(asctime)s %(name)s %(message)s")
journal = os.open(Path(home) / "journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
made = [made_source(name, every_s=int(every_s)) for name in names.split(",")]
world = scheduler.World(
    client=lambda *_: None, sources=lambda *_: made, tick_s=0.05
)

def say(what, **more):
    line = {"at": time.time(), "pid": os.getpid(), "what": what, **more}
    os.write(journal, (json.dumps(line) + chr(10)).encode())

class Pipeline:
    def __init__(self, store):
        self.store = store
        say("leads", token=store._fence.token)
    def watch(self, sources):
        pass
    def scrape(self, source, client, now):
        due = self.store.polling(source.name).next_due or now
        run = {"source": source.name, "due": due.isoformat()}
        say("begins", **run)
        time.sleep(0.1)  # the fetch
        step = timedelta(seconds=source.every_s)
        try:
            with self.store.begin() as tx:
                say("inside", **run)
                time.sleep(0.05)
                key = f"run {source.name} {due.isoformat()}"
                tx.put(key, str(int(tx.get(key) or 0) + 1))
                tx.save_polling(Polling(source.name, due + max(1, (now - due) // step + 1) * step))
        except (StaleLeader, StoreError) as err:
            say("refused", error=type(err).__name__, **run)
            raise
        say("done", late_s=(now - due).total_seconds(), **run)
        return 0
    def cycle(self, now, clock, deliver):
        self.store.put("cycled", now.isoformat())
        say("wrote")
        return {}

def lead(*known):
    led(*known)
    say("stands by")

led, scheduler.lead = scheduler.lead, lead
settings = SimpleNamespace(
    home=Path(home), database_url=url, cycle_every_s=60, live_contact=lambda: "a@b.kr"
)
store = Store.open(Path(home), url)
say("stands by")
scheduler.serve_forever(settings, store, Pipeline, tasks=lambda _: [], world=world)
say("stopped")
"""


class Wire:
    """A TCP port before the server's socket. `cut` stops the bytes both ways, as a dead network does:
    nobody is told, what is under way stays under way until `mend`."""

    def __init__(self, target: Path) -> None:
        self._target = str(target)
        self._flows = threading.Event()
        self._flows.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._flows.clear()

    def mend(self) -> None:
        self._flows.set()

    def close(self) -> None:
        self._flows.set()
        for one in (self._listener, *self._open):
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._target)
            self._open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65_536):
                self._flows.wait()
                other.sendall(data)
            self._flows.wait()
            other.shutdown(socket.SHUT_WR)
        except OSError:
            return


@dataclass
class Ring:
    """The schedulers that share one database, their journal, and what the test did to them."""

    home: Path
    url: str
    lease_s: float
    procs: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    killed: set[int] = field(default_factory=set)

    def start(self, url: str | None = None) -> int:
        """A further scheduler, once it stands by; its process id."""
        with (self.home / "log").open("ab") as log:
            proc = subprocess.Popen(
                [sys.executable, "-c", SCHEDULER, str(self.home), url or self.url,
                 str(self.lease_s), str(EVERY_S), ",".join(SOURCES)],
                stdout=log, stderr=log, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        self.procs[proc.pid] = proc
        self.wait(lambda line: line["pid"] == proc.pid and line["what"] == "stands by", 30)
        return proc.pid

    def journal(self) -> list[dict[str, object]]:
        file = self.home / "journal"
        if not file.exists():
            return []
        text = file.read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def wait(
        self, fits: Callable[[dict[str, object]], bool], limit_s: float, since: float = 0.0
    ) -> dict[str, object]:
        """The first line of the journal from `since` on that fits."""
        deadline = time.monotonic() + limit_s
        while True:
            for line in self.journal():
                if float(str(line["at"])) >= since and fits(line):
                    return line
            dead = [pid for pid, proc in self.procs.items() if proc.poll() is not None]
            if dead or time.monotonic() > deadline:
                tail = "\n".join(map(str, self.journal()[-15:]))
                log = (self.home / "log").read_text()[-3000:]
                raise AssertionError(
                    f"not in {limit_s:g} s; dead {dead}; the journal ends\n{tail}\n{log}"
                )
            time.sleep(0.01)

    def taken_over(self, former: int, since: float, limit_s: float) -> tuple[int, float]:
        """(process, seconds) until another than `former` has led and written."""
        line = self.wait(
            lambda one: one["what"] == "wrote" and one["pid"] != former, limit_s, since
        )
        return int(str(line["pid"])), float(str(line["at"])) - since

    def at_work(self, pid: int) -> None:
        """Returns when that one is inside a writing transaction."""
        since = time.time()
        self.wait(lambda one: one["what"] == "inside" and one["pid"] == pid, 10, since)

    def led(self, pid: int, limit_s: float = 10) -> None:
        self.wait(lambda line: line["pid"] == pid and line["what"] == "wrote", limit_s)

    def signal(self, pid: int, name: signal.Signals) -> float:
        """When it was sent."""
        at = time.time()
        os.kill(pid, name)
        if name is signal.SIGKILL:
            self.killed.add(pid)
        if name in (signal.SIGKILL, signal.SIGTERM):
            self.procs.pop(pid).wait(30)
        return at

    def stands_by(self, pid: int, since: float, limit_s: float = 20) -> None:
        """Returns when that one has finished what it had begun as a leader, and waits again."""
        self.wait(lambda one: one["pid"] == pid and one["what"] == "stands by", limit_s, since)

    def refused(self, pid: int, since: float, limit_s: float = 10) -> str:
        line = self.wait(lambda one: one["pid"] == pid and one["what"] == "refused", limit_s, since)
        return str(line["error"])

    def end(self) -> None:
        for proc in self.procs.values():
            proc.kill()
            proc.wait()

    # ----- what must hold at the end

    def committed_twice(self) -> list[str]:
        """Due runs that the store counts more than once."""
        store = Store.open(self.home, self.url)
        try:
            runs = {(line["source"], line["due"]) for line in self.journal() if "due" in line}
            keys = {f"run {source} {due}" for source, due in runs}
            return sorted(key for key in keys if int(store.get(key) or 0) > 1)
        finally:
            store.close()

    def settle(self, limit_s: float = 10) -> None:
        """Returns when everything that a living scheduler had begun by now is done or refused."""

        def open_runs(before: float) -> set[tuple[object, ...]]:
            mine = [one for one in self.journal() if "due" in one and one["pid"] in self.procs]
            ended = {(o["pid"], o["source"], o["due"]) for o in mine if o["what"] in ENDS}
            begun = [o for o in mine if o["what"] == "begins" and float(str(o["at"])) < before]
            return {(o["pid"], o["source"], o["due"]) for o in begun} - ended

        now, deadline = time.time(), time.monotonic() + limit_s
        while left := open_runs(now):
            assert time.monotonic() < deadline, f"neither done nor refused: {left}"
            time.sleep(0.02)

    def begun_twice(self) -> list[str]:
        """Due runs that two schedulers began and neither was refused. A run that its scheduler did
        not live to finish does not count: somebody has to do it again."""
        begun: dict[tuple[object, object], list[object]] = {}
        ended: dict[str, set[tuple[object, ...]]] = {"done": set(), "refused": set()}
        for line in self.journal():
            run = (line.get("source"), line.get("due"))
            if line["what"] == "begins":
                begun.setdefault(run, []).append(line["pid"])
            elif line["what"] in ended:
                ended[str(line["what"])].add((run, line["pid"]))
        kept = {
            run: [
                pid for pid in pids
                if (run, pid) not in ended["refused"]
                and ((run, pid) in ended["done"] or pid not in self.killed)
            ]
            for run, pids in begun.items()
        }  # fmt: skip
        return [f"{run}: {pids}" for run, pids in kept.items() if len(pids) > 1]

    def latest_s(self) -> float:
        """How late a due run was at worst. The first of a source has no due time."""
        done = [line for line in self.journal() if line["what"] == "done"]
        return max(float(str(line["late_s"])) for line in done)

    def runs(self) -> Counter[str]:
        return Counter(str(line["source"]) for line in self.journal() if line["what"] == "done")

    def never_run(self, at: float) -> list[str]:
        """Sources whose next run was due more than two turns before `at`: nobody came."""
        store = Store.open(self.home, self.url)
        try:
            due = {name: store.polling(name).next_due for name in SOURCES}
        finally:
            store.close()
        return [n for n, when in due.items() if when is None or when.timestamp() < at - 2 * EVERY_S]


@contextmanager
def ring(home: Path, url: str, lease_s: float) -> Iterator[Ring]:
    made = Ring(home, url, lease_s)
    try:
        yield made
    finally:
        made.end()


@contextmanager
def wire(target: Path) -> Iterator[Wire]:
    made = Wire(target)
    try:
        yield made
    finally:
        made.close()


def restarts(group: Ring, times: int) -> list[tuple[str, float]]:
    """Stop the leader `times` times, by SIGTERM and SIGKILL in turn, with a standby beside it and a
    new one each time; (signal, seconds to the take-over) of each."""
    leader, standby = group.start(), group.start()
    group.led(leader)
    took: list[tuple[str, float]] = []
    for n in range(times):
        how = signal.SIGKILL if n % 2 else signal.SIGTERM
        at = time.time()
        group.signal(leader, how)
        leader, seconds = group.taken_over(leader, at, 20)
        assert leader == standby
        took.append((how.name, seconds))
        standby = group.start()
    time.sleep(1.5 * EVERY_S)
    return took
