"""SDMX: three formats, one reading; CN8 rows are summed to HS6 once, in stated units."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ews.model import Frequency, Observation
from scrapers import load_source
from scrapers.errors import SourceError
from scrapers.golden import sample_file
from scrapers.kinds import parse
from scrapers.mapping import Parsed
from scrapers.periods import first_day, period_start

NOW = datetime(2026, 11, 25, tzinfo=UTC)
COMEXT, ECB = load_source("eurostat_comext"), load_source("ecb_exchange_rates")
HEAD = "DATAFLOW,LAST UPDATE,freq,reporter,partner,product,flow,indicators,TIME_PERIOD,OBS_VALUE"
GENERIC = """<?xml version="1.0" encoding="UTF-8"?>
<m:GenericData xmlns:m="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/message"
 xmlns:g="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/data/generic"
 xmlns:c="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/common">
<m:Header><m:ID>X</m:ID><m:Test>false</m:Test><m:Prepared>2026-11-18T11:00:00</m:Prepared>
<m:Sender id="ESTAT"/><m:Structure structureID="S" dimensionAtObservation="TIME_PERIOD">
<c:Structure><Ref agencyID="ESTAT" id="DS-045409" version="1.0"/></c:Structure></m:Structure>
</m:Header><m:DataSet structureRef="S"><g:Series><g:SeriesKey>{key}</g:SeriesKey>
<g:Obs><g:ObsDimension value="2026-09"/><g:ObsValue value="12.5"/></g:Obs></g:Series>
</m:DataSet></m:GenericData>"""


def csv_lines(*lines: str, flag: bool = False) -> bytes:
    head = HEAD + (",OBS_FLAG" if flag else "")
    table = [f"ESTAT:DS-045409(1.0),18/11/26 11:00:00,M,EU27_2020,KR,{line}" for line in lines]
    return "\n".join([head, *table]).encode()


def values(parsed: Parsed) -> dict[str, float]:
    return {s.series: s.value for s in parsed.signals if isinstance(s, Observation)}


def read(*lines: str, flag: bool = False) -> Parsed:
    return parse(COMEXT, csv_lines(*lines, flag=flag), NOW)


def test_cn8_rows_are_summed_to_hs6_and_a_heading_is_not_added() -> None:
    parsed = read(
        "28046100,2,VALUE_IN_EUROS,2026-09,70",
        "28046900,2,VALUE_IN_EUROS,2026-09,5",
        "280469,2,VALUE_IN_EUROS,2026-09,5",
        "28046910,2,VALUE_IN_EUROS,2026-08,1",
        "28046990,2,VALUE_IN_EUROS,2026-08,2",
        "2804,2,VALUE_IN_EUROS,2026-09,75",
        "TOTAL,2,VALUE_IN_EUROS,2026-09,99999",
    )
    found = {(s.series, s.observed_at.month): s.value for s in parsed.signals
             if isinstance(s, Observation)}  # fmt: skip
    assert found == {
        ("eurostat/export-eur/EU-KR/280461", 9): 70,
        ("eurostat/export-eur/EU-KR/280469", 9): 5,
        ("eurostat/export-eur/EU-KR/280469", 8): 3,
    }


def test_hundreds_of_kilograms_become_kilograms_and_euros_stay_euros() -> None:
    parsed = read(
        "25041000,1,QUANTITY_IN_100KG,2026-09,12.5", "25041000,1,VALUE_IN_EUROS,2026-09,900"
    )
    assert values(parsed) == {
        "eurostat/import-kg/KR-EU/250410": 1250,
        "eurostat/import-eur/KR-EU/250410": 900,
    }
    known = {one.name: one for one in parsed.series}
    money = known["eurostat/import-eur/KR-EU/250410"]
    assert (money.unit, money.currency, money.valuation) == ("EUR", "EUR", "CIF")
    assert known["eurostat/import-kg/KR-EU/250410"].unit == "kg"
    assert money.frequency is Frequency.MONTH


def test_a_confidential_row_takes_its_sum_with_it() -> None:
    parsed = read(
        "25041000,1,VALUE_IN_EUROS,2026-09,:,c",
        "25041090,1,VALUE_IN_EUROS,2026-09,900,",
        "28046100,1,VALUE_IN_EUROS,2026-09,3,",
        flag=True,
    )
    assert values(parsed) == {"eurostat/import-eur/KR-EU/280461": 3}
    assert "1 sums left out" in parsed.said


def test_generic_and_structure_specific_messages_and_csv_say_the_same() -> None:
    dims = {
        "freq": "M", "reporter": "EU27_2020", "partner": "KR", "product": "25041000", "flow": "1",
        "indicators": "QUANTITY_IN_100KG",
    }  # fmt: skip
    key = "".join(f'<g:Value id="{name}" value="{value}"/>' for name, value in dims.items())
    generic = parse(COMEXT, GENERIC.format(key=key).encode(), NOW)
    table = read("25041000,1,QUANTITY_IN_100KG,2026-09,12.5")
    assert values(generic) == values(table) == {"eurostat/import-kg/KR-EU/250410": 1250}
    text = sample_file(COMEXT).read_text(encoding="utf-8")
    august = 'TIME_PERIOD="2026-08" OBS_VALUE="12.5"'
    assert august in text
    specific = values(parse(COMEXT, text.encode(), NOW))
    assert specific["eurostat/import-kg/KR-EU/250410"] == 1250


def test_another_provider_needs_only_a_mapping() -> None:
    """The ECB's SDMX-JSON; a null is missing."""
    parsed = parse(ECB, sample_file(ECB).read_bytes(), NOW)
    found = {(s.series, s.observed_at.month): s.value for s in parsed.signals
             if isinstance(s, Observation)}  # fmt: skip
    assert found == {
        ("ecb/rate-eur/KRW/-", 9): 1650.5,
        ("ecb/rate-eur/KRW/-", 10): 1661.25,
        ("ecb/rate-eur/USD/-", 9): 1.101,
    }


