"""What would the rules make of a made-up course of events? A store in memory and a clock by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts import rules
from alerts.contents import Reported
from alerts.happenings import silent_from
from alerts.known import Known
from alerts.life import apply
from alerts.rulebook import Book
from ews.model import Act, ActKind, Alert, AlertChange, AlertState, Event, Exposure, RuleSet


@dataclass(slots=True)
class Rehearsal:
    """Alerts as a pipeline would keep them; each doing returns the changes it brought."""

    ruleset: RuleSet
    now: datetime
    alerts: dict[str, Alert] = field(default_factory=dict)
    reports: dict[str, tuple[Event, Sequence[Exposure]]] = field(default_factory=dict)
    changes: list[AlertChange] = field(default_factory=list)
    book: Book | None = None

    def report(self, *pairs: Reported) -> list[AlertChange]:
        """Events that are new or have changed, with their exposures."""
        self.reports |= {event.id: (event, found) for event, found in pairs}
        book = self._book()
        before = Known(self.by_event(), book.grouping, self.now)
        together = [*pairs, *(self.reports[id_] for id_ in rules.fellows_of(pairs, before, book))]
        known = Known(self.by_event(), book.grouping, self.now)
        return self._kept(rules.evaluated(together, known, book, self.now))

    def wait(self, span: timedelta) -> list[AlertChange]:
        """Time passes: what nobody signed is taken, what went quiet ends."""
        self.now += span
        made = self._kept(rules.time_outs(self.alerts.values(), self._book(), self.now))
        seen = {id_: silent_from(event) for id_, (event, _) in self.reports.items()}
        return made + self._kept(rules.expire(self.alerts.values(), seen, self._book(), self.now))

    def _book(self) -> Book:
        """The rules, read once."""
        if self.book is None:
            self.book = rules.read_book(self.ruleset)
        return self.book

    def act(
        self, alert_id: str, kind: ActKind, by: str, note: str = "",
        detail: Mapping[str, str] | None = None,
    ) -> list[AlertChange]:  # fmt: skip
        """What a person does. ActRefused when it makes no sense."""
        key = f"{len(self.changes)} {kind} {by}"
        act = Act(Act.make_id(key), kind, by, self.now, "cli", alert_id, note, detail or {})
        change = apply(self.alerts[alert_id], act, self.now)
        return self._kept([] if change is None else [change])

    def alert_of(self, event_id: str) -> Alert | None:
        return self.by_event().get(event_id)

    def by_event(self) -> dict[str, Alert]:
        """The alert of each event; a firing one before one that has ended."""
        ordered = sorted(
            self.alerts.values(), key=lambda a: (a.state is not AlertState.RESOLVED, a.raised_at)
        )
        return {event_id: alert for alert in ordered for event_id in alert.members}

    def _kept(self, changes: list[AlertChange]) -> list[AlertChange]:
        self.alerts |= {change.alert.id: change.alert for change in changes}
        self.changes += changes
        return changes
