"""Figures of the score: intervals by family, curve, budget, lead, calibration, groups, comparison."""

from __future__ import annotations

import copy
import statistics
import time
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.model import Stage
from ews.tuning.chapters import CHAPTERS
from ews.tuning.comparison import compare_scores, mcnemar, paired
from ews.tuning.intervals import DRAWS, draws, median_interval, rate_interval, share
from ews.tuning.matching import Raised
from ews.tuning.references import Episode
from ews.tuning.score import document, score
from ews.tuning.scored import Scored, examine
from ews.tuning.verdicts import Verdict, Verdicts, together
from graph.reference import ITEMS
from tests.score_samples import DAY, HOUR, T0, WINDOW, alert, each, episode, link, step

Rows = list[dict[str, object]]


def apart(n: int, **given_: object) -> Episode:
    """An episode of its own: product, items."""
    fields: dict[str, object] = {
        "hs4": frozenset({f"1{n:03}"}), "links": frozenset({f"a.example/{n}"}),
        "reference_time": T0 + n * DAY, "starts": T0 + (n - 1) * DAY, "ends": T0 + (n + 60) * DAY,
    }  # fmt: skip
    return episode(f"e{n}", **(fields | given_))


def caught(n: int, hours: float = 1, chance: float | None = None, **given_: object) -> Raised:
    """An alert on that episode, so many hours after its reference time."""
    at = T0 + n * DAY + hours * HOUR
    raised = alert(f"a{n}", at, links=(link(f"a.example/{n}", at=at),), **given_)  # type: ignore[arg-type]
    return sent(raised, chance)


def sent(raised: Raised, chance: float | None) -> Raised:
    return replace(raised, steps=tuple(replace(s, chance=chance) for s in raised.steps))


def wrong(n: int, chance: float | None = None, day: int = 0) -> Raised:
    return sent(alert(f"w{n}", T0 + day * DAY, countries="BR"), chance)


def judged(**said: bool) -> Verdicts:
    return together(
        [Verdict(id_, "real" if ok else "not_real", "", "x") for id_, ok in said.items()]
    )


def part(found: object, *keys: str) -> dict[str, object]:
    for key in keys:
        found = cast("dict[str, object]", found)[key]
    return cast("dict[str, object]", found)


# ----- intervals


def test_a_family_is_drawn_as_one() -> None:
    alone = [(f"e{n}", n % 2 == 0) for n in range(20)]
    in_fours = [(f"family{n // 4}", n // 4 % 2 == 0) for n in range(20)]
    narrow, wide = rate_interval(alone), rate_interval(in_fours)
    assert narrow is not None
    assert wide is not None
    assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])


def test_an_interval_needs_two_blocks_and_is_the_same_each_time() -> None:
    assert rate_interval([("one", True), ("one", False)]) is None
    assert share([])["bootstrap"] is None
    flags = [(f"e{n}", n < 7) for n in range(10)]
    assert rate_interval(flags) == rate_interval(list(reversed(flags)))


@given(st.lists(st.tuples(st.integers(0, 6), st.floats(-500, 500)), min_size=2, max_size=25))
@settings(max_examples=20, deadline=None)
def test_the_drawn_median_is_the_median_of_each_draw(values: list[tuple[int, float]]) -> None:
    pairs = [(f"f{family}", hours) for family, hours in values]
    names = sorted({family for family, _ in pairs})
    found = median_interval(pairs)
    if len(names) < 2:
        assert found is None
        return
    slow = [
        statistics.median([h for f, h in pairs for _ in range(int(row[names.index(f)]))])
        for row in draws(len(names))
    ]
    assert found == [round(float(x), 3) for x in np.quantile(slow, [0.025, 0.975])]


def test_the_interval_of_a_rate_covers_about_as_often_as_it_says() -> None:
    dice = np.random.default_rng(1)
    hits = [dice.random(30) < 0.7 for _ in range(200)]
    found = [rate_interval([(str(n), bool(hit)) for n, hit in enumerate(row)]) for row in hits]
    covered = sum(one is not None and one[0] <= 0.7 <= one[1] for one in found)
    assert 0.88 <= covered / 200 <= 0.99


