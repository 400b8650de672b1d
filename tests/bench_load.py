"""Predicted against actual load: `python -m tests.bench_load HOME`.

The half year of the home is played under the shipped rules to the receivers of
docs/routes-ministries.toml, the console and eight industries; rates are fitted on its first four
months and held against its last two. A Poisson of the same rates is the rival in the same run.
`--also HOME ...` adds homes on which the constants of ews.tuning.forecast were chosen. Figures go to
docs/bench/load.json.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import gettempdir

from alerts.routes import Routes, parse_routes
from alerts.rulebook import shipped_ruleset
from ews.model import Stage
from ews.storage import Store
from ews.tuning.backtest import backtest
from ews.tuning.forecast import (
    DRIFT,
    LEVELS,
    MEMORY,
    POWER,
    POWER_DOUBT,
    THOUSAND,
    Expected,
    Load,
    fit_load,
    interval_score,
    pinball,
    predict,
    quantiles,
)
from ews.tuning.tape import Tape, tape_of
from graph import build_network

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "bench" / "load.json"
CACHE = Path(gettempdir()) / "ews-bench-load"
SECTORS = ("10", "19", "20", "24", "26", "28", "29", "30")
FIT_SHARE = 2 / 3  # of the months of a home; the rest is predicted
VARIANTS = [(stage, matched) for stage in (Stage.WATCH, Stage.CAUTION) for matched in (False, True)]
Forecast = Callable[[Mapping[str, Load], Mapping[date, int], int, int], Mapping[str, Expected]]


@dataclass(frozen=True, slots=True)
class Days:
    """A load, some days of it."""

    budget_per_day: int | None
    told_by_day: Mapping[date, int]
    held_by_day: Mapping[date, int]

    def count(self, matched: bool) -> int:
        return sum(self.told_by_day.values()) + matched * sum(self.held_by_day.values())


def routes_at(minimum: Stage) -> Routes:
    """Every receiver from that stage on."""
    ministries = parse_routes((ROOT / "docs/routes-ministries.toml").read_text("utf-8"))
    rest = '[[receiver]]\nname = "console"\nchannel = "console"\naddress = "-"\n' + "".join(
        f'[[receiver]]\nname = "업종 {one}"\nchannel = "email"\n'
        f'address = "industry-{one}@example.org"\nsectors = ["{one}"]\n'
        for one in SECTORS
    )
    everybody = (*ministries.receivers, *parse_routes(rest).receivers)
    return replace(ministries, receivers=tuple(replace(r, minimum=minimum) for r in everybody))


def window_of(store: Store) -> tuple[datetime, datetime]:
    marks = json.loads(store.get("replay.last") or "{}")
    if not marks:
        raise SystemExit("this home holds no replay")
    since = datetime.fromisoformat(marks["from"]).replace(tzinfo=UTC)
    return since, datetime.fromisoformat(marks["to"]).replace(tzinfo=UTC) + timedelta(days=1)


def split_of(since: datetime, until: datetime) -> date:
    """The first day that is predicted: a first of a month."""
    months = (until.year - since.year) * 12 + until.month - since.month
    at = since.month - 1 + round(months * FIT_SHARE)
    return date(since.year + at // 12, at % 12 + 1, 1)


def naive(
    loads: Mapping[str, Load], collected: Mapping[date, int], coming: int, days: int
) -> Mapping[str, Expected]:
    """The rival: a Poisson with the rate of the fitted period, which knows no doubt and no burst."""
    thousands, found = sum(collected.values()) / THOUSAND, {}
    for name, load in loads.items():
        assert isinstance(load, Days)
        mean = load.count(False) / thousands * coming / THOUSAND
        found[name] = Expected(mean, *quantiles(mean, mean, LEVELS))
    return found


def ours(matched: bool) -> Forecast:
    return lambda loads, collected, coming, days: predict(
        fit_load(loads, collected, matched=matched), coming, days
    )


def measured(home: Path, minimum: Stage, matched: bool, tape: Tape, split: date,
             loads: Mapping[str, Load]) -> dict[str, object]:  # fmt: skip
    """One variant of one home."""
    before = {day: n for day, n in tape.collected.items() if day < split}
    coming = sum(n for day, n in tape.collected.items() if day >= split)
    days = (tape.until.date() - split).days
    fitted = {name: _part(load, lambda day: day < split) for name, load in loads.items()}
    rest = {name: _part(load, lambda day: day >= split) for name, load in loads.items()}
    actual = {name: load.count(matched) for name, load in rest.items()}
    expected = ours(matched)(fitted, before, coming, days)
    joined = {name: _joined(load) if matched else load for name, load in fitted.items()}
    rival = naive(joined, before, coming, days)
    return {
        "home": home.name,
        "stage": minimum.en,
        "counts": "matched" if matched else "told",
        "fitted": [tape.since.date().isoformat(), (split - timedelta(days=1)).isoformat()],
        "predicted": [split.isoformat(), (tape.until.date() - timedelta(days=1)).isoformat()],
        "collected": {"fitted": sum(before.values()), "predicted": coming},
        "ours": _figures(expected, actual),
        "poisson": _figures(rival, actual),
        "receivers": {
            name: {"mean": round(one.mean, 1), "low": one.low, "high": one.high,
                   "actual": actual[name], "per_thousand": round(one.mean / coming * THOUSAND, 3)}
            for name, one in expected.items()
        },
    }  # fmt: skip


def _part(load: Load, wanted: Callable[[date], bool]) -> Days:
    def of(by_day: Mapping[date, int]) -> dict[date, int]:
        return {day: n for day, n in by_day.items() if wanted(day)}

    return Days(load.budget_per_day, of(load.told_by_day), of(load.held_by_day))


def _joined(load: Days) -> Days:
    """Held messages counted with the told ones."""
    days = {*load.told_by_day, *load.held_by_day}
    both = {d: load.told_by_day.get(d, 0) + load.held_by_day.get(d, 0) for d in days}
    return Days(load.budget_per_day, both, {})


def _figures(expected: Mapping[str, Expected], actual: Mapping[str, int]) -> dict[str, float]:
    inside = {name: one.low <= actual[name] <= one.high for name, one in expected.items()}
    distinct = {(one, actual[name]): inside[name] for name, one in expected.items()}
    return {
        "receivers": len(expected),
        "covered": sum(inside.values()),
        "share": round(sum(inside.values()) / len(inside), 3),
        "distinct": len(distinct),
        "share_of_distinct": round(sum(distinct.values()) / len(distinct), 3),
        "mean_width": _mean([one.high - one.low for one in expected.values()]),
        "interval_score": _mean([interval_score(e, actual[n]) for n, e in expected.items()]),
        # by the square root of what came, so that the largest receivers do not decide alone
        "scaled_score": _mean(
            [interval_score(e, actual[n]) / math.sqrt(actual[n] + 1) for n, e in expected.items()]
        ),
        "pinball": _mean([
            (pinball(e.low, actual[n], LEVELS[0]) + pinball(e.high, actual[n], LEVELS[1])) / 2
            for n, e in expected.items()
        ]),
    }  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 3)


def of_home(home: Path) -> list[dict[str, object]]:
    """Every variant of one home."""
    store = Store.open(home)
    since, until = window_of(store)
    tape = tape_of(store, build_network(), since, until, CACHE)
    store.close()
    rules = shipped_ruleset(datetime(2000, 1, 1, tzinfo=UTC))
    loads = {one: backtest(tape, rules, routes_at(one)).loads for one, _ in VARIANTS[::2]}
    split = split_of(since, until)
    return [measured(home, m, matched, tape, split, loads[m]) for m, matched in VARIANTS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--also", nargs="*", type=Path, default=[])
    parser.add_argument("--print-only", action="store_true", help="leave the file as it is")
    given = parser.parse_args()
    parts = {
        "test": of_home(given.home),
        "chosen_on": [
            {key: value for key, value in one.items() if key != "receivers"}
            for home in given.also for one in of_home(home)
        ],
    }  # fmt: skip
    constants = {"memory_per_week": MEMORY, "drift": DRIFT, "power": POWER,
                 "power_doubt": POWER_DOUBT, "interval": LEVELS}  # fmt: skip
    text = json.dumps({"constants": constants, **parts}, indent=1, ensure_ascii=False)
    for part, found in parts.items():
        for one in found:
            print(f"{part:9} {one['home']:6} {one['stage']:8} {one['counts']:8} "
                  f"ours {one['ours']} poisson {one['poisson']}")  # fmt: skip
    if not given.print_only:
        OUT.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
