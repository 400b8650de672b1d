"""What does a machine get of an alert? Plain JSON values: every fact that may leave, none of a firm."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from alerts.plain import one_line, safe_link
from alerts.view import AlertView, Names
from ews.model import Alert, Bulletin, Event, Exposure, Notification

LONGEST = 20_000  # characters of the message in words
EVIDENCE = 20
EXPOSURES = 100


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes that other systems know, by ours. Made at the edge from the reference data."""

    hs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # item -> HS codes
    locodes: Mapping[str, str] = field(default_factory=dict)  # port -> UN/LOCODE, "KRPUS"
    points: Mapping[str, tuple[float, float]] = field(
        default_factory=dict
    )  # port, strait: lat, lon


def stamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with +00:00, whole seconds."""
    return None if moment is None else moment.astimezone(UTC).replace(microsecond=0).isoformat()


def many_lines(text: str, limit: int = LONGEST) -> str:
    """Text of several lines, each made harmless; cut at a whole line, and then says so."""
    kept: list[str] = []
    room = limit
    for line in text.split("\n"):
        clean = one_line(line, 4_000)
        if len(clean) + 1 > room:
            kept.append("…")
            break
        room -= len(clean) + 1
        kept.append(clean)
    return "\n".join(kept)


def alert_body(view: AlertView, notification: Notification, text: str, codes: Codes,
               link: str) -> dict[str, object]:  # fmt: skip
    """The data of one notification of an alert."""
    return {
        "notification": notification.id,
        "receiver": notification.receiver,
        "reason": notification.reason.value,
        "why": one_line(notification.why, 400),
        "called": [one_line(name, 80) for name in notification.mentions],
        "change": {
            "kind": view.kind.value,
            "at": stamp(view.change.at if view.change else view.alert.updated_at),
            "before": view.change.before.en if view.change and view.change.before else None,
            "reason": one_line(view.change.reason, 400) if view.change else "",
            "by": one_line(view.change.by, 80) if view.change else "",
        },
        "alert": alert_facts(view.alert, view.names, codes),
        "event": event_facts(view.event),
        "exposures": [exposure_facts(one) for one in view.public_exposures[:EXPOSURES]],
        "exposures_left_out": max(0, len(view.public_exposures) - EXPOSURES),
        "lang": notification.lang,
        "text": many_lines(text),
        "link": safe_link(link),
    }


def alert_facts(alert: Alert, names: Names, codes: Codes) -> dict[str, object]:
    return {
        "id": alert.id,
        "revision": alert.revision,
        "stage": alert.stage.en,
        "stage_ko": alert.stage.ko,
        "max_stage": alert.max_stage.en,
        "state": alert.state.value,
        "ending": alert.ending.value if alert.ending else None,
        "proposed": alert.proposed.en if alert.proposed else None,
        "sign_by": stamp(alert.sign_by),
        "signed_off_by": _maybe(alert.signed_off_by),
        "timed_out": alert.timed_out,
        "refused": alert.refused.en if alert.refused else None,
        "holder": _maybe(alert.holder),
        "blind_since": stamp(alert.blind_since),
        "raised_at": stamp(alert.raised_at),
        "updated_at": stamp(alert.updated_at),
        "resolved_at": stamp(alert.resolved_at),
        "title": one_line(alert.title),
        "type": _named(alert.type, names.type),
        "countries": [_named(code, names.country) for code in alert.countries],
        "items": [
            {**_named(code, names.item), "hs": list(codes.hs.get(code, ()))} for code in alert.items
        ],
        "unlisted_items": [one_line(code) for code in alert.unlisted],
        "chokepoints": [_named(code, names.chokepoint) for code in alert.chokepoints],
        "ports": [
            {**_named(code, names.port), "unlocode": codes.locodes.get(code)}
            for code in alert.ports
        ],
        "ministries": [_named(code, names.ministry) for code in alert.ministries],
        "industries": [_named(code, names.industry) for code in alert.industries],
        "rule": one_line(alert.rule, 80),
        "ruleset": alert.ruleset,
        "chance": None if alert.chance is None else round(alert.chance, 6),
        "reasons": [one_line(reason, 120) for reason in alert.reasons],
    }


def event_facts(event: Event) -> dict[str, object]:
    return {
        "id": event.id,
        "revision": event.revision,
        "probability": round(event.probability, 6),
        "severity": round(event.severity, 6),
        "phase": event.phase.value,
        "status": event.status.value,
        "independent_sources": event.independent_sources,
        "authority": event.authority,
        "model": one_line(event.model or event.detector, 60),
        "first_seen": stamp(event.first_seen),
        "onset": stamp(event.onset),
        "evidence": [
            {
                "title": one_line(one.title),
                "outlet": one_line(one.outlet, 80),
                "link": safe_link(one.url),
                "lang": one_line(one.lang, 20),
                "at": stamp(one.observed_at or one.available_at),
            }
            for one in event.evidence[:EVIDENCE]
        ],
        "evidence_left_out": max(0, len(event.evidence) - EVIDENCE),
    }


def exposure_facts(exposure: Exposure) -> dict[str, object]:
    """A public exposure. ValueError for a firm's own: it may not leave by any channel."""
    if exposure.firm is not None:
        raise ValueError("a firm's own exposure may not leave; use AlertView.public_exposures")
    return {
        "item": exposure.item,
        "origin": exposure.origin,
        "use": exposure.use_id or None,
        "industry": exposure.industry or None,
        "ministries": list(exposure.ministries),
        "share_at_risk": exposure.share_at_risk,
        "magnitude": exposure.magnitude,
        "probability": exposure.probability,
        "impact_day": exposure.impact_day,
        "time_to_survive_days": exposure.time_to_survive_days,
        "time_to_recover_days": exposure.time_to_recover_days,
        "critical": exposure.critical,
        "synthetic": exposure.synthetic,
    }


def bulletin_body(bulletin: Bulletin, notification: Notification, text: str,
                  link: str) -> dict[str, object]:  # fmt: skip
    """The data of a digest, a heartbeat, or a word to the operator."""
    return {
        "notification": notification.id,
        "receiver": notification.receiver,
        "bulletin": {
            "id": bulletin.id,
            "kind": bulletin.kind.value,
            "at": stamp(bulletin.at),
            "title": one_line(bulletin.title),
            "parts": [
                {
                    "label": one_line(part.label),
                    "lines": [one_line(line, 1_000) for line in part.lines],
                    "links": [safe_link(url) for url in part.links],
                }
                for part in bulletin.parts
            ],
            "alerts": list(bulletin.alerts),
        },
        "lang": notification.lang,
        "text": many_lines(text),
        "link": safe_link(link),
    }


def alert_link(public_url: str, alert_id: str) -> str:
    """The page of an alert; "" where no pages are open to readers."""
    return f"{public_url.rstrip('/')}/alerts/{alert_id}" if public_url else ""


def either(texts: Iterable[str]) -> str:
    """The texts that are not empty, each once, with a dot between."""
    return " · ".join(dict.fromkeys(filter(None, texts)))


def _named(code: str, name: Callable[[str, str], str]) -> dict[str, object]:
    return {
        "code": one_line(code),
        "ko": one_line(name(code, "ko")),
        "en": one_line(name(code, "en")),
    }


def _maybe(text: str | None) -> str | None:
    return None if text is None else one_line(text, 80)
