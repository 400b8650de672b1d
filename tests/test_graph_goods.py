"""Every HS6 code has a name, an industry and somebody who should hear of it, stated or inferred."""

from __future__ import annotations

from importlib.resources import files

import pytest

from graph.facts import rows
from graph.goods import INFERRED, STATED, goods, makers_of, ministries_of, uses_of, watched_codes
from graph.reference import INDUSTRIES, MINISTRIES


def test_every_code_of_both_revisions_is_there_with_an_english_name() -> None:
    table = goods()
    assert sum("2017" in good.revisions for good in table.values()) == 5358
    assert sum("2022" in good.revisions for good in table.values()) == 5612
    assert all(len(code) == 6 and code.isdigit() and good.en for code, good in table.items())


def test_every_code_of_hs_2017_has_a_korean_name_and_new_codes_show_the_english_one() -> None:
    assert all(good.ko for good in goods().values() if "2017" in good.revisions)
    new = goods()["852491"]
    assert new.revisions == ("2022",)
    assert new.name("ko") == new.en


def test_a_korean_name_that_only_tells_neighbours_apart_is_led_by_our_item() -> None:
    assert goods()["250410"].name("ko").startswith("천연흑연")
    assert "갈륨" not in goods()["811292"].name("ko")  # the code is not gallium alone


def test_the_tables_are_small_and_name_only_known_ministries() -> None:
    assert files("graph").joinpath("data/hs6.csv").stat().st_size < 700_000  # type: ignore[attr-defined]
    table = list(rows("ksic_ministries.csv"))
    assert len({row["prefix"] for row in table}) == len(table)
    assert all(row["reason"] for row in table)
    assert {name for row in table for name in row["ministries"].split(";")} <= set(MINISTRIES)


def test_the_longest_prefix_of_the_industry_wins() -> None:
    assert ministries_of("20311")[0] == ("mafra", "motir")
    assert ministries_of("20111")[0] == ("motir", "mcee")
    assert ministries_of("99999") == ((), "")


def test_a_use_that_was_read_is_stated_and_comes_before_what_we_infer() -> None:
    urea = uses_of("310210")
    assert [row.ministry for row in urea.ministries if row.basis == STATED] == ["mafra"]
    assert "molit" in {row.ministry for row in urea.ministries if row.basis == INFERRED}
    assert urea.ministries[0].basis == STATED
    assert any(use.ko.startswith("차량용 요소수") for use in urea.uses)


def test_what_follows_from_the_makers_industry_is_never_shown_as_stated() -> None:
    for code in ("851810", "701710", "300490", "940519"):
        found = uses_of(code)
        assert not found.uses
        assert found.ministries
        assert {row.basis for row in found.ministries} == {INFERRED}


def test_a_code_new_in_2022_takes_the_makers_of_its_neighbours_as_inferred() -> None:
    makers, basis = makers_of("854141")
    assert makers
    assert basis == INFERRED
    assert makers_of("310210") == (("20311",), STATED)


def test_nearly_every_code_has_a_ministry() -> None:
    without = [code for code in goods() if not uses_of(code).ministries]
    assert len(without) <= 30
    assert {code[:2] for code in without} <= {"37", "97"}  # film and works of art


def test_an_industry_of_the_network_keeps_its_english_name() -> None:
    maker = next(row for row in uses_of("310210").industries if row.role == "makes")
    assert maker.en == INDUSTRIES[maker.ksic].en


@pytest.mark.parametrize(
    ("code", "watched"), [("310210", True), ("250410", True), ("851810", False)]
)
def test_watched_codes_are_those_of_watched_items(code: str, watched: bool) -> None:
    assert (code in watched_codes()) is watched
