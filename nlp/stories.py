"""When do two articles tell the same happening? Stories, as a stream, across outlets and languages.

Each article is placed once, against a bounded number of open stories: those whose vectors are
nearest and the newest that share a code (a chokepoint, a port, an item, a firm; a country where
vectors are missing). The cost per article does not grow with the stream. `nlp.nearness` says how
surely it tells each; the surest wins when it is sure enough, else a new story opens.

All state lies in the stories themselves, so an index rebuilt from a store places as the one that
wrote it. What is bounded is bounded by time of expiry, which closing and rebuilding agree on.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from ews.model import Article, Phase, Story, StoryMember, TaggedArticle, content_id
from nlp.nearness import (
    DEFAULT_GAP,
    GAP_DAYS,
    WIDE,
    Profile,
    Reading,
    closeness,
    profile,
    read,
    shipped_weights,
    unpacked,
)
from nlp.storywords import rarity
from nlp.wires import first_copied

QUIET_GAP = 4.0  # days, of a story that no article states surely
OPEN_DAYS = max(GAP_DAYS.values()) + 2  # a store's stories last told before are closed
KEEP_FIRST, KEEP_LAST = 12, 28
KEEP_UNVERIFIED = 12  # articles of unverified sources that are named beside a story
KEEP_TERMS = 120
LEAST = 0.08  # an article whose types all stay below this opens no story
JOIN = 0.0  # log-odds from which an article joins a story
NEAREST = 24  # open stories by vector that are looked at
NEWEST = 16  # and the newest of each code
MOST_OPEN = 20_000  # open stories; beyond it the first to expire is closed early
STEADY, RECENT = (
    24,
    3,
)  # articles after which a story's vector, or its recent one, follows the newest
DAY = 86_400.0


class StoryIndex:
    """Open stories, found by vector and code. Rebuilt from the store at start; never the only copy."""

    def __init__(
        self, stories: Iterable[Story] = (), weights: Sequence[float] | None = None
    ) -> None:
        self.weights = tuple(weights) if weights is not None else shipped_weights()
        self._stories: dict[str, Story] = {}
        self._profiles: dict[str, Profile] = {}  # of stories that were looked at as they stand
        self._touched: dict[str, Story] = {}
        self._by_anchor: dict[str, list[tuple[float, str]]] = {}
        self._queue: list[tuple[float, str]] = []  # (expiry, id), stale entries included
        self._vectors = _Vectors()
        for story in stories:
            self._keep(story)
        self._touched.clear()

    def __len__(self) -> int:
        return len(self._stories)

    def touched(self) -> list[Story]:
        """Stories changed since the last call, in a stable order."""
        changed = [self._touched[key] for key in sorted(self._touched)]
        self._touched.clear()
        return changed

    def place(self, article: Article, tagged: TaggedArticle, minimum: float) -> Story | None:
        """Put one article where it belongs: an open story, or a new one. None if it tells nothing."""
        reading = read(article, tagged, minimum, LEAST)
        if reading is None:
            return None
        home = self._home(reading)
        if not article.trusted:
            return self._noted(home, reading)
        if home is None and not reading.opens:
            return None
        story = _grown(home, reading) if home else _opened(reading)
        self._keep(story)
        return story

    def _noted(self, home: Story | None, reading: Reading) -> Story | None:
        """Set an unverified article beside the story that it tells; it opens none and moves nothing,
        so that what is placed after it is placed as if it had never come."""
        if home is None or any(m.article_id == reading.article.id for m in home.unverified):
            return home
        member = replace(_member(reading, home.type, home.members), states=False)
        told = (*home.unverified, member)[-KEEP_UNVERIFIED:]
        noted = replace(home, unverified=told)
        self._stories[home.id] = self._touched[home.id] = noted
        return noted

    def close_before(self, now: datetime) -> None:
        """Forget stories whose gap has passed, so that the index stays as large as the present."""
        while self._queue and self._queue[0][0] < now.timestamp() - DAY:
            self._drop_first()

    def candidates(self, reading: Reading) -> list[Story]:
        """Open stories that the article may tell, by id."""
        at = reading.article.available_at.timestamp()
        keys: set[str] = set()
        vector = reading.tagged.vector
        if vector:
            keys.update(self._vectors.nearest(vector, at, NEAREST))
        for anchor in reading.anchors():
            if vector and anchor.startswith("country:"):
                anchor = f"bare-{anchor}"  # vectors find the others better
            keys.update(key for _, key in self._by_anchor.get(anchor, ())[-NEWEST:])
        found = (self._stories[key] for key in sorted(keys))
        return [s for s in found if expiry(s) >= at and s.first_seen.timestamp() - at <= DAY]

    def _home(self, reading: Reading) -> Story | None:
        best: tuple[float, str] | None = None
        for story in self.candidates(reading):
            odds = closeness(story, self.profile(story), reading, self.weights)
            if odds >= JOIN and (best is None or (odds, story.id) > best):
                best = (odds, story.id)
        return self._stories[best[1]] if best else None

    def profile(self, story: Story) -> Profile:
        """Of an open story; kept until it grows."""
        known = self._profiles.get(story.id)
        if known is None:
            known = self._profiles[story.id] = profile(story)
        return known

    # ------------------------------------------------------------------ what is open

    def _keep(self, story: Story) -> None:
        until = expiry(story)
        before = self._stories.get(story.id)
        if before is not None:
            self._unlink(before)
            self._profiles.pop(story.id, None)
        self._stories[story.id] = self._touched[story.id] = story
        heapq.heappush(self._queue, (until, story.id))
        for anchor in _anchors(story):
            waiting = self._by_anchor.setdefault(anchor, [])
            insort(waiting, (until, story.id))
            if len(waiting) > 4 * NEWEST:
                del waiting[0]
        if story.vector:
            self._vectors.put(story.id, story.vector, until, story.first_seen.timestamp())
        while len(self._stories) > MOST_OPEN:
            self._drop_first()

    def _unlink(self, story: Story) -> None:
        until = expiry(story)
        for anchor in _anchors(story):
            waiting = self._by_anchor.get(anchor)
            if waiting and (until, story.id) in waiting:
                waiting.remove((until, story.id))
                if not waiting:
                    del self._by_anchor[anchor]

    def _drop_first(self) -> None:
        """Close the story that expires first; an entry that its story has outgrown just goes."""
        until, key = heapq.heappop(self._queue)
        story = self._stories.get(key)
        if story is None or expiry(story) != until:
            return
        del self._stories[key]
        self._profiles.pop(key, None)
        self._unlink(story)
        self._vectors.drop(key)


class _Vectors:
    """Vectors of the open stories, one row each, compared all at once."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._keys: list[str] = []
        self._matrix = np.zeros((256, WIDE), np.float32)
        self._until = np.zeros(256)
        self._since = np.zeros(256)

    def put(self, key: str, vector: bytes, until: float, since: float) -> None:
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = len(self._keys)
            self._keys.append(key)
            if row == len(self._matrix):
                self._matrix = np.concatenate([self._matrix, np.zeros_like(self._matrix)])
                self._until = np.concatenate([self._until, np.zeros_like(self._until)])
                self._since = np.concatenate([self._since, np.zeros_like(self._since)])
        self._matrix[row] = unpacked(vector)
        self._until[row], self._since[row] = until, since

    def drop(self, key: str) -> None:
        """The last row takes the freed place, so rows stay dense."""
        row = self._rows.pop(key, None)
        if row is None:
            return
        last = self._keys.pop()
        if last != key:
            self._keys[row] = last
            self._rows[last] = row
            end = len(self._keys)
            self._matrix[row] = self._matrix[end]
            self._until[row], self._since[row] = self._until[end], self._since[end]

    def nearest(self, vector: bytes, at: float, count: int) -> list[str]:
        """Keys of the `count` nearest rows that are open at that time; equal ones by key.

        Products of bytes sum below 2**24, so float32 holds them exactly in any order. `einsum`
        stays on this thread; a threaded product waits for busy cores (seen: 12 ms for 0.1).
        """
        size = len(self._keys)
        mine = unpacked(vector).astype(np.float32)
        products = np.einsum("ij,j->i", self._matrix[:size], mine)
        products[(self._until[:size] < at) | (self._since[:size] - at > DAY)] = -np.inf
        if size > count:
            line = np.partition(products, size - count)[size - count]
            rows = np.flatnonzero(products >= max(line, 0))
        else:
            rows = np.flatnonzero(products >= 0)
        ranked = sorted((-float(products[row]), self._keys[row]) for row in rows)
        return [key for _, key in ranked[:count]]


