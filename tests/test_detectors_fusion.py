"""Fusion: a number and a text of one happening are one event, whichever came first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ews.detectors import DETECTORS, DetectorInput
from ews.detectors.calibration import class_of
from ews.detectors.expectations import expectations
from ews.detectors.fusion import Reading, fuse, joined
from ews.detectors.numeric import detectors_of
from ews.model import (
    Detection,
    Direction,
    Event,
    EventStatus,
    Phase,
    Story,
    StoryMember,
    content_id,
    utc,
)

ITEMS = {
    "250410": ("natural-graphite",),
    "811292": ("gallium", "germanium", "indium", "niobium"),
    "310210": ("urea",),
}
KG = "comtrade/export-kg/CN-KR/250410"
CUSTOMS = "customs/import-kg/CN-KR/250410"
STRAIT = "portwatch/transits/bab-el-mandeb/-"
UP, DOWN = Direction.UP, Direction.DOWN


def story(
    type_: str = "export_restriction",
    at: str = "2023-10-20",
    items: Sequence[str] = ("natural-graphite",),
    countries: Sequence[str] = ("CN",),
    chokepoints: Sequence[str] = (),
    phase: Phase = Phase.THREAT,
    probability: float = 0.8,
    outlets: Sequence[str] = ("reuters",),
) -> Story:
    """A story in our own words: one article an outlet."""
    moment = utc(at)
    members = tuple(
        StoryMember(
            f"art-{outlet}-{at}", outlet, outlet, "China will license graphite exports", "",
            "en", moment, moment + timedelta(hours=n), probability, 1.6, phase,
        )
        for n, outlet in enumerate(outlets)
    )  # fmt: skip
    size = len(members)
    return Story(
        id=f"sty-{type_}-{at}",
        type=type_,
        first_seen=moment,
        last_seen=members[-1].available_at,
        size=size,
        members=members,
        groups=tuple(sorted(outlets)),
        types={type_: size},
        countries=dict.fromkeys(countries, size),
        items=dict.fromkeys(items, size),
        ports={},
        chokepoints=dict.fromkeys(chokepoints, size),
        firms={},
        terms={},
    )


def alarm(
    series: str,
    period: str,
    found: str,
    move: float,
    p: float = 1e-6,
    detector: str = "seasonal",
    scale: float = 0.2,
    **changes: object,
) -> Detection:
    direction = UP if move > 0 else DOWN
    made = Detection(
        series, detector, utc(period), utc(found), direction, 1000.0 * (1 + move), 1000.0, 6.0,
        p, 1e-3, facts={"scale": scale},
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def reading(
    series: str, period: str, found: str, move: float, p: float, scale: float | None = 0.05
) -> Reading:
    return Reading(series, p, UP if move > 0 else DOWN, move, utc(period), utc(found), scale=scale)


class Service:
    """Turns of news and fusion over what is open, as the pipeline runs them."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}

    def turn(
        self,
        stories: Sequence[Story] = (),
        detections: Sequence[Detection] = (),
        readings: Sequence[Reading] = (),
    ) -> list[Event]:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        news = DETECTORS["news"](DetectorInput(stories, self.events, {}, now))
        by_name: Mapping[str, Reading] = {one.series: one for one in readings}
        told = fuse(news, detections, self.events, by_name, ITEMS)
        self.events |= {event.id: event for event in told}
        return told


# ------------------------------------------------------------------------------ one happening


