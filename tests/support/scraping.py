"""Reads a process's metrics as Prometheus does: over a socket, in its text, by its own parser."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

_SECONDS_MAX = 20.0


async def send(address: str, request: bytes) -> tuple[int, Mapping[str, str], bytes]:
    """Send bytes, and return the status, the header and the body that come back."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    try:
        writer.write(request)
        async with asyncio.timeout(_SECONDS_MAX):
            answer = await reader.read()
    finally:
        writer.close()
    if not answer:
        raise ConnectionAbortedError(f"{address} answers nothing")
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *fields = head.decode("latin-1").split("\r\n")
    header = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    assert int(header["content-length"]) == len(body)
    return int(status.split(" ")[1]), header, body


def asking(path: str = "/metrics", method: str = "GET", **header: str) -> bytes:
    fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in header.items())
    return f"{method} {path} HTTP/1.1\r\nHost: here\r\n{fields}\r\n".encode()


@dataclass(frozen=True)
class Figures:
    """What one process or several told, in one look."""

    samples: Sequence[Sample]

    @property
    def names(self) -> set[str]:
        return {sample.name for sample in self.samples}

    def sum(self, name: str, **labels: str) -> float:
        """Return the sum of what has this name and these labels, whatever else it has."""
        return sum(self._found(name, labels))

    def max(self, name: str, **labels: str) -> float:
        """Return the greatest of what has this name and these labels; 0 where there is none."""
        return max(self._found(name, labels), default=0.0)

    def _found(self, name: str, labels: Mapping[str, str]) -> list[float]:
        return [each.value for each in self.samples if each.name == name and labels.items() <= each.labels.items()]


async def scrape(*addresses: str) -> Figures:
    """Read the metrics of these processes."""
    samples: list[Sample] = []
    for address in addresses:
        status, _, body = await send(address, asking())
        assert status == 200, body
        samples += [each for family in text_string_to_metric_families(body.decode()) for each in family.samples]
    return Figures(samples)


async def scrape_until(is_so: Callable[[Figures], bool], scraping: Callable[[], Awaitable[Figures]]) -> Figures:
    """Read until it is so, and return what was read then."""
    figures = await scraping()
    async with asyncio.timeout(_SECONDS_MAX):
        while not is_so(figures):
            figures = await scraping()
    return figures
