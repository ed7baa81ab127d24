"""What real workflows make is in a real git repository when they are done, and tagged when people agreed to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from dulwich.repo import Repo
from git_server import git
from players import Players, players
from scraping import send
from small_mesh import SmallMesh, small_mesh
from waiting import until

from archwright import Client, Task
from archwright.engine.v1.approvals_pb2 import Approval
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from archwright.payloads import Json
from services.repository.wording import branch_of, tag_of

DESIGN = """
name: design
steps:
  - {name: draw, agent: drawer}
  - name: consent
    approval: {approvers: ["role:operator"], artifacts: [model.xml], on_reject: continue}
    depends_on: [draw]
  - {name: finish, agent: finisher, input: {again: "${again}"}, depends_on: [consent]}
"""
RULES = """
rules:
  - name: models
    tenant: acme
    definitions: [design]
    repository: {place}
    folder: models
    token_file: {token}
    limits: {{files: 3, bytes: 1000}}
"""


async def draw(task: Task) -> Json:
    await task.put_artifact("model.xml", b"<model/>\n", "application/xml")
    return {}


async def finish(task: Task) -> Json:
    await task.put_artifact("deliverables/plan.json", b"{}\n", "application/json")
    again = task.input["again"]
    if again:
        await task.put_artifact(str(again), b"<other/>\n" * (200 if again == "huge.bin" else 1))
    return {}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    found = tmp_path / "models.git"
    Repo.init_bare(str(found), mkdir=True).close()
    return found


@pytest.fixture
async def mesh(databases: Any, valkey: str, tmp_path: Path, place: Path) -> AsyncIterator[SmallMesh]:
    """A mesh with a repository service, whose rule is for one definition."""
    async with databases() as own:
        dsn_of = {user: own.dsn(user) for user in ("archwright_engine", "archwright_registry")}
        async with small_mesh(tmp_path, own.owner_dsn, dsn_of, ARCHWRIGHT_REDIS_URL=valkey) as found:
            token, rules = tmp_path / "viewer.token", tmp_path / "rules.yaml"
            signed, _ = found.signer.sign(subject="keeper", tenant="acme", roles=["viewer"], ttl_seconds=600)
            token.write_text(signed)
            rules.write_text(RULES.format(place=place, token=token))
            await found.add_service(
                "repository",
                ARCHWRIGHT_REDIS_URL=valkey,
                ARCHWRIGHT_ENGINE_ADDRESS=f"http://{found.address}",
                ARCHWRIGHT_REPOSITORY_RULES_FILE=str(rules),
                ARCHWRIGHT_REPOSITORY_FOLDER=str(tmp_path / "fetched"),
            )
            yield found


@pytest.fixture
async def cast(mesh: SmallMesh) -> AsyncIterator[Players]:
    async with players(mesh) as found:
        await found.add("drawer", draw)
        await found.add("finisher", finish)
        yield found


@pytest.fixture
async def client(mesh: SmallMesh, cast: Players) -> AsyncIterator[Client]:
    async with mesh.client() as found:
        await found.definitions.publish(DESIGN)
        yield found


async def test_an_approved_model_is_committed_and_tagged(client: Client, place: Path) -> None:
    workflow_id, asked = await _begun(client)
    await client.approvals.approve(asked, "looks\ngood")
    done = await client.wait(workflow_id)
    await until(lambda: git(place, "tag", "--list") == tag_of(workflow_id))

    branch = branch_of(workflow_id)
    assert done.status == Workflow.COMPLETED
    assert git(place, "ls-tree", "-r", "--name-only", branch).splitlines() == [
        "models/deliverables/plan.json",
        "models/model.xml",
    ]
    message = git(place, "log", "-1", "--format=%B", branch)
    assert f"Definition: design {done.definition_version}" in message
    assert f"Workflow: {workflow_id}" in message
    assert "Started-by: ann" in message
    assert git(place, "log", "-1", "--format=%ct", branch) == str(done.completed_at.seconds)
    tag = git(place, "cat-file", "tag", tag_of(workflow_id))
    assert f"Approval: {asked.approval_id}" in tag
    assert f"Shown-sha256: {asked.shown_sha256}" in tag
    assert "Agreed: ann" in tag
    assert "Comment: looks good" in tag
    assert git(place, "rev-parse", f"{tag_of(workflow_id)}^{{commit}}") == git(place, "rev-parse", branch)
    git(place, "fsck", "--strict")


async def test_what_is_decided_and_completed_while_the_service_is_dead_is_kept_once_it_is_back(
    mesh: SmallMesh, client: Client, place: Path
) -> None:
    [service] = mesh.others
    first_id, first = await _begun(client)
    service.kill()
    await service.gone()
    await client.approvals.approve(first)
    await client.wait(first_id)
    await service.start()
    await until(lambda: git(place, "tag", "--list") == tag_of(first_id))
    kept = git(place, "rev-parse", branch_of(first_id))

    service.kill()  # with events that it had taken, and may not have acknowledged
    await service.gone()
    await service.start()
    second_id, second = await _begun(client)
    await client.approvals.approve(second)
    await client.wait(second_id)
    await until(lambda: tag_of(second_id) in git(place, "tag", "--list").splitlines())

    assert git(place, "rev-parse", branch_of(first_id)) == kept
    assert git(place, "rev-list", "--count", branch_of(first_id)) == "1"


async def test_what_nobody_agreed_to_or_was_changed_afterwards_is_committed_and_not_tagged(
    client: Client, place: Path
) -> None:
    rejected_id, rejected = await _begun(client)
    changed_id, changed = await _begun(client, again="model.xml")
    await client.approvals.reject(rejected)
    await client.approvals.approve(changed)
    approved_id, approved = await _begun(client)
    for workflow_id in (rejected_id, changed_id):
        await client.wait(workflow_id)
    await until(lambda: set(_branches(place)) == {branch_of(rejected_id), branch_of(changed_id)})
    await client.approvals.approve(approved)
    await until(lambda: tag_of(approved_id) in git(place, "tag", "--list"))

    assert git(place, "tag", "--list") == tag_of(approved_id)
    assert git(place, "show", f"{branch_of(changed_id)}:models/model.xml") == "<other/>"


async def test_what_could_do_harm_is_refused_and_the_next_workflow_is_kept(
    mesh: SmallMesh, client: Client, place: Path
) -> None:
    log_file = mesh.folder / "repository-1.log"
    says_of = {
        "MODEL.xml": "differs from",
        "model.xml/x": "both a file and a folder",
        ".GIT/config": "belongs to git",
        "c:x": "a backslash or a colon",
        "huge.bin": "`limits.bytes` allows 1000",
    }
    hostile = {name: await _begun(client, again=name) for name in says_of}
    for _, asked in hostile.values():
        await client.approvals.approve(asked)
    for workflow_id, _ in hostile.values():
        await client.wait(workflow_id)
    ordinary_id, ordinary = await _begun(client)
    await client.approvals.approve(ordinary)
    await until(lambda: git(place, "tag", "--list") == tag_of(ordinary_id))

    for name, (workflow_id, _) in hostile.items():
        await until(lambda told=(workflow_id, says_of[name]): _is_told(log_file, *told))
    assert _branches(place) == [branch_of(ordinary_id)]
    _, _, told = await send(mesh.others[0].metrics, b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b'archwright_model_commits_total{outcome="committed"} 1.0' in told
    assert b'archwright_model_commits_total{outcome="refused"} 0.0' not in told


def _is_told(log_file: Path, workflow_id: str, says: str) -> bool:
    return any(workflow_id in line and says in line for line in log_file.read_text().splitlines())


def _branches(place: Path) -> list[str]:
    return git(place, "branch", "--format=%(refname:short)").splitlines()


async def _begun(client: Client, *, again: str = "") -> tuple[str, Approval]:
    """Start a workflow, and return it with what it asks."""
    workflow_id = (await client.start("design", {"again": again})).workflow_id
    async with asyncio.timeout(30), contextlib.aclosing(client.watch(workflow_id)) as updates:
        async for update in updates:
            if isinstance(update, WorkflowEvent) and update.event_type == "approval_requested":
                break
    [waiting] = [each async for each in client.approvals.list(workflow_id)]
    return workflow_id, await client.approvals.get(waiting.approval_id)
