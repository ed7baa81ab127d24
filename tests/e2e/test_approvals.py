"""Approvals over gRPC: who may decide what, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from players import players
from small_mesh import SmallMesh, small_mesh

from archwright import Client, Task, ids
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.engine.v1.approvals_pb2 import Approval
from archwright.errors import ApprovalNotFound, RequestIdReused, RequestInvalid, RoleDenied, TransitionIllegal
from archwright.pacing import rest
from archwright.payloads import Json, from_struct

SIGN_OFF = """
name: sign_off
steps:
  - name: consent
    approval: {approvers: ["role:operator"], expires_after: 1h}
    input: {amount: "${amount}"}
"""
TWO = """
name: two_agree
steps:
  - {name: consent, approval: {approvers: ["user:ann", "user:bob"], quorum: 2, on_reject: continue}}
"""


@pytest.fixture(scope="module")
async def mesh(database: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SmallMesh]:
    """One mesh for all tests of this file."""
    users = ("archwright_engine", "archwright_registry")
    folder = tmp_path_factory.mktemp("approvals")
    async with small_mesh(folder, database.owner_dsn, {user: database.dsn(user) for user in users}) as found:
        async with found.client() as client:
            for source in (SIGN_OFF, TWO):
                await client.definitions.publish(source)
        yield found


@pytest.fixture
async def client(mesh: SmallMesh) -> AsyncIterator[Client]:
    async with mesh.client() as found:
        yield found


async def asked_by(client: Client, definition: str, **given: object) -> Approval:
    """Start a workflow, and return what it asks."""
    workflow = await client.start(definition, given)
    [approval] = [each async for each in client.approvals.list(workflow.workflow_id)]
    return await client.approvals.get(approval.approval_id)


def client_of(mesh: SmallMesh, subject: str) -> Client:
    token, _ = mesh.signer.sign(subject=subject, tenant="acme", roles=["operator"], ttl_seconds=600)
    return Client(mesh.address, token)


async def test_an_approval_shows_what_is_asked_of_whom(client: Client) -> None:
    approval = await asked_by(client, "sign_off", amount=7)

    assert approval.status == Approval.PENDING
    assert (approval.step, approval.definition_name) == ("consent", "sign_off")
    assert (list(approval.approvers), approval.quorum) == (["role:operator"], 1)
    assert from_struct(approval.shown) == {"amount": 7}
    assert len(approval.shown_sha256) == 64
    assert approval.expires_at.seconds - approval.requested_at.seconds == 3600


async def test_the_list_has_all_that_wait_and_tells_how_they_stand(client: Client) -> None:
    first, second = await asked_by(client, "sign_off", amount=1), await asked_by(client, "sign_off", amount=2)

    listed = {each.approval_id: each async for each in client.approvals.list()}

    assert {first.approval_id, second.approval_id} <= listed.keys()
    shown = listed[first.approval_id]
    assert (shown.shown_sha256, list(shown.approvers)) == (first.shown_sha256, list(first.approvers))
    assert shown.expires_at == first.expires_at
    assert not shown.HasField("shown")


async def test_who_agrees_lets_the_workflow_go_on(client: Client) -> None:
    asked = await asked_by(client, "sign_off", amount=7)

    approval = await client.approvals.approve(asked, "looks good")

    workflow = await client.get(asked.workflow_id)
    assert approval.status == Approval.APPROVED
    assert [(each.user_id, each.approved, each.comment) for each in approval.decisions] == [("ann", True, "looks good")]
    assert approval.HasField("ended_at")
    assert workflow.status == pb.Workflow.COMPLETED
    assert from_struct(workflow.output)["consent"] == {
        "approved": True,
        "decided_by": ["ann"],
        "comment": "looks good",
    }
    assert not [each async for each in client.approvals.list(asked.workflow_id)]


async def test_who_does_not_agree_ends_it(client: Client) -> None:
    asked = await asked_by(client, "sign_off", amount=7)

    approval = await client.approvals.reject(asked, "too much")

    assert approval.status == Approval.REJECTED
    assert (await client.get(asked.workflow_id)).status == pb.Workflow.FAILED


async def test_two_have_to_agree_and_none_of_them_twice(mesh: SmallMesh, client: Client) -> None:
    asked = await asked_by(client, "two_agree")

    after_one = await client.approvals.approve(asked)
    with pytest.raises(TransitionIllegal, match="'ann' has agreed already"):
        await client.approvals.approve(asked)
    async with client_of(mesh, "bob") as bob:
        after_two = await bob.approvals.approve(asked)

    assert after_one.status == Approval.PENDING
    assert after_two.status == Approval.APPROVED
    assert [each.user_id for each in after_two.decisions] == ["ann", "bob"]


async def test_a_rejection_that_the_definition_goes_on_from_is_told_as_one(client: Client) -> None:
    asked = await asked_by(client, "two_agree")

    approval = await client.approvals.reject(asked)

    assert approval.status == Approval.REJECTED
    assert (await client.get(asked.workflow_id)).status == pb.Workflow.COMPLETED


async def test_who_was_not_asked_decides_nothing(mesh: SmallMesh, client: Client) -> None:
    asked = await asked_by(client, "two_agree")

    async with client_of(mesh, "eve") as eve:
        with pytest.raises(RoleDenied, match="none of those who may decide: user:ann, user:bob"):
            await eve.approvals.approve(asked)
    async with mesh.client(roles=("viewer",)) as viewer:
        with pytest.raises(RoleDenied):
            await viewer.approvals.approve(asked)

    assert (await client.approvals.get(asked.approval_id)) == asked


async def test_nobody_agrees_to_what_was_not_shown(client: Client) -> None:
    asked = await asked_by(client, "sign_off", amount=7)
    other = await asked_by(client, "sign_off", amount=8)

    with pytest.raises(TransitionIllegal, match="its SHA-256 differs"):
        await client.approvals.approve(
            Approval(approval_id=asked.approval_id, shown_sha256=other.shown_sha256), "unseen"
        )
    with pytest.raises(RequestInvalid, match="shown_sha256 is missing"):
        await client.approvals.approve(Approval(approval_id=asked.approval_id))
    with pytest.raises(RequestInvalid, match="64 hexadecimal digits"):
        await client.approvals.approve(Approval(approval_id=asked.approval_id, shown_sha256="beef"))

    assert (await client.approvals.get(asked.approval_id)) == asked


async def test_a_repeated_decision_is_one(client: Client) -> None:
    asked = await asked_by(client, "sign_off", amount=7)

    first = await client.approvals.approve(asked, "yes", request_id="once")
    again = await client.approvals.approve(asked, "yes", request_id="once")

    assert first == again
    with pytest.raises(RequestIdReused):
        await client.approvals.reject(asked, "no", request_id="once")


async def test_what_was_decided_is_decided(client: Client) -> None:
    asked = await asked_by(client, "sign_off", amount=7)
    await client.approvals.approve(asked)

    with pytest.raises(TransitionIllegal, match="waits for nobody any more"):
        await client.approvals.reject(asked)


async def test_an_approval_goes_with_its_workflow(client: Client) -> None:
    asked = await asked_by(client, "sign_off", amount=7)
    await client.cancel(asked.workflow_id)

    assert (await client.approvals.get(asked.approval_id)).status == Approval.CANCELLED
    assert not [each async for each in client.approvals.list(asked.workflow_id)]


async def test_an_approval_that_is_not_there_or_is_anothers_is_not_found(mesh: SmallMesh, client: Client) -> None:
    asked = await asked_by(client, "sign_off", amount=7)

    with pytest.raises(ApprovalNotFound):
        await client.approvals.get(ids.show("approval", ids.new_uuid()))
    with pytest.raises(ApprovalNotFound):
        await client.approvals.get("nonsense")
    async with mesh.client(tenant="rival") as rival:
        with pytest.raises(ApprovalNotFound):
            await rival.approvals.approve(asked)
        assert not [each async for each in rival.approvals.list()]


async def test_what_waits_for_people_is_explained_by_who_they_are(client: Client) -> None:
    asked = await asked_by(client, "two_agree")
    await client.approvals.approve(asked)

    [step] = (await client.explain(asked.workflow_id)).steps

    assert step.reason == pb.StepExplanation.WAITING_FOR_APPROVAL
    assert list(step.waits_for) == ["user:ann", "user:bob"]
    assert "waits for 1 more of" in step.message
    assert asked.approval_id in step.message


SHOWN = """
name: shown
steps:
  - {name: draft, agent: author, input: {text: one}}
  - name: both
    parallel:
      branches:
        again: [{name: word, wait: {signal: polish}}, {name: polish, agent: author, input: {text: two}}]
        people:
          - name: agree
            approval: {approvers: ["role:operator"], quorum: 2, artifacts: ["report.md"], separate_from: [requester]}
