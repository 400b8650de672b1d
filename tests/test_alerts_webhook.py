"""Webhooks: signed as the standard has it, told once by their id, and never to a stranger."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from alerts.channels import ChannelError, ChannelSettings, open_channel
from alerts.channels.webhook import Webhook, endpoint, parse_secrets, pause
from alerts.facts import exposure_facts
from alerts.messages import Message, build_message
from ews.model import (
    Bulletin,
    BulletinKind,
    BulletinPart,
    ChangeKind,
    Notification,
    RouteReason,
    Stage,
)
from tests.alert_samples import NOW, change, notification, urea_alert, urea_exposure, view_of

NEW = "whsec_" + "bmV3LXNlY3JldC1uZXctc2VjcmV0LW5ldy1zZWNyZXQ="
OLD = "whsec_" + "b2xkLXNlY3JldC1vbGQtc2VjcmV0LW9sZC1zZWNyZXQ="
SCHEMA = json.loads(files("alerts").joinpath("webhook.schema.json").read_text("utf-8"))
VALID = jsonschema.Draft202012Validator(SCHEMA)


@dataclass
class Receiver:
    """A receiver on loopback that keeps what it gets and answers as told."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    how: str = "answer"  # answer | drop | hang | slow head | drip | flood
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.got.append((dict(handler.headers), body))
        self.paths.append(handler.path)
        if self.how in {"drop", "hang"}:
            self.stop.wait(5 if self.how == "hang" else 0)
            handler.close_connection = True
            return
        if self.how == "slow head":  # each byte comes in time, the whole never does
            handler.wfile.write(b"HTTP/1.")
            self.drip(handler)
            return
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        if self.how == "drip":  # an answer that never ends, a byte at a time
            handler.end_headers()
            self.drip(handler)
        handler.end_headers()
        if self.how == "flood":
            handler.wfile.write(b"x" * 5_000_000)

    def drip(self, handler: BaseHTTPRequestHandler) -> None:
        while not self.stop.wait(0.05):
            handler.wfile.write(b".")
            handler.wfile.flush()


