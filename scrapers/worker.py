"""Who reads the bytes of strangers? A process that can be lost.

Whatever a body does to its reader (a bomb, an endless loop, a hole in a parser), it does it to a
worker with limits of memory and time, without keys, files, network or programs (worker_limits).
A worker that dies or says nonsense is a failed turn of that one source, and the next body finds a
new worker. It is told its parent's death by the end of its input, and by an alarm of its own: a
signal on the parent's death (PR_SET_PDEATHSIG) would come when the thread that started it ends.
"""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from datetime import datetime
from types import TracebackType
from typing import IO, Self

from ews.model import Source
from scrapers.errors import SourceError
from scrapers.mapping import Parsed
from scrapers.worker_wire import LEAVING, LINE_BYTES, Nonsense, believed, question

log = logging.getLogger(__name__)

MIB = 1024 * 1024
SECONDS = 20.0  # to read one body
MEMORY_MIB = 72  # above an idle worker, the body included
MOST_MIB = 1536
ORDINARY_MIB = 8  # of body; a source that may send more (max_bytes) gets more of both
START_S = 60.0
# What must be there before the lock. pandas, 100 MiB, is not kept after its job; the model that
# tells languages is, 90 MiB, because some source needs it every 15 minutes.
HEAVY = {"sdmx": "sdmx,sdmx.reader,pandas"}
LANGUAGES = "scrapers.langs:_model"
_START = (
    "import sys; sys.path[:] = sys.argv[2].split('\\n'); "
    "from scrapers.worker_process import main; main(sys.argv[1])"
)


class Lost(Exception):
    """The worker is gone, or what it says makes no sense."""


