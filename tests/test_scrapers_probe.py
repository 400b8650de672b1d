"""A look at a URL: what is there, how it would be read, and what a person must still say."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from scrapers import CatalogError, Client, SourceError, load_source, load_sources, parse
from scrapers.catalog import home_sources, private_source
from scrapers.drafts import check_name, source_text, write_source
from scrapers.fields import guess_article, longest_list
from scrapers.golden import sample_file
from scrapers.http import Reply
from scrapers.probe import SAMPLES, Draft, guess, look
from scrapers.samples import tried
from scrapers.templates import FILL_IN

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
PAGE = (
    "<!doctype html><html><head><title>News</title>"
    '<link rel="alternate" type="application/rss+xml" title="항만 소식" href="/feed.xml">'
    '<link rel="alternate" type="application/atom+xml" href="javascript:alert(1)">'
    '<link rel="stylesheet" href="/a.css"></head><body></body></html>'
)


def feed(count: int = 8, hours: float = 2.0, lang: str = "ko") -> bytes:
    items = "".join(
        f"<item><title>항만 소식 {n}</title><link>https://example.org/{n}</link>"
        f"<pubDate>{format_datetime(NOW - timedelta(hours=hours * (n + 1)))}</pubDate></item>"
        for n in range(count)
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>항만 소식</title>'
        f"<language>{lang}-KR</language><ttl>45</ttl>{items}</channel></rss>"
    ).encode()


def reply(body: bytes | str, kind: str = "", url: str = "https://port.example.org/x") -> Reply:
    data = body.encode() if isinstance(body, str) else body
    return Reply(200, {"content-type": kind} if kind else {}, data, url)


def test_a_feed_tells_its_title_language_and_how_often_to_come() -> None:
    draft = guess(reply(feed(), "application/rss+xml; charset=utf-8"), NOW)
    assert (draft.kind, draft.title, draft.lang, draft.charset) == (
        "rss",
        "항만 소식",
        "ko",
        "utf-8",
    )
    assert (draft.rows, draft.gap_s, draft.ttl_s) == (8, 7200.0, 2700)
    assert draft.newest == NOW - timedelta(hours=2)
    assert (draft.every_s, draft.fresh_within_s, draft.expect) == (2700, 2 * 86_400, (2, 50))
    assert (draft.missing, draft.said) == ((), "")


def test_json_gets_its_list_and_its_fields_whatever_they_are_called() -> None:
    rows = [{"제목": f"공고 {n}", "detailUrl": f"https://example.org/{n}", "등록일": f"2026-11-{n + 10}",
             "요약": "본문", "views": n} for n in range(5)]  # fmt: skip
    body = json.dumps({"meta": {"count": 5}, "response": {"list": rows, "tags": [{"a": 1}]}})
    draft = guess(reply(body, "application/json"), NOW)
    assert (draft.kind, draft.options["items"], draft.rows, draft.lang) == (
        "json",
        "response.list",
        5,
        "ko",
    )
    assert draft.options["article"] == {
        "title": "{제목}", "text": "{요약?}", "url": "{detailUrl}", "date": "등록일",
    }  # fmt: skip
    assert draft.newest == datetime(2026, 11, 14, tzinfo=UTC)


def test_csv_and_xml_are_read_by_their_names_too() -> None:
    table = "id,headline,published,link\n1,Port shut,2026-11-20,https://example.org/1\n" \
            "2,Mine opens,2026-11-21,https://example.org/2\n"  # fmt: skip
    draft = guess(reply(table, "text/csv"), NOW)
    assert (draft.kind, draft.rows, draft.missing) == ("csv", 2, ())
    xml = "<answer><head/><body>" + "".join(
        f"<row><subject>Notice {n}</subject><regDate>2026-11-2{n}</regDate>"
        f"<url>https://example.org/{n}</url></row>" for n in range(4)
    ) + "</body></answer>"  # fmt: skip
    draft = guess(reply(xml, "text/xml"), NOW)
    assert (draft.kind, draft.options["items"], draft.rows) == ("xml", "body/row", 4)


def test_what_was_not_found_is_said_and_stands_in_the_file_to_be_filled_in() -> None:
    draft = guess(reply('[{"headline": "Port shut", "n": 1}]'), NOW)
    assert draft.missing == ("url", "date")
    table = tomllib.loads(source_text("own", draft, NOW))
    assert table["options"]["article"] == {
        "title": "{headline}", "url": "https://port.example.org/x", "date": FILL_IN,
    }  # fmt: skip
    said = r"FILL_IN still stands in source\.toml: .* a row has 'headline', 'n'"
    with pytest.raises(SourceError, match=said):
        parse(private_source("own", source_text("own", draft, NOW)), draft.body, NOW)


@pytest.mark.parametrize(
    ("body", "said"),
    [(PAGE, "web page"), (b"PK\x03\x04....", "zip"), ("just words", "neither"), ("", "neither"),
     ("<?xml version='1.0'?><!DOCTYPE r [<!ENTITY a 'b'>]><rss><channel/></rss>", "ENTITY"),
     ("{broken", "not JSON"), ("<rss><channel><item>", "")],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_words(body: str | bytes, said: str) -> None:
    draft = guess(reply(body), NOW)
    assert said in draft.said
    assert draft.said
    assert draft.kind == ""  # no folder is written for it


def test_rows_without_a_link_of_their_own_are_measured_with_that_of_the_whole() -> None:
    table = "번호,제목,작성일\n" + "".join(f"{n},공지 {n},2026-11-{n + 10}\n" for n in range(8))
    draft = guess(reply(table.encode("cp949"), "text/csv"), NOW)
    assert (draft.missing, draft.rows, draft.lang) == (("url",), 8, "ko")
    source = private_source("own", source_text("own", draft, NOW, "ko"))
    assert len(parse(source, draft.body, NOW).signals) == 8


def test_a_feed_that_stopped_is_told_and_a_wrong_language_is_not_believed() -> None:
    old = feed().replace(b"<channel>", b"<channel><language>en-US</language>")
    draft = guess(reply(old), NOW + timedelta(days=90))
    assert "its newest entry is 9" in draft.said
    assert draft.lang == "ko"


def test_an_empty_feed_is_told_and_never_taken_for_calm() -> None:
    draft = guess(reply("<rss version='2.0'><channel><title>x</title></channel></rss>"), NOW)
    assert (draft.kind, draft.rows, draft.expect[0]) == ("rss", 0, 1)
    assert "no entries now" in draft.said


@given(st.binary(max_size=400))
def test_no_body_makes_a_look_fail(body: bytes) -> None:
    draft = guess(Reply(200, {}, body, "https://example.org/"), NOW)
    assert draft.kind in {"", *SAMPLES}


def test_a_draft_of_a_sample_of_each_kind_is_a_source_file_that_can_be_read() -> None:
    read: set[str] = set()
    for source in load_sources():
        if source.kind in SAMPLES and source.kind not in read:
            body = sample_file(source).read_bytes()
            draft = guess(Reply(200, {}, body, "https://e.org/x"), NOW)
            assert private_source("own", source_text("own", draft, NOW)).kind == draft.kind
            read.add(source.kind)
    assert read >= {"rss", "json", "geojson", "xml"}


def test_the_guess_of_a_shipped_feed_is_its_own_kind() -> None:
    for name in ("bbc_world", "yonhap_economy", "koreakr_motir"):
        source = load_source(name)
        draft = guess(Reply(200, {}, sample_file(source).read_bytes(), source.url), NOW)
        assert (draft.kind, draft.lang) == ("rss", source.lang)


@pytest.mark.parametrize(
    "trap", ["<![" * 999, "<link rel=alternate type='application/rss+xml' href='http://[::1'>"]
)
def test_a_page_that_is_no_html_still_names_its_feed(trap: str) -> None:
    link = '<link rel="alternate" type="application/atom+xml" title="News" href="/feed">'
    draft = guess(reply(f"<html>{link}{trap}</html>", "text/html"), NOW)
    assert draft.feeds == (("News", "https://port.example.org/feed"),)


def test_text_from_outside_stays_text_in_the_file() -> None:
    title = 'x"\nkind = "csv"\n[options]\nevil = "1" # \\u0022'
    text = source_text("own", Draft("https://example.org/f", 200, "", "", b"", "rss", title), NOW)
    source = private_source("own", text)
    assert (source.title, source.kind, dict(source.options)) == (
        " ".join(title.split()), "rss", {},
    )  # fmt: skip


def test_the_longest_list_and_the_surest_names_win() -> None:
    assert longest_list({"a": [{"x": 1}], "b": {"c": [{"x": 1}, {"x": 2}]}})[0] == "b.c"
    rows = [{"title_en": "Port", "title": "Port", "link": "no link", "url": "https://e.org/"}]
    told, missing = guess_article(rows)
    assert (told["title"], told["url"], missing) == ("{title}", "{url}", ["date"])


# --------------------------------------------------------------------------- folders


def test_a_folder_is_written_whole_and_its_sample_yields_what_it_says(tmp_path: Path) -> None:
    draft = guess(reply(feed()), NOW)
    write_source(check_name("own", tmp_path), source_text("own", draft, NOW), draft, NOW)
    ((source,), broken) = home_sources(tmp_path)
    parsed, differs = tried(source, tmp_path)
    assert (broken, differs, len(parsed.signals)) == ([], "", 8)
    assert not source.trusted
    assert source.tier == 4
    assert [one.name for one in (tmp_path / "sources").iterdir()] == ["own"]
    with pytest.raises(CatalogError, match="not overwritten"):
        check_name("own", tmp_path)
    text = (tmp_path / "sources/own/sample.xml").read_bytes().replace(b"8601", b"x")
    (tmp_path / "sources/own/sample.xml").write_bytes(
        text.replace("소식 3".encode(), "소식 X".encode())
    )
    assert "소식 X" in tried(source, tmp_path)[1]


@pytest.mark.parametrize("name", ["bbc_world", "../x", "Own", "1x", "", "a" * 61, "a-b"])
def test_a_name_that_is_taken_or_leaves_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(CatalogError):
        check_name(name, tmp_path)


@pytest.mark.parametrize(
    ("line", "said"),
    [("tier = 2", "tier"), ('kind = "fred"', "kind|texts only|options"), ('key_env = "EWS_SLACK_BOT_TOKEN"', "key_env"),
     ('url = "file:///etc/passwd"', "https"), ("expect = { min = 9, max = 1 }", "expect"),
     ('expect = { min = "a", max = "b" }', "expect"), ("what = 1", "unknown key"), ("=", "not TOML")],
)  # fmt: skip
def test_a_private_source_that_may_not_be_is_refused_and_stops_no_other(
    line: str, said: str, tmp_path: Path
) -> None:
    good = source_text("good", guess(reply(feed()), NOW), NOW)
    key = line.partition(" ")[0]
    lines = [one for one in good.splitlines() if one.partition(" ")[0] != key]
    for name, text in (("good", good), ("bad", "\n".join([line, *lines]))):
        (tmp_path / "sources" / name).mkdir(parents=True)
        (tmp_path / "sources" / name / "source.toml").write_text(text, "utf-8")
    found, broken = home_sources(tmp_path)
    assert [one.name for one in found] == ["good"]
    assert broken[0].name == "bad"
    with pytest.raises(CatalogError, match=said):
        private_source("bad", "\n".join([line, *lines]))


def test_a_private_source_of_a_shipped_name_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "sources/bbc_world").mkdir(parents=True)
    text = source_text("bbc_world", guess(reply(feed()), NOW), NOW)
    (tmp_path / "sources/bbc_world/source.toml").write_text(text, "utf-8")
    sources = load_sources(home=tmp_path)
    assert sum(one.name == "bbc_world" for one in sources) == 1
    assert "ships a source of that name" in home_sources(tmp_path)[1][0].error


# --------------------------------------------------------------------------- the network


def test_a_page_is_followed_to_the_feed_that_it_names_and_robots_are_obeyed(
    httpserver: HTTPServer,
) -> None:
    client = Client("ops@ministry.go.kr", allow_loopback=True, min_gap_s=0, attempts=1)
    robots = "User-agent: *\nDisallow: /private"
    httpserver.expect_request("/robots.txt").respond_with_data(robots)
    httpserver.expect_request("/").respond_with_data(PAGE, content_type="text/html")
    httpserver.expect_request("/feed.xml").respond_with_data(feed(), content_type="application/xml")
    draft = look(httpserver.url_for("/"), client, NOW)
    assert (draft.kind, draft.rows, draft.url) == ("rss", 8, httpserver.url_for("/feed.xml"))
    assert draft.feeds == (("항만 소식", httpserver.url_for("/feed.xml")),)
    links = "".join(f'<link rel="alternate" type="application/rss+xml" href="/{one}">'
                    for one in ("gone", "private/feed", "feed.xml"))  # fmt: skip
    httpserver.expect_request("/two").respond_with_data(f"<html><head>{links}</head></html>")
    assert look(httpserver.url_for("/two"), client, NOW).url == httpserver.url_for("/feed.xml")
    since = (NOW - timedelta(days=3)).date().isoformat()
    httpserver.expect_request("/since", query_string={"d": since}).respond_with_data(feed())
    dated = httpserver.url_for("/since?d=") + "{day:-3}"
    with pytest.raises(SourceError, match="too far away"):
        look(dated.replace("-3", "-9999999"), client, NOW)
    assert (look(dated, client, NOW).url, look(dated, client, NOW).rows) == (dated, 8)
    with pytest.raises(SourceError, match="robots"):
        look(httpserver.url_for("/private/feed"), client, NOW)
    with pytest.raises(SourceError, match=r"404|500"):
        look(httpserver.url_for("/gone"), client, NOW)
