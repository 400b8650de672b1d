"""How concentrated is trade in an item on few partners, as far as the reports can say?

The denominator is the total that the reporter itself publishes. A total counts no partner twice,
and shows what the partners at hand lack: where a partner that we do not have could matter, there
is no value. Missing is not zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ews.detectors.panel import Bools, Days, Floats, Panel

Places = NDArray[np.intp]
PARTNER, MEMBER, UNION, TOTAL = range(4)
# If all that is hidden came from one partner the HHI would be `hidden` squared larger: a tenth of
# trade hides one hundredth (100 points of 10,000), less than any step that matters.
MOST_HIDDEN = 0.1
# Partners that sum to more than the total by over a hundredth: other vintages, or counted twice.
ROUNDING = 0.01
LOOK_BACK = 12  # periods in which a partner that is missing now may last have been seen


@dataclass(frozen=True, slots=True)
class Partners:
    """Rows of a panel, grouped: one group is the trade of one country in one item."""

    rows: Places  # [m] rows of the panel, each group's together
    starts: Places  # [g] where each group begins
    kinds: NDArray[np.int8]  # [m] PARTNER, MEMBER (of the EU), UNION (the EU), TOTAL
    complete: Bools  # [g] the source answers with every partner that traded

    @property
    def group(self) -> Places:
        """[m] the group of each row."""
        sizes = np.diff(np.append(self.starts, len(self.rows)))
        return np.repeat(np.arange(len(self.starts)), sizes)


@dataclass(frozen=True, slots=True)
class Concentration:
    """HHI (sum of squared shares, 0..1) and the largest share; NaN where they cannot be known."""

    hhi: Floats  # [g, t]
    top: Floats  # [g, t]
    known: Days  # [g, t] newest of the values that were used
    first: Days


def concentration(panel: Panel, partners: Partners) -> Concentration:
    """The concentration of every group in every period, from what the panel knows."""
    values, group = panel.values[partners.rows], partners.group
    is_total = partners.kinds == TOTAL
    total = np.full((len(partners.starts), values.shape[1]), np.nan)
    total[group[is_total]] = values[is_total]
    total[total <= 0] = np.nan
    values[is_total] = np.nan
    _drop_union(values, partners)
    there = ~np.isnan(values)
    amounts = np.where(there, values, 0.0)
    summed = np.add.reduceat(amounts, partners.starts, axis=0)
    squares = np.add.reduceat(amounts**2, partners.starts, axis=0)
    largest = np.maximum.reduceat(amounts, partners.starts, axis=0)
    missing, unseen = _missing(panel, partners, amounts, there, np.isnan(total))
    whole = np.where(np.isnan(total), summed + missing, total)
    hidden = np.where(np.isnan(total), missing, total - summed)
    strange = (summed <= 0) | np.isinf(whole) | (hidden < -ROUNDING * whole)
    whole[strange] = np.nan
    hidden = np.maximum(hidden, 0.0)
    # Without a total, `hidden` says what may be missing; shares are of what is there.
    base = np.where(np.isnan(total), summed, total) + 0.0 * whole
    hhi = np.where(hidden <= MOST_HIDDEN * whole, squares / base**2, np.nan)
    top = np.where(np.where(np.isnan(total), unseen, hidden) <= largest, largest / base, np.nan)
    used = there | (is_total[:, None] & ~np.isnan(total[group]))
    known = _newest(panel.known[partners.rows], used, partners.starts)
    first = _newest(panel.first[partners.rows], used, partners.starts)
    return Concentration(np.minimum(hhi, 1.0), np.minimum(top, 1.0), known, first)


def _drop_union(values: Floats, partners: Partners) -> None:
    """Take the EU out of groups that have had a value of one of its members by then: a sum of
    both would count the members twice. What the members lack, the total shows."""
    union = partners.kinds == UNION
    if not union.any():
        return
    members = ~np.isnan(values) & (partners.kinds == MEMBER)[:, None]
    seen = np.logical_or.reduceat(members, partners.starts, axis=0)
    seen = np.maximum.accumulate(seen, axis=1)
    rows = np.flatnonzero(union)
    values[rows] = np.where(seen[partners.group[rows]], np.nan, values[rows])


def _missing(
    panel: Panel, partners: Partners, amounts: Floats, there: Bools, needed: Bools
) -> tuple[Floats, Floats]:
    """([g, t], [g, t]) what partners that are missing may have traded, together and the largest.

    Only asked where there is no total (`needed`). A partner may have traded as much as in the
    largest of the last twelve periods. A source that does not answer with every partner may hide
    anything: infinite.
    """
    together = np.where(partners.complete[:, None], 0.0, np.inf) * np.ones(needed.shape)
    alone = together.copy()
    asked = partners.complete & needed.any(axis=1)
    rows = np.flatnonzero(asked[partners.group])
    if not len(rows):
        return together, alone
    mine = amounts[rows]
    past = np.zeros(mine.shape)
    for back in range(1, min(LOOK_BACK, mine.shape[1] - 1) + 1):
        np.maximum(past[:, back:], mine[:, :-back], out=past[:, back:])
    past[there[rows]] = 0.0
    starts = np.searchsorted(partners.group[rows], np.flatnonzero(asked))
    together[asked] = np.add.reduceat(past, starts, axis=0)
    alone[asked] = np.maximum.reduceat(past, starts, axis=0)
    return together, alone


def _newest(moments: Days, used: Bools, starts: Places) -> Days:
    """[g, t] newest moment of the values that were used; NaT where none was."""
    ticks = moments.astype(np.int64)
    ticks[~used] = np.iinfo(np.int64).min  # NaT
    return np.asarray(np.maximum.reduceat(ticks, starts, axis=0).astype("M8[us]"))
