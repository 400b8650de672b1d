"""Simulated outbreaks: who finds them, how soon, at which rate of false alarms?

`python -m tests.bench_outbreak [--quick]` writes `docs/bench/detectors.json` (key "outbreak") and
the picture; `--tails` makes the table of `ews.detectors.nb_cusum_tails`, `--c3` that of `ears`. The
design, fixed before any tuning, is in `outbreak_simulation`. All detectors look upwards, as EARS
does; a false alarm is a judged day above the threshold in a series in which nothing happens.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from ews.detectors import ears, nb_cusum
from ews.detectors.panel import Bools, Floats, Panel
from ews.model import Frequency
from tests import outbreak_simulation as sim
from tests.outbreak_drawing import amoc_picture

BENCH = Path(__file__).parent.parent / "docs" / "bench"
RATES = (0.0001, 0.001, 0.01)
BAR_RATE = 0.001
PUBLISHED = {"ears_c1": 0.27, "ears_c2": 0.40, "ears_c3": 0.47, "nb_cusum": "0.80-0.93"}


def _naive(panel: Panel) -> Floats:
    """(x - mean) / sd of the 365 values before it: the naive z."""
    total = np.cumsum(np.pad(panel.values, ((0, 0), (1, 0))), axis=1)
    square = np.cumsum(np.pad(panel.values**2, ((0, 0), (1, 0))), axis=1)
    mean = (total[:, 365:-1] - total[:, :-366]) / 365
    variance = (square[:, 365:-1] - square[:, :-366]) / 365 - mean**2
    score = np.full(panel.values.shape, np.nan)
    score[:, 365:] = (panel.values[:, 365:] - mean) / np.sqrt(np.maximum(variance, 0.25))
    return score


def side(panel: Panel, params: Mapping[str, float], up: bool = True) -> Floats:
    """[n, t] one chart of the CUSUM."""
    parts = [
        nb_cusum.charts(panel, slice(i, i + nb_cusum.ROWS), params)[0 if up else 1]
        for i in range(0, len(panel.names), nb_cusum.ROWS)
    ]
    return np.concatenate(parts)


DETECTORS: Mapping[str, Callable[[Panel], Floats]] = {
    "naive_z": _naive,
    "ears_c1": lambda panel: ears.deviations(panel.values, 0)[0],
    "ears_c2": lambda panel: ears.deviations(panel.values, ears.LAG)[0],
    "ears_c3": lambda panel: ears.three(ears.deviations(panel.values, ears.LAG)[0]),
    "poisson_cusum": lambda panel: side(panel, {"poisson": 1.0}),
    "nb_cusum": lambda panel: side(panel, {}),
}


def judged(scores: Floats) -> Floats:
    return scores[:, sim.LEARN :]


def rate(alarms: Bools) -> dict[str, float]:
    """Share of days with an alarm; its 95% interval takes a series as one draw (days cluster)."""
    each = alarms.mean(axis=1)
    half = 1.96 * each.std(ddof=1) / np.sqrt(len(each))
    return {"rate": float(each.mean()), "low": float(each.mean() - half),
            "high": float(each.mean() + half)}  # fmt: skip


def episodes_a_year(alarms: Bools) -> float:
    """Alarms that follow one another count once."""
    begins = alarms.copy()
    begins[:, 1:] &= ~alarms[:, :-1]
    return float(begins.sum() / alarms.size * 365.25)


def found_after(scores: Floats, threshold: float, data: sim.Simulated) -> Floats:
    """[n] days from the pulse's first day to the first alarm in it; NaN: not found."""
    day = np.arange(scores.shape[1])
    after = day - data.onset[:, None]
    hits = (scores > threshold) & (after >= 0) & (after < data.days[:, None])
    return np.where(hits.any(axis=1), np.argmax(hits, axis=1) - data.onset, np.nan)


def told(found: Floats, data: sim.Simulated) -> dict[str, Any]:
    """Sensitivity in all, by every trait of the series, and timeliness."""
    hit = ~np.isnan(found)

    def by(trait: Floats, names: Mapping[float, str]) -> dict[str, float]:
        return {name: round(float(hit[trait == key].mean()), 3) for key, name in names.items()}

    half = 1.96 * float(hit.std()) / np.sqrt(len(hit))
    late = np.where(hit, found, data.days)
    kind = data.level * 1000 + data.r
    kinds = {
        level * 1000 + r: f"mean {level:g}, " + (f"negative binomial r={r:g}" if r else "Poisson")
        for level in sim.LEVELS
        for r in sim.SIZES_NB
    }
    return {
        "sensitivity": round(float(hit.mean()), 4),
        "interval": [round(float(hit.mean()) - half, 4), round(float(hit.mean()) + half, 4)],
        "days_median_of_found": float(np.median(found[hit])) if hit.any() else None,
        "days_mean_missed_count_whole": round(float(late.mean()), 2),
        "by_size": by(data.size, {s: f"{s:g}" for s in np.unique(data.size)}),
        "by_days": by(data.days, {d: f"{d}" for d in sim.PULSE_DAYS}),
        "by_shape": by(data.shape, dict(enumerate(sim.SHAPES))),
        "by_baseline": by(kind, kinds),
    }


