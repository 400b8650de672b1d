"""Who first wrote a text: agencies that it credits, and texts that repeat another.

Ten papers that print one agency's report are one source, so they share its independence group.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

# Name in a text -> independence group, as `ews.tuning.outlets` and the source catalog call it.
AGENCIES: Mapping[str, str] = {
    "Reuters": "reuters", "로이터": "reuters", "ロイター": "reuters",
    "AP": "ap", "Associated Press": "ap",
    "AFP": "afp", "Agence France-Presse": "afp",
    "Bloomberg": "bloomberg", "블룸버그": "bloomberg",
    "Yonhap": "yonhap", "연합뉴스": "yonhap", "聯合ニュース": "yonhap",
    "Kyodo": "kyodo", "교도": "kyodo", "共同通信": "kyodo",
    "Xinhua": "xinhua", "신화": "xinhua", "新华社": "xinhua",
    "TASS": "tass", "타스": "tass", "Interfax": "interfax", "인테르팍스": "interfax",
    "dpa": "dpa", "DPA": "dpa", "EFE": "efe", "ANSA": "ansa", "PTI": "pti", "Jiji": "jiji",
    "뉴시스": "newsis", "뉴스1": "news1",
}  # fmt: skip
_NAME = "(" + "|".join(sorted(map(re.escape, AGENCIES), key=len, reverse=True)) + ")"
_AFTER = r"(?: ?(?:통신사?|News Agency|news agency|News|news|통신사))?"
_CREDITS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\((?:[^()=]{{1,20}}=)?{_NAME}\)\s*(?:[-–—]|&mdash;|&ndash;|[가-힣▲=])",  # dateline
        rf"(?:[-–—<|] ?|\b[Bb]y (?:the )?|[Ss]ource: |출처[:=] ?){_NAME}{_AFTER}>?\s*(?:$|\n)",
        rf"(?:[Aa]ccording to|told|[Cc]ited by|reported by) (?:the |news agency )?{_NAME}\b",
        rf"\b{_NAME}{_AFTER} (?:reported|reports|said|says|Says|Reports)\b",
        rf"{_NAME}{_AFTER}(?:[·,과와 ][^.]{{0,25}})?(?: 등)?(?:에 따르면|[은는이가]? [^.]{{0,60}}(?:보도|전)했다)",
        rf"{_NAME}{_AFTER}(?:[·,과와 ][^.]{{0,25}})?(?: 등)?[이은]? [^.]{{0,12}}보도했다",
    )
)
_DATELINE = re.compile(r"^\W*\([^()]{2,30}\)[^=]{0,30}=|^[A-Z][\w ,.]{1,40}\([A-Za-z]+\)\s*\S")

READ = 400  # characters of the text that the sketch covers
MINIMA = 24  # one byte each
SHINGLE = 3  # words
LEAST_SHINGLES = 6
COPY = 0.6  # share of equal minima from which a text repeats another
_MULTIPLY = np.random.default_rng(3).integers(1, 2**32, MINIMA, dtype=np.uint64) | np.uint64(1)


def credited(title: str, text: str) -> str:
    """Group of the agency that a dateline, byline or attribution names; "" when none does.

    >>> credited("Port shut", "LONDON (Reuters) - Dockers walked out"), credited("AP exams", "")
    ('reuters', '')
    >>> credited("日 반덤핑 조사", "(도쿄=연합뉴스) 기자 = 일본이 조사를 개시한다고 교도통신이 13일 보도했다.")
    'yonhap'
    """
    for read in (title, text[:READ]):
        for pattern in _CREDITS:
            if match := pattern.search(read):
                return AGENCIES[match.group(1)]
    return ""


def sketch(text: str) -> bytes:
    """24 one-byte minima over the text's word triples; b"" for a text too short to tell.

    The share of equal bytes of two sketches estimates how many triples the texts share.
    """
    words = re.findall(r"\w+", _DATELINE.sub("", text[:READ]).lower())
    triples = {" ".join(words[at : at + SHINGLE]) for at in range(len(words) - SHINGLE + 1)}
    if len(triples) < LEAST_SHINGLES:
        return b""
    hashes = np.array([zlib.crc32(triple.encode()) for triple in triples], np.uint64)
    mixed = (hashes[:, None] * _MULTIPLY[None, :]) & np.uint64(0xFFFFFFFF)
    return bytes((mixed.min(axis=0) & np.uint64(0xFF)).astype(np.uint8))


def repeats(one: bytes, other: bytes) -> bool:
    """Whether two sketches are of (nearly) the same text. False when either is empty."""
    if not one or not other:
        return False
    return sum(a == b for a, b in zip(one, other, strict=True)) >= COPY * MINIMA


def first_copied(mine: bytes, others: Sequence[bytes]) -> int | None:
    """Which of the others the text repeats first; None when it is its own."""
    return next((at for at, other in enumerate(others) if repeats(mine, other)), None)
