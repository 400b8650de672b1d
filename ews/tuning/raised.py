"""What of an alert is scored: its steps, what each said, and the evidence behind it.

Sets and times only, so that an alert of a store and one of a backtest are scored alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ews.model import Stage


@dataclass(frozen=True, slots=True)
class Link:
    """One piece of evidence of an alert. `url` is as `plain_link` writes it."""

    url: str
    title: str
    at: datetime  # when it could be known
    published: datetime
    summary: str = ""
    href: str = ""  # the address to open
    outlet: str = ""
    group: str = ""  # independence group: one newsroom or wire
    lang: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What an alert says, as sets that only grow."""

    types: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    hs4: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()  # as `plain_name` writes them

    def joined(self, other: Content) -> Content:
        return Content(
            self.types | other.types,
            self.countries | other.countries,
            self.hs4 | other.hs4,
            self.names | other.names,
        )

    def adds_to(self, other: Content) -> bool:
        """True when a country, product, name or measure is here that is not in `other`."""
        return bool(
            self.countries - other.countries
            or self.hs4 - other.hs4
            or self.names - other.names
            or self.types - other.types
        )


@dataclass(frozen=True, slots=True)
class Step:
    """The alert after one of its changes."""

    at: datetime
    stage: Stage
    content: Content
    open: bool = True  # False once it is resolved
    chance: float | None = None  # probability, as sent, that the alert is true
    probability: float | None = None  # that the event is real, as the rule read it


@dataclass(frozen=True, slots=True)
class Raised:
    """One alert to score. The first step is the raising."""

    id: str
    type: str
    steps: tuple[Step, ...]
    links: tuple[Link, ...] = ()
    title: str = ""
    unsigned: bool = False  # it rose above 주의 only because nobody signed in time
    rule: str = ""  # name of the rule that decided last
    items: tuple[str, ...] = ()  # ids of graph/data/items.csv, of every step
    events: tuple[str, ...] = ()  # ids of all that ever joined it, the first one first

    @property
    def at(self) -> datetime:
        return self.steps[0].at

    @property
    def max_stage(self) -> Stage:
        return max(step.stage for step in self.steps)

    @property
    def first_stage(self) -> Stage:
        return self.steps[0].stage

    def reached(self, stage: Stage) -> datetime | None:
        """When it first stood at that stage or higher."""
        return next((step.at for step in self.steps if step.stage >= stage), None)

    def stands(self, stage: Stage, since: datetime) -> datetime | None:
        """First moment, not before `since`, at which it is open at that stage or higher."""
        now = [step for step in self.steps if step.at <= since][-1:]
        if now and now[0].open and now[0].stage >= stage:
            return since
        later = (s.at for s in self.steps if s.at > since and s.open and s.stage >= stage)
        return next(later, None)

    def content_by(self, at: datetime) -> Content:
        content = Content()
        for step in self.steps:
            if step.at <= at:
                content = content.joined(step.content)
        return content

    def open_at(self, at: datetime) -> bool:
        state = [step.open for step in self.steps if step.at <= at]
        return bool(state) and state[-1]

    def trigger(self) -> Link | None:
        """The first evidence."""
        return min(self.links, key=lambda link: (link.at, link.published), default=None)

    @property
    def href(self) -> str:
        """Address of the first evidence; "" when none has one."""
        first = self.trigger()
        return (first.href or first.url) if first else ""
