"""Seconds of a backtest of half a year beside a full replay: `python -m tests.bench_tuning`.

Rival: the period played again through the live stages under the changed rules (`ews replay --rules`),
texts that were tagged not read again. Ours: the same change on the tape, to a full score, and twenty
moves of a slider. Measured and printed, never asserted; figures go to docs/bench/tuning.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from alerts.routing import load_routes
from alerts.rulebook import with_keys
from ews.cli.opening import build_pipeline
from ews.cli.tune import recorded
from ews.config import load_settings
from ews.model import RuleSet, flatten, utc
from ews.reports import Names
from ews.storage import Store
from ews.tuning.backtest import Backtest, Memory, backtest
from ews.tuning.casebook import references
from ews.tuning.desk import Desk
from ews.tuning.desk_shapes import Candidate, Period
from ews.tuning.matching import Matcher
from ews.tuning.replay import compare, replay
from ews.tuning.score import score
from ews.tuning.scored import Window
from ews.tuning.tape import tape_of
from graph import build_network

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("EWS_RECORDED_DATA", ROOT.parent / "shared" / "data"))
FEED = DATA / "feeds" / "rss2023" / "rss_2023_h2.jsonl.gz"
SINCE, UNTIL = utc("2023-07-01"), utc("2024-01-01")
KEY = "rules.caution-item.when.chance.raise_at"
T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, dict[str, float]]:
    """What the work gives, with its wall and CPU seconds; on a busy machine they lie far apart."""
    wall, cpu = time.perf_counter(), time.process_time()
    done = work()
    return done, {
        "wall_s": round(time.perf_counter() - wall, 4),
        "cpu_s": round(time.process_time() - cpu, 4),
    }


def over(runs: list[dict[str, float]]) -> dict[str, float]:
    return {
        f"{name}_{kind}": value(run[kind] for run in runs)
        for kind in ("wall_s", "cpu_s")
        for name, value in (
            ("median", lambda all_: round(statistics.median(all_), 4)),
            ("max", max),
        )
    }


def made(home: Path) -> None:
    """The half year played into that home."""
    store = Store.open(home)
    last = (UNTIL - timedelta(days=1)).date()
    replay(
        build_pipeline(load_settings(home), store, None),
        recorded([FEED], [], SINCE.date(), last), SINCE.date(), last, feeds=[str(FEED)],
    )  # fmt: skip
    store.close()


def with_value(base: RuleSet, key: str, factor: float) -> RuleSet:
    """Raise and clear threshold times the factor."""
    moved: dict[str, object] = {}
    for end in (key, key.replace("raise_at", "clear_at")):
        table: object = base.rules
        for part in end.split("."):
            assert isinstance(table, Mapping)
            table = table[part]
        assert isinstance(table, float)
        moved[end] = table * factor
    rules = with_keys(base.rules, moved)
    return RuleSet(base.version + 1, "bench", f"{key} x {factor}", base.created_at, rules)


def ours(store: Store, home: Path, episodes: Path | None) -> dict[str, object]:
    network, routes = build_network(), load_routes()
    base = store.ruleset()
    assert base is not None
    memory, window = Memory(), Window(SINCE, UNTIL)
    known = references(store, [episodes] if episodes else [])
    matcher = Matcher(known.episodes)

    def scored(rules: RuleSet) -> Backtest:
        done = backtest(tape, rules, routes, memory)
        score(done.raised, known.episodes, known.traps, window, None, done.loads, matcher)
        return done

    cache = home / "bench-tapes"
    tape, built = timed(lambda: tape_of(store, network, SINCE, UNTIL, cache))
    tape, loaded = timed(lambda: tape_of(store, network, SINCE, UNTIL, cache))
    cold, cold_s = timed(lambda: backtest(tape, base, routes, memory))
    _, first_s = timed(lambda: scored(base))
    _, change_s = timed(lambda: scored(with_value(base, KEY, 1.5)))
    slider = [
        timed(lambda factor=factor: backtest(tape, with_value(base, KEY, factor), routes, memory).raised)[1]
        for factor in (0.5 + 0.075 * n for n in range(20))
    ]  # fmt: skip
    return {
        "revisions": len(tape.columns.of_tick), "alerts": len(cold.alerts),
        "episodes": len(known.episodes), "tape_built": built, "tape_loaded": loaded,
        "cold_backtest": cold_s, "first_full_score": first_s,
        "threshold_change_to_full_score": change_s,
        "slider": over(slider),
    }  # fmt: skip


def desk_slider(store: Store, home: Path) -> dict[str, float]:
    """What the page asks for while a slider is dragged: the desk's answer without loads and curve."""
    settings, base = load_settings(home), store.ruleset()
    assert base is not None
    desk = Desk(store, settings, build_network(), load_routes(), Names())
    period = Period(SINCE, UNTIL)

    def answered(changes: Mapping[str, str]) -> None:
        desk.preview(Candidate(base.version, changes), period, curve=False, loads=False)

    answered({})
    now = flatten(base.rules)[KEY]
    assert isinstance(now, float)
    low = KEY.replace("raise_at", "clear_at")
    moves = [f"{now * (0.5 + 0.075 * n):.6g}" for n in range(20)]
    return over([timed(partial(answered, {KEY: to, low: to}))[1] for to in moves])


def rival(store: Store) -> dict[str, float]:
    """A full replay of the period under the changed rules."""
    base = store.ruleset()
    assert base is not None
    tried = RuleSet(1, "bench", KEY, base.created_at, with_value(base, KEY, 1.5).rules)
    feeds = [Path(one) for one in json.loads(store.get("replay.last") or "{}")["feeds"]]
    last = (UNTIL - timedelta(days=1)).date()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (other, _), seconds = timed(lambda: compare(
            store, tried, lambda s: build_pipeline(load_settings(home), s, None),
            recorded(feeds, [], SINCE.date(), last), home,
        ))  # fmt: skip
        other.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="a home into which the half year was played")
    parser.add_argument("--episodes", type=Path, help="further reference episodes")
    parser.add_argument("--without-rival", action="store_true", help="keep the rival's last figure")
    given = parser.parse_args()
    out = ROOT / "docs" / "bench" / "tuning.json"
    with tempfile.TemporaryDirectory() as folder:
        home = given.home or Path(folder)
        if given.home is None:
            made(home)
        store = Store.open(home)
        figures: dict[str, object] = {
            "machine": {"cores": os.cpu_count(), "python": platform.python_version(),
                        "system": platform.system(), "arch": platform.machine(),
                        "load_before": round(os.getloadavg()[0], 2)},
            "period": [SINCE.date().isoformat(), UNTIL.date().isoformat()], "changed": KEY,
            "ours": ours(store, home, given.episodes), "desk_slider": desk_slider(store, home),
        }  # fmt: skip
        before = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {}
        if given.without_rival and "rival_full_replay" in before:
            figures["rival_full_replay"] = before["rival_full_replay"]
        if not given.without_rival:
            figures["rival_full_replay"] = rival(store)
        figures["load_after"] = round(os.getloadavg()[0], 2)
        store.close()
    text = json.dumps(figures, indent=2, ensure_ascii=False)
    print(text)
    out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
