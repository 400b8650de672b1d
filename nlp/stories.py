"""When do two articles tell the same happening? Stories, as a stream, across outlets and languages.

Each article is placed once, against the open stories that share an anchor with it (a chokepoint,
a port, an item, a firm, a country), so the cost per article does not grow with the stream. Codes
are the same in every language, so a Korean and an English article meet on them; words decide only
where codes are too coarse (two fires in one country).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ews.model import (
    Article,
    MentionKind,
    Phase,
    Story,
    StoryMember,
    TaggedArticle,
    content_id,
)

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
KEEP_FIRST, KEEP_LAST = 12, 28
STRONG = 0.5  # a second type counts as stated at or above this probability
_PARTICLES = re.compile(
    r"(으로|에서|에게|까지|부터|보다|처럼|이라|라며|하며|하고|했다|한다|된다|이다|은|는|이|가|을|를|의|에|로|와|과|도|만)$"
)
_WORD = re.compile(r"[a-z][a-z'’-]{2,}|[0-9]{3,}|[가-힣]{2,}|[一-鿿ぁ-ヿ]{2,}")
_STOP = frozenset(
    "the and for with from that this have has are was were will its into over after amid says said "
    "new more than out who what how why when where not but you your they their his her all can may "
    "could would should about been being first last year years week day days month two one three "
    "against some most also just latest live update updates news report reports world top his our "
    "this 것으로 있다 위해 대한 통해 대해 이번 지난 올해 오늘 관련 것이 했다 밝혔다 전했다 기자 뉴스".split()
)


def terms(title: str, text: str) -> frozenset[str]:
    """Content words of a title and its lede, folded and without particles.

    >>> sorted(terms("China curbs gallium exports", ""))
    ['china', 'curb', 'export', 'gallium']
    """
    found = set()
    for word in _WORD.findall((title + " " + text[:240]).lower()):
        if word in _STOP:
            continue
        if "가" <= word[0] <= "힣":
            word = _PARTICLES.sub("", word) if len(word) > 2 else word
        elif word.endswith("s") and len(word) > 4:
            word = word.removesuffix("s")
        if len(word) > 1:
            found.add(word)
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Reading:
    """One article as the story index sees it."""

    article: Article
    tagged: TaggedArticle
    type: str
    strong: frozenset[str]
    countries: tuple[str, ...]
    items: tuple[str, ...]
    ports: tuple[str, ...]
    chokepoints: tuple[str, ...]
    firms: tuple[str, ...]
    words: frozenset[str]

    def anchors(self) -> Iterable[str]:
        for kind, codes in (
            ("choke", self.chokepoints),
            ("port", self.ports),
            ("item", self.items),
            ("firm", self.firms),
            ("country", self.countries),
        ):
            for code in codes:
                yield f"{kind}:{code}"


def read(article: Article, tagged: TaggedArticle, minimum: float) -> Reading | None:
    """How the article enters the index; None when no type reaches `minimum`.

    What the title names is what the article is about: codes of the title stand before those of
    the lede, and items of the lede count only when the title names none.
    """
    likely = [tag for tag in tagged.tags if tag.probability >= minimum]
    if not likely or tagged.screened:
        return None
    main = max(likely, key=lambda tag: (tag.probability, tag.type)).type
    strong = frozenset(tag.type for tag in tagged.tags if tag.probability >= STRONG) | {main}
    chokepoints = _codes(tagged, MentionKind.CHOKEPOINT)
    ports = _codes(tagged, MentionKind.PORT)
    if (chokepoints or ports) and "logistics_disruption" in strong:
        main = "logistics_disruption"  # what a route means for supply is its traffic
    return Reading(
        article=article,
        tagged=tagged,
        type=main,
        strong=strong,
        countries=_codes(tagged, MentionKind.COUNTRY),
        items=_codes(tagged, MentionKind.ITEM),
        ports=ports,
        chokepoints=chokepoints,
        firms=_codes(tagged, MentionKind.FIRM),
        words=terms(article.title, article.text),
    )


def _codes(tagged: TaggedArticle, kind: MentionKind) -> tuple[str, ...]:
    mentions = [m for m in tagged.mentions if m.kind is kind and m.role == "hit"]
    titled = [m.code for m in mentions if m.in_title and m.confidence >= 0.4]
    if titled and kind in (MentionKind.ITEM, MentionKind.CHOKEPOINT, MentionKind.PORT):
        return tuple(dict.fromkeys(titled))
    lede = [m.code for m in mentions if m.confidence >= 0.5]
    return tuple(dict.fromkeys([*titled, *lede]))


class StoryIndex:
    """Open stories, found by anchor. Rebuilt from the store at start; never the only copy."""

    def __init__(self, stories: Iterable[Story] = ()) -> None:
        self._stories: dict[str, Story] = {}
        self._by_anchor: dict[str, set[str]] = {}
        self._touched: set[str] = set()
        for story in stories:
            self._keep(story)
        self._touched.clear()

    def __len__(self) -> int:
        return len(self._stories)

    def touched(self) -> list[Story]:
        """Stories changed since the last call, in a stable order."""
        changed = sorted(self._touched)
        self._touched.clear()
        return [self._stories[key] for key in changed if key in self._stories]

    def place(self, article: Article, tagged: TaggedArticle, minimum: float) -> Story | None:
        """Put one article where it belongs: an open story, or a new one. None if it tells nothing."""
        reading = read(article, tagged, minimum)
        if reading is None:
            return None
        home = self._home(reading)
        story = _grown(home, reading) if home else _opened(reading)
        self._keep(story)
        return story

    def close_before(self, now: datetime) -> None:
        """Forget stories whose gap has passed, so that the index stays as large as the present."""
        for key, story in list(self._stories.items()):
            if now - story.last_seen > timedelta(days=GAP_DAYS.get(story.type, 14) + 1):
                del self._stories[key]
                for anchor in _anchors(story):
                    self._by_anchor.get(anchor, set()).discard(key)

    def _keep(self, story: Story) -> None:
        self._stories[story.id] = story
        self._touched.add(story.id)
        for anchor in _anchors(story):
            self._by_anchor.setdefault(anchor, set()).add(story.id)

    def _home(self, reading: Reading) -> Story | None:
        keys = {key for anchor in reading.anchors() for key in self._by_anchor.get(anchor, ())}
        best: tuple[float, str] | None = None
        for key in keys:
            closeness = _closeness(self._stories[key], reading)
            if closeness > 0 and (best is None or (closeness, key) > best):
                best = (closeness, key)
        return self._stories[best[1]] if best else None


def _closeness(story: Story, reading: Reading) -> float:
    """How surely the article tells this story; 0 when it does not."""
    at = reading.article.available_at
    if at - story.last_seen > timedelta(days=GAP_DAYS.get(story.type, 14)):
        return 0.0
    if story.first_seen - at > timedelta(days=1):  # a story of the future, in a replayed store
        return 0.0
    same = reading.type == story.type
    kin = story.type in reading.strong and reading.type in story.core("types", 0.15)
    if not (same or kin):
        return 0.0
    words = _likeness(story, reading)
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
        return 1.0 + words if words >= 0.8 and len(reading.words) >= 6 else 0.0
    if shared_country and words >= 0.3:
        return 1.0 + words
    return 0.0


def _likeness(story: Story, reading: Reading) -> float:
    """Share of the article's words that the story has used more than in passing."""
    if not reading.words:
        return 0.0
    floor = max(1.0, 0.08 * min(story.size, 40))
    used = {word for word, n in story.terms.items() if n >= floor}
    return len(reading.words & used) / len(reading.words)


