"""Labelled files in the format of `gold_dev.jsonl.gz`: one JSON object a line, gzipped or plain.

Read strictly where a wrong value would give a wrong figure (labels, phase, severity, direction), and
gently elsewhere: a date in a form nobody knows is no date. Errors name the file and the line.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nlp.dataset import Groups, Row, event_groups, near_pairs, shingles, to_row
from nlp.taxonomy import NAMES

PHASE_NAMES = ("threat_or_proposed", "actual_or_ongoing", "easing_or_aftermath")
DIRECTIONS = ("up", "down")
NEEDED = ("id", "lang", "title", "labels")
OPTIONAL = ("severity", "countries")  # of these the file may leave out some or all
GZIP_MAGIC = b"\x1f\x8b"


class LabelledFileError(ValueError):
    """The file cannot be scored; the message says which line and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled row, and which optional fields its file gives for it."""

    row: Row
    told: frozenset[str] = frozenset(OPTIONAL)


def read_labelled(path: Path) -> list[Judged]:
    """Every row of the file, with event groups. LabelledFileError says what is wrong and where."""
    rows: list[Judged] = []
    seen: dict[str, int] = {}
    for number, raw in numbered(path):
        try:
            found = judged(raw)
            if found.row.id in seen:
                raise ValueError(f"id {found.row.id!r} is also on line {seen[found.row.id]}")
        except ValueError as error:
            raise LabelledFileError(f"{path}:{number}: {error}") from error
        seen[found.row.id] = number
        rows.append(found)
    if not rows:
        raise LabelledFileError(f"{path}: no rows; one JSON object a line is expected")
    return grouped(rows)


def numbered(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    """(line number, object) of every line that is not blank."""
    try:
        data = path.read_bytes()
        if data[:2] == GZIP_MAGIC:
            data = gzip.decompress(data)
        text = data.decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or f"not a whole gzip file ({error})"
        raise LabelledFileError(f"{path}: {reason}") from error
    except (EOFError, zlib.error) as error:
        raise LabelledFileError(f"{path}: not a whole gzip file ({error})") from error
    except UnicodeDecodeError as error:
        place = data[: error.start].count(b"\n") + 1
        raise LabelledFileError(f"{path}:{place}: not UTF-8 text") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
        except ValueError as error:
            raise LabelledFileError(f"{path}:{number}: not JSON: {error}") from error
        if not isinstance(raw, dict):
            raise LabelledFileError(
                f"{path}:{number}: one JSON object a line is expected, not {type(raw).__name__}"
            )
        yield number, raw


def judged(raw: Mapping[str, object]) -> Judged:
    """A row from one object. ValueError says which field is wrong and what it may be."""
    for name in NEEDED:
        if name not in raw:
            raise ValueError(f"field {name!r} is missing; needed: {', '.join(NEEDED)}")
    labels = names_in(raw, "labels")
    for label in labels:
        if label not in (*NAMES, "none"):
            raise ValueError(f"unknown label {label!r}; known: none, {', '.join(NAMES)}")
    if "none" in labels and len(labels) > 1:
        raise ValueError("label 'none' stands beside others; it stands alone")
    severity = raw.get("severity")
    if severity is not None and (
        isinstance(severity, bool) or severity not in (0, 1, 2, 3) or isinstance(severity, str)
    ):
        raise ValueError(f"severity {severity!r}; it may be 0, 1, 2, 3 or null")
    one_of(raw, "phase", PHASE_NAMES)
    one_of(raw, "price_direction", DIRECTIONS)
    lang = raw["lang"]
    if not isinstance(lang, str) or not lang.strip():
        raise ValueError(f"lang {lang!r}; a code like 'ko' or 'en' is expected")
    fields = {
        **raw,
        "lang": lang.strip().lower()[:2],
        "source": raw.get("source") or "unnamed",
        "title": text_of(raw, "title"),
        "text": text_of(raw, "text"),
        "labels": labels,
        "severity": int(severity) if isinstance(severity, int | float) else 0,
        "phase": raw.get("phase"),
        "countries": [code.upper() for code in names_in(raw, "countries")],
        "items": [],
    }
    told = frozenset(name for name in OPTIONAL if raw.get(name) is not None)
    group = raw.get("event_group")
    return Judged(replace(dated(fields), group=str(group) if group else ""), told)


def dated(fields: Mapping[str, object]) -> Row:
    """The row; undated when no known form fits what the file says."""
    try:
        return to_row(fields)
    except ValueError:
        return to_row({**fields, "published": None})


def names_in(raw: Mapping[str, object], name: str) -> list[str]:
    value = raw.get(name)
    if value is None and name != "labels":
        return []
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise ValueError(f"{name} {value!r}; a list of strings is expected")
    return [str(part) for part in value]


def one_of(raw: Mapping[str, object], name: str, known: Sequence[str]) -> None:
    if (value := raw.get(name)) is not None and value not in known:
        raise ValueError(f"{name} {value!r}; it may be {', '.join(known)} or null")


def text_of(raw: Mapping[str, object], name: str) -> str:
    value = raw.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is {type(value).__name__}; text is expected")
    return value or ""


def grouped(rows: Sequence[Judged]) -> list[Judged]:
    """Every row with an event group: the file's, else made from the texts as the split does it."""
    missing = [number for number, one in enumerate(rows) if not one.row.group]
    made = groups_of([rows[number].row for number in missing])
    found = {number: f"made {group}" for number, group in zip(missing, made, strict=True)}
    return [
        replace(one, row=replace(one.row, group=found.get(number, one.row.group)))
        for number, one in enumerate(rows)
    ]


def groups_of(rows: Sequence[Row]) -> list[int]:
    """Group numbers; near-duplicates only, without scikit-learn or with too few words for it."""
    if importlib.util.find_spec("sklearn"):
        try:
            return event_groups(rows)
        except ValueError:  # no word occurs twice
            pass
    groups, grams = Groups(len(rows)), [shingles(row.input) for row in rows]
    for left, right in near_pairs(grams, grams):
        groups.join(left, right)
    return [groups.find(number) for number in range(len(rows))]
