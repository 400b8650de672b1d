"""One matching automaton for every gazetteer: many names, one pass, exact offsets.

Latin names are matched word by word, so a name never starts or ends inside a word. Korean,
Chinese and Japanese have no such spaces: their names are found by their first two characters,
and a boundary test suits the script. The folded text has the length of the text, so that a hit's
offsets are offsets into the text. Longest name wins; hits of one matcher do not overlap.
"""

from __future__ import annotations

import csv
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import Generic, TypeVar

T = TypeVar("T")

_WORD = re.compile(r"[a-z](?:\.[a-z])+(?![a-z])|[0-9a-z]+")
_GAP = re.compile(r"[\s\-'.&/‐-―]{1,2}")
_HANGUL = re.compile(r"[가-힣]")
_KANA = re.compile(r"[ぁ-ヿ]")
_KATAKANA = re.compile(r"[ァ-ヺー]")
_HAN = re.compile(r"[一-鿿]")
_CJK = re.compile(r"[一-鿿가-힣ぁ-ヿ]")
# Hangul names start a word; Chinese and Japanese ones may start anywhere.
_STARTS = re.compile(
    r"((?<![가-힣])[가-힣]|[一-鿿ぁ-ヿ]"
    r"|(?<![0-9a-z가-힣])[0-9a-z](?=[0-9a-z·&.-]{0,3}[가-힣一-鿿ァ-ヺ]))(?=(.?))",  # D램, LG화학
    re.DOTALL,
)
_PLAIN_FOLD = str.maketrans({"’": "'", "‘": "'", "´": "'", "`": "'", " ": " "})


def _fold_table() -> dict[int, str]:
    """Accented and full-width Latin letters to plain small ones, one character for one."""
    table: dict[int, str] = dict(_PLAIN_FOLD)
    for code in (*range(0xC0, 0x250), *range(0xFF01, 0xFF5F), *range(0x1E00, 0x1F00)):
        plain = unicodedata.normalize("NFKD", chr(code))[0].lower()
        if len(plain) == 1 and plain.isascii():
            table[code] = plain
    table.update({ord("ø"): "o", ord("Ø"): "o", ord("ł"): "l", ord("Ł"): "l", ord("ß"): "s"})
    return table


_FOLD = _fold_table()


def fold(text: str) -> str:
    """Small plain letters; every character keeps its place.

    >>> fold("Côte d’Ivoire")
    "cote d'ivoire"
    """
    if text.isascii():
        return text.lower()
    low = text.translate(_FOLD).lower()
    if len(low) == len(text):
        return low
    # A few capitals (Turkish İ) grow when made small: fold those one by one.
    return "".join(
        char.lower() if len(char.lower()) == 1 else char for char in text.translate(_FOLD)
    )


@dataclass(frozen=True, slots=True)
class Prepared:
    """A title and text made ready once, for all matchers."""

    text: str  # title + "\n" + text
    folded: str
    words: tuple[tuple[str, int, int], ...]  # Latin words: folded word, start, end
    starts: tuple[tuple[str, int], ...]  # where a CJK name may start: two letters, place
    title_end: int
    lang: str  # as stated, else judged from the script
    cjk: bool


def prepare(title: str, text: str, lang: str = "") -> Prepared:
    """Fold and split `title + "\\n" + text`. `lang` "" is judged from the script."""
    full = f"{title}\n{text}"
    folded = fold(full)
    cjk = not folded.isascii() and _CJK.search(folded) is not None
    words = tuple((m[0], m.start(), m.end()) for m in _WORD.finditer(folded))
    starts = tuple((m[1] + m[2], m.start()) for m in _STARTS.finditer(folded)) if cjk else ()
    lang = _judged(lang, full) if cjk else lang or "en"
    return Prepared(full, folded, words, starts, len(title), lang, cjk)


def _judged(lang: str, text: str) -> str:
    """The stated language unless the script denies it."""
    script = script_language(text)
    return lang if lang in {"zh", "ja"} and script in {"zh", "ja"} else script


def script_language(text: str) -> str:
    """ko, ja, zh or en, by which script the text uses.

    >>> script_language("요소수 품귀"), script_language("尿素の輸出"), script_language("urea")
    ('ko', 'ja', 'en')
    """
    if _HANGUL.search(text):
        return "ko"
    if _KANA.search(text):
        return "ja"
    return "zh" if _CJK.search(text) else "en"


@dataclass(frozen=True, slots=True)
class Hit(Generic[T]):
    """A name found, with all that the gazetteer says of it."""

    start: int
    end: int
    values: tuple[T, ...]


