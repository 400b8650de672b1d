"""The reports on vulnerability: filters, thresholds, exact parts, one meaning of watched."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.rulebook import with_keys
from ews.acting import ActRefused
from ews.measuring.monitored import budget_of
from ews.reports.names import UnknownName
from ews.reports.watch import Asked, watch_table
from ews.reports.watch_book import month_of, open_book
from ews.reports.watch_changes import watch_changes, watch_spots
from ews.reports.watch_item import watch_item
from ews.reports.watch_list import entry_of, list_key, watch_list
from ews.reports.watch_sheet import watch_sheet
from ews.reports.watch_views import WatchTable
from ews.storage import Store
from ews.tuning.rules import in_force, undo_rules
from ews.tuning.watch_list import unwatch, watch
from ews.watching import turn
from graph.vulnerability import read_weights
from tests.watch_home import CODES, NEWEST, NOW, keep, made_up, say

LATER = NOW + timedelta(days=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Brewery machines come from China alone in April, for much more; nobody watches them."""
    opened = Store.open(tmp_path_factory.mktemp("watch"))
    keep(opened, made_up())
    for country, value in (("CN", 9e7), ("JP", 1.0), ("IN", 1.0)):
        name = f"synthetic/import-usd/{country}-KR/610190"
        say(opened, name, [("2024-04", value)], "2024-05-16")
    turn(opened, NOW)
    yield opened
    opened.close()


def table(store: Store, **asked: object) -> WatchTable:
    return watch_table(store, Asked(**asked), now=NOW)  # type: ignore[arg-type]


def test_the_table_holds_every_item_and_says_what_it_leaves_out(store: Store) -> None:
    found = table(store, limit=3)
    assert (found.items, found.matched, len(found.lines)) == (len(CODES), len(CODES), 3)
    assert found.synthetic == len(CODES)
    assert found.months[0] == "2024-04"
    scores = [line.score or 0.0 for line in found.lines]
    assert scores == sorted(scores, reverse=True)
    assert [line.rank for line in found.lines] == [1, 2, 3]
    assert all(one.rank_low <= one.rank <= one.rank_high for one in found.lines)  # type: ignore[operator]
    assert table(store, limit=3, offset=3).lines[0].rank == 4


def test_filters_narrow_and_wrong_ones_are_told(store: Store) -> None:
    assert [one.item.code for one in table(store, item="요소").lines] == ["310210"]
    assert {one.item.code[:2] for one in table(store, item="84").lines} == {"84"}
    assert table(store, industry="20").matched < len(CODES)
    farms = table(store, ministry="mafra").lines
    assert farms
    assert all("mafra" in {told.what.code for told in line.ministries} for line in farms)
    watched = table(store, watched=True).lines
    assert {"310210", "250410"} <= {line.item.code for line in watched}
    assert table(store, watched=False).matched == len(CODES) - len(watched)
    assert all((one.score or 0) >= 0.6 for one in table(store, min_score=0.6).lines)
    for wrong in ({"sort": "beauty"}, {"min_score": 2}, {"limit": 0}, {"industry": "x"}):
        with pytest.raises(ValueError, match=r"sort|min_score|limit|KSIC"):
            table(store, **wrong)
    for unknown in ({"item": "nosuchthing"}, {"ministry": "nosuch"}, {"item": "77"}):
        with pytest.raises(UnknownName):
            table(store, **unknown)
    with pytest.raises(ValueError, match="write it as 2026-10"):
        month_of("October")


def test_it_sorts_by_any_index_unknown_last(store: Store) -> None:
    for key in ("kr-tsi", "-kr-tsi", "import_usd", "-coverage", "item", "eu-cdi-3"):
        lines = table(store, sort=key, limit=100).lines
        name = key.lstrip("-")
        values = [
            line.item.code if name == "item" else line.indices.get(name, getattr(line, name, None))
            for line in lines
        ]
        known = [value for value in values if value is not None]
        assert values[: len(known)] == known
        falls = name != "item" and not key.startswith("-")
        assert known == sorted(known, reverse=falls), key


def test_thresholds_are_those_of_their_systems(store: Store) -> None:
    for line in table(store, limit=100).lines:
        assert ("eu-cdi-1" in line.exceeded) == (line.indices.get("eu-cdi-1", 0) > 0.4)
        assert ("kr-dependence" in line.exceeded) == (line.indices.get("kr-dependence", 0) >= 0.5)
        assert "top-share" not in line.exceeded  # ours has none


def test_the_sheet_has_every_index_and_no_formula(store: Store) -> None:
    found = table(store, limit=100)
    first = replace(found.lines[0].item, en="=HYPERLINK(1)", ko="+82")
    found = replace(found, lines=(replace(found.lines[0], item=first), *found.lines[1:]))
    rows = list(csv.reader(io.StringIO(watch_sheet(found, "en").lstrip("\ufeff"))))
    assert len(rows) == len(CODES) + 1
    assert rows[0][:3] == ["hs6", "hs", "name_ko"]
    assert {one.key for one in found.columns} <= set(rows[0])
    assert len({*rows[0]}) == len(rows[0])
    assert (rows[1][2], rows[1][3]) == ("+82", "'=HYPERLINK(1)")
    korean = watch_sheet(found, "ko").splitlines()[0]
    assert "12개월 수입액(달러)" in korean


