"""Agents of the simulation: over the real stream, and not to be relied upon.

An agent answers late, twice, under a wrong fence, or never; it turns tasks down, fails them, forgets everything, and
goes away in the midst of it. What it does it writes into the ledger first, once per delivery. Once the trouble is
over it behaves.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta

import orjson
from checker.facts import Effect

from archwright import ids
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.problem.v1 import reason_pb2
from services.chassis.clock import Clock
from tests.simulation.replica import AgentName, Replica
from tests.simulation.trouble import Trouble
from tests.simulation.virtual_loop import Duties

_SILENT_SECONDS = 4.0
_SHORT = timedelta(seconds=60)


class Stream:
    """Both directions of one connection."""

    def __init__(self) -> None:
        self._up: deque[pb.AgentFrame] = deque()
        self._down: deque[pb.EngineFrame] = deque()
        self._sent = asyncio.Event()
        self._came = asyncio.Event()
        self.is_broken = False

    def say(self, *frames: pb.AgentFrame) -> None:
        self._up.extend(frames)
        self._sent.set()

    def take(self, response: pb.ConnectResponse) -> None:
        self._down.extend(response.frames)
        self._came.set()

    def end(self) -> None:
        self.is_broken = True
        self._sent.set()
        self._came.set()

    async def requests(self) -> AsyncIterator[pb.ConnectRequest]:
        while not self.is_broken:
            await self._sent.wait()
            self._sent.clear()
            if self._up:
                frames, self._up = list(self._up), deque()
                yield pb.ConnectRequest(frames=frames)

    async def frames(self) -> Sequence[pb.EngineFrame]:
        """Return what came, once something did; nothing at the end, or when the engine is silent for long."""
        if not self._down and not self.is_broken:
            try:
                async with asyncio.timeout(_SILENT_SECONDS):
                    await self._came.wait()
            except TimeoutError:
                return []
        self._came.clear()
        frames, self._down = list(self._down), deque()
        return [] if self.is_broken else frames


@dataclass
class Held:
    """A delivery that the agent works on, or has done and not yet been thanked for."""

    delivery: pb.Delivery
    is_short: bool
    """Whether the task's time is so short that nobody minds when there is no answer."""
    told: str = ""
    """What its tenant alone was told."""
    answer: pb.AgentFrame | None = None


