"""What publishers' programs do to feeds: WordPress, Google News, relative links, dates that cannot be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ews.model import Article
from scrapers.errors import SourceError
from scrapers.feeds import parse_feed
from scrapers.mapping import Parsed
from scrapers.rows import read_json
from tests.source_made import made_source

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)


def read(items: str, root: str = "", **options: object) -> Parsed:
    body = f"<rss version='2.0' {root}><channel>{items}</channel></rss>".encode()
    return parse_feed(made_source("quirks", options=options), body, NOW)


def one(items: str, root: str = "", **options: object) -> Article:
    (article,) = read(items, root, **options).signals
    assert isinstance(article, Article)
    return article


def test_the_tail_of_wordpress_is_no_text_and_the_summary_goes_before_the_content() -> None:
    article = one(
        "<item><title>Port &amp;#8220;closed&amp;#8221;</title><link>https://w.example/1</link>"
        "<description><![CDATA[<p>Ships wait. [&#8230;]</p><p>The post <a href='x'>Port</a> appeared"
        " first on <a href='y'>W</a>.</p>]]></description>"
        "<content:encoded><![CDATA[<p>All of it</p>]]></content:encoded></item>",
        "xmlns:content='http://purl.org/rss/1.0/modules/content/'",
    )
    assert (article.title, article.text) == ("Port “closed”", "Ships wait.")


def test_content_alone_is_the_text() -> None:
    article = one(
        "<item><title>t</title><content:encoded><![CDATA[<h2>Urea</h2><p>halted</p>]]></content:encoded></item>",
        "xmlns:content='http://purl.org/rss/1.0/modules/content/'",
    )
    assert article.text == "Urea halted"


def test_google_news_is_the_outlet_behind_it_and_its_list_of_others_is_no_text() -> None:
    article = one(
        "<item><title>요소 수출 검사 강화 - 시험일보</title>"
        "<link>https://news.google.com/rss/articles/CBMiX?oc=5</link>"
        "<description>&lt;ol&gt;&lt;li&gt;&lt;a href='x'&gt;다른 기사&lt;/a&gt;&lt;/li&gt;&lt;/ol&gt;</description>"
        "<source url='https://www.paper.example'>시험일보</source></item>",
        aggregator=True,
    )
    assert (article.title, article.outlet, article.text) == ("요소 수출 검사 강화", "시험일보", "")
    assert article.url == "https://news.google.com/rss/articles/CBMiX?oc=5"  # not decoded


def test_a_relative_link_is_of_its_base_or_of_the_feed() -> None:
    assert one("<item><title>t</title><link>/a/1</link></item>").url == "https://quirks.example/a/1"
    based = "<item xml:base='https://b.example/x/'><title>t</title><link>1</link></item>"
    assert one(based).url == "https://b.example/x/1"


def test_a_guid_is_a_link_only_where_it_says_so() -> None:
    guid = "<item><title>t</title><guid{}>https://g.example/1</guid></item>"
    assert one(guid.format("")).url == "https://g.example/1"
    assert one(guid.format(" isPermaLink='false'")).url == ""


def test_a_date_that_cannot_be_is_told_and_the_time_it_came_stands() -> None:
    dates = (
        "2023-02-30",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "0203-01-01",
        "Sat, 01 Jan 2050 00:00:00 GMT",
        "",
    )
    items = "".join(
        f"<item><title>t{n}</title><pubDate>{d}</pubDate></item>" for n, d in enumerate(dates)
    )
    good = "<item><title>ok</title><pubDate>2026년 11월 26일 오전 9:00</pubDate></item>"
    parsed = read(items + good, tz="Asia/Seoul")
    assert parsed.said == "5 of 6 entries without a usable date: the time they came stands"
    assert parsed.newest == datetime(2026, 11, 26, tzinfo=UTC)
    assert [signal.observed_at for signal in parsed.signals] == [NOW] * 5 + [parsed.newest]


def test_a_feed_without_end_is_cut_off_and_its_end_may_lack_a_sign() -> None:
    body = b"<rss version='2.0'><channel><item><title>t</title></item></channel></rss"
    assert len(parse_feed(made_source("quirks"), body, NOW).signals) == 1


def test_json_in_another_charset_is_read_where_it_is_declared_and_refused_where_not() -> None:
    source, body = made_source("quirks"), '{"a": "요소"}'.encode("cp949")
    assert read_json(source, body, "euc-kr") == {"a": "요소"}
    with pytest.raises(SourceError, match="not UTF-8 at byte"):
        read_json(source, body)


def test_half_a_pair_in_json_does_not_get_as_far_as_the_store() -> None:
    read_back = read_json(made_source("quirks"), rb'{"\ud800a": ["\udfff", "\ud83d\udea2"]}')
    assert read_back == {"\ufffda": ["\ufffd", "🚢"]}
