"""What do these texts say? The classifier reads those that say something new; copies take its tags."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from ews.model import Article, TaggedArticle
from ews.storage import Store
from nlp import folding
from nlp.classifier import Classifier
from nlp.mentions import find_mentions

log = logging.getLogger(__name__)


class Reader:
    """Holds only which texts were read lately, which the store can tell again."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._folds: folding.Folds | None = None

    def read(self, articles: Sequence[Article], classifier: Classifier) -> list[TaggedArticle]:
        """Tags for each article, in the order given (oldest available first): read by the
        classifier, or taken from the text that it repeats."""
        folds = self._known(articles[0].available_at)
        here = {one.id: one for one in articles}
        firsts: dict[str, Article] = {}
        for article in articles:
            if (first := folds.first(article, partial(self._texts, here))) is not None:
                firsts[article.id] = first
            folds.add(article)
        tags = _classified([one for one in articles if one.id not in firsts], classifier)
        for article in articles:
            if (first := firsts.get(article.id)) is not None:
                took = self._taken(article, first, tags, classifier.version)
                tags |= {article.id: took} if took else _classified([article], classifier)
        return [tags[article.id] for article in articles]

    def _texts(self, here: Mapping[str, Article], ids: Sequence[str]) -> dict[str, Article]:
        rest = [id for id in ids if id not in here]
        found = {id: here[id] for id in ids if id in here}
        return found | (self.store.articles(rest) if rest else {})

    def _taken(
        self, article: Article, first: Article, tags: Mapping[str, TaggedArticle], version: str
    ) -> TaggedArticle | None:
        """The tags of the first; None when another model gave them, or the names differ."""
        given = tags.get(first.id) or self.store.tagged(first.id)
        if given is None or given.model != version or given.degraded:
            return None
        return folding.taken(article, first, given, find_mentions)

    def _known(self, oldest: datetime) -> folding.Folds:
        if self._folds is None:
            self._folds = folding.Folds()
            for at, id, title in self.store.titles_since(oldest - folding.WITHIN):
                self._folds.add_title(at, id, title)
        self._folds.forget_before(oldest)
        return self._folds


def _classified(articles: Sequence[Article], classifier: Classifier) -> dict[str, TaggedArticle]:
    """Tags by id; a text that the classifier cannot read gets none and stops nobody."""
    if not articles:
        return {}
    try:
        return {one.article_id: one for one in classifier.classify(articles)}
    except Exception:
        if len(articles) > 1:
            return {k: v for one in articles for k, v in _classified([one], classifier).items()}
        id = articles[0].id
        log.exception("article %s cannot be classified", id)
        return {id: TaggedArticle(id, "unreadable", (), 0.0, None, 0.0, degraded=True)}
