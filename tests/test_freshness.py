"""What the silence of a source means is one answer, whoever asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerts.rulebook import read_blind
from ews.blindness import look
from ews.freshness import heard
from ews.liveness.life import life
from ews.model import Fetch, FetchOutcome, Polling, SourceState
from ews.reports.collection import source_lines
from tests.empty_store import opened
from tests.source_made import made_source

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def test_page_blindness_and_heartbeat_agree_on_texts_that_stay_the_same(tmp_path: Path) -> None:
    store, source = opened(tmp_path), made_source("s", url="https://e.org/new")
    limit = timedelta(seconds=source.fresh_within_s)
    good = Fetch("s", NOW, FetchOutcome.NEW, signals=3, newest=NOW)
    old = Polling("s", url=source.url, news_at=NOW - limit - timedelta(minutes=1))
    store.save_fetch(good)
    # what was learnt at another address says nothing of the corrected one
    for polling, state in (
        (old, SourceState.STALE),
        (replace(old, url="https://e.org/old"), SourceState.FRESH),
    ):
        store.save_polling(polling)
        (one,) = heard(store, [source], NOW)
        (line,) = source_lines(store, NOW, [source])
        watch = look(store, [source], read_blind({}), NOW)
        assert watch is not None
        silent = life(store, [source], NOW).silent
        states = (one.state, line.state, watch.feeds["s"].state, bool(silent))
        assert states == (state, state.value, state, state.blind)
    store.close()
