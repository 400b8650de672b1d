"""A Slack that remembers, obeys Slack's limits, and fails when told to.

It serves the five Web API methods we use on loopback. Its clock is the test's, so that history
lag and late commits need no waiting. `fault(method, body)` names what goes wrong with a call:

    429         refused, Retry-After 1
    500         refused before anything happened
    drop        done, then the connection closes without an answer
    slow        the connection closes, and `slow_s` later it is done after all
    hang        no answer until the client gives up; not done
    <error>     a 200 that says ok: false, e.g. channel_not_found
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Fault = Callable[[str, dict[str, Any]], str | None]
HIDDEN = "xoxb-test-only"


class FakeSlack:
    """One workspace. Use as a context manager; `url` is what WebClient takes as base_url."""

    def __init__(self, channels: tuple[str, ...] = ("C1",), token: str = HIDDEN) -> None:
        self.token = token
        self.now = 1_633_919_400.0  # the test moves it
        self.lag_s = 0.0  # history shows a message only this long after it was done
        self.slow_s = 4.0
        self.page = 200
        self.fault: Fault = lambda method, body: None
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.messages: dict[str, list[dict[str, Any]]] = {name: [] for name in channels}
        self._late: list[tuple[float, str, dict[str, Any]]] = []
        self._count = 0
        self._lock = threading.Lock()
        self._release = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._answering())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/api/"

    def __enter__(self) -> FakeSlack:
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._release.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    # ----- what a test asks

    def posted(self, channel: str = "C1") -> Counter[str]:
        """How often each notification lies in the channel, by its metadata."""
        self.settle()
        keys = (
            m.get("metadata", {}).get("event_payload", {}).get("k", "")
            for m in self.messages[channel]
        )
        return Counter(keys)

    def settle(self) -> None:
        """Do what slow requests left undone until now."""
        with self._lock:
            due = [late for late in self._late if late[0] <= self.now]
            self._late = [late for late in self._late if late[0] > self.now]
            for at, channel, message in due:
                self._commit(channel, message, at)

    # ----- the Web API

    def serve(self, method: str, body: dict[str, Any], token: str) -> tuple[int, Any, str | None]:
        """(status, answer, fault) of one call."""
        self.settle()
        with self._lock:
            self.calls.append((method, body))
            if token != self.token:
                return 200, {"ok": False, "error": "invalid_auth"}, None
            fault = self.fault(method, body)
            if fault == "429":
                return 429, {"ok": False, "error": "ratelimited"}, None
            if fault == "500":
                return 500, {"ok": False, "error": "internal_error"}, None
            if fault == "hang":
                return 0, None, "hang"
            if fault == "slow":
                if method == "chat.postMessage":
                    late = (self.now + self.slow_s, body["channel"], _message(body))
                    self._late.append(late)
                return 0, None, "drop"
            if fault not in {None, "drop"}:
                return 200, {"ok": False, "error": fault}, None
            answer = METHODS[method](self, body)
            return 200, answer, fault

    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        if error := self._refusal(body):
            return {"ok": False, "error": error}
        message = self._commit(body["channel"], _message(body), self.now)
        return {"ok": True, "channel": body["channel"], "ts": message["ts"], "message": message}

    def update(self, body: dict[str, Any]) -> dict[str, Any]:
        if error := self._refusal(body):
            return {"ok": False, "error": error}
        for message in self.messages[body["channel"]]:
            if message["ts"] == body["ts"]:
                message.update(text=body["text"], blocks=body.get("blocks", []), edited=True)
                return {"ok": True, "channel": body["channel"], "ts": body["ts"]}
        return {"ok": False, "error": "message_not_found"}

    def history(self, body: dict[str, Any]) -> dict[str, Any]:
        roots = [m for m in self.messages.get(body["channel"], []) if "thread_ts" not in m]
        return self._read(body, list(reversed(roots)))

    def replies(self, body: dict[str, Any]) -> dict[str, Any]:
        inside = [
            m
            for m in self.messages.get(body["channel"], [])
            if body["ts"] in (m["ts"], m.get("thread_ts"))
        ]
        return self._read(body, inside) if inside else {"ok": False, "error": "thread_not_found"}

    def _read(self, body: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
        if body["channel"] not in self.messages:
            return {"ok": False, "error": "channel_not_found"}
        oldest = float(body.get("oldest", 0))
        rows = [m for m in rows if float(m["ts"]) >= oldest and m["_done"] + self.lag_s <= self.now]
        if body.get("include_all_metadata") not in {True, "1", "true"}:
            rows = [{k: v for k, v in m.items() if k != "metadata"} for m in rows]
        start = int(body.get("cursor") or 0)
        size = min(self.page, int(body.get("limit", 100)))
        more = start + size < len(rows)
        return {
            "ok": True,
            "messages": rows[start : start + size],
            "has_more": more,
            "response_metadata": {"next_cursor": str(start + size) if more else ""},
        }

    def _commit(self, channel: str, message: dict[str, Any], at: float) -> dict[str, Any]:
        self._count += 1
        done = {**message, "ts": f"{at:.0f}.{self._count:06d}", "_done": at}
        self.messages[channel].append(done)
        return done

    def _refusal(self, body: dict[str, Any]) -> str | None:
        """Slack's error code for a message it would not take."""
        if body.get("channel") not in self.messages:
            return "channel_not_found"
        if not body.get("text") and not body.get("blocks"):
            return "no_text"
        return blocks_refused(body.get("blocks") or [])

    def _answering(self) -> type[BaseHTTPRequestHandler]:
        slack = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                is_json = "json" in self.headers.get("Content-Type", "")
                self._answer(json.loads(raw) if is_json else _form(raw.decode()))

            def do_GET(self) -> None:
                self._answer(_form(urlsplit(self.path).query))

            def _answer(self, body: dict[str, Any]) -> None:
                method = urlsplit(self.path).path.removeprefix("/api/")
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                status, answer, fault = slack.serve(method, body, token)
                self.close_connection = True
                if fault == "hang":
                    slack._release.wait(10)
                if fault is not None:
                    return
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                if status == 429:
                    self.send_header("Retry-After", "1")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                return

        return Answering


METHODS: dict[str, Callable[[FakeSlack, dict[str, Any]], dict[str, Any]]] = {
    "chat.postMessage": FakeSlack.post,
    "chat.update": FakeSlack.update,
    "conversations.history": FakeSlack.history,
    "conversations.replies": FakeSlack.replies,
    "auth.test": lambda slack, body: {"ok": True, "user_id": "U1"},
}


def blocks_refused(blocks: list[dict[str, Any]]) -> str | None:
    """Slack's error code for these blocks, or None: its documented limits and the total."""
    if len(blocks) > 50:
        return "invalid_blocks"
    total = 0
    for block in blocks:
        texts = [block["text"]] if "text" in block else []
        texts += block.get("fields", []) + block.get("elements", [])
        limit = {"header": 150, "section": 3000, "context": 3000}.get(block["type"])
        if limit is None or len(block.get("elements", [])) > 10:
            return "invalid_blocks"
        for text in texts:
            words = text["text"]
            total += len(words)
            if not 1 <= len(words) <= limit:
                return "invalid_blocks"
        if any(len(text["text"]) > 2000 for text in block.get("fields", [])):
            return "invalid_blocks"
    return "msg_blocks_too_long" if total > 13_200 else None


def _message(body: dict[str, Any]) -> dict[str, Any]:
    kept = ("text", "blocks", "metadata", "thread_ts")
    return {key: body[key] for key in kept if key in body}


def _form(text: str) -> dict[str, Any]:
    return {key: values[0] for key, values in parse_qs(text).items()}
