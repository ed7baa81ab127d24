"""What the engine may be asked to do to a workflow.

Time, ids and chance arrive inside commands, so that deciding needs none of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from archwright.language.model import ErrorCategory
from services.engine.domain.events import ArtifactMade, Json


class Stale(Exception):
    """The command speaks of something that is over: a late result, a timer of an earlier attempt.

    Nobody did wrong, and nothing changes.
    """


@dataclass(frozen=True, slots=True)
class StartWorkflow:
    """Begin."""

    now: datetime
    workflow_id: str
    input: Json
    request_id: str
    user_id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class CompleteTask:
    """An agent returned a result."""

    now: datetime
    task_id: str
    attempt: int
    agent_id: str
    output: Json
    artifacts: tuple[ArtifactMade, ...] = ()
    usage: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailTask:
    """An attempt failed: by its agent's word, or because the engine revoked it.

    `chance` lies in [0, 1) and spreads retries; `retry_after_seconds` is the agent's wish.
    """

    now: datetime
    task_id: str
    attempt: int
    agent_id: str
    category: ErrorCategory
    code: str
    message: str
    chance: float
    retry_after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class FireTimer:
    """A timer is due. One of an earlier generation is stale."""

    now: datetime
    key: str
    generation: int


@dataclass(frozen=True, slots=True)
class CancelWorkflow:
    """Somebody calls it off."""

    now: datetime
    user_id: str
    reason: str
    request_id: str = ""


Command = StartWorkflow | CompleteTask | FailTask | FireTimer | CancelWorkflow
"""Everything that may be asked."""
