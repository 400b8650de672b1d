"""A firm's own supply links, from a CSV that it uploads. All rows are good, or none is taken."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from ews.model import content_id
from graph.reference import COUNTRIES, INDUSTRIES, ITEMS

REQUIRED = ("firm", "item", "country", "share")
OPTIONAL = ("supplier", "stock_days", "industry", "synthetic")
MAX_ROWS = 20_000
MAX_CELL = 200
# Headers a Korean firm would write.
HEADERS: Mapping[str, str] = {
    "기업": "firm",
    "기업명": "firm",
    "회사": "firm",
    "회사명": "firm",
    "품목": "item",
    "국가": "country",
    "수입국": "country",
    "비중": "share",
    "공급사": "supplier",
    "공급업체": "supplier",
    "재고일수": "stock_days",
    "업종": "industry",
    "가상": "synthetic",
}
Error = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class FirmLink:
    """A firm buys `share` of its input of `item` from `country`, perhaps from `supplier`."""

    firm: str  # slug
    name: str
    item: str
    country: str
    share: float | None  # of the firm's own input of the item, 0..1; None when not given
    supplier: str = ""
    stock_days: float | None = None
    industry: str = ""
    synthetic: bool = False

    def to_row(self) -> dict[str, object]:
        """A plain dict for the store; `from_row` reads it back."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_row(cls, row: Mapping[str, object]) -> FirmLink:
        """The link of a stored row. KeyError when a key is missing."""
        share, stock = row["share"], row["stock_days"]
        return cls(
            firm=str(row["firm"]),
            name=str(row["name"]),
            item=str(row["item"]),
            country=str(row["country"]),
            share=float(share) if isinstance(share, int | float) else None,
            supplier=str(row["supplier"]),
            stock_days=float(stock) if isinstance(stock, int | float) else None,
            industry=str(row["industry"]),
            synthetic=bool(row["synthetic"]),
        )


class FirmCsvError(ValueError):
    """Everything wrong with an upload: (line, column, message), lines counted from 1."""

    def __init__(self, errors: list[Error]) -> None:
        self.errors = errors
        super().__init__(
            "; ".join(f"line {n}, {column}: {text}" for n, column, text in errors[:20])
        )


