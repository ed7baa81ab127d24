"""Put a task into a function's hand, and look at what comes back.

    outcome = await performed(agent, {"name": "Ada"}, task_type="greet")
    assert outcome.output == {"greeting": "Hello, Ada!"}

The function runs as it would in the mesh: input and output pass through JSON, and sync functions run in a thread.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from archwright.errors import ArtifactNotFound
from archwright.payloads import Json, canonical, check, parse
from archwright.sdk.agent import Agent
from archwright.sdk.frames import Assign, Budget, Delivery, Failure, Result, Usage
from archwright.sdk.performance import perform
from archwright.sdk.task import Cancellation
from archwright.sdk.threads import ThreadPool


@dataclass(frozen=True, slots=True)
class File:
    """A file that the function put."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Performed:
    """What a function did with a task: `output` where it was done, `failure` where it was not."""

    output: Json
    failure: Failure | None
    progress: Sequence[tuple[float, str]]
    files: Mapping[str, File]
    chunks: Sequence[bytes] = ()
    usage: Usage | None = None
    """What language models took."""


@dataclass(slots=True)
class _Recorder:
    progress_reports: list[tuple[float, str]] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    artifacts: Mapping[str, bytes] = field(default_factory=dict)

    def progress(self, percent: float, message: str) -> None:
        self.progress_reports.append((percent, message))

    async def chunk(self, part: bytes) -> None:
        self.chunks.append(part)

    async def get_artifact(self, name: str) -> bytes:
        if name not in self.artifacts:
            raise ArtifactNotFound.named("wf_test", name)
        return self.artifacts[name]

    async def put_artifact(self, content: bytes, media_type: str) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        self.files[sha256] = File(content, media_type)
        return sha256


async def performed(
    agent: Agent,
    input: Mapping[str, Json],  # noqa: A002 - the task's word
    *,
    task_type: str = "",
    context: Mapping[str, Json] | None = None,
    capability: str = "",
    artifacts: Mapping[str, bytes] | None = None,
    attempt: int = 1,
    tenant: str = "test",
    cancel_after_seconds: float | None = None,
    budget: Budget | None = None,
) -> Performed:
    """Return what the agent's function does with a task of this input.

    `artifacts` are the files of its workflow, and `budget` is what language models may still take there.

    With `cancel_after_seconds` the task is called off after that time, as the engine would do it; raises
    CancelledError then, if the function lets itself be cancelled.
    """
    assign = Assign(
        delivery=Delivery("task_test", attempt, "lease_test"),
        workflow_id="wf_test",
        step="test",
        task_type=task_type,
        tenant=tenant,
        input=canonical(check(dict(input), root="input")),
        context=canonical(check(dict(context or {}), root="context")),
        idempotency_key="task_test",
        failures=attempt - 1,
        capability=capability,
        budget=budget,
    )
    recorder, threads, cancellation = _Recorder(artifacts=artifacts or {}), ThreadPool(1), Cancellation()
    duty = agent.duty(task_type, capability)
    try:
        async with asyncio.TaskGroup() as group:
            doing = group.create_task(perform(duty, assign, recorder, cancellation, threads))
            if cancel_after_seconds is not None:
                await asyncio.wait((doing,), timeout=cancel_after_seconds)
                cancellation.reason = "the test called it off"
                if duty is None or duty.is_async:
                    doing.cancel()
    finally:
        threads.close()
    outcome = doing.result()
    match outcome:
        case Result(_, output, references, usage):
            files = {artifact.name: recorder.files[artifact.sha256] for artifact in references}
            return Performed(parse(output), None, recorder.progress_reports, files, recorder.chunks, usage)
        case Failure():
            return Performed(None, outcome, recorder.progress_reports, {}, recorder.chunks)
