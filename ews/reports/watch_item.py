"""One item: every index with what it adds, its past, what changed and why, whom it concerns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ews.measuring import items_by_code
from ews.model import Vulnerability
from ews.reports.explain import alert_list
from ews.reports.names import label
from ews.reports.series_names import series_label
from ews.reports.views import Label
from ews.reports.watch import one_code
from ews.reports.watch_book import Book, columns, fact_label, line_of, once, open_book, watched_now
from ews.reports.watch_changes import change_line
from ews.reports.watch_list import entry_of
from ews.reports.watch_views import (
    IndexValue,
    IndustryTold,
    MonthPoint,
    PartnerLine,
    Told,
    WatchChange,
    WatchItem,
    month_word,
)
from ews.storage import Store
from ews.watching import month_before, trade_of_item
from graph.goods import uses_of
from graph.vulnerability import FACTS, INDICES, Weights
from graph.vulnerability_change import change_of
from graph.vulnerability_indices import RECENT, SPAN, Imports, imports_of

ALERTS = 20  # newest that are listed
PARTNERS = 30


def watch_item(
    store: Store, text: str, *, now: datetime, month: datetime | None = None,
    book: Book | None = None,
) -> WatchItem:  # fmt: skip
    """Everything about an item in its newest month, or in one. UnknownName when there is none."""
    book = book or open_book(store, month)
    code = one_code(text, book.rows)
    row, watched = book.rows[code], watched_now(store, now)
    past = [one for one in store.vulnerabilities(items=[code]) if one.month <= row.month]
    past.sort(key=lambda one: one.month)
    rank, domestic = book.ranks.get(code), uses_of(code)
    ours = items_by_code().get(code, ())
    line = line_of(row, book, watched)
    return WatchItem(
        line=line,
        columns=values_of(row, book.weights, line.exceeded),
        facts=tuple(
            (Label(key, FACTS[key]["en"], FACTS[key]["ko"]), fact_label(key, row.facts[key]))
            for key in FACTS if key in row.facts
        ),
        mover=Label(rank.mover, INDICES[rank.mover].en, INDICES[rank.mover].ko) if rank else None,
        moves=rank.moves if rank else 0,
        scored=len(book.ranks),
        history=tuple(map(_point, past)),
        change=_change(past, book.weights, watched),
        uses=once(Told(Label(use.id, use.en, use.ko), use.basis) for use in domestic.uses),
        industries=tuple(
            IndustryTold(Label(one.ksic, one.en, one.ko), one.role, one.basis)
            for one in domestic.industries
        ),
        partners=partners_of(store, row, now),
        series=tuple(
            series_label(one.name)
            for key in (code, *ours) for one in store.series(item=key)
        ),
        alerts=tuple(alert_list(store, items=[*ours, code], limit=ALERTS)),
        ours=tuple(label("item", one) for one in ours),
        chosen=entry_of(store, code, now),
        computed_at=row.computed_at,
    )  # fmt: skip


def values_of(
    row: Vulnerability, weights: Weights, exceeded: Sequence[str]
) -> tuple[IndexValue, ...]:
    """Every index; what each adds to the score, where there is one."""
    known = sum(weight for key, weight in weights.of.items() if key in row.indices)
    return tuple(
        IndexValue(
            column, value := row.indices.get(column.key), column.key in exceeded,
            column.weight / known * value
            if value is not None and column.weight and known and row.score is not None else None,
        )
        for column in columns()
    )  # fmt: skip


def _point(row: Vulnerability) -> MonthPoint:
    return MonthPoint(
        month_word(row.month), row.score, row.coverage, row.indices.get("top-share"),
        float(row.facts.get("import_usd", "0")),
    )  # fmt: skip


def _change(
    past: Sequence[Vulnerability], weights: Weights, watched: frozenset[str]
) -> WatchChange | None:
    """Since the month before; None when that is not known or not comparable."""
    *earlier, after = past
    before = next((one for one in earlier if one.month == month_before(after.month)), None)
    if before is None or before.score is None or after.score is None:
        return None
    alike = before.facts.get("provider") == after.facts.get("provider")
    if not alike or {before.weights, after.weights} != {weights.digest}:
        return None
    return change_line(change_of(before, after, weights), watched)


def partners_of(store: Store, row: Vulnerability, now: datetime) -> tuple[PartnerLine, ...]:
    """From whom it comes, as known now, the largest first. Shares only where the row has them: of a
    part of the partners nobody knows what a share is of."""
    trade = trade_of_item(store, row.item, row.facts.get("provider", ""), now, row.month)
    if trade is None:
        return ()
    last = row.month.year * 12 + row.month.month - 1 - 1970 * 12
    year, fresh, old = (
        imports_of(trade, trade.import_usd, *window)
        for window in ((last, SPAN), (last, RECENT), (last - SPAN, RECENT))
    )
    told = "top-share" in row.indices
    order = sorted(range(len(trade.partners)), key=lambda j: -year.by_partner[0, j])
    return tuple(
        PartnerLine(
            label("country", trade.partners[j]), float(year.by_partner[0, j]),
            *(_share(one, j) if told else None for one in (year, fresh, old)),
        )
        for j in order[:PARTNERS] if year.by_partner[0, j] > 0
    )  # fmt: skip


def _share(imports: Imports, j: int) -> float | None:
    whole = float(imports.whole[0])
    return float(imports.by_partner[0, j]) / whole if whole > 0 else None
