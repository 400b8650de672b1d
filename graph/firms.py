"""What a firm says of itself: whom it buys from, what its products are made of, what is in stock.

Three kinds of row, each a plain dict for the store and back. Files are read in graph.firm_files.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from importlib.resources import files

from ews.model import content_id
from graph.cells import Error, FirmCsvError, Source, harmless

__all__ = [
    "BomLine",
    "Error",
    "FirmCsvError",
    "FirmLink",
    "FirmRow",
    "StockLine",
    "firm_key",
    "firm_slug",
    "harmless",
    "of_owner",
    "owned",
    "read_firms_csv",
    "row_of",
    "sample_firms",
]


@dataclass(frozen=True, slots=True)
class FirmLink:
    """A firm buys `share` of its input of `item` from `country`, perhaps from `supplier`."""

    firm: str  # slug; in a store with its owner before it (firm_key)
    name: str
    item: str  # id of graph/data/items.csv, or "hs:<code>" of a good that has none
    country: str  # of origin
    share: float | None  # of the firm's own input of the item, 0..1; None when not given
    supplier: str = ""
    stock_days: float | None = None
    industry: str = ""
    synthetic: bool = False
    lead_days: float | None = None  # from order to arrival, as the firm states it
    essential: bool | None = None  # does production stop without it? None: not said
    spend: float | None = None  # USD over `period`
    weight_kg: float | None = None  # over `period`
    part: str = ""  # the firm's own part number or name
    period: str = ""  # first and last day that the figures are of, "2024-01-03..2024-12-30"
    shipped_from: str = ""  # country of dispatch where it is not the origin
    source: str = "the firm's own links"
    stock_as_of: str = ""  # day of the row that states the stock; without stock_days: too old

    def to_row(self) -> dict[str, object]:
        """A plain dict for the store; `from_row` reads it back."""
        return _row(self)

    @classmethod
    def from_row(cls, row: Mapping[str, object]) -> FirmLink:
        """The link of a stored row, also of one kept before a field was added. KeyError when the
        firm, name, item, country, share or supplier is missing."""
        return cls(
            firm=str(row["firm"]),
            name=str(row["name"]),
            item=str(row["item"]),
            country=str(row["country"]),
            share=_float(row["share"]),
            supplier=str(row["supplier"]),
            stock_days=_float(row.get("stock_days")),
            industry=str(row.get("industry", "")),
            synthetic=bool(row.get("synthetic")),
            lead_days=_float(row.get("lead_days")),
            essential=_flag(row.get("essential")),
            spend=_float(row.get("spend")),
            weight_kg=_float(row.get("weight_kg")),
            part=str(row.get("part", "")),
            period=str(row.get("period", "")),
            shipped_from=str(row.get("shipped_from", "")),
            source=str(row.get("source", "the firm's own links")),
            stock_as_of=str(row.get("stock_as_of", "")),
        )


@dataclass(frozen=True, slots=True)
class BomLine:
    """One `parent` takes `quantity` of `part`."""

    firm: str
    name: str
    parent: str
    part: str
    quantity: float
    item: str = ""  # what the part is: an item id or "hs:<code>"; "" not said
    supplier: str = ""
    country: str = ""
    essential: bool | None = None
    substitute: str = ""  # the part that can stand in for it
    lead_days: float | None = None
    price_usd: float | None = None  # of one unit of the part
    source: str = "the firm's own bill of materials"

    def to_row(self) -> dict[str, object]:
        """A plain dict for the store; `from_row` reads it back."""
        return _row(self)

    @classmethod
    def from_row(cls, row: Mapping[str, object]) -> BomLine:
        """The line of a stored row. KeyError when firm, parent, part or quantity is missing."""
        return cls(
            firm=str(row["firm"]),
            name=str(row["name"]),
            parent=str(row["parent"]),
            part=str(row["part"]),
            quantity=_float(row["quantity"]) or 0.0,
            item=str(row.get("item", "")),
            supplier=str(row.get("supplier", "")),
            country=str(row.get("country", "")),
            essential=_flag(row.get("essential")),
            substitute=str(row.get("substitute", "")),
            lead_days=_float(row.get("lead_days")),
            price_usd=_float(row.get("price_usd")),
            source=str(row.get("source", "the firm's own bill of materials")),
        )


@dataclass(frozen=True, slots=True)
class StockLine:
    """The firm has `days` of normal use of an item or part in stock on the day `as_of`."""

    firm: str
    name: str
    days: float
    item: str = ""
    part: str = ""
    as_of: date | None = None
    source: str = "the firm's own stocks"

    def to_row(self) -> dict[str, object]:
        """A plain dict for the store; `from_row` reads it back."""
        return {**_row(self), "as_of": self.as_of.isoformat() if self.as_of else None}

    @classmethod
    def from_row(cls, row: Mapping[str, object]) -> StockLine:
        """The stock of a stored row. KeyError when firm or days is missing."""
        day = row.get("as_of")
        return cls(
            firm=str(row["firm"]),
            name=str(row["name"]),
            days=_float(row["days"]) or 0.0,
            item=str(row.get("item", "")),
            part=str(row.get("part", "")),
            as_of=date.fromisoformat(day) if isinstance(day, str) else None,
            source=str(row.get("source", "the firm's own stocks")),
        )


FirmRow = FirmLink | BomLine | StockLine


def _row(of: FirmRow) -> dict[str, object]:
    return {one.name: getattr(of, one.name) for one in fields(of)}


def row_of(shape: str, row: Mapping[str, object]) -> FirmRow:
    """The row of a store, read as its shape says.

    >>> row_of("stocks", StockLine("acme", "Acme", 20.0, "urea").to_row()).days
    20.0
    """
    match shape:
        case "bom":
            return BomLine.from_row(row)
        case "stocks":
            return StockLine.from_row(row)
    return FirmLink.from_row(row)


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def firm_slug(name: str) -> str:
    """A stable id for a firm's name, in any script.

    >>> firm_slug("ACME Korea, Inc.")
    'acme-korea-inc'
    >>> firm_slug("표본상사(가상)")
    '표본상사-가상'
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\W_]+", "-", folded).strip("-") or content_id("firm", name)


