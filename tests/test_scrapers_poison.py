"""One entry of a stranger among good ones: it costs itself, never the others, and no time."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest

from scrapers import SourceError, load_source, parse
from scrapers.feeds import parse_feed
from scrapers.golden import SAMPLE_NOW, sample_file
from scrapers.references import without_odd_references
from scrapers.text import canonical_url, clean_text
from tests.test_scrapers_http import make_source

NOW = datetime(2026, 11, 25, tzinfo=UTC)
GOOD = "<item><title>good {}</title><link>https://example.org/{}</link></item>"
DIGITS = "9" * 5_000


def feed_with(bad: str) -> bytes:
    before = "".join(GOOD.format(n, n) for n in range(5))
    after = "".join(GOOD.format(n, n) for n in range(5, 10))
    return f"<rss version='2.0'><channel>{before}<item>{bad}</item>{after}</channel></rss>".encode()


@pytest.mark.parametrize(
    "bad",
    [f"<title>&#{DIGITS};</title>", f"<title>&amp;#{DIGITS};</title>", f"<guid>&amp;#x{'f' * 5000};</guid>",
     f"<link>https://example.org/&amp;#{DIGITS};</link>", "<title>&#55357;&#56832; &#xd800;</title>",
     "<category>&#xDFFF;</category>", "<title>&#0;&#7;&#xfffe;</title>", f"<ttl>&#{DIGITS}</ttl>"],
)  # fmt: skip
def test_a_reference_that_means_no_character_costs_no_other_entry(bad: str) -> None:
    parsed = parse_feed(make_source("https://example.org/f"), feed_with(bad), NOW)
    assert sum(one.title.startswith("good ") for one in parsed.signals) == 10  # type: ignore[union-attr]


def test_an_emoji_written_in_halves_is_read() -> None:
    parsed = parse_feed(
        make_source("https://example.org/f"), feed_with("<title>Port &#55357;&#56832;</title>"), NOW
    )
    assert "Port \U0001f600" in [one.title for one in parsed.signals]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text", ["&#39;", "&#8217;", "&#x2019;", "&#44032;", "&#xAC00;", "&amp;#xd800;", "&#10;"]
)
def test_an_ordinary_reference_stays(text: str) -> None:
    assert without_odd_references(f"<t>{text}</t>") == f"<t>{text}</t>"


@pytest.mark.parametrize("bad", [
    f"<author>{'a' * 30_000}</author>", f"<dc:creator xmlns:dc='d'>{'a.' * 15_000}</dc:creator>",
    f"<description>{'&lt;' * 20_000}</description>", f"<title>{'&lt; ' * 20_000}</title>",
])  # fmt: skip
def test_no_entry_takes_time_that_grows_with_the_square_of_its_length(bad: str) -> None:
    begun = time.process_time()
    parsed = parse_feed(make_source("https://example.org/f"), feed_with(bad), NOW)
    assert time.process_time() - begun < 0.6  # 2.3 s and more before
    assert len(parsed.signals) >= 10


def test_numbers_that_never_end_are_no_text_and_no_address() -> None:
    assert clean_text(f"a &#{DIGITS}; b") == "a \ufffd b"
    assert canonical_url(f"https://example.org/?a=&#{DIGITS};").startswith("https://example.org/")


def test_a_happening_without_id_costs_no_other_and_many_are_another_format() -> None:
    source = load_source("usgs_week")
    body = json.loads(sample_file(source).read_bytes())
    whole = parse(source, json.dumps(body).encode(), SAMPLE_NOW)
    body["features"].append({"type": "Feature", "properties": {}, "geometry": None})
    told = parse(source, json.dumps(body).encode(), SAMPLE_NOW)
    assert told.signals == whole.signals
    assert "1 rows without" in told.said
    body["features"] += [{}] * 50
    with pytest.raises(SourceError, match="format has changed"):
        parse(source, json.dumps(body).encode(), SAMPLE_NOW)
