"""OPML: lists of feeds in and out; hostile ones are refused or told, never followed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ews.model import Source
from scrapers import SourceError, load_source, load_sources
from scrapers.opml import MAX_FEEDS, Outline, name_of, read_opml, same, write_opml

NESTED = """<?xml version="1.0" encoding="utf-8"?>
<opml version="1.0"><head><title>x</title></head><body>
 <outline text="해운">
  <outline text="항만">
   <outline text="부산항 소식" xmlUrl="https://port.example.org/rss" language="ko-kr"/>
  </outline>
  <outline title="Liners" text="L" type="rss" xmlUrl="https://liner.example.org/feed/"/>
 </outline>
 <outline text="again" xmlUrl="http://www.liner.example.org/feed"/>
 <outline text="a page" htmlUrl="https://example.org/"/>
</body></opml>"""


def opml(*outlines: str) -> bytes:
    return f"<opml version='2.0'><body>{''.join(outlines)}</body></opml>".encode()


def test_nested_outlines_keep_their_groups_and_each_address_comes_once() -> None:
    listed = read_opml(NESTED.encode())
    assert sorted(listed.feeds, key=lambda one: one.url) == [
        Outline("Liners", "https://liner.example.org/feed/", "", "해운"),
        Outline("부산항 소식", "https://port.example.org/rss", "ko", "해운 / 항만"),
    ]
    assert listed.left_out == ()


def test_what_we_write_reads_back_as_it_was() -> None:
    private = replace(load_source("bbc_world"), name="own", title='Töne & "Quotes" <3',
                      url="https://own.example.org/feed?a=1&b=2", lang="de")  # fmt: skip
    ours = [*load_sources(), private]
    listed = read_opml(write_opml(ours, "ews", "Wed, 25 Nov 2026 00:00:00 +0000"))
    feeds = {one.url: one for one in ours if one.kind == "rss"}
    assert listed.left_out == ()
    assert len(listed.feeds) == len({same(url) for url in feeds})
    for one in listed.feeds:
        back = feeds[one.url]
        assert (one.group, one.lang[:2]) == (
            back.group,
            back.lang[:2] if len(back.lang) == 2 else one.lang,
        )
    assert {one.title for one in listed.feeds if one.url == private.url} == {private.title}


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "file:///etc/passwd", "ftp://example.org/x", "https://user:pw@example.org/",
     "http://192.168.0.1/rss", "http://2130706433/rss", "http://[::1]/rss", "https:///nohost", "https://example.org/" + "a" * 3000, "http://exa mple.org/", "//example.org/x", "https://example.org/a&#x202e;gpj.exe"],
)  # fmt: skip
def test_an_address_that_is_never_asked_is_left_out_and_said(url: str) -> None:
    listed = read_opml(opml(f'<outline text="t" xmlUrl="{url}"/>'))
    assert listed.feeds == ()
    assert len(listed.left_out) == 1


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE opml [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;">]><opml><body><outline text="&b;" '
        b'xmlUrl="https://example.org/"/></body></opml>',
        b'<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]><opml><body>&x;</body></opml>',
        b"<rss version='2.0'></rss>",
        b"<html><body>no</body></html>",
        b"{}",
        b"",
        b"<opml><body><outline",
        b" " * (4 * 1024 * 1024 + 1),
    ],
)
def test_what_is_no_opml_or_has_entities_is_refused(body: bytes) -> None:
    with pytest.raises(SourceError):
        read_opml(body)


def test_a_list_of_ten_thousand_feeds_is_refused() -> None:
    body = opml(*(f'<outline xmlUrl="https://example.org/{n}"/>' for n in range(10_000)))
    with pytest.raises(SourceError, match=f"{MAX_FEEDS:,} feeds"):
        read_opml(body)


def test_deep_nesting_ends_and_shallow_feeds_come_through() -> None:
    deep = "<outline text='d'>" * 200 + "</outline>" * 200
    listed = read_opml(opml(deep, '<outline text="t" xmlUrl="https://example.org/f"/>'))
    assert [one.url for one in listed.feeds] == ["https://example.org/f"]


@pytest.mark.parametrize(
    ("title", "name"),
    [("Port News!", "port_news"), ("부산항 소식", "port_example_org"), ("24h ships", "feed_24h_ships"),
     ("부산항 24시 TV", "port_example_org"),
     ("Taken", "taken_2"), ("../../etc/passwd", "etc_passwd")],
)  # fmt: skip
def test_a_feed_gets_a_folder_name_that_is_safe_and_free(title: str, name: str) -> None:
    assert name_of(Outline(title, "https://port.example.org/rss"), {"taken"}) == name


def test_braces_of_an_address_are_no_dates_to_fill_in() -> None:
    (feed,) = read_opml(
        opml('<outline xmlUrl="https://example.org/?a={key}&amp;b={day:-1}"/>')
    ).feeds
    assert feed.url == "https://example.org/?a=%7Bkey%7D&b=%7Bday:-1%7D"


def test_sources_that_are_no_feeds_are_not_exported() -> None:
    def urls(sources: list[Source]) -> list[str]:
        return [one.url for one in read_opml(write_opml(sources, "t", "")).feeds]

    assert urls([load_source("usgs_week"), load_source("bbc_world")]) == [
        load_source("bbc_world").url
    ]
