"""What a role needs of a language model: one change to its draft, judged as often as it is put right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

REPAIRS_MAX = 3
"""How often a model is told what is wrong with its answer."""

Document: TypeAlias = dict[str, Any]
Judge: TypeAlias = Callable[[Document], Sequence[str]]
"""Says what is wrong with an answer; nothing when it holds."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a model is asked for."""

    instructions: str
    prompt: str
    schema: Document
    """JSON Schema of the answer."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be used up."""

    seconds: float
    tokens: int
    cost_micros: int | None = None
    """In millionths of a US dollar; None where no limit is set."""


@dataclass(slots=True)
class Spent:
    """What was used up, also by what came to nothing."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_micros: int = 0
    is_priced: bool = True
    """Whether the cost is known, where anything was used up."""


class ModelFailed(Exception):
    """A model gave no answer that holds; `code` is for machines."""

    def __init__(self, code: str, message: str, spent: Spent) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.spent = spent


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that holds."""

    document: Document
    spent: Spent = field(default_factory=Spent)


class LanguageModel(Protocol):
    """A model behind a provider."""

    @property
    def provider(self) -> str:
        """Who serves it."""

    @property
    def name(self) -> str:
        """Which it is."""

    async def answer(self, assignment: Assignment, judge: Judge, allowance: Allowance) -> Answer:
        """Return the first answer that `judge` has nothing against, of at most four; raises ModelFailed."""
