"""Products that a text names, linked to the item ids of graph/data/items.csv.

Names and the contexts that ambiguous ones need are data (`item_aliases.csv`, `item_rules.toml`).
A product is a `hit` when the text speaks of its supply, trade, price or production near the name;
else it is a `comment` (a firm's field of work, an adjective) with less confidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from ews.model import Mention, MentionKind
from nlp import matcher
from nlp.matcher import ALWAYS, Hit, Matcher, Prepared, Rule

GENERAL = "hs:"  # code of a good that the item list lacks: its HS heading, hs:2201
COMMENT_SHARE = 0.5  # of the confidence, when nothing near speaks of supply
_NEAR = 90  # characters either side in which a supply word makes a product a hit
_SHORT = 140  # a text this short is about what it names: search all of it


@dataclass(frozen=True, slots=True)
class _Alias:
    code: str  # "" for a phrase that names no product
    confidence: float
    lang: str  # the language of the name; "" any
    rule: Rule = ALWAYS


@cache
def _aliases() -> Matcher[_Alias]:
    contexts = matcher.rules("item_rules.toml")
    pairs: list[tuple[str, _Alias]] = []
    for row in matcher.table("item_aliases.csv"):
        rule = contexts[row["rule"]] if row["rule"] else ALWAYS
        for code, confidence in _codes(row["items"], float(row["confidence"])):
            for lang in ("en", "ko", "zh", "ja"):
                alias = _Alias(code, confidence, lang, rule)
                for name in matcher.split_names(row[lang]):
                    forms = _with_plural(name) if lang == "en" else (name,)
                    pairs += [(form, alias) for form in forms]
    blocks = matcher.settings("item_rules.toml")["blocks"]
    assert isinstance(blocks, list)
    pairs += [(str(phrase), _Alias("", 0.0, "")) for phrase in blocks]
    return Matcher.build(pairs)


def _codes(cell: str, confidence: float) -> Iterator[tuple[str, float]]:
    """`a;b@0.7`: code a with the row's confidence, b with its own."""
    for part in cell.split(";"):
        code, _, own = part.partition("@")
        yield code, float(own) if own else confidence


def _with_plural(name: str) -> tuple[str, ...]:
    if name.endswith(("s", "x", "ch", "um", "+", "ese", "ium")) or name[-1:].isupper():
        return (name,)
    return (name, f"{name[:-1]}ies" if name.endswith(("ry", "ty")) else f"{name}s")


@cache
def _words(key: str) -> re.Pattern[str]:
    return re.compile(str(matcher.settings("item_rules.toml")[key]))


def find_items(title: str, text: str, lang: str = "") -> list[Mention]:
    """Products in `title + "\\n" + text`, in order; a group name gives several codes."""
    return items_in(matcher.prepare(title, text, lang))


def items_in(prepared: Prepared) -> list[Mention]:
    """The same for a text made ready by `matcher.prepare`."""
    mentions: list[Mention] = []
    for hit in _aliases().scan(prepared):
        best: dict[str, float] = {}
        for alias in hit.values:
            if alias.confidence > best.get(alias.code, 0.0) and _holds(alias, hit, prepared):
                best[alias.code] = alias.confidence
        if not best:
            continue
        supplied = speaks_of_supply(hit.start, hit.end, prepared)
        for code, confidence in best.items():
            mentions.append(
                Mention(
                    kind=MentionKind.ITEM,
                    code=code,
                    confidence=round(confidence if supplied else confidence * COMMENT_SHARE, 3),
                    start=hit.start,
                    end=hit.end,
                    text=prepared.text[hit.start : hit.end],
                    role="hit" if supplied else "comment",
                    in_title=hit.start < prepared.title_end,
                )
            )
    return mentions


def _holds(alias: _Alias, hit: Hit[_Alias], prepared: Prepared) -> bool:
    if not alias.code or (alias.lang not in {"", "en"} and alias.lang != prepared.lang):
        return False
    return alias.rule is ALWAYS or alias.rule.holds(prepared, hit.start, hit.end)


def speaks_of_supply(start: int, end: int, prepared: Prepared) -> bool:
    """Whether a word of supply, trade, price or production stands near start..end."""
    return _stands_near("supply", start, end, prepared)


def speaks_of_plants(start: int, end: int, prepared: Prepared) -> bool:
    """Whether a word of plants, strikes, stops or recalls stands near a maker at start..end."""
    return _stands_near("maker", start, end, prepared)


def _stands_near(key: str, start: int, end: int, prepared: Prepared) -> bool:
    folded = prepared.folded
    if len(folded) <= _SHORT:
        return _words(key).search(folded) is not None
    return _words(key).search(folded, max(0, start - _NEAR), end + _NEAR) is not None
