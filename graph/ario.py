"""ARIO: daily production of industries that hold stocks and order from each other.

The adaptive regional input-output model as BoARIO 0.7.2 runs it, for capacity losses that are given
day by day (no rebuilding demand). Industry j of sector s(j) uses A_sj of input s a unit, aims at
n_s days of it in stock K_sj, sells to others (orders O_ij) and to final demand Y_j. On day t:

    from t = 2 on, with D and x of the day before:
    alpha_j += ((alpha_max - alpha_j) scarcity_j + (alpha_base - alpha_j)[scarcity_j = 0]) / tau_alpha,
               scarcity_j = (D_j - x_j) / D_j, and alpha_j >= 1
    cap_j = x0_j (1 - Delta_j) alpha_j,  opt_j = min(D_j, cap_j)
    x_j   = opt_j min over s of min(1, K_sj / (psi n_s A_sj opt_j))
    deliveries = (O | Y) x_i / D_i;  K_sj += received_sj - A_sj x_j
    want_sj = max(0, n_s A_sj opt_j - K_sj) / tau_s + A_sj x_j
    O_ij  = want_s(i)j share_ij,  share = Z0_ij ("alt": times cap_i / x0_i) within sector and buyer
    D_i   = sum over j of O_ij + Y_i

Two guards of the original move numbers, so they are here: stocks stay as they are on a day on which
deliveries equal use, and orders are for use alone when stocks equal their goals (numpy's allclose).
With low stocks and deep shocks this model rations itself to zero and stays there; that is how it
is, not how the supply graph's own model behaves. Sources: Hallegatte 2008, 2013 (Risk Analysis),
Guan et al. 2020, Juhel 2024 (BoARIO, JOSS). Written from the equations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from graph.ario_kernels import run_days
from graph.arrays import YEAR_DAYS, Floats, Ints, SupplyArrays
from graph.jit import HAVE_NUMBA

TOO_SMALL = 1e-5 / YEAR_DAYS  # an input below this share of a day's output never binds
LEAST_DAYS = 2.0  # a stock goal of a day or less is taken as this
ORDER_TYPES = ("alt", "noalt")


class ArioError(ValueError):
    """A table, rule or loss series that ARIO cannot run on, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Economy:
    """An input-output table of n industries in s sectors, in currency a day."""

    between: Floats  # n x n: Z0, sales of row to column
    final: Floats  # n: Y, sales to final demand, any number of categories summed
    output: Floats  # n: x0
    sector: Ints  # n: 0..s-1; industries of one sector replace each other as suppliers
    inputs: Floats  # s x n: A, input of each sector per unit of output

    @property
    def sectors(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True, slots=True)
class ArioRules:
    """Parameters; the defaults are BoARIO's. `psi` and `restock_days` 1 is the model without psi."""

    psi: float = 0.8  # share of the stock goal below which production falls
    stock_days: ArrayLike = 90.0  # n: one value, s, or s x n; inf never binds; <= 1 counts as 2
    restock_days: ArrayLike = 60.0  # tau: one value or s
    alpha_base: float = 1.0
    alpha_max: float = 1.25
    alpha_days: float = 365.0
    orders: str = "alt"  # alt: to those with spare capacity; noalt: as in the table


@dataclass(frozen=True, slots=True)
class Ario:
    """T days of n industries, in currency a day where not said otherwise."""

    production: Floats  # T x n: x
    capacity: Floats  # T x n: cap
    alpha: Floats  # T x n: overproduction factor
    orders: Floats  # T x n: orders of other industries at the end of the day
    unmet: Floats  # T x n: final demand not delivered
    stocks: Floats  # T x s x n at the start of each day when kept, else 1 x s x n, at the end
    short: NDArray[np.bool_]  # T: some input bound some industry
    engine: str


