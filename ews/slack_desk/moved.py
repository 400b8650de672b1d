"""What happened to an alert since a button was drawn under it, and what can be done with it now?"""

from __future__ import annotations

from datetime import datetime

from alerts.blocks import Block, to_blocks
from alerts.channels.slack_buttons import buttons
from alerts.channels.slack_forms import Place
from alerts.headlines import change_line, headline
from alerts.view import AlertView, Line, Section
from ews.acting import UNMOVED
from ews.model import AlertChange
from ews.reports import Names
from ews.storage import Store

SHOWN = 5  # changes, the newest


def moved_answer(
    store: Store, place: Place, said: str, lang: str, now: datetime, public_url: str
) -> tuple[Block, ...]:
    """The changes since the revision of the button, and buttons for the alert of now."""
    changes = store.changes(alert_id=place.alert_id) if place.alert_id else []
    views = [_view(store, one, now, public_url) for one in changes]
    newest = next((view for view in reversed(views) if view is not None), None)
    if newest is None:
        return ()
    since = [
        Line(change_line(view, lang))
        for view in views
        if view is not None
        and view.change is not None
        and view.alert.revision > (place.revision or 0)
        and view.change.kind not in UNMOVED
    ]
    parts = [Section(said, tuple(since[-SHOWN:]))]
    return (
        *to_blocks(headline(newest, lang), parts, lang),
        *buttons(newest.alert, newest.link, lang),
    )


def _view(store: Store, change: AlertChange, now: datetime, public_url: str) -> AlertView | None:
    alert = change.alert
    event = store.event(alert.event_id)
    link = f"{public_url.rstrip('/')}/alerts/{alert.id}" if public_url else ""
    return None if event is None else AlertView(
        alert=alert, event=event, exposures=(), change=change, told=(), names=Names(), now=now,
        link=link,
    )  # fmt: skip