class Workers:
    """A few parse workers, started when needed; `parse` is a scrapers.collected.Parser.

    Safe to share between threads: `size` bodies are read at once, further callers wait. Close it,
    or leave it to the end of the program. `seconds` and `memory_mib` are for one body of ordinary
    size; `preload`: modules that the workers import first (with kinds of one's own).
    """

    def __init__(
        self,
        size: int = 2,
        seconds: float = SECONDS,
        memory_mib: int = MEMORY_MIB,
        preload: str = "",
    ) -> None:
        self._turns = threading.BoundedSemaphore(size)
        # those that nobody vouches for leave one to the others, however long their bodies take
        self._guests = threading.BoundedSemaphore(max(1, size - 1))
        self._most_idle = 2 * size  # of all uses together
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()
        self._seconds, self._memory_mib, self._preload = seconds, memory_mib, preload
        self._told: set[str] = set()
        self.started = 0  # processes so far: many more than `size` says that bodies kill them
        self._end = weakref.finalize(self, _stop_all, self._idle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the idle workers; those at work end with their job."""
        with self._lock:
            _stop_all(self._idle)

    def parse(
        self, source: Source, body: bytes, now: datetime, label: str = "", memory: str = ""
    ) -> Parsed:
        """One body as signals, read in a worker. Raises SourceError only."""
        with contextlib.nullcontext() if source.trusted else self._guests, self._turns:
            worker = self._taken(source)
            try:
                parsed = self._asked(worker, source, body, now, label, memory)
            except SourceError:
                self._back(worker)
                raise
            except BaseException:
                worker.kill()
                raise
            self._back(worker)
            return parsed

    def lacking(self) -> list[str]:
        """What an ordinary worker lacks of its protection on this machine, in words; started for the
        look. Raises SourceError when none starts."""
        worker, missing = self._begun(_Worker(self._preload, heavy=False), "parse worker")
        self._back(worker)
        return missing

    def pids(self) -> list[int]:
        """The idle workers' process ids; tests and benches measure them."""
        with self._lock:
            return [worker.process.pid for worker in self._idle]

    def _asked(
        self, worker: _Worker, source: Source, body: bytes, now: datetime, label: str, memory: str
    ) -> Parsed:
        seconds, mib = self.limits(source)
        header = question(
            source, body, now, label, memory, {"seconds": seconds, "bytes": mib * MIB}
        )
        with _Alarm(worker, seconds) as alarm:
            try:
                worker.tell(header, body)
                return believed(source, now, worker.lines())
            except Nonsense as error:
                worker.kill()
                log.warning("a parse worker of %s said nonsense: %s", source.name, error)
                raise SourceError(_lost(source, alarm.rang, seconds, mib)) from None
            except (OSError, ValueError) as error:  # a pipe that broke or was closed
                worker.kill()
                raise SourceError(_lost(source, alarm.rang, seconds, mib)) from error

    def limits(self, source: Source) -> tuple[float, int]:
        """Seconds and MiB for one body of that source: options.parse_s and parse_mib, or by the
        size that it may send: 2 s and 16 MiB for each MiB above the ordinary."""
        options = source.options
        most = options.get("max_bytes")
        over = max(0, (most if isinstance(most, int) else 0) // MIB - ORDINARY_MIB)
        seconds, mib = options.get("parse_s"), options.get("parse_mib")
        return (
            float(seconds) if isinstance(seconds, int | float) else self._seconds + 2 * over,
            mib if isinstance(mib, int) else min(self._memory_mib + 16 * over, MOST_MIB),
        )

    def _taken(self, source: Source) -> _Worker:
        preload = ",".join(filter(None, [self._preload, needed(source)]))
        use = (preload, source.trusted)
        with self._lock:
            for worker in [one for one in reversed(self._idle) if one.use == use]:
                self._idle.remove(worker)
                if worker.process.poll() is None:
                    return worker
                worker.kill()
        made = _Worker(preload, source.kind in HEAVY, source.trusted)
        worker, missing = self._begun(made, source.name)
        for one in set(missing) - self._told:
            self._told.add(one)
            log.warning("parse workers have less protection here: %s", one)
        return worker

    def _begun(self, worker: _Worker, whose: str) -> tuple[_Worker, list[str]]:
        """The worker once it is ready, and what protection it lacks. Raises SourceError."""
        self.started += 1
        try:
            with _Alarm(worker, START_S):
                return worker, worker.ready()
        except (OSError, ValueError, Lost) as error:
            worker.kill()
            raise SourceError(
                f"{whose}: the process that reads answers did not start ({error}); run ews check"
            ) from None

    def _back(self, worker: _Worker) -> None:
        """An idle worker is kept; one that says goodbye, or holds pandas, is not."""
        if worker.leaving or worker.heavy or worker.process.poll() is not None:
            worker.kill()
            return
        with self._lock:
            self._idle.append(worker)
            if len(self._idle) > self._most_idle:
                self._idle.pop(0).kill()


def needed(source: Source) -> str:
    """What a worker of that source loads before the lock, "" for an ordinary one."""
    if source.lang == "mul" or source.kind == "gdelt":
        return LANGUAGES
    return HEAVY.get(source.kind, "")


def _stop_all(idle: list[_Worker]) -> None:
    while idle:
        idle.pop().kill()


def _lost(source: Source, rang: bool, seconds: float, mib: int) -> str:
    if rang:
        return (
            f"{source.name}: its answer needed more than {seconds:g} s to read; open the url and "
            "look what it sends, or raise options.parse_s"
        )
    return (
        f"{source.name}: the process that read its answer ended (it may use {mib} MiB); it is read "
        "again at the next turn, keep the body and report it if that happens again"
    )


class _Worker:
    """One process and its pipes. Errors of the pipes come through as they are."""

    def __init__(self, preload: str, heavy: bool, trusted: bool = True) -> None:
        # One that read what nobody vouches for reads nothing else: whoever took it over would
        # answer for the next source.
        self.use = preload, trusted
        self.heavy, self.leaving = heavy, False
        paths = "\n".join(path for path in sys.path if path)
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-W", "ignore", "-c", _START, preload, paths],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(_ENVIRONMENT), start_new_session=True, cwd="/" if sys.platform != "win32" else None,
        )  # fmt: skip
        self._asked, self._said = _pipe(self.process.stdin), _pipe(self.process.stdout)

    def ready(self) -> list[str]:
        """What protection is missing. Raises Lost with the last words of one that did not start."""
        line = self._said.readline(LINE_BYTES)
        if not line:
            words = _pipe(self.process.stderr).read(4_000).decode("utf-8", "replace")
            raise Lost(words.strip().rpartition("\n")[2][:200] or "it said nothing")
        said = json.loads(line)
        return [str(one) for one in said[1]]

    def tell(self, header: bytes, body: bytes) -> None:
        self._asked.write(header)
        self._asked.write(body)
        self._asked.flush()

    def lines(self) -> Iterator[bytes]:
        """The lines of one answer, as long as somebody listens."""
        while line := self._said.readline(LINE_BYTES + 1):
            if line == LEAVING:
                self.leaving = True
            else:
                yield line

    def kill(self) -> None:
        """End it, whatever it does, and leave nothing of it behind."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):  # what was not sent yet is of no use to anybody
                _pipe(pipe).close()
        self.process.wait()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


# No keys and no paths of ours; one arena, so that little address space is reserved for nothing.
_ENVIRONMENT = {"TZ": "UTC", "MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1"}


class _Alarm:
    """Kills the worker when a job takes too long; never after the job has ended."""

    def __init__(self, worker: _Worker, seconds: float) -> None:
        self.rang = False
        self._worker, self._over = worker, False
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._ring)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        with self._lock:
            self._over = True
        self._timer.cancel()

    def _ring(self) -> None:
        with self._lock:
            if not self._over:
                self.rang = True
                self._worker.process.kill()
