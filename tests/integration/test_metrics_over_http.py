"""The metrics of a process as others read them, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from scraping import asking, send

from services.chassis.metrics import Metrics
from services.chassis.metrics_catalogue import ACTIVE_WORKFLOWS, OUTBOX_LAG, WORKFLOW_FAILURES
from services.chassis.metrics_server import HEAD_BYTES_MAX, READERS_MAX, serving


@pytest.fixture
async def address() -> AsyncIterator[str]:
    metrics = Metrics()
    metrics.counter(WORKFLOW_FAILURES).add("transient")
    async with serving(metrics.registry, "127.0.0.1", 0) as bound:
        yield bound


async def is_served(address: str) -> bool:
    try:
        return (await send(address, asking()))[0] == 200
    except ConnectionError:
        return False


async def test_prometheus_text_is_told(address: str) -> None:
    status, header, body = await send(address, asking())

    assert status == 200
    assert header["content-type"].startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(body.decode())}
    assert [sample.value for sample in families["workflow_failures"].samples] == [1.0]
    assert families["process_open_fds"].samples[0].value > 0


async def test_whoever_asks_for_openmetrics_gets_it_and_packed_where_that_is_wished(address: str) -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    _, header, body = await send(address, asking(accept=accept, accept_encoding="gzip"))

    assert header["content-type"].startswith("application/openmetrics-text")
    assert header["content-encoding"] == "gzip"
    families = {family.name: family for family in openmetrics(gzip.decompress(body).decode())}
    assert families["workflow_failures"].samples[0].labels == {"category": "transient"}


async def test_only_those_that_are_named_are_told_where_some_are(address: str) -> None:
    _, _, body = await send(address, asking("/metrics?name[]=workflow_failures_total"))

    assert [family.name for family in text_string_to_metric_families(body.decode())] == ["workflow_failures"]


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (asking("/"), 404),
        (asking("/metrics/more"), 404),
        (asking(method="POST"), 405),
        (b"\x16\x03\x01 no http\r\n\r\n", 400),
        (b"GET /metrics\r\n\r\n", 400),
        (asking(padding="x" * HEAD_BYTES_MAX), 431),
    ],
)
async def test_other_requests_are_refused_in_words(address: str, request_text: bytes, status: int) -> None:
    told, _, body = await send(address, request_text)

    assert told == status
    assert body.endswith(b"\n")


async def test_more_readers_than_are_served_at_a_time_are_sent_away_until_one_leaves(address: str) -> None:
    host, _, port = address.rpartition(":")
    async with AsyncExitStack() as stack:
        for _ in range(READERS_MAX):
            _, writer = await asyncio.open_connection(host, int(port))
            stack.callback(writer.close)
            writer.write(b"GET /metrics HTTP/1.1\r\n")
        assert not await is_served(address)

    async with asyncio.timeout(20):
        while not await is_served(address):
            pass


async def test_a_gauge_that_cannot_be_told_costs_that_reader_the_answer_and_nobody_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics, found = Metrics(), {("running",): 1.0}

    def look() -> Mapping[tuple[str, ...], float]:
        if not found:
            raise RuntimeError("nothing is known")
        return found

    metrics.gauge(ACTIVE_WORKFLOWS, look)
    metrics.gauge(OUTBOX_LAG, dict)
    async with serving(metrics.registry, "127.0.0.1", 0) as address:
        found.clear()
        status, _, body = await send(address, asking())
        assert (status, body) == (500, b"The metrics cannot be told; the log says why.\n")

        found["running",] = 2.0
        status, _, body = await send(address, asking())
        assert status == 200
        assert b'active_workflows_gauge{status="running"} 2.0' in body


async def test_an_address_that_is_taken_is_named(address: str) -> None:
    host, _, port = address.rpartition(":")
    with pytest.raises(OSError, match=f"Cannot listen on {address} for metrics.*ARCHWRIGHT_METRICS_PORT"):
        async with serving(Metrics().registry, host, int(port)):
            pass


async def test_metrics_are_told_on_ipv6_too() -> None:
    async with serving(Metrics().registry, "::1", 0) as address:
        assert address.startswith("[::1]:")
