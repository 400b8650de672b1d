"""Each shape of answer: what it yields, and in which words it is refused."""

from __future__ import annotations

import io
import json
import time
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ews.model import Article, Observation, Source
from scrapers.arcgis import next_page
from scrapers.catalog import load_source, load_sources
from scrapers.errors import SourceError
from scrapers.golden import sample_file
from scrapers.kinds import KINDS, parse
from scrapers.mapping import independence_of
from scrapers.sheets import xlsx_link

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def make_source(kind: str = "rss", **options: object) -> Source:
    return Source(
        name="sample", publisher="Sample Press", title="Sample", url="https://example.org/feed",
        kind=kind, lang="en", group="news", terms="none", every_s=600, fresh_within_s=86_400,
        expect_min=1, expect_max=100, independence="sample", options=options,
    )  # fmt: skip


def rss(items: str, head: str = '<?xml version="1.0"?>') -> bytes:
    return f'{head}<rss version="2.0"><channel><title>S</title>{items}</channel></rss>'.encode()


def item(title: str = "A title", link: str = "https://example.org/1", date: str = "") -> str:
    date = date or "Tue, 24 Nov 2026 10:00:00 GMT"
    return f"<item><title>{title}</title><link>{link}</link><pubDate>{date}</pubDate></item>"


# --------------------------------------------------------------------------- feeds


def test_a_hostile_feed_becomes_plain_articles() -> None:
    body = rss(
        item("&lt;script&gt;alert(1)&lt;/script&gt;Port shut", "javascript:alert(1)")
        + item("<![CDATA[<b>Mine</b> &amp;quot;halted&amp;quot;]]>", "data:text/html,x")
    )
    first, second = parse(make_source(), body, NOW).signals
    assert isinstance(first, Article)
    assert isinstance(second, Article)
    assert (first.title, first.url) == ("Port shut", "")
    assert (second.title, second.url) == ('Mine "halted"', "")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty body"),
        (b"   \n", "empty body"),
        (b"<!DOCTYPE html><html><head><title>Access denied</title></head></html>", "Access denied"),
        (b"<html><body>403</body></html>", "web page"),
        (b'{"error": "no"}', "not XML"),
        (b"one request every 5 seconds", "not XML"),
        (b'<?xml version="1.0"?><other><a/></other>', "no feed in this body"),
        (b"<rss version='2.0'><channel><item><title>Cut o", "cut off"),
        (rss(item())[:-20], "cut off"),
        (rss(item())[: len(rss(item())) // 2], "cut off"),
    ],
)
def test_what_is_no_whole_feed_is_said(body: bytes, words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        parse(make_source(), body, NOW)
    assert caught.value.message.startswith("sample: ")


def test_entities_of_a_doctype_are_refused_at_once() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    for doctype in (
        f'<!DOCTYPE rss [<!ENTITY l0 "ha">{laughs}]>',
        '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!doctype rss [\n<!entity % p SYSTEM "http://10.0.0.1/x.dtd"> %p;]>',
    ):
        body = rss(item("&l9;&x;"), f'<?xml version="1.0"?>{doctype}')
        started = time.process_time()
        for kind in ("rss", "xml"):
            with pytest.raises(SourceError, match="DOCTYPE with ENTITY") as caught:
                parse(make_source(kind, items="channel/item"), body, NOW)
            assert caught.value.permanent
        assert time.process_time() - started < 0.5


def test_entities_hidden_by_another_charset_are_refused_too() -> None:
    body = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x "y">]><rss/>'.encode("utf-16")
    with pytest.raises(SourceError, match="ENTITY"):
        parse(make_source(), body, NOW)


def test_an_empty_feed_is_no_error_of_the_parser() -> None:
    parsed = parse(make_source(), rss(""), NOW)
    assert (parsed.signals, parsed.rows, parsed.newest) == ([], 0, None)


def test_too_many_entries_are_cut_before_they_are_parsed() -> None:
    body = rss("".join(item(f"Title {n}", f"https://example.org/{n}") for n in range(20_000)))
    started = time.process_time()
    parsed = parse(make_source(), body, NOW)
    assert time.process_time() - started < 3
    assert len(parsed.signals) == 500
    assert "19500 entries over the cap" in parsed.said


@pytest.mark.parametrize(
    "body",
    [
        b"<rss version='2.0'>" + b"<item>" * 50_000 + b"</rss>",
        b"<rss version='2.0'>" + b"<x/>" * 250_000 + b"</rss>",
        b"<rss version='2.0'>" + b"<" * 2_000_000,
        b'<rss version="2.0"><item a="' + b"x" * 2_000_000,
    ],
)
def test_what_would_keep_the_parser_busy_is_refused_first(body: bytes) -> None:
    started = time.process_time()
    with pytest.raises(SourceError, match=r"than any feed|broken XML"):
        parse(make_source(), body, NOW)
    assert time.process_time() - started < 2


