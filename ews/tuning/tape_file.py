"""How does a tape lie on disk? Arrays and packed texts in one file, named after what it holds.

NumPy's own archive without pickles; a file that is cut, foreign or of another version is as if it
were not there.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ews.model import content_id

FORMAT = 2
KEPT = 8  # tapes in one folder; the oldest goes first
HEAD = "head"

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Texts:
    """Many texts, each packed by itself, so that only those that are asked for are unpacked."""

    ends: Ints
    data: Bytes

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        packed = [zlib.compress(text.encode(), 6) for text in texts]
        ends = np.cumsum([len(one) for one in packed], dtype=np.int64)
        return cls(ends, np.frombuffer(b"".join(packed), np.uint8))

    def __len__(self) -> int:
        return len(self.ends)

    def get(self, number: int) -> str:
        start = int(self.ends[number - 1]) if number else 0
        return zlib.decompress(self.data[start : int(self.ends[number])].tobytes()).decode()


@dataclass(frozen=True, slots=True)
class Columns:
    """What is on a tape, by revision (`of_`), by exposure (`reach_`) and by event."""

    of_tick: Ints  # microseconds since 1970: when the pipeline judged it; in that order
    of_event: Ints  # number of the event
    of_type: Ints  # number of the type
    of_places: Ints  # number of the tuple of countries
    of_phase: Ints  # number in Phase
    of_open: Ints  # 0: closed or dismissed, no rule can hold
    of_also: Ints  # bits of the further types
    of_firms: Ints  # number of the tuple of firms
    of_updated: Ints  # microseconds: of its newest evidence
    of_values: Floats  # measures from the event alone, a column each
    of_reach: Ints  # end of its exposures in the columns below
    reach_shape: Ints
    reach_numbers: Floats  # share, magnitude, probability, impact, survive, recover; nan: unknown
    event_heard: Ints  # microseconds: when it was heard of last, at most the end of the tape
    ticks: Ints  # microseconds: the ends of the hours in which anything was detected
    texts: Texts  # the revisions
    rows: Texts  # the events as they were at the end
    articles: Texts


Head = Mapping[str, object]


def name_of(*parts: object) -> str:
    """The name of a tape's file, from everything that it depends on."""
    return f"{content_id('tape', FORMAT, *parts)}.npz"


def write(path: Path, head: Head, columns: Columns) -> None:
    """At once or not at all; older tapes of the folder make room."""
    arrays: dict[str, NDArray[np.generic]] = {}
    arrays[HEAD] = np.frombuffer(json.dumps(head, ensure_ascii=False).encode(), np.uint8)
    for field in fields(Columns):
        value = getattr(columns, field.name)
        if isinstance(value, Texts):
            arrays[f"{field.name}.ends"], arrays[f"{field.name}.data"] = value.ends, value.data
        else:
            arrays[field.name] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    for old in sorted(path.parent.glob("tape-*.npz"), key=_age)[KEPT:]:
        old.unlink(missing_ok=True)


def read(path: Path) -> tuple[Head, Columns] | None:
    """What the file holds; None when there is none that can be used."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            head = json.loads(archive[HEAD].tobytes())
            values = {field.name: _value(archive, field.name) for field in fields(Columns)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    if not isinstance(head, dict):
        return None
    return head, Columns(**values)  # type: ignore[arg-type]


def _value(archive: Mapping[str, NDArray[np.generic]], name: str) -> object:
    if name in archive:
        return archive[name]
    return Texts(archive[f"{name}.ends"], archive[f"{name}.data"])  # type: ignore[arg-type]


def _age(path: Path) -> float:
    """Newest first; a file that somebody else has removed is oldest."""
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0
