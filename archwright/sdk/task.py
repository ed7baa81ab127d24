"""A task as the function that does it sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from archwright.payloads import Json
from archwright.sdk.frames import ArtifactReference, Budget, Usage

Answer = TypeVar("Answer")

CHUNK_BYTES_MAX = 64 << 10
"""What the engine takes in one frame."""


class TaskPort(Protocol):
    """Where a task's words and files go."""

    def progress(self, percent: float, message: str) -> None:
        """Tell watchers how the task is getting on."""

    async def chunk(self, part: bytes) -> None:
        """Send a piece of output ahead of the result, waiting while there is no room for it."""

    async def put_artifact(self, content: bytes, media_type: str) -> str:
        """Put a file into the store and return its SHA-256."""

    async def get_artifact(self, name: str) -> bytes:
        """Return a file of the task's workflow."""


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
    budget: Budget | None = None
    """What language models may still take in the workflow; None where its definition sets no limit."""
    _port: TaskPort
    _loop: asyncio.AbstractEventLoop
    _artifacts: dict[str, ArtifactReference] = field(default_factory=dict)
    _cancellation: Cancellation = field(default_factory=Cancellation)
    _usages: list[Usage] = field(default_factory=list)

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

    @property
    def usage(self) -> Usage | None:
        """What language models took so far, all together; it goes with the result. None where there was none."""
        if not self._usages:
            return None
        return Usage(
            model=", ".join(dict.fromkeys(one.model for one in self._usages)),
            input_tokens=sum(one.input_tokens for one in self._usages),
            output_tokens=sum(one.output_tokens for one in self._usages),
            cost_micros=sum(one.cost_micros for one in self._usages),
        )

    def add_usage(self, model: str, *, input_tokens: int = 0, output_tokens: int = 0, cost_micros: int = 0) -> None:
        """Count what a language model took; `cost_micros` is in millionths of a US dollar.

        Counts add up over the workflow, and against `model_budget` where its definition has one.
        """
        self._usages.append(Usage(model, input_tokens, output_tokens, cost_micros))

    async def progress(self, percent: float, message: str = "") -> None:
        """Tell whoever watches how much is done, from 0 to 100. Never waits; only the newest word is sent."""
        self._port.progress(min(100.0, max(0.0, percent)), message)

    async def chunk(self, part: str | bytes) -> None:
        """Send a piece of output to whoever watches, ahead of the result: the words of a model, as they come.

        Nothing of it is kept. Waits while the engine takes less than is sent, so that memory stays bounded; what is
        sent while there is no stream, or after the task was called off, is dropped, and watchers see the gap.
        """
        for piece in _pieces(part):
            await self._port.chunk(piece)

    async def get_artifact(self, name: str) -> bytes:
        """Return a file of the task's workflow, such as an earlier step has put.

        Raises ArtifactNotFound, or DependencyUnavailable when the engine does not answer; let out of the function,
        the former fails the attempt as permanent and the latter as transient.
        """
        return await self._port.get_artifact(name)

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


def _pieces(part: str | bytes) -> Iterator[bytes]:
    """Cut a piece into those that one frame may hold, and text never within a character."""
    if isinstance(part, str):
        for start in range(0, len(part), CHUNK_BYTES_MAX // 4):
            yield part[start : start + CHUNK_BYTES_MAX // 4].encode()
    else:
        for start in range(0, len(part), CHUNK_BYTES_MAX):
            yield bytes(part[start : start + CHUNK_BYTES_MAX])
