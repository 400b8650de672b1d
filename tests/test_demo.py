"""The demo's promises: each crisis told in time, quiet weeks silent, and nothing tied to a case.

The swap tests retell a case about another country or another item, word for word otherwise, and
ask that the alert follows: no rule may know a shipped case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.budgets import costs
from alerts.words import say
from ews.model import Alert, Article, Observation, Stage, utc
from ews.pipeline import Pipeline
from ews.tuning import cases
from ews.tuning.backtest import exactly, hs_of, names_of
from ews.tuning.demo import DemoResult, check_case, check_quiet, run_demo
from ews.tuning.lead_table import lead_rows
from ews.tuning.replay import replay
from ews.tuning.scored import Window
from ews.tuning.scored_alerts import read_alerts
from ews.tuning.tape import tape_of
from ews.tuning.timeline import script
from ews.tuning.timeline_reading import read_timeline
from ews.tuning.timeline_rows import Setting
from graph import Network

Build = Callable[[Path], Pipeline]


def retold(name: str, words: Mapping[str, str]) -> list[Article | Observation]:
    """The texts of a case with some words exchanged; series are left out."""
    told: list[Article | Observation] = []
    for signal in cases.load(name):
        if isinstance(signal, Article):
            title, text = signal.title, signal.text
            for old, new in words.items():
                title, text = title.replace(old, new), text.replace(old, new)
            told.append(replace(signal, title=title, text=text))
    return told


def alerts_of(pipeline: Pipeline, signals: Sequence[Article | Observation]) -> list[Alert]:
    days = [signal.available_at.date() for signal in signals]
    replay(pipeline, signals, min(days), max(days))
    return [alert for alert in pipeline.store.alerts() if alert.max_stage >= Stage.CAUTION]


@pytest.fixture(scope="module")
def demo(
    tmp_path_factory: pytest.TempPathFactory, pipeline_at: Build
) -> tuple[Pipeline, DemoResult]:
    pipeline = pipeline_at(tmp_path_factory.mktemp("demo"))
    return pipeline, run_demo(pipeline)


@pytest.fixture(scope="module")
def played(demo: tuple[Pipeline, DemoResult]) -> Pipeline:
    return demo[0]


def test_a_backtest_tells_what_the_demo_told_and_is_scored_alike(
    played: Pipeline, network: Network
) -> None:
    store = played.store
    since, until = utc("2019-06-01"), utc("2024-12-31")
    tape = tape_of(store, network, since, until)
    rules = store.ruleset()
    assert rules is not None
    found = exactly(tape, rules, played.rooms.routes)
    assert list(found.changes) == store.changes()
    window = Window(since, until)
    assert list(found.raised) == read_alerts(store, window, hs_of, names_of)
    told = Counter(n.reason.value for n in store.notifications() if costs(n))
    assert sum(found.loads["console"].told_by_day.values()) == told.total() > 10


@pytest.mark.parametrize(("readme", "lang"), [("README.md", "en"), ("README.ko.md", "ko")])
def test_the_readme_shows_an_alert_of_the_demo_as_it_is_printed(
    played: Pipeline, readme: str, lang: str
) -> None:
    text = (Path(__file__).parents[1] / readme).read_text("utf-8")
    shown = text.split("<!-- demo-alert -->")[1].split("```text\n")[1].split("```")[0]
    alert = shown.rsplit("ews explain ", 1)[1].strip()
    first = min(played.store.notifications(alert_id=alert), key=lambda one: one.alert_revision)
    message = played.message(replace(first, lang=lang, why=told_why(first.why, lang)), first.at)
    assert message.text == shown


def told_why(why: str, lang: str) -> str:
    """The receiver's reason, as a receiver of that language would have had it."""
    assert why == say("route.everything", "ko")
    return say("route.everything", lang)


