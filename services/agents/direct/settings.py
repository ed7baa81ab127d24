"""Where a role's own service listens, and whom it believes; without an address it has none."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from archwright.errors import RequestInvalid
from archwright.serving.server import ServerTls


class DirectSettings(BaseSettings):
    """Variables `ARCHWRIGHT_…` that a role reads besides those of every agent."""

    model_config = SettingsConfigDict(env_prefix="ARCHWRIGHT_", env_ignore_empty=True, extra="ignore", frozen=True)

    listen: str = ""
    """`host:port`, or `unix:/path` where a gateway on this machine stands before it; empty for no service."""
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    jwks_file: Path | None = None
    """Public keys that tokens are checked against; needed where it listens."""
    token_issuer: str = Field(default="archwright-local")
    token_audience: str = Field(default="archwright")

    @property
    def keys(self) -> Path:
        """The file of public keys; raises RequestInvalid where none is named."""
        if self.jwks_file is None:
            raise RequestInvalid(
                "ARCHWRIGHT_LISTEN is set, so ARCHWRIGHT_JWKS_FILE has to be: it tells whom to believe."
            )
        return self.jwks_file

    @property
    def tls(self) -> ServerTls | None:
        """The service's certificate, or None for one in clear; raises RequestInvalid when half is missing."""
        match self.tls_cert_file, self.tls_key_file:
            case None, None:
                return None
            case Path() as cert_file, Path() as key_file:
                return ServerTls(cert_file, key_file)
            case _:
                raise RequestInvalid(
                    "ARCHWRIGHT_TLS_CERT_FILE and ARCHWRIGHT_TLS_KEY_FILE go together: set both, or none of them."
                )