def test_what_an_item_adds_makes_its_score_and_its_parts_the_change(store: Store) -> None:
    found = watch_item(store, "610190", now=NOW)
    assert found.line.score is not None
    added = sum(one.contribution or 0.0 for one in found.columns)
    assert added == pytest.approx(found.line.score, abs=2e-6)
    change = found.change
    assert change is not None
    assert sum(part.effect for part in change.parts) == pytest.approx(
        change.after - change.before, abs=2e-6
    )
    assert [point.month for point in found.history][-2:] == ["2024-03", "2024-04"]
    assert found.partners[0].usd >= found.partners[-1].usd
    assert sum(one.share or 0 for one in found.partners) == pytest.approx(1.0)
    assert found.history[-1].score == found.line.score
    earlier = watch_item(store, "610190", now=NOW, month=month_of("2023-10"))
    assert (earlier.line.month, earlier.history[-1].month) == ("2023-10", "2023-10")


def test_an_item_is_asked_by_id_name_or_code(store: Store) -> None:
    for asked in ("urea", "요소", "310210", "3102.10"):
        assert watch_item(store, asked, now=NOW).line.item.code == "310210", asked
    urea = watch_item(store, "urea", now=NOW)
    assert "molit" in {told.what.code for told in urea.line.ministries}
    assert {one.basis for one in urea.uses} >= {"stated"}
    assert {"urea", "diesel-exhaust-fluid"} == {one.code for one in urea.ours}
    with pytest.raises(UnknownName, match="give one of them"):
        watch_item(store, "84", now=NOW)
    with pytest.raises(UnknownName, match="no imports"):
        watch_item(store, "999999", now=NOW)


def test_rises_and_falls_come_with_their_reasons(store: Store) -> None:
    found = watch_changes(store, now=NOW)
    assert (found.since, found.month, found.compared) == ("2024-03", "2024-04", len(CODES))
    rises = [one.like_for_like for one in found.rises]
    assert rises == sorted(rises, reverse=True)
    assert all(one.like_for_like < 0 for one in found.falls)
    assert found.rises[0].said
    assert found.rises[0].said[0].ko != found.rises[0].said[0].en
    crept = watch_changes(store, now=NOW, since=month_of("2023-05"))
    assert crept.since == "2023-05"


def test_rows_of_other_weights_are_left_out_and_told(store: Store) -> None:
    row = store.vulnerabilities(NEWEST, ["843840"])[0]
    store.save_vulnerabilities([replace(row, weights="other")])
    try:
        book = open_book(store)
        assert (book.stale, "843840" in book.rows) == (1, False)
        assert table(store).stale == 1
    finally:
        store.save_vulnerabilities([row])
    assert open_book(store).weights == read_weights()


def test_watched_means_the_same_to_table_budget_and_blind_spots(store: Store) -> None:
    """Ours and the analysts' list, and nothing else; off the list it is as before."""

    def seen() -> tuple[bool, float, bool]:
        rules = store.ruleset_at(LATER) or in_force(store, LATER)
        (line,) = watch_table(store, Asked(item="610190"), now=LATER).lines
        spots = {one.item.code for one in watch_spots(store, now=LATER).spots}
        return line.watched, budget_of(rules).of("610190"), "610190" in spots

    before = seen()
    assert before == (False, 0.1, True)
    watch(store, "610190", reason="a shift to one partner", now=LATER, by="Kim")
    assert seen() == (True, 0.5, False)
    (entry,) = watch_list(store, LATER).entries
    assert (entry.by, entry.reason, entry.codes) == ("Kim", "a shift to one partner", ("610190",))
    assert entry_of(store, "610190", LATER) == entry
    with pytest.raises(ActRefused, match="already"):
        watch(store, "610190", reason="again", now=LATER, by="Kim")
    unwatch(store, "610190", reason="it went back", now=LATER, by="Kim")
    assert seen() == before
    watch(store, "610190", reason="again", now=LATER, by="Lee", budget=2.0)
    assert budget_of(in_force(store, LATER)).of("610190") == 2.0
    undo_rules(store, by="Kim", reason="no", now=LATER)
    assert seen() == before


def test_a_heading_of_ours_covers_all_its_codes_in_the_budget_too(store: Store) -> None:
    rules = in_force(store, LATER)
    budget = budget_of(rules)
    assert budget.of("100119") == budget.of("310210") == 0.5  # wheat is watched as 1001
    assert budget.of("wheat") == 0.5
    own = replace(rules, rules=with_keys(rules.rules, {"false_alarms": {"wheat": 3.0}}))
    assert budget_of(own).of("100119") == 3.0


def test_what_is_ours_cannot_be_put_on_or_taken_off(store: Store) -> None:
    for do, item in ((watch, "urea"), (unwatch, "urea"), (unwatch, "851810"), (watch, "nosuch")):
        with pytest.raises(ActRefused):
            do(store, item, reason="x", now=LATER, by="Kim")
    with pytest.raises(ActRefused, match="say why"):
        watch(store, "851810", reason=" ", now=LATER, by="Kim")
    with pytest.raises(ActRefused, match="at most 52"):
        watch(store, "851810", reason="x", now=LATER, by="Kim", budget=100.0)
    with pytest.raises(UnknownName, match="no HS6 code"):
        list_key("999999")


def test_without_figures_every_report_is_empty_and_says_so(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    empty = Store.open(tmp_path_factory.mktemp("empty"))
    try:
        assert watch_table(empty, Asked(), now=NOW).items == 0
        assert watch_changes(empty, now=NOW).compared == 0
        spots = watch_spots(empty, now=NOW)
        assert (spots.count, spots.month) == (0, None)
        with pytest.raises(LookupError, match="ews watch compute"):
            watch_item(empty, "urea", now=NOW)
    finally:
        empty.close()
