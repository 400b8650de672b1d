"""What does the info block of a CAP message say? Our stages, doubts and places in CAP's words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from alerts.facts import Codes, alert_link, many_lines
from alerts.headlines import ending, subject, tag
from alerts.plain import one_line, safe_link
from alerts.reasons import readable_measure, stage_word
from alerts.sections import chance_of, first_steps, happened, percent, probability_words
from alerts.view import AlertView, Section
from alerts.words import say
from ews.model import Ending, EventStatus, Phase, Stage

Pairs = Sequence[tuple[str, str]]
LANGUAGES = {"ko": "ko-KR", "en": "en-US"}
HEADLINE = 160  # CAP 1.2, 3.2.2: some systems show no more

# What each stage asks for (docs/stages.md), as CAP asks it.
URGENCY = {
    Stage.WATCH: "Future",
    Stage.CAUTION: "Future",
    Stage.ALERT: "Expected",
    Stage.SEVERE: "Immediate",
}
RESPONSE = {
    Stage.WATCH: "Monitor",
    Stage.CAUTION: "Assess",
    Stage.ALERT: "Prepare",
    Stage.SEVERE: "Execute",
}
ENDED = {Ending.QUIET: "Monitor", Ending.RETRACTED: "None"}
SEVERITY = ((2.5, "Extreme"), (1.5, "Severe"), (0.75, "Moderate"), (0.0, "Minor"))  # of 0..3
CATEGORY = {
    "armed_conflict_or_unrest": ("Security",),
    "sanctions": ("Security",),
    "natural_disaster": ("Geo", "Met"),
    "epidemic": ("Health",),
    "industrial_accident": ("Safety",),
    "quality_or_recall": ("Safety",),
    "cyber_attack": ("Infra", "Security"),
    "logistics_disruption": ("Transport",),
    "energy_outage": ("Infra",),
}


@dataclass(frozen=True, slots=True)
class Area:
    name: str
    geocodes: Pairs
    point: tuple[float, float] | None = None


def categories(type_: str) -> tuple[str, ...]:
    """Trade measures, markets and firms have no category of their own in CAP."""
    return CATEGORY.get(type_, ("Other",))


def urgency(view: AlertView) -> str:
    """By when somebody must act: by the stage; Past for what is over, Unknown where only the
    evidence ended."""
    if end := ending(view):
        return "Unknown" if end is Ending.QUIET else "Past"
    return URGENCY[view.alert.stage]


def response(view: AlertView) -> str:
    """What the stage asks for; of what ended, AllClear only where somebody or the facts say so."""
    if end := ending(view):
        return ENDED.get(end, "AllClear")
    return RESPONSE[view.alert.stage]


def severity(expected: float) -> str:
    """CAP's word for the event's expected severity, 0..3.

    >>> severity(1.9), severity(0.2)
    ('Severe', 'Minor')
    """
    return next(word for bound, word in SEVERITY if expected >= bound)


def certainty(view: AlertView) -> str:
    """Observed: it happens, and its own authority, a detector's data or an analyst says so.
    Likely above 50 %, Possible down to 5 %, Unlikely below and for what was retracted."""
    event = view.event
    if ending(view) is Ending.RETRACTED and view.alert.mistake != "duplicate":
        return "Unlikely"
    sure = event.authority or event.status is EventStatus.CONFIRMED
    if sure and event.phase is not Phase.THREAT and event.probability > 0.5:
        return "Observed"
    if event.probability > 0.5:
        return "Likely"
    return "Possible" if event.probability >= 0.05 else "Unlikely"


def sources(view: AlertView) -> int:
    """Independence groups behind the alert, over all its events."""
    return max(view.alert.independent_sources, view.event.independent_sources)


def sender_name(lang: str) -> str:
    return say("cap.sender", lang)


def headline(view: AlertView, lang: str) -> str:
    """`[주의] 중국 · 요소 · 수출 제한`; beside the stage that it is blind or unsigned, or in its
    place how it ended."""
    return one_line(f"[{tag(view, lang)}] {subject(view.alert, view.names, lang)}", HEADLINE)


def description(view: AlertView, codes: Codes, lang: str) -> str:
    """What happened, how sure it is, what it touches, why this stage."""
    event = view.event
    sure = say(
        "cap.sure",
        lang,
        words=probability_words(chance_of(view), lang),
        percent=percent(chance_of(view)),
        n=sources(view),
        phase=say(f"phase.{event.phase.value}", lang),
    )
    lines = [*_lines(happened(view, lang)), sure]
    lines += [
        f"{say(f'cap.{key}', lang)}: {', '.join(words)}"
        for key, words in _touched(view, codes, lang)
    ]
    lines += [readable_measure(reason, lang) for reason in view.alert.reasons]
    return many_lines("\n".join(lines), 6_000)


def _touched(view: AlertView, codes: Codes, lang: str) -> list[tuple[str, list[str]]]:
    alert, names = view.alert, view.names
    items = []
    for code in alert.items:
        hs = ", ".join(codes.hs.get(code, ()))
        items.append(names.item(code, lang) + (f" (HS {hs})" if hs else ""))
    rows = [
        ("items", items),
        ("unlisted", [names.item(code, lang) for code in alert.unlisted]),
        ("ministries", [names.ministry(code, lang) for code in alert.ministries]),
        ("industries", [names.industry(code, lang) for code in alert.industries]),
    ]
    return [(key, words) for key, words in rows if words]


def instruction(view: AlertView, lang: str) -> str:
    """What the stage asks for, and the first steps of the playbook; for an end, what it means."""
    if end := ending(view):
        twice = end is Ending.RETRACTED and view.alert.mistake == "duplicate"
        return say("cap.duplicate" if twice else f"cap.{end.value}", lang)
    stage = view.alert.stage
    lines = [f"{stage_word(stage, lang)} — {say(f'action.{stage.name}', lang)}"]
    return many_lines("\n".join([*lines, *_lines(first_steps(view, lang))]), 4_000)


def web(alert_id: str, public_url: str) -> str:
    return safe_link(alert_link(public_url, alert_id))


def parameters(view: AlertView, codes: Codes) -> Pairs:
    """Every fact a machine may want. No person's name and no firm: the message is public."""
    alert, event = view.alert, view.event
    return [
        ("ews:alert", alert.id),
        ("ews:revision", str(alert.revision)),
        ("ews:change", view.kind.value),
        ("ews:stage", alert.stage.en),
        ("ews:stage-ko", alert.stage.ko),
        ("ews:stage-signed", _signed(view)),
        *(("ews:ending", one.value) for one in [alert.ending] if one),
        *(
            ("ews:blind-since", one.replace(microsecond=0).isoformat())
            for one in [alert.blind_since]
            if one
        ),
        *(("ews:item", code) for code in alert.items),
        *(("ews:item-without-listed-use", code) for code in alert.unlisted),
        *(("HS", hs) for hs in dict.fromkeys(h for c in alert.items for h in codes.hs.get(c, ()))),
        *(("ews:ministry", code) for code in alert.ministries),
        *(("KSIC", code) for code in alert.industries),
        ("ews:probability", f"{event.probability:.4f}"),
        *(("ews:chance", f"{one:.4f}") for one in [alert.chance] if one is not None),
        ("ews:severity", f"{event.severity:.3f}"),
        ("ews:phase", event.phase.value),
        ("ews:independent-sources", str(sources(view))),
        ("ews:rule", alert.rule),
        ("ews:ruleset", str(alert.ruleset)),
    ]


