"""A small store of trade series, real in form and made up, to compute vulnerability from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache

import numpy as np

from ews.model import Frequency, Observation, Series
from ews.storage import Store
from ews.storage.value_rows import Columns
from ews.tuning.synthetic_trade import SyntheticTrade, synthetic_trade
from graph.goods import goods

NOW = datetime(2024, 5, 20, 3, tzinfo=UTC)
NEWEST = datetime(2024, 4, 1, tzinfo=UTC)
# Urea and graphite are ours to watch; nobody watches the others named. The rest make the data set
# wide enough for shares to mean something (graph.vulnerability_indices.LEAST_COUNTRIES).
NAMED = ("310210", "250410", "851810", "843840", "300650", "010121", "720915", "610190")
CODES = tuple(
    dict.fromkeys(
        (*NAMED, *[code for code, good in goods().items() if "2022" in good.revisions][::200])
    )
)


@cache
def made_up(
    codes: Sequence[str] = CODES, months: int = 28, seed: int = 3, until: str = "2024-05"
) -> SyntheticTrade:
    """Synthetic trade of the months before `until`, each known in the middle of the next."""
    first = str(np.datetime64(until, "M") - months)
    return synthetic_trade(seed, first, months, codes, disturbed=0)


def keep(store: Store, trade: SyntheticTrade, provider: str = "synthetic", seed: int = -1) -> None:
    """The columns in the store, in another order with a seed; under another provider's name they
    stand for real ones."""
    count = len(trade.value)
    order = np.random.default_rng(seed).permutation(count) if seed >= 0 else np.arange(count)
    names = [name.replace("synthetic/", f"{provider}/", 1) for name in trade.names]
    with store.begin() as tx:
        tx.describe_series(
            [
                Series(name, one.frequency, one.unit, provider, synthetic=provider == "synthetic")
                for name, one in zip(names, trade.series(), strict=True)
            ]
        )
        tx.save_columns(
            Columns(
                tuple(names), trade.row[order].astype(np.int64), _ticks(trade.period[order]),
                _ticks(trade.available_at[order]), trade.value[order], np.ones(count, np.int8),
            )
        )  # fmt: skip


def _ticks(moments: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    return moments.astype("M8[us]").astype(np.int64)


def say(
    store: Store, name: str, values: Iterable[tuple[str, float]], known: str = "2024-05-15"
) -> None:
    """Monthly values of one series, all known at one time."""
    at = datetime.fromisoformat(known).replace(tzinfo=UTC)
    unit = "kg" if "-kg/" in name else "USD"
    with store.begin() as tx:
        tx.describe_series([Series(name, Frequency.MONTH, unit, name.split("/")[0])])
        tx.save_observations(
            [
                Observation(
                    name, datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC), at, value, unit,
                    name.split("/")[0],
                )
                for month, value in values
            ]
        )  # fmt: skip


def year(value: float, last: str = "2024-04", months: int = 12) -> list[tuple[str, float]]:
    """One value a month, for the months that end with `last`."""
    end = np.datetime64(last, "M")
    return [(str(end - back), value) for back in range(months - 1, -1, -1)]
