"""Slots: whatever fails and whenever we stop, each is read once, waits, or is told as given up."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from scrapers.slots import (
    LONGEST,
    QUARTER,
    Slots,
    due,
    from_text,
    named,
    to_text,
    was_missing,
    was_read,
)

START = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize("seed", range(8))
def test_no_slot_is_lost_or_read_twice_whatever_fails(seed: int) -> None:
    chance = random.Random(seed)
    slots, now, read, lost = Slots(), START, list[datetime](), 0
    first = START + QUARTER
    failing, asleep = chance.choice([0.0, 0.2, 0.7, 0.95]), chance.choice([0.0, 0.05])
    for _ in range(130):
        pause = now > START and chance.random() < asleep
        now += QUARTER * (chance.randrange(2, 160) if pause else 1)
        slots, gone = named(slots, now)
        lost += gone
        asked = due(slots, now, 8)
        assert len(asked) == len(set(asked)) <= 8
        for slot in asked:
            if chance.random() < failing:
                slots = was_missing(slots, slot, now)
            else:
                slots, read = was_read(slots, slot, ("1", "2")), [*read, slot]
        slots = from_text(to_text(slots))  # every turn may be the first after a restart
        assert len(slots.left) <= LONGEST // QUARTER + 1
    assert len(read) == len(set(read)) > 0
    named_in_all = (now - first) // QUARTER + 1
    assert len(read) + lost + len(slots.waiting) == named_in_all
    assert all(slot >= now - LONGEST for slot in slots.waiting)


def test_the_newest_goes_first_and_is_never_made_to_wait() -> None:
    slots, _ = named(Slots(), START)
    slots = was_missing(slots, START, START)
    assert due(slots, START, 8) == [START]
    slots, _ = named(slots, START + 3 * QUARTER)
    order = [START + 3 * QUARTER, START + 2 * QUARTER, START + QUARTER]
    assert due(slots, START, 8) == order, "the first is older now, and its next try is not due"
    assert due(slots, START + QUARTER, 8) == [*order, START]
    assert due(slots, START + QUARTER, 2) == order[:2]


def test_what_a_slot_left_is_forgotten_after_a_day() -> None:
    slots, _ = named(Slots(), START)
    slots = was_read(slots, START, ("7",))
    assert dict(named(slots, START + LONGEST)[0].left) == {START: ("7",)}
    assert dict(named(slots, START + LONGEST + QUARTER)[0].left) == {}


@pytest.mark.parametrize("text", ["{", "[]", "7", '{"newest": "x"}', '{"newest": ""}'])
def test_a_text_of_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        from_text(text)


def test_nothing_known_is_an_empty_text() -> None:
    assert from_text("") == Slots()
    assert from_text(to_text(Slots())) == Slots()
    later = was_missing(named(Slots(), START)[0], START, START + timedelta(seconds=3))
    assert from_text(to_text(later)) == later