def nominal(name: str, scores: Floats) -> Floats | None:
    """The tail that the detector itself gives, one-sided; None where it has none."""
    if name == "nb_cusum":
        return nb_cusum.tail_of(scores, Frequency.DAY, True)
    if name in ("ears_c1", "ears_c2"):
        return np.asarray(student.sf(scores / np.sqrt(8 / 7), 6))
    return ears.c3_tail(scores) if name == "ears_c3" else None


def curve(quiet: Floats, pulsed: Floats, data: sim.Simulated) -> list[tuple[float, float, float]]:
    """AMOC: (false alarms a series-year, mean days to detection, sensitivity) by threshold."""
    points = []
    for share in np.geomspace(3e-5, 3e-2, 13):
        threshold = float(np.nanquantile(quiet, 1 - share))
        found = found_after(pulsed, threshold, data)
        late = float(np.where(np.isnan(found), data.days, found).mean())
        hit = float((~np.isnan(found)).mean())
        points.append((episodes_a_year(quiet > threshold), late, hit))
    return points


def measure(
    name: str, detect: Callable[[Panel], Floats], sets: Mapping[str, sim.Simulated]
) -> tuple[dict[str, Any], list[tuple[float, float, float]]]:
    """All figures of one detector; thresholds come from series of their own."""
    setting, quiet = (judged(detect(sets[key].panel)) for key in ("setting", "quiet"))
    pulsed, hard = detect(sets["pulses"].panel), detect(sets["hard"].panel)
    tail = nominal(name, quiet)
    rates = []
    for share in RATES:
        threshold = float(np.nanquantile(setting, 1 - share))
        row: dict[str, Any] = {"set": share, "threshold": threshold,
                                  "achieved": rate(quiet > threshold)}  # fmt: skip
        row["episodes_per_year"] = episodes_a_year(quiet > threshold)
        row["sensitivity"] = float(
            (~np.isnan(found_after(pulsed, threshold, sets["pulses"]))).mean()
        )
        if tail is not None:
            row["achieved_by_its_own_tail"] = rate(tail <= share)
        rates.append(row)
    at = float(np.nanquantile(setting, 1 - BAR_RATE))
    result = {
        "rates": rates,
        "pulses": told(found_after(pulsed, at, sets["pulses"]), sets["pulses"]),
        "smaller_pulses": told(found_after(hard, at, sets["hard"]), sets["hard"])["by_size"],
        "published_sensitivity": PUBLISHED.get(name),
    }
    return result, curve(quiet, pulsed, sets["pulses"])


def drops(repeats: int) -> dict[str, Any]:
    """Falls, which matter most for transits: each detector mirrored, at the same rate."""
    setting = sim.quiet(sim.SEED_THRESHOLDS, 12 * repeats).panel
    data = sim.pulses(sim.SEED_DROPS, repeats, sim.DROPS, drop=True)
    mirrored: Mapping[str, Callable[[Panel], Floats]] = {
        "ears_c2": lambda panel: -ears.deviations(panel.values, ears.LAG)[0],
        "ears_c3": lambda panel: ears.three(-ears.deviations(panel.values, ears.LAG)[0]),
        "nb_cusum": lambda panel: side(panel, {}, up=False),
    }
    found = {}
    for name, detect in mirrored.items():
        at = float(np.nanquantile(judged(detect(setting)), 1 - BAR_RATE))
        found[name] = told(found_after(detect(data.panel), at, data), data)
    return found


def checks(repeats: int) -> dict[str, Any]:
    """The CUSUM's own tail by the age of the series, and what the edge of the baseline is worth."""
    panel = sim.quiet(sim.SEED_QUIET, repeats).panel

    def rates(scores: Floats, up: bool, bound: bool = False) -> dict[str, float]:
        tail = np.exp(-scores) if bound else nb_cusum.tail_of(scores, Frequency.DAY, up)
        return {f"{share:g}": float((tail <= share).mean()) for share in RATES}

    result: dict[str, Any] = {}
    for up, name in ((True, "up"), (False, "down")):
        scores = side(panel, {}, up)
        ages = ((56, 90), (90, 150), (150, 250), (250, 365), (365, 480), (480, 731), (731, 1096))
        result[name] = {f"days {a}-{b}": rates(scores[:, a:b], up) for a, b in ages}
        result[f"{name}, at the bound exp(-score)"] = rates(judged(scores), up, bound=True)
        middle = judged(side(panel, {"doubt": 0.0}, up))
        result[f"{name}, at the bound, against the middle"] = rates(middle, up, bound=True)
    return result


