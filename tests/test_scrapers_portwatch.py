"""PortWatch: the traps of its ArcGIS layers, each on an answer in the true wire format."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from ews.model import Frequency, Observation
from graph import PORTS
from scrapers.arcgis import next_page
from scrapers.catalog import load_source
from scrapers.conditional import fill_url
from scrapers.errors import SourceError, Truncated
from scrapers.golden import SAMPLE_NOW, sample_file
from scrapers.kinds import parse
from scrapers.mapping import Parsed
from scrapers.sweeps import requests, round_turns

CHOKEPOINTS = load_source("portwatch_chokepoints")
SAMPLE: dict[str, Any] = json.loads(sample_file(CHOKEPOINTS).read_bytes())
TRANSITS = "portwatch/transits/bab-el-mandeb/-"


def read(answer: object, name: str = "portwatch_chokepoints") -> Parsed:
    return parse(load_source(name), json.dumps(answer).encode(), SAMPLE_NOW)


def values(parsed: Parsed, series: str = TRANSITS) -> dict[str, float]:
    return {
        one.observed_at.date().isoformat(): one.value
        for one in parsed.signals
        if isinstance(one, Observation) and one.series == series
    }


def changed(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """The sample with every row's attributes changed."""
    answer = deepcopy(SAMPLE)
    for feature in answer["features"]:
        change(feature["attributes"])
    return answer


def to_epoch(row: dict[str, Any]) -> None:
    day = datetime.fromisoformat(row["date"]).replace(tzinfo=UTC)
    row["date"] = int(day.timestamp() * 1000)


def renamed(row: dict[str, Any]) -> None:
    row["date_"] = row.pop("date")


def typed(answer: dict[str, Any], name: str, kind: str) -> dict[str, Any]:
    answer["fields"][0] = {**answer["fields"][0], "name": name, "type": kind}
    return answer


EPOCH = typed(changed(to_epoch), "date", "esriFieldTypeDate")
RENAMED = typed(changed(renamed), "date_", "esriFieldTypeDateOnly")
NUMBERS = changed(lambda row: row.pop("date"))
NUMBERS["fields"] = NUMBERS["fields"][1:]


@pytest.mark.parametrize("answer", [EPOCH, RENAMED, NUMBERS], ids=["epoch", "renamed", "numbers"])
def test_the_day_is_read_whatever_the_date_column_looks_like(answer: dict[str, Any]) -> None:
    assert values(read(answer)) == values(read(SAMPLE))
    assert len(values(read(answer))) == 4


def test_a_day_that_is_missing_stays_missing() -> None:
    assert set(values(read(SAMPLE))) == {"2026-11-13", "2026-11-14", "2026-11-16", "2026-11-17"}


def test_a_schema_without_a_day_is_loud() -> None:
    answer = deepcopy(SAMPLE)
    answer["fields"] = [one for one in answer["fields"] if one["name"] not in ("date", "year")]
    with pytest.raises(SourceError, match="no date among the columns"):
        read(answer)


def test_a_date_that_contradicts_the_numbers_beside_it_is_not_believed() -> None:
    shifted = changed(lambda row: row.update(day=row["day"] + 1))
    with pytest.raises(SourceError, match="'@day' is missing in 8 of 8 rows"):
        read(shifted)


def test_what_a_row_counts_is_named_with_unit_and_frequency() -> None:
    parsed = read(SAMPLE)
    rows = [
        f["attributes"] for f in SAMPLE["features"] if f["attributes"]["portid"] == "chokepoint4"
    ]
    for measure, column in (
        ("transits", "n_total"), ("tanker-transits", "n_tanker"),
        ("container-transits", "n_container"), ("capacity", "capacity"),
    ):  # fmt: skip
        told = values(parsed, f"portwatch/{measure}/bab-el-mandeb/-")
        assert told == {row["date"]: row[column] for row in rows}
    units = {one.name.split("/")[1]: one.unit for one in parsed.series}
    assert units["transits"] == "ships/day"
    assert units["capacity"] == "t/day"
    assert {one.frequency for one in parsed.series} == {Frequency.DAY}


@pytest.mark.parametrize(
    ("code", "words", "permanent", "wait"),
    [
        (400, "Cannot perform query. Invalid query parameters.", True, None),
        (499, "Token Required", False, None),
        (498, "Invalid Token", False, None),
        (429, "Too many requests", False, 60),
        (500, "Error performing query operation", False, None),
    ],
)
def test_an_error_inside_http_200_is_an_error(
    code: int, words: str, permanent: bool, wait: int | None
) -> None:
    with pytest.raises(SourceError, match=rf"{code}: {words}") as caught:
        read({"error": {"code": code, "message": words, "details": ["'where' is invalid"]}})
    assert caught.value.permanent is permanent
    assert caught.value.retry_after_s == wait
    assert "'where' is invalid" in caught.value.message


