"""Reads folders of numbers that other programs gave, whatever their files are called.

A folder of ESRI runs holds firms.csv and edges.csv, one of ARIO runs params.json and
capacity_loss.csv, one of an input-output table Z.csv, x.csv and leontief_inverse.csv. What a folder
does not say (eps, market or not, numbering of sectors) is found by what its sweep counts agree with.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from graph.ario import ArioRules, Economy, economy
from graph.arrays import NON_ESSENTIAL, Floats, Ints, SupplyArrays, compile_arrays
from graph.esri import closures

RESULT = re.compile(r"(esri|loss_down|loss_up|conv)(?:_(.+))?$")
KINDS = {
    "esri": ("firms.csv", "edges.csv"),
    "ario": ("params.json", "capacity_loss.csv"),
    "leontief": ("Z.csv", "x.csv", "leontief_inverse.csv"),
}
LIKELY_EPS = [1e-12, 1e-2, *(base * 10.0**-power for base in (1, 5) for power in range(1, 16))]
INDEX = {"", "x", "v1", "step", "t", "time", "day", "index", "scenario", "unnamed: 0", "rownames"}


def oracle_folders(root: Path) -> list[tuple[str, Path]]:
    """(kind, folder) of every folder under root that holds the files of a kind."""
    below = sorted(path for path in root.rglob("*") if path.is_dir()) if root.is_dir() else []
    return [
        (kind, folder)
        for folder in [root, *below]
        for kind, files in KINDS.items()
        if all((folder / name).is_file() for name in files)
    ]


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


def read_rows(path: Path) -> Rows:
    text = path.read_text(encoding="utf-8-sig")
    first = text.splitlines()[0] if text else ""
    mark = max(",;\t", key=first.count)
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines(), delimiter=mark)]
    rows = [row for row in rows if any(row)]
    top = rows[0] if rows else ["0"]
    headed = number(top[0]) is None and (
        not top[0]
        or all(number(cell) is None for cell in top)
        or (len(rows) > 1 and number(rows[1][0]) is not None)
    )
    return Rows([cell.lower() for cell in rows[0]] if headed else [], rows[1:] if headed else rows)


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def numbers(path: Path) -> tuple[list[str], Floats]:
    """(header, values) of a CSV of numbers; row names and a leading row number are left out."""
    try:
        values = np.loadtxt(path, delimiter=",", ndmin=2)
    except ValueError:
        return _named_numbers(read_rows(path))
    counts = values.shape[1] > 2 and bool((values[0] == np.arange(values.shape[1])).all())
    return [], values[1:] if counts else values  # column numbers are a header too


def _named_numbers(rows: Rows) -> tuple[list[str], Floats]:
    header, cells = rows.header, rows.cells
    if header and len(header) == len(cells[0]) - 1:  # R writes no name over row names
        header = ["", *header]
    first = [number(row[0]) for row in cells]
    start = first[0]
    counts = start is not None and first == [start + at for at in range(len(first))]
    if start is None or (len(header) > 1 and header[0] in INDEX and counts):
        header, cells = header[1:], [row[1:] for row in cells]
    return header, np.array([[float(cell or "nan") for cell in row] for row in cells])


def in_order(labels: Sequence[str]) -> list[str]:
    """The distinct labels, by number where all are numbers."""
    found = set(labels)
    if all(number(label) is not None for label in found):
        return sorted(found, key=float)
    return sorted(found)


@dataclass(frozen=True, slots=True)
class Setting:
    """One way in which a peer may have made a result."""

    arrays: SupplyArrays
    market: bool
    eps: float
    stop: str
    leak: bool
    weights: Floats | None


@dataclass(frozen=True, slots=True)
class EsriFolder:
    folder: Path
    firms: int
    shocks: Floats | None  # n x b; None: every firm closes in turn
    variants: list[str]

    def shocks_of(self, b: int) -> Floats:
        if self.shocks is not None:
            return self.shocks
        return closures(self.firms, np.arange(min(b, self.firms)))

    def result(self, kind: str, variant: str) -> tuple[list[str], Floats] | None:
        path = self.folder / f"{kind}{'_' if variant else ''}{variant}.csv"
        return numbers(path) if path.is_file() else None

    def settings(self, variant: str) -> Iterator[Setting]:
        """Every way that the file names allow, the likeliest first."""
        firms = read_rows(self.folder / "firms.csv")
        said = _said(self.folder)
        tokens = re.split(r"[_\-]", variant.lower())
        markets = _market_of(tokens, said)
        stops = ["ratio"] if {"ratio", "conv2", "type2"} & {*tokens, said.get("stop")} else []
        stops = stops or ["increase", "ratio"]
        sales = firms.column(("revenue", "revenues", "output", "sales"))
        graphs = [
            (self.arrays(classes, leak), leak is not None)
            for leak in ([sales, None] if sales else [None])
            for classes in _class_matrices(self.folder, variant, firms)
        ]
        weights = [None, *_extra_weights(firms)]
        for (arrays, leak), stop, market, eps, weight in product(
            graphs, stops, markets, _eps_of(variant, said), weights
        ):
            yield Setting(arrays, market, eps, stop, leak, weight)

    def arrays(self, classes: tuple[list[str], Ints], revenue: list[str] | None) -> SupplyArrays:
        """The folder's network under one reading of its class matrix (firm's sector by sector)."""
        firms = read_rows(self.folder / "firms.csv")
        edges = read_rows(self.folder / "edges.csv")
        names, sector = _firms(firms)
        at = {name: number for number, name in enumerate(names)}
        supplier, buyer = (
            [at[_label(cell)] for cell in edges.column(wanted, place) or []]
            for wanted, place in ((("supplier", "from", "source", "seller", "i"), 0),
                                  (("buyer", "to", "target", "customer", "j"), 1))
        )  # fmt: skip
        weight = edges.column(("w", "weight", "value", "volume", "sales", "x"), 2)
        w = np.array(weight, dtype=float) if weight else np.ones(len(supplier))
        codes, table = classes
        code = {label: number for number, label in enumerate(codes)}
        p = np.array([code[label] for label in sector])
        market = firms.column(("market", "p_market"))
        sold = np.bincount(supplier, w, len(names))
        return compile_arrays(
            len(names), supplier, buyer, p[supplier], w,
            essential=table[p[supplier], p[buyer]],
            sector=p if market is None else np.unique(market, return_inverse=True)[1],
            final_sales=None if revenue is None
            else np.maximum(0.0, np.array(revenue, dtype=float) - sold),
        )  # fmt: skip


def esri_folder(folder: Path) -> EsriFolder:
    found = {match[2] or "" for path in folder.glob("*.csv") if (match := RESULT.match(path.stem))}
    names, _ = _firms(read_rows(folder / "firms.csv"))
    shocks = None
    for path in sorted(folder.glob("*psi*.csv")) or sorted(folder.glob("*shock*.csv")):
        _, shocks = numbers(path)
        shocks = shocks if len(shocks) == len(names) else shocks.T
    return EsriFolder(folder, len(names), shocks, sorted(found))


def _said(folder: Path) -> dict[str, Any]:
    """What a folder's own settings say of eps, market and stop rule."""
    said: dict[str, Any] = {}
    for path in folder.glob("*.json"):
        given = json.loads(path.read_text())
        for key, value in given.items() if isinstance(given, dict) else ():
            if key.lower() == "eps":
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


