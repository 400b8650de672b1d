"""Which fixed words does a message use? Read once from words.toml, Korean and English."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources

LANGS = ("ko", "en")


class Bilingual(Exception):
    """An error that a person reads: its text is English, `ko` says the same in Korean."""

    def __init__(self, said: str, ko: str = "") -> None:
        super().__init__(said)
        self.ko = ko or said

    def text(self, lang: str) -> str:
        return self.ko if lang == "ko" else str(self)


@cache
def _tree() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads(resources.files("alerts").joinpath("words.toml").read_text("utf-8"))


@cache
def phrases() -> dict[str, dict[str, str]]:
    """Every phrase by `section.key`, each with its languages."""
    return {
        f"{section}.{key}": {lang: str(texts[lang]) for lang in LANGS}
        for section, keys in _tree().items()
        for key, texts in keys.items()
    }


@cache
def reason_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Phrase and pattern of every reason that has words: section [reason], in its order."""
    rows = _tree()["reason"].items()
    return tuple((f"reason.{key}", re.compile(row["match"], re.DOTALL)) for key, row in rows)


def say(key: str, lang: str, **values: object) -> str:
    """The phrase in that language with its values filled in.

    KeyError for an unknown phrase. A language we have no words for is read in English.
    """
    texts = phrases()[key]
    template = texts.get(lang, texts["en"])
    return template.format(**values) if values else template
