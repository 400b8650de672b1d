"""A firm's own stress test, as rows: one function, three faces.

The firm is the viewer's own; what is another's and what does not exist are one answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from ews.reports.exposure import NO_SUCH_FIRM, names_firm
from ews.reports.rows import count_bases
from ews.reports.standing import firm_label
from ews.reports.stress_rows import Words, missing, ring_line, strain_line, why_label
from ews.reports.stress_views import Given, KnownLine, StressReport, TogetherLine
from ews.reports.viewer import OPEN, NotFound, Viewer, rows_seen
from ews.reports.views import Label
from ews.storage import Store
from graph.declarations import in_date
from graph.firm_sources import FirmSupply, firm_supply
from graph.firms import BomLine, FirmLink, StockLine, row_of
from graph.one_company import Together, known_as, together
from graph.reference import STOCK_DAYS_VALID
from graph.stress import LINE, MOST_DAYS, Stress, stops_nothing, stress_test
from nlp.firms import firms

Rows = Sequence[Mapping[str, object]]


def stress_report(
    store: Store,
    asked: str | None,
    *,
    now: datetime,
    viewer: Viewer = OPEN,
    days: float | None = None,
    line: float = LINE,
) -> StressReport:
    """The stress test of a firm; None: of all firms of the viewer, or of the only owner there is.

    `days` that each source is down (1 to 3650; None: until another supplier is assumed to
    deliver, by its share), `line` days of output that may be lost. NotFound also for a firm that
    is not the viewer's own; ValueError for wrong numbers, or when an operator must say which.
    """
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise ValueError(f"days: give 1 to {MOST_DAYS}")
    if not 0 <= line <= MOST_DAYS:
        raise ValueError(f"line: give days of output that may be lost, 0 to {MOST_DAYS}")
    return stress_of(_rows(store, asked, viewer), asked, now=now, days=days, line=line)


def _rows(store: Store, asked: str | None, viewer: Viewer) -> Rows:
    rows = rows_seen(store, viewer, None)
    if asked is None:
        owners = sorted({str(row["owner"]) for row in rows})
        if len(owners) > 1:
            raise ValueError("several owners gave rows; say which: --firm NAME")
        found = rows
    else:
        found = [row for row in rows if names_firm(row, asked)]
    if not found:
        raise NotFound(NO_SUCH_FIRM)
    return found


def stress_of(
    rows: Rows, asked: str | None, *, now: datetime, days: float | None, line: float
) -> StressReport:
    """The report on rows as a store holds them, all of one firm or owner."""
    links, boms, counted = _read(rows)
    stocks = [one for one in counted if in_date(one, now.date())]
    about = tuple(dict.fromkeys(map(firm_label, rows)))
    shapes = [str(row["shape"]) for row in rows]
    given = Given(*(shapes.count(shape) for shape in ("links", "declarations", "bom", "stocks")))
    synthetic = any(one.synthetic for one in links)
    every: list[FirmLink | BomLine] = [*links, *boms]
    suppliers = [one.supplier for one in every if one.supplier]
    alike = together(suppliers)
    supply, found = None, None
    if links or boms:
        pairs = tuple((one.names, one.confidence) for one in alike if one.same)
        supply, found = tested(tuple(links), tuple(boms), tuple(stocks), pairs, days, line)
    words = Words({str(row["firm"]): firm_label(row) for row in rows}, links, boms, alike)
    lines = (
        tuple(strain_line(supply, one, words) for one in found.strains) if supply and found else ()
    )
    return StressReport(
        asked=asked or ", ".join(one.ko for one in about),
        firms=about,
        as_of=now,
        days=days,
        line_days=line,
        given=given,
        synthetic=synthetic,
        missing=(*missing(supply, len(lines)), *_too_old(len(counted) - len(stocks))),
        bases=count_bases(
            basis
            for one in lines
            for basis in (one.share_basis, one.stock_basis, one.lead_basis, one.recover_basis,
                          one.need_basis, one.value_basis)
        ),
        sources=lines,
        spare=_spare(found, words),
        together=tuple(_together(one, found) for one in alike),
        known=tuple(_known(suppliers)),
        rings=tuple(ring_line(one, words) for one in found.cycles) if found else (),
    )  # fmt: skip


def _too_old(stocks: int) -> Iterable[Label]:
    if stocks:
        yield Label(
            "old-stocks",
            f"{stocks} stocks were counted more than {STOCK_DAYS_VALID} days ago and are not used",
            f"재고 {stocks}건은 기준일이 {STOCK_DAYS_VALID}일보다 오래되어 쓰지 않았습니다",
        )


@lru_cache(maxsize=16)
def tested(
    links: tuple[FirmLink, ...],
    boms: tuple[BomLine, ...],
    stocks: tuple[StockLine, ...],
    companies: tuple[tuple[tuple[str, ...], float], ...],
    days: float | None,
    line: float,
) -> tuple[FirmSupply, Stress]:
    """Kept for the sheet that is asked for after the page. The firm's rows are the key, so that no
    reader gets what was computed with another's."""
    supply = firm_supply(links, boms, stocks)
    return supply, stress_test(supply, days=days, line=line, companies=companies)


def _read(rows: Rows) -> tuple[list[FirmLink], list[BomLine], list[StockLine]]:
    read = [row_of(str(row["shape"]), row) for row in rows]
    return (
        [one for one in read if isinstance(one, FirmLink)],
        [one for one in read if isinstance(one, BomLine)],
        [one for one in read if isinstance(one, StockLine)],
    )


def _spare(found: Stress | None, words: Words) -> tuple[Label, ...]:
    return tuple(
        words.good(one.source.code) for one in stops_nothing(found.strains if found else ())
    )


def _together(one: Together, found: Stress | None) -> TogetherLine:
    shares = [s.share for s in found.strains if s.source.names == one.names] if found else []
    return TogetherLine(
        one.names, one.confidence, why_label(one.why), one.same, max(shares, default=0.0)
    )


def _known(suppliers: Iterable[str]) -> Iterable[KnownLine]:
    listed = firms()
    every = {slug: (firm.name, firm.ko, *sorted(firm.slugs)) for slug, firm in listed.items()}
    for one in known_as(
        suppliers, {code: [n for n in names if n] for code, names in every.items()}
    ):
        firm = listed[one.company]
        company = Label(one.company, firm.name, firm.ko or firm.name)
        yield KnownLine(one.name, company, one.confidence, why_label(one.why))
