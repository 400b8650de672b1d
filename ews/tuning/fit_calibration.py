"""Fits the calibration of numeric detectors: `python -m ews.tuning.fit_calibration --data D`.

Null data are synthetic series (ews.tuning.null_series) and, of the recorded ones under D (the
folder with `trade`), windows that are no test: 2019 to 2022 of the mirror and chokepoint series
and prices from 2019 are left out, and every dated event. Recorded windows hold crises that nobody
listed, which errs on the safe side. `--check` fits on half of the series and prints how often the
other half alarms at set rates. The table goes to ews/detectors/calibration.json.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from ews.detectors.achieved import poisson_interval
from ews.detectors.calibration import Calibration, class_of, to_json
from ews.detectors.calibration_fit import Null, curve_of, fit
from ews.detectors.dated import dated_events, touched
from ews.detectors.derived import derive
from ews.detectors.numeric import NUMERIC, Numeric
from ews.detectors.panel import Bools, Floats, Panel, blocks, panel_of
from ews.detectors.stopped import filled
from ews.model import Direction, Frequency
from ews.tuning.null_series import MAKERS, null_panels
from ews.tuning.series import convert_series, read_series

TABLE = Path(__file__).parents[1] / "detectors" / "calibration.json"
SEED = 20230101
COUNT = 1500  # synthetic series a class
DAILY = frozenset({"portwatch", "eia"})
# Windows of the recorded series, first and last month, that are no test of the detectors.
WINDOWS = {
    "pinksheet": (("1985-01", "2018-12"),),
    "eia": (("1995-01", "2018-12"),),
    "gscpi": (("1998-01", "2018-12"),),
    "comtrade": (("2017-01", "2018-12"), ("2023-02", "2023-06")),
    "mirror": (("2017-01", "2018-12"), ("2023-02", "2023-06")),
    "portwatch": (("2023-01", "2023-09"),),
}
# Nominal tails are two-sided. Where one direction alone is told, half of it is the tail; taken only
# for monthly trade and shares, whose other made-up world (tests/bench_service.py, on which nothing
# is fitted) bears it out. Counts and tonnage have no null data that would.
HALF = frozenset({
    ("change_point", "flows-kg"), ("change_point", "flows-usd"), ("concentration", "shares"),
})  # fmt: skip
RATES = (0.01, 0.001, 0.0001)
Key = tuple[str, str, str]  # detector, class, basis
Nulls = Mapping[Key, Sequence[Null]]


def synthetic_nulls(detectors: Iterable[Numeric], count: int, seed: int) -> dict[Key, list[Null]]:
    """What each detector says of the null series of the classes that it reads."""
    found: dict[Key, list[Null]] = defaultdict(list)
    for kind in MAKERS:
        mine = [one for one in detectors if kind in one.told]
        for panel in null_panels(kind, count, seed) if mine else ():
            for one in mine:
                found[one.name, kind, "synthetic"].append(null_of(one, kind, panel))
    return found


def recorded_nulls(detectors: Iterable[Numeric], data: Path) -> dict[Key, list[Null]]:
    """What each detector says of the recorded series in the windows that are no test."""
    found: dict[Key, list[Null]] = defaultdict(list)
    for panel in recorded_panels(data):
        kind = class_of(panel.measures()[0])
        quiet = quiet_periods(panel)
        for one in detectors:
            if kind in one.told and quiet.any():
                found[one.name, kind, "recorded"].append(null_of(one, kind, panel, quiet))
    return found


def null_of(detector: Numeric, kind: str, panel: Panel, quiet: Bools | None = None) -> Null:
    """A detector's tails on a panel. A move that the detector does not tell is a test without an
    alarm: its tail counts as 1. A detector of pauses judges those and nothing else."""
    scores = detector.score(filled(panel) if detector.fills else panel, {}, None)
    told = detector.told[kind]
    heard = np.where(scores.up, Direction.UP in told, Direction.DOWN in told)
    tails = np.where(heard | np.isnan(scores.tail), scores.tail, 1.0)
    if detector.pauses:
        tails[~np.isnan(panel.values)] = np.nan
    tails = tails if quiet is None else np.where(quiet, tails, np.nan)
    return Null(tails, scores.up, 0.5 if (detector.name, kind) in HALF else 1.0)


def recorded_panels(data: Path) -> Iterator[Panel]:
    """The recorded series, and what follows from them, a panel each class and provider."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "series.csv"
        convert_series(data, file)
        observations = read_series([file])
    groups: dict[str, list[int]] = defaultdict(list)
    for at, obs in enumerate(observations):
        groups[obs.parts[0]].append(at)
    for provider, places in sorted(groups.items()):
        mine = [observations[at] for at in places]
        names = tuple(sorted({obs.series for obs in mine}))
        index = {name: at for at, name in enumerate(names)}
        panel = panel_of(
            names,
            Frequency.DAY if provider in DAILY else Frequency.MONTH,
            np.array([index[obs.series] for obs in mine], np.intp),
            np.array([obs.observed_at.replace(tzinfo=None) for obs in mine], "M8[D]"),
            np.array([obs.available_at.replace(tzinfo=None) for obs in mine], "M8[us]"),
            np.array([obs.value for obs in mine], np.float64),
            datetime(2100, 1, 1, tzinfo=UTC),
        )
        whole = blocks(panel) if provider in DAILY else panel
        yield from by_class(whole)
        yield from by_class(derive(whole))