def test_sdmx_csv_of_the_second_version_is_read_too() -> None:
    spec = {"series": "oecd/lead/{REF_AREA}/-", "value": "OBS_VALUE", "date": "@day",
            "frequency": "Q"}  # fmt: skip
    source = replace(ECB, options={"observation": spec})
    body = (
        b"STRUCTURE,STRUCTURE_ID,ACTION,REF_AREA,TIME_PERIOD,OBS_VALUE\n"
        b"dataflow,OECD:DF_X(1.0),I,KOR,2026-Q2,100.5\n"
    )
    (one,) = parse(source, body, NOW).signals
    assert (one.series, one.observed_at) == (  # type: ignore[union-attr]
        "oecd/lead/KOR/-", datetime(2026, 4, 1, tzinfo=UTC),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not be read|begins"),
        (b"<a/>", "no SDMX|no data message"),
        (b'{"error": 1}', "no SDMX|no data message"),
        (b"<html><head><title>Sorry</title></head></html>", "web page"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "ENTITY is refused"),
        (b"<env:Envelope xmlns:env='e'><status>SUBMITTED</status></env:Envelope>", "no SDMX|no data"),
    ],
)  # fmt: skip
def test_what_is_no_data_message_is_refused_in_words(
    body: bytes, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SourceError, match=words):
        parse(COMEXT, body, NOW)
    assert capsys.readouterr().out == "", "the library prints its state when a message is broken"


def test_a_message_that_is_cut_off_is_refused_in_silence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    body = sample_file(COMEXT).read_bytes()
    with pytest.raises(SourceError, match="no SDMX"):
        parse(COMEXT, body[: len(body) * 2 // 3], NOW)
    assert capsys.readouterr().out == ""


def test_a_dimension_that_vanished_is_loud() -> None:
    body = b"DATAFLOW,TIME_PERIOD,OBS_VALUE\nX,2026-09,1\n"
    with pytest.raises(SourceError, match="no dimension 'product'"):
        parse(COMEXT, body, NOW)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026", "2026-01-01"), ("2026-A1", "2026-01-01"), ("2026-S2", "2026-07-01"),
        ("2026-Q4", "2026-10-01"), ("2026-M09", "2026-09-01"), ("2026-09", "2026-09-01"),
        ("2026-W01", "2025-12-29"), ("2026-09-30", "2026-09-30"),
        ("2026-Q5", None), ("2026-W60", None), ("2026-13", None), ("Sept", None), ("", None),
    ],
)  # fmt: skip
def test_periods_begin_on_their_first_day(text: str, day: str | None) -> None:
    moment = period_start(text)
    assert (moment.strftime("%Y-%m-%d") if moment else None) == day


@pytest.mark.parametrize(
    ("frequency", "day"),
    [("D", "2026-08-20"), ("W", "2026-08-17"), ("M", "2026-08-01"), ("Q", "2026-07-01"),
     ("A", "2026-01-01")],
)  # fmt: skip
def test_a_stated_frequency_moves_the_date_to_the_first_day(frequency: str, day: str) -> None:
    moment = datetime(2026, 8, 20, 13, 5, tzinfo=UTC)
    assert first_day(moment, frequency).isoformat() == f"{day}T00:00:00+00:00"
    assert first_day(moment, None) == moment


def test_the_library_is_loaded_only_when_an_sdmx_source_is_read() -> None:
    import ast
    from pathlib import Path

    tree = ast.parse((Path(__file__).parent.parent / "scrapers" / "sdmx.py").read_text("utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not [n for node in top for n in getattr(node, "names", []) if n.name == "sdmx"]
