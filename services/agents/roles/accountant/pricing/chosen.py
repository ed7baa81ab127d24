"""Whom this process asks for prices, by its settings: nobody but the catalogue, unless it is told."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.errors import RequestInvalid
from services.agents.roles.accountant.pricing.port import PriceProvider
from services.agents.roles.accountant.pricing.snapshot import Snapshot, from_catalogue, taken

PREFIX = "ARCHWRIGHT_PRICES_"


class PriceSettings(BaseSettings):
    """Variables `ARCHWRIGHT_PRICES_…` of the accountant."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    url: str = ""
    """Of a service that speaks the GraphQL of Infracost's; empty for the catalogue alone."""
    key: SecretStr | None = None
    key_file: Path | None = None


@cache
def price_provider() -> PriceProvider | None:
    """Return whom to ask, None for the catalogue alone; raises RequestInvalid naming the variable that is wrong."""
    settings = PriceSettings()
    if not settings.url:
        return None
    if urlsplit(settings.url).scheme not in {"http", "https"}:
        raise RequestInvalid(f"{PREFIX}URL is {settings.url!r}; write something like https://pricing.api.infracost.io.")
    try:
        from services.agents.roles.accountant.pricing.infracost import InfracostPrices  # noqa: PLC0415
    except ImportError:
        raise RequestInvalid(
            f"{PREFIX}URL is set, and what asks for prices is not installed: pip install 'archwright[cloud]'."
        ) from None
    return InfracostPrices(settings.url, _key(settings))


async def snapshot_for(infrastructure: AgentOutput | None) -> Snapshot:
    """Return the prices of an infrastructure, as of today where somebody is asked for them."""
    wanted = infrastructure.infrastructure if infrastructure is not None else InfrastructureArchitecture()
    provider = price_provider()
    if provider is None or not wanted.nodes:
        return from_catalogue(wanted)
    return await taken(provider, wanted, datetime.fromtimestamp(time.time(), UTC).date().isoformat())


def _key(settings: PriceSettings) -> str:
    if settings.key is not None:
        return settings.key.get_secret_value()
    if settings.key_file is None:
        return ""
    try:
        return settings.key_file.read_text().strip()
    except OSError as error:
        raise RequestInvalid(f"{PREFIX}KEY_FILE: {settings.key_file} cannot be read: {error.strerror}.") from error
