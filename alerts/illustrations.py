"""Which pictures go with a message? The path, and the series of a detector; never in the way of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

from alerts.messages import Picture
from alerts.pictures import path_picture, series_picture
from alerts.sections import title_of
from alerts.view import AlertView
from alerts.words import say
from ews.model import ChangeKind, Notification, Observation

log = logging.getLogger(__name__)

SHOWN_BY = frozenset({"slack", "email"})  # channels that can show a picture
NEW = frozenset(
    {ChangeKind.RAISED, ChangeKind.REOPENED, ChangeKind.STAGE_UP, ChangeKind.PROPOSED}
)  # what a reader must picture; later messages of the thread only tell the difference


def illustrated(notification: Notification) -> bool:
    """Whether this message carries pictures."""
    if notification.channel not in SHOWN_BY or notification.edit:
        return False
    return notification.change in NEW


def illustrations(
    view: AlertView, lang: str, observations: Sequence[Observation] = ()
) -> tuple[Picture, ...]:
    """The strongest path and the series that fell or rose. A picture that cannot be drawn is left
    out: the words say the same."""
    drawn: tuple[tuple[str, str, Callable[[], bytes | None]], ...] = (
        ("path.png", say("picture.path_title", lang), lambda: path_picture(view, lang)),
        ("series.png", title_of(view, lang),
         lambda: series_picture(observations, title_of(view, lang), lang)),
    )  # fmt: skip
    return tuple(_drawn(drawn))


def _drawn(
    wanted: Sequence[tuple[str, str, Callable[[], bytes | None]]],
) -> Iterator[Picture]:
    for name, title, draw in wanted:
        try:
            png = draw()
        except Exception:  # whatever a name or a number did to the drawing, the message goes out
            log.exception("picture %s could not be drawn", name)
            continue
        if png is not None:
            yield Picture(name, title, png)
