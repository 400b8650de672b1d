"""Reads folders of numbers that other programs gave, whatever their files are called.

A folder of ESRI runs holds firms.csv and edges.csv, one of ARIO runs params.json and
capacity_loss.csv, one of an input-output table Z.csv, x.csv and leontief_inverse.csv. What a folder
does not say (eps, market or not, numbering of sectors) is found by what its numbers agree with:
`EsriFolder.settings` gives every way that it may have been made. OracleError says what is not
understood.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from graph.ario import ArioRules, Economy, economy
from graph.arrays import NON_ESSENTIAL, Floats, SupplyArrays, compile_arrays
from graph.esri import closures
from tests.oracle_classes import Kinds, OracleError, class_readings, label, number

DOWN, UP = r"(?:down|d|downstream)", r"(?:up|u|upstream)"
RESULTS = {
    "loss_down": rf"(?:(?:loss(?:es)?|levels?|h|l)_?{DOWN}|(?:down|downstream)(?:_loss(?:es)?)?)",
    "loss_up": rf"(?:(?:loss(?:es)?|levels?|h|l)_?{UP}|(?:up|upstream)(?:_loss(?:es)?)?)",
    "esri_down": rf"(?:esri_?{DOWN}|{DOWN}_?esri)",
    "esri_up": rf"(?:esri_?{UP}|{UP}_?esri)",
    "esri": r"esris?",
    "conv": r"(?:conv(?:ergence)?|sweeps|iterations|steps)",
}
KINDS = {
    "esri": ("firms.csv", "edges.csv"),
    "ario": ("params.json", "capacity_loss.csv"),
    "leontief": ("Z.csv", "x.csv", "leontief_inverse.csv"),
}
ELSEWHERE = ("expected.json", "pact_ration*.csv")  # what other tests of the graph read
LIKELY_EPS = [1e-12, 1e-2, *(
    base * 10.0**-power for base in (1, 5, 2, 3, 4, 6, 7, 8, 9, 2.5, 1.5) for power in range(1, 17)
)]  # fmt: skip
INDEX = {"", "x", "v1", "step", "t", "time", "day", "index", "scenario", "unnamed: 0", "rownames"}
FIRM = ("firm", "firms", "id", "firm_id", "node", "i", "name", "company")
SUPPLIER = ("supplier", "from", "source", "seller", "i", "src", "supplier_id", "seller_id")
BUYER = ("buyer", "to", "target", "customer", "j", "dst", "buyer_id", "customer_id")
WEIGHT = ("w", "weight", "value", "volume", "sales", "x", "amount", "flow", "w_ij", "transaction")
CLASS = ("class", "essential", "ess", "essentiality", "ihs", "kind", "type")


def found_in(folder: Path, name: str) -> Path | None:
    """The file of this name, in capitals or not."""
    return next((one for one in folder.iterdir() if one.name.lower() == name.lower()), None)


def oracle_folders(root: Path) -> list[tuple[str, Path]]:
    """(kind, folder) of every folder under root that holds files: kind "" where none is known."""
    below = sorted(path for path in root.rglob("*") if path.is_dir()) if root.is_dir() else []
    told = []
    for folder in [root, *below] if root.is_dir() else []:
        kinds = [
            kind for kind, names in KINDS.items() if all(found_in(folder, name) for name in names)
        ]
        elsewhere = any(True for pattern in ELSEWHERE for _ in folder.glob(pattern))
        if (
            not kinds
            and not elsewhere
            and (any(folder.glob("*.csv")) or any(folder.glob("*.json")))
        ):
            kinds = [""]
        told += [(kind, folder) for kind in kinds]
    return told


@dataclass(frozen=True, slots=True)
class Rows:
    """A CSV file: its header in small letters, empty where there is none, and its cells."""

    header: list[str]
    cells: list[list[str]]

    def column(self, names: Sequence[str], place: int | None = None) -> list[str] | None:
        """The column with one of the names; without a header, the one at the place."""
        for at, head in enumerate(self.header):
            if head in names:
                return [row[at] for row in self.cells]
        if place is None or (self.header and len(self.header) <= place):
            return None
        return [row[place] for row in self.cells]


def read_cells(path: Path) -> list[list[str]]:
    """Every cell of a CSV, whatever parts them."""
    text = path.read_text(encoding="utf-8-sig")
    first = text.splitlines()[0] if text else ""
    mark = max(",;\t", key=first.count)
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines(), delimiter=mark)]
    rows = [row for row in rows if any(row)]
    if rows and len(rows[0]) == 1 and " " in rows[0][0]:
        rows = [row[0].split() for row in rows]
    return rows


def read_rows(path: Path) -> Rows:
    rows = read_cells(path)
    top = rows[0] if rows else ["0"]
    headed = number(top[0]) is None and (
        not top[0]
        or all(number(cell) is None for cell in top)
        or (len(rows) > 1 and number(rows[1][0]) is not None)
    )
    body = rows[1:] if headed else rows
    header = [cell.lower().replace(".", "_").replace("-", "_") for cell in top] if headed else []
    if header and body and len(header) == len(body[0]) - 1:  # R writes no name over row names
        header = ["", *header]
    return Rows(header, body)


def numbers(path: Path) -> tuple[list[str], Floats]:
    """(header, values) of a CSV of numbers; row names and a leading row number are left out."""
    try:
        values = np.loadtxt(path, delimiter=",", ndmin=2)
    except ValueError:
        header, _, values = _named_numbers(path)
        return header, values
    rows, columns = values.shape
    counts = columns > 2 and bool((values[0] == np.arange(columns)).all())
    rest = values[1:]  # column numbers are a header too, above a table or above shares
    if counts and (rows != columns or bool(((rest >= 0) & (rest <= 1)).all())):
        return [], rest
    return [], values


def _named_numbers(path: Path) -> tuple[list[str], list[str], Floats]:
    """(header, names of the rows, values)."""
    rows = read_rows(path)
    header, cells = rows.header, rows.cells
    if not cells:
        raise OracleError(f"{path}: holds no rows")
    if any(len(row) != len(cells[0]) for row in cells):
        raise OracleError(f"{path}: its rows are not all of one length")
    first = [number(row[0]) for row in cells]
    start, names = first[0], []
    counts = start is not None and first == [start + at for at in range(len(first))]
    firms = bool(header) and header[0] in FIRM and len(header) > 1
    if start is None or firms or (len(header) > 1 and header[0] in INDEX and counts):
        names = [label(row[0]) for row in cells]
        header, cells = header[1:], [row[1:] for row in cells]
        names = names if firms or start is None else []
    try:
        return header, names, np.array([[float(cell or "nan") for cell in row] for row in cells])
    except ValueError as wrong:
        raise OracleError(f"{path}: not a table of numbers ({wrong})") from None


def in_order(labels: Sequence[str]) -> list[str]:
    """The distinct labels, by number where all are numbers."""
    found = set(labels)
    if all(number(one) is not None for one in found):
        return sorted(found, key=float)
    return sorted(found)


@dataclass(frozen=True, slots=True)
class Setting:
    """One way in which a peer may have made a result; eps None where the folder does not say."""

    arrays: SupplyArrays
    market: bool
    stop: str
    leak: bool
    weights: Floats | None
    order: Sequence[int]  # of the firms: place in the results of each node
    eps: float | None


@dataclass(frozen=True, slots=True)
class EsriFolder:
    folder: Path
    names: list[str]  # of the firms, as firms.csv lists them
    sectors: list[str]
    firms: Rows
    edges: Rows
    shocks: Floats | None  # n x b, in the order of firms.csv or of the firms' numbers
    results: dict[str, dict[str, Path]]  # by variant and kind

    @property
    def variants(self) -> list[str]:
        return sorted(self.results)

    def shocks_of(self, b: int, variant: str, order: Sequence[int]) -> Floats:
        """n x b: the shocks given, else those of the firms that the rows name, else one each."""
        n = len(self.names)
        if self.shocks is not None:
            return self.shocks
        for kind, path in self.results[variant].items():
            if kind.startswith("esri") or kind == "conv":
                named = read_rows(path).header and _named_numbers(path)[1]
                if named and set(named) <= set(self.names):
                    place = {self.names[at]: k for k, at in enumerate(order)}
                    return closures(n, [place[name] for name in named])
        if b > n:
            raise OracleError(f"{self.folder}: {b} results of {n} firms, and no psi file")
        return closures(n, np.arange(b))

    def result(self, kind: str, variant: str) -> tuple[list[str], Floats] | None:
        path = self.results[variant].get(kind)
        return numbers(path) if path else None

    def settings(self, variant: str) -> Iterator[Setting]:
        """Every way that the files allow, the likeliest first."""
        said = _said(self.folder)
        tokens = re.split(r"[_\-]", variant.lower())
        markets = _market_of(tokens, said)
        stops = ["ratio"] if {"ratio", "conv2", "type2"} & {*tokens, said.get("stop")} else []
        stops = stops or ["increase", "ratio"]
        sales = self.firms.column(("revenue", "revenues", "output", "turnover", "sales"))
        costs = self.firms.column(("cost", "costs", "expenses", "input_costs"))
        place = self.firms.column(("market", "p_market", "market_sector", "sector_market"))
        weights = [None, *_extra_weights(self.firms)]
        by_name = sorted(range(len(self.names)), key=lambda at: _by_number(self.names[at]))
        listed = list(range(len(self.names)))
        for order, kinds, leak, cost, market_of in product(
            [by_name] + ([listed] if listed != by_name else []),
            self.classes(variant),
            (["raw", "cut", None] if sales else [None]),
            (["all", "linear", None] if costs else [None]),
            ([place, None] if place else [None]),
        ):
            arrays = self.arrays(order, kinds, market_of)
            if leak:
                arrays = _with_revenue(arrays, _floats(sales, order), leak)
            if cost:
                arrays = _with_costs(arrays, _floats(costs, order), cost)
            for stop, market, weight in product(stops, markets, weights):
                own = None if weight is None else weight[order]
                yield Setting(
                    arrays, market, stop, leak is not None, own, order,
                    _eps_of(variant, said),
                )  # fmt: skip

    def classes(self, variant: str) -> list[Kinds | None]:
        """Readings of the class of each pair of sectors; None: the edges say it themselves."""
        if self.edges.column(CLASS):
            return [None]
        of = dict(zip(self.names, self.sectors, strict=True))
        needed = {(of[a], of[b]) for a, b in zip(*self.ends(), strict=True)}
        tokens = set(variant.lower().split("_"))
        paths = [
            path for path in sorted(self.folder.glob("*.csv"))
            if re.search(r"ess(?=_|ential|mat|$)|class|ihs|critical|pichler", path.stem.lower())
            and not result_name(path.stem)
        ]  # fmt: skip
        paths.sort(key=lambda path: -len(tokens & set(path.stem.lower().split("_"))))
        if not paths:
            return [dict.fromkeys(needed, kind) for kind in (NON_ESSENTIAL, 2)]
        used = in_order(self.sectors)
        found = []
        for path in paths:
            found += class_readings(path.name, read_cells(path), used, needed)
        return [kinds for kinds in found]

    def ends(self) -> tuple[list[str], list[str]]:
        """Supplier and buyer of each edge. OracleError for one that firms.csv does not list."""
        ends = tuple(
            [label(cell) for cell in self.edges.column(names, place) or []]
            for names, place in ((SUPPLIER, 0), (BUYER, 1))
        )
        strange = sorted({*ends[0], *ends[1]} - set(self.names))
        if strange:
            raise OracleError(
                f"{self.folder}: edges name firms that firms.csv does not: {', '.join(strange[:9])}"
            )
        return ends[0], ends[1]

    def arrays(
        self, order: Sequence[int], kinds: Kinds | None, market: list[str] | None
    ) -> SupplyArrays:
        """The folder's network under one reading of its classes."""
        at = {self.names[firm]: place for place, firm in enumerate(order)}
        supplier, buyer = ([at[name] for name in names] for names in self.ends())
        weight = self.edges.column(WEIGHT, 2)
        w = np.array(weight, dtype=float) if weight else np.ones(len(supplier))
        sector = [self.sectors[firm] for firm in order]
        code = {one: number for number, one in enumerate(in_order(sector))}
        p = np.array([code[one] for one in sector])
        if kinds is None:
            essential = [int(float(cell)) for cell in self.edges.column(CLASS) or []]
        else:
            essential = [kinds[sector[a], sector[b]] for a, b in zip(supplier, buyer, strict=True)]
        own = p if market is None else np.unique([market[k] for k in order], return_inverse=True)[1]
        return compile_arrays(
            len(order), supplier, buyer, p[supplier], w, essential=essential, sector=own
        )


