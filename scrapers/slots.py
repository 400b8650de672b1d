"""Which files of a source that publishes one every fifteen minutes are still to be read?

Pure: what is known is data, kept as text (JSON) between turns in the transaction that keeps the
articles, so that neither a restart nor a kill loses a slot or reads one twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

QUARTER = timedelta(minutes=15)
LONGEST = timedelta(hours=24)  # a slot older than this against the newest is given up


@dataclass(frozen=True, slots=True)
class Wait:
    """A slot that is not read yet."""

    tries: int = 0
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Slots:
    """The newest slot that was named, those that wait, and what each read one left for later ones."""

    newest: datetime | None = None
    waiting: Mapping[datetime, Wait] = field(default_factory=dict)
    left: Mapping[datetime, tuple[str, ...]] = field(default_factory=dict)
    index: str = ""  # as it was read last
    base: str = ""  # where the files lie beside it


def named(slots: Slots, newest: datetime) -> tuple[Slots, int]:
    """The slots after an index named `newest`, and how many that waited are given up: too old.

    The first time only the newest waits. An index that goes back (an old copy) changes nothing.
    """
    if slots.newest is None:
        return replace(slots, newest=newest, waiting={newest: Wait()}), 0
    if newest <= slots.newest:
        return slots, 0
    waiting = dict(slots.waiting)
    first = max(slots.newest + QUARTER, newest - LONGEST)
    lost = (first - slots.newest) // QUARTER - 1
    while first <= newest:
        waiting[first] = Wait()
        first += QUARTER
    kept = {slot: wait for slot, wait in waiting.items() if slot >= newest - LONGEST}
    left = _young(slots.left, newest)
    lost += len(waiting) - len(kept)
    return replace(slots, newest=newest, waiting=kept, left=left), lost


def due(slots: Slots, now: datetime, most: int) -> list[datetime]:
    """At most `most` slots to ask for now: the newest, so that news is not late; then those never
    asked for, newest first; then those whose next try is due, the least tried first."""
    ready = [
        (slot != slots.newest, wait.tries, -slot.timestamp(), slot)
        for slot, wait in slots.waiting.items()
        if slot == slots.newest or wait.not_before is None or wait.not_before <= now
    ]
    return [slot for *_, slot in sorted(ready)[:most]]


def was_read(slots: Slots, slot: datetime, left: Iterable[str]) -> Slots:
    """The slots once one was read whole."""
    waiting = {one: wait for one, wait in slots.waiting.items() if one != slot}
    return leaving(replace(slots, waiting=waiting), slot, left)


def leaving(slots: Slots, slot: datetime, left: Iterable[str]) -> Slots:
    """The slots with what one left for those that are read later, within 24 hours of the newest."""
    known = {**slots.left, slot: tuple(left)}
    return replace(slots, left=_young(known, max(known)))


def _young(
    left: Mapping[datetime, tuple[str, ...]], newest: datetime
) -> dict[datetime, tuple[str, ...]]:
    return {slot: ids for slot, ids in left.items() if slot >= newest - LONGEST}


def was_missing(slots: Slots, slot: datetime, now: datetime) -> Slots:
    """The slots once one could not be read: it is asked for again in 15 minutes, 30, 60, ..."""
    tries = slots.waiting[slot].tries + 1
    wait = QUARTER * 2 ** min(tries - 1, 6) - timedelta(minutes=5)  # turns are not punctual
    return replace(slots, waiting={**slots.waiting, slot: Wait(tries, now + wait)})


# --------------------------------------------------------------------------- as text


def stamp(slot: datetime) -> str:
    """YYYYMMDDHHMMSS."""
    return slot.strftime("%Y%m%d%H%M%S")


def slot_of(text: str) -> datetime | None:
    """The slot of a stamp; None unless it is a quarter of an hour.

    >>> slot_of("20261124121500").minute, slot_of("20261124121501"), slot_of("2026")
    (15, None, None)
    """
    try:
        moment = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment if moment.minute % 15 == 0 and moment.second == 0 else None


def to_text(slots: Slots) -> str:
    """As JSON, some 100 kB at most."""
    return json.dumps({
        "newest": stamp(slots.newest) if slots.newest else "",
        "waiting": {
            stamp(slot): [wait.tries, wait.not_before.isoformat() if wait.not_before else ""]
            for slot, wait in slots.waiting.items()
        },
        "left": {stamp(slot): " ".join(ids) for slot, ids in slots.left.items() if ids},
        "index": slots.index,
        "base": slots.base,
    })  # fmt: skip


def from_text(text: str) -> Slots:
    """What `to_text` wrote; nothing known for "". Raises ValueError for anything else."""
    if not text:
        return Slots()
    try:
        told = json.loads(text)
        return Slots(
            _needed(told["newest"]) if told["newest"] else None,
            {
                _needed(slot): Wait(int(tries), datetime.fromisoformat(at) if at else None)
                for slot, (tries, at) in told["waiting"].items()
            },
            {_needed(slot): tuple(ids.split()) for slot, ids in told["left"].items()},
            str(told["index"]),
            str(told["base"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no slots: {error}") from None


def _needed(text: str) -> datetime:
    slot = slot_of(text)
    if slot is None:
        raise ValueError(f"no slot: {text[:20]!r}")
    return slot
