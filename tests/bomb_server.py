"""A server of bombs on loopback, a process of its own: what hostile or broken publishers send.

python -m tests.bomb_server        prints its port; ends with its input
"""

from __future__ import annotations

import base64
import contextlib
import io
import os
import random
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MIB = 1024 * 1024
RSS = b'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>t</title>'
END = b"</channel></rss>"
ITEM = b"<item><title>%d %s</title><link>https://example.org/%d</link><description>%s</description></item>"


def _filled(before: bytes, part: bytes, after: bytes, size: int = 8 * MIB - 4096) -> bytes:
    return before + part * ((size - len(before) - len(after)) // len(part)) + after


def _one(text: bytes) -> bytes:
    return RSS + ITEM % (1, b"t", 1, text) + END


def _laughs() -> bytes:
    lines = b"".join(
        b'<!ENTITY l%d "%s">' % (n, (b"&l%d;" % (n - 1)) * 10 if n else b"lol") for n in range(10)
    )
    return b"<?xml version='1.0'?><!DOCTYPE rss [" + lines + b"]>" + _one(b"&l9;")[38:]


def _quadratic() -> bytes:
    entity = b'<!DOCTYPE rss [<!ENTITY a "' + b"a" * 100_000 + b'">]>'
    return entity + _one(b"&a;" * 100_000)[38:]


def _zipped(name: str, part: bytes, times: int) -> bytes:
    made = io.BytesIO()
    with (
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(name, "w", force_zip64=True) as file,
    ):
        for _ in range(times):
            file.write(part)
    return made.getvalue()


def _many_members() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for n in range(60_000):
            archive.writestr(f"{n}.gkg.csv", b"")
    return made.getvalue()


def _workbook_bomb() -> bytes:
    """A workbook whose sheet is 1 GiB of cells; the lists beside it are sound."""
    rel = b'<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>'
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "xl/workbook.xml",
            '<workbook xmlns:r="r"><sheets><sheet name="Monthly Prices" r:id="r1"/></sheets></workbook>',
        )
        archive.writestr("xl/_rels/workbook.xml.rels", rel)
        archive.writestr("xl/sharedStrings.xml", b"<sst/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as file:
            file.write(b"<worksheet><sheetData><row>")
            for _ in range(1024):
                file.write(b"<c><v>1</v></c>" * (MIB // 15))
    return made.getvalue()


# 300 MiB of zeros as brotli (quality 11, window of 16 MiB) writes them
BROTLI = (
    "z///f/gnAOKxQCD3/p/////wTwDEYQGA7v0/////4Z8AiMMiAN37f/7//8M/ARCHBQC69//8//+HfwIgDgsAdO//+f//D/8EQBwWAOje"
    "//P//x/+CYA4LADQvf/n//8//BMAcVgAoHv/z///f/gnAOKwAED3/p/////wTwDEYQGA7v0/////4Z8AiMMCAN37f/7//8M/ARCHBQC6"
    "9//8//+HfwIgDgsAdO//+f//D/8EQBwWAOje//P//x/+CYA4LADQvf/n//8//BMAcVgAoHv/z///f/gnAOKwAED3/p/////wTwDEYQGA"
    "7v1//v//4p8AiMMCAN37Xw=="
)


def _deflated(form: int) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, form)
    return b"".join(packer.compress(bytes(MIB)) for _ in range(300)) + packer.flush()


def _zstd() -> bytes:
    """RFC 8878: a frame with a window of 2 MiB, 2,400 blocks that say "128 KiB of this byte"."""
    size = 128 * 1024
    head = [(size << 3 | 1 << 1 | (n == 2399)).to_bytes(3, "little") for n in range(2400)]
    return b"\x28\xb5\x2f\xfd\x00\x58" + b"".join(one + b"\0" for one in head)


@cache
def zeros(coding: str) -> bytes:
    """300 MiB of zeros, in that coding."""
    if coding == "br":
        return base64.b64decode(BROTLI)
    if coding == "zstd":
        return _zstd()
    if coding == "gzip, gzip":
        return zlib.compress(zeros("gzip"), 1, 31)
    return _deflated(15 if coding == "deflate" else 31)


# name -> (kind of source that reads it, the body)
BODIES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "xml: billion laughs": ("rss", _laughs),
    "xml: quadratic blow-up": ("rss", _quadratic),
    "xml: huge DOCTYPE": ("rss", lambda: _filled(b"<!DOCTYPE rss [<!--", b"x" * 1000, b"-->]>" + RSS + END)),
    "xml: 50,000 deep": ("rss", lambda: RSS + b"<a>" * 50_000 + b"</a>" * 50_000 + END),
    "xml: 50,000 deep, tables": ("xml", lambda: b"<a>" * 50_000 + b"</a>" * 50_000),
    "xml: attribute of 8 MiB, unclosed": ("rss", lambda: _filled(RSS + b'<item a="', b"x" * 1000, b"")),
    "xml: 200,000 attributes": (
        "rss", lambda: RSS + b"<item " + b" ".join(b'a%d="1"' % n for n in range(200_000)) + b"/>" + END,
    ),
    "xml: 200,000 attributes, tables": (
        "xml", lambda: b"<r><item " + b" ".join(b'a%d="1"' % n for n in range(200_000)) + b"/></r>",
    ),
    "xml: 700,000 elements, tables": ("xml", lambda: _filled(b"<r>", b"<item><a/></item>", b"</r>")),
    "feed: 20,000 entries": (
        "rss", lambda: RSS + b"".join(ITEM % (n, b"t" * 60, n, b"x" * 120) for n in range(20_000)) + END,
    ),
    "feed: 8 MB in one text, with an emoji": (
        "rss", lambda: RSS + _filled(b"<item><title>t</title><description>\xf0\x9f\x9a\xa2", b"port strike ", b"</description></item>", 8_000_000) + END,
    ),
    "feed: 8 MB of Korean in one text": (
        "rss", lambda: RSS + _filled(b"<item><title>t</title><description>", "요소 ".encode(), b"</description></item>", 8_000_000) + END,
    ),
    "feed: 20,000 deep HTML": ("rss", lambda: _one(b"<![CDATA[" + b"<div>" * 20_000 + b"</div>" * 20_000 + b"]]>")),
    "feed: 8 MB of <": ("rss", lambda: _one(_filled(b"<![CDATA[", b"<a <!-- ", b"]]>", 7 * MIB))),
    "feed: not well-formed, 900 KB": ("rss", lambda: RSS + _filled(b"", b"<item><title>a & b</title></item>", b"", 900_000)),
    "html: 20,000 deep page": ("rss", lambda: b"<html>" + b"<div>" * 20_000),
    "bytes: 8 MiB at random": ("rss", lambda: random.Random(8).randbytes(8 * MIB - 4096)),
    "bytes: 8 MiB of undeclared cp949": ("csv", lambda: _filled(b"", "요소 수출,".encode("cp949"), b"")),
    "json: arrays in arrays": ("json", lambda: b"[" * 4_000_000 + b"]" * 4_000_000),
    "json: millions of arrays": ("json", lambda: _filled(b"[", b"[],", b"[]]")),
    "json: an integer of 5 MB": ("json", lambda: b'[{"a": ' + b"9" * 5_000_000 + b"}]"),
    "json: millions of keys": ("json", lambda: b"[{" + b",".join(b'"%d":0' % n for n in range(700_000)) + b"}]"),
    "csv: one line of 8 MB": ("csv", lambda: _filled(b"", b"x" * 1000, b"")),
    "csv: 8 MB of commas": ("csv", lambda: _filled(b"a,b\n", b",", b"")),
    "csv: a quote that never ends": ("csv", lambda: _filled(b'a,b\n"', b"x,\n", b"")),
    "zip: workbook of 1 GiB": ("xlsx", _workbook_bomb),
    "zip: GDELT file of 1 GiB": ("gdelt", lambda: _zipped("20240101000000.gkg.csv", b"0\t" * (MIB // 2), 1024)),
    "zip: 60,000 members": ("gdelt", _many_members),
}  # fmt: skip


@cache
def body_of(number: int) -> bytes:
    return list(BODIES.values())[number][1]()


class Bombs(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        with contextlib.suppress(OSError):  # whoever asked has gone: that is what is hoped for
            way = WAYS.get(self.path.split("?")[0])
            if way is not None:
                way(self)
            else:
                self._send(body_of(int(self.path[1:])))

    def _send(self, body: bytes, **headers: str) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def bomb(self, coding: str) -> None:
        self._send(zeros(coding), Content_Encoding=coding, Content_Type="application/xml")

    def drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        while True:
            self.wfile.write(b"x")
            time.sleep(0.4)

    def drip_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for n in range(100_000):
            self.wfile.write(b"X-%d: 1\r\n" % n)
            time.sleep(0.4)

    def endless_header(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            self.wfile.write(b"x" * MIB)

    def chunked(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            self.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    def redirect(self) -> None:
        self.send_response(302)
        self.send_header("Location", f"/redirect?{time.monotonic_ns()}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


WAYS: dict[str, Callable[[Bombs], None]] = {
    "/gzip": lambda one: one.bomb("gzip"), "/deflate": lambda one: one.bomb("deflate"),
    "/br": lambda one: one.bomb("br"), "/zstd": lambda one: one.bomb("zstd"),
    "/gzip-twice": lambda one: one.bomb("gzip, gzip"), "/drip": Bombs.drip,
    "/drip-headers": Bombs.drip_headers, "/endless-header": Bombs.endless_header,
    "/chunked": Bombs.chunked, "/redirect": Bombs.redirect,
}  # fmt: skip


@contextmanager
def serving() -> Iterator[int]:
    """The port of such a server in a process of its own."""
    command = [sys.executable, "-m", "tests.bomb_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def main() -> None:
    zeros("deflate"), zeros("gzip")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bombs)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