def result_name(stem: str) -> tuple[str, str] | None:
    """(kind, variant) of a result file, by its name without .csv."""
    name = re.sub(r"[.\- ]", "_", stem.lower())
    for kind, pattern in RESULTS.items():
        match = re.match(rf"{pattern}(?:_(.+))?$", name)
        if match:
            variant = match[1] or ""
            side = re.match(r"(?:(.+)_)?(?:(down|d)|up|u)$", variant) if kind == "esri" else None
            if side:
                return ("esri_down" if side[2] else "esri_up"), side[1] or ""
            return kind, variant
    return None


def esri_folder(folder: Path) -> EsriFolder:
    """The folder's files. OracleError for one that looks like a result and is not understood."""
    firms, edges = (read_rows(found_in(folder, name) or folder) for name in KINDS["esri"])
    names = [label(cell) for cell in firms.column(FIRM, 0) or []]
    sectors = firms.column(("sector", "p", "nace", "nace2", "nace4", "industry", "sec"), 1)
    if sectors is None:  # one column: its own sector each row
        names, sectors = [str(row) for row in range(len(names))], names
    if len(set(names)) < len(names):
        raise OracleError(f"{folder}: firms.csv lists a firm twice")
    found: dict[str, dict[str, Path]] = {}
    unknown = []
    for path in sorted(folder.glob("*.[cC][sS][vV]")):
        told = result_name(path.stem)
        if told:
            found.setdefault(told[1], {})[told[0]] = path
        elif not re.search(
            r"^(firms|edges)$|psi|shock|ess(?=_|ential|mat|$)|class|ihs|critical|pichler|readme|sector",
            path.stem.lower(),
        ):
            unknown.append(path.name)
    if unknown:
        raise OracleError(f"{folder}: not understood: {', '.join(unknown)}")
    if not found:
        raise OracleError(f"{folder}: no result: no esri, loss_down, loss_up or conv file")
    return EsriFolder(
        folder, names, [label(cell) for cell in sectors], firms, edges,
        _given_shocks(folder, names), found,
    )  # fmt: skip


