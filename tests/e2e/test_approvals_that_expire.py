"""Questions that nobody answers in time, asked on a whole mesh: told alike over gRPC, REST and the command line."""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from archwright import Client
from archwright.engine.v1.approvals_pb2 import Approval
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.errors import RoleDenied, TransitionIllegal
from archwright.payloads import from_struct

ASK_SECONDS = 5
END_SECONDS_MAX = 60.0
SOURCES = [
    f"""
name: expires_to_{outcome}
steps:
  - name: consent
    approval: {{approvers: ["user:zoe"], expires_after: {ASK_SECONDS}, on_expiry: {outcome}{more}}}
    input: {{amount: "${{amount}}"}}
"""
    for outcome, more in (("escalate", ', escalate_to: ["user:ann"]'), ("approve", ""), ("reject", ""))
]
Asked = dict[str, Approval]
"""What was asked when the workflows began, by a name for what becomes of it."""
Rest = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
async def client(whole_mesh: Any) -> AsyncIterator[Client]:
    async with Client.local(whole_mesh.state) as found:
        yield found


@pytest.fixture(scope="module")
async def ann(whole_mesh: Any) -> AsyncIterator[Client]:
    """Somebody who is asked once it was escalated."""
    record = whole_mesh.record
    async with Client(record.gateway, whole_mesh.token("operator", subject="ann"), record.ca_file) as found:
        yield found


@pytest.fixture(scope="module")
async def asked(client: Client) -> Asked:
    """Four questions to somebody who is away, asked at once, so that their times pass at once."""
    for source in SOURCES:
        await client.definitions.publish(source)

    async def ask(outcome: str, amount: int) -> Approval:
        workflow = await client.start(f"expires_to_{outcome}", {"amount": amount})
        [listed] = [each async for each in client.approvals.list(workflow.workflow_id)]
        return await client.approvals.get(listed.approval_id)

    return {
        "answered late": await ask("escalate", 1),
        "never answered": await ask("escalate", 2),
        "taken for consent": await ask("approve", 3),
        "taken for rejection": await ask("reject", 4),
    }


@pytest.fixture
def rest(whole_mesh: Any) -> Rest:
    """Calls as curl would, in ann's name."""

    def called(verb: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        context = ssl.create_default_context(cafile=whole_mesh.record.ca_file)
        told = {"Authorization": f"Bearer {whole_mesh.token('operator')}", "Content-Type": "application/json"}
        with closing(HTTPSConnection("localhost", whole_mesh.gateway_port, context=context, timeout=20)) as connection:
            connection.request(verb, f"/api/v1{path}", None if body is None else json.dumps(body), told)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    return called


async def escalated(client: Client, asked: Approval) -> Approval:
    """Return the approval once others are asked."""
    async with asyncio.timeout(END_SECONDS_MAX):
        while not (found := await client.approvals.get(asked.approval_id)).escalated:  # noqa: ASYNC110  as below
            await asyncio.sleep(0.05)  # noqa: TID251  its time passes in another process
    return found


async def ended(client: Client, asked: Approval) -> Workflow:
    async with asyncio.timeout(END_SECONDS_MAX):
        return await client.wait(asked.workflow_id)


def test_what_is_shown_has_the_hash_that_anybody_can_count(asked: Asked) -> None:
    for approval in asked.values():
        text = json.dumps(from_struct(approval.shown), sort_keys=True, separators=(",", ":"))
        assert approval.shown_sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert len({approval.shown_sha256 for approval in asked.values()}) == len(asked)


async def test_who_is_asked_when_the_time_has_passed_decides_on_what_was_shown_before(
    asked: Asked, client: Client, ann: Client, rest: Rest
) -> None:
    first, other = asked["answered late"], asked["never answered"]
    with pytest.raises(RoleDenied, match="'ann' is none of those who may decide: user:zoe"):
        await ann.approvals.approve(first)

    late = await escalated(client, first)
    with pytest.raises(TransitionIllegal, match="its SHA-256 differs"):
        await ann.approvals.approve(Approval(approval_id=first.approval_id, shown_sha256=other.shown_sha256))
    where = f"/approvals/{first.approval_id}"
    _, told = rest("GET", where)
    unseen = rest("POST", f"{where}:decide", {"decision": "APPROVE", "shown_sha256": other.shown_sha256})
    code, decided = rest("POST", f"{where}:decide", {"decision": "APPROVE", "shown_sha256": told["shown_sha256"]})

    assert list(late.approvers) == told["approvers"] == ["user:zoe", "user:ann"]
    assert (late.status, told["status"], told["escalated"]) == (Approval.PENDING, "PENDING", True)
    assert (late.expires_at.ToDatetime() - first.expires_at.ToDatetime()).total_seconds() >= ASK_SECONDS
    assert (late.shown, late.shown_sha256) == (first.shown, first.shown_sha256)
    assert (unseen[0], unseen[1]["details"][0]["reason"]) == (400, "TRANSITION_ILLEGAL")
    assert (code, decided["status"]) == (200, "APPROVED"), decided
    workflow = await ended(client, first)
    assert workflow.status == Workflow.COMPLETED
    assert from_struct(workflow.output)["consent"]["decided_by"] == ["ann"]


@pytest.mark.parametrize(
    ("name", "status", "becomes", "is_escalated"),
    [
        ("never answered", "REJECTED", Workflow.FAILED, True),
        ("taken for rejection", "REJECTED", Workflow.FAILED, False),
        ("taken for consent", "APPROVED", Workflow.COMPLETED, False),
    ],
)
async def test_what_nobody_answers_ends_as_the_definition_says(
    asked: Asked,
    client: Client,
    rest: Rest,
    whole_mesh: Any,
    tmp_path: Path,
    *,
    name: str,
    status: str,
    becomes: Workflow.Status.ValueType,
    is_escalated: bool,
) -> None:
    approval = asked[name]

    workflow = await ended(client, approval)
    now = await client.approvals.get(approval.approval_id)
    _, told = rest("GET", f"/approvals/{approval.approval_id}")
    shown = whole_mesh.archwright("approvals", "show", approval.approval_id, folder=tmp_path).stdout

    assert workflow.status == becomes
    assert becomes == Workflow.COMPLETED or "Nobody decided in time." in workflow.error_details
    assert (Approval.Status.Name(now.status), now.escalated) == (status, is_escalated)
    assert (told["status"], told.get("escalated", False)) == (status, is_escalated)
    assert {"status": status.lower(), "SHA-256": approval.shown_sha256}.items() <= facts(shown).items()
    assert facts(shown).get("escalated") == ("yes" if is_escalated else None)
    code, refusal = rest(
        "POST",
        f"/approvals/{approval.approval_id}:decide",
        {"decision": "APPROVE", "shown_sha256": approval.shown_sha256},
    )
    assert (code, refusal["details"][0]["reason"]) == (400, "TRANSITION_ILLEGAL")
    assert "waits for nobody any more" in refusal["message"]


async def test_the_history_tells_that_others_were_asked(
    asked: Asked, client: Client, whole_mesh: Any, tmp_path: Path
) -> None:
    approval = asked["answered late"]
    await ended(client, approval)

    told = whole_mesh.archwright("workflows", "history", approval.workflow_id, folder=tmp_path).stdout

    assert "nobody decided in time; asked now: user:zoe, user:ann" in told


def facts(printed: str) -> dict[str, str]:
    """Return what a command showed, by name."""
    lines = (line.split(maxsplit=1) for line in printed.splitlines())
    return {words[0]: words[1].strip() for words in lines if len(words) > 1}
