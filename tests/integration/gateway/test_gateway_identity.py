"""Who gets past the gateway, over REST and over gRPC."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from archwright.serving.tokens import TokenSigner, new_key_pem

WORKFLOWS = "/api/v1/workflows"
EVENTS = "/api/v1/workflows/wf_00000000000000000000000001/events"


@pytest.mark.parametrize("path", [WORKFLOWS, EVENTS, "/nothing", "/api/v1/agents"])
async def test_without_a_token_nobody_passes(gateway: Any, path: str) -> None:
    answer = await gateway.call("GET", path, token=None)

    assert (answer.status, answer.reason) == (401, "TOKEN_MISSING")


@pytest.mark.parametrize("header", ["Bearer x", "Bearer a.b.c", "Basic YTpi", "Bearer"])
async def test_what_is_no_token_does_not_pass(gateway: Any, header: str) -> None:
    answer = await gateway.call("GET", WORKFLOWS, headers={"authorization": header}, token=None)

    assert answer.status == 401
    assert answer.reason in {"TOKEN_INVALID", "TOKEN_MISSING"}


async def test_an_expired_token_is_told_so(gateway: Any) -> None:
    answer = await gateway.call("GET", WORKFLOWS, token=gateway.token("admin", ttl_seconds=-60))

    assert (answer.status, answer.reason) == (401, "TOKEN_INVALID")
    assert "expired" in answer.json()["message"]


@pytest.mark.parametrize(("issuer", "audience"), [("somebody", "archwright"), ("archwright-test", "elsewhere")])
async def test_a_token_of_another_issuer_or_audience_does_not_pass(
    gateway: Any, keys: Any, issuer: str, audience: str
) -> None:
    token, _ = TokenSigner(keys.signing_key_file, issuer, audience).sign(
        subject="eve", tenant="acme", roles=["admin"], ttl_seconds=60
    )

    answer = await gateway.call("GET", WORKFLOWS, token=token)

    assert (answer.status, answer.reason) == (401, "TOKEN_INVALID")


async def test_a_token_of_another_key_does_not_pass(gateway: Any, tmp_path: Path) -> None:
    key_file = tmp_path / "other.pem"
    key_file.write_bytes(new_key_pem())
    token, _ = TokenSigner(key_file, "archwright-test", "archwright").sign(
        subject="eve", tenant="acme", roles=["admin"], ttl_seconds=60
    )

    answer = await gateway.call("GET", WORKFLOWS, token=token)

    assert (answer.status, answer.reason) == (401, "TOKEN_INVALID")


@pytest.mark.parametrize(("algorithm", "secret"), [("none", ""), ("HS256", "a secret of at least thirty-two bytes")])
async def test_a_token_without_a_real_signature_does_not_pass(gateway: Any, algorithm: str, secret: str) -> None:
    now = int(time.time())
    claims = {"iss": "archwright-test", "aud": "archwright", "sub": "eve", "tenant": "acme", "roles": ["admin"]}
    token = jwt.encode(claims | {"iat": now, "nbf": now, "exp": now + 60}, secret, algorithm=algorithm)

    answer = await gateway.call("GET", WORKFLOWS, token=token)

    assert (answer.status, answer.reason) == (401, "TOKEN_INVALID")


async def test_a_good_token_of_the_wrong_role_is_refused_by_the_service(gateway: Any) -> None:
    answer = await gateway.call("GET", WORKFLOWS, token=gateway.token("agent"))

    assert (answer.status, answer.reason) == (403, "ROLE_DENIED")


async def test_an_event_stream_takes_its_token_from_the_query(gateway: Any) -> None:
    token = gateway.token("viewer")

    answer = await gateway.call("GET", f"{EVENTS}?after_seq=4&access_token={token}", token=None)

    assert answer.status == 200
    assert answer.body == b"id: 5\ndata: {}\n\n"
    call = gateway.workflows.calls[-1]
    assert call.caller.subject == "ann"  # the service has checked the token as well
    assert token not in str(dict(call.metadata))


async def test_an_event_stream_with_a_wrong_token_in_the_query_is_refused(gateway: Any) -> None:
    answer = await gateway.call("GET", f"{EVENTS}?access_token=x.y.z", token=None)

    assert (answer.status, answer.reason) == (401, "TOKEN_INVALID")


async def test_nothing_else_takes_a_token_from_the_query(gateway: Any) -> None:
    answer = await gateway.call("GET", f"{WORKFLOWS}?access_token={gateway.token('viewer')}", token=None)

    assert (answer.status, answer.reason) == (401, "TOKEN_MISSING")


async def test_no_token_is_ever_logged(gateway: Any) -> None:
    in_query, in_header = gateway.token("viewer"), gateway.token("admin")
    await gateway.call("GET", f"{EVENTS}?access_token={in_query}", token=None)
    await gateway.call("GET", f"{WORKFLOWS}?access_token={in_query}", token=in_header)
    await gateway.call("GET", f"{WORKFLOWS}?access_token={in_query}", token=None)

    # Envoy writes its log in the background, in order: the line of a later call says that theirs are written.
    marker = f"/marker/{time.monotonic_ns()}"
    await gateway.call("GET", marker)
    async with asyncio.timeout(30):
        while marker not in (log := gateway.log_file.read_text()):
            await asyncio.to_thread(time.sleep, 0.1)
    assert in_query not in log
    assert in_header not in log
    assert "access_token=" not in log
