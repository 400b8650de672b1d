"""UN Comtrade: a cell is read once or refused, a cut reply is asked for in halves."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from ews.model import FetchOutcome, Frequency, Observation, VintageBasis
from scrapers import Client, collect, load_source
from scrapers.errors import SourceError, Truncated
from scrapers.golden import sample_file
from scrapers.kinds import parse
from scrapers.mapping import Parsed
from scrapers.sweeps import due, round_turns

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SOURCE = load_source("comtrade_preview")
JULY = datetime(2026, 7, 1, tzinfo=UTC)
DATA = Path(
    os.environ.get("EWS_RECORDED_DATA") or Path(__file__).parent.parent.parent / "shared" / "data"
)


def row(**changes: object) -> dict[str, object]:
    """A row in the wire format: China's exports of urea to Korea in July 2026."""
    base: dict[str, object] = {
        "typeCode": "C", "freqCode": "M", "refYear": 2026, "refMonth": 7, "period": "202607",
        "reporterCode": 156, "flowCode": "X", "partnerCode": 410, "partner2Code": 0,
        "classificationCode": "H6", "cmdCode": "310210", "aggrLevel": 6, "customsCode": "C00",
        "mosCode": "0", "motCode": 0, "qtyUnitCode": 8, "qtyUnitAbbr": "kg", "qty": 1000.0,
        "netWgt": 1000.0, "cifvalue": None, "fobvalue": 500.0, "primaryValue": 500.0,
        "isReported": True, "isAggregate": False,
    }  # fmt: skip
    return {**base, **changes}


def answer(*rows: dict[str, object], **more: object) -> bytes:
    table = {"elapsedTime": "0.1 secs", "count": len(rows), "data": rows, "error": "", **more}
    return json.dumps(table).encode()


def values(parsed: Parsed) -> dict[str, float]:
    return {s.series: s.value for s in parsed.signals if isinstance(s, Observation)}


def read(*rows: dict[str, object], **more: object) -> Parsed:
    return parse(SOURCE, answer(*rows, **more), NOW)


KG, USD = "comtrade/export-kg/CN-KR/310210", "comtrade/export-usd/CN-KR/310210"


def test_breakdowns_are_parts_and_only_the_total_is_read() -> None:
    parsed = read(
        row(),
        row(motCode=2100, netWgt=600.0),
        row(motCode=1000, netWgt=400.0),
        row(partner2Code=842, netWgt=10.0),
        row(customsCode="C04", netWgt=70.0),
        row(mosCode="1", netWgt=5.0),
    )
    assert values(parsed) == {KG: 1000, USD: 500}
    assert "5 rows that are parts of another row" in parsed.said
    unstated = read(row(partner2Code=None, mosCode="", motCode=None))
    assert values(unstated) == {KG: 1000, USD: 500}, "a part says which part it is"


def test_a_cell_that_comes_several_times_is_its_aggregate_or_nothing() -> None:
    twice = read(row(), row())
    assert values(twice) == {KG: 1000, USD: 500}
    aggregate = read(
        row(netWgt=600.0, qty=600.0), row(netWgt=400.0), row(netWgt=1000.0, isAggregate=True)
    )
    assert values(aggregate)[KG] == 1000
    refused = read(row(netWgt=600.0), row(netWgt=400.0), row(cmdCode="250410"))
    assert values(refused).keys() == {
        "comtrade/export-kg/CN-KR/250410", "comtrade/export-usd/CN-KR/250410",
    }  # fmt: skip
    assert "1 cells refused" in refused.said


def test_places_read_from_to_whoever_reports() -> None:
    parsed = read(
        row(),
        row(reporterCode=410, partnerCode=156, flowCode="M", cifvalue=550.0, fobvalue=None),
        row(partnerCode=0),
        row(reporterCode=410, partnerCode=0, flowCode="M"),
        row(reporterCode=842),
        row(partnerCode=490),
        row(partnerCode=899),
    )
    assert {s.split("/")[1][:6] + " " + s.split("/")[2] for s in values(parsed)} == {
        "export CN-KR", "import CN-KR", "export CN-WLD", "import WLD-KR", "export US-KR",
        "export CN-TW",
    }  # fmt: skip
    assert "1 rows whose country or period is not known" in parsed.said