# ----- the curve


def test_the_curve_buys_delay_with_false_alerts() -> None:
    episodes = [apart(1), apart(2), apart(3)]
    alerts = [caught(1, 2, 0.9), caught(2, 6, 0.5), wrong(1, 0.7), wrong(2, 0.3)]
    amoc = part(score(alerts, episodes, (), WINDOW), "amoc")
    points = cast("Rows", amoc["points"])
    assert amoc["order"] == "chance"
    assert [p["threshold"] for p in points] == [0.9, 0.7, 0.5, 0.3]
    assert [p["caught"] for p in points] == [1, 1, 2, 2]
    per_day = 1 / WINDOW.days
    assert [p["false_per_day"] for p in points] == [round(n * per_day, 4) for n in (0, 1, 1, 2)]
    missed = 60 * 24  # each window ends so many hours after the reference time
    assert points[0]["mean_delay_hours"] == round((2 + missed + missed) / 3, 3)
    assert points[3]["mean_delay_hours"] == round((2 + 6 + missed) / 3, 3)
    (first, *_) = cast("Rows", amoc["at_false_per_day"])
    assert cast("dict[str, object]", first["point"])["threshold"] == 0.3  # 2 in 150 days


def test_an_alert_counts_from_when_its_chance_reaches_the_threshold() -> None:
    rising = alert("a1", T0 + HOUR, links=(link("a.example/1", at=T0),),
                   later=(step(T0 + 30 * HOUR),))  # fmt: skip
    low, high = rising.steps
    rising = replace(rising, steps=(replace(low, chance=0.2), replace(high, chance=0.8)))
    points = cast("Rows", part(score([rising], [episode()], (), WINDOW), "amoc")["points"])
    assert [p["median_delay_hours"] for p in points] == [30.0]
    quick = sent(alert("a2", T0 + 2 * HOUR, links=(link("a.example/2", at=T0),)), 0.2)
    points = cast("Rows", part(score([rising, quick], [episode()], (), WINDOW), "amoc")["points"])
    assert [p["median_delay_hours"] for p in points] == [30.0, 1.0]


def test_without_a_chance_for_every_alert_the_stage_orders_then_the_probability() -> None:
    caution = alert("a1", hs4="3102")
    watch = alert("a2", countries="BR", stage=Stage.WATCH)
    watch = replace(watch, steps=(replace(watch.steps[0], probability=0.99),))
    amoc = part(score([caution, sent(watch, 0.9)], [episode()], (), WINDOW), "amoc")
    assert amoc["order"] == "stage"
    assert [p["caught"] for p in cast("Rows", amoc["points"])] == [1, 1]


def test_a_verdict_decides_what_is_false_on_the_curve() -> None:
    for said, false in ((judged(w1=True), 0), (judged(w1=True, a1=False), 1)):
        amoc = part(score([caught(1), wrong(1)], [apart(1)], (), WINDOW, said), "amoc")
        assert amoc["truth"] == {"judged": 1 + false, "by_reference": 1 - false, "left_out": 0}
        assert cast("Rows", amoc["points"])[-1]["false_per_day"] == round(false / WINDOW.days, 4)


def test_a_childs_alert_is_on_the_parents_curve() -> None:
    parent = episode("top", links=frozenset({"a.example/1"}), hs4=frozenset({"2709"}))
    child = episode("low", parent="top", links=frozenset({"a.example/7"}), hs4=frozenset({"8901"}))
    raised = sent(alert("a1", T0 + 5 * HOUR, links=(link("a.example/7", at=T0),)), 0.5)
    points = cast("Rows", part(score([raised], [parent, child], (), WINDOW), "amoc")["points"])
    assert (points[0]["caught"], points[0]["median_delay_hours"]) == (2, 5.0)


# ----- within a budget


