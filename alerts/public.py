"""What of an alert's life is for everybody? Stages and the reasons of the rules; no word of a person.

Whoever is not of the state reads this and no more: that a stage was signed and by whom, or taken
unsigned; not what waits, who has taken it, who was told, or what anybody wrote. A reason that we
have no words for is left out, since it could hold any of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from alerts.cap import published
from alerts.stages import WITHDRAWN, unsigned
from alerts.words import reason_patterns
from ews.model import FALSE_ALARMS, Alert, AlertChange, ChangeKind, Stage

OF_PEOPLE = frozenset(  # reasons that a person's act brings, with their name and words
    f"reason.{key}"
    for key in ("acknowledged", "handed_over", "signed", "refused", "false_alarm", "cleared", "closed")
)  # fmt: skip
OF_RECEIVERS = frozenset(f"reason.{key}" for key in ("not_acknowledged", "joined", "held_over"))
OF_WAITING = frozenset(f"reason.{key}" for key in ("asks", "unproposed"))
HIDDEN = OF_PEOPLE | OF_RECEIVERS | OF_WAITING


def public_alert(alert: Alert) -> Alert:
    """The alert without what waits, what was refused, and who has taken it."""
    return replace(
        alert, proposed=None, proposed_at=None, sign_by=None, asked_since=None, refused=None,
        refused_by=None, holder=None, acknowledged_at=None, takers={},
    )  # fmt: skip


def public_changes(changes: Iterable[AlertChange]) -> Iterator[AlertChange]:
    """Of all changes of one alert, oldest first, those that are for everybody, in public words."""
    first = True
    for change in changes:
        if not _told(change, first):
            continue
        yield _public(change)
        first = first and change.kind is ChangeKind.NOTED


def _told(change: AlertChange, first: bool) -> bool:
    """What the feeds tell, and what the rules only noted; not that they ask for a stage no more."""
    if change.kind is ChangeKind.NOTED:
        return not change.by
    only_withdrawn = change.reason.endswith(WITHDRAWN) and "; " not in change.reason
    return published(change, first) and not (
        change.kind is ChangeKind.UPDATED and only_withdrawn
    )  # fmt: skip


def _public(change: AlertChange) -> AlertChange:
    alert = public_alert(change.alert)
    reason = _of_rules(change) if not change.by else _of_person(change)
    return replace(change, alert=alert, kind=_kind(change), reason=reason, by="", receivers=())


def _kind(change: AlertChange) -> ChangeKind:
    """A step that concerns people is told as what it did to the stage."""
    if change.kind not in {ChangeKind.PROPOSED, ChangeKind.REFUSED, ChangeKind.RELEASED}:
        return change.kind
    if change.before is None:
        return ChangeKind.RAISED
    if change.before is change.alert.stage:
        return ChangeKind.UPDATED
    return ChangeKind.STAGE_UP if change.alert.stage > change.before else ChangeKind.STAGE_DOWN


def _of_rules(change: AlertChange) -> str:
    """The parts of the reason that have words and say nothing of people or of what waits."""
    parts = [part for part in change.reason.split("; ") if _key(part) is not None]
    kept = [part for part in parts if _key(part) not in HIDDEN]
    if not kept and any(_key(part) == "reason.asks" for part in parts):
        return f"rule {change.alert.rule} holds"
    return "; ".join(kept)


def _key(part: str) -> str | None:
    return next((key for key, found in reason_patterns() if found.fullmatch(part.strip())), None)


def _of_person(change: AlertChange) -> str:
    """What a person's act did, without who and why; a stage in force has the name of its signer."""
    alert, before = change.alert, change.before
    if change.kind is ChangeKind.RETRACTED:
        return f"false alarm: {alert.mistake}" if alert.mistake in FALSE_ALARMS else ""
    if change.kind is ChangeKind.RESOLVED:
        return "cleared"
    if change.kind is ChangeKind.REFUSED and before is not None and before > alert.stage:
        return f"{before.en} was not signed"
    signed = alert.stage >= Stage.ALERT and not unsigned(alert)
    return f"{alert.stage.en} signed by {alert.signed_off_by}" if signed else ""
