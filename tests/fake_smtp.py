"""A mail server on loopback that keeps what it takes and fails on demand, step by step."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from dataclasses import dataclass, field
from typing import Self

STEPS = ("connect", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "dot")


@dataclass
class FakeSmtp:
    """`plan` maps a step to what happens there: an answer line such as "451 later", "drop" (the
    connection ends), "hang" (no answer) or, at the final dot, "take and drop" and "take and hang":
    the mail is kept, the answer is lost."""

    plan: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None  # offers STARTTLS
    wrapped: bool = False  # speaks TLS from the start
    taken: list[bytes] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    login: tuple[str, str] | None = None

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._server.close()
        self._thread.join(5)

    def _serve(self) -> None:
        self._server.settimeout(0.05)
        while not self._stop.is_set():
            try:
                raw, _ = self._server.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            raw.settimeout(5)
            self._open = raw
            try:
                if self.wrapped and self.tls:
                    self._open = self.tls.wrap_socket(raw, server_side=True)
                self._talk(self._open)
            except (OSError, ConnectionError, ValueError):
                pass
            finally:
                self._open.close()
                raw.close()

    def _happens(self, connection: socket.socket, step: str, answer: str) -> None:
        """The planned thing, or the answer."""
        planned = self.plan.get(step, answer)
        if planned.endswith("hang"):
            self._stop.wait(5)
        if planned.endswith(("hang", "drop")):
            raise ConnectionError(step)
        connection.sendall(planned.encode() + b"\r\n")
        if planned[0] in "45" and step == "connect":
            raise ConnectionError(step)

    def _talk(self, connection: socket.socket) -> None:
        self._happens(connection, "connect", "220 fake ready")
        stream, secure = connection.makefile("rb"), self.wrapped
        while line := stream.readline():
            verb = line.decode("latin-1").split()[0].upper()
            self.commands.append(line.decode("latin-1").strip())
            if verb == "QUIT":
                return
            if verb == "EHLO":
                more = "250-STARTTLS\r\n" if self.tls and not secure else ""
                self._happens(connection, "EHLO", f"250-fake\r\n{more}250 AUTH PLAIN")
            elif verb == "STARTTLS":
                self._happens(connection, "STARTTLS", "220 go")
                assert self.tls is not None
                stream.close()
                connection = self._open = self.tls.wrap_socket(connection, server_side=True)
                stream, secure = connection.makefile("rb"), True
            elif verb == "AUTH":
                _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
                self.login = (user, password)
                self._happens(connection, "AUTH", "235 welcome")
            elif verb in {"MAIL", "RCPT"}:
                self._happens(connection, verb, "250 fine")
            elif verb == "DATA":
                self._happens(connection, "DATA", "354 go on")
                self._mail(connection, stream)

    def _mail(self, connection: socket.socket, stream: object) -> None:
        lines: list[bytes] = []
        while (line := stream.readline()) and line != b".\r\n":  # type: ignore[attr-defined]
            lines.append(line[1:] if line.startswith(b"..") else line)
        if not line:
            return
        planned = self.plan.get("dot", "250 taken")
        if planned.startswith(("250", "take")):
            self.taken.append(b"".join(lines))
        self._happens(connection, "dot", planned)
