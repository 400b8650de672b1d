"""The Big List of Naughty Strings through feed, store, page, Slack and CSV: 515 round trips.

A round trip is exact: the title that comes out is `clean_text` of the string that went in, in the
store, on the page, in the CSV (behind one apostrophe where a spreadsheet would run it). In Slack
some signs become their full-width twins and marks are thinned, so there the letters must be the same.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from alerts.messages import build_message
from alerts.plain import one_line
from ews.config import load_settings
from ews.model import Article, Evidence
from ews.reports.sheet_text import written
from ews.storage import Store
from ews.web import create_app
from scrapers.feeds import parse_feed
from scrapers.text import clean_text
from tests.alert_samples import urea_event, view_of
from tests.faces_home import NOW as PAGE_NOW
from tests.faces_home import make_home
from tests.hostile import check_message
from tests.source_made import made_source
from tests.torture_sets import naughty, needs

NOW = datetime(2026, 11, 26, tzinfo=UTC)
pytestmark = needs("naughty", "naughty_old")


def cdata(text: str) -> str:
    return f"<![CDATA[{escape(text).replace(']]>', ']]]]><![CDATA[>')}]]>"


def escaped(text: str) -> str:
    return escape(escape(text))


def bare(text: str) -> str:
    """As careless publishers send it: the string itself, whatever it does to the feed."""
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


WAYS = {
    "escaped in CDATA": (cdata, escape),
    "escaped twice": (escaped, escape),
    "bare": (bare, str),
}


def feed_of(titles: list[str]) -> bytes:
    """Each as the title of an entry that has a text of its own."""
    items = "".join(
        f"<item><title>{title}</title><link>https://feed.example/{n}</link>"
        f"<description>made-up text {n}</description></item>"
        for n, title in enumerate(titles)
    )
    return f'<rss version="2.0"><channel>{items}</channel></rss>'.encode("utf-8", "surrogatepass")


def collected(way: str) -> dict[str, Article]:
    """The articles by their link."""
    write, _ = WAYS[way]
    source = made_source("naughty", options={"max_entries": 1000})
    parsed = parse_feed(source, feed_of([write(one) for one in naughty()]), NOW)
    return {one.url: one for one in parsed.signals if isinstance(one, Article)}


def wanted(way: str) -> dict[str, str]:
    """The titles that must come out; an entry whose title has nothing visible takes its text."""
    _, sent = WAYS[way]
    return {
        f"https://feed.example/{n}": clean_text(sent(one), 300) or f"made-up text {n}"
        for n, one in enumerate(naughty())
    }


@pytest.mark.parametrize("way", WAYS)
def test_each_string_comes_through_the_feed_as_it_is_defined_to(way: str) -> None:
    titles = {url: one.title for url, one in collected(way).items()}
    assert len(titles) == 515
    assert titles == wanted(way)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("naughty")


@pytest.fixture(scope="module")
def alert(home: Path, store: Store) -> str:
    """An alert whose evidence is all the articles, from the store."""
    alert_id, event_id = make_home(home)
    store.save_articles(list(collected("escaped in CDATA").values()))
    event = store.event(event_id)
    assert event is not None
    kept = store.articles([one.id for one in collected("escaped in CDATA").values()])
    evidence = tuple(
        Evidence(one.id, "wire", PAGE_NOW, one.title, one.outlet, one.url, PAGE_NOW, "en")
        for one in kept.values()
    )
    later = PAGE_NOW + timedelta(minutes=1)
    store.save_events(
        [replace(event, evidence=evidence, updated_at=later, title=evidence[0].title)]
    )
    return alert_id


class Seen(HTMLParser):
    """What a browser sees: the elements, and the text of each link."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.links, self.open = Counter[tuple[str, ...]](), dict[str, str](), ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag, *(name for name, _ in attrs)] += 1
        self.open = (dict(attrs).get("href") or "") if tag == "a" else self.open

    def handle_endtag(self, tag: str) -> None:
        self.open = "" if tag == "a" else self.open

    def handle_data(self, data: str) -> None:
        if self.open:
            self.links[self.open] = self.links.get(self.open, "") + data


def test_the_store_and_the_page_show_each_title_and_nothing_is_markup(
    home: Path, store: Store, alert: str
) -> None:
    titles = wanted("escaped in CDATA")
    kept = store.articles([one.id for one in collected("escaped in CDATA").values()])
    assert {one.url: one.title for one in kept.values()} == titles
    client = TestClient(create_app(load_settings(home), store, clock=lambda: PAGE_NOW))
    answer = client.get(f"/alerts/{alert}?lang=en")
    assert answer.status_code == 200
    seen = Seen(answer.text)
    shown = {url: text for url, text in seen.links.items() if url in titles}
    assert {url: text.strip() for url, text in shown.items()} == titles
    names = {tag for tag, *_ in seen.tags}
    assert not names & {"script", "img", "iframe", "object", "embed", "video", "marquee"}
    attributes = {attribute for _, *rest in seen.tags for attribute in rest}
    assert not [one for one in attributes if one.startswith("on") or one in ("style", "srcdoc")]


def letters(text: str) -> str:
    return "".join(char for char in text if char.isalnum() and char.isascii())


@pytest.mark.parametrize("step", [12, pytest.param(1, marks=pytest.mark.torture)])
def test_no_title_becomes_a_mention_or_a_link_in_slack(step: int) -> None:
    for n, title in enumerate(list(wanted("escaped in CDATA").values())[::step]):
        event = urea_event(title=title, evidence=(replace(urea_event().evidence[0], title=title),))
        message = build_message(view_of(event=event, exposures=()), ("ko", "en")[n % 2])
        check_message(message, ("https://example.org/urea?a=1&amp;b=2",))
        assert letters(one_line(title))[:60] in letters(message.text), title


def test_no_title_is_a_formula_in_a_spreadsheet() -> None:
    titles = list(wanted("escaped in CDATA").values())
    sheet = written(["title"], [[one] for one in titles])
    rows = list(csv.reader(io.StringIO(sheet.removeprefix("\ufeff"))))[1:]
    assert len(rows) == 515
    for (cell,), title in zip(rows, titles, strict=True):
        assert cell in (title, f"'{title}")
        number = re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", cell)
        assert number or not re.match(r"\s*[=+\-@＝＋－＠\t\r\n]", cell), cell