def _given_shocks(folder: Path, names: list[str]) -> Floats | None:
    for path in sorted(folder.glob("*psi*.csv")) or sorted(folder.glob("*shock*.csv")):
        _, shocks = numbers(path)
        shocks = shocks if len(shocks) == len(names) else shocks.T
        if len(shocks) != len(names) or not bool(((shocks >= 0) & (shocks <= 1)).all()):
            raise OracleError(f"{path}: not a table of shares with a row for each of {len(names)}")
        return shocks
    return None


def _by_number(name: str) -> tuple[int, float, str]:
    value = number(name)
    return (1, 0.0, "") if value is None else (0, value, "")


def _floats(column: list[str] | None, order: Sequence[int]) -> Floats:
    return np.asarray(np.array(column, dtype=float)[list(order)])


def _with_revenue(arrays: SupplyArrays, revenue: Floats, how: str) -> SupplyArrays:
    """Orders as parts of the revenue, of sales at least where they are cut."""
    whole = np.maximum(revenue, arrays.sold_weight) if how == "cut" else revenue
    whole = np.where(whole > 0, whole, np.maximum(arrays.sold_weight, 1e-300))
    part = arrays.link_weight / whole[arrays.link_supplier]
    leaves = np.clip(1 - arrays.sold_weight / whole, 0.0, 1.0)
    return replace(arrays, link_sold_part=part, final=np.where(arrays.sold_weight > 0, leaves, 1.0))


