"""The calendar: each date once under a lasting UID, moved by a higher SEQUENCE, cancelled aloud."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from icalendar import Calendar

from alerts.facts import Codes
from alerts.ical import DateEntry, alert_dates, build_ical, planned_date, stock_end
from ews.model import Alert, AlertState, Ending, Event, Exposure, Silence
from tests.alert_samples import NOW, TableNames, urea_alert, urea_event, urea_exposure
from tests.hostile import hostile_text

CODES = Codes(hs={"urea": ("310210",)})
LATER = datetime(2021, 10, 15, 0, 0, tzinfo=UTC)


def dates(
    alert: Alert | None = None,
    event: Event | None = None,
    exposures: tuple[Exposure, ...] | None = None,
    lang: str = "ko",
) -> list[DateEntry]:
    if exposures is None:
        exposures = (urea_exposure(1), urea_exposure(2))
    return alert_dates(
        alert or urea_alert(), [event or urea_event()], exposures, TableNames(), CODES, lang,
        "https://ews.agency.example",
    )  # fmt: skip


def entries(found: list[DateEntry], lang: str = "ko") -> list[Any]:
    return Calendar.from_ical(build_ical(found, lang)).walk("VEVENT")


# --------------------------------------------------------------------------- which dates


def test_the_day_on_which_stocks_end_counts_the_way_and_the_stock_in_korean_days() -> None:
    [entry] = entries(dates())
    first_seen = datetime(2021, 10, 11, 2, 10, tzinfo=UTC)  # 11:10 in Korea
    assert urea_event().first_seen == first_seen
    assert entry["DTSTART"].dt == date(2021, 10, 11) + timedelta(days=30 + 21)
    assert entry["DTEND"].dt - entry["DTSTART"].dt == timedelta(days=1)
    assert str(entry["SUMMARY"]) == "재고 소진 예상: 요소"
    assert "HS 310210" in str(entry["DESCRIPTION"])
    assert "가정" in str(entry["DESCRIPTION"]), "assumed stocks are called assumed"
    assert str(entry["URL"]) == "https://ews.agency.example/alerts/alr-0123456789abcdef"


def test_of_several_uses_the_one_that_runs_short_first_gives_the_day() -> None:
    late = urea_exposure(1, time_to_survive_days=100.0)
    soon = urea_exposure(2, impact_day=3.0, time_to_survive_days=4.0)
    [entry] = dates(exposures=(late, soon))
    assert entry.starts == date(2021, 10, 18)
    assert "비료" in entry.text


@pytest.mark.parametrize(
    "changes",
    [
        {"impact_day": None},
        {"time_to_survive_days": None},
        {"time_to_survive_days": 400.0},
        {"firm": "acme/canary"},
        {"item": "graphite"},
    ],
)
def test_what_is_unknown_far_a_firms_or_another_items_gives_no_day(
    changes: dict[str, object],
) -> None:
    assert dates(exposures=(urea_exposure(1, **changes),)) == []


def test_a_measure_that_comes_into_force_later_has_its_day_and_the_notice_counts_once() -> None:
    event = urea_event(onset=LATER)
    stock, force = sorted(dates(event=event), key=lambda one: one.uid, reverse=True)
    assert force.uid.startswith("force-")
    assert (force.starts, force.title) == (date(2021, 10, 15), "시행일: 중국 · 요소 · 수출 제한")
    assert stock.starts == stock_end(urea_event(), urea_exposure(1)), "impact_day holds the notice"


def test_no_day_in_force_is_made_up_from_the_date_of_an_article() -> None:
    past = urea_event(onset=datetime(2021, 10, 10, tzinfo=UTC))
    assert all(one.uid.startswith("stock-") for one in dates(event=past))
    other = urea_event(type="industrial_accident", onset=LATER)
    assert all(one.uid.startswith("stock-") for one in dates(event=other))


def test_a_sign_off_deadline_is_no_reference_date() -> None:
    waiting = urea_alert(sign_by=LATER, proposed_at=NOW)
    assert {one.uid for one in dates(waiting)} == {one.uid for one in dates()}


# --------------------------------------------------------------------------- how they change


def test_the_uid_stays_and_the_sequence_rises_when_the_date_moves() -> None:
    [before] = entries(dates())
    moved = urea_exposure(1, time_to_survive_days=10.0)
    [after] = entries(dates(event=urea_event(revision=2), exposures=(moved,)))
    assert before["UID"] == after["UID"]
    assert after["DTSTART"].dt < before["DTSTART"].dt
    assert after["SEQUENCE"] > before["SEQUENCE"]
    [again] = entries(dates(urea_alert(revision=2)))
    assert again["SEQUENCE"] > before["SEQUENCE"]


def test_uids_differ_by_alert_item_and_event() -> None:
    two = urea_alert(items=("urea", "graphite"))
    pair = dates(two, exposures=(urea_exposure(1), urea_exposure(1, item="graphite")))
    other = dates(urea_alert(id="alr-other"))
    assert len({one.uid for one in (*pair, *other)}) == 3


@pytest.mark.parametrize(
    ("ending", "stock", "force"),
    [(Ending.EASED, "CANCELLED", "CONFIRMED"), (Ending.RETRACTED, "CANCELLED", "CANCELLED")],
)
def test_an_end_cancels_what_it_ends(ending: Ending, stock: str, force: str) -> None:
    gone = urea_alert(state=AlertState.RESOLVED, ending=ending, resolved_at=NOW)
    found = {str(one["UID"])[:5]: one for one in entries(dates(gone, urea_event(onset=LATER)))}
    assert (found["stock"]["STATUS"], found["force"]["STATUS"]) == (stock, force)


def test_a_planned_event_stands_from_its_start_to_its_end() -> None:
    plan = Silence(
        "sil-1", "kim", "정비 점검", NOW, NOW + timedelta(hours=5), {}, True, "공장 정비"
    )
    [entry] = entries([planned_date(plan, 0, NOW, "ko")])
    assert (entry["DTSTART"].dt, entry["DTEND"].dt) == (NOW, NOW + timedelta(hours=5))
    assert (str(entry["SUMMARY"]), entry["SEQUENCE"], entry["STATUS"]) == (
        "공장 정비", 0, "CONFIRMED",
    )  # fmt: skip
    public = build_ical([planned_date(plan, 0, NOW, "ko")], "ko").decode()
    assert "kim" not in public
    assert "정비 점검" not in public, "why it is planned is for those who work here"
    ended = replace(plan, ends_at=NOW)
    [entry] = entries([planned_date(ended, 1, NOW, "ko")])
    assert (entry["STATUS"], entry["SEQUENCE"]) == ("CANCELLED", 1)


# --------------------------------------------------------------------------- the file


def test_the_calendar_says_who_made_it_and_needs_no_time_zone() -> None:
    text = build_ical(dates(), "en").decode()
    calendar = Calendar.from_ical(text)
    assert (calendar["VERSION"], calendar["METHOD"]) == ("2.0", "PUBLISH")
    assert "TZID" not in text
    assert text.endswith("END:VCALENDAR\r\n")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert str(entries(dates(lang="en"), "en")[0]["SUMMARY"]) == "Stocks end (expected): Urea"
    assert build_ical(dates(), "en") == build_ical(dates()[::-1], "en")


def test_an_empty_calendar_is_one_too() -> None:
    assert Calendar.from_ical(build_ical([], "ko")).walk("VEVENT") == []


@given(hostile_text, hostile_text)
@settings(max_examples=80, deadline=None)
def test_no_text_can_add_an_entry_or_a_line(title: str, reason: str) -> None:
    attack = "\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:evil\r\nATTACH:http://evil.example/"
    plan = Silence(
        "sil-1", "kim", reason + attack, NOW, NOW + timedelta(hours=1), {}, True, title + attack
    )
    event = urea_event(title=title + attack, onset=LATER)
    found = [planned_date(plan, 0, NOW, "ko"), *dates(event=event)]
    text = build_ical(found, "ko")
    got = Calendar.from_ical(text).walk("VEVENT")
    assert {str(one["UID"]) for one in got} == {one.uid for one in found}
    assert not any("ATTACH" in one for one in got)
    assert b"\x1b" not in text
