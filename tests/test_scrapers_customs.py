"""Korea Customs: one item, partner and month is one sum, or none; nothing counts twice."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.model import FetchOutcome, Frequency, Observation, Source
from scrapers import Client, collect, load_source
from scrapers.conditional import api_key, fill_url
from scrapers.customs import check_span
from scrapers.errors import SourceError
from scrapers.golden import sample_file
from scrapers.hs import leaves, sums
from scrapers.kinds import parse
from scrapers.mapping import Parsed
from scrapers.sweeps import requests

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SEPTEMBER = datetime(2026, 9, 1, tzinfo=UTC)
SOURCE = load_source("customs_nitemtrade")
WORLD = load_source("customs_items")
DATA = Path(
    os.environ.get("EWS_RECORDED_DATA") or Path(__file__).parent.parent.parent / "shared" / "data"
)
Line = tuple[str, str, str, str]  # code, partner, month, import kg (other figures follow from it)


def figure(text: str) -> float:
    return float(text.replace(",", ""))


def reply(lines: list[Line], total: float | str | None = "sum") -> bytes:
    """A reply in the true wire format: kg, ten times as many dollars, no exports."""

    def item(code: str, partner: str, month: str, weight: str, dollars: str) -> str:
        return (
            f"<item><balPayments>0</balPayments><expDlr>0</expDlr><expWgt>0</expWgt><hsCd>{code}"
            f"</hsCd><impDlr>{dollars}</impDlr><impWgt>{weight}</impWgt><statCd>{partner}</statCd>"
            f"<statCdCntnKor1>중국</statCdCntnKor1><statKor>요소</statKor><year>{month}</year></item>"
        )

    def dollars(text: str) -> str:
        return f"{figure(text) * 10:,.0f}" if text.replace(",", "").isdigit() else text

    head = ""
    if total is not None:
        known = [figure(w) for _, _, _, w in lines if w.replace(",", "").isdigit()]
        stated = sum(known) if total == "sum" else float(total)
        head = item("-", "-", "총계", f"{stated:,.0f}", f"{stated * 10:,.0f}")
    body = "".join(item(c, p, m, w, dollars(w)) for c, p, m, w in lines)
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><response><header><resultCode>00'
        f"</resultCode><resultMsg>정상서비스.</resultMsg></header><body><items>{head}{body}</items>"
        "</body></response>"
    ).encode()


def values(parsed: Parsed, month: datetime = SEPTEMBER) -> dict[str, float]:
    return {
        s.series: s.value
        for s in parsed.signals
        if isinstance(s, Observation) and s.observed_at == month and "/import-kg/" in s.series
    }


def read(lines: list[Line], source: Source = SOURCE, **more: float | str | None) -> Parsed:
    return parse(source, reply(lines, **more), NOW)


# --------------------------------------------------------------------------- sums


def test_ten_digit_rows_become_six_digit_items_and_the_grand_total_is_none() -> None:
    parsed = read(
        [
            ("3102100000", "CN", "2026.09", "2,000"),
            ("2504101000", "CN", "2026.09", "200,000"),
            ("2504109000", "CN", "2026.09", "1,000"),
        ]
    )
    assert values(parsed) == {
        "customs/import-kg/CN-KR/310210": 2000,
        "customs/import-kg/CN-KR/250410": 201_000,
    }
    assert parsed.said == ""
    assert parsed.newest == SEPTEMBER


def test_every_series_says_what_it_is() -> None:
    parsed = parse(SOURCE, sample_file(SOURCE).read_bytes(), NOW)
    by_name = {one.name: one for one in parsed.series}
    money = by_name["customs/import-usd/CN-KR/250410"]
    assert (money.unit, money.currency, money.valuation) == ("USD", "USD", "CIF")
    assert (money.frequency, money.classification) == (Frequency.MONTH, "HS2022")
    assert by_name["customs/export-usd/KR-CN/250410"].valuation == "FOB"
    assert by_name["customs/import-kg/CN-KR/250410"].unit == "kg"
    assert {s.series for s in parsed.signals if isinstance(s, Observation)} == set(by_name)


def test_a_heading_is_never_added_to_the_rows_below_it() -> None:
    parsed = read(
        [
            ("25", "CN", "2026.09", "900"),
            ("2504", "CN", "2026.09", "500"),
            ("250410", "CN", "2026.09", "300"),
            ("2504101000", "CN", "2026.09", "100"),
            ("2504109000", "CN", "2026.09", "200"),
            ("310210", "CN", "2026.09", "7"),  # no finer row: the six digits are the row
        ],
        total=307,
    )
    assert values(parsed) == {
        "customs/import-kg/CN-KR/250410": 300,
        "customs/import-kg/CN-KR/310210": 7,
    }
    assert parsed.said == ""


def test_headings_without_items_below_are_told_and_give_nothing() -> None:
    parsed = read([("2504", "CN", "2026.09", "500"), ("3102100000", "CN", "2026.09", "1")])
    assert values(parsed) == {"customs/import-kg/CN-KR/310210": 1}
    assert "1 rows of fewer than six digits give no item" in parsed.said


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.dictionaries(st.text("13", min_size=2, max_size=10), st.integers(0, 99), max_size=9))
def test_a_sum_over_leaves_counts_every_finest_code_once(rows: dict[str, int]) -> None:
    codes = leaves(rows)
    assert not any(a != b and b.startswith(a) for a in codes for b in codes)
    assert all(any(leaf.startswith(code) for leaf in codes) for code in rows)
    total = sum(value for value in sums(rows).values() if value is not None)
    assert total == sum(value for code, value in rows.items() if code in codes and len(code) >= 6)


CELL = st.tuples(
    st.sampled_from(["CN", "JP", "US"]), st.sampled_from(["2504101000", "2504109000", "3102100000"])
)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.dictionaries(CELL, st.integers(1, 10**9), min_size=1))
def test_partners_items_and_the_world_add_up_to_the_grand_total(
    rows: dict[tuple[str, str], int],
) -> None:
    """Nothing is counted twice and nothing is lost: rows, items of each partner, items of the world."""
    found = values(read([(c, p, "2026.09", f"{kg:,}") for (p, c), kg in rows.items()], WORLD))
    world = {name: value for name, value in found.items() if "/WLD-KR/" in name}
    partners = {name: value for name, value in found.items() if name not in world}
    assert sum(world.values()) == sum(partners.values()) == sum(rows.values())
    assert {name.rsplit("/", 1)[1] for name in world} == {code[:6] for _, code in rows}


def test_a_total_that_does_not_agree_is_told() -> None:
    parsed = read([("3102100000", "CN", "2026.09", "2,000")], total=2500)
    assert "impWgt: rows add up to 2,000, the grand total says 2500" in parsed.said
    assert values(parsed) == {"customs/import-kg/CN-KR/310210": 2000}
    assert "unchecked" in read([("3102100000", "CN", "2026.09", "1")], total=None).said


def test_a_sum_with_a_row_that_cannot_be_read_is_left_out_and_told() -> None:
    parsed = read(
        [
            ("2504101000", "CN", "2026.09", "100"),
            ("2504109000", "CN", "2026.09", "n/a"),
            ("3102100000", "CN", "2026.09", "7"),
        ]
    )
    assert values(parsed) == {"customs/import-kg/CN-KR/310210": 7}
    assert "2 sums left out" in parsed.said  # kg and dollars


def test_a_row_without_a_code_takes_its_partner_and_month_with_it() -> None:
    lines = [
        ("2504101000", "CN", "2026.09", "100"),
        ("????", "CN", "2026.09", "5"),
        ("2504101000", "MZ", "2026.09", "30"),
    ]
    parsed = read(lines, WORLD)
    assert values(parsed) == {"customs/import-kg/MZ-KR/250410": 30}
    assert "CN 2026-09 left out" in parsed.said
    lines[1] = ("2504109000", "", "2026.09", "5")  # could be anybody's
    assert values(read(lines, WORLD)) == {}


def test_a_row_without_a_month_refuses_the_reply() -> None:
    with pytest.raises(SourceError, match="nothing of this answer is summed"):
        read([("3102100000", "CN", "2026", "1")])


def test_the_same_line_twice_is_left_out() -> None:
    parsed = read([("3102100000", "CN", "2026.09", "5")] * 2, total=5)
    assert values(parsed) == {}
    assert "3102100000 of CN 2026-09 comes twice" in parsed.said


# --------------------------------------------------------------------------- missing, zero, world


def test_an_absent_item_is_missing_and_a_written_zero_is_zero() -> None:
    lines = [
        ("3102100000", "CN", "2026.09", "5"),
        ("2504101000", "CN", "2026.09", "9"),
        ("3102100000", "CN", "2026.10", "0"),
    ]
    parsed = read(lines)
    october = values(parsed, datetime(2026, 10, 1, tzinfo=UTC))
    assert october == {"customs/import-kg/CN-KR/310210": 0}
    assert "customs/import-kg/CN-KR/250410" in values(parsed)


def test_a_flow_that_never_traded_in_the_reply_is_no_series() -> None:
    """Every row of imports writes zero exports beside them: millions of zeros that say nothing."""
    parsed = read([("3102100000", "CN", "2026.09", "5"), ("3102100000", "CN", "2026.10", "7")])
    assert {one.name.split("/")[1] for one in parsed.series} == {"import-kg", "import-usd"}


def test_the_world_is_a_reply_of_all_partners_whose_total_agrees() -> None:
    lines = [
        ("2504101000", "CN", "2026.09", "100"),
        ("2504109000", "CN", "2026.09", "20"),
        ("2504101000", "MZ", "2026.09", "30"),
        ("2504101000", "CN", "2026.10", "50"),
    ]
    assert values(read(lines, WORLD))["customs/import-kg/WLD-KR/250410"] == 150
    october = values(read(lines, WORLD), datetime(2026, 10, 1, tzinfo=UTC))
    assert october["customs/import-kg/WLD-KR/250410"] == 50
    assert "customs/import-kg/WLD-KR/250410" not in values(read(lines, WORLD, total=201))
    assert "customs/import-kg/WLD-KR/250410" not in values(read(lines, WORLD, total=None))
    assert "customs/import-kg/WLD-KR/250410" not in values(read(lines, SOURCE)), (
        "one partner's call"
    )


# --------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("code", "permanent", "words"),
    [
        ("20", True, "may not use this service"),
        ("22", False, "used up"),
        ("30", True, "not registered"),
        ("31", True, "expired"),
    ],
)
def test_key_errors_come_with_http_200_and_another_root(
    code: str, permanent: bool, words: str
) -> None:
    body = (
        "<OpenAPI_ServiceResponse><cmmMsgHeader><errMsg>SERVICE ERROR</errMsg><returnReasonCode>"
        f"{code}</returnReasonCode></cmmMsgHeader></OpenAPI_ServiceResponse>"
    )
    own_root = f"<response><header><resultCode>{code}</resultCode></header></response>"
    for text in (body, own_root):
        with pytest.raises(SourceError, match=words) as caught:
            parse(SOURCE, text.encode(), NOW)
        assert caught.value.permanent is permanent
        assert caught.value.retry_after_s == (3600 if code == "22" else None)


def test_the_whole_reply_comes_whatever_page_is_asked_for_so_it_is_given_time() -> None:
    """6,415 rows, 1.8 MB: 180 s are allowed; pages are not asked for."""
    for name in ("customs_nitemtrade", "customs_newest", "customs_items", "customs_headings"):
        source = load_source(name)
        assert source.options["deadline_s"] == 180
        assert "pageNo" not in source.url
        assert {"hsSgn", "cntyCd"} & set(re.findall(r"[&?](\w+)=", source.url))


def test_result_code_99_and_another_format_are_errors() -> None:
    with pytest.raises(SourceError, match="code 99"):
        parse(SOURCE, b"<response><header><resultCode>99</resultCode></header></response>", NOW)
    with pytest.raises(SourceError, match="format has changed"):
        parse(SOURCE, b"<response><header><resultCode>00</resultCode></header></response>", NOW)


@pytest.mark.parametrize(
    "body",
    [
        "<response><header><resultCode>03</resultCode><resultMsg>NODATA_ERROR</resultMsg></header>"
        "</response>",
        "<response><header><resultCode>00</resultCode></header><body><items/></body></response>",
        "<response><header><resultCode>00</resultCode></header><body/></response>",
    ],
)
def test_a_month_that_is_not_out_yet_is_no_failure_and_no_zero(body: str) -> None:
    parsed = parse(SOURCE, body.encode(), NOW)
    assert (parsed.signals, parsed.rows, parsed.newest, parsed.said) == ([], 0, None, "")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("strtYymm=202510&endYymm=202610&cntyCd=CN", "13 months asked for"),
        ("strtYymm=202610&endYymm=202609&cntyCd=CN", "1 to 12"),
        ("strtYymm=202610&endYymm=202610", "hsSgn or cntyCd"),
        ("strtYymm=2026&endYymm=202610&cntyCd=CN", "must read YYYYMM"),
    ],
)
def test_what_the_service_is_known_to_refuse_is_not_asked(query: str, words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        check_span(SOURCE, f"https://example.org/?{query}")
    assert caught.value.permanent
    check_span(SOURCE, "https://example.org/?strtYymm=202511&endYymm=202610&cntyCd=CN")


@pytest.mark.parametrize(
    "name",
    [
        "customs_nitemtrade",
        "customs_newest",
        "customs_items",
        "customs_headings",
        "customs_history",
    ],
)
@pytest.mark.parametrize("month", [1, 2, 12])
def test_the_shipped_calls_keep_the_span(name: str, month: int) -> None:
    source = load_source(name)
    for request in requests(source):
        url = fill_url(request.fill(source.url, ","), datetime(2026, month, 3, tzinfo=UTC), "k")
        check_span(source, url)


def test_a_refused_span_fails_without_a_call() -> None:
    url = "http://127.0.0.1:9/?strtYymm={month:-13}&endYymm={month:-1}&hsSgn={hs}&serviceKey={key}"
    client = Client("test", allow_loopback=True, environ={"DATA_GO_KR_KEY": "k"}, attempts=1)
    got = collect(replace(WORLD, url=url), None, NOW, client)
    assert got.fetch.outcome is FetchOutcome.FAILED
    assert "13 months asked for" in (got.fetch.error or "")
    assert got.fetch.permanent


def test_the_encoded_key_is_not_encoded_again() -> None:
    decoded = "ab+/cd=="
    for given_key in (decoded, "ab%2B%2Fcd%3D%3D"):
        key = api_key(SOURCE, Client("test", environ={"DATA_GO_KR_KEY": given_key}))
        assert key == decoded
        assert "serviceKey=ab%2B%2Fcd%3D%3D&" in fill_url(SOURCE.url, NOW, key)


# --------------------------------------------------------------------------- as recorded


@pytest.mark.recorded
@pytest.mark.skipif(not (DATA / "feeds").is_dir(), reason="no recorded data; set EWS_RECORDED_DATA")
def test_a_recorded_reply_is_read() -> None:
    body = (DATA / "feeds" / "customs" / "nitemtrade_single_202608.xml").read_bytes()
    parsed = parse(SOURCE, body, datetime(2026, 10, 1, tzinfo=UTC))
    found = {s.series: s.value for s in parsed.signals if isinstance(s, Observation)}
    assert found == {
        "customs/import-kg/CN-KR/851830": 191_224,
        "customs/import-usd/CN-KR/851830": 16_733_321,
        "customs/export-kg/KR-CN/851830": 539,
        "customs/export-usd/KR-CN/851830": 50_463,
    }
    assert parsed.said == "", "the recorded grand total agrees with its row"
    refusal = (DATA / "feeds" / "customs" / "error_key_not_registered.xml").read_bytes()
    with pytest.raises(SourceError, match="not registered"):
        parse(SOURCE, refusal, datetime(2026, 10, 1, tzinfo=UTC))
