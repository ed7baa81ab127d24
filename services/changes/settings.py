"""The settings of the service, each an environment variable `ARCHWRIGHT_…`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from services.chassis.settings import AllowList, OutboundSettings


class ChangesSettings(OutboundSettings):
    """What it needs beyond what every service needs that writes to others."""

    engine_address: str = Field(description="host:port of the engine")
    changes_rules_file: Path = Field(description="which approvals go to which system; see docs/change-management.md")
    changes_allow: AllowList = Field(
        default="", description="which systems inside the network may be asked: hosts, .suffixes of hosts and networks"
    )
    hooks_host: str = Field(default="127.0.0.1", description="where webhooks are taken, in clear")
    hooks_port: int = Field(default=0, ge=0, le=65535, description="0 takes a free port; the log names it")