def by_class(panel: Panel) -> Iterator[Panel]:
    """The rows of each class of measure."""
    kinds = np.array([class_of(measure) for measure in panel.measures()])
    for kind in sorted(set(kinds.tolist())):
        yield panel.rows(kinds == kind)


def quiet_periods(panel: Panel) -> Bools:
    """[n, t] inside a window of the provider and touched by no dated event."""
    provider = panel.names[0].split("/", 1)[0]
    months = panel.periods.astype("M8[M]")
    inside = np.zeros(len(months), np.bool_)
    for first, last in WINDOWS.get(provider, ()):
        inside |= (months >= np.datetime64(first)) & (months <= np.datetime64(last))
    length = 6 if panel.frequency in (Frequency.DAY, Frequency.WEEK) else 30
    events = touched(dated_events(), panel.names, panel.periods, panel.periods + length)
    quiet: Bools = inside[None, :] & ~events
    return quiet


# --------------------------------------------------------------------------- checking


def halves(nulls: Sequence[Null]) -> tuple[list[Null], list[Null]]:
    """Every second series, and the others."""
    even = [replace(one, tails=one.tails[::2], up=one.up[::2]) for one in nulls]
    return even, [replace(one, tails=one.tails[1::2], up=one.up[1::2]) for one in nulls]


def held_out(nulls: Nulls) -> Iterator[str]:
    """Rows of a table: half of the series under the curve of the other half, of one basis."""
    for (detector, kind, basis), some in sorted(nulls.items()):
        known, held = halves(some)
        curve = curve_of(detector, kind, basis, known)
        if curve is not None:
            yield _row(f"{detector} | {kind} | {basis}, other half", held, curve.p)


def recorded_under(calibration: Calibration, nulls: Nulls) -> Iterator[str]:
    """Rows of a table: the recorded windows under the whole calibration, as it is shipped."""
    for (detector, kind, basis), some in sorted(nulls.items()):
        if basis == "recorded":
            p = partial(calibration.p, detector, kind)
            yield _row(f"{detector} | {kind} | recorded, shipped table", some, p)


def heading() -> str:
    heads = " | ".join(f"{rate:g}: set, came (95%)" for rate in RATES)
    return f"| detector | class | null data | tests | {heads} |\n|---|---|---|---|{'---|' * len(RATES)}"


def _row(name: str, nulls: Sequence[Null], p: Callable[[Floats], Floats]) -> str:
    """Alarms that came at each rate, and the exact interval of their mean, against what was set."""
    tests = sum(int((~np.isnan(one.tails)).sum()) for one in nulls)
    cells = []
    for rate in RATES:
        came = sum(_runs(p(one.tails) <= rate, one.up) for one in nulls)
        low, high = poisson_interval(came)
        cells.append(f"{rate * tests:.1f}, {came} ({low:.1f} to {high:.1f})")
    return f"| {name} | {tests:,} | {' | '.join(cells)} |"


def _runs(alarms: Bools, up: Bools) -> int:
    begun = alarms.copy()
    begun[:, 1:] &= ~(alarms[:, :-1] & (up[:, 1:] == up[:, :-1]))
    return int(begun.sum())


def described(calibration: Calibration) -> str:
    """One line a curve: what p a nominal tail of 1e-4 and 1e-8 gets."""
    lines = []
    for one in calibration.curves:
        p4, p8 = one.p(np.array([1e-4, 1e-8]))
        lines.append(
            f"{one.detector} {one.kind} {one.basis}: {one.tests:,} tests, to x={one.x[-1]:g}, "
            f"shape {one.shape:g}, 1e-4 -> {p4:.1e}, 1e-8 -> {p8:.1e}"
        )
    return "\n".join(lines)


def fitted(data: Path | None, count: int, names: Sequence[str] = ()) -> tuple[Calibration, Nulls]:
    """The calibration and the null data it rests on; of some detectors when `names` are given."""
    detectors = [one for one in NUMERIC.values() if not names or one.name in names]
    nulls = synthetic_nulls(detectors, count, SEED)
    on = [f"synthetic null series (ews.tuning.null_series), {count} a class, seed {SEED}"]
    if data is not None:
        nulls |= recorded_nulls(detectors, data)
        on += [
            f"recorded {provider}: " + ", ".join(f"{a} to {b}" for a, b in spans)
            for provider, spans in WINDOWS.items()
        ]
        on.append("without the windows of ews/detectors/data/dated_events.csv")
    return fit(nulls, on), nulls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="recorded data; without it synthetic only")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", nargs="*", default=[], help="detectors; nothing is written")
    parser.add_argument("--out", type=Path, default=TABLE)
    given = parser.parse_args()
    calibration, nulls = fitted(given.data, given.count, given.only)
    print(described(calibration))
    if given.check:
        print(heading(), *held_out(nulls), *recorded_under(calibration, nulls), sep="\n")
    elif not given.only:
        given.out.write_text(to_json(calibration), encoding="utf-8")


if __name__ == "__main__":
    main()
