"""What a person typed for an option: parsed, or refused in words that name the option."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import typer

from ews.model import AlertState, utc
from ews.reports.given import known_at
from ews.reports.names import UnknownName
from ews.reports.viewer import NotFound


def when(text: str | None, option: str) -> datetime | None:
    """An aware UTC time; None when nothing was asked."""
    if not text:
        return None
    try:
        return utc(text)
    except ValueError as err:
        raise typer.BadParameter(
            f"{option}: {text!r} is no date or time; write 2023-10-20 or 2023-10-20T09:00+09:00"
        ) from err


def known(text: str | None, option: str, now: datetime) -> datetime | None:
    """The time of a question about the past; None when nothing was asked. See `known_at`."""
    try:
        return known_at(text, now)
    except ValueError as err:
        raise typer.BadParameter(f"{option}: {err}") from err


@contextmanager
def told_in(lang: str) -> Iterator[None]:
    """A name that nobody knows is told in the reader's language, with near ones."""
    try:
        yield
    except UnknownName as err:
        raise NotFound(err.text(lang)) from err


def alert_state(text: str | None) -> str | None:
    """A state of an alert; None when nothing was asked."""
    known = [state.value for state in AlertState]
    if text is not None and text not in known:
        raise typer.BadParameter(f"--state: unknown state {text!r}; use one of {', '.join(known)}")
    return text
