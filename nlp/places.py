"""Countries, ports and chokepoints that a text names, linked to their codes.

The names are data (`nlp/data/country_names.csv`, `demonyms.csv`, `cities.csv`, `korea_places.csv`,
`port_aliases.csv`, `chokepoint_aliases.csv`); when an ambiguous one counts is data too
(`place_rules.toml`). What this room decides: how sure a kind of name is, who only comments, and
when a Korean or Japanese text that names nobody speaks of its own country.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from ews.model import Mention, MentionKind
from nlp import matcher
from nlp.korean import short_forms
from nlp.matcher import Hit, Matcher, Prepared, Rule
from nlp.routes import find_routes

CONFIDENCE = {
    "name": 0.95, "adjective": 0.85, "seat": 0.8, "region": 0.85, "city": 0.8, "home": 0.8,
    "here": 0.7, "water": 0.6, "implied": 0.55, "language": 0.5,
}  # fmt: skip
COMMENT_CONFIDENCE = 0.4  # a country that only speaks, or where only a bank or paper sits

# The source line "(서울=연합뉴스)" says where the reporter sits, not what is hit.
_DATELINE = re.compile(
    r"[가-힣]{2,8} (?:(?:AP|AFP|UPI|로이터|EPA|AP·)[ ·]?)?(?:연합뉴스|뉴시스|뉴스1)|"
    r"[(\[【][^()\[\]【】\n]{1,25}[=＝][^()\[\]【】\n]{1,30}[)\]】]|/(?:뉴스1|뉴시스|연합뉴스|로이터|AFP|AP|EPA)[^\s]*"
)
_COMMENT_AFTER = re.compile(
    r"[- ]?(?:based )?(?:(?:investment |private |central )?(?:bank|brokerage|broker)s?\b(?! (?:run|strike))|analysts?|economists?|"
    r"think[- ]tanks?|newspapers?|daily\b|tabloid|media\b|press\b|news agenc|television|tv\b|broadcaster|researchers?|scientists?|"
    r"geological|meteorologists?|dollars?\b|accents?|-flagged|-registered|national hurricane)"
)
_COMMENT_AFTER_KO = re.compile(
    r"(?:의|계|인)? ?(?:선적|국적|출신|dpa|언론|매체|일간|신문|방송|통신사|통신은|투자은행|증권사|경제지|시사주간|싱크탱크|연구진|연구팀|교도통신|CNN|NBC|ABC|CBS|AP|"
    r"블룸버그|로이터|월스트리트|뉴욕타임스|워싱턴포스트|파이낸셜|가디언|BBC|니혼게이자이|닛케이|아사히|요미우리|NHK|CCTV|신화통신|환구시보|글로벌타임스|"
    r"달러|국채|증시|시간|동부시간|동부 시간|현지시간|주요 언론|교포|전문가|애널리스트|국립허리케인|지질조사)"
)
_COMMENT_BEFORE = re.compile(
    r"(?:analysts?|economists?|researchers?|experts?) (?:at|from|in) (?:an? |the )?$"
)
_WORLD = re.compile(
    r"국제|세계|글로벌|해외|유엔|지구촌|국제유가|유가|뉴욕|월가|OPEC|나토|안보리|아프리카|유럽|중동|남미|아시아|금값|비트코인|[A-Z][a-z]+ [a-z]+ [a-z]+"
)
_MEETING_BEFORE = re.compile(
    r"(?:summit|talks|conference|meeting|speech|interview|forum|reporters|negotiations|hearing|expo) (?:\w+ )?(?:in|at) (?:the )?$"
)
_ATTACKER_AFTER = re.compile(
    r"(?:[’']s?)?[- ](?:(?:deadly|fresh|new|massive|suspected|overnight|latest|military|army|long-range|guided|ballistic|cruise|cyber|state-backed|state-sponsored|government|"
    r"linked|backed|led|aligned|speaking|supported|appointed|installed) ){0,2}(?:missiles?|air ?strikes?|drones?|shelling|artillery|hackers?|hacking|"
    r"cyber ?attacks?|bombings?|bombardment|rockets?|warplanes?|jets|invasion|occupation|spies|raids?|hacked|backed|led|linked|aligned|appointed|installed|invaded|kamikaze)\b"
)
_WAR_BEFORE = re.compile(
    r"(?:invasion of|war in|war on|war against|conflict in|stance on|support (?:for|of)) $"
)
_ATTACKER_AFTER_KO = re.compile(
    r"(?:의|군의|군)? ?(?:해커|해킹|공습|미사일|드론|무인기|폭격|침공|침략|포격|해킹조직|공격에|공격으로)"
)
_NO_PARTY = re.compile(
    r"[- ](?:utilit|flagged|registered|owned|operated|crew(?:ed)?|made|built|born|style|language|nationals?|tourists?|citizens?|passengers?)"
)


@dataclass(frozen=True, slots=True)
class _Name:
    code: str  # "" is a phrase that names no place of the story
    sort: str
    lang: str  # the language it is a name in; "" any


@cache
def _names() -> Matcher[_Name]:
    pairs: list[tuple[str, _Name]] = []
    for row in matcher.table("country_names.csv"):
        for lang in ("en", "ko", "zh", "ja"):
            pairs += [(n, _Name(row["code"], "name", lang)) for n in matcher.split_names(row[lang])]
    for row in matcher.table("demonyms.csv"):
        for name in matcher.split_names(row["en"]):
            forms = (name,) if name.endswith(("s", "sh", "ch", "ese")) else (name, f"{name}s")
            pairs += [(form, _Name(row["code"], "adjective", "en")) for form in forms]
    for row in matcher.table("cities.csv"):
        for lang in ("en", "ko", "zh", "ja"):
            names = matcher.split_names(row[lang] or "")
            pairs += [(n, _Name(row["code"], row["kind"], lang)) for n in names]
    for row in matcher.table("korea_places.csv"):
        sort = {"body": "implied", "here": "here"}.get(row["kind"], "home")
        pairs += [(n, _Name("KR", sort, "ko")) for n in matcher.split_names(row["ko"])]
    blocks = matcher.settings("place_rules.toml")["blocks"]
    assert isinstance(blocks, list)
    pairs += [(str(phrase), _Name("", "block", "")) for phrase in blocks]
    return Matcher.build(pairs)


@cache
def _rules() -> dict[str, tuple[Rule, ...]]:
    return matcher.rules_by_name("place_rules.toml")


def find_places(title: str, text: str, lang: str = "") -> list[Mention]:
    """Countries, ports and chokepoints in `title + "\\n" + text`, in order."""
    return places_in(matcher.prepare(title, text, lang))


def places_in(prepared: Prepared) -> list[Mention]:
    """The same for a text made ready by `matcher.prepare`."""
    routes = find_routes(prepared)
    named = list(_country_mentions(prepared))
    sure = [mention for mention in named if mention.confidence != CONFIDENCE["implied"]]
    # "정부" or "국内" mean the paper's own country only while no other country is named.
    countries = sure if any(m.role == "hit" for m in sure) else named
    if not countries and not routes and _speaks_of_home(prepared):
        countries = [_mention(_Name("KR", "language", "ko"), 0, 0, prepared)]
    return sorted((*countries, *routes), key=lambda mention: (mention.start, mention.code))


def _speaks_of_home(prepared: Prepared) -> bool:
    """A Korean news item that names no country at all: two in three labelled ones are of Korea.

    The mention has an empty span and the least confidence, so that any named place outweighs it.
    """
    return prepared.lang == "ko" and prepared.title_end > 0 and not _WORLD.search(prepared.text)


def _country_mentions(prepared: Prepared) -> Iterator[Mention]:
    spans = [m.span() for m in _DATELINE.finditer(prepared.text)] if prepared.cjk else []
    taken: set[int] = set()
    for hit in _names().scan(prepared):
        if any(start <= hit.start < end for start, end in spans):
            continue
        name = _meant(hit, prepared)
        taken.update(range(hit.start, hit.end))
        if name is not None and name.code:
            yield _mention(name, hit.start, hit.end, prepared)
    if prepared.lang == "ko":
        for start, end, code, confidence in short_forms(prepared.text):
            if start in taken or any(first <= start < last for first, last in spans):
                continue
            yield replace(
                _mention(_Name(code, "name", "ko"), start, end, prepared), confidence=confidence
            )


def _meant(hit: Hit[_Name], prepared: Prepared) -> _Name | None:
    """Which of the name's meanings holds here, if any."""
    for name in hit.values:
        if name.lang in {"zh", "ja"} and prepared.lang != name.lang:
            continue
        guards = _rules().get(prepared.folded[hit.start : hit.end], ())
        if all(rule.holds(prepared, hit.start, hit.end) for rule in guards):
            return name
        return None
    return None


