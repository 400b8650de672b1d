"""Do the false-alarm budgets hold for the whole service, and does it still see anything?

    python -m tests.bench_service [--quick] [--seed N] [--write]

A year of made-up trade in every HS6 item, release by release through the store and the Measurer,
at the shipped budget. First nothing happens: every alarm is false, and is counted against the
budget of the service, of items and of detectors. Then events of known kind and size are put into
450 items, with the alphas of the whole service. Then a service that has the watched items alone.
--write: the key "service" of docs/bench/detectors.json. All figures are of synthetic trade.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from alerts.rulebook import shipped_ruleset
from ews.detectors.achieved import Alarm, episodes, poisson_interval
from ews.detectors.budget import WEEKS_PER_YEAR, Allocation
from ews.measuring.monitored import budget_of
from ews.model import Frequency
from graph import ITEMS
from graph.goods import goods
from tests.bench_recorded import FILE, keep
from tests.service_year import (
    BEFORE,
    LASTS,
    Injected,
    World,
    Year,
    events_seen,
    injected,
    live,
    opened,
    world,
)

SEED = 20241121
ARMS, UNWATCHED, WATCHED = 2, 300, 200
SIZES = {"full": (None, ARMS, UNWATCHED, WATCHED), "quick": (400, 1, 30, 30)}
Seen = Sequence[tuple[Injected, int | None, frozenset[str]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few items: only whether it runs")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    figures = run(given.seed, "quick" if given.quick else "full")
    print(report(figures))
    if given.write and not given.quick:
        keep(FILE, "service", figures)


def run(seed: int, size: str) -> dict[str, Any]:
    """All three parts."""
    started, (number, arms, others, ours) = time.monotonic(), SIZES[size]
    watched = frozenset(budget_of(shipped_ruleset(BEFORE)).items)
    codes = chosen(watched, number)
    whole = world(seed, codes)
    print(
        f"{len(whole.columns.names):,} series made: {time.monotonic() - started:.0f} s", flush=True
    )
    year = lived(whole)
    print(f"a year of the whole service: {time.monotonic() - started:.0f} s", flush=True)
    print("\n".join(_told("whole", counted(year, codes, watched))), flush=True)
    assert year.allocation is not None
    some = [code for code in small(codes) if code in watched][:ours]
    some += [code for code in codes[:: max(1, len(codes) // others)] if code not in watched][
        :others
    ]
    part, seen = whole.of(set(some)), []
    for arm in range(arms):
        changed, truth = injected(part, arm)
        seen += list(events_seen(lived(changed, year.allocation), truth))
    print(f"with events: {time.monotonic() - started:.0f} s", flush=True)
    own = whole.of({code for code in some if code in watched})
    alone = lived(own)
    return {
        "data": "synthetic", "seed": seed, "items": len(codes), "watched": len(watched & {*codes}),
        "series": len(whole.columns.names), "partners_per_item": 3.0,
        "budget_per_week": budget_of(shipped_ruleset(BEFORE)).per_week,
        "whole": counted(year, codes, watched),
        "alpha": alphas(year.allocation, whole, watched),
        "seen": {
            who: power([one for one in seen if (one[0].item in watched) == flag], year)
            for who, flag in (("watched", True), ("unwatched", False))
        },
        "chance": chance(year, some, watched),
        "small": counted(alone, sorted({n.rsplit("/", 1)[1] for n in own.columns.names}), watched),
        "small_alpha": alphas(alone.allocation, own, watched),
        "seconds": round(time.monotonic() - started),
    }  # fmt: skip


def lived(given: World, fixed: Allocation | None = None) -> Year:
    with tempfile.TemporaryDirectory() as folder:
        store = opened(folder)
        year = live(store, given, fixed)
        store.close()
    return year


def chosen(watched: frozenset[str], number: int | None) -> list[str]:
    """Every code of HS 2022, or about so many, watched ones first."""
    codes = [code for code, good in goods().items() if "2022" in good.revisions]
    if number is None:
        return codes
    ours = [code for code in codes if code in watched][: number // 4]
    return sorted({*ours, *[code for code in codes if code not in watched][: number - len(ours)]})


def small(codes: Sequence[str]) -> list[str]:
    """The watched codes that our own list names by six digits, then all others."""
    named = {hs[:6] for item in ITEMS.values() if item.watched for hs in item.hs if len(hs) >= 6}
    return [code for code in codes if code in named] + [c for c in codes if c not in named]


# --------------------------------------------------------------------------- what was said


def item_of(alarm: Alarm) -> str:
    return alarm.series.rsplit("/", 1)[1]


def alarms_of(year: Year, detector: str | None = None) -> list[Alarm]:
    """Alarms: detections of one series and direction that follow one another are one."""
    mine = [d for d in year.detections if detector is None or d.detector == detector]
    return episodes(mine, {}, {d.series: frequency(d.series) for d in mine})


def frequency(name: str) -> Frequency:
    """Only what countries sell to the world comes by the year."""
    yearly = name.split("/")[2].endswith("-WLD") and "/export-usd/" in name
    return Frequency.YEAR if yearly and not name.split("/")[2].startswith("KR") else Frequency.MONTH


def counted(year: Year, codes: Sequence[str], watched: frozenset[str]) -> dict[str, Any]:
    """False alarms against what was allowed: the service, items by kind, detectors."""
    found, allocation = alarms_of(year), year.allocation
    assert allocation is not None
    weeks = WEEKS_PER_YEAR
    items = {}
    for who, flag in (("watched", True), ("unwatched", False)):
        mine = [code for code in codes if (code in watched) == flag]
        came = [one for one in found if (item_of(one) in watched) == flag]
        allowed = sum(allocation.expected_per_item_year(code) for code in mine)
        per = Counted(len(came), len(mine)).told() if mine else {}
        loud: dict[str, int] = defaultdict(int)
        for one in came:
            loud[item_of(one)] += 1
        items[who] = per | {
            "item_years": len(mine), "allowed": round(allowed, 2),
            "most_of_one_item": max(loud.values(), default=0), "items_with_one": len(loud),
        }  # fmt: skip
    by_detector = {
        name: {
            "tests": year.tests[name], "allowed": round(year.expected[name], 2),
            "alarms": len(alarms_of(year, name)),
            "interval": interval(len(alarms_of(year, name))),
        }
        for name in sorted(year.tests)
    }  # fmt: skip
    return {
        "per_week": Counted(len(found), weeks).told(), "detections": len(year.detections),
        "allowed_per_week": round(allocation.expected_per_week, 3),
        "sum_of_alphas_per_week": round(sum(year.expected.values()) / weeks, 3),
        "items": items, "detectors": by_detector,
        "scaled": [one.en for one in allocation.scaled],
    }  # fmt: skip


class Counted:
    """A Poisson count over an exposure."""

    def __init__(self, count: int, exposure: float) -> None:
        self.count, self.exposure = count, exposure

    def told(self) -> dict[str, Any]:
        low, high = poisson_interval(self.count)
        rates = (value / self.exposure for value in (self.count, low, high))
        rate, low, high = (round(value, 4) for value in rates)
        return {"alarms": self.count, "rate": rate, "interval": [low, high]}


def interval(count: int) -> list[float]:
    return [round(one, 2) for one in poisson_interval(count)]


def chance(year: Year, some: Iterable[str], watched: frozenset[str]) -> dict[str, float]:
    """Share of the same items that alarm in half a year though nothing happens."""
    found = {}
    for who, flag in (("watched", True), ("unwatched", False)):
        mine = [code for code in some if (code in watched) == flag]
        loud = sum(item_of(one) in set(mine) for one in alarms_of(year))
        found[who] = round(loud * LASTS / 12 / max(len(mine), 1), 4)
    return found


def power(seen: Seen, year: Year) -> list[dict[str, Any]]:
    """By kind and size: share of events of whose item an alarm speaks while they last."""
    groups: dict[tuple[str, float], list[tuple[int | None, frozenset[str]]]] = defaultdict(list)
    for event, delay, who in seen:
        groups[event.kind, event.size].append((delay, who))
    rows = []
    for (kind, size), mine in groups.items():
        delays = [delay for delay, _ in mine if delay is not None]
        speakers: dict[str, int] = defaultdict(int)
        for _, who in mine:
            for name in who:
                speakers[name] += 1
        rows.append({
            "kind": kind, "size": size, "events": len(mine), "seen": len(delays),
            "share": round(len(delays) / len(mine), 3),
            "delay": float(np.median(delays)) if delays else None,
            "by": dict(sorted(speakers.items(), key=lambda one: -one[1])),
        })  # fmt: skip
    return sorted(rows, key=lambda row: (row["kind"], row["size"]))


def alphas(
    allocation: Allocation | None, given: World, watched: frozenset[str]
) -> list[dict[str, Any]]:
    """Median alpha of a test of the largest partner's weight, by the number of partners."""
    assert allocation is not None
    partners: dict[str, list[str]] = defaultdict(list)
    for name in given.columns.names:
        if "/import-kg/" in name:
            partners[name.rsplit("/", 1)[1]].append(name)
    groups: dict[tuple[bool, str], list[float]] = defaultdict(list)
    for item, names in partners.items():
        label = (
            "1"
            if len(names) == 1
            else "2-3"
            if len(names) < 4
            else "4-6"
            if len(names) < 7
            else "7+"
        )
        groups[item in watched, label].append(float(allocation.alphas_of(names, "seasonal").max()))
    return [
        {"watched": who, "partners": label, "items": len(some), "alpha": float(f"{np.median(some):.2g}")}
        for (who, label), some in sorted(groups.items())
    ]  # fmt: skip


