"""Firms that matter to supply, from a hand-made gazetteer (`nlp/data/firms.csv`).

A firm gives only itself: its home country is no mention, as a brand does not say where goods are
hit (labelling guide, section 6).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from ews.model import Mention, MentionKind
from nlp import matcher
from nlp.matcher import Matcher, Prepared, Rule

CONFIDENCE = 0.9


@dataclass(frozen=True, slots=True)
class Firm:
    """A firm of the gazetteer. `items` are ids of graph/data/items.csv that it makes or moves."""

    slug: str
    name: str  # English
    ko: str
    country: str  # ISO2 of its seat
    items: tuple[str, ...]


@cache
def firms() -> dict[str, Firm]:
    """Every firm by its slug."""
    return {
        row["firm"]: Firm(
            slug=row["firm"],
            name=matcher.split_names(row["en"])[0],
            ko=next(iter(matcher.split_names(row["ko"])), ""),
            country=row["country"],
            items=tuple(item for item in row["items"].split(";") if item),
        )
        for row in matcher.table("firms.csv")
        if row["firm"]
    }


@cache
def _names() -> Matcher[tuple[str, Rule]]:
    pairs: list[tuple[str, tuple[str, Rule]]] = []
    for row in matcher.table("firms.csv"):
        near = re.compile(row["near"]) if row["near"] else None
        for lang in ("en", "ko", "zh", "ja"):
            rule = Rule(near=near, cased=bool(row["cased"]) and lang == "en")
            pairs += [(name, (row["firm"], rule)) for name in matcher.split_names(row[lang])]
    return Matcher.build(pairs)


def find_firms(title: str, text: str, lang: str = "") -> list[Mention]:
    """Firms in `title + "\\n" + text`, in order."""
    return firms_in(matcher.prepare(title, text, lang))


def firms_in(prepared: Prepared) -> list[Mention]:
    """The same for a text made ready by `matcher.prepare`."""
    mentions: list[Mention] = []
    for hit in _names().scan(prepared):
        slug = next(
            (slug for slug, rule in hit.values if rule.holds(prepared, hit.start, hit.end)), None
        )
        if slug:  # "" is a phrase that names no firm, as a president or a ball club
            mentions.append(
                Mention(
                    kind=MentionKind.FIRM,
                    code=slug,
                    confidence=CONFIDENCE,
                    start=hit.start,
                    end=hit.end,
                    text=prepared.text[hit.start : hit.end],
                    in_title=hit.start < prepared.title_end,
                )
            )
    return mentions
