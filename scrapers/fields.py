"""Which field of an unknown answer is its title, its date, its link? A guess, for a person to check."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from scrapers.rows import local_name
from scrapers.templates import Row
from scrapers.text import parse_date

# Names from the surest down, as `bare` spells them; Korean ones as data.go.kr and ministries use them.
TITLES = (
    "title",
    "headline",
    "subject",
    "제목",
    "기사제목",
    "공고명",
    "법령명",
    "name",
    "명칭",
    "event",
)
DATES = (
    "pubdate", "published", "publishedat", "publicationdate", "datepublished", "date", "datetime",
    "issued", "created", "createdat", "regdate", "updated", "modified", "time", "timestamp",
    "등록일", "등록일자", "작성일", "게시일", "발행일", "공고일", "일자", "날짜",
)  # fmt: skip
LINKS = (
    "link",
    "url",
    "href",
    "htmlurl",
    "weburl",
    "permalink",
    "detailurl",
    "링크",
    "주소",
    "guid",
)
TEXTS = (
    "description", "summary", "abstract", "excerpt", "body", "content", "text", "요약", "내용", "본문",
)  # fmt: skip
FORMS = ("", "%Y%m%d", "%Y.%m.%d", "%Y.%m.%d.", "%Y/%m/%d", "%Y%m%d%H%M%S", "%d/%m/%Y")
SAMPLED = 20  # rows that a guess looks at
DEEP = 4


def bare(name: str) -> str:
    """Letters and digits of a field name, without its parents.

    >>> bare("item.Pub_Date"), bare("등록 일자")
    ('pubdate', '등록일자')
    """
    return re.sub(r"[\W_]", "", name.rpartition(".")[2].lower())


def paths(row: Row, before: str = "", deep: int = 0) -> Iterator[tuple[str, object]]:
    """Every plain value of a row with its dotted path."""
    for name, value in row.items():
        if isinstance(value, Mapping) and deep < DEEP:
            yield from paths(value, f"{before}{name}.", deep + 1)
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            yield f"{before}{name}", value


def guess_article(rows: Sequence[Row]) -> tuple[dict[str, str], list[str]]:
    """[options.article] for rows like these, and which of title, url and date was not found."""
    seen: dict[str, list[object]] = {}
    for row in rows[:SAMPLED]:
        for path, value in paths(row):
            # braces, bars and question marks have a meaning in templates
            if value != "" and not re.search(r"[{}|?/]", path):
                seen.setdefault(path, []).append(value)
    told: dict[str, str] = {}
    if title := _best(seen, TITLES, _is_words):
        told["title"] = f"{{{title}}}"
    if text := _best({k: v for k, v in seen.items() if k != title}, TEXTS, _is_words):
        told["text"] = f"{{{text}?}}"
    if link := _best(seen, LINKS, _is_link):
        told["url"] = f"{{{link}}}"
    for form in FORMS:
        date = _best(seen, DATES, partial(_is_date, form))
        if date:
            told |= {"date": date} | ({"date_form": form} if form else {})
            break
    return told, [name for name in ("title", "url", "date") if name not in told]


def _best(
    seen: Mapping[str, Sequence[object]], names: Sequence[str], fits: Callable[[Any], bool]
) -> str:
    """The path with the surest name among those whose values fit, mostly; "" when none does."""
    good = [p for p, values in seen.items() if sum(map(fits, values)) * 2 > len(values)]
    for same in (True, False):
        for name in names:
            for path in good:
                if bare(path) == name if same else name in bare(path):
                    return path
    return ""


def _is_words(value: object) -> bool:
    return isinstance(value, str) and bool(re.search(r"[^\W\d_]{2}", value))


def _is_date(form: str, value: object) -> bool:
    return parse_date(value, form) is not None


def _is_link(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))


def longest_list(answer: object, path: str = "", deep: int = 0) -> tuple[str, list[Row]]:
    """The path ("" for the top) and the rows of the longest list of objects in a JSON answer."""
    if isinstance(answer, list):
        rows = [one for one in answer if isinstance(one, Mapping)]
        return path, rows
    best: tuple[str, list[Row]] = ("", [])
    if isinstance(answer, Mapping) and deep < DEEP:
        for name, value in answer.items():
            inside = longest_list(value, f"{path}.{name}" if path else str(name), deep + 1)
            best = inside if len(inside[1]) > len(best[1]) else best
    return best


def repeated_element(root: Any) -> str:
    """The path (local names, with /) of the element that an XML answer repeats most; "" for none."""
    best, most = "", 1
    level: list[tuple[str, Any]] = [("", root)]
    for _ in range(DEEP):
        below: list[tuple[str, Any]] = []
        for path, node in level:
            names = Counter(name for child in node if (name := local_name(child)))
            for name, count in names.items():
                here = f"{path}/{name}" if path else name
                best, most = (here, count) if count > most else (best, most)
            below += [
                (f"{path}/{local_name(child)}" if path else local_name(child), child)
                for child in node[:SAMPLED] if local_name(child)
            ]  # fmt: skip
        level = below[:200]
    return best
