"""E-mail against a real mail server: what arrives, and what its answers and faults mean."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from mail_server import mail_server
from pydantic import SecretStr
from told_events import NOON, message

from archwright.local import certificates
from services.chassis.clock import ManualClock, SystemClock
from services.chassis.egress import Address, Allowance, Guard
from services.chassis.egress_http import trust_of
from services.notifier.channels.email import EmailChannel
from services.notifier.channels.port import DeliveryFailed, DeliveryRefused
from services.notifier.domain.channels import Email, Tls

PASSWORD = "password-of-mine"
TO = ("first@example.com", "second@example.com")


def knows(server: SMTP, session: Session, envelope: Envelope, mechanism: str, told: Any) -> AuthResult:
    is_known = isinstance(told, LoginPassword) and (told.login, told.password) == (b"archwright", PASSWORD.encode())
    return AuthResult(success=is_known, handled=False)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificates:
    return certificates.ensure(tmp_path_factory.mktemp("certificates"), SystemClock().now())


@pytest.fixture(scope="module")
def own(files: certificates.Certificates) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.server_file, files.server_key_file)
    return context


def channel(
    port: int,
    *,
    tls: Tls = Tls.NONE,
    password: str = "",
    host: str = "localhost",
    ca_file: Path | None = None,
    allowed: str = "127.0.0.0/8",
    seconds_max: float = 20.0,
) -> EmailChannel:
    described = Email.model_construct(
        kind="email",
        host=host,
        port=port,
        tls=tls,
        user="archwright" if password else "",
        password=SecretStr(password) if password else None,
        sender="Archwright <archwright@example.com>",
        to=TO,
    )

    async def on_loopback(name: str, of_port: int) -> Sequence[Address]:
        return [ipaddress.ip_address("127.0.0.1")]

    guard = Guard(Allowance.read(allowed), "ARCHWRIGHT_NOTIFIER_ALLOW", on_loopback)
    return EmailChannel(described, guard, trust_of(ca_file), ManualClock(NOON), seconds_max=seconds_max)


async def test_a_mail_arrives_over_starttls_with_user_and_password(
    files: certificates.Certificates, own: ssl.SSLContext
) -> None:
    async with mail_server(tls_context=own, require_starttls=True, authenticator=knows, auth_required=True) as mailbox:
        sender = channel(mailbox.port, tls=Tls.STARTTLS, password=PASSWORD, ca_file=files.ca_file)
        await sender.deliver(message("Fehlgeschlagen: Übung", "It failed: ü\n", html="<p>It failed</p>"))

    [mail] = mailbox.mails
    assert mailbox.recipients == list(TO)
    assert mail["From"] == "Archwright <archwright@example.com>"
    assert mail["To"] == ", ".join(TO)
    assert mail["Subject"] == "Fehlgeschlagen: Übung"
    assert mail["Date"].datetime == NOON
    assert mail["Auto-Submitted"] == "auto-generated"
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == ["It failed: ü"]
    assert html.get_content().splitlines() == ["<p>It failed</p>"]


async def test_a_mail_arrives_over_tls(files: certificates.Certificates, own: ssl.SSLContext) -> None:
    async with mail_server(implicit=own) as mailbox:
        await channel(mailbox.port, tls=Tls.TLS, ca_file=files.ca_file).deliver(message())

    assert len(mailbox.mails) == 1


async def test_repetitions_of_a_mail_have_the_same_id() -> None:
    async with mail_server() as mailbox:
        await channel(mailbox.port).deliver(message())
        await channel(mailbox.port).deliver(message())

    first, second = mailbox.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Message-ID"].endswith("@example.com>")


@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.TLS])
async def test_the_certificate_must_be_of_the_name(
    files: certificates.Certificates, own: ssl.SSLContext, tls: Tls
) -> None:
    options = {"implicit": own} if tls is Tls.TLS else {"tls_context": own}
    async with mail_server(**options) as mailbox:
        with pytest.raises(DeliveryFailed, match="certificate"):
            await channel(mailbox.port, tls=tls, host="mail.example.com", ca_file=files.ca_file).deliver(message())

    assert not mailbox.mails


async def test_a_server_without_starttls_is_sent_nothing() -> None:
    async with mail_server() as mailbox:
        with pytest.raises(DeliveryRefused, match="STARTTLS extension not supported"):
            await channel(mailbox.port, tls=Tls.STARTTLS).deliver(message())

    assert not mailbox.mails


async def test_a_wrong_password_is_told_without_it(files: certificates.Certificates, own: ssl.SSLContext) -> None:
    async with mail_server(tls_context=own, require_starttls=True, authenticator=knows, auth_required=True) as mailbox:
        with pytest.raises(DeliveryRefused, match="does not know this user and password") as raised:
            await channel(mailbox.port, tls=Tls.STARTTLS, password="another-of-mine", ca_file=files.ca_file).deliver(
                message()
            )

    assert "of-mine" not in str(raised.value)


@pytest.mark.parametrize(
    ("answers", "kind", "says"),
    [
        ({"DATA": "451 greylisted, come back"}, DeliveryFailed, "answered 451 greylisted, come back."),
        ({"DATA": "421 too many"}, DeliveryFailed, "answered 421 too many."),
        ({"DATA": "550 spam"}, DeliveryRefused, "answered 550 spam."),
        ({"DATA": "554 no\x1b[2J"}, DeliveryRefused, r"answered 554 no \[2J\."),
        (dict.fromkeys(TO, "550 unknown"), DeliveryRefused, r"did not take these recipients \(550\)"),
        (dict.fromkeys(TO, "451 later"), DeliveryFailed, r"did not take these recipients \(451\)"),
        ({TO[0]: "450 later"}, DeliveryFailed, r"did not take these recipients \(450\)"),
    ],
)
async def test_what_the_server_answers_is_told_apart(answers: dict[str, str], kind: type[Exception], says: str) -> None:
    async with mail_server() as mailbox:
        mailbox.answers = answers
        with pytest.raises(kind, match=says):
            await channel(mailbox.port).deliver(message())


async def test_one_unknown_recipient_does_not_keep_the_mail_from_the_others() -> None:
    async with mail_server() as mailbox:
        mailbox.answers = {TO[0]: "550 unknown"}
        await channel(mailbox.port).deliver(message())

    assert mailbox.recipients == [TO[1]]


async def test_a_private_mail_server_is_written_to_only_when_the_operator_lists_it() -> None:
    async with mail_server() as mailbox:
        with pytest.raises(DeliveryRefused, match="ARCHWRIGHT_NOTIFIER_ALLOW"):
            await channel(mailbox.port, allowed="").deliver(message())

    assert not mailbox.mails


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(talk: Talk) -> AsyncIterator[int]:
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()  # until we are left
    writer.close()


async def test_a_server_that_never_greets_is_left() -> None:
    async with raw_server(silent) as port:
        with pytest.raises(DeliveryFailed, match=r"did not finish within 0\.3 s"):
            await channel(port, seconds_max=0.3).deliver(message())


async def test_a_greeting_without_end_is_left() -> None:
    async def babbling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"220-hello\r\n" * 100_000)
                await writer.drain()
        except ConnectionError:
            writer.close()

    async with raw_server(babbling) as port:
        with pytest.raises(DeliveryFailed, match=r"did not finish|closed the connection"):
            await channel(port, seconds_max=0.3).deliver(message())


@pytest.mark.parametrize("greeting", [b"554 go away\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
async def test_one_that_is_no_mail_server_is_named(greeting: bytes) -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        writer.close()

    async with raw_server(other) as port:
        with pytest.raises((DeliveryFailed, DeliveryRefused), match="The mail server"):
            await channel(port).deliver(message())


async def test_nobody_there_is_said() -> None:
    async with raw_server(silent) as port:
        pass
    with pytest.raises(DeliveryFailed, match="The mail server was not reached"):
        await channel(port).deliver(message())
