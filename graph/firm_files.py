"""A firm's file: which of four shapes it has, and its rows. All rows are good, or none is taken.

`links` say a share of an input by country, `declarations` are import declarations (수입신고), one
row a line item, `bom` is a bill of materials, `stocks` are days of cover. The header tells which.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from graph.cells import MAX_ERRORS, Cells, Error, FirmCsvError, Source, column_name, harmless, table
from graph.declarations import in_date
from graph.firm_rows import Declared, bom_line, firm_link, past, stock_line
from graph.firms import BomLine, FirmLink, FirmRow, StockLine
from graph.reference import STOCK_DAYS_VALID


@dataclass(frozen=True, slots=True)
class Shape:
    """Columns of one shape of file; `other_names` are headers by which people call them."""

    needed: tuple[str, ...]
    optional: tuple[str, ...]
    other_names: Mapping[str, str]
    parse: Callable[[Cells, str], FirmRow] | None  # None: line items, summed by Declared
    marks: tuple[frozenset[str], ...]  # a header that has all columns of one of these is of it

    def columns(self) -> dict[str, str]:
        """Every understood header, as `column_name` writes it -> the column."""
        every = (*self.needed, *self.optional)
        return {column_name(name): name for name in every} | {
            column_name(name): column
            for name, column in {**COMMON, **self.other_names}.items()
            if column in every
        }


COMMON = {
    "기업": "firm", "기업명": "firm", "회사": "firm", "회사명": "firm", "상호": "firm",
    "품목": "item", "국가": "country", "업종": "industry", "가상": "synthetic",
    "공급사": "supplier", "공급업체": "supplier", "거래처": "supplier", "수량": "quantity",
    "필수": "essential", "필수여부": "essential", "재고일수": "stock_days",
    "조달기간": "lead_days", "조달일수": "lead_days", "리드타임": "lead_days",
    "부품": "part", "부품번호": "part", "HS코드": "hs", "HS부호": "hs", "hs_code": "hs",
}  # fmt: skip
# In the order in which a header is held against them.
SHAPES: Mapping[str, Shape] = {
    "bom": Shape(
        ("parent", "part", "quantity"),
        ("item", "hs", "supplier", "country", "essential", "substitute", "lead_days", "price_usd",
         "firm"),
        {"상위품목": "parent", "모품목": "parent", "모품번": "parent", "상위품번": "parent",
         "완제품": "parent", "제품": "parent", "parent_part": "parent", "assembly": "parent",
         "하위품목": "part", "자품목": "part", "자품번": "part", "하위품번": "part", "구성품": "part",
         "component": "part", "component_part": "part", "소요량": "quantity", "qty": "quantity",
         "원산지": "country", "대체품": "substitute", "대체품번": "substitute",
         "대체품목": "substitute", "단가 USD": "price_usd", "unit_price_usd": "price_usd"},
        bom_line,
        (frozenset({"parent"}),),
    ),
    "declarations": Shape(
        ("hs", "origin"),
        ("declaration", "line", "sub_line", "declared_on", "goods", "shipped_from", "supplier",
         "amount_usd", "weight_kg", "quantity", "firm"),
        {"수입신고번호": "declaration", "신고번호": "declaration", "declaration_no": "declaration",
         "란번호": "line", "란": "line", "line_no": "line", "규격번호": "sub_line",
         "신고일": "declared_on", "신고일자": "declared_on", "수입신고일": "declared_on",
         "수입신고일자": "declared_on", "declaration_date": "declared_on", "date": "declared_on",
         "세번부호": "hs", "세번": "hs", "HS": "hs", "품목번호": "hs", "hs10": "hs",
         "품명": "goods", "거래품명": "goods", "표준품명": "goods", "description": "goods",
         "원산지": "origin", "원산지국가": "origin", "원산국": "origin", "origin_country": "origin",
         "적출국": "shipped_from", "적출국가": "shipped_from", "country_of_dispatch": "shipped_from",
         "해외거래처": "supplier", "해외거래처명": "supplier", "해외공급자": "supplier",
         "공급자": "supplier", "overseas_supplier": "supplier",
         "금액 USD": "amount_usd", "과세가격 USD": "amount_usd", "과세가격미화": "amount_usd",
         "신고가격 USD": "amount_usd", "usd": "amount_usd", "value_usd": "amount_usd",
         "중량 kg": "weight_kg", "순중량 kg": "weight_kg", "순중량": "weight_kg",
         "중량": "weight_kg", "net_weight_kg": "weight_kg",
         "수입자": "firm", "수입자상호": "firm", "납세의무자": "firm", "importer": "firm"},
        None,
        (frozenset({"declaration"}), frozenset({"declared_on"}), frozenset({"origin"})),
    ),
    "links": Shape(
        ("firm", "item", "country", "share"),
        ("supplier", "stock_days", "industry", "synthetic", "lead_days", "essential", "spend_usd",
         "part"),
        {"수입국": "country", "비중": "share", "구매액 USD": "spend_usd", "금액 USD": "spend_usd"},
        firm_link,
        (frozenset({"share"}), frozenset({"firm", "country"})),
    ),
    "stocks": Shape(
        (),
        ("item", "part", "stock_days", "quantity", "daily_use", "as_of", "firm"),
        {"days": "stock_days", "보유일수": "stock_days", "일수": "stock_days",
         "재고": "quantity", "재고량": "quantity", "재고수량": "quantity", "stock": "quantity",
         "일사용량": "daily_use", "하루사용량": "daily_use", "일평균사용량": "daily_use",
         "기준일": "as_of", "기준일자": "as_of", "component": "part", "품번": "part"},
        stock_line,
        (frozenset({"daily_use"}), frozenset({"as_of"}), frozenset({"item", "stock_days"}),
         frozenset({"part", "stock_days"})),
    ),
}  # fmt: skip


@dataclass(slots=True)
class FirmFile:
    """A file whose every row is good."""

    shape: str
    count: int  # rows that it gives
    lines: int  # lines of the file that said something
    digest: str  # of all rows: the same file, or one that says the same, has the same
    notes: list[str]
    _source: Source = field(repr=False)
    _owner: str = field(repr=False)
    _declared: Declared | None = field(repr=False, default=None)

    def rows(self) -> Iterator[FirmRow]:
        """The rows, read once more as they are asked for."""
        if self._declared is not None:
            yield from self._declared.links()
            return
        shape, header, _ = _start(self._source, self.shape)
        for cells in _cells(self._source, header):
            if isinstance(cells, Cells) and shape.parse is not None:
                yield shape.parse(cells, self._owner)


def read_firm_file(
    source: Source, shape: str | None = None, owner: str = "", today: date | None = None
) -> FirmFile:
    """A CSV or JSON file of any shape, checked to its last line; rows are not kept.

    `owner` is the firm that a file without the column `firm` speaks of; days after `today` are
    wrong, stocks of long before it are told in the notes. FirmCsvError names the
    line, the column and the reason of every wrong cell (the first 1,000 of them).

    >>> found = read_firm_file("part,days\\nP-1,20\\n", owner="Acme")
    >>> found.shape, [row.part for row in found.rows()]
    ('stocks', ['P-1'])
    """
    name, header, notes = _named(source, shape, owner)
    if SHAPES[name].parse is None:
        return _summed(source, name, header, notes, owner, today)
    checked = Checked(today)
    for cells in _cells(source, header):
        checked.take(cells, SHAPES[name].parse, owner)
    checked.finish()
    said = [*notes, *checked.notes()]
    return FirmFile(
        name, checked.count, checked.count, checked.digest.hexdigest(), said, source, owner
    )


def _summed(
    source: Source,
    name: str,
    header: Sequence[str | None],
    notes: list[str],
    owner: str,
    today: date | None,
) -> FirmFile:
    declared, errors, lines = Declared(today), Errors(), 0
    for cells in _cells(source, header):
        if isinstance(cells, Cells):
            declared.add(cells, owner)
            errors.extend(cells.wrong)
            lines += 1
        else:
            errors.extend([cells])
    errors.raise_any()
    digest, count = hashlib.sha256(), 0
    for link in declared.links():
        digest.update(repr(link).encode())
        count += 1
    said = [*notes, *declared.notes()]
    return FirmFile(name, count, lines, digest.hexdigest(), said, source, owner, declared)


def shape_of(header: Sequence[str]) -> str:
    """The shape whose columns the header has; links, so that its errors speak, when none fits.

    >>> shape_of(["수입신고번호", "세번부호", "원산지"]), shape_of(["parent", "component", "qty"])
    ('declarations', 'bom')
    """
    for name, shape in SHAPES.items():
        known = shape.columns()
        has = {known.get(column_name(cell)) for cell in header}
        if any(mark <= has for mark in shape.marks):
            return name
    return "links"


def _named(source: Source, name: str | None, owner: str) -> tuple[str, list[str | None], list[str]]:
    """The shape, the column of each cell (None: left out), and what is said about that."""
    if name is not None and name not in SHAPES:
        raise ValueError(f"no shape {name!r} of file; use one of {', '.join(SHAPES)}")
    rows = table(source)
    first = next(rows, (1, []))[1]
    if not any(map(str.strip, first)):
        raise FirmCsvError([(1, "file", "empty; the first line must name the columns")])
    name = name or shape_of(first)
    _, header, notes = _columns(first, name)
    if name != "links" and "firm" not in header and not owner:
        raise FirmCsvError([(1, "firm", "column is missing, and no owner is given")])
    return name, header, notes


def _start(source: Source, name: str) -> tuple[Shape, list[str | None], list[str]]:
    return _columns(next(table(source))[1], name)


def _columns(first: Sequence[str], name: str) -> tuple[Shape, list[str | None], list[str]]:
    shape = SHAPES[name]
    known = shape.columns()
    header = [known.get(column_name(cell)) for cell in first]
    every = ", ".join((*shape.needed, *shape.optional))
    errors = [(1, column, "column is missing") for column in shape.needed if column not in header]
    unknown = [harmless(c)[:40] for c, n in zip(first, header, strict=True) if n is None]
    if shape.parse is not None:  # a customs export has dozens of columns that we do not need
        errors += [(1, c or "(empty)", f"unknown column; use {every}") for c in unknown]
    if name == "stocks" and not {"item", "part"} & set(header):
        errors.append((1, "item", "column is missing; name an item or a part"))
    twice = [n for n in dict.fromkeys(header) if n is not None and header.count(n) > 1]
    errors += [(1, "file", f"a column name is given twice: {name}") for name in twice]
    if errors:
        raise FirmCsvError(errors)
    notes = [f"columns left out: {', '.join(filter(None, unknown))}"] if any(unknown) else []
    return shape, header, notes


def _cells(source: Source, header: Sequence[str | None]) -> Iterator[Cells | Error]:
    """Each row after the first; an error in the place of one that has too many or few cells."""
    rows = table(source)
    next(rows)
    for line, cells in rows:
        if len(cells) == len(header):
            yield Cells(line, header, cells)
        else:
            yield line, "line", f"{len(cells)} cells, expected {len(header)}"


class Errors:
    """What is wrong with a file, the first MAX_ERRORS of it."""

    def __init__(self) -> None:
        self.kept: list[Error] = []
        self.more = 0

    def extend(self, errors: Sequence[Error]) -> None:
        room = MAX_ERRORS - len(self.kept)
        self.kept.extend(errors[:room])
        self.more += max(0, len(errors) - room)

    def raise_any(self) -> None:
        if not self.kept:
            return
        found = sorted(self.kept)
        if self.more:
            found.append((found[-1][0], "file", f"and {self.more:,} more errors"))
        raise FirmCsvError(found)


class Checked:
    """One pass over the rows: counted, digested, and what only several rows show to be wrong."""

    def __init__(self, today: date | None) -> None:
        self.today = today
        self.old = 0  # stocks that are too old today
        self.count = 0
        self.digest = hashlib.sha256()
        self.errors = Errors()
        self.seen: dict[int, int] = {}  # hash of what a row is about -> its line
        self.totals: dict[tuple[str, str, str], tuple[float, int]] = {}
        self.parts: dict[tuple[str, str], dict[str, int]] = {}  # parent -> parts -> line

    def take(
        self, cells: Cells | Error, parse: Callable[[Cells, str], FirmRow] | None, owner: str
    ) -> None:
        if not isinstance(cells, Cells) or parse is None:
            self.errors.extend([cells] if isinstance(cells, tuple) else [])
            return
        row = parse(cells, owner)
        if isinstance(row, StockLine):
            past("as_of", row.as_of, self.today, cells)
            self.old += not in_date(row, self.today)
        if not cells.wrong:
            self._together(row, cells)
        self.errors.extend(cells.wrong)
        self.count += 1
        if not self.errors.kept:
            self.digest.update(repr(row).encode())

    def _together(self, row: FirmRow, cells: Cells) -> None:
        about: tuple[str, ...]
        if isinstance(row, FirmLink):
            about, column = (row.firm, row.item, row.country, row.supplier, row.part), "item"
            total, _ = self.totals.get((row.firm, row.item, row.part), (0.0, 0))
            self.totals[row.firm, row.item, row.part] = (total + (row.share or 0.0), cells.line)
        elif isinstance(row, BomLine):
            about, column = (row.firm, row.parent, row.part, row.supplier), "part"
            self.parts.setdefault((row.firm, row.parent), {}).setdefault(row.part, cells.line)
        else:
            about, column = (row.firm, row.item, row.part), "item" if row.item else "part"
        line = self.seen.setdefault(hash(about), cells.line)
        if line != cells.line:
            what = "link" if isinstance(row, FirmLink) else "row"
            cells.fault(column, f"the same {what} is on line {line}")

    def notes(self) -> list[str]:
        """What a reader must know of the rows."""
        if not self.old:
            return []
        return [f"{self.old:,} stocks are of more than {STOCK_DAYS_VALID} days ago: not used"]

    def finish(self) -> None:
        """FirmCsvError with everything wrong."""
        said = "shares of {} at this firm add up to {:.2f}, above 1"
        self.errors.extend(
            [
                (line, "share", said.format(item, total))
                for (_, item, _), (total, line) in self.totals.items()
                if total > 1.005
            ]
        )
        if not self.errors.kept:
            self.errors.extend(self._circles())
        self.errors.raise_any()

    def _circles(self) -> list[Error]:
        """Parts that are made of themselves, by way of others."""
        left = {key: set(parts) for key, parts in self.parts.items()}
        while True:  # what has no further parts goes, then what nothing is made of
            used = {(firm, part) for (firm, _), parts in left.items() for part in parts}
            done = [
                (firm, parent)
                for (firm, parent), parts in left.items()
                if (firm, parent) not in used or not any((firm, p) in left for p in parts)
            ]
            if not done:
                break
            for key in done:
                del left[key]
        return [
            (line, "part", f"{part[:40]!r} is, by way of other lines, made of {parent[:40]!r}")
            for (firm, parent) in left
            for part, line in self.parts[firm, parent].items()
            if (firm, part) in left
        ]