def test_pages_advance_by_the_rows_returned_and_end_without_the_flag() -> None:
    url = "https://example.org/query?f=json"

    def after(at: str, rows: int, **flag: bool) -> str | None:
        answer = {"features": SAMPLE["features"][:1] * rows, **flag}
        return next_page(CHOKEPOINTS, json.dumps(answer).encode(), at)

    second = after(url, 1000, exceededTransferLimit=True)
    assert second == f"{url}&resultOffset=1000"
    assert after(second, 700, exceededTransferLimit=True) == f"{url}&resultOffset=1700"
    assert after(second, 1000, exceededTransferLimit=False) is None
    assert after(second, 1000) is None  # on one page the flag is left out
    assert after(second, 0, exceededTransferLimit=True) is None


def test_an_empty_page_without_a_schema_is_no_data_and_no_error() -> None:
    assert read({"features": []}).rows == 0


def test_a_sweep_that_meets_a_second_page_asks_for_less() -> None:
    answer = {**SAMPLE, "exceededTransferLimit": True}
    with pytest.raises(Truncated):
        read(answer, "portwatch_ports_history")
    assert read(answer).rows == 8


# --------------------------------------------------------------------------- the queries


NAMES = [
    "portwatch_chokepoints", "portwatch_chokepoints_history", "portwatch_ports",
    "portwatch_ports_korea", "portwatch_ports_history", "portwatch_ports_korea_history",
]  # fmt: skip


def query(name: str, now: datetime = datetime(2026, 1, 3, tzinfo=UTC)) -> dict[str, str]:
    source = load_source(name)
    url = source.url
    if "each" in source.options:
        url = requests(source)[0].fill(url, ",")
    parts = parse_qs(urlsplit(fill_url(url, now)).query)
    return {key: "".join(one) for key, one in parts.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_query_avoids_what_the_service_refuses(name: str) -> None:
    asked = query(name)
    assert not re.search(r"=\s*'", asked["where"])  # text is compared by IN (...)
    assert not re.search(r"\bdate_?\b|\d{12,}", asked["where"], re.IGNORECASE)  # nor dates, epochs
    assert asked["orderByFields"] == "ObjectId"  # a number: ordering by text is refused
    assert int(asked["resultRecordCount"]) <= 1000


def test_the_query_of_january_still_holds_december() -> None:
    where = query("portwatch_chokepoints")["where"]
    assert "year=2026 AND month=1" in where
    assert "year=2025 AND month=12" in where


def test_text_is_filtered_by_in() -> None:
    assert "ISO3 IN ('KOR')" in query("portwatch_ports_korea")["where"]
    assert "portid IN ('port1188','port824'" in query("portwatch_ports")["where"]


def test_a_month_of_the_past_fits_one_page_and_every_month_has_its_turn() -> None:
    chokepoints = load_source("portwatch_chokepoints_history")
    assert len(requests(chokepoints)) == 9 * 12
    assert round_turns(chokepoints) * chokepoints.every_s <= 7 * 86_400
    ports = load_source("portwatch_ports_history")
    assert max(len(one.values["port"]) for one in requests(ports)) * 31 <= 1000
    assert round_turns(ports) * ports.every_s <= 30 * 86_400


def test_every_port_that_is_asked_for_is_one_of_ours() -> None:
    for name in ("portwatch_ports", "portwatch_ports_history"):
        source = load_source(name)
        table = source.options["lookup"]["portid"]  # type: ignore[index]
        assert len(set(table.values())) == len(table)
        assert set(table.values()) <= set(PORTS)
        asked = source.url
        for one in source.options.get("each", {}).get("port", []):  # type: ignore[attr-defined]
            asked += one
        assert set(re.findall(r"port\d+", unquote(asked))) == set(table)


def test_korean_ports_go_by_their_names() -> None:
    source = load_source("portwatch_ports_korea")
    parsed = parse(source, sample_file(source).read_bytes(), SAMPLE_NOW)
    places = {one.name.split("/")[2] for one in parsed.series}
    assert places == {"busan", "gwangyang", "okgye"}
    assert {one.name.split("/")[1] for one in parsed.series} == {
        "port-calls", "port-import", "port-export",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("past", "present"),
    [
        ("portwatch_ports_history", "portwatch_ports"),
        ("portwatch_ports_korea_history", "portwatch_ports_korea"),
        ("portwatch_chokepoints_history", "portwatch_chokepoints"),
    ],
)
def test_the_past_and_the_present_of_a_place_are_one_series(past: str, present: str) -> None:
    told = [load_source(name).options for name in (past, present)]
    for key in ("observation", "lookup"):
        assert told[0][key] == told[1][key]


def test_a_month_of_every_korean_port_is_asked_for_in_halves() -> None:
    source = load_source("portwatch_ports_korea_history")
    halves = [unquote(one.values["half"][0]) for one in requests(source)[:2]]
    assert halves == ["day<16", "day>15"]
    assert round_turns(source) * source.every_s <= 7 * 86_400
