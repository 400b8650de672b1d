"""In which language is it written? By its script; among Latin letters by a small model."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

# Told apart in Latin letters: who trades with Korea and has papers that GDELT and others gather.
LATIN = (
    "en", "de", "fr", "es", "pt", "it", "nl", "id", "ms", "vi", "pl", "tr", "sv", "da", "no", "fi",
    "cs", "hu", "ro",
)  # fmt: skip
SURE = 0.8  # of the model; below it the default stands. Measured by tests.bench_collection_text
FEWEST = 12  # letters that the model needs
_RANGES = (
    ("ko", 0xAC00, 0xD7A3), ("ja", 0x3040, 0x30FF), ("zh", 0x4E00, 0x9FFF), ("ru", 0x0400, 0x04FF),
    ("ar", 0x0600, 0x06FF), ("th", 0x0E00, 0x0E7F), ("hi", 0x0900, 0x097F), ("el", 0x0370, 0x03FF),
    ("he", 0x0590, 0x05FF),
)  # fmt: skip


def guess_lang(text: str, default: str = "") -> str:
    """The language of a text, two letters: by its script, among Latin letters by a model.

    `default` where there are no letters, where they are too few, or where the model is not sure.

    >>> guess_lang("요소 수출 제한"), guess_lang("尿素出口"), guess_lang("Urea", "en")
    ('ko', 'zh', 'en')
    """
    head = text[:2000]
    letters = sum(map(str.isalpha, head))
    latin = letters if head.isascii() else sum(map(_is_latin, head))
    if latin * 2 > letters:
        if head.isascii() and default == "en" and letters < 2 * FEWEST:
            return default
        return _of_latin(head, default) if letters >= FEWEST else default
    return _of_script(head, letters) or default


def _is_latin(char: str) -> bool:
    """Whether it is a Latin letter; those from U+1E00 are Vietnamese."""
    return "\u1e00" <= char <= "\u1eff" or (ord(char) < 0x250 and char.isalpha())


def _of_script(text: str, letters: int) -> str:
    counts = dict.fromkeys((name for name, _, _ in _RANGES), 0)
    for char in text:
        code = ord(char)
        for name, first, last in _RANGES:
            if first <= code <= last:
                counts[name] += 1
                break
    if counts["ja"] >= 2 and counts["ko"] < counts["ja"]:
        return "ja"  # kana decides, however many Chinese characters surround it
    if counts["ko"] >= 2 and counts["ko"] * 2 >= counts["zh"]:
        return "ko"
    most = max(counts, key=lambda name: counts[name])
    if not counts[most] or counts[most] * 3 < letters:
        return ""
    if most == "ru" and any(char in "іїєґІЇЄҐ" for char in text):
        return "uk"
    if most == "ar" and any(char in "پچژگ" for char in text):
        return "fa"
    return most


def _of_latin(text: str, default: str) -> str:
    lang, sure = _model()(text[:300].replace("\u00a0", " "))
    return lang if sure >= SURE else default


@cache
def _model() -> Callable[[str], tuple[str, float]]:
    """Loaded at the first Latin text of a source in many languages: half a second, 100 MB."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages(list(LATIN))

    def classify(text: str) -> tuple[str, float]:
        lang, sure = model.classify(text)
        return str(lang), float(sure)

    return classify
