"""A test's client that asks the application in its own thread, without a portal to another one.

Starlette's client starts a thread and an event loop for each question, or with a portal hands each
step of one to a thread and waits: four times what most of our answers cost. Here the application
runs to its end in an event loop of the thread that asks, by the same ASGI messages.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import unquote

import httpx2
import starlette.testclient as starlette_client

Transport = starlette_client._TestClientTransport
Handle = Callable[[Transport, httpx2.Request], httpx2.Response]
HIDDEN = ("http.response.debug",)


@contextmanager
def asked_directly() -> Iterator[None]:
    """While it lasts, every TestClient asks so, but one that was entered (it has a portal)."""
    real, loops = Transport.handle_request, _Loops()
    Transport.handle_request = _handle(real, loops)  # type: ignore[method-assign]
    try:
        yield
    finally:
        Transport.handle_request = real  # type: ignore[method-assign]
        loops.close()


class _Loops(threading.local):
    """An event loop for each thread that asks."""

    every: ClassVar[list[asyncio.AbstractEventLoop]] = []

    def __init__(self) -> None:
        self.own = asyncio.new_event_loop()
        self.every.append(self.own)

    def close(self) -> None:
        for loop in self.every:
            loop.close()
        self.every.clear()


def _handle(real: Handle, loops: _Loops) -> Handle:
    def handle(self: Transport, request: httpx2.Request) -> httpx2.Response:
        client: Any = self.portal_factory
        inside = asyncio._get_running_loop() is not None
        if inside or client.__self__.portal is not None or request.url.scheme in {"ws", "wss"}:
            return real(self, request)
        told = _Told(request.read())
        try:
            loops.own.run_until_complete(self.app(_scope(self, request), told.receive, told.send))
        except Exception:
            if self.raise_server_exceptions:
                raise
        return told.response(request, self.raise_server_exceptions)

    return handle


class _Told:
    """What the application is told of a question, and what it tells in answer."""

    def __init__(self, body: bytes) -> None:
        self.asked: bytes | None = body
        self.start: dict[str, Any] = {}
        self.body: list[bytes] = []
        self.ended = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self.asked is None:
            await self.ended.wait()
            return {"type": "http.disconnect"}
        body, self.asked = self.asked, None
        return {"type": "http.request", "body": body}

    async def send(self, message: Any) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            assert not self.start, "two answers to one question"
            self.start = message
        elif kind == "http.response.body":
            assert self.start, "a body before its answer began"
            assert not self.ended.is_set(), "a body after the answer ended"
            self.body.append(bytes(message.get("body", b"")))
            if not message.get("more_body", False):
                self.ended.set()
        else:
            assert kind in HIDDEN, f"{kind}: see starlette.testclient"

    def response(self, request: httpx2.Request, wanted: bool) -> httpx2.Response:
        if not self.start:
            assert not wanted, "the application did not answer"
            return httpx2.Response(500, request=request)
        headers = [(name.decode(), value.decode()) for name, value in self.start["headers"]]
        body = b"" if request.method == "HEAD" else b"".join(self.body)
        stream = httpx2.ByteStream(body)
        return httpx2.Response(
            self.start["status"], headers=headers, stream=stream, request=request
        )


def _scope(self: Transport, request: httpx2.Request) -> dict[str, Any]:
    url = request.url
    port = {"http": 80, "https": 443}[url.scheme] if url.port is None else url.port
    return {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "path": unquote(url.path),
        "raw_path": url.raw_path.split(b"?", 1)[0],
        "root_path": self.root_path,
        "scheme": url.scheme,
        "query_string": url.query,
        "headers": [(k.lower().encode(), v.encode()) for k, v in request.headers.multi_items()],
        "client": self.client,
        "server": [url.raw_host.decode("ascii"), port],
        "extensions": {"http.response.debug": {}},
        "state": self.app_state.copy(),
    }
