"""A Slack that remembers, obeys Slack's limits, and fails when told to (docs/fake-slack.md).

It serves the Web API methods we use, and incoming webhooks, on loopback. Its clock is the test's,
so that history lag, late commits and rates need no waiting. `fault(method, body)` names what goes
wrong with a call:

    429         refused, Retry-After 1
    500         refused before anything happened
    drop        done, then the connection closes without an answer
    slow        the connection closes, and `slow_s` later it is done after all
    hang        no answer until the client gives up; not done
    stall       done, but no answer until the client gives up
    <error>     a 200 that says ok: false, e.g. channel_not_found
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Fault = Callable[[str, dict[str, Any]], str | None]
HIDDEN = "xoxb-test-only"


class Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client that was killed is no news
            super().handle_error(request, client_address)


class FakeSlack:
    """One workspace. Use as a context manager; `url` is what WebClient takes as base_url."""

    def __init__(
        self,
        channels: tuple[str, ...] = ("C1",),
        token: str = HIDDEN,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.token = token
        self._clock = clock
        self._now = 1_633_919_400.0
        self.per_s: float | None = None  # posts a second and channel; None: no limit
        self.burst = 1  # that many may come at once after a pause
        self.tier3_per_min: int | None = None  # calls a minute of each Tier 3 method
        self.refused = 0  # calls that broke a limit
        self.hang_s = 10.0  # real seconds
        self.lag_s = 0.0  # history shows a message only this long after it was done
        self.slow_s = 4.0
        self.page = 200
        self.fault: Fault = lambda method, body: None
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.messages: dict[str, list[dict[str, Any]]] = {name: [] for name in channels}
        self.webhooks: list[dict[str, Any]] = []  # what came to an incoming webhook, done
        self._late: list[tuple[float, str, dict[str, Any]]] = []
        self._ts: set[int] = set()
        self._free_at: dict[str, float] = {}
        self._tier3: dict[str, deque[float]] = {}
        self._lock = threading.Lock()
        self._release = threading.Event()
        self._server = Server(("127.0.0.1", 0), self._answering())
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

    @property
    def now(self) -> float:
        """The fake's time in seconds: the clock's if it was given one, else what the test set."""
        return self._clock() if self._clock else self._now

    @now.setter
    def now(self, at: float) -> None:
        self._now = at

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
            if fault == "429" or self._too_fast(method, body):
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
            if fault not in {None, "drop", "stall"}:
                return 200, {"ok": False, "error": fault}, None
            if method not in METHODS:
                return 200, {"ok": False, "error": "unknown_method"}, None
            return 200, METHODS[method](self, body), fault

    def hook(self, body: dict[str, Any]) -> tuple[int, Any, str | None]:
        """One call of an incoming webhook: the same faults, its words kept, no id given back."""
        with self._lock:
            fault = self.fault("webhook", body)
            if fault in {"429", "500"}:
                return int(fault), "ratelimited" if fault == "429" else "server_error", None
            if fault != "hang":
                self.webhooks.append(body)
            return 200, "ok", fault

    def _too_fast(self, method: str, body: dict[str, Any]) -> bool:
        """Whether a limit refuses the call; one that is let through counts."""
        if method == "chat.postMessage":
            fast = self.per_s is not None and self._over_rate(str(body.get("channel")), self.per_s)
        else:
            fast = method in TIER3 and self._over_tier(method)
        self.refused += fast
        return fast

    def _over_rate(self, channel: str, per_s: float) -> bool:
        """The bucket of a channel: `burst` posts at once, then `per_s` a second."""
        free_at = max(self._free_at.get(channel, 0.0), self.now - (self.burst - 1) / per_s)
        if free_at > self.now:
            return True
        self._free_at[channel] = free_at + 1 / per_s
        return False

    def _over_tier(self, method: str) -> bool:
        if self.tier3_per_min is None:
            return False
        calls = self._tier3.setdefault(method, deque())
        while calls and calls[0] <= self.now - 60:
            calls.popleft()
        if len(calls) >= self.tier3_per_min:
            return True
        calls.append(self.now)
        return False

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
        micro = int(at * 1_000_000)
        while micro in self._ts:  # a ts names one message of the channel
            micro += 1
        self._ts.add(micro)
        done = {**message, "ts": f"{micro // 1_000_000}.{micro % 1_000_000:06d}", "_done": at}
        self.messages[channel].append(done)
        return done

    def _refusal(self, body: dict[str, Any]) -> str | None:
        """Slack's error code for a message it would not take."""
        if body.get("channel") not in self.messages:
            return "channel_not_found"
        if not body.get("text") and not body.get("blocks"):
            return "no_text"
        metadata = body.get("metadata")
        if metadata is not None and set(metadata) != {"event_type", "event_payload"}:
            return "invalid_metadata_format"
        return blocks_refused(body.get("blocks") or [])

    def _answering(self) -> type[BaseHTTPRequestHandler]:
        slack = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                raw = self.rfile.read(length)
                if len(raw) < length:  # the client died while it wrote
                    self.close_connection = True
                    return
                is_json = "json" in self.headers.get("Content-Type", "")
                self._answer(json.loads(raw) if is_json else _form(raw.decode()))

            def do_GET(self) -> None:
                self._answer(_form(urlsplit(self.path).query))

            def _answer(self, body: dict[str, Any]) -> None:
                method = urlsplit(self.path).path.removeprefix("/api/")
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                is_hook = method.startswith("/services/")
                status, answer, fault = (
                    slack.hook(body) if is_hook else slack.serve(method, body, token)
                )
                self.close_connection = True
                if fault in {"hang", "stall"}:
                    slack._release.wait(slack.hang_s)
                if fault is not None:
                    return
                data = answer.encode() if is_hook else json.dumps(answer).encode()
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
TIER3 = {"chat.update", "conversations.history", "conversations.replies"}
TEXT_LIMITS = {"header": 150, "section": 3000, "context": 3000, "actions": 75}
ELEMENTS = {"context": 10, "actions": 25}


def blocks_refused(blocks: list[dict[str, Any]]) -> str | None:
    """Slack's error code for these blocks, or None: its documented limits and the total."""
    if len(blocks) > 50:
        return "invalid_blocks"
    total = 0
    for block in blocks:
        words = texts_of(block)
        if words is None:
            return "invalid_blocks"
        total += sum(map(len, words))
    return "msg_blocks_too_long" if total > 13_200 else None


def texts_of(block: dict[str, Any]) -> list[str] | None:
    """The texts of a block; None when the block breaks a documented limit."""
    kind, elements = block["type"], block.get("elements", [])
    if kind in {"divider", "image"}:
        return []
    limit = TEXT_LIMITS.get(kind)
    if limit is None or len(elements) > ELEMENTS.get(kind, 0):
        return None
    words = [block["text"]["text"]] if "text" in block else []
    words += [part["text"] if isinstance(part["text"], str) else part["text"]["text"]
              for part in elements if "text" in part]  # fmt: skip
    fields = [field["text"] for field in block.get("fields", [])]
    if not all(1 <= len(text) <= limit for text in words):
        return None
    if len(fields) > 10 or not all(1 <= len(text) <= 2000 for text in fields):
        return None
    return words + fields


def _message(body: dict[str, Any]) -> dict[str, Any]:
    kept = ("text", "blocks", "metadata", "thread_ts")
    return {key: body[key] for key in kept if key in body}


def _form(text: str) -> dict[str, Any]:
    return {key: values[0] for key, values in parse_qs(text).items()}
