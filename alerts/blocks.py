"""How does a message look in Slack? Sections as Block Kit dicts, inside every limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alerts.plain import escape_slack
from alerts.view import Line, Section
from alerts.words import say

Block = Mapping[str, object]

# Slack's limits; the last is not documented and was met in practice (msg_blocks_too_long).
MAX_BLOCKS = 50
MAX_HEADER = 150
MAX_SECTION = 3000
MAX_TOTAL = 13_200
# We stay well below: a message nobody scrolls through is a message nobody reads.
SECTION_ROOM = 1900
MINOR_ROOM = 700
TOTAL_ROOM = 12_000


def to_blocks(headline: str, sections: Sequence[Section], lang: str) -> list[Block]:
    """A header, one section block per part, small print as context blocks."""
    blocks: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": cut(headline, MAX_HEADER)}}
    ]
    room = TOTAL_ROOM - MAX_HEADER
    for section in sections[: MAX_BLOCKS - 1]:
        limit = min(MINOR_ROOM if section.minor else SECTION_ROOM, room)
        text = section_text(section, limit, lang)
        if not text:
            continue
        room -= len(text)
        blocks.append(_small(text) if section.minor else _section(text))
    return blocks


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def section_text(section: Section, limit: int, lang: str) -> str:
    """The section as mrkdwn of at most `limit` characters, whole lines only.

    Lines are dropped from the end and counted, so that no escape or link is ever cut in two.
    """
    lines = [f"*{escape_slack(section.label)}*", *(_mrkdwn(line) for line in section.lines)]
    for keep in range(len(lines), 0, -1):
        left = len(lines) - keep
        shown = lines[:keep] + ([say("text.cut", lang, n=left)] if left else [])
        text = "\n".join(shown)
        if len(text) <= limit:
            return text
    return ""


def _mrkdwn(line: Line) -> str:
    if not line.link:
        return escape_slack(line.text)
    link = line.link.replace("&", "&amp;")
    return f"<{link}|{escape_slack(line.text)}>"


def _section(text: str) -> Block:
    # verbatim: Slack must not turn names or addresses inside feed text into links by itself
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _small(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}
