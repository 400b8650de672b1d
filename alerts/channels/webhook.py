"""Tell other systems by outgoing webhooks, signed as Standard Webhooks has it.

`webhook-id` is the notification's ID and the same at each try, so that a receiver knows a copy.
Nothing can be looked up: whatever failed without a definite answer is sent again. Only 2xx is an
acceptance. No redirect is followed, TLS is checked, the answer's body is not used.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urlsplit

from standardwebhooks import Webhook as Signer

from alerts.channels.channel import ChannelError, ChannelSettings, Sent, standing
from alerts.channels.deadline import deadline
from alerts.facts import Codes, alert_body, alert_link, bulletin_body, stamp
from alerts.messages import Message
from ews.model import Notification

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
LATER = {408, 425, 429}
LONGEST_WAIT_S = 3_600.0
DRAIN = 65_536  # bytes of an answer that are read, and thrown away
KEY_BYTES = range(24, 65)  # what Standard Webhooks asks of a secret
USER_AGENT = "ews-webhook/1"


class Webhook:
    """A channel that posts signed JSON. Secrets are never shown."""

    def __init__(self, settings: ChannelSettings, clock: Callable[[], datetime]) -> None:
        self._secrets = settings.webhook_secrets
        self._timeout_s = settings.timeout_s
        self._codes: Codes = settings.codes
        self._public_url = settings.public_url
        self._clock = clock
        self._tls = ssl.create_default_context()

    def __repr__(self) -> str:
        return "Webhook(secrets=***)"

    def send(self, message: Message, notification: Notification, thread_id: str | None) -> Sent:
        """Post one notification; sent when the receiver answers 2xx."""
        if notification.edit:
            return standing(notification, thread_id)
        place = endpoint(notification.address, notification.receiver)
        body = self._body(message, notification)
        status, wait = self._post(place, notification.id, self._signed(notification, body), body)
        if status // 100 != 2:
            raise refused(place.hostname or "", status, wait)
        return Sent(notification.id, thread_id or notification.id)

    def find(
        self,
        notification_id: str,
        address: str,
        since: datetime,
        thread_id: str | None = None,
    ) -> Sent | None:
        """Nothing can be looked up: None, so that it is sent again under the same webhook-id."""
        return None

    def _body(self, message: Message, notification: Notification) -> bytes:
        if message.view is not None:
            link = message.link or alert_link(self._public_url, notification.alert_id)
            data = alert_body(message.view, notification, message.text, self._codes, link)
            kind = f"alert.{message.view.kind.value}"
        elif message.bulletin is not None:
            data = bulletin_body(message.bulletin, notification, message.text, self._public_url)
            kind = f"bulletin.{message.bulletin.kind.value}"
        else:
            raise ChannelError("webhook: a message without an alert or bulletin", permanent=True)
        whole = {"type": kind, "timestamp": stamp(notification.at), "data": data}
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
            "utf-8", "replace"
        )

    def _signed(self, notification: Notification, body: bytes) -> dict[str, str]:
        """The three headers; one signature per secret, so that a receiver can change over."""
        secrets = self._secrets.get(notification.receiver, ())
        if not secrets:
            raise ChannelError(
                f"webhook: no secret for the receiver {notification.receiver!r}; add a line "
                f"'{notification.receiver} = whsec_...' to webhook_secrets",
                permanent=True,
            )
        now = self._clock().astimezone(UTC)
        signatures = [Signer(one).sign(notification.id, now, body.decode()) for one in secrets]
        return {
            "webhook-id": notification.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }

    def _post(
        self, place: SplitResult, id: str, signed: Mapping[str, str], body: bytes
    ) -> tuple[int, float | None]:
        """The status and the pause asked for. The request goes out once."""
        headers = {**signed, "Content-Type": "application/json", "User-Agent": USER_AGENT,
                   "Connection": "close"}  # fmt: skip
        host = place.hostname or ""
        connection = self._connection(place)
        path = (place.path or "/") + (f"?{place.query}" if place.query else "")
        with deadline(lambda: connection.sock, self._timeout_s):
            try:
                connection.connect()
            except ssl.SSLCertVerificationError as error:
                raise ChannelError(
                    f"webhook: the certificate of {host} does not hold ({error.reason}); for a CA "
                    "of your own set SSL_CERT_FILE",
                    permanent=True,
                ) from None
            except OSError as error:
                raise broken(host, error, ambiguous=False) from None
            try:
                connection.request("POST", path, body, headers)
                answer = connection.getresponse()
                wait = pause(answer.getheader("Retry-After"), self._clock())
                with contextlib.suppress(OSError, http.client.HTTPException):
                    answer.read(DRAIN)
                return answer.status, wait
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise broken(host, error, ambiguous=True) from None
            finally:
                connection.close()

    def _connection(self, place: SplitResult) -> http.client.HTTPConnection:
        if place.scheme == "https":
            return http.client.HTTPSConnection(
                place.hostname or "", place.port, timeout=self._timeout_s, context=self._tls
            )
        return http.client.HTTPConnection(place.hostname or "", place.port, timeout=self._timeout_s)


def endpoint(address: str, receiver: str) -> SplitResult:
    """The parts of the receiver's address. ChannelError (permanent) unless it is plain https."""
    problem = None
    try:
        place = urlsplit(address)
        _ = place.port
    except ValueError:
        problem = "is not an address"
    else:
        local = place.scheme == "http" and place.hostname in LOOPBACK
        if not re.fullmatch(r"[!-~]+", address):
            problem = "may hold plain ASCII only; write other characters as %XX or punycode"
        elif not place.hostname or (place.scheme != "https" and not local):
            problem = "must begin with https:// (http:// to this machine only)"
        elif "@" in place.netloc:
            problem = "may not hold a user name"
    if problem:
        raise ChannelError(f"webhook: the address of {receiver!r} {problem}", permanent=True)
    return place


