"""Webhooks, Slack and Teams against a real HTTP server: what they are sent, and what its answers and faults mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from hook_server import answer, hook_server
from pydantic import SecretStr
from told_events import NOON, message

from archwright.local import certificates
from services.bus.port import TryLater
from services.chassis.clock import ManualClock, SystemClock
from services.chassis.egress import Address, Allowance, Guard, resolve
from services.chassis.egress_http import client_of, trust_of
from services.chassis.retry_after import seconds_of
from services.notifier.channels.apprise import AppriseChannel
from services.notifier.channels.port import DeliveryFailed, DeliveryRefused
from services.notifier.channels.posting import Posting
from services.notifier.channels.slack import SlackChannel
from services.notifier.channels.teams import TeamsChannel
from services.notifier.channels.webhook import WebhookChannel
from services.notifier.domain.channels import Apprise, Slack, Teams, Webhook

KEY = b"secret-of-tests-with-32-bytes!!!"
# One of the libraries that apprise looks for when it is first used.
LIBRARY_WARNS = "ignore:'imghdr' is deprecated:DeprecationWarning"
LOOPBACK = Guard(Allowance.read("127.0.0.0/8"), "ARCHWRIGHT_NOTIFIER_ALLOW", resolve)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(LOOPBACK, trust_of(None)) as client:
        yield client


def webhook(url: str, client: httpx.AsyncClient, *, seconds_max: float = 10.0) -> WebhookChannel:
    clock = ManualClock(NOON)
    described = Webhook.model_construct(
        kind="webhook", url=SecretStr(url), secret=SecretStr("whsec_" + base64.b64encode(KEY).decode())
    )
    return WebhookChannel(described, Posting(client, clock, seconds_max=seconds_max), clock)


async def test_a_webhook_is_sent_the_signed_cloud_event(client: httpx.AsyncClient) -> None:
    async with hook_server() as hooks:
        await webhook(hooks.url, client).deliver(message())

    [asked] = hooks.asked
    assert asked.line == "POST /hook HTTP/1.1"
    assert asked.headers["host"] == f"127.0.0.1:{hooks.port}"
    assert asked.headers["content-type"] == "application/cloudevents+json; charset=UTF-8"
    assert asked.json["specversion"] == "1.0"
    assert asked.json["type"] == "dev.archwright.workflow_failed"
    assert asked.json["id"] == asked.headers["webhook-id"] == "wf_1:7"
    assert asked.headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    signed = f"wf_1:7.{asked.headers['webhook-timestamp']}.".encode() + asked.body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert asked.headers["webhook-signature"] == f"v1,{expected}"


async def test_slack_is_sent_a_text_that_mentions_nobody(client: httpx.AsyncClient) -> None:
    async with hook_server() as hooks:
        described = Slack.model_construct(kind="slack", url=SecretStr(hooks.url))
        await SlackChannel(described, Posting(client, SystemClock())).deliver(message("<!channel> & so", "Body\n"))

    assert hooks.asked[0].json == {"text": "*&lt;!channel&gt; &amp; so*\nBody\n", "unfurl_links": False}


async def test_teams_is_sent_a_card_with_the_link(client: httpx.AsyncClient) -> None:
    link = "https://archwright.example/api/v1/workflows/wf_1"
    async with hook_server(answer("202 Accepted")) as hooks:
        described = Teams.model_construct(kind="teams", url=SecretStr(hooks.url))
        await TeamsChannel(described, Posting(client, SystemClock())).deliver(message(body="[a](b)\n\nc\n", link=link))

    sent = hooks.asked[0].json
    assert sent["type"] == "message"
    [attachment] = sent["attachments"]  # type: ignore[misc]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert [block["inlines"][0]["text"] for block in card["body"]] == ["Failed", "[a](b)", "c"]
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Open the workflow", "url": link}]


@pytest.mark.filterwarnings(LIBRARY_WARNS)
async def test_a_service_of_apprise_is_written_to_and_believed(client: httpx.AsyncClient) -> None:
    async with hook_server(answer("200 OK"), answer("500 Broken"), answer("302 Found", "Location: /other")) as hooks:
        # Where services are whose place is not fixed is for the rules to refuse; this one can be run here.
        described = Apprise.model_construct(kind="apprise", url=SecretStr(f"json://127.0.0.1:{hooks.port}/hook"))
        channel = AppriseChannel(described)
        await channel.deliver(message())
        with pytest.raises(DeliveryFailed, match="apprise does not tell why"):
            await channel.deliver(message())
        with pytest.raises(DeliveryFailed):
            await channel.deliver(message())

    assert hooks.asked[0].json["title"] == "Failed"
    assert hooks.asked[0].json["message"] == "It failed."
    assert len(hooks.asked) == 3


@pytest.mark.filterwarnings(LIBRARY_WARNS)
@pytest.mark.parametrize("url", ["discord://", "nonsense://key-of-mine", "tgram://not-a-token/"])
def test_a_url_that_apprise_does_not_understand_is_refused_without_telling_it(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DeliveryRefused, match="has a URL that apprise does not understand") as raised:
        AppriseChannel(Apprise.model_construct(kind="apprise", url=SecretStr(url)))

    assert "of-mine" not in str(raised.value) + caplog.text


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        ("429 Too Many Requests", ["Retry-After: 7"], 7.0),
        ("429 Too Many Requests", ["Retry-After: Thu, 01 Jan 2026 12:01:30 GMT"], 90.0),
        ("429 Too Many Requests", ["Retry-After: 86400"], 600.0),
        ("429 Too Many Requests", ["Retry-After: Thu, 01 Jan 2026 11:00:00 GMT"], 1.0),
        ("429 Too Many Requests", ["Retry-After: soon"], 60.0),
        ("429 Too Many Requests", [], 60.0),
        ("503 Service Unavailable", ["Retry-After: 30"], 30.0),
    ],
)
async def test_a_pause_that_is_asked_for_is_told(
    client: httpx.AsyncClient, status: str, headers: list[str], seconds: float
) -> None:
    async with hook_server(answer(status, *headers)) as hooks:
        with pytest.raises(TryLater) as raised:
            await webhook(hooks.url, client).deliver(message())

    assert raised.value.after_seconds == seconds


@pytest.mark.parametrize("text", ["9" * 400, "-5", "1e9", "nan", "inf", "", "Thu, 99 Foo 2026", "\u0665"])
def test_no_retry_after_makes_a_pause_longer_than_ten_minutes(text: str) -> None:
    seconds = seconds_of(text, datetime(2026, 1, 1, tzinfo=UTC))

    assert seconds is None or 1.0 <= seconds <= 600.0


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        ("500 Broken", DeliveryFailed, "It answered 500."),
        ("503 Away", DeliveryFailed, "It answered 503."),
        ("408 Slow", DeliveryFailed, "It answered 408."),
        ("404 Not Found", DeliveryRefused, "It refused the message with 404"),
        ("410 Gone", DeliveryRefused, "It refused the message with 410"),
        ("401 Who", DeliveryRefused, "It refused the message with 401"),
    ],
)
async def test_other_answers_are_told_apart(
    client: httpx.AsyncClient, status: str, kind: type[Exception], says: str
) -> None:
    async with hook_server(answer(status)) as hooks:
        with pytest.raises(kind, match=says):
            await webhook(hooks.url, client).deliver(message())


async def test_a_redirect_to_a_private_address_is_not_followed(client: httpx.AsyncClient) -> None:
    async with hook_server() as other, hook_server(answer("307 Temporary", f"Location: {other.url}")) as hooks:
        with pytest.raises(DeliveryRefused, match="It answered 307; redirects are not followed"):
            await webhook(hooks.url, client).deliver(message())

    assert not other.asked


async def test_a_body_without_end_is_not_read(client: httpx.AsyncClient) -> None:
    async with hook_server(b"HTTP/1.1 200 OK\r\n\r\n") as hooks:
        hooks.is_endless = True
        await webhook(hooks.url, client).deliver(message())

    assert len(hooks.asked) == 1


async def test_one_that_never_answers_is_left(client: httpx.AsyncClient) -> None:
    async with hook_server() as hooks:
        hooks.is_silent = True
        with pytest.raises(DeliveryFailed, match=r"did not answer within 0\.2 s"):
            await webhook(hooks.url, client, seconds_max=0.2).deliver(message())


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH_9.0\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nA: " + b"x" * 500_000])
async def test_one_that_does_not_speak_http_is_named(client: httpx.AsyncClient, said: bytes) -> None:
    async with hook_server(said) as hooks:
        with pytest.raises(DeliveryFailed, match="It was not reached"):
            await webhook(hooks.url, client).deliver(message())


async def test_nobody_there_is_said_without_the_url(client: httpx.AsyncClient) -> None:
    async with hook_server() as hooks:
        url = hooks.url
    with pytest.raises(DeliveryFailed, match="It was not reached") as raised:
        await webhook(f"{url}?key=of-mine", client).deliver(message())

    assert "of-mine" not in str(raised.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001"])
async def test_a_private_address_is_not_written_to(host: str) -> None:
    guard = Guard(Allowance(), "ARCHWRIGHT_NOTIFIER_ALLOW", resolve)
    async with hook_server() as hooks, client_of(guard, trust_of(None)) as client:
        with pytest.raises(DeliveryRefused, match=r"ARCHWRIGHT_NOTIFIER_ALLOW|hides an address"):
            await webhook(f"http://{host}:{hooks.port}/hook", client).deliver(message())

    assert not hooks.asked


class Rebinding:
    """A name that means something else each time it is looked up."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        return [ipaddress.ip_address(self.answers.pop(0))]