def expiry(story: Story) -> float:
    """Unix time after which no article joins."""
    gap = QUIET_GAP if story.quiet else GAP_DAYS.get(story.type, DEFAULT_GAP)
    return story.last_seen.timestamp() + gap * DAY


def _anchors(story: Story) -> set[str]:
    bare = () if story.vector else [f"bare-country:{code}" for code in story.countries]
    return {*bare} | {
        f"{kind}:{code}"
        for kind, counts in (
            ("choke", story.chokepoints),
            ("port", story.ports),
            ("item", story.items),
            ("firm", story.firms),
            ("country", story.countries),
        )
        for code in counts
    }


# ---------------------------------------------------------------------- one story


def _member(reading: Reading, type_: str, told: Sequence[StoryMember]) -> StoryMember:
    article = reading.article
    copied = first_copied(reading.sketch, [member.sketch for member in told])
    source = told[copied] if copied is not None else None
    return StoryMember(
        article_id=article.id,
        independence=source.independence if source else reading.independence,
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
        copy_of=(source.copy_of or source.article_id) if source else "",
        sketch=reading.sketch,
        states=reading.stated,
        relevance=reading.tagged.relevance,
    )


def _opened(reading: Reading) -> Story:
    at = reading.article.available_at
    member = _member(reading, reading.type, ())
    return Story(
        id=content_id("sty", reading.article.id, reading.type),
        type=reading.type,
        first_seen=at,
        last_seen=at,
        size=1,
        members=(member,),
        groups=(member.independence,) if reading.stated else (),
        types=dict.fromkeys(sorted(reading.strong), 1),
        countries=dict.fromkeys(reading.countries, 1),
        items=dict.fromkeys(reading.items, 1),
        ports=dict.fromkeys(reading.ports, 1),
        chokepoints=dict.fromkeys(reading.chokepoints, 1),
        firms=dict.fromkeys(reading.firms, 1),
        terms=dict.fromkeys(sorted(reading.words | reading.marks), 1),
        model=reading.tagged.model,
        price_direction=reading.tagged.price_direction,
        vector=reading.tagged.vector,
        recent=reading.tagged.vector,
        quiet=not reading.stated,
    )


