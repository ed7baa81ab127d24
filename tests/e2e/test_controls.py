"""Everything that may be done to a workflow, over gRPC: what is legal from where, repeats, and who may not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from small_mesh import SmallMesh, small_mesh

from archwright import Client, ids
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.engine.v1.workflows_pb2 import WatchEnded
from archwright.errors import RequestIdReused, RequestInvalid, RoleDenied, TransitionIllegal, WorkflowNotFound
from archwright.payloads import from_struct
from services.chassis.clock import SystemClock
from services.engine.domain.transitions import WORKFLOW_TRANSITIONS, WorkflowStatus

WAITING = "name: waiting\nsteps: [{name: ask, wait: {signal: go}}]"
ENDED = "name: ended\nsteps: [{name: note, set: {n: 1}}]"
FAILING = "name: failing\nsteps: [{name: ask, wait: {signal: go, timeout_seconds: 1}}]"
IDLE = "name: idle\nsteps: [{name: work, agent: nobody}]"
CHAIN = """
name: chain
input_schema: {type: object, properties: {n: {type: integer}}, required: [n]}
steps:
  - {name: first, agent: worker, input: {}}
  - {name: second, agent: worker, input: {n: "${n}"}}
  - name: third
    set: {n: "${n}", attempt: "${steps.second.output.attempt}"}
