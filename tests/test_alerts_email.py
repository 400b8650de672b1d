"""E-mail: plain words in Korean, threads by ids, and no doubt about what a failure means."""

from __future__ import annotations

import email
import ssl
import subprocess
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.channels import ChannelError, ChannelSettings, Smtp, open_channel
from alerts.channels.email import Email, compose, message_id
from alerts.delivery import attempt
from alerts.messages import Message, build_message
from ews.model import ChangeKind, Delivery, DeliveryState, Notification, Stage
from tests.alert_samples import NOW, change, notification, urea_alert, view_of
from tests.fake_smtp import FakeSmtp

SENDER = "ews@agency.example"


def mail_to(number: int = 1, revision: int = 1, **changes: object) -> Notification:
    one = notification(number, revision, "email", "duty@ministry.example")
    return replace(one, **changes)  # type: ignore[arg-type]


def words(text: str) -> Message:
    return Message(text, (), "", (), "")


def opened(server: FakeSmtp, **changes: object) -> Email:
    smtp = Smtp("127.0.0.1", SENDER, server.port, "none")
    smtp = replace(smtp, **changes)  # type: ignore[arg-type]
    found = open_channel("email", ChannelSettings(Path("."), smtp=smtp, timeout_s=0.4))
    assert isinstance(found, Email)
    return found


def parsed(raw: bytes) -> EmailMessage:
    found = email.message_from_bytes(raw, policy=default)
    assert isinstance(found, EmailMessage)
    assert not found.defects
    return found


# --------------------------------------------------------------------------- the mail


def test_a_korean_alert_arrives_word_for_word() -> None:
    message = build_message(view_of(), "ko")
    with FakeSmtp() as server:
        sent = opened(server).send(message, mail_to(), None)
    mail = parsed(server.taken[0])
    assert mail["Subject"] == message.text.splitlines()[0]
    assert "요소" in mail["Subject"]
    assert mail.get_content().replace("\r\n", "\n").split() == message.text.split()
    assert mail.get_content_type() == "text/plain"
    assert (mail["From"], mail["To"]) == (SENDER, "duty@ministry.example")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert sent.external_id == mail["Message-ID"] == f"<{mail_to().id}@agency.example>"
    assert all(len(line) <= 998 for line in server.taken[0].split(b"\r\n"))
    assert server.taken[0].isascii(), "old relays take seven bits only"


def test_a_thread_is_told_by_ids_that_follow_from_the_alert() -> None:
    first = compose(words("a"), mail_to(revision=1), None, SENDER)
    root = str(first["Message-ID"])
    later = compose(words("b"), mail_to(revision=2), root, SENDER)
    alert = message_id("alr-0001", "agency.example")
    assert first["References"] == alert
    assert (later["In-Reply-To"], later["References"]) == (root, f"{alert} {root}")
    assert later["Message-ID"] != root
    other = compose(words("c"), mail_to(number=2), None, SENDER)
    assert other["References"] != first["References"]


def test_the_same_notification_is_the_same_mail_byte_for_byte() -> None:
    message = build_message(view_of(), "ko")
    once, again = (compose(message, mail_to(), None, SENDER).as_bytes() for _ in range(2))
    assert once == again


def test_a_high_stage_is_marked_for_filters_and_a_low_one_is_not() -> None:
    assert compose(words("a"), mail_to(stage=Stage.SEVERE), None, SENDER)["Importance"] == "high"
    low = compose(words("a"), mail_to(stage=Stage.CAUTION), None, SENDER)
    assert (low["Importance"], low["X-EWS-Stage"]) == (None, "caution")


def test_an_edit_posts_nothing() -> None:
    with FakeSmtp() as server:
        sent = opened(server).send(words("a"), mail_to(edit=True), "<root@agency.example>")
    assert (sent.thread_id, server.taken, server.commands) == ("<root@agency.example>", [], [])


HOSTILE = st.text(
    st.one_of(
        st.characters(exclude_categories=[]),
        st.sampled_from("\r\n\0\x0b\x85\u2028\u202e\ud800=?<>@,;:\"'."),
    ),
    max_size=300,
)


@given(HOSTILE, HOSTILE)
@settings(max_examples=150, deadline=None)
def test_no_text_can_add_a_header_or_end_the_mail(subject: str, thread: str) -> None:
    text = f"{subject}\r\nBcc: spy@evil.example\r\n.\r\nMAIL FROM:<spy@evil.example>"
    mail = compose(words(text), mail_to(), thread, SENDER)
    again = parsed(mail.as_bytes())
    assert set(again.keys()) <= {
        "From", "To", "Subject", "Date", "Message-ID", "References", "Auto-Submitted",
        "X-Auto-Response-Suppress", "Content-Language", "X-EWS-Alert", "Content-Type",
        "Content-Transfer-Encoding", "MIME-Version", "In-Reply-To",
    }  # fmt: skip
    assert again["Bcc"] is None
    assert "In-Reply-To" not in again or "\n" not in again["In-Reply-To"]


def test_a_line_with_one_dot_does_not_end_the_mail() -> None:
    with FakeSmtp() as server:
        opened(server).send(words("one\n.\n..\ntwo"), mail_to(), None)
    assert parsed(server.taken[0]).get_content().split() == ["one", ".", "..", "two"]


# --------------------------------------------------------------------------- failures


@pytest.mark.parametrize("step", ["connect", "EHLO", "MAIL", "RCPT", "DATA", "dot"])
@pytest.mark.parametrize(("answer", "permanent"), [("451 later", False), ("550 no", True)])
def test_a_refusal_at_any_step_is_definite(step: str, answer: str, permanent: bool) -> None:
    with FakeSmtp({step: answer}) as server, pytest.raises(ChannelError) as caught:
        opened(server).send(words("a"), mail_to(), None)
    assert (caught.value.permanent, caught.value.ambiguous) == (permanent, False)
    assert answer[:3] in str(caught.value)
    assert not server.taken


