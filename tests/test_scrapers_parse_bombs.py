"""Bodies made to keep a parser busy, blow up its memory or make it read a file: each ends at once.

Processor time of one body is under a second; memory is measured where parsing runs, in the worker.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from ews.model import Article
from scrapers.errors import SourceError
from scrapers.kinds import parse
from scrapers.mapping import Parsed
from tests.source_made import made_source

NOW = datetime(2026, 11, 26, tzinfo=UTC)
ARTICLE = {"article": {"title": "{title}"}}
KINDS: dict[str, dict[str, Any]] = {
    "rss": {},
    "xml": {"kind": "xml", "options": {"items": "item", **ARTICLE}},
    "json": {"kind": "json", "options": {"items": "", **ARTICLE}},
    "csv": {"kind": "csv", "options": ARTICLE},
}


def rss(inside: str) -> bytes:
    return f'<rss version="2.0"><channel>{inside}</channel></rss>'.encode()


def read(kind: str, body: bytes) -> Parsed | SourceError:
    """What one body gives, within a second of processor time. Only SourceError is caught."""
    began = time.process_time()
    try:
        return parse(made_source("bomb", **KINDS[kind]), body, NOW)
    except SourceError as error:
        return error
    finally:
        assert time.process_time() - began < 1


def item(n: int) -> str:
    return (
        f"<item><title>made-up {n}</title><description>{'a few words ' * 18}</description></item>"
    )


LAUGHS = "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "lol"}">' for n in range(10)
)  # ten billion when undone
XXE = '<!ENTITY x SYSTEM "file:///etc/passwd">'
DEEP_HTML = "<div>" * 20_000 + "x" + "</div>" * 20_000
QUICK: dict[str, tuple[str, bytes, str]] = {  # name -> (kind, body, what is said; "" when it is read)
    "billion laughs": ("rss", f"<!DOCTYPE rss [{LAUGHS}]><rss><item><title>&a9;</title></item></rss>".encode(), "ENTITY"),
    "laughs after a comment": ("rss", f"<!-- <rss> -->\n<!DOCTYPE rss [{LAUGHS}]><rss>&a9;</rss>".encode(), "ENTITY"),
    "laughs in UTF-16": ("rss", f"<!DOCTYPE rss [{LAUGHS}]><rss>&a9;</rss>".encode("utf-16"), "ENTITY"),
    "laughs as rows": ("xml", f"<!DOCTYPE rss [{LAUGHS}]><rss><item><title>&a9;</title></item></rss>".encode(), "ENTITY"),
    "a file of ours": ("rss", f"<!DOCTYPE rss [{XXE}]><rss><item><title>&x;</title></item></rss>".encode(), "ENTITY"),
    "a file of ours as rows": ("xml", f"<!DOCTYPE rss [{XXE}]><rss><item><title>&x;</title></item></rss>".encode(), "ENTITY"),
    "50,000 deep": ("rss", b"<rss>" + b"<a>" * 50_000 + b"</a>" * 50_000 + b"</rss>", "deeper"),
    "50,000 deep as rows": ("xml", b"<rss>" + b"<a>" * 50_000 + b"</a>" * 50_000 + b"</rss>", "XML"),
    "50,000 unclosed": ("rss", b"<rss>" + b"<a>" * 50_000, "deeper"),
    "20,000 deep HTML": ("rss", rss(f"<item><title>t</title><description><![CDATA[{DEEP_HTML}]]></description></item>"), ""),
    "20,000 attributes": ("rss", rss("<item " + " ".join(f'a{n}="1"' for n in range(20_000)) + "/>"), "deeper"),
    "100,000 brackets": ("json", b"[" * 100_000, "not JSON"),
    "100,000 brackets, closed": ("json", b"[" * 100_000 + b"]" * 100_000, "not JSON"),
    "a number of a million digits": ("json", b"[" + b"9" * 1_000_000 + b"]", "not JSON"),
}  # fmt: skip
SLOW: dict[str, tuple[str, bytes, str]] = {
    "8 MiB unclosed attribute": ("rss", b'<rss><item a="' + b"x" * (8 << 20), "broken XML"),
    "8 MiB unclosed attribute as rows": ("xml", b'<rss><item a="' + b"x" * (8 << 20), "XML"),
    "900,000 openings": ("rss", rss(f"<item><title>{'<' * 900_000}"), "broken XML"),
    "900,000 ampersands": ("rss", rss(f"<item><title>{'&' * 900_000}</title></item>"), "broken XML"),
    "250,000 comments": ("rss", b"<!--" * 250_000, "no feed"),
    "a million scripts": ("rss", rss(f"<item><title><![CDATA[{'<script ' * 1_000_000}]]></title></item>"), ""),
    "a CSV line of 50 MB": ("csv", b"a,b\n" + b"x" * (50 << 20), "not CSV"),
    "26 million cells": ("csv", b"a,b\n" + b"x," * (25 << 20), ""),
    "20 million empty lines": ("csv", b"a,b\n" + b"\n" * (20 << 20), ""),
    "100,000 entries in cp949": ("rss", rss("<item><title>요소 수출 통제</title></item>" * 100_000).decode().encode("cp949"), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", QUICK)
def test_a_bomb_is_refused_or_read_at_once(name: str) -> None:
    kind, body, said = QUICK[name]
    got = read(kind, body)
    assert said in str(got) if said else isinstance(got, Parsed)


@pytest.mark.torture
@pytest.mark.parametrize("name", SLOW)
def test_a_large_bomb_is_refused_or_read_at_once(name: str) -> None:
    kind, body, said = SLOW[name]
    got = read(kind, body)
    assert said in str(got) if said else isinstance(got, Parsed)


def test_a_definition_elsewhere_is_not_fetched_and_does_no_harm() -> None:
    """Real feeds still name the DTD of RSS 0.91; pytest-socket would stop a request."""
    for doctype in ('SYSTEM "http://127.0.0.1:9/x.dtd"', 'PUBLIC "-//N//DTD RSS 0.91//EN" "x.dtd"'):
        got = read("rss", f"<!DOCTYPE rss {doctype}>".encode() + rss(item(1)))
        assert isinstance(got, Parsed)
        assert len(got.signals) == 1


def test_twenty_thousand_entries_are_cut_to_the_cap_before_they_are_read() -> None:
    got = read("rss", rss("".join(map(item, range(20_000)))))
    assert isinstance(got, Parsed)
    assert len(got.signals) == 500
    assert "19500 entries over the cap" in got.said


def test_a_feed_that_writes_about_entities_and_html_is_a_feed() -> None:
    text = "how <!DOCTYPE x [<!ENTITY a 'b'>]> and <html> work"
    got = read(
        "rss",
        rss(f"<item><title>On XML</title><description><![CDATA[{text}]]></description></item>"),
    )
    assert isinstance(got, Parsed)
    (article,) = got.signals
    assert isinstance(article, Article)
    assert article.title == "On XML"
