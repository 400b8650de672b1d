"""What does a silence or a planned event hold back? All its matchers must fit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ews.model import Alert, AlertChange, Receiver, Silence, Stage

# A silence holds 관심, 주의 and 경계 unless its `stage` matcher names a higher or lower limit; a
# planned event never more than 주의: what is worse than planned is news.
SILENCE_HOLDS_TO = Stage.ALERT
PLAN_HOLDS_TO = Stage.CAUTION

# What a silence may ask of an alert: matcher -> the values the alert has for it.
MATCHERS: dict[str, str] = {
    "alert": "id",
    "fingerprint": "fingerprint",
    "rule": "rule",
    "type": "type",
    "country": "countries",
    "item": "items",
    "chokepoint": "chokepoints",
    "port": "ports",
    "ministry": "ministries",
    "industry": "industries",
}


def check_matchers(matchers: Mapping[str, str]) -> None:
    """ValueError when a silence could never be understood, or would hold everything."""
    known = sorted([*MATCHERS, "receiver", "stage"])
    unknown = sorted(set(matchers) - set(known))
    if unknown:
        raise ValueError(f"a silence cannot match {unknown}; use {known}")
    if not set(matchers) & set(MATCHERS):
        raise ValueError(f"a silence must name at least one of {sorted(MATCHERS)}")
    if "stage" in matchers:
        Stage.parse(matchers["stage"])


def urgency(alert: Alert) -> Stage:
    """The stage that decides who must not be kept waiting: the one that waits for a signature
    counts as if it were signed."""
    return max(alert.stage, alert.proposed or alert.stage)


def in_force(silence: Silence, now: datetime) -> bool:
    """Whether it runs now and can be understood: one that cannot holds nothing."""
    if not silence.starts_at <= now < silence.ends_at:
        return False
    try:
        check_matchers(silence.matchers)
    except ValueError:
        return False
    return True


def fits(silence: Silence, alert: Alert) -> bool:
    """Whether the alert is what the silence names, whatever the stage and the receiver."""
    return all(
        value in values(alert, MATCHERS[key])
        for key, value in silence.matchers.items()
        if key in MATCHERS
    )


def reaches(silence: Silence, alert: Alert) -> bool:
    """Whether the alert's stage is not above what the silence may hold."""
    stage = silence.matchers.get("stage")
    asked = Stage.parse(stage) if stage else SILENCE_HOLDS_TO
    return urgency(alert) <= (min(asked, PLAN_HOLDS_TO) if silence.planned else asked)


def holds(silence: Silence, change: AlertChange, receiver: Receiver, now: datetime) -> bool:
    """Whether the silence holds this change back from this receiver now."""
    return (
        in_force(silence, now)
        and silence.matchers.get("receiver", receiver.name) == receiver.name
        and fits(silence, change.alert)
        and reaches(silence, change.alert)
    )


def values(alert: Alert, field: str) -> tuple[str, ...]:
    value = getattr(alert, field)
    return value if isinstance(value, tuple) else (value,)