def test_graphite_is_one_event_from_the_announcement_over_the_surge_to_the_fall() -> None:
    """October 2023 in made-up numbers of the same shape: said, bought ahead, gone."""
    service = Service()
    (said,) = service.turn([story()])
    assert (said.phase, said.status, said.probability) == (Phase.THREAT, EventStatus.SUSPECTED, 0.8)

    (surge,) = service.turn(detections=[alarm(KG, "2023-11-01", "2023-12-20", 1.7)])
    assert surge.id == said.id
    assert surge.facts["surge"] == 1.7
    assert surge.phase is Phase.THREAT, "buying ahead is no shortage yet"
    assert surge.probability > said.probability
    assert surge.revision == said.revision + 1
    assert f"series:{KG}" in surge.links

    (fall,) = service.turn(detections=[alarm(KG, "2023-12-01", "2024-01-20", -0.85)])
    assert fall.id == said.id
    assert fall.phase is Phase.ACTUAL
    assert fall.status is EventStatus.CORROBORATED
    assert fall.facts["fulfilled"] == 1.0
    assert fall.facts["drop"] == 0.85
    assert fall.facts["surge"] == 1.7
    assert fall.revision == surge.revision + 1
    assert len(service.events) == 1


def test_a_story_that_grows_keeps_what_the_numbers_said() -> None:
    service = Service()
    service.turn([story()])
    (fall,) = service.turn(detections=[alarm(KG, "2023-12-01", "2024-01-20", -0.85)])
    (grown,) = service.turn([story(outlets=("reuters", "yonhap"))])
    assert grown.id == fall.id
    assert grown.links == fall.links
    assert grown.phase is Phase.ACTUAL, "the text still speaks of a threat; the numbers are past it"
    assert grown.facts["drop"] == 0.85
    assert {one.signal_id for one in grown.evidence} >= {KG, "art-yonhap-2023-10-20"}
    assert grown.facts["text"] > fall.facts["text"]


def test_a_departure_without_news_is_an_event_and_news_that_come_later_join_it() -> None:
    service = Service()
    (fell,) = service.turn(detections=[alarm(STRAIT, "2023-12-16", "2023-12-26", -0.4, p=1e-7)])
    assert fell.id == content_id("evt", "series", STRAIT, utc("2023-12-16").date())
    assert (fell.type, fell.chokepoints) == ("logistics_disruption", ("bab-el-mandeb",))
    assert (fell.status, fell.authority) == (EventStatus.SUSPECTED, False)
    assert 0.5 < fell.probability < 0.98
    assert fell.facts["drop"] == -fell.facts["move"] == 0.4
    assert len(fell.evidence) == 1
    text = story(
        "armed_conflict_or_unrest", "2023-12-28", (), ("YE",), ("suez",), Phase.ACTUAL, 0.7
    )
    (both,) = service.turn([text])
    assert both.id == fell.id, "Suez and Bab el-Mandeb are one way"
    assert (both.type, both.also) == ("armed_conflict_or_unrest", ("logistics_disruption",))
    assert set(both.chokepoints) == {"suez", "bab-el-mandeb"}
    assert both.status is EventStatus.CORROBORATED
    assert both.probability > both.facts["text"] == 0.7
    assert both.first_seen == fell.first_seen
    assert both.revision == fell.revision + 1
    (again,) = service.turn([replace(text, size=1)])
    assert (again.id, again.revision) == (fell.id, both.revision), "told again, nothing is new"


def test_a_text_of_another_place_item_or_year_does_not_join() -> None:
    fall = alarm(KG, "2023-12-01", "2024-01-20", -0.85)
    for other in (
        story(countries=("US",)),
        story(items=("urea",)),
        story(at="2021-01-05"),
        story("epidemic", items=()),
    ):
        service = Service()
        service.turn([other])
        (made,) = service.turn(detections=[fall])
        assert made.detector == "series", other.id
        assert len(service.events) == 2


def test_series_of_one_flow_and_period_are_one_witness() -> None:
    single, double = Service(), Service()
    fall = alarm(KG, "2023-12-01", "2024-01-20", -0.6, p=1e-4)
    for service in (single, double):
        service.turn([story()])
    (one,) = single.turn(detections=[fall])
    more = [fall, alarm(CUSTOMS, "2023-12-01", "2024-01-20", -0.6, p=1e-4),
            replace(fall, detector="change-point")]  # fmt: skip
    (two,) = double.turn(detections=more)
    assert two.probability == one.probability, "said twice is not twice as sure"
    assert f"series:{CUSTOMS}" in two.links
    late = Service()
    late.turn([story()])
    late.turn(detections=[fall])
    (joining,) = late.turn(detections=[replace(more[1], found_at=utc("2024-02-15"))])
    assert joining.probability == one.probability, "nor when the other side reports later"
    assert f"series:{CUSTOMS}" in joining.links


