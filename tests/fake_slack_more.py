"""The rest of a Slack: forms, words for one reader, files, and Socket Mode.

`FullSlack` is tests/fake_slack.py with the methods that buttons and pictures need. A form opens
with a trigger that the fake gave out within the last three seconds, once; a file lies in a thread
only after its bytes came and it was completed. `sockets` is a WebSocket server (RFC 6455, text
frames) that slack-sdk's own client connects to.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from tests.fake_slack import METHODS, FakeSlack

TEAM = "T1"
APP_TOKEN = "xapp-test-only"
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # of RFC 6455


class FullSlack(FakeSlack):
    """A Slack with forms, files and sockets."""

    def __init__(self, channels: tuple[str, ...] = ("C1",), **more: Any) -> None:
        super().__init__(channels, **more)
        self.triggers: dict[str, float] = {}  # given out, by the fake's time
        self.forms: list[dict[str, Any]] = []
        self.ephemerals: list[dict[str, Any]] = []
        self.responses: list[dict[str, Any]] = []  # sent to a response_url
        self.files: dict[str, bytes] = {}
        self.shared: list[dict[str, Any]] = []  # completed: channel, thread, name, title
        self.names: dict[str, str] = {}
        self.response_status = 200
        self.sockets = Sockets()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.sockets.close()

    def trigger(self) -> str:
        """A new trigger, as a press carries one."""
        name = f"{len(self.triggers) + 1}.trigger"
        self.triggers[name] = self.now
        return name

    @property
    def response_url(self) -> str:
        return self.url.replace("/api/", "/respond/1")

    def serve(self, method: str, body: dict[str, Any], token: str) -> tuple[int, Any, str | None]:
        if method == "apps.connections.open":
            self.calls.append((method, body))
            fault = self.fault(method, body)
            if token != APP_TOKEN or fault:
                return 200, {"ok": False, "error": fault or "not_allowed_token_type"}, None
            return 200, {"ok": True, "url": self.sockets.url}, None
        return super().serve(method, body, token)

    def open_view(self, body: dict[str, Any]) -> dict[str, Any]:
        given = self.triggers.pop(body["trigger_id"], None)
        if given is None:
            return {"ok": False, "error": "invalid_trigger_id"}
        if self.now - given > 3:
            return {"ok": False, "error": "expired_trigger_id"}
        self.forms.append(body["view"])
        return {"ok": True, "view": {"id": f"V{len(self.forms)}"}}

    def ephemeral(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["channel"] not in self.messages:
            return {"ok": False, "error": "channel_not_found"}
        self.ephemerals.append(body)
        return {"ok": True, "message_ts": "1.000001"}

    def upload_url(self, body: dict[str, Any]) -> dict[str, Any]:
        file = f"F{len(self.names) + 1}"
        self.names[file] = str(body["filename"])
        url = self.url.replace("/api/", f"/upload/{file}/{body['length']}")
        return {"ok": True, "upload_url": url, "file_id": file}

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        for file in json.loads(body["files"]):
            if file["id"] not in self.files:
                return {"ok": False, "error": "file_not_found"}
            self.shared.append(
                {"channel": body["channel_id"], "thread": body.get("thread_ts"),
                 "name": self.names[file["id"]], "title": file["title"],
                 "png": self.files[file["id"]]}
            )  # fmt: skip
        return {"ok": True, "files": body["files"]}

    def take_raw(self, path: str, raw: bytes) -> int:
        """The status for bytes that come to an upload address or a response_url."""
        if path.startswith("/upload/"):
            _, _, file, length = path.split("/")
            fault = self.fault("upload", {"file": file})
            if fault or file not in self.names or len(raw) != int(length):
                return int(fault or 400)
            self.files[file] = raw
            return 200
        self.responses.append(json.loads(raw))
        return self.response_status

    def _answering(self) -> type[BaseHTTPRequestHandler]:
        slack, usual = self, super()._answering()

        class Answering(usual):  # type: ignore[valid-type, misc]
            def do_POST(self) -> None:
                path = urlsplit(self.path).path
                if path.startswith("/api/"):
                    super().do_POST()
                    return
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(slack.take_raw(path, raw))
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

        return Answering


METHODS |= {
    "views.open": FullSlack.open_view,  # type: ignore[dict-item]
    "chat.postEphemeral": FullSlack.ephemeral,  # type: ignore[dict-item]
    "files.getUploadURLExternal": FullSlack.upload_url,  # type: ignore[dict-item]
    "files.completeUploadExternal": FullSlack.complete,  # type: ignore[dict-item]
    "auth.test": lambda slack, body: {"ok": True, "user_id": "U1", "team_id": TEAM},
}


class Sockets:
    """A WebSocket server with one client at a time: `send` an envelope, read what comes back."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}/link"
        self.connections = 0
        self.received: list[dict[str, Any]] = []  # text frames, parsed
        self.news = threading.Condition()
        self._client: socket.socket | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send(self, envelope: dict[str, Any]) -> None:
        assert self._client is not None
        self._client.sendall(frame(0x1, json.dumps(envelope).encode()))

    def cut(self) -> None:
        """The connection breaks."""
        if self._client is not None:
            self._client.shutdown(socket.SHUT_RDWR)

    def wait(self, what: Any, seconds: float = 5.0) -> bool:
        """Whether `what()` became true in time; looked at after each frame and connection."""
        with self.news:
            return bool(self.news.wait_for(what, seconds))

    def close(self) -> None:
        self._closing.set()
        self.cut()
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            with client:
                client.settimeout(None)
                with suppress(OSError):
                    self._serve(client)
                self._client = None

    def _serve(self, client: socket.socket) -> None:
        _greet(client)
        self._client = client
        with self.news:
            self.connections += 1
            self.news.notify_all()
        while True:
            opcode, data = _read_frame(client)
            if opcode == 0x9:  # ping
                client.sendall(frame(0xA, data))
            elif opcode == 0x8:
                return
            elif opcode == 0x1:
                with self.news:
                    self.received.append(json.loads(data))
                    self.news.notify_all()


def frame(opcode: int, data: bytes) -> bytes:
    """One final, unmasked frame."""
    head = bytes([0x80 | opcode])
    if len(data) < 126:
        return head + bytes([len(data)]) + data
    if len(data) < 65_536:
        return head + b"\x7e" + struct.pack(">H", len(data)) + data
    return head + b"\x7f" + struct.pack(">Q", len(data)) + data


def _greet(client: socket.socket) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        head += _exactly(client, 1)
    lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line)
    asked = next(value for key, value in lines.items() if key.lower() == "sec-websocket-key")
    accept = base64.b64encode(hashlib.sha1(f"{asked}{GUID}".encode()).digest()).decode()
    client.sendall(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
    )


def _read_frame(client: socket.socket) -> tuple[int, bytes]:
    first, second = _exactly(client, 2)
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack(">H", _exactly(client, 2))
    elif size == 127:
        (size,) = struct.unpack(">Q", _exactly(client, 8))
    mask = _exactly(client, 4) if second & 0x80 else bytes(4)
    data = _exactly(client, size)
    return first & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


def _exactly(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = client.recv(count - len(data))
        if not part:
            raise ConnectionError("closed")
        data += part
    return data
