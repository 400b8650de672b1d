"""The rows of a month with their ranks: read once, asked many times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from ews.measuring import watched_codes
from ews.model import Vulnerability
from ews.reports.given import NoSuchTime
from ews.reports.names import label
from ews.reports.views import Label
from ews.reports.watch_views import IndexColumn, Told, WatchLine, month_word
from ews.storage import Store
from ews.watching import month_before
from ews.watching.turns import KEY
from graph.goods import goods, uses_of
from graph.vulnerability import INDICES, Weights, read_weights
from graph.vulnerability_sensitivity import Rank, Sensitivity, sensitivity

# Systems that say "more than"; the others say "or more".
STRICT = frozenset({"EU", "CEPII"})
VERDICTS = frozenset({"eu-dependent"})  # 1 is yes


@dataclass(frozen=True, slots=True)
class Book:
    """Rows of the newest month of each item, or of one month, made with the weights in force."""

    month: datetime | None
    months: tuple[datetime, ...]  # oldest first
    rows: Mapping[str, Vulnerability]  # by item, the largest score first
    sensitivity: Sensitivity
    ranks: Mapping[str, Rank]
    weights: Weights
    stale: int  # rows of other weights, left out


def state_of(store: Store) -> str:
    """What changes when the rows do."""
    return store.get(KEY) or ""


def open_book(store: Store, month: datetime | None = None) -> Book:
    """The book of a month, or of the newest."""
    weights = read_weights()
    every = store.newest_vulnerabilities() if month is None else store.vulnerabilities(month)
    rows = [row for row in every if row.weights == weights.digest]
    found = sensitivity(rows, weights)
    return Book(
        month, tuple(store.vulnerability_months()), {row.item: row for row in rows}, found,
        {rank.item: rank for rank in found.ranks}, weights, len(every) - len(rows),
    )  # fmt: skip


def rows_before(store: Store, book: Book, since: datetime | None = None) -> list[Vulnerability]:
    """The rows that the book's are compared with: of `since`, or of the month before each; only of
    the same provider's figures."""
    months = {since or month_before(row.month) for row in book.rows.values()}
    found = []
    for month in sorted(months):
        for row in store.vulnerabilities(month):
            after = book.rows.get(row.item)
            if after is None or row.weights != book.weights.digest or after.month <= row.month:
                continue
            same = row.facts.get("provider") == after.facts.get("provider")
            if same and row.month == (since or month_before(after.month)):
                found.append(row)
    return found


def watched_now(store: Store, now: datetime) -> frozenset[str]:
    ruleset = store.ruleset_at(now)
    return watched_codes(ruleset.rules if ruleset else {})