# ------------------------------------------------------------------------------ shared codes


def test_a_code_that_four_items_share_says_little_of_one_and_says_so() -> None:
    own, shared = Service(), Service()
    own.turn([story()])
    shared.turn([story(items=("gallium",))])
    (sure,) = own.turn(detections=[alarm(KG, "2023-12-01", "2024-01-20", -0.85)])
    series = "comtrade/export-kg/CN-KR/811292"
    (weak,) = shared.turn(detections=[alarm(series, "2023-12-01", "2024-01-20", -0.85)])
    assert weak.facts["shared"] == 4
    assert weak.facts.get("drop") is None, "the drop of the code is not that of gallium"
    assert "fulfilled" not in weak.facts
    assert 0.8 < weak.probability < sure.probability
    lone = Service()
    (made,) = lone.turn(detections=[alarm(series, "2023-12-01", "2024-01-20", -0.85)])
    assert made.items == ITEMS["811292"]
    assert (made.facts["shared"], made.facts["shared_drop"]) == (4, 0.85)


# ------------------------------------------------------------------------------ refuted


def _calm_months(service: Service, series: str, scale: float | None, n: int = 4) -> Event:
    event = next(iter(service.events.values()))
    for month in range(n):
        at = datetime(2024, 1 + month, 1, tzinfo=UTC)
        told = service.turn(
            readings=[Reading(series, 0.7, UP, 0.01, at, at + timedelta(days=50), scale=scale)]
        )
        event = told[0] if told else event
    return event


def test_an_announcement_that_a_quiet_series_never_bears_out_is_refuted() -> None:
    service = Service()
    (said,) = service.turn([story()])
    event = _calm_months(service, KG, 0.05)
    assert event.facts["refuted"] == 1.0
    assert event.facts["power"] >= 0.8
    assert event.probability < 0.6 < said.probability == 0.8
    assert event.revision > said.revision
    assert f"series:{KG}" not in event.links, "what stayed as ever is no evidence of it"
    (late,) = service.turn(detections=[alarm(KG, "2024-05-01", "2024-06-20", -0.8)])
    assert "refuted" not in late.facts, "and what comes late is still what was announced"
    assert late.facts["fulfilled"] == 1.0


def test_without_power_a_calm_series_refutes_nothing_and_the_facts_say_why() -> None:
    noisy, unknown, shared = Service(), Service(), Service()
    noisy.turn([story()])
    unknown.turn([story()])
    shared.turn([story(items=("gallium",))])
    assert _calm_months(noisy, KG, 0.8).facts["power"] < 0.8
    assert _calm_months(unknown, KG, None).facts["power"] == 0.0
    last = _calm_months(shared, "comtrade/export-kg/CN-KR/811292", 0.15)
    assert last.facts["power"] < 0.8
    assert last.facts["shared"] == 4
    assert not any(
        "refuted" in e.facts for s in (noisy, unknown, shared) for e in s.events.values()
    )
    assert last.probability > 0.7, "a shared code moves it little"


def test_months_before_the_measure_is_due_say_next_to_nothing_against_it() -> None:
    service = Service()
    (said,) = service.turn([story()])
    (event,) = service.turn(readings=[reading(KG, "2023-10-01", "2023-11-20", 0.01, 0.7)])
    assert "calm.flow" not in event.facts
    assert said.probability - 0.03 < event.probability < said.probability


# ------------------------------------------------------------------------------ coming back


