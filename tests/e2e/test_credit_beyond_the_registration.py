"""An agent that gives more credit than it registered for is given as many tasks at a time as it registered for."""

from __future__ import annotations

import asyncio
from typing import Any

from small_mesh import SmallMesh

from archwright import stubs
from archwright.channel import bearer, open_channel
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.registry.v1 import agent_registry_pb2

REGISTERED, CREDIT, WORKFLOWS = 2, 1_000, 6
SOURCE = "name: greedy\nsteps: [{name: a, agent: greedy}]"


async def test_it_holds_at_most_what_it_registered_for_and_gets_the_next_as_soon_as_it_reports(mesh: SmallMesh) -> None:
    enrolment, _ = mesh.signer.sign(subject="e", tenant="platform", roles=["enrolment"], ttl_seconds=600)
    token, _ = mesh.signer.sign(subject="g1", tenant="platform", roles=["agent"], ttl_seconds=600, agent_type="greedy")
    async with (
        mesh.client() as client,
        open_channel(f"http://{mesh.registry.address}") as registry,
        open_channel(f"http://{mesh.engine.address}") as engine,
        asyncio.timeout(60),
    ):
        request = agent_registry_pb2.RegisterAgentRequest(
            agent_id="g1", agent_type="greedy", max_concurrent_tasks=REGISTERED
        )
        await stubs.agent_registry(registry).RegisterAgent(request, metadata=bearer(enrolment))
        await client.definitions.publish(SOURCE)
        begun = [(await client.start("greedy", {})).workflow_id for _ in range(WORKFLOWS)]

        stream = stubs.agent_work(engine).Connect(metadata=bearer(token))
        await say(stream, pb.AgentFrame(hello=pb.Hello(agent_id="g1", protocol_version=1)))
        await say(stream, pb.AgentFrame(credit=pb.Credit(slots=CREDIT)))
        held: list[pb.Delivery] = []
        most = done = 0
        async for message in stream:
            for frame in message.frames:
                match frame.WhichOneof("frame"):
                    case "assign":
                        held.append(frame.assign.delivery)
                        await say(stream, pb.AgentFrame(accept=pb.Accept(delivery=frame.assign.delivery)))
                    case "ping":
                        await say(stream, pb.AgentFrame(pong=pb.Pong(nonce=frame.ping.nonce)))
            most = max(most, len(held))
            if len(held) >= min(REGISTERED, WORKFLOWS - done):
                await say(stream, pb.AgentFrame(result=pb.Result(delivery=held.pop(0), output=b"{}")))
                done += 1
            if done == WORKFLOWS:
                break

        assert most == REGISTERED
        for workflow_id in begun:
            assert (await client.wait(workflow_id)).status == Workflow.COMPLETED
        stream.cancel()


async def say(stream: Any, frame: pb.AgentFrame) -> None:
    await stream.write(pb.ConnectRequest(frames=[frame]))
