"""The settings of the service, each an environment variable `ARCHWRIGHT_…`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from services.chassis.settings import ServiceSettings


class ChangesSettings(ServiceSettings):
    """What it needs beyond what every service needs."""

    redis_url: str = Field(description="redis://host:port/0 or unix:///path: the bus")
    engine_address: str = Field(description="host:port of the engine")
    changes_rules_file: Path = Field(description="which approvals go to which system; see docs/change-management.md")
    public_url: str = Field(default="", description="where people reach the gateway; changes link to it")
    hooks_host: str = Field(default="127.0.0.1", description="where webhooks are taken, in clear")
    hooks_port: int = Field(default=0, ge=0, le=65535, description="0 takes a free port; the log names it")
