"""How does text from outside become harmless? One clean line, escaped for Slack, http(s) only."""

from __future__ import annotations

import unicodedata
from urllib.parse import urlsplit

# Slack reads these as formatting; their full-width twins read the same and do nothing.
SLACK_FORMATTING = str.maketrans({"*": "＊", "_": "＿", "~": "～", "`": "｀"})
# Control, format (zero-width, bidi overrides, tags), surrogate, private, unassigned: not words.
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
MAX_COMBINING = 2  # more stacked marks than this is "zalgo", not a language


def one_line(text: str, limit: int = 300) -> str:
    """The text as one visible line of at most `limit` characters, ending in … when cut.

    >>> one_line("a\\x1b[31m\\nb")
    'a [31m b'
    """
    kept: list[str] = []
    marks = 0
    for char in unicodedata.normalize("NFC", text[: limit * 8]):
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks > MAX_COMBINING:
            continue
        kept.append(" " if unicodedata.category(char) in UNSEEN else char)
    line = " ".join("".join(kept).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def escape_slack(text: str) -> str:
    """Plain text that Slack shows as it is: no mention, link, channel or formatting.

    >>> escape_slack("<!channel> *A & B*")
    '&lt;!channel&gt; ＊A &amp; B＊'
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.translate(SLACK_FORMATTING)


def safe_link(url: str) -> str:
    """The URL when it is a plain http(s) address, else "".

    Refused: other schemes, user names inside the address (they disguise the host), spaces,
    control characters, and anything longer than 1,000 characters.
    """
    if len(url) > 1000 or any(c.isspace() or unicodedata.category(c) in UNSEEN for c in url):
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme.lower() not in {"http", "https"} or not host or "@" in parts.netloc:
        return ""
    if any(c in '<>|"\\^`{}' for c in parts.netloc):
        return ""
    quoted = url.translate({ord(c): f"%{ord(c):02X}" for c in '<>|"\\^`{}'})
    return quoted
