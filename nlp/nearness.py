"""How surely an article tells a story: a few figures of the pair, weighed.

The weights lie in `nlp/data/story_weights.json`. They were fitted once, by hand-run scripts that are
not in the project, on the dev half of `nlp/data/gold/stories-v1` (pairs of an article and a story) in
a thinned stream; there is no command yet that fits them again.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ews.model import Article, MentionKind, Story, Tag, TaggedArticle
from nlp.clean import cleaned
from nlp.storywords import marks, rarity, terms, weight
from nlp.wires import credited, sketch

# Days without a new article after which the same words mean a new happening.
GAP_DAYS: Mapping[str, float] = {
    "natural_disaster": 6,
    "industrial_accident": 6,
    "cyber_attack": 10,
    "energy_outage": 7,
    "price_shock": 21,
    "shortage_or_allocation": 21,
    "export_restriction": 21,
    "import_restriction": 21,
    "sanctions": 14,
    "regulation_change": 21,
    "logistics_disruption": 12,
    "armed_conflict_or_unrest": 12,
    "labour_action": 14,
    "production_halt": 10,
    "bankruptcy_or_closure": 14,
    "quality_or_recall": 14,
    "epidemic": 14,
}
DEFAULT_GAP = 14.0
WEIGHTS = Path(__file__).parent / "data" / "story_weights.json"
STRONG = 0.5  # a second type counts as stated at or above this probability
WIDE = 128  # numbers in a story vector
LONGEST = 500  # characters of a title, or of a text, that are compared
SURE_TITLE, SURE_LEDE = 0.4, 0.5  # confidence from which a mention is the article's
KINDS = ("country", "item", "port", "chokepoint", "firm")
FIGURES = (
    "one", "cosine", "recent", "crosses", "crosses_cosine", "words", "marks", "marks_sum",
    "core_words", "core_marks", "new_marks",
    "same_type", "kin_type", "days", "age", "size", "again",
    "country", "country_apart", "item", "item_apart", "route", "route_apart", "firm", "firm_apart",
)  # fmt: skip
NO_TAG = Tag("", 0.0)
NOT_TOLD = -9.0  # log-odds
ABOUT_GOODS = frozenset(
    ("export_restriction", "import_restriction", "price_shock", "shortage_or_allocation")
)
NAMELESS = 3  # articles after which a story that named no goods is about none
OF_THEIR_OWN = frozenset(  # kinds that seldom start or follow another kind
    ("quality_or_recall", "cyber_attack", "epidemic", "regulation_change", "bankruptcy_or_closure")
)
NOT_THE_FIRST = timedelta(hours=10)  # "another" says so of a story this old
_AGAIN = re.compile(
    r"\b(?:another|second|third|fourth|fresh|again|latest|new wave|repeat\w*)\b"
    r"|(?:^|\s)(?:또|다시|재차|연이어|잇따라|이틀\s?만에|두\s?번째|세\s?번째)|再び|再次|又",
    re.IGNORECASE,
)
Core = tuple[Mapping[str, float], float]  # rarity of each mark, and summed
Bytes = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Reading:
    """One article as the story index sees it."""

    article: Article
    tagged: TaggedArticle
    type: str
    strong: frozenset[str]
    stated: bool  # some type reaches the reader's line
    opens: bool  # surely enough about something to open a story; else it can only follow one
    countries: tuple[str, ...]
    items: tuple[str, ...]
    ports: tuple[str, ...]
    chokepoints: tuple[str, ...]
    firms: tuple[str, ...]
    words: frozenset[str]
    marks: frozenset[str]
    weights: tuple[float, float]  # summed rarity of the words, of the marks
    direction: Direction
    again: bool  # the title speaks of one more of its kind
    independence: str
    sketch: bytes

    def anchors(self) -> list[str]:
        """What can lead to a story when vectors cannot."""
        return [
            f"{kind}:{code}"
            for kind, codes in (
                ("choke", self.chokepoints),
                ("port", self.ports),
                ("item", self.items),
                ("firm", self.firms),
                ("country", self.countries),
            )
            for code in codes
        ]


def read(article: Article, tagged: TaggedArticle, minimum: float, least: float) -> Reading | None:
    """How the article enters the index; None for one that the first pass skipped.

    It states an event when a type reaches `minimum`, and may open a story from `least` on; below it
    can only follow one. What the title names is what the article is about: codes of the title stand
    before those of the lede, and items of the lede count only when the title names none.
    """
    if tagged.screened:
        return None
    top = max(tagged.tags, key=lambda tag: (tag.probability, tag.type), default=NO_TAG)
    main = top.type
    strong = frozenset(tag.type for tag in tagged.tags if tag.probability >= STRONG)
    strong |= {main} - {""}
    chokepoints = _codes(tagged, MentionKind.CHOKEPOINT)
    ports = _codes(tagged, MentionKind.PORT)
    if (chokepoints or ports) and "logistics_disruption" in strong:
        main = "logistics_disruption"  # what a route means for supply is its traffic
    plain = cleaned(article.title, article.text)
    title, text = plain.title[:LONGEST], plain.text[:LONGEST]
    words, named = terms(title, text), marks(title, text)
    return Reading(
        article=article,
        tagged=tagged,
        type=main,
        strong=strong,
        stated=top.probability >= minimum,
        opens=top.probability >= min(least, minimum),
        countries=_codes(tagged, MentionKind.COUNTRY),
        items=_codes(tagged, MentionKind.ITEM),
        ports=ports,
        chokepoints=chokepoints,
        firms=_codes(tagged, MentionKind.FIRM),
        words=words,
        marks=named,
        weights=(weight(words), weight(named)),
        direction=Direction.of(tagged.vector),
        again=bool(_AGAIN.search(title)),
        independence=credited(title, text) or article.independence or article.outlet,
        sketch=sketch(text),
    )


def _codes(tagged: TaggedArticle, kind: MentionKind) -> tuple[str, ...]:
    mentions = [m for m in tagged.mentions if m.kind is kind and m.role == "hit"]
    titled = [m.code for m in mentions if m.in_title and m.confidence >= SURE_TITLE]
    if titled and kind in (MentionKind.ITEM, MentionKind.CHOKEPOINT, MentionKind.PORT):
        return tuple(dict.fromkeys(titled))
    lede = [m.code for m in mentions if m.confidence >= SURE_LEDE]
    return tuple(dict.fromkeys([*titled, *lede]))


def unpacked(vector: bytes) -> Bytes:
    """Signed bytes of a story vector; zeros for none."""
    return np.frombuffer(vector, np.int8) if vector else np.zeros(WIDE, np.int8)


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """A story vector ready to compare. Its products are whole numbers, exact in any order."""

    numbers: NDArray[np.int64]
    square: int

    @classmethod
    def of(cls, vector: bytes) -> Direction:
        numbers = unpacked(vector).astype(np.int64)
        return cls(numbers, int(numbers @ numbers))

    def cosine(self, other: Direction) -> float:
        """0 when either is missing."""
        product = int(self.numbers @ other.numbers)
        return product / math.sqrt(self.square * other.square) if product else 0.0


@dataclass(frozen=True, slots=True)
class Profile:
    """What of a story is compared with each article; the same for all until the story grows."""

    direction: Direction
    recent: Direction
    written: Mapping[str, float]  # articles by language
    core_words: Mapping[str, Core]  # by language
    core_marks: Core
    types: frozenset[str]
    countries: frozenset[str]
    items: frozenset[str]
    routes: frozenset[str]
    firms: frozenset[str]


def profile(story: Story) -> Profile:
    langs = Counter(member.lang for member in story.members)
    share = story.size / len(story.members)  # a large story keeps part of its members
    written = {lang: max(1.0, count * share) for lang, count in langs.items()}
    return Profile(
        direction=Direction.of(story.vector),
        recent=Direction.of(story.recent),
        written=written,
        core_words={lang: _core(story, size, names=False) for lang, size in written.items()},
        core_marks=_core(story, story.size, names=True),
        types=frozenset(story.core("types", 0.15)),
        countries=frozenset(story.core("countries")),
        items=frozenset(story.core("items")),
        routes=frozenset(story.core("chokepoints")) | frozenset(story.core("ports")),
        firms=frozenset(story.core("firms")),
    )


def _core(story: Story, size: float, names: bool) -> Core:
    """What at least half of the story's articles name, with its rarity."""
    floor = max(1.0, 0.5 * size)
    named = sorted(m for m, n in story.terms.items() if n >= floor and (m[0] in "~#") == names)
    rare = {mark: rarity(mark) for mark in named}
    return rare, sum(rare.values())


