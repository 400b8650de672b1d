"""From the spans that the encoder marks as firms to mentions: whole words, one code a firm.

The encoder marks tokens, so a span may begin or end inside a word, miss a part, or hold a particle.
Here spans are mended to whole names, linked to the gazetteer, and the short forms of one text
("Bowater" after "Bowater Industries Plc", "IBM" after the full name) get the code of the full one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from ews.model import Mention
from nlp.firms import (
    EDGE,
    TAIL,
    UNLISTED,
    by_plain_name,
    mention_of,
    plain_name,
    slug_of,
)
from nlp.korean import without_particle
from nlp.matcher import Prepared

LEAST = 0.5  # a marked span below this probability is no firm
LEAST_UNLISTED = 0.75  # nor is an unlisted name below this one
SURE = 0.8  # a marked name that holds more than a listed one inside it wins from here on
PART = 0.6  # share of a Latin word that must be marked for the word to count

_WORD = re.compile(r"[A-Za-zÀ-ɏ0-9]+(?![가-힣])|[A-Za-z0-9&+-]*[가-힣]+[A-Za-z0-9+]*")
_JOINS = re.compile(r" | ?[&-] ?|\. ?")  # between two parts of one name
_POSSESSIVE = re.compile(r"['’]s?$")
_STARTS_NAME = re.compile(r"[A-Z0-9À-ÖØ-Þ\u0370-\uffff]|[a-z][A-Z]")
_INITIALS_SKIP = {"and", "of", "the", "for", "de", "du"}


class Span(Protocol):
    """A name as the encoder marks it: characters of `title + "\\n" + text`, mean probability."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def probability(self) -> float: ...


def linked(listed: Sequence[Mention], spans: Iterable[Span], prepared: Prepared) -> list[Mention]:
    """Listed firms and marked names, each stretch of text once, one code a firm, in order."""
    pieces = _joined([p for span in spans for p in _mended(span, prepared)], prepared.text)
    marked = [m for piece in pieces for m in _named(*piece, prepared)]
    return _one_code_each(merged(listed, marked), prepared.text)


Piece = tuple[int, int, float]  # start, end, probability


def _mended(span: Span, prepared: Prepared) -> Iterator[Piece]:
    """The span as whole words on one line; nothing when it only cuts a word."""
    text = prepared.text
    start, end = max(0, span.start), min(span.end, len(text))
    if span.probability < LEAST:
        return
    cut = text.find("\n", start, end)
    if cut >= 0:  # a name does not run on from the title: the longer side is it
        start, end = (start, cut) if cut - start > end - cut - 1 else (cut + 1, end)
    while start < end and text[start] in EDGE:
        start += 1
    while start < end and text[end - 1] in EDGE:
        end -= 1
    if start >= end:
        return
    words = [m for m in _WORD.finditer(text, max(0, start - 40), end + 40)
             if m.start() < end and m.end() > start]  # fmt: skip
    for word in (words[0], words[-1]) if words else ():
        share = (min(end, word.end()) - max(start, word.start())) / len(word[0])
        if share < 1 and word[0][-1] < "가" and share < PART:
            return
        start, end = min(start, word.start()), max(end, word.end())
    yield start, end, span.probability


def _joined(pieces: Sequence[Piece], text: str) -> list[Piece]:
    """Neighbours of one name put together: "Western" and "Emergency Service Inc"."""
    joined: list[Piece] = []
    for start, end, probability in sorted(pieces):
        if joined:
            first, last, other = joined[-1]
            korean = "가" <= text[last - 1] <= "힣"  # such a word may bear a particle
            if start <= last or (not korean and _JOINS.fullmatch(text, last, start)):
                joined[-1] = (first, max(last, end), max(other, probability))
                continue
        joined.append((start, end, probability))
    return joined


def _named(start: int, end: int, probability: float, prepared: Prepared) -> Iterator[Mention]:
    text = prepared.text
    end = start + len(_without_tail(_POSSESSIVE.sub("", text[start:end])))
    name = text[start:end]
    slug = slug_of(name)
    plain = slug.replace("-", "")
    if len(plain) < 2 or plain.isdigit():
        return
    code = by_plain_name().get(plain)
    if code == "" or (code is None and not _could_name(name, probability)):
        return
    confidence = round(probability, 3)
    yield mention_of(code or f"{UNLISTED}{slug}", start, end, confidence, prepared)