def economy(
    between: ArrayLike,
    final: ArrayLike,
    sector: ArrayLike,
    *,
    output: ArrayLike | None = None,
    inputs: ArrayLike | None = None,
) -> Economy:
    """A table of daily flows, checked: `between` n x n, `final` n or n x categories, `sector` n.

    Output is sales and final demand, and inputs are sums over suppliers by output, unless given.
    ArioError for shapes that do not fit, and for values that are negative or not finite.

    >>> two = economy([[1.0, 2.0], [3.0, 0.0]], [7.0, 1.0], [0, 0])
    >>> two.output.tolist(), two.inputs.tolist()
    ([10.0, 4.0], [[0.4, 0.5]])
    """
    z, y = np.asarray(between, dtype=np.float64), np.asarray(final, dtype=np.float64)
    y = y.sum(axis=1) if y.ndim == 2 else y
    sectors = np.asarray(sector, dtype=np.int64)
    n = len(sectors)
    x = z.sum(axis=1) + y if output is None else np.asarray(output, dtype=np.float64)
    if z.shape != (n, n) or y.shape != (n,) or x.shape != (n,):
        raise ArioError(f"{n} sectors need {n} x {n} flows, and {n} values of final and output")
    if n == 0 or sectors.min() < 0:
        raise ArioError("sectors are numbered from 0, and there must be an industry")
    if inputs is None:
        pooled = _pooled(sectors, z)
        inputs = np.divide(pooled, x, out=np.zeros_like(pooled), where=x > 0)
    a = np.asarray(inputs, dtype=np.float64)
    if a.shape != (sectors.max() + 1, n):
        raise ArioError(f"inputs must be {sectors.max() + 1} sectors by {n} industries")
    for name, values in (("flow", z), ("output", x), ("input", a)):
        if not bool((np.isfinite(values) & (values >= 0)).all()):
            raise ArioError(f"every {name} must be a finite number >= 0; correct the table")
    if not bool(np.isfinite(y).all()):  # below 0 where stocks are run down: real tables have it
        raise ArioError("every final demand must be a finite number; correct the table")
    return Economy(np.ascontiguousarray(z), y, x, sectors, np.ascontiguousarray(a))


def economy_of(arrays: SupplyArrays) -> Economy:
    """The supply graph as an input-output table: nodes are industries, sectors replace each other.

    A node without a sector is one of its own. Dense: n x n values.

    >>> from graph.arrays import compile_arrays
    >>> economy_of(compile_arrays(2, [0], [1], [0], [365.0], final=0.5)).output.tolist()
    [2.0, 0.0]
    """
    n = arrays.nodes
    flows = np.zeros((n, n))
    np.add.at(flows, (arrays.link_supplier, arrays.link_buyer), arrays.link_weight / YEAR_DAYS)
    sold = arrays.sold_weight / YEAR_DAYS
    leaves = np.where(sold > 0, arrays.final, 0.0)
    made = np.where(sold > 0, sold / (1.0 - leaves), arrays.output)
    own = arrays.sector.max(initial=-1) + 1 + np.arange(n)
    _, sector = np.unique(np.where(arrays.sector >= 0, arrays.sector, own), return_inverse=True)
    return economy(flows, made - sold, sector, output=made)


def ario(
    table: Economy,
    loss: ArrayLike,
    rules: ArioRules | None = None,
    *,
    stocks: ArrayLike | None = None,
    keep_stocks: bool = False,
    engine: str | None = None,
) -> Ario:
    """The economy on each of T days, of which `loss` (T x n, 0..1) takes capacity.

    `stocks` (s x n) are those of the first day, the goals at normal output unless given. `engine`
    is dense (orders written out, n x n) or kernel (orders never written out; without numba it is
    slow), by default the faster one. ArioError for rules or losses that cannot be, and when
    psi * stock_days is so low that a day uses more of a stock than there is.

    >>> shop = economy([[0.0, 5.0], [0.0, 0.0]], [5.0, 20.0], [0, 1])
    >>> out = ario(shop, [[0.0, 0.0], [0.5, 0.0], [0.5, 0.0]], ArioRules(stock_days=2))
    >>> out.production.round(3).tolist()
    [[10.0, 20.0], [5.0, 20.0], [5.002, 18.75]]
    """
    rules = rules or ArioRules()
    lost = np.asarray(loss, dtype=np.float64)
    n, s = len(table.output), table.sectors
    _check_rules(rules)
    if lost.ndim != 2 or lost.shape[1] != n or not bool(((lost >= 0) & (lost <= 1)).all()):
        raise ArioError(f"loss must be days by {n} industries, each value a share in 0..1")
    goals = _goals(rules, table)
    with np.errstate(invalid="ignore"):  # inf days of an input that is not used
        held = table.inputs * table.output * goals
    held = np.nan_to_num(held, nan=np.inf, posinf=np.inf)
    if stocks is not None:
        held = np.array(stocks, dtype=np.float64)
        if held.shape != (s, n) or not bool((held >= 0).all()):
            raise ArioError(f"stocks must be {s} sectors by {n} industries, none below 0")
    chosen = engine or ("kernel" if HAVE_NUMBA else "dense")
    if chosen not in ENGINES:
        raise ArioError(f"unknown engine {chosen!r}; use one of {', '.join(ENGINES)}")
    return ENGINES[chosen](table, lost, rules, goals, held, keep_stocks)


