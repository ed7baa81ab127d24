"""The keywords of the builder: the fields of steps, typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from typing import Literal, TypedDict, TypeVar

from .model import Json, OnFailure, OnUnavailable, Priority, RetryPolicy, Schema, Selection

Target = TypeVar("Target", bound="Made")

_NAMES = {"otherwise": "else"}
"""Keywords that Python has another use for, and the words they stand for."""


class Made:
    """A step that was made, for others to refer to."""

    def __init__(self, name: str, mapping: dict[str, Json]) -> None:
        self.name = name
        self.mapping = mapping

    @property
    def output(self) -> str:
        """What stands for its output in a mapping: `${steps.<name>.output}`."""
        return f"${{{self.path}}}"

    @property
    def path(self) -> str:
        """What stands for its output in an expression: `steps.<name>.output`."""
        return f"steps.{self.name}.output"

    @property
    def status(self) -> str:
        """What stands for its status in an expression: `steps.<name>.status`."""
        return f"steps.{self.name}.status"


class Common(TypedDict, total=False):
    """What every step may say."""

    step_id: str
    when: str
    depends_on: Sequence[str | Made]
    parallel_execution: bool
    conditions: Sequence[tuple[str, str | Made]]
    otherwise: str | Made
    next: str | Made
    on_failure: OnFailure | Literal["fail", "continue", "fallback", "compensate"]
    fallback: Made | Mapping[str, Json]
    compensate: Made


class Schemas(Common, total=False):
    """What steps may say that have an output."""

    output_schema: Schema


class Given(Schemas, total=False):
    """What steps may say that are given an input."""

    input: Mapping[str, Json] | str
    input_schema: Schema


class AgentFields(Given, total=False):
    """What agent steps may say."""

    capability: str
    labels: Mapping[str, str]
    selection: Selection | Literal["round_robin", "least_connections"]
    task_type: str
    timeout_seconds: int
    queue_timeout_seconds: int
    idle_timeout_seconds: int
    retry_policy: RetryPolicy | Mapping[str, Json]
    priority: Priority | Literal["low", "normal", "high", "critical"]
    on_unavailable: OnUnavailable | Literal["wait", "fallback", "skip", "fail"]
    cache: Mapping[str, Json]
    idempotency_key: str


def said(**words: Json) -> dict[str, Json]:
    """Return the words that have a value."""
    return plain({word: value for word, value in words.items() if value is not None})


def plain(given: Mapping[str, object]) -> dict[str, Json]:
    """Return keywords as an author would write them."""
    return {_NAMES.get(word, word): _of_word(word, value) for word, value in given.items()}


def _of_word(word: str, value: Json) -> Json:
    match word:
        case "conditions":
            return [{"if": if_, "next": _plain(target)} for if_, target in value]
        case "fallback" | "compensate" if isinstance(value, Made):
            return value.mapping  # itself: more steps may be added to it
        case _:
            return _plain(value)


def _plain(value: object) -> Json:
    match value:
        case Made():
            return value.name
        case StrEnum():
            return str(value)
        case RetryPolicy():
            said = {field.name: getattr(value, field.name) for field in fields(value)}
            return {**said, "retriable_errors": sorted(str(category) for category in value.retriable_errors)}
        case Mapping():
            return {str(key): _plain(element) for key, element in value.items()}
        case str():
            return value
        case Sequence():
            return [_plain(element) for element in value]
        case _:
            return value
