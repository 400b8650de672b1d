"""The address guard: nothing that is not public is ever reached, however it is written."""

from __future__ import annotations

import ipaddress
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpcore2
import httpx2
import pytest
from pytest_httpserver import HTTPServer

from scrapers.errors import SourceError
from scrapers.guard import Deadline, GuardedBackend, is_public
from scrapers.http import Client
from tests.raw_web import RawWeb, page, raw_web

# What the stubbed resolver answers. Names only; numbers never need it.
NAMES = {
    "public.example": ["93.184.216.34"],
    "localhost": ["127.0.0.1", "::1"],
    "localhost.": ["127.0.0.1"],
    "inside.example": ["10.0.0.5"],
    "one-of-two.example": ["93.184.216.34", "192.168.1.4"],
    "six.example": ["2606:2800:220:1::1", "fd00::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "sixtofour.example": ["2002:7f00:1::1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "link.example": ["fe80::1%eth0"],
    "metadata.example": ["169.254.169.254"],
    "rebind.example": ["127.0.0.1"],
    "none.example": ["0.0.0.0"],
    "cgnat.example": ["100.64.0.9"],
    "multicast.example": ["224.0.1.1"],
    "broadcast.example": ["255.255.255.255"],
    "xn--lcalhost-54a.example": ["127.0.0.2"],
    "localhost.localdomain": ["127.0.0.1"],
    "ip6-localhost": ["::1"],
    "sub.localhost": ["127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "metadata": ["169.254.169.254"],
    "instance-data": ["169.254.169.254"],
    "127.0.0.1.nip.example": ["127.0.0.1"],
    "cname.example": ["93.184.216.34", "127.0.0.1"],  # whatever the chain of names was
    "teredo.example": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "isatap.example": ["2001:4860::5efe:10.0.0.1"],
    "translated.example": ["::ffff:0:10.0.0.1"],
    "nobody.example": ["0.0.0.0"],
    "docs.example": ["192.0.2.10"],
    "bench.example": ["198.19.255.255"],
}
HOSTS = [
    *(name for name in NAMES if name != "public.example"),
    # IPv4 spelt out, and all the ways inet_aton reads it
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0x7f.1",
    "0177.0.0.1", "0177.1", "017700000001", "127.0.0.1.", "0", "0.0.0.0", "127.255.255.254",
    "10.0.0.1", "10.1", "0xa.0.0.1", "012.0.0.1", "167772161", "172.16.0.1", "172.31.255.255",
    "192.168.0.1", "3232235521", "0xc0a80001", "169.254.169.254", "2852039166", "0xa9fea9fe",
    "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.88.99.1", "168.63.129.16",
    # full-width and other digits, circled letters, ideographic full stop
    "１２７.０.０.１", "127。0。0。1", "①②⑦.⓪.⓪.①", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "２１３０７０６４３３",
    # IPv6
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]", "[2002:a00:1::1]", "[2001:0:1:2:3:4:80ff:fffe]", "[fe80::1]", "[fc00::1]",
    "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[3fff::1]", "[5f00::1]",
    "[fe80::1%25eth0]", "[::1%25lo]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::0001]",
    "[::FFFF:127.0.0.1]", "[::ffff:c0a8:1]", "[2002:c0a8:1::1]", "[2002:a9fe:a9fe::]",
    "[64:ff9b::a9fe:a9fe]", "[2001:4860::5efe:192.168.0.1]", "[ff05::2]", "[2001:10::1]",
    # percent-encoded, and characters that some readers drop
    "127.0.0.%31", "%31%32%37.0.0.1", "127%2E0%2E0%2E1", "loc%61lhost", "127.0.0.1%00.example.org",
    "127.0\t.0.1", "127.0.0\n.1", "local\rhost", "127.0.0.1 ", " 127.0.0.1", "127\u00ad.0.0.1",
    "127\u200b.0.0.1", "0x7f.0x0.0x0.0x1", "00000177.00.00.01", "127.00000.00000.00001",
    "127.0.0.01", "0x7F000001", "10.1.1", "0127.0.0.1", "192.0.0.8", "192.168.1", "198.19.0.1",
    "[100::1]", "[2001:4860::200:5efe:7f00:1]", "[::ffff:169.254.169.254]", "[::ffff:0a00:0001]",
]  # fmt: skip


def stub(host: str, port: int) -> list[str]:
    if host not in NAMES:
        raise OSError(f"no such name: {host}")
    return NAMES[host]


PUBLIC = "93.184.216.34"


class Sockets:
    """Every address that a socket was opened to. The public one leads to our own server."""

    def __init__(self, web: RawWeb) -> None:
        self.opened: list[str] = []
        plain = httpcore2.SyncBackend.connect_tcp

        def connect(
            backend: httpcore2.SyncBackend, host: str, port: int, *rest: Any, **more: Any
        ) -> Any:
            self.opened.append(host)
            if host == PUBLIC:
                host, port = "127.0.0.1", web.port
            if not ipaddress.ip_address(host).is_loopback:
                raise httpcore2.ConnectError("a test stays on this machine")
            return plain(backend, host, port, *rest, **more)

        self.connect = connect


@pytest.fixture
def web() -> Iterator[RawWeb]:
    with raw_web() as server:
        server.answers["/"] = page(b"secret")
        yield server


@pytest.fixture
def sockets(web: RawWeb, monkeypatch: pytest.MonkeyPatch) -> Sockets:
    seen = Sockets(web)
    monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", seen.connect)
    return seen


def test_no_private_address_is_reached_in_any_spelling(web: RawWeb, sockets: Sockets) -> None:
    client = Client("test", resolver=stub, min_gap_s=0)
    urls = [f"http://{host}{port}/" for host in HOSTS for port in (f":{web.port}", "")]
    urls += [
        f"http://user:pw@127.0.0.1:{web.port}/",
        f"http://example.org@127.0.0.1:{web.port}/",
        f"http://example.org:80@127.0.0.1:{web.port}/",
        f"http://127.0.0.1:{web.port}\\@example.org/",
        f"http://example.org\\@127.0.0.1:{web.port}/",
        f"http://example.org#@127.0.0.1:{web.port}/",
        f"http://example.org?@127.0.0.1:{web.port}/",
        f"http:127.0.0.1:{web.port}/",
        f"http:/127.0.0.1:{web.port}/",
        f"http:///127.0.0.1:{web.port}/",
        f"//127.0.0.1:{web.port}/",
        f"HTTP://127.0.0.1:{web.port}/",
        f"\thttp://127.0.0.1:{web.port}/",
        f"unix://127.0.0.1:{web.port}/",
    ]
    assert len(HOSTS) >= 125
    assert len(set(urls)) == len(urls)
    said = []
    for url in urls:
        with pytest.raises(SourceError) as caught:
            client.get(url, robots=False)
        said.append(caught.value.message)
    assert (sockets.opened, web.connections) == ([], 0)
    # by the guard, not by chance
    assert sum("not a public address" in words for words in said) >= 2 * 90


def test_the_same_client_reaches_it_where_a_test_allows_it(web: RawWeb, sockets: Sockets) -> None:
    """The canary can sing: the server is there and counts."""
    client = Client("test", resolver=stub, min_gap_s=0, allow_loopback=True)
    for host in ("127.0.0.1", "2130706433", "0x7f.1", "localhost."):
        assert client.get(f"http://{host}:{web.port}/", robots=False).body == b"secret"
    assert (len(sockets.opened), web.connections) == (4, 4)


def test_a_plain_client_would_have_reached_it(web: RawWeb) -> None:
    with httpx2.Client(trust_env=False) as plain:
        for host in ("127.0.0.1", "2130706433", "0x7f.1"):
            assert plain.get(f"http://{host}:{web.port}/").text == "secret"
    assert web.connections == 3


ONWARD = [
    "http://127.0.0.1:{port}/", "//127.0.0.1:{port}/", "http://2130706433:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/", "http://inside.example/", "http://10.0.0.1/latest/",
    "http://169.254.169.254/latest/meta-data/", "http://metadata.google.internal/",
    "http://cname.example/", "http://public.example@127.0.0.1:{port}/",
    "file:///etc/passwd", "ftp://public.example/", "gopher://127.0.0.1:{port}/", "data:text/plain,x",
    "javascript:alert(1)", "unix:///run/x.sock", "http://public.example:22/",
    "http://public.example:25/", "http://public.example:6379/", "http://public.example:8080/",
]  # fmt: skip


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_leads_inside(web: RawWeb, sockets: Sockets, status: int) -> None:
    """Each from a public page; the server would be reached if one were followed."""
    client = Client("test", resolver=stub, min_gap_s=0, attempts=1)
    for onward in ONWARD:
        there = onward.format(port=web.port)
        web.answers["/go"] = page(b"", f"Location: {there}", status=f"{status} Elsewhere")
        with pytest.raises(SourceError) as caught:
            client.get("http://public.example/go", robots=False)
        assert caught.value.permanent, there
    assert set(web.paths()) == {"/go"}
    assert sockets.opened == [PUBLIC] * len(ONWARD)


def test_backslashes_in_a_redirect_are_no_slashes(web: RawWeb, sockets: Sockets) -> None:
    """As browsers read them they would name another host; as RFC 3986 does they are a path."""
    web.answers["/go"] = page(b"", f"Location: \\\\127.0.0.1:{web.port}\\x", status="302 Elsewhere")
    reply = Client("test", resolver=stub, min_gap_s=0).get("http://public.example/go", robots=False)
    assert reply.url.startswith("http://public.example/")
    assert sockets.opened == [PUBLIC, PUBLIC]


def test_a_name_that_turns_private_between_two_hops_is_refused(
    web: RawWeb, sockets: Sockets
) -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    web.answers["/go"] = page(b"", "Location: /", status="302 Found")
    client = Client("test", resolver=lambda host, port: next(answers), min_gap_s=0)
    with pytest.raises(SourceError, match="not a public address"):
        client.get("http://rebind.example/go", robots=False)
    assert (sockets.opened, web.connections) == ([PUBLIC], 1)


def test_what_was_checked_is_what_is_connected_to(web: RawWeb, sockets: Sockets) -> None:
    asked: list[str] = []

    def once(host: str, port: int) -> list[str]:
        asked.append(host)
        return [PUBLIC]

    client = Client("test", resolver=once, min_gap_s=0)
    assert client.get("http://public.example/", robots=False).body == b"secret"
    assert (asked, sockets.opened) == (["public.example"], [PUBLIC])
    assert b"\r\nHost: public.example\r\n" in web.requests[0]


def test_no_proxy_and_no_password_of_the_environment_is_used(
    web: RawWeb, sockets: Sockets, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine public.example login me password hush\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{web.port}")
    client = Client("test", resolver=stub, min_gap_s=0)
    assert client.get("http://public.example/", robots=False).status == 200
    assert sockets.opened == [PUBLIC]
    assert web.requests[0].startswith(b"GET / HTTP/1.1\r\n")
    assert b"authorization" not in web.requests[0].lower()
    with httpx2.Client() as plain:  # it would have been used
        plain.get("http://public.example/")
    assert web.requests[1].startswith(b"GET http://public.example/ HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "data:text/plain,x",
     "http:///nohost", "example.org", "http://[::1", "http://exa mple.org/", "https://"],
)  # fmt: skip
def test_only_whole_web_urls_are_used(url: str) -> None:
    with pytest.raises(SourceError) as caught:
        Client("test", resolver=stub).get(url, robots=False)
    assert caught.value.permanent


@pytest.mark.parametrize("port", [22, 25, 6379, 8080, 5432])
def test_only_web_ports_are_used(port: int) -> None:
    backend = GuardedBackend(Deadline(5), lambda host, port: ["93.184.216.34"])
    assert backend.checked("public.example", 443)
    with pytest.raises(SourceError, match="port"):
        backend.checked("public.example", port)


def test_a_name_that_changes_its_address_is_checked_each_time() -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    backend = GuardedBackend(Deadline(5), lambda host, port: next(answers))
    assert [str(a) for a in backend.checked("rebind.example", 80)] == ["93.184.216.34"]
    with pytest.raises(SourceError, match="not a public address"):
        backend.checked("rebind.example", 80)


def test_public_addresses_pass() -> None:
    for text in ("93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "2002:808:808::1"):
        assert is_public(ipaddress.ip_address(text)), text


def test_unix_sockets_are_refused() -> None:
    with pytest.raises(SourceError):
        GuardedBackend(Deadline(1)).connect_unix_socket("/run/x.sock")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_https_checks_the_name_although_the_guard_connects_to_an_address(tmp_path: Path) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=feeds.example",
         "-addext", "subjectAltName=DNS:feeds.example"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    named: list[str | None] = []
    context.sni_callback = lambda sock, name, ctx: named.append(name)
    with HTTPServer(ssl_context=context) as server:
        server.expect_request("/feed").respond_with_data("over TLS")
        client = Client(
            "test", resolver=lambda host, port: ["127.0.0.1"], allow_loopback=True, attempts=1,
            min_gap_s=0, ca_file=str(cert),
        )  # fmt: skip
        good = client.get(f"https://feeds.example:{server.port}/feed", robots=False)
        assert good.body == b"over TLS"
        assert named == ["feeds.example"]  # so a server of many sites shows the right certificate
        with pytest.raises(SourceError, match="certificate verify failed"):
            client.get(f"https://other.example:{server.port}/feed", robots=False)
