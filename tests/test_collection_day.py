"""Three simulated hours of collection, restarted and killed: nothing is lost, doubled or rude."""

from __future__ import annotations

from typing import cast

import pytest

from tests.bench_collection_day import failed, measure


@pytest.mark.torture
def test_three_hours_with_eight_restarts_lose_double_and_forget_nothing() -> None:
    found = measure(pace=144, seed=2, restarts=8, hours=3, count=120, hosts=30)
    assert found["failed"] == []
    told = cast("dict[str, dict[str, int]]", found)
    assert told["lives"] == {"SIGKILL": 4, "SIGTERM": 5}
    assert told["stored"]["items_sent_whole"] > 1_000
    assert told["polite"]["waits_asked_for"] > 0


def test_a_check_that_does_not_hold_is_named() -> None:
    found: dict[str, object] = {
        "stored": {"missing": 2, "stored_twice": 0, "never_sent": 0, "wrong_title": 0,
                   "integrity": "ok", "items_sent_whole": 9},
        "polite": {"gaps_too_small": 0, "waits_broken": 1},
        "due": {"planned_and_never_begun": 0, "sources_never_asked": 0, "later_than_20_s_real": 0},
        "frozen": {"noticed_late": 0, "never_noticed": 0},
        "obeyed": {"asked_again_though_gone": 0},
        "last_polls_failed": 0,
    }  # fmt: skip
    assert failed(found) == ["stored.missing = 2", "polite.waits_broken = 1"]
