"""What officials may know of firms: how many are exposed and how much of their input, in sums.

A sum is shown only when it tells nothing of one firm. The rule, each part of it for all tables
(by item, industry and country) at once:

1. Owners are counted, not links or firms of an owner; a sum over fewer than 5 is not shown.
2. A sum of which one owner makes more than 80 % is not shown; nor one from which the second
   largest could work out the largest to within 10 % (the p% rule).
3. A sum is not shown if it, less other sums shown that lie within it, leaves a rest that 1 or 2
   would hide (complementary suppression); nor if any combination of the sums shown would be of one
   owner alone (a test of rank).
4. What is shown is coarse: owners in fives, downwards; losses to a multiple of a 1, 2 or 5 that is
   no smaller than what any one owner adds.

Sums that are not shown are not listed either: that a firm is there at all is not told. Invented
rows (synthetic) do not count. Literature: Hundepool et al., Statistical Disclosure Control, 2012.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ews.model import Exposure
from ews.reports.exposure import Known
from ews.reports.names import label
from ews.reports.views import Label
from ews.storage import Store

LEAST = 5  # owners in a sum
MOST = 0.8  # of a sum by one owner
MARGIN = 0.1  # of the largest, by which the rest must hide it from the second
TABLES = ("item", "industry", "country")

Place = tuple[str, str, str]  # item, industry, country
Atoms = Mapping[tuple[str, Place], float]  # (owner, place) -> expected share of an input lost
Cell = tuple[str, str]  # table, code


@dataclass(frozen=True, slots=True)
class AggregateLine:
    """Firms that open events threaten, by one code of a table."""

    code: Label
    firms: int  # owners, in fives: 5 stands for 5 to 9
    loss: float | None  # firms' whole inputs expected to be lost, coarse; None when unknown


@dataclass(frozen=True, slots=True)
class Aggregates:
    """One table of sums over firms; what a rule of the module hides is not in it."""

    by: str
    as_of: datetime
    lines: tuple[AggregateLine, ...]
    note: Label


NOTE = Label(
    "aggregates",
    "sums over at least 5 firms; what could tell of one firm is left out, and figures are coarse",
    "5개 기업 이상의 합계만 보입니다. 한 기업이 드러날 수 있는 값은 뺐고 수치는 성기게 적었습니다",
)


def aggregates(
    store: Store, by: str, *, now: datetime, as_of: datetime | None = None
) -> Aggregates:
    """Firms exposed to open events, summed by item, industry or country of origin.

    The same for every viewer. ValueError for another table.
    """
    if by not in TABLES:
        raise ValueError(f"no table by {by!r}; use one of {', '.join(TABLES)}")
    known = Known.at(store, now, as_of)
    open_ids = {event.id for event in known.events}
    atoms = atoms_of(e for e in store.firm_exposures() if e.event_id in open_ids)
    cells = cells_of(atoms)
    lines = [
        line_of(table, code, cells[table, code], atoms)
        for table, code in shown(atoms)
        if table == by
    ]
    lines.sort(key=lambda line: (-(line.loss or 0.0), -line.firms, line.code.code))
    return Aggregates(by, known.moment, tuple(lines), NOTE)


def atoms_of(exposures: Iterable[Exposure]) -> dict[tuple[str, Place], float]:
    """What each owner may lose at each place: the worst of the open events, for an input cannot
    be lost twice. An unknown share counts the owner and adds nothing."""
    found: dict[tuple[str, Place], float] = {}
    for one in exposures:
        if one.firm is not None and not one.synthetic:
            key = (one.firm.partition("/")[0], (one.item, one.industry, one.origin or ""))
            found[key] = max(found.get(key, 0.0), one.probability * (one.loss or 0.0))
    return found


def cells_of(atoms: Atoms) -> dict[Cell, frozenset[tuple[str, Place]]]:
    """The atoms that each sum is of; places without a code are in no sum of that table."""
    cells: dict[Cell, set[tuple[str, Place]]] = {}
    for atom in atoms:
        for table, code in zip(TABLES, atom[1], strict=True):
            if code:
                cells.setdefault((table, code), set()).add(atom)
    return {cell: frozenset(inside) for cell, inside in cells.items()}


def line_of(
    table: str, code: str, inside: Iterable[tuple[str, Place]], atoms: Atoms
) -> AggregateLine:
    """A sum as it is shown: coarse."""
    of = _by_owner(inside, atoms)
    total, largest = sum(of.values()), max(of.values(), default=0.0)
    loss = None if largest <= 0 else round(total / _step(largest)) * _step(largest)
    return AggregateLine(label(table, code), len(of) // LEAST * LEAST, loss)


def _step(largest: float) -> float:
    """The smallest of 1, 2 or 5 times a power of ten that is no smaller.

    >>> _step(0.03), _step(0.5), _step(0.51)
    (0.05, 0.5, 1.0)
    """
    power = 10.0 ** math.floor(math.log10(largest))
    return next(round(n * power, 12) for n in (1, 2, 5, 10) if n * power >= largest * (1 - 1e-12))


def _by_owner(inside: Iterable[tuple[str, Place]], atoms: Atoms) -> dict[str, float]:
    found: dict[str, float] = {}
    for atom in inside:
        found[atom[0]] = found.get(atom[0], 0.0) + atoms[atom]
    return found


def hides(inside: Iterable[tuple[str, Place]], atoms: Atoms) -> bool:
    """Whether a sum over these tells of no one owner (parts 1 and 2 of the rule).

    >>> five = {(name, ("urea", "", "CN")): 0.5 for name in "abcde"}
    >>> hides(five, five), hides(list(five)[:4], five), hides(five, {**five, list(five)[0]: 50.0})
    (True, False, False)
    """
    of = sorted(_by_owner(inside, atoms).values(), reverse=True)
    if len(of) < LEAST:
        return False
    total = sum(of)
    return total <= 0 or (of[0] <= MOST * total and total - of[0] - of[1] >= MARGIN * of[0])


def shown(atoms: Atoms) -> list[Cell]:
    """The sums that may be shown together, all tables at once."""
    cells = cells_of(atoms)
    left = {cell: inside for cell, inside in cells.items() if hides(inside, atoms)}
    while left:
        out = _differs(left, atoms) or _singles_out(left, atoms)
        if out is None:
            break
        del left[out]
    return sorted(left)


def _size(cell: Cell, left: Mapping[Cell, frozenset[tuple[str, Place]]]) -> tuple[int, int, Cell]:
    return len({owner for owner, _ in left[cell]}), len(left[cell]), cell


def _differs(left: Mapping[Cell, frozenset[tuple[str, Place]]], atoms: Atoms) -> Cell | None:
    """A sum to leave out because a larger one less it, or less it and its like, tells too much."""
    tables: dict[str, list[Cell]] = {}
    for cell in left:
        tables.setdefault(cell[0], []).append(cell)
    wholes = {**left, **{("all", t): frozenset().union(*(left[c] for c in cells))
                         for t, cells in tables.items()}}  # fmt: skip
    for whole, inside in sorted(wholes.items()):
        for table, cells in tables.items():
            within = [c for c in cells if c != whole and left[c] <= inside]
            if whole == ("all", table) or not within:
                continue
            families = [[c] for c in within] if whole[0] != "all" else []
            for family in (*families, within):
                rest = inside.difference(*(left[c] for c in family))
                if rest and not hides(rest, atoms):
                    return min(family, key=lambda c: _size(c, left))
    return None


def _singles_out(left: Mapping[Cell, frozenset[tuple[str, Place]]], atoms: Atoms) -> Cell | None:
    """A sum to leave out because sums shown can be combined to one of one owner alone."""
    owners: dict[Place, set[str]] = {}
    for owner, place in atoms:
        owners.setdefault(place, set()).add(owner)
    places = sorted(owners)
    order = sorted(left)
    matrix = np.array([[any((o, p) in left[c] for o in owners[p]) for p in places] for c in order],
                      dtype=np.float64)  # fmt: skip
    whole = np.linalg.matrix_rank(matrix)
    alone = sorted({next(iter(who)) for who in owners.values() if len(who) == 1})
    for owner in alone:
        others = [owners[p] != {owner} for p in places]
        if np.linalg.matrix_rank(matrix[:, others]) < whole:
            mine = [c for c in order if any(o == owner for o, _ in left[c])]
            return min(mine, key=lambda c: _size(c, left))
    return None