"""


async def write(task: Task) -> Json:
    await task.put_artifact("report.md", str(task.input["text"]).encode(), "text/markdown")
    return {}


async def test_a_file_that_changes_voids_what_was_decided_on_it_and_the_requester_never_decides(
    mesh: SmallMesh, client: Client
) -> None:
    async with players(mesh) as cast, client_of(mesh, "bob") as bob, client_of(mesh, "eve") as eve:
        await cast.add("author", write)
        await client.definitions.publish(SHOWN)
        workflow_id = (await client.start("shown", {})).workflow_id
        async with asyncio.timeout(30):
            while not (waiting := [each async for each in bob.approvals.list(workflow_id, mine=True)]):
                await rest(0.05)
        asked = await bob.approvals.get(waiting[0].approval_id)
        assert [file.name for file in asked.artifacts] == ["report.md"]
        async with mesh.client(roles=("viewer",)) as onlooker:
            assert not [each async for each in onlooker.approvals.list(workflow_id, mine=True)]

        with pytest.raises(RoleDenied, match="'ann' may not decide: they started this workflow"):
            await client.approvals.approve(asked)
        await bob.approvals.approve(asked, "one is fine")
        await client.signal(workflow_id, "polish", {})
        async with asyncio.timeout(30):
            while (again := await bob.approvals.get(asked.approval_id)).shown_sha256 == asked.shown_sha256:
                await rest(0.05)

        assert [(each.user_id, each.void) for each in again.decisions] == [("bob", True)]
        assert again.artifacts[0].sha256 != asked.artifacts[0].sha256
        with pytest.raises(TransitionIllegal, match="Look at the approval once more"):
            await eve.approvals.approve(asked)
        await bob.approvals.approve(again, "two is fine")
        done = await eve.approvals.approve(again)
        assert done.status == Approval.APPROVED
        events = [event.event_type async for event in client.history(workflow_id)]
    assert events.count("approval_invalidated") == 1


async def test_an_approval_says_who_asked_and_why_the_caller_may_not_decide(mesh: SmallMesh, client: Client) -> None:
    approval = await asked_by(client, "two_agree")

    assert (approval.requested_by, approval.denied_because) == ("ann", "")
    async with client_of(mesh, "eve") as eve, mesh.client(user="bob", roles=("viewer",)) as bob:
        denied = (await eve.approvals.get(approval.approval_id)).denied_because
        assert denied == "'eve' is none of those who may decide: user:ann, user:bob."
        assert "takes the role operator or admin" in (await bob.approvals.get(approval.approval_id)).denied_because
    agreed = await client.approvals.approve(approval)
    assert agreed.denied_because == "'ann' has agreed already."
    assert not [each async for each in client.approvals.list(approval.workflow_id, mine=True)]


async def test_those_that_have_ended_are_listed_with_what_was_decided(client: Client) -> None:
    approval, other = await asked_by(client, "sign_off", amount=1), await asked_by(client, "two_agree")
    await client.approvals.reject(approval, "too much")

    ended = [each async for each in client.approvals.list(definition_name="sign_off", ended=True)]

    assert (ended[0].approval_id, ended[0].status) == (approval.approval_id, Approval.REJECTED)
    assert [each.comment for each in ended[0].decisions] == ["too much"]
    assert not ended[0].HasField("shown")
    waiting = [each.approval_id async for each in client.approvals.list(definition_name="two_agree")]
    assert waiting[0] == other.approval_id
    with pytest.raises(RequestInvalid, match="mine is for approvals that wait"):
        [each async for each in client.approvals.list(mine=True, ended=True)]


async def test_a_decision_that_is_refused_is_in_the_audit(mesh: SmallMesh, client: Client, database: Any) -> None:
    approval = await asked_by(client, "two_agree")
    async with client_of(mesh, "eve") as eve:
        with pytest.raises(RoleDenied):
            await eve.approvals.approve(approval)
    await client.approvals.reject(approval)
    with pytest.raises(TransitionIllegal):
        await client.approvals.approve(approval)

    owner = await asyncpg.connect(database.owner_dsn)
    rows = await owner.fetch(
        "SELECT user_id, action, result FROM engine.audit WHERE resource = $1 ORDER BY at",
        f"approvals/{approval.approval_id}",
    )
    await owner.close()
    assert [tuple(row) for row in rows] == [
        ("eve", "DecideApproval", "ROLE_DENIED"),
        ("ann", "DecideApproval", "ok"),
        ("ann", "DecideApproval", "TRANSITION_ILLEGAL"),
    ]
