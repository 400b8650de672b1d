"""The decision log: what still waits for a decision and its outcome in writing."""

from __future__ import annotations

from datetime import datetime

from ews.model import ActKind, Alert, ChangeKind, Stage
from ews.storage import Store


def decisions(store: Store) -> list[Alert]:
    """Alerts that reached 주의 or higher and lack a written decision and outcome, oldest first.

    One that rose or came back after it was closed needs another.
    """
    closed = {one.alert_id: one.at for one in store.acts(kinds=[ActKind.CLOSE])}
    due = [one for one in store.alerts() if one.max_stage >= Stage.CAUTION]
    return sorted(
        (one for one in due if one.id not in closed or _moved(store, one, closed[one.id])),
        key=lambda one: (one.raised_at, one.id),
    )


def _moved(store: Store, alert: Alert, since: datetime) -> bool:
    if alert.updated_at <= since:
        return False
    again = (ChangeKind.STAGE_UP, ChangeKind.REOPENED, ChangeKind.PROPOSED)
    return any(c.at > since and c.kind in again for c in store.changes(alert_id=alert.id))
