"""Where does each alert that fires stand: who has it, who knows of it, which clock runs where?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.clocks import ack_minutes, answered, due_at, duty_of
from alerts.quiet import quiet_until
from alerts.routing import Routes, told_of
from alerts.silences import fits, in_force, reaches, urgency
from alerts.told import Told, Word
from ews.model import Alert, DeliveryState, Event, Receiver, Silence, Stage
from ews.reports.board_rows import AckClock, BoardAlert, MinistryLine
from ews.reports.names import labels
from ews.reports.rows import alert_line
from ews.reports.views import Label
from ews.storage import Store


@dataclass(frozen=True, slots=True)
class Cards:
    """The alerts that fire, with what each receiver knows of them."""

    routes: Routes
    firing: Sequence[Alert]
    events: Mapping[str, Event]
    silences: Sequence[Silence]  # in force
    told: Told
    names: Mapping[str, tuple[str, ...]]  # alert -> receivers that know of it
    accepted: Mapping[str, datetime]  # notification -> when its channel took it
    now: datetime

    @classmethod
    def read(cls, store: Store, routes: Routes, firing: Sequence[Alert], now: datetime) -> Cards:
        ids = [alert.id for alert in firing]
        notifications, deliveries = store.notifications_of(ids), store.deliveries_of(ids)
        dead = {d.notification_id for d in deliveries if d.state is DeliveryState.DEAD}
        told = told_of(notifications, dead)
        names: dict[str, list[str]] = defaultdict(list)
        for (alert_id, receiver), word in told.words.items():
            if word.known:
                names[alert_id].append(receiver)
        accepted = {
            d.notification_id: d.sent_at for d in deliveries
            if d.state is DeliveryState.SENT and d.sent_at is not None
        }  # fmt: skip
        listed = {alert_id: tuple(sorted(found)) for alert_id, found in names.items()}
        events = store.events_of([alert.event_id for alert in firing])
        silences = [one for one in store.silences(now) if in_force(one, now)]
        return cls(routes, firing, events, silences, told, listed, accepted, now)

    def cards(self, staff: bool) -> list[BoardAlert]:
        """What waits for a signature first, then what nobody has taken, then the newest."""
        found = [self._card(alert, staff) for alert in self.firing]
        return sorted(
            found,
            key=lambda card: (
                card.proposed is None, not card.free, -card.alert.raised_at.timestamp(),
            ),
        )  # fmt: skip

    def _card(self, alert: Alert, staff: bool) -> BoardAlert:
        line = alert_line(alert, self.events.get(alert.event_id))
        asked = alert.proposed if staff else None
        return BoardAlert(
            alert=line,
            urgency=int(urgency(alert)) if staff else int(alert.stage),
            proposed=None if asked is None else int(asked),
            proposed_en="" if asked is None else asked.en,
            proposed_ko="" if asked is None else asked.ko,
            proposed_at=alert.proposed_at if asked else None,
            sign_by=alert.sign_by if asked else None,
            timed_out=alert.timed_out,
            refused=int(alert.refused) if staff and alert.refused else None,
            refused_by=alert.refused_by if staff else None,
            holder=alert.holder if staff else None,
            acknowledged_at=alert.acknowledged_at if staff else None,
            blind_since=alert.blind_since,
            unlisted=labels("item", alert.unlisted),
            told=self.names.get(alert.id, ()) if staff else (),
            clocks=self._clocks(alert) if staff else (),
        )

    def _clocks(self, alert: Alert) -> tuple[AckClock, ...]:
        clocks = (self._clock(alert, receiver) for receiver in self.routes.receivers)
        return tuple(clock for clock in clocks if clock is not None)

    def _clock(self, alert: Alert, receiver: Receiver) -> AckClock | None:
        """None where none runs: the receiver sets none for that stage, or was not called."""
        word = self.told.of(alert.id, receiver.name)
        minutes = ack_minutes(receiver, urgency(alert))
        if minutes is None or word.called is None or not word.open:
            return None
        told_at = self.accepted.get(word.called.id)
        due = _awake(alert, receiver, told_at and told_at + timedelta(minutes=minutes))
        taken = alert.acknowledged_at
        return AckClock(
            alert_id=alert.id,
            receiver=receiver.name,
            told_at=told_at,
            due_at=due,
            next_call_at=_awake(
                alert,
                receiver,
                due_at(alert, receiver, word, self.accepted, duty_of(self.routes.receivers)),
            ),
            state=self._state(alert, receiver, due),
            calls=_calls(receiver, word),
            late=due is not None and taken is not None and taken > due,
        )

    def _state(self, alert: Alert, receiver: Receiver, due: datetime | None) -> str:
        if answered(alert, receiver, duty_of(self.routes.receivers)):
            return "taken"
        if any(_keeps(one, alert, receiver) for one in self.silences):
            return "silenced"
        if due is None:
            return "unsent"
        if due <= self.now:
            return "overdue"
        return "paused" if _awake(alert, receiver, self.now) != self.now else "running"


def _awake(alert: Alert, receiver: Receiver, at: datetime | None) -> datetime | None:
    """That time, or the end of the quiet hours it falls in: 관심 and 주의 wait for it."""
    if at is None or urgency(alert) >= Stage.ALERT:
        return at
    return quiet_until(receiver, at) or at


def _keeps(silence: Silence, alert: Alert, receiver: Receiver) -> bool:
    """Whether the silence, which is in force, keeps the next call from going out."""
    whose = silence.matchers.get("receiver", receiver.name)
    return whose == receiver.name and fits(silence, alert) and reaches(silence, alert)


def _calls(receiver: Receiver, word: Word) -> int:
    return min(len(word.escalated) + 1, len(receiver.people))


def ministry_lines(cards: Sequence[BoardAlert], staff: bool) -> tuple[MinistryLine, ...]:
    own: dict[Label, list[BoardAlert]] = defaultdict(list)
    for card in cards:
        for ministry in card.alert.ministries:
            own[ministry].append(card)
    lines = []
    for ministry, touching in own.items():
        stages = Counter(card.alert.stage for card in touching)
        lines.append(
            MinistryLine(
                ministry, stages[Stage.SEVERE], stages[Stage.ALERT], stages[Stage.CAUTION],
                stages[Stage.WATCH],
                waiting=sum(c.proposed is not None for c in touching) if staff else None,
                free=sum(map(unheld, touching)) if staff else None,
            )
        )  # fmt: skip
    return tuple(
        sorted(lines, key=lambda m: (-m.severe, -m.alert, -m.caution, -m.watch, m.ministry.code))
    )


def unheld(card: BoardAlert) -> bool:
    return card.free and card.urgency >= Stage.CAUTION
