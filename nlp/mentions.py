"""All that an article names: countries, ports, chokepoints, products and firms.

`find_mentions` is what the classifier links with. `python -m nlp.mentions --evaluate` measures it
on the labelled rows of the recorded data and prints the figures of docs/linking.md.
"""

from __future__ import annotations

from ews.model import Article, Mention
from nlp.firms import firms_in
from nlp.items import items_in
from nlp.matcher import prepare
from nlp.places import places_in


def find_mentions(article: Article) -> tuple[Mention, ...]:
    """Every mention in the article's title and text, in order of place.

    Spans are offsets into `title + "\\n" + text`. One span may carry several codes ("graphite" is
    natural and artificial graphite). `role` is "comment" where the named thing is only spoken of.
    """
    prepared = prepare(article.title, article.text, article.lang)
    found = [*places_in(prepared), *items_in(prepared), *firms_in(prepared)]
    found.sort(key=lambda mention: (mention.start, mention.kind, mention.code))
    return tuple(found)
