"""A loopback server that answers with the bytes a test gives it, well-formed or not, and counts."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

Answer = bytes | Callable[[socket.socket], None]


class RawWeb:
    """`answers[path]` is sent for that path; every connection is counted, every request kept.

    A callable gets the socket after the request was read: it may send, wait or do nothing.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[bytes] = []
        self.connections = 0
        self.closing = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def paths(self) -> list[str]:
        return [one.split(b" ")[1].decode("ascii", "replace") for one in self.requests]

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request:
                piece = connection.recv(65536)
                if not piece:
                    return
                request += piece
            self.requests.append(request)
            path = request.split(b" ")[1].decode("ascii", "replace").partition("?")[0]
            answer = self.answers.get(path, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            if callable(answer):
                answer(connection)
                return
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)

    def drip(self, start: bytes, piece: bytes, every_s: float = 0.03) -> Callable[..., None]:
        """An answer that begins and then goes on a little at a time, for some seconds."""

        def send(connection: socket.socket) -> None:
            connection.sendall(start)
            for _ in range(100):
                if self.closing.is_set():
                    return
                connection.sendall(piece)
                time.sleep(every_s)

        return send

    def hang(self, connection: socket.socket) -> None:
        self.closing.wait(30)

    def close(self) -> None:
        self.closing.set()
        self._listening.close()


@contextlib.contextmanager
def raw_web() -> Iterator[RawWeb]:
    web = RawWeb()
    try:
        yield web
    finally:
        web.close()


def page(body: bytes = b"x", *headers: str, status: str = "200 OK") -> bytes:
    """A well-formed answer; `headers` come before its Content-Length."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body
