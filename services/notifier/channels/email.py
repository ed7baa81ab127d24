"""E-mail, over SMTP: to the address that was judged, with the certificate of the name.

The standard library's client, in a thread. When time is up its socket is cut, which ends the thread as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import smtplib
import socket
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Final

import structlog

from services.chassis.clock import Clock
from services.chassis.egress import Address, Forbidden, Guard
from services.notifier.channels.port import DeliveryFailed, DeliveryRefused
from services.notifier.domain.channels import Email, Tls
from services.notifier.message import Message

log = structlog.get_logger(__name__)

SECONDS_MAX: Final = 25.0
REPLY_SECONDS_MAX: Final = 10.0


class EmailChannel:
    """Writes to the people of one channel."""

    def __init__(
        self, described: Email, guard: Guard, trust: ssl.SSLContext, clock: Clock, *, seconds_max: float = SECONDS_MAX
    ) -> None:
        self._described = described
        self._guard = guard
        self._trust = trust
        self._clock = clock
        self._seconds_max = seconds_max

    async def deliver(self, message: Message) -> None:
        """Hand a mail to the server. Repetitions have the same `Message-ID`."""
        described = self._described
        try:
            async with asyncio.timeout(self._seconds_max):
                address = await self._guard.address_of(described.host, described.port)
                session = _session(described, self._trust)
                try:
                    await asyncio.to_thread(_send, session, address, described, self._mail(message), self._trust)
                finally:
                    _cut(session)
        except Forbidden as forbidden:
            raise DeliveryRefused(str(forbidden)) from None
        except TimeoutError:
            raise DeliveryFailed(f"The mail server did not finish within {self._seconds_max:g} s.") from None
        except smtplib.SMTPException as error:
            raise _meaning(error) from None
        except UnicodeError:
            raise DeliveryRefused("Its user or password holds characters that mail servers do not take.") from None
        except OSError as error:
            raise DeliveryFailed(f"The mail server was not reached: {error or type(error).__name__}.") from None

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._described.sender
        mail["To"] = ", ".join(self._described.to)
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(self._clock.now())
        unique = hashlib.sha256(f"{message.event_id} {message.subject} {mail['To']}".encode()).hexdigest()[:32]
        mail["Message-ID"] = f"<{unique}@{_address(self._described.sender).rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.body)
        if message.html:
            mail.add_alternative(message.html, subtype="html")
        return mail


def _session(described: Email, trust: ssl.SSLContext) -> smtplib.SMTP:
    own_name = socket.gethostname()
    session = (
        smtplib.SMTP_SSL(local_hostname=own_name, timeout=REPLY_SECONDS_MAX, context=trust)
        if described.tls is Tls.TLS
        else smtplib.SMTP(local_hostname=own_name, timeout=REPLY_SECONDS_MAX)
    )
    # The certificate is held against this, and not against the address that the connection goes to.
    session._host = described.host  # type: ignore[attr-defined]  # there is no other way to name it
    return session


def _send(session: smtplib.SMTP, address: Address, described: Email, mail: EmailMessage, trust: ssl.SSLContext) -> None:
    try:
        code, greeting = session.connect(str(address), described.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, greeting)
        if described.tls is Tls.STARTTLS:
            session.starttls(context=trust)
        if described.password is not None:
            session.login(described.user, described.password.get_secret_value())
        refused = session.send_message(mail)
        if any(code < 500 for code, _ in refused.values()):
            raise smtplib.SMTPRecipientsRefused(refused)
        if refused:
            log.warning("recipients_refused", host=described.host, count=len(refused))
        with contextlib.suppress(smtplib.SMTPException, OSError):  # the mail has been taken already
            session.quit()
    finally:
        session.close()


def _cut(session: smtplib.SMTP) -> None:
    """End whatever the thread waits for. Closing would wait for the thread."""
    connection = session.sock
    if connection is not None:
        with contextlib.suppress(OSError):  # it is over already
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _meaning(error: smtplib.SMTPException) -> DeliveryFailed | DeliveryRefused:
    match error:
        case smtplib.SMTPAuthenticationError(smtp_code=code) if code >= 500:
            return DeliveryRefused(f"The mail server does not know this user and password ({code}).")
        case smtplib.SMTPRecipientsRefused(recipients=recipients):
            codes = sorted({code for code, _ in recipients.values()})
            told = f"The mail server did not take these recipients ({', '.join(map(str, codes))})."
            return DeliveryFailed(told) if codes[0] < 500 else DeliveryRefused(told)
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=words):
            text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
            told = f"The mail server answered {code} {_printable(text)}".rstrip(". ") + "."
            return DeliveryRefused(told) if code >= 500 else DeliveryFailed(told)
        case smtplib.SMTPServerDisconnected():
            return DeliveryFailed("The mail server closed the connection.")
        case smtplib.SMTPNotSupportedError():
            return DeliveryRefused(f"The mail server cannot do what the channel asks: {_printable(str(error))}")
        case _:
            return DeliveryFailed(f"The mail server was not understood: {_printable(str(error))}")


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:200]


def _address(mailbox: str) -> str:
    return parseaddr(mailbox)[1]
