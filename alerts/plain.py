"""How does text from outside become harmless? One clean line, escaped for Slack, http(s) only."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from urllib.parse import urlsplit

# Slack reads these as formatting or a mention; their full-width twins read the same and do nothing.
SLACK_FORMATTING = str.maketrans({"*": "＊", "_": "＿", "~": "～", "`": "｀", "@": "＠"})
NO_TAGS = str.maketrans({"<": "＜", ">": "＞", "@": "＠"})
ADDRESS = re.compile(r"(?<=[A-Za-z])://")  # Slack links bare addresses in notifications by itself
EMOJI = re.compile(r":(?=[\w+'-]{1,60}:)")
# Control, format (zero-width, bidi overrides, tags), surrogate, private, unassigned: not words.
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Letters and marks that show nothing: fillers, the blank of Braille, joiners, Khmer vowels.
BLANK = set("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
MAX_COMBINING = 2  # more stacked marks than this is "zalgo", not a language


def one_line(text: str, limit: int = 300) -> str:
    """The text as one visible line of at most `limit` characters, ending in … when cut.

    >>> one_line("a\\x1b[31m\\nb")
    'a [31m b'
    """
    short = unicodedata.normalize("NFC", text[: limit * 8])
    kept = list(short) if all(map(_plain, set(short))) else _cleaned(short)
    line = " ".join("".join(kept).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


@lru_cache(maxsize=20_000)
def _plain(char: str) -> bool:
    kind = unicodedata.category(char)
    return kind not in UNSEEN and kind[0] != "M" and char not in BLANK


def _cleaned(text: str) -> list[str]:
    """The characters that show: blanks for those that do not, no towers of marks."""
    kept: list[str] = []
    marks = 0
    for char in text:
        kind = unicodedata.category(char)
        marks = marks + 1 if unicodedata.combining(char) or kind == "Me" else 0
        if marks > MAX_COMBINING:
            continue
        kept.append(" " if kind in UNSEEN or char in BLANK else char)
    return kept


def escape_slack(text: str) -> str:
    """Plain text that Slack shows as it is: no mention, link, channel or formatting.

    >>> escape_slack("<!channel> *A & B*")
    '&lt;!channel&gt; ＊A &amp; B＊'
    """
    if text.startswith(">"):
        text = f"＞{text[1:]}"  # at the start of a line Slack would quote it
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return EMOJI.sub("：", ADDRESS.sub("：／／", escaped)).translate(SLACK_FORMATTING)


def plain_slack(text: str) -> str:
    """The same for a header, which Slack shows without reading escapes.

    >>> plain_slack("<!channel> :bell: A & B")
    '＜!channel＞ ：bell: A & B'
    """
    return EMOJI.sub("：", text.translate(NO_TAGS))


def safe_link(url: str) -> str:
    """The URL when it is a plain http(s) address, else "".

    Refused: other schemes, user names inside the address (they disguise the host), spaces,
    characters that do not show, and anything longer than 1,000 characters.
    """
    if len(url) > 1000 or not all(_plain(c) and not c.isspace() for c in url):
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme.lower() not in {"http", "https"} or not host or "@" in parts.netloc:
        return ""
    if any(c in '<>|"\\^`{}*' for c in parts.netloc):
        return ""
    rest = url[len(parts.scheme) :]
    quoted = rest.translate({ord(c): f"%{ord(c):02X}" for c in '<>|"\\^`{}*'})
    return parts.scheme.lower() + quoted
