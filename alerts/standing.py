"""How does the alert stand with people? Signature, holder, who is called, what explains it."""

from __future__ import annotations

from alerts.headlines import change_line, ending, unsigned
from alerts.plain import one_line, safe_link
from alerts.reasons import note_of, readable_reason, some, stage_word
from alerts.view import AlertView, Line, Section, korean_time
from alerts.words import say
from ews.model import ChangeKind, Ending, Stage

NAMES_SHOWN = 6
# Their first line says all of the reason but the person's own words.
SAID_ALREADY = {
    ChangeKind.ACKNOWLEDGED,
    ChangeKind.HANDED_OVER,
    ChangeKind.REFUSED,
    ChangeKind.ESCALATED,
    ChangeKind.BLIND,
    ChangeKind.SEEING,
    ChangeKind.RELEASED,
}


def changed(view: AlertView, lang: str) -> Section:
    """What is different from what the reader knows, with the reason."""
    change = view.change
    if change is None:
        return Section(say("label.change", lang))
    said = readable_reason(view, change.reason, lang)
    if change.kind in SAID_ALREADY or ending(view) is Ending.CLEARED:
        note = note_of(change.reason)
        said = say("text.note", lang, note=note) if note else ""
    lines = [text for text in (change_line(view, lang), said) if text]
    return Section(say("label.change", lang), tuple(map(Line, lines)))


def signature(view: AlertView, lang: str) -> Section:
    """Who signed, or until when who may; a stage that nobody signed says so for as long as it holds."""
    lines = () if view.ended else (*_in_force(view, lang), *_asked(view, lang))
    return Section(say("label.signature", lang), tuple(map(Line, lines)))


def _in_force(view: AlertView, lang: str) -> tuple[str, ...]:
    """About the stage of now, and about one that a person refused."""
    alert = view.alert
    lines: list[str] = []
    if unsigned(alert):
        lines.append(say("sign.timed_out" if alert.timed_out else "sign.open", lang))
    elif alert.stage >= Stage.ALERT:
        at = f" ({korean_time(alert.signed_off_at)})" if alert.signed_off_at else ""
        lines.append(one_line(alert.signed_off_by or "", 60) + at)
    if alert.refused:
        who = one_line(alert.refused_by or "", 60) or say("text.unknown", lang)
        stage = stage_word(alert.refused, lang)
        lines.append(say("sign.refused", lang, stage=stage, name=who))
    return tuple(lines)


def _asked(view: AlertView, lang: str) -> tuple[str, ...]:
    """About a stage that waits: until when, what then, by whom and how."""
    alert = view.alert
    if alert.proposed is None:
        return ()
    stage, now = stage_word(alert.proposed, lang), stage_word(alert.stage, lang)
    if alert.sign_by:
        # 경계 waits below 심각, with a clock of its own that may run out first.
        both = alert.proposed is Stage.SEVERE and alert.stage < Stage.ALERT
        key = "sign.until_both" if both and alert.refused is not Stage.ALERT else "sign.until"
        until = say(key, lang, stage=stage, now=now, time=korean_time(alert.sign_by))
    else:
        until = say("sign.waits", lang, stage=stage, now=now)
    who = some(view.signers, NAMES_SHOWN, lang) or say("sign.anybody", lang)
    return until, say("sign.who", lang, names=who), say("sign.how", lang, id=alert.id)


def holder(view: AlertView, lang: str) -> Section:
    """Who has taken it and since when; from 주의 on, that nobody has."""
    alert = view.alert
    label = say("label.holder", lang)
    if view.ended:
        return Section(label)
    if not alert.holder:
        text = say("text.no_holder", lang, id=alert.id)
        return Section(label, (Line(text),) if alert.stage >= Stage.CAUTION else ())
    name = one_line(alert.holder, 60)
    seen = (
        alert.takers.get(alert.holder, 0) > 0 or not alert.takers
    )  # who was given it may not have
    if alert.acknowledged_at and seen:
        name = say("text.holder", lang, name=name, time=korean_time(alert.acknowledged_at))
    others = [one for one, at in alert.takers.items() if at and one != alert.holder]
    if others:
        also = say("text.also_took", lang, names=some(others, NAMES_SHOWN, lang))
        return Section(label, (Line(name), Line(also)))
    return Section(label, (Line(name),))


def called(view: AlertView, lang: str) -> Section:
    """Persons called by name, and what is asked of them."""
    if not view.mentions:
        return Section(say("label.called", lang))
    names = some(view.mentions, NAMES_SHOWN, lang)
    text = say("text.called", lang, names=names, id=view.alert.id)
    return Section(say("label.called", lang), (Line(text),))