def test_every_series_says_what_it_is() -> None:
    parsed = read(
        row(),
        row(period="202112", refYear=2021, refMonth=12, classificationCode="H5"),
        row(reporterCode=410, partnerCode=156, flowCode="M", cifvalue=9.0, fobvalue=None),
        row(cmdCode="851762", qtyUnitCode=5, qty=31.0, netWgt=None),
    )
    known = {one.name: one for one in parsed.series}
    money = known[USD]
    assert (money.unit, money.currency, money.valuation) == ("USD", "USD", "FOB")
    assert (money.classification, money.frequency) == ("HS2022", Frequency.MONTH), "newest period"
    assert known["comtrade/import-usd/CN-KR/310210"].valuation == "CIF"
    assert known["comtrade/export-qty/CN-KR/851762"].unit == "items"
    assert "comtrade/export-kg/CN-KR/851762" not in known


def test_each_unit_has_a_measure_of_its_own() -> None:
    """An item that changes its unit would else be refused by the store, with its whole turn."""
    items, volume = row(qtyUnitCode=5, qty=31.0), row(qtyUnitCode=12, qty=4.0, period="202606")
    units = {one.name: one.unit for one in read(items, volume).series if "qty" in one.name}
    assert units == {
        "comtrade/export-qty/CN-KR/310210": "items", "comtrade/export-qty-m3/CN-KR/310210": "m3",
    }  # fmt: skip
    assert not [one for one in read(row(qtyUnitCode=-1, qty=3.0)).series if "qty" in one.name]


def test_the_edition_of_the_hs_is_that_of_the_row() -> None:
    for code, name in (("H4", "HS2012"), ("H5", "HS2017"), ("H6", "HS2022"), ("H9", "H9")):
        (one, _) = read(row(classificationCode=code)).series
        assert one.classification == name


def test_a_weight_of_zero_that_was_paid_for_is_not_stated() -> None:
    assert values(read(row(netWgt=0.0))) == {USD: 500}
    nothing = read(row(netWgt=0.0, qty=0.0, primaryValue=0.0))
    assert values(nothing) == {KG: 0, USD: 0}
    assert values(read(row(netWgt=None, qty=7.0))) == {KG: 7, USD: 500}
    assert values(read(row(primaryValue=None, fobvalue=None))) == {KG: 1000}


def test_a_year_is_dated_by_its_period_and_kept_apart_from_months() -> None:
    parsed = read(row(), row(freqCode="A", period="2025", refYear=2025, refMonth=52))
    dates = {s.series: s.observed_at for s in parsed.signals}
    assert dates["comtrade-annual/export-kg/CN-KR/310210"] == datetime(2025, 1, 1, tzinfo=UTC)
    assert dates[KG] == JULY
    known = {one.name: one.frequency for one in parsed.series}
    assert known["comtrade-annual/export-kg/CN-KR/310210"] is Frequency.YEAR


@pytest.mark.parametrize(
    "odd",
    [
        {"flowCode": "RX"}, {"cmdCode": "TOTAL"}, {"cmdCode": "31"}, {"freqCode": "Q"},
        {"period": "202613"}, {"period": "202701"}, {"reporterCode": None},
    ],
)  # fmt: skip
def test_other_flows_levels_and_periods_are_told_and_left_out(odd: dict[str, object]) -> None:
    parsed = read(row(**odd))
    assert (values(parsed), parsed.rows) == ({}, 1)
    assert parsed.said.startswith("1 rows")


# --------------------------------------------------------------------------- refusals and limits


