"""Send alerts by e-mail (SMTP): plain words, one thread per alert, the same Message-ID at each try.

SMTP has no look-up, so `find` knows nothing. Everything that fails before the final dot of DATA
was begun surely did not arrive. From there to the server's answer it may have: then it is sent
again, under the same Message-ID, by which mail stores and readers know a copy. A doubled mail is
better than a lost alert.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

from alerts.channels.channel import ChannelError, ChannelSettings, Sent, Smtp, standing
from alerts.channels.deadline import deadline
from alerts.facts import many_lines
from alerts.messages import Message
from alerts.plain import one_line
from ews.model import Notification, Stage

ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
ID = re.compile(r"<[A-Za-z0-9.-]+@[A-Za-z0-9.-]+>")
SUBJECT = 150
NEVER = range(500, 600)  # any other refusal is for now: busy, or greylisting


class Email:
    """A channel that hands plain text to one mail server. The password is never shown."""

    def __init__(self, smtp: Smtp, timeout_s: float, tls: ssl.SSLContext | None) -> None:
        self._smtp = smtp
        self._timeout_s = timeout_s
        self._tls = tls
        self._domain = smtp.sender.partition("@")[2]

    def __repr__(self) -> str:
        return f"Email({self._smtp.host}:{self._smtp.port})"

    def send(self, message: Message, notification: Notification, thread_id: str | None) -> Sent:
        """Hand over one mail. It is `sent` when the server has taken it."""
        if notification.edit:
            return standing(notification, thread_id)
        if not ADDRESS.fullmatch(notification.address):
            raise ChannelError(
                f"email: the address of {notification.receiver!r} must read name@host.domain, one "
                "address only (for several people, a mailing list)",
                permanent=True,
            )
        mail = compose(message, notification, thread_id, self._smtp.sender)
        body = mail.as_bytes(policy=SMTP_POLICY)
        server = self._client()
        with deadline(lambda: server.sock, self._timeout_s):
            try:
                self._connect(server)
                self._hand_over(server, notification.address, body)
            finally:
                _part(server)
        own = str(mail["Message-ID"])
        return Sent(own, thread_id or own)

    def find(
        self,
        notification_id: str,
        address: str,
        since: datetime,
        thread_id: str | None = None,
    ) -> Sent | None:
        """Nothing can be looked up: None, so that it is sent again under its Message-ID."""
        return None

    def _client(self) -> smtplib.SMTP:
        """Not connected yet."""
        if self._smtp.tls == "tls":
            return smtplib.SMTP_SSL(
                timeout=self._timeout_s, local_hostname=self._domain, context=self._tls
            )
        return smtplib.SMTP(timeout=self._timeout_s, local_hostname=self._domain)

    def _connect(self, server: smtplib.SMTP) -> None:
        # smtplib checks the certificate against this name; it is set only by a host given early.
        server._host = self._smtp.host  # type: ignore[attr-defined]
        self._step(lambda: server.connect(self._smtp.host, self._smtp.port), "connect")
        self._step(server.ehlo, "EHLO")
        if self._smtp.tls == "starttls":
            if not server.has_extn("starttls"):
                raise ChannelError(
                    f"email: {self._smtp.host} offers no STARTTLS; set smtp_tls to tls, or to none "
                    "for a relay inside your own network",
                    permanent=True,
                )
            self._step(lambda: server.starttls(context=self._tls), "STARTTLS")
            self._step(server.ehlo, "EHLO")
        if self._smtp.user is not None:
            self._log_in(server, self._smtp.user, self._smtp.password or "")

    def _log_in(self, server: smtplib.SMTP, user: str, password: str) -> None:
        try:
            server.login(user, password)
        except smtplib.SMTPAuthenticationError as error:
            raise self._refused("AUTH", error.smtp_code, "check smtp_user, smtp_password") from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise self._broken("AUTH", error) from None

    def _hand_over(self, server: smtplib.SMTP, address: str, body: bytes) -> None:
        self._step(lambda: server.mail(self._smtp.sender), "MAIL FROM")
        self._step(lambda: server.rcpt(address), "RCPT TO")
        self._step(lambda: server.docmd("DATA"), "DATA", wanted=354)
        dotted = re.sub(rb"(?m)^\.", b"..", body)
        try:
            server.send(dotted if dotted.endswith(b"\r\n") else dotted + b"\r\n")
        except (smtplib.SMTPException, OSError) as error:
            raise self._broken("DATA", error) from None  # no final dot: nobody may deliver it
        try:
            server.send(b".\r\n")
            code, _ = server.getreply()
        except (smtplib.SMTPException, OSError) as error:
            raise self._broken("the end of DATA", error, ambiguous=True) from None
        if code // 100 != 2:
            raise self._refused("the end of DATA", code)

    def _step(
        self, do: Callable[[], tuple[int, bytes]], name: str, wanted: int | None = None
    ) -> None:
        """One command before the text. Whatever fails here, nothing was sent."""
        try:
            code, _ = do()
        except smtplib.SMTPResponseException as error:
            raise self._refused(name, error.smtp_code) from None
        except ssl.SSLCertVerificationError as error:
            raise ChannelError(
                f"email: the certificate of {self._smtp.host} does not hold ({error.reason}); for "
                "a CA of your own set SSL_CERT_FILE",
                permanent=True,
            ) from None
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            raise self._broken(name, error) from None
        if code != wanted if wanted else code // 100 != 2:
            raise self._refused(name, code)

    def _refused(self, step: str, code: int, advice: str = "") -> ChannelError:
        """A definite no. The server's own words stay out: they may repeat what is secret."""
        text = f"email: {self._smtp.host} answered {code} to {step}"
        if code in NEVER:
            return ChannelError(
                f"{text}; {advice or 'check smtp_from and the address of the receiver'}",
                permanent=True,
            )
        return ChannelError(text)

    def _broken(self, step: str, error: Exception, ambiguous: bool = False) -> ChannelError:
        kind = type(error).__name__
        return ChannelError(
            f"email: no answer from {self._smtp.host} at {step} ({kind})", ambiguous=ambiguous
        )


