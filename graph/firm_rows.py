"""A row of a firm's file, cell by cell, to what it says; import declarations summed to links."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from graph.cells import Cells, items_of_hs
from graph.firms import BomLine, FirmLink, StockLine, firm_slug
from graph.reference import INDUSTRIES, ITEMS

MOST = 1e13  # a larger quantity or amount is a slip of the keyboard


def _firm(cells: Cells, owner: str) -> tuple[str, str]:
    """Slug and name; a file without the column speaks of its owner."""
    name = cells.text("firm", needed="firm" in cells.of or not owner) or owner
    return firm_slug(name), name


def firm_link(cells: Cells, owner: str) -> FirmLink:
    """A row of shape links."""
    slug, name = _firm(cells, owner)
    industry = cells.text("industry")
    if industry and industry not in INDUSTRIES and not re.fullmatch(r"\d{2,5}", industry):
        cells.fault("industry", f"{industry[:20]!r} is not a KSIC code like 28202")
    return FirmLink(
        firm=slug,
        name=name,
        item=cells.item(),
        country=cells.country(),
        share=cells.share(),
        supplier=cells.text("supplier"),
        stock_days=cells.days("stock_days"),
        industry=industry,
        synthetic=bool(cells.flag("synthetic")),
        lead_days=cells.days("lead_days"),
        essential=cells.flag("essential"),
        spend=cells.number("spend_usd", MOST, "an amount in USD"),
        part=cells.text("part"),
    )


def bom_line(cells: Cells, owner: str) -> BomLine:
    """A row of shape bom."""
    slug, name = _firm(cells, owner)
    parent, part = cells.text("parent", needed=True), cells.text("part", needed=True)
    if parent and parent == part:
        cells.fault("part", f"{part[:40]!r} is part of itself")
    quantity = cells.number("quantity", MOST, "a quantity", least=1e-12)
    if not cells.text("quantity"):
        cells.fault("quantity", "is empty")
    return BomLine(
        firm=slug,
        name=name,
        parent=parent,
        part=part,
        quantity=quantity or 0.0,
        item=cells.item() if cells.text("item") else _hs(cells),
        supplier=cells.text("supplier"),
        country=cells.country(needed=False),
        essential=cells.flag("essential"),
        substitute=cells.text("substitute"),
        lead_days=cells.days("lead_days"),
        price_usd=cells.number("price_usd", MOST, "a price in USD"),
    )


def _hs(cells: Cells) -> str:
    """The item of an HS code, or the code itself where ews has none; "" when none is given."""
    code = cells.text("hs").replace(".", "").replace("-", "")
    if not code:
        return ""
    if not re.fullmatch(r"\d{4,10}", code):
        cells.fault("hs", f"{cells.text('hs')[:20]!r} is no HS code of 4 to 10 digits")
    named = items_of_hs(code)
    return named[0] if len(named) == 1 else f"hs:{code}"


def stock_line(cells: Cells, owner: str) -> StockLine:
    """A row of shape stocks: days, or a quantity and its use a day."""
    slug, name = _firm(cells, owner)
    item = cells.item() if cells.text("item") else ""
    part = cells.text("part")
    if not item and not part and not cells.wrong:
        cells.fault("item" if "item" in cells.of else "part", "name an item or a part")
    return StockLine(slug, name, _days(cells), item, part, cells.day("as_of"))


def past(column: str, day: date | None, today: date | None, cells: Cells) -> None:
    """A fault for a day that is yet to come."""
    if day is not None and today is not None and day > today:
        cells.fault(
            column, f"{day} is still to come; write the day that it was counted or declared"
        )


def _days(cells: Cells) -> float:
    days = cells.days("stock_days")
    if days is not None or cells.text("stock_days"):
        return days or 0.0
    quantity = cells.number("quantity", MOST, "a quantity")
    use = cells.number("daily_use", MOST, "a use a day", least=1e-12)
    if not cells.text("quantity") or not cells.text("daily_use"):
        cells.fault("stock_days", "give days, or a quantity and its use a day")
        return 0.0
    if quantity is None or use is None:
        return 0.0
    if quantity / use > 3650:
        cells.fault("quantity", f"lasts {quantity / use:,.0f} days at that use; 3650 at most")
    return quantity / use


# --------------------------------------------------------------------------- declarations


@dataclass(slots=True)
class Sums:
    """What one firm bought of one good, from one country, of one supplier."""

    usd: float = 0.0
    kg: float = 0.0
    no_usd: int = 0  # lines without an amount
    no_kg: int = 0


@dataclass(slots=True)
class Declared:
    """Import declarations, line item by line item, summed to supplier links.

    A link's share is its part of the firm's declared amount of the good; of its weight, where not
    every line of the good has an amount; unknown, where not every line has a weight either.
    """

    today: date | None = None  # a line item of a later day is wrong
    sums: dict[tuple[str, str, str, str, str], Sums] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    shipped: dict[tuple[str, str, str, str, str], set[str]] = field(default_factory=dict)
    first: date | None = None
    last: date | None = None
    seen: set[int] = field(default_factory=set)  # hashes of declaration and line numbers
    several: Counter[str] = field(default_factory=Counter)  # HS codes of several items: lines
    foreign: Counter[str] = field(default_factory=Counter)  # HS codes of no item: lines

    def add(self, cells: Cells, owner: str) -> None:
        """One line item; nothing is added when a cell is wrong."""
        slug, name = _firm(cells, owner)
        code = cells.text("hs", needed=True).replace(".", "").replace("-", "")
        if code and not re.fullmatch(r"\d{6}|\d{8}|\d{10}", code):
            cells.fault("hs", f"{cells.text('hs')[:20]!r} is no HS code of 6, 8 or 10 digits")
        country = cells.country("origin")
        shipped = cells.country("shipped_from", needed=False)
        usd = cells.number("amount_usd", MOST, "an amount in USD")
        kg = cells.number("weight_kg", MOST, "a weight in kg")
        cells.number("quantity", MOST, "a quantity")
        day = cells.day("declared_on")
        past("declared_on", day, self.today, cells)
        self._once(cells)
        if cells.wrong:
            return
        item = self._item(code, cells.text("goods"))
        key = (slug, item, country, cells.text("supplier"), "")
        self.names.setdefault(slug, name)
        sums = self.sums.setdefault(key, Sums())
        sums.usd += usd or 0.0
        sums.kg += kg or 0.0
        sums.no_usd += usd is None
        sums.no_kg += kg is None
        if shipped and shipped != country:
            self.shipped.setdefault(key, set()).add(shipped)
        if day is not None:
            self.first = min(day, self.first or day)
            self.last = max(day, self.last or day)

    def _once(self, cells: Cells) -> None:
        """The same line item of the same declaration counts once: a second one is an error."""
        number, line = cells.text("declaration"), cells.text("line")
        if not number or not line:
            return
        key = hash((number, line, cells.text("sub_line")))
        if key in self.seen:
            said = f"line item {line[:10]} of declaration {number[:30]} is in the file twice"
            cells.fault("line", said)
        self.seen.add(key)

    def _item(self, code: str, goods: str) -> str:
        """The item of an HS code; of several the one that the name of the goods tells."""
        named = items_of_hs(code)
        if len(named) > 1:
            said = goods.casefold()
            told = [i for i in named
                    if ITEMS[i].en.casefold() in said or ITEMS[i].ko.casefold() in said]  # fmt: skip
            longest = max(told, key=lambda i: len(ITEMS[i].ko), default="")
            if longest:
                return longest
            self.several[code] += 1
        elif not named:
            self.foreign[code] += 1
        return named[0] if len(named) == 1 else f"hs:{code}"

    def links(self) -> Iterator[FirmLink]:
        """The links, by firm, good, country and supplier."""
        totals: dict[tuple[str, str], Sums] = {}
        for (firm, item, *_), one in self.sums.items():
            total = totals.setdefault((firm, item), Sums())
            total.usd += one.usd
            total.kg += one.kg
            total.no_usd += one.no_usd
            total.no_kg += one.no_kg
        period = f"{self.first}..{self.last}" if self.first else ""
        for key, one in sorted(self.sums.items()):
            firm, item, country, supplier, part = key
            ways = self.shipped.get(key, set())
            yield FirmLink(
                firm=firm,
                name=self.names[firm],
                item=item,
                country=country,
                share=_part(one, totals[firm, item]),
                supplier=supplier,
                spend=None if one.no_usd else round(one.usd, 2),
                weight_kg=None if one.no_kg else round(one.kg, 3),
                part=part,
                period=period,
                shipped_from=next(iter(ways)) if len(ways) == 1 else "",
                source=f"the firm's own import declarations {period}".strip(),
            )

    def notes(self) -> list[str]:
        """What a reader must know of the sums."""
        said = []
        if self.foreign:
            said.append(
                f"{sum(self.foreign.values()):,} lines of {len(self.foreign)} HS codes that are no "
                f"item of ews are kept as hs:CODE: {_most(self.foreign)}"
            )
        if self.several:
            said.append(
                f"{sum(self.several.values()):,} lines of HS codes that several items share, and no "
                f"goods name that tells which, are kept as hs:CODE: {_most(self.several)}"
            )
        return said


def _most(codes: Counter[str]) -> str:
    return ", ".join(code for code, _ in codes.most_common(5))


def _part(one: Sums, total: Sums) -> float | None:
    if not total.no_usd and total.usd > 0:
        return round(one.usd / total.usd, 6)
    if not total.no_kg and total.kg > 0:
        return round(one.kg / total.kg, 6)
    return None