def test_an_error_inside_an_answer_of_http_200_is_an_error() -> None:
    with pytest.raises(SourceError, match="period is invalid"):
        read(error="period is invalid")
    body = {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 5 seconds."}
    with pytest.raises(SourceError, match="Rate limit") as caught:
        parse(SOURCE, json.dumps(body).encode(), NOW)
    assert caught.value.retry_after_s == 60


def test_a_period_that_is_not_out_yet_is_no_error_and_no_zero() -> None:
    parsed = read()
    assert (parsed.signals, parsed.rows, parsed.newest) == ([], 0, None)
    assert parse(SOURCE, b'{"count": 0}', NOW).signals == []


def test_a_reply_of_exactly_the_row_limit_is_cut_off() -> None:
    full = [row(cmdCode=f"{100000 + n}") for n in range(500)]
    assert len(values(read(*full[:499]))) == 998
    with pytest.raises(Truncated, match="ask for fewer"):
        read(*full)
    with pytest.raises(Truncated, match="2 rows came of 7"):
        read(*full[:2], count=7)


def test_a_cut_reply_is_asked_for_in_halves_until_it_fits(httpserver: HTTPServer) -> None:
    """A server that holds five rows for each item and never gives more than 500."""
    asked: list[int] = []

    def handle(request: Request) -> Response:
        codes = request.args["cmdCode"].split(",")
        asked.append(len(codes))
        partners = (410, 0, 156, 842, 392)[: 10 if len(codes) > 1 else 5]
        rows = [row(cmdCode=code, partnerCode=p) for code in codes for p in partners]
        return Response(json.dumps({"count": min(len(rows), 500), "data": rows[:500], "error": ""}))

    httpserver.expect_request(re.compile("/.*")).respond_with_handler(handle)
    options = {
        **SOURCE.options, "min_gap_s": 0, "per_turn": 1, "batch": {"cmd": 150},
        "each": {"cmd": [f"{250000 + n}" for n in range(150)]},
    }  # fmt: skip
    source = replace(
        SOURCE, url=httpserver.url_for("/?cmdCode={cmd}"), options=options, expect_max=9999
    )
    client = Client("test", allow_loopback=True, min_gap_s=0, attempts=1)
    # one planned request may become two; the third half waits for the next round, and that is told
    got = collect(source, None, NOW, client)
    assert asked == [150, 75]
    assert len(got.signals) == 75 * 5 * 2
    assert "were not made" in (got.fetch.error or "")
    first = {s.series for s in got.signals if isinstance(s, Observation)}
    asked.clear()
    later = collect(
        source, None, NOW + timedelta(seconds=round_turns(source) * source.every_s), client
    )
    second = {s.series for s in later.signals if isinstance(s, Observation)}
    assert (asked, len(first | second)) == ([150, 75], 150 * 5 * 2), "then it is the other half"
    roomy = replace(source, options={**options, "batch": {"cmd": 120}, "per_turn": 2})
    asked.clear()
    got = collect(roomy, None, NOW, client)
    assert asked == [120, 60, 60, 30]
    assert (got.fetch.outcome, got.fetch.error) == (FetchOutcome.NEW, None)
    assert len({s.series for s in got.signals}) == 150 * 5 * 2


def test_a_call_asks_one_period_and_pins_the_totals() -> None:
    for name in ("comtrade_preview", "comtrade_korea", "comtrade_full", "comtrade_history"):
        source = load_source(name)
        assert "partner2Code=0&motCode=0&customsCode=C00" in source.url
        for request in due(source, NOW):
            url = request.fill(source.url, ",")
            periods = re.search(r"period=([^&]*)", url)
            assert periods is not None
            assert "," not in periods.group(1)


def test_a_release_is_dated_by_the_source() -> None:
    source = load_source("comtrade_releases")
    parsed = parse(source, sample_file(source).read_bytes(), NOW)
    dated = {
        (s.series, s.observed_at.month): s for s in parsed.signals if isinstance(s, Observation)
    }
    august = dated["comtrade/released-rows/KR/-", 8]
    assert august.available_at == datetime(2026, 11, 9, 5, 30, tzinfo=UTC)
    assert august.basis is VintageBasis.RECORDED


@pytest.mark.recorded
@pytest.mark.skipif(not (DATA / "feeds").is_dir(), reason="no recorded data; set EWS_RECORDED_DATA")
def test_recorded_answers_are_read() -> None:
    folder = DATA / "feeds" / "comtrade"
    empty = parse(SOURCE, (folder / "comtrade_bulk_error.json").read_bytes(), NOW)
    assert (empty.rows, empty.newest) == (0, None)
    annual = parse(SOURCE, (folder / "comtrade_get_C_A_HS.json").read_bytes(), NOW)
    assert annual.rows == 4
    assert annual.signals == [], "totals of all commodities are no items"
