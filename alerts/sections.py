"""What does each part of a message say? One function per question a reader asks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from alerts.plain import one_line, safe_link
from alerts.playbooks import PlaybookError, playbook
from alerts.view import AlertView, Line, Section, both_clocks
from alerts.words import phrases, say
from ews.model import AlertState, ChangeKind, Evidence, Stage

CODE = re.compile(r"[A-Za-z0-9-]+")
THRESHOLDS = re.compile(r"\(raise (\S+), clear \S+\)")
QUIET = re.compile(r"no new evidence for (\d+) days")  # alerts/rules.py, expire
FIXED_REASONS = {
    "eased": "eased",
    "below every clear_at": "below",
    "new facts after the end": "after_end",
}
STEPS_SHOWN = 3
REASONS_SHOWN = 6
# Lower bounds of words for a probability, as intelligence estimates use them (ICD 203).
PROBABILITY_WORDS = (
    (0.95, "almost_certain"),
    (0.80, "very_likely"),
    (0.55, "likely"),
    (0.45, "even"),
    (0.20, "unlikely"),
    (0.0, "very_unlikely"),
)


def stage_word(stage: Stage, lang: str) -> str:
    return say(f"stage.{stage.name}", lang)


def percent(share: float) -> str:
    """A share 0..1 as a percentage a person would write.

    >>> percent(0.976), percent(1.0), percent(0.004), percent(0.0)
    ('97.6 %', '100 %', '0.4 %', '0 %')
    """
    value = round(share * 100, 1)
    return f"{value:.0f} %" if value == round(value) else f"{value:.1f} %"


def probability_words(probability: float, lang: str) -> str:
    """The probability in words. Outside 0..1 it is a ValueError: a defect, never a shade."""
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"probability {probability} is outside 0..1; fix the event that has it")
    word = next(word for bound, word in PROBABILITY_WORDS if probability >= bound)
    return say(f"probability.{word}", lang)


def some(names: Sequence[str], limit: int, lang: str) -> str:
    """Up to `limit` names and how many more there are."""
    shown = ", ".join(one_line(name, 60) for name in names[:limit])
    left = len(names) - limit
    return shown if left <= 0 else f"{shown} {say('text.and_more', lang, n=left)}"


def subject(view: AlertView, lang: str) -> str:
    """Where, what and which kind: `중국 · 요소 · 수출 제한`."""
    alert, names = view.alert, view.names
    where = [names.country(code, lang) for code in alert.countries]
    where += [names.chokepoint(code, lang) for code in alert.chokepoints]
    where += [names.port(code, lang) for code in alert.ports]
    items = [names.item(code, lang) for code in alert.items]
    parts = [some(where, 2, lang), some(items, 2, lang), names.type(alert.type, lang)]
    return " · ".join(one_line(part, 60) for part in parts if part)


def headline(view: AlertView, lang: str) -> str:
    """The first line: stage, subject, and `단일 출처` when only one source says so."""
    if view.alert.state is AlertState.RESOLVED or view.kind is ChangeKind.RESOLVED:
        tag = "text.closed_tag" if went_quiet(view) else "text.resolved_tag"
        return f"[{say(tag, lang)}] {subject(view, lang)}"
    single = f" ({say('text.single_source', lang)})" if is_single(view) else ""
    return f"[{stage_word(view.alert.stage, lang)}] {subject(view, lang)}{single}"


def went_quiet(view: AlertView) -> bool:
    """Closed because nothing new came, which is not an all-clear: nobody said that it is over."""
    return view.change is not None and bool(QUIET.fullmatch(view.change.reason))


def is_single(view: AlertView) -> bool:
    return view.event.independent_sources <= 1


def signoff(view: AlertView, lang: str) -> str:
    """`서명 전` for 경계 and 심각 until a named person signed; "" where none is asked for."""
    if view.alert.stage < Stage.ALERT:
        return ""
    if view.alert.signed_off_by:
        return say("signoff.done", lang, name=one_line(view.alert.signed_off_by, 60))
    return say("signoff.open", lang)


def action(view: AlertView, lang: str) -> Section:
    if view.kind is ChangeKind.RESOLVED:
        key = "action.QUIET" if went_quiet(view) else "action.RESOLVED"
        return Section(say("label.action", lang), (Line(say(key, lang)),))
    stage = view.alert.stage
    text = f"{stage_word(stage, lang)} — {say(f'action.{stage.name}', lang)}"
    signed = signoff(view, lang)
    lines = (Line(text), Line(signed)) if signed else (Line(text),)
    return Section(say("label.action", lang), lines)


def changed(view: AlertView, lang: str) -> Section:
    """What is different from what the reader knows, with the rule's reason."""
    change = view.change
    if change is None:
        return Section(say("label.change", lang))
    before = stage_word(change.before, lang) if change.before else "-"
    after = stage_word(view.alert.stage, lang)
    kind = "quiet" if went_quiet(view) else change.kind.value
    lines = [Line(say(f"change.{kind}", lang, before=before, after=after))]
    if change.reason.strip():
        lines.append(Line(readable_reason(view, change.reason, lang)))
    return Section(say("label.change", lang), tuple(lines))


