"""Which values does a turn say otherwise than the store? Vintage against vintage, as known then."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ews.model import Frequency, Observation, Source, VintageBasis
from ews.precedence import believed, left_to_others
from ews.reparsing.told import Difference, Reparsed
from ews.storage import Store
from scrapers.calendars import dated

Cell = tuple[str, datetime]  # series, first day of the period
EVER = datetime.max.replace(tzinfo=UTC)


class Book:
    """The vintages of what was read so far, as they will be when all is written."""

    def __init__(self, store: Store, source: Source, told: Reparsed) -> None:
        self._store, self._source, self._told = store, source, told
        self._vintages: dict[Cell, list[Observation]] = {}  # oldest first
        self._known: set[str] = set()
        self._met: set[Cell] = set()

    def compare(
        self, at: datetime, values: Sequence[Observation], frequencies: Mapping[str, Frequency]
    ) -> tuple[list[Observation], list[Observation]]:
        """Vintages that are new, and those that this turn brought with another value."""
        self._look_up({one.series for one in values})
        fresh, corrected = [], []
        for one in self._believed(at, values):
            cell = (one.series, one.observed_at)
            old = self._then(cell, one.available_at)
            if old is None or not (old.value == one.value or self._own(old, one, cell)):
                fresh.append(one)
            elif old.value != one.value:
                corrected.append(replace(old, value=one.value))
                self._tell("value-changed", old, corrected[-1])
            else:
                self._told.values_same += 1
            self._met.add(cell)
        known = {c: v[-1].value for one in fresh if (v := self._vintages.get(c := _cell(one)))}
        placed = dated(fresh, known, at, frequencies)
        for one in placed:
            self._tell("value-new", self._then(_cell(one), one.available_at), one)
        for one in (*corrected, *placed):
            self._enter(one)
        self._told.values_new += len(placed)
        self._told.values_changed += len(corrected)
        return placed, corrected

    def _believed(self, at: datetime, values: Sequence[Observation]) -> list[Observation]:
        held = {c: v[-1].value for one in values if (v := self._vintages.get(c := _cell(one)))}
        left = left_to_others(self._store, self._source, {one.series for one in values}, at)
        return [one for one in believed(values, held, left)[0] if math.isfinite(one.value)]

    def _own(self, old: Observation, one: Observation, cell: Cell) -> bool:
        """Whether the vintage is what this turn brought. One dated by a release calendar does not say
        which fetch it came with: it counts to the first kept turn that has its cell."""
        if old.available_at == one.available_at:
            return True
        return old.basis is VintageBasis.CALENDAR and cell not in self._met

    def _then(self, cell: Cell, at: datetime) -> Observation | None:
        known = [one for one in self._vintages.get(cell, ()) if one.available_at <= at]
        return known[-1] if known else None

    def _look_up(self, names: set[str]) -> None:
        missing = sorted(names - self._known)
        self._known.update(missing)
        for one in self._store.vintages(EVER, None, missing) if missing else ():
            self._vintages.setdefault(_cell(one), []).append(one)

    def _enter(self, one: Observation) -> None:
        others = [
            v for v in self._vintages.get(_cell(one), ()) if v.available_at != one.available_at
        ]
        self._vintages[_cell(one)] = sorted([*others, one], key=lambda v: v.available_at)

    def _tell(self, what: str, old: Observation | None, one: Observation) -> None:
        before = f"{old.value:g}" if old else ""
        name = f"{one.series} {one.observed_at:%Y-%m-%d}"
        self._told.show(Difference(what, name, one.available_at, before, f"{one.value:g}"))


def _cell(one: Observation) -> Cell:
    return one.series, one.observed_at