def firm_key(owner: str, firm: str) -> str:
    """The id of a firm in a store that several owners share: its owner's slug before its own.

    Two owners may both name "Acme"; without the owner in the id each would be shown what is the
    other's. A firm that speaks of itself keeps its plain slug.

    >>> firm_key("Acme", "acme"), firm_key("표본상사", "acme")
    ('acme', '표본상사/acme')
    """
    mine = firm_slug(owner)
    return firm if firm == mine or firm.startswith(f"{mine}/") else f"{mine}/{firm}"


def of_owner(key: str, owner: str) -> bool:
    """Whether a firm's id in the store (firm_key) is of this owner.

    >>> of_owner("acme/b", "Acme"), of_owner("acme-2", "Acme"), of_owner("b/acme", "Acme")
    (True, False, False)
    """
    return key.partition("/")[0] == firm_slug(owner)


def owned(row: FirmRow, owner: str) -> FirmRow:
    """The row with its firm's id as a store keeps it.

    >>> owned(StockLine("acme", "Acme", 1.0), "표본상사").firm
    '표본상사/acme'
    """
    return replace(row, firm=firm_key(owner, row.firm))


def read_firms_csv(text: Source) -> list[FirmLink]:
    """The supplier links of an upload, all or nothing.

    Columns: firm, item, country, share; optional supplier, stock_days, industry, synthetic,
    lead_days, essential, spend_usd, part (Korean headers are understood). `share` is 0..1 or with
    a percent sign. Raises FirmCsvError with every wrong cell.

    >>> read_firms_csv("firm,item,country,share\\nA,urea,CN,70%\\n")[0].share
    0.7
    """
    from graph.firm_files import read_firm_file  # it reads rows into the nouns of this module

    found = read_firm_file(text, shape="links").rows()
    return [row for row in found if isinstance(row, FirmLink)]


def sample_firms() -> list[FirmLink]:
    """The shipped invented firms, every one marked synthetic."""
    text = files("graph").joinpath("data").joinpath("sample_firms.csv").read_text(encoding="utf-8")
    lines = text.splitlines()
    marked = [f"{lines[0]},synthetic", *(f"{line},true" for line in lines[1:])]
    return read_firms_csv("\n".join(marked))