def refused(host: str, status: int, wait: float | None) -> ChannelError:
    """What an answer other than 2xx means: later, maybe, or never."""
    text = f"webhook: {host} answered {status}"
    if status in LATER or (status == 503 and wait is not None):
        return ChannelError(text, retry_after_s=wait)
    if status >= 500:
        return ChannelError(text, ambiguous=True, retry_after_s=wait)
    if status // 100 == 3:
        return ChannelError(
            f"{text}: redirects are not followed; give the receiver its final address",
            permanent=True,
        )
    return ChannelError(
        f"{text}; check the address and the secret of the receiver, then `ews outbox resend`",
        permanent=True,
    )


def broken(host: str, error: Exception, ambiguous: bool) -> ChannelError:
    """No answer. Before the request left, it surely did not arrive."""
    named = "name not found" if isinstance(error, socket.gaierror) else type(error).__name__
    return ChannelError(f"webhook: no answer from {host} ({named})", ambiguous=ambiguous)


def pause(header: str | None, now: datetime) -> float | None:
    """Seconds a Retry-After asks for, 1 to 3,600; None when it asks for none or is not readable.

    >>> pause("120", datetime(2026, 1, 5, tzinfo=UTC)), pause("soon", datetime(2026, 1, 5, tzinfo=UTC))
    (120.0, None)
    """
    if header is None:
        return None
    try:
        if re.fullmatch(r"[+-]?[0-9]{1,15}", header.strip()):
            seconds = float(header)
        else:
            until = parsedate_to_datetime(header)
            until = until if until.tzinfo else until.replace(tzinfo=UTC)
            seconds = (until - now).total_seconds()
    except (ValueError, OverflowError, TypeError, IndexError):  # as a stranger writes it
        return None
    return min(LONGEST_WAIT_S, max(1.0, seconds))


def parse_secrets(text: str) -> dict[str, tuple[str, ...]]:
    """`receiver = whsec_new whsec_old` a line (or between `;`). ValueError, without the secret."""
    found: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(re.split(r"[\n;]", text), start=1):
        name, equals, rest = line.partition("=")
        if not line.strip() or line.strip().startswith("#"):
            continue
        secrets = tuple(rest.split())
        if not equals or not name.strip() or not secrets or name.strip() in found:
            raise ValueError(f"line {number}: write `receiver = whsec_...`, each receiver once")
        if not all(map(_is_secret, secrets)):
            raise ValueError(
                f"line {number}: a secret is whsec_ and the base64 of 24 to 64 random bytes; "
                "`openssl rand -base64 32` makes them"
            )
        found[name.strip()] = secrets
    return found


def _is_secret(text: str) -> bool:
    if not re.fullmatch(r"whsec_[A-Za-z0-9+/]+={0,2}", text):
        return False
    bits = len(text.removeprefix("whsec_").rstrip("=")) * 6
    return bits // 8 in KEY_BYTES


def open_webhook(settings: ChannelSettings) -> Webhook:
    """ChannelError (permanent), saying what is missing, when nothing can be signed."""
    if not settings.webhook_secrets:
        raise ChannelError(
            "webhook: no secrets; set EWS_WEBHOOK_SECRETS_FILE (docs/howto-channels.md)",
            permanent=True,
        )
    if settings.clock is None:
        raise ChannelError("webhook: opened without a clock", permanent=True)
    return Webhook(settings, settings.clock)
