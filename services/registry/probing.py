"""Asks agents how they are, over HTTP or gRPC.

The name is looked up once, and the connection goes to the address that was judged: a name that means something else
a moment later changes nothing. Redirects are not followed. Bytes and seconds are bounded, as whoever answers is not
trusted.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2

from archwright.errors import RequestInvalid
from services.chassis.egress import Address, Allowance, resolve
from services.registry.probe_targets import SETTING, Target, first_allowed, target_of

_LINE_BYTES_MAX = 4096
_ANSWER_BYTES_MAX = 4096
_PROBLEM_LENGTH_MAX = 200


class NetworkProber:
    """The Prober on the network."""

    def __init__(self, allowance: Allowance, *, ca_file: Path | None, seconds_max: float) -> None:
        self._allowance = allowance
        self._ca_file = ca_file
        self._seconds_max = seconds_max

    async def probe(self, url: str) -> str:
        """Return why a health check failed, or nothing when it went well. Never raises, and always ends soon."""
        try:
            async with asyncio.timeout(self._seconds_max):
                target = target_of(url)
                address = first_allowed(target, await resolve(target.host, target.port), self._allowance)
                if address is None:
                    return f"the registry may not ask {target.host}; its operator lists hosts in {SETTING}."
                if target.scheme.startswith("grpc"):
                    problem = await self._ask_grpc(target, address)
                else:
                    problem = await self._ask_http(target, address)
        except TimeoutError:
            return f"no answer within {self._seconds_max:g} s."
        except (OSError, ValueError, RequestInvalid) as error:
            problem = str(error) or type(error).__name__
        return _printable(problem[:_PROBLEM_LENGTH_MAX])

    async def _ask_http(self, target: Target, address: Address) -> str:
        context = ssl.create_default_context(cafile=self._ca_file) if target.scheme == "https" else None
        reader, writer = await asyncio.open_connection(
            str(address),
            target.port,
            ssl=context,
            server_hostname=target.host if context else None,
            limit=_LINE_BYTES_MAX,
        )
        try:
            writer.write(
                f"GET {target.path} HTTP/1.1\r\nHost: {target.authority}\r\n"
                "User-Agent: archwright-registry\r\nConnection: close\r\n\r\n".encode("ascii")
            )
            await writer.drain()
            line = (await reader.readline()).decode("latin-1").strip()
        finally:
            writer.close()
        version, _, status = line.partition(" ")
        if not version.startswith("HTTP/1."):
            return f"the answer is not HTTP: {line[:40]!r}."
        if status.startswith("3"):
            return f"it answered {status}; redirects are not followed."
        return "" if status.startswith("2") else f"it answered {status or 'nothing'}."

    async def _ask_grpc(self, target: Target, address: Address) -> str:
        where = f"[{address}]:{target.port}" if address.version == 6 else f"{address}:{target.port}"
        options = [
            ("grpc.default_authority", target.authority),
            ("grpc.enable_http_proxy", 0),
            ("grpc.max_receive_message_length", _ANSWER_BYTES_MAX),
            ("grpc.max_metadata_size", _ANSWER_BYTES_MAX),
        ]
        if target.scheme == "grpc":
            channel = grpc.aio.insecure_channel(where, options=options)
        else:
            roots = self._ca_file.read_bytes() if self._ca_file else None
            options.append(("grpc.ssl_target_name_override", target.host))
            channel = grpc.aio.secure_channel(where, grpc.ssl_channel_credentials(roots), options=options)
        async with channel:
            request = health_pb2.HealthCheckRequest(service=target.path)
            try:
                answer = await _check(channel)(request, timeout=self._seconds_max)
            except grpc.aio.AioRpcError as error:
                return f"{error.code().name}: {error.details()}"
        if answer.status == health_pb2.HealthCheckResponse.SERVING:
            return ""
        return f"it says {health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)}."


def _check(
    channel: grpc.aio.Channel,
) -> grpc.aio.UnaryUnaryMultiCallable[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]:
    return channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )


def _printable(text: str) -> str:
    # The words of a stranger: no database takes a NUL, and no terminal should take an escape sequence.
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
