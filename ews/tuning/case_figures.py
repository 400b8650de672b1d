"""Which published figures is a shipped case played with, and against which past are they judged?

Monthly prices of urea from the World Bank's Pink Sheet (CC BY 4.0; see cases/README.md), each with
the day on which the release calendar brings it.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from ews.model import Observation, utc
from ews.tuning import cases
from ews.tuning.cases import FOLDER, Fact

SERIES, UNIT = "pinksheet/price-usd/WLD/urea", "USD/t"
OUTLET = "World Bank, Pink Sheet (CC BY 4.0)"
URL = "https://www.worldbank.org/en/research/commodity-markets"


def figures(name: str) -> list[Observation]:
    """The values that a replay of the case reads as news, oldest first; those that the case's own
    rows have are left out. Empty for a case without figures."""
    first, last = _window(name)
    own = {
        (one.series, one.observed_at) for one in cases.load(name) if isinstance(one, Observation)
    }
    return [
        one
        for one in _values(name)
        if first <= one.available_at < last and (one.series, one.observed_at) not in own
    ]


def history(name: str) -> list[Observation]:
    """The values known before: the past that detectors compare with, in which nothing is found."""
    first, _ = _window(name)
    return [one for one in _values(name) if one.available_at < first]


def facts(values: Sequence[Observation]) -> list[Fact]:
    """Figures as facts of a time line, in words."""
    return [_fact(one) for one in values]


def _fact(one: Observation) -> Fact:
    month, price = one.observed_at, f"{one.value:,.2f}"
    return Fact(
        month.date().isoformat(), month, one.available_at, cases.SERIES,
        f"World price of urea in {month:%Y-%m}: {price} {UNIT}, monthly mean.",
        f"{month:%Y}년 {month.month}월 요소 국제가격 {price} {UNIT} (월평균).",
        OUTLET, URL, (one.id,), one.value, UNIT, "",
    )  # fmt: skip


def _values(name: str) -> Iterator[Observation]:
    table = _tables().get(name)
    if table is None:
        return
    with (FOLDER / table["file"]).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Observation(
                SERIES, utc(row["observed"]), utc(row["available_at"]), float(row["value"]), UNIT,
                f"case:{name}",
            )  # fmt: skip


def _window(name: str) -> tuple[datetime, datetime]:
    table = _tables().get(name)
    if table is None:
        return datetime.max.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    last = date.fromisoformat(table["played_to"]) + timedelta(days=1)
    return utc(table["played_from"]), utc(last.isoformat())


def _tables() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((FOLDER / "figures.toml").read_text(encoding="utf-8"))