def _part(server: smtplib.SMTP) -> None:
    """Say good-bye without waiting for an answer: what was taken stays taken."""
    with contextlib.suppress(smtplib.SMTPException, OSError):
        server.putcmd("QUIT")
    server.close()


def compose(
    message: Message, notification: Notification, thread_id: str | None, sender: str
) -> EmailMessage:
    """The mail. The same notification gives the same bytes, so that a second try is a copy."""
    domain = sender.partition("@")[2]
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"] = sender
    mail["To"] = notification.address
    mail["Subject"] = subject(message)
    mail["Date"] = format_datetime(notification.at.astimezone(UTC))
    mail["Message-ID"] = message_id(notification.id, domain)
    # The alert's own id comes first, also in the first mail: whoever lost one still sees a thread.
    parents = [message_id(notification.alert_id, domain)]
    if thread_id is not None and ID.fullmatch(thread_id):
        mail["In-Reply-To"] = thread_id
        parents.append(thread_id)
    mail["References"] = " ".join(parents)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office comes back
    mail["X-Auto-Response-Suppress"] = "All"
    mail["Content-Language"] = notification.lang
    mail["X-EWS-Alert"] = notification.alert_id
    if notification.stage is not None:
        mail["X-EWS-Stage"] = notification.stage.en
        if notification.stage >= Stage.ALERT:
            mail["Importance"] = "high"
    mail.set_content(many_lines(message.text, 200_000), charset="utf-8", cte="base64")
    for picture in message.pictures:
        name = one_line(picture.name, 80)
        mail.add_attachment(picture.png, maintype="image", subtype="png", filename=name)
    if message.pictures:
        mail.set_boundary(f"=_{notification.id}")  # the library's own is random
    return mail


def subject(message: Message) -> str:
    """The message's first line, cut to what a list of mails shows."""
    return one_line(message.text.partition("\n")[0], SUBJECT) or "ews"


def message_id(id: str, domain: str) -> str:
    """The Message-ID of a notification or alert.

    >>> message_id("ntf-0123", "agency.go.kr")
    '<ntf-0123@agency.go.kr>'
    """
    return f"<{re.sub(r'[^A-Za-z0-9.-]', '-', id)}@{domain}>"


def open_email(settings: ChannelSettings) -> Email:
    """ChannelError (permanent), saying which setting, when mail cannot be sent."""
    smtp = settings.smtp
    if smtp is None or not smtp.host:
        raise ChannelError(
            "email: no mail server; set smtp_host and smtp_from (docs/howto-channels.md)",
            permanent=True,
        )
    if not ADDRESS.fullmatch(smtp.sender):
        raise ChannelError("email: smtp_from must read name@host.domain", permanent=True)
    if smtp.tls == "none" and smtp.user is not None:
        raise ChannelError(
            "email: a password is not sent without TLS; set smtp_tls to starttls or tls",
            permanent=True,
        )
    return Email(smtp, settings.timeout_s, ssl.create_default_context())
