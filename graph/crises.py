"""The model held against six past crises: whom it says they reach, and when the first is short.

    python -m graph.crises                      prints the table
    python -m graph.crises --write docs/crises.md

Twice for each crisis: as known on the day of the notice (the assumed profile of its event type,
stocks stated by then), and with what the flow then did (magnitude, duration and stocks known
later). The first is what a reader would have been told; the second tells the error of the model
from that of the assumed blow.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from ews.model import Event, EventStatus, Phase, Shock
from graph.arrays import Floats
from graph.bands import quantile
from graph.national import NationalModel, national_model, scenario_of, shortage_days
from graph.network import Network, build_network
from graph.outlook import Outlook, outlook
from graph.shocks import shock
from graph.step_kernels import run_fast

SEVERITY = 1.5  # the reference severity of the shock profiles
HORIZON = 240


@dataclass(frozen=True, slots=True)
class Reported:
    """An industry that was reported as hit; `ksic` is "" where the table has no code."""

    ksic: str
    en: str
    ko: str


@dataclass(frozen=True, slots=True)
class Crisis:
    """What was public on the day, what the flow then did, and how it ended in Korea."""

    name: str
    en: str
    ko: str
    notice: date
    in_force: date
    type: str
    countries: tuple[str, ...]
    items: tuple[str, ...]
    chokepoints: tuple[str, ...]
    magnitude: float  # of the flow, as it turned out
    duration_days: float
    measured: tuple[str, ...]  # items of which that was read
    stock_days: Mapping[str, float]  # item -> days of cover at the start, stated later
    basis: str
    first_shortage: date | None  # None: none was reported until `observed_until`
    observed_until: date
    what_en: str
    what_ko: str
    industries: tuple[Reported, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One crisis beside the model. Days count from the notice."""

    crisis: Crisis
    reached: tuple[str, ...]  # industries that the model says may be short (bad case), KSIC
    found: tuple[Reported, ...]  # reported ones among them
    missed: tuple[Reported, ...]
    happened: int | None  # first shortage, days after the notice
    foreseen: tuple[float, float, float]  # P5, P50, P95 of the first day any use is short; inf
    never: float  # share of worlds without a shortage while it was observed
    inside: bool  # the outcome lies within P5..P95, or its absence is not under 5 %
    hindcast: int | None  # first day short with what the flow then did
    unknown: tuple[str, ...]  # items hit whose share was not read

    @property
    def error(self) -> str:
        """The hindcast beside what happened: days too late or early, or which of the two saw none."""
        if self.hindcast is None:
            return "none, as happened" if self.happened is None else "missed"
        if self.happened is None:
            return "false alarm"
        return f"{self.hindcast - self.happened:+d} days"


@cache
def crises() -> tuple[Crisis, ...]:
    """The crises of graph/data/crises.toml.

    >>> [c.name for c in crises()][:2]
    ['urea_2021', 'fluorinated_chemicals_2019']
    """
    text = files("graph").joinpath("data").joinpath("crises.toml").read_text("utf-8")
    return tuple(_crisis(name, table) for name, table in tomllib.loads(text).items())


def _crisis(name: str, table: Mapping[str, object]) -> Crisis:
    actual, outcome = table["actual"], table["outcome"]
    assert isinstance(actual, dict)
    assert isinstance(outcome, dict)

    def words(key: str) -> tuple[str, ...]:
        found = table.get(key, [])
        return tuple(map(str, found)) if isinstance(found, list) else ()

    first = str(outcome["first_shortage"])
    return Crisis(
        name=name,
        en=str(table["en"]),
        ko=str(table["ko"]),
        notice=date.fromisoformat(str(table["notice"])),
        in_force=date.fromisoformat(str(table["in_force"])),
        type=str(table["type"]),
        countries=words("countries"),
        items=words("items"),
        chokepoints=words("chokepoints"),
        magnitude=float(actual["magnitude"]),
        duration_days=float(actual["duration_days"]),
        measured=tuple(actual.get("items", words("items"))),
        stock_days={str(k): float(v) for k, v in actual["stock_days"].items()},
        basis=str(actual["basis"]),
        first_shortage=date.fromisoformat(first) if first else None,
        observed_until=date.fromisoformat(str(outcome["observed_until"])),
        what_en=str(outcome["what_en"]),
        what_ko=str(outcome["what_ko"]),
        industries=tuple(Reported(i["ksic"], i["en"], i["ko"]) for i in outcome["industries"]),
        sources=tuple(map(str, [*actual["sources"], *outcome["sources"]])),
    )


def event_of(crisis: Crisis) -> Event:
    """The event as a careful reader of the notice would have filed it on the day."""
    at = datetime.combine(crisis.notice, datetime.min.time(), UTC)
    return Event(
        id=f"evt-{crisis.name}",
        type=crisis.type,
        also=(),
        status=EventStatus.CONFIRMED,
        phase=Phase.ACTUAL,
        probability=1.0,
        severity=SEVERITY,
        countries=crisis.countries,
        items=crisis.items,
        ports=(),
        chokepoints=crisis.chokepoints,
        firms=(),
        title=crisis.en,
        first_seen=at,
        updated_at=at,
        evidence=(),
        detector="news",
        onset=datetime.combine(crisis.in_force, datetime.min.time(), UTC),
    )


