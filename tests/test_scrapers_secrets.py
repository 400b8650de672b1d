"""An API key is in no message, fetch, kept header or log line, whatever the other side does with it."""

from __future__ import annotations

import base64
import html
import json
import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ews.model import Source
from scrapers.collect import collect
from scrapers.errors import SourceError
from scrapers.http import Client
from scrapers.mapping import Parsed
from scrapers.redacting import holds, redact
from tests.raw_web import RawWeb, page, raw_web
from tests.test_scrapers_http import make_source

NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=60)
WAYS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent-encoded": lambda key: quote(key, safe=""),
    "percent-encoded, small letters": lambda key: quote(key, safe="").lower()
    if key == key.lower() else quote(key, safe=""),
    "partly": lambda key: quote(key, safe="/+="),
    "as a form field": quote_plus,
    "twice": lambda key: quote(quote(key, safe=""), safe=""),
    "three times": lambda key: quote(quote(quote(key, safe=""), safe=""), safe=""),
    "every character": lambda key: "".join(f"%{ord(c):02X}" for c in key),
    "in JSON": lambda key: json.dumps(key)[1:-1],
    "in JSON, slashes too": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "in \\u escapes": lambda key: "".join(f"\\u{ord(c):04x}" for c in key),
    "by repr": lambda key: repr(key)[1:-1],
    "by repr of bytes": lambda key: repr(key.encode())[2:-1],
    "in HTML": html.escape,
    "in numbers": lambda key: "".join(f"&#{ord(c)};" for c in key),
    "in hexadecimal numbers": lambda key: "".join(f"&#x{ord(c):X};" for c in key),
    "in base64": lambda key: base64.b64encode(key.encode()).decode(),
    "in URL base64": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    "in base64 with a name": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
}  # fmt: skip


def gives_away(text: str, key: str, way: Callable[[str], str]) -> bool:
    """Whether eight characters in a row of the key, or of its written form, stand in the text."""
    return any(
        form[at : at + 8] in text
        for form in (key, way(key))
        for at in range(max(len(form) - 7, 1))
        if not form[at : at + 8].startswith("%25")  # of the percent sign alone
    )


@settings(max_examples=40, deadline=None)
@given(key=KEYS, way=st.sampled_from(sorted(WAYS)))
def test_a_key_is_found_in_every_way_of_writing_it(key: str, way: str) -> None:
    said = redact(f"https://x.org/?k={WAYS[way](key)}&n=1 answered 500", key)
    assert key not in said
    assert WAYS[way](key) not in said
    assert said.endswith(" answered 500") or "answered" in key


@settings(max_examples=20, deadline=None)
@given(key=KEYS, cut=st.integers(8, 40))
def test_a_piece_of_a_key_is_found(key: str, cut: int) -> None:
    said = redact(f"starts with {key[:cut]}", key)
    assert not any(key[at : at + 8] in said for at in range(len(key) - 7))


def test_a_text_without_a_key_is_left_alone() -> None:
    assert redact("hs 382219: 13 months asked for", "k") == "hs 382219: 13 months asked for"
    assert redact("the key k was refused", "k") == "the key *** was refused"
    assert redact("x", "") == "x"
    assert not holds("https://x.org/?page=2", "0f8fad5bd9cb469fa16570867728950e")


# ----- over the network

KEY = "s3cr3t/+=Key&9<>\"'\\Zz"


@pytest.fixture
def web() -> Iterator[RawWeb]:
    with raw_web() as server:
        yield server


def keyed(web: RawWeb, path: str, **changes: object) -> Source:
    values: dict[str, object] = {
        "key_env": "K", "options": {"robots": "exempt", "key_header": "X-Key"}, **changes,
    }  # fmt: skip
    return make_source(web.url(path) + "?key={key}&q=1", **values)


def the_client(key: str) -> Client:
    return Client(
        "x", allow_loopback=True, attempts=2, min_gap_s=0, deadline_s=0.25, environ={"K": key},
        resolver=lambda host, port: ["127.0.0.1"],
    )  # fmt: skip


def failures(web: RawWeb, key: str) -> dict[str, bytes | Callable[..., None]]:
    """What a server may do with a key that it was given."""
    raw, coded = key.encode(), quote(key, safe="")
    rss = b"<rss><channel><item><title>%s</title></item></channel></rss>"
    other = web.url("/else", "other.example")
    return {
        "/echo": page(b"your key " + raw + b" is wrong", status="401 Unauthorized"),
        "/html": page(b"<html>" + coded.encode() + b"</html>"),
        "/items": page(rss % coded.encode()),
        "/reason": page(b"", status=f"500 {coded}"),
        "/away": page(b"", f"Location: {other}?key={coded}", status="302 Found"),
        "/twice": page(b"", f"Location: {other}?u={quote(coded, safe='')}", status="301 Moved"),
        "/bare": page(b"", f"Location: {other}?t={base64.b64encode(raw).decode()}", status="302 F"),
        "/file": page(b"", f"Location: file:///{coded}", status="302 Found"),
        "/user": page(b"", f"Location: http://{coded}@127.0.0.1/", status="302 Found"),
        "/bad": page(b"", f"Location: http://[{coded}", status="302 Found"),
        "/loop": page(b"", f"Location: /loop?key={coded}", status="302 Found"),
        "/garbage": b"HTTP/1.1 200 OK\r\nbad " + raw + b" line\r\n\r\n",
        "/old": raw + b"\r\n" + raw,
        "/coding": page(b"x", f"Content-Encoding: {coded}"),
        "/links": page(rss % b"x", f"Link: <https://x.org/?key={coded}>; rel=next",
                       f"Location: /?key={coded}", f"ETag: \"{coded}\""),
        "/hang": web.hang,
        "/gone": page(b"", status="410 Gone"),
        "/wait": page(b"", f"Retry-After: {coded}", status="503 No"),
    }  # fmt: skip


