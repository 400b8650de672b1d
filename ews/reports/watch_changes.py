"""What changed since an earlier month and why, and what rises while nobody watches it?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from ews.reports.views import Label
from ews.reports.watch_book import (
    Book,
    good_label,
    ministries_of,
    once,
    open_book,
    rows_before,
    watched_now,
)
from ews.reports.watch_views import (
    Part,
    Spot,
    Spots,
    Told,
    WatchChange,
    WatchChanges,
    month_word,
)
from ews.storage import Store
from graph.blind_spots import BlindSpot, blind_spots, reason
from graph.vulnerability import INDICES
from graph.vulnerability_change import COVERAGE, Change, changes_of, tell

KNOWN = Label(COVERAGE, "what is known", "아는 지표의 범위")
LEAST = 0.0005  # of a score: below it nothing is said to have moved


def watch_changes(
    store: Store, *, now: datetime, month: datetime | None = None, since: datetime | None = None,
    limit: int = 20, book: Book | None = None,
) -> WatchChanges:  # fmt: skip
    """The items whose score rose and fell most, like for like, since the month before (or `since`)."""
    book = book or open_book(store, month)
    rows = tuple(book.rows.values())
    changes = changes_of(rows_before(store, book, since), rows, book.weights)
    watched = watched_now(store, now)
    rises = [one for one in changes if one.like_for_like >= LEAST][:limit]
    falls = [one for one in reversed(changes) if one.like_for_like <= -LEAST][:limit]
    first, last = _months(changes)
    return WatchChanges(
        first, last, len(changes), len(rows) - len(changes),
        tuple(change_line(one, watched) for one in rises),
        tuple(change_line(one, watched) for one in falls),
        sum(one.after.synthetic for one in changes),
    )  # fmt: skip


def watch_spots(
    store: Store, *, now: datetime, month: datetime | None = None, since: datetime | None = None,
    limit: int = 50, book: Book | None = None,
) -> Spots:  # fmt: skip
    """The blind spots: items that rise unseen, the worthiest first (graph.blind_spots)."""
    book = book or open_book(store, month)
    rows = tuple(book.rows.values())
    before, watched = rows_before(store, book, since), watched_now(store, now)
    found = blind_spots(before, rows, book.weights, watched, most=len(rows) or 1)
    first, last = _months([one.change for one in found])
    unseen = [row for row in rows if row.score is not None and row.item not in watched]
    return Spots(
        first or _least(before), last or _least(rows), len(found),
        len(unseen),
        tuple(spot_line(one) for one in found[:limit]),
        sum(row.synthetic for row in unseen),
    )  # fmt: skip


def _months(changes: Sequence[Change]) -> tuple[str | None, str | None]:
    """The months that are compared; of several providers the newest."""
    if not changes:
        return None, None
    newest = max(changes, key=lambda one: one.after.month)
    return month_word(newest.before.month), month_word(newest.after.month)


def _least(rows: Iterable[object]) -> str | None:
    months = [row.month for row in rows]  # type: ignore[attr-defined]
    return month_word(max(months)) if months else None


def change_line(change: Change, watched: frozenset[str]) -> WatchChange:
    return WatchChange(
        item=good_label(change.item),
        since=month_word(change.before.month),
        month=month_word(change.after.month),
        before=change.before.score or 0.0,
        after=change.after.score or 0.0,
        rise=change.total,
        like_for_like=change.like_for_like,
        parts=tuple(
            Part(one.index, part_name(one.index), one.before, one.after, one.effect)
            for one in change.parts
        ),
        said=said(change),
        watched=change.item in watched,
        ministries=ministries_of(change.item),
        synthetic=change.after.synthetic,
    )


def said(change: Change) -> tuple[Label, ...]:
    """Sentences of what moved it most, without the first, which only gives the two scores."""
    pairs = zip(tell(change, "en")[1:], tell(change, "ko")[1:], strict=True)
    return tuple(Label("", en, ko) for en, ko in pairs)


def part_name(key: str) -> Label:
    return KNOWN if key == COVERAGE else Label(key, INDICES[key].en, INDICES[key].ko)


def spot_line(spot: BlindSpot) -> Spot:
    domestic = spot.domestic
    return Spot(
        item=good_label(spot.item),
        month=month_word(spot.month),
        rise=spot.rise,
        score=spot.score,
        import_usd=spot.import_usd,
        worth=spot.worth,
        change=change_line(spot.change, frozenset()),
        uses=once(Told(Label(use.id, use.en, use.ko), use.basis) for use in domestic.uses),
        makers=tuple(
            Told(Label(one.ksic, one.en, one.ko), one.basis)
            for one in domestic.industries if one.role == "makes"
        ),
        ministries=ministries_of(spot.item),
        reason=Label(spot.item, reason(spot, "en"), reason(spot, "ko")),
        command=f'ews watch add {spot.item} --reason "..."',
        synthetic=spot.synthetic,
    )  # fmt: skip
