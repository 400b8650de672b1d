"""Half a year of recorded news: the backtest of it against the replay of it. Long: `-m torture`."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from alerts.rulebook import with_keys
from ews.model import RuleSet, utc
from ews.pipeline import Pipeline
from ews.storage import Store
from ews.tuning.backtest import exactly, hs_of, names_of
from ews.tuning.feeds import read_feed
from ews.tuning.replay import compare, replay
from ews.tuning.scored import Window
from ews.tuning.scored_alerts import read_alerts
from ews.tuning.tape import tape_of

DATA = Path(os.environ.get("EWS_RECORDED_DATA", "not given"))
FEED = DATA / "feeds" / "rss2023" / "rss_2023_h2.jsonl.gz"
FIRST, LAST = date(2023, 7, 1), date.fromisoformat(os.environ.get("EWS_TORTURE_TO", "2023-12-31"))
SINCE = utc(FIRST.isoformat())
UNTIL = datetime.combine(LAST + timedelta(days=1), time(), SINCE.tzinfo)
CHANGED = {
    "rules.caution-item.when.chance.raise_at": 0.4,
    "rules.watch-item.when.severity.raise_at": 0.7,
    "sensitivity.types.price_shock": 0.5,
}
Build = Callable[[Path], Pipeline]

pytestmark = [
    pytest.mark.recorded,
    pytest.mark.torture,
    pytest.mark.skipif(not FEED.exists(), reason="no recorded feed: set EWS_RECORDED_DATA"),
]


def test_a_backtest_of_recorded_months_is_their_replay_under_shipped_and_changed_rules(
    tmp_path: Path, pipeline_at: Build
) -> None:
    pipeline = pipeline_at(tmp_path / "as-shipped")
    replay(pipeline, read_feed([FEED], SINCE, UNTIL), FIRST, LAST, feeds=[str(FEED)])
    base = pipeline.store.ruleset()
    assert base is not None
    same(pipeline.store, pipeline, base)
    rules = with_keys(base.rules, CHANGED)
    tried = RuleSet(1, "tester", "changed", base.created_at, rules)
    other, _ = compare(
        pipeline.store,
        tried,
        lambda store: Pipeline(store, pipeline.rooms),
        read_feed([FEED], SINCE, UNTIL),
        tmp_path / "changed",
    )
    try:
        changed = other.changes()
        same(other, pipeline, tried)
        # and from the tape of the other rules, which knows nothing of these
        assert played(pipeline.store, pipeline, tried) == changed
    finally:
        other.close()


def same(store: Store, pipeline: Pipeline, rules: RuleSet) -> None:
    found = exactly(
        tape_of(store, pipeline.rooms.network, SINCE, UNTIL), rules, pipeline.rooms.routes
    )
    assert list(found.changes) == store.changes()
    assert list(found.raised) == read_alerts(store, Window(SINCE, UNTIL), hs_of, names_of)


def played(store: Store, pipeline: Pipeline, rules: RuleSet) -> list[object]:
    tape = tape_of(store, pipeline.rooms.network, SINCE, UNTIL)
    return list(exactly(tape, rules, pipeline.rooms.routes).changes)
