"""What agents say about their tasks, turned into commands, and the answer to each.

An agent's output is untrusted: it is parsed and bounded here, before anything is committed. One that cannot be
used fails the attempt for good, because asking the same agent again would bring the same.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

import structlog

from archwright import payloads
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.errors import ArchwrightError, InternalFault, PayloadInvalid, PayloadTooLarge
from archwright.language.model import ErrorCategory
from archwright.problem.v1 import reason_pb2
from services.chassis.clock import Clock
from services.engine.api.agent_frames import fence_of
from services.engine.domain.commands import CompleteTask, FailTask, Stale
from services.engine.domain.events import ArtifactMade, Json
from services.engine.live import Feed, ProgressTold
from services.engine.ports.artifacts import Artifacts
from services.engine.ports.commands import Asked, Commands
from services.engine.ports.keys import Fence
from services.engine.sessions import Acknowledged, HeldTask, Outcome, Session

log = structlog.get_logger(__name__)

_MESSAGE_CHARACTERS_MAX = 4_000
_NAME_CHARACTERS_MAX = 200
_SHA256_LETTERS = 64


class Reports:
    """Takes results, failures and progress."""

    def __init__(self, commands: Commands, artifacts: Artifacts, feed: Feed, clock: Clock) -> None:
        self._commands = commands
        self._artifacts = artifacts
        self._feed = feed
        self._clock = clock

    def progress(self, session: Session, told: pb.Progress) -> None:
        """Pass on how a task is getting on; nothing is kept."""
        fence = fence_of(told.delivery)
        task = session.held.get(fence.task_id)
        if task is not None and task.lease_id == fence.lease_id:
            self._feed.progress(
                ProgressTold(
                    key=task.key,
                    task_id=task.task_id,
                    step=task.step,
                    agent_type=session.agent_type,
                    agent_id=session.agent_id,
                    attempt=task.attempt,
                    percent=min(max(told.percent, 0.0), 100.0),
                    message=told.message[:_MESSAGE_CHARACTERS_MAX],
                )
            )

    async def completed(self, session: Session, result: pb.Result) -> None:
        """Commit a result and say what became of it."""
        await self._settle(session, fence_of(result.delivery), result, None)

    async def failed(self, session: Session, failure: pb.Failure) -> None:
        """Commit a failure and say what became of it."""
        await self._settle(session, fence_of(failure.delivery), None, failure)

    async def _settle(
        self, session: Session, fence: Fence, result: pb.Result | None, failure: pb.Failure | None
    ) -> None:
        assert fence.lease_id is not None
        task = session.held.get(fence.task_id)
        if task is None or task.lease_id != fence.lease_id or session.lost:
            self._answer(session, fence, "stale", "The task has ended, or belongs to another attempt.")
            return
        task.reported = True
        outcome: Outcome = "applied"
        message = ""
        try:
            if result is not None:
                try:
                    command: CompleteTask | FailTask = await self._result(session, task, result)
                except (PayloadInvalid, PayloadTooLarge) as error:
                    outcome, message = "refused", error.message
                    command = self._failure(session, task, ErrorCategory.PERMANENT, "OUTPUT_MISMATCH", error.message)
            else:
                assert failure is not None
                command = self._told_failure(session, task, failure)
            await self._commands.submit(Asked(task.key, command, fence))
        except Stale as error:
            outcome, message = "stale", str(error)
        except InternalFault as error:
            outcome, message = "refused", error.message
        except ArchwrightError as error:
            # The database does not take it just now. No answer: the agent keeps the result and sends it again.
            log.warning("result_not_committed", task_id=task.task_id, error=error.message)
            task.reported = False
            return
        session.held.pop(task.task_id, None)
        self._answer(session, fence, outcome, message)

    async def _result(self, session: Session, task: HeldTask, result: pb.Result) -> CompleteTask:
        output = payloads.parse(result.output or b"null")
        made = tuple(_artifact(reference) for reference in result.artifacts)
        missing = await self._artifacts.missing(task.key.tenant, {each.sha256 for each in made}) if made else ()
        if missing:
            names = sorted(each.name for each in made if each.sha256 in missing)
            raise PayloadInvalid(f"The result names files that were never put into the store: {', '.join(names)}.")
        return CompleteTask(
            now=self._clock.now(),
            task_id=task.task_id,
            attempt=task.attempt,
            agent_id=session.agent_id,
            output=output,
            artifacts=made,
            usage=_usage(result.usage) if result.HasField("usage") else {},
        )

    def _told_failure(self, session: Session, task: HeldTask, failure: pb.Failure) -> FailTask:
        category = ErrorCategory(reason_pb2.ErrorCategory.Name(failure.category or reason_pb2.PERMANENT).lower())
        return self._failure(
            session,
            task,
            category,
            failure.code[:_NAME_CHARACTERS_MAX] or "AGENT_FAULT",
            failure.message[:_MESSAGE_CHARACTERS_MAX],
            failure.retry_after.ToTimedelta().total_seconds(),
        )

    def _failure(
        self,
        session: Session,
        task: HeldTask,
        category: ErrorCategory,
        code: str,
        message: str,
        retry_after_seconds: float = 0.0,
    ) -> FailTask:
        return FailTask(
            now=self._clock.now(),
            task_id=task.task_id,
            attempt=task.attempt,
            agent_id=session.agent_id,
            category=category,
            code=code,
            message=message,
            chance=random.random(),  # noqa: S311 -- spreads retries; guards nothing
            retry_after_seconds=max(0.0, retry_after_seconds),
        )

    def _answer(self, session: Session, fence: Fence, outcome: Outcome, message: str) -> None:
        assert fence.lease_id is not None
        session.tell(Acknowledged(fence.task_id, fence.attempt, fence.lease_id, outcome, message))


def _artifact(reference: pb.ArtifactReference) -> ArtifactMade:
    name, sha256 = reference.name, reference.sha256
    parts = name.split("/")
    if not name or len(name) > _NAME_CHARACTERS_MAX or any(part in ("", ".", "..") for part in parts):
        raise PayloadInvalid(f"{name[:80]!r} is no name for an artifact: use relative paths such as plan/report.html.")
    if len(sha256) != _SHA256_LETTERS or not set(sha256) <= set("0123456789abcdef"):
        raise PayloadInvalid(f"{sha256[:80]!r} is no SHA-256 in hexadecimal.")
    return ArtifactMade(name, sha256)


def _usage(usage: pb.Usage) -> Mapping[str, Json]:
    return {
        "model": usage.model,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_micros": usage.cost_micros,
    }
