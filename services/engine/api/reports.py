"""What agents say about their tasks, turned into commands, and the answer to each.

An agent's output is untrusted: it is parsed and bounded here, before anything is committed. One that cannot be
used fails the attempt for good, because asking the same agent again would bring the same.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import structlog

from archwright import payloads
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.errors import ArchwrightError, InternalFault, LimitReached, PayloadInvalid, PayloadTooLarge
from archwright.language.model import ErrorCategory
from archwright.problem.v1 import reason_pb2
from services.chassis.clock import Clock
from services.engine.api.artifact_limits import ArtifactLimits
from services.engine.api.artifact_names import is_artifact_name
from services.engine.breakers import BreakerGate
from services.engine.domain.breaker import is_failure
from services.engine.domain.commands import CompleteTask, FailTask, Stale
from services.engine.domain.events import ArtifactMade, Json
from services.engine.live import ChunkTold, Feed, ProgressTold
from services.engine.ports.artifacts import Artifacts
from services.engine.ports.commands import Answer, Asked, Commands
from services.engine.ports.keys import Fence, Key
from services.engine.ports.measures import Measures, Unmeasured
from services.engine.ports.task_board import Acceptor, ProgressNotes
from services.engine.sessions import Acknowledged, HeldTask, Outcome, Session

log = structlog.get_logger(__name__)

RETRY_AFTER_SECONDS_MAX = 86_400
NO_REASON = "its agent gave no reason"
_MESSAGE_CHARACTERS_MAX = 4_000
_NAME_CHARACTERS_MAX = 200
_SHA256_LETTERS = 64


class Reports:
    """Takes results, failures and progress."""

    def __init__(
        self,
        commands: Commands,
        artifacts: Artifacts,
        acceptor: Acceptor,
        progress: ProgressNotes,
        gate: BreakerGate,
        feed: Feed,
        clock: Clock,
        group: asyncio.TaskGroup,
        measures: Measures | None = None,
        limits: ArtifactLimits | None = None,
    ) -> None:
        self._commands = commands
        self._artifacts = artifacts
        self._acceptor = acceptor
        self._progress = progress
        self._gate = gate
        self._feed = feed
        self._clock = clock
        self._group = group
        self._measures = measures or Unmeasured()
        self._limits = limits or ArtifactLimits()

    def progress(self, session: Session, task: HeldTask, told: pb.Progress) -> None:
        """Pass on how a task is getting on; nothing is kept but that it does."""
        self._progress.note(task.fence)
        if self._feed.is_of_interest(task.key):
            percent, message = min(max(told.percent, 0.0), 100.0), told.message[:_MESSAGE_CHARACTERS_MAX]
            self._feed.progress(ProgressTold(*_whose(session, task), percent=percent, message=message))

    def chunk(self, session: Session, task: HeldTask, told: pb.Chunk) -> None:
        """Pass on a piece of output to whoever watches; nothing is kept but that the task is being worked on."""
        self._progress.note(task.fence)
        if self._feed.is_of_interest(task.key):
            self._feed.progress(ChunkTold(*_whose(session, task), number=told.seq, part=told.part))

    def take(self, session: Session, ended: Iterable[tuple[HeldTask, pb.Result | pb.Failure]]) -> None:
        """Commit together how tasks ended, and say what became of each.

        Those that name files are looked into aside first, and committed by themselves.
        """
        asked: list[Asked] = []
        for task, told in ended:
            self._acceptor.is_over(task.lease_id)
            if isinstance(told, pb.Result) and told.artifacts:
                self._group.create_task(self._post_with_files(session, task, told))
            else:
                asked.append(self._asked(session, task, told))
        if asked:
            self._post(session, asked)

    async def settle(self, session: Session, task: HeldTask, told: pb.Result | pb.Failure) -> tuple[Outcome, str]:
        """Commit how a task ended, and return what became of it; raises where it could not be committed just now."""
        self._acceptor.is_over(task.lease_id)
        if isinstance(told, pb.Result) and told.artifacts:
            try:
                await self._require_files(task, told)
            except (PayloadInvalid, PayloadTooLarge, LimitReached) as error:
                told = pb.Failure(code="OUTPUT_MISMATCH", message=error.message, category=reason_pb2.PERMANENT)
                task.refusal = error.message
        asked = self._asked(session, task, told)
        try:
            answer = await self._commands.submit(asked)
        except Stale as stale:
            return "stale", str(stale)
        except InternalFault as fault:
            return "refused", fault.message
        self._count(session, asked, answer)
        return ("refused", task.refusal) if task.refusal else ("applied", "")

    def _post(self, session: Session, asked: Sequence[Asked]) -> None:
        self._commands.post(asked, partial(self._settled, session))

    def _asked(self, session: Session, task: HeldTask, told: pb.Result | pb.Failure) -> Asked:
        command: CompleteTask | FailTask
        if isinstance(told, pb.Failure):
            command = self._told_failure(session, task, told)
        else:
            try:
                command = self._result(session, task, told)
            except (PayloadInvalid, PayloadTooLarge) as error:
                task.refusal = error.message
                command = self._failure(session, task, ErrorCategory.PERMANENT, "OUTPUT_MISMATCH", error.message)
        return self._ending(task, command)

    def _ending(self, task: HeldTask, command: CompleteTask | FailTask) -> Asked:
        worked = self._clock.monotonic() - task.handed_at
        return Asked(task.key, command, task.fence, worked_seconds=worked)

    async def _post_with_files(self, session: Session, task: HeldTask, result: pb.Result) -> None:
        """Commit a result that names files, once it is clear that all of them are there."""
        try:
            await self._require_files(task, result)
        except (PayloadInvalid, PayloadTooLarge, LimitReached) as error:
            task.refusal = error.message
            command = self._failure(session, task, ErrorCategory.PERMANENT, "OUTPUT_MISMATCH", error.message)
            self._post(session, [self._ending(task, command)])
        except ArchwrightError as error:
            self._not_committed(session, task, error)
        except Exception:  # the top of a task of its own; the lease sees to it that nothing is lost
            log.exception("stream_work_failed", what="result")
            session.forget_report(task)
        else:
            self._post(session, [self._asked(session, task, result)])

    async def _require_files(self, task: HeldTask, result: pb.Result) -> None:
        made = [_artifact(reference) for reference in result.artifacts]
        missing = await self._artifacts.missing(task.key.tenant, {each.sha256 for each in made})
        if missing:
            names = sorted(each.name for each in made if each.sha256 in missing)
            raise PayloadInvalid(f"The result names files that were never put into the store: {', '.join(names)}.")
        self._limits.require_room(await self._artifacts.total(task.key, {each.sha256 for each in made}))

    def _settled(self, session: Session, asked: Asked, outcome: Answer | Exception) -> None:
        """Tell the agent what became of its word."""
        fence = asked.fence
        assert fence is not None
        task = session.held.get(fence.task_id)
        if task is not None and task.lease_id != fence.lease_id:
            task = None  # the agent holds a later delivery of it by now
        refusal = task.refusal if task is not None else ""
        match outcome:
            case Answer():
                self._count(session, asked, outcome)
                self._end(session, fence, "refused" if refusal else "applied", refusal)
            case Stale():
                self._end(session, fence, "stale", str(outcome))
            case InternalFault():
                self._end(session, fence, "refused", outcome.message)
            case _:
                if task is not None:
                    self._not_committed(session, task, outcome)

    def _count(self, session: Session, asked: Asked, answer: Answer) -> None:
        """Let the breaker of the agent's type, and whoever measures, know how an attempt ended."""
        assert asked.fence is not None
        self._measures.attempt_ended(session.agent_type, asked.fence, answer.events, asked.worked_seconds)
        match asked.command:
            case CompleteTask():
                self._gate.note(asked.key.tenant, session.agent_type, failed=False)
            case FailTask(category=category, code=code):
                failed = is_failure(category, code)
                if failed is not None:
                    self._gate.note(asked.key.tenant, session.agent_type, failed=failed)

    def _end(self, session: Session, fence: Fence, outcome: Outcome, message: str) -> None:
        task = session.held.get(fence.task_id)
        if task is not None and task.lease_id == fence.lease_id:
            session.settle(task)
        self._answer(session, fence, outcome, message)

    def _not_committed(self, session: Session, task: HeldTask, error: Exception) -> None:
        # The database does not take it just now. No answer: the agent keeps the result and sends it again.
        log.warning("result_not_committed", task_id=task.task_id, error=str(error))
        session.forget_report(task)

    def _result(self, session: Session, task: HeldTask, result: pb.Result) -> CompleteTask:
        output = payloads.parse(result.output or b"null")
        made = tuple(_artifact(reference) for reference in result.artifacts)
        return CompleteTask(
            now=self._clock.now(),
            task_id=task.task_id,
            attempt=task.attempt,
            agent_id=session.agent_id,
            output=output,
            artifacts=made,
            usage=_usage(result.usage) if result.HasField("usage") else {},
            step=task.step,
        )

    def _told_failure(self, session: Session, task: HeldTask, failure: pb.Failure) -> FailTask:
        is_known = failure.category and failure.category in reason_pb2.ErrorCategory.values()
        category = reason_pb2.ErrorCategory.Name(failure.category if is_known else reason_pb2.PERMANENT)
        return self._failure(
            session,
            task,
            ErrorCategory(category.lower()),
            failure.code[:_NAME_CHARACTERS_MAX] or "AGENT_FAULT",
            failure.message[:_MESSAGE_CHARACTERS_MAX] or NO_REASON,
            min(failure.retry_after.ToNanoseconds() / 1e9, RETRY_AFTER_SECONDS_MAX),
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
            step=task.step,
        )

    def _answer(self, session: Session, fence: Fence, outcome: Outcome, message: str) -> None:
        assert fence.lease_id is not None
        session.tell(Acknowledged(fence.task_id, fence.attempt, fence.lease_id, outcome, message))


def _whose(session: Session, task: HeldTask) -> tuple[Key, str, str, str, str, int]:
    """Return what a watcher is told of a task before anything else."""
    return task.key, task.task_id, task.step, session.agent_type, session.agent_id, task.attempt


def _artifact(reference: pb.ArtifactReference) -> ArtifactMade:
    name, sha256 = reference.name, reference.sha256
    if not is_artifact_name(name):
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
