"""What does a bulletin say: digest, blind, heartbeat, planned event, a word to the operator?"""

from __future__ import annotations

from itertools import zip_longest

from alerts.blocks import to_blocks
from alerts.headlines import subject
from alerts.messages import Message, as_text
from alerts.plain import escape_slack, one_line, safe_link
from alerts.reasons import stage_word
from alerts.view import Line, Names, Section, korean_time
from alerts.words import say
from ews.model import Alert, Bulletin, BulletinPart

LINE_LENGTH = 400


def bulletin_message(bulletin: Bulletin) -> Message:
    """The bulletin as a channel sends it: the same care as for an alert, in its own language."""
    title, built = bulletin_title(bulletin), bulletin_parts(bulletin)
    blocks = tuple(to_blocks(title, built, bulletin.lang))
    line = escape_slack(title)
    return Message(as_text(title, built), blocks, line, blocks, line, bulletin=bulletin)


def bulletin_title(bulletin: Bulletin) -> str:
    """`[모아 보기] 2021-10-11 아침`"""
    tag = say(f"bulletin.{bulletin.kind.value}", bulletin.lang)
    return f"[{tag}] {one_line(bulletin.title, 120)}".rstrip()


def bulletin_parts(bulletin: Bulletin) -> tuple[Section, ...]:
    """How to read it, then its parts in their order; one without lines says that it has none."""
    lang = bulletin.lang
    how = Section(say("label.how", lang), (Line(say(f"bulletin_how.{bulletin.kind.value}", lang)),))
    told = [_part(part, lang) for part in bulletin.parts]
    if not any(part.lines for part in bulletin.parts):
        told = [Section(say("label.report", lang), (Line(say("text.nothing", lang)),)), *told]
    sent = Section(say("label.sent", lang), (Line(korean_time(bulletin.at)),), minor=True)
    return (how, *told, sent)


def _part(part: BulletinPart, lang: str) -> Section:
    rows = zip_longest(part.lines, part.links[: len(part.lines)], fillvalue="")
    lines = tuple(
        Line(one_line(text, LINE_LENGTH) or say("text.unknown", lang), safe_link(link), holds=0)
        for text, link in rows
    )
    return Section(
        one_line(part.label, 120) or "-",
        lines or (Line(say("text.none", lang)),),
        roomy=len(lines) > 1,
    )


def alert_line(alert: Alert, names: Names, lang: str, why: str = "") -> str:
    """One alert in one line of a digest: `[주의] 중국 · 요소 · 수출 제한 — 하루 한도`."""
    stage = stage_word(alert.stage, lang)
    asked = alert.proposed
    waits = f" · {say('tag.proposed', lang, stage=stage_word(asked, lang))}" if asked else ""
    line = f"[{stage}{waits}] {subject(alert, names, lang)}"
    return f"{line} — {one_line(why, 160)}" if why.strip() else line
