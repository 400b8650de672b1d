"""What does a message know? The alert with everything around it, and names for its codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

from ews.model import Alert, AlertChange, AlertState, ChangeKind, Event, Exposure

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


@dataclass(frozen=True, slots=True)
class AlertView:
    """One alert as a message needs it. `exposures` come strongest first."""

    alert: Alert
    event: Event
    exposures: tuple[Exposure, ...]
    change: AlertChange | None
    told: tuple[str, ...]  # names of the other receivers
    names: Names
    now: datetime
    because: str = ""  # why this receiver gets it: Notification.why
    blind: tuple[str, ...] = ()  # sources of these items that are down or stale

    @property
    def kind(self) -> ChangeKind:
        """The change told here; without one, how the alert stands (the thread's first message)."""
        if self.change is not None:
            return self.change.kind
        return ChangeKind.RESOLVED if self.alert.state is AlertState.RESOLVED else ChangeKind.RAISED

    @property
    def public_exposures(self) -> tuple[Exposure, ...]:
        """Exposures that officials may read: a firm's own stays with the firm."""
        return tuple(x for x in self.exposures if x.firm is None)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a section, plain words; `link` is an http(s) address shown with it."""

    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A labelled part of a message."""

    label: str
    lines: tuple[Line, ...] = field(default=())
    minor: bool = False  # small print: last to be read, first to be shortened


def both_clocks(moment: datetime) -> tuple[str, str]:
    """The moment as Korea and as UTC write it, to the minute."""
    return (
        moment.astimezone(KST).strftime("%Y-%m-%d %H:%M"),
        moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M"),
    )
