"""Three million figures of trade through the store, the detectors, the indices and the lists.

    python -m tests.bench_series_scale [--items N]    writes docs/bench/detectors.json, key "scale"
    python -m tests.bench_series_scale --indices      vulnerability by itself; prints, writes nothing

Made-up trade of every HS6 item (ews.tuning.synthetic_trade) goes into an empty store as if customs
had sent it, with what China says to have sold, so that shares, gaps and vulnerability follow from
it as from real figures. Each phase is a process of its own, whose peak memory is told with it. The
rivals do less with the same rows: plain `executemany`, pandas `to_sql`, and one rolling z in pandas.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas
import sqlalchemy as sa

from alerts.rulebook import shipped_ruleset
from ews.measuring import Measurer
from ews.model import Series
from ews.storage import Store
from ews.storage.engine import open_engine, sqlite
from ews.storage.series_list import Wanted
from ews.storage.value_rows import Columns
from ews.tuning.synthetic_trade import synthetic_trade
from ews.watching import turn as watching
from graph.goods import goods
from graph.trade import trade_of
from graph.vulnerability import read_weights, vulnerabilities
from graph.vulnerability_sensitivity import sensitivity

FILE = Path(__file__).parent.parent / "docs" / "bench" / "detectors.json"
SEED = 8
BEFORE, AFTER = datetime(2025, 1, 5, tzinfo=UTC), datetime(2025, 1, 20, tzinfo=UTC)
BARS = {"store": 90.0, "turn": 60.0, "month": 10.0}  # seconds, as asked for
MOST_GB = 2.0
SAMPLE = 300_000  # rows that the slowest rival stores
WINDOW = 24  # months of the rival's rolling z


@dataclass
class Clock:
    """Seconds and processor seconds of each step."""

    steps: dict[str, dict[str, float]] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.steps[name] = {
            "s": round(time.perf_counter() - wall, 2), "cpu_s": round(time.process_time() - cpu, 2)
        }  # fmt: skip

    def told(self, **more: object) -> dict[str, object]:
        """All steps together, the peak memory of this process so far, and `more`."""
        return {
            "s": round(sum(one["s"] for one in self.steps.values()), 2),
            "cpu_s": round(sum(one["cpu_s"] for one in self.steps.values()), 2),
            "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
            "steps": self.steps, **more,
        }  # fmt: skip


# --------------------------------------------------------------------------- the rows


def trade(items: int | None) -> tuple[Columns, list[Series]]:
    """Every row and series; `items`: of so many codes only."""
    codes = [code for code, good in goods().items() if "2022" in good.revisions]
    made = synthetic_trade(SEED, items=codes[:items])
    names = [name.replace("synthetic/", "customs/", 1) for name in made.names]
    told = [replace(one, name=name) for one, name in zip(made.series(), names, strict=True)]
    columns = Columns(
        tuple(names), made.row, made.period.astype("M8[us]").astype(np.int64),
        made.available_at.astype(np.int64), made.value, np.zeros(len(made.row), np.int8),
    )  # fmt: skip
    return with_mirror(columns, told)


def with_mirror(columns: Columns, told: list[Series]) -> tuple[Columns, list[Series]]:
    """And what China says to have sold: what Korea bought, less freight and accidents."""
    start = "customs/import-usd/CN-KR/"
    mine = np.array([name.startswith(start) for name in columns.names], np.bool_)
    place = np.cumsum(mine) - 1 + len(columns.names)
    use = np.flatnonzero(mine[columns.rows])
    noise = np.random.default_rng(SEED).lognormal(-0.05, 0.1, len(use))
    names = [name.replace("customs/import-usd", "comtrade/export-usd") for name in columns.names]
    both = Columns(
        columns.names + tuple(name for name, one in zip(names, mine, strict=True) if one),
        np.concatenate([columns.rows, place[columns.rows[use]]]),
        np.concatenate([columns.periods, columns.periods[use]]),
        np.concatenate([columns.available, columns.available[use]]),
        np.concatenate([columns.values, np.round(columns.values[use] * noise, 2)]),
        np.concatenate([columns.calendar, columns.calendar[use]]),
    )
    more = [
        replace(one, name=name, valuation="FOB")
        for one, name, mirrored in zip(told, names, mine, strict=True) if mirrored
    ]  # fmt: skip
    return both, told + more


def known(columns: Columns, since: datetime | None, until: datetime) -> Columns:
    """The rows that became known in [since, until)."""
    low = 0 if since is None else int(since.timestamp() * 1e6)
    use = (columns.available >= low) & (columns.available < int(until.timestamp() * 1e6))
    return Columns(
        columns.names, columns.rows[use], columns.periods[use], columns.available[use],
        columns.values[use], columns.calendar[use],
    )  # fmt: skip


# --------------------------------------------------------------------------- the phases


def stored(home: Path, items: int | None) -> dict[str, object]:
    """An empty store takes all that was known before the newest month."""
    columns, told = trade(items)
    first = known(columns, None, BEFORE)
    clock, store = Clock(), Store.open(home)
    with clock.step("describe series"):
        store.describe_series(told)
    with clock.step("store values"):
        rows = store.save_columns(first)
    return clock.told(rows=rows, series=len(told))


def first_turn(home: Path, items: int | None) -> dict[str, object]:
    """Everything judged for the first time, vulnerability computed, and lists read."""
    del items
    clock, store = Clock(), Store.open(home)
    found = _measured(clock, store, BEFORE)
    with clock.step("vulnerability"):
        watched = watching(store, BEFORE)
    with clock.step("lists"):
        page = store.series_page(Wanted(sort="found"), 0, 100)
        store.series_page(Wanted(), page.count // 2, 100)
        store.series_facets(), store.detections(limit=1000), store.newest_vulnerabilities()
    return clock.told(vulnerabilities=watched.rows, listed=page.count, **found)


def month(home: Path, items: int | None) -> dict[str, object]:
    """One more month of every series: stored, and judged."""
    columns, _ = trade(items)
    new = known(columns, BEFORE, AFTER)
    clock, store = Clock(), Store.open(home)
    with clock.step("store values"):
        rows = store.save_columns(new)
    return clock.told(rows=rows, **_measured(clock, store, AFTER))


def _measured(clock: Clock, store: Store, now: datetime) -> dict[str, object]:
    with clock.step("what waits"):
        waiting = store.waiting_series(now)
    with clock.step("detectors"):
        found = Measurer(store).measure(shipped_ruleset(now), waiting, (), now)
    with clock.step("keep"), store.begin() as tx:
        tx.save_detections(found.detections)
        tx.save_turns(found.turns)
        tx.mark_scored(found.read, now)
    return {
        "waiting": len(waiting), "detections": len(found.detections),
        "tests": {one.detector: one.tests for one in found.turns},
        "expected_false_alarms": round(sum(one.expected for one in found.turns), 3),
    }  # fmt: skip


def rivals(home: Path, items: int | None) -> dict[str, object]:
    """The same rows in other hands."""
    columns, _ = trade(items)
    first, clock = known(columns, None, BEFORE), Clock()
    with tempfile.TemporaryDirectory() as folder:
        with clock.step("executemany"):
            _plain(Path(folder) / "plain.db", first)
        sample = pandas.DataFrame({
            "series": np.array(first.names)[first.rows[:SAMPLE]], "period": first.periods[:SAMPLE],
            "available_at": first.available[:SAMPLE], "value": first.values[:SAMPLE],
        })  # fmt: skip
        with clock.step("to_sql"):
            sample.to_sql("rows", sa.create_engine(f"sqlite:///{folder}/pandas.db"), index=False)
    with clock.step("rolling z"):
        judged = _rolling_z(home)
    return clock.told(rows=len(first.rows), to_sql_rows=len(sample), rolling_z_series=judged)


def _plain(path: Path, columns: Columns) -> None:
    """One INSERT of every row by the driver itself, into the same table without our checks."""
    line = sqlite.connect(str(path))
    line.execute("PRAGMA journal_mode=WAL")
    line.execute(
        "CREATE TABLE series_values (series_id INTEGER, period INTEGER, available_at INTEGER, "
        "value REAL, calendar INTEGER, PRIMARY KEY (series_id, period, available_at)) WITHOUT ROWID"
    )
    lists = (columns.rows, columns.periods, columns.available, columns.values, columns.calendar)
    rows = zip(*(one.tolist() for one in lists), strict=True)
    line.executemany("INSERT INTO series_values VALUES (?,?,?,?,?)", rows)
    line.commit()
    line.close()


def _rolling_z(home: Path) -> int:
    """What pandas makes of the stored rows: z of each value against the two years before it."""
    query = "SELECT series_id, period, value FROM series_values ORDER BY series_id, period"
    with open_engine(home).connect() as line:
        table = pandas.read_sql(sa.text(query), line)
    before = table.groupby("series_id")["value"].shift(1)
    window = before.groupby(table["series_id"]).rolling(WINDOW, min_periods=WINDOW)
    mean, std = window.mean().to_numpy(), window.std().to_numpy()
    table["z"] = (table["value"].to_numpy() - mean) / std
    newest = table.groupby("series_id")["z"].last()
    return int(newest.notna().sum())


Phase = Callable[[Path, int | None], dict[str, object]]
PHASES: dict[str, Phase] = {
    "store": stored, "rivals": rivals, "turn": first_turn, "month": month,
}  # fmt: skip


# --------------------------------------------------------------------------- all of it


def run(items: int | None) -> dict[str, object]:
    """Every phase, each in a process of its own, over one home."""
    load = os.getloadavg()[0]
    found: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as home:
        for name in PHASES:
            command = [sys.executable, "-m", __spec__.name, "--phase", name, "--home", home]
            command += [] if items is None else ["--items", str(items)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found[name] = json.loads(done.stdout)
            print(table({name: found[name]}), flush=True)
        size = sum(path.stat().st_size for path in Path(home).iterdir())
    return {
        "data": "synthetic", "seed": SEED, "home_mb": round(size / 1e6), "phases": found,
        "bars": bars(found), "ratios": ratios(found),
        "machine": {
            "cores": os.cpu_count(), "load_before": round(load, 1),
            "load_after": round(os.getloadavg()[0], 1), "python": platform.python_version(),
            "cpu": platform.machine(),
        },
    }  # fmt: skip


def bars(found: dict[str, dict[str, object]]) -> dict[str, bool]:
    """Which of what was asked for is met."""
    told = {
        f"{name} < {most:g} s": float(str(found[name]["s"])) < most for name, most in BARS.items()
    }
    peak = max(float(str(found[name]["peak_gb"])) for name in BARS)
    return told | {f"memory < {MOST_GB:g} GB": peak < MOST_GB}


def ratios(found: dict[str, dict[str, object]]) -> dict[str, float]:
    """How many times as fast as each rival, rows for rows, in this run."""

    def seconds(phase: str, *steps: str) -> float:
        told = found[phase]["steps"]
        assert isinstance(told, dict)
        return float(sum(told[step]["s"] for step in steps))

    rows, sample = (float(str(found["rivals"][key])) for key in ("rows", "to_sql_rows"))
    ours = seconds("store", "store values")
    judging = seconds("turn", "what waits", "detectors", "keep")
    return {
        "stored_against_executemany": round(seconds("rivals", "executemany") / ours, 2),
        "stored_against_pandas_to_sql": round(
            seconds("rivals", "to_sql") / sample * rows / ours, 2
        ),
        "all_detectors_against_one_rolling_z": round(seconds("rivals", "rolling z") / judging, 2),
    }


def table(found: dict[str, dict[str, object]]) -> str:
    lines = []
    for phase, told in found.items():
        steps = told["steps"]
        assert isinstance(steps, dict)
        for name, one in {**steps, "together": {"s": told["s"], "cpu_s": told["cpu_s"]}}.items():
            lines.append(
                f"{phase:7} {name:16} {one['s']:8.2f} s  {one['cpu_s']:8.2f} s of processor"
            )
        rest = {key: value for key, value in told.items() if key not in ("steps", "s", "cpu_s")}
        lines.append(f"{phase:7} {rest}")
    return "\n".join(lines)


def indices() -> str:
    """Vulnerability of all items and how far its ranks hang on the weights: seconds and figures."""
    clock, weights = Clock(), read_weights()
    with clock.step("make"):
        made = synthetic_trade(1)
    with clock.step("arrays"):
        trade = trade_of(made.names, made.row, made.period, made.value)
    with clock.step("indices"):
        month = datetime(2024, 7, 1, tzinfo=UTC)
        rows = vulnerabilities(trade, weights, month, datetime(2024, 9, 1, tzinfo=UTC))
    with clock.step("sensitivity"):
        found = sensitivity(rows, weights)
    wide = np.array([one.high - one.low for one in sorted(found.ranks, key=lambda one: one.rank)])
    without = sorted(found.shift_without.items(), key=lambda pair: -pair[1])
    return (
        f"{len(made.value):,} rows, {len(rows):,} items, {clock.steps}\nshift {found.shift:.0f}, "
        f"interval {np.median(wide):.0f}, of the first 100 {np.median(wide[:100]):.0f}, without: "
        + ", ".join(f"{name} {shift:.0f}" for name, shift in without[:2])
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, help="of so many items only; writes no file")
    parser.add_argument("--indices", action="store_true", help="vulnerability by itself")
    parser.add_argument("--phase", choices=PHASES, help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.phase:
        print(json.dumps(PHASES[given.phase](given.home, given.items)))
        return
    if given.indices:
        print(indices())
        return
    found = run(given.items)
    print(json.dumps({key: found[key] for key in ("bars", "ratios", "machine")}, indent=1))
    if given.items is None:
        kept = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
        kept["scale"] = found
        FILE.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