@dataclass
class Agent:
    """One agent process."""

    name: AgentName
    slots: int
    replicas: Sequence[Replica]
    trouble: Trouble
    loop: asyncio.AbstractEventLoop
    ledger: list[Effect]
    tell: Callable[[str], None]
    clock: Clock
    is_mortal: bool
    """Whether it may go for ever; others of its type stay."""
    held: dict[str, Held] = field(default_factory=dict)
    stream: Stream = field(default_factory=Stream)
    done: set[tuple[str, int]] = field(default_factory=set)
    is_dead: bool = False

    async def live(self) -> None:
        """Connect, work, and connect again, for ever or until it dies."""
        while not self.is_dead:
            up = [replica for replica in self.replicas if replica.is_up]
            if up:
                await self._serve(self.trouble.chance.choice(up))
            await asyncio.sleep(0.2 + self.trouble.chance.random() * 0.3)  # noqa: TID251  virtual

    async def _serve(self, replica: Replica) -> None:
        self.stream = stream = Stream()
        duties = Duties(self.loop)
        in_flight = [held.delivery for held in self.held.values()]
        hello = pb.Hello(agent_id=self.name.agent_id, protocol_version=1, in_flight=in_flight)
        stream.say(pb.AgentFrame(hello=hello), _credit(max(self.slots - len(in_flight), 0)))
        replica.connect(self.name, stream.requests(), stream.take, stream.end)
        try:
            while frames := await stream.frames():
                for frame in frames:
                    self._hear(frame, duties)
                self.is_dead = self.is_mortal and bool(self.held) and self._strikes("agent_dies", 0.3)
                if self.is_dead or self._strikes("agent_hangs_up", 0.1):
                    break
                if self._strikes("agent_crashes", 0.05):
                    self.tell(f"{self.name.agent_id} forgets everything")
                    self.held.clear()
                    break
        finally:
            stream.end()
            duties.end()

    def _hear(self, frame: pb.EngineFrame, duties: Duties) -> None:
        match frame.WhichOneof("frame"):
            case "welcome":
                self._welcome(frame.welcome, duties)
            case "assign":
                self._assigned(frame.assign, duties)
            case "cancel":
                self._drop(frame.cancel.delivery)
            case "lease_lost":
                self._drop(frame.lease_lost.delivery)
            case "result_ack":
                outcome = pb.ResultAck.Outcome.Name(frame.result_ack.outcome)
                self.tell(f"{self.name.agent_id} is told {outcome} of {_shown(frame.result_ack.delivery)}")
                self._drop(frame.result_ack.delivery)
            case "ping":
                if not self._strikes("agent_silent", 0.1):
                    self.stream.say(pb.AgentFrame(pong=pb.Pong(nonce=frame.ping.nonce)))
            case _:
                pass

    def _welcome(self, welcome: pb.Welcome, duties: Duties) -> None:
        kept = {delivery.lease_id for delivery in welcome.keep}
        for lease_id in list(self.held):
            if lease_id not in kept:
                del self.held[lease_id]
                self.stream.say(_credit(1))
        for held in self.held.values():
            duties.create_task(self._work(held))

    def _assigned(self, assign: pb.Assign, duties: Duties) -> None:
        delivery = assign.delivery
        self.tell(f"{self.name.agent_id} is given {_shown(delivery)}, step {assign.step}")
        if self._strikes("agent_ignores_task", 0.3):
            self.stream.say(_credit(1))
        elif self._strikes("agent_rejects", 0.3):
            reject = pb.Reject(delivery=delivery, category=reason_pb2.CAPACITY)
            reject.retry_after.FromMilliseconds(500)
            self.stream.say(pb.AgentFrame(reject=reject), _credit(1))
        else:
            seconds = assign.deadline.ToDatetime(UTC) - self.clock.now()
            held = self.held[delivery.lease_id] = Held(delivery, seconds < _SHORT, _told(assign.input))
            self.stream.say(pb.AgentFrame(accept=pb.Accept(delivery=delivery)))
            duties.create_task(self._work(held))

    async def _work(self, held: Held) -> None:
        chance, delivery = self.trouble.chance, held.delivery
        if held.answer is None:
            if held.is_short and self._strikes("agent_never_answers", 0.2):
                return
            await asyncio.sleep(chance.random() * 0.6)  # noqa: TID251  virtual
            if self._strikes("agent_late", 0.3):
                await asyncio.sleep(chance.random() * 12.0)  # noqa: TID251  virtual
            if (delivery.task_id, delivery.attempt) not in self.done:
                self.done.add((delivery.task_id, delivery.attempt))
                self.ledger.append(Effect(delivery.task_id, delivery.attempt))
            held.answer = self._answer(held)
        for frame in self._said(held.answer):
            self.stream.say(frame)

    def _said(self, answer: pb.AgentFrame) -> Iterator[pb.AgentFrame]:
        """Say an answer, perhaps with others that must not count."""
        if self._strikes("agent_wrong_fence", 0.4):
            yield _refenced(answer, self.trouble.chance.choice(("attempt", "lease")))
        yield answer
        if self._strikes("agent_twice", 0.4):
            yield answer

    def _answer(self, held: Held) -> pb.AgentFrame:
        chance, delivery = self.trouble.chance, held.delivery
        if self._strikes("agent_fails", 0.8):
            categories = (reason_pb2.TRANSIENT, reason_pb2.CAPACITY, reason_pb2.TRANSIENT, reason_pb2.PERMANENT)
            category = chance.choice(categories)
            return pb.AgentFrame(failure=pb.Failure(delivery=delivery, category=category, code="NO", message="no"))
        if self._strikes("agent_poison", 0.1):
            return pb.AgentFrame(result=pb.Result(delivery=delivery, output=b"{not json"))
        output = orjson.dumps({"n": chance.randrange(10), "by": self.name.agent_id, "told": held.told})
        return pb.AgentFrame(result=pb.Result(delivery=delivery, output=output))

    def _drop(self, delivery: pb.Delivery) -> None:
        if self.held.pop(delivery.lease_id, None) is not None:
            self.stream.say(_credit(1))

    def _strikes(self, what: str, share: float) -> bool:
        return self.trouble.strikes(what, self.trouble.misbehaviour * share)


def _credit(slots: int) -> pb.AgentFrame:
    return pb.AgentFrame(credit=pb.Credit(slots=slots))


def _told(given: bytes) -> str:
    """Return what a task's input says that only its tenant was told."""
    found = orjson.loads(given)
    return str(found.get("told", "")) if isinstance(found, dict) else ""


def _refenced(answer: pb.AgentFrame, what: str) -> pb.AgentFrame:
    changed = pb.AgentFrame()
    changed.CopyFrom(answer)
    delivery = changed.result.delivery if changed.HasField("result") else changed.failure.delivery
    if what == "attempt":
        delivery.attempt += 1
    else:
        delivery.lease_id = ids.show("lease", uuid.UUID(int=delivery.attempt + 7))
    return changed


def _shown(delivery: pb.Delivery) -> str:
    return f"attempt {delivery.attempt} at {delivery.task_id}"
