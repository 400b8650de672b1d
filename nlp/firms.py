"""Firms that a text names: a hand-made gazetteer (`nlp/data/firms.csv`), and names that the encoder
marks, linked to it.

A firm gives only itself: its home country is no mention, as a brand does not say where goods are
hit (labelling guide, section 6).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ews.model import Mention, MentionKind
from nlp import matcher
from nlp.matcher import Hit, Matcher, Prepared, Rule

if TYPE_CHECKING:
    from nlp.firmspans import Span

CONFIDENCE = 0.9
UNLISTED = "name:"  # code of a firm that the gazetteer lacks: name:<slug>

# How a firm is written down in law; says nothing of which firm it is.
_LEGAL = re.compile(
    r"^(?:㈜|\(주\)|주식회사|株式会社|有限会社|the\s)\s*"
    r"|[\s,.]*(?:㈜|\(주\)|주식회사|株式会社|(?:股份)?有限(?:责任)?公司|集团股份)$"
    r"|[\s,]+(?:inc|corp|corporation|co|company|cos|ltd|limited|llc|llp|lp|l\.p|l\.l\.c|plc|ag|se|sa|s\.a|nv|n\.v|"
    r"spa|s\.p\.a|gmbh|bhd|berhad|pty|pte|kk|k\.k|oyj|asa|ab|pjsc|pao|ojsc|bv|tbk)\.?$"
    r"|\s*(?:&|\band)\s*co\.?$|\s+and$",
    re.IGNORECASE,
)
_NOT_SLUG = re.compile(r"[^0-9a-z가-힣ぁ-ヿ一-鿿]+")
EDGE = " \t\n\"'“”‘’「」『』()[]<>《》〈〉,.;:·…-–—"
# What may follow a Korean name: nothing, a particle, or a word that makes no other firm of it.
TAIL = re.compile(
    r"(?![가-힣])|(?:은|는|이|가|을|를|의|에|와|과|도|로|으로|에서|에게|에는|에도|서|까지|부터|마저|만|만의|보다|처럼|랑|이랑|이나|나|라며|이라며|라고|이라고|"
    r"측|측은|측이|와의|과의|에서는|에서도|으로부터|로부터|이라는|라는|인|이며|며|이고|고|이다|다|였다|이었다|뿐|대로|조차|엔|선|께서|야|요|들|발|産|산|제|표|식){1,2}(?![가-힣])|"
    r"노조|그룹|계열|공장|본사|지사|직원|회장|사장|대표|임원|주가|주주|제품|매장|협력|하청|부품|관계자|등\b|등의|등이|등은|등을|경영|연구|총수|모터스|코리아|차량|신차|반도체|배터리|전기차|"
    r"사태|인수|합병|매각|주식|실적|출신|사옥|아이폰|비정규|납품|노사|노동|지회|지부|투자|주총|이사|채용|사업|우리사주|사주|브랜드|생산|판매|수출|광고|공급|법인"
)


@dataclass(frozen=True, slots=True)
class Firm:
    """A firm of the gazetteer. `items` are ids of graph/data/items.csv that it makes or moves."""

    slug: str
    name: str  # English
    ko: str
    country: str  # ISO2 of its seat
    items: tuple[str, ...]
    slugs: frozenset[str]  # of all its names


def plain_name(name: str) -> str:
    """A firm's name without its legal form, case and marks, to compare names by.

    >>> plain_name("㈜LG생활건강"), plain_name("Vogt and Conant Co.")
    ('lg생활건강', 'vogtandconant')
    """
    return slug_of(name).replace("-", "")


def slug_of(name: str) -> str:
    """The name as part of a code: small letters and digits of any script, joined by `-`.

    >>> slug_of("Ceylon Petroleum Corp."), slug_of("Toys 'R' Us, Inc")
    ('ceylon-petroleum', 'toys-r-us')
    """
    told = matcher.fold(name).strip(EDGE)
    while (shorter := _LEGAL.sub("", told).strip(EDGE)) != told and shorter:
        told = shorter
    return _NOT_SLUG.sub("-", told.replace("'s ", "s ").replace("&", " and ")).strip("-")


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
            slugs=frozenset({row["firm"], *(slug_of(name) for name in _all_names(row))}),
        )
        for row in matcher.table("firms.csv")
        if row["firm"]
    }


def _all_names(row: dict[str, str]) -> Iterator[str]:
    for lang in ("en", "ko", "zh", "ja"):
        yield from matcher.split_names(row[lang])


@cache
def _names() -> Matcher[tuple[str, Rule]]:
    pairs: list[tuple[str, tuple[str, Rule]]] = []
    for row in matcher.table("firms.csv"):
        near = re.compile(row["near"]) if row["near"] else None
        for lang in ("en", "ko", "zh", "ja"):
            rule = Rule(near=near, cased=bool(row["cased"]) and lang == "en")
            pairs += [(name, (row["firm"], rule)) for name in matcher.split_names(row[lang])]
    return Matcher.build(pairs)


@cache
def by_plain_name() -> dict[str, str]:
    """Slug of a firm by its plain name; a name of two firms is left out, "" names no firm."""
    found: dict[str, set[str]] = {}
    for row in matcher.table("firms.csv"):
        for name in _all_names(row):
            found.setdefault(plain_name(name), set()).add(row["firm"])
    return {name: next(iter(slugs)) for name, slugs in found.items() if len(slugs) == 1}


def find_firms(title: str, text: str, lang: str = "") -> list[Mention]:
    """Firms of the gazetteer in `title + "\\n" + text`, in order."""
    return firms_in(matcher.prepare(title, text, lang))


def firms_in(prepared: Prepared) -> list[Mention]:
    """The same for a text made ready by `matcher.prepare`."""
    mentions: list[Mention] = []
    for hit in _names().scan(prepared):
        slug = _meant(hit, prepared)
        if slug:  # "" is a phrase that names no firm, as a president or a ball club
            mentions.append(mention_of(slug, hit.start, hit.end, CONFIDENCE, prepared))
    return mentions


def _meant(hit: Hit[tuple[str, Rule]], prepared: Prepared) -> str | None:
    last = prepared.text[hit.end - 1]
    korean = "가" <= last <= "힣" or "가" <= prepared.text[hit.end : hit.end + 1] <= "힣"
    if korean and not TAIL.match(prepared.text, hit.end):
        return None  # 삼성카드 is not Samsung
    return next(
        (slug for slug, rule in hit.values if rule.holds(prepared, hit.start, hit.end)), None
    )


def mention_of(code: str, start: int, end: int, confidence: float, prepared: Prepared) -> Mention:
    return Mention(
        kind=MentionKind.FIRM,
        code=code,
        confidence=confidence,
        start=start,
        end=end,
        text=prepared.text[start:end],
        in_title=start < prepared.title_end,
    )


def tagged_firms(title: str, text: str, lang: str, spans: Iterable[Span]) -> list[Mention]:
    """Firms of the gazetteer and those that the encoder marks, without overlaps, in order.

    `spans` are characters of `title + "\\n" + text`. A marked name is linked to the gazetteer where
    it is one of its names (its context is not asked: the encoder has read it), else its code is
    `name:<slug>`. Where both find a name, the longer or, at one length, the gazetteer's wins.
    """
    from nlp.firmspans import linked

    prepared = matcher.prepare(title, text, lang)
    return linked(firms_in(prepared), spans, prepared)
