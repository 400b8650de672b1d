"""What does the first line say? Stage, what stands open, subject: read alone on a phone."""

from __future__ import annotations

from collections.abc import Callable

from alerts.plain import one_line
from alerts.reasons import some, stage_word
from alerts.told import JOINED
from alerts.view import AlertView, Names, korean_time
from alerts.words import reason_patterns, say
from ews.model import Alert, ChangeKind, Ending, Stage

# With these, what happened to the alert is the news; with the others, what happened in the world.
TELLING = {
    ChangeKind.PROPOSED,
    ChangeKind.REFUSED,
    ChangeKind.ESCALATED,
    ChangeKind.RETRACTED,
    ChangeKind.BLIND,
    ChangeKind.SEEING,
}

# Alerts that a person took back though what they say is no untruth: words of their own.
TRUE_ALL_THE_SAME = {"duplicate", "old_news", "opinion"}


def subject(alert: Alert, names: Names, lang: str) -> str:
    """Where, what and which kind: `중국 · 요소 · 수출 제한`."""
    where = [names.country(code, lang) for code in alert.countries]
    where += [names.chokepoint(code, lang) for code in alert.chokepoints]
    where += [names.port(code, lang) for code in alert.ports]
    items = [names.item(code, lang) for code in alert.items]
    parts = [some(where, 2, lang), some(items, 2, lang), names.type(alert.type, lang)]
    return " · ".join(one_line(part, 60) for part in parts if part)


def headline(view: AlertView, lang: str) -> str:
    """`[주의 · 경계 서명 대기] 중국 · 요소 · 수출 제한 (단일 출처)`"""
    single = is_single(view) and not view.ended
    label = f" ({say('text.single_source', lang)})" if single else ""
    return f"[{tag(view, lang)}] {subject(view.alert, view.names, lang)}{label}"


def tag(view: AlertView, lang: str) -> str:
    """How it ended; while it fires the stage in force and everything that stands open."""
    if end := ending(view):
        return ending_word(view.alert, end, lang)
    alert = view.alert
    words = [stage_word(alert.stage, lang)]
    if alert.proposed:
        words.append(say("tag.proposed", lang, stage=stage_word(alert.proposed, lang)))
    if unsigned(alert):
        words.append(say("tag.unsigned", lang))
    if alert.blind_since or view.kind is ChangeKind.BLIND:
        words.append(say("tag.blind", lang))
    if view.kind is ChangeKind.ESCALATED:
        words.append(say("tag.escalated", lang))
    return " · ".join(words)


def ending_word(alert: Alert, end: Ending, lang: str) -> str:
    """How it ended, in the place of a stage. Taken back is not always untrue: it may be told twice,
    or be long known."""
    key = f"ending.{end.value}"
    if end is Ending.RETRACTED and alert.mistake in TRUE_ALL_THE_SAME:
        key = f"{key}_{alert.mistake}"
    return say(key, lang)


def unsigned(alert: Alert) -> bool:
    """경계 or 심각 is in force and nobody has put their name to it."""
    return alert.stage >= Stage.ALERT and not alert.signed_off_by


def ending(view: AlertView) -> Ending | None:
    """How the alert ended; None while it fires. Quiet is no all-clear: nobody said it is over."""
    if not view.ended:
        return None
    if view.kind is ChangeKind.RETRACTED:
        return Ending.RETRACTED
    if view.alert.ending is not None:
        return view.alert.ending
    quiet = dict(reason_patterns())["reason.quiet"]
    said = view.change.reason if view.change else ""
    return Ending.QUIET if quiet.fullmatch(said) else Ending.EASED


def is_single(view: AlertView) -> bool:
    return view.independent_sources <= 1


def change_line(view: AlertView, lang: str) -> str:
    """What happened to the alert, in one line; "" when nothing did."""
    change, alert = view.change, view.alert
    if change is None:
        return ""
    end = ending(view)
    ends = end is not None and change.kind in {ChangeKind.RESOLVED, ChangeKind.RETRACTED}
    key = f"change.ending_{end.value}" if ends and end else f"change.{change.kind.value}"
    if change.kind is ChangeKind.RETRACTED and alert.mistake in TRUE_ALL_THE_SAME:
        key = f"{key}_{alert.mistake}"
    if change.kind is ChangeKind.REFUSED and change.before and change.before > alert.stage:
        key = "change.refused_taken"  # it was in force, unsigned
    if change.kind is ChangeKind.RELEASED and change.reason == JOINED:
        key = "change.released_joined"
    unknown = say("text.unknown", lang)

    def worded(stage: Stage | None) -> str:
        return stage_word(stage, lang) if stage else "-"

    moment = alert.blind_since or change.at
    values: dict[str, Callable[[], str]] = {
        "before": lambda: worded(change.before),
        "after": lambda: worded(alert.stage),
        "asked": lambda: worded(alert.refused if alert.proposed is None else alert.proposed),
        "by": lambda: one_line(change.by, 60) or say("text.the_rules", lang),
        "holder": lambda: one_line(alert.holder or "", 60) or unknown,
        "called": lambda: some(view.mentions, 5, lang) or say("text.nobody", lang),
        "since": lambda: korean_time(moment),
    }
    return say(key, lang, **{name: value() for name, value in values.items()})


def summary_line(view: AlertView, title: str, lang: str) -> str:
    """One line for a lock screen: the headline and the news."""
    news = change_line(view, lang) if view.kind in TELLING else ""
    if view.kind is ChangeKind.PROPOSED and view.alert.sign_by:
        news = say("sign.by_short", lang, time=korean_time(view.alert.sign_by))
    return f"{headline(view, lang)} — {news or title}"