def bars(found: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The two bars of the issue, by the detector's own tail where it is met or missed."""
    row = found["nb_cusum"]["rates"][RATES.index(BAR_RATE)]
    own = row["achieved_by_its_own_tail"]
    return {
        "false_alarm_rate": row["achieved"]["rate"],
        "mean_sensitivity": found["nb_cusum"]["pulses"]["sensitivity"],
        "mean_sensitivity_at_least_0.85": found["nb_cusum"]["pulses"]["sensitivity"] >= 0.85,
        "interval_holds_set_rate_threshold_of_other_series": row["achieved"]["low"]
        <= BAR_RATE
        <= row["achieved"]["high"],
        "interval_holds_set_rate_own_tail": own["low"] <= BAR_RATE <= own["high"],
    }


def run(quiet: int = sim.QUIET_SERIES, repeats: int = sim.PULSE_REPEATS) -> dict[str, Any]:
    begin = time.perf_counter()
    sets = {
        "setting": sim.quiet(sim.SEED_THRESHOLDS, quiet),
        "quiet": sim.quiet(sim.SEED_QUIET, quiet),
        "pulses": sim.pulses(repeats=repeats),
        "hard": sim.pulses(sim.SEED_HARD, max(1, repeats // 2), sim.HARD_SIZES),
    }
    found, curves = {}, {}
    for name, detect in DETECTORS.items():
        found[name], curves[name] = measure(name, detect, sets)
    return {
        "data": "synthetic",
        "judged_days_in_control": sets["quiet"].panel.values[:, sim.LEARN :].size,
        "pulses": len(sets["pulses"].panel.names),
        "bars": bars(found),
        "detectors": found,
        "drops": drops(max(1, repeats // 2)),
        "tail_checks": checks(max(1, quiet // 2)),
        "amoc": {name: [[round(v, 5) for v in point] for point in points]
                 for name, points in curves.items()},
        "seconds": round(time.perf_counter() - begin, 1),
    }  # fmt: skip


def keep(path: Path, key: str, value: object) -> None:
    """Write one key of a JSON file; the others stay."""
    all_ = json.loads(path.read_text()) if path.exists() else {}
    all_[key] = value
    path.write_text(json.dumps(all_, indent=1, ensure_ascii=False) + "\n")


def tails(batches: int = 10, repeats: int = 200) -> None:
    """Print the table of `nb_cusum_tails`: shares of judged periods at or above each score."""
    makers: Mapping[Frequency, tuple[Callable[[int], Panel], int]] = {
        Frequency.DAY: (lambda seed: sim.quiet(seed, repeats).panel, sim.LEARN),
        Frequency.WEEK: (lambda seed: sim.quiet_weeks(seed, repeats), 104),
        Frequency.MONTH: (lambda seed: sim.quiet_months(seed, repeats), 36),
    }
    for frequency, (make, first) in makers.items():
        reached, total = np.zeros((2, 13)), 0
        for batch in range(batches):
            panel = make(sim.SEED_TAILS + 100 * batch)
            for row, up in enumerate((True, False)):
                scores = side(panel, {}, up)[:, first:]
                reached[row] += [(scores > 0).sum(), *((scores >= s).sum() for s in range(1, 13))]
            total += scores.size
        for row, up in enumerate((True, False)):
            print(f"    (Frequency.{frequency.name}, {up}): (  # {total:,}")
            often = reached[row][reached[row] >= 30] / total  # fewer say little
            print("        " + ", ".join(f"{value:.3g}" for value in often) + "),")


def c3_table() -> None:
    """Print shares of C3 at or above each knot of `ears.C3_KNOTS`, normal values."""
    dice, reached, total = np.random.default_rng(3), np.zeros(len(ears.C3_KNOTS)), 0
    for _ in range(40):
        c3 = ears.three(ears.deviations(dice.normal(size=(2000, 1011)), ears.LAG, 1e-9)[0])[:, 11:]
        reached += [(c3 >= knot).sum() for knot in ears.C3_KNOTS]
        total += c3.size
    print(total, (reached / total).tolist())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--quick", "--tails", "--c3"):
        parser.add_argument(option, action="store_true")
    chosen = parser.parse_args()
    if chosen.tails:
        return tails()
    if chosen.c3:
        return c3_table()
    found = run(4, 1) if chosen.quick else run()
    print(json.dumps(found["bars"], indent=1))
    if not chosen.quick:
        keep(BENCH / "detectors.json", "outbreak", found)
        (BENCH / "outbreak-amoc.svg").write_text(amoc_picture(found["amoc"]))


if __name__ == "__main__":
    main()
