"""What does a message know? The alert with everything around it, and names for its codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

from ews.model import (
    Alert,
    AlertChange,
    AlertState,
    ChangeKind,
    Ending,
    Event,
    Evidence,
    Exposure,
    Silence,
)

KST = timezone(timedelta(hours=9), "KST")


class Names(Protocol):
    """Readable names for codes. `lang` is "ko" or "en"; an unknown code comes back as itself."""

    def item(self, code: str, lang: str) -> str: ...
    def country(self, code: str, lang: str) -> str: ...
    def industry(self, code: str, lang: str) -> str: ...
    def ministry(self, code: str, lang: str) -> str: ...
    def chokepoint(self, code: str, lang: str) -> str: ...
    def port(self, code: str, lang: str) -> str: ...
    def type(self, code: str, lang: str) -> str: ...
    def use(self, code: str, lang: str) -> str: ...


class ListedUse(Protocol):
    """A domestic use of an item as it stands on record, whatever was computed for it."""

    @property
    def id(self) -> str: ...
    @property
    def ministries(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class AlertView:
    """One alert as a message needs it. `exposures` come strongest first, of all its events."""

    alert: Alert
    event: Event
    exposures: tuple[Exposure, ...]
    change: AlertChange | None
    told: tuple[str, ...]  # names of the other receivers
    names: Names
    now: datetime
    because: str = ""  # why this receiver gets it: Notification.why
    blind: tuple[str, ...] = ()  # sources of these items that are down or stale
    joined: tuple[Event, ...] = ()  # further events that the alert has taken in
    link: str = ""  # page of the alert, "" when none is served
    signers: tuple[str, ...] = ()  # names of persons who may sign
    mentions: tuple[str, ...] = ()  # names of persons who are called: Notification.mentions
    planned: tuple[Silence, ...] = ()  # planned events that may explain it
    # Every domestic use on record, by item: what the exposures were cut by is named from here.
    uses: Mapping[str, Sequence[ListedUse]] = field(default_factory=dict)
    closed: str = ""  # decision and outcome, when somebody wrote them down

    @property
    def kind(self) -> ChangeKind:
        """The change told here; without one, how the alert stands (the thread's first message)."""
        if self.change is not None:
            return self.change.kind
        if self.alert.state is not AlertState.RESOLVED:
            return ChangeKind.RAISED
        untrue = self.alert.ending is Ending.RETRACTED
        return ChangeKind.RETRACTED if untrue else ChangeKind.RESOLVED

    @property
    def ended(self) -> bool:
        done = self.kind in {ChangeKind.RESOLVED, ChangeKind.RETRACTED}
        return done or self.alert.state is AlertState.RESOLVED

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What speaks for it, over all its events, each signal once."""
        told = [e for event in (self.event, *self.joined) for e in event.evidence]
        return tuple({e.signal_id: e for e in reversed(told)}.values())[::-1]

    @property
    def independent_sources(self) -> int:
        """Newsrooms, wires and offices that do not copy each other, over all its events: as the
        rules counted them, where they kept it."""
        if self.alert.witnesses:
            return self.alert.independent_sources
        return len({e.independence for e in self.evidence})

    @property
    def authority(self) -> bool:
        return self.event.authority or self.alert.authority

    @property
    def public_exposures(self) -> tuple[Exposure, ...]:
        """Exposures that officials may read: a firm's own stays with the firm."""
        return tuple(x for x in self.exposures if x.firm is None)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a section, plain words; `link` is an http(s) address shown with it."""

    text: str
    link: str = ""
    holds: int = 0  # domestic uses or items it names: counted aloud when the line is left out


@dataclass(frozen=True, slots=True)
class Section:
    """A labelled part of a message."""

    label: str
    lines: tuple[Line, ...] = field(default=())
    minor: bool = False  # small print: last to be read, first to be shortened
    roomy: bool = False  # may fill several blocks: takes the room that the others leave


def both_clocks(moment: datetime) -> tuple[str, str]:
    """The moment as Korea and as UTC write it, to the minute."""
    return (
        moment.astimezone(KST).strftime("%Y-%m-%d %H:%M"),
        moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M"),
    )


def korean_time(moment: datetime) -> str:
    """`2021-10-11 11:30 KST`"""
    return f"{both_clocks(moment)[0]} KST"