def month_of(text: str | None) -> datetime | None:
    """The first of a month, UTC; None when nothing was asked. NoSuchTime (a ValueError) for no month.

    >>> month_of("2026-10").isoformat()
    '2026-10-01T00:00:00+00:00'
    """
    asked = (text or "").strip()
    if not asked:
        return None
    try:
        return datetime.strptime(asked, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise NoSuchTime(
            f"{asked[:20]!r} is no month; write it as 2026-10",
            f"‘{asked[:20]}’은(는) 달이 아닙니다. 2026-10처럼 쓰십시오.",
        ) from None


# --------------------------------------------------------------------------- rows


def good_label(code: str) -> Label:
    """An HS6 code by its name in the tariff."""
    good = goods().get(code)
    return Label(code, good.name("en"), good.name("ko")) if good else label("item", code)


def line_of(row: Vulnerability, book: Book, watched: frozenset[str]) -> WatchLine:
    rank = book.ranks.get(row.item)
    top = row.facts.get("top_partner", "")
    return WatchLine(
        item=good_label(row.item),
        month=month_word(row.month),
        provider=row.facts.get("provider", ""),
        score=row.score,
        rank=rank.rank if rank else None,
        rank_low=round(rank.low) if rank else None,
        rank_high=round(rank.high) if rank else None,
        coverage=row.coverage,
        top_partner=label("country", top) if top else None,
        top_share=row.indices.get("top-share"),
        import_usd=float(row.facts.get("import_usd", "0")),
        indices=row.indices,
        exceeded=tuple(key for key in INDICES if exceeds(key, row.indices.get(key))),
        watched=row.item in watched,
        ministries=ministries_of(row.item),
        synthetic=row.synthetic,
    )


def exceeds(key: str, value: float | None) -> bool:
    """Whether the value is over what the index's own system calls its threshold.

    >>> exceeds("kr-dependence", 0.5), exceeds("eu-cdi-1", 0.4), exceeds("eu-dependent", 1.0)
    (True, False, True)
    """
    index = INDICES[key]
    if value is None or index.threshold is None:
        return False
    strict = index.system in STRICT and key not in VERDICTS
    return value > index.threshold if strict else value >= index.threshold


@cache
def ministries_of(code: str) -> tuple[Told, ...]:
    return tuple(
        Told(label("ministry", one.ministry), one.basis) for one in uses_of(code).ministries
    )


@cache
def columns() -> tuple[IndexColumn, ...]:
    """Every index, ours first, in the order of the file."""
    weights = read_weights()
    return tuple(
        IndexColumn(
            key=one.key, system=one.system, name=Label(one.key, one.en, one.ko),
            says=Label(one.key, one.says, one.says_ko), threshold=one.threshold,
            weight=weights.of.get(one.key, 0.0),
            why=Label(one.key, weights.why.get(one.key, ""), weights.why_ko.get(one.key, "")),
            source=one.source,
        )
        for one in INDICES.values()
    )  # fmt: skip


PRICES = {"world": ("world price", "국제가격"), "unit_value": ("unit value of imports", "수입단가")}
PROVIDERS = {
    "customs": ("Korea Customs Service", "관세청"),
    "comtrade": ("UN Comtrade, as Korea reports", "UN Comtrade(한국 보고)"),
    "mirror": (
        "what partners report to have sold to Korea",
        "상대국이 보고한 대한국 수출(거울 통계)",
    ),
    "synthetic": ("synthetic: made up", "합성: 만들어 낸 자료"),
}


def provider_label(code: str) -> Label:
    return Label(code, *PROVIDERS.get(code, (code, code)))


def fact_label(key: str, value: str) -> Label:
    """The value of a fact in words.

    >>> fact_label("partners", "IN 0.559;DE 0.248").ko
    '인도 56%, 독일 25%'
    """
    if key == "provider":
        return provider_label(value)
    if key == "price_basis":
        return Label(value, *PRICES.get(value, (value, value)))
    if key in ("import_usd", "import_kg"):
        number = f"{float(value):,.0f}"
        return Label(value, number, number)
    parts = [_fact(key, one) for one in value.split(";")] if value else []
    return Label(value, *(", ".join(part.text(lang) for part in parts) for lang in ("en", "ko")))


def _fact(key: str, text: str) -> Label:
    if key == "unknown" and text in INDICES:
        return Label(text, INDICES[text].en, INDICES[text].ko)
    if key in ("top_partner", "recent_top_partner"):
        return label("country", text)
    if key == "partners":
        code, _, share = text.partition(" ")
        who = label("country", code)
        if not share:
            return who
        return Label(code, f"{who.en} {float(share):.0%}", f"{who.ko} {float(share):.0%}")
    if key == "listed":
        return Label(text, f"{float(text):.0%}", f"{float(text):.0%}")
    return Label(text, text, text)


def once(told: Iterable[Told]) -> tuple[Told, ...]:
    """Each name once; stated where it is stated anywhere."""
    found: dict[str, Told] = {}
    for one in told:
        held = found.get(one.what.ko)
        if held is None or (one.basis == "stated" and held.basis != "stated"):
            found[one.what.ko] = one
    return tuple(found.values())