def _anchors(story: Story) -> Iterable[str]:
    for kind, counts in (
        ("choke", story.chokepoints),
        ("port", story.ports),
        ("item", story.items),
        ("firm", story.firms),
        ("country", story.countries),
    ):
        for code in counts:
            yield f"{kind}:{code}"


def _member(reading: Reading, type_: str) -> StoryMember:
    article = reading.article
    return StoryMember(
        article_id=article.id,
        independence=article.independence or article.outlet,
        outlet=article.outlet,
        title=article.title,
        url=article.url,
        lang=article.lang,
        observed_at=article.observed_at,
        available_at=article.available_at,
        probability=reading.tagged.probability(type_),
        severity=reading.tagged.severity,
        phase=reading.tagged.phase or Phase.ACTUAL,
        authority=article.authority,
    )


def _opened(reading: Reading) -> Story:
    at = reading.article.available_at
    member = _member(reading, reading.type)
    return Story(
        id=content_id("sty", reading.article.id, reading.type),
        type=reading.type,
        first_seen=at,
        last_seen=at,
        size=1,
        members=(member,),
        groups=(member.independence,),
        types=dict.fromkeys(sorted(reading.strong), 1),
        countries=dict.fromkeys(reading.countries, 1),
        items=dict.fromkeys(reading.items, 1),
        ports=dict.fromkeys(reading.ports, 1),
        chokepoints=dict.fromkeys(reading.chokepoints, 1),
        firms=dict.fromkeys(reading.firms, 1),
        terms=dict.fromkeys(sorted(reading.words), 1),
        model=reading.tagged.model,
        price_direction=reading.tagged.price_direction,
    )


def _grown(story: Story, reading: Reading) -> Story:
    if any(member.article_id == reading.article.id for member in story.members):
        return story
    member = _member(reading, story.type)
    members = (*story.members, member)
    if len(members) > KEEP_FIRST + KEEP_LAST:
        members = (*members[:KEEP_FIRST], *members[-KEEP_LAST:])
    return replace(
        story,
        last_seen=max(story.last_seen, member.available_at),
        size=story.size + 1,
        members=members,
        groups=tuple(sorted({*story.groups, member.independence})),
        types=_counted(story.types, reading.strong),
        countries=_counted(story.countries, reading.countries),
        items=_counted(story.items, reading.items),
        ports=_counted(story.ports, reading.ports),
        chokepoints=_counted(story.chokepoints, reading.chokepoints),
        firms=_counted(story.firms, reading.firms),
        terms=_counted(story.terms, reading.words, keep=80),
        price_direction=story.price_direction or reading.tagged.price_direction,
    )


def _counted(counts: Mapping[str, int], codes: Iterable[str], keep: int = 40) -> dict[str, int]:
    total = Counter(counts)
    total.update(codes)
    if len(total) <= keep:
        return dict(total)
    ranked: Sequence[tuple[str, int]] = sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))
    return dict(ranked[:keep])
