"""Firms in text: a firm gives itself, never a country."""

from __future__ import annotations

import re

import pytest

from nlp.firms import find_firms, firms


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
    ],
)
def test_firms_are_found_by_their_names_in_context(text: str, expected: set[str]) -> None:
    assert slugs(text) == expected


def test_slugs_are_slugs_and_unique_and_there_are_about_two_hundred() -> None:
    known = firms()
    assert len(known) >= 200
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) for slug in known)
    assert all(re.fullmatch(r"[A-Z]{2}", firm.country) for firm in known.values())