@dataclass(slots=True)
class Matcher(Generic[T]):
    """All names of one gazetteer. Build once, then `scan` many texts."""

    _latin: dict[str, list[tuple[tuple[str, ...], tuple[T, ...]]]] = field(default_factory=dict)
    _cjk: dict[str, list[tuple[str, tuple[T, ...]]]] = field(default_factory=dict)

    @classmethod
    def build(cls, names: Iterable[tuple[str, T]]) -> Matcher[T]:
        """A matcher of (name, value) pairs; one name may have several values."""
        gathered: dict[str, list[T]] = {}
        for name, value in names:
            values = gathered.setdefault(fold(name.strip()), [])
            if value not in values:
                values.append(value)
        matcher: Matcher[T] = cls()
        for name, values in gathered.items():
            matcher._add(name, tuple(values))
        for entries in matcher._latin.values():
            entries.sort(key=lambda entry: -len(entry[0]))
        for key, forms in matcher._cjk.items():
            if len(key) == 2:  # a one-letter name is tried after the longer ones
                forms += matcher._cjk.get(key[0], [])
            forms.sort(key=lambda form: -len(form[0]))
        return matcher

    def _add(self, name: str, values: tuple[T, ...]) -> None:
        if _CJK.search(name):
            if len(name) < 2 and not _HAN.match(name):
                raise ValueError(f"name {name!r} is too short; write a pattern for it instead")
            self._cjk.setdefault(name[:2], []).append((name, values))
            return
        words = tuple(m[0] for m in _WORD.finditer(name))
        if not words:
            raise ValueError(f"name {name!r} has no letters that can be matched")
        self._latin.setdefault(words[0], []).append((words, values))

    def scan(self, prepared: Prepared) -> list[Hit[T]]:
        """Every name in the text, in order, longest first, without overlaps."""
        hits = self._scan_latin(prepared)
        if prepared.cjk and self._cjk:
            hits += self._scan_cjk(prepared)
            hits.sort(key=lambda hit: (hit.start, -hit.end))
            hits = _without_overlaps(hits)
        return hits

    def _scan_latin(self, prepared: Prepared) -> list[Hit[T]]:
        words, folded = prepared.words, prepared.folded
        hits: list[Hit[T]] = []
        free = 0  # index of the first word not yet used
        for index, (word, start, end) in enumerate(words):
            entries = self._latin.get(word)
            if entries is None or index < free:
                continue
            for names, values in entries:
                if len(names) == 1:
                    hits.append(Hit(start, end, values))
                    break
                last = _phrase_end(names, words, index, folded)
                if last is not None:
                    hits.append(Hit(start, words[last][2], values))
                    free = last + 1
                    break
        return hits

    def _scan_cjk(self, prepared: Prepared) -> list[Hit[T]]:
        folded, names = prepared.folded, self._cjk
        found = [start for two, start in prepared.starts if two in names or two[:1] in names]
        hits: list[Hit[T]] = []
        free = 0
        for start in found:
            if start < free:
                continue
            two = folded[start : start + 2]
            for form, values in names.get(two) or names[two[:1]]:
                if folded.startswith(form, start) and _bounded(form, start, folded):
                    free = start + len(form)
                    hits.append(Hit(start, free, values))
                    break
        return hits


def _phrase_end(
    names: tuple[str, ...], words: tuple[tuple[str, int, int], ...], index: int, folded: str
) -> int | None:
    """Index of the phrase's last word when `words` spell it from `index` on, else None."""
    if index + len(names) > len(words):
        return None
    for offset in range(1, len(names)):
        word, start, _ = words[index + offset]
        if word != names[offset]:
            return None
        gap = folded[words[index + offset - 1][2] : start]
        if gap and not _GAP.fullmatch(gap):
            return None
    return index + len(names) - 1


def _bounded(form: str, start: int, folded: str) -> bool:
    """Katakana must not be cut out of a longer katakana word."""
    if not _KATAKANA.match(form):
        return True
    before, after = folded[max(0, start - 1) : start], folded[start + len(form) :][:1]
    return not _KATAKANA.match(before) and not _KATAKANA.match(after)


def _without_overlaps(hits: list[Hit[T]]) -> list[Hit[T]]:
    kept: list[Hit[T]] = []
    for hit in hits:
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return kept


# --------------------------------------------------------------------------- context rules


