"""Text is data: one plain form of a title and a text for everything that reads them.

First pass, encoder, keyword rules and linker read the plain form, so that a dirty text gets the
labels of its clean twin. Spans are kept: `Cleaned.place` maps a span of the plain form back to the
article's own `title + "\\n" + text`. Nothing here follows what a text says; a headline that orders
a label is only words.

The collector cleans too (`scrapers.text`); this is for texts that did not come through it.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace

from ews.model import Article, Mention

RAW_LIMIT = 20_000  # characters of a title, or of a text, that are looked at
LIMIT = 4_000  # characters of each that are kept
ROUNDS = 8  # entities inside entities, tags inside entities

# controls, zero-width and bidirectional marks, fillers, variation selectors, surrogates, private use
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\ufffe\uffff\ud800-\udfff\ue000-\uf8ff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]+"
)
# letters followed by marks that can be part of them, and Korean syllables written letter by letter
_COMPOSABLE = re.compile(
    "[^\\W\\d_][\u0300-\u0345\u3099\u309a]+|[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?"
)
# full-width letters, digits and signs, but not those that would make a tag or an entity
_WIDE = re.compile("[\uff01-\uff05\uff07-\uff1b\uff1d\uff1f-\uff5e]")
_NAMES = (
    "a|abbr|address|article|aside|audio|b|base|big|blockquote|body|br|button|caption|center|cite|"
    "code|dd|del|div|dl|dt|em|embed|figcaption|figure|font|footer|form|h[1-6]|head|header|hr|html|"
    "i|iframe|img|input|ins|label|li|link|main|mark|meta|nav|noscript|object|ol|option|p|param|pre|"
    "q|s|section|select|small|source|span|strike|strong|style|script|sub|sup|svg|table|tbody|td|"
    "textarea|tfoot|th|thead|time|title|tr|u|ul|var|video|wbr|[a-z][a-z0-9]*[:-][a-z0-9:-]+"
)
_BLOCK = re.compile(
    r"</?(?:article|blockquote|br|caption|dd|div|dl|dt|figcaption|footer|h[1-6]|header|hr|li|ol|p"
    r"|section|table|td|th|tr|ul)(?:[\s/][^<>]*)?>",
    re.IGNORECASE,
)
_TAG = re.compile(rf"</?(?:{_NAMES})(?:[\s/][^<>]*)?>|<[!?][a-z\[-][^<>]*>", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_CODE = re.compile(r"<(script|style)(?:[\s/][^<>]*)?>.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_CDATA = re.compile(r"<!\[CDATA\[|\]\]>")
_AMPS = re.compile(r"&(?:amp;|#38;|#x26;)+", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_SPACE = re.compile(r"\s+")
_RUN = re.compile(r"[^\S ]|\s\s")
_REST = re.compile(r"[&<]")


@dataclass(slots=True)
class _Tracked:
    """A text and where each of its characters lay in the raw one."""

    text: str
    starts: list[int]
    ends: list[int]

    @classmethod
    def of(cls, raw: str) -> _Tracked:
        return cls(raw, list(range(len(raw))), list(range(1, len(raw) + 1)))

    def sub(self, pattern: re.Pattern[str], change: Callable[[re.Match[str]], str]) -> None:
        """As `pattern.sub`. A replacement of the same length keeps its places one by one, any
        other lies on the whole of what it replaces."""
        parts: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        at = 0
        for match in pattern.finditer(self.text):
            new, (first, last) = change(match), match.span()
            if first == last or new == match[0]:
                continue
            parts += [self.text[at:first], new]
            starts += self.starts[at:first]
            ends += self.ends[at:first]
            if len(new) == last - first:
                starts += self.starts[first:last]
                ends += self.ends[first:last]
            else:
                starts += [self.starts[first]] * len(new)
                ends += [self.ends[last - 1]] * len(new)
            at = last
        if at == 0:
            return
        self.text = "".join([*parts, self.text[at:]])
        self.starts = starts + self.starts[at:]
        self.ends = ends + self.ends[at:]

    def cut(self, first: int, last: int) -> None:
        self.text = self.text[first:last]
        self.starts, self.ends = self.starts[first:last], self.ends[first:last]


def _nothing(match: re.Match[str]) -> str:
    return ""


def _blank(match: re.Match[str]) -> str:
    return " "


def _joined(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", match[0])


def _narrow(match: re.Match[str]) -> str:
    return chr(ord(match[0]) - 0xFEE0)


def _unescaped(match: re.Match[str]) -> str:
    return html.unescape(match[0])


def is_plain(raw: str) -> bool:
    """Whether the text is its own plain form; cheap, as nearly all texts of a stream are."""
    return (
        len(raw) <= LIMIT
        and raw.isprintable()
        and "<" not in raw
        and "&" not in raw
        and "  " not in raw
        and raw[:1] != " "
        and raw[-1:] != " "
        and (
            raw.isascii()
            or not (_HIDDEN.search(raw) or _WIDE.search(raw) or _COMPOSABLE.search(raw))
        )
    )


def _track(raw: str) -> _Tracked:
    """The plain form of one text, with its places."""
    tracked = _Tracked.of(raw[:RAW_LIMIT])
    for _ in range(ROUNDS):
        before = tracked.text
        tracked.sub(_HIDDEN, _nothing)
        tracked.sub(_COMPOSABLE, _joined)
        tracked.sub(_WIDE, _narrow)
        if "<" in tracked.text:
            for pattern in (_COMMENT, _CDATA, _CODE):
                tracked.sub(pattern, _nothing)
            tracked.sub(_BLOCK, _blank)
            tracked.sub(_TAG, _nothing)
        if "&" in tracked.text:
            tracked.sub(_AMPS, lambda match: "&")
            tracked.sub(_ENTITY, _unescaped)
        if tracked.text == before:
            break
    else:  # made to be undone without end: what is left of it is no text
        tracked.sub(_REST, _blank)
        tracked.sub(_HIDDEN, _nothing)
        tracked.sub(_COMPOSABLE, _joined)
        tracked.sub(_WIDE, _narrow)
    if _RUN.search(tracked.text):
        tracked.sub(_SPACE, _blank)
    left = len(tracked.text) - len(tracked.text.lstrip())
    tracked.cut(left, left + min(LIMIT, len(tracked.text.strip())))
    if tracked.text[-1:] == " ":
        tracked.cut(0, len(tracked.text) - 1)
    return tracked


def clean(raw: str) -> str:
    """The plain form of one text: no tags, entities, hidden characters or repeated spaces.

    >>> clean("<b>Urea</b> &amp;quot;hal\\u200bted&amp;quot; １２％")
    'Urea "halted" 12%'
    """
    return raw if is_plain(raw) else _track(raw).text


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Plain title and text. `starts` and `ends` say where each character of the plain
    `title + "\\n" + text` lay in the raw one; None when nothing moved."""

    title: str
    text: str
    starts: tuple[int, ...] | None = None
    ends: tuple[int, ...] | None = None

    @property
    def joined(self) -> str:
        """Title and text with one space between, as the first pass and the rules read them."""
        return f"{self.title} {self.text}".strip()

    def place(self, start: int, end: int) -> tuple[int, int]:
        """A span of the plain form as a span of the raw one; an empty span stays empty."""
        if self.starts is None or self.ends is None:
            return start, end
        if start >= end:
            return 0, 0
        return self.starts[start], self.ends[end - 1]


def cleaned(title: str, text: str) -> Cleaned:
    """Title and text in plain form; never an error, whatever they hold."""
    if is_plain(title) and is_plain(text):
        return Cleaned(title, text)
    head, body = _track(title), _track(text)
    shift = len(title) + 1
    return Cleaned(
        head.text,
        body.text,
        (*head.starts, len(title), *(place + shift for place in body.starts)),
        (*head.ends, shift, *(place + shift for place in body.ends)),
    )


def link_cleaned(
    article: Article, plain: Cleaned, link: Callable[[Article], tuple[Mention, ...]]
) -> tuple[Mention, ...]:
    """Mentions found in the plain form, with the spans (and their text) of the article itself."""
    if plain.starts is None:
        return link(article)
    found = link(replace(article, title=plain.title, text=plain.text))
    return tuple(placed(mention, plain, article) for mention in found)


def placed(mention: Mention, plain: Cleaned, article: Article) -> Mention:
    start, end = plain.place(mention.start, mention.end)
    full = f"{article.title}\n{article.text}"
    return replace(
        mention, start=start, end=end, text=full[start:end] if start < end else mention.text
    )
