"""What a reader typed in a query: parsed, or refused with status 400 and what is allowed."""

from __future__ import annotations

from datetime import datetime

from fastapi import HTTPException

from ews.model import Stage, utc


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