def test_a_departure_that_comes_back_eases_and_then_closes() -> None:
    service = Service()
    (fell,) = service.turn(detections=[alarm(STRAIT, "2023-12-16", "2023-12-26", -0.4, p=1e-7)])
    states = []
    for week in range(1, 7):
        day = utc("2023-12-16") + timedelta(days=7 * week)
        back = Reading(STRAIT, 0.6, DOWN, -0.02, day, day + timedelta(days=10))
        (event,) = service.turn(readings=[back])
        states.append((event.phase, event.status))
    assert states[1] == (Phase.ACTUAL, EventStatus.SUSPECTED)
    assert states[2] == (Phase.EASING, EventStatus.SUSPECTED)
    assert states[5] == (Phase.EASING, EventStatus.CLOSED)
    assert event.probability == fell.probability, "that it ended is no reason to doubt that it was"
    assert "drop" not in event.facts


def test_one_calm_week_between_two_departures_ends_nothing() -> None:
    service = Service()
    (first,) = service.turn(detections=[alarm(STRAIT, "2023-12-16", "2023-12-26", -0.4, p=1e-7)])
    service.turn(readings=[reading(STRAIT, "2023-12-23", "2024-01-02", -0.02, 0.6)])
    service.turn(readings=[reading(STRAIT, "2023-12-30", "2024-01-09", -0.02, 0.6)])
    (again,) = service.turn(detections=[alarm(STRAIT, "2024-01-06", "2024-01-16", -0.5, p=1e-7)])
    assert again.id == first.id
    (calm,) = service.turn(readings=[reading(STRAIT, "2024-01-13", "2024-01-23", -0.02, 0.6)])
    assert calm.phase is Phase.ACTUAL, "the count starts anew"


# ------------------------------------------------------------------------------ plain rules


def test_a_move_that_harms_nobody_here_is_no_event() -> None:
    service = Service()
    assert service.turn(detections=[alarm(STRAIT, "2023-12-16", "2023-12-26", 0.4)]) == []
    korean = "comtrade/export-kg/KR-US/250410"
    assert service.turn(detections=[alarm(korean, "2023-12-01", "2024-01-20", -0.8)]) == []


def test_stock_building_without_news_is_an_early_sign_of_a_shortage() -> None:
    (event,) = Service().turn(detections=[alarm(KG, "2023-11-01", "2023-12-20", 1.7)])
    assert (event.type, event.phase) == ("shortage_or_allocation", Phase.THREAT)
    assert event.facts["surge"] == 1.7
    assert event.severity < 1.0
    assert event.countries == ("CN",)


def test_the_same_turn_twice_changes_nothing() -> None:
    service = Service()
    service.turn([story()])
    fall = alarm(KG, "2023-12-01", "2024-01-20", -0.85)
    (first,) = service.turn(detections=[fall])
    assert service.turn(detections=[fall]) == []
    assert service.events[first.id] == first


def test_each_detection_is_told_which_event_it_became() -> None:
    service = Service()
    service.turn([story()])
    fall = alarm(KG, "2023-12-01", "2024-01-20", -0.85)
    harmless = alarm("comtrade/export-kg/KR-US/250410", "2023-12-01", "2024-01-20", -0.8)
    told = service.turn(detections=[fall, harmless])
    assert [one.event_id for one in joined([fall, harmless], told)] == [told[0].id, ""]


def test_made_up_series_are_shown_as_such() -> None:
    (event,) = Service().turn(
        detections=[alarm(KG, "2023-12-01", "2024-01-20", -0.85, synthetic=True)]
    )
    assert event.facts["synthetic"] == 1.0


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(4)))
def test_the_order_of_arguments_is_none(order: list[int]) -> None:
    fell = [
        alarm(KG, "2023-11-01", "2023-12-20", 1.7),
        alarm(KG, "2023-12-01", "2024-01-20", -0.85),
        alarm(CUSTOMS, "2023-12-01", "2024-01-20", -0.8),
        alarm(STRAIT, "2023-12-16", "2023-12-26", -0.4),
    ]
    straight, mixed = Service(), Service()
    straight.turn([story()])
    mixed.turn([story()])
    straight.turn(detections=fell)
    mixed.turn(detections=[fell[n] for n in order])
    assert mixed.events == straight.events


