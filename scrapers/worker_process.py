"""The parse worker: a process that reads one body after the other, and can do nothing else.

Started by `scrapers.worker` with an empty environment. A frame comes on standard input (two lengths,
a JSON header, the body), the lines of the answer go to standard output. It ends when its input ends,
when its parent dies, after JOBS bodies or when it has grown.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from ews.model import Source
from scrapers import worker_limits as limits
from scrapers.errors import SourceError
from scrapers.kinds import parse
from scrapers.worker_wire import HEAD, LEAVING, answer, refusal

JOBS = 2_000
GROWN_BYTES = 64 * limits.MIB


def main(preload: str = "") -> None:
    """Serve until the input ends. `preload`: modules that must be there before the lock, and what
    of them is to be called then (`module:name`)."""
    for name in filter(None, preload.split(",")):
        module, _, called = name.partition(":")
        loaded = importlib.import_module(module)
        if called:
            getattr(loaded, called)()
    asked, said = _own_pipes()
    space = limits.AddressSpace()
    base = space.bytes()
    missing = limits.lock_down(limits.readable_paths(), base)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)  # a body makes much and keeps nothing
    _say(said, [json.dumps(["ready", missing]).encode() + b"\n"])
    for left in reversed(range(JOBS)):
        lines = _served(asked, base)
        if lines is None:
            return
        if left == 0 or (base and space.bytes() > base + GROWN_BYTES):
            _say(said, [*lines[:-1], LEAVING, lines[-1]])
            return
        _say(said, lines)


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Input and output under numbers of their own; what is printed by chance goes nowhere."""
    asked = os.fdopen(os.dup(0), "rb", buffering=256 * 1024)
    said = os.fdopen(os.dup(1), "wb", buffering=64 * 1024)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)
    return asked, said


@dataclass(frozen=True, slots=True)
class Job:
    source: Source
    now: datetime
    label: str
    memory: str
    memory_bytes: int
    seconds: float


def _served(asked: BinaryIO, base: int) -> list[bytes] | None:
    """The answer to one body; None when no other is coming."""
    head = asked.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    header_size, body_size = HEAD.unpack(head)
    job = _job(json.loads(asked.read(header_size)))
    # counted from here: the body itself is part of what the job may use
    limits.budget(base, job.memory_bytes, job.seconds)
    with suppress(MemoryError):
        try:
            return _answered(job, asked, body_size)
        finally:
            limits.lift(base)  # memory must be there to say that it was not
    return [refusal(_too_large(job))]


def _answered(job: Job, asked: BinaryIO, size: int) -> list[bytes]:
    try:
        body = asked.read(size)
        return list(answer(parse(job.source, body, job.now, job.label, job.memory)))
    except SourceError as error:
        return [refusal(_too_large(job) if _of_memory(error) else error)]
    except MemoryError:
        raise
    except Exception as error:  # what kinds.parse does not expect: a file out of reach, say
        words = f"{type(error).__name__}: {str(error)[:120]}"
        return [refusal(SourceError(
            f"{job.source.name}: our parser failed in its worker ({words}); keep the body as "
            "sample and report it"
        ))]  # fmt: skip


def _job(told: Mapping[str, object]) -> Job:
    source, given = told["source"], told["limits"]
    assert isinstance(source, dict)
    assert isinstance(given, dict)
    return Job(
        Source(**source), datetime.fromisoformat(str(told["now"])), str(told["label"]),
        str(told["memory"]), int(given["bytes"]), float(given["seconds"]),
    )  # fmt: skip


def _of_memory(error: BaseException | None) -> bool:
    """True when the lack of memory is behind it."""
    for _ in range(10):
        if error is None:
            return False
        # libxml2 without memory is a syntax error of no line and no words
        if isinstance(error, MemoryError) or "unknown error (<string>, line 0)" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _too_large(job: Job) -> SourceError:
    return SourceError(
        f"{job.source.name}: its answer needed more than {job.memory_bytes // limits.MIB} MiB to "
        "read; open the url and look what it sends, or raise options.parse_mib"
    )


def _say(said: BinaryIO, lines: list[bytes]) -> None:
    said.writelines(lines)
    said.flush()


if __name__ == "__main__":
    main(*sys.argv[1:2])
