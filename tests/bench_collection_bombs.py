"""What do bombs cost? Each over loopback through our client and a parse worker, with its peak memory.

    python -m tests.bench_collection_bombs [--only WORDS]

Told of each: what came of it, seconds, and the peak of resident memory of this process and of the
worker together, above what both use when idle (VmHWM; of the two peaks the sum, though they need
not fall together). The server is a process of its own and does not count.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Self

from ews.model import Source
from scrapers import Client, SourceError, load_source, load_sources
from scrapers.golden import SAMPLE_NOW as NOW
from scrapers.golden import sample_file
from scrapers.worker import SECONDS, Workers, needed
from tests.bomb_server import BODIES, WAYS, serving

DEADLINE_S = 3.0  # of one request here; 60 s in the field
BAR_MIB = 100.0
GRACE_S = 1.0


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one bomb. `peak_mib`: over idle, our process and the worker together."""

    name: str
    outcome: str
    seconds: float
    peak_mib: float
    worker_mib: float
    at_most_s: float

    @property
    def met(self) -> bool:
        return self.peak_mib < BAR_MIB and self.seconds <= self.at_most_s + GRACE_S


def memory(pid: int, what: str) -> float:
    """MiB of VmRSS or VmHWM; 0 for a process that is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(what)), 0.0)


@cache
def _own_idle() -> float:
    """MiB of our process before the first bomb: what a bomb leaves behind counts for the next."""
    return memory(os.getpid(), "VmRSS")


class Peak:
    """The peaks of our process above its idle, and of one worker above what it used before."""

    def __init__(self, worker: int) -> None:
        self._own, self._worker, self._over = os.getpid(), worker, threading.Event()
        Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins anew
        self._before = [_own_idle(), memory(worker, "VmRSS")]
        self._most = [memory(pid, "VmRSS") for pid in (self._own, worker)]
        self._watch = threading.Thread(target=self._sample)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._look()
        self._over.set()
        self._watch.join()

    def _sample(self) -> None:
        while not self._over.wait(0.005):
            self._look()

    def _look(self) -> None:
        now = [memory(pid, "VmHWM") for pid in (self._own, self._worker)]
        self._most = [max(pair) for pair in zip(self._most, now, strict=True)]

    @property
    def over_idle(self) -> tuple[float, float]:
        own, worker = (m - b for m, b in zip(self._most, self._before, strict=True))
        return own + worker, worker


def measured(
    name: str, at_most_s: float, act: Callable[[Workers], str], lang: str = "en"
) -> Result:
    """One bomb, met by a worker that has read one ordinary feed before, of that language: those
    of many languages (`mul`) have workers of their own."""
    with Workers(1) as workers:
        bbc = replace(load_source("bbc_world"), lang=lang)
        workers.parse(bbc, sample_file(bbc).read_bytes(), NOW)
        (pid,) = workers.pids()
        began = time.monotonic()
        with Peak(pid) as peak:
            try:
                outcome = act(workers)
            except SourceError as error:
                outcome = f"refused: {error.message}"
        took = time.monotonic() - began
    total, worker = peak.over_idle
    return Result(name, outcome, round(took, 2), round(total, 1), round(worker, 1), at_most_s)


def source_of(kind: str) -> Source:
    """A shipped source of that kind without its own cap; one made here where none is shipped."""
    for one in load_sources():
        if one.kind == kind:
            return replace(one, options={k: v for k, v in one.options.items() if k != "max_bytes"})
    words = {"title": "{a}", "url": "{b}", "date": "c"}
    return replace(load_source("bbc_world"), kind=kind, options={"article": words})


def measure(only: str = "") -> dict[str, object]:
    """Every bomb once; `only`: those whose name has these words."""
    results: list[Result] = []
    with serving() as port:
        client = Client("bench", allow_loopback=True, min_gap_s=0.0, deadline_s=DEADLINE_S)
        for path in WAYS:
            if only in path:
                results.append(measured(path, DEADLINE_S, _over_the_wire(client, port, path)))
                _tell(results[-1])
        for number, (name, (kind, _)) in enumerate(BODIES.items()):
            if only in name:
                source = source_of(kind)
                act = _to_the_parser(port, number, source)
                lang = "mul" if needed(source) else "en"
                results.append(measured(name, SECONDS, act, lang))
                _tell(results[-1])
    return {
        "bombs": {one.name: asdict(one) for one in results},
        "worst_mib": max(one.peak_mib for one in results), "bar_mib": BAR_MIB,
        "longest_s": max(one.seconds for one in results),
        "missed": [one.name for one in results if not one.met], **_idle(),
    }  # fmt: skip


def _idle() -> dict[str, object]:
    with Workers(1) as workers:
        bbc = load_source("bbc_world")
        workers.parse(bbc, sample_file(bbc).read_bytes(), NOW)
        (pid,) = workers.pids()
        return {"idle_worker_mib": round(memory(pid, "VmRSS"), 1)}


def _over_the_wire(client: Client, port: int, path: str) -> Callable[[Workers], str]:
    def act(_: Workers) -> str:
        reply = client.get(f"http://127.0.0.1:{port}{path}", robots=False)
        return f"HTTP {reply.status}, {len(reply.body):,} bytes"

    return act


def _to_the_parser(port: int, number: int, source: Source) -> Callable[[Workers], str]:
    client = Client("bench", allow_loopback=True, min_gap_s=0.0, deadline_s=120.0)
    # some are long in the making, which is not what is measured: the second time they are there
    client.get(f"http://127.0.0.1:{port}/{number}", robots=False)

    def act(workers: Workers) -> str:
        reply = client.get(f"http://127.0.0.1:{port}/{number}", robots=False)
        parsed = workers.parse(source, reply.body, NOW)
        return f"read: {parsed.rows} rows, {len(parsed.signals)} signals; {parsed.said[:60]}"

    return act


def _tell(one: Result) -> None:
    mark = "ok  " if one.met else "MISS"
    print(
        f"{mark} {one.peak_mib:7.1f} MiB {one.seconds:6.2f} s  {one.name}: {one.outcome[:110]}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="")
    figures = measure(str(parser.parse_args().only))
    print(json.dumps({key: value for key, value in figures.items() if key != "bombs"}, indent=2))


if __name__ == "__main__":
    main()
