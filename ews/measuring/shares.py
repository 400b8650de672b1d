"""What did the limit of the whole service leave to each item, when the budget was last shared out?

An item's own tests are quickly shared out; how far the limit of the service scales all items down
takes a look at every series. That is kept, with what it was worked out from, so that one series can
be shown without sharing out the budget of a hundred thousand.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from alerts.rulebook import shipped_ruleset
from ews.detectors.budget import Allocation, Limits, Scaled, allocate
from ews.measuring.monitored import budget_of, monitored
from ews.measuring.weights import sized
from ews.model import RuleSet
from ews.storage import Store
from ews.storage.series_rows import Summary

KEY = "series.shares"  # key of the store
FRESH = timedelta(days=7)  # within it few series begin to be judged or fall silent


def ruleset_of(store: Store, now: datetime) -> RuleSet:
    """The newest rule set that was in force at `now`, else the shipped one."""
    kept = [one for one in store.rulesets() if (one.in_force_at or one.created_at) <= now]
    return max(kept, key=lambda one: one.version) if kept else shipped_ruleset(now)


def shared_out(
    store: Store, ruleset: RuleSet, summaries: Sequence[Summary], now: datetime
) -> Allocation:
    """The false-alarm budget, shared out over every series that can be judged at `now`."""
    tests = list(monitored(summaries, now, False, store.sizes(*sized(now), now)))
    return allocate(tests, budget_of(ruleset))


def share_out(store: Store, now: datetime) -> None:
    """Share the budget out anew, and keep what the service's limit leaves."""
    ruleset, summaries = ruleset_of(store, now), store.summaries()
    whole = shared_out(store, ruleset, summaries, now)
    store.put(KEY, written(whole.limits, ruleset, len(summaries), now))


def written(limits: Limits, ruleset: RuleSet, series: int, now: datetime) -> str:
    """What `limits_kept` reads. `series`: how many there were."""
    told = {"at": now.isoformat(), "ruleset": ruleset.version, "series": series}
    return json.dumps(told | {"limits": asdict(limits)})


def limits_kept(store: Store, ruleset: RuleSet, now: datetime) -> Limits | None:
    """The limits as kept; None when they were worked out under other rules, of another number of
    series, or a week ago."""
    kept = store.get(KEY)
    if kept is None:
        return None
    told = json.loads(kept)
    age = now - datetime.fromisoformat(told["at"])
    if not timedelta(0) <= age <= FRESH or told["ruleset"] != ruleset.version:
        return None
    if told["series"] != store.series_count():
        return None
    limits = told["limits"]
    return Limits(**{**limits, "scaled": tuple(Scaled(**one) for one in limits["scaled"])})
