"""What did the routes say before? Receivers that got another name, and those that get more now."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ews.model import Notification, Receiver
from ews.storage import Store

KEY = "tell.receivers"


@dataclass(frozen=True, slots=True)
class Past:
    """What an earlier look knew of the receivers."""

    was: Mapping[str, str] = field(default_factory=dict)  # name of before -> name of now
    more: frozenset[str] = frozenset()  # to whom other alerts are told than before
    news: str = ""  # to be kept when this look has told them; "" nothing has changed

    def all_names(self, names: Iterable[str]) -> list[str]:
        """These names, and those that they had before."""
        now = set(names)
        return [*now, *(old for old, new in self.was.items() if new in now)]

    def now(self, name: str) -> str:
        return self.was.get(name, name)

    def renamed(self, notifications: Iterable[Notification]) -> list[Notification]:
        """As if the receivers had had their names of now."""
        return [
            replace(one, receiver=self.was[one.receiver]) if one.receiver in self.was else one
            for one in notifications
        ]


def keep(tx: Store, known: Past) -> None:
    """Now the routes were looked at."""
    if known.news:
        tx.put(KEY, known.news)


def past(tx: Store, receivers: Sequence[Receiver]) -> Past:
    """What has changed since the routes were last looked at (`keep`).

    A receiver at the channel and address of one whose name is gone is that one. The first look
    at a store knows of no change.
    """
    said = json.loads(tx.get(KEY) or "null")
    now = {one.name: [one.channel, one.address, _asked(one)] for one in receivers}
    if said is None:
        return Past(news=json.dumps({"now": now, "was": {}}))
    before, was = said["now"], {**said["was"]}
    if before == now:
        return Past(was)
    was |= _renamed(before, now)
    was = {old: was.get(new, new) for old, new in was.items() if old not in now}
    was = {old: new for old, new in was.items() if new in now}
    earlier = {was.get(name, name): place[2] for name, place in before.items()}
    more = frozenset(name for name, place in now.items() if earlier.get(name) != place[2])
    return Past(was, more, json.dumps({"now": now, "was": was}))


def _asked(one: Receiver) -> str:
    """Which alerts are its, as one text."""
    return repr((one.ministries, one.items, one.sectors, one.unlisted, int(one.minimum)))


def _renamed(
    before: Mapping[str, Sequence[str]], now: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    new = {(place[0], place[1]): name for name, place in now.items() if name not in before}
    return {
        name: new[place[0], place[1]]
        for name, place in before.items()
        if name not in now and (place[0], place[1]) in new
    }