@pytest.mark.parametrize("step", ["connect", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("how", ["drop", "hang"])
def test_silence_before_the_text_is_surely_not_sent(step: str, how: str) -> None:
    with FakeSmtp({step: how}) as server, pytest.raises(ChannelError) as caught:
        opened(server).send(words("a"), mail_to(), None)
    assert (caught.value.permanent, caught.value.ambiguous) == (False, False)


@pytest.mark.parametrize("how", ["drop", "hang", "take and drop", "take and hang"])
def test_silence_after_the_final_dot_is_ambiguous(how: str) -> None:
    with FakeSmtp({"dot": how}) as server, pytest.raises(ChannelError) as caught:
        opened(server).send(words("a"), mail_to(), None)
    assert (caught.value.permanent, caught.value.ambiguous) == (False, True)
    assert len(server.taken) == how.startswith("take")


def test_an_ambiguous_mail_is_sent_again_under_the_same_message_id() -> None:
    first = Delivery(
        mail_to().id, DeliveryState.TRYING, attempts=1, lease_until=NOW + timedelta(hours=1)
    )
    with FakeSmtp({"dot": "take and drop"}) as server:
        channel = opened(server)
        after = attempt(channel, words("a"), mail_to(), first, None, NOW).delivery
        assert after.state is DeliveryState.AMBIGUOUS
        server.plan.clear()
        lease = NOW + timedelta(hours=1)
        later = replace(after, state=DeliveryState.TRYING, attempts=2, lease_until=lease)
        minute = NOW + timedelta(minutes=1)
        end = attempt(channel, words("a"), mail_to(), later, None, minute).delivery
    assert end.state is DeliveryState.SENT
    ids = [parsed(raw)["Message-ID"] for raw in server.taken]
    assert ids == [f"<{mail_to().id}@agency.example>"] * 2, "a reader can tell that it is a copy"


def test_nobody_there_is_surely_not_sent() -> None:
    with FakeSmtp() as server:
        channel = opened(server)
    with pytest.raises(ChannelError) as caught:
        channel.send(words("a"), mail_to(), None)
    assert (caught.value.permanent, caught.value.ambiguous) == (False, False)


@pytest.mark.parametrize(
    "address",
    ["", "no address", "a@b\r\nRCPT TO:<c@d>", "a@b.kr,c@d.kr", "이름@기관.kr", "<a@b.kr>"],
)
def test_an_address_that_is_none_is_dead_and_nothing_is_said(address: str) -> None:
    with FakeSmtp() as server, pytest.raises(ChannelError, match="one address only") as caught:
        opened(server).send(words("a"), mail_to(address=address), None)
    assert caught.value.permanent
    assert server.commands == []


# --------------------------------------------------------------------------- TLS and login


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of 127.0.0.1 in one file, signed by itself."""
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", str(file), "-out", str(file) + ".crt", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_a_password_goes_over_tls_that_was_checked(
    way: str, tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    with FakeSmtp(tls=tls, wrapped=way == "tls") as server:
        opened(server, tls=way, user="ews", password="pass-word").send(words("a"), mail_to(), None)
    assert server.login == ("ews", "pass-word")
    assert len(server.taken) == 1


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_ends_it(way: str, tls: ssl.SSLContext) -> None:
    with FakeSmtp(tls=tls, wrapped=way == "tls") as server:
        channel = opened(server, tls=way, user="ews", password="pass-word")
        with pytest.raises(ChannelError, match="SSL_CERT_FILE") as caught:
            channel.send(words("a"), mail_to(), None)
    assert caught.value.permanent
    assert server.login is None


def test_a_server_that_offers_no_tls_gets_no_mail() -> None:
    with FakeSmtp() as server, pytest.raises(ChannelError, match="offers no STARTTLS") as caught:
        opened(server, tls="starttls").send(words("a"), mail_to(), None)
    assert caught.value.permanent
    assert not server.taken


def test_a_wrong_password_is_dead_and_never_shown(
    tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    with FakeSmtp({"AUTH": "535 pass-word is wrong"}, tls=tls) as server:
        channel = opened(server, tls="starttls", user="ews", password="pass-word")
        with pytest.raises(ChannelError, match="check smtp_user") as caught:
            channel.send(words("a"), mail_to(), None)
    assert caught.value.permanent
    assert "pass-word" not in f"{caught.value}{channel!r}{channel._smtp!r}"


@pytest.mark.parametrize(
    ("smtp", "says"),
    [
        (None, "set smtp_host"),
        (Smtp("host", "nobody"), "smtp_from must read"),
        (Smtp("host", SENDER, tls="none", user="ews", password="x"), "not sent without TLS"),
    ],
)
def test_what_is_missing_is_said_when_it_opens(smtp: Smtp | None, says: str) -> None:
    with pytest.raises(ChannelError, match=says) as caught:
        open_channel("email", ChannelSettings(Path("."), smtp=smtp))
    assert caught.value.permanent


@pytest.mark.parametrize("kind", [ChangeKind.RESOLVED, ChangeKind.RETRACTED])
def test_the_end_of_an_alert_reads_as_such_in_a_list_of_mails(kind: ChangeKind) -> None:
    message = build_message(view_of(change(kind, urea_alert(), Stage.CAUTION)), "ko")
    mail = compose(message, mail_to(change=kind), None, SENDER)
    assert "주의" not in mail["Subject"].partition("]")[0]
