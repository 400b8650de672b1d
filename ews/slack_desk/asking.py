"""What hangs on it, and what threatens it now? The exposure report in one Slack answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

from alerts.blocks import Block, to_blocks
from alerts.plain import escape_slack, one_line, safe_link
from alerts.view import Line, Section, both_clocks
from alerts.words import say
from ews.reports import (
    KINDS,
    AlertLine,
    ExposureLine,
    ExposureReport,
    Label,
    NotFound,
    UnknownName,
    Viewer,
    exposure_report,
    find,
    percent,
)
from ews.reports.views import ShareLine, UseLine
from ews.storage import Store

SHOWN = 6  # lines of a part; the page and the command line show the rest
KINDS_KO = {
    "품목": "item", "국가": "country", "해협": "chokepoint", "항만": "port", "산업": "industry",
    "기업": "firm", "사건": "event",
}  # fmt: skip
TRIED = ("item", "country", "chokepoint", "industry", "port")  # for a bare word, in this order
Answer = tuple[str, tuple[Block, ...]]
T = TypeVar("T")


def exposure_answer(
    store: Store, text: str, viewer: Viewer, lang: str, now: datetime, public_url: str = ""
) -> Answer:
    """The answer to `/ews TEXT`: one line, and blocks. A firm's rows are for that firm only."""
    try:
        kind, asked = understood(text, viewer)
        report = exposure_report(store, kind, asked, now=now, viewer=viewer)
    except NotFound as err:
        said = err.text(lang) if isinstance(err, UnknownName) else str(err)
        words = say("slack.asked_unknown", lang, said=escape_slack(one_line(said)))
        return words, ()
    names = ", ".join(label.text(lang) for label in report.about) or report.asked
    headline = say("slack.asked_title", lang, name=one_line(names, 100))
    parts = [part for part in sections(report, lang, public_url) if part.lines]
    return escape_slack(headline), tuple(to_blocks(headline, parts, lang))


def understood(text: str, viewer: Viewer) -> tuple[str, str]:
    """(kind, name) of what was typed: `요소`, `310210`, `국가 중국`, `port busan`.

    UnknownName, with near names of items, when no kind of thing is called so.
    """
    word, _, rest = text.partition(" ")
    kind = KINDS_KO.get(word, word.casefold())
    if rest.strip() and kind in KINDS:
        return kind, rest.strip()
    for tried in TRIED:
        try:
            find(tried, text)
        except UnknownName:
            continue
        return tried, text
    if viewer.owner is not None:
        return "firm", text
    find("item", text)
    raise AssertionError("find() took a name that it had refused")


def sections(report: ExposureReport, lang: str, public_url: str) -> list[Section]:
    """What is known of it, most pressing first."""
    alerts = _lines(report.alerts, lambda one: _alert(one, lang, public_url), lang)
    uses = _lines(report.uses, lambda one: _use(one, lang), lang)
    if not uses and report.kind == "item":
        uses = (Line(say("slack.asked_no_use", lang)),)
    none = (Line(say("slack.asked_none", lang)),)
    return [
        Section(say("slack.asked_alerts", lang), alerts or none),
        Section(
            say("slack.asked_threats", lang),
            _lines(report.exposures, lambda one: _threat(one, lang), lang),
        ),
        Section(say("slack.asked_uses", lang), uses),
        Section(
            say("slack.asked_shares", lang),
            _lines(report.shares, lambda one: _share(one, lang), lang),
        ),
        Section(say("slack.asked_lists", lang), tuple(Line(one) for one in report.lists)),
        Section("ews", _more(report, lang, public_url), minor=True),
    ]


def help_answer(lang: str) -> Answer:
    """What can be typed."""
    title = say("slack.help_title", lang)
    lines = [say(f"slack.help_{number}", lang) for number in (1, 2, 3)]
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(lines)}}
    return title, ({"type": "header", "text": {"type": "plain_text", "text": title}}, block)


def _lines(rows: Sequence[T], line: Callable[[T], Line], lang: str) -> tuple[Line, ...]:
    shown = [line(row) for row in rows[:SHOWN]]
    left = len(rows) - SHOWN
    return (*shown, *([Line(say("text.and_more", lang, n=left))] if left > 0 else []))


def _alert(alert: AlertLine, lang: str, public_url: str) -> Line:
    stage = alert.stage_ko if lang == "ko" else alert.stage_en
    what = _names([*alert.countries, *alert.items[:2], alert.type], lang, " · ")
    kst, utc = both_clocks(alert.updated_at)
    time = say("text.time", lang, kst=kst, utc=utc)
    link = safe_link(f"{public_url.rstrip('/')}/alerts/{alert.id}") if public_url else ""
    return Line(say("slack.asked_alert", lang, stage=stage, what=what, time=time), link)


def _threat(one: ExposureLine, lang: str) -> Line:
    unknown = say("text.unknown", lang)
    return Line(
        say(
            "slack.asked_threat",
            lang,
            item=_name(one.item, lang),
            origin=_name(one.origin, lang) if one.origin else unknown,
            share=percent(one.share_at_risk, lang),
            probability=percent(one.probability, lang),
            use=_name(one.use, lang) if one.use else _own(one, unknown),
        )
    )


def _own(one: ExposureLine, unknown: str) -> str:
    """Of an exposure of the asker's own firm, that firm."""
    return one_line(one.firm, 60) if one.firm else unknown


def _use(one: UseLine, lang: str) -> Line:
    unknown = say("text.unknown", lang)
    return Line(
        say(
            "slack.asked_use",
            lang,
            item=_name(one.item, lang),
            use=_name(one.use, lang),
            industry=_name(one.industry, lang) if one.industry else unknown,
            ministries=_names(one.ministries, lang, ", ") or unknown,
        )
    )


def _share(one: ShareLine, lang: str) -> Line:
    return Line(
        say(
            "slack.asked_share",
            lang,
            item=_name(one.item, lang),
            partner=_name(one.partner, lang),
            share=percent(one.share, lang),
            period=one.period,
            basis=one.basis,
        )
    )


def _more(report: ExposureReport, lang: str, public_url: str) -> tuple[Line, ...]:
    kst, utc = both_clocks(report.as_of)
    time = say("text.time", lang, kst=kst, utc=utc)
    code = one_line(report.asked, 60)
    link = ""
    if public_url:
        link = safe_link(f"{public_url.rstrip('/')}/exposure?{report.kind}={quote(report.asked)}")
    more = say("slack.asked_more", lang, kind=report.kind, code=code)
    return Line(say("slack.asked_as_of", lang, time=time)), Line(more, link)


def _name(label: Label, lang: str) -> str:
    return one_line(label.text(lang), 60)


def _names(labels: Iterable[Label], lang: str, between: str) -> str:
    return between.join(_name(label, lang) for label in labels)
