"""What has each receiver to expect in the next period, under the rules of now and the candidate's?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from ews.tuning.desk_shapes import Expected
from ews.tuning.forecast import Load, fit_load, predict

SAYS = "as_much_collected"  # a period of the same length in which as much comes in


def expectations(
    before: Mapping[str, Load], after: Mapping[str, Load], collected: Mapping[date, int]
) -> dict[str, tuple[Expected, Expected]]:
    """Of each receiver, messages a day in a period as long and as busy as the one shown."""
    if not sum(collected.values()):
        return {}
    first, then = _next(before, collected), _next(after, collected)
    return {name: (first[name], then[name]) for name in then if name in first}


def _next(loads: Mapping[str, Load], collected: Mapping[date, int]) -> dict[str, Expected]:
    model = fit_load(loads, collected)
    days = model.days
    return {
        name: Expected(round(one.mean / days, 4), round(one.low / days, 4),
                       round(one.high / days, 4), SAYS)
        for name, one in predict(model, model.collected, days).items()
    }  # fmt: skip
