"""What the engine refuses on the agents' stream, and that the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import grpc
import pytest
from small_mesh import SmallMesh

from archwright.channel import open_channel
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.engine.v1.agent_work_pb2_grpc import AgentWorkServiceStub
from archwright.registry.v1 import agent_registry_pb2
from archwright.registry.v1.agent_registry_pb2_grpc import AgentRegistryServiceStub
from archwright.serving.status import from_rpc_error

Frames = Sequence[pb.AgentFrame]
Say = Callable[..., Any]


def hello(agent_id: str, version: int = 1) -> pb.AgentFrame:
    return pb.AgentFrame(hello=pb.Hello(agent_id=agent_id, protocol_version=version))


def credit(slots: int) -> pb.AgentFrame:
    return pb.AgentFrame(credit=pb.Credit(slots=slots))


@pytest.fixture(scope="module")
async def mesh(shared_mesh: SmallMesh) -> SmallMesh:
    await shared_mesh.add_agent("worker")  # so that the registry has spoken
    return shared_mesh


@pytest.fixture
async def say(mesh: SmallMesh) -> AsyncIterator[Say]:
    """Registers an agent, says some frames on a stream of its own and returns how the stream ended."""
    engine = open_channel(f"http://{mesh.engine.address}")
    registry = open_channel(f"http://{mesh.registry.address}")
    enrolment, _ = mesh.signer.sign(subject="e", tenant="platform", roles=["enrolment"], ttl_seconds=60)

    async def said(*frames: pb.AgentFrame, by: str = "probe", register: bool = True, raw: bytes = b"") -> str:
        token, _ = mesh.signer.sign(subject=by, tenant="platform", roles=["agent"], ttl_seconds=60, agent_type="prober")
        if register:
            request = agent_registry_pb2.RegisterAgentRequest(agent_id=by, agent_type="prober")
            metadata = (("authorization", f"Bearer {enrolment}"),)
            await AgentRegistryServiceStub(registry).RegisterAgent(request, metadata=metadata)
        connect = engine.stream_stream("/archwright.engine.v1.AgentWorkService/Connect")
        call = connect(metadata=(("authorization", f"Bearer {token}"),))
        try:
            async with asyncio.timeout(15):
                if frames:
                    await call.write(pb.ConnectRequest(frames=frames).SerializeToString())
                if raw:
                    await call.read()  # Welcome
                    await call.write(raw)
                while await call.read() is not grpc.aio.EOF:
                    pass
        except grpc.aio.AioRpcError as error:
            found = from_rpc_error(error)
            return f"{found.reason}: {found.message}"
        finally:
            call.cancel()
        return "ended"

    yield said
    await engine.close()
    await registry.close()


async def test_an_agent_that_never_registered_is_refused(say: Say) -> None:
    assert (await say(hello("stranger"), by="stranger", register=False)).startswith(
        "AGENT_NOT_REGISTERED: The registry does not know agent 'stranger'. Register it"
    )


async def test_an_agent_cannot_speak_for_another(say: Say) -> None:
    assert await say(hello("somebody-else")) == (
        "ROLE_DENIED: The token belongs to agent 'probe', and Hello names 'somebody-else'."
    )


async def test_the_first_frame_must_be_hello(say: Say) -> None:
    assert await say(credit(1)) == "STREAM_PROTOCOL: The first frame of a stream must be Hello."


async def test_hello_may_be_said_once(say: Say) -> None:
    assert (await say(hello("probe"), hello("probe"))).startswith("STREAM_PROTOCOL: Hello may be said once")


async def test_another_version_of_the_protocol_is_named(say: Say) -> None:
    assert "speaks version 1 of the agents' protocol, not 7" in await say(hello("probe", version=7))


@pytest.mark.parametrize("slots", [-1, 1_000_000])
async def test_credit_beyond_reason_is_refused(say: Say, slots: int) -> None:
    assert (await say(hello("probe"), credit(slots))).startswith("STREAM_PROTOCOL: Credit must be from 0 to 10000")


async def test_a_frame_of_an_unknown_kind_is_refused(say: Say) -> None:
    assert (await say(hello("probe"), pb.AgentFrame())).startswith("STREAM_PROTOCOL: A frame is empty")


async def test_a_delivery_that_never_was_is_refused(say: Say) -> None:
    frame = pb.AgentFrame(accept=pb.Accept(delivery=pb.Delivery(task_id="task_1", attempt=1, lease_id="x")))

    assert (await say(hello("probe"), frame)).startswith("STREAM_PROTOCOL: A frame names a delivery that never was")


async def test_progress_that_is_no_number_is_refused(say: Say) -> None:
    told = pb.Delivery(
        task_id="task_01k0000000e008000000000000", attempt=1, lease_id="lease_01k0000000e008000000000000"
    )
    frame = pb.AgentFrame(progress=pb.Progress(delivery=told, percent=float("nan")))

    assert (await say(hello("probe"), frame)).startswith("STREAM_PROTOCOL: Progress must be a number")


async def test_credit_after_draining_is_refused(say: Say) -> None:
    draining = pb.AgentFrame(draining=pb.Draining(reason="going"))

    assert (await say(hello("probe"), draining, credit(1))).startswith("STREAM_PROTOCOL: Credit came after Draining")


async def test_a_pong_to_no_ping_is_refused(say: Say) -> None:
    assert (await say(hello("probe"), pb.AgentFrame(pong=pb.Pong(nonce=9)))).startswith("STREAM_PROTOCOL: Pong 9")


async def test_bytes_that_are_no_message_are_refused(say: Say) -> None:
    assert (await say(hello("probe"), raw=b"\xff\xff\xff\xff")).startswith("PAYLOAD_INVALID: ")


async def test_a_message_beyond_four_mebibytes_is_refused(say: Say) -> None:
    output = pb.AgentFrame(result=pb.Result(output=b"x" * (5 << 20)))

    assert "larger than max" in await say(hello("probe"), raw=pb.ConnectRequest(frames=[output]).SerializeToString())


async def test_silence_instead_of_hello_ends_the_stream(meshes: Any) -> None:
    async with meshes(ARCHWRIGHT_HELLO_SECONDS="0.3") as mesh, open_channel(f"http://{mesh.engine.address}") as engine:
        token, _ = mesh.signer.sign(
            subject="probe", tenant="platform", roles=["agent"], ttl_seconds=60, agent_type="prober"
        )
        call = AgentWorkServiceStub(engine).Connect(metadata=(("authorization", f"Bearer {token}"),))

        with pytest.raises(grpc.aio.AioRpcError) as refused:
            async with asyncio.timeout(10):
                await call.read()

        assert from_rpc_error(refused.value).reason == "DEADLINE_PASSED"


async def test_one_agents_mistake_does_not_disturb_another(mesh: SmallMesh, say: Say) -> None:
    async with mesh.client() as client:
        await client.definitions.publish("name: calm\nsteps: [{name: a, agent: worker, input: {seconds: 0.3}}]")
        workflow = await client.start("calm", {})

        await say(hello("probe"), pb.AgentFrame())

        assert (await client.wait(workflow.workflow_id)).steps_completed == ["a"]
