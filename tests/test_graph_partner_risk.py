"""The risk of a partner comes from our own events, as known then, and from nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import exp

import pytest

from ews.model import Event, EventStatus, Phase
from graph.partner_risk import HALF_LIFE_DAYS, partner_risk

NOW = datetime(2024, 9, 1, tzinfo=UTC)
EVENT = Event(
    "evt-1", "export_restriction", (), EventStatus.CONFIRMED, Phase.ACTUAL, 0.9, 3.0,
    ("CN",), (), (), (), (), "", NOW, NOW, (), "news",
)  # fmt: skip


def test_one_event_counts_by_its_probability_and_severity() -> None:
    found = partner_risk([EVENT], NOW)
    assert found["CN"] == pytest.approx(1 - exp(-0.45))
    assert found["VN"] == 0.0
    assert partner_risk([replace(EVENT, severity=1.0)], NOW)["CN"] == pytest.approx(1 - exp(-0.15))


def test_an_old_event_weighs_half_each_year() -> None:
    old = replace(EVENT, first_seen=NOW - timedelta(days=HALF_LIFE_DAYS))
    assert partner_risk([old], NOW)["CN"] == pytest.approx(1 - exp(-0.225))


def test_without_events_the_risk_is_unknown_not_nil() -> None:
    assert partner_risk([], NOW) == {}
    assert partner_risk([replace(EVENT, status=EventStatus.DISMISSED)], NOW) == {}
    assert partner_risk([replace(EVENT, type="bankruptcy_or_closure")], NOW) == {}


def test_an_event_that_was_not_seen_yet_does_not_count() -> None:
    assert partner_risk([replace(EVENT, first_seen=NOW + timedelta(days=1))], NOW) == {}


def test_an_event_of_the_union_is_one_of_each_member() -> None:
    found = partner_risk([replace(EVENT, countries=("EU", "DE"))], NOW)
    assert found["DE"] == found["FR"] == found["EU"] > 0
    assert found["GB"] == 0.0
