"""Products that a text names, linked to the item ids of graph/data/items.csv.

Names and the contexts that ambiguous ones need are data (`item_aliases.csv`, `item_rules.toml`).
A product is a `hit` when the text speaks of its supply, trade, price or production near the name;
else it is a `comment` (a firm's field of work, an adjective) with less confidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from ews.model import Mention, MentionKind
from nlp import matcher
from nlp.matcher import ALWAYS, Hit, Matcher, Prepared, Rule

GENERAL = "hs:"  # code of a good that the item list lacks: its HS heading, hs:2201
WEAK = 0.45  # a good whose name stands without the words of trade that its rule asks for
FINER = 0.01  # by so much the heading of a word is surer than its wider item
COMMENT_SHARE = 0.5  # of the confidence, when nothing near speaks of supply
_NEAR = 90  # characters either side in which a supply word makes a product a hit
_HANGUL = re.compile("[가-힣]")
_AFTER_SHORT = (
    r"(?:은|는|이|가|을|를|과|와|의|도|에|에서|로|으로|만|이나|나|보다|까지)?(?![가-힣])"
    r"|값|농사|농가|소비| ?가격| ?수출| ?수입| ?생산"
)
# Words that name goods only beside other goods of the kitchen: "배추·무·마늘", "사과, 배, 밤".
_ONLY_IN_LISTS = {"무": "hs:0706", "배": "fruit", "밤": "nuts", "감": "fruit", "귤": "fruit",
                  "콩": "soybeans", "김": "seaweed", "파": "onions"}  # fmt: skip
_FOOD = (
    "배추|무|배|밤|감|귤|콩|김|파|사과|마늘|양파|감자|대추|포도|고추|당근|오이|시금치|상추|딸기|수박|고등어|갈치|오징어|명태|조기|"
    "참조기|멸치|한우|돼지고기|닭고기|계란|달걀|쌀|두부|우유|곶감|고구마|대파|쪽파|버섯|호박|소고기|쇠고기|삼겹살"
)
_JOINT = r"(?:\s?[·ㆍ,]\s?|와 |과 | 및 )"
_LISTED = re.compile(
    rf"(?<![가-힣])(?:{_FOOD}){_JOINT}(?:{_FOOD})(?:{_JOINT}(?:{_FOOD}))*(?=은|는|이|가|을|를|의|도|등|\s|[^가-힣]|$)"
)
_IN_LIST = re.compile(f"(?<![가-힣])[{''.join(_ONLY_IN_LISTS)}](?![가-힣](?![·ㆍ,]))")
_SHORT = 140  # a text this short is about what it names: search all of it


@dataclass(frozen=True, slots=True)
class _Alias:
    code: str  # "" for a phrase that names no product
    confidence: float
    lang: str  # the language of the name; "" any
    rule: Rule = ALWAYS
    general: bool = False  # of general_goods.csv: counts only where no other reading does


@cache
def _aliases() -> Matcher[_Alias]:
    pairs = list(_named_in("item_aliases.csv"))
    pairs += list(_weak_readings(pairs))
    taken = {(matcher.fold(name), alias.lang) for name, alias in pairs}
    for name, alias in _named_in("general_goods.csv"):
        if len(name) == 1 and _HANGUL.match(name):
            continue  # found by pattern, see _short_names
        # The rules of a name that names an item decide alone when that is meant.
        general = alias.code.startswith(GENERAL) or alias.rule is not ALWAYS
        if general or (matcher.fold(name), alias.lang) not in taken:
            pairs.append((name, alias))
    blocks = matcher.settings("item_rules.toml")["blocks"]
    assert isinstance(blocks, list)
    pairs += [(str(phrase), _Alias("", 0.0, "")) for phrase in blocks]
    return Matcher.build(pairs)


def _weak_readings(pairs: Iterable[tuple[str, _Alias]]) -> Iterator[tuple[str, _Alias]]:
    """A name whose rule asks for words of trade also counts, weakly, without them.

    "Gold", "cars" and "rice" are goods in any text that does not speak of medals or of a Miss Rice.
    Words of `strict` rules ("lead", 요소) have other meanings too often.
    """
    strict = {matcher.rules("item_rules.toml")[name] for name in _listed_rules("strict")}
    bare = {matcher.rules("item_rules.toml")[name] for name in _listed_rules("bare")}
    for name, alias in pairs:
        if alias.rule is ALWAYS or alias.rule in strict:
            continue
        rule = ALWAYS if alias.rule in bare else alias.rule.without_wants()
        yield name, replace(alias, confidence=WEAK, rule=rule, general=True)


def _listed_rules(key: str) -> list[str]:
    names = matcher.settings("item_rules.toml")[key]
    assert isinstance(names, list)
    return [str(name) for name in names]


def _named_in(file: str) -> Iterator[tuple[str, _Alias]]:
    """Names of a file of nlp/data with what they mean; an English one also in the plural."""
    contexts = matcher.rules("item_rules.toml")
    for row in matcher.table(file):
        rule = contexts[row["rule"]] if row["rule"] else ALWAYS
        for code, confidence in _codes(row["items"], float(row["confidence"])):
            for lang in ("en", "ko", "zh", "ja"):
                alias = _Alias(code, confidence, lang, rule, file == "general_goods.csv")
                for name in matcher.split_names(row[lang]):
                    forms = _with_plural(name) if lang == "en" else (name,)
                    yield from ((form, alias) for form in forms)


@cache
def _short_names() -> tuple[re.Pattern[str], dict[str, tuple[_Alias, ...]]]:
    """Korean goods of one syllable (쌀, 무, 닭), and where such a word stands alone.

    Too short for the gazetteer: the word must end there, or bear a particle or a word of price.
    """
    pairs = (*_named_in("item_aliases.csv"), *_named_in("general_goods.csv"))
    named: dict[str, tuple[_Alias, ...]] = {}
    for name, alias in pairs:
        if len(name) == 1 and _HANGUL.match(name):
            named[name] = (*named.get(name, ()), alias)
    one = "".join(named)
    return re.compile(f"(?<![가-힣0-9a-z])[{one}](?={_AFTER_SHORT})"), named


def _short_hits(prepared: Prepared) -> Iterator[Hit[_Alias]]:
    if prepared.lang != "ko":
        return
    pattern, named = _short_names()
    for match in pattern.finditer(prepared.folded):
        yield Hit(match.start(), match.end(), named[match[0]])
    for match in _LISTED.finditer(prepared.folded):
        for part in _IN_LIST.finditer(prepared.folded, match.start(), match.end()):
            alias = _Alias(_ONLY_IN_LISTS[part[0]], 0.6, "ko", general=True)
            yield Hit(part.start(), part.end(), (alias,))


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
    for hit in _hits(prepared):
        best = _best_codes(hit, prepared)
        if not best or _of_a_firm(hit.start, hit.end, prepared):
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


def _hits(prepared: Prepared) -> list[Hit[_Alias]]:
    """Names in order; a one-syllable one only where no longer name stands."""
    hits = _aliases().scan(prepared)
    spans = [(hit.start, hit.end) for hit in hits]
    hits += [first for hit in hits for first in _own_goods(hit, prepared)]
    hits += [last for last in _last_parts(prepared) if all(
        last.end <= start or last.start >= end for start, end in spans
    )]  # fmt: skip
    for short in _short_hits(prepared):
        if all(short.end <= start or short.start >= end for start, end in spans):
            spans.append((short.start, short.end))
            hits.append(short)
    return sorted(hits, key=lambda hit: hit.start)


# "전기차 배터리", "EV battery", "car tyres": the car is a good of its own beside its part.
_OWN_GOOD = re.compile(
    r"(?:전기차|전기자동차|자동차|차량|승용차|선박|항공기|스마트폰|휴대전화|휴대폰|노트북|자전거|트럭|버스|드론|电动汽车|電気自動車|"
    r"(?:electric )?(?:car|vehicle|truck|bus|bike)|ev|smartphone|phone|aircraft|ship|laptop|computer|truck)(?=[ -])"
)


# Goods that end a Korean compound: 경유차량, 중국산배터리, 수입의류. A name must else start its word.
_LAST_PART = re.compile(
    r"(?<=[가-힣])(?:차량|자동차|승용차|화물차|오토바이|자전거|트럭|열차|항공기|여객기|비행기|전투기|헬기|선박|여객선|유조선|어선|잠수함|군함|"
    r"미사일|탄도탄|포탄|백신|마스크|의약품|화장품|치료제|영양제|항생제|배터리|건전지|반도체|웨이퍼|디스플레이|스마트폰|휴대폰|휴대전화|"
    r"컴퓨터|노트북|카메라|로봇|드론|인공위성|에어컨|냉장고|세탁기|청소기|가구|의류|신발|운동화|가방|핸드백|장난감|완구|김치|커피|맥주|"
    r"소주|막걸리|와인|생수|음료|라면|과자|초콜릿|비료|농약|사료|철강|강판|철근|시멘트|레미콘|타이어|고무|휘발유|경유|등유|석유|천연가스|"
    r"도시가스|석탄|수소|전력|담배|설탕|밀가루|식용유|옥수수|대두|고추|마늘|양파|감자|고구마|딸기|감귤|사과|한우|소고기|쇠고기|돼지고기|"
    r"닭고기|달걀|계란|우유|수산물|생선|오징어|고등어|갈치|명태|기저귀|생리대|화장지|물티슈|종이|플라스틱|비닐|유리병|목재|합판|원단|섬유|"
    r"금괴|귀금속|폭탄|무기|장갑차|소총|권총)"
    r"(?=(?:은|는|이|가|을|를|과|와|의|도|에|로|으로|만|나|이나|에서|까지|보다|들|용|값|류)?(?![가-힣]))"
)


def _last_parts(prepared: Prepared) -> Iterator[Hit[_Alias]]:
    if prepared.lang != "ko":
        return
    for found in _LAST_PART.finditer(prepared.folded):
        part = matcher.prepare(found[0], "", "ko")
        for inner in _aliases().scan(part)[:1]:
            yield Hit(found.start(), found.end(), inner.values)


def _own_goods(hit: Hit[_Alias], prepared: Prepared) -> Iterator[Hit[_Alias]]:
    first = _OWN_GOOD.match(prepared.folded, hit.start, hit.end)
    if first is None or first.end() >= hit.end or not any(alias.code for alias in hit.values):
        return
    part = matcher.prepare(prepared.text[hit.start : first.end()], "", prepared.lang)
    for inner in _aliases().scan(part)[:1]:
        yield Hit(hit.start, hit.start + inner.end, inner.values)


def _best_codes(hit: Hit[_Alias], prepared: Prepared) -> dict[str, float]:
    """Each code of the readings that hold, with its confidence."""
    holding = [alias for alias in hit.values if _holds(alias, hit, prepared)]
    if any(not alias.general for alias in holding):
        holding = [alias for alias in holding if not alias.general]
    best: dict[str, float] = {}
    for alias in holding:
        best[alias.code] = max(alias.confidence, best.get(alias.code, 0.0))
    heading = _fine_headings().get(prepared.folded[hit.start : hit.end])
    if best and heading and f"{GENERAL}{heading}" not in best:
        best[f"{GENERAL}{heading}"] = round(max(best.values()) + FINER, 3)
    return best


@cache
def _fine_headings() -> dict[str, str]:
    """Heading of a (folded) word whose item is wider than it."""
    found: dict[str, str] = {}
    for row in matcher.table("fine_headings.csv"):
        for lang in ("en", "ko", "zh", "ja"):
            found |= {matcher.fold(name): row["hs"] for name in matcher.split_names(row[lang])}
    return found


# "Technigen Platinum Corp", "Richco Grain Ltd": the good is part of a firm's name.
_FIRM_AFTER = re.compile(r" (?:corp|inc|ltd|plc|llc|gmbh|holdings?)\b")


def _of_a_firm(start: int, end: int, prepared: Prepared) -> bool:
    named = prepared.text[start].isupper() and _FIRM_AFTER.match(prepared.folded, end)
    return bool(named)


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
