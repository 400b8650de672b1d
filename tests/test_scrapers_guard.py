"""The address guard: nothing that is not public is ever reached, however it is written."""

from __future__ import annotations

import ipaddress
import shutil
import ssl
import subprocess
from pathlib import Path

import httpx2
import pytest
from pytest_httpserver import HTTPServer

from scrapers.errors import SourceError
from scrapers.guard import Deadline, GuardedBackend, is_public
from scrapers.http import Client

# What the stubbed resolver answers. Names only; numbers never need it.
NAMES = {
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
}
HOSTS = [
    *NAMES,
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
    "[100::1]", "[2001:4860::200:5efe:7f00:1]", "[::ffff:169.254.169.254]", "[::ffff:0a00:0001]",
]  # fmt: skip


def stub(host: str, port: int) -> list[str]:
    if host not in NAMES:
        raise OSError(f"no such name: {host}")
    return NAMES[host]


def test_no_private_address_is_reached_in_any_spelling(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("secret")
    client = Client("test", resolver=stub, min_gap_s=0)
    urls = [f"http://{host}:{httpserver.port}/" for host in HOSTS]
    urls += [
        f"http://user:pw@127.0.0.1:{httpserver.port}/",
        f"http://example.org@127.0.0.1:{httpserver.port}/",
        f"http://127.0.0.1:{httpserver.port}\\@example.org/",
    ]
    assert len(urls) >= 80
    said = []
    for url in urls:
        with pytest.raises(SourceError) as caught:
            client.get(url, robots=False)
        said.append(caught.value.message)
    assert httpserver.log == []
    assert sum("not a public address" in words for words in said) >= 60  # the guard, not chance


def test_a_plain_client_would_have_reached_it(httpserver: HTTPServer) -> None:
    """The canary can sing: without the guard some of those spellings arrive."""
    httpserver.expect_request("/").respond_with_data("secret")
    with httpx2.Client(trust_env=False) as plain:
        for host in ("127.0.0.1", "2130706433", "0x7f.1"):
            assert plain.get(f"http://{host}:{httpserver.port}/").text == "secret"


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


def test_a_redirect_to_a_private_address_is_refused(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/go").respond_with_data(
        status=302, headers={"Location": "http://10.0.0.1/latest/meta-data/"}
    )
    client = Client("test", allow_loopback=True, min_gap_s=0)
    with pytest.raises(SourceError, match="not a public address"):
        client.get(httpserver.url_for("/go"), robots=False)


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
    with HTTPServer(ssl_context=context) as server:
        server.expect_request("/feed").respond_with_data("over TLS")
        client = Client(
            "test", resolver=lambda host, port: ["127.0.0.1"], allow_loopback=True, attempts=1,
            min_gap_s=0, ca_file=str(cert),
        )  # fmt: skip
        good = client.get(f"https://feeds.example:{server.port}/feed", robots=False)
        assert good.body == b"over TLS"
        with pytest.raises(SourceError, match="certificate verify failed"):
            client.get(f"https://other.example:{server.port}/feed", robots=False)
