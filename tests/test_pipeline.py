"""The stages: idempotent, each in its own transaction, resumable after a stop at any point."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import cast

import pytest

from ews.model import (
    Article,
    ChangeKind,
    DeliveryState,
    Fetch,
    FetchOutcome,
    Frequency,
    Observation,
    Series,
    SourceState,
    VintageBasis,
    utc,
)
from ews.pipeline import Pipeline
from ews.storage import Store
from ews.tuning import cases
from ews.tuning.replay import compare, differ, replay
from scrapers import Client, Collected, load_source

Build = Callable[[Path], Pipeline]
CASE = "graphite_2023"
SINCE, UNTIL = date(2023, 10, 17), date(2024, 1, 15)  # from before its first alert to months after
SOON = date(2023, 11, 5)  # its first alert is raised, proposed for more, and a stage up


def told(home: Path) -> Counter[str]:
    lines = (home / "console.jsonl").read_text(encoding="utf-8").splitlines()
    return Counter(json.loads(line)["k"] for line in lines)


def state(store: Store) -> list[tuple[object, ...]]:
    return sorted((a.id, a.stage, a.revision, a.raised_at, a.state) for a in store.alerts())


def play(pipeline: Pipeline, until: date = UNTIL) -> None:
    replay(pipeline, cases.load(CASE), SINCE, until)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, pipeline_at: Build) -> tuple[Path, Pipeline]:
    home = tmp_path_factory.mktemp("whole")
    pipeline = pipeline_at(home)
    play(pipeline)
    return home, pipeline


@pytest.fixture(scope="module")
def soon(tmp_path_factory: pytest.TempPathFactory, pipeline_at: Build) -> tuple[Path, Pipeline]:
    home = tmp_path_factory.mktemp("soon")
    pipeline = pipeline_at(home)
    play(pipeline, SOON)
    assert {change.kind for change in pipeline.store.changes()} == {
        ChangeKind.RAISED, ChangeKind.PROPOSED, ChangeKind.STAGE_UP,
    }  # fmt: skip
    return home, pipeline


def test_a_replay_raises_alerts_and_tells_each_change_once(whole: tuple[Path, Pipeline]) -> None:
    home, pipeline = whole
    assert pipeline.store.alerts()
    assert pipeline.store.deliveries(DeliveryState.NEW) == []
    assert max(told(home).values()) == 1


def test_a_second_replay_over_the_same_store_changes_nothing(
    whole: tuple[Path, Pipeline],
) -> None:
    home, pipeline = whole
    before, said = pipeline.store.counts(), told(home)
    play(pipeline)
    assert pipeline.store.counts() == before
    assert told(home) == said


def test_every_cycle_twice_gives_the_same_alerts(
    whole: tuple[Path, Pipeline], tmp_path: Path, pipeline_at: Build
) -> None:
    pipeline = pipeline_at(tmp_path)
    signals = [s for s in cases.load(CASE) if SINCE <= s.available_at.date() <= UNTIL]
    pipeline.ingest(signals)
    pipeline.ingest(signals)
    hour = timedelta(hours=1)
    ticks = {s.available_at.replace(minute=0, second=0) + hour for s in signals}
    for now in sorted(ticks):
        pipeline.cycle(now)
        pipeline.cycle(now)
    assert {row[0] for row in state(pipeline.store)} == {row[0] for row in state(whole[1].store)}


class Stop(RuntimeError):
    pass


@pytest.mark.parametrize(
    "method",
    ["save_tagged", "save_events", "save_propagation", "save_changes", "save_notifications",
     "save_delivery", "mark_detected", "mark_evaluated"],
)  # fmt: skip
def test_stopped_inside_any_transaction_the_next_run_ends_with_the_same_alerts(
    soon: tuple[Path, Pipeline],
    tmp_path: Path,
    pipeline_at: Build,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
) -> None:
    pipeline = pipeline_at(tmp_path)
    calls = Counter[str]()
    real = getattr(Store, method)

    def stopping(self: Store, *args: object, **options: object) -> object:
        result = real(self, *args, **options)
        calls[method] += 1
        if calls[method] == 2:
            raise Stop(method)  # after the write, before the commit
        return result

    monkeypatch.setattr(Store, method, stopping)
    with pytest.raises(Stop):
        play(pipeline, SOON)
    monkeypatch.undo()
    play(pipeline_at(tmp_path), SOON)
    assert state(pipeline.store) == state(soon[1].store)
    assert told(tmp_path) == told(soon[0])


def test_nothing_is_used_before_it_was_available(tmp_path: Path, pipeline_at: Build) -> None:
    pipeline = pipeline_at(tmp_path)
    at = utc("2024-01-10T00:00:00Z")
    early = Article("art-1", "s", "s", "https://e.example/1", "China bans graphite exports", "",
                    "en", at, at + timedelta(hours=5))  # fmt: skip
    pipeline.ingest([early])
    assert pipeline.cycle(at + timedelta(hours=4))["classified"] == 0
    assert pipeline.cycle(at + timedelta(hours=5))["classified"] == 1


def test_a_series_that_falls_raises_an_event_with_its_numbers(
    tmp_path: Path, pipeline_at: Build
) -> None:
    pipeline = pipeline_at(tmp_path)
    day, start = timedelta(days=1), utc("2024-01-01")
    values = [70.0 + n * 7 % 5 for n in range(900)] + [30.0] * 30
    pipeline.ingest(
        Observation("portwatch/transits/bab-el-mandeb/-", start + n * day, start + (n + 4) * day, v)
        for n, v in enumerate(values)
    )
    for n in range(895, 930, 7):
        pipeline.cycle(start + n * day)
    (event,) = pipeline.store.events()
    assert event.chokepoints == ("bab-el-mandeb",)
    assert not event.authority, "what made it fall, nobody has said"
    assert event.facts["move"] < -0.3


def test_two_rule_sets_are_compared_on_the_same_period(
    whole: tuple[Path, Pipeline], tmp_path: Path, pipeline_at: Build
) -> None:
    base = whole[1].store
    strict = base.ruleset()
    assert strict is not None
    document = json.loads(json.dumps(strict.rules))
    for rule in document["rules"].values():
        rule["when"]["probability"] = {"raise_at": 1.01, "clear_at": 1.01}
    candidate = type(strict)(1, "test", "nothing passes", utc("2024-01-01"), document)
    other, _ = compare(
        base, candidate, lambda s: _over(s, pipeline_at, tmp_path), cases.load(CASE), tmp_path / "c"
    )
    difference = differ(base, other)
    assert difference.gained == ()
    assert len(difference.lost) == len(base.alerts())
    other.close()


def _over(store: Store, pipeline_at: Build, home: Path) -> Pipeline:
    return Pipeline(store, pipeline_at(home / "rooms").rooms)


def test_only_a_fresh_source_reads_as_calm() -> None:
    assert [state for state in SourceState if not state.blind] == [SourceState.FRESH]


def test_fetched_values_are_kept_once_with_the_day_on_which_each_became_known(
    tmp_path: Path, pipeline_at: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, source = pipeline_at(tmp_path), load_source("pink_sheet")
    name, now = "pinksheet/price-usd/WLD/urea", utc("2023-11-03T09:00:00Z")

    def brings(unit: str, *values: float) -> None:
        at = pipeline_now
        signals: list[Article | Observation] = [
            Observation(name, utc(f"2023-{9 + n:02}-01"), at, value, unit, source.name)
            for n, value in enumerate(values)
        ]
        got = Collected(Fetch(source.name, at, FetchOutcome.NEW, signals=len(signals)), signals,
                        [Series(name, Frequency.MONTH, unit, source.name, "USD")])  # fmt: skip
        monkeypatch.setattr("ews.pipeline.collect", lambda *_: got)

    client = cast(Client, None)
    pipeline_now = now
    brings("USD/t", 380.0, 410.0)
    assert pipeline.scrape(source, client, now) == 2
    old, new = pipeline.store.vintages(now)
    assert (old.basis, old.available_at.month) == (VintageBasis.CALENDAR, 10), "out a month ago"
    assert (new.basis, new.available_at) == (VintageBasis.RECORDED, now), "out today"
    pipeline_now = now + timedelta(days=1)
    brings("USD/t", 381.0, 410.0)
    assert pipeline.scrape(source, client, pipeline_now) == 1, "one revised, one as it was"
    assert [one.value for one in pipeline.store.observations(now)] == [380.0, 410.0]
    assert [one.value for one in pipeline.store.observations(pipeline_now)] == [381.0, 410.0]
    pipeline_now = now + timedelta(days=2)
    brings("KRW/t", 500_000.0)
    assert pipeline.scrape(source, client, pipeline_now) == 0
    failed = pipeline.store.last_fetch(source.name)
    assert failed is not None
    assert (failed.outcome, "USD/t" in (failed.error or "")) == (FetchOutcome.FAILED, True)
    assert pipeline.store.series([name])[0].unit == "USD/t"