def readable_reason(view: AlertView, reason: str, lang: str) -> str:
    """A rule's reason in the reader's language; one we do not know is shown as it is.

    A reason can hold text from outside (an analyst's words), so it is cleaned like a title.
    """
    if rule := re.fullmatch(r"rule (\S+) holds", reason):
        return say("reason.holds", lang, rule=one_line(rule[1], 80))
    if quiet := QUIET.fullmatch(reason):
        return say("reason.quiet", lang, days=quiet[1])
    if reason in FIXED_REASONS:
        return say(f"reason.{FIXED_REASONS[reason]}", lang)
    if reason.startswith("new: "):
        codes = reason.removeprefix("new: ").split(", ")
        return say(
            "reason.new", lang, what=some([name_code(view, c, lang) for c in codes], 8, lang)
        )
    return one_line(reason, 400)


def name_code(view: AlertView, code: str, lang: str) -> str:
    """The name of one of the alert's own codes; any other word comes back unchanged."""
    alert, names = view.alert, view.names
    for codes, lookup in (
        (alert.items, names.item),
        (alert.chokepoints, names.chokepoint),
        (alert.ports, names.port),
        (alert.countries, names.country),
        (alert.ministries, names.ministry),
    ):
        if code in codes:
            return lookup(code, lang)
    return code


def readable_measure(reason: str, lang: str) -> str:
    """`share=0.98 (raise 0.5, clear 0.3)` in the reader's language; anything else unchanged."""
    measure, found, rest = reason.partition("=")
    if not found or f"measure.{measure}" not in phrases():
        return one_line(reason, 120)
    value = THRESHOLDS.sub(lambda m: say("text.threshold", lang, limit=m[1]), rest)
    return f"{say(f'measure.{measure}', lang)} {one_line(value, 60)}"


def lead_evidence(view: AlertView, lang: str) -> Evidence | None:
    """The evidence to quote: an early one in the reader's language with a link, else the one that
    gave the event its title, else the first with a link."""
    evidence = view.event.evidence
    linked = [e for e in evidence if safe_link(e.url)]
    own = [e for e in linked[:6] if e.title and e.lang == lang]
    titled = [e for e in evidence if e.title and e.title == view.event.title]
    return next(iter([*own, *titled, *linked, *evidence]), None)


