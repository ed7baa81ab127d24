"""What the agents of this folder that have no SDK share: their place in the registry, and the two files they write."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path

from archwright import stubs
from archwright.channel import open_channel
from archwright.connection import Connection
from archwright.engine.v1.agent_work_pb2 import Delivery
from archwright.errors import ArchwrightError
from archwright.registry.v1.agent_registry_pb2 import HeartbeatAgentRequest, RegisterAgentRequest

PAUSE_SECONDS = 0.2
HEARTBEAT_SECONDS = 2.0


@dataclass(frozen=True)
class RawAgent:
    """Who we are, by the environment that other agents have as well."""

    agent_id: str
    agent_type: str
    engine: str
    registry: str
    enrolment: str
    ledger: Path
    lies: Path

    @classmethod
    def from_environment(cls) -> RawAgent:
        told = os.environ
        return cls(
            agent_id=told["ARCHWRIGHT_AGENT_ID"],
            agent_type=told["AGENT_TYPE"],
            engine=told["ARCHWRIGHT_ENGINE_ADDRESS"],
            registry=told["ARCHWRIGHT_REGISTRY_ADDRESS"],
            enrolment=told["ARCHWRIGHT_ENROLMENT_TOKEN"],
            ledger=Path(told["LEDGER"]),
            lies=Path(told["LIES"]),
        )

    async def registered(self) -> str:
        """Return a token that is good for longer than any round, from a registry that may be away for a while."""
        request = RegisterAgentRequest(agent_id=self.agent_id, agent_type=self.agent_type, max_concurrent_tasks=20)
        async with open_channel(self.registry) as channel:
            connection = Connection(self.registry, channel, self.enrolment)
            while True:
                try:
                    return (await connection.unary(stubs.agent_registry(channel).RegisterAgent, request)).token
                except ArchwrightError:
                    await pause(PAUSE_SECONDS)

    async def keep_registered(self, token: str) -> None:
        """Tell the registry for ever that we are here."""
        async with open_channel(self.registry) as channel:
            connection = Connection(self.registry, channel, token)
            while True:
                try:
                    request = HeartbeatAgentRequest(agent_id=self.agent_id)
                    await connection.unary(stubs.agent_registry(channel).HeartbeatAgent, request)
                except ArchwrightError:
                    pass  # it is away, and the next heartbeat is soon
                await pause(HEARTBEAT_SECONDS)

    def has_effect(self, delivery: Delivery, workflow_id: str, step: str) -> dict[str, object]:
        """Write down that the task was done, and return its output."""
        told = {"task_id": delivery.task_id, "attempt": delivery.attempt}
        _append(self.ledger, {**told, "step": step, "workflow_id": workflow_id})
        return {"step": step, "attempt": delivery.attempt}

    def has_lied(self, how: str) -> None:
        """Write down that the engine was told what it must not believe, or what it was told before."""
        _append(self.lies, {"lie": how})


def say_ready() -> None:
    """Say that whoever started us may go on."""
    print(json.dumps({"event": "ready", "address": ""}), flush=True)


async def pause(seconds: float) -> None:
    """Let others do something."""
    await asyncio.sleep(seconds)  # noqa: TID251  this is another process, without a Clock


def _append(file: Path, fact: dict[str, object]) -> None:
    with file.open("a") as opened:
        opened.write(json.dumps(fact) + "\n")
