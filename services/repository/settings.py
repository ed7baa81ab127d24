"""The settings of the repository service, each an environment variable `ARCHWRIGHT_…`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from services.chassis.settings import ServiceSettings


class RepositorySettings(ServiceSettings):
    """What it needs beyond what every service needs."""

    redis_url: str = Field(description="redis://host:port/0 or unix:///path: the bus")
    engine_address: str = Field(description="host:port of the engine, with http:// before it where it has no TLS")
    repository_rules_file: Path = Field(description="what is committed where; see docs/model-repository.md")
    repository_folder: Path = Field(description="where to keep what was fetched; each replica needs its own")