def test_prices_alone_tell_of_urea_at_watch_before_any_text_and_go_on_with_it(
    played: Pipeline,
) -> None:
    store = played.store
    first = min(
        (c for c in store.changes(since=utc("2021-01-01")) if "urea" in c.alert.items),
        key=lambda c: c.at,
    )
    assert first.at <= utc("2021-09-15"), "mission: 관심 from price signals by then"
    assert (first.alert.stage, first.alert.type) == (Stage.WATCH, "price_shock")
    event = store.event(first.alert.event_id)
    assert event is not None
    assert event.first_seen < utc("2021-07-01")
    assert {link.partition(":")[0] for link in event.links} == {"series", "story"}
    assert "fulfilled" in event.facts
    monthly = store.changes(since=first.at, until=utc("2021-10-04"), alert_id=first.alert.id)
    assert all(c.alert.resolved_at is None for c in monthly), "monthly figures are no silence"


BAR = (
    "urea_2021",
    "gallium_germanium_2023",
    "graphite_2023",
    "red_sea_2023_24",
    "japan_2019",
)


@pytest.mark.parametrize("name", BAR)
def test_a_crisis_is_told_at_caution_within_a_day_with_what_it_reaches(
    played: Pipeline, name: str
) -> None:
    result = check_case(played.store, name)
    assert result.alert is not None, result.lacking
    assert result.lacking == ()
    assert result.hours is not None
    assert abs(result.hours) <= 24


def test_the_whole_demo_passes_as_make_demo_asks(demo: tuple[Pipeline, DemoResult]) -> None:
    assert demo[1].passed


@pytest.mark.parametrize("name", cases.quiet())
def test_a_quiet_week_full_of_traps_raises_nothing(played: Pipeline, name: str) -> None:
    raised = check_quiet(played.store, name).alerts
    assert [alert.title for alert in raised] == []


@pytest.mark.torture  # test_pipeline plays one case again in every run
def test_played_again_the_demo_changes_nothing(played: Pipeline) -> None:
    before = played.store.counts()
    run_demo(played)
    assert played.store.counts() == before


def test_with_another_country_in_the_text_the_alert_names_that_country(
    tmp_path: Path, pipeline_at: Build
) -> None:
    words = {"China": "Japan", "중국": "일본", "Beijing": "Tokyo", "베이징": "도쿄"}
    alerts = alerts_of(pipeline_at(tmp_path), retold("graphite_2023", words))
    graphite = [
        a for a in alerts if set(a.items) & {"natural-graphite", "artificial-graphite", "graphite"}
    ]
    assert graphite
    assert any("JP" in a.countries for a in graphite)
    assert not any("CN" in a.countries for a in graphite)


def test_with_another_item_in_the_text_the_alert_names_that_item(
    tmp_path: Path, pipeline_at: Build
) -> None:
    words = {
        "urea": "magnesium", "Urea": "Magnesium", "요소수": "마그네슘", "요소": "마그네슘",
        "fertiliser": "metal", "비료": "금속", "diesel exhaust fluid": "magnesium",
        "Diesel exhaust fluid": "Magnesium",
    }  # fmt: skip
    alerts = alerts_of(pipeline_at(tmp_path), retold("urea_2021", words))
    assert any("magnesium" in a.items for a in alerts)
    assert not any("urea" in a.items for a in alerts)


@pytest.mark.parametrize("name", cases.names())
def test_the_lead_of_each_crisis_is_the_one_that_the_docs_print(
    demo: tuple[Pipeline, DemoResult], name: str
) -> None:
    pipeline, text = demo[0], (Path(__file__).parents[1] / "docs/cases.md").read_text("utf-8")
    ruleset = pipeline.ruleset(datetime(2030, 1, 1, tzinfo=UTC))
    by = Setting(ruleset, "shipped", pipeline.rooms.routes, "in force", "")
    found = read_timeline(pipeline.store, script(name), by)
    _, (row,) = lead_rows([found], "en")
    assert f"| {' | '.join(row[:5])} |" in text, "run: ews case run --all --write docs/cases.md"
