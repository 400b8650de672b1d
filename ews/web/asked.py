"""What a reader typed in a query: parsed, or refused with status 400 and what is allowed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from fastapi import HTTPException, Request

from ews.model import Stage, utc
from ews.reports.given import NoSuchTime, known_at
from ews.web.problems import FormRefused


def stage_number(text: str | None) -> int | None:
    """1..4, or None when nothing was asked."""
    try:
        return int(Stage.parse(text)) if text else None
    except ValueError as err:
        raise HTTPException(400, str(err)) from err


def moment(text: str | None) -> datetime | None:
    """An aware UTC time, or None when nothing was asked."""
    try:
        return utc(text) if text else None
    except ValueError as err:
        raise HTTPException(400, f"{text!r} is no ISO 8601 date or time") from err


def known(text: str | None, now: datetime) -> datetime | None:
    """The time of a question about the past, or None when nothing was asked. See `known_at`."""
    try:
        return known_at(text, now)
    except NoSuchTime as err:
        raise FormRefused(400, f"as_of: {err}", f"기준일: {err.ko}") from err


def only(request: Request, names: Collection[str]) -> None:
    """Refuses a query with a parameter of another name: a misspelt one must not be passed over."""
    for name in request.query_params:
        if name not in names:
            raise HTTPException(
                400, f"unknown parameter {name[:40]!r}; this takes {', '.join(sorted(names))}"
            )
