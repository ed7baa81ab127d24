"""Starts the workflows of schedules, each firing once.

A firing is a request whose id is made of the schedule and the time, so starting it again finds the workflow that is
there. That is what lets a firing loop, its twin on another replica and a backfill go over the same times, and die
anywhere, without starting one twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from archwright import ids
from archwright.errors import ArchwrightError, Exhausted, TransitionIllegal, Unavailable, WorkflowNotFound
from services.chassis.clock import Clock
from services.engine.domain.commands import CancelWorkflow, Repeated
from services.engine.domain.definitions import require_startable
from services.engine.domain.schedule import Schedule, Target, told
from services.engine.ports.commands import Asked, Commands
from services.engine.ports.definitions import Definitions
from services.engine.ports.keys import AuditRow, Key
from services.engine.starts import Start, Started, Starts, require_fit


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

    def __init__(self, starts: Starts, commands: Commands, definitions: Definitions, clock: Clock) -> None:
        self._starts = starts
        self._commands = commands
        self._definitions = definitions
        self._clock = clock

    async def check(self, tenant: str, target: Target, fire_at: datetime) -> None:
        """Raise DefinitionNotFound, DefinitionDeprecated or InputMismatch unless a firing could be started now."""
        definition = await self._definitions.get(tenant, target.definition, target.version)
        require_startable(definition.published)
        require_fit(definition, target.input_at(fire_at))

    async def start(self, schedule: Schedule, fire_times: Sequence[datetime], audit: AuditRow) -> list[Firing]:
        """Start the workflows of these firings together, in order, and find those that were started before.

        Each start is recorded in the audit like `audit`, in its own commit. Raises Unstartable when the definition
        is gone or does not take the input. What was started before an error is found when it is tried again.
        """
        outcomes = await self._starts.start_all([_start(schedule, fire_at, audit) for fire_at in fire_times])
        return [_firing(fire_at, outcome) for fire_at, outcome in zip(fire_times, outcomes, strict=True)]

    async def cancel(self, schedule: Schedule, workflow_id: str, fire_at: datetime, audit: AuditRow) -> None:
        """Cancel the workflow of an earlier firing, unless it has ended meanwhile."""
        command = CancelWorkflow(
            now=self._clock.now(),
            user_id=schedule.created_by,
            reason=f"schedule {schedule.name} fired again at {told(fire_at)}",
            request_id=f"{_request_id(schedule, fire_at)}/cancel",
        )
        try:
            await self._commands.submit(Asked(Key(schedule.tenant, workflow_id), command, audit=_another(audit)))
        except (TransitionIllegal, Repeated, WorkflowNotFound):
            return


def _start(schedule: Schedule, fire_at: datetime, audit: AuditRow) -> Start:
    return Start(
        tenant=schedule.tenant,
        definition_name=schedule.target.definition,
        definition_version=schedule.target.version,
        input=schedule.target.input_at(fire_at),
        request_id=_request_id(schedule, fire_at),
        user_id=schedule.created_by,
        session_id=f"schedule/{schedule.name}",
        audit=_another(audit),
    )


def _firing(fire_at: datetime, outcome: Started | Exception) -> Firing:
    match outcome:
        case Started(key, _, answer):
            return Firing(fire_at, key.workflow_id, anew=answer is not None)
        case ArchwrightError() if not isinstance(outcome, Unavailable | Exhausted):
            raise Unstartable(outcome.message) from outcome
        case _:
            raise outcome


def _request_id(schedule: Schedule, fire_at: datetime) -> str:
    return f"{schedule.schedule_id}/{told(fire_at)}"


def _another(audit: AuditRow) -> AuditRow:
    """Return a row of its own that says the same."""
    return replace(audit, event_id=ids.new_uuid())
