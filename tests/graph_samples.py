"""Events for the graph tests, made in one line."""

from __future__ import annotations

from collections.abc import Mapping

from ews.model import Event, EventStatus, Phase, utc


def make_event(
    type_: str,
    countries: tuple[str, ...] = (),
    items: tuple[str, ...] = (),
    *,
    also: tuple[str, ...] = (),
    chokepoints: tuple[str, ...] = (),
    ports: tuple[str, ...] = (),
    firms: tuple[str, ...] = (),
    on: str = "2026-01-05",
    onset: str | None = None,
    severity: float = 1.5,
    phase: Phase = Phase.ACTUAL,
    facts: Mapping[str, float] | None = None,
) -> Event:
    at = utc(on)
    return Event(
        id="evt-sample",
        type=type_,
        also=also,
        status=EventStatus.CORROBORATED,
        phase=phase,
        probability=0.9,
        severity=severity,
        countries=countries,
        items=items,
        ports=ports,
        chokepoints=chokepoints,
        firms=firms,
        title="sample",
        first_seen=at,
        updated_at=at,
        evidence=(),
        detector="news",
        onset=utc(onset) if onset else None,
        facts=facts or {},
    )
