"""Korean headlines name countries in one letter: 中, 對美, 미·중, 한일, "미 국무부".

These forms are too short for a gazetteer; each is a pattern that wants a context. Hits come back
as (start, end, ISO2 code, confidence).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Short = tuple[int, int, str, float]

HANJA = {
    "美": "US", "中": "CN", "日": "JP", "北": "KP", "韓": "KR", "英": "GB", "獨": "DE", "佛": "FR",
    "印": "IN", "露": "RU", "러": "RU", "臺": "TW", "濠": "AU", "伊": "IT", "加": "CA", "泰": "TH",
    "越": "VN", "比": "PH", "蘇": "RU", "和": "NL", "墨": "MX", "歐": "EU", "獨逸": "DE",
}  # fmt: skip
HANGUL = {
    "미": "US", "중": "CN", "일": "JP", "북": "KP", "한": "KR", "영": "GB", "독": "DE", "불": "FR",
    "러": "RU", "인": "IN", "우": "UA", "대만": "TW", "이란": "IR", "호": "AU", "유럽": "EU",
    "이": "IL",
}  # fmt: skip

# One Chinese letter. It follows a space, a mark, another country or a word of direction (對, 駐, 訪);
# before it no digit (3日) and no Korean noun ("공사 中" means "under construction").
_SURE = "美日北韓英獨佛印露蘇臺"
_CHAIN = re.compile(r"(?<![一-鿿])[美中日北韓英獨佛印露臺濠歐러蘇]{2,4}(?![一-鿿])")
_ONE = re.compile(
    rf"(?<![一-鿿가-힣0-9])(?P<pre>[對駐訪反親脫在]?)(?P<sign>[{_SURE}])(?P<after>[^\s一-鿿]|\s|$|[一-鿿])"
)
_CHINA = re.compile(
    r"(?<![一-鿿가-힣])(?P<pre>[對駐訪反親脫在]?)中(?=[가-힣]|[ ,·\-…\"'”’]+\S|[一-鿿]{2})"
)
_UNDER_WAY = re.compile(r"[가-힣]\s?$")  # "판매 中": a noun stands before
_MARKED = re.compile(r"[對駐訪反親脫]\(?[가-힣]?\)?(?P<sign>[美中日北韓英獨佛印露])")
_RARE = re.compile(
    r"(?<![一-鿿가-힣0-9])(?P<sign>[伊加泰越比濠歐墨])(?=[ ,·]? ?(?:총리|정부|대통령|총선|경찰|법원|언론|은행|당국|수도|의회|군|서 |에서|이어|도 |산 |증시|남부|북부))"
)
_NOT_COUNTRY = re.compile(
    r"[美]의|[美]인|[美]모|[美]남|[美]녀|[日]부터|[日]간|北(?:아프리카|유럽|대서양|태평양|미|극|해|부|측해)"
)

# Hangul letters joined by a middle dot: 미·중, 한·미·일.
_DOTTED = re.compile(
    r"(?<![가-힣])(?:[한미중일북러영독불호인우]|대만|이란|유럽|EU)(?:[·ㆍ∙•‧/][한미중일북러영독불호인우](?![가-힣]?고교|학교)|[·ㆍ∙•‧](?:대만|이란|유럽))+"
)
_DOT = re.compile("[·ㆍ∙•‧/]")
_NOT_DOTTED = re.compile(
    r"(?:일·한|중·일반|초·중|중·고|중·소|미·인도|영·유아|영·호남|호·영|인·허|불·법|일·생|중·대|한·중·일식|우·러러|일·영)"
)

# A Hangul letter alone before an institution: "미 국무부", "러 외무".
_BODY = (
    "국무|국방|재무|상무|법무|외무|외교|내무|교통부|에너지|농무|노동|정부|당국|의회|상원|하원|대통령|총리|총영사|대사|대선|"
    "행정부|백악관|연방|연준|법원|대법|언론|매체|해군|공군|육군|해경|군부|군 |국경|본토|전역|동부|서부|남부|북부|중부|중서부|"
    "증시|국채|달러|제재|관세|수출|수입|무역|반도체|자동차|철강|기업|업체|은행|경제|공장|항만|항구|항공|선박|"
    "국적|정유|공습|침공|미사일|드론|휘발유|점령|크렘린|루블|시민|유학생|대학|경찰|검찰|세관|매각|민주당|공화당|금리|고용|소비|물가|원유|석유|셰일|특사|협상|신문|방송|인권|"
    "허리케인|산불|토네이도|한파|폭설|남동부|북동부|대륙"
)
_ALONE = re.compile(rf"(?<![가-힣0-9A-Za-z·.,]) ?(?<![가-힣])(?P<sign>[미러]) (?=(?:{_BODY}))")
_ALONE_JAPAN = re.compile(
    r"(?<![가-힣0-9])(?P<sign>[일영독불]) (?=(?:정부|총리|외무|방위|언론|경제산업|경산|재무|해상보안|자위대|관방|국회|공산당|왕실|중앙은행|기업|연방|BBC|가디언))"
)
# Two or three countries in one word: 한미 정상회담, 미중 갈등, 한미일.
_PAIRS = re.compile(
    r"(?<![가-힣])(?:한미일|한중일|한미|한중|한일|미중|미일|중일|중러|미러|북중|북러|북미|북일|미북|남북)"
    r"(?= ?(?:정상|회담|협상|관계|갈등|무역|관세|통상|연합|동맹|긴장|공조|외교|장관|대화|FTA|자유무역|경제|분쟁|전쟁|합의|협력|"
    r"패권|충돌|접경|국경|고위급|군사|훈련|양국|간|정부|기업|산업|반도체|조선|투자|원자력|공동|통화|항공|해저|조약|밀착|견제|"
    r"국방|안보|휴전|담판|마찰|대립|경쟁|교역|기술|어업|해상|연합연습|공급망|[^가-힣]))"
)
# Korea's own trade: 대미 수출.
_OUR_EXPORTS = re.compile(r"(?:(?<![가-힣])대|對)(?P<sign>[미美])(?= ?(?:[가-힣]+ )?수출)")
_OTHER_SELLER = re.compile(
    r"(?:일본|중국|中|日|EU|유럽|대만|베트남|멕시코|캐나다|인도|독일|러시아)[^.]{0,12}$"
)
_TOWARDS = re.compile(
    r"(?<![가-힣])(?:방(?P<visit>[미중일북러])(?= ?(?:일정|결과|길|중|때|후|앞두|단|외교|성과|특사|[,·]| ))|"
    r"주(?P<envoy>[미일])(?= ?(?:대사|한국|미군|중국|일본|공사|총영사|특파원))|"
    r"[반친](?P<feeling>[미중일러])(?= ?(?:시위|감정|정서|성향|여론|세력|운동|노선|집회)))"
)
_PREFIX = re.compile(
    r"(?<![가-힣])대(?P<sign>[미중일러북])(?= ?(?:수출|수입|무역|제재|관세|규제|투자|견제|압박|협상|의존|보복|반도체|경제|정책|"
    r"적자|흑자|특사|통상|강경|추가|강화|전략|기술|외교|봉쇄|지원|희토류|메시지|경고|관계|공세|대응|석유|원유|에너지|[가-힣]+ (?:수출|수입|제재)|칩|독자))"
)


def short_forms(text: str) -> Iterator[Short]:
    """One-letter country names in a Korean text.

    >>> [code for _, _, code, _ in short_forms("美, 대중 관세 인상… 한·일 긴장")]
    ['US', 'CN', 'KR', 'JP']
    """
    found: dict[int, Short] = {}
    for hit in (*_chinese_letters(text), *_hangul_letters(text)):
        found.setdefault(hit[0], hit)
    yield from (found[start] for start in sorted(found))


def _chinese_letters(text: str) -> Iterator[Short]:
    for match in _CHAIN.finditer(text):
        for offset, sign in enumerate(match[0]):
            yield match.start() + offset, match.start() + offset + 1, HANJA[sign], 0.9
    for match in (*_ONE.finditer(text), *_CHINA.finditer(text)):
        start = match.start() + len(match["pre"])
        sign = text[start]
        if _NOT_COUNTRY.match(text, start):
            continue
        if sign == "中" and not match["pre"] and _means_under_way(text, start):
            continue
        yield start, start + 1, HANJA[sign], 0.9
    for match in _MARKED.finditer(text):
        yield match.start("sign"), match.end("sign"), HANJA[match["sign"]], 0.9
    for match in _RARE.finditer(text):
        yield match.start("sign"), match.end("sign"), HANJA[match["sign"]], 0.7


def _means_under_way(text: str, at: int) -> bool:
    """Whether 中 reads "in the middle of": a noun before it and no noun stuck to it."""
    stuck = re.match(r"[가-힣]{2}", text[at + 1 : at + 3])
    if stuck and text[at + 1] not in "에이인으":
        return False
    return _UNDER_WAY.search(text, max(0, at - 2), at) is not None


def _hangul_letters(text: str) -> Iterator[Short]:
    for match in _DOTTED.finditer(text):
        if _NOT_DOTTED.match(match[0]):
            continue
        at = match.start()
        for part in _DOT.split(match[0]):
            code = HANGUL.get(part)
            if code:
                yield at, at + len(part), code, 0.85
            at += len(part) + 1
    for match in _PAIRS.finditer(text):
        for offset, sign in enumerate(match[0]):
            code = "KR" if sign == "남" else HANGUL[sign]
            yield match.start() + offset, match.start() + offset + 1, code, 0.85
    for match in _OUR_EXPORTS.finditer(text):
        if _OTHER_SELLER.search(text, max(0, match.start() - 16), match.start()):
            continue
        yield match.start(), match.start("sign"), "KR", 0.7
    for match in _TOWARDS.finditer(text):
        sign = match["visit"] or match["envoy"] or match["feeling"]
        yield match.start() + 1, match.start() + 2, HANGUL[sign], 0.8
    for pattern in (_ALONE, _ALONE_JAPAN, _PREFIX):
        for match in pattern.finditer(text):
            yield match.start("sign"), match.end("sign"), HANGUL[match["sign"]], 0.85


# --------------------------------------------------------------------------- particles

_LONG_PARTICLES = (
    "으로부터", "에서는", "에서도", "이라며", "이라고", "이라는", "로부터", "에서", "에게", "에는",
    "에도", "까지", "부터", "으로", "라며", "라고", "라는", "보다", "처럼", "과의", "와의", "측은", "측이",
)  # fmt: skip
# A particle that depends on how the word before it ends: with a consonant, or with a vowel.
_AFTER_CONSONANT, _AFTER_VOWEL, _AFTER_ANY = "은이을과", "는가를와", "의에"


def without_particle(word: str, known: Callable[[str], bool]) -> str:
    """The word without the particle at its end, where it surely has one.

    도, 로 and 만 also end names (유니클로, 철도): they are cut only from a known word.

    >>> without_particle("삼성전자가", lambda stem: False), without_particle("유니클로", lambda _: False)
    ('삼성전자', '유니클로')
    """
    if known(word):
        return word
    for particle in _LONG_PARTICLES:
        if word.endswith(particle) and len(word) >= len(particle) + 2:
            return word[: -len(particle)]
    stem, last = word[:-1], word[-1:]
    if known(stem) and last in "은는이가을를와과의에도로만":
        return stem
    if len(stem) < 3 or not "가" <= stem[-1] <= "힣":
        return word
    closed = (ord(stem[-1]) - ord("가")) % 28 > 0
    fits = _AFTER_ANY + (_AFTER_CONSONANT if closed else _AFTER_VOWEL)
    return stem if last in fits else word
