"""A task as the function that does it sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from archwright.payloads import Json
from archwright.sdk.frames import ArtifactReference

Answer = TypeVar("Answer")


class TaskPort(Protocol):
    """Where a task's words and files go."""

    def progress(self, percent: float, message: str) -> None:
        """Tell watchers how the task is getting on."""

    async def put_artifact(self, content: bytes, media_type: str) -> str:
        """Put a file into the store and return its SHA-256."""


@dataclass(slots=True)
class Cancellation:
    """Whether the task was called off, and why."""

    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One attempt at a task. The same task may come again, here or elsewhere: `idempotency_key` tells."""

    task_id: str
    workflow_id: str
    step: str
    task_type: str
    tenant: str
    input: Json
    context: Json
    attempt: int
    failures: int
    idempotency_key: str
    deadline: datetime | None
    repair_errors: tuple[str, ...] = ()
    _port: TaskPort
    _loop: asyncio.AbstractEventLoop
    _artifacts: dict[str, ArtifactReference] = field(default_factory=dict)
    _cancellation: Cancellation = field(default_factory=Cancellation)

    @property
    def cancelled(self) -> bool:
        """Whether the result would not count any more.

        An async function is cancelled as well; a sync one has to look here and end by itself.
        """
        return self._cancellation.reason is not None

    @property
    def artifacts(self) -> tuple[ArtifactReference, ...]:
        """The files put so far, which go with the result."""
        return tuple(self._artifacts.values())

    async def progress(self, percent: float, message: str = "") -> None:
        """Tell whoever watches how much is done, from 0 to 100. Never waits; only the newest word is sent."""
        self._port.progress(min(100.0, max(0.0, percent)), message)

    async def put_artifact(self, name: str, content: bytes, media_type: str = "application/octet-stream") -> None:
        """Put a file of at most 32 MiB into the workflow, where it has this name once the task is done.

        Putting another under the same name replaces it. Raises PayloadTooLarge, or DependencyUnavailable when the
        engine does not answer; let out of the function, the latter fails the attempt as transient.
        """
        sha256 = await self._port.put_artifact(content, media_type)
        self._artifacts[name] = ArtifactReference(name, sha256)

    def wait(self, doing: Coroutine[Any, Any, Answer]) -> Answer:
        """Do one of the above from a sync function: `task.wait(task.progress(50))`."""
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result()
