"""A store's alerts, as the score reads them, and the keys that docs/score-format.md promises."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from alerts.routing import Routes
from ews.model import (
    Alert,
    AlertChange,
    AlertState,
    Article,
    ChangeKind,
    Ending,
    Event,
    EventStatus,
    Evidence,
    Exposure,
    Notification,
    Phase,
    Receiver,
    RouteReason,
    Stage,
)
from ews.storage import Store
from ews.tuning import cases
from ews.tuning.comparison import compare_scores
from ews.tuning.demo import check_case
from ews.tuning.raised import Raised
from ews.tuning.references import Episode, Query, Trap
from ews.tuning.replay import differ
from ews.tuning.score import document as score_of
from ews.tuning.score import examine
from ews.tuning.scored_alerts import feed_kinds, last_window, probability, read_alerts
from ews.tuning.stored_loads import stored_loads
from ews.tuning.verdicts import Verdict, together

T0 = datetime(2023, 9, 7, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
DOC = Path(__file__).parents[1] / "docs" / "score-format.md"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def article() -> Article:
    return Article("art-1", "src", "한 신문", "https://www.a.example/1?utm_source=x", "요소 제목",
                   "요소 본문", "ko", T0 - HOUR, T0)  # fmt: skip


def event(**given: object) -> Event:
    evidence = Evidence("art-1", "a", T0, "요소 제목", "한 신문",
                        "https://www.a.example/1?utm_source=x", T0 - HOUR, "ko")  # fmt: skip
    made = Event(
        "evt-1", "export_restriction", (), EventStatus.SUSPECTED, Phase.ACTUAL, 0.9, 1.5, ("CN",),
        ("urea",), ("busan",), ("suez",), ("lotte",), "요소 제목", T0, T0, (evidence,), "news",
        last_seen=T0,
    )  # fmt: skip
    return replace(made, **given)  # type: ignore[arg-type]


def alert(**given: object) -> Alert:
    made = Alert(
        "alr-1", "f", "evt-1", Stage.WATCH, Stage.WATCH, AlertState.FIRING, T0, T0, 1, 1, "r", (),
        "export_restriction", ("CN",), ("urea",), ("suez",), ("busan",), (), "요소 제목",
    )  # fmt: skip
    return replace(made, **given)  # type: ignore[arg-type]


def fill(store: Store) -> None:
    rising = alert(stage=Stage.ALERT, max_stage=Stage.ALERT, revision=2, updated_at=T0 + 3 * HOUR,
                   countries=("CN", "VN"))  # fmt: skip
    closed = replace(rising, state=AlertState.RESOLVED, revision=3, updated_at=T0 + 9 * HOUR)
    with store.begin() as tx:
        tx.save_articles([article()])
        tx.save_events([event()])
        tx.save_changes([
            AlertChange(alert(), ChangeKind.RAISED, T0, None, ""),
            AlertChange(rising, ChangeKind.STAGE_UP, T0 + 3 * HOUR, Stage.WATCH, ""),
            AlertChange(closed, ChangeKind.RESOLVED, T0 + 9 * HOUR, Stage.ALERT, ""),
        ])  # fmt: skip
        tx.put("replay.last", json.dumps(
            {"from": "2023-09-01", "to": "2023-09-30", "feeds": ["x/rss2023/rss_2023_h2.jsonl.gz"]}
        ))  # fmt: skip


def episode() -> Episode:
    return Episode(
        id="urea", type="export_restriction", types_also=frozenset(), reference_time=T0 - HOUR,
        starts=T0 - 24 * HOUR, ends=T0 + 900 * HOUR, countries=frozenset({"CN"}),
        hs4=frozenset({"3102"}), names=frozenset(), severity=3, expected=Stage.CAUTION,
        required=True, links=frozenset({"a.example/1"}), query=Query(()),
        query_from=T0.date(), query_to=T0.date(), feed="rss2023", lang="ko",
    )  # fmt: skip


def hs_of(item: str) -> tuple[str, ...]:
    return {"urea": ("310210",)}.get(item, ())


def names_of(kind: str, code: str) -> tuple[str, ...]:
    return {("chokepoint", "suez"): ("Suez Canal", "수에즈 운하")}.get((kind, code), ())


def test_an_alert_comes_with_its_stages_content_and_evidence(store: Store) -> None:
    fill(store)
    (found,) = read_alerts(store, last_window(store), hs_of, names_of)
    assert [step.stage for step in found.steps] == [Stage.WATCH, Stage.ALERT, Stage.ALERT]
    assert found.reached(Stage.CAUTION) == T0 + 3 * HOUR
    content = found.content_by(T0)
    assert (content.hs4, content.countries) == ({"3102"}, {"CN"})
    assert {"suez", "수에즈", "busan", "lotte"} <= content.names
    assert found.content_by(T0 + 4 * HOUR).countries == {"CN", "VN"}
    assert found.open_at(T0 + HOUR)
    assert not found.open_at(T0 + 10 * HOUR)
    (link,) = found.links
    assert (link.url, link.summary, link.published) == ("a.example/1", "요소 본문", T0 - HOUR)
    assert (link.outlet, link.group, link.lang) == ("한 신문", "a", "ko")
    assert found.href == "https://www.a.example/1?utm_source=x"  # the address to open, as it was
    assert (found.items, found.events, found.rule) == (("urea",), ("evt-1",), "r")


def test_the_chance_that_was_sent_and_the_probability_of_the_rule_come_with_each_step(
    store: Store,
) -> None:
    fill(store)
    sent = alert(chance=0.61, reasons=("probability=0.91 (raise 0.6, clear 0.4)", "severity=2"))
    with store.begin() as tx:
        tx.save_changes([AlertChange(replace(sent, revision=4), ChangeKind.NOTED, T0, None, "")])
    (found,) = read_alerts(store, last_window(store), hs_of, names_of)
    assert {(step.chance, step.probability) for step in found.steps} == {(0.61, 0.91), (None, None)}
    assert probability(alert(reasons=("severity=2",))) is None


def test_a_report_that_two_events_share_is_one_piece_of_evidence(store: Store) -> None:
    fill(store)
    both = alert(members={"evt-1": 1, "evt-2": 1}, revision=5)
    with store.begin() as tx:
        tx.save_events([event(id="evt-2")])
        tx.save_changes([AlertChange(both, ChangeKind.NOTED, T0 + 10 * HOUR, None, "")])
    (found,) = read_alerts(store, last_window(store), hs_of, names_of)
    assert len(found.links) == 1
    assert found.events == ("evt-1", "evt-2")


def note(revision: int, at: datetime, reason: RouteReason, **given: object) -> Notification:
    made = Notification(
        Notification.make_id("alr-1", revision, "desk"), "alr-1", revision, ChangeKind.RAISED,
        "desk", "console", "-", "ko", reason, at,
    )  # fmt: skip
    return replace(made, **given)  # type: ignore[arg-type]


def test_a_receivers_load_is_what_its_budget_counts_by_its_own_day(store: Store) -> None:
    fill(store)
    late = datetime(2023, 9, 7, 16, tzinfo=UTC)  # the next day in Seoul
    with store.begin() as tx:
        tx.save_notifications([], [
            note(1, T0, RouteReason.FIRST),
            note(2, late, RouteReason.STAGE_ROSE),
            note(3, late, RouteReason.STANDING, edit=True),
            note(4, late, RouteReason.HELD_BY_BUDGET),
        ])  # fmt: skip
    seoul = Receiver("desk", "console", "-", budget_per_day=1)
    load = stored_loads(store, last_window(store), Routes((seoul,), ()))["desk"]
    assert load.told_by_day == {date(2023, 9, 7): 1, date(2023, 9, 8): 1}
    assert (load.held_by_reason, load.alerts) == ({"held_by_budget": 1}, {"alr-1": T0})


def test_an_alert_that_an_earlier_window_raised_is_not_scored(store: Store) -> None:
    fill(store)
    later = last_window(store, datetime(2023, 9, 10, tzinfo=UTC), datetime(2023, 9, 30, tzinfo=UTC))
    assert read_alerts(store, later, hs_of, names_of) == []


def test_the_window_is_that_of_the_last_replay(store: Store) -> None:
    with pytest.raises(ValueError, match="run `ews replay` first"):
        last_window(store)
    fill(store)
    window = last_window(store)
    assert (window.days, window.feeds) == (30, ("rss2023",))


def test_feeds_that_are_not_known_leave_every_episode_in() -> None:
    assert feed_kinds(["feeds/kr_news/kr_news_2025-08_2026-03.jsonl.gz"]) == ("kr_news",)
    assert feed_kinds(["rss_2023_h2.jsonl.gz", "mine.jsonl"]) == ()
    assert feed_kinds(["mine.jsonl"], ["own"]) == ("own",)
    assert feed_kinds([]) == ()


def _keys(document: object, prefix: str = "") -> Iterator[str]:
    if isinstance(document, dict):
        for key, value in document.items():
            path = f"{prefix}.{key}" if prefix else str(key)
            yield path
            if not path.split(".")[-1].startswith("by_"):
                yield from _keys(value, path)
    if isinstance(document, list):
        for value in document:
            yield from _keys(value, f"{prefix}[]")


def with_chance(one: Raised, chance: float) -> Raised:
    return replace(one, steps=tuple(replace(step, chance=chance) for step in one.steps))


def test_every_key_of_the_document_is_written_down(store: Store) -> None:
    fill(store)
    window = last_window(store)
    alerts = read_alerts(store, window, hs_of, names_of)
    trap = Trap("a.example/1", T0, "sports", "never", "rss2023", "ko")
    verdicts = together([Verdict("alr-1", "real", "", "kim")])
    sent = [with_chance(one, 0.7) for one in alerts]  # so that there is a calibration
    loads = stored_loads(
        store, window, Routes((Receiver("desk", "console", "-", budget_per_day=5),), ())
    )
    scored = examine(sent, [episode()], [trap], window, verdicts, loads)
    document = score_of(scored)
    empty = examine([], [episode()], [trap], window, verdicts, loads)
    document["against"] = compare_scores(empty, scored)
    lost = compare_scores(scored, empty)
    assert json.loads(json.dumps(document)) == document
    written = set(re.findall(r"^\| `([^`]+)` \|", DOC.read_text(encoding="utf-8"), re.MULTILINE))
    proportions = {
        f"{key}.{part}"
        for key in written
        for part in ("hits", "of", "rate", "interval", "bootstrap")
    }
    assert set(_keys(document)) | {f"against.{key}" for key in _keys(lost)} <= written | proportions
    groups = document["breakdown"]
    assert isinstance(groups, dict)
    row = groups["by_receiver"]["desk"]
    assert {f"row.{key}" for key in row} == {key for key in written if key.startswith("row.")}


# ----- alerts that took in several reports


def keep(store: Store, *alerts: Alert) -> None:
    with store.begin() as tx:
        for one in alerts:
            names = dict.fromkeys((one.event_id, *one.members))
            tx.save_events([event(id=name, firms=(f"firm{name[-1]}",)) for name in names])
        tx.save_changes([AlertChange(a, ChangeKind.RAISED, a.raised_at, None, "") for a in alerts])
        tx.put("replay.last", json.dumps({"from": "2023-09-01", "to": "2023-09-30", "feeds": []}))


def test_the_firms_of_every_report_that_joined_are_in_the_content(store: Store) -> None:
    keep(store, alert(members={"evt-1": 1, "evt-2": 1}))
    (found,) = read_alerts(store, last_window(store), hs_of, names_of)
    assert {"firm1", "firm2"} <= found.content_by(T0).names


def test_two_rule_sets_that_start_one_happening_with_another_report_are_compared_as_one(
    store: Store, tmp_path: Path
) -> None:
    other = Store.open(tmp_path / "other")
    keep(store, alert(members={"evt-1": 1, "evt-2": 1}), alert(id="alr-9", event_id="evt-9"))
    keep(
        other,
        alert(id="alr-2", event_id="evt-2", members={"evt-2": 2}, max_stage=Stage.CAUTION),
        alert(id="alr-7", event_id="evt-7", members={"evt-7": 1}),
    )
    found = differ(store, other)
    assert [one.alert for one in found.gained] == ["alr-7"]
    assert [one.alert for one in found.lost] == ["alr-9"]
    assert [(one.alert, one.stage) for one in found.moved] == [("alr-2", "watch -> caution")]
    other.close()


def test_a_case_counts_every_report_that_joined_and_nothing_that_has_ended(store: Store) -> None:
    wanted = cases.expected("urea_2021")
    told = alert(
        raised_at=wanted.at - HOUR, stage=Stage.CAUTION, max_stage=Stage.CAUTION, updated_at=wanted.at,
        members={"evt-1": 2, "evt-2": 2},
    )  # fmt: skip
    use = Exposure(
        "evt-2", "urea", "CN", "use:urea:1", wanted.industries[0], wanted.ministries, 0.9, 0.5,
        0.9, 1.0, 30.0, 60.0, (),
    )  # fmt: skip
    keep(store, told)
    store.save_propagation(event(id="evt-2"), [], [use])
    assert check_case(store, "urea_2021").lacking == ()
    gone = replace(told, revision=2, state=AlertState.RESOLVED, ending=Ending.RETRACTED)
    store.save_changes([AlertChange(gone, ChangeKind.RETRACTED, wanted.at, Stage.CAUTION, "")])
    change = check_case(store, "urea_2021").change
    assert change is not None
    assert change.kind is ChangeKind.RAISED
