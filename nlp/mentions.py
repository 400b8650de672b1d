"""All that an article names: countries, ports, chokepoints, products and firms.

`find_mentions` is what the classifier links with. `python -m nlp.mentions --evaluate` measures it
on the labelled rows of the recorded data and prints the figures of docs/linking.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ews.model import Article, Mention, MentionKind
from nlp.firms import firms, firms_in
from nlp.items import items_in, speaks_of_plants
from nlp.matcher import Prepared, prepare
from nlp.places import places_in

MAKER_CONFIDENCE = 0.5  # a maker's plant is named, its product is not


def find_mentions(article: Article) -> tuple[Mention, ...]:
    """Every mention in the article's title and text, in order of place.

    Spans are offsets into `title + "\\n" + text`. One span may carry several codes ("graphite" is
    natural and artificial graphite). `role` is "comment" where the named thing is only spoken of.
    """
    prepared = prepare(article.title, article.text, article.lang)
    items, makers = items_in(prepared), firms_in(prepared)
    found = [*places_in(prepared), *items, *makers, *_implied_items(makers, items, prepared)]
    found.sort(key=lambda mention: (mention.start, mention.kind, mention.code))
    return tuple(found)


def _implied_items(
    makers: Sequence[Mention], items: Sequence[Mention], prepared: Prepared
) -> Iterator[Mention]:
    """The main product of a maker whose plants are spoken of, when the text names none of its own.

    "Toyota halts three plants" is about cars.
    """
    named = {mention.code for mention in items if mention.role == "hit"}
    for maker in makers:
        made = firms()[maker.code].items
        if not made or named.intersection(made):
            continue
        if speaks_of_plants(maker.start, maker.end, prepared):
            named.add(made[0])
            yield replace(maker, kind=MentionKind.ITEM, code=made[0], confidence=MAKER_CONFIDENCE)


def _main() -> None:
    import argparse
    import os
    from pathlib import Path

    from nlp.mention_scores import read_rows, score

    parser = argparse.ArgumentParser(description="Measure the linking on the labelled rows.")
    parser.add_argument("--evaluate", action="store_true", required=True)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("EWS_RECORDED_DATA", "../shared/data"))
    )
    arguments = parser.parse_args()
    for line in score(read_rows(arguments.data)).lines():
        print(line)


if __name__ == "__main__":
    _main()