def test_a_budget_reads_the_best_alerts_of_each_day() -> None:
    day = [caught(0, 1, 0.8), *(wrong(n, 0.1 * n) for n in range(1, 5))]
    found = score(day, [apart(0)], (), WINDOW, judged(a0=True, w4=False))
    one, three, *_ = cast("Rows", found["precision_at_budget"])
    assert part(one, "judged")["rate"] == 1.0
    assert (part(one, "recall")["hits"], part(one, "strict")["of"]) == (1, 1)
    assert (part(three, "strict")["hits"], part(three, "strict")["of"]) == (1, 3)
    best = cast(
        "Rows", score([*day[1:], wrong(9, 0.9)], [apart(0)], (), WINDOW)["precision_at_budget"]
    )
    assert part(best[0], "recall")["hits"] == 0
    assert best[0]["alerts_per_day"] == round(1 / WINDOW.days, 4)


# ----- warning lead


def test_the_lead_is_told_over_the_reference_and_over_what_was_done_then() -> None:
    acted = apart(1, reaction=T0 + 23 * DAY)
    late = apart(2, reaction=None)
    missed = apart(3)
    lead = part(score([caught(1, -2), caught(2, 30)], [acted, late, missed], (), WINDOW),
                "warning_lead")  # fmt: skip
    rows = {str(row["episode"]): row for row in cast("Rows", lead["each"])}
    assert (rows["e1"]["lead_hours"], rows["e1"]["reaction_lead_hours"]) == (2.0, 22 * 24 + 2.0)
    assert (rows["e2"]["lead_hours"], rows["e2"]["reaction_lead_hours"]) == (-30.0, None)
    assert (rows["e3"]["alert"], rows["e3"]["lead_hours"]) == (None, None)
    assert part(lead, "reference")["median_hours"] == -14.0
    assert part(lead, "reaction")["counted"] == 1
    assert [rows[id_]["same_day_caution"] for id_ in ("e1", "e2", "e3")] == [True, False, False]


def test_the_day_is_koreas_and_luck_is_no_lead() -> None:
    noon = apart(0)  # 12:00 UTC is 21:00 in Seoul: three hours are left of the day
    for hours, same in ((2.9, True), (3.1, False)):
        row = cast(
            "Rows", part(score([caught(0, hours)], [noon], (), WINDOW), "warning_lead")["each"]
        )
        assert row[0]["same_day"] is same
    lucky = alert("a0", T0 - 5 * HOUR, hs4="1000")
    (row0,) = cast("Rows", part(score([lucky], [noon], (), WINDOW), "warning_lead")["each"])
    assert (row0["lucky"], row0["lead_hours"], row0["same_day"]) == (True, None, False)


# ----- calibration


def test_calibration_compares_what_was_sent_with_what_people_said() -> None:
    alerts = [wrong(n, 0.2) for n in range(10)] + [wrong(n, 0.9) for n in range(10, 20)]
    said = judged(**{f"w{n}": n < 2 or n >= 11 for n in range(20)})
    first = part(score(alerts, (), (), WINDOW, said), "calibration", "first")
    assert (first["count"], first["ece"]) == (20, 0.0)  # 2 of 10 at 0.2, 9 of 10 at 0.9
    assert [row["count"] for row in cast("Rows", first["table"])] == [10, 10]
    turned = judged(**{f"w{n}": not (n < 2 or n >= 11) for n in range(20)})
    assert part(score(alerts, (), (), WINDOW, turned), "calibration", "first")["ece"] == 0.7


def test_there_is_no_calibration_without_verdicts_or_without_chances() -> None:
    assert score([wrong(1, 0.4)], (), (), WINDOW)["calibration"] is None
    assert score([wrong(1)], (), (), WINDOW, judged(w1=True))["calibration"] is None


# ----- groups


@dataclass
class Told:
    receiver: str
    budget_per_day: int | None
    told_by_day: dict[date, int]
    held_by_day: dict[date, int] = field(default_factory=dict)
    held_by_reason: dict[str, int] = field(default_factory=dict)
    alerts: dict[str, datetime] = field(default_factory=dict)


