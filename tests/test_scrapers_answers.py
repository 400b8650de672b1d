"""What an answer may be: moved, gone, unchanged, cut short, lying, endless; and how long it is good."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from ews.model import Fetch, FetchOutcome
from scrapers.caching import freshness_s, retry_after
from scrapers.conditional import as_before, fetch_reply
from scrapers.errors import SourceError
from scrapers.http import Client
from tests.fetched import fetch
from tests.raw_web import RawWeb, page, raw_web
from tests.test_scrapers_http import make_source

NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
DATE = "Thu, 26 Nov 2026 04:00:00 GMT"


@pytest.fixture
def web() -> Iterator[RawWeb]:
    with raw_web() as server:
        yield server


def a_client(**changes: object) -> Client:
    values: dict[str, object] = {
        "allow_loopback": True, "attempts": 1, "min_gap_s": 0,
        "resolver": lambda host, port: ["127.0.0.1"], **changes,
    }  # fmt: skip
    return Client("x", **values)  # type: ignore[arg-type]


def got(web: RawWeb, path: str, **changes: object) -> bytes:
    return a_client(**changes).get(web.url(path), robots=False).body


def to(url: str, status: int) -> bytes:
    return page(b"", f"Location: {url}", status=f"{status} Elsewhere")


# ----- moved, gone, unchanged


@pytest.mark.parametrize(
    ("hops", "moved"),
    [((301,), True), ((308,), True), ((301, 308), True), ((302,), False), ((307,), False),
     ((303,), False), ((301, 302), False), ((302, 301), False)],
)  # fmt: skip
def test_only_permanent_redirects_say_that_it_moved(
    web: RawWeb, hops: tuple[int, ...], moved: bool
) -> None:
    for n, status in enumerate(hops):
        web.answers[f"/{n}"] = to(f"/{n + 1}", status)
    web.answers[f"/{len(hops)}"] = page()
    reply = a_client().get(web.url("/0"), robots=False)
    assert reply.moved == (web.url(f"/{len(hops)}") if moved else "")
    assert reply.note == ""


@pytest.mark.parametrize("target", ["/", "/login?next=/feed", "//other.example:{port}/", "/sso/x"])
def test_a_front_page_or_a_login_is_no_new_address(web: RawWeb, target: str) -> None:
    there = target.format(port=web.port)
    web.answers |= {"/feed": to(there, 301), urlsplit(there).path: page(b"<html>")}
    source = make_source(web.url("/feed"), options={"robots": "exempt"})
    fetched, reply = fetch_reply(source, None, NOW, a_client())
    assert reply is not None
    assert reply.moved == ""
    assert "find the new address" in (fetched.error or "")


def test_what_is_gone_is_told_with_its_status(web: RawWeb) -> None:
    web.answers["/feed"] = page(b"", status="410 Gone")
    source = make_source(web.url("/feed"), options={"robots": "exempt"})
    fetched, _ = fetch(source, None, NOW, a_client())
    assert (fetched.status, fetched.permanent, fetched.asked) == (410, True, True)


def test_validators_go_back_verbatim_and_to_the_url_that_gave_them_only(web: RawWeb) -> None:
    etag, modified = 'W/"a,b\\"', "Thu, 26 Nov 2026 03:59:60 GMT"  # no date at all, but theirs
    web.answers["/feed"] = to("/one", 302)
    web.answers["/one"] = page(b"1", f"ETag: {etag}", f"Last-Modified: {modified}")
    web.answers["/two"] = page(b"2")
    source = make_source(web.url("/feed"), options={"robots": "exempt"})
    first, _ = fetch(source, None, NOW, a_client())
    web.requests.clear()
    fetch(source, first, NOW, a_client())
    conditions = f"If-None-Match: {etag}\r\nIf-Modified-Since: {modified}\r\n".encode()
    assert [conditions in one for one in web.requests] == [False, True]
    web.answers["/feed"] = to("/two", 302)  # another page now: the old date says nothing of it
    web.requests.clear()
    second, body = fetch(source, first, NOW, a_client())
    assert not any(b"If-" in one for one in web.requests)
    assert (second.outcome, body) == (FetchOutcome.NEW, b"2")


def test_an_answer_that_could_not_be_used_leaves_the_validators_of_the_one_before_whole() -> None:
    last = Fetch("s", NOW, FetchOutcome.NEW, etag='"a"', last_modified="x", sha256="ab", newest=NOW,
                 answered_by="mark-a")  # fmt: skip
    later = replace(
        last, at=NOW + timedelta(hours=1), etag='"b"', sha256="cd", answered_by="mark-b"
    )
    again = as_before(later, last)
    # an ETag of one address beside the mark of another would be sent to the other
    assert (again.etag, again.answered_by, again.sha256) == ('"a"', "mark-a", "ab")
    first = as_before(later, None)
    assert (first.etag, first.last_modified, first.answered_by, first.sha256) == (
        None,
        None,
        "",
        None,
    )


def test_nothing_changed_is_no_answer_to_a_question_that_was_not_asked(web: RawWeb) -> None:
    web.answers["/feed"] = page(b"", status="304 Not Modified")
    source = make_source(web.url("/feed"), options={"robots": "exempt"})
    fetched, _ = fetch(source, None, NOW, a_client())
    assert (fetched.outcome, fetched.status) == (FetchOutcome.FAILED, 304)
    old = Fetch("sample", NOW, FetchOutcome.NEW, etag='"1"', answered_by="another url")
    assert fetch(source, old, NOW, a_client())[0].outcome is FetchOutcome.FAILED


def test_a_part_is_not_taken_for_the_whole(web: RawWeb) -> None:
    web.answers["/feed"] = page(b"<rss", "Content-Range: bytes 0-3/900", status="206 Partial")
    source = make_source(web.url("/feed"), options={"robots": "exempt"})
    fetched, body = fetch(source, None, NOW, a_client())
    assert (fetched.outcome, body) == (FetchOutcome.FAILED, None)
    assert "a part" in (fetched.error or "")


def test_cookies_are_not_kept(web: RawWeb) -> None:
    web.answers["/a"] = page(b"", "Set-Cookie: a=1", "Location: /b", status="302 Found")
    web.answers["/b"] = page(b"", "Set-Cookie: b=1")
    client = a_client()
    for _ in range(2):
        client.get(web.url("/a"), robots=False)
    assert len(web.requests) == 4
    assert not any(b"cookie" in one.lower() for one in web.requests)


# ----- bodies


def coded(body: bytes, coding: str) -> bytes:
    return page(body, f"Content-Encoding: {coding}")


def test_gzip_and_both_kinds_of_deflate_are_read(web: RawWeb) -> None:
    text = "요소 수출 ".encode() * 20_000
    bare = zlib.compressobj(wbits=-15)
    web.answers |= {
        "/gzip": coded(gzip.compress(text), "gzip"),
        "/members": coded(gzip.compress(text[:999]) + gzip.compress(text[999:]), "x-gzip"),
        "/padded": coded(gzip.compress(text) + b"\0" * 512, "GZIP"),
        "/zlib": coded(zlib.compress(text), "deflate"),
        "/bare": coded(bare.compress(text) + bare.flush(), "deflate"),
        "/plain": coded(text, "identity"),
    }
    for path in web.answers:
        assert got(web, path) == text, path
    web.answers["/empty"] = coded(b"", "gzip")
    assert got(web, "/empty") == b""


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "gzip, br", "compress", "exi", "*"])
def test_another_coding_is_refused_before_it_is_read(web: RawWeb, coding: str) -> None:
    web.answers["/"] = coded(b"x" * 50, coding)
    with pytest.raises(SourceError, match="was not asked for"):
        got(web, "/")


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b"x" * 9999)[:-9], gzip.compress(b"x" * 9999)[:20], gzip.compress(b"x")[:-1],
     gzip.compress(b"x") + gzip.compress(b"y" * 999)[:15], b"nonsense",
     gzip.compress(b"x" * 99)[:-6] + b"\0" * 6],
)  # fmt: skip
def test_half_a_gzip_is_an_error(web: RawWeb, body: bytes) -> None:
    web.answers["/"] = coded(body, "gzip")
    with pytest.raises(SourceError, match=r"ends before its end|cannot be decoded"):
        got(web, "/")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf", "without sending complete"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmore than that", "goes on 10 bytes after"),
        (b"HTTP/1.1 103 Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxyz",
         "goes on 2 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "Protocol"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n", "without sending"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc", "illegal chunk"),
        (b"<html>an answer without headers</html>", "Protocol"),
        (b"\x00\x01\x02\r\n\r\n", "Protocol"),
        (b"HTTP/1.1 200 OK\r\nbroken header\r\n\r\n", "Protocol"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "Protocol"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n", "Protocol"),
        (b"HTTP/1.1 200 OK\r\n" + b"a:b\r\n" * 10_000 + b"\r\n", "10,000 headers"),
        (b"", "disconnected"),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_whole_or_not_http_is_an_error(
    web: RawWeb, answer: bytes, words: str
) -> None:
    web.answers["/"] = answer
    with pytest.raises(SourceError, match=words) as caught:
        got(web, "/")
    assert not caught.value.permanent


def test_a_body_without_a_length_ends_with_the_connection(web: RawWeb) -> None:
    web.answers["/"] = b"HTTP/1.0 200 OK\r\n\r\nwhole"
    web.answers["/chunks"] = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: x\r\n\r\n"
    )
    assert got(web, "/") == b"whole"
    assert got(web, "/chunks") == b"abc"


# ----- the deadline


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"", b"H"),  # not even a status line
        (OK, b"X: y\r\n"),  # headers without end
        (b"", b"HTTP/1.1 102 Wait\r\n\r\n"),  # interim answers without end
        (OK + b"Content-Length: 999\r\n\r\n", b"x"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1", b";"),  # a chunk size without end
        (OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10], b"\x00"),
    ],
)
def test_a_slow_drip_of_anything_ends_at_the_deadline(
    web: RawWeb, start: bytes, piece: bytes
) -> None:
    web.answers["/"] = web.drip(start, piece)
    begun = time.monotonic()
    with pytest.raises(SourceError):
        got(web, "/", deadline_s=0.15)
    assert time.monotonic() - begun < 2


def test_a_form_to_a_server_that_never_reads_ends_at_the_deadline(web: RawWeb) -> None:
    web.answers["/"] = web.hang
    begun = time.monotonic()
    with pytest.raises(SourceError, match="did not finish within"):
        a_client(deadline_s=0.15).get(web.url("/"), robots=False, form={"field": "x" * 8_000_000})
    assert time.monotonic() - begun < 2


def test_slow_redirects_share_one_deadline(web: RawWeb) -> None:
    def slow(connection: object) -> None:
        time.sleep(0.1)
        connection.sendall(to("/", 302))  # type: ignore[attr-defined]

    web.answers["/"] = slow
    with pytest.raises(SourceError, match="did not finish within"):
        got(web, "/", deadline_s=0.25)
    assert web.connections <= 3


def test_bytes_on_the_wire_are_counted_too(web: RawWeb) -> None:
    """Chunks of one byte cost six: a body within its cap may still be endless work."""
    chunk = b"1;" + b"e" * 400 + b"\r\nx\r\n"
    web.answers["/"] = OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 900 + b"0\r\n\r\n"
    assert len(got(web, "/", max_bytes=10**6)) == 900
    with pytest.raises(SourceError, match="on the wire"):
        got(web, "/", max_bytes=1000)


# ----- how long it stays good (RFC 9111)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"cache-control": "public, max-age=300"}, 300),
        ({"cache-control": "max-age=300", "age": "100"}, 200),
        ({"cache-control": "max-age=300", "age": "900"}, 0),
        ({"cache-control": "max-age=300", "age": "soon"}, 300),
        ({"cache-control": "max-age=99999999"}, 86_400),
        ({"cache-control": 'max-age="60"'}, 60),
        ({"cache-control": "MAX-AGE=60, max-age=5"}, 60),
        ({"cache-control": "max-age=-5"}, 0),
        ({"cache-control": "max-age=1.5"}, 0),
        ({"cache-control": "max-age"}, 0),
        ({"cache-control": "max-age=60, no-cache"}, 0),
        ({"cache-control": "no-store, max-age=60"}, 0),
        ({"cache-control": "s-maxage=900"}, 0),
        ({"cache-control": "s-maxage=900, max-age=60, must-revalidate"}, 60),
        ({"cache-control": "max-age=60, stale-if-error=9999"}, 60),
        ({"cache-control": 'private="x, max-age=900"'}, 0),
        ({"cache-control": "max-age=60", "vary": "*"}, 0),
        ({"cache-control": "max-age=60", "vary": "Accept-Encoding"}, 60),
        ({"date": DATE, "expires": "Thu, 26 Nov 2026 04:05:00 GMT"}, 300),
        ({"date": DATE, "expires": "Thu, 26 Nov 2026 04:05:00 GMT", "age": "60"}, 240),
        ({"expires": "Thu, 26 Nov 2026 04:05:00 GMT"}, 300),  # counted from our own clock
        ({"date": "Mon, 01 Jan 2001 00:00:00 GMT", "expires": "Mon, 01 Jan 2001 00:01:00 GMT"}, 60),
        ({"date": DATE, "expires": "Thu, 26 Nov 2026 04:05:00 GMT", "cache-control": "public"}, 300),
        ({"date": DATE, "expires": "Thu, 26 Nov 2026 04:05:00 GMT", "cache-control": "max-age=9"}, 9),
        ({"date": DATE, "expires": "0"}, 0),
        ({"date": DATE, "expires": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
        ({"last-modified": DATE}, 0),  # no guess from its age
        ({}, 0),
    ],
)  # fmt: skip
def test_an_answer_stays_good_as_long_as_it_says(headers: dict[str, str], seconds: int) -> None:
    assert freshness_s(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120),
        ({"retry-after": "999999999999999999999"}, 86_400),
        ({"retry-after": "Thu, 26 Nov 2026 04:05:00 GMT", "date": DATE}, 300),
        # its clock is nine years behind: its own Date is what its Retry-After is counted from
        ({"retry-after": "Sun, 26 Nov 2017 04:05:00 GMT",
          "date": "Sun, 26 Nov 2017 04:00:00 GMT"}, 300),
        ({"retry-after": "Thu, 26 Nov 2026 04:05:00 GMT"}, 300),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT", "date": DATE}, 86_400),
        ({"retry-after": "Thu, 26 Nov 2026 03:00:00 GMT", "date": DATE}, 0),
        ({"retry-after": "-5"}, None), ({"retry-after": "1e3"}, None), ({"retry-after": "²"}, None),
        ({"retry-after": ""}, None), ({}, None),
    ],
)  # fmt: skip
def test_a_wait_is_read_in_seconds_or_from_a_date(
    headers: dict[str, str], seconds: int | None
) -> None:
    assert retry_after(headers, NOW) == seconds
