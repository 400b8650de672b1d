"""Which items are how vulnerable? The table, filtered and sorted; one function, three faces."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from ews.reports.names import UnknownName, find
from ews.reports.series_names import item_codes
from ews.reports.viewer import NotFound
from ews.reports.views import Label
from ews.reports.watch_book import Book, columns, line_of, open_book, watched_now
from ews.reports.watch_views import WatchLine, WatchTable, month_word
from ews.storage import Store
from graph.goods import goods, uses_of
from graph.vulnerability import INDICES

MOST = 10_000  # rows of one answer: all there are
OTHERS = ("score", "rank", "coverage", "import_usd", "item")
SORTS = (*OTHERS, *INDICES)
NONE_YET = (
    "no vulnerability is computed here yet; it needs series of Korea's imports by HS6 item, then "
    "`ews watch compute` (docs/vulnerability.md)"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the table is asked; "" and None: everything."""

    item: str = ""  # an item, an HS code of 2 to 6 digits, or a part of a name
    industry: str = ""  # how a KSIC code begins: of those who make it or use it
    ministry: str = ""  # that should hear of it, stated or inferred
    min_score: float | None = None
    watched: bool | None = None
    sort: str = "score"  # one of SORTS, largest first; with "-" before it, smallest first
    limit: int = 50
    offset: int = 0

    def __post_init__(self) -> None:
        if self.sort.lstrip("-") not in SORTS:
            raise ValueError(f"no column {self.sort[:40]!r} to sort by; use {', '.join(SORTS)}")
        if not 1 <= self.limit <= MOST or self.offset < 0:
            raise ValueError(f"limit is from 1 to {MOST:,}, offset from 0")
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise ValueError("min_score is from 0 to 1")
        if self.industry and not self.industry.isdigit():
            raise ValueError("industry: give how its KSIC code begins, in digits, such as 20")


def watch_table(
    store: Store, asked: Asked, *, now: datetime, month: datetime | None = None,
    book: Book | None = None,
) -> WatchTable:  # fmt: skip
    """The items that meet what is asked. UnknownName for an item or ministry that nobody knows."""
    book = book or open_book(store, month)
    watched = watched_now(store, now)
    keep = kept(asked)
    lines = [line_of(row, book, watched) for row in book.rows.values() if keep(row.item)]
    lines = [line for line in lines if _meets(line, asked)]
    lines = ordered(lines, asked.sort)
    return WatchTable(
        month=month_word(book.month) if book.month else None,
        months=tuple(month_word(one) for one in reversed(book.months)),
        computed_at=max((row.computed_at for row in book.rows.values()), default=None),
        weights=book.weights.digest,
        items=len(book.rows),
        scored=len(book.ranks),
        matched=len(lines),
        offset=asked.offset,
        sort=asked.sort,
        rank_shift=round(book.sensitivity.shift, 1),
        draws=book.sensitivity.draws,
        stale=book.stale,
        synthetic=sum(line.synthetic for line in lines),
        columns=columns(),
        lines=tuple(lines[asked.offset : asked.offset + asked.limit]),
    )


def kept(asked: Asked) -> Callable[[str], bool]:
    """Whether an item is of what is asked."""
    codes = wanted_codes(asked.item) if asked.item.strip() else None
    ministries = set(find("ministry", asked.ministry)) if asked.ministry.strip() else None

    def keep(code: str) -> bool:
        if codes is not None and not codes(code):
            return False
        if not (asked.industry or ministries):
            return True
        domestic = uses_of(code)
        if asked.industry and not any(
            one.ksic.startswith(asked.industry) for one in domestic.industries
        ):
            return False
        return ministries is None or any(m.ministry in ministries for m in domestic.ministries)

    return keep


def wanted_codes(text: str) -> Callable[[str], bool]:
    """Whether an HS6 code is what a person typed: an item, an HS code, or a part of a name."""
    codes, heading = item_codes(text)
    if heading:
        if not any(code.startswith(heading) for code in goods()):
            raise UnknownName(
                f"no HS code begins with {heading}", f"{heading}(으)로 시작하는 HS 부호가 없습니다"
            )
        return lambda code: code.startswith(heading)
    return frozenset(codes).__contains__


def one_code(text: str, known: Iterable[str]) -> str:
    """The HS6 code of one item. UnknownName when it is none or several of those that are known."""
    known = set(known)
    wanted = wanted_codes(text)
    found = sorted(code for code in known if wanted(code))
    if len(found) == 1:
        return found[0]
    if text.strip() in known:
        return text.strip()
    if found:
        shown = ", ".join(found[:12]) + (" ..." if len(found) > 12 else "")
        raise UnknownName(
            f"{text!r} is {len(found)} HS6 items here: {shown}; give one of them",
            f"‘{text}’에 맞는 HS6 품목이 {len(found)}개입니다: {shown}. 하나를 고르십시오",
        )
    if not known:
        raise NotFound(NONE_YET)
    raise UnknownName(
        f"{text!r} has no vulnerability here: no imports of it are stored",
        f"‘{text}’의 취약성이 없습니다: 수입 계열이 없습니다",
    )


def _meets(line: WatchLine, asked: Asked) -> bool:
    if asked.min_score is not None and (line.score is None or line.score < asked.min_score):
        return False
    return asked.watched is None or line.watched is asked.watched


def ordered(lines: list[WatchLine], sort: str) -> list[WatchLine]:
    """By a column, largest first (an item's code and a rank: smallest first); unknown last."""
    key, back = sort.lstrip("-"), sort.startswith("-")

    def value(line: WatchLine) -> float | str | None:
        if key == "item":
            return line.item.code
        if key in OTHERS:
            got: float | None = getattr(line, key)
            return got
        return line.indices.get(key)

    known = [line for line in lines if value(line) is not None]
    rest = [line for line in lines if value(line) is None]
    falls = (key not in ("item", "rank")) is not back
    known.sort(key=lambda line: line.item.code)
    known.sort(key=value, reverse=falls)  # type: ignore[arg-type]
    return known + rest


def named(key: str) -> Label:
    """The name of what the table can be sorted by."""
    words = {
        "score": ("score", "점수"), "rank": ("rank", "순위"), "item": ("HS code", "HS 부호"),
        "coverage": ("weight that is known", "아는 비중"),
        "import_usd": ("imports of 12 months", "12개월 수입액"),
    }  # fmt: skip
    if key in INDICES:
        return Label(key, INDICES[key].en, INDICES[key].ko)
    return Label(key, *words[key])
