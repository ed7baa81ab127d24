"""What people decide in a change management system is decided in the workflow, whatever is killed in between."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import pytest
from change_server import SECRET, USER, JiraServer, ServiceNowServer, serving
from own_redis import OwnRedis
from players import ended, players
from small_mesh import Child, SmallMesh, small_mesh
from waiting import until

from archwright import Client, Task
from archwright.local.temporary import temporary_folder
from archwright.payloads import Json

RELEASE = """
name: release
steps:
  - {name: build, agent: builder, input: {}}
  - name: sign_off
    approval: {approvers: ["user:servicenow"], artifacts: ["report.md"]}
    input: {version: "${version}"}
"""
CHECK = """
name: check
steps:
  - {name: agree, approval: {approvers: ["user:jira"], on_reject: continue}, input: {what: "${what}"}}
"""


@pytest.fixture(scope="module")
async def servicenow() -> AsyncIterator[ServiceNowServer]:
    server = ServiceNowServer()
    async with serving(server):
        yield server


@pytest.fixture(scope="module")
async def jira() -> AsyncIterator[JiraServer]:
    server = JiraServer()
    async with serving(server):
        yield server


@pytest.fixture(scope="module")
async def mesh(database: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SmallMesh]:
    dsn_of = {user: database.dsn(user) for user in ("archwright_engine", "archwright_registry")}
    with temporary_folder() as folder:
        redis = OwnRedis(folder)
        await redis.start()
        async with small_mesh(
            tmp_path_factory.mktemp("mesh"), database.owner_dsn, dsn_of, ARCHWRIGHT_REDIS_URL=redis.url
        ) as found:
            found.services["ARCHWRIGHT_REDIS_URL"] = redis.url
            async with found.client() as client:
                for source in (RELEASE, CHECK):
                    await client.definitions.publish(source)
            yield found
        await redis.kill()


@pytest.fixture(scope="module")
async def changes(mesh: SmallMesh, servicenow: ServiceNowServer, jira: JiraServer) -> Child:
    return await mesh.add_service("changes", **settings(mesh, servicenow, jira))


def settings(mesh: SmallMesh, servicenow: ServiceNowServer, jira: JiraServer) -> dict[str, str]:
    """Write the rules, and return what the service is told."""
    for user in ("servicenow", "jira"):
        token, _ = mesh.signer.sign(subject=user, tenant="acme", roles=["operator"], ttl_seconds=3_600)
        (mesh.folder / f"{user}.token").write_text(token)
    login = {"url": servicenow.url, "user": USER, "password": {"env": "CHANGE_SECRET"}}
    desk = {"url": jira.url, "user": USER, "token": {"env": "CHANGE_SECRET"}, "service_desk": "1", "request_type": "2"}
    rules = [
        {
            "name": "releases",
            "tenant": "acme",
            "definitions": ["release"],
            "system": {"kind": "servicenow", **login},
            "token_file": str(mesh.folder / "servicenow.token"),
            "poll_seconds": 0.3,
        },
        {
            "name": "checks",
            "tenant": "acme",
            "definitions": ["check"],
            "system": {"kind": "jira", **desk},
            "token_file": str(mesh.folder / "jira.token"),
            "poll_seconds": 3_600,
            "hook_secret": {"env": "CHANGE_SECRET"},
        },
    ]
    (mesh.folder / "changes.yaml").write_text(json.dumps({"rules": rules}))
    return {
        "ARCHWRIGHT_CHANGES_RULES_FILE": str(mesh.folder / "changes.yaml"),
        "ARCHWRIGHT_ENGINE_ADDRESS": f"http://{mesh.engine.address}",
        "ARCHWRIGHT_CHANGES_ALLOW": "127.0.0.1/32",
        "CHANGE_SECRET": SECRET,
    }


@pytest.fixture
async def client(mesh: SmallMesh) -> AsyncIterator[Client]:
    async with mesh.client() as found:
        yield found


async def write(task: Task) -> Json:
    await task.put_artifact("report.md", task.workflow_id.encode(), "text/markdown")
    return {}


async def test_a_change_that_is_approved_lets_the_workflow_go_on_and_its_number_is_in_the_history(
    mesh: SmallMesh, changes: Child, servicenow: ServiceNowServer, client: Client
) -> None:
    async with players(mesh) as cast:
        await cast.add("builder", write)
        workflow_id = (await client.start("release", {"version": "2.1"})).workflow_id
        await until(lambda: bool(servicenow.rows))
        [row] = servicenow.rows.values()
        assert workflow_id in row["description"]
        assert '"version": "2.1"' in row["description"]
        assert "report.md  SHA-256" in row["description"]

        servicenow.decide("approved", by="Abel Tuter", comments="go ahead")

        found = await ended(client, workflow_id)
    assert found.status == "COMPLETED"
    output = found.output["sign_off"]
    assert output["decided_by"] == ["servicenow"]
    assert output["comment"] == f"{row['number']} is approved by Abel Tuter: go ahead"


async def test_a_request_that_is_declined_rejects_once_a_webhook_has_rung(
    mesh: SmallMesh, changes: Child, jira: JiraServer, client: Client
) -> None:
    workflow_id = (await client.start("check", {"what": "all"})).workflow_id
    await until(lambda: bool(jira.rows))
    jira.decide("declined")
    log = (mesh.folder / "changes-1.log").read_text()
    [port] = [json.loads(line)["port"] for line in log.splitlines() if '"hooks_taken"' in line][-1:]

    assert hooked(port, "checks", "wrong") == 404
    assert hooked(port, "releases", SECRET) == 404
    assert hooked(port, "checks", SECRET) == 202

    found = await ended(client, workflow_id)
    assert found.output["agree"]["approved"] is False
    assert "is declined by Mia Krystof" in found.output["agree"]["comment"]


async def test_what_is_called_off_is_withdrawn(
    mesh: SmallMesh, changes: Child, servicenow: ServiceNowServer, client: Client
) -> None:
    known = set(servicenow.rows)
    async with players(mesh) as cast:
        await cast.add("builder", write)
        workflow_id = (await client.start("release", {"version": "3"})).workflow_id
        await until(lambda: bool(set(servicenow.rows) - known))
    await client.cancel(workflow_id)

    [key] = set(servicenow.rows) - known
    await until(lambda: servicenow.rows[key]["state"] == "4")
    assert "nothing is left to decide" in servicenow.rows[key]["work_notes"]


async def test_nothing_is_lost_or_opened_twice_when_the_service_and_the_system_fail(
    mesh: SmallMesh, changes: Child, servicenow: ServiceNowServer, client: Client
) -> None:
    known = set(servicenow.rows)
    async with players(mesh) as cast:
        await cast.add("builder", write)
        servicenow.faults += ["500", "silent", "", "lost", "busy", "garbage"]
        servicenow.retry_after = "2"
        workflow_ids = [(await client.start("release", {"version": str(n)})).workflow_id for n in range(3)]
        changes.kill()
        await changes.gone()
        await changes.start()
        await until(lambda: len(set(servicenow.rows) - known) == 3, seconds_max=90)
        changes.kill()
        await changes.gone()
        servicenow.decide("approved")
        await changes.start()
        for workflow_id in workflow_ids:
            assert (await ended(client, workflow_id)).status == "COMPLETED"
    correlations = [row["correlation_id"] for row in servicenow.rows.values()]
    assert len(correlations) == len(set(correlations))


def hooked(port: int, rule: str, secret: str) -> int:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/hooks/changes/{rule}",
        data=b'{"approved": true}',
        headers={"x-archwright-secret": secret},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
