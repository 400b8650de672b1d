"""The numeric detectors on recorded data, as of every release: `python -m tests.bench_recorded`.

Replays the recorded series with the default false-alarm budget, checks the bars of issue 7, lists
every alarm of 2019-2022, and writes the key "recorded" of docs/bench/detectors.json. What counts
as event-free was committed before tuning (docs/dated-events.md).
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from alerts.rulebook import shipped_ruleset
from ews.detectors.dated import Dated, dated_events
from ews.measuring.monitored import budget_of, numbers
from ews.model import Detection, Direction, Frequency, Observation
from ews.storage import Store
from tests import recorded_bars as bars
from tests.recorded_replay import Replay, daily, differences, replay
from tests.recorded_series import DATA, ROOT, recorded

FILE = ROOT / "docs" / "bench" / "detectors.json"
SINCE = datetime(2018, 7, 1, tzinfo=UTC)
UNTIL = datetime(2024, 4, 1, tzinfo=UTC)  # the last bar is known then
GRAPHITE = "comtrade/export-kg/CN-KR/250410"
UREA = "pinksheet/price-usd/WLD/urea"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alarms", type=Path, help="write every alarm as CSV here")
    parser.add_argument("--keep", type=Path, help="write the figures here instead of docs/bench")
    given = parser.parse_args()
    if not DATA.is_dir():
        raise SystemExit("no recorded data: set EWS_RECORDED_DATA to the folder that holds trade/")
    started, ruleset = time.monotonic(), shipped_ruleset(SINCE)
    observations = [one for one in recorded(DATA) if one.available_at < UNTIL]
    events = dated_events()
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder))
        found = replay(store, observations, SINCE)
        as_of = differences(store, found, numbers(ruleset))
        store.close()
    figures = _figures(found, observations, events)
    figures["as_of"] = as_of
    figures["replay"] = {
        "series": len({one.series for one in observations}), "values": len(observations),
        "looks": found.looks, "tests": len(found.tests), "alarms": len(found.detections),
        "episodes_per_week": round(
            len(bars.episodes(found.detections)) / ((UNTIL - SINCE).days / 7), 3
        ),
        "budget_per_week": budget_of(ruleset).per_week,
        "seconds": round(time.monotonic() - started, 1),
    }  # fmt: skip
    if given.alarms:
        _listed(given.alarms, [_row(one, events) for one in found.detections])
    _print(figures)
    keep(given.keep or FILE, "recorded", figures)


def _figures(
    found: Replay, observations: Sequence[Observation], events: Sequence[Dated]
) -> dict[str, object]:
    hidden, why = bars.hidden(found, observations)
    service, by_detector, by_item, _ = bars.counts(found, events)
    held = [
        *bars.bab_el_mandeb(found),
        bars.monthly(found, GRAPHITE, Direction.UP, "2023-11", "2023-11"),
        bars.monthly(found, GRAPHITE, Direction.DOWN, "2023-12", "2023-12"),
        bars.monthly(found, UREA, Direction.UP, "2021-01", "2021-09"),
        hidden,
        bars.Bar("event-free windows 2019-2022, service",
                 f"at most {service.expected:.2f} false alarms expected",
                 f"{service.episodes} ({service.verdict})", service.verdict != "above"),
        bars.Bar("event-free windows 2019-2022, every item", "none above its budget",
                 ", ".join(one.what for one in by_item if one.verdict == "above") or "none above",
                 all(one.verdict != "above" for one in by_item)),
    ]  # fmt: skip
    weeks = (bars.QUIET[1] - bars.QUIET[0]).astype(int) / 7
    return {
        "bars": [asdict(one) for one in held],
        "why_hidden": why,
        "event_free": {
            "service": _count(service) | {"per_week": round(service.episodes / weeks, 4)},
            "by_detector": [_count(one) for one in by_detector],
            "by_item": [_count(one) for one in by_item],
            # How much the list of dated events matters: its stated rows alone, and no list at all.
            "stated_rows_alone": _count(bars.counts(found, [e for e in events if e.stated])[0]),
            "without_a_list": _count(bars.counts(found, [])[0]),
        },
        "alarms_2019_2022": [
            _row(one, events) for one in found.detections
            if 2019 <= one.period.year <= 2022 and one.series.split("/")[0] in bars.RECORDED
        ],
    }  # fmt: skip


def _count(one: bars.Quiet) -> dict[str, object]:
    low, high = one.interval
    return {
        "what": one.what, "tests": one.tests, "item_years": round(one.item_years, 1),
        "expected": round(one.expected, 3), "alarms": one.alarms, "episodes": one.episodes,
        "interval": [round(low, 2), round(high, 2)], "verdict": one.verdict,
        "per_item_year": round(one.episodes / one.item_years, 4) if one.item_years else None,
    }  # fmt: skip


def _row(one: Detection, events: Sequence[Dated]) -> dict[str, object]:
    """One alarm as it is listed; `event` is the dated event whose window holds its period."""
    frequency = Frequency.WEEK if daily(one.series) else Frequency.MONTH
    return {
        "series": one.series, "detector": one.detector, "period": f"{one.period:%Y-%m-%d}",
        "known": f"{one.found_at:%Y-%m-%d}", "direction": one.direction.value,
        "value": round(one.value, 3),
        "expected": None if one.expected is None else round(one.expected, 3),
        "p": float(f"{one.p:.3g}"), "alpha": float(f"{one.alpha:.3g}"),
        "event": bars.window(events, one.series, bars.day(one.period), frequency),
    }  # fmt: skip


def _listed(file: Path, rows: Sequence[dict[str, object]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]) if rows else ["series"])
        writer.writeheader()
        writer.writerows(rows)


def _print(figures: dict[str, object]) -> None:
    shown = {key: value for key, value in figures.items() if key != "alarms_2019_2022"}
    print(json.dumps(shown, indent=1, ensure_ascii=False))
    listed = figures["alarms_2019_2022"]
    assert isinstance(listed, list)
    for one in listed:
        told = "inside " + one["event"] if one["event"] else "outside"
        print(f"{one['known']} {one['detector']:13} {one['series']:42} {one['period']} "
              f"{one['direction']:4} {one['value']} ({one['expected']}) p {one['p']} "
              f"alpha {one['alpha']} {told}")  # fmt: skip


def keep(file: Path, key: str, figures: dict[str, object]) -> None:
    """Write one key of a figures file and leave the others as they are."""
    held = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    held[key] = figures
    file.write_text(json.dumps(held, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