def test_a_fall_that_goes_on_is_surer_and_deeper_in_the_same_event() -> None:
    """Also in a series so even that every fall is far outside of what it knows."""
    for scale in (0.002, 0.1):
        service = Service()
        falls = [("2023-12-16", -0.17), ("2023-12-23", -0.58), ("2023-12-30", -0.57)]
        told = []
        for period, move in falls:
            found = (utc(period) + timedelta(days=10)).isoformat()
            (event,) = service.turn(
                detections=[alarm(STRAIT, period, found, move, p=1e-9, scale=scale)]
            )
            told.append(event)
        assert [one.id for one in told] == [told[0].id] * 3
        assert [one.facts["drop"] for one in told] == [0.17, 0.58, 0.57]
        assert told[0].probability <= told[1].probability <= told[2].probability
        assert told[1].severity > told[0].severity


def test_what_others_buy_joins_and_neither_proves_nor_uses_up_the_month() -> None:
    """China's exports to Japan say little of Korea; those of all countries come in one release."""
    service = Service()
    (said,) = service.turn([story()])
    japan = alarm("comtrade/export-kg/CN-JP/250410", "2023-12-01", "2024-01-20", -0.99)
    (hint,) = service.turn(
        detections=[japan],
        readings=[reading("comtrade/export-kg/CN-AE/250410", "2023-12-01", "2024-01-20", 0.0, 0.9)],
    )
    assert hint.probability == said.probability
    assert "fulfilled" not in hint.facts
    both = Service()
    both.turn([story()])
    korea = alarm(KG, "2023-12-01", "2024-01-20", -0.74, p=5e-4)
    for fall in (service.turn(detections=[korea])[0], both.turn(detections=[japan, korea])[0]):
        assert fall.facts["fulfilled"] == 1.0
        assert fall.facts["drop"] == 0.74
        assert {link for link in fall.links if "CN-JP" in link}


def test_a_fall_sooner_than_the_table_thinks_is_the_announced_one_too() -> None:
    """Due on 4 December by the table; some measures are in force at once."""
    for month in ("2023-11-01", "2023-12-01"):
        service = Service()
        service.turn([story()])
        fall = alarm(KG, month, "2024-01-20", -0.74, p=5e-4)
        (event,) = service.turn(detections=[fall])
        assert event.facts["fulfilled"] == 1.0, month


def test_a_level_that_a_detector_has_learnt_is_no_recovery() -> None:
    """Half the ships stay away for months: calm again for the detector, not for anybody else."""
    for share, phase in ((0.5, Phase.ACTUAL), (0.95, Phase.EASING)):
        service = Service()
        service.turn(detections=[alarm(STRAIT, "2023-12-16", "2023-12-26", -0.5, p=1e-9)])
        for week in range(1, 9):
            day = utc("2023-12-16") + timedelta(days=7 * week)
            calm = Reading(
                STRAIT, 0.9, DOWN, -0.01, day, day + timedelta(days=10), value=1000.0 * share
            )
            service.turn(readings=[calm])
        (event,) = service.events.values()
        assert event.phase is phase
        assert ("recovered" in event.facts) is (phase is Phase.EASING)


def test_what_only_figures_tell_is_told_by_the_newest_and_waits_for_the_next() -> None:
    service, price = Service(), "pinksheet/price-usd/WLD/urea"
    (first,) = service.turn(detections=[alarm(price, "2021-03-01", "2021-04-03", 0.3, p=1e-3)])
    (second,) = service.turn(detections=[alarm(price, "2021-06-01", "2021-07-03", 0.95, p=1e-4)])
    assert second.id == first.id
    assert "+30%" in first.title
    assert "+95% (2021-06)" in second.title
    assert second.severity > first.severity
    assert second.facts["rise"] == 0.95
    assert first.facts["pace"] == second.facts["pace"] == 31
    assert not first.authority, "what made it move, nobody has said"