def figures(story: Story, known: Profile, reading: Reading) -> tuple[float, ...]:
    """The pair in numbers, in the order of `FIGURES`; all about 0 to 1."""
    at = reading.article.available_at
    gap = GAP_DAYS.get(story.type, DEFAULT_GAP) * 86_400  # seconds
    near = reading.direction.cosine(known.direction)
    written = known.written.get(reading.article.lang)
    crosses = written is None
    shared = _shared(story, reading.words, written or 1.0)
    named = _shared(story, reading.marks, story.size)
    unknown = reading.weights[1] - weight(reading.marks & story.terms.keys())
    held_words = 0.0 if crosses else _held(known.core_words[reading.article.lang], reading.words)
    return (
        1.0,
        near,
        reading.direction.cosine(known.recent),
        float(crosses),
        near if crosses else 0.0,
        shared / reading.weights[0] if reading.weights[0] else 0.0,
        named / reading.weights[1] if reading.weights[1] else 0.0,
        min(named, 40.0) / 20,
        held_words,
        _held(known.core_marks, reading.marks),
        min(unknown, 60.0) / 30,
        float(reading.type == story.type),
        float(story.type in reading.strong or reading.type in known.types),
        max(0.0, (at - story.last_seen).total_seconds() / gap),
        min(max(0.0, (at - story.first_seen).total_seconds() / gap), 3.0),
        math.log(story.size) / 4,
        float(reading.again and at - story.first_seen > NOT_THE_FIRST),
        *_met(reading.countries, known.countries),
        *_met(reading.items, known.items),
        *_met((*reading.chokepoints, *reading.ports), known.routes),
        *_met(reading.firms, known.firms),
    )


