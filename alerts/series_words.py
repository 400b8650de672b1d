"""How does a departure of a series read? Its title, `<series> <move> (<period>)`, in words.

Numbers have no headline of a newsroom: `ews.detectors.fusion_evidence.title` writes a line that a
program can read, and everything that is shown to a person goes through here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from alerts.measures import SERIES, figures_alone
from alerts.plain import one_line
from alerts.view import KST, Names
from alerts.words import phrases, say
from ews.model import Event

TITLE = re.compile(
    r"(?P<provider>[^/\s]+)/(?P<measure>[^/\s]+)/(?P<place>[^/\s]+)/(?P<item>[^/\s]+)"
    r"(?: (?P<move>[+-]\d+(?:\.\d+)?%?) \((?P<period>\d{4}-\d{2}(?:-\d{2})?)\))?"
)
WORLD = {"WLD", "-"}
NAMED = 2  # items of a shared code that are named
FIGURES = 3  # series that are named beside a text
ENOUGH = 0.8  # power below which calm figures say nothing (ews.detectors.fusion_update)


def series_title(title: str, names: Names, lang: str, items: Sequence[str] = ()) -> str:
    """The title in words; one that no series wrote comes back as it is.

    `items` are those of the event: a series knows its goods by their HS code only.
    """
    found = TITLE.fullmatch(title.strip())
    if found is None or f"series.{found['measure']}" not in phrases():
        return title
    what = " ".join(
        filter(None, (_place(found, names, lang), _item(found["item"], names, lang, items)))
    )
    measure = say(f"series.{found['measure']}", lang, by=provider_name(found["provider"], lang))
    subject = say("series.subject", lang, what=what, measure=measure).strip(" :")
    if found["move"] is None:
        return subject
    return say("series.moved", lang, subject=subject, move=found["move"],
               period=found["period"])  # fmt: skip


def figures_told(event: Event, names: Names, lang: str) -> list[str]:
    """The newest figure of each series beside a text: what, whose, how far off, published when."""
    if figures_alone(event):
        return []  # they are the headline
    newest: dict[str, str] = {}
    for one in sorted(event.evidence, key=lambda e: e.available_at, reverse=True):
        if f"{SERIES}{one.signal_id}" in event.links and one.signal_id not in newest:
            published = one.available_at.astimezone(KST).date().isoformat()
            known = say("picture.known", lang, date=published)
            newest[one.signal_id] = f"{series_title(one.title, names, lang)} · {known}"
    return list(newest.values())[:FIGURES]


def numbers_said(event: Event, lang: str) -> list[str]:
    """What the figures say of the event, one sentence each; nothing where no figure spoke."""
    facts = event.facts
    said = [say(f"numbers.{key}", lang)
            for key in ("synthetic", "fulfilled", "refuted", "recovered", "taken_back") if key in facts]  # fmt: skip
    if figures_alone(event):
        said.append(say("numbers.alone", lang))
    for key in (
        *(["surge"] if "drop" not in facts else []),
        "drop",
        *(["rise"] if event.type == "price_shock" else []),
    ):
        if key in facts:
            said.append(say(f"numbers.{key}", lang, share=f"{abs(facts[key]):.0%}"))
    if facts.get("shared", 1) > 1:
        said.append(say("numbers.shared", lang, n=int(facts["shared"])))
    if facts.get("power", 1.0) < ENOUGH and "refuted" not in facts and "fulfilled" not in facts:
        said.append(say("numbers.weak", lang))
    if "text" in facts and round(facts["text"], 2) != round(event.probability, 2):
        now, text = f"{event.probability:.0%}", f"{facts['text']:.0%}"
        said.append(say("numbers.text", lang, text=text, now=now))
    return said


def provider_name(name: str, lang: str) -> str:
    """Who publishes a series; any other name comes back as it is."""
    key = f"provider.{name}"
    return say(key, lang) if key in phrases() else name


def _place(found: re.Match[str], names: Names, lang: str) -> str:
    place, measure = found["place"], found["measure"]
    if measure.startswith(("import-", "export-")) or measure == "gap":
        sides = place.split("-")
        if len(sides) == 2:
            return "→".join(_country(side, names, lang) for side in sides)
    if place in WORLD:
        return ""
    if measure.startswith("port-"):
        return one_line(names.port(place, lang), 60)
    if len(place) in (2, 3) and place.isupper():
        return _country(place, names, lang)
    return one_line(names.chokepoint(place, lang), 60)


def _country(code: str, names: Names, lang: str) -> str:
    return say("series.world", lang) if code in WORLD else one_line(names.country(code, lang), 60)


def _item(code: str, names: Names, lang: str, items: Sequence[str]) -> str:
    """The item's name; of a code that several items share, the code with the first of them."""
    if code == "-":
        return ""
    own = names.item(code, lang)
    if not items or (own != code and not code.isdigit()):
        return one_line(own if own != code else f"HS {code}" if code.isdigit() else code, 60)
    known = [one_line(names.item(one, lang), 60) for one in items]
    if len(known) == 1:
        return known[0]
    more = f" +{len(known) - NAMED}" if len(known) > NAMED else ""
    return f"HS {code} ({', '.join(known[:NAMED])}{more})"
