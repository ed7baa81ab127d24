"""What an agent and the engine say to each other, as plain values.

The mirror of `AgentFrame` and `EngineFrame` in agent_work.proto, so that the session's rules can be read and
tested without protobuf. Spans are in seconds; `wire` translates.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from archwright.language.model import ErrorCategory


class Delivery(NamedTuple):
    """One delivery of a task: what a result must name to count.

    A tuple, because each is looked up several times, and a tuple is quick to hash and to compare.
    """

    task_id: str
    attempt: int
    lease_id: str

    def __str__(self) -> str:
        return f"{self.task_id}#{self.attempt}"


@dataclass(frozen=True, slots=True)
class ArtifactReference:
    """A file that was put into the artifact store, under the name it has in the workflow."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What language models took; `cost_micros` is in millionths of a US dollar."""

    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    cost_micros: int = 0


@dataclass(frozen=True, slots=True)
class Budget:
    """What language models may still take; None where there is no limit."""

    tokens: int | None = None
    cost_micros: int | None = None


@dataclass(frozen=True, slots=True)
class Hello:
    """Who the agent is, and what it still holds from an earlier stream."""

    agent_id: str
    capabilities: tuple[str, ...]
    in_flight: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class Credit:
    """How many more tasks the agent can take."""

    slots: int


@dataclass(frozen=True, slots=True)
class Accept:
    """The agent takes the task."""

    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Reject:
    """The agent does not take the task; it goes to another, charged to nobody."""

    delivery: Delivery
    category: ErrorCategory
    retry_after_seconds: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How a task is getting on."""

    delivery: Delivery
    percent: float
    message: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of output ahead of the result, for whoever watches; `seq` counts from 1 within the attempt."""

    delivery: Delivery
    seq: int
    part: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """A task is done; `output` is canonical JSON."""

    delivery: Delivery
    output: bytes
    artifacts: tuple[ArtifactReference, ...] = ()
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A task failed; the category decides whether it is retried, and `details` is JSON."""

    delivery: Delivery
    category: ErrorCategory
    code: str
    message: str
    retry_after_seconds: float | None = None
    details: bytes = b""


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a Ping."""

    nonce: int


@dataclass(frozen=True, slots=True)
class Draining:
    """The agent takes no more tasks and will go once it holds none."""

    reason: str


AgentFrame: TypeAlias = Hello | Credit | Accept | Reject | Progress | Chunk | Result | Failure | Pong | Draining


@dataclass(frozen=True, slots=True)
class Welcome:
    """The answer to Hello: the session's numbers, and what of the work in flight is still the agent's."""

    session_id: str
    ping_interval_seconds: float
    lease_seconds: float
    keep: tuple[Delivery, ...] = ()
    abandon: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class Assign:
    """A task for the agent; `input` and `context` are JSON, `deadline` is in seconds since 1970."""

    delivery: Delivery
    workflow_id: str
    step: str
    task_type: str
    tenant: str
    input: bytes
    context: bytes = b""
    deadline: float | None = None
    idempotency_key: str = ""
    failures: int = 0
    traceparent: str = ""
    repair_errors: tuple[str, ...] = ()
    capability: str = ""
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """The task is called off."""

    delivery: Delivery
    grace_seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class LeaseLost:
    """The agent's right to the task has ended."""

    delivery: Delivery


class Outcome(StrEnum):
    """What became of a Result or Failure."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    STALE = "stale"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ResultAck:
    """What became of a Result or Failure; the engine has settled it, one way or the other."""

    delivery: Delivery
    outcome: Outcome
    message: str = ""


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there? The lease counts from when the agent sent the Pong `renewed_nonce`; 0 says nothing of it."""

    nonce: int
    renewed_nonce: int = 0


@dataclass(frozen=True, slots=True)
class Drain:
    """The stream is about to end; connect again."""

    reconnect_after_seconds: float


EngineFrame: TypeAlias = Welcome | Assign | Cancel | LeaseLost | ResultAck | Ping | Drain
