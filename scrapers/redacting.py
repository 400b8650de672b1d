"""Does a text hold an API key? However the text came to it, it goes on without.

Found are the key as it is, percent-encoded (wholly or in part, once or several times over), with
backslashes (JSON, repr), as HTML or JSON character references, in base64 wherever it stands in what
was encoded, and pieces of eight characters and more, since messages cut texts short. A key that
was hashed, encrypted or compressed is not found.
"""

from __future__ import annotations

import base64
import html
import re
from functools import lru_cache
from urllib.parse import quote

STARS = "***"
_DEEP = 16  # times that a character was encoded over: without an end a text of "\\" takes minutes
_PIECE = 8  # characters of a key that give too much of it away


def redact(text: str, key: str) -> str:
    """The text with every form of the key as `***`; as it is when there is no key."""
    if not key or not text:
        return text
    text = _pattern(key).sub(STARS, text)
    for form in _forms(key) if len(key) >= _PIECE else ():
        text = _without_pieces(text, form)
    return text


def holds(text: str, key: str) -> bool:
    """Whether any form of the key stands in the text."""
    return redact(text, key) != text


@lru_cache(maxsize=64)
def _pattern(key: str) -> re.Pattern[str]:
    whole = "".join(map(_character, key))
    # what is shorter than any real key would else be found inside words
    return re.compile(whole if len(key) >= 6 else rf"(?<![^\W_]){whole}(?![^\W_])")


def _character(c: str) -> str:
    """A pattern of all the ways in which one character of a key is written."""
    hexes = "".join(f"[{h}{h.upper()}]" for h in f"{ord(c):02x}")
    ways = [
        re.escape(c),
        rf"%(?:25){{0,{_DEEP}}}{hexes}",
        rf"\\{{1,{_DEEP}}}(?:[uU]0{{0,{_DEEP}}}|x){hexes}",
        rf"&(?:amp;){{0,{_DEEP}}}#(?:0{{0,{_DEEP}}}{ord(c)}|[xX]0{{0,{_DEEP}}}{hexes});",
    ]
    named = html.escape(c)
    if named != c:
        ways.append(rf"&(?:amp;){{0,{_DEEP}}}{re.escape(named[1:])}")
    if not c.isalnum():
        ways.append(rf"\\{{1,{_DEEP}}}{re.escape(c)}")
    return f"(?:{'|'.join(ways)})"


@lru_cache(maxsize=64)
def _forms(key: str) -> tuple[str, ...]:
    """The key as it is, percent-encoded, and in base64 at each of the three places in a group."""
    forms = [key, quote(key, safe=""), quote(quote(key, safe=""), safe="")]
    raw = key.encode()
    for shift in range(3):
        encode = base64.b64encode(b"\0" * shift + raw)
        # the first and last characters depend on what stands beside the key
        whole = encode.rstrip(b"=").decode()[-(-shift * 8 // 6) :]
        inner = whole if (shift + len(raw)) % 3 == 0 else whole[:-1]
        forms += [inner, inner.replace("+", "-").replace("/", "_")]
    return tuple(dict.fromkeys(form for form in forms if len(form) >= _PIECE))


def _without_pieces(text: str, form: str) -> str:
    """The text without any part of the form that is at least eight characters long."""
    for start in range(len(form) - _PIECE + 1):
        while (at := text.find(form[start : start + _PIECE])) >= 0:
            end = _PIECE
            while (
                at + end < len(text)
                and start + end < len(form)
                and text[at + end] == form[start + end]
            ):
                end += 1
            text = text[:at] + STARS + text[at + end :]
    return text
