"""The reader's language, as a dossier uses it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ews.model import Stage
from ews.reports.given import KST
from ews.reports.views import Label
from ews.reports.words import word

ROWS = 20  # of a table; the rest is in `ews explain --json`


class Words:
    """The reader's language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def t(self, ko: str, en: str) -> str:
        return ko if self.lang == "ko" else en

    def names(self, labels: Iterable[Label], most: int = 8) -> str:
        found = list(dict.fromkeys(label.text(self.lang) for label in labels))
        more = f" +{len(found) - most}" if len(found) > most else ""
        return ", ".join(found[:most]) + more

    def when(self, at: datetime | None) -> str:
        return "-" if at is None else at.astimezone(KST).strftime("%Y-%m-%d %H:%M KST")

    def word(self, code: str) -> str:
        return word(code, self.lang)

    def stage(self, number: int | None) -> str:
        return "-" if number is None else self.t(Stage(number).ko, Stage(number).en)