def test_a_future_or_missing_date_proves_no_freshness() -> None:
    body = rss(
        item("Future", "https://example.org/1", "Tue, 24 Nov 2099 10:00:00 GMT")
        + item("None", "https://example.org/2", "yesterday-ish")
        + item("Old", "https://example.org/3", "Mon, 02 Nov 2026 10:00:00 GMT")
    )
    parsed = parse(make_source(), body, NOW)
    assert parsed.newest == datetime(2026, 11, 2, 10, tzinfo=UTC)
    assert all(signal.observed_at <= NOW for signal in parsed.signals)


def test_a_feed_asks_for_its_time_to_live() -> None:
    assert parse(make_source(), rss("<ttl>60</ttl>" + item()), NOW).ttl_s == 3600
    assert parse(make_source(), rss("<ttl>soon</ttl>" + item()), NOW).ttl_s == 0
    assert parse(make_source(), rss("<ttl>9999999</ttl>" + item()), NOW).ttl_s == 86_400


def test_the_same_entry_twice_is_one_article() -> None:
    assert len(parse(make_source(), rss(item() * 3), NOW).signals) == 1


def test_a_title_without_words_takes_the_summary() -> None:
    body = rss("<item><title> </title><description>Only this</description></item><item></item>")
    (article,) = parse(make_source(), body, NOW).signals
    assert isinstance(article, Article)
    assert article.title == "Only this"
    assert article.text == ""


def test_an_aggregator_gives_the_outlet_its_due() -> None:
    source = load_source("google_news_reuters")
    parsed = parse(source, sample_file(source).read_bytes(), NOW)
    article = parsed.signals[0]
    assert isinstance(article, Article)
    assert (article.outlet, article.independence) == ("Reuters", "reuters")
    assert not article.title.endswith("Reuters")


def test_one_newsroom_counts_once_by_whatever_road() -> None:
    assert independence_of("연합뉴스") == "yonhap"
    assert independence_of("yna.co.kr", "https://www.yna.co.kr/view/1") == "yonhap"
    assert independence_of("unknown.example", "https://m.bbc.com/news/1") == "bbc"
    assert independence_of("unknown.example") == ""


def test_the_outlet_table_names_the_groups_of_our_own_sources() -> None:
    own = {source.independence for source in load_sources()}
    for group in ("yonhap", "bbc", "guardian", "gcaptain", "xinhua", "scmp", "koreakr"):
        assert group in own


# --------------------------------------------------------------------------- rows


def observing(kind: str, **options: object) -> Source:
    spec = {"series": "p/m/{place|slug}/-", "value": "value", "date": "date"}
    return make_source(kind, observation=spec, **options)


def test_json_says_when_the_list_has_moved() -> None:
    source = observing("json", items="data.rows")
    good = {"data": {"rows": [{"place": "Suez Canal", "value": "1,234.5", "date": "2026-11-01"}]}}
    (seen,) = parse(source, json.dumps(good).encode(), NOW).signals
    assert isinstance(seen, Observation)
    assert (seen.series, seen.value) == ("p/m/suez-canal/-", 1234.5)
    for bad in (
        '{"data": {"items": []}}',
        '{"data": 5}',
        "[]",
        "null",
        "5",
        '{"data": {"rows": 1}}',
    ):
        with pytest.raises(SourceError, match="no list at"):
            parse(source, bad.encode(), NOW)


@pytest.mark.parametrize(
    "body", [b"", b"Please wait", b'{"a": NaN}', b'{"a": 1', b"[" * 100_000, b"\xff"]
)
def test_what_is_no_json_is_said(body: bytes) -> None:
    with pytest.raises(SourceError, match="not JSON"):
        parse(observing("json"), body, NOW)


def test_a_vanished_field_is_loud_but_one_odd_row_is_not() -> None:
    source = observing("json")
    row = {"place": "x", "value": 1, "date": "2026-11-01"}
    parsed = parse(source, json.dumps([row, {**row, "place": "y"}, {"place": "z"}]).encode(), NOW)
    assert len(parsed.signals) == 2
    assert "1 rows without" in parsed.said
    renamed = [{"place": "x", "val": 1, "date": "2026-11-01"}]
    with pytest.raises(SourceError, match="'value' is missing in 1 of 1 rows"):
        parse(source, json.dumps(renamed).encode(), NOW)


def test_null_marks_and_infinities_are_no_values() -> None:
    rows = [
        {"place": f"p{n}", "value": value, "date": "2026-11-01"}
        for n, value in enumerate([".", "…", None, "", "inf", "1e999", True, "12"])
    ]
    parsed = parse(observing("json", nulls=[".", "…"]), json.dumps(rows).encode(), NOW)
    assert [s.value for s in parsed.signals if isinstance(s, Observation)] == [12.0]


def test_a_series_that_reads_wrongly_is_refused() -> None:
    rows = [{"place": "", "value": 1, "date": "2026-11-01"}]
    with pytest.raises(SourceError, match="provider/measure/place/item"):
        parse(observing("json"), json.dumps(rows).encode(), NOW)


def test_arcgis_errors_come_with_http_200() -> None:
    for code, permanent in ((400, True), (499, False), (504, False)):
        body = json.dumps({"error": {"code": code, "message": "Token Required"}}).encode()
        with pytest.raises(SourceError, match="Token Required") as caught:
            parse(observing("arcgis"), body, NOW)
        assert caught.value.permanent is permanent