def test_each_receiver_is_scored_by_what_it_was_told() -> None:
    alerts = [caught(1), caught(2), wrong(1)]
    desk = Told("desk", 2, {T0.date(): 3, date(2023, 9, 11): 2}, {T0.date(): 4},
                {"held_by_budget": 4}, {"a1": T0, "w1": T0})  # fmt: skip
    found = score(alerts, [apart(1), apart(2)], (), WINDOW, None, {"desk": desk})
    (row,) = cast("Rows", found["receivers"])
    assert (row["most_in_a_day"], row["days_at_budget"], row["days_over_budget"]) == (3, 2, 1)
    group = part(found, "breakdown", "by_receiver", "desk")
    assert (group["alerts"], group["missed"]) == (2, ["e2"])
    assert part(group, "strict")["rate"] == 0.5


def test_groups_go_by_the_mark_of_the_alert_and_of_the_episode() -> None:
    first = link("a.example/1", at=T0 + DAY)
    told = replace(first, group="yonhap", lang="ko")
    raised = replace(caught(1, hs4="3102"), links=(told,))
    strike = replace(wrong(1), type="labour_action")
    groups = part(score([raised, strike], [apart(1, source="yonhap", lang="ko")], (), WINDOW),
                  "breakdown")  # fmt: skip
    assert part(groups, "by_source", "yonhap")["alerts"] == 1
    assert part(groups, "by_language", "ko", "recall")["hits"] == 1
    assert part(groups, "by_language", "-")["alerts"] == 1  # the one without evidence
    assert part(groups, "by_chapter", "31")["alerts"] == 1
    assert part(groups, "by_chapter", "10")["missed"] == []  # the episode's own chapter
    assert part(groups, "by_type", "labour_action", "strict")["hits"] == 0


def test_every_chapter_of_the_items_has_a_name_in_both_languages() -> None:
    used = {code[:2] for item in ITEMS.values() for code in item.hs}
    assert used - {"99"} <= set(CHAPTERS)  # 9999: no single product, never in a content
    assert all(ko and en for ko, en in CHAPTERS.values())
    assert set(CHAPTERS) == {f"{n:02}" for n in range(1, 98)} - {"77"}


def test_by_stage_an_episode_is_caught_by_an_alert_open_at_that_stage() -> None:
    rises = caught(1, stage=Stage.WATCH, later=(step(T0 + 2 * DAY, Stage.ALERT),))
    stages = part(score([rises], [apart(1)], (), WINDOW), "breakdown", "by_stage")
    assert [part(stages, s.en)["alerts"] for s in Stage] == [1, 1, 1, 0]
    assert [part(stages, s.en, "recall")["hits"] for s in Stage] == [1, 1, 1, 0]


# ----- two rule sets


def scored(*alerts: Raised, said: Verdicts | None = None) -> Scored:
    return examine(alerts, [apart(1), apart(2), apart(3)], (), WINDOW, said)


def test_cases_and_alerts_are_gained_and_lost_by_name_and_link() -> None:
    stays, moves = caught(1), caught(2)
    before = scored(stays, replace(moves, steps=(replace(moves.steps[0], stage=Stage.WATCH),)))
    after = scored(moves, caught(3), wrong(1))
    found = compare_scores(before, after)
    any_stage, caution = part(found, "episodes", "any"), part(found, "episodes", "caution")
    assert [row["episode"] for row in cast("Rows", any_stage["gained"])] == ["e3"]
    (lost,) = cast("Rows", any_stage["lost"])
    assert (lost["name"], lost["link"]) == ("", "a.example/1")
    assert [row["episode"] for row in cast("Rows", caution["gained"])] == ["e2", "e3"]
    alerts = part(found, "alerts")
    assert [row["alert"] for row in cast("Rows", alerts["gained"])] == ["w1", "a3"]
    (moved,) = cast("Rows", alerts["moved"])
    assert (moved["stage_before"], moved["stage"], moved["episode"]) == ("watch", "caution", "e2")


def test_a_delay_that_changes_is_told() -> None:
    found = compare_scores(scored(caught(1, 30)), scored(caught(1, 6)))
    (row,) = cast("Rows", part(found, "episodes", "any")["earlier"])
    assert (row["hours"], row["delay_hours"]) == (-24.0, 6.0)


def test_the_same_score_differs_by_nothing_and_surely_so() -> None:
    one = scored(caught(1), wrong(1), said=judged(a1=True, w1=False))
    found = compare_scores(one, one)
    figures = cast("Rows", found["figures"])
    assert {row["difference"] for row in figures} <= {0.0, None}
    assert all(row["interval"] in ([0.0, 0.0], None) for row in figures)
    assert any(row["figure"] == "precision.judged.caution" for row in figures)