def _could_name(name: str, probability: float) -> bool:
    return probability >= LEAST_UNLISTED and _STARTS_NAME.match(name) is not None


def _without_tail(name: str) -> str:
    """Without the particle, or the word behind a known Korean name: 현대차노조 is 현대차."""
    if not "가" <= name[-1:] <= "힣":
        return name
    known = by_plain_name()
    if plain_name(name) in known:
        return name
    for end in range(len(name) - 1, 1, -1):
        if plain_name(name[:end]) in known and TAIL.match(name, end):
            return name[:end]
    return without_particle(name, lambda stem: plain_name(stem) in known)


def merged(listed: Sequence[Mention], marked: Sequence[Mention]) -> list[Mention]:
    """Each stretch of text once: a listed firm, unless a surely marked name holds more than it."""
    kept = list(listed)
    for mention in sorted(marked, key=lambda m: (m.start - m.end, -m.confidence)):
        over = [m for m in kept if m.start < mention.end and mention.start < m.end]
        wider = all(mention.start <= m.start and m.end <= mention.end for m in over)
        same = any(plain_name(m.text) == plain_name(mention.text) for m in over)
        if over and (same or not wider or mention.confidence < SURE):
            kept = [_surer(m, mention) for m in kept]
            continue
        kept = [m for m in kept if m not in over]
        kept.append(mention)
    return sorted(kept, key=lambda m: (m.start, m.end))


def _surer(mention: Mention, other: Mention) -> Mention:
    over = mention.start < other.end and other.start < mention.end
    return (
        replace(mention, confidence=max(mention.confidence, other.confidence)) if over else mention
    )


# --------------------------------------------------------------------------- short forms


def _one_code_each(mentions: Sequence[Mention], text: str) -> list[Mention]:
    """Unlisted short forms take the code of the fullest name of the text that they shorten."""
    fullest = sorted(mentions, key=lambda m: (m.code.startswith(UNLISTED), -len(m.text)))
    codes: dict[str, str] = {}
    for mention in fullest:
        if mention.code in codes:
            continue
        codes[mention.code] = mention.code
        if mention.code.startswith(UNLISTED):
            forms = [m for m in mentions if m.code == mention.code]
            known = [m for m in fullest if m.code in codes and m.code != mention.code]
            codes[mention.code] = next(
                (codes[full.code] for full in known if _same_firm(forms, full, text)), mention.code
            )
    return [replace(m, code=codes[m.code]) for m in mentions]


def _same_firm(forms: Sequence[Mention], full: Mention, text: str) -> bool:
    return any(_shortens(m.text, full.text) or _introduced(m, full, text) for m in forms)


def _shortens(short: str, full: str) -> bool:
    """Whether one name is a shorter form of the other: its first words, its initials.

    >>> _shortens("Bowater", "Bowater Industries Plc"), _shortens("S/P", "Standard and Poor's")
    (True, True)
    >>> _shortens("삼성카드", "삼성전자")
    False
    """
    one, two = plain_name(short), plain_name(full)
    if len(one) < 2 or one == two:
        return one == two
    if two.startswith(one):
        return len(one) >= 3 or len(short) >= 2
    words = [word for word in slug_of(full).split("-") if word not in _INITIALS_SKIP]
    parts = [word for word in slug_of(short).split("-") if word not in _INITIALS_SKIP]
    initials = "".join(word[0] for word in words if len(word) > 1)
    if len(words) > 1 and "".join(parts) in (
        initials,
        f"{initials}c",
        "".join(w[0] for w in words),
    ):
        return True
    if f" {' '.join(parts)} " in f" {' '.join(words)} " and len(one) >= 4:
        return True
    return len(parts) >= len(words) > 1 and parts[-1] == words[-1] and parts[0][0] == words[0][0]


def _introduced(mention: Mention, full: Mention, text: str) -> bool:
    """Petroleos Mexicanos (PEMEX): one firm, told twice."""
    first, second = sorted((mention, full), key=lambda m: m.start)
    between = text[first.end : second.start]
    return len(between) <= 12 and re.fullmatch(r"[^()\n]{0,10}\(", between) is not None
