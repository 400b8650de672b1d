"""Watching: how vulnerable is Korea in each item this month? Stored series -> rows in the store."""

from ews.watching.figures import Group, groups_at, trade_of_item
from ews.watching.turns import Turn, compute, keep_watch, months_of, turn, watch_daily
from ews.watching.unwatched import month_before

__all__ = [
    "Group", "Turn", "compute", "groups_at", "keep_watch", "month_before", "months_of", "trade_of_item",
    "turn", "watch_daily",
]  # fmt: skip
