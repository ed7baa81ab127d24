"""The registry's settings, each an environment variable `ARCHWRIGHT_…`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from services.chassis.settings import AllowList, DatabaseSettings


class RegistrySettings(DatabaseSettings):
    """What the registry needs beyond what every service needs."""

    token_key_file: Path = Field(description="private key that agents' tokens are signed with")
    agent_token_seconds: float = Field(default=3600.0, ge=60, description="how long an agent's token is good")
    heartbeat_seconds: float = Field(default=10.0, gt=0, description="how often an agent says that it is alive")
    keep_lost_agents_hours: float = Field(
        default=24.0, gt=0, description="how long an agent that is not heard of stays registered"
    )
    poll_seconds: float = Field(default=1.0, gt=0, description="how often changes by other replicas are looked for")
    health_check_allow: AllowList = Field(
        default="",
        description="whom health checks may ask: hosts, .suffixes of hosts and networks, by commas; nobody when empty",
    )
    health_check_seconds: float = Field(default=10.0, gt=0, description="how often an agent's health check is asked")
    health_check_seconds_max: float = Field(default=3.0, gt=0, description="how long one may take")
    postgres_pool_max: int = Field(default=5, ge=1, description="how many connections to PostgreSQL")
