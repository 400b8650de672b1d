"""Which open events could a series speak of? All of them at hand by item, place and series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from ews.detectors.expectations import Expectations
from ews.detectors.fusion_match import (
    SERIES,
    Items,
    Reading,
    home,
    item_ids,
    places,
)
from ews.model import Event, series_parts

ROUTE = "route"  # events that name a chokepoint or a port


class Board:
    """The events of one turn as they change. Looking up costs what is found, not what is open."""

    def __init__(self, events: Mapping[str, Event], items: Items, table: Expectations) -> None:
        self.events: dict[str, Event] = {}
        self.items = items
        self.table = table
        self._by: dict[str, dict[str, None]] = defaultdict(dict)
        for event in events.values():
            self.put(event)

    def put(self, event: Event) -> None:
        """The newest state of an event."""
        self.events[event.id] = event
        for key in _keys(event):
            self._by[key][event.id] = None

    def near(self, series: str) -> list[Event]:
        """Open events that share the item, else the place, or that the series feeds already."""
        _, _, _, item = series_parts(series)
        keys = ["item:" + one for one in item_ids(item, self.items)]
        if not keys:
            ways = (self.table.way(place) for place in sorted(places(series)))
            keys = ["place:" + one for way in ways for one in sorted(way)] or [ROUTE]
        ids = dict.fromkeys(id for key in (SERIES + series, *keys) for id in self._by.get(key, ()))
        return [self.events[id] for id in ids]

    def home(self, reading: Reading) -> Event | None:
        """The one event that the reading belongs to."""
        return home(reading, self.near(reading.series), self.items, self.table)


def _keys(event: Event) -> Iterable[str]:
    yield from ("item:" + one for one in event.items)
    yield from ("place:" + one for one in (*event.countries, *event.chokepoints, *event.ports))
    yield from (link for link in event.links if link.startswith(SERIES))
    if event.chokepoints or event.ports:
        yield ROUTE
