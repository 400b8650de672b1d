"""Scoring rules on hand-made alerts and episodes: each test is one line of the episode guide."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from ews.model import Stage
from ews.tuning.detections import duplicates
from ews.tuning.matching import Match, Raised, Rule, match_alerts, match_one
from ews.tuning.numbers import wilson
from ews.tuning.references import Episode, Query, Trap
from ews.tuning.score import Window, score
from ews.tuning.verdicts import Verdict, together
from tests.score_samples import DAY, HOUR, T0, WINDOW, alert, each, episode, found, link, step

# ----- rules A, B, C


def test_one_link_is_enough_for_a_small_alert() -> None:
    match = match_one(alert(links=(link("a.example/1"), link())), episode())
    assert match is not None
    assert (match.rule, match.common) == (Rule.ITEMS, 1)


def test_a_title_found_by_the_query_counts_only_inside_its_dates() -> None:
    named = "urea makers told to halt sales"

    def matches(title: str, ep: Episode, at: datetime = T0) -> bool:
        return match_one(alert(links=(link(title=title, at=at),), countries=""), ep) is not None

    assert matches(named, episode())
    assert not matches("urea prices rise", episode())  # both parts must be there
    assert not matches(named, episode(), at=T0 + 40 * DAY)
    excluding = Query(episode().query.any_of, re.compile("makers"))
    assert not matches(named, episode(query=excluding))


@pytest.mark.parametrize(("matching", "expected"), [(1, None), (2, Rule.ITEMS)])
def test_beyond_five_links_a_fifth_must_match(matching: int, expected: Rule | None) -> None:
    good = tuple(link(f"a.example/{n}") for n in range(matching))
    rest = tuple(link(f"x.example/{n}") for n in range(10 - matching))
    match = match_one(alert(links=good + rest, countries=""), episode())
    assert (match.rule if match else None) is expected


@pytest.mark.parametrize(
    ("countries", "hs4", "names", "matches"),
    [
        ("CN", "", "", False),  # country alone is never enough
        ("CN KR", "", "", False),  # two countries are one thing in common
        ("", "3102", "", False),
        ("CN", "3102", "", True),
        ("CN", "", "cnampgc", True),
        ("", "3102", "cnampgc", True),
        ("JP", "3102", "", False),
    ],
)
def test_content_needs_two_of_country_product_and_name(
    countries: str, hs4: str, names: str, matches: bool
) -> None:
    match = match_one(alert(countries=countries, hs4=hs4, names=names), episode())
    assert (match is not None) is matches


def test_no_single_product_is_not_a_product_in_common() -> None:
    boxes = episode(hs4=frozenset())  # 9999 is dropped when read
    assert match_one(alert(hs4="9999"), boxes) is None


@pytest.mark.parametrize(
    ("alert_type", "matches"),
    [
        ("export_restriction", True),
        ("sanctions", True),  # same group
        ("price_shock", True),  # the market goes with any group
        ("armed_conflict_or_unrest", False),
        ("labour_action", False),
    ],
)
def test_types_match_by_group(alert_type: str, matches: bool) -> None:
    assert (match_one(alert(type_=alert_type, hs4="3102"), episode()) is not None) is matches


def test_a_type_listed_as_also_matches() -> None:
    also = episode(types_also=frozenset({"labour_action"}))
    assert match_one(alert(type_="labour_action", hs4="3102"), also) is not None


def test_a_market_type_needs_the_product_for_content() -> None:
    market = alert(type_="price_shock", names="cnampgc")
    assert match_one(market, episode()) is None
    assert (
        match_one(alert(type_="price_shock", links=(link("a.example/1"),)), episode()) is not None
    )


def test_an_alert_before_the_window_is_no_match_and_one_after_it_is_stale() -> None:
    assert match_one(alert(at=T0 - 2 * DAY, hs4="3102"), episode()) is None
    document = found(alert(at=T0 + 61 * DAY, hs4="3102"))
    assert document["stale"] == [{"alert": "a1", "episode": "urea"}]
    assert each(document)["detected"] is False


def test_items_come_before_content_then_links_then_time() -> None:
    near = episode("near", links=frozenset())
    far = episode("far", reference_time=T0 - 10 * DAY, starts=T0 - 11 * DAY)
    raised = alert(hs4="3102", links=(link("a.example/1"),))
    matching = match_alerts([raised], [near, far])
    assert matching.chosen["a1"].episode.id == "far"
    more = episode("more", links=frozenset({"a.example/1", "a.example/2"}))
    one = episode("one", links=frozenset({"a.example/1"}))
    two_links = alert(links=(link("a.example/1"), link("a.example/2")))
    assert match_alerts([two_links], [one, more]).chosen["a1"].episode.id == "more"
    content = alert(hs4="3102")
    closer = match_alerts([content], [far, near]).chosen["a1"]
    assert (closer.episode.id, closer.rule) == ("near", Rule.CONTENT)


# ----- parents and children

PARENT = episode("war", type="armed_conflict_or_unrest", names=frozenset({"sudan"}),
                 hs4=frozenset({"2709"}), links=frozenset({"a.example/1"}))  # fmt: skip
CHILD = episode("port", type="logistics_disruption", parent="war", names=frozenset({"portsudan"}),
                hs4=frozenset({"1301"}), links=frozenset({"a.example/7"}))  # fmt: skip


def test_a_match_to_a_child_detects_the_parent_with_its_delay() -> None:
    raised = alert(at=T0 + 3 * HOUR, type_="logistics_disruption", links=(link("a.example/7"),))
    document = found(raised, episodes=(PARENT, CHILD))
    assert each(document, "war")["rule"] == "child"
    assert each(document, "war")["delay_hours"] == 3.0


def test_a_match_to_the_parent_does_not_detect_the_child() -> None:
    raised = alert(type_="armed_conflict_or_unrest", links=(link("a.example/1"),))
    document = found(raised, episodes=(PARENT, CHILD))
    assert each(document, "war")["detected"] is True
    assert each(document, "port")["detected"] is False


def test_an_update_with_the_childs_content_detects_the_child_then() -> None:
    later = step(T0 + 5 * HOUR, type_="armed_conflict_or_unrest", hs4="1301")
    raised = alert(type_="armed_conflict_or_unrest", links=(link("a.example/1"),), later=(later,))
    document = found(raised, episodes=(PARENT, CHILD))
    assert each(document, "port")["rule"] == "update"
    assert each(document, "port")["delay_hours"] == 5.0


def test_a_family_counts_once_and_an_absent_parent_is_allowed() -> None:
    orphan = episode("lost", parent="not-in-the-file", hs4=frozenset({"8542"}))
    raised = alert(type_="logistics_disruption", links=(link("a.example/7"),))
    recall = found(raised, episodes=(PARENT, CHILD, orphan))["recall"]
    assert isinstance(recall, dict)
    assert (recall["all"]["hits"], recall["all"]["of"]) == (2, 3)
    assert (recall["families"]["hits"], recall["families"]["of"]) == (1, 2)


# ----- delay


def test_delays_are_told_apart_at_1_6_and_24_hours() -> None:
    episodes = tuple(
        episode(f"e{n}", hs4=frozenset({f"10{n:02}"}), links=frozenset({f"a.example/{n}"}))
        for n in range(4)
    )
    hours = (0.5, 5, 20, 30)
    alerts = [
        alert(f"a{n}", T0 + h * HOUR, links=(link(f"a.example/{n}", at=T0),))
        for n, h in enumerate(hours)
    ]
    delay = found(*alerts, episodes=episodes)["delay"]
    assert isinstance(delay, dict)
    assert [delay[key]["hits"] for key in ("within_1h", "within_6h", "within_24h")] == [1, 2, 3]
    assert delay["median_hours"] == 12.5
    assert delay["p90_hours"] == 27.0


def test_an_early_alert_is_early_only_with_an_item_of_the_episode() -> None:
    weak = alert(at=T0 - 5 * HOUR, links=(link("a.example/1", at=T0 - 6 * HOUR),))
    delay = found(weak)["delay"]
    assert isinstance(delay, dict)
    assert (delay["early"], delay["median_hours"], delay["lucky_early"]) == (1, -5.0, [])
    lucky = found(alert(at=T0 - 5 * HOUR, hs4="3102"))["delay"]
    assert isinstance(lucky, dict)
    assert (lucky["early"], lucky["counted"], lucky["lucky_early"]) == (0, 0, ["urea"])


def test_content_that_comes_with_an_update_counts_from_the_update() -> None:
    raised = alert(later=(step(T0 + 4 * HOUR, hs4="3102"),))
    assert each(found(raised))["delay_hours"] == 4.0


def test_caution_counts_from_when_the_alert_reached_it() -> None:
    rising = alert(hs4="3102", stage=Stage.WATCH, later=(step(T0 + 8 * HOUR, Stage.ALERT),))
    row = each(found(rising))
    assert (row["delay_hours"], row["caution_delay_hours"]) == (0.0, 8.0)
    never = found(alert(hs4="3102", stage=Stage.WATCH))
    recall, caution = never["recall"], never["recall_caution"]
    assert isinstance(recall, dict)
    assert isinstance(caution, dict)
    assert (recall["all"]["hits"], caution["all"]["hits"]) == (1, 0)


def test_caution_reached_after_the_window_does_not_count() -> None:
    late = alert(hs4="3102", stage=Stage.WATCH, later=(step(T0 + 70 * DAY, Stage.ALERT),))
    assert each(found(late))["caution_delay_hours"] is None


# ----- duplicates, updates, optional, precision


def kinds(*alerts: Raised) -> dict[str, str]:
    return duplicates(match_alerts(alerts, [episode()]))


def test_a_second_alert_with_nothing_new_is_a_duplicate() -> None:
    assert kinds(alert(hs4="3102"), alert("a2", T0 + DAY, hs4="3102")) == {"a2": "duplicate"}


def test_a_higher_stage_or_a_new_country_is_an_update() -> None:
    first = alert(hs4="3102")
    assert kinds(first, alert("a2", T0 + DAY, hs4="3102", stage=Stage.ALERT)) == {"a2": "update"}
    assert kinds(first, alert("a2", T0 + DAY, countries="CN VN", hs4="3102")) == {"a2": "update"}


def test_more_than_one_update_a_day_is_a_duplicate() -> None:
    first = alert(hs4="3102")
    second = alert("a2", T0 + 1 * HOUR, countries="CN VN", hs4="3102")
    third = alert("a3", T0 + 2 * HOUR, countries="CN QA", hs4="3102")
    assert kinds(first, second, third) == {"a2": "update", "a3": "duplicate"}


def test_new_facts_after_a_closed_alert_are_a_reopening() -> None:
    closed = alert(hs4="3102", later=(step(T0 + DAY, open_=False),))
    again = alert("a2", T0 + 2 * DAY, countries="CN VN", hs4="3102")
    assert kinds(closed, again) == {"a2": "reopening"}


def test_a_new_alert_on_the_end_item_is_false() -> None:
    ended = episode(end_link="a.example/8")
    document = found(alert(links=(link("a.example/8"),)), episodes=(ended,))
    precision = document["precision"]
    assert isinstance(precision, dict)
    assert (precision["on_end_item"], precision["strict"]["hits"]) == (1, 0)
    assert each(document)["detected"] is False


def test_an_optional_episode_is_neither_right_nor_wrong() -> None:
    neutral = episode("minor", required=False, severity=0)
    document = found(alert(hs4="3102"), episodes=(neutral,))
    precision, recall = document["precision"], document["recall"]
    assert isinstance(precision, dict)
    assert isinstance(recall, dict)
    assert (precision["strict"]["of"], precision["optional_only"]) == (0, 1)
    assert recall["all"]["of"] == 0


def test_strict_precision_counts_unmatched_and_stale_alerts_as_false() -> None:
    document = found(
        alert(hs4="3102"), alert("a2", countries="BR"), alert("a3", T0 + 61 * DAY, hs4="3102")
    )
    precision = document["precision"]
    assert isinstance(precision, dict)
    assert (precision["strict"]["hits"], precision["strict"]["of"]) == (1, 3)


def test_verdicts_are_taken_by_majority_and_adjudicate_the_unmatched() -> None:
    said = together([
        Verdict("a2", "real", "", "kim"), Verdict("a2", "real", "", "lee"),
        Verdict("a3", "real", "", "kim"), Verdict("a3", "not_real", "", "lee"),
    ])  # fmt: skip
    alerts = (alert(hs4="3102"), alert("a2", countries="BR"), alert("a3", countries="BR"))
    precision = score(alerts, [episode()], [], WINDOW, said)["precision"]
    assert isinstance(precision, dict)
    judged = precision["judged"]
    assert (judged["all"]["hits"], judged["all"]["of"], judged["unsure"]) == (1, 1, 1)
    assert judged["adjudicated"] == 1.0
    assert judged["agreement"] == 0.5


# ----- traps, volume, stage


def trap(url: str, kind: str = "never") -> Trap:
    return Trap(url, T0, "metaphor", kind, "rss2023", "en")


def test_a_trap_is_hit_as_trigger_but_not_in_the_tail() -> None:
    first = alert("a1", links=(link("t.example/1", at=T0 - HOUR), link("x.example/1")))
    tail = alert("a2", links=(link("x.example/2", at=T0 - HOUR), link("t.example/2")))
    traps = [trap("t.example/1"), trap("t.example/2"), trap("t.example/3", "no_new_alert")]
    document = score([first, tail], [episode()], traps, WINDOW)["traps"]
    assert isinstance(document, dict)
    assert (document["hits"], document["of"]) == (1, 3)
    assert document["each"] == [
        {"link": "t.example/1", "alert": "a1", "how": "trigger", "category": "metaphor",
         "kind": "never", "stage": "caution"}
    ]  # fmt: skip
    assert document["by_kind"]["no_new_alert"]["hits"] == 0


def test_an_alert_made_of_traps_alone_hits_them_all() -> None:
    both = alert(links=(link("t.example/1"), link("t.example/2", at=T0 + HOUR)))
    traps = [trap("t.example/1"), trap("t.example/2")]
    document = score([both], [episode()], traps, WINDOW)["traps"]
    assert isinstance(document, dict)
    assert document["hits"] == 2


def test_only_episodes_and_traps_of_the_window_and_feeds_are_scored() -> None:
    early = episode("early", reference_time=T0 - 90 * DAY)
    other = episode("other", feed="kr_news")
    document = score([], [episode(), early, other], [trap("t.example/1")], WINDOW)
    rows = document["episodes"]
    assert isinstance(rows, list)
    assert [row["id"] for row in rows] == ["urea"]
    everywhere = score([], [episode(), other], [], Window(WINDOW.since, WINDOW.until))
    assert isinstance(everywhere["recall"], dict)
    assert everywhere["recall"]["all"]["of"] == 2


def test_alerts_a_day_are_told_by_stage() -> None:
    window = Window(T0, T0 + 2 * DAY, ())
    alerts = [alert("a1"), alert("a2", T0 + DAY, stage=Stage.WATCH)]
    volume = score(alerts, [], [], window)["alerts"]
    assert isinstance(volume, dict)
    assert (volume["per_day"], volume["caution_per_day"]) == (1.0, 0.5)
    assert volume["per_day_by_max_stage"] == {
        "watch": 0.5, "caution": 0.5, "alert": 0.0, "severe": 0.0,
    }  # fmt: skip


def test_stage_error_is_in_steps_and_one_step_is_near() -> None:
    document = found(alert(hs4="3102", stage=Stage.SEVERE))["stage_error"]
    assert isinstance(document, dict)
    assert (document["mean_steps"], document["near"]["hits"]) == (2.0, 0)


def test_an_empty_store_gives_no_rates_instead_of_an_error() -> None:
    document = score([], [], [], WINDOW)
    assert isinstance(document["recall"], dict)
    assert document["recall"]["all"] == {
        "hits": 0, "of": 0, "rate": None, "interval": None, "bootstrap": None,
    }  # fmt: skip


def test_wilson_stays_inside_zero_and_one() -> None:
    assert wilson(0, 0) is None
    low, high = wilson(5, 5) or (0, 0)
    assert 0.5 < low < 1
    assert high == 1.0


def test_a_match_is_never_before_the_alert() -> None:
    match = match_one(alert(links=(link("a.example/1", at=T0 - 9 * HOUR),)), episode())
    assert isinstance(match, Match)
    assert match.at == T0
