"""US Census: a header row over arrays, Schedule C partners, no content is no error."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from ews.model import Observation
from scrapers import load_source
from scrapers.errors import SourceError
from scrapers.kinds import parse
from scrapers.lists import shared_lists
from scrapers.sweeps import requests

NOW = datetime(2026, 11, 25, tzinfo=UTC)
IMPORTS, EXPORTS = load_source("us_census_imports"), load_source("us_census_exports")
HEAD = ["CTY_CODE", "I_COMMODITY", "GEN_VAL_MO", "time", "COMM_LVL", "CTY_CODE"]


def body(*rows: list[object], head: list[str] = HEAD) -> bytes:
    return json.dumps([head, *rows]).encode()


def values(raw: bytes) -> dict[str, float]:
    parsed = parse(IMPORTS, raw, NOW)
    return {s.series: s.value for s in parsed.signals if isinstance(s, Observation)}


def test_rows_are_read_under_their_header_with_partners_by_iso_code() -> None:
    raw = body(
        ["5800", "850760", "12", "2026-08", "HS6", "5800"],
        ["5700", "850760", "34", "2026-08", "HS6", "5700"],
    )
    assert values(raw) == {
        "census/import-usd/KR-US/850760": 12,
        "census/import-usd/CN-US/850760": 34,
    }


@pytest.mark.parametrize("mark", [None, "-", "null", "N/A", ""])
def test_a_null_mark_is_missing_and_a_zero_is_zero(mark: str | None) -> None:
    raw = body(
        ["5800", "250410", mark, "2026-08", "HS6", "5800"],
        ["5800", "283691", "0", "2026-08", "HS6", "5800"],
    )
    assert values(raw) == {"census/import-usd/KR-US/283691": 0}


def test_other_levels_are_left_out() -> None:
    raw = body(
        ["5800", "8507", "99", "2026-08", "HS4", "5800"],
        ["5800", "850760", "12", "2026-08", "HS6", "5800"],
    )
    assert values(raw) == {"census/import-usd/KR-US/850760": 12}


def test_no_header_row_is_loud() -> None:
    with pytest.raises(SourceError, match="header_row"):
        parse(IMPORTS, b"[]", NOW)
    with pytest.raises(SourceError, match="missing"):
        parse(IMPORTS, body(["1", "2"], head=["CTY_CODE", "time"]), NOW)


def test_only_single_countries_are_asked_and_each_has_a_code() -> None:
    """Groups ("0003" the EU, "1XXX" North America) beside their members would count twice."""
    table = shared_lists()["tables"]["schedule_c"]
    assert isinstance(table, dict)
    assert len(set(table.values())) == len(table)
    for source in (IMPORTS, EXPORTS):
        for request in requests(source):
            assert table[request.values["country"][0]]
            assert "CTY_CODE={country}" in source.url
        assert source.options["empty_status"] == [204]


def test_neither_value_is_called_cif_or_fob() -> None:
    """General imports are at customs value, exports free alongside ship."""
    for source in (IMPORTS, EXPORTS):
        spec = source.options["observation"]
        assert isinstance(spec, dict)
        assert "valuation" not in spec
        assert spec["currency"] == "USD"
