"""Firms in text: a firm gives itself, never a country."""

from __future__ import annotations

import re

import pytest

from nlp.firms import find_firms, firms, slug_of, tagged_firms
from nlp.session import FirmSpan


def slugs(text: str) -> set[str]:
    return {m.code for m in find_firms(text, "")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Samsung and SK Hynix lose a waiver", {"samsung-electronics", "sk-hynix"}),
        ("삼성전자·하이닉스 감산", {"samsung-electronics", "sk-hynix"}),
        ("台积电 地震 停产", {"tsmc"}),
        ("トヨタ 全工場停止", {"toyota"}),
        ("Maersk reroutes ships", {"maersk"}),
        ("GM plants idle as UAW strike spreads", {"general-motors"}),
        ("GM crops debated", set()),
        ("Carrier Gerald Ford sails", set()),
        ("A shell found on the beach", set()),
        ("삼성동 화재", set()),
        ("Russia's oil export", set()),
        ("삼성카드가 새 카드를 냈다", {"samsung-card"}),
        ("삼성생수 출시", set()),
        ("한국수력원자력과 협상", {"khnp"}),
        ("두산과 롯데의 프로야구 경기", set()),
        ("두산이 발전기를 수출한다", {"doosan"}),
        ("일론 머스크 발언", set()),
        ("머스크 선박 우회", {"maersk"}),
    ],
)
def test_firms_are_found_by_their_names_in_context(text: str, expected: set[str]) -> None:
    assert slugs(text) == expected


def test_slugs_are_slugs_and_unique_and_there_are_about_two_hundred() -> None:
    known = firms()
    assert len(known) >= 200
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) for slug in known)
    assert all(re.fullmatch(r"[A-Z]{2}", firm.country) for firm in known.values())


# --------------------------------------------------------------------------- names the encoder marks


def tagged(text: str, *names: str, title: str = "", sure: float = 0.95) -> list[tuple[str, str]]:
    """(words, code) of the mentions when the encoder marks those parts of the text."""
    joined = f"{title}\n{text}"
    spans = [FirmSpan(joined.index(n), joined.index(n) + len(n), sure) for n in names]
    return [(m.text, m.code) for m in tagged_firms(title, text, "", spans)]


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("Ozaki Trading Co Ltd opens", ["Ozaki Trading Co Ltd"],
         [("Ozaki Trading Co Ltd", "name:ozaki-trading")]),
        ("대한그린파워는 오른다", ["대한", "그린파워"], [("대한그린파워", "name:대한그린파워")]),
        ("가나다정밀이 감산", ["가나다정밀이"], [("가나다정밀", "name:가나다정밀")]),
        ("Western Emergency Service Inc is sold", ["Western", "Emergency Service Inc"],
         [("Western Emergency Service Inc", "name:western-emergency-service")]),
        ("Bowlen Corp's plant", ["Bowlen Corp"], [("Bowlen Corp", "name:bowlen")]),
        ("Toyota Motor Corp halts", ["Toyota Motor Corp"], [("Toyota Motor", "toyota")]),
        ("某某电子有限公司 停产", ["某某电子有限公司"], [("某某电子有限公司", "name:某某电子")]),
        ("川北化学株式会社の工場", ["川北化学株式会社"], [("川北化学株式会社", "name:川北化学")]),
    ],
)  # fmt: skip
def test_a_marked_name_is_mended_and_linked(
    text: str, names: list[str], expected: list[tuple[str, str]]
) -> None:
    assert tagged(text, *names) == expected


def test_a_short_form_has_the_code_of_the_full_name() -> None:
    text = "Zelkova Industries Plc said profit rose. Zelkova shares fell. Analysts at ZI agreed."
    found = tagged(text, "Zelkova Industries Plc", "Zelkova shares"[:7], "ZI")
    assert {code for _, code in found} == {"name:zelkova-industries"}


@pytest.mark.parametrize(
    ("text", "names", "sure"),
    [
        ("OFFERS are made", ["ERS"], 0.9),  # a part of a word
        ("OPEC meets", ["OPEC"], 0.99),  # no firm
        ("a new unit opens", ["unit"], 0.9),  # a common noun
        ("Zelkova opens", ["Zelkova"], 0.6),  # not sure enough for a name that no list has
    ],
)
def test_a_mark_that_is_no_name_gives_nothing(text: str, names: list[str], sure: float) -> None:
    assert tagged(text, *names, sure=sure) == []


def test_a_surely_marked_longer_name_wins_over_a_listed_one_inside_it() -> None:
    assert tagged("Ford Hollow Foods recalls soup", "Ford Hollow Foods") == [
        ("Ford Hollow Foods", "name:ford-hollow-foods")
    ]
    assert tagged("Samsung Electronics halts", "Samsung") == [
        ("Samsung Electronics", "samsung-electronics")
    ]


def test_a_name_does_not_run_on_from_the_title() -> None:
    assert tagged("Zelkova Corp buys it", "UNIT\nZelkova Corp", title="BUYS UNIT") == [
        ("Zelkova Corp", "name:zelkova")
    ]


def test_spans_outside_the_text_and_no_spans_are_harmless() -> None:
    assert tagged_firms("", "", "", [FirmSpan(0, 9, 0.9), FirmSpan(5, 2, 0.9)]) == []
    assert [m.code for m in tagged_firms("POSCO halts", "", "", [])] == ["posco"]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("㈜가나다", "가나다"),
        ("Ma'aden", "ma-aden"),
        ("A & B Co., Ltd.", "a-and-b"),
        ("Q.E.D. L.P.", "q-e-d"),
    ],
)
def test_a_slug_has_no_legal_form(name: str, slug: str) -> None:
    assert slug_of(name) == slug
