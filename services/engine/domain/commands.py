"""What the engine may be asked to do to a workflow.

Time, ids and chance arrive inside commands, so that deciding needs none of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from archwright.language.model import ErrorCategory
from services.engine.domain.events import ArtifactMade, Json, Parent
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import Failure


class Stale(Exception):
    """The command speaks of something that is over: a late result, a timer of an earlier attempt.

    Nobody did wrong, and nothing changes.
    """


class Repeated(Exception):
    """The command's request_id has been seen: what it asks for was done before, and nothing changes."""


class Reused(Struct, frozen=True, gc=False):
    """A finished step of another workflow that is taken over as it ended: with its output, skipped, or failed.

    `inner` are steps inside of it, by name: those that named values, and those that are read from outside.
    """

    step: str
    output: Json = None
    next: str = ""
    vars: tuple[str, ...] = ()
    degraded: bool = False
    skipped: str = ""
    failure: Failure | None = None
    inner: tuple[Reused, ...] = ()


class StartWorkflow(Struct, frozen=True, gc=False):
    """Begin. One that is not `admitted` waits as PENDING until it is."""

    now: datetime
    workflow_id: str
    input: Json
    request_id: str
    user_id: str
    session_id: str
    admitted: bool = True
    parent: Parent | None = None
    rerun_of: str = ""
    reused: tuple[Reused, ...] = ()
    on_behalf_of: tuple[str, ...] = ()


class AdmitWorkflow(Struct, frozen=True, gc=False):
    """There is room for it now."""

    now: datetime


class CompleteTask(Struct, frozen=True, gc=False):
    """An agent returned a result. `step` is where its task was made; found by the task where it is empty."""

    now: datetime
    task_id: str
    attempt: int
    agent_id: str
    output: Json
    artifacts: tuple[ArtifactMade, ...] = ()
    usage: Mapping[str, Json] = field(default_factory=dict)
    step: str = ""


class FailTask(Struct, frozen=True, gc=False):
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
    step: str = ""


class TellUnavailable(Struct, frozen=True, gc=False):
    """No agent is there that could take a waiting task, and its step said what to do then."""

    now: datetime
    task_id: str
    message: str
    step: str = ""


class FireTimer(Struct, frozen=True, gc=False):
    """A timer is due. One of an earlier generation is stale."""

    now: datetime
    key: str
    generation: int


class EndChild(Struct, frozen=True, gc=False):
    """A workflow that a step waits for has ended."""

    now: datetime
    step: str
    child_id: str
    status: WorkflowStatus
    output: Json = None
    degraded: bool = False
    message: str = ""


class SignalWorkflow(Struct, frozen=True, gc=False):
    """A word from outside; an early one waits until a step asks for it."""

    now: datetime
    name: str
    payload: Json
    user_id: str
    request_id: str = ""


class DecideApproval(Struct, frozen=True, gc=False):
    """Somebody with these roles agrees to what has this hash, or does not."""

    now: datetime
    approval_id: str
    user_id: str
    roles: frozenset[str]
    approved: bool
    comment: str
    shown_sha256: str
    request_id: str = ""


class PauseWorkflow(Struct, frozen=True, gc=False):
    """Begin nothing new."""

    now: datetime
    user_id: str
    reason: str
    request_id: str = ""


class ResumeWorkflow(Struct, frozen=True, gc=False):
    """Go on."""

    now: datetime
    user_id: str
    request_id: str = ""


class RetryWorkflow(Struct, frozen=True, gc=False):
    """Go on from what failed."""

    now: datetime
    user_id: str
    request_id: str = ""


class RedriveTask(Struct, frozen=True, gc=False):
    """Go on from what failed, above all from this task, which is given `input` where somebody edited it."""

    now: datetime
    step: str
    task_id: str
    user_id: str
    input: Json = None
    request_id: str = ""


class CancelWorkflow(Struct, frozen=True, gc=False):
    """Somebody calls it off."""

    now: datetime
    user_id: str
    reason: str
    request_id: str = ""


class StartChild(Struct, frozen=True, gc=False):
    """A step of `parent` asks for a workflow of its own. Whoever takes this word resolves the definition."""

    child_id: str
    definition_name: str
    definition_version: str
    input: Json
    parent: Parent


Command = (
    StartWorkflow
    | AdmitWorkflow
    | CompleteTask
    | FailTask
    | TellUnavailable
    | FireTimer
    | EndChild
    | SignalWorkflow
    | DecideApproval
    | PauseWorkflow
    | ResumeWorkflow
    | RetryWorkflow
    | RedriveTask
    | CancelWorkflow
)
"""Everything that may be asked."""
