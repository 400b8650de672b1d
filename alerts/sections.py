"""What does each part of a message say? One function per question a reader asks."""

from __future__ import annotations

import re
from itertools import islice

from alerts.headlines import headline, is_single, subject
from alerts.plain import one_line, safe_link
from alerts.playbooks import PlaybookError, playbook, stage_playbook
from alerts.reasons import name_code, readable_measure, readable_reason, some, stage_word
from alerts.series_words import figures_told, numbers_said, provider_name, series_title
from alerts.view import KST, AlertView, Line, Names, Section, both_clocks
from alerts.words import say
from ews.model import Event, Evidence, Stage

__all__ = [
    "because",
    "chance_of",
    "first_steps",
    "happened",
    "headline",
    "how_sure",
    "joined",
    "percent",
    "probability_words",
    "readable_measure",
    "readable_reason",
    "some",
    "stage_word",
    "subject",
    "told",
    "why_stage",
]

# A code stands alone in its place of the list; the same word inside a name or a use is no code.
CODE = re.compile(r"(?:^|(?<=[:←,·] ))[A-Za-z0-9-]+(?=$|,| ←| ·| \()")
STEPS_SHOWN = 3
STAGE_STEPS_SHOWN = 2
REASONS_SHOWN = 6
JOINED_SHOWN = 3
# Lower bounds of words for a probability, as intelligence estimates use them (ICD 203).
PROBABILITY_WORDS = (
    (0.95, "almost_certain"),
    (0.80, "very_likely"),
    (0.55, "likely"),
    (0.45, "even"),
    (0.20, "unlikely"),
    (0.0, "very_unlikely"),
)


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


def lead_evidence(event: Event, lang: str) -> Evidence | None:
    """The evidence to quote: an early one in the reader's language with a link, else the one that
    gave the event its title, else the first with a link."""
    evidence = event.evidence
    linked = list(islice((e for e in evidence if safe_link(e.url)), 6))
    own = [e for e in linked if e.title and e.lang == lang]
    titled = [e for e in evidence if e.title and e.title == event.title]
    return next(iter([*own, *titled, *linked, *evidence]), None)


def _quoted(event: Event, fallback: str, names: Names, lang: str) -> tuple[str, Line]:
    """Title of what happened; who said it, when in Korea's time and UTC, with its link."""
    quoted = lead_evidence(event, lang)
    told = quoted.title if quoted and quoted.lang == lang else ""
    told_alone = not any(link.startswith("story:") for link in event.links)
    items = (
        event.items if told_alone or len(event.items) == 1 else ()
    )  # of the series, not the text
    written = series_title(told or event.title or fallback, names, lang, items)
    title = one_line(written) or say("text.unknown", lang)
    outlet = provider_name(one_line(quoted.outlet, 80), lang) if quoted else ""
    moment = event.first_seen
    if quoted is not None:
        moment = quoted.observed_at or quoted.available_at
    kst, utc = both_clocks(moment)
    time = say("text.time", lang, kst=kst, utc=utc)
    if quoted is not None and f"series:{quoted.signal_id}" in event.links:
        # the period stands in the title; what is asked here is since when it could be known
        published = quoted.available_at.astimezone(KST).date().isoformat()
        time = say("picture.known", lang, date=published)
    said = say("text.source_line", lang, outlet=outlet or say("text.unknown", lang), time=time)
    return title, Line(said, safe_link(quoted.url) if quoted else "")


def happened(view: AlertView, lang: str) -> Section:
    """Title, outlet, link, and when it was said."""
    title, said = _quoted(view.event, view.alert.title, view.names, lang)
    lines = [Line(title), said]
    others = len(view.event.evidence) - 1
    if others > 0:
        lines.append(Line(say("text.more_sources", lang, n=others)))
    lines += [Line(one_line(said)) for said in figures_told(view.event, view.names, lang)]
    lines += [Line(said) for said in numbers_said(view.event, lang)]
    return Section(say("label.happened", lang), tuple(lines))


def title_of(view: AlertView, lang: str) -> str:
    return _quoted(view.event, view.alert.title, view.names, lang)[0]


