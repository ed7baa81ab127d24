"""The notifier's settings, each an environment variable `ARCHWRIGHT_…`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from services.chassis.settings import AllowList, OutboundSettings


class NotifierSettings(OutboundSettings):
    """What the notifier needs beyond what every service needs that writes to others."""

    notifier_rules_file: Path = Field(description="who is told of what, and where to; see docs/notifications.md")
    notifier_allow: AllowList = Field(
        default="",
        description="which places inside the network may be written to: hosts, .suffixes of hosts and networks",
    )
