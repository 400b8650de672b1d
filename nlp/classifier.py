"""Articles in, tagged articles out: types with calibrated probabilities, phase, severity, mentions.

`load_classifier()` gives the shipped model, or the keyword rules with every result marked
`degraded` when the weights are missing or not the ones their manifest names.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

from ews.model import Article, Mention, MentionKind, Tag, TaggedArticle
from nlp import lexicon
from nlp.calibration import Calibration, Readings
from nlp.clean import Cleaned, cleaned, link_cleaned, placed
from nlp.relevance import Relevance
from nlp.screen import Screen
from nlp.session import (
    PHASES,
    PREFIX,
    Encoder,
    FirmSpan,
    Floats,
    Folder,
    ModelFolderError,
    prompt,
)
from nlp.taxonomy import NAMES

log = logging.getLogger(__name__)

MODELS = Path(__file__).parent / "models"
SHIPPED = "ews-e5.v3"
LEAST = 0.02  # tags below this are dropped
WORD_SAYS = 1.5  # log-odds that the first price word adds to the encoder's direction
DIRECTION_FROM = 0.2  # probability of price_shock from which a direction is read
CHUNK = 512  # articles that are read at a time

Link = Callable[[Article], tuple[Mention, ...]]


class Classifier(Protocol):
    version: str

    def classify(self, articles: Sequence[Article]) -> list[TaggedArticle]:
        """One tagged article per article, in the same order."""
        ...


def default_link() -> Link:
    """The linker of `nlp.mentions`, imported only when a classifier is made."""
    from nlp.mentions import find_mentions

    return find_mentions


LinkFirms = Callable[[str, str, str, Sequence["FirmSpan"]], Sequence[Mention]]


def firm_link() -> LinkFirms:
    """`nlp.firms.tagged_firms`: every firm of a text, by name or marked."""
    from nlp.firms import tagged_firms

    return tagged_firms


def tells_direction(tags: Sequence[Tag]) -> bool:
    """Whether a price shock is tagged surely enough to say which way the price went."""
    return any(tag.type == "price_shock" and tag.probability >= DIRECTION_FROM for tag in tags)


def direction_of(text: str, logits: Floats) -> str:
    """ "up" or "down": the encoder's two logits and the first price word of the text together."""
    word = lexicon.direction_in(text)
    told = WORD_SAYS if word == "up" else -WORD_SAYS if word == "down" else 0.0
    return "up" if logits[0] - logits[1] + told >= 0 else "down"


class LexiconClassifier:
    """Keyword rules. No weights needed; worse than the model (docs/model-card.md)."""

    version = "lexicon.v1"

    def __init__(self, link: Link | None = None, degraded: bool = False) -> None:
        self.link = link or default_link()
        self.degraded = degraded

    def classify(self, articles: Sequence[Article]) -> list[TaggedArticle]:
        return [self.tag(article) for article in articles]

    def classify_stream(
        self, articles: Iterable[Article], ahead: int = 256
    ) -> Iterator[TaggedArticle]:
        """As the model's; the rules need no look-ahead."""
        return map(self.tag, articles)

    def tag(self, article: Article) -> TaggedArticle:
        plain = cleaned(article.title, article.text)
        text = plain.joined
        types = lexicon.types_in(text)
        precision = lexicon.shipped().precision
        tags = tuple(Tag(name, precision[name]) for name in types)
        phase = lexicon.phase_in(text) if types else None
        return TaggedArticle(
            article_id=article.id,
            model=self.version,
            tags=tags,
            p_event=max((tag.probability for tag in tags), default=0.02),
            phase=phase,
            severity=lexicon.severity_of(types, phase) if phase else 0.0,
            mentions=link_cleaned(article, plain, self.link),
            degraded=self.degraded,
            price_direction=lexicon.direction_in(text) if tells_direction(tags) else None,
        )


@dataclass(frozen=True, slots=True)
class Read:
    """What the model reads in some texts, calibrated; direction, vector and firms as in
    EncoderOutput, with firm spans as offsets into title, line break, text of the plain form."""

    readings: Readings
    words: Floats  # what their words add to the relevance
    direction: Floats
    vector: Floats
    firms: tuple[tuple[FirmSpan, ...], ...]


