"""Starts workflows, for whoever asks: callers, schedules, and steps of other workflows.

A start is a request with an id. The same request started again finds the workflow that is there, so everybody who
starts anything may die at any time and ask again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from archwright import ids
from archwright.errors import (
    ArchwrightError,
    Conflict,
    DependencyUnavailable,
    InputMismatch,
    InvalidArgument,
    LimitReached,
    NotFound,
    RequestIdReused,
)
from archwright.language.schema import validator
from services.chassis.clock import Clock
from services.engine.admission import Admission
from services.engine.domain.commands import Reused, StartWorkflow
from services.engine.domain.definitions import require_startable
from services.engine.domain.events import Json, Parent
from services.engine.domain.values import canonical
from services.engine.ports.commands import Answer, Asked, Commands, RequestTaken
from services.engine.ports.definitions import Definitions, PublishedDefinition
from services.engine.ports.keys import AuditRow, Key
from services.engine.ports.store import NewWorkflow, Store

_PROBLEMS_TOLD_MAX = 5
_RETRY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Start:
    """What is to be started, for whom, and on whose word."""

    tenant: str
    definition_name: str
    definition_version: str
    input: Json
    request_id: str
    user_id: str
    session_id: str = ""
    audit: AuditRow | None = None
    workflow_id: str = ""
    parent: Parent | None = None
    rerun_of: str = ""
    from_step: str = ""
    reused: tuple[Reused, ...] = field(default=())
    on_behalf_of: tuple[str, ...] = ()

    @property
    def body_hash(self) -> bytes:
        """The SHA-256 of what is asked for: the same request_id with another one is a mistake."""
        asked = [self.definition_name, self.definition_version, self.input, self.session_id]
        if self.rerun_of:
            asked.append([self.rerun_of, self.from_step])
        return hashlib.sha256(canonical(asked)).digest()


@dataclass(frozen=True, slots=True)
class Started:
    """A workflow that was started: just now, with the answer of its commit, or before, without."""

    key: Key
    created: NewWorkflow | None = None
    answer: Answer | None = None


class Starts:
    """Starts workflows."""

    def __init__(
        self, commands: Commands, store: Store, definitions: Definitions, admission: Admission, clock: Clock
    ) -> None:
        self._commands = commands
        self._store = store
        self._definitions = definitions
        self._admission = admission
        self._clock = clock

    async def start(self, start: Start) -> Started:
        """Start a workflow, or find the one that the same request started before.

        Raises DefinitionNotFound, DefinitionDeprecated, InputMismatch, RequestIdReused, LimitReached when too much
        waits already, and what `Commands.submit` raises.
        """
        outcome = (await self.start_all([start]))[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def start_all(self, starts: Sequence[Start]) -> Sequence[Started | Exception]:
        """Start workflows together; return the outcome of each, in order. One that fails costs the others nothing."""
        definitions = await self._look_up(starts)
        outcomes: dict[int, Started | Exception] = {}
        asked: list[tuple[int, Asked]] = []
        try:
            for place, start in enumerate(starts):
                try:
                    asked.append((place, await self._asked(start, definitions)))
                except (InvalidArgument, NotFound, Conflict) as refusal:
                    # The same request may have been good before its definition moved on.
                    outcomes[place] = await self._started_before(start) or refusal
                except ArchwrightError as refusal:
                    outcomes[place] = refusal
        except BaseException:
            # The caller has gone; what was admitted for it begins for nobody.
            for _, each in asked:
                self._admission.refuse(each.key.tenant, each.key.workflow_id)
            raise
        for (place, each), answer in zip(asked, await self._post([each for _, each in asked]), strict=True):
            outcomes[place] = await self._outcome(starts[place], each, answer)
        return [outcomes[place] for place in range(len(starts))]

    async def _look_up(
        self, starts: Sequence[Start]
    ) -> Mapping[tuple[str, str, str], PublishedDefinition | ArchwrightError]:
        wanted = list(dict.fromkeys(_which(start) for start in starts))
        # At the same time, so that one query is enough for all of them.
        found = await asyncio.gather(*(self._look_up_one(which) for which in wanted))
        return dict(zip(wanted, found, strict=True))

    async def _look_up_one(self, which: tuple[str, str, str]) -> PublishedDefinition | ArchwrightError:
        try:
            return await self._definitions.get(*which)
        except ArchwrightError as refusal:
            return refusal

    async def _asked(
        self, start: Start, definitions: Mapping[tuple[str, str, str], PublishedDefinition | ArchwrightError]
    ) -> Asked:
        definition = definitions[_which(start)]
        if isinstance(definition, ArchwrightError):
            raise definition
        if start.parent is None and not start.rerun_of:
            # Whoever follows a definition already may go on with it, in new workflows too.
            require_startable(definition.published)
        if start.parent is None:
            self._admission.require_room(start.tenant)
        require_fit(definition, start.input)
        key = Key(start.tenant, start.workflow_id or ids.show("wf", ids.new_uuid()))
        # A child rides in its parent's place.
        admitted = start.parent is not None or await self._admission.admit(start.tenant, key.workflow_id)
        if start.reused and not admitted:
            raise LimitReached(
                "As many workflows are under way as may be. Rerun it again in a moment.",
                retry_after_seconds=_RETRY_SECONDS,
            )
        return Asked(
            key,
            StartWorkflow(
                now=self._clock.now(),
                workflow_id=key.workflow_id,
                input=start.input,
                request_id=start.request_id,
                user_id=start.user_id,
                session_id=start.session_id,
                admitted=admitted,
                parent=start.parent,
                rerun_of=start.rerun_of,
                reused=start.reused,
                on_behalf_of=start.on_behalf_of,
            ),
            audit=start.audit,
            created=NewWorkflow(
                request_id=start.request_id,
                request_hash=start.body_hash,
                definition_name=definition.name,
                definition_version=definition.version,
                definition_hash=definition.content_hash,
                user_id=start.user_id,
                session_id=start.session_id,
            ),
            plan=definition.plan,
        )

    async def _post(self, asked: Sequence[Asked]) -> Sequence[Answer | Exception]:
        """Commit all of it together and return the answers in order."""
        done = asyncio.get_running_loop().create_future()
        answers: dict[Key, Answer | Exception] = {}

        def reply(each: Asked, answer: Answer | Exception) -> None:
            if isinstance(answer, Exception):
                # Here and not later: the caller may have gone by now.
                self._admission.refuse(each.key.tenant, each.key.workflow_id)
            answers[each.key] = answer
            if len(answers) == len(asked) and not done.done():
                done.set_result(None)

        if not asked:
            return []
        self._commands.post(asked, reply, for_people=True)
        await done
        return [answers[each.key] for each in asked]

    async def _outcome(self, start: Start, asked: Asked, answer: Answer | Exception) -> Started | Exception:
        if isinstance(answer, Answer):
            return Started(asked.key, asked.created, answer)
        if not isinstance(answer, RequestTaken):
            return answer
        found = await self._started_before(start)
        return found or DependencyUnavailable(
            f"The workflow of request {start.request_id!r} is being removed. Try again."
        )

    async def _started_before(self, start: Start) -> Started | RequestIdReused | None:
        """Return the workflow that the same request started before, or the refusal when it was another request."""
        found = await self._store.find_by_request(start.tenant, start.request_id)
        if found is None:
            return None
        workflow_id, body_hash = found
        if body_hash != start.body_hash:
            return RequestIdReused(
                f"request_id {start.request_id!r} has started another workflow. Use a new one, or leave it out.",
                facts={"request_id": start.request_id},
            )
        return Started(Key(start.tenant, workflow_id))


def require_fit(definition: PublishedDefinition, given: Json) -> None:
    """Raise InputMismatch unless an input is what a definition takes."""
    schema = definition.plan.definition.input_schema
    problems = () if schema is None else validator(schema).problems(given, root="input")
    if problems:
        told = "; ".join(f"{problem.field}: {problem.description}" for problem in problems[:_PROBLEMS_TOLD_MAX])
        raise InputMismatch(
            f"The input does not fit definition {definition.name!r}: {told}. "
            f"`archwright definitions get {definition.name}` shows what it takes.",
            violations=problems,
            facts={"definition_name": definition.name},
        )


def _which(start: Start) -> tuple[str, str, str]:
    return start.tenant, start.definition_name, start.definition_version
