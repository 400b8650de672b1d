"""How long is that, in the words of a reader?"""

from __future__ import annotations

from datetime import datetime

UNITS = ((86_400, "일", "d"), (3_600, "시간", "h"), (60, "분", "min"), (1, "초", "s"))


def span(seconds: float, lang: str) -> str:
    """A length of time in whole numbers of the largest unit of which it has two.

    >>> span(900, "ko"), span(93_600, "en"), span(5_400, "en"), span(20, "en"), span(0, "en")
    ('15분', '26 h', '90 min', '20 s', '0 s')
    """
    size, ko, en = next((one for one in UNITS if seconds >= 2 * one[0]), UNITS[-1])
    count = round(seconds / size)
    return f"{count}{ko}" if lang == "ko" else f"{count} {en}"


def ago(at: datetime | None, now: datetime, lang: str) -> str:
    """How long ago, or in how long; "-" for never."""
    if at is None:
        return "-"
    seconds = (now - at).total_seconds()
    length = span(abs(seconds), lang)
    if seconds < 0:
        return f"{length} 뒤" if lang == "ko" else f"in {length}"
    return f"{length} 전" if lang == "ko" else f"{length} ago"