def _mention(name: _Name, start: int, end: int, prepared: Prepared) -> Mention:
    comment = _only_comments(name.code, prepared, start, end)
    return Mention(
        kind=MentionKind.COUNTRY,
        code=name.code,
        confidence=COMMENT_CONFIDENCE if comment else CONFIDENCE[name.sort],
        start=start,
        end=end,
        text=prepared.text[start:end],
        role="comment" if comment else "hit",
        in_title=start < prepared.title_end,
    )


def _only_comments(code: str, prepared: Prepared, start: int, end: int) -> bool:
    """Whether a paper, a bank or a nationality is named, not a party or a place that is hit."""
    after = prepared.folded[end : end + 30]
    if _NO_PARTY.match(after) or _COMMENT_AFTER.match(after):
        return True
    if prepared.lang == "ko":
        army = prepared.text.startswith("군", end) or prepared.text[end - 1 : end] == "군"
        if army and code != "KR":
            return True  # 러시아군: who attacks, not where
        said = _COMMENT_AFTER_KO.match(prepared.text, end)
        if said or _ATTACKER_AFTER_KO.match(prepared.text, end):
            return True
    if _ATTACKER_AFTER.match(prepared.folded, end):
        return True
    before = prepared.folded[max(0, start - 40) : start]
    if code == "UA" and (_WAR_BEFORE.search(before) or prepared.folded.startswith(" war", end)):
        return True
    return _COMMENT_BEFORE.search(before) is not None or _MEETING_BEFORE.search(before) is not None
