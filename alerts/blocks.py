"""How does a message look in Slack? Sections as Block Kit dicts, inside every limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alerts.plain import escape_slack, plain_slack
from alerts.view import Line, Section
from alerts.words import say

Block = Mapping[str, object]

# Slack's limits; the last is not documented and was met in practice (msg_blocks_too_long).
MAX_BLOCKS = 50
MAX_HEADER = 150
MAX_SECTION = 3000
MAX_TOTAL = 13_200
# Buttons and a line of mentions are added by the channel: what we leave to it.
BUTTON_BLOCKS = 3
BUTTON_ROOM = 1800
MAX_PARTS = 30
OWN_TOTAL = MAX_TOTAL - BUTTON_ROOM
# We stay well below: a message nobody scrolls through is a message nobody reads.
SECTION_ROOM = 1300
MINOR_ROOM = 600
ROOMY_BLOCK = 2900
ROOMY_BLOCKS = 2
SHORT_LINE = 60  # a line is shortened to this before it is left out


def to_blocks(headline: str, sections: Sequence[Section], lang: str, rest: str = "") -> list[Block]:
    """A header, one section block per part, small print as context blocks.

    What must be left out is counted aloud, with where to read it (`rest`). When all is too much,
    the longest parts give way first.
    """
    head = cut(plain_slack(headline), MAX_HEADER)
    shown = tuple(sections)
    if left := shown[MAX_PARTS - 1 :][1:]:
        lines = tuple(line for section in left for line in section.lines)
        more = Section(say("label.more", lang), (Line(left_out(lines, lang, rest)),), minor=True)
        shown = (*shown[: MAX_PARTS - 1], more)
    caps = [_cap(section) for section in shown]
    sizes = [len(section_text(s, cap, lang, rest)) for s, cap in zip(shown, caps, strict=True)]
    limit = level(sizes, OWN_TOTAL - len(head))
    blocks: list[Block] = [{"type": "header", "text": {"type": "plain_text", "text": head}}]
    for section, cap in zip(shown, caps, strict=True):
        text = section_text(section, min(cap, limit), lang, rest)
        pieces = split_lines(text, ROOMY_BLOCK)
        blocks += [_small(t) if section.minor else _section(t) for t in pieces]
    return blocks


def _cap(section: Section) -> int:
    if section.roomy:
        return ROOMY_BLOCK * ROOMY_BLOCKS
    return MINOR_ROOM if section.minor else SECTION_ROOM


def level(sizes: Sequence[int], room: int) -> int:
    """The size to which the longest must shrink so that all fit together.

    >>> level([10, 100, 400], 300), level([10, 20], 300)
    (190, 300)
    """
    left = room
    waiting = sorted(sizes)
    while waiting and waiting[0] * len(waiting) <= left:
        left -= waiting.pop(0)
    return left // len(waiting) if waiting else room


def split_lines(text: str, limit: int) -> list[str]:
    """The text in pieces of at most `limit` characters, cut between lines."""
    pieces: list[str] = []
    for line in text.split("\n") if text else []:
        if pieces and len(pieces[-1]) + 1 + len(line) <= limit:
            pieces[-1] += f"\n{line}"
        else:
            pieces.append(line)
    return pieces


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def section_text(section: Section, limit: int, lang: str, rest: str = "") -> str:
    """The section as mrkdwn of at most `limit` characters, whole lines only.

    Lines are dropped from the end and counted, with the uses they name, so that no escape or link
    is ever cut in two and nothing goes unsaid.
    """
    widest = max(SHORT_LINE, limit * 2 // 3)
    lines = [f"*{escape_slack(section.label)}*"]
    size = len(lines[0])
    for line in section.lines:
        lines.append(_fit(line, widest))
        size += 1 + len(lines[-1])
        if size > limit:
            break
    for keep in range(len(lines), 0, -1):
        shown = lines[:keep]
        if left := section.lines[keep - 1 :]:
            shown.append(escape_slack(left_out(left, lang, rest)))
        text = "\n".join(shown)
        if len(text) <= limit:
            return text
    return cut(escape_slack(left_out(section.lines, lang, rest)), limit)


def left_out(lines: Sequence[Line], lang: str, rest: str) -> str:
    """`… (12줄 줄임: 용도·품목 40건. 전체: ews explain alr-1)`"""
    held = sum(line.holds for line in lines)
    uses = say("text.cut_uses", lang, n=held) if held else ""
    where = say("text.cut_rest", lang, rest=rest) if rest else ""
    return say("text.cut", lang, n=len(lines), uses=uses, rest=where)


def _fit(line: Line, limit: int) -> str:
    """The line as mrkdwn; one that alone would fill the section is shortened, ending in …, and
    goes without its link when that is what is too long."""
    text = _mrkdwn(line)
    words = line.text
    if line.link and len(text) > limit and len(text) - len(escape_slack(words)) > limit // 2:
        return _fit(Line(words), limit)
    while len(text) > limit and len(words) > SHORT_LINE and not line.holds:
        words = words[: max(SHORT_LINE, len(words) * 3 // 4)]
        text = _mrkdwn(Line(words.rstrip() + "…", line.link))
    return text


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
