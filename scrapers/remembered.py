"""What did a list hold at its last turn? Ids with a digest, a group and a name, packed as text."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

VERSION = "list1:"
MOST_BYTES = 64 * 1024 * 1024  # of a memory unpacked


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a list: what it says in short, the part of the list it is in, its name."""

    digest: str
    group: str
    name: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """A list as it was last believed.

    `rules`: digest of the options that made ids and digests. `held_since`: since when the list has
    looked too short to be believed; None when it did not.
    """

    entries: Mapping[str, Entry] = field(default_factory=dict)
    rules: str = ""
    held_since: datetime | None = None


def packed(what: Remembered) -> str:
    """The memory as ASCII text, the same text for the same memory.

    >>> one = Remembered({"7": Entry("0a1b2c3d", "CUBA", "A NAME")}, "r")
    >>> unpacked(packed(one)) == one
    True
    """
    groups = sorted({entry.group for entry in what.entries.values()})
    at = {group: n for n, group in enumerate(groups)}
    held = what.held_since.isoformat() if what.held_since else None
    head = json.dumps([what.rules, held, groups], ensure_ascii=False)
    lines = [
        "\t".join((_flat(id), entry.digest, str(at[entry.group]), _flat(entry.name)))
        for id, entry in sorted(what.entries.items())
    ]
    text = "\n".join([head, *lines]).encode("utf-8", "replace")
    return VERSION + base64.b85encode(zlib.compress(text, 6)).decode("ascii")


def accepted(memory: str) -> str:
    """The memory so that a list that looked too short is believed at its next turn; any other
    memory as it is."""
    known = unpacked(memory)
    if known is None or known.held_since is None:
        return memory
    return packed(replace(known, held_since=datetime(1970, 1, 1, tzinfo=UTC)))


def _flat(text: str) -> str:
    return " ".join(text.split())


def unpacked(memory: str) -> Remembered | None:
    """The memory again; None when there is none, or none of this form."""
    if not memory.startswith(VERSION):
        return None
    try:
        raw = zlib.decompressobj().decompress(base64.b85decode(memory[len(VERSION) :]), MOST_BYTES)
        head, *lines = raw.decode("utf-8").split("\n")
        rules, held, groups = json.loads(head)
        cells = [line.split("\t") for line in lines]
        entries = {id: Entry(digest, groups[int(at)], name) for id, digest, at, name in cells}
        return Remembered(entries, rules, datetime.fromisoformat(held) if held else None)
    except (ValueError, TypeError, IndexError, zlib.error):
        return None
