"""Has this text been read already? A copy takes the tags of the first instead of costing a reading.

Wires are printed by many, feeds of one house overlap, and an item is issued again with a mark or a
comma changed. Two texts are one when their titles agree without update marks, outlet and
punctuation, their numbers agree, and their words nearly do; a word that turns a statement round
("not", "lifts", 해제) keeps them apart, and so does a number, an item or a country that only one has.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ews.model import Article, Mention, MentionKind, TaggedArticle
from nlp.clean import cleaned, link_cleaned

WITHIN = timedelta(days=3)  # a text that comes back later is news of its own
LEAST_TITLE = 12  # letters and digits of a title that can name a happening
ALIKE = 0.9  # share of the words of both texts that they have in common

_MARKS = re.compile(
    r"^(?:\W*(?:속보|종합\d?|단독|\d보|상보|update ?\d*|breaking|watch|exclusive|corrected|refile"
    r"|wrapup ?\d*|rpt)\b\W+)+",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"\s*\((?:종합\d?|\d보|상보|lead|\d+(?:st|nd|rd|th) lead|update ?\d*)\)\s*$", re.IGNORECASE
)
_TURNS = frozenset(
    "not no never without denies denied deny ends ended end lifts lifted lift halts halted halt "
    "resumes resumed resume cancels cancelled suspends suspended rejects rejected delays delayed "
    "averts averted avoids avoided stops stopped eases eased".split()
)
_TURNS_KO = re.compile("해제|철회|부인|취소|중단|재개|연기|종료|완화|거부|않|아니|없|못|무산")
_PLACES = {MentionKind.COUNTRY, MentionKind.ITEM, MentionKind.PORT, MentionKind.CHOKEPOINT}

Read = Callable[[Sequence[str]], "dict[str, Article]"]


def title_key(title: str) -> str:
    """The letters and digits of a title without update marks; "" when they are too few to tell.

    >>> title_key("[속보] 중국, 흑연 수출 제한 조치 발표(종합)") == title_key("중국 흑연 수출제한 조치 발표")
    True
    """
    plain = _TAIL.sub("", _MARKS.sub("", title))
    letters = "".join(words_of(plain))
    return letters if len(letters) >= LEAST_TITLE else ""


def words_of(text: str) -> list[str]:
    """The words of a text, case, width and punctuation left out."""
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def numbers_of(text: str) -> tuple[str, ...]:
    return tuple(sorted(re.findall(r"\d+(?:[.,]\d+)*", unicodedata.normalize("NFKC", text))))


def repeats(first: Article, article: Article) -> bool:
    """Whether the later one says what the first said, word for word or nearly.

    Their titles are taken to agree (`title_key`).
    """
    if (first.title, first.text, first.lang) == (article.title, article.text, article.lang):
        return True
    if article.trusted and not first.trusted:
        return False  # a word changed by somebody unknown must not decide how a newsroom is read
    if first.lang != article.lang or numbers_of(_full(first)) != numbers_of(_full(article)):
        return False
    one, other = set(words_of(first.text)), set(words_of(article.text))
    apart = (one ^ other) | (set(words_of(first.title)) ^ set(words_of(article.title)))
    if any(word in _TURNS or _TURNS_KO.search(word) for word in apart):
        return False
    both = one | other
    return not both or len(one & other) >= ALIKE * len(both)


def _full(article: Article) -> str:
    return f"{_TAIL.sub('', _MARKS.sub('', article.title))}\n{article.text}"


def taken(
    article: Article,
    first: Article,
    tagged: TaggedArticle,
    link: Callable[[Article], tuple[Mention, ...]],
) -> TaggedArticle | None:
    """The tags of the first as those of the article. None: it names another country, item or port.

    A text that is the same letter for letter keeps the mentions as well; another is linked anew, by
    names alone.
    """
    taking = replace(tagged, article_id=article.id, folded=tagged.folded or first.id)
    if (first.title, first.text) == (article.title, article.text):
        return taking
    if tagged.screened:  # a screened text has no mentions
        return taking
    mentions = link_cleaned(article, cleaned(article.title, article.text), link)
    if _named(mentions) != _named(tagged.mentions):
        return None
    return replace(taking, mentions=mentions)


def _named(mentions: Iterable[Mention]) -> set[tuple[str, str]]:
    return {(one.kind.value, one.code) for one in mentions if one.kind in _PLACES}


@dataclass(slots=True)
class Folds:
    """What was read in the last days, by title: `first` finds the text that another repeats.

    Which one it finds does not depend on how articles came in batches: the newest before it, in
    the order of `available_at` and id.
    """

    _known: dict[int, list[tuple[datetime, str]]] = field(default_factory=dict)
    _swept: datetime | None = None

    def add(self, article: Article) -> None:
        self.add_title(article.available_at, article.id, article.title)

    def add_title(self, available_at: datetime, id: str, title: str) -> None:
        if key := title_key(title):
            self._known.setdefault(_hash(key), []).append((available_at, id))

    def first(self, article: Article, read: Read) -> Article | None:
        """The article that this one repeats; `read` gives the articles of some ids."""
        key = title_key(article.title)
        near = self._known.get(_hash(key), ()) if key else ()
        since = article.available_at - WITHIN
        before = (article.available_at, article.id)
        ids = [one for one in sorted(near, reverse=True) if one < before and one[0] >= since][:8]
        found = read([id for _, id in ids]) if ids else {}
        for _, id in ids:
            one = found.get(id)
            if one is not None and title_key(one.title) == key and repeats(one, article):
                return one
        return None

    def forget_before(self, moment: datetime) -> None:
        """Drop what is too old to be repeated; costs something once a day."""
        if self._swept is not None and moment - self._swept < timedelta(days=1):
            return
        self._swept = moment
        for key, near in list(self._known.items()):
            kept = [one for one in near if one[0] >= moment - WITHIN]
            if kept:
                self._known[key] = kept
            else:
                del self._known[key]


def _hash(key: str) -> int:
    return zlib.crc32(key.encode())
