"""What does it say, in plain words? Tags, entities and what cannot be seen go."""

from __future__ import annotations

import re
import unicodedata

from scrapers.charsets import decode as decode  # readers find all of text here
from scrapers.dates import parse_date as parse_date
from scrapers.langs import guess_lang as guess_lang
from scrapers.links import canonical_url as canonical_url
from scrapers.references import unescaped

# --------------------------------------------------------------------------- clean text

_BLOCK = re.compile(r"</?(?:br|p|div|li|ul|ol|td|tr|h[1-6]|hr)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z!?][^<>]*>")
_OPENING = re.compile(r"(?<!<)<++(?=[a-zA-Z/!?])")  # one pass: a run is looked at once
# controls, zero-width and bidirectional marks, line separators, private use, non-characters
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\ud800-\udfff\ue000-\uf8ff\U000e0000-\U000e0fff]"
)
_C1 = re.compile(
    "[\x80-\x84\x86-\x9f]"
)  # nobody writes these controls: it is windows-1252 taken for Latin-1


def clean_text(raw: str, limit: int = 2000) -> str:
    """Plain text: no tags, entities undone twice, no control or bidi marks, NFC, at most `limit`.

    >>> clean_text("<b>Urea</b> &amp;quot;halted&amp;quot;<script>x()</script>")
    'Urea "halted"'
    """
    text = raw[: max(limit * 10, 20_000)]
    if "<" in text or "&" in text:
        for _ in range(2):  # Yonhap escapes its entities twice
            text = unescaped(_without_tags(text))
        text = _without_tags(text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", _C1.sub(_as_1252, text)))
    elif not text.isprintable():
        text = _INVISIBLE.sub("", text)
    # last, since what could not be seen may have stood between the sign and the name of a tag
    text = " ".join(_OPENING.sub("", text).split())
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    space = cut.rfind(" ", int(limit * 0.8))
    return (cut[:space] if space > 0 else cut).rstrip() + "…"


def _as_1252(match: re.Match[str]) -> str:
    return match.group().encode("latin-1").decode("cp1252", "ignore")


def _without_tags(text: str) -> str:
    if "<" not in text:
        return text
    if "<!" in text:
        text = _drop(text, _COMMENT)
        text = _CDATA.sub("", text).replace("]]>", "") if _CDATA.search(text) else text
    text = _drop(_drop(text, _SCRIPT), _STYLE)
    return _TAG.sub("", _BLOCK.sub(" ", text))


_COMMENT = (re.compile("<!--"), re.compile("-->"))
_CDATA = re.compile(r"<!\[CDATA\[", re.IGNORECASE | re.ASCII)
_SCRIPT, _STYLE = (
    (re.compile(f"<{name}", re.I | re.A), re.compile(f"</{name}[^>]*(?:>|$)", re.I | re.A))
    for name in ("script", "style")
)


def _drop(text: str, block: tuple[re.Pattern[str], re.Pattern[str]]) -> str:
    """The text without every block from one mark to the other, in one pass; an unclosed block goes
    to the end."""
    start, end = block
    kept: list[str] = []
    at = 0
    while (found := start.search(text, at)) is not None:
        kept.append(text[at : found.start()])
        close = end.search(text, found.end())
        if close is None:
            return "".join(kept)
        at = close.end()
    return "".join([*kept, text[at:]]) if kept else text
