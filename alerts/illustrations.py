"""Which pictures go with a message? The path, and the series of a detector; never in the way of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

from alerts.messages import Picture
from alerts.pictures import path_picture
from alerts.sections import title_of
from alerts.series_pictures import Marks, series_picture
from alerts.series_words import series_title
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
    view: AlertView,
    lang: str,
    observations: Sequence[Observation] = (),
    marks: Marks | None = None,
) -> tuple[Picture, ...]:
    """The strongest path and the series that fell or rose. A picture that cannot be drawn is left
    out: the words say the same."""
    title = _series_name(view, lang, observations)
    drawn: tuple[tuple[str, str, Callable[[], bytes | None]], ...] = (
        ("path.png", say("picture.path_title", lang), lambda: path_picture(view, lang)),
        ("series.png", title, lambda: series_picture(observations, title, lang, marks)),
    )  # fmt: skip
    return tuple(_drawn(drawn))


def _series_name(view: AlertView, lang: str, observations: Sequence[Observation]) -> str:
    """What the series measures, in words; the alert's title when the series has none."""
    if not observations:
        return title_of(view, lang)
    series = observations[-1].series
    items = view.event.items if len(view.event.items) == 1 else ()
    said = series_title(series, view.names, lang, items)
    return said if said != series else title_of(view, lang)


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
