"""The people around the workflows: amid trouble they steer at random, afterwards they give what is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from services.engine.domain.commands import (
    CancelWorkflow,
    Command,
    DecideApproval,
    PauseWorkflow,
    RedriveTask,
    ResumeWorkflow,
    RetryWorkflow,
    SignalWorkflow,
)
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import OpenApproval, OpenWait, Workflow
from services.engine.storage.memory.tables import Tables, WorkflowRow
from tests.simulation.callers import Callers
from tests.simulation.trouble import Trouble
from tests.simulation.virtual_loop import VirtualClock

Wish = Callable[[VirtualClock, str], Command]

_NAMES = ("ann", "bob", "eve")


@dataclass
class People:
    """Everybody who looks at workflows and does something about them."""

    tables: Tables
    callers: Callers
    trouble: Trouble

    async def meddle(self) -> None:
        """Now and then steer some workflow, for as long as there is trouble."""
        chance = self.trouble.chance
        while not self.trouble.is_over:
            await asyncio.sleep(0.2 + chance.random() * 2.0)  # noqa: TID251  virtual
            rows = [row for row in self.tables.workflows.values() if row.status is not WorkflowStatus.COMPLETED]
            if rows and chance.random() < 0.15:
                row = chance.choice(rows)
                await self.callers.rerun(row.key, self.tables.plan_of(row))
            elif rows:
                row = chance.choice(rows)
                wishes = [*self._answers(row), *self._whims(row)]
                await self.callers.ask(row.key, chance.choice(wishes))

    async def help_out(self) -> None:
        """Give every workflow what it waits for."""
        for row in list(self.tables.workflows.values()):
            if row.key not in self.tables.workflows:
                continue  # retention has it
            if row.status is WorkflowStatus.PAUSED:
                await self.callers.ask(row.key, lambda clock, request: ResumeWorkflow(clock.now(), "ann", request))
            elif row.status is WorkflowStatus.RUNNING:
                for wish in list(self._answers(row)):
                    await self.callers.ask(row.key, wish)

    def _answers(self, row: WorkflowRow) -> Iterator[Wish]:
        """Yield what open steps of a workflow wait for."""
        for step in self._state(row).open.values():
            match step:
                case OpenWait(signal=name) if name:
                    yield lambda clock, request, name=name: SignalWorkflow(clock.now(), name, {}, "ann", request)
                case OpenApproval():
                    for user in _NAMES[: 1 if self.trouble.is_over else 3]:
                        yield self._decision(step, user)
                    if self.trouble.is_over:
                        yield self._decision(step, "bob")

    def _decision(self, step: OpenApproval, user: str) -> Wish:
        roles = frozenset({"boss"} if user == "ann" else ())
        agrees = self.trouble.is_over or self.trouble.chance.random() < 0.8
        return lambda clock, request: DecideApproval(
            clock.now(), step.approval_id, user, roles, agrees, "", step.shown_sha256, request
        )

    def _whims(self, row: WorkflowRow) -> Iterator[Wish]:
        """Yield what may be asked of any workflow."""
        yield lambda clock, request: PauseWorkflow(clock.now(), "ann", "a whim", request)
        yield lambda clock, request: ResumeWorkflow(clock.now(), "ann", request)
        yield lambda clock, request: SignalWorkflow(clock.now(), "go", {}, "ann", request)
        if row.status is WorkflowStatus.FAILED:
            yield lambda clock, request: RetryWorkflow(clock.now(), "ann", request)
            for path, failed in self._state(row).exhausted.items():
                given = self.trouble.chance.choice((None, {"edited": row.key.workflow_id}))
                yield lambda clock, request, path=path, task_id=failed.task_id, given=given: RedriveTask(
                    clock.now(), path, task_id, "ann", given, request
                )
        if self.trouble.chance.random() < 0.2:
            yield lambda clock, request: CancelWorkflow(clock.now(), "ann", "a whim", request)

    def _state(self, row: WorkflowRow) -> Workflow:
        return self.tables.state_of(row)
