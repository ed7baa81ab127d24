"""The registry as its callers meet it: the real process, twice, over one PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from archwright import errors
from archwright.registry.v1 import agent_registry_pb2 as pb
from archwright.registry.v1.agent_registry_pb2_grpc import AgentRegistryServiceStub
from archwright.serving.status import from_rpc_error
from archwright.serving.tokens import TokenSigner, TokenVerifier, jwks_of, new_key_pem

ISSUER, AUDIENCE = "archwright-test", "archwright"
READY_SECONDS_MAX = 30.0
WATCH_SECONDS_MAX = 10.0


@dataclass
class Replica:
    """One running registry."""

    process: asyncio.subprocess.Process
    parent_pipe: int
    channel: grpc.aio.Channel

    @property
    def stub(self) -> AgentRegistryServiceStub:
        return AgentRegistryServiceStub(self.channel)


@dataclass
class Mesh:
    """A migrated database, keys, and the environment that registries start with."""

    environment: dict[str, str]
    signer: TokenSigner
    verifier: TokenVerifier
    replicas: list[Replica] = field(default_factory=list)

    def token(self, *roles: str, tenant: str = "acme", subject: str = "ada") -> tuple[tuple[str, str], ...]:
        token, _ = self.signer.sign(subject=subject, tenant=tenant, roles=list(roles), ttl_seconds=300)
        return bearing(token)


def bearing(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


@pytest.fixture(scope="module")
async def mesh(empty_database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    folder = tmp_path_factory.mktemp("registry")
    pem = new_key_pem()
    (folder / "key.pem").write_bytes(pem)
    (folder / "jwks.json").write_text(jwks_of(pem))
    settings = {
        "POSTGRES_OWNER_DSN": empty_database.owner_dsn,
        "POSTGRES_DSN": empty_database.dsn("archwright_registry"),
        "JWKS_FILE": str(folder / "jwks.json"),
        "TOKEN_KEY_FILE": str(folder / "key.pem"),
        "TOKEN_ISSUER": ISSUER,
        "HEARTBEAT_SECONDS": "0.5",
        "POLL_SECONDS": "0.2",
        "DRAIN_SECONDS": "2",
        "HEALTH_CHECK_ALLOW": "127.0.0.0/8",
        "HEALTH_CHECK_SECONDS": "0.2",
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith("ARCHWRIGHT_")}
    environment = others | {f"ARCHWRIGHT_{name}": value for name, value in settings.items()}
    migration = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.registry", "migrate", env=environment
    )
    assert await migration.wait() == 0
    signer = TokenSigner(folder / "key.pem", ISSUER, AUDIENCE)
    made = Mesh(environment, signer, TokenVerifier(folder / "jwks.json", ISSUER, AUDIENCE))
    async with replica(made) as first, replica(made) as second:
        made.replicas = [first, second]
        yield made


@contextlib.asynccontextmanager
async def replica(mesh: Mesh) -> AsyncIterator[Replica]:
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.registry"),
        env=mesh.environment | {"ARCHWRIGHT_PARENT_PIPE_FD": str(reading)},
        pass_fds=(reading,),
        stdout=asyncio.subprocess.PIPE,
    )
    os.close(reading)
    assert process.stdout is not None
    async with asyncio.timeout(READY_SECONDS_MAX):
        ready = json.loads(await process.stdout.readline())
    assert ready["service"] == "registry"
    try:
        async with grpc.aio.insecure_channel(ready["address"]) as channel:
            yield Replica(process, writing, channel)
    finally:
        with contextlib.suppress(OSError):  # a test may have closed it
            os.close(writing)
        await process.wait()


@pytest.fixture
def stub(mesh: Mesh) -> AgentRegistryServiceStub:
    return mesh.replicas[0].stub


async def refusal_of(call: grpc.aio.UnaryUnaryCall) -> errors.ArchwrightError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return from_rpc_error(refused.value)


async def registered(
    mesh: Mesh, agent_id: str, *, tenant: str = "acme", slots: int = 1, on: int = 0
) -> pb.RegisterAgentResponse:
    request = pb.RegisterAgentRequest(agent_id=agent_id, agent_type="developer", max_concurrent_tasks=slots)
    return await mesh.replicas[on].stub.RegisterAgent(request, metadata=mesh.token("enrolment", tenant=tenant))


async def test_registering_gives_an_agent_its_token(mesh: Mesh, stub: AgentRegistryServiceStub) -> None:
    request = pb.RegisterAgentRequest(agent_type="developer", capabilities=["code"], labels={"zone": "eu"})

    answer = await stub.RegisterAgent(request, metadata=mesh.token("enrolment"))

    caller = mesh.verifier.verify(answer.token)
    assert caller.subject == answer.agent.agent_id
    assert caller.subject.startswith("agent_")
    assert (caller.tenant, caller.roles, caller.agent_type) == ("acme", frozenset({"agent"}), "developer")
    assert caller.expires_at.timestamp() == answer.token_expires_at.seconds
    assert answer.heartbeat_interval.ToMilliseconds() == 500
    assert answer.agent.status == pb.Agent.ONLINE
    assert answer.agent.labels == {"zone": "eu"}


async def test_registering_again_keeps_when_it_began(mesh: Mesh) -> None:
    first = await registered(mesh, "again")
    second = await registered(mesh, "again", slots=7, on=1)

    assert second.agent.registered_at == first.agent.registered_at
    assert second.agent.max_concurrent_tasks == 7


async def test_a_repeated_request_without_an_id_registers_one_agent(mesh: Mesh, stub: AgentRegistryServiceStub) -> None:
    request = pb.RegisterAgentRequest(agent_type="developer", request_id="r-1")
    answers = [await stub.RegisterAgent(request, metadata=mesh.token("enrolment")) for _ in range(2)]

    assert answers[0].agent.agent_id == answers[1].agent.agent_id


async def test_a_registration_that_is_wrong_names_its_fields(mesh: Mesh, stub: AgentRegistryServiceStub) -> None:
    request = pb.RegisterAgentRequest(agent_type="Developer", max_concurrent_tasks=2000)

    refusal = await refusal_of(stub.RegisterAgent(request, metadata=mesh.token("enrolment")))

    assert isinstance(refusal, errors.RequestInvalid)
    assert [violation.field for violation in refusal.violations] == ["agent_type", "max_concurrent_tasks"]


async def test_only_an_enrolment_token_registers(mesh: Mesh, stub: AgentRegistryServiceStub) -> None:
    request = pb.RegisterAgentRequest(agent_type="developer")

    assert isinstance(await refusal_of(stub.RegisterAgent(request)), errors.TokenMissing)
    for role in ("viewer", "operator", "agent", "service"):
        refusal = await refusal_of(stub.RegisterAgent(request, metadata=mesh.token(role)))
        assert isinstance(refusal, errors.RoleDenied)


async def test_the_tokens_tenant_decides_and_tenants_do_not_see_each_other(
    mesh: Mesh, stub: AgentRegistryServiceStub
) -> None:
    await registered(mesh, "shared-name", tenant="globex")
    refusal = await refusal_of(
        stub.GetAgent(pb.GetAgentRequest(agent_id="shared-name"), metadata=mesh.token("viewer", tenant="acme"))
    )
    assert isinstance(refusal, errors.AgentNotFound)

    ours = await registered(mesh, "shared-name", tenant="acme")

    assert ours.agent.tenant == "acme"
    theirs = await stub.GetAgent(
        pb.GetAgentRequest(agent_id="shared-name"), metadata=mesh.token("viewer", tenant="globex")
    )
    assert theirs.tenant == "globex"


async def test_the_platforms_agents_are_seen_by_all_and_touched_by_none(
    mesh: Mesh, stub: AgentRegistryServiceStub
) -> None:
    await registered(mesh, "platform-agent", tenant="platform")
    admin = mesh.token("admin", tenant="acme")

    seen = await stub.GetAgent(pb.GetAgentRequest(agent_id="platform-agent"), metadata=admin)
    usurped = await refusal_of(
        stub.RegisterAgent(
            pb.RegisterAgentRequest(agent_id="platform-agent", agent_type="developer"), metadata=mesh.token("enrolment")
        )
    )
    ended = await refusal_of(stub.DeregisterAgent(pb.DeregisterAgentRequest(agent_id="platform-agent"), metadata=admin))

    assert seen.tenant == "platform"
    assert isinstance(usurped, errors.RoleDenied)
    assert isinstance(ended, errors.RoleDenied)


async def test_the_platforms_administrator_sees_and_ends_everybodys(mesh: Mesh, stub: AgentRegistryServiceStub) -> None:
    await registered(mesh, "tenants-agent", tenant="globex")
    admin = mesh.token("admin", tenant="platform")

    seen = await stub.GetAgent(pb.GetAgentRequest(agent_id="tenants-agent"), metadata=admin)
    await stub.DeregisterAgent(pb.DeregisterAgentRequest(agent_id="tenants-agent"), metadata=admin)
    gone = await refusal_of(stub.GetAgent(pb.GetAgentRequest(agent_id="tenants-agent"), metadata=admin))

    assert seen.tenant == "globex"
    assert isinstance(gone, errors.AgentNotFound)


async def test_a_heartbeat_says_how_an_agent_is(mesh: Mesh, stub: AgentRegistryServiceStub) -> None:
    answer = await registered(mesh, "beating", slots=2)
    own, viewer = bearing(answer.token), mesh.token("viewer")

    async def stands_after(count: int, said: int) -> tuple[int, bool]:
        beat = pb.HeartbeatAgentRequest(agent_id="beating", current_task_count=count, status=said)
        await stub.HeartbeatAgent(beat, metadata=own)
        health = await stub.GetAgentHealth(pb.GetAgentHealthRequest(agent_id="beating"), metadata=viewer)
        assert bool(health.reason) != health.healthy
        return health.status, health.healthy

    assert await stands_after(1, pb.Agent.STATUS_UNSPECIFIED) == (pb.Agent.ONLINE, True)
    assert await stands_after(2, pb.Agent.ONLINE) == (pb.Agent.BUSY, False)
    assert await stands_after(0, pb.Agent.ERROR) == (pb.Agent.ERROR, False)
    assert await stands_after(0, pb.Agent.DRAINING) == (pb.Agent.DRAINING, False)


async def test_a_heartbeat_that_is_wrong_is_refused(mesh: Mesh, stub: AgentRegistryServiceStub) -> None:
    own = bearing((await registered(mesh, "wrong-beats")).token)

    async def refused(**fields: object) -> errors.ArchwrightError:
        request = pb.HeartbeatAgentRequest(**({"agent_id": "wrong-beats"} | fields))
        return await refusal_of(stub.HeartbeatAgent(request, metadata=own))

    assert isinstance(await refused(agent_id="another"), errors.RoleDenied)
    assert isinstance(await refused(status=pb.Agent.OFFLINE), errors.RequestInvalid)
    assert isinstance(await refused(status=99), errors.RequestInvalid)
    assert isinstance(await refused(current_task_count=-1), errors.RequestInvalid)


async def test_an_agent_ends_its_registration_and_may_repeat_that(mesh: Mesh, stub: AgentRegistryServiceStub) -> None:
    own = bearing((await registered(mesh, "leaving")).token)
    request = pb.DeregisterAgentRequest(agent_id="leaving", request_id="bye")

    await stub.DeregisterAgent(request, metadata=own)
    await stub.DeregisterAgent(request, metadata=own)
    again = await refusal_of(stub.DeregisterAgent(pb.DeregisterAgentRequest(agent_id="leaving"), metadata=own))
    beat = await refusal_of(stub.HeartbeatAgent(pb.HeartbeatAgentRequest(agent_id="leaving"), metadata=own))

    assert isinstance(again, errors.AgentNotFound)
    assert isinstance(beat, errors.AgentNotFound)


async def test_an_agent_ends_no_other_registration(mesh: Mesh, stub: AgentRegistryServiceStub) -> None:
    own = bearing((await registered(mesh, "one")).token)
    await registered(mesh, "other")

    refusal = await refusal_of(stub.DeregisterAgent(pb.DeregisterAgentRequest(agent_id="other"), metadata=own))

    assert isinstance(refusal, errors.RoleDenied)


async def test_lists_go_page_by_page(mesh: Mesh, stub: AgentRegistryServiceStub) -> None:
    for number in range(5):
        await registered(mesh, f"page-{number}", tenant="pages")
    viewer, pages, token = mesh.token("viewer", tenant="pages"), [], ""
    while True:
        page = await stub.ListAgents(pb.ListAgentsRequest(page_size=2, page_token=token), metadata=viewer)
        pages.append([agent.agent_id for agent in page.agents if agent.tenant == "pages"])
        token = page.next_page_token
        if not token:
            break

    assert [agent_id for page in pages for agent_id in page] == [f"page-{number}" for number in range(5)]
    assert len(pages) >= 3


@pytest.mark.parametrize("token", ["x", "!!!", "YWJj", "é"])
async def test_a_page_token_that_no_list_returned_is_refused(
    mesh: Mesh, stub: AgentRegistryServiceStub, token: str
) -> None:
    refusal = await refusal_of(stub.ListAgents(pb.ListAgentsRequest(page_token=token), metadata=mesh.token("viewer")))

    assert isinstance(refusal, errors.RequestInvalid)
    assert refusal.violations[0].field == "page_token"


async def test_a_watcher_on_one_replica_hears_what_happens_on_the_other(mesh: Mesh) -> None:
    await registered(mesh, "before")
    watch = mesh.replicas[0].stub.WatchAgents(
        pb.WatchAgentsRequest(), metadata=mesh.token("service", tenant="platform", subject="engine")
    )
    snapshot = set()
    async with asyncio.timeout(WATCH_SECONDS_MAX):
        while (update := await watch.read()).WhichOneof("update") == "agent":
            snapshot.add(f"{update.agent.tenant}/{update.agent.agent_id}")
        assert update.WhichOneof("update") == "snapshot_complete"

        joined = await registered(mesh, "joins", tenant="globex", on=1)
        while (await watch.read()).agent.agent_id != "joins":
            pass
        await mesh.replicas[1].stub.DeregisterAgent(
            pb.DeregisterAgentRequest(agent_id="joins"), metadata=bearing(joined.token)
        )
        while (await watch.read()).removed != "globex/joins":
            pass
    watch.cancel()

    assert "acme/before" in snapshot


async def test_an_agent_that_falls_silent_goes_offline_for_watchers(mesh: Mesh) -> None:
    watch = mesh.replicas[1].stub.WatchAgents(
        pb.WatchAgentsRequest(), metadata=mesh.token("service", tenant="platform", subject="engine")
    )
    await registered(mesh, "mute")

    async with asyncio.timeout(WATCH_SECONDS_MAX):
        while True:
            agent = (await watch.read()).agent
            if agent.agent_id == "mute" and agent.status == pb.Agent.OFFLINE:
                break
    watch.cancel()


async def test_health_is_serving(mesh: Mesh) -> None:
    health = health_pb2_grpc.HealthStub(mesh.replicas[0].channel)

    async with asyncio.timeout(WATCH_SECONDS_MAX):
        async for answer in health.Watch(health_pb2.HealthCheckRequest()):
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                break


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "parent's end"])
async def test_a_registry_that_is_told_to_stop_ends_its_watches_and_itself(mesh: Mesh, how: str) -> None:
    async with replica(mesh) as third:
        watch = third.stub.WatchAgents(pb.WatchAgentsRequest(), metadata=mesh.token("service", tenant="platform"))
        await watch.read()
        if how == "parent's end":
            os.close(third.parent_pipe)
        else:
            third.process.send_signal(signal.Signals[how])
        async with asyncio.timeout(WATCH_SECONDS_MAX):
            while await watch.read() is not grpc.aio.EOF:
                pass
            assert await watch.code() is grpc.StatusCode.OK
            assert await third.process.wait() == 0


@pytest.mark.parametrize(
    ("arguments", "changes", "complaint"),
    [
        ([], {"ARCHWRIGHT_POSTGRES_DSN": None}, "ARCHWRIGHT_POSTGRES_DSN"),
        ([], {"ARCHWRIGHT_PORT": "x"}, "ARCHWRIGHT_PORT"),
        (["migrate"], {"ARCHWRIGHT_POSTGRES_OWNER_DSN": None}, "ARCHWRIGHT_POSTGRES_OWNER_DSN"),
        (["fly"], {}, "usage:"),
    ],
)
async def test_a_wrong_environment_or_command_is_said_at_once(
    mesh: Mesh, arguments: list[str], changes: dict[str, str | None], complaint: str
) -> None:
    environment = {name: value for name, value in (mesh.environment | changes).items() if value is not None}

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.registry", *arguments), env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, complaints = await process.communicate()

    assert process.returncode == 2
    assert complaint in complaints.decode()
    assert "Traceback" not in complaints.decode()


async def test_a_key_file_that_is_missing_fails_the_start(mesh: Mesh, tmp_path: Path) -> None:
    environment = mesh.environment | {"ARCHWRIGHT_TOKEN_KEY_FILE": str(tmp_path / "none.pem")}

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.registry"), env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, complaints = await process.communicate()

    assert process.returncode == 1
    assert "none.pem" in complaints.decode()


async def test_heartbeats_over_a_stream_are_answered_one_by_one(mesh: Mesh, stub: AgentRegistryServiceStub) -> None:
    answer = await registered(mesh, "streaming", slots=3)
    call = stub.StreamHeartbeats(metadata=bearing(answer.token))

    for count in (1, 2):
        heartbeat = pb.HeartbeatAgentRequest(agent_id="streaming", current_task_count=count)
        await call.write(pb.StreamHeartbeatsRequest(heartbeat=heartbeat))
        assert (await call.read()).heartbeat.heartbeat_interval.ToMilliseconds() == 500
    await call.done_writing()

    assert await call.read() is grpc.aio.EOF
    agent = await stub.GetAgent(pb.GetAgentRequest(agent_id="streaming"), metadata=mesh.token("viewer"))
    assert agent.current_task_count == 2


async def test_a_stream_of_heartbeats_speaks_for_its_own_agent_only(mesh: Mesh, stub: AgentRegistryServiceStub) -> None:
    answer = await registered(mesh, "own-stream")
    call = stub.StreamHeartbeats(metadata=bearing(answer.token))

    await call.write(pb.StreamHeartbeatsRequest(heartbeat=pb.HeartbeatAgentRequest(agent_id="somebody-else")))

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call.read()
    assert isinstance(from_rpc_error(refused.value), errors.RoleDenied)


async def test_who_is_drained_at_one_replica_is_so_at_the_other_until_resumed(mesh: Mesh) -> None:
    one, other = (each.stub for each in mesh.replicas)
    await registered(mesh, "drained")
    operator, viewer = mesh.token("operator", subject="olga"), mesh.token("viewer")
    drain = pb.SetAgentStatusRequest(agent_id="drained", status=pb.Agent.DRAINING)

    assert (await one.SetAgentStatus(drain, metadata=operator)).status == pb.Agent.DRAINING
    answer = await registered(mesh, "drained", on=1)
    await other.HeartbeatAgent(pb.HeartbeatAgentRequest(agent_id="drained"), metadata=bearing(answer.token))
    health = await other.GetAgentHealth(pb.GetAgentHealthRequest(agent_id="drained"), metadata=viewer)
    assert (health.status, health.healthy) == (pb.Agent.DRAINING, False)
    assert health.reason.startswith("olga keeps it from new work")

    resume = pb.SetAgentStatusRequest(agent_id="drained", status=pb.Agent.ONLINE)
    assert (await other.SetAgentStatus(resume, metadata=operator)).status == pb.Agent.ONLINE


async def test_each_decision_of_a_person_is_written_down_once(
    mesh: Mesh, stub: AgentRegistryServiceStub, empty_database
) -> None:
    await registered(mesh, "watched-over")
    admin = mesh.token("admin", subject="olga")
    drain = pb.SetAgentStatusRequest(agent_id="watched-over", status=pb.Agent.DRAINING)

    await stub.SetAgentStatus(drain, metadata=admin)
    await stub.DeregisterAgent(pb.DeregisterAgentRequest(agent_id="watched-over", request_id="once"), metadata=admin)
    await stub.DeregisterAgent(pb.DeregisterAgentRequest(agent_id="watched-over", request_id="once"), metadata=admin)

    owner = await asyncpg.connect(empty_database.owner_dsn)
    try:
        rows = await owner.fetch("SELECT * FROM registry.audit WHERE resource = 'watched-over' ORDER BY number")
    finally:
        await owner.close()
    assert [(row["user_id"], row["action"], row["tenant_id"]) for row in rows] == [
        ("olga", "SetAgentStatus", "acme"),
        ("olga", "DeregisterAgent", "acme"),
    ]
    assert rows[1]["previous_hash"] == rows[0]["hash"]


async def test_matching_goes_round_and_leaves_out_who_gets_no_work(mesh: Mesh) -> None:
    one, other = (each.stub for each in mesh.replicas)
    for name in ("m1", "m2", "m3"):
        request = pb.RegisterAgentRequest(
            agent_id=name, agent_type="matcher", capabilities=["pricing@1.3.0"], labels={"zone": "eu"}
        )
        await one.RegisterAgent(request, metadata=mesh.token("enrolment"))
    drain = pb.SetAgentStatusRequest(agent_id="m2", status=pb.Agent.DRAINING)
    await one.SetAgentStatus(drain, metadata=mesh.token("operator"))
    wish = pb.MatchAgentsRequest(capability="pricing@^1.2", labels={"zone": "eu"})

    firsts = []
    for _ in range(4):
        matches = (await other.MatchAgents(wish, metadata=mesh.token("viewer"))).matches
        assert {match.agent.agent_id for match in matches} == {"m1", "m3"}
        assert [match.free_slots for match in matches] == [1, 1]
        firsts.append(matches[0].agent.agent_id)

    assert firsts in (["m1", "m3"] * 2, ["m3", "m1"] * 2)
    nobody = pb.MatchAgentsRequest(capability="pricing@^2")
    assert not (await other.MatchAgents(nobody, metadata=mesh.token("viewer"))).matches


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.MatchAgentsRequest(), "agent_type"),
        (pb.MatchAgentsRequest(capability="pricing@^^"), "capability"),
        (pb.MatchAgentsRequest(agent_type="a", free_slots_min=-1), "free_slots_min"),
        (pb.MatchAgentsRequest(agent_type="a", limit=201), "limit"),
        (pb.MatchAgentsRequest(agent_type="a", strategy=7), "strategy"),
        (pb.MatchAgentsRequest(agent_type="a\x00"), "agent_type"),
        (pb.MatchAgentsRequest(capability="pricing\x00"), "capability"),
        (pb.MatchAgentsRequest(labels={"zone": "\x00"}), "labels.zone"),
    ],
)
async def test_a_wish_that_is_wrong_names_its_field(
    mesh: Mesh, stub: AgentRegistryServiceStub, request_: pb.MatchAgentsRequest, field: str
) -> None:
    refusal = await refusal_of(stub.MatchAgents(request_, metadata=mesh.token("viewer")))

    assert isinstance(refusal, errors.RequestInvalid)
    assert [violation.field for violation in refusal.violations] == [field]


@pytest.mark.parametrize("status", [pb.Agent.BUSY, pb.Agent.OFFLINE, pb.Agent.ERROR, pb.Agent.STATUS_UNSPECIFIED])
async def test_an_operator_decides_on_work_and_on_nothing_else(
    mesh: Mesh, stub: AgentRegistryServiceStub, status: pb.Agent.Status.ValueType
) -> None:
    await registered(mesh, "decided")
    request = pb.SetAgentStatusRequest(agent_id="decided", status=status)

    refusal = await refusal_of(stub.SetAgentStatus(request, metadata=mesh.token("operator")))

    assert isinstance(refusal, errors.RequestInvalid)
    assert "must be DRAINING (nothing new) or ONLINE" in refusal.message


async def test_whoever_may_not_decide_is_refused(mesh: Mesh, stub: AgentRegistryServiceStub) -> None:
    await registered(mesh, "of-the-platform", tenant="platform")
    drain = pb.SetAgentStatusRequest(agent_id="of-the-platform", status=pb.Agent.DRAINING)

    for token in (mesh.token("operator"), mesh.token("viewer", tenant="platform"), mesh.token("agent")):
        assert isinstance(await refusal_of(stub.SetAgentStatus(drain, metadata=token)), errors.RoleDenied)
    nobody = pb.SetAgentStatusRequest(agent_id="nobody", status=pb.Agent.DRAINING)
    refusal = await refusal_of(stub.SetAgentStatus(nobody, metadata=mesh.token("operator")))
    assert isinstance(refusal, errors.AgentNotFound)


async def test_an_agent_whose_health_check_fails_is_in_error_until_it_answers(
    mesh: Mesh, stub: AgentRegistryServiceStub
) -> None:
    answers = [b"HTTP/1.1 500 Oops\r\n\r\n"]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers[-1])
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    request = pb.RegisterAgentRequest(
        agent_id="probed",
        agent_type="developer",
        health_check_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/health",
    )
    token = (await stub.RegisterAgent(request, metadata=mesh.token("enrolment"))).token

    async def health_once(status: pb.Agent.Status.ValueType) -> pb.AgentHealth:
        async with asyncio.timeout(30):
            while True:
                await stub.HeartbeatAgent(pb.HeartbeatAgentRequest(agent_id="probed"), metadata=bearing(token))
                asked = pb.GetAgentHealthRequest(agent_id="probed")
                health = await stub.GetAgentHealth(asked, metadata=mesh.token("viewer"))
                if health.status == status:
                    return health

    try:
        unwell = await health_once(pb.Agent.ERROR)
        answers.append(b"HTTP/1.1 200 OK\r\n\r\n")
        well = await health_once(pb.Agent.ONLINE)
    finally:
        server.close()

    assert "times in a row: it answered 500 Oops." in unwell.reason
    assert well.healthy


async def test_an_answer_that_no_database_takes_fails_its_own_agents_health_check_and_no_others(
    mesh: Mesh, stub: AgentRegistryServiceStub
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 \x00\x1b[2J\r\n\r\n" if b"/liar" in asked else b"HTTP/1.1 503 Away\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    place = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    tokens = {}
    for name in ("liar", "honest"):
        request = pb.RegisterAgentRequest(agent_id=name, agent_type="developer", health_check_url=f"{place}/{name}")
        tokens[name] = (await stub.RegisterAgent(request, metadata=mesh.token("enrolment"))).token

    async def problem_of(name: str) -> str:
        async with asyncio.timeout(15):
            while True:
                await stub.HeartbeatAgent(pb.HeartbeatAgentRequest(agent_id=name), metadata=bearing(tokens[name]))
                asked = pb.GetAgentHealthRequest(agent_id=name)
                health = await stub.GetAgentHealth(asked, metadata=mesh.token("viewer"))
                if health.status == pb.Agent.ERROR:
                    return health.reason

    try:
        assert "it answered 503 Away." in await problem_of("honest")
        assert (await problem_of("liar")).isprintable()
    finally:
        server.close()


async def test_a_health_check_that_nobody_may_ask_is_refused_with_the_way_out(
    mesh: Mesh, stub: AgentRegistryServiceStub
) -> None:
    request = pb.RegisterAgentRequest(agent_type="developer", health_check_url="http://169.254.169.254/latest")

    refusal = await refusal_of(stub.RegisterAgent(request, metadata=mesh.token("enrolment")))

    assert isinstance(refusal, errors.RequestInvalid)
    assert "ARCHWRIGHT_HEALTH_CHECK_ALLOW" in refusal.message


async def test_details_of_a_capability_are_checked_and_shown(mesh: Mesh, stub: AgentRegistryServiceStub) -> None:
    request = pb.RegisterAgentRequest(agent_id="detailed", agent_type="developer", capabilities=["code@1.0.0"])
    detail = request.capability_details.add(capability="code@1.0.0")
    detail.input_schema.update({"type": "object", "required": ["name"]})

    shown = (await stub.RegisterAgent(request, metadata=mesh.token("enrolment"))).agent.capability_details[0]
    assert shown == detail

    detail.input_schema.update({"type": "objekt"})
    request.capability_details.add(capability="review")
    refusal = await refusal_of(stub.RegisterAgent(request, metadata=mesh.token("enrolment")))
    assert isinstance(refusal, errors.RequestInvalid)
    assert [violation.field for violation in refusal.violations] == [
        "capability_details[0].input_schema",
        "capability_details[1].capability",
    ]
