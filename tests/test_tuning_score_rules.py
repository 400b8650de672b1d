"""The guide read once more: cases in which an easier reading would flatter the score."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ews.model import Stage
from ews.tuning.detections import Lookout, detections, duplicates, families
from ews.tuning.matching import Content, Link, Matcher, Raised, Rule, Step, match_alerts, match_one
from ews.tuning.references import Episode
from ews.tuning.scored import examine
from tests.score_samples import DAY, HOUR, T0, WINDOW, alert, each, episode, found, link, step


def on(n: int, at_hours: float) -> Link:
    """An item of the episode that is known so many hours after the reference time."""
    return link(f"a.example/{n}", at=T0 + at_hours * HOUR)


def off(n: int, at_hours: float = 0) -> Link:
    return link(f"x.example/{n}", at=T0 + at_hours * HOUR)


def at_caution(*alerts: Raised, episodes: tuple[Episode, ...] = ()) -> dict[str, float]:
    some = episodes or (episode(),)
    matching = match_alerts(alerts, some)
    caught = detections(matching, some, Lookout(Stage.CAUTION))
    return {id_: d.hours for id_, d in caught.items()}


# ----- when does an overlap hold?


def test_a_fifth_of_many_links_must_hold_at_the_moment_that_is_counted() -> None:
    others = tuple(off(n) for n in range(8))
    raised = alert(countries="", links=(*others, on(0, 0), on(1, 7)))
    match = match_one(raised, episode())
    assert match is not None  # 1 of 9 links at first, 2 of 10 seven hours later
    assert (match.rule, match.at) == (Rule.ITEMS, T0 + 7 * HOUR)


def test_content_in_time_is_not_stale_because_the_items_came_too_late() -> None:
    late = link("a.example/1", at=T0 + 70 * DAY)
    match = match_one(alert(hs4="3102", links=(late,)), episode())
    assert match is not None
    assert (match.rule, match.stale, match.at) == (Rule.CONTENT, False, T0)


def test_an_early_alert_is_not_lucky_once_an_item_is_its_evidence() -> None:
    early = alert(at=T0 - 9 * HOUR, hs4="3102", links=(on(1, -5),))
    delay = found(early)["delay"]
    assert isinstance(delay, dict)
    assert (delay["lucky_early"], delay["median_hours"]) == ([], -5.0)


# ----- 주의: standing, not having stood


def test_an_alert_that_fell_from_caution_before_it_named_the_episode_did_not_catch_it_there() -> (
    None
):
    fell = step(T0 + HOUR, Stage.WATCH)
    names_it = step(T0 + 5 * HOUR, Stage.WATCH, hs4="3102")
    assert at_caution(alert(later=(fell, names_it))) == {}
    rises = step(T0 + 9 * HOUR, Stage.CAUTION, hs4="3102")
    assert at_caution(alert(later=(fell, names_it, rises))) == {"urea": 9.0}


def test_an_alert_that_has_ended_catches_nothing() -> None:
    ended = step(T0 + HOUR, open_=False)
    named_after = alert(later=(ended,), links=(on(1, 6),))
    assert each(found(named_after))["detected"] is False


def test_at_caution_another_alert_counts_when_the_first_one_rose_too_late() -> None:
    slow = alert("a1", hs4="3102", stage=Stage.WATCH, later=(step(T0 + 70 * DAY, Stage.CAUTION),))
    quick = alert("a2", T0 + 3 * DAY, hs4="3102")
    assert at_caution(slow, quick) == {"urea": 72.0}


# ----- families

TOP = episode("top", type="armed_conflict_or_unrest", names=frozenset({"gaza"}),
              hs4=frozenset({"2709"}), links=frozenset({"a.example/1"}))  # fmt: skip
MIDDLE = episode("middle", type="logistics_disruption", parent="top", names=frozenset({"suez"}),
                 hs4=frozenset({"8609"}), links=frozenset({"a.example/4"}))  # fmt: skip
LOW = episode("low", type="price_shock", parent="middle", names=frozenset({"rates"}),
              hs4=frozenset({"8901"}), links=frozenset({"a.example/7"}))  # fmt: skip


def test_a_family_goes_up_to_the_topmost_parent_in_any_order() -> None:
    for order in ((TOP, MIDDLE, LOW), (LOW, MIDDLE, TOP)):
        assert families(order) == {"top": "top", "middle": "top", "low": "top"}
    assert families([LOW, MIDDLE])["low"] == "top"  # absent from the file, named by its child
    looped = [replace(TOP, parent="low"), MIDDLE, LOW]
    assert len(set(families(looped).values())) <= len(looped)  # a broken file ends too


@pytest.mark.parametrize("order", [(TOP, MIDDLE, LOW), (LOW, MIDDLE, TOP)])
def test_what_catches_a_grandchild_catches_the_whole_line(order: tuple[Episode, ...]) -> None:
    raised = alert(at=T0 + 4 * HOUR, type_="price_shock", links=(on(7, 0),))
    document = found(raised, episodes=order)
    assert {str(each(document, id_)["rule"]) for id_ in ("top", "middle")} == {"child"}
    recall = document["recall"]
    assert isinstance(recall, dict)
    assert (recall["families"]["hits"], recall["families"]["of"]) == (1, 1)
    assert recall["families_severity_2"]["of"] == 1


def test_a_child_that_comes_after_the_parents_window_does_not_catch_the_parent() -> None:
    child = replace(MIDDLE, reference_time=T0 + 80 * DAY, starts=T0 + 79 * DAY, ends=T0 + 140 * DAY)
    raised = alert(at=T0 + 80 * DAY, type_="logistics_disruption", links=(on(4, 0),))
    document = found(raised, episodes=(TOP, child))
    assert each(document, "middle")["detected"] is True
    assert each(document, "top")["detected"] is False


def test_an_alert_opened_by_the_parents_end_does_not_catch_a_child() -> None:
    ended = replace(TOP, end_link="a.example/1")
    later = step(T0 + 5 * HOUR, type_="armed_conflict_or_unrest", hs4="8609")
    raised = alert(type_="armed_conflict_or_unrest", links=(on(1, 0),), later=(later,))
    assert each(found(raised, episodes=(ended, MIDDLE)), "middle")["detected"] is False


# ----- strong matches


def test_strong_recall_counts_items_only_through_parents_and_children_too() -> None:
    by_content = found(alert(hs4="3102"))
    by_items = found(alert(links=(on(1, 0),)))
    for document, hits in ((by_content, 0), (by_items, 1)):
        recall = document["recall"]
        assert isinstance(recall, dict)
        assert (recall["all"]["hits"], recall["strong"]["all"]["hits"]) == (1, hits)
        assert each(document)["strong"] is bool(hits)
    content = alert(type_="price_shock", countries="CN", hs4="8901")
    document = found(content, episodes=(TOP, MIDDLE, LOW))
    assert each(document, "top")["detected"] is True
    assert each(document, "top")["strong"] is False


# ----- second alerts


def test_a_second_alert_that_first_tells_of_a_child_is_an_update_on_any_day() -> None:
    first = alert("a1", type_="armed_conflict_or_unrest", links=(on(1, 0),))
    raised = [first]
    for n, hs4 in ((2, "1001"), (3, "8609"), (4, "8609")):
        links = (on(1, n), off(n, n))
        raised.append(alert(f"a{n}", T0 + n * HOUR, type_="armed_conflict_or_unrest", hs4=hs4,
                            links=links))  # fmt: skip
    child = replace(MIDDLE, links=frozenset({"a.example/4"}))
    kinds = duplicates(match_alerts(raised, [TOP, child]), [TOP, child])
    assert kinds == {"a2": "update", "a3": "update", "a4": "duplicate"}
    assert duplicates(match_alerts(raised, [TOP, child]))["a3"] == "duplicate"  # one a day


def test_an_alert_on_the_end_is_false_and_not_a_duplicate() -> None:
    ended = episode(end_link="a.example/8")
    again = alert("a2", T0 + DAY, links=(on(8, 24),))
    document = found(alert(hs4="3102"), again, episodes=(ended,))
    repeats, rows = document["duplicates"], each(document)["alerts"]
    assert isinstance(repeats, dict)
    assert isinstance(rows, list)
    assert (repeats["hits"], repeats["of"]) == (0, 2)
    assert [row["as"] for row in rows] == ["first", "end"]


# ----- a matcher that is kept


def test_a_kept_matcher_gives_the_same_answers_and_looks_only_once() -> None:
    episodes = (TOP, MIDDLE, LOW, episode())
    alerts = [alert(f"a{n}", T0 + n * HOUR, hs4="3102", links=(on(n, n), off(n))) for n in range(6)]
    kept = Matcher(episodes)
    first = examine(alerts, episodes, (), WINDOW, matcher=kept)
    again = examine(alerts[1:], episodes, (), WINDOW, matcher=kept)
    fresh = examine(alerts[1:], episodes, (), WINDOW)
    assert again.matching == fresh.matching
    assert first.matching.chosen["a1"] is again.matching.chosen["a1"]
    fewer = Matcher(episodes[:2])  # of other episodes: not used
    assert examine(alerts, episodes, (), WINDOW, matcher=fewer).matching == first.matching


def test_content_grows_over_the_steps_and_a_matcher_sees_when() -> None:
    grows = Raised("a", "export_restriction", (
        Step(T0, Stage.WATCH, Content(countries=frozenset({"CN"}))),
        Step(T0 + timedelta(hours=2), Stage.WATCH, Content(hs4=frozenset({"3102"}))),
    ))  # fmt: skip
    (match,) = Matcher([episode()]).matches(grows)
    assert match.at == T0 + 2 * HOUR
