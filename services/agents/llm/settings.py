"""Which language model refines, and what it may cost."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from archwright.errors import RequestInvalid

PREFIX = "ARCHWRIGHT_MODEL_"


class ModelSettings(BaseSettings):
    """Variables `ARCHWRIGHT_MODEL_…` of a role."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, protected_namespaces=()
    )

    name: str = ""
    """`provider:model`, such as `openai:gpt-5` or `anthropic:claude-sonnet-5`; empty for rules alone."""
    url: str = ""
    """Of a server that speaks the provider's protocol, where it is not the provider's own."""
    key: SecretStr | None = None
    key_file: Path | None = None
    """Holds the key; read when the process starts."""
    turn_seconds: float = Field(default=120.0, gt=0, le=3600)
    """How long one answer may take."""
    seconds: float = Field(default=300.0, gt=0, le=7200)
    """How long all answers of a task may take together."""
    tokens: int = Field(default=200_000, ge=1)
    """How many tokens a task may take, read and written together."""
    usd: Decimal | None = Field(default=None, gt=0)
    """How many US dollars a task may take, by the prices that are known; None for no limit."""
    input_price: Decimal | None = Field(default=None, ge=0)
    """US dollars for a million tokens read, for a model whose price is not known."""
    output_price: Decimal | None = Field(default=None, ge=0)
    """As `input_price`, for a million tokens written."""

    def read_key(self) -> str | None:
        """Return the key, or None where the provider's own variable is to say it; raises RequestInvalid."""
        if self.key is not None:
            return self.key.get_secret_value()
        if self.key_file is None:
            return None
        try:
            return self.key_file.read_text().strip()
        except OSError as error:
            raise RequestInvalid(f"{PREFIX}KEY_FILE: {self.key_file} cannot be read: {error.strerror}.") from error


def load() -> ModelSettings:
    """Return the settings; raises RequestInvalid naming every variable that is wrong."""
    try:
        return ModelSettings()
    except ValidationError as invalid:
        problems = "; ".join(f"{PREFIX}{str(each['loc'][0]).upper()}: {each['msg']}" for each in invalid.errors())
        raise RequestInvalid(f"The settings of the language model are wrong. {problems}.") from None
