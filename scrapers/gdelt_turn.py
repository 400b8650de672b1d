"""One turn at GDELT's fifteen-minute files: read the index, the newest slot, and those that are missing.

A slot is three files. The index names those of the newest slot with size and md5; both are checked.
Nothing says them of older slots: there the zip's own CRC counts, and TLS, since the files are asked
for beside the index and not at the plain-http address that it writes. (`masterfilelist.txt` would name
them all, but is the whole history in one file, and whether a part of it may be asked for is not
documented.)
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ews.model import Fetch, FetchOutcome, Raw, Source
from scrapers import slots as book
from scrapers.caching import retry_after
from scrapers.collected import Collected, Parser, raw_of
from scrapers.conditional import as_before, ask, failed, fetch_reply
from scrapers.errors import SourceError
from scrapers.gdelt import known_ids, whole_option
from scrapers.gdelt_files import EVENTS, GKG, MENTIONS, NAME
from scrapers.http import Client, Reply
from scrapers.mapping import Parsed, Signal
from scrapers.slots import Slots

ENDINGS = {GKG: "gkg.csv", EVENTS: "export.CSV", MENTIONS: "mentions.CSV"}  # in the order of asking
GIVE_UP = 2  # slots in a row that fail: the other side is down
NOT_THERE = (403, 404, 410)  # Google's storage answers 403 or 404 for what does not exist
_PROMISE = re.compile(r"(\d{1,12}) ([0-9a-fA-F]{32}) \S*/([\w.]+)\.zip")


@dataclass(frozen=True, slots=True)
class Promise:
    """What the index says of a file."""

    size: int
    md5: str


@dataclass(frozen=True, slots=True)
class Index:
    """The newest slot, `.translation` or "", and its three files."""

    slot: datetime
    stream: str
    files: Mapping[str, Promise]


def read_index(source: Source, text: str) -> Index:
    """What `lastupdate.txt` says. Raises SourceError unless it names three files of one slot."""
    files: dict[str, Promise] = {}
    told = set()
    for line in text[:4000].splitlines():
        promise = _PROMISE.fullmatch(" ".join(line.split()))
        name = NAME.fullmatch(promise.group(3)) if promise else None
        if promise and name:
            files[name.group(3).lower()] = Promise(int(promise.group(1)), promise.group(2).lower())
            told.add((name.group(1), (name.group(2) or "").lower()))
    slot = book.slot_of(next(iter(told))[0]) if len(told) == 1 else None
    if slot is None or len(files) != len(ENDINGS):
        raise SourceError(
            f"{source.name}: the index names no three files of one quarter of an hour; it is read again at "
            "the next turn, then open the url and look"
        )
    return Index(slot, next(iter(told))[1], files)


# --------------------------------------------------------------------------- the turn


@dataclass
class _Turn:
    """What a turn works with and gathers."""

    source: Source
    now: datetime
    client: Client
    parser: Parser
    slots: Slots
    index: Index
    parts: list[Parsed] = field(default_factory=list)  # of GKG files
    notes: list[str] = field(default_factory=list)
    errors: list[SourceError] = field(default_factory=list)
    raws: list[Raw] = field(default_factory=list)
    in_a_row: int = 0


def turn(
    source: Source, last: Fetch | None, now: datetime, client: Client, memory: str, parser: Parser
) -> Collected:
    """At most `slots_per_turn` slots. NEW when one was read, UNCHANGED when none was due, FAILED when
    those that were due could not be read. What waits is asked for at later turns, up to 24 hours."""
    slots, notes = _recalled(memory)
    fetched, reply = fetch_reply(source, last if slots.newest else None, now, client)
    if fetched.outcome is FetchOutcome.FAILED:
        return Collected(fetched)
    if fetched.outcome is FetchOutcome.UNCHANGED:
        reply = None  # the index is the one that we know
    # Google's storage says by itself that a copy is good for an hour; GDELT's own rhythm is 15 minutes.
    fetched = replace(fetched, retry_after_s=None)
    try:
        slots, index = _indexed(source, slots, reply, now)
    except SourceError as error:
        return Collected(failed(as_before(fetched, last), error))
    slots, lost = book.named(slots, index.slot)
    if lost:
        notes.append(f"{_count(lost)} given up: too old, or never there")
    work = _Turn(source, now, client, parser, slots, index, notes=notes)
    if reply is not None:
        _keep(work, reply, parsed=False)
    for slot in book.due(slots, now, whole_option(source, "slots_per_turn", 8)):
        if work.in_a_row < GIVE_UP and not any(one.retry_after_s for one in work.errors):
            _slot(work, slot)
    return _collected(work, fetched, last, reply.moved if reply is not None else "")


def _recalled(memory: str) -> tuple[Slots, list[str]]:
    """What is remembered, and a note when it cannot be read."""
    try:
        return book.from_text(memory), []
    except ValueError:
        return Slots(), ["what was remembered cannot be read; it begins anew with the newest slot"]


def _indexed(
    source: Source, slots: Slots, reply: Reply | None, now: datetime
) -> tuple[Slots, Index]:
    """The index that came, or the one before when it has not changed. Raises SourceError."""
    if reply is not None:
        text = reply.body[:4000].decode("ascii", "replace")
        base = reply.url.partition("?")[0].rpartition("/")[0]
        slots = replace(slots, index=text, base=base)
    index = read_index(source, slots.index)
    if index.slot > now + timedelta(hours=1):
        raise SourceError(
            f"{source.name}: the index names {book.stamp(index.slot)}, a slot of the future; compare the clock of "
            "this machine"
        )
    return slots, index


def _slot(work: _Turn, slot: datetime) -> None:
    """Reads one slot as far as it can be read; a file that lacks makes the whole slot wait."""
    bodies, missing = _bodies(work, slot)
    source, facts, wanted = work.source, "", _known(work.slots)
    try:
        if EVENTS in bodies:
            ids = _ids(source, _parsed(work, bodies.pop(EVENTS)))
            wanted += ids
            work.slots = book.leaving(work.slots, slot, ids)
        if MENTIONS in bodies:
            facts = _parsed(work, bodies.pop(MENTIONS), json.dumps(wanted)).memory or ""
    except SourceError as error:
        missing.append(error)
    try:
        if GKG in bodies:
            work.parts.append(_parsed(work, bodies.pop(GKG), facts))
    except SourceError as error:
        missing.append(error)
    if not missing:
        work.slots = book.was_read(work.slots, slot, work.slots.left.get(slot, ()))
        work.in_a_row = 0
        return
    work.slots = book.was_missing(work.slots, slot, work.now)
    work.errors.append(missing[0])
    work.in_a_row += missing[0].status not in NOT_THERE  # an answer, and a cheap one


def _ids(source: Source, part: Parsed) -> list[str]:
    """The wanted events that a file of events gave. Raises SourceError."""
    try:
        return known_ids(json.loads(part.memory or "[]"))
    except (ValueError, RecursionError):
        raise SourceError(
            f"{source.name}: the reader of its events said nonsense; the slot is read again later"
        ) from None


def _known(slots: Slots) -> list[str]:
    """The wanted events of the last 24 hours: three in five mentions are of events of earlier slots."""
    return [one for ids in slots.left.values() for one in ids]


def _parsed(work: _Turn, reply: Reply, memory: str = "") -> Parsed:
    return work.parser(work.source, reply.body, work.now, "", memory)


def _bodies(work: _Turn, slot: datetime) -> tuple[dict[str, Reply], list[SourceError]]:
    """The files of a slot that came whole, and why the others did not."""
    bodies: dict[str, Reply] = {}
    errors: list[SourceError] = []
    for what, ending in ENDINGS.items():
        name = f"{book.stamp(slot)}{work.index.stream}.{ending}.zip"
        try:
            reply = _file(work, name)
        except SourceError as error:
            errors.append(error)
            break  # the others are not there either, or the other side is down
        if slot == work.index.slot and (wrong := _differs(reply.body, work.index.files[what])):
            errors.append(SourceError(
                f"{work.source.name}: the {wrong} of {name} differs from the index; the slot is read "
                "again later"
            ))  # fmt: skip
            continue
        _keep(work, reply)
        bodies[what] = reply
    return bodies, errors


def _file(work: _Turn, name: str) -> Reply:
    """One file. Raises SourceError, which never is permanent: it may be there at the next turn."""
    source = work.source
    try:
        reply = ask(source, f"{work.slots.base}/{name}", work.client, {})
    except SourceError as error:
        raise SourceError(
            error.message, retry_after_s=error.retry_after_s, status=error.status
        ) from None
    if reply.status != 200:
        said = "is not there yet" if reply.status in NOT_THERE else "did not come"
        raise SourceError(
            f"{source.name}: {name} {said} (HTTP {reply.status}); the slot is read again later",
            status=reply.status,
            retry_after_s=_wait(reply, work.now),
        )
    return reply


def _wait(reply: Reply, now: datetime) -> int | None:
    """Seconds that a refusal asks for; a minute when it does not say."""
    return (retry_after(reply.headers, now) or 60) if reply.status in (429, 503) else None


def _differs(body: bytes, promise: Promise) -> str:
    """Which of size and md5 is not that which the index announced; "" when both are."""
    if len(body) != promise.size:
        return "size"
    digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return "" if digest == promise.md5 else "md5"


def _keep(work: _Turn, reply: Reply, parsed: bool = True) -> None:
    if work.source.options.get("keep_raw", True):
        page = len(work.raws)
        work.raws.append(raw_of(work.source, work.now, page, reply, parsed=parsed))


# --------------------------------------------------------------------------- how it went


def _collected(work: _Turn, fetched: Fetch, last: Fetch | None, moved: str) -> Collected:
    memory = book.to_text(work.slots)
    if not work.parts and work.errors:
        gone = failed(as_before(fetched, last), work.errors[0])
        error = "; ".join([*work.notes, work.errors[0].message])
        return Collected(replace(gone, error=error, permanent=False), raws=work.raws, memory=memory)
    if not work.parts:
        quiet = replace(
            fetched, outcome=FetchOutcome.UNCHANGED, error="; ".join(work.notes) or None
        )
        if last is not None:
            quiet = replace(quiet, signals=last.signals, newest=last.newest, rows=last.rows)
        return Collected(quiet, memory=memory, moved_to=moved)
    signals = _once(work.parts)
    rows = sum(part.rows for part in work.parts) // len(work.parts)
    dates = [part.newest for part in work.parts] + [last.newest if last else None]
    good = replace(
        fetched, outcome=FetchOutcome.NEW, signals=len(signals), rows=rows,
        newest=max((one for one in dates if one is not None), default=None),
        error="; ".join(_notes(work, rows)) or None,
        retry_after_s=max((one.retry_after_s or 0 for one in work.errors), default=0) or None,
    )  # fmt: skip
    if rows < work.source.expect_min:
        good = replace(as_before(good, last), outcome=FetchOutcome.FAILED)
    return Collected(good, signals, raws=work.raws, memory=memory, moved_to=moved)


def _notes(work: _Turn, rows: int) -> list[str]:
    """What a person should know of a turn that brought something."""
    source, notes = work.source, list(work.notes)
    if rows < source.expect_min:
        notes.append(
            f"{source.name}: {rows} rows a slot where at least {source.expect_min} are expected; it "
            "dries up or has changed: open the url, then correct expect"
        )
    if rows > source.expect_max:
        notes.append(f"{rows} rows a slot where at most {source.expect_max} are expected")
    if work.slots.waiting:
        first = book.stamp(min(work.slots.waiting))
        notes.append(f"to be read later: {_count(len(work.slots.waiting))}, the first {first}")
    notes += [error.message for error in work.errors[:1]]
    return [*notes, *dict.fromkeys(part.said for part in work.parts if part.said)]


def _once(parts: Sequence[Parsed]) -> list[Signal]:
    """The signals of all slots, each link once: the first that was read."""
    signals: dict[str, Signal] = {}
    for part in parts:
        for signal in part.signals:
            signals.setdefault(getattr(signal, "url", "") or signal.id, signal)
    return list(signals.values())


def reread(source: Source, raws: Sequence[Raw], memory: str, parser: Parser) -> list[Parsed]:
    """The bodies of one turn again, slot by slot as they were read. Raises SourceError.

    The memory of the last part holds the events that the next turn may be asked about; given to it,
    turns that are read again in their order give what they gave.
    """
    slots, parts = _recalled(memory)[0], list[Parsed]()
    for slot, files in _by_slot(raws):
        # what each file is told by the one before
        given = {EVENTS: "", MENTIONS: json.dumps(_known(slots)), GKG: ""}
        for what in [one for one in given if one in files]:
            raw = files[what]
            part = parser(source, raw.body, raw.at, "", given[what])
            if what == EVENTS:
                slots = book.leaving(slots, slot, _ids(source, part))
                given[MENTIONS] = json.dumps(_known(slots))
            if what == MENTIONS:
                given[GKG] = part.memory or ""
            parts.append(replace(part, memory=book.to_text(slots)))
    return parts


def _by_slot(raws: Sequence[Raw]) -> list[tuple[datetime, dict[str, Raw]]]:
    """The files of each slot, in the order in which the slots were read."""
    found: dict[datetime, dict[str, Raw]] = {}
    for raw in raws:
        name = NAME.fullmatch(raw.url.rpartition("/")[2].removesuffix(".zip"))
        slot = book.slot_of(name.group(1)) if name else None
        if raw.parsed and name and slot:
            found.setdefault(slot, {})[name.group(3).lower()] = raw
    return list(found.items())


def _count(slots: int) -> str:
    return f"{slots} slot{'s' if slots > 1 else ''}"