def _written(
    table: Economy, lost: Floats, rules: ArioRules, goals: Floats, held: Floats, keep: bool
) -> Ario:
    """The days as in the equations, with every order between industries written out."""
    (t_max, n), sector, orders = lost.shape, table.sector, table.between
    out = _empty(lost, held, keep, "dense")
    floor = _floor(table, rules, goals)
    alpha, made = np.full(n, rules.alpha_base), table.output
    demand = orders.sum(axis=1) + table.final
    for t in range(t_max):
        out.stocks[t if keep else 0] = held
        if t > 1:
            alpha = _overproduction(alpha, demand, made, rules)
        room = table.output * (1.0 - lost[t]) * alpha
        wanted = np.minimum(demand, room)
        made = _made(wanted, held, floor)
        sent = np.divide(made, demand, out=np.zeros(n), where=demand != 0)
        used, received = table.inputs * made, _pooled(sector, orders * sent[:, None])
        if not np.allclose(received, used):
            held = held - used + received
        if bool((held < 0).any()):
            raise _used_up(t)
        ratio = np.divide(room, table.output, out=np.ones(n), where=table.output != 0)
        flows = table.between * (ratio[:, None] if rules.orders == "alt" else 1.0)
        asked = _gap(table.inputs * wanted, goals, held) / _restock(rules, table) + used
        orders = asked[sector] * _within(flows, _pooled(sector, flows)[sector])
        out.production[t], out.capacity[t], out.alpha[t] = made, room, alpha
        out.orders[t], out.unmet[t] = orders.sum(axis=1), table.final * (1.0 - sent)
        out.short[t] = bool((made < wanted).any())
        demand = out.orders[t] + table.final
    if not keep:
        out.stocks[0] = held
    return out


def _fused(
    table: Economy, lost: Floats, rules: ArioRules, goals: Floats, held: Floats, keep: bool
) -> Ario:
    """The days by the compiled loops of graph.ario_kernels."""
    rows = np.argsort(table.sector, kind="stable")
    with np.errstate(invalid="ignore"):
        goal = table.inputs * goals
    tables = (
        np.ascontiguousarray(table.between[rows]),
        rows,
        np.searchsorted(table.sector[rows], np.arange(table.sectors + 1)),
        table.output,
        table.final,
        table.inputs,
        goal,
        _floor(table, rules, goals),
        np.ascontiguousarray(np.broadcast_to(_restock(rules, table), (table.sectors, 1))[:, 0]),
        table.between.sum(axis=1) + table.final,
    )
    out, missing = _empty(lost, held, keep, "kernel"), np.zeros(lost.shape)
    factors = np.array([rules.alpha_base, rules.alpha_max, rules.alpha_days])
    days = (out.production, out.capacity, out.alpha, out.orders, out.unmet, missing, out.stocks)
    with np.errstate(invalid="ignore"):  # endless stocks, where numba is missing
        end = run_days(tables, lost, factors, rules.orders == "alt", held.copy(), keep, days)
    if end >= 0:
        raise _used_up(end)
    out.short[:] = (missing > 0).any(axis=1)
    return out


ENGINES = {"dense": _written, "kernel": _fused}


def _empty(lost: Floats, held: Floats, keep: bool, engine: str) -> Ario:
    made, room, alpha, orders, unmet = (np.zeros(lost.shape) for _ in range(5))
    kept = np.zeros((len(lost) if keep else 1, *held.shape))
    return Ario(made, room, alpha, orders, unmet, kept, np.zeros(len(lost), dtype=bool), engine)


