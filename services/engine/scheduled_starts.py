"""Starts the workflows of schedules, each firing once.

A firing is a request whose id is made of the schedule and the time, so starting it again finds the workflow that is
there. That is what lets a firing loop, its twin on another replica and a backfill go over the same times, and die
anywhere, without starting one twice.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from archwright import ids
from archwright.errors import (
    ArchwrightError,
    DependencyUnavailable,
    Exhausted,
    InputMismatch,
    TransitionIllegal,
    Unavailable,
    WorkflowNotFound,
)
from archwright.language.schema import validator
from services.chassis.clock import Clock
from services.engine.domain.commands import CancelWorkflow, Repeated, StartWorkflow
from services.engine.domain.events import Json
from services.engine.domain.schedule import Schedule, Target, told
from services.engine.ports.commands import Asked, Commands, RequestTaken
from services.engine.ports.definitions import Definitions, PublishedDefinition
from services.engine.ports.keys import AuditRow, Key
from services.engine.ports.store import NewWorkflow, Store

_PROBLEMS_TOLD_MAX = 5


@dataclass(frozen=True, slots=True)
class Firing:
    """A firing and its workflow. `anew` tells whether it was started just now."""

    fire_at: datetime
    workflow_id: str
    anew: bool


class Unstartable(Exception):
    """A firing that starts nothing, and would not if it were tried again; the text says why."""


class ScheduledStarts:
    """Starts what schedules are for."""

    def __init__(self, commands: Commands, store: Store, definitions: Definitions, clock: Clock) -> None:
        self._commands = commands
        self._store = store
        self._definitions = definitions
        self._clock = clock

    async def check(self, tenant: str, target: Target, fire_at: datetime) -> PublishedDefinition:
        """Return the definition that a firing would start now; raises DefinitionNotFound or InputMismatch."""
        definition = await self._definitions.get(tenant, target.definition, target.version)
        _require_fit(definition, target.input_at(fire_at))
        return definition

    async def start(self, schedule: Schedule, fire_times: Sequence[datetime], audit: AuditRow) -> list[Firing]:
        """Start the workflows of these firings, in order, and find those that were started before.

        Each start is recorded in the audit like `audit`, in its own commit. Raises Unstartable, with nothing
        started, when the definition is gone or does not take the input.
        """
        try:
            definition = await self.check(schedule.tenant, schedule.target, fire_times[0])
        except (Unavailable, Exhausted):
            raise
        except ArchwrightError as refusal:
            raise Unstartable(refusal.message) from refusal
        starts = (self._start(schedule, definition, fire_at, audit) for fire_at in fire_times)
        # All together, so that they share a commit; all are waited for, so that none goes on unseen.
        found = await asyncio.gather(*starts, return_exceptions=True)
        firings: list[Firing] = []
        for each in found:
            if isinstance(each, BaseException):
                raise each
            firings.append(each)
        return firings

    async def cancel(self, schedule: Schedule, workflow_id: str, fire_at: datetime, audit: AuditRow) -> None:
        """Cancel the workflow of an earlier firing, unless it has ended meanwhile."""
        reason = f"schedule {schedule.name} fired again at {told(fire_at)}"
        command = CancelWorkflow(
            self._clock.now(), schedule.created_by, reason, f"{_request_id(schedule, fire_at)}/cancel"
        )
        try:
            await self._commands.submit(Asked(Key(schedule.tenant, workflow_id), command, audit=_another(audit)))
        except (TransitionIllegal, Repeated, WorkflowNotFound):
            return

    async def _start(
        self, schedule: Schedule, definition: PublishedDefinition, fire_at: datetime, audit: AuditRow
    ) -> Firing:
        request_id = _request_id(schedule, fire_at)
        created = NewWorkflow(
            request_id=request_id,
            request_hash=hashlib.sha256(request_id.encode()).digest(),
            definition_name=definition.name,
            definition_version=definition.version,
            definition_hash=definition.content_hash,
            user_id=schedule.created_by,
            session_id=f"schedule/{schedule.name}",
        )
        key = Key(schedule.tenant, ids.show("wf", ids.new_uuid()))
        command = StartWorkflow(
            now=self._clock.now(),
            workflow_id=key.workflow_id,
            input=schedule.target.input_at(fire_at),
            request_id=request_id,
            user_id=created.user_id,
            session_id=created.session_id,
        )
        asked = Asked(key, command, audit=_another(audit), created=created, plan=definition.plan)
        try:
            await self._commands.submit(asked)
        except RequestTaken:
            return Firing(fire_at, await self._started_before(schedule.tenant, created), anew=False)
        except (Unavailable, Exhausted):
            raise
        except ArchwrightError as refusal:
            raise Unstartable(refusal.message) from refusal
        return Firing(fire_at, key.workflow_id, anew=True)

    async def _started_before(self, tenant: str, created: NewWorkflow) -> str:
        found = await self._store.find_by_request(tenant, created.request_id)
        if found is None:
            raise DependencyUnavailable(f"The workflow of {created.request_id} is being removed. Try again.")
        workflow_id, request_hash = found
        if request_hash != created.request_hash:
            raise Unstartable(f"request_id {created.request_id} was used by somebody for {workflow_id}")
        return workflow_id


def _another(audit: AuditRow) -> AuditRow:
    """Return a row of its own that says the same."""
    return replace(audit, event_id=ids.new_uuid())


def _request_id(schedule: Schedule, fire_at: datetime) -> str:
    return f"{schedule.schedule_id}/{told(fire_at)}"


def _require_fit(definition: PublishedDefinition, given: Json) -> None:
    schema = definition.plan.definition.input_schema
    problems = () if schema is None else validator(schema).problems(given, root="input")
    if problems:
        words = "; ".join(f"{each.field}: {each.description}" for each in problems[:_PROBLEMS_TOLD_MAX])
        raise InputMismatch(
            f"The input does not fit definition {definition.name!r}: {words}. "
            f"`archwright definitions get {definition.name}` shows what it takes.",
            violations=problems,
            facts={"definition_name": definition.name},
        )