def firm_slug(name: str) -> str:
    """A stable id for a firm's name, in any script.

    >>> firm_slug("ACME Korea, Inc.")
    'acme-korea-inc'
    >>> firm_slug("표본상사(가상)")
    '표본상사-가상'
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\W_]+", "-", folded).strip("-") or content_id("firm", name)


def decode(data: bytes) -> str:
    """The text of an uploaded file: UTF-8 with or without BOM, UTF-16 with BOM, or cp949.

    FirmCsvError when it is none of these.
    """
    utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    encodings = ("utf-16",) if utf16 else ("utf-8-sig", "cp949")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FirmCsvError([(1, "file", "not text in UTF-8 or CP949; save it as 'CSV UTF-8'")])


def harmless(cell: str) -> str:
    """A cell without control characters or a leading formula sign, so no spreadsheet runs it.

    >>> harmless('=HYPERLINK("http://x")')
    'HYPERLINK("http://x")'
    """
    text = "".join(ch for ch in cell if ch.isprintable()).strip()
    return text if _number(text) is not None else text.lstrip("=+-@ ")


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if value == value and abs(value) != float("inf") else None


def read_firms_csv(text: str | bytes) -> list[FirmLink]:
    """The links of an uploaded CSV, all or nothing.

    Columns: firm, item, country, share; optional supplier, stock_days, industry, synthetic
    (Korean headers are understood). `share` is 0..1 or with a percent sign. Raises FirmCsvError
    with every wrong cell.

    >>> read_firms_csv("firm,item,country,share\\nA,urea,CN,70%\\n")[0].share
    0.7
    """
    text = decode(text) if isinstance(text, bytes) else text.removeprefix("\ufeff")
    try:
        lines = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise FirmCsvError([(1, "file", f"not a CSV: {error}")]) from error
    if not lines or not any(cell.strip() for cell in lines[0]):
        raise FirmCsvError([(1, "file", "empty; the first line must name the columns")])
    header = [_header(cell) for cell in lines[0]]
    errors = _header_errors(header)
    if len(lines) - 1 > MAX_ROWS:
        errors.append((MAX_ROWS + 2, "file", f"more than {MAX_ROWS} rows; split the file"))
    if errors:
        raise FirmCsvError(errors)
    links: list[FirmLink] = []
    seen: dict[tuple[str, str, str, str], int] = {}
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            errors.append((number, "line", f"{len(cells)} cells, expected {len(header)}"))
            continue
        row = dict(zip(header, map(harmless, cells), strict=True))
        link, wrong = _link(row, number)
        errors.extend(wrong)
        if link is None:
            continue
        key = (link.firm, link.item, link.country, link.supplier)
        if key in seen:
            errors.append((number, "item", f"the same link is on line {seen[key]}"))
        seen[key] = number
        links.append(link)
    errors.extend(_sums(links, seen))
    if errors:
        raise FirmCsvError(sorted(errors))
    return links


def _header(cell: str) -> str:
    name = harmless(cell).casefold().replace(" ", "_")
    return HEADERS.get(name, name)


def _header_errors(header: list[str]) -> list[Error]:
    known = (*REQUIRED, *OPTIONAL)
    errors = [(1, name, "column is missing") for name in REQUIRED if name not in header]
    for name in header:
        if name not in known:
            errors.append((1, name[:40] or "(empty)", f"unknown column; use {', '.join(known)}"))
    if len(set(header)) != len(header):
        errors.append((1, "file", "a column name is given twice"))
    return errors


def _link(row: Mapping[str, str], line: int) -> tuple[FirmLink | None, list[Error]]:
    errors: list[Error] = []
    for column, cell in row.items():
        if len(cell) > MAX_CELL:
            errors.append((line, column, f"longer than {MAX_CELL} characters"))
    if not row["firm"]:
        errors.append((line, "firm", "is empty"))
    item = _item(row["item"])
    if item is None:
        errors.append((line, "item", _no_item(row["item"])))
    country = _country(row["country"])
    if country is None:
        said = f"{row['country'][:20]!r} is no country; write its ISO 3166 code, such as CN"
        errors.append((line, "country", said))
    industry = row.get("industry", "")
    if industry and industry not in INDUSTRIES and not re.fullmatch(r"\d{2,5}", industry):
        errors.append((line, "industry", f"{industry[:20]!r} is not a KSIC code like 28202"))
    share = _share(row["share"], line, errors)
    stock = _stock(row.get("stock_days", ""), line, errors)
    flag = row.get("synthetic", "").casefold()
    if flag not in ("", "true", "false", "1", "0", "yes", "no"):
        errors.append((line, "synthetic", "use true or false"))
    if errors or item is None or country is None:
        return None, errors
    return (
        FirmLink(
            firm=firm_slug(row["firm"]),
            name=row["firm"],
            item=item,
            country=country,
            share=share,
            supplier=row.get("supplier", ""),
            stock_days=stock,
            industry=industry,
            synthetic=flag in ("true", "1", "yes"),
        ),
        [],
    )


def _item(text: str) -> str | None:
    """The item id that a firm's cell means: an id, a name in English or Korean, or an HS code
    that names one item only."""
    key = text.casefold().strip()
    if key in ITEMS:
        return key
    code = key.replace(".", "")
    if code.isdigit():
        named = _of_hs(code)
        return named[0] if len(named) == 1 else None
    hits = [i.id for i in ITEMS.values() if key and key in (i.en.casefold(), i.ko.casefold())]
    return hits[0] if len(hits) == 1 else None


def _of_hs(code: str) -> list[str]:
    """Items of exactly that HS code; those that it falls under when there is none. None of the
    pseudo-items of freight: a firm does not buy those."""
    if len(code) < 4 or code.startswith("9999"):
        return []
    exact = [item.id for item in ITEMS.values() if code in item.hs]
    return exact or [i.id for i in ITEMS.values() if any(code.startswith(hs) for hs in i.hs)]


def _no_item(text: str) -> str:
    """Why a cell names no item, and what would."""
    code = text.replace(".", "").strip()
    several = _of_hs(code) if code.isdigit() else []
    if several:
        return f"HS code {code} is of several items; write one of: {', '.join(several[:6])}"
    return (
        f"unknown item {text[:40]!r}; write an id or name of graph/data/items.csv (such as urea), "
        "or an HS code that names one item"
    )


def _country(text: str) -> str | None:
    """The ISO code that a firm's cell means: a code, or a name in English or Korean."""
    key = text.strip().casefold()
    for code, country in COUNTRIES.items():
        if code != "EU" and key in (code.casefold(), country.en.casefold(), country.ko.casefold()):
            return code
    return None


def _share(text: str, line: int, errors: list[Error]) -> float | None:
    if not text:
        return None
    percent = text.endswith("%")
    value = _number(text.rstrip("% "))
    if value is None:
        errors.append((line, "share", f"{text[:20]!r} is not a number; write 0.7 or 70%"))
        return None
    value = value / 100 if percent else value
    if not 0 <= value <= 1:
        errors.append((line, "share", f"{text[:20]!r} is not between 0 and 1 (write 70%, not 70)"))
        return None
    return value


def _stock(text: str, line: int, errors: list[Error]) -> float | None:
    if not text:
        return None
    value = _number(text)
    if value is None or not 0 <= value <= 3650:
        errors.append((line, "stock_days", f"{text[:20]!r} is not a number of days, 0 to 3650"))
        return None
    return value


def _sums(links: list[FirmLink], seen: Mapping[tuple[str, str, str, str], int]) -> list[Error]:
    totals: dict[tuple[str, str], float] = {}
    last: dict[tuple[str, str], int] = {}
    for link in links:
        key = (link.firm, link.item)
        totals[key] = totals.get(key, 0.0) + (link.share or 0.0)
        last[key] = seen[(link.firm, link.item, link.country, link.supplier)]
    return [
        (last[key], "share", f"shares of {key[1]} at this firm add up to {total:.2f}, above 1")
        for key, total in totals.items()
        if total > 1.005
    ]


def sample_firms() -> list[FirmLink]:
    """The shipped invented firms, every one marked synthetic."""
    text = files("graph").joinpath("data").joinpath("sample_firms.csv").read_text(encoding="utf-8")
    lines = text.splitlines()
    marked = [f"{lines[0]},synthetic", *(f"{line},true" for line in lines[1:])]
    return read_firms_csv("\n".join(marked))
