"""The figures of a preview, from made-up alerts: nothing is played here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from ews.model import Alert, AlertState, Stage, content_id
from ews.tuning.desk_figures import alert_load, confusion_rows, episode_rows, point, receiver_rows
from ews.tuning.desk_judged import alert_of, verdicts_for
from ews.tuning.loads import ReceiverLoad
from ews.tuning.raised import Content, Link, Raised, Step
from ews.tuning.references import Episode, Query, Trap
from ews.tuning.scored import Scored, Window, examine
from ews.tuning.verdicts import Verdicts

START = datetime(2023, 7, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = Window(START, START + 10 * DAY)


def raised(name: str, stage: Stage, day: int = 1, url: str = "") -> Raised:
    at = START + day * DAY
    link = Link(url or f"x.org/{name}", f"title {name}", at, at, href=f"https://x.org/{name}")
    content = Content(frozenset({"export_restriction"}))
    return Raised(name, "export_restriction", (Step(at, stage, content),), (link,), f"title {name}",
                  rule="caution-item")  # fmt: skip


def episode(url: str) -> Episode:
    at = START + DAY
    return Episode(
        id="ep-1", type="export_restriction", types_also=frozenset(), reference_time=at,
        starts=at - DAY, ends=at + 60 * DAY, countries=frozenset({"CN"}), hs4=frozenset({"2504"}),
        names=frozenset(), severity=2, expected=Stage.CAUTION, required=True,
        links=frozenset({url}), query=Query(()), query_from=at.date(), query_to=at.date(),
        name="a ban",
    )  # fmt: skip


def scored(*alerts: Raised, traps: tuple[Trap, ...] = (), said: dict[str, bool] | None = None,
           episodes: tuple[Episode, ...] = ()) -> Scored:  # fmt: skip
    verdicts = None if said is None else Verdicts(said, frozenset(), frozenset({"a"}), None)
    return examine(alerts, episodes, traps, WINDOW, verdicts)


def alert(name: str, event: str, *members: str) -> Alert:
    return Alert(
        id=name, fingerprint="", event_id=event, stage=Stage.WATCH, max_stage=Stage.WATCH,
        state=AlertState.FIRING, raised_at=START, updated_at=START, revision=1, ruleset=1, rule="",
        reasons=(), type="", countries=(), items=(), chokepoints=(), ports=(), ministries=(),
        title="", members=dict.fromkeys(members, 1),
    )  # fmt: skip


def test_alerts_are_counted_by_the_highest_stage_they_reached() -> None:
    found = alert_load(
        scored(raised("a", Stage.WATCH), raised("b", Stage.CAUTION), raised("c", Stage.ALERT, 2))
    )
    assert (found.total, found.per_day, found.most_in_a_day) == (3, 0.3, 2)
    assert (found.caution, found.caution_per_day) == (2, 0.2)
    assert [row.total for row in found.by_stage] == [1, 1, 1, 0]


def test_an_operating_point_counts_as_right_only_what_somebody_judged() -> None:
    caught = raised("a", Stage.CAUTION, url="x.org/ban")
    some = (caught, raised("b", Stage.CAUTION), raised("c", Stage.WATCH))
    unread = point(scored(*some, episodes=(episode("x.org/ban"),)), Stage.CAUTION)
    assert (unread.caught, unread.episodes, unread.recall) == (1, 1, 1.0)
    assert (unread.judged, unread.precision) == (0, None)
    read = point(scored(*some, said={"a": True, "b": False, "c": True}), Stage.CAUTION)
    assert (read.per_day, read.right, read.judged, read.precision) == (0.2, 1, 2, 0.5)
    assert (read.episodes, read.recall) == (0, None)


def test_an_episode_is_gained_and_lost_by_name_and_link() -> None:
    ban = (episode("x.org/ban"),)
    with_it = scored(raised("a", Stage.CAUTION, url="x.org/ban"), episodes=ban)
    lower = scored(raised("a", Stage.WATCH, url="x.org/ban"), episodes=ban)
    (gained,), (lost,) = episode_rows(lower, with_it), episode_rows(with_it, lower)
    assert (gained.state, gained.name, gained.link) == ("gained", "a ban", "https://x.org/a")
    assert (lost.state, lost.seen_after, lost.hours_before, lost.hours_after) == (
        "lost", True, 0.0, None
    )  # fmt: skip
    (missed,) = episode_rows(scored(episodes=ban), scored(episodes=ban))
    assert (missed.state, missed.link) == ("missed", "https://x.org/ban")


def test_every_alert_of_either_side_is_listed_once_with_what_is_known_of_it() -> None:
    before = scored(raised("a", Stage.WATCH), raised("b", Stage.WATCH), said={"b": False})
    trap = Trap("x.org/c", START + DAY, "history", "never")
    after = scored(raised("a", Stage.CAUTION), raised("c", Stage.WATCH), traps=(trap,))
    rows = {row.alert: row for row in confusion_rows(before, after, {}, {})}
    assert {id_: row.side for id_, row in rows.items()} == {
        "a": "moved",
        "b": "lost",
        "c": "gained",
    }
    assert (rows["b"].judged, rows["b"].basis) == ("false", "verdict")
    assert (rows["c"].judged, rows["c"].what) == ("trap", "history")
    assert (rows["a"].judged, rows["a"].stage, rows["a"].stage_before) == ("open", 2, 1)
    assert rows["a"].link == "https://x.org/a"


def test_alerts_that_share_a_report_are_one_happening_though_another_report_spoke_first() -> None:
    before, after = scored(raised("a", Stage.WATCH)), scored(raised("b", Stage.WATCH))
    (row,) = confusion_rows(
        before, after, {"a": alert("a", "e1", "e1", "e2")}, {"b": alert("b", "e2", "e2")}
    )
    assert (row.alert, row.side) == ("b", "same")


def test_what_was_said_of_an_alert_holds_for_one_that_took_in_its_first_report() -> None:
    said = {alert_of("e1"): True, "z": False}
    assert alert_of("e1") == content_id("alr", content_id("fp", "e1"))
    found = verdicts_for(
        [alert("b", "e2", "e2", "e1"), alert("z", "e1", "e1"), alert("y", "e9")], said
    )
    assert found is not None
    assert found.decided == {"b": True, "z": False}  # its own verdict before that of a report
    assert verdicts_for([alert("y", "e9")], said) is None


def test_a_receivers_days_over_budget_are_counted() -> None:
    day = date(2023, 7, 1)
    load = ReceiverLoad("desk", 2, {day: 3, day + DAY: 2}, {day: 4}, {"held_by_budget": 3})
    loose = replace(load, budget_per_day=None)
    (row,) = receiver_rows({"desk": loose}, {"desk": load}, 10, {})
    assert (row.after.told, row.after.told_per_day, row.after.held_by_budget) == (5, 0.5, 3)
    assert (row.after.most_in_a_day, row.after.days_over_budget) == (3, 1)
    assert (row.before.budget, row.before.days_over_budget) == (None, 0)
