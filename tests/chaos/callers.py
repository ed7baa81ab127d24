"""People and their programs: they start workflows, steer and watch them, and ask again until they are answered."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TypeVar

from archwright import Client
from archwright.client.watch import WatchEnded
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.errors import ArchwrightError, InternalFault, LimitReached, NotFound, Unauthenticated, Unavailable
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from services.chassis.clock import SystemClock
from services.engine.ports.keys import Key
from tests.chaos.workflows import CANCELLED, COMPLETED, KINDS, Kind
from tests.chaos.world import World

CALLERS = 14
WATCHED_SHARE, REPEATED_SHARE = 0.3, 0.1
CANCELLED_SHARE, PAUSED_SHARE = 0.06, 0.06
ANSWER_SECONDS_MAX = 75.0
LOOK_SECONDS, PAUSE_SECONDS = 0.3, 0.1
TENANT = "acme"

Answer = TypeVar("Answer")


@dataclass
class Asked:
    """What callers asked for, and what came of it."""

    acknowledged: dict[Key, frozenset[str]] = field(default_factory=dict)
    """How each workflow may end whose start was answered."""
    request_ids: set[str] = field(default_factory=set)
    """Of every start that was tried."""
    calls: Counter[str] = field(default_factory=Counter)
    """Calls that were answered, and calls that were not."""
    endings: Counter[str] = field(default_factory=Counter)
    """Workflows that were seen to end, by their status."""
    seen: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    """What each watcher was told."""
    wrong: list[str] = field(default_factory=list)
    """Answers that should never be given."""


class Callers:
    """All of them, until they are told to stop starting more."""

    def __init__(self, world: World, seed: int) -> None:
        self.asked = Asked()
        self._world = world
        self._seed = seed
        self._stop = asyncio.Event()
        self._clock = SystemClock()

    def stop(self) -> None:
        """Start nothing more; what was started is seen through."""
        self._stop.set()

    async def call(self) -> None:
        """Publish the definitions, and let all callers do what they do until each has seen its last workflow end."""
        async with self._world.client(through_gateway=False) as client:
            for kind in KINDS:
                await client.definitions.publish(kind.source)
        async with asyncio.TaskGroup() as group:
            for number in range(CALLERS):
                group.create_task(self._caller(number))

    async def _caller(self, number: int) -> None:
        chance = random.Random(f"{self._seed}/{number}")
        weights = [kind.weight for kind in KINDS]
        async with self._world.client(through_gateway=number % 2 == 0) as client:
            for turn in range(1_000_000):
                if self._stop.is_set():
                    return
                [kind] = chance.choices(KINDS, weights)
                await self._see_through(client, kind, f"caller-{number}-{turn}", chance)

    async def _see_through(self, client: Client, kind: Kind, request_id: str, chance: random.Random) -> None:
        """Start a workflow and stay with it until it has ended."""
        self.asked.request_ids.add(request_id)
        given = {"given": request_id}
        started = await self._answered(lambda: client.start(kind.name, given, request_id=request_id))
        if started is None:
            return
        if chance.random() < REPEATED_SHARE:  # as whoever lost the answer does
            again = await self._answered(lambda: client.start(kind.name, given, request_id=request_id))
            if again is not None and again.workflow_id != started.workflow_id:
                self.asked.wrong.append(f"I1 request {request_id} started {again.workflow_id} as well")
        workflow_id, dice = started.workflow_id, chance.random()
        is_cancelled = dice < CANCELLED_SHARE
        self.asked.acknowledged[Key(TENANT, workflow_id)] = frozenset({kind.ends, *([CANCELLED] * is_cancelled)})
        async with AsyncExitStack() as stack:
            if chance.random() < WATCHED_SHARE:
                group = await stack.enter_async_context(asyncio.TaskGroup())
                group.create_task(self._watch(client, workflow_id))
            if is_cancelled:
                await self._answered(lambda: client.cancel(workflow_id, "chaos", request_id=f"{request_id}-cancel"))
            elif dice < CANCELLED_SHARE + PAUSED_SHARE:
                await self._answered(lambda: client.pause(workflow_id, request_id=f"{request_id}-pause"))
                await self._answered(lambda: client.resume(workflow_id, request_id=f"{request_id}-resume"))
            if kind.signal:
                await self._answered(lambda: client.signal(workflow_id, kind.signal, request_id=f"{request_id}-signal"))
            await self._until_ended(client, workflow_id)

    async def _until_ended(self, client: Client, workflow_id: str) -> None:
        ends_at = self._clock.monotonic() + ANSWER_SECONDS_MAX
        while self._clock.monotonic() < ends_at:
            workflow = await self._answered(lambda: client.get(workflow_id))
            if workflow is None:
                return
            status = pb.Workflow.Status.Name(workflow.status)
            if status in (COMPLETED, "FAILED", CANCELLED):
                self.asked.endings[status] += 1
                return
            await self._clock.sleep(LOOK_SECONDS)

    async def _watch(self, client: Client, workflow_id: str) -> None:
        """Follow a workflow from its first event to its end, over all that breaks meanwhile."""
        told = self.asked.seen.setdefault(f"watcher of {workflow_id}", [])
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                async for update in client.watch(workflow_id):
                    match update:
                        case WorkflowEvent():
                            told.append((workflow_id, update.seq))
                        case WatchEnded():
                            last = told[-1][1] if told else 0
                            if update.last_seq != last:
                                self.asked.wrong.append(
                                    f"I7 a watch of {workflow_id} ended at seq {update.last_seq}, and told up to {last}"
                                )
                            return
                        case _:
                            pass
        except (TimeoutError, ArchwrightError) as failed:
            self.asked.wrong.append(f"I7 a watch of {workflow_id} never came to its end: {failed!r}")

    async def _answered(self, call: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Ask again until there is an answer; return None for a refusal, which is one too, and where none ever came."""
        ends_at = self._clock.monotonic() + ANSWER_SECONDS_MAX
        while self._clock.monotonic() < ends_at:
            try:
                answer = await call()
            except (Unavailable, LimitReached, Unauthenticated) as failed:
                self.asked.calls[f"not answered: {type(failed).__name__}"] += 1
                await self._clock.sleep(PAUSE_SECONDS)
            except ArchwrightError as refused:
                self.asked.calls[f"refused: {refused.reason}"] += 1
                if isinstance(refused, NotFound | InternalFault):
                    self.asked.wrong.append(f"I1 what was acknowledged is answered with {refused!r}")
                return None
            else:
                self.asked.calls["answered"] += 1
                return answer
        self.asked.wrong.append(f"I11 a call had no answer within {ANSWER_SECONDS_MAX:g} s")
        return None
