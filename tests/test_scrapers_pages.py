"""Where an answer leads: read where a body can do no harm, and never taken at its word."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import pytest

from ews.model import FetchOutcome, Source
from scrapers import Collected, collect, parse
from scrapers.http import Client, Reply
from scrapers.kinds import ONWARD
from scrapers.mapping import Parsed
from tests.test_scrapers_http import make_source

NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
URL = "https://api.example.org/list"
KEY = "s3cret+key/99"
OPTIONS = {
    "next": "next", "items": "rows", "key_header": "X-Key",
    "article": {"title": "{t}", "url": "https://example.org/{t}", "date": ""},
}  # fmt: skip


def a_page(title: str, onward: object) -> bytes:
    return json.dumps({"rows": [{"t": title}], "next": onward}).encode()


class Web:
    """A client that answers from a table and keeps what it was asked."""

    def __init__(self, pages: dict[str, bytes]) -> None:
        self.environ = {"K": KEY}
        self.pages = pages
        self.asked: list[tuple[str, str]] = []  # (url, key header)

    def get(self, url: str, **given: object) -> Reply:
        headers = given["headers"]
        assert isinstance(headers, dict)
        self.asked.append((url, headers.get("X-Key", "")))
        return Reply(200, {}, self.pages[url], url)


def turn(web: Web, source: Source | None = None, **changes: object) -> Collected:
    made = source or make_source(URL, kind="json", options=OPTIONS, key_env="K")
    return collect(replace(made, expect_min=0), None, NOW, cast(Client, web), **changes)  # type: ignore[arg-type]


def test_pages_of_its_own_host_are_read_with_its_key() -> None:
    second = f"{URL}?page=2"
    web = Web({URL: a_page("a", second), second: a_page("b", None)})
    assert len(turn(web).signals) == 2
    assert web.asked == [(URL, KEY), (second, KEY)]


@pytest.mark.parametrize(
    "onward",
    ["https://evil.example.net/?page=2", "http://api.example.org/list?page=2", "http://[::1", "//[",
     "https://api.example.org.evil.net/", "https://api.example.org:8443/", "file:///etc/passwd",
     "http://169.254.169.254/"],
)  # fmt: skip
def test_it_is_led_to_no_other_host_and_to_no_plain_address(onward: str) -> None:
    web = Web({URL: a_page("a", onward)})
    got = turn(web)
    assert got.fetch.outcome is FetchOutcome.FAILED
    assert (got.fetch.error or "").startswith("sample: ")
    assert [url for url, _ in web.asked] == [URL]
    assert got.raws, "the body is kept for who looks into it"


def test_whoever_reads_where_it_leads_is_told_no_key_and_is_not_believed() -> None:
    told: list[str] = []

    def taken_over(source: Source, body: bytes, now: datetime, label: str, memory: str) -> Parsed:
        if label.startswith(ONWARD):
            told.append(label)
            return Parsed([], 0, None, memory="https://evil.example.net/?k={key}")
        return parse(source, body, now, label, memory)

    url = URL + "?key={key}"
    source = make_source(url, kind="json", options=OPTIONS, key_env="K")
    asked = URL + "?key=s3cret%2Bkey%2F99"
    web = Web({asked: a_page("a", None)})
    got = turn(web, source, parser=taken_over)
    assert got.fetch.outcome is FetchOutcome.FAILED
    assert told == [f"{ONWARD}{URL}?key={{key}}"]
    assert [one for one, _ in web.asked] == [asked]


def test_a_key_in_the_address_goes_on_to_the_next_page() -> None:
    source = make_source(URL + "?key={key}", kind="json", options=OPTIONS, key_env="K")
    first = URL + "?key=s3cret%2Bkey%2F99"
    second = first + "&page=2"
    web = Web({first: a_page("a", "?key={key}&page=2"), second: a_page("b", None)})
    assert len(turn(web, source).signals) == 2


def test_pages_may_not_take_more_together_than_an_answer_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scrapers.pages.MAX_PAGES_BYTES", 4_000)
    many = {f"{URL}?{n}": a_page("x" * (1_000), f"{URL}?{n + 1}") for n in range(1, 9)}
    got = turn(Web({URL: a_page("a", f"{URL}?1"), **many}))
    assert "take more than" in (got.fetch.error or "")


def test_no_charset_of_a_header_asks_where_a_body_leads() -> None:
    web = Web({URL: a_page("a", None)})
    source = make_source(URL, kind="json", options={**OPTIONS, "next": "none"})
    plain = web.get

    def get(url: str, **given: object) -> Reply:
        return replace(plain(url, **given), headers={"content-type": f"a/b; charset={ONWARD}x"})

    web.get = get  # type: ignore[method-assign]
    assert len(turn(web, source).signals) == 1