def _eps_of(variant: str, said: dict[str, Any]) -> list[float]:
    match = re.search(r"eps_?(\d+(?:[.p]\d+)?)(?:e_?m?(-?\d+))?", variant.lower())
    if match:
        base, power = float(match[1].replace("p", ".")), abs(int(match[2] or 0))
        return [base * 10.0**-power]
    return [said["eps"]] if "eps" in said else LIKELY_EPS


def _extra_weights(firms: Rows) -> list[Floats]:
    columns = (firms.column((name,)) for name in ("weight", "weights", "h_weight", "w"))
    return [np.array(column, dtype=float) for column in columns if column]


def _label(cell: str) -> str:
    value = number(cell)
    return cell if value is None else f"{value:g}" if value != int(value) else str(int(value))


def _firms(firms: Rows) -> tuple[list[str], list[str]]:
    """Names by number, or as they stand, and the sector of each."""
    names = [_label(cell) for cell in firms.column(("firm", "id", "firm_id", "node", "i"), 0) or []]
    sectors = firms.column(("sector", "p", "nace", "nace2", "nace4", "industry"), 1)
    if sectors is None:  # one column: its own sector each row
        names, sectors = [str(row) for row in range(len(names))], names
    order = sorted(range(len(names)), key=lambda at: float(names[at])) if all(
        number(name) is not None for name in names
    ) else list(range(len(names)))  # fmt: skip
    return [names[at] for at in order], [_label(sectors[at]) for at in order]


def _class_matrices(folder: Path, variant: str, firms: Rows) -> list[tuple[list[str], Ints]]:
    """(sector labels, class by supplier's and buyer's) for every reading of the matrix file."""
    used = in_order(_firms(firms)[1])
    tokens = set(variant.lower().split("_"))
    paths = [
        path for path in sorted(folder.glob("*.csv"))
        if re.search(r"(^|_)ess(?=_|ential|$)|class|ihs", path.stem.lower())
        and not re.match(RESULT, path.stem)
    ]  # fmt: skip
    paths.sort(key=lambda path: -len(tokens & set(path.stem.lower().split("_"))))
    if not paths:
        return [(used, np.full((len(used), len(used)), kind)) for kind in (NON_ESSENTIAL, 2)]
    header, values = numbers(paths[0])
    table = values.astype(np.int64)
    if (
        re.search(r"buyer_rows|rows_buyer", paths[0].stem.lower())
        and "supplier_rows" not in paths[0].stem
    ):
        table = table.T
    k = len(table)
    labels = [_label(re.sub(r"^x(?=\d)", "", head)) for head in header]
    if len(labels) == k and set(used) <= set(labels):
        return [(labels, table)]
    if k == len(used):
        return [(used, table)]
    by_number = [[str(code + first) for code in range(k)] for first in (1, 0)]
    return [(labels, table) for labels in by_number if set(used) <= set(labels)]


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
        return np.maximum(made, made.max() * 1e-12)


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
    return ArioFolder(table, rules, read("capacity_loss.csv"), stocks, params)


def _first(params: dict[str, Any], *names: str, default: Any = None) -> Any:
    return next((params[name] for name in names if params.get(name) is not None), default)


def _in_days(tau: Floats) -> Floats:
    """BoARIO keeps its time constants as rates a day."""
    return np.where(tau < 1, 1 / tau, tau)


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
    return np.round(
        np.divide(held, use.sum(axis=1), out=np.full(len(use), 90.0), where=use.sum(axis=1) > 0), 6
    )