def test_arcgis_pages_end_when_the_flag_is_false_or_absent() -> None:
    source = observing("arcgis")
    url = "https://example.org/query?f=json"
    full = {"features": [{"attributes": {}}] * 3, "exceededTransferLimit": True}
    second = next_page(source, json.dumps(full).encode(), url)
    assert second == url + "&resultOffset=3"
    assert next_page(source, json.dumps(full).encode(), second) == url + "&resultOffset=6"
    for last in (
        {"features": []},
        {"features": [], "exceededTransferLimit": True},
        {"features": [{}], "exceededTransferLimit": False},
    ):
        assert next_page(source, json.dumps(last).encode(), url) is None


def test_csv_takes_the_last_filled_vintage() -> None:
    source = make_source(
        "csv", skip_prefix=",", nulls=["#N/A"],
        observation={"series": "p/m/WLD/-", "value": "@last", "date": "Date", "date_form": "%d-%b-%Y"},
    )  # fmt: skip
    body = b"Date,1,2,3\n,,,\n30-Sep-2026,0.1,0.2,#N/A\n31-Oct-2026,#N/A,#N/A,0.5\n\x1a\n"
    assert [s.value for s in parse(source, body, NOW).signals if isinstance(s, Observation)] == [
        0.2,
        0.5,
    ]
    with pytest.raises(SourceError, match="web page"):
        parse(source, b"<!DOCTYPE html><html></html>", NOW)


def test_the_pink_sheet_is_found_from_its_page() -> None:
    source = load_source("pink_sheet")
    link = "https://thedocs.worldbank.org/en/doc/0a1b-0050/related/CMO-Historical-Data-Monthly.xlsx"
    assert xlsx_link(source, f'<a href="{link}">x</a>'.encode(), "") == link
    assert xlsx_link(source, b"PK\x03\x04", "") is None
    with pytest.raises(SourceError, match="no longer links"):
        xlsx_link(source, b"<html></html>", "")


def test_a_zip_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrapers.rows.MAX_UNZIPPED", 1_000_000)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("20261124120000.gkg.csv", b"\0" * 5_000_000)
    with pytest.raises(SourceError, match="unpacks to too much"):
        parse(load_source("gdelt_gkg"), packed.getvalue(), NOW)


# --------------------------------------------------------------------------- any bytes

SAMPLES = {source.name: (source, sample_file(source).read_bytes()) for source in load_sources()}
# no shipped source is a plain table; somebody's own may be
SAMPLES["a_table"] = (
    make_source("csv", article={"title": "{name}", "url": "{link}", "date": "day"}),
    b"name,link,day\r\nA port closes,https://example.org/1,2026-11-24\r\n",
)
SHIPPED = [kind for kind, how in KINDS.items() if how.parse.__module__.startswith("scrapers.")]
ONE_OF_EACH = [next(n for n, (s, _) in SAMPLES.items() if s.kind == kind) for kind in SHIPPED]


def signals_or_refusal(source: Source, body: bytes) -> list[Article | Observation]:
    """The signals, or none when it is refused in words; the net for our own bugs stays unused."""
    try:
        return parse(source, body, NOW).signals
    except SourceError as error:
        if not error.message or "our parser failed" in error.message:
            raise AssertionError(error.message) from error
        return []


@settings(
    max_examples=250, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(st.data())
def test_no_bytes_make_a_parser_raise_anything_else(data: st.DataObject) -> None:
    source, body = SAMPLES[data.draw(st.sampled_from(ONE_OF_EACH))]
    how = data.draw(st.sampled_from(["noise", "cut", "flip", "drop", "insert", "other"]))
    at = data.draw(st.integers(0, max(len(body) - 1, 0)))
    if how == "noise":
        body = data.draw(st.binary(max_size=400))
    elif how == "cut":
        body = body[:at]
    elif how == "flip":
        body = body[:at] + bytes([body[at] ^ data.draw(st.integers(1, 255))]) + body[at + 1 :]
    elif how == "drop":
        body = body[:at] + body[at + data.draw(st.integers(1, 200)) :]
    elif how == "insert":
        body = body[:at] + data.draw(st.binary(min_size=1, max_size=20)) + body[at:]
    else:
        body = SAMPLES[data.draw(st.sampled_from(ONE_OF_EACH))][1]
    for signal in signals_or_refusal(source, body):
        assert signal.observed_at.tzinfo is not None
        if isinstance(signal, Article):
            assert signal.title
            assert not signal.title.lower().startswith("<script")
            assert signal.url == "" or signal.url.startswith(("http://", "https://"))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
            st.sampled_from(["features", "attributes", "properties", "data", "date", "n_total",
                             "geometry", "coordinates", "error", "count", "portname"]),
            inner, max_size=5),
        max_leaves=20,
    ),
    st.sampled_from([n for n in ONE_OF_EACH if SAMPLES[n][0].kind in {"json", "geojson", "arcgis"}]),
)  # fmt: skip
def test_no_json_makes_a_parser_raise_anything_else(answer: object, name: str) -> None:
    signals_or_refusal(SAMPLES[name][0], json.dumps(answer).encode())
