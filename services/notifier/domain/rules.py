"""Who is told of what."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from archwright.events.catalogue import CATALOGUE, Lane
from services.notifier.domain.channels import Described

TEMPLATE_BYTES_MAX: Final = 64 << 10
RULES_MAX: Final = 500
CHANNELS_MAX: Final = 100

EVENT_TYPES: Final = tuple(sorted(known.name for known in CATALOGUE.values() if known.lane is Lane.HISTORY))
"""What the bus carries."""

Status = Literal["running", "paused", "completed", "failed", "cancelled"]
_BEGINS: Final = {
    "running": "workflow_started",
    "paused": "workflow_paused",
    "completed": "workflow_completed",
    "failed": "workflow_failed",
    "cancelled": "workflow_cancelled",
}
"""The event with which a workflow comes to have a status."""

_NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$"


def _names_events(pattern: str) -> str:
    if not any(fnmatchcase(known, pattern) for known in EVENT_TYPES):
        close = get_close_matches(pattern, EVENT_TYPES, n=1)
        meant = f" Is {close[0]!r} meant?" if close else ""
        raise ValueError(f"{pattern!r} names no event of the bus.{meant} docs/events.md lists them")
    return pattern


def _is_small(text: str) -> str:
    size = len(text.encode())
    if size > TEMPLATE_BYTES_MAX:
        raise ValueError(f"has {size} bytes; a template may have {TEMPLATE_BYTES_MAX}")
    return text


Text = Annotated[str, AfterValidator(_is_small)]


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Template(_Written):
    """What to say instead of the usual words. What is left out is said as usual."""

    subject: Text | None = None
    body: Text | None = None
    html: Text | None = None
    """Of e-mail only, beside the body."""


class On(_Written):
    """Of what to tell."""

    events: tuple[Annotated[str, AfterValidator(_names_events)], ...] = ()
    """Types of events, or patterns such as `workflow_*` and `*`."""
    status: tuple[Status, ...] = ()
    definitions: tuple[Annotated[str, Field(min_length=1)], ...] = ("*",)
    """Names of definitions, or patterns."""

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.events and not self.status:
            raise ValueError("names nothing to tell of: list `events`, or `status`, or both")
        return self


class Rule(_Written):
    """Tell these channels of those events."""

    name: str = Field(pattern=_NAME)
    tenant: str = Field(min_length=1)
    """Whose workflows; `*` for those of every tenant."""
    on: On
    to: tuple[str, ...] = Field(min_length=1)
    template: Template = Template()

    @cached_property
    def event_types(self) -> tuple[str, ...]:
        """The types of events that this tells of."""
        begun = {_BEGINS[status] for status in self.on.status}
        return tuple(
            known
            for known in EVENT_TYPES
            if known in begun or any(fnmatchcase(known, pattern) for pattern in self.on.events)
        )

    def concerns(self, *, tenant: str, event_type: str, definition_name: str) -> bool:
        """Return whether an event is to be told of."""
        return (
            self.tenant in {"*", tenant}
            and event_type in self.event_types
            and any(fnmatchcase(definition_name, pattern) for pattern in self.on.definitions)
        )


class Rules(_Written):
    """All that an operator wrote."""

    channels: dict[Annotated[str, Field(pattern=_NAME)], Described] = Field(max_length=CHANNELS_MAX)
    rules: tuple[Rule, ...] = Field(max_length=RULES_MAX)

    def concerned(self, *, tenant: str, event_type: str, definition_name: str) -> Iterator[Rule]:
        """Yield the rules by which an event is to be told."""
        for rule in self.rules:
            if rule.concerns(tenant=tenant, event_type=event_type, definition_name=definition_name):
                yield rule