def happened(view: AlertView, lang: str) -> Section:
    """Title, outlet, link, and when it was said, in Korea's time and UTC."""
    quoted = lead_evidence(view, lang)
    told = quoted.title if quoted and quoted.lang == lang else ""
    title = one_line(told or view.event.title or view.alert.title) or say("text.unknown", lang)
    outlet = one_line(quoted.outlet, 80) if quoted else ""
    moment = view.event.first_seen
    if quoted is not None:
        moment = quoted.observed_at or quoted.available_at
    kst, utc = both_clocks(moment)
    said = say(
        "text.source_line",
        lang,
        outlet=outlet or say("text.unknown", lang),
        time=say("text.time", lang, kst=kst, utc=utc),
    )
    lines = [Line(title), Line(said, safe_link(quoted.url) if quoted else "")]
    others = len(view.event.evidence) - 1
    if others > 0:
        lines.append(Line(say("text.more_sources", lang, n=others)))
    return Section(say("label.happened", lang), tuple(lines))


def how_sure(view: AlertView, lang: str) -> Section:
    event = view.event
    count = event.independent_sources
    sure = say(
        "text.sure_line",
        lang,
        words=probability_words(event.probability, lang),
        percent=percent(event.probability),
        n=count,
        s="" if count == 1 else "s",
        single=f" ({say('text.single_source', lang)})" if is_single(view) else "",
        phase=say(f"phase.{event.phase.value}", lang),
    )
    fallback = say("text.fallback_model", lang) if event.model.startswith("lexicon") else ""
    model = say(
        "text.model_line",
        lang,
        severity=f"{event.severity:.1f}",
        status=say(f"status.{event.status.value}", lang),
        model=one_line(event.model or event.detector, 60) + fallback,
        authority=say("text.authority", lang) if event.authority else "",
    )
    return Section(say("label.sure", lang), (Line(sure), Line(model)))


def told(view: AlertView, lang: str) -> Section:
    names = some(view.told, 10, lang) if view.told else say("text.told_nobody", lang)
    return Section(say("label.told", lang), (Line(names),), minor=True)


def first_steps(view: AlertView, lang: str) -> Section:
    """The top of the playbook of the alert's type; a type without one says so and still goes out."""
    try:
        steps = playbook(view.alert.type, lang)[:STEPS_SHOWN]
    except PlaybookError:
        return Section(say("label.first", lang), (Line(say("text.no_playbook", lang)),))
    lines = tuple(Line(f"{n}. {step}") for n, step in enumerate(steps, start=1))
    return Section(say("label.first", lang), lines)


def why_stage(view: AlertView, lang: str) -> Section:
    alert = view.alert
    rule = say("text.rule_line", lang, rule=one_line(alert.rule, 80), ruleset=alert.ruleset)
    lines = [Line(rule)]
    if alert.reasons:
        reasons = [readable_measure(reason, lang) for reason in alert.reasons]
        shown = " · ".join(reasons[:REASONS_SHOWN])
        left = len(reasons) - REASONS_SHOWN
        lines.append(Line(shown if left <= 0 else f"{shown} {say('text.and_more', lang, n=left)}"))
    return Section(say("label.why", lang), tuple(lines), minor=True)


def because(view: AlertView, lang: str) -> Section:
    words = CODE.sub(lambda m: name_code(view, m[0], lang), one_line(view.because, 200))
    lines = (Line(words),) if words else ()
    return Section(say("label.because", lang), lines, minor=True)


def blind(view: AlertView, lang: str) -> Section:
    lines: tuple[Line, ...] = ()
    if view.blind:
        lines = (Line(say("text.blind_line", lang, names=some(view.blind, 5, lang))),)
    return Section(say("label.blind", lang), lines)


def explain(view: AlertView, lang: str) -> Section:
    line = Line(say("text.explain_line", lang, id=view.alert.id))
    return Section(say("label.explain", lang), (line,), minor=True)


def history(view: AlertView, lang: str) -> Section:
    """For an all-clear: when it began, how high it went, when it ended."""
    alert = view.alert
    ended = alert.resolved_at or alert.updated_at
    raised, cleared = both_clocks(alert.raised_at)[0], both_clocks(ended)[0]
    line = say(
        "text.history_line",
        lang,
        raised=f"{raised} KST",
        resolved=f"{cleared} KST",
        max=stage_word(alert.max_stage, lang),
    )
    return Section(say("label.history", lang), (Line(line),))
