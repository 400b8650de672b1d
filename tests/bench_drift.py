"""How often does drift cry, and what does it find? `python -m tests.bench_drift HOME FROM TO [--write]`.

Plays the daily look over a replayed home as it is (how many findings are new), then the same weeks
with synthetic shifts that set in at the beginning of a window, and counts how many are found by its
end. The shifts are synthetic; the texts they are put upon are not.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from ews.model import utc
from ews.storage import Store
from ews.storage.readings import Reading
from ews.tuning.drift import REFERENCE_WEEKS, WEEK, Drift, looked
from ews.tuning.drift_days import Day, days_of, summed
from ews.tuning.drift_telling import is_new, key

DAY = timedelta(days=1)
Change = Callable[[Reading, np.random.Generator, str], Sequence[Reading]]


def logit(p: float | None, by: float) -> float | None:
    if p is None:
        return None
    p = min(max(p, 1e-4), 1 - 1e-4)
    return 1 / (1 + (1 - p) / p * float(np.exp(-by)))


SHIFTS: dict[str, tuple[str, Change]] = {
    "p_event: log-odds +1": ("scores:p_event scores",
                             lambda one, _, __: [replace(one, p_event=logit(one.p_event, 1.0))]),
    "p_event: log-odds -1": ("scores:p_event scores",
                             lambda one, _, __: [replace(one, p_event=logit(one.p_event, -1.0))]),
    "p_event: log-odds -0.5": ("scores:p_event scores",
                               lambda one, _, __: [replace(one, p_event=logit(one.p_event, -0.5))]),
    "types: 20% become one": ("mix:type mix", lambda one, dice, _: [
        replace(one, tags=(("epidemic", 0.9),)) if one.tags and dice.random() < 0.2 else one]),
    "types: 40% become one": ("mix:type mix", lambda one, dice, _: [
        replace(one, tags=(("epidemic", 0.9),)) if one.tags and dice.random() < 0.4 else one]),
    "languages: 15% become another": ("mix:language mix", lambda one, dice, _: [
        replace(one, lang="zz") if dice.random() < 0.15 else one]),
    "first pass puts 10 of 100 more aside": ("share:screened share", lambda one, dice, _: [
        replace(one, screened=one.screened or dice.random() < 0.27)]),
    "10% not read": ("share:untagged share", lambda one, dice, _: [
        replace(one, p_event=None) if dice.random() < 0.1 else one]),
    "10% read by the fallback": ("share:degraded share", lambda one, dice, _: [
        replace(one, degraded=dice.random() < 0.1)]),
    "largest source silent": ("silent", lambda one, _, top: [] if one.source == top else [one]),
    "largest source brings 40%": ("fewer", lambda one, dice, top:
                                  [one] if one.source != top or dice.random() < 0.4 else []),
    "largest source brings 250%": ("more", lambda one, dice, top: [one] if one.source != top
                                   else [one] * (2 + (dice.random() < 0.5))),
}  # fmt: skip


def window(days: Sequence[Day], begins: datetime, since: datetime) -> Drift:
    first = (since - REFERENCE_WEEKS * WEEK - begins) // DAY
    return looked(days[first : first + 63], since, since + WEEK)


def quiet(days: Sequence[Day], begins: datetime, ends: datetime) -> dict[str, object]:
    """New findings of daily looks, told as the operators are: again only after four weeks."""
    seen: dict[str, datetime] = {}
    told: list[tuple[str, str]] = []
    since, looks = begins + REFERENCE_WEEKS * WEEK, 0
    while since + WEEK <= ends:
        found = window(days, begins, since)
        looks += not found.why_not
        kept = {name: at.isoformat() for name, at in seen.items()}
        told += [
            ((since + WEEK).date().isoformat(), key(one))
            for one in found.findings
            if is_new(one, kept, since)
        ]
        seen |= {key(one): since for one in found.findings}
        since += DAY
    of_model = [one for one in told if not one[1].startswith("source:")]
    return {"looks": looks, "told": len(told), "of_scores_mixes_shares": of_model,
            "of_sources": [one for one in told if one not in of_model]}  # fmt: skip


def power(
    readings: Sequence[Reading], days: Sequence[Day], begins: datetime, ends: datetime, every: int
) -> dict[str, object]:
    """Of the shifts set into each window: how many are found at its end, and were not there before."""
    hits: dict[str, list[bool]] = {name: [] for name in SHIFTS}
    since, number = begins + REFERENCE_WEEKS * WEEK, 0
    while since + WEEK <= ends:
        number += 1
        as_it_is = window(days, begins, since)
        mine = [one for one in readings if since <= one.at < since + WEEK]
        if not as_it_is.why_not and mine and number % every == 0:
            first = (since - REFERENCE_WEEKS * WEEK - begins) // DAY
            before, there = days[first : first + 56], {key(one) for one in as_it_is.findings}
            names = [one.source for one in mine]
            top = max(set(names), key=names.count)
            for name, (expected, change) in SHIFTS.items():
                wanted = {expected} if ":" in expected else {f"source:{top} {expected}"}
                if expected == "silent":  # in a week that it pauses in anyway, it is told as fewer
                    wanted.add(f"source:{top} fewer")
                if wanted & there:
                    continue
                dice = np.random.default_rng(number)
                shifted = [two for one in mine for two in change(one, dice, top)]
                after = looked(
                    [*before, *summed(shifted, since, since + WEEK)], since, since + WEEK
                )
                hits[name].append(bool(wanted & {key(one) for one in after.findings}))
        since += WEEK
    return {name: {"found": sum(found), "of": len(found)} for name, found in hits.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("since", type=utc)
    parser.add_argument("until", type=utc)
    parser.add_argument("--every", type=int, default=1, help="shift every n-th week only")
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    store = Store.open(given.home)
    days = days_of(store, given.since, given.until)
    readings = list(store.readings(given.since, given.until))
    found = {
        "period": [given.since.date().isoformat(), given.until.date().isoformat()],
        "texts": len(readings),
        "as_it_is": quiet(days, given.since, given.until),
        "synthetic_shifts": power(readings, days, given.since, given.until, given.every),
    }
    text = json.dumps(found, ensure_ascii=False, indent=1) + "\n"
    print(text)
    if given.write:
        given.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
