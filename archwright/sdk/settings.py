"""What an agent must know to work: where the mesh is, whom to trust, and how to enrol.

From the environment; what is absent there comes from the local mesh that is up on this machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from archwright.errors import RequestInvalid
from archwright.local import state


class AgentSettings(BaseSettings):
    """Variables `ARCHWRIGHT_…` that agents read."""

    model_config = SettingsConfigDict(env_prefix="ARCHWRIGHT_", env_ignore_empty=True, extra="ignore")

    gateway: str = ""
    """Where both the engine and the registry are reached, unless they are named themselves."""
    engine_address: str = ""
    registry_address: str = ""
    ca_file: Path | None = None
    """The only authority that is trusted; the system's when absent."""
    enrolment_token: SecretStr | None = None
    """Takes part in registration only."""
    enrolment_token_file: Path | None = None
    """Read again at each registration, so that the token may be replaced."""
    agent_id: str = ""
    parent_pipe_fd: int | None = None
    """The agent ends when this descriptor reads end of file: its parent has died."""
    drain_seconds: float = 10.0
    """How long tasks may be finished after SIGTERM before they are given back."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_form: Literal["json", "console"] = "json"

    @property
    def engine(self) -> str:
        """Where the engine is."""
        return self.engine_address or self.gateway

    @property
    def registry(self) -> str:
        """Where the registry is."""
        return self.registry_address or self.gateway

    def read_enrolment_token(self) -> str:
        """Return the enrolment token; raises RequestInvalid when there is none."""
        if self.enrolment_token is not None:
            return self.enrolment_token.get_secret_value()
        if self.enrolment_token_file is None:
            raise RequestInvalid(
                "The agent has no enrolment token. Set ARCHWRIGHT_ENROLMENT_TOKEN or ARCHWRIGHT_ENROLMENT_TOKEN_FILE."
            )
        try:
            return self.enrolment_token_file.read_text().strip()
        except OSError as error:
            raise RequestInvalid(
                f"The enrolment token file {str(self.enrolment_token_file)!r} cannot be read: {error.strerror}.",
                facts={"enrolment_token_file": str(self.enrolment_token_file)},
            ) from error


def load() -> AgentSettings:
    """Return the settings; raises MeshNotUp where the environment names no mesh and none is up here."""
    settings = AgentSettings()
    if settings.engine and settings.registry:
        return settings
    mesh = state.find()
    has_token = settings.enrolment_token or settings.enrolment_token_file
    return settings.model_copy(
        update={
            "engine_address": settings.engine or mesh.engine,
            "registry_address": settings.registry or mesh.registry,
            "ca_file": settings.ca_file or Path(mesh.ca_file),
            "enrolment_token_file": settings.enrolment_token_file if has_token else Path(mesh.enrolment_token_file),
        }
    )
