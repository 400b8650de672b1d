"""Which sentence of a text states the event? The one that names most of what the event is about."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from ews.model import Article, Mention, TaggedArticle

LONGEST = 400
# An end of a sentence: its mark, perhaps a closing quote, and a blank; or the end of a line.
ENDS = re.compile(r"(?<=[.!?。！？])[\"'”’」』)]*\s+|(?<=[。！？])|\n+")


def stating(
    article: Article, tagged: TaggedArticle | None, wanted: Collection[str] = ()
) -> tuple[str, tuple[Mention, ...]]:
    """The sentence of the body that names most, with its mentions; codes in `wanted` count first.

    "" when the body names nothing: then the title alone states it.
    """
    if tagged is None or not article.text:
        return "", ()
    offset = len(article.title) + 1
    best: tuple[tuple[int, int], str, tuple[Mention, ...]] | None = None
    for start, end in _spans(article.text):
        named = tuple(
            m for m in tagged.mentions if start <= m.start - offset and m.end - offset <= end
        )
        codes = {m.code for m in named}
        score = (len(codes & set(wanted)), len(codes))
        if codes and (best is None or score > best[0]):
            best = score, article.text[start:end], named
    if best is None:
        return "", ()
    return shortened(best[1]), best[2]


def _spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for found in ENDS.finditer(text):
        if found.start() > start:
            yield start, found.start()
        start = found.end()
    if start < len(text):
        yield start, len(text)


def shortened(text: str, limit: int = LONGEST) -> str:
    """One line of at most `limit` characters, ending in … when cut.

    >>> shortened("a  b" + "c" * 9, 6)
    'a bcc…'
    """
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