def _used_up(day: int) -> ArioError:
    return ArioError(f"day {day}: a stock is used up within the day; raise psi or stock_days")


def _floor(table: Economy, rules: ArioRules, goals: Floats) -> Floats:
    """s x n: the stock per unit of output below which production falls; 0 where none binds."""
    binds = _pooled(table.sector, table.between) > table.output * TOO_SMALL
    days = np.where(np.isinf(goals), 0.0, goals)
    return np.ascontiguousarray(np.where(binds, table.inputs * rules.psi * days, 0.0))


def _within(flows: Floats, pooled: Floats) -> Floats:
    return np.asarray(np.divide(flows, pooled, out=np.zeros_like(flows), where=pooled != 0))


def _overproduction(alpha: Floats, demand: Floats, made: Floats, rules: ArioRules) -> Floats:
    scarcity = np.divide(demand - made, demand, out=np.zeros_like(made), where=demand != 0)
    more = (rules.alpha_max - alpha) * scarcity + (rules.alpha_base - alpha) * (scarcity == 0)
    return np.asarray(np.maximum(1.0, alpha + more / rules.alpha_days))


def _made(wanted: Floats, held: Floats, floor: Floats) -> Floats:
    """What stocks allow of what is wanted."""
    need = floor * wanted
    part = np.divide(held, need, out=np.ones_like(need), where=need != 0)
    return np.asarray(wanted * np.minimum(1.0, part.min(axis=0)))


def _gap(use: Floats, goals: Floats, held: Floats) -> Floats:
    """What stocks lack of their goals."""
    with np.errstate(invalid="ignore"):
        goal = use * goals
    if np.allclose(held, goal):
        return np.zeros_like(goal)
    finite = np.isfinite(goal)
    return np.maximum(0.0, np.subtract(goal, held, out=np.zeros_like(goal), where=finite))


def _member(sector: Ints) -> sparse.csr_array:
    """s x n: 1 where the industry is of the sector."""
    n = len(sector)
    return sparse.csr_array((np.ones(n), (sector, np.arange(n))), shape=(sector.max() + 1, n))


def _pooled(sector: Ints, flows: Floats) -> Floats:
    """s x n: what each buyer gets of each sector."""
    return np.asarray(_member(sector) @ flows)


def _column(values: ArrayLike, sectors: int) -> Floats:
    given = np.asarray(values, dtype=np.float64)
    column = given[:, None] if given.ndim == 1 else given
    if column.ndim and column.shape[0] != sectors:
        raise ArioError(f"stock and restock days need one value or {sectors}, one a sector")
    return column


def _restock(rules: ArioRules, table: Economy) -> Floats:
    return _column(rules.restock_days, table.sectors)


def _goals(rules: ArioRules, table: Economy) -> Floats:
    """s x n: days of use that each industry aims to hold of each sector."""
    days = np.broadcast_to(_column(rules.stock_days, table.sectors), table.inputs.shape)
    return np.where(days <= 1.0, LEAST_DAYS, days)


def _check_rules(rules: ArioRules) -> None:
    stock = np.asarray(rules.stock_days, dtype=np.float64)
    if not bool((stock >= 0).all()):  # nan fails too
        raise ArioError("stock_days must be days >= 0 (inf: never short), each of them a number")
    factors = np.array([rules.alpha_base, rules.alpha_max, rules.alpha_days], dtype=np.float64)
    if not bool(np.isfinite(factors).all()) or not 0 < rules.alpha_base <= rules.alpha_max:
        raise ArioError(
            "alpha_base, alpha_max and alpha_days must be numbers, and 0 < alpha_base <= alpha_max"
        )
    if not 0 < rules.psi <= 1:
        raise ArioError(f"psi must lie above 0 and at most at 1, not {rules.psi:g}")
    if rules.orders not in ORDER_TYPES:
        raise ArioError(f"unknown order type {rules.orders!r}; use one of {', '.join(ORDER_TYPES)}")
    if (
        not bool((np.asarray(rules.restock_days, dtype=np.float64) > 0).all())
        or rules.alpha_days <= 0
    ):
        raise ArioError("restock_days and alpha_days must be positive: they are time constants")