# --------------------------------------------------------------------------- the tables


def report(figures: dict[str, Any]) -> str:
    """All figures as text."""
    lines = [
        f"SYNTHETIC trade, seed {figures['seed']}: {figures['items']:,} items "
        f"({figures['watched']} watched), {figures['series']:,} series, {figures['seconds']} s"
    ]
    for part in ("whole", "small"):
        lines += _told(part, figures[part])
    for part in ("alpha", "small_alpha"):
        lines += [f"{part}: {row}" for row in figures[part]]
    lines.append(f"alarms of the same items in half a year without an event: {figures['chance']}")
    for who, rows in figures["seen"].items():
        lines += [
            f"{who:9} {row['kind']:12} x{row['size']:<4} {row['seen']:3}/{row['events']:<3} "
            f"{row['share']:.2f} after {row['delay']} months {row['by']}"
            for row in rows
        ]
        total = [sum(row[key] for row in rows) for key in ("seen", "events")]
        lines.append(
            f"{who:9} all          {total[0]}/{total[1]} {total[0] / max(total[1], 1):.3f}"
        )
    return "\n".join(lines)


def _told(name: str, one: dict[str, Any]) -> list[str]:
    week: Callable[[Any], str] = lambda told: f"{told['rate']} ({told['interval']})"  # noqa: E731
    lines = [
        f"{name}: false alarms a week {week(one['per_week'])}, allowed {one['allowed_per_week']}, "
        f"sum of alphas {one['sum_of_alphas_per_week']}; {one['detections']} detections"
    ]
    lines += [f"  {who} items, a year: {told}" for who, told in one["items"].items()]
    lines += [f"  {who}: {told}" for who, told in one["detectors"].items()]
    return lines + [f"  {text}" for text in one["scaled"]]


if __name__ == "__main__":
    main()
