"""Recorded feeds are read in order of availability, and a bad line is named."""

from __future__ import annotations

import gzip
import json
import os
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ews.tuning import feeds
from ews.tuning.feeds import FeedFileError, read_feed
from ews.tuning.outlets import newsroom

RECORDED = Path(os.environ.get("EWS_RECORDED_DATA", Path(__file__).parents[2] / "shared" / "data"))


def row(**given: object) -> dict[str, object]:
    return {
        "published": "2023-07-03T16:45:00Z",
        "source": "https://feeds.a.dj.com/rss/one.xml",
        "title": "Metals to need a licence",
        "summary": "Two metals.",
        "link": "https://www.wsj.com/articles/1",
        "lang": "en-US",
    } | given


def write(path: Path, *rows: object) -> Path:
    text = "".join(f"{r if isinstance(r, str) else json.dumps(r)}\n" for r in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_row_becomes_an_article_fifteen_minutes_after_publication(
    tmp_path: Path, name: str
) -> None:
    (article,) = read_feed([write(tmp_path / name, row())])
    assert article.available_at - article.observed_at == timedelta(minutes=15)
    assert (article.independence, article.outlet) == ("wsj", "The Wall Street Journal")
    assert (article.lang, article.text) == ("en", "Two metals.")


def test_text_and_url_are_read_where_summary_and_link_are_absent(tmp_path: Path) -> None:
    other = row(text="본문", url="https://example.org/1", lang="ko")
    del other["summary"], other["link"]
    (article,) = read_feed([write(tmp_path / "a.jsonl", other)])
    assert (article.text, article.url, article.lang) == ("본문", "https://example.org/1", "ko")


def test_a_better_known_time_wins_and_a_day_is_known_at_its_end(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        row(title="a", available_at="2023-07-05T00:00:00Z"),
        row(title="b", precision="day", published="2023-07-03T00:00:00Z"),
        row(title="c", source="taipeitimes", published="2023-07-03T00:00:00Z"),
    )
    known = {article.title: article.available_at for article in read_feed([path])}
    assert known["a"] == datetime(2023, 7, 5, tzinfo=UTC)
    assert known["b"] == known["c"] == datetime(2023, 7, 4, tzinfo=UTC)


def test_several_files_come_in_one_order_and_each_article_once(tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", row(title="3", published="2023-07-03T03:00:00Z"),
                  row(title="1", published="2023-07-03T01:00:00Z"))  # fmt: skip
    second = write(tmp_path / "b.jsonl", row(title="2", published="2023-07-03T02:00:00Z"),
                   row(title="3", published="2023-07-03T03:00:00Z"))  # fmt: skip
    assert [a.title for a in read_feed([first, second])] == ["1", "2", "3"]


def test_a_file_further_out_of_order_than_the_buffer_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "SORT_BUFFER", 3)
    hours = [5, 6, 7, 8, 9, 1, 2, 10]
    rows = [row(title=str(h), published=f"2023-07-03T{h:02}:00:00Z") for h in hours]
    found = [a.title for a in read_feed([write(tmp_path / "a.jsonl", *rows)])]
    assert sorted(map(int, found)) == sorted(hours)


def test_the_window_holds_what_became_available_in_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", row(title="late", published="2023-07-02T23:50:00Z"))
    start = datetime(2023, 7, 3, tzinfo=UTC)
    assert len(list(read_feed([path], since=start))) == 1
    assert not list(read_feed([path], until=start))


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ("{not json", "line 2"),
        ("[1]", "line 2: not a JSON object"),
        (json.dumps({"source": "x", "title": "y"}), "line 2: field 'published' is missing"),
        (json.dumps(row(published="yesterday")), "line 2"),
        (json.dumps(row(title=7)), "line 2: field 'title' must be text"),
    ],
)
def test_a_bad_line_is_named_with_its_file(tmp_path: Path, bad: str, what: str) -> None:
    path = write(tmp_path / "bad.jsonl", row(), bad)
    with pytest.raises(FeedFileError, match=rf"bad\.jsonl {what}"):
        list(read_feed([path]))


def test_a_row_that_says_nothing_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", row(title="", summary=""), row(title=""))
    assert [a.text for a in read_feed([path])] == ["Two metals."]


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FeedFileError, match="no such feed file"):
        list(read_feed([tmp_path / "none.jsonl"]))


def test_a_cut_gzip_file_is_an_error_and_not_a_short_feed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl.gz", *[row(title=str(n)) for n in range(50)])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FeedFileError, match=r"a\.jsonl\.gz"):
        list(read_feed([path]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://feeds.a.dj.com/rss/RSSWSJD.xml", "wsj"),
        ("http://feeds.bbci.co.uk/news/rss.xml", "https://www.bbc.com"),
        ("http://rss.cnn.com/rss/edition.rss", "https://edition.cnn.com"),
        ("https://timesofindia.indiatimes.com/rssfeedstopstories.cms",
         "http://timesofindia.indiatimes.com/x"),
        ("smcp", "https://www.scmp.com/rss/4/feed"),
        ("nytimes", "https://rss.nytimes.com/services/xml/rss/nyt/World.xml"),
        ("https://www.channelnewsasia.com/rss", "CNA"),
    ],
)  # fmt: skip
def test_feeds_of_one_newsroom_share_a_group(one: str, other: str) -> None:
    assert newsroom(one) == newsroom(other)


@pytest.mark.recorded
def test_a_recorded_feed_is_read_whole_in_order_and_in_little_memory() -> None:
    path = RECORDED / "feeds" / "kr_news" / "kr_news_2025-08_2026-03.jsonl.gz"
    if not path.is_file():
        pytest.skip("recorded feeds are not here (EWS_RECORDED_DATA)")
    tracemalloc.start()
    last, count = datetime.min.replace(tzinfo=UTC), 0
    for article in read_feed([path], until=datetime(2025, 9, 1, tzinfo=UTC)):
        assert article.available_at >= last
        last, count = article.available_at, count + 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count > 1000
    assert peak < 100e6
