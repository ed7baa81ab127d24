"""The settings of the realtime service, each an environment variable `ARCHWRIGHT_…`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from services.chassis.settings import ServiceSettings


class RealtimeSettings(ServiceSettings):
    """What it can be told beyond what every service can."""

    socket_file: Path | None = Field(
        default=None, description="a unix socket to listen on instead of host and port; in clear, as it is private"
    )
    engine_address: str = Field(description="host:port of the engine; several with commas between them")
    watchers_max: int = Field(default=5_000, ge=1, description="how many WebSockets one replica holds")
    tenant_watchers_max: int = Field(default=2_500, ge=1, description="how many of them may be of one tenant")
    ping_seconds: float = Field(default=15.0, gt=0, description="how often a silent WebSocket is told that it lives")
    watcher_bytes_max: int = Field(
        default=1 << 20, ge=1 << 12, description="how much may wait for one that reads slowly before it is cut"
    )
