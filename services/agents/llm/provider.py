"""The model that the settings name, from whichever provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archwright.errors import RequestInvalid
from services.agents.llm.settings import PREFIX, ModelSettings

if TYPE_CHECKING:
    from pydantic_ai.models import Model


def model_of(settings: ModelSettings) -> Model[Any]:
    """Return the model; raises RequestInvalid where it is not known, not installed, or has no key."""
    try:
        from pydantic_ai.exceptions import UserError  # noqa: PLC0415 - most roles never talk to a model
        from pydantic_ai.models import infer_model  # noqa: PLC0415
    except ImportError:
        raise RequestInvalid(
            f"{PREFIX}NAME is set, and what talks to models is not installed: pip install 'archwright[llm]'."
        ) from None
    if ":" not in settings.name:
        raise RequestInvalid(f"{PREFIX}NAME is {settings.name!r}; write provider:model, such as openai:gpt-5.")
    try:
        return infer_model(settings.name, lambda provider: _provider(provider, settings))
    except (UserError, ValueError, ImportError) as refused:
        raise RequestInvalid(f"{PREFIX}NAME {settings.name!r} cannot be used: {refused}") from refused


def _provider(name: str, settings: ModelSettings) -> Any:
    from pydantic_ai.providers import infer_provider, infer_provider_class  # noqa: PLC0415

    chosen: dict[str, str] = {}
    if settings.url:
        chosen["base_url"] = settings.url
    if key := settings.read_key():
        chosen["api_key"] = key
    elif settings.url:
        # A server of one's own often asks for none, and the library insists on some.
        chosen["api_key"] = "none"
    try:
        return infer_provider_class(name)(**chosen) if chosen else infer_provider(name)
    except TypeError as unfit:
        raise RequestInvalid(f"{PREFIX}URL or {PREFIX}KEY does not fit the provider {name!r}: {unfit}") from unfit