def joined(view: AlertView, lang: str) -> Section:
    """Further events taken in as the same happening: what each adds, newest first."""
    label = say("label.joined", lang)
    newest = sorted(view.joined, key=lambda event: event.first_seen, reverse=True)
    lines = []
    for event in newest[:JOINED_SHOWN]:
        title, said = _quoted(event, "", view.names, lang)
        codes = dict.fromkeys((*event.items, *event.countries, *event.chokepoints, *event.ports))
        what = some([name_code(view, code, lang) for code in codes], 6, lang)
        told = f"{one_line(title, 160)} ({what})" if what else one_line(title, 160)
        lines.append(Line(f"{told} · {said.text}", said.link))
    if left := len(newest) - len(lines):
        lines.append(Line(say("text.more_joined", lang, n=left)))
    return Section(label, tuple(lines))


def chance_of(view: AlertView) -> float:
    """The probability that is sent: that the alert is right; an alert of an older version has that
    of its event."""
    return view.event.probability if view.alert.chance is None else view.alert.chance


def how_sure(view: AlertView, lang: str) -> Section:
    """Probability in words, independent sources (copies count once), phase, severity, model."""
    event = view.event
    count, shown = view.independent_sources, len(view.evidence)
    chance = chance_of(view)
    sure = say(
        "text.sure_line",
        lang,
        words=probability_words(chance, lang),
        percent=percent(chance),
        n=count,
        s="" if count == 1 else "s",
        copies=say("text.copies", lang, n=shown) if shown > count else "",
        single=f" ({say('text.single_source', lang)})" if is_single(view) else "",
        phase=say(f"phase.{event.phase.value}", lang),
    )
    fallback = say("text.fallback_model", lang) if event.model.startswith("lexicon") else ""
    model = say(
        "text.model_line",
        lang,
        severity=f"{event.severity:.1f}",
        percent=percent(event.probability),
        status=say(f"status.{event.status.value}", lang),
        model=one_line(event.model or event.detector, 60) + fallback,
        authority=say("text.authority", lang) if view.authority else "",
    )
    return Section(say("label.sure", lang), (Line(sure), Line(model)))


def first_steps(view: AlertView, lang: str) -> Section:
    """What the stage asks, then the top of the playbook of the alert's type. A type without one
    says so and still goes out."""
    stage = view.alert.proposed or view.alert.stage
    steps = list(stage_playbook(stage, lang)[:STAGE_STEPS_SHOWN])
    try:
        steps += playbook(view.alert.type, lang)[:STEPS_SHOWN]
        missing = ""
    except PlaybookError:
        missing = say("text.no_playbook", lang)
    lines = [Line(f"{n}. {step}") for n, step in enumerate(steps, start=1)]
    if missing:
        lines.append(Line(missing))
    return Section(say("label.first", lang), tuple(lines))


def why_stage(view: AlertView, lang: str) -> Section:
    """Rule, rule set and measures; from 경계 on that this is no alarm by law."""
    alert = view.alert
    rule = say("text.rule_line", lang, rule=one_line(alert.rule, 80), ruleset=alert.ruleset)
    lines = [Line(rule)]
    if alert.reasons:
        reasons = [readable_measure(reason, lang) for reason in alert.reasons]
        shown = " · ".join(reasons[:REASONS_SHOWN])
        left = len(reasons) - REASONS_SHOWN
        lines.append(Line(shown if left <= 0 else f"{shown} {say('text.and_more', lang, n=left)}"))
    if (alert.proposed or alert.stage) >= Stage.ALERT:
        lines.append(Line(say("text.not_legal", lang)))
    return Section(say("label.why", lang), tuple(lines), minor=True)


def told(view: AlertView, lang: str) -> Section:
    names = some(view.told, 10, lang) if view.told else say("text.told_nobody", lang)
    return Section(say("label.told", lang), (Line(names),), minor=True)


def because(view: AlertView, lang: str) -> Section:
    words = CODE.sub(lambda m: name_code(view, m[0], lang), one_line(view.because, 500))
    lines = (Line(one_line(words, 600)),) if words else ()
    return Section(say("label.because", lang), lines, minor=True)
