"""Ports and chokepoints that a text names.

A city is a port only where the text speaks of its port ("port of X", "X harbour") or of port work.
Aliases are data: `chokepoint_aliases.csv`, `port_aliases.csv`, `port_groups.csv`; contexts are in
`route_rules.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from ews.model import Mention, MentionKind
from nlp import matcher
from nlp.matcher import ALWAYS, Hit, Matcher, Prepared, Rule

NAMED_PORT = 0.95  # "port of X", "X port", X항
PORT_CONTEXT = 0.7  # a port city in a text on dock work

_BEFORE = re.compile(
    r"\b(?:ports? (?:of|in|at)|harbou?rs? (?:of|in|at)|docks? (?:of|at|in)|terminals? (?:at|in)|berths? at) "
    r"(?:[\w ]{3,20}, ){0,4}(?:\w+,? (?:and|&) )?(?:and )?$"
)
# "A cargo ship that departed Miami": a ship's city is its port.
_SAILED = re.compile(
    r"\b(?:ships?|vessels?|tankers?|freighters?|ferr(?:y|ies)|liner|cargo)\b[^.\n]{0,60}"
    r"\b(?:departed|left|leav\w+|sail(?:s|ed|ing)? (?:from|to|for)|docked (?:in|at)|docks (?:in|at)|arriv\w+ (?:in|at)|"
    r"bound for|travels from|en route to|anchored (?:off|at|in)|moored (?:in|at)|calls? at) (?:the )?$"
)
_AFTER = re.compile(
    r"[’']?s? (?:sea |islamic |king abdulaziz |main |southern |inner |container |oil |grain |black sea |deep-?water )?(?:ports?\b(?! (?:st|talbot|moresby|city of|cit(?:y|ies)))|harbou?rs?\b(?! (?:bridge|tunnel|master))|docks?\b|dock ?workers|dockers|"
    r"longshore|terminals?\b|anchorage|port authority|wharves|stevedores)"
)


_TRAFFIC = re.compile(
    r"\b(?:ships?|shipping|vessels?|cargo|ports?|docks?|dockers|barges?|oil|tankers?|strike|containers?|freight|grain|ferr(?:y|ies))\b"
)
_FLIGHTS = re.compile(r"\b(?:airports?|flights?|passengers|airlines?)\b")


def _may_be_else(word: str, folded: str) -> bool:
    """A harbour may be a sight, a terminal one for flights."""
    if "harb" in word:
        return _TRAFFIC.search(folded) is None
    return "terminal" in word and _FLIGHTS.search(folded) is not None


_PORT_WORD = re.compile("항|카페리|부두|터미널")


@dataclass(frozen=True, slots=True)
class _Alias:
    kind: MentionKind
    code: str
    confidence: float
    rule: Rule = ALWAYS
    city: bool = False  # an English city name: wants port context


@cache
def _aliases() -> Matcher[_Alias]:
    contexts = matcher.rules("route_rules.toml")
    pairs: list[tuple[str, _Alias]] = []
    for row in matcher.table("chokepoint_aliases.csv"):
        rule = contexts[row["rule"]] if row["rule"] else ALWAYS
        alias = _Alias(MentionKind.CHOKEPOINT, row["code"], float(row["confidence"]), rule)
        for lang in ("en", "ko", "zh", "ja"):
            pairs += [(name, alias) for name in matcher.split_names(row[lang])]
    for row in matcher.table("port_aliases.csv"):
        plain = _Alias(MentionKind.PORT, row["code"], NAMED_PORT)
        city = _Alias(MentionKind.PORT, row["code"], PORT_CONTEXT, city=not row["always"])
        pairs += [(name, city) for name in matcher.split_names(row["en"])]
        for lang in ("ko", "zh", "ja"):
            pairs += [(name, plain) for name in matcher.split_names(row[lang])]
    for row in matcher.table("port_groups.csv"):
        rule = Rule(anywhere=re.compile(row["near"])) if row["near"] else ALWAYS
        for code in row["codes"].split(";"):
            alias = _Alias(MentionKind.PORT, code, float(row["confidence"]), rule)
            names = matcher.split_names(row["en"]) + matcher.split_names(row["ko"])
            pairs += [(name, alias) for name in names]
    return Matcher.build(pairs)


@cache
def _korean_cities() -> tuple[re.Pattern[str], dict[str, str]]:
    """Port cities by their Korean name without 항, and where one is a port beside another port.

    "부산·인천항", "여수광양항", "인천∼톈진 카페리": the shared word 항 or the ferry makes it a port.
    """
    codes: dict[str, str] = {}
    for row in matcher.table("port_aliases.csv"):
        for name in matcher.split_names(row["ko"]):
            if name.endswith("항") and len(name) > 2 and " " not in name:
                codes.setdefault(name[:-1], row["code"])
    one = "|".join(sorted(codes, key=len, reverse=True))
    joint = r"\s?[·ㆍ,/∼~-]\s?(?:중국 |일본 |베트남 )?"
    return re.compile(
        rf"(?<![가-힣])(?P<city>{one})(?=(?:{joint})?(?:(?:{one})(?:{joint})?)*"
        rf"(?:{one})항(?!공|만청|의|소|쟁|복|거|생|구적))"
        rf"|(?<![가-힣])(?P<call>{one})(?=(?:에서|에|을|를|의)? ?(?:입항|출항|접안|정박|하역|항구))"
        rf"|(?<![가-힣])(?P<line>{one})(?=(?:{joint}(?:{one})?| )?\s?(?:카페리|컨테이너 ?항로|한중 ?항로|국제여객선|신항|북항|남항|내항|외항|항만|컨테이너 ?부두|컨테이너 ?터미널))"
    ), codes


def _korean_joined(prepared: Prepared) -> Iterator[Mention]:
    if prepared.lang != "ko" or not _PORT_WORD.search(prepared.text):
        return
    pattern, codes = _korean_cities()
    for found in pattern.finditer(prepared.text):
        group = found.lastgroup or "city"
        yield Mention(
            kind=MentionKind.PORT,
            code=codes[found[group]],
            confidence=PORT_CONTEXT,
            start=found.start(group),
            end=found.end(group),
            text=found[group],
            in_title=found.start() < prepared.title_end,
        )


def find_routes(prepared: Prepared) -> list[Mention]:
    """Ports and chokepoints of the text, each code once per span, the surest reading."""
    mentions: list[Mention] = []
    for hit in _aliases().scan(prepared):
        best: dict[str, tuple[float, MentionKind]] = {}
        for alias in hit.values:
            confidence = _confidence(alias, hit, prepared)
            if confidence > best.get(alias.code, (0.0, alias.kind))[0]:
                best[alias.code] = (confidence, alias.kind)
        for code, (confidence, kind) in best.items():
            mentions.append(
                Mention(
                    kind=kind,
                    code=code,
                    confidence=confidence,
                    start=hit.start,
                    end=hit.end,
                    text=prepared.text[hit.start : hit.end],
                    in_title=hit.start < prepared.title_end,
                )
            )
    taken = [(m.start, m.end) for m in mentions]
    mentions += [
        m for m in _korean_joined(prepared) if all(m.end <= a or m.start >= b for a, b in taken)
    ]
    return mentions


def _confidence(alias: _Alias, hit: Hit[_Alias], prepared: Prepared) -> float:
    """How sure this reading is; 0 when it does not hold."""
    if not alias.rule.holds(prepared, hit.start, hit.end):
        return 0.0
    if not alias.city:
        return alias.confidence
    if not prepared.text[hit.start].isupper():
        return 0.0
    before = prepared.folded[max(0, hit.start - 70) : hit.start]
    clause = prepared.folded[max(0, hit.start - 120) : hit.start]
    if _BEFORE.search(before) or _SAILED.search(clause):
        return NAMED_PORT
    named = _AFTER.match(prepared.folded, hit.end)
    if named and not _may_be_else(named[0], prepared.folded):
        return NAMED_PORT
    port_work = matcher.rules("route_rules.toml")["port_work"]
    return alias.confidence if port_work.holds(prepared, hit.start, hit.end) else 0.0
