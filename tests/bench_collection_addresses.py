"""How many spellings of an inner address reach a socket? `python -m tests.bench_collection_addresses`."""

from __future__ import annotations

import json
import sys

import httpcore2

from scrapers.errors import SourceError
from scrapers.http import Client
from tests.raw_web import RawWeb, page, raw_web
from tests.test_scrapers_guard import HOSTS, ONWARD, Sockets, stub


def measure() -> dict[str, object]:
    """Forms tried (each with and without a port), redirects tried, sockets opened to an inner
    address (0 wanted), and what the same client reached where it was allowed to (the control)."""
    plain = httpcore2.SyncBackend.connect_tcp
    with raw_web() as web:
        sockets = Sockets(web)
        httpcore2.SyncBackend.connect_tcp = sockets.connect  # type: ignore[assignment,method-assign]
        try:
            return _measured(web, sockets)
        finally:
            httpcore2.SyncBackend.connect_tcp = plain  # type: ignore[method-assign]


def _measured(web: RawWeb, sockets: Sockets) -> dict[str, object]:
    client = Client("bench", resolver=stub, min_gap_s=0, attempts=1)
    urls = [f"http://{host}{port}/" for host in HOSTS for port in (f":{web.port}", "")]
    refused = sum(_refused(client, url) for url in urls)
    direct, connections = len(sockets.opened), web.connections
    followed = 0
    for onward in ONWARD:
        location = onward.format(port=web.port)
        web.answers["/go"] = page(b"", f"Location: {location}", status="302 Found")
        followed += not _refused(client, "http://public.example/go")
    inner = [one for one in sockets.opened if one != "93.184.216.34"]
    allowed = Client("bench", resolver=stub, min_gap_s=0, attempts=1, allow_loopback=True)
    before = web.connections
    for host in ("127.0.0.1", "2130706433", "0x7f.1", "localhost."):
        allowed.get(f"http://{host}:{web.port}/", robots=False)
    return {
        "forms": len(HOSTS), "urls": len(urls), "refused": refused,
        "sockets_opened": direct, "connections": connections,
        "redirects": len(ONWARD), "redirects_followed": followed, "inner_sockets_opened": len(inner),
        "control_reached": web.connections - before,
    }  # fmt: skip


def _refused(client: Client, url: str) -> bool:
    try:
        client.get(url, robots=False)
    except SourceError:
        return True
    return False


def main() -> int:
    """Prints the figures; 1 when the bar is missed or the control did not arrive."""
    got = measure()
    print(json.dumps(got))
    good = (
        int(str(got["forms"])) >= 60
        and got["refused"] == got["urls"]
        and (got["sockets_opened"], got["redirects_followed"], got["inner_sockets_opened"])
        == (0, 0, 0)
        and got["control_reached"] == 4
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