def _grown(story: Story, reading: Reading) -> Story:
    if any(member.article_id == reading.article.id for member in story.members):
        return story
    type_ = reading.type if story.quiet and reading.stated else story.type
    # what only follows, and is of another kind, names nothing that the story is about
    counts = reading.stated or story.quiet or reading.type == story.type
    member = _member(reading, type_, story.members)
    members = (*story.members, member)
    if len(members) > KEEP_FIRST + KEEP_LAST:
        members = (*members[:KEEP_FIRST], *members[-KEEP_LAST:])
    return replace(
        story,
        type=type_,
        first_seen=min(story.first_seen, member.available_at),
        last_seen=max(story.last_seen, member.available_at) if counts else story.last_seen,
        size=story.size + 1,
        members=members,
        groups=tuple(sorted({*story.groups, member.independence}))
        if reading.stated
        else story.groups,
        types=_counted(story.types, reading.strong),
        countries=_counted(story.countries, reading.countries if counts else ()),
        items=_counted(story.items, reading.items if counts else ()),
        ports=_counted(story.ports, reading.ports if counts else ()),
        chokepoints=_counted(story.chokepoints, reading.chokepoints if counts else ()),
        firms=_counted(story.firms, reading.firms if counts else ()),
        terms=_counted(story.terms, reading.words | reading.marks, KEEP_TERMS, by_rarity=True),
        price_direction=story.price_direction or reading.tagged.price_direction,
        vector=_moved(story.vector, reading.tagged.vector, min(story.size, STEADY)),
        recent=_moved(story.recent, reading.tagged.vector, min(story.size, RECENT)),
        quiet=story.quiet and not reading.stated,
        updates=story.updates + (not member.copy_of),
    )


def _moved(vector: bytes, newest: bytes, size: int) -> bytes:
    """The mean of `size` vectors once one more is in; signed bytes of a unit vector."""
    if not vector or not newest:
        return vector or newest
    total = unpacked(vector).astype(np.float64) * size + unpacked(newest)
    length = float(np.sqrt((total * total).sum())) or 1.0
    return np.round(total / length * 127).astype(np.int8).tobytes()


def _counted(
    counts: Mapping[str, int], codes: Iterable[str], keep: int = 40, by_rarity: bool = False
) -> dict[str, int]:
    total = Counter(counts)
    total.update(sorted(codes))
    if len(total) <= keep:
        return dict(total)

    def rank(pair: tuple[str, int]) -> tuple[float, float, str]:
        return -pair[1], -rarity(pair[0]) if by_rarity else 0.0, pair[0]

    return dict(sorted(total.items(), key=rank)[:keep])
