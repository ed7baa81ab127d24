"""Asks a service of the local mesh whether it serves; the gateway would only tell whether any of its replicas does."""

from __future__ import annotations

from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2

from archwright.channel import open_channel

_CHECK = "/grpc.health.v1.Health/Check"
_ANSWER_SECONDS_MAX = 2.0


async def serves(address: str, ca_file: Path) -> bool:
    """Return whether the service at the address says that it serves."""
    async with open_channel(address, ca_file=ca_file) as channel:
        check = channel.unary_unary(
            _CHECK,
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        try:
            answer = await check(health_pb2.HealthCheckRequest(), timeout=_ANSWER_SECONDS_MAX)
        except grpc.aio.AioRpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