class TransformerClassifier:
    """First pass, then encoder and keyword rules blended and calibrated.

    An article below the first pass's line comes back `screened`, with no tags. Everything reads
    the plain form of a text (`nlp.clean`).
    """

    def __init__(
        self,
        folder: Path = MODELS / SHIPPED,
        threads: int | None = None,
        link: Link | None = None,
    ) -> None:
        opened = Folder.open(folder)
        self.version = opened.version
        self.link = link or default_link()
        self.link_firms = firm_link() if link is None else None
        self.encoder = Encoder(folder, threads)
        self.screen = Screen.read(folder / "screen.npz")
        self.calibration = Calibration.read(folder / "calibration.json")
        self.relevance = Relevance.read()

    def read(self, texts: Sequence[tuple[str, str]]) -> Readings:
        """Calibrated probabilities of (title, text) pairs; nothing is skipped."""
        return self.read_plain([cleaned(title, text) for title, text in texts]).readings

    def read_plain(self, texts: Sequence[Cleaned]) -> Read:
        """The same of texts in plain form, with all else that the encoder says."""
        joined = [one.joined for one in texts]
        found = self.encoder.read([prompt(one.title, one.text) for one in texts])
        readings = self.calibration.apply(
            found.labels,
            found.event,
            found.phase,
            found.severity,
            self.screen.logits(joined),
            *rule_hits(joined),
        )
        firms = tuple(in_article(spans, one) for spans, one in zip(found.firms, texts, strict=True))
        words = self.relevance.words(joined)
        return Read(readings, words, found.direction, found.vector, firms)

    def classify(self, articles: Sequence[Article]) -> list[TaggedArticle]:
        """One tagged article per article, in the same order; all of them are held in memory."""
        return list(self.classify_stream(articles, ahead=CHUNK))

    def classify_stream(
        self, articles: Iterable[Article], ahead: int = 256
    ) -> Iterator[TaggedArticle]:
        """Tagged articles in the order of `articles`, which may have no end.

        Reads up to `ahead` articles, then none until all of their answers were taken: the source is
        never more than `ahead` articles in front of the consumer. ValueError when it is below 1.
        """
        if ahead < 1:
            raise ValueError(f"ahead={ahead}; give 1 or more")
        source = iter(articles)
        while chunk := list(islice(source, ahead)):
            yield from self._chunk(chunk)

    def _chunk(self, articles: Sequence[Article]) -> list[TaggedArticle]:
        plain = [cleaned(article.title, article.text) for article in articles]
        first = self.screen.logits([one.joined for one in plain])
        kept = np.flatnonzero(first >= self.screen.line).tolist()
        tagged = [
            self.screened(article, float(logit))
            for article, logit in zip(articles, first, strict=True)
        ]
        if kept:
            read = self.read_plain([plain[number] for number in kept])
            for row, number in enumerate(kept):
                tagged[number] = self.tag(articles[number], plain[number], read, row)
        return tagged

    def screened(self, article: Article, logit: float) -> TaggedArticle:
        return TaggedArticle(
            article_id=article.id,
            model=self.version,
            tags=(),
            p_event=round(1.0 / (1.0 + float(np.exp(-logit))), 4),
            phase=None,
            severity=0.0,
            screened=True,
        )

    def tag(self, article: Article, plain: Cleaned, read: Read, row: int) -> TaggedArticle:
        readings = read.readings
        tags = tuple(
            Tag(name, round(float(p), 4))
            for name, p in zip(NAMES, readings.labels[row], strict=True)
            if round(float(p), 4) > LEAST
        )
        p_event = round(float(readings.event[row]), 4)
        tagged = TaggedArticle(
            article_id=article.id,
            model=self.version,
            tags=tags,
            p_event=p_event,
            phase=PHASES[int(readings.phase[row].argmax())] if tags else None,
            severity=round(float(readings.severity[row]), 3),
            mentions=self.mentions(article, plain, read.firms[row]),
            price_direction=direction_of(plain.joined, read.direction[row])
            if tells_direction(tags)
            else None,
            triage=self.calibration.triage_low <= p_event < self.calibration.triage_high,
            vector=packed(read.vector[row]),
        )
        words = float(read.words[row])
        relevance = self.relevance.probability(tagged, article.title, words)
        return replace(tagged, relevance=relevance)

    def with_relevance(
        self, articles: Sequence[Article], tagged: Sequence[TaggedArticle]
    ) -> list[TaggedArticle]:
        """What an earlier version of ews tagged, with the relevance that it did not read yet."""
        lacking = [n for n, one in enumerate(tagged) if one.relevance is None and one.tags]
        plain = [cleaned(articles[n].title, articles[n].text).joined for n in lacking]
        done = list(tagged)
        for n, words in zip(lacking, self.relevance.words(plain), strict=True):
            relevance = self.relevance.probability(tagged[n], articles[n].title, float(words))
            done[n] = replace(tagged[n], relevance=relevance)
        return done

    def mentions(
        self, article: Article, plain: Cleaned, spans: Sequence[FirmSpan]
    ) -> tuple[Mention, ...]:
        """What the linker finds in the plain form; firms by name and by what the encoder marks."""
        found = link_cleaned(article, plain, self.link)
        if self.link_firms is None or not spans:
            return found
        made = self.link_firms(plain.title, plain.text, article.lang, spans)
        firms = [placed(mention, plain, article) for mention in made]
        rest = [mention for mention in found if mention.kind is not MentionKind.FIRM]
        return tuple(sorted((*rest, *firms), key=lambda m: (m.start, m.kind, m.code)))


def in_article(spans: Sequence[FirmSpan], plain: Cleaned) -> tuple[FirmSpan, ...]:
    """Spans of a prompt as spans of plain title, line break, text; the prefix names no firm."""
    shift = len(PREFIX) - (0 if plain.title else 1)  # without a title the text follows at once
    return tuple(
        FirmSpan(span.start - shift, span.end - shift, span.probability)
        for span in spans
        if span.start >= len(PREFIX)
    )


def packed(vector: Floats) -> bytes:
    """A unit vector as signed bytes, 127 times each number."""
    return np.clip(np.round(vector * 127.0), -127, 127).astype(np.int8).tobytes()


def rule_hits(texts: Sequence[str]) -> tuple[Floats, Floats]:
    """1 where a keyword rule matches: texts x types, and texts x phases."""
    types = np.zeros((len(texts), len(NAMES)))
    phases = np.zeros((len(texts), len(PHASES)))
    for row, text in enumerate(texts):
        for name in lexicon.types_in(text):
            types[row, NAMES.index(name)] = 1.0
        phases[row, PHASES.index(lexicon.phase_in(text))] = 1.0
    return types, phases


def load_classifier(threads: int | None = None, folder: Path = MODELS / SHIPPED) -> Classifier:
    """The shipped model; the keyword rules, marked degraded, when its folder cannot be used.

    `threads` None or 0: `usual_threads()`.
    """
    try:
        return TransformerClassifier(folder, threads)
    except ModelFolderError as error:
        log.warning("classifier degraded to keyword rules: %s", error)
        return LexiconClassifier(degraded=True)