"""
SECONDS_MAX = 30.0

S = WorkflowStatus
Verb = Callable[[Client, str], Awaitable[object]]

VERBS: dict[str, tuple[Verb, WorkflowStatus]] = {
    "pause": (lambda client, it: client.pause(it), S.PAUSED),
    "resume": (lambda client, it: client.resume(it), S.RUNNING),
    "cancel": (lambda client, it: client.cancel(it), S.CANCELLED),
    "retry": (lambda client, it: client.retry(it), S.RUNNING),
    "status running": (lambda client, it: client.set_status(it, pb.Workflow.RUNNING), S.RUNNING),
    "status paused": (lambda client, it: client.set_status(it, pb.Workflow.PAUSED), S.PAUSED),
    "status cancelled": (lambda client, it: client.set_status(it, pb.Workflow.CANCELLED), S.CANCELLED),
}
"""What may be asked for, and the status that it leads to."""

FROM = {"resume": {S.PAUSED}, "retry": {S.FAILED}, "status running": {S.PAUSED, S.FAILED}}
"""Where a move is in the table, but not by this verb: only the engine lets what is pending run."""

NEEDED = {
    "pause": lambda client, it: client.pause(it),
    "resume": lambda client, it: client.resume(it),
    "cancel": lambda client, it: client.cancel(it),
    "retry": lambda client, it: client.retry(it),
    "rerun": lambda client, it: client.rerun(it, "ask"),
    "signal": lambda client, it: client.signal(it, "go"),
    "explain": lambda client, it: client.explain(it),
    "status": lambda client, it: client.set_status(it, pb.Workflow.PAUSED),
    "get": lambda client, it: client.get(it),
    "tasks": lambda client, it: client.tasks(it),
}


@pytest.fixture(scope="module")
async def mesh(database: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SmallMesh]:
    """One mesh for all tests of this file, in which one workflow at a time may be under way."""
    users = ("archwright_engine", "archwright_registry")
    folder = tmp_path_factory.mktemp("controls")
    async with small_mesh(
        folder,
        database.owner_dsn,
        {user: database.dsn(user) for user in users},
        ARCHWRIGHT_MAX_CONCURRENT_WORKFLOWS="1",
    ) as found:
        await found.add_agent("worker")
        async with found.client() as client:
            for source in (WAITING, ENDED, FAILING, IDLE, CHAIN):
                await client.definitions.publish(source)
        yield found


@pytest.fixture
async def client(mesh: SmallMesh) -> AsyncIterator[Client]:
    async with mesh.client() as found:
        yield found


async def until(client: Client, workflow_id: str, status: pb.Workflow.Status.ValueType) -> pb.Workflow:
    async with asyncio.timeout(SECONDS_MAX):
        while (found := await client.get(workflow_id)).status != status:
            await SystemClock().sleep(0.05)
    return found


async def in_status(client: Client, status: WorkflowStatus) -> tuple[pb.Workflow, pb.Workflow | None]:
    """Return a workflow that stands so, and the one that has to go when it is done with."""
    match status:
        case S.PENDING:
            occupant = await client.start("idle", {})
            return await client.start("idle", {}), occupant
        case S.RUNNING:
            return await client.start("waiting", {}), None
        case S.PAUSED:
            return await client.pause((await client.start("waiting", {})).workflow_id), None
        case S.COMPLETED:
            return await client.start("ended", {}), None
        case S.CANCELLED:
            return await client.cancel((await client.start("waiting", {})).workflow_id), None
        case S.FAILED:
            started = await client.start("failing", {})
            return await until(client, started.workflow_id, pb.Workflow.FAILED), None


async def clear(client: Client, *workflows: pb.Workflow | None) -> None:
    for workflow in workflows:
        if workflow is not None and (await client.get(workflow.workflow_id)).status in {
            pb.Workflow.PENDING,
            pb.Workflow.RUNNING,
            pb.Workflow.PAUSED,
        }:
            await client.cancel(workflow.workflow_id)


@pytest.mark.parametrize("status", WorkflowStatus)
async def test_a_verb_does_what_the_table_of_transitions_allows_and_nothing_else(
    client: Client, status: WorkflowStatus
) -> None:
    for name, (verb, leads_to) in VERBS.items():
        workflow, occupant = await in_status(client, status)
        assert pb.Workflow.Status.Name(workflow.status).lower() == status
        is_legal = leads_to in WORKFLOW_TRANSITIONS[status] and status in FROM.get(name, set(WorkflowStatus))
        if is_legal:
            answer = await verb(client, workflow.workflow_id)
            assert isinstance(answer, pb.Workflow)
            assert pb.Workflow.Status.Name(answer.status).lower() == leads_to
        else:
            with pytest.raises(TransitionIllegal) as refused:
                await verb(client, workflow.workflow_id)
            after = await client.get(workflow.workflow_id)
            assert (after.status, after.last_seq) == (workflow.status, workflow.last_seq)
            legal = ", ".join(sorted(WORKFLOW_TRANSITIONS[status])) or "none"
            assert f"Legal from here: {legal}" in refused.value.message
            assert refused.value.facts["status"] == status
        await clear(client, workflow, occupant)


@pytest.mark.parametrize("wished", [pb.Workflow.STATUS_UNSPECIFIED, pb.Workflow.PENDING, pb.Workflow.COMPLETED])
async def test_a_status_that_nobody_may_ask_for_is_refused(
    client: Client, wished: pb.Workflow.Status.ValueType
) -> None:
    workflow = await client.start("waiting", {})

    with pytest.raises(RequestInvalid, match="may ask for: cancelled, paused, running"):
        await client.set_status(workflow.workflow_id, wished)


@pytest.mark.parametrize("verb", NEEDED)
async def test_nothing_can_be_done_to_a_workflow_that_is_not_there(client: Client, verb: str) -> None:
    with pytest.raises(WorkflowNotFound):
        await NEEDED[verb](client, ids.show("wf", ids.new_uuid()))
    with pytest.raises(WorkflowNotFound):
        await NEEDED[verb](client, "nonsense")


@pytest.mark.parametrize("verb", NEEDED)
async def test_nothing_can_be_done_to_a_workflow_of_another_tenant(mesh: SmallMesh, client: Client, verb: str) -> None:
    workflow = await client.start("waiting", {})

    async with mesh.client(tenant="rival") as rival:
        with pytest.raises(WorkflowNotFound):
            await NEEDED[verb](rival, workflow.workflow_id)

    assert (await client.get(workflow.workflow_id)).last_seq == workflow.last_seq


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel", "retry", "rerun", "signal", "status"])
async def test_who_may_only_look_steers_nothing(mesh: SmallMesh, client: Client, verb: str) -> None:
    workflow = await client.start("waiting", {})

    async with mesh.client(roles=("viewer",)) as viewer:
        await viewer.explain(workflow.workflow_id)
        with pytest.raises(RoleDenied):
            await NEEDED[verb](viewer, workflow.workflow_id)


async def test_a_repeated_request_changes_nothing_and_is_answered_with_the_workflow(client: Client) -> None:
    it = (await client.start("waiting", {})).workflow_id

    paused = [await client.pause(it, "lunch", request_id="p") for _ in range(2)]
    resumed = [await client.resume(it, request_id="r") for _ in range(2)]
    paused_late = await client.pause(it, "lunch", request_id="p")
    signalled = [await client.signal(it, "go", {"n": 1}, request_id="s") for _ in range(2)]

    assert paused[0] == paused[1]
    assert paused[0].paused_by == "ann"
    assert paused[0].HasField("paused_at")
    assert resumed[0] == resumed[1] == paused_late
    assert not paused_late.paused_by
    assert signalled[0] == signalled[1]
    assert signalled[0].status == pb.Workflow.COMPLETED
    assert from_struct(signalled[0].output) == {"ask": {"n": 1}}


async def test_a_request_id_of_another_request_is_refused(client: Client) -> None:
    it = (await client.start("waiting", {})).workflow_id
    await client.pause(it, "lunch", request_id="taken")

    for other in (
        client.pause(it, "tea", request_id="taken"),
        client.resume(it, request_id="taken"),
        client.signal(it, "go", request_id="taken"),
        client.cancel(it, "lunch", request_id="taken"),
    ):
        with pytest.raises(RequestIdReused, match="came before with another request"):
            await other

    assert (await client.get(it)).status == pb.Workflow.PAUSED


async def test_every_control_leaves_one_row_in_the_audit(database: Any, client: Client) -> None:
    it = (await client.start("waiting", {})).workflow_id
    for _ in range(2):
        await client.pause(it, request_id="1")
    await client.resume(it)
    await client.signal(it, "go")
    again = await client.rerun(it, "ask")

    owner = await asyncpg.connect(database.owner_dsn)
    rows = await owner.fetch(
        "SELECT action, user_id FROM engine.audit WHERE resource = $1 ORDER BY at, event_id", f"workflows/{it}"
    )
    await owner.close()

    assert [row["action"] for row in rows] == [
        "StartWorkflow",
        "PauseWorkflow",
        "ResumeWorkflow",
        "SignalWorkflow",
        "RerunWorkflow",
    ]
    assert {row["user_id"] for row in rows} == {"ann"}
    assert again.rerun_of == it


async def test_an_early_signal_waits_for_the_step_that_asks_for_it(client: Client) -> None:
    await client.definitions.publish(
        "name: two_signals\nsteps:\n  - {name: one, wait: {signal: first}}\n  - {name: two, wait: {signal: second}}"
    )
    it = (await client.start("two_signals", {})).workflow_id

    early = await client.signal(it, "second", {"said": "early"})
    ended = await client.signal(it, "first")

    assert early.status == pb.Workflow.RUNNING
    assert ended.status == pb.Workflow.COMPLETED
    assert from_struct(ended.output) == {"two": {"said": "early"}}


async def test_a_rerun_takes_over_what_is_not_downstream_of_its_step(mesh: SmallMesh, client: Client) -> None:
    before = await client.wait((await client.start("chain", {"n": 1})).workflow_id)

    kept = await client.wait((await client.rerun(before.workflow_id, "second")).workflow_id)
    edited = await client.rerun(before.workflow_id, "third", {"n": 2}, request_id="edited")
    repeated = await client.rerun(before.workflow_id, "third", {"n": 2}, request_id="edited")
    edited = await client.wait(edited.workflow_id)

    assert repeated.workflow_id == edited.workflow_id
    assert (kept.rerun_of, edited.rerun_of) == (before.workflow_id, before.workflow_id)
    assert kept.definition_version == before.definition_version
    assert from_struct(kept.input) == {"n": 1}
    assert from_struct(edited.output)["third"]["n"] == 2
    assert [entry["step"] for entry in mesh.ledger if entry["workflow_id"] == kept.workflow_id] == ["second"]
    assert not [entry for entry in mesh.ledger if entry["workflow_id"] == edited.workflow_id]
    assert (await client.get(before.workflow_id)) == before


async def test_a_rerun_is_refused_that_could_not_be(client: Client) -> None:
    before = await client.wait((await client.start("chain", {"n": 1})).workflow_id)

    with pytest.raises(RequestInvalid, match="no step 'secnd' to rerun from"):
        await client.rerun(before.workflow_id, "secnd")
    with pytest.raises(RequestInvalid, match="from_step is missing"):
        await client.rerun(before.workflow_id, "")
    await client.rerun(before.workflow_id, "third", request_id="mine")
    with pytest.raises(RequestIdReused):
        await client.rerun(before.workflow_id, "second", request_id="mine")


async def test_a_signal_needs_a_name(client: Client) -> None:
    it = (await client.start("waiting", {})).workflow_id

    with pytest.raises(RequestInvalid, match="name is missing"):
        await client.signal(it, "")
    with pytest.raises(RequestInvalid, match="name has 201 characters"):
        await client.signal(it, "x" * 201)


async def test_what_has_ended_takes_no_signals(client: Client) -> None:
    ended = await client.start("ended", {})

    with pytest.raises(TransitionIllegal, match="completed and takes no signals"):
        await client.signal(ended.workflow_id, "go")


async def test_steps_are_explained_by_what_they_wait_for(client: Client) -> None:
    reasons = pb.StepExplanation.Reason
    waiting = await client.start("waiting", {})
    paused = await client.pause((await client.start("idle", {})).workflow_id)
    pending = await client.start("idle", {})

    [for_signal] = (await client.explain(waiting.workflow_id)).steps
    [held] = (await client.explain(paused.workflow_id)).steps
    held_back = await client.explain(pending.workflow_id)
    await clear(client, pending)
    await client.resume(paused.workflow_id)
    [for_agent] = (await client.explain(paused.workflow_id)).steps
    await clear(client, paused)

    assert (for_signal.step, for_signal.reason) == ("ask", reasons.WAITING_FOR_SIGNAL)
    assert list(for_signal.waits_for) == ["go"]
    assert held.reason == reasons.PAUSED
    assert "'ann'" in held.message
    assert for_agent.reason == reasons.NO_AGENT
    assert "'nobody'" in for_agent.message
    assert for_agent.task_id
    assert held_back.status == pb.Workflow.PENDING
    assert "of a tenant may be under way at once" in held_back.summary
    assert {step.reason for step in held_back.steps} == {reasons.QUOTA}


async def test_a_list_is_filtered_ordered_and_paged(client: Client) -> None:
    started = [(await client.start("waiting", {}, session_id="listed")).workflow_id for _ in range(3)]
    await client.cancel(started[1])

    newest = [each.workflow_id async for each in client.list(filter="session_id = listed")]
    oldest = [
        each.workflow_id
        async for each in client.list(
            filter='session_id = "listed" AND status != cancelled AND created_at >= "2026-01-01T00:00:00Z"',
            order_by="created_at asc",
        )
    ]

    assert newest == started[::-1]
    assert oldest == [started[0], started[2]]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"filter": "sesion_id = x"}, "'sesion_id'; did you mean 'session_id'"),
        ({"filter": "status ~ x"}, "cannot be read from"),
        ({"filter": "status > running"}, "it takes !=, ="),
        ({"filter": "status = done"}, "there are pending, running"),
        ({"filter": "created_at < yesterday"}, "write a time such as"),
        ({"filter": "status = failed OR status = cancelled"}, "joined by AND"),
        ({"order_by": "name"}, "`created_at desc` or `created_at asc`"),
    ],
)
async def test_a_list_that_nobody_can_make_is_refused(client: Client, asked: dict[str, str], says: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        [_ async for _ in client.list(**asked)]

    assert says in refused.value.message


async def test_a_workflow_shows_what_its_steps_wait_for(client: Client) -> None:
    await client.definitions.publish(
        "name: told\nsteps:\n  - {name: note, set: {who: ann}}\n  - {name: never, when: 'false', set: {n: 1}}\n"
        "  - {name: ask, wait: {signal: go, timeout_seconds: 600}}"
    )

    told = await client.start("told", {})

    assert told == await client.get(told.workflow_id)
    [waiting] = told.waiting_for
    assert (waiting.step, waiting.kind, waiting.name) == ("ask", pb.WaitingFor.SIGNAL, "go")
    assert waiting.HasField("until")
    assert (list(told.steps_completed), told.steps_completed_count) == (["note"], 1)
    assert list(told.steps_skipped) == ["never"]
    assert from_struct(told.context) == {"who": "ann"}
    assert told.HasField("deadline")


async def test_whoever_waits_for_the_end_is_told_nothing_else(client: Client) -> None:
    waiting = await client.start("waiting", {})
    async with asyncio.timeout(SECONDS_MAX), asyncio.TaskGroup() as group:
        hearing = group.create_task(told_of_the_end(client, waiting.workflow_id))
        await client.signal(waiting.workflow_id, "go")

    ended = await client.get(waiting.workflow_id)
    assert hearing.result() == [WatchEnded(status=pb.Workflow.COMPLETED, last_seq=ended.last_seq)]
    assert await told_of_the_end(client, waiting.workflow_id) == hearing.result(), "also when it has ended long ago"
    with pytest.raises(WorkflowNotFound):
        await told_of_the_end(client, ids.show("wf", ids.new_uuid()))


async def told_of_the_end(client: Client, workflow_id: str) -> list[Any]:
    return [update async for update in client.watch(workflow_id, only_end=True)]