def _shared(story: Story, found: frozenset[str], size: float) -> float:
    """Rarity of what both name; what the story names only in passing counts in part."""
    floor = max(1.0, 0.12 * min(size, 40.0))
    return sum(
        rarity(mark) * min(1.0, story.terms[mark] / floor)
        for mark in sorted(found & story.terms.keys())
    )


def _held(core: Core, found: frozenset[str]) -> float:
    """Share, by rarity, of the core that the article names; a half when there is no core."""
    rare, whole = core
    return sum(rare[mark] for mark in sorted(found & rare.keys())) / whole if whole else 0.5


def _met(mine: Sequence[str], other: frozenset[str]) -> tuple[float, float]:
    """(some code is shared, both have codes and none is shared)."""
    if not mine or not other:
        return 0.0, 0.0
    met = not other.isdisjoint(mine)
    return float(met), float(not met)


@lru_cache(maxsize=1)
def shipped_weights() -> tuple[float, ...]:
    """Log-odds per figure, in the order of `FIGURES`."""
    stored: Mapping[str, float] = json.loads(WEIGHTS.read_text(encoding="utf-8"))["weights"]
    return tuple(float(stored[name]) for name in FIGURES)


def closeness(story: Story, known: Profile, reading: Reading, weights: Sequence[float]) -> float:
    """Log-odds that the article tells the story; by codes and words alone without a vector."""
    if not (reading.tagged.vector and story.vector):
        return by_codes(story, reading)
    if other_goods(story, reading) or other_kind(story, known, reading):
        return NOT_TOLD
    return sum(w * f for w, f in zip(weights, figures(story, known, reading), strict=True))


def other_goods(story: Story, reading: Reading) -> bool:
    """The same kind of news about other goods is another happening, however alike the words: two
    export curbs of one state on two metals reach two sets of firms."""
    if not ABOUT_GOODS & {story.type, reading.type}:
        return False
    mine = {code for code in reading.items if not code.startswith("hs:")}
    theirs = {code for code in story.items if not code.startswith("hs:")}
    if not mine or not mine.isdisjoint(theirs):
        return False
    return bool(theirs) or story.size >= NAMELESS


def other_kind(story: Story, known: Profile, reading: Reading) -> bool:
    """An article that surely states something else tells the story only where one may cause the
    other and it names a place, route, good or firm of the story; one that states nothing follows
    no story of which it names none, if it names any."""
    named = {
        *reading.countries,
        *reading.items,
        *reading.chokepoints,
        *reading.ports,
        *reading.firms,
    }
    apart = named.isdisjoint(known.countries | known.items | known.routes | known.firms)
    if not reading.stated:
        return apart  # what names nothing of it has only its words
    if not (known.types | {story.type}).isdisjoint(reading.strong):
        return False
    return apart or bool(OF_THEIR_OWN & {story.type, reading.type})


def by_codes(story: Story, reading: Reading) -> float:
    """What the keyword classifier, which has no vectors, goes by; NOT_TOLD or above 0."""
    kin = story.type in reading.strong and reading.type in story.core("types", 0.15)
    if not (reading.type == story.type or kin):
        return NOT_TOLD
    floor = max(1.0, 0.08 * min(story.size, 40))
    used = sum(1 for word in reading.words if story.terms.get(word, 0) >= floor)
    words = used / len(reading.words) if reading.words else 0.0
    shared_country = bool(set(reading.countries) & set(story.countries))
    either_placeless = not reading.countries or not story.countries
    routes = set(reading.chokepoints) & set(story.core("chokepoints"))
    routes |= set(reading.ports) & set(story.core("ports"))
    if routes:
        return 3.0 + words
    both_routed = (reading.chokepoints or reading.ports) and (story.chokepoints or story.ports)
    items = set(reading.items) & set(story.core("items"))
    if items and (shared_country or either_placeless) and not both_routed:
        return 2.0 + words
    if set(reading.firms) & set(story.core("firms")) and words >= 0.12:
        return 1.5 + words
    if reading.items and story.items and not items:
        # Other goods under one measure are another happening, unless the text is nearly a copy.
        return 1.0 + words if words >= 0.8 and len(reading.words) >= 6 else NOT_TOLD
    return 1.0 + words if shared_country and words >= 0.3 else NOT_TOLD
