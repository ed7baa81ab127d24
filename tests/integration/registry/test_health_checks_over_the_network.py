"""Health checks against real servers: HTTP, gRPC, slow ones, liars, and those that nobody may ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio

from services.chassis.egress import Allowance
from services.registry.probing import NetworkProber

LOOPBACK = Allowance.read("127.0.0.0/8")
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def prober() -> NetworkProber:
    return NetworkProber(LOOPBACK, ca_file=None, seconds_max=1.0)


@asynccontextmanager
async def http(answer: bytes, heard: list[bytes] | None = None, *, hangs: bool = False) -> AsyncIterator[str]:
    """Serve one answer to whoever asks, and yield the URL."""
    over = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        if heard is not None:
            heard.append(asked)
        writer.write(answer)
        if hangs:
            await over.wait()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        over.set()
        server.close()


async def test_an_answer_of_two_hundred_is_well(prober: NetworkProber) -> None:
    heard: list[bytes] = []
    async with http(b"HTTP/1.1 204 No Content\r\n\r\n", heard) as url:
        assert await prober.probe(f"{url}/health?deep=1") == ""

    [asked] = heard
    assert asked.startswith(b"GET /health?deep=1 HTTP/1.1\r\n")
    assert b"\r\nHost: 127.0.0.1:" in asked


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "it answered 503 Service Unavailable."),
        (b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n", "redirects are not followed"),
        (b"SSH-2.0-OpenSSH_9.0\r\n", "the answer is not HTTP: 'SSH-2.0-OpenSSH_9.0'."),
        (b"", "the answer is not HTTP: ''."),
        (b"H" * 100_000, "limit"),
    ],
)
async def test_any_other_answer_is_named(prober: NetworkProber, answer: bytes, problem: str) -> None:
    async with http(answer) as url:
        assert problem in await prober.probe(url)


async def test_an_answer_that_no_terminal_should_take_is_made_printable(prober: NetworkProber) -> None:
    async with http(b"HTTP/1.1 500 \x00\x1b[2J" + b"x" * 1000 + b"\r\n\r\n") as url:
        problem = await prober.probe(url)

    assert problem.isprintable()
    assert problem.startswith("it answered 500 \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[2J")
    assert len(problem) <= 200


async def test_who_never_answers_is_left_in_time(prober: NetworkProber) -> None:
    async with http(b"", hangs=True) as url:
        assert await prober.probe(url) == "no answer within 1 s."


async def test_nobody_is_there(prober: NetworkProber) -> None:
    async with http(b"") as url:
        gone = url
    assert "onnect" in await prober.probe(gone)


async def test_a_name_that_leads_where_nobody_may_ask_is_not_connected_to() -> None:
    heard: list[bytes] = []
    prober = NetworkProber(Allowance.read("10.0.0.0/8"), ca_file=None, seconds_max=1.0)
    async with http(b"HTTP/1.1 200 OK\r\n\r\n", heard) as url:
        problem = await prober.probe(url.replace("127.0.0.1", "localhost"))

    assert problem == "the registry may not ask localhost; its operator lists hosts in ARCHWRIGHT_HEALTH_CHECK_ALLOW."
    assert heard == []


@pytest.mark.parametrize(
    ("service", "problem"),
    [("", ""), ("well", ""), ("unwell", "it says NOT_SERVING."), ("unknown", "NOT_FOUND")],
)
async def test_a_grpc_health_check_asks_for_the_service_in_the_path(
    prober: NetworkProber, service: str, problem: str
) -> None:
    server = grpc.aio.server()
    servicer = health_aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    await servicer.set("well", health_pb2.HealthCheckResponse.SERVING)
    await servicer.set("unwell", health_pb2.HealthCheckResponse.NOT_SERVING)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        found = await prober.probe(f"grpc://127.0.0.1:{port}/{service}")
    finally:
        await server.stop(0)

    assert found.startswith(problem)
    assert bool(found) is bool(problem)