def everything_said(web: RawWeb, key: str, caplog: pytest.LogCaptureFixture) -> str:
    web.answers = failures(web, key)  # type: ignore[assignment]
    client, said = the_client(key), []
    for path in web.answers:
        got = collect(keyed(web, path), None, NOW, client)
        said += [got.fetch.error or "", got.moved_to]
        said += [f"{raw.url} {dict(raw.headers)}" for raw in got.raws]
    return "\n".join([*said, caplog.text, *(str(vars(one)) for one in caplog.records)])


@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(key=KEYS)
def test_no_failure_tells_the_key(caplog: pytest.LogCaptureFixture, key: str) -> None:
    for name in ("", "httpx2", "httpcore2", "httpcore2.http11", "httpcore2.connection"):
        caplog.set_level(logging.DEBUG, logger=name)
    caplog.clear()
    with raw_web() as web:
        said = everything_said(web, key, caplog)
        assert any(quote(key, safe="").encode() in one for one in web.requests)  # it was sent
        assert not any(b"/else" in one for one in web.requests)  # and to no other host
    for way in WAYS.values():
        assert way(key) not in said, way(key)


def test_a_server_that_repeats_a_real_looking_key_tells_nobody(
    web: RawWeb, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("", "httpx2", "httpcore2", "httpcore2.http11", "httpcore2.connection"):
        caplog.set_level(logging.DEBUG, logger=name)
    said = everything_said(web, KEY, caplog)
    assert any(quote(KEY, safe="").encode() in one for one in web.requests)  # it was sent
    for name, way in WAYS.items():
        assert not gives_away(said, KEY, way), name


def test_a_parser_that_quotes_what_it_cannot_read_tells_nobody(web: RawWeb) -> None:
    def quoting(source: Source, body: bytes, *rest: object) -> Parsed:
        raise SourceError(f"{source.name}: cannot read {body!r}")

    web.answers["/x"] = page(b"no: " + KEY.encode(), f"Location: /?{quote(KEY)}")
    got = collect(keyed(web, "/x"), None, NOW, the_client(KEY), parser=quoting)
    assert (got.fetch.error or "").startswith("sample: cannot read b'no: ***")
    assert "***" in got.raws[0].url
    assert got.raws[0].headers["location"] == "/?***"


def test_the_key_header_goes_to_its_own_host_only(web: RawWeb) -> None:
    web.answers["/a"] = page(b"", "Location: /b", status="302 Found")
    away = web.url("/c", "other.example")
    web.answers["/b"] = page(b"", f"Location: {away}", status="302 Found")
    web.answers["/c"] = page()
    the_client(KEY).get(
        web.url("/a"), headers={"X-Key": KEY, "Accept": "text/csv"}, robots=False, secret=KEY
    )
    assert [KEY.encode() in one for one in web.requests] == [True, True, False]
    assert all(b"Accept: text/csv" in one for one in web.requests)


def test_an_error_carries_no_other_error_that_knows_the_key(web: RawWeb) -> None:
    web.answers["/garbage"] = b"HTTP/1.1 200 OK\r\nbad " + KEY.encode() + b" line\r\n\r\n"
    with pytest.raises(SourceError) as caught:
        the_client(KEY).get(web.url("/garbage"), robots=False, secret=KEY)
    assert not gives_away(str(caught.value), KEY, WAYS["by repr of bytes"])
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "한글키", "\x7f\x00abc"])
def test_a_key_that_cannot_be_one_is_refused_in_words_without_it(web: RawWeb, key: str) -> None:
    got = collect(keyed(web, "/x"), None, NOW, the_client(key))
    assert got.fetch.permanent
    assert "K holds a space" in (got.fetch.error or "")
    assert key not in (got.fetch.error or "")
    assert web.connections == 0


@pytest.mark.parametrize("piece", ["\\", "%25", "&amp;", "\\u0", "&#0", "abcdefg"])
def test_looking_for_a_key_takes_no_time_that_grows_with_the_square(piece: str) -> None:
    text = (piece * 60_000)[:60_000]  # a Location as long as a header may be
    begun = time.process_time()
    assert redact(text, KEY) == text
    assert time.process_time() - begun < 1.0  # 22 s of backslashes before
