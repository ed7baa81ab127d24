"""Settings of a service: environment variables that begin with `ARCHWRIGHT_`, and nowhere else.

A service adds its own by inheriting; each is checked before anything starts, and an error names the variable.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from archwright.serving.server import ServerTls
from services.chassis.egress import Allowance

PREFIX = "ARCHWRIGHT_"

Settings = TypeVar("Settings", bound=BaseSettings)


class SettingsInvalid(ValueError):
    """A variable is missing or wrong; the message names each."""


class ServiceSettings(BaseSettings):
    """What every service of ours can be told."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535, description="0 takes a free port; the ready line names it")
    metrics_host: str = Field(default="127.0.0.1", description="where metrics are told, in clear and to anybody")
    metrics_port: int = Field(default=0, ge=0, le=65535, description="as `port`, of metrics")
    redis_url: str | None = Field(default=None, description="redis://host:port/0 or unix:///path")

    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    tls_ca_file: Path | None = Field(default=None, description="whom to trust when calling other services")

    jwks_file: Path = Field(description="public keys that tokens are checked against")
    token_issuer: str = Field(default="archwright-local")
    token_audience: str = Field(default="archwright")
    token_key_file: Path | None = Field(default=None, description="private key that tokens are signed with")
    service_token_file: Path | None = Field(default=None, description="token for calls to other services")

    log_form: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    parent_pipe_fd: int | None = Field(default=None, description="stop when this descriptor reads end-of-file")
    drain_seconds: float = Field(default=10.0, ge=0, description="how long calls under way may take when stopping")
    health_file: Path | None = Field(default=None, description="touched every few seconds while the loop turns")

    @property
    def address(self) -> str:
        """Where to listen."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def server_tls(self) -> ServerTls | None:
        """The server's certificate, or None for a server in clear; raises SettingsInvalid when half is missing."""
        match self.tls_cert_file, self.tls_key_file:
            case None, None:
                return None
            case Path() as cert_file, Path() as key_file:
                return ServerTls(cert_file, key_file)
            case _:
                raise SettingsInvalid(
                    f"{PREFIX}TLS_CERT_FILE and {PREFIX}TLS_KEY_FILE go together: set both, or none of them."
                )


def _readable(allowed: str) -> str:
    Allowance.read(allowed)
    return allowed


def _holding_authorities(file: Path) -> Path:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError as error:
        raise ValueError(f"{file} holds no certificates in PEM: {error.strerror or error}") from None
    return file


AllowList = Annotated[str, AfterValidator(_readable)]
"""Whom a service may ask inside the network: hosts, .suffixes of hosts and networks, by commas."""


class OutboundSettings(ServiceSettings):
    """What every service can be told that writes to systems that are not ours."""

    redis_url: str = Field(description="redis://host:port/0 or unix:///path: the bus, and what the service notes")
    public_url: str = Field(default="", description="where people reach the gateway; what is written links to it")
    egress_ca_file: Annotated[Path, AfterValidator(_holding_authorities)] | None = Field(
        default=None, description="whom to trust outside, besides the authorities of this machine"
    )

    @field_validator("public_url")
    @classmethod
    def _is_a_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("is no URL such as https://archwright.example.com")
        return url


class DatabaseSettings(ServiceSettings):
    """What every service can be told that keeps something."""

    postgres_dsn: str = Field(description="postgresql://user@host/db, or postgresql://user@/db?host=/socket/folder")


class MigrationSettings(BaseSettings):
    """What `migrate` needs: the right to create schemas and roles."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    postgres_owner_dsn: str = Field(
        description="as ARCHWRIGHT_POSTGRES_DSN, of a role that may create schemas and roles"
    )


def read(kind: type[Settings]) -> Settings:
    """Return the settings that the environment holds; raises SettingsInvalid naming every wrong variable."""
    try:
        return kind()
    except ValidationError as invalid:
        problems = "; ".join(
            f"{PREFIX}{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in invalid.errors()
        )
        raise SettingsInvalid(f"The environment is incomplete or wrong. {problems}.") from None
