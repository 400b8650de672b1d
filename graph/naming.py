"""Is it the same company? Names in Korean, English and Chinese, and identifiers, which beat names.

A name is its brand ("LG"), what the company does or where it is ("화학" = "Chem"), and a legal form
that says nothing. Brands are compared as spelt, by romanisation (Revised Romanization of Korean,
2000) and by a table of names that no spelling joins. Chinese is not romanised: without a table row
a Chinese name and another script's are undecided.

Identifiers: LEI, ISO 17442 with ISO 7064 MOD 97-10; 사업자등록번호 (of a place of business, so two of
them do not make two companies); 법인등록번호 (of the company).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from graph.company_words import BRANDS, FORMS_LATIN, FORMS_OTHER, WORDS

SAME, DIFFERENT = 0.75, 0.35  # confidence from which it is the same, up to which it is not

INITIALS = "g kk n d tt r m b pp s ss - j jj ch k t p h".replace("-", "").split(" ")
VOWELS = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i".split()
FINALS = " k k k n n n t l k m l l l p l m p p t t ng t t k t p t".split(" ")
LETTERS = dict(zip(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "에이 비 씨 디 이 에프 지 에이치 아이 제이 케이 엘 엠 엔 오 피 큐 알 에스 티 유 브이 더블유 엑스 와이 제트".split(),
    strict=True,
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Company:
    """What is known of a company; identifiers are "" where they are not."""

    name: str
    lei: str = ""
    business_number: str = ""  # 사업자등록번호
    corporate_number: str = ""  # 법인등록번호


@dataclass(frozen=True, slots=True)
class Match:
    """`confidence` that it is one company, 0..1; `verdict` same, different or unsure."""

    verdict: str
    confidence: float
    why: str


# --------------------------------------------------------------------------- identifiers


def lei_ok(code: str) -> bool:
    """Whether a Legal Entity Identifier is well formed: 20 signs, MOD 97-10 of all is 1.

    >>> lei_ok("5493006MHB84DD0ZWV18"), lei_ok("5493006MHB84DD0ZWV19")
    (True, False)
    """
    if not re.fullmatch(r"[0-9A-Z]{18}[0-9]{2}", code):
        return False
    return int("".join(str(int(sign, 36)) for sign in code)) % 97 == 1


def business_number_ok(code: str) -> bool:
    """Whether a 사업자등록번호 is well formed: 10 digits, the last one checks the others.

    >>> business_number_ok("124-81-00998"), business_number_ok("124-81-00997")
    (True, False)
    """
    digits = _digits(code, 10)
    if digits is None:
        return False
    total = sum(d * w for d, w in zip(digits, (1, 3, 7, 1, 3, 7, 1, 3, 5), strict=False))
    return (10 - (total + digits[8] * 5 // 10) % 10) % 10 == digits[9]


def corporate_number_ok(code: str) -> bool:
    """Whether a 법인등록번호 is well formed: 13 digits, the last one checks the others.

    >>> corporate_number_ok("130111-0006246"), corporate_number_ok("130111-0006247")
    (True, False)
    """
    digits = _digits(code, 13)
    if digits is None:
        return False
    total = sum(d * (1 + n % 2) for n, d in enumerate(digits[:12]))
    return (10 - total % 10) % 10 == digits[12]


def _digits(code: str, length: int) -> list[int] | None:
    kept = re.sub(r"[\s-]", "", code)
    return [int(c) for c in kept] if re.fullmatch(rf"[0-9]{{{length}}}", kept) else None


# --------------------------------------------------------------------------- names


def romanised(text: str) -> str:
    """Hangul by the Revised Romanization, syllable by syllable; other signs as they are.

    >>> romanised("삼성"), romanised("현대 제철")
    ('samseong', 'hyeondae jecheol')
    """
    out = []
    for sign in text:
        place = ord(sign) - 0xAC00
        if 0 <= place < 11172:
            out.append(INITIALS[place // 588] + VOWELS[place // 28 % 21] + FINALS[place % 28])
        else:
            out.append(sign)
    return "".join(out)


@dataclass(frozen=True, slots=True)
class Parts:
    """A name taken apart: its brand, as spelt without blanks, and signs of WORDS."""

    brand: str
    does: frozenset[str]
    where: frozenset[str]


@lru_cache(50_000)
def parts_of(name: str) -> Parts:
    """The brand of a company's name, what it does, and where.

    >>> parts_of("(주)LG화학").brand, sorted(parts_of("LG Chem, Ltd.").does)
    ('lg', ['chemical'])
    """
    text = unicodedata.normalize("NFKC", name).casefold().replace("(株)", "")
    for form in FORMS_OTHER:
        text = text.replace(unicodedata.normalize("NFKC", form).casefold(), " ")
    text = re.sub(r"heavy\s+industries", "heavyindustries", text)
    text = re.sub(r"\b(\w)\.(?=\w\b)", r"\1", text).replace(".", " ").replace("'", "")
    signs: set[str] = set()
    brand: list[str] = []
    words = [word.strip("-&") for word in re.findall(r"[a-z0-9&-]+|[^\W_a-z]+", text)]
    words = [word for word in words if word and word not in FORMS_LATIN]
    if (whole := _of_one_brand("".join(words))) is not None:
        return Parts(min(BRANDS[whole]), frozenset(), frozenset())
    for bare in words:
        if bare in WORDS:
            signs.add(WORDS[bare])
            continue
        rest, found = _peeled(bare)
        signs |= found
        brand.append(rest)
    where = frozenset(s for s in signs if s.startswith("at:"))
    return Parts(_branded("".join(brand)), frozenset(signs) - where, where)


def _branded(text: str) -> str:
    """The brand under the one name of its row of the table; of a Chinese name what is around it
    (a province, a trade) goes."""
    for names in BRANDS:
        for name in sorted(names, key=len, reverse=True):
            if text == name or (_is_han(name) and name in text):
                return min(names)
            if len(name) > 1 and not name.isascii() and text.startswith(name):
                return min(names) + text.removeprefix(name)
    return text


_LONG = sorted((w for w in WORDS if not w.isascii()), key=len, reverse=True)


def _peeled(word: str) -> tuple[str, set[str]]:
    """A word of Hangul or Han without the words it ends or begins with."""
    found: set[str] = set()
    if _of_one_brand(word) is not None:
        return word, found
    while True:
        for known in _LONG:
            if word.endswith(known) or (word.startswith(known) and WORDS[known].startswith("at:")):
                left = word.removesuffix(known) if word.endswith(known) else word[len(known) :]
                found.add(WORDS[known])
                word = left
                break
        else:
            return word, found
        if not word or _of_one_brand(word) is not None:
            return word, found


def _of_one_brand(brand: str) -> int | None:
    return next((n for n, names in enumerate(BRANDS) if brand in names), None)


@lru_cache(50_000)
def _spellings(brand: str) -> tuple[str, ...]:
    """The brand in Latin letters, folded; of letters also as Koreans say them."""
    found = {_folded(romanised(brand))}
    if re.fullmatch(r"[a-z&]{2,4}", brand):
        said = "".join("앤" if sign == "&" else LETTERS[sign.upper()] for sign in brand)
        found.add(_folded(romanised(said)))
    return tuple(found)


def _folded(text: str) -> str:
    """Letters that transliterations mix up, made one.

    >>> _folded("poseuko"), _folded("posco"), _folded("hyeondae") == _folded("hyundai")
    ('bosgo', 'bosgo', True)
    """
    for many, one in (("eui", "i"), ("eu", ""), ("yeo", "yu"), ("eo", "u"), ("oo", "u"),
                      ("ee", "i"), ("dai", "dae"), ("ph", "f"), ("ck", "k"), ("x", "ks")):  # fmt: skip
        text = text.replace(many, one)
    text = text.translate(str.maketrans("kcqpfvtlzw", "gggbbbdrju"))
    return re.sub(r"(.)\1+", r"\1", re.sub(r"[^a-z0-9]", "", text))


def _is_han(text: str) -> bool:
    return any("\u4e00" <= sign <= "\u9fff" for sign in text)


def _alike(one: str, other: str) -> float | None:
    """How alike two brands are, 0..1; None when their scripts cannot be compared."""
    if one == other:
        return 1.0
    if _of_one_brand(one) is not None and _of_one_brand(other) is not None:
        return 0.0
    if _is_han(one) != _is_han(other):
        return None
    if _is_han(one):
        return SequenceMatcher(None, one, other, autojunk=False).ratio()
    letters = [re.match(r"[a-z&]{1,4}(?=[^a-z&]|$)", text) for text in (one, other)]
    if letters[0] and letters[1] and letters[0][0] != letters[1][0]:
        return 0.3  # LS and LG: of short signs every letter counts
    return max(_ratio(a, b) for a in _spellings(one) for b in _spellings(other))


def _ratio(one: str, other: str) -> float:
    """How alike two folded spellings are: letters, and consonants, which spellings keep better."""
    whole = SequenceMatcher(None, one, other, autojunk=False).ratio()
    bare = [re.sub("[aeiouy]", "", text) for text in (one, other)]
    if min(map(len, bare)) < 3:
        return whole
    return 0.5 * whole + 0.5 * SequenceMatcher(None, bare[0], bare[1], autojunk=False).ratio()


def same_company(one: Company, other: Company) -> Match:
    """Whether two companies are one, with a confidence; identifiers before names.

    >>> same_company(Company("삼성전자(주)"), Company("Samsung Electronics Co., Ltd.")).verdict
    'same'
    >>> same_company(Company("LG화학"), Company("LG전자")).verdict
    'different'
    """
    for kind, check in (("lei", lei_ok), ("corporate_number", corporate_number_ok),
                        ("business_number", business_number_ok)):  # fmt: skip
        a, b = (re.sub(r"[\s-]", "", getattr(c, kind)).upper() for c in (one, other))
        if a and b and check(a) and check(b):
            if a == b:
                return Match("same", 0.999, f"the same {kind}")
            if kind != "business_number":
                return Match("different", 0.001, f"another {kind}")
    return _by_name(parts_of(one.name), parts_of(other.name))


def _by_name(one: Parts, other: Parts) -> Match:
    if not one.brand and not other.brand:
        sure = 0.9 if one == other and one.does else 0.2
        return _verdict(sure, "names of plain words only")
    alike = _alike(one.brand, other.brand) if one.brand and other.brand else 0.0
    if alike is None:
        clash = one.does and other.does and not one.does & other.does
        return _verdict(0.2 if clash else 0.45, "scripts that no table joins")
    sure = min(0.97, max(0.02, (alike - 0.62) / 0.33))
    if min(len(romanised(one.brand)), len(romanised(other.brand))) <= 3 and alike < 0.9:
        sure *= 0.7  # three letters are alike by chance
    said = [f"brands {alike:.0%} alike"]
    for what, a, b, apart, lone in (("what they do", one.does, other.does, 0.1, 0.65),
                                    ("where", one.where, other.where, 0.1, 0.65)):  # fmt: skip
        if a != b:
            shared = bool(a & b) or not (a and b)
            sure *= lone if shared else apart
            said.append(f"{what} is said of one only" if shared else f"{what} differs")
    return _verdict(sure, "; ".join(said))


def _verdict(sure: float, why: str) -> Match:
    verdict = "same" if sure >= SAME else "different" if sure <= DIFFERENT else "unsure"
    return Match(verdict, round(sure, 3), why)


def best_match(one: Company, others: Iterable[Company]) -> tuple[Company, Match] | None:
    """The company most likely to be the same, unless it is surely different; None then.

    >>> best_match(Company("포스코"), [Company("Hyundai Steel"), Company("POSCO")])[0].name
    'POSCO'
    """
    found = [(other, same_company(one, other)) for other in others]
    best = max(found, key=lambda pair: pair[1].confidence, default=None)
    return None if best is None or best[1].verdict == "different" else best