def test_a_text_keeps_its_title_when_figures_join_it() -> None:
    service = Service()
    (told,) = service.turn([story()])
    (joined_,) = service.turn(detections=[alarm(KG, "2023-11-01", "2024-02-14", 1.7)])
    assert joined_.title == told.title
    assert "pace" not in joined_.facts


PRICE = "pinksheet/price-usd/WLD/urea"


def test_a_revision_that_takes_the_alarm_back_takes_the_event_back() -> None:
    service = Service()
    (rose,) = service.turn(detections=[alarm(PRICE, "2021-06-01", "2021-07-03", 0.95, p=1e-6)])
    assert rose.probability > 0.5
    (back,) = service.turn(readings=[reading(PRICE, "2021-06-01", "2021-07-20", 0.04, p=0.6)])
    assert back.id == rose.id
    assert back.probability < 0.1, "so that its alert is retracted"
    assert back.revision == rose.revision + 1
    assert "+4%" in back.title
    assert back.facts["taken_back"] == 1
    assert "rise" not in back.facts
    (again,) = service.turn(detections=[alarm(PRICE, "2021-07-01", "2021-08-04", 1.1, p=1e-6)])
    assert again.id == rose.id
    assert again.probability > 0.5
    assert "taken_back" not in again.facts


def test_a_revision_takes_back_what_it_had_shown_of_an_announcement_and_not_the_text() -> None:
    service = Service()
    (told,) = service.turn([story()])
    service.turn(detections=[alarm(KG, "2023-12-01", "2024-03-16", -0.85)])
    assert "fulfilled" in service.events[told.id].facts
    calm = reading(KG, "2023-12-01", "2024-03-30", -0.02, p=0.8, scale=0.2)
    (back,) = service.turn(readings=[calm])
    assert not {"fulfilled", "drop", "harm"} & set(back.facts)
    assert back.facts["text"] == told.probability
    assert back.probability < service.events[told.id].facts["text"] + 0.01
    assert back.title == told.title


def test_the_same_figure_told_twice_changes_nothing() -> None:
    service = Service()
    (rose,) = service.turn(detections=[alarm(PRICE, "2021-06-01", "2021-07-03", 0.95, p=1e-6)])
    service.turn(readings=[reading(PRICE, "2021-06-01", "2021-07-03", 0.95, p=1e-6)])
    same = service.events[rose.id]
    assert (same.probability, same.revision) == (rose.probability, rose.revision)
    assert same.evidence == rose.evidence


def test_a_fall_is_told_from_the_level_that_was_left_not_from_the_one_being_learnt() -> None:
    service = Service()
    red_sea = story("armed_conflict_or_unrest", "2023-12-16", (), ("YE",), ("bab-el-mandeb",))
    service.turn([red_sea])
    deep = alarm(STRAIT, "2023-12-31", "2024-01-09", -0.6)
    service.turn(detections=[deep])
    learnt = alarm(STRAIT, "2024-02-04", "2024-02-13", -0.2, value=400.0, expected=500.0)
    (event,) = service.turn(detections=[learnt])
    assert event.facts["drop"] == 0.6


def test_every_measure_that_a_detector_may_tell_of_has_a_family() -> None:
    """Else an alarm would be counted against the budget and reach nobody."""
    measures = {
        "transits", "tanker-transits", "container-transits", "capacity", "port-calls", "port-import",
        "port-export", "export-kg", "export-usd", "import-kg", "import-usd", "price-usd", "hhi",
        "top-share", "gap", "pressure",
    }  # fmt: skip
    told = {one for one in measures if detectors_of(class_of(one))}
    assert told == {one for one in measures if expectations().family(one) is not None}
    (ships,) = Service().turn(
        detections=[
            alarm(
                STRAIT.replace("transits", "container-transits"), "2023-12-16", "2023-12-26", -0.4
            )
        ]
    )
    assert ships.chokepoints == ("bab-el-mandeb",)
