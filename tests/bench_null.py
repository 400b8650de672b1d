"""How often do value and price detectors speak when nothing happens? `-m tests.bench_null --full`.

`--new-year` prints how often January and February alarm with and without the regressor of the New
Year, `--data D` how often recorded prices of 1990 to 2018 do (D holds trade/); neither writes.

Long synthetic null series (tests/null_series.py) through every detector; the share of tests whose
nominal tail is at or below 0.01 and 0.001, and the share that begins an alarm (alarms that follow
within a quarter are one). Intervals count series, not tests, since tests of one series depend on
each other. Writes the key "null" of docs/bench/detectors.json with --write.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from ews.detectors import change_point, seasonal, stockpiling, stopped
from ews.detectors.panel import Bools, Panel, Scores
from ews.tuning.fit_calibration import recorded_panels
from tests import null_series

FIGURES = Path(__file__).parents[1] / "docs" / "bench" / "detectors.json"
TAILS = (0.01, 0.001)
SEED = 20231201
SIZES = {"quick": (200, 120), "full": (3000, 240)}
Score = Callable[[Panel, Mapping[str, float], int | None], Scores]
DETECTORS: Mapping[str, Score] = {
    "seasonal": seasonal.score,
    "change_point": change_point.score,
    "stockpiling": stockpiling.score,
    "stopped": stopped.score,
}
# series -> (how they are made, their measure, detectors that judge such series)
SERIES: Mapping[str, tuple[null_series.Make, str, str]] = {
    "flows, AR 0.5, t5, season": (
        null_series.flows,
        "import-kg",
        "seasonal change_point stockpiling",
    ),
    "flows, AR 0.9, t5, season": (
        lambda dice, n, t: null_series.flows(dice, n, t, 0.9),
        "import-kg",
        "seasonal change_point stockpiling",
    ),
    "lumpy, 60% zeros": (
        null_series.lumpy,
        "import-kg",
        "seasonal change_point stockpiling stopped",
    ),
    "prices, random walk, t4": (null_series.prices, "price-usd", "seasonal change_point"),
    "flows with a New Year": (null_series.new_year_flows, "import-kg", "seasonal"),
    "pausing trades": (null_series.pausing, "import-kg", "stopped"),
}


def begins(hits: Bools, quiet: int = 3) -> Bools:
    """[n, t] True where an alarm begins: no other in the `quiet` periods before."""
    first = hits.copy()
    for back in range(1, quiet + 1):
        first[:, back:] &= ~hits[:, :-back]
    return first


def rate(hits: Bools, tests: Bools) -> tuple[float, float, float]:
    """Share of tests that hit, and its 95% interval with series as the unit."""
    number = tests.sum()
    share = float(hits.sum() / number)
    left = hits.sum(axis=1) - share * tests.sum(axis=1)
    half = 1.96 * float(np.sqrt((left**2).sum())) / float(number)
    return share, max(share - half, 0.0), share + half


def rows(size: str) -> list[dict[str, object]]:
    """One row a kind of series, detector and nominal tail."""
    n, t = SIZES[size]
    found: list[dict[str, object]] = []
    for label, (make, measure, names) in SERIES.items():
        panel = null_series.panel(make(np.random.default_rng(SEED), n, t), measure)
        for name in names.split():
            told = DETECTORS[name](panel, {}, None)
            tests = np.isfinite(told.tail)
            for tail in TAILS:
                hits = tests & (told.tail <= tail)
                share, low, high = rate(hits, tests)
                found.append({
                    "series": label, "detector": name, "nominal": tail, "tests": int(tests.sum()),
                    "achieved": share, "low": low, "high": high,
                    "alarms": rate(begins(hits), tests)[0],
                })  # fmt: skip
    return found


def table(found: list[dict[str, object]]) -> str:
    lines = ["| synthetic series | detector | nominal | tests | achieved (95%) | alarms begun |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for row in found:
        achieved = f"{row['achieved']:.5f} ({row['low']:.5f}-{row['high']:.5f})"
        lines.append(
            f"| {row['series']} | {row['detector']} | {row['nominal']} | {row['tests']:,} "
            f"| {achieved} | {row['alarms']:.5f} |"
        )
    return "\n".join(lines)


def new_year() -> str:
    """January and February of made-up flows that lose half in a month with the whole New Year."""
    n, t = SIZES["full"]
    made = null_series.panel(null_series.new_year_flows(np.random.default_rng(SEED), n, t))
    lines = []
    for name, on in (("with the regressor", 1.0), ("without it", 0.0)):
        tails = seasonal.score(made, {"holidays": on}).tail[:, null_series.years_start(t)]
        share, low, high = rate(tails <= TAILS[0], np.isfinite(tails))
        lines.append(f"January and February, {name}: {share:.4f} ({low:.4f}-{high:.4f})")
    return "\n".join(lines)


def recorded_prices(data: Path) -> str:
    """Recorded monthly prices of the Pink Sheet, 1990 to 2018, real events included."""
    panel = next(one for one in recorded_panels(data) if one.names[0].startswith("pinksheet/"))
    years = (panel.periods >= np.datetime64("1990")) & (panel.periods < np.datetime64("2019"))
    lines = []
    for score in (seasonal.score, change_point.score):
        tails = score(panel, {}, None).tail[:, years]
        tests = np.isfinite(tails)
        for tail in TAILS:
            hits = tests & (tails <= tail)
            share, begun = rate(hits, tests)[0], rate(begins(hits), tests)[0]
            lines.append(
                f"{len(panel.names)} prices, {score.__module__}, {tests.sum():,} tests, nominal "
                f"{tail}: {share:.4f}, begun {begun:.4f}"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_const", const="quick", dest="size")
    size.add_argument("--full", action="store_const", const="full", dest="size")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--new-year", action="store_true")
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    if given.new_year or given.data:
        print(new_year() if given.new_year else recorded_prices(given.data))
        return
    found = rows(given.size or "quick")
    print(table(found))
    if given.write:
        kept = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {}
        n, t = SIZES[given.size or "quick"]
        kept["null"] = {"series": n, "periods": t, "seed": SEED, "rows": found}
        FIGURES.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
