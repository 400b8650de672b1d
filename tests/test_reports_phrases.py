"""Words in the reader's language, names as people write them, and days as Korea counts them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ews.cli import app
from ews.reports import UnknownName, days, find, node_label
from ews.reports.given import known_at, korean_day, lost_share
from ews.reports.outlook_views import DayBand, PathLine, PathStep
from ews.reports.phrases import (
    LISTS,
    SCOPES,
    grounds,
    list_name,
    period,
    scope,
    steps_of,
    undecided,
    weight,
)
from ews.reports.views import HopLine
from ews.storage import Store
from graph.paths import route_hops, use_hops
from graph.reference import CHOKEPOINTS, ITEMS, SHARES, USES
from graph.shocks import profiles

NOW = datetime(2026, 1, 5, 20, tzinfo=UTC)  # already the 6th in Korea
LATIN = re.compile(r"[A-Za-z]{4,}")
HANGUL = re.compile("[가-힣]")


@pytest.mark.parametrize("basis", sorted({p.basis for p in profiles().values()}))
def test_every_shipped_basis_has_a_korean_text(basis: str) -> None:
    for text in (basis, f"inferred: the text names no item; {basis}"):
        assert HANGUL.search(grounds(text, "ko"))
        assert not LATIN.search(grounds(text, "ko")), grounds(text, "ko")
        assert grounds(text, "en") == text


@pytest.mark.parametrize(
    "basis",
    [
        "inferred: an event in Korea itself; assumed: makers ration",
        "inferred: named with the route; no origin of it is known to pass; assumed",
        "inferred: no origin named; assumed: one plant among many",
        "inferred: deliveries within Korea; assumed: cargo is late rather than lost",
        "assumed: detour; detour of 12 days (stated) over 60 days",
        "assumed: block",
        "supposed: what-if",
        "supposed: what-if; 50% of the country's cargo is assumed to go by the port",
    ],
)
def test_a_basis_made_of_parts_is_told_in_korean(basis: str) -> None:
    assert not LATIN.search(grounds(basis, "ko")), grounds(basis, "ko")


def test_the_phrases_of_paths_have_a_korean_text() -> None:
    """What graph/paths.py itself writes as a citation, on every use and on every strait."""
    hops = [hop for uses in USES.values() for use in uses for hop in use_hops(use)]
    hops += [
        hop for code in CHOKEPOINTS for hop in route_hops(f"chokepoint:{code}", "urea", [], None)
    ]
    ours = {hop.citation for hop in hops} - {u.citation for uses in USES.values() for u in uses}
    assert len(ours - {""}) >= 2
    for text in ours - {""}:
        assert not LATIN.search(grounds(text, "ko")), text


def test_every_list_scope_and_period_of_the_tables_is_told_in_korean() -> None:
    shares = [share for found in SHARES.values() for share in found]
    assert {name for item in ITEMS.values() for name in item.lists} <= LISTS.keys()
    assert {share.scope for share in shares} - {""} <= SCOPES.keys()
    for share in shares:
        assert not LATIN.search(period(share.period, "ko")), share.period
    assert "2023년 12월" in list_name("KR-managed-2023-12", "ko")
    assert scope("ingot", "en") == "ingot"


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("port", "KRPUS", "busan"),
        ("port", "kr pus", "busan"),
        ("port", "부산", "busan"),
        ("industry", "화물", "49301"),
        ("industry", "freight", "49301"),
        ("chokepoint", "만데브", "bab-el-mandeb"),
    ],
)
def test_a_code_of_un_or_a_part_of_one_name_is_enough(kind: str, text: str, code: str) -> None:
    assert find(kind, text) == [code]


@pytest.mark.parametrize(
    ("kind", "text", "near"),
    [("industry", "도로화물", "49301"), ("country", "Korea", "KP"), ("item", "ureaa", "urea")],
)
def test_a_name_of_nothing_or_of_several_is_answered_with_near_ones(
    kind: str, text: str, near: str
) -> None:
    with pytest.raises(UnknownName) as caught:
        find(kind, text)
    assert near in str(caught.value)
    assert near in caught.value.text("ko")
    assert HANGUL.search(caught.value.text("ko"))


def test_a_bare_date_is_its_end_in_korea_and_a_time_to_come_is_refused() -> None:
    assert known_at("2023-10-20", NOW) == datetime(2023, 10, 20, 14, 59, 59, tzinfo=UTC)
    assert known_at("2023-10-20T09:00+09:00", NOW) == datetime(2023, 10, 20, tzinfo=UTC)
    assert known_at("2026-01-06", NOW) == NOW  # today there
    assert known_at(" ", NOW) is None
    for text in ("2026-01-07", "2030-01-01T00:00"):
        with pytest.raises(ValueError, match="not come yet"):
            known_at(text, NOW)
    with pytest.raises(ValueError, match="no date or time"):
        known_at("yesterday", NOW)


def test_the_day_of_a_what_if_is_koreas() -> None:
    assert korean_day(NOW).date().isoformat() == "2026-01-06"


@pytest.mark.parametrize("wrong", [0.0, -1.0, 100.5, float("nan")])
def test_a_share_lost_is_asked_in_percent(wrong: float) -> None:
    with pytest.raises(ValueError, match="percent"):
        lost_share(wrong)


def test_more_than_a_year_is_no_figure_to_plan_by() -> None:
    assert days(365, "ko") == "365일"
    assert days(366, "ko") == "1년 이상"
    assert days(366, "ko", exact=True) == "366일"


def hop(source: str, target: str, share: float | None) -> HopLine:
    return HopLine(node_label(source), node_label(target), "", "", share, "stated", "", "")


def test_a_hop_that_has_no_weight_shows_none_and_an_unread_share_shows_unknown() -> None:
    assert weight(hop("use:urea:1", "ministry:molit", None), "ko") == "-"
    assert weight(hop("origin:CN:urea", "item:urea", None), "ko") == "모름"
    assert weight(hop("origin:CN:urea", "item:urea", 0.8), "en") == "80.0 %"


def test_the_same_hop_of_two_paths_is_one_row() -> None:
    def step(since: int, until: int) -> PathStep:
        ends = node_label("origin:CN:urea"), node_label("use:urea:1")
        return PathStep(*ends, 0.8, "stated", "2021", "", since, until)

    paths = [
        PathLine(0.5, 1.0, node_label("origin:CN:urea"), (step(*d),)) for d in ((3, 9), (5, 12))
    ]
    (one,) = steps_of(paths)
    assert (one.felt_from, one.felt_to) == (3, 12)


@pytest.mark.parametrize(
    ("never", "said"), [(0.44, False), (0.5, True), (0.55, True), (0.6, False)]
)
def test_a_shortage_in_half_of_the_draws_is_called_undecided(never: float, said: bool) -> None:
    assert undecided(DayBand(1.0, 2.0, None, None, None, None, never)) is said


def test_the_command_line_tells_near_names_in_its_language(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    for lang, near in (("ko", "일반 화물자동차 운송업 (49301)"), ("en", "Road freight (49301)")):
        words = ["exposure", "--industry", "도로화물", "--lang", lang, "--home", str(tmp_path)]
        told = CliRunner().invoke(app, words)
        assert told.exit_code == 1
        assert near in told.stderr
