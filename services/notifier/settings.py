"""The notifier's settings, each an environment variable `ARCHWRIGHT_…`."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from services.chassis.egress import Allowance
from services.chassis.settings import ServiceSettings


class NotifierSettings(ServiceSettings):
    """What the notifier needs beyond what every service needs."""

    redis_url: str = Field(description="redis://host:port/0 or unix:///path: the bus, and what has been delivered")
    notifier_rules_file: Path = Field(description="who is told of what, and where to; see docs/notifications.md")
    notifier_allow: str = Field(
        default="",
        description="which places inside the network may be written to: hosts, .suffixes of hosts and networks",
    )
    public_url: str = Field(default="", description="where people reach the gateway; messages link to it")

    @field_validator("notifier_allow")
    @classmethod
    def _is_readable(cls, text: str) -> str:
        Allowance.read(text)
        return text

    @field_validator("public_url")
    @classmethod
    def _is_a_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("is no URL such as https://archwright.example.com")
        return url