def _with_costs(arrays: SupplyArrays, costs: Floats, how: str) -> SupplyArrays:
    """Inputs as parts of all costs: of every class, or of those that are not essential."""
    bought = np.bincount(arrays.link_buyer, arrays.link_weight, arrays.nodes)
    part = np.divide(bought, costs, out=np.ones(arrays.nodes), where=costs > 0)
    scaled = part[arrays.link_buyer]
    if how == "linear":
        scaled = np.where(arrays.group_class[arrays.link_group] == NON_ESSENTIAL, scaled, 1.0)
    return replace(arrays, link_part=arrays.link_part * scaled)


def _said(folder: Path) -> dict[str, Any]:
    """What a folder's own settings say of eps, market and stop rule."""
    said: dict[str, Any] = {}
    for path in folder.glob("*.json"):
        given = json.loads(path.read_text())
        for key, value in given.items() if isinstance(given, dict) else ():
            if key.lower() in {"eps", "epsilon", "tol", "tolerance"}:
                said["eps"] = float(value)
            elif key.lower() == "conv_type":
                said["stop"] = "ratio" if int(value) == 2 else "increase"
            elif key.lower() in {"market", "replaceability"} and isinstance(value, bool):
                said["market"] = value
    return said


def _market_of(tokens: list[str], said: dict[str, Any]) -> list[bool]:
    if {"nomarket", "nomkt", "noreplace"} & set(tokens):
        return [False]
    if {"market", "mkt", "replace", "replaceability"} & set(tokens):
        return ["no" not in tokens and "without" not in tokens]
    return [said["market"]] if "market" in said else [False, True]


def _eps_of(variant: str, said: dict[str, Any]) -> float | None:
    match = re.search(r"eps_?(\d+(?:[.p]\d+)?)(?:e_?m?(-?\d+))?", variant.lower())
    if match and (match[2] or re.search("[.p]", match[1])):
        return float(match[1].replace("p", ".")) * 10.0 ** -abs(int(match[2] or 0))
    eps = said.get("eps")
    return None if eps is None else float(eps)


