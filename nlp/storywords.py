"""What tells one happening from another in words: content words, names in any script, numbers.

Names meet across scripts by their consonants: "Ragasa" and "라가사" are both R-K-S. How rare a mark
is comes from `nlp/data/story_marks.npz`, counts over recorded texts of other years; a rare mark
that two texts share says more than a common one.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

COUNTS = Path(__file__).parent / "data" / "story_marks.npz"
BITS = 17
LEDE = 240  # characters of the text that are read
LEAST_NAME = 3  # consonants: shorter skeletons meet by chance
_PARTICLES = re.compile(
    r"(으로|에서|에게|까지|부터|보다|처럼|이라|라며|하며|하고|했다|한다|된다|이다|은|는|이|가|을|를|의|에|로|와|과|도|만)$"
)
_WORD = re.compile(r"[a-zà-ÿ][a-zà-ÿ'’-]{2,}|[0-9]{3,}|[가-힣]{2,}|[一-鿿ぁ-ヿ]{2,}")
_STOP = frozenset(
    "the and for with from that this have has are was were will its into over after amid says said "
    "new more than out who what how why when where not but you your they their his her all can may "
    "could would should about been being first last year years week day days month two one three "
    "against some most also just latest live update updates news report reports world top his our "
    "this 것으로 있다 위해 대한 통해 대해 이번 지난 올해 오늘 관련 것이 했다 밝혔다 전했다 기자 뉴스".split()
)
_LATIN_NAME = re.compile(r"(?<![\w])[A-ZÀ-Þ][A-Za-zÀ-ÿ]{3,}")
_HANGUL = re.compile(r"[가-힣]{2,}")
_KATAKANA = re.compile(r"[ァ-ヺー]{3,}")
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*")
_YEAR = re.compile(r"(?:19|20)\d\d")

# Sounds that one script keeps apart and another does not, as one letter each.
_LATIN_SOUNDS = (
    ("tsch", "S"), ("tch", "S"), ("sch", "S"), ("ch", "S"), ("zh", "S"), ("sh", "S"), ("th", "S"),
    ("ph", "P"), ("ck", "K"), ("kh", "K"), ("gh", "K"), ("ts", "S"), ("tz", "S"), ("dz", "S"),
    ("ce", "S"), ("ci", "S"), ("cy", "S"), ("ng", "N"), ("x", "KS"), ("qu", "K"),
)  # fmt: skip
_LATIN_LETTERS = str.maketrans("bfpvckgqdtlrmnszj", "PPPPKKKKTTRRMNSSS", "aeiouyhw'-")
# ㄱ ㄲ ㄴ ㄷ ㄸ ㄹ ㅁ ㅂ ㅃ ㅅ ㅆ ㅇ ㅈ ㅉ ㅊ ㅋ ㅌ ㅍ ㅎ, then the ends: none ㄱ ㄲ ㄳ ㄴ ... ㅎ
_HEADS = "KKNTTRMPPSS-SSSKTP-"
_TAILS = "-KKKNNNTRRRRRRRRMPPTTNTTKTP-"


def terms(title: str, text: str) -> frozenset[str]:
    """Content words of a title and its lede, folded and without particles.

    >>> sorted(terms("China curbs gallium exports", ""))
    ['china', 'curb', 'export', 'gallium']
    """
    found = set()
    for word in _WORD.findall((title + " " + text[:LEDE]).lower()):
        if word in _STOP:
            continue
        if "가" <= word[0] <= "힣":
            word = _PARTICLES.sub("", word) if len(word) > 2 else word
        elif word.endswith("s") and len(word) > 4:
            word = word.removesuffix("s")
        if len(word) > 1:
            found.add(word)
    return frozenset(found)


def marks(title: str, text: str) -> frozenset[str]:
    """Names ("~" and consonants) and numbers ("#"), alike in every script.

    >>> sorted(marks("Typhoon Ragasa: 407 evacuated", "") & marks("태풍 라가사, 407명 대피", ""))
    ['#407', '~RKS', '~TPN']
    """
    read = f"{title} {text[:LEDE]}"
    found = {f"~{name}" for name in _names(read)}
    for number in _NUMBER.findall(read):
        plain = number.replace(",", "")
        if len(plain) > 1 and not _YEAR.fullmatch(plain):
            found.add(f"#{plain}")
    return frozenset(found)


def _names(read: str) -> Iterator[str]:
    for word in _LATIN_NAME.findall(read):
        yield from (s for s in _latin(word) if len(s) >= LEAST_NAME)
    for word in _HANGUL.findall(read):
        bare = _PARTICLES.sub("", word) if len(word) > 2 else word
        if len(skeleton := _hangul(bare)) >= LEAST_NAME:
            yield skeleton
    for word in _KATAKANA.findall(read):
        yield from (s for s in _latin(_romaji(word)) if len(s) >= LEAST_NAME)


@lru_cache(maxsize=20_000)
def _latin(word: str) -> tuple[str, ...]:
    """Consonants of a Latin name, and once more without the r's that Korean does not hear.

    >>> _latin("Clairton"), _latin("Nvidia")
    (('KRTN',), ('NPT',))
    """
    plain = unicodedata.normalize("NFD", word).encode("ascii", "ignore").decode().lower()
    for letters, sound in _LATIN_SOUNDS:
        plain = plain.replace(letters, sound)
    mute = re.sub(r"(?<=[aeiou])r(?![aeiouyhr])", "", plain)
    forms = (_single(form.translate(_LATIN_LETTERS)) for form in (plain, mute))
    return tuple(dict.fromkeys(forms))


@lru_cache(maxsize=20_000)
def _hangul(word: str) -> str:
    """Consonants of a Hangul word.

    >>> _hangul("클레어턴"), _hangul("엔비디아")
    ('KRTN', 'NPT')
    """
    sounds = []
    for place, letter in enumerate(word):
        head, tail = (ord(letter) - 0xAC00) // 588, (ord(letter) - 0xAC00) % 28
        if tail == 19 and place + 1 < len(word):
            tail = 0  # ㅅ before another letter only doubles it: 홋카이도
        sounds += [_HEADS[head], _TAILS[tail]]
    return _single("".join(sounds).replace("-", ""))


def _romaji(word: str) -> str:
    names = (unicodedata.name(letter, "").split() for letter in word)
    return "".join(
        n[-1].lower() for n in names if n[:2] == ["KATAKANA", "LETTER"] and "SMALL" not in n
    )


def _single(sounds: str) -> str:
    return re.sub(r"(.)\1+", r"\1", sounds)


def cell(mark: str) -> int:
    """Where the table counts a word, name or number."""
    return zlib.crc32(mark.encode()) & ((1 << BITS) - 1)


@lru_cache(maxsize=1)
def _rarity() -> NDArray[np.float32]:
    """Nats of surprise per cell; 1/8 nat steps in the file."""
    with np.load(COUNTS) as table:
        eighths: NDArray[np.uint8] = table["eighths"]
    return eighths.astype(np.float32) / np.float32(8)


@lru_cache(maxsize=100_000)
def rarity(mark: str) -> float:
    """How much it says that a text has this mark: -log of the share of texts that do."""
    return float(_rarity()[cell(mark)])


def weight(found: Iterable[str]) -> float:
    """Summed rarity, in a fixed order so that a restart adds alike."""
    return sum(rarity(mark) for mark in sorted(found))