@dataclass(frozen=True, slots=True)
class Rule:
    """When an ambiguous name counts. All stated conditions must hold.

    `before` and `not_before` look at the characters just before the name (folded, up to 40),
    `after` and `not_after` at those just behind it, `near` and `not_near` at both sides (80 each),
    `anywhere` and `nowhere` at the whole text. `cased` wants a capital where capitals mean something.
    """

    before: re.Pattern[str] | None = None
    not_before: re.Pattern[str] | None = None
    after: re.Pattern[str] | None = None
    not_after: re.Pattern[str] | None = None
    near: re.Pattern[str] | None = None
    not_near: re.Pattern[str] | None = None
    anywhere: re.Pattern[str] | None = None
    nowhere: re.Pattern[str] | None = None
    cased: bool = False
    capitals: bool = False  # the name must be written in capitals (US, not us)

    @classmethod
    def parse(cls, table: Mapping[str, object]) -> Rule:
        """A rule from its TOML table. ValueError for an unknown key or a broken pattern."""
        known = cls.__dataclass_fields__
        patterns: dict[str, re.Pattern[str]] = {}
        for key, value in table.items():
            if key == "names":
                continue
            if key not in known:
                raise ValueError(f"unknown rule key {key!r}; known are {', '.join(known)}")
            if key in {"cased", "capitals"}:
                continue
            expression = str(value)
            if key in {"before", "not_before"}:
                expression = f"(?:{expression})$"
            patterns[key] = re.compile(expression)
        cased, capitals = bool(table.get("cased")), bool(table.get("capitals"))
        return cls(**patterns, cased=cased, capitals=capitals)

    def holds(self, prepared: Prepared, start: int, end: int) -> bool:
        """Whether the name at start..end is meant."""
        folded = prepared.folded
        if (self.cased or self.capitals) and not self._written_right(prepared, start, end):
            return False
        before = folded[max(0, start - 40) : start]
        after = folded[end : end + 40]
        if self.before and not self.before.search(before):
            return False
        if self.not_before and self.not_before.search(before):
            return False
        if self.after and not self.after.match(after):
            return False
        if self.not_after and self.not_after.match(after):
            return False
        if self.near or self.not_near:
            around = f"{folded[max(0, start - 80) : start]} \x00 {folded[end : end + 80]}"
            if self.near and not self.near.search(around):
                return False
            if self.not_near and self.not_near.search(around):
                return False
        if self.anywhere and not self.anywhere.search(folded):
            return False
        return not (self.nowhere and self.nowhere.search(folded))

    def without_wants(self) -> Rule:
        """The same rule without what must stand there: only what must not."""
        return replace(self, before=None, after=None, near=None, anywhere=None)

    def _written_right(self, prepared: Prepared, start: int, end: int) -> bool:
        written = prepared.text[start:end]
        if self.capitals:
            if not written.isupper():
                return False
            line = prepared.text[: prepared.title_end] if start < prepared.title_end else ""
            # In a line all in capitals "US" may be "us": only a following noun can tell.
            return not (line.isupper() and len(line) > len(written) + 4)
        return written[:1].isupper()


ALWAYS = Rule()


# --------------------------------------------------------------------------- shipped data


def _read(name: str) -> str:
    return resources.files("nlp").joinpath("data", name).read_text(encoding="utf-8")


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """Rows of a shipped CSV file of nlp/data. Lines that start with # are notes."""
    lines = [line for line in _read(name).splitlines() if line and not line.startswith("#")]
    return tuple(csv.DictReader(lines))


@cache
def rules(name: str) -> dict[str, Rule]:
    """The `[rules.*]` tables of a shipped TOML file, by name of the rule."""
    tables = tomllib.loads(_read(name)).get("rules", {})
    return {key: Rule.parse(value) for key, value in tables.items()}


@cache
def rules_by_name(name: str) -> dict[str, tuple[Rule, ...]]:
    """The same rules by the (folded) names that each of them guards."""
    guards: dict[str, tuple[Rule, ...]] = {}
    for rule, value in tomllib.loads(_read(name)).get("rules", {}).items():
        for guarded in value.get("names", ()):
            key = fold(guarded)
            guards[key] = (*guards.get(key, ()), rules(name)[rule])
    return guards


@cache
def settings(name: str) -> dict[str, object]:
    """A whole shipped TOML file."""
    return tomllib.loads(_read(name))


def split_names(cell: str) -> list[str]:
    """Names of one cell, separated by `|`.

    >>> split_names("China|PRC")
    ['China', 'PRC']
    """
    return [name for name in (part.strip() for part in cell.split("|")) if name]
