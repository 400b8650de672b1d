"""Rows that only an explanation shows: revisions of its event, and what waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ews.reports.views import Label


@dataclass(frozen=True, slots=True)
class RevisionLine:
    """An event as it was at one of its revisions."""

    revision: int
    at: datetime
    status: str
    phase: str
    probability: float
    severity: float
    reports: int
    independent_sources: int


@dataclass(frozen=True, slots=True)
class StandingLine:
    """What waits for a person, and whose it is."""

    proposed: int | None  # stage that waits for a signature
    proposed_at: datetime | None
    sign_by: datetime | None  # then it is taken unsigned
    timed_out: bool
    refused: int | None
    refused_by: str | None
    holder: str | None
    acknowledged_at: datetime | None
    ending: str | None  # eased | quiet | cleared | retracted
    blind_since: datetime | None
    unlisted: tuple[Label, ...]  # items of which no domestic use is on record