def blind(view: AlertView, lang: str) -> Section:
    """What cannot be seen: of this alert, and of the sources it hangs on."""
    since = view.alert.blind_since
    if view.kind is ChangeKind.BLIND and since is None and view.change:
        since = view.change.at
    lines = [Line(say("text.blind_since", lang, time=korean_time(since)))] if since else []
    if view.blind:
        key = "text.blind_names" if since else "text.blind_line"
        lines.append(Line(say(key, lang, names=some(view.blind, 5, lang))))
    return Section(say("label.blind", lang), tuple(lines))


def planned(view: AlertView, lang: str) -> Section:
    """Planned events that may explain it: told beside it, never instead of it."""
    lines = [
        say(
            "text.planned",
            lang,
            title=one_line(plan.title or plan.reason, 120),
            start=korean_time(plan.starts_at),
            end=korean_time(plan.ends_at),
            by=one_line(plan.by, 60),
        )
        for plan in view.planned[:3]
    ]
    if left := len(view.planned) - len(lines):
        lines.append(say("text.and_more", lang, n=left))
    return Section(say("label.planned", lang), tuple(map(Line, lines)))


def closing(view: AlertView, lang: str) -> Section:
    """Decision and outcome, when somebody wrote them down."""
    said = view.kind is ChangeKind.CLOSED or not view.closed.strip()
    text = "" if said else readable_reason(view, view.closed, lang)
    return Section(say("label.closing", lang), (Line(text),) if text else ())


def action(view: AlertView, lang: str) -> Section:
    """What the stage, or the end, asks of the reader."""
    label = say("label.action", lang)
    if end := ending(view):
        noted = end is not Ending.RETRACTED and (view.closed or view.kind is ChangeKind.CLOSED)
        key = "action.DONE" if noted else f"action.{end.name}"
        if end is Ending.RETRACTED and view.alert.mistake == "duplicate":
            key = "action.DUPLICATE"
        return Section(label, (Line(say(key, lang)),))
    stage = view.alert.stage
    text = f"{stage_word(stage, lang)} — {say(f'action.{stage.name}', lang)}"
    if unsigned(view.alert):
        text += f" {say('sign.needed', lang)}"
    lines = [Line(text)]
    if view.kind is ChangeKind.PROPOSED and view.alert.proposed:
        asked = view.alert.proposed
        need = say(f"action.{asked.name}", lang)
        lines.append(Line(say("text.if_signed", lang, stage=stage_word(asked, lang), action=need)))
    return Section(label, tuple(lines))


def history(view: AlertView, lang: str) -> Section:
    """For an end: when it began, how high it went, when it ended and by whom."""
    alert, end = view.alert, ending(view)
    if end is None:
        return Section(say("label.history", lang))
    ended = alert.resolved_at or alert.updated_at
    line = say(
        "text.history_line",
        lang,
        raised=korean_time(alert.raised_at),
        resolved=korean_time(ended),
        max=stage_word(alert.max_stage, lang),
    )
    lines = [Line(line)]
    if alert.max_stage >= Stage.ALERT and alert.timed_out:
        lines.append(Line(say("sign.timed_out", lang)))
    return Section(say("label.history", lang), tuple(lines))


def correction(view: AlertView, lang: str) -> Section:
    """For what was never so: who says so, and what had been told to whom."""
    label = say("label.correction", lang)
    if ending(view) is not Ending.RETRACTED:
        return Section(label)
    alert, change = view.alert, view.change
    lines = []
    if change is not None:
        who = one_line(change.by, 60) or say("text.by_rules", lang)
        lines.append(Line(say("text.judged", lang, who=who, time=korean_time(change.at))))
    told = some(view.told, 10, lang) if view.told else say("text.you_alone", lang)
    before = say(
        "text.told_before",
        lang,
        raised=korean_time(alert.raised_at),
        max=stage_word(alert.max_stage, lang),
        told=told,
    )
    return Section(label, (*lines, Line(before)))


def explain(view: AlertView, lang: str) -> Section:
    """Where every reason is: the alert's page, and the command that needs no page."""
    link = safe_link(view.link)
    lines = [Line(say("text.explain_line", lang, id=view.alert.id))]
    if link:
        lines.append(Line(say("text.why_link", lang), link))
    return Section(say("label.explain", lang), tuple(lines), minor=True)