def verdict(crisis: Crisis, network: Network, *, runs: int = 512, seed: int = 1) -> Verdict:
    """The crisis beside what the model says of it.

    >>> from graph.network import build_network
    >>> urea = verdict(crises()[0], build_network(), runs=64)
    >>> urea.happened, [i.en for i in urea.found], urea.hindcast   # drivers hoarded: no shortage
    (18, ['Road freight'], None)
    """
    shocks = shock(event_of(crisis), network)
    model = national_model(network, shocks, crisis.notice)
    ahead = outlook(model, days=HORIZON, runs=runs, seed=seed)
    reached = tuple(b.node.split(":", 1)[1] for b in ahead.buyers if b.node.startswith("industry:"))
    happened = (crisis.first_shortage - crisis.notice).days if crisis.first_shortage else None
    first = _first_days(ahead)
    watched = (crisis.observed_until - crisis.notice).days
    low, middle, high = (quantile(first, level) for level in (0.05, 0.5, 0.95))
    never = float((first > watched).mean())
    return Verdict(
        crisis=crisis,
        reached=reached,
        found=tuple(i for i in crisis.industries if i.ksic and i.ksic in reached),
        missed=tuple(i for i in crisis.industries if i.ksic not in reached),
        happened=happened,
        foreseen=(low, middle, high),
        never=never,
        inside=never >= 0.05 if happened is None else low <= happened <= high,
        hindcast=_hindcast(crisis, model, shocks),
        unknown=tuple(dict.fromkeys(item for item, _ in model.unknown)),
    )


def _first_days(ahead: Outlook) -> Floats:
    """By world, the first day on which any use is short."""
    uses = [b.node for b in ahead.buyers if b.node.startswith("use:")]
    if not uses:
        return np.full(ahead.runs, np.inf)
    return np.asarray(np.min([ahead.bands.first_days(name) for name in uses], axis=0))


def _hindcast(crisis: Crisis, model: NationalModel, shocks: Sequence[Shock]) -> int | None:
    """The first day any use is short, given what the flow did and the stocks stated later."""
    lag = float((crisis.in_force - crisis.notice).days)
    measured = set(crisis.measured)
    targets = tuple(
        replace(
            target,
            nodes=np.array([n for n in target.nodes if _item(model, int(n)) in measured], np.int64)
            if measured
            else target.nodes,
            shock=replace(
                one, magnitude=crisis.magnitude, duration_days=crisis.duration_days, lag_days=lag,
                start=datetime.combine(crisis.notice, datetime.min.time(), UTC),
            ),
        )
        for target, one in zip(model.targets, shocks, strict=True)
    )  # fmt: skip
    stock = model.arrays.group_stock.copy()
    for g, fact in enumerate(model.stocks):
        if fact.item in crisis.stock_days and fact.buyer.startswith("use:"):
            stock[g] = crisis.stock_days[fact.item]
    known = replace(model, targets=targets, arrays=replace(model.arrays, group_stock=stock))
    found = run_fast(known.arrays, scenario_of(known, HORIZON)).whole(known.arrays.nodes)
    days = shortage_days(known, found.down)
    return min((d for name, d in days.items() if name.startswith("use:")), default=None)


def _item(model: NationalModel, node: int) -> str:
    """The item that an origin sells."""
    return model.arrays.names[node].rpartition(":")[2]


def _day(value: float | None) -> str:
    return "none" if value is None or value == float("inf") else f"day {value:g}"


def report(verdicts: Sequence[Verdict]) -> str:
    """The table and what stands behind it, as Markdown."""
    lines = [
        "# Past crises beside the model",
        "",
        "Written by `python -m graph.crises --write docs/crises.md`; facts and sources:",
        "`graph/data/crises.toml`. Days count from the notice. *Foreseen* uses only what was known",
        "on the day: the assumed profile of the event type, shares whose period had ended, stocks",
        "stated by then (else 30 days, assumed). *Hindcast* puts in what the flow then did and the",
        "stocks that were stated later, so that its error is the model's own. None of the profiles,",
        "stocks or substitution times was fitted to these outcomes. *Foreseen* is the first day on which",
        "any use is short; *inside*: the day lies within P5 to P95, or, where none came, at least 5 % of",
        "worlds see none. What the model misses: in 2021 drivers hoarded and makers stretched what raw",
        "urea they had, so shelves were empty and output halved while stock was left; it counts use, not",
        "fear, and runs a stock down to nothing at full rate.",
        "",
        "| Crisis | Industries reported | of them reached | missed | First shortage reported "
        "| Foreseen P5, P50, P95 | Worlds without one | Outcome inside | Hindcast | Error |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for v in verdicts:
        missed = ", ".join(i.en for i in v.missed) or "-"
        lines.append(
            f"| {v.crisis.en} | {len(v.crisis.industries)} | {len(v.found)} | {missed} "
            f"| {_day(v.happened)} | {', '.join(_day(d) for d in v.foreseen)} "
            f"| {v.never:.0%} | {'yes' if v.inside else 'no'} | {_day(v.hindcast)} "
            f"| {v.error} |"
        )
    lines.append("")
    for v in verdicts:
        lines += [f"## {v.crisis.en}", "", f"* Outcome: {v.crisis.what_en}."]
        lines += [f"* What the flow did: {v.crisis.basis}."]
        lines += [f"* Industries that the model says may be short: {', '.join(v.reached) or '-'}."]
        if v.unknown:
            lines += [f"* Hit, but no share was read: {', '.join(v.unknown)}."]
        lines += [f"* Sources: {'; '.join(v.crisis.sources)}.", ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="past crises beside the model")
    parser.add_argument("--write", type=Path, help="write the table to this file")
    asked = parser.parse_args()
    network = build_network()
    text = report([verdict(crisis, network) for crisis in crises()])
    if asked.write:
        asked.write.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
