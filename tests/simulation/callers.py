"""Callers of the simulation: they start workflows and steer them, and ask again until they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from checker.facts import Rerun

from archwright import ids
from archwright.errors import ArchwrightError, Conflict, NotFound, Unavailable
from archwright.language.plan import Plan
from services.engine.domain.commands import CancelWorkflow, Command, Repeated, Stale
from services.engine.domain.events import WorkflowCreated
from services.engine.domain.rerunning import reusable
from services.engine.ports.commands import Asked
from services.engine.ports.keys import AuditRow, Key
from services.engine.starts import Start
from tests.simulation.replica import Replica
from tests.simulation.trouble import Trouble
from tests.simulation.virtual_loop import VirtualClock

SECRETS: Mapping[str, str] = {"acme": "what only acme was told", "globex": "what only globex was told"}
"""What the workflows of each tenant, and of no other, are given."""


@dataclass
class Started:
    """A workflow whose start was answered."""

    key: Key
    plan: Plan


@dataclass
class Callers:
    """Everybody who calls the API."""

    replicas: Sequence[Replica]
    trouble: Trouble
    clock: VirtualClock
    tell: Callable[[str], None]
    is_kept: Callable[[Key], bool]
    started: dict[str, Started] = field(default_factory=dict)
    """By request id."""
    wrong: list[str] = field(default_factory=list)
    reruns: list[Rerun] = field(default_factory=list)

    async def start(self, number: int, plan: Plan) -> None:
        """Start a workflow, however often it takes; once more for good measure when the answer seems lost."""
        tenant = self.trouble.chance.choice(tuple(SECRETS))
        request_id = f"request-{number}"
        definition = plan.definition
        times = 2 if self.trouble.strikes("caller_repeats_start", 0.2) else 1
        while times:
            replica = await self._replica()
            start = Start(
                tenant=tenant,
                definition_name=definition.name,
                definition_version=definition.version,
                input={"number": number, "told": SECRETS[tenant]},
                request_id=request_id,
                user_id="ann",
                audit=self._audit("StartWorkflow", ""),
            )
            try:
                key = (await replica.begin(start)).key
            except Unavailable:
                await self._pause()
                continue
            self.tell(f"{request_id} started {key.workflow_id}, a {definition.name}")
            before = self.started.setdefault(request_id, Started(key, plan))
            # What retention has removed is forgotten, and its request may start another.
            if before.key != key and self.is_kept(before.key):
                self.wrong.append(f"I1 {request_id} started {before.key.workflow_id} and {key.workflow_id}")
            times -= 1

    async def rerun(self, source: Key, plan: Plan) -> None:
        """Start a workflow that goes on from a step of another, if that can be had just now."""
        replica = await self._replica()
        try:
            events = await replica.history(source)
            if not events:
                return
            assert isinstance(events[0], WorkflowCreated)
            from_step = self.trouble.chance.choice(sorted(plan.index))
            definition, request_id = plan.definition, f"rerun-{ids.new_uuid()}"
            start = Start(
                tenant=source.tenant,
                definition_name=definition.name,
                definition_version=definition.version,
                input=events[0].input,
                request_id=request_id,
                user_id="ann",
                audit=self._audit("RerunWorkflow", source.workflow_id),
                rerun_of=source.workflow_id,
                from_step=from_step,
                reused=reusable(plan, events, from_step),
            )
            key = (await replica.begin(start)).key
        except ArchwrightError as error:
            self.tell(f"a rerun of {source.workflow_id} came to nothing: {type(error).__name__}")
            return
        self.tell(f"{key.workflow_id} goes on from step {from_step!r} of {source.workflow_id}")
        self.started[request_id] = Started(key, plan)
        self.reruns.append(Rerun(key, source, from_step, len(events)))

    async def ask(self, key: Key, make: Callable[[VirtualClock, str], Command]) -> str:
        """Ask for something until it is answered; return the answer in a word."""
        request_id = str(ids.new_uuid())
        while True:
            replica = await self._replica()
            command = make(replica.clock, request_id)
            name = type(command).__name__
            try:
                await replica.submit(Asked(key, command, audit=self._audit(name, key.workflow_id)))
            except Unavailable:
                await self._pause()
                continue
            except Repeated:
                answer = "had been done"
            except (Conflict, NotFound, Stale) as error:
                answer = f"was refused: {error}"
            except ArchwrightError as error:
                answer = f"was refused: {type(error).__name__}"
            else:
                answer = "was done"
            self.tell(f"{name} of {key.workflow_id} {answer}")
            return answer

    async def cancel(self, key: Key) -> str:
        return await self.ask(key, lambda clock, request_id: CancelWorkflow(clock.now(), "ann", "", request_id))

    async def _replica(self) -> Replica:
        while not (up := [replica for replica in self.replicas if replica.is_up]):
            await self._pause()
        return self.trouble.chance.choice(up)

    async def _pause(self) -> None:
        await asyncio.sleep(0.1 + self.trouble.chance.random() * 0.4)  # noqa: TID251  virtual

    def _audit(self, action: str, workflow_id: str) -> AuditRow:
        resource = f"workflows/{workflow_id}"
        return AuditRow(ids.new_uuid(), self.clock.now(), "ann", action, resource, "ok", "127.0.0.1", "simulation")