class Quiet(HTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """The other side hangs up on purpose here."""


@contextmanager
def receiving(receiver: Receiver, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/hook?from=ews"
    finally:
        receiver.stop.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def opened(
    secrets: tuple[str, ...] = (NEW,), at: datetime | None = None, timeout_s: float = 0.5
) -> Webhook:
    found = open_channel(
        "webhook",
        ChannelSettings(
            Path("."),
            webhook_secrets={"erp": secrets},
            clock=lambda: at or datetime.now(UTC),
            timeout_s=timeout_s,
            public_url="https://ews.agency.example",
        ),
    )
    assert isinstance(found, Webhook)
    return found


def hook(address: str, number: int = 1, **changes: object) -> Notification:
    one = replace(notification(number, 1, "webhook", address), receiver="erp")
    return replace(one, **changes)  # type: ignore[arg-type]


def told(kind: ChangeKind = ChangeKind.RAISED) -> Message:
    return build_message(view_of(change(kind, before=Stage.CAUTION)), "ko")


# --------------------------------------------------------------------------- signed


def test_the_receiver_verifies_what_came_with_the_library_of_the_standard() -> None:
    receiver = Receiver()
    with receiving(receiver) as address:
        sent = opened().send(told(), hook(address), None)
    headers, body = receiver.got[0]
    data = Verifier(NEW).verify(body, headers)
    assert data["type"] == "alert.raised"
    assert data["data"]["notification"] == headers["webhook-id"] == sent.external_id
    assert data["data"]["alert"]["items"][0]["ko"] == "요소"
    assert data["data"]["link"] == f"https://ews.agency.example/alerts/{hook(address).alert_id}"
    assert receiver.paths == ["/hook?from=ews"]


def test_while_secrets_change_over_both_verify_and_a_third_does_not() -> None:
    receiver = Receiver()
    with receiving(receiver) as address:
        opened((NEW, OLD)).send(told(), hook(address), None)
    headers, body = receiver.got[0]
    for secret in (NEW, OLD):
        Verifier(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Verifier("whsec_" + "dGhpcmQtc2VjcmV0LXRoaXJkLXNlY3JldC10aGlyZA==").verify(body, headers)


def test_a_stale_a_future_and_a_forged_one_are_refused_by_the_receiver() -> None:
    receiver = Receiver()
    now = datetime.now(UTC)
    with receiving(receiver) as address:
        for minutes in (-6, 6, 0):
            opened(at=now + timedelta(minutes=minutes)).send(told(), hook(address), None)
    for headers, body in receiver.got[:2]:
        with pytest.raises(WebhookVerificationError, match="too"):
            Verifier(NEW).verify(body, headers)
    headers, body = receiver.got[2]
    forged = [
        (headers, body.replace(b"caution", b"severe ")),
        ({**headers, "webhook-id": "ntf-other"}, body),
        ({**headers, "webhook-signature": "v1,AAAA"}, body),
    ]
    for changed, text in forged:
        with pytest.raises(WebhookVerificationError):
            Verifier(NEW).verify(text, changed)


def test_a_second_try_has_the_same_id_and_body_so_that_a_receiver_knows_the_copy() -> None:
    receiver, seen = Receiver(), set()
    with receiving(receiver) as address:
        for _ in range(2):
            opened().send(told(), hook(address), None)
    for headers, body in receiver.got:
        Verifier(NEW).verify(body, headers)
        seen.add((headers["webhook-id"], body))
    assert len(seen) == 1


def test_the_body_follows_the_shipped_schema_for_every_kind_of_change() -> None:
    receiver = Receiver()
    with receiving(receiver) as address:
        for kind in ChangeKind:
            opened().send(told(kind), hook(address, change=kind), None)
        bulletin = Bulletin(
            "bul-1", BulletinKind.DIGEST, "erp", "ko", NOW, "요약",
            (BulletinPart("보류", ("하나", "둘"), ("https://a.example/", "javascript:x")),),
            ("alr-0001",),
        )  # fmt: skip
        message = Message("요약\n", (), "", (), "", bulletin=bulletin)
        about = hook(address, bulletin="bul-1", reason=RouteReason.BULLETIN)
        opened().send(message, about, None)
    assert len(receiver.got) == len(ChangeKind) + 1
    for _, body in receiver.got:
        VALID.validate(json.loads(body))
    assert json.loads(receiver.got[-1][1])["data"]["bulletin"]["parts"][0]["links"][1] == ""


def test_a_firms_own_exposure_is_in_no_body() -> None:
    own = urea_exposure(1, firm="acme/canary", share_at_risk=0.123456)
    view = view_of(exposures=(own, urea_exposure(2)))
    receiver = Receiver()
    with receiving(receiver) as address:
        opened().send(build_message(view, "en"), hook(address), None)
    body = receiver.got[0][1]
    assert b"canary" not in body
    assert b"0.123456" not in body
    assert len(json.loads(body)["data"]["exposures"]) == 1
    with pytest.raises(ValueError, match="may not leave"):
        exposure_facts(own)


ANY = opened()


@given(st.text(st.characters(exclude_categories=[]), max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_text_makes_a_valid_body_of_clean_lines(text: str) -> None:
    alert = urea_alert(title=text, rule=text, signed_off_by=text, reasons=(text,))
    message = Message(text, (), "", (), "", view=view_of(change(alert=alert)))
    data = json.loads(ANY._body(message, hook("http://127.0.0.1/", why=text)))
    VALID.validate(data)
    assert not any(ord(char) < 32 for char in data["data"]["alert"]["title"])


def test_an_edit_posts_nothing() -> None:
    receiver = Receiver()
    with receiving(receiver) as address:
        assert opened().send(told(), hook(address, edit=True), "root").thread_id == "root"
    assert not receiver.got


# --------------------------------------------------------------------------- answers


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_two_hundreds_are_an_acceptance(status: int) -> None:
    receiver = Receiver(status)
    with receiving(receiver) as address:
        assert opened().send(told(), hook(address), "root").thread_id == "root"


@pytest.mark.parametrize(
    ("status", "headers", "permanent", "ambiguous", "wait"),
    [
        (429, {"Retry-After": "7"}, False, False, 7.0),
        (429, {}, False, False, None),
        (503, {"Retry-After": "99999999"}, False, False, 3600.0),
        (503, {}, False, True, None),
        (500, {}, False, True, None),
        (408, {}, False, False, None),
        (301, {"Location": "http://127.0.0.1:9/"}, True, False, None),
        (307, {"Location": "http://127.0.0.1:9/"}, True, False, None),
        (400, {}, True, False, None),
        (401, {}, True, False, None),
        (410, {}, True, False, None),
    ],
)
def test_any_other_answer_is_later_maybe_or_never(
    status: int, headers: dict[str, str], permanent: bool, ambiguous: bool, wait: float | None
) -> None:
    receiver = Receiver(status, headers)
    with receiving(receiver) as address, pytest.raises(ChannelError) as caught:
        opened().send(told(), hook(address), None)
    error = caught.value
    assert (error.permanent, error.ambiguous, error.retry_after_s) == (permanent, ambiguous, wait)
    assert len(receiver.got) == 1, "no redirect is followed, nothing is sent twice"


@pytest.mark.parametrize("how", ["drop", "hang", "slow head"])
def test_no_answer_is_ambiguous_and_ends_in_time(how: str) -> None:
    receiver, start = Receiver(how=how), time.monotonic()
    with receiving(receiver) as address, pytest.raises(ChannelError) as caught:
        opened(timeout_s=0.3).send(told(), hook(address), None)
    assert (caught.value.permanent, caught.value.ambiguous) == (False, True)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("how", ["drip", "flood"])
def test_an_answer_without_end_is_cut_off(how: str) -> None:
    receiver, start = Receiver(how=how), time.monotonic()
    with receiving(receiver) as address:
        opened(timeout_s=0.3).send(told(), hook(address), None)
    assert time.monotonic() - start < 2


def test_nobody_there_is_surely_not_sent() -> None:
    with receiving(Receiver()) as address:
        pass
    with pytest.raises(ChannelError) as caught:
        opened().send(told(), hook(address), None)
    assert (caught.value.permanent, caught.value.ambiguous) == (False, False)


def test_a_date_in_retry_after_counts_from_our_clock() -> None:
    assert pause("Mon, 11 Oct 2021 02:31:00 GMT", NOW) == 60.0
    assert pause("Mon, 11 Oct 2021 02:00:00 GMT", NOW) == 1.0
    assert pause("-5", NOW) == 1.0
    for strange in ("9" * 400, "9" * 5000, "nan", "inf", "１２", "", "Mon, 99 Foo 0000",
                    "Mon, 11 Oct 2021 02:31:00 +" + "9" * 30, "Mon, 11 Oct 9999 02:31:00 -2359",
                    ):  # fmt: skip
        assert pause(strange, NOW) in (None, 3600.0), strange


# --------------------------------------------------------------------------- addresses, secrets


@pytest.mark.parametrize(
    "address",
    [
        "http://agency.example/hook",
        "ftp://agency.example/",
        "https://user:pass@agency.example/",
        "https://",
        "https://agency.example/\r\nX-Other: 1",
        "https://agency.example:port/",
        "https://기관.kr/",
        "-",
        "",
    ],
)
def test_only_plain_https_addresses_are_posted_to(address: str) -> None:
    with pytest.raises(ChannelError, match="the address of 'erp'") as caught:
        opened().send(told(), hook(address), None)
    assert caught.value.permanent
    assert "pass@" not in str(caught.value)


def test_http_is_for_this_machine_only() -> None:
    assert endpoint("http://localhost:8080/x", "erp").port == 8080


def test_a_certificate_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", str(file), "-out", f"{file}.crt", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{file}.crt", file)
    receiver = Receiver()
    with receiving(receiver, context) as address:
        with pytest.raises(ChannelError, match="SSL_CERT_FILE") as caught:
            opened().send(told(), hook(address), None)
        assert caught.value.permanent
        assert not receiver.got
        monkeypatch.setenv("SSL_CERT_FILE", f"{file}.crt")
        opened().send(told(), hook(address), None)
    assert len(receiver.got) == 1


def test_secrets_are_read_a_line_each_and_never_shown() -> None:
    text = f"# receivers\nerp = {NEW} {OLD}\n\n; crisis room = {OLD}"
    assert parse_secrets(text) == {"erp": (NEW, OLD), "crisis room": (OLD,)}
    channel = opened((NEW,))
    assert NEW not in f"{channel!r}"
    assert NEW not in repr(ChannelSettings(Path("."), webhook_secrets={"erp": (NEW,)}))


@pytest.mark.parametrize(
    "text",
    ["erp", "erp = ", "= " + NEW, f"erp = {NEW}\nerp = {OLD}", "erp = whsec_c2hvcnQ=",
     "erp = " + NEW.removeprefix("whsec_"), "erp = whsec_!!!"],
)  # fmt: skip
def test_a_secret_that_cannot_be_used_is_loud_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r"^line \d") as caught:
        parse_secrets(text)
    assert "c2hvcnQ" not in str(caught.value)


def test_a_receiver_without_a_secret_is_dead_and_says_what_to_write() -> None:
    with pytest.raises(ChannelError, match="'crisis = whsec_") as caught:
        opened().send(told(), replace(hook("http://127.0.0.1:9/"), receiver="crisis"), None)
    assert caught.value.permanent
    with pytest.raises(ChannelError, match="EWS_WEBHOOK_SECRETS_FILE"):
        open_channel("webhook", ChannelSettings(Path(".")))
