"""What do copies cost, and what does it change to read them once? `python -m tests.bench_folding HOME`.

HOME is one that `make score` filled (half a year of recorded news). Each text that repeats an
earlier one is read by the model all the same, and what it says is held against the tags that the
text takes. Figures go to docs/bench/folding.json.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from ews.model import Article, TaggedArticle
from ews.storage import Store
from nlp.classifier import TransformerClassifier
from nlp.folding import Folds, taken
from nlp.mentions import find_mentions

OUT = Path(__file__).resolve().parents[1] / "docs" / "bench" / "folding.json"
SINCE = datetime(2000, 1, 1, tzinfo=UTC)
LINE = 0.5


def measure(store: Store) -> dict[str, float]:
    """Counts, what differs, and seconds of CPU."""
    ids = [id for _, id, _ in store.titles_since(SINCE)]
    known = store.articles(ids)
    started = time.process_time()
    pairs = list(_pairs([known[id] for id in ids], known))
    searching = time.process_time() - started
    model = TransformerClassifier()
    started = time.process_time()
    firsts = {first.id: first for first, _ in pairs}
    own = {one.article_id: one for one in model.classify([one for _, one in pairs])}
    reading = time.process_time() - started
    own |= {one.article_id: one for one in model.classify(list(firsts.values()))}
    took = [(own[a.id], taken(a, f, own[f.id], find_mentions)) for f, a in pairs]
    both = [(one, other) for one, other in took if other is not None]
    apart = [_apart(one, other) for one, other in both]
    return {
        "texts": len(ids),
        "folded": len(both),
        "letter_for_letter": sum((f.title, f.text) == (a.title, a.text) for f, a in pairs),
        "kept_apart_by_a_name": len(took) - len(both),
        "tags_differ": sum(one > 0 for one in apart),
        "largest_difference": max(apart, default=0.0),
        "across_the_line_of_one_half": sum(_crosses(one, other) for one, other in both),
        "search_cpu_s": round(searching, 2),
        "saved_cpu_s": round(reading, 2),
    }


def _pairs(
    articles: list[Article], known: Mapping[str, Article]
) -> Iterator[tuple[Article, Article]]:
    folds = Folds()
    for article in articles:
        first = folds.first(article, lambda ids: {id: known[id] for id in ids})
        folds.add(article)
        folds.forget_before(article.available_at)
        if first is not None:
            yield first, article


def _types(*tagged: TaggedArticle) -> set[str]:
    return {tag.type for one in tagged for tag in one.tags}


def _apart(own: TaggedArticle, took: TaggedArticle) -> float:
    gaps = [abs(own.probability(t) - took.probability(t)) for t in _types(own, took)]
    return round(max([abs(own.p_event - took.p_event), *gaps]), 4)


def _crosses(own: TaggedArticle, took: TaggedArticle) -> bool:
    return any(
        (own.probability(t) >= LINE) != (took.probability(t) >= LINE) for t in _types(own, took)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    store = Store.open(parser.parse_args().home)
    found = measure(store)
    store.close()
    OUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
