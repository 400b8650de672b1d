"""What would keep a loss under a line: the smallest stock, or the smallest change of suppliers.

Both run the model again and again, and give an answer that was run: what is said to keep the
line did keep it. More stock never raises a loss (separate mode), so bisection finds the smallest
stock. A change of suppliers need not be monotone, so it is looked at on a grid first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from graph.arrays import YEAR_DAYS, Floats, Ints, SupplyArrays
from graph.cover import missing_share
from graph.mix import Mix, Offer, RemedyError
from graph.scenario import Outcome, Scenario
from graph.steps import run

Run: TypeAlias = Callable[[SupplyArrays, Scenario], Outcome]  # any engine of the separate mode
STOCK_STEP = 0.01  # days: the answer is the smallest to within this
SHARE_STEP = 0.001  # share of a group, likewise
GRID = 20  # points at which a change of suppliers is looked at before it is refined
ROUNDING = 1e-9
HOW = ("proportional", "trimmed")


@dataclass(frozen=True, slots=True)
class StockPlan:
    """The smallest stock that keeps the loss under the line, or that none does."""

    groups: Ints
    enough: bool  # False: the line is crossed however large these stocks are
    days: Floats  # per group: stock in days of normal use; not enough: where more helps no more
    now_days: Floats  # per group: what there is
    value: float  # currency: the stocks of `days` at what the buyers pay
    loss: float  # currency: with these stocks, by the model
    now_loss: float
    line: float
    how: str
    runs: int  # of the model


@dataclass(frozen=True, slots=True)
class MixPlan:
    """The smallest share moved away from some suppliers that keeps the loss under the line."""

    group: int
    enough: bool  # False: the line is crossed whatever is moved
    moved: float  # share of the group; not enough: the share at which the loss is least
    shares: dict[int, float]  # supplier -> share of the group afterwards
    loss: float
    now_loss: float
    line: float
    monotone: bool  # moving more never raised the loss on the grid; else the smallest *on the grid*
    runs: int


# --------------------------------------------------------------------------- stock


def smallest_stock(
    arrays: SupplyArrays,
    scenario: Scenario,
    groups: Iterable[int],
    line: float,
    *,
    of: Iterable[int] | None = None,
    how: str = "proportional",
    engine: Run = run,
) -> StockPlan:
    """The smallest stocks of the groups with which the nodes `of` lose no more than `line`.

    `line` is in currency over the scenario's days; `of` are node numbers, by default the buyers
    of the groups. Days are counted from no stock at all, so the answer may be below what there
    is. Several groups: `proportional` gives each the same part of what it would miss in all;
    `trimmed` then cuts each in turn, the dearest first, as far as the line allows, so that no
    single stock could be smaller (the least sum of all it is not always). RemedyError for an
    unknown group, way, or a line that is no number >= 0.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> two = compile_arrays(2, [0], [1], [0], [365.0], final_sales=[0.0, 730.0])
    >>> shut = scenario(60, [Hit(np.array([0]), 0.5, 0, 20)])   # half is missing for 20 days
    >>> plan = smallest_stock(two, shut, [0], line=4.0)         # of 2 a day: 10 days' loss is 20
    >>> plan.enough, plan.days.round(1).tolist(), round(plan.now_loss), plan.loss <= 4.0
    (True, [8.0], 20, True)
    """
    asked = _groups(arrays, groups)
    if how not in HOW:
        raise RemedyError(f"unknown way {how!r}; use one of {HOW}")
    _checked(line)
    trial = _Trial(arrays, scenario, _counted(arrays, asked, of), engine)
    now = arrays.group_stock[asked]
    now_loss = trial.loss(arrays)

    def loss_with(days: Floats) -> float:
        return trial.loss(_stocked(arrays, asked, days))

    full = _stocked(arrays, asked, np.maximum(now, float(scenario.days)))
    missed = missing_share(arrays, scenario, engine(full, scenario), asked).sum(axis=0)
    whole = missed * (1.0 + ROUNDING) + ROUNDING * (missed > 0)  # so that no sum falls short
    days, loss = _least(loss_with, np.zeros(len(asked)), whole, line)
    if loss <= line and how == "trimmed":
        for k in np.argsort(-_worth(arrays, asked, days), kind="stable"):
            bare = days.copy()
            bare[k] = 0.0
            days, loss = _least(loss_with, bare, days, line)
    return StockPlan(
        groups=asked,
        enough=loss <= line,
        days=days,
        now_days=now,
        value=float(_worth(arrays, asked, days).sum()),
        loss=loss,
        now_loss=now_loss,
        line=line,
        how=how,
        runs=trial.runs + 1,
    )


def _least(
    loss_with: Callable[[Floats], float], low: Floats, high: Floats, line: float
) -> tuple[Floats, float]:
    """The point nearest to `low` on the way to `high` that keeps the line; `high` if none does."""
    if (loss := loss_with(low)) <= line:
        return low, loss
    if (best := loss_with(high)) > line:
        return high, best
    width = float(np.abs(high - low).max(initial=0.0))
    a, b = 0.0, 1.0
    while (b - a) * width > STOCK_STEP:
        middle = (a + b) / 2
        loss = loss_with(low + middle * (high - low))
        if loss <= line:
            b, best = middle, loss
        else:
            a = middle
    return low + b * (high - low), best


def _stocked(arrays: SupplyArrays, groups: Ints, days: Floats) -> SupplyArrays:
    stock = arrays.group_stock.copy()
    stock[groups] = days
    return replace(arrays, group_stock=stock)


def _worth(arrays: SupplyArrays, groups: Ints, days: Floats) -> Floats:
    """Per group: so many days of use, in currency."""
    spent = np.array([
        arrays.link_weight[arrays.link_start[g] : arrays.link_start[g + 1]].sum() for g in groups
    ])  # fmt: skip
    return np.asarray(days * spent / YEAR_DAYS)


# --------------------------------------------------------------------------- suppliers


def smallest_diversification(
    arrays: SupplyArrays,
    scenario: Scenario,
    group: int,
    line: float,
    offered: Sequence[Offer],
    away: Iterable[int],
    *,
    of: Iterable[int] | None = None,
    engine: Run = run,
) -> MixPlan:
    """The smallest share of the group to move from the suppliers `away` to those offered.

    It is moved before the event, as in `graph.mix.Mix`. The loss is looked at on 20 even steps,
    then refined between the first that keeps the line and the one before. `line`, `of`,
    RemedyError as in `smallest_stock`.

    >>> from graph.arrays import compile_arrays
    >>> from graph.scenario import Hit, scenario
    >>> one = compile_arrays(3, [0], [2], [0], [365.0], final_sales=[0.0, 9.0, 730.0])
    >>> shut = scenario(11, [Hit(np.array([0]), 1.0)])          # lost: 2 a day for ten days
    >>> plan = smallest_diversification(one, shut, 0, 5.0, [Offer(1, 1.0, 0)], away=[0])
    >>> plan.enough, round(plan.moved, 3), plan.monotone, round(plan.shares[1], 3)
    (True, 0.75, True, 0.75)
    """
    asked = _groups(arrays, [group])
    _checked(line)
    trial = _Trial(arrays, scenario, _counted(arrays, asked, of), engine)
    mix = Mix(arrays, scenario, group, away, offered)
    now_loss = trial.loss(arrays)

    def loss_at(share: float) -> float:
        return trial.loss(mix.arrays_at(share), mix.scenario)

    steps = np.linspace(0.0, mix.most, GRID + 1)
    losses = [loss_at(float(z)) for z in steps]
    keeps = [k for k, loss in enumerate(losses) if loss <= line]
    at = keeps[0] if keeps else int(np.argmin(losses))
    moved, loss = float(steps[at]), losses[at]
    low = float(steps[at - 1]) if keeps and at else moved
    while moved - low > SHARE_STEP:
        middle = (low + moved) / 2
        if (found := loss_at(middle)) <= line:
            moved, loss = middle, found
        else:
            low = middle
    slack = ROUNDING * max(1.0, losses[0])
    return MixPlan(
        group=int(asked[0]),
        enough=bool(keeps),
        moved=moved,
        shares=mix.shares(moved),
        loss=loss,
        now_loss=now_loss,
        line=line,
        monotone=all(b <= a + slack for a, b in pairwise(losses)),
        runs=trial.runs,
    )


# --------------------------------------------------------------------------- shared


class _Trial:
    """Runs the model and counts how often."""

    def __init__(self, arrays: SupplyArrays, scenario: Scenario, of: Ints, engine: Run) -> None:
        self._output, self._scenario, self._of = arrays.output, scenario, of
        self._engine, self.runs = engine, 0

    def loss(self, arrays: SupplyArrays, scenario: Scenario | None = None) -> float:
        """Currency that the counted nodes lose, at what they make before anything is changed."""
        self.runs += 1
        out = self._engine(arrays, scenario or self._scenario)
        mine = np.isin(out.nodes, self._of)
        return float((1.0 - out.level[:, mine]).sum(axis=0) @ self._output[out.nodes[mine]])


def _groups(arrays: SupplyArrays, groups: Iterable[int]) -> Ints:
    asked = np.array(list(groups), dtype=np.int64)
    if not len(asked) or len(np.unique(asked)) < len(asked):
        raise RemedyError("name at least one input group, and none of them twice")
    if asked.min() < 0 or asked.max() >= arrays.groups:
        raise RemedyError(f"an input group must be one of 0..{arrays.groups - 1}")
    return asked


def _counted(arrays: SupplyArrays, groups: Ints, of: Iterable[int] | None) -> Ints:
    nodes = arrays.group_buyer[groups] if of is None else np.array(list(of), dtype=np.int64)
    if not len(nodes) or nodes.min() < 0 or nodes.max() >= arrays.nodes:
        raise RemedyError(f"whose loss counts must be nodes of 0..{arrays.nodes - 1}")
    return np.unique(nodes).astype(np.int64)


def _checked(line: float) -> None:
    if not (np.isfinite(line) and line >= 0):
        raise RemedyError(f"the line must be a loss of 0 or more in currency, not {line}")