def test_a_paired_interval_is_narrower_than_that_of_two_rates() -> None:
    episodes = [apart(n) for n in range(1, 21)]
    old = [caught(n) for n in range(1, 11)]
    before, after = (
        examine(a, episodes, (), WINDOW) for a in (old, [*old, caught(11), caught(12)])
    )
    figures = cast("Rows", compare_scores(before, after)["figures"])
    row = next(row for row in figures if row["figure"] == "recall.all")
    low, high = cast("list[float]", row["interval"])
    assert (row["difference"], row["gained"], row["lost"]) == (0.1, 2, 0)
    assert (low, row["mcnemar_p"]) == (0.0, 0.5)
    alone = cast("list[float]", part(document(after), "recall", "all")["bootstrap"])
    assert high - low < alone[1] - alone[0]
    assert cast("float", row["better"]) > 0.9


def test_alerts_on_one_happening_are_paired_though_another_report_spoke_first() -> None:
    old = replace(alert("a1"), events=("evt-1", "evt-2"))
    new = replace(alert("a9"), events=("evt-2",))
    assert list(paired([old], [new])) == [(old, new)]
    assert list(paired([old], [replace(new, events=("evt-3",))])) == []
    with_id = replace(alert("a1"), events=("evt-2",))
    assert list(paired([old], [new, with_id])) == [(old, with_id)]


def test_an_unmatched_alert_that_both_have_is_drawn_as_one_though_its_id_is_new() -> None:
    old, new = replace(wrong(1), events=("evt-1",)), replace(wrong(9), events=("evt-1",))
    figures = cast(
        "Rows", compare_scores(scored(caught(1), old), scored(caught(1), new))["figures"]
    )
    row = next(row for row in figures if row["figure"] == "precision.strict")
    assert (row["difference"], row["interval"]) == (0.0, [0.0, 0.0])


def test_scores_of_different_days_or_episodes_are_not_compared() -> None:
    one = scored(caught(1))
    with pytest.raises(ValueError, match="different windows"):
        compare_scores(one, replace(one, window=replace(WINDOW, until=WINDOW.until + DAY)))
    with pytest.raises(ValueError, match="different episodes"):
        compare_scores(one, examine([], [apart(1)], (), WINDOW))


@pytest.mark.parametrize(("gained", "lost", "p"), [(0, 0, 1.0), (6, 0, 0.0312), (1, 9, 0.0215)])
def test_mcnemar_is_the_exact_binomial(gained: int, lost: int, p: float) -> None:
    assert mcnemar(gained, lost) == mcnemar(lost, gained) == p


# ----- the whole


def test_scoring_changes_nothing_it_is_given_and_says_the_same_again() -> None:
    alerts, episodes = [caught(2), wrong(1), caught(1)], [apart(2), apart(1)]
    said = judged(a1=True, w1=False)
    before = copy.deepcopy((alerts, episodes, said))
    first = score(alerts, episodes, (), WINDOW, said)
    assert (alerts, episodes, said) == before
    assert score(list(reversed(alerts)), episodes, (), WINDOW, said) == first


def test_half_a_year_is_scored_in_well_under_half_a_second() -> None:
    episodes = [apart(n, links=frozenset({f"a.example/{n}"})) for n in range(46)]
    window = replace(WINDOW, until=T0 + 184 * DAY)
    alerts = [
        replace(wrong(n, 0.5, day=n % 150), links=tuple(link(f"x.example/{n}/{k}", f"urea {k}")
                                                        for k in range(8)))
        for n in range(254)
    ] + [caught(n, 2, 0.6) for n in range(46)]  # fmt: skip
    started = time.process_time()
    found = score(alerts, episodes, (), window, judged(w1=False, a1=True))
    assert time.process_time() - started < 1.0  # measured: 0.2 s; room for a busy machine
    assert part(found, "recall", "all")["hits"] == 46
    assert DRAWS >= 1000
    assert each(found, "e1")["strong"] is True