def _extra_weights(firms: Rows) -> list[Floats]:
    names = ("weight", "weights", "h_weight", "h_weights", "w", "revenue", "revenues", "output",
             "turnover", "value_added", "va", "employees", "employment", "costs")  # fmt: skip
    columns = (firms.column((name,)) for name in names)
    return [np.array(column, dtype=float) for column in columns if column]


@dataclass(frozen=True, slots=True)
class ArioFolder:
    table: Economy
    rules: ArioRules
    loss: Floats
    stocks: Floats | None
    params: dict[str, Any]

    @property
    def size(self) -> Floats:
        """n: the normal output of each industry, by which its flows are measured."""
        made = self.table.output
        return np.asarray(np.maximum(made, made.max() * 1e-12))


def ario_folder(folder: Path) -> ArioFolder:
    def read(name: str) -> Floats:
        return numbers(folder / name)[1]

    given = json.loads((folder / "params.json").read_text())
    inner = [part for part in given.values() if isinstance(part, dict)]
    params = {name: value for part in [*inner, given] for name, value in part.items()}
    inputs, output = read("tech.csv"), read("X0.csv").ravel()
    sectors, n = inputs.shape
    sector = np.arange(n) % sectors
    table = economy(read("Z0.csv"), read("Y0.csv"), sector, output=output, inputs=inputs)
    stocks = read("K0.csv") if (folder / "K0.csv").is_file() else None
    base = "base" in str(params.get("model", "")).lower()
    tau = _first(
        params, "restoration_tau", "inventory_restoration_tau", "tau_inv", "tau", default=60
    )
    rules = ArioRules(
        psi=1.0
        if base
        else float(str(_first(params, "psi", "psi_param", default=0.8)).replace("_", ".")),
        stock_days=_days(params, stocks, inputs * output),
        restock_days=1.0 if base else _in_days(_by_sector(tau)),
        alpha_base=float(_first(params, "alpha_base", default=1.0)),
        alpha_max=float(_first(params, "alpha_max", default=1.25)),
        alpha_days=float(_in_days(_by_sector(_first(params, "alpha_tau", default=365)))),
        orders=str(_first(params, "order_type", "orders", default="alt")),
    )
    step = float(_first(params, "temporal_units_by_step", "n_temporal_units_by_step", default=1))
    if step != 1:  # durations are in temporal units, the days of the series are steps
        said = _first(params, "inventory_dict", "inventories", "inv_duration", "main_inv_dur", "n")
        if stocks is not None and _first(params, "infinite_inventories_sect", default=[]):
            said = None  # counted from the stocks, in steps
        rules = replace(
            rules,
            stock_days=np.asarray(rules.stock_days) / (step if said is not None else 1.0),
            restock_days=np.asarray(rules.restock_days) / (1.0 if base else step),
            alpha_days=rules.alpha_days / step,
        )
    strange = {name: value for name, value in params.items() if "rebuild" in name and value}
    if strange and any("demand" in name or "event" in name for name in strange):
        raise OracleError(f"{folder}: rebuilding demand is not in this model: {strange}")
    return ArioFolder(table, rules, read("capacity_loss.csv"), stocks, params)


def _first(params: dict[str, Any], *names: str, default: Any = None) -> Any:
    return next((params[name] for name in names if params.get(name) is not None), default)


def _in_days(tau: Floats) -> Floats:
    """BoARIO keeps its time constants as rates a day."""
    return np.asarray(np.where(tau < 1, 1 / tau, tau))


def _by_sector(value: Any) -> Floats:
    """One value, or values in the order of the sorted sector names."""
    if isinstance(value, dict):
        value = [value[name] for name in sorted(value)]
    return np.array(value, dtype=float)


def _days(params: dict[str, Any], stocks: Floats | None, use: Floats) -> Floats:
    """Days of stock by sector: as said, or what the stocks of the first day amount to."""
    said = _first(params, "inventory_dict", "inventories", "inv_duration", "main_inv_dur", "n")
    endless = _first(params, "infinite_inventories_sect", default=[])
    if stocks is None or (said is not None and not endless):
        return _by_sector(90.0 if said is None else said)
    held = np.where(use > 0, stocks, 0.0).sum(axis=1)
    held = np.divide(held, use.sum(axis=1), out=np.full(len(use), 90.0), where=use.sum(axis=1) > 0)
    return np.asarray(np.round(held, 6))