def _signed(view: AlertView) -> str:
    """Whether a person answers for the stage; not who."""
    if view.alert.stage < Stage.ALERT:
        return "not-asked"
    if view.alert.signed_off_by:
        return "signed"
    return "timed-out" if view.alert.timed_out else "open"


def areas(view: AlertView, codes: Codes, lang: str) -> list[Area]:
    """Korea, whose supply it is about, then where it happens."""
    alert, names = view.alert, view.names
    found = [Area(say("cap.korea", lang), [("ISO3166-1", "KR")])]
    found += [
        Area(one_line(names.country(code, lang), 100), [("ISO3166-1", code)])
        for code in dict.fromkeys(alert.countries)
        if code != "KR" and re.fullmatch("[A-Z]{2}", code)
    ]
    for code in dict.fromkeys(alert.ports):
        locode = codes.locodes.get(code)
        known = [("UN/LOCODE", locode)] if locode else [("ews:port", code)]
        found.append(Area(one_line(names.port(code, lang), 100), known, codes.points.get(code)))
    for code in dict.fromkeys(alert.chokepoints):
        name = one_line(names.chokepoint(code, lang), 100)
        found.append(Area(name, [("ews:chokepoint", code)], codes.points.get(code)))
    return found


def _lines(section: Section) -> list[str]:
    return [part for line in section.lines for part in (line.text, line.link) if part]
