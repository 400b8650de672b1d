"""What went into the rules in a period? The stage outputs that no threshold changes, kept by content.

A backtest plays a tape under any rules: events at each of their revisions, at the moments at which
the pipeline judged them, with the exposures of each. Nothing is on it before it was known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from alerts.contents import Reported
from alerts.measures import MEASURES
from ews.detectors import DETECTORS
from ews.model import Article, Event, Evidence, Exposure
from ews.storage import Store
from ews.storage.codec import from_json
from ews.storage.tapes import Kept
from ews.tuning import tape_file
from ews.tuning.tape_file import Columns, Head
from ews.tuning.tape_making import columns_of, exposure, micros, moment, turns
from graph import Network

WARM = timedelta(days=120)  # before the window: alerts that stand when it begins
LATE = timedelta(days=2)  # detection may lag behind what came in

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Tape:
    """The stage outputs of [since, until), and of the days before in which alerts begin that still
    stand then. Everything is unpacked once, when it is first asked for."""

    since: datetime
    until: datetime
    begins: datetime  # the play begins here, so that alerts stand as they would at `since`
    digest: str
    network: str  # version of the network that the exposures are of
    collected: Mapping[date, int]  # items that came in on each UTC day of the window
    columns: Columns
    head: Head
    _reports: dict[int, Reported] = field(default_factory=dict, repr=False)
    _rows: dict[int, Event] = field(default_factory=dict, repr=False)
    _texts: dict[str, Article] = field(default_factory=dict, repr=False)

    @property
    def model(self) -> tuple[str, ...]:
        """Versions of the classifier and the detectors that spoke then."""
        return tuple(cast("Sequence[str]", self.head["models"]))

    @property
    def notes(self) -> tuple[str, ...]:
        """What is of then and what is of now, as keys for words."""
        warmed = ("warmed_up",) if self.begins < self.since else ()
        return ("model_then", "network_now", "rules_only", *warmed)

    @property
    def detectors(self) -> Mapping[str, object]:
        """What decided what was detected: sections of the rules that were in force at the end."""
        return cast("Mapping[str, object]", self.head["detectors"])

    @cached_property
    def events(self) -> tuple[str, ...]:
        """Ids of the events, by number."""
        return tuple(cast("Sequence[str]", self.head["events"]))

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        return {id_: number for number, id_ in enumerate(self.events)}

    @cached_property
    def types(self) -> tuple[str, ...]:
        return tuple(cast("Sequence[str]", self.head["types"]))

    @cached_property
    def places(self) -> tuple[tuple[str, ...], ...]:
        """The countries that events name, each tuple once."""
        return tuple(tuple(one) for one in cast("Sequence[Sequence[str]]", self.head["places"]))

    @cached_property
    def revisions(self) -> Mapping[int, tuple[int, ...]]:
        """The revisions of each event, oldest first."""
        found: dict[int, list[int]] = {}
        for number, event in enumerate(self.columns.of_event.tolist()):
            found.setdefault(event, []).append(number)
        return {event: tuple(rows) for event, rows in found.items()}

    def report(self, number: int) -> Reported:
        """A revision with its exposures, as the rules see it."""
        found = self._reports.get(number)
        if found is None:
            event = from_json(Event, self.columns.texts.get(number))
            found = self._reports[number] = (event, self._exposures(number, event.id))
        return found

    def _exposures(self, number: int, event_id: str) -> tuple[Exposure, ...]:
        ends, shapes = (
            self.columns.of_reach,
            cast("Sequence[Sequence[object]]", self.head["shapes"]),
        )
        start = int(ends[number - 1]) if number else 0
        part = slice(start, int(ends[number]))
        figures = self.columns.reach_numbers[part].tolist()
        return tuple(
            exposure(event_id, shapes[shape], numbers)
            for shape, numbers in zip(self.columns.reach_shape[part].tolist(), figures, strict=True)
        )

    def heard(self, event: int) -> datetime:
        """When the event was heard of last, in the whole of the tape."""
        return moment(self.columns.event_heard[event])

    def evidence(self, event_id: str) -> tuple[Evidence, ...]:
        """All evidence of the event that had come by the end of the tape."""
        number = self.numbers[event_id]
        if number not in self._rows:
            self._rows[number] = from_json(Event, self.columns.rows.get(number))
        return self._rows[number].evidence

    def firms(self, event_id: str) -> list[tuple[datetime, tuple[str, ...]]]:
        """The firms that the event named, from each of its revisions on."""
        names = cast("Sequence[Sequence[str]]", self.head["firms"])
        columns = self.columns
        return [
            (moment(columns.of_updated[row]), tuple(names[columns.of_firms[row]]))
            for row in self.revisions[self.numbers[event_id]]
        ]

    @cached_property
    def ticks(self) -> tuple[datetime, ...]:
        """The moments at which the routes looked again at what was held back."""
        days = range((self.until - self.begins).days + 2)
        start = self.begins.replace(hour=0, minute=0, second=0, microsecond=0)
        midnights = {start + timedelta(days=n) for n in days}
        found = {moment(tick) for tick in self.columns.ticks} | midnights
        return tuple(sorted(at for at in found if start <= at < self.until))

    @cached_property
    def listed(self) -> Mask:
        """Of each exposure: whether its item is watched, or has a use on record."""
        shapes = cast("Sequence[Sequence[object]]", self.head["shapes"])
        known = np.array([bool(shape[8] or shape[3]) for shape in shapes] or [False])
        return known[self.columns.reach_shape]

    def articles(self, ids: Iterable[str]) -> Mapping[str, Article]:
        found = {}
        for id_ in ids:
            if id_ not in self._texts and (number := self._article_numbers.get(id_)) is not None:
                self._texts[id_] = from_json(Article, self.columns.articles.get(number))
            if id_ in self._texts:
                found[id_] = self._texts[id_]
        return found

    @cached_property
    def _article_numbers(self) -> Mapping[str, int]:
        ids = cast("Sequence[str]", self.head["articles"])
        return {id_: number for number, id_ in enumerate(ids)}


def tape_of(
    store: Store, network: Network, since: datetime, until: datetime, cache: Path | None = None
) -> Tape:
    """The tape of [since, until) of that store, from `cache` where it was made before."""
    if until <= since:
        raise ValueError(f"the period ends ({until}) before it starts ({since})")
    begins = since - WARM
    version = str(network.graph["version"])
    kept = store.revisions(begins, until)
    if kept:
        begins = max(begins, min(since, kept[0].at))
    heard = store.heard(begins)
    detectors = _detectors(store, until)
    digest = _digest(kept, heard, since, until, version, detectors)
    head, columns = _made(store, network, kept, heard, until, digest, cache)
    head = {**head, "detectors": detectors}
    collected = store.collected(since, until)
    return Tape(since, until, begins, digest, version, collected, columns, head)


def _detectors(store: Store, until: datetime) -> dict[str, object]:
    ruleset = store.ruleset_at(until)
    return {name: ruleset.rules.get(name) for name in DETECTORS} if ruleset else {}


def _made(
    store: Store,
    network: Network,
    kept: Sequence[Kept],
    heard: Mapping[str, datetime],
    until: datetime,
    digest: str,
    cache: Path | None,
) -> tuple[Head, Columns]:
    path = cache / tape_file.name_of(digest) if cache else None
    found = tape_file.read(path) if path else None
    if found is not None and found[0].get("digest") == digest:
        return found
    first = kept[0].at if kept else until
    detected = store.detected(first - LATE, until)
    head, columns = columns_of(turns(kept, detected, until), store, network, until, heard, detected)
    head["digest"] = digest
    if path:
        tape_file.write(path, head, columns)
    return head, columns


def _digest(
    kept: Sequence[Kept],
    heard: Mapping[str, datetime],
    since: datetime,
    until: datetime,
    network: str,
    detectors: Mapping[str, object],
) -> str:
    """Of everything that the tape is made from."""
    made = hashlib.sha256(repr((since, until, network, detectors, tuple(MEASURES))).encode())
    end = micros(until)
    for one in kept:
        made.update(one.event.encode())
        made.update(f"{one.revision} {one.at}".encode())
    for id_ in sorted({one.event_id for one in kept}):
        made.update(f"{id_} {min(micros(heard[id_]), end) if id_ in heard else 0}".encode())
    return made.hexdigest()[:32]