async def test_a_name_is_looked_up_once_and_the_connection_goes_where_it_led() -> None:
    names = Rebinding("127.0.0.1", "127.0.0.2", "127.0.0.3")
    guard = Guard(Allowance.read("127.0.0.1/32"), "ARCHWRIGHT_NOTIFIER_ALLOW", names)
    async with hook_server() as hooks, client_of(guard, trust_of(None)) as client:
        channel = webhook(f"http://hooks.example.com:{hooks.port}/hook", client)
        await channel.deliver(message())
        with pytest.raises(DeliveryRefused, match=r"hooks\.example\.com is at no address"):
            await channel.deliver(message())

    assert names.answers == ["127.0.0.3"]
    [asked] = hooks.asked
    assert asked.headers["host"] == f"hooks.example.com:{hooks.port}"


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with hook_server() as proxy, hook_server() as hooks:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        async with client_of(LOOPBACK, trust_of(None)) as client:
            await webhook(hooks.url, client).deliver(message())

    assert not proxy.asked
    assert len(hooks.asked) == 1


@pytest.fixture
def authority(tmp_path: Path) -> certificates.Certificates:
    return certificates.ensure(tmp_path, SystemClock().now())


@pytest.mark.parametrize(("name", "is_fine"), [("localhost", True), ("hooks.example.com", False)])
async def test_the_certificate_must_be_of_the_name(
    authority: certificates.Certificates, name: str, is_fine: bool
) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(authority.server_file, authority.server_key_file)
    guard = Guard(Allowance.read("127.0.0.0/8"), "ARCHWRIGHT_NOTIFIER_ALLOW", Rebinding("127.0.0.1"))
    async with hook_server(tls=tls) as hooks, client_of(guard, trust_of(authority.ca_file)) as client:
        channel = webhook(f"https://{name}:{hooks.port}/hook", client)
        if is_fine:
            await channel.deliver(message())
        else:
            with pytest.raises(DeliveryFailed, match=r"It was not reached: .*certificate"):
                await channel.deliver(message())

    assert bool(hooks.asked) is is_fine
