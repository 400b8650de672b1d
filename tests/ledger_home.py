"""Alerts, events, acts and figures to settle, made by hand: short ways to say each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ews.model import (
    Act,
    ActKind,
    Alert,
    AlertChange,
    AlertState,
    ChangeKind,
    Delivery,
    DeliveryState,
    Event,
    EventStatus,
    Evidence,
    Notification,
    Observation,
    Person,
    Phase,
    RouteReason,
    Stage,
)
from ews.storage import Store

RAISED = datetime(2023, 3, 10, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def report(id: str, group: str, after: timedelta, lang: str = "en") -> Evidence:
    """A text of a group that could be read so long after the alert was raised."""
    at = RAISED + after
    return Evidence(id, group, at, f"{group} tells it", group, f"https://{group}.example/{id}", at,
                    lang)  # fmt: skip


def happening(
    evidence: Sequence[Evidence] = (), id: str = "evt-1", **changes: object
) -> Event:  # fmt: skip
    first = Event(
        id, "export_restriction", (), EventStatus.SUSPECTED, Phase.ACTUAL, 0.9, 1.5, ("CN",),
        ("urea",), (), (), (), "checks on urea", RAISED, RAISED,
        tuple(evidence) or (report("art-1", "wire", -DAY / 24),), "news", relevance=0.95,
    )  # fmt: skip
    return replace(first, **changes)  # type: ignore[arg-type]


def alarm(id: str = "alr-1", event_id: str = "evt-1", **changes: object) -> Alert:
    first = Alert(
        id, f"fp-{id}", event_id, Stage.CAUTION, Stage.CAUTION, AlertState.FIRING, RAISED, RAISED,
        1, 1, "caution-item", (), "export_restriction", ("CN",), ("urea",), (), (), (),
        "checks on urea", members={event_id: 2}, event_revision=1, phase=Phase.ACTUAL, chance=0.8,
    )  # fmt: skip
    return replace(first, **changes)  # type: ignore[arg-type]


def said(kind: ActKind, at: datetime = RAISED + DAY, by: str = "kim", **detail: str) -> Act:
    id = f"act-{kind.value}-{at:%m%d%H}-{'-'.join(detail.values())}"
    return Act(id, kind, by, at, "cli", "alr-1", "a private word", detail)


def monthly(series: str, values: Sequence[float], newest: datetime) -> tuple[Observation, ...]:
    """One value a month, the last for the month of `newest`, each known 40 days after its first."""
    found, month = [], newest.replace(day=1, hour=0)
    for value in reversed(values):
        found.append(Observation(series, month, month + 40 * DAY, value))
        month = (month - DAY).replace(day=1)
    return tuple(reversed(found))


def keep(store: Store, alert: Alert, event: Event, told: bool = True) -> None:
    """The alert as raised, and one message of it that went out."""
    change = AlertChange(alert, ChangeKind.RAISED, alert.raised_at, None, "rule holds")
    with store.begin() as tx:
        tx.save_events([event])
        tx.save_changes([change])
        if not told:
            return
        note = Notification(
            Notification.make_id(alert.id, 1, "moef"), alert.id, 1, ChangeKind.RAISED, "moef",
            "console", "-", "ko", RouteReason.FIRST, alert.raised_at, stage=alert.stage,
        )  # fmt: skip
        tx.save_notifications([change], [note])
        tx.save_delivery(
            Delivery(note.id, DeliveryState.SENT, 1, sent_at=alert.raised_at), alert.raised_at
        )


def people(store: Store) -> None:
    for name, role in (("kim", "analyst"), ("acme", "firm")):
        owner = "acme" if role == "firm" else None
        store.save_person(Person(f"per-{name}", name, role, RAISED, owner), "test", RAISED)
