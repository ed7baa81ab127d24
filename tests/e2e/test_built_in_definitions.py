"""The definitions that come with Archwright, each carried through the real roles to its end."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from checker import found_wrong
from checker.database import read
from documents import ROOT, blocks

from archwright import Client
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from archwright.language.builtin import builtin_definitions
from archwright.local.postgres import Postgres
from archwright.payloads import from_struct
from services.agents.model.exchange.read import read as read_exchange
from services.chassis.clock import SystemClock

GUIDE = "docs/built-in-definitions.md"
SECONDS_MAX = 60.0
REQUEST = (
    "A museum sells tickets online. Visitors must book a time slot and pay by card. "
    "The shop must answer within two seconds and be available 99.5 % of the time."
)


@pytest.fixture(autouse=True, scope="module")
async def invariants(whole_mesh: Any) -> AsyncIterator[None]:
    """Hold what has ended of these definitions to what must never break."""
    yield
    async with client_of(whole_mesh) as client:
        ended = [
            workflow.workflow_id
            for name in builtin_definitions()
            async for workflow in client.list(definition=name)
            if workflow.status in {Workflow.COMPLETED, Workflow.FAILED}
        ]
    facts = (await read(_owner_dsn(whole_mesh))).among(ended)
    assert len(facts.workflows) == len(ended) >= len(builtin_definitions())
    assert found_wrong(facts, None) == []


def client_of(whole_mesh: Any) -> Client:
    token = whole_mesh.token("viewer", "operator", "admin")
    return Client(f"https://{whole_mesh.record.engine}", token, whole_mesh.record.ca_file)


async def test_the_parallel_creation_delivers_what_the_chain_does(whole_mesh: Any) -> None:
    async with client_of(whole_mesh) as client:
        started = await client.start("architecture_creation_parallel", {"request": REQUEST})
        ended = await client.wait(started.workflow_id)
        files = {artifact.name for artifact in await client.artifacts(started.workflow_id)}
        assert ended.status == Workflow.COMPLETED, ended.error_details
        chain = await client.start("architecture_creation", {"request": REQUEST})
        assert (await client.wait(chain.workflow_id)).status == Workflow.COMPLETED
        files_of_the_chain = {artifact.name for artifact in await client.artifacts(chain.workflow_id)}

    assert {"report.html", "model.xml"} <= files
    assert files == files_of_the_chain
    done = list(ended.steps_completed)
    assert done.index("business_layer") < done.index("business_architecture")
    assert {"delivery.costs/project_plan", "delivery.scaffold/delivery_scaffold"} <= set(done)


async def test_a_review_ends_with_a_verdict_and_the_findings_behind_it(whole_mesh: Any) -> None:
    async with client_of(whole_mesh) as client:
        started = await client.start("architecture_review", {"request": REQUEST})
        ended = await client.wait(started.workflow_id)

    assert ended.status == Workflow.COMPLETED, ended.error_details
    output = from_struct(ended.output)
    assert isinstance(output, dict)
    assert output["review"]["verdict"] in {"SOUND", "OPEN", "MENDABLE", "UNSOUND"}
    assert len(output["findings"]) == output["metrics"]["findings"]


async def test_a_modification_waits_for_approval_and_then_delivers(whole_mesh: Any) -> None:
    async with client_of(whole_mesh) as client:
        started = await client.start("architecture_modification", {"request": REQUEST, "request_type": "modification"})
        approval = await _asked(client, started.workflow_id)
        await client.approvals.approve(approval, "go ahead")
        ended = await client.wait(started.workflow_id)

    assert ended.status == Workflow.COMPLETED, ended.error_details
    assert "sign_off" in ended.steps_completed


async def test_a_change_that_touches_one_layer_skips_the_roles_of_the_others(whole_mesh: Any) -> None:
    async with client_of(whole_mesh) as client:
        request = {"request": "The service must be available 99.9 % of the time."}
        started = await client.start("architecture_modification", request)
        await client.approvals.approve(await _asked(client, started.workflow_id), "go ahead")
        ended = await client.wait(started.workflow_id)

    assert ended.status == Workflow.COMPLETED, ended.error_details
    assert set(ended.steps_skipped) == {"business_architecture", "application_architecture"}


async def test_the_commands_of_the_guide_run_a_review_and_creations_of_several_trades(
    whole_mesh: Any, tmp_path: Path
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")

    commands = "".join(blocks(GUIDE, "The definitions that come with Archwright", "console"))

    shown = await _type(whole_mesh, tmp_path, commands)

    assert "verdict" in shown
    assert shown.count("Deliverables: ") == commands.count("architecture_creation") == 3


async def test_the_commands_of_the_guide_approve_the_example_of_a_change(whole_mesh: Any, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    run, decide = blocks(GUIDE, "What a modification does", "console")

    async with client_of(whole_mesh) as client, asyncio.timeout(SECONDS_MAX), asyncio.TaskGroup() as terminals:
        before = {workflow.workflow_id async for workflow in client.list(definition="architecture_modification")}
        running = terminals.create_task(_type(whole_mesh, tmp_path, run))
        approval = await _asked(client, await _new_modification(client, before))
        shown = await _type(whole_mesh, tmp_path, decide, approval.approval_id)

    assert approval.approval_id in shown
    assert "Deliverables: " in running.result()


async def test_a_change_to_a_model_that_exists_delivers_the_model_that_results(whole_mesh: Any) -> None:
    request = yaml.safe_load((ROOT / "examples" / "catalogue-change.yaml").read_text())
    async with client_of(whole_mesh) as client, asyncio.timeout(SECONDS_MAX):
        started = await client.start("architecture_modification", request)
        approval = await _asked(client, started.workflow_id)
        shown = from_struct(approval.shown)
        await client.approvals.approve(approval, "go ahead")
        ended = await client.wait(started.workflow_id)
        files = {artifact.name for artifact in await client.artifacts(started.workflow_id)}
        model = await client.download(started.workflow_id, "resulting-model.xml")
        page = await client.download(started.workflow_id, "report.html")

    assert ended.status == Workflow.COMPLETED, ended.error_details
    assert isinstance(shown, dict)
    assert shown["impact"][0] == "changed: Catalogue System (application component)"
    assert shown["affected"] == {"business": False, "application": True, "infrastructure": False}
    assert "deliverables/application.json" in files
    assert not files & {"deliverables/business.json", "deliverables/infrastructure.json"}
    names = {element.name for element in read_exchange(model).model.elements.values()}
    assert "Koha" in names
    assert "Catalogue System" not in names
    assert b'id="impact"' in page


async def test_a_model_that_cannot_be_read_ends_the_workflow_with_the_reason(whole_mesh: Any) -> None:
    async with client_of(whole_mesh) as client:
        started = await client.start("architecture_modification", {"request": "Remove A.", "baseline_model": "<svg/>"})
        ended = await client.wait(started.workflow_id)

    assert ended.status == Workflow.FAILED
    assert "this one begins with <svg>" in ended.error_details


async def test_a_modification_that_is_rejected_delivers_nothing(whole_mesh: Any) -> None:
    async with client_of(whole_mesh) as client:
        started = await client.start("architecture_modification", {"request": "Buttons must be green."})
        approval = await _asked(client, started.workflow_id)
        await client.approvals.reject(approval, "not green")
        ended = await client.wait(started.workflow_id)
        files = [artifact.name for artifact in await client.artifacts(started.workflow_id)]

    assert ended.status == Workflow.FAILED
    assert "not green" in ended.error_details
    assert files == []


async def _asked(client: Client, workflow_id: str) -> Any:
    """Return the approval that the workflow waits for, once it does."""
    async for seen in client.watch(workflow_id):
        if isinstance(seen, WorkflowEvent) and seen.event_type == "approval_requested":
            break
    approvals = [approval async for approval in client.approvals.list(workflow_id)]
    assert len(approvals) == 1
    return await client.approvals.get(approvals[0].approval_id)


async def _new_modification(client: Client, before: set[str]) -> str:
    """Return the workflow that somebody else has started since, as soon as there is one."""
    while True:
        async for workflow in client.list(definition="architecture_modification"):
            if workflow.workflow_id not in before:
                return workflow.workflow_id
        await SystemClock().sleep(0.1)


async def _type(whole_mesh: Any, folder: Path, commands: str, approval_id: str = "") -> str:
    """Return what these commands of the guide printed; all of them succeed."""
    printed = ""
    for line in commands.splitlines():
        words = shlex.split(line.removeprefix("$ archwright ").replace("<approval id>", approval_id))
        done = await asyncio.to_thread(whole_mesh.archwright, *words, folder=folder)
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        printed += done.stdout
    return printed


def _owner_dsn(whole_mesh: Any) -> str:
    """Return how the owner of the mesh's database connects; the server notes the folder of its socket itself."""
    (note,) = (whole_mesh.state / "postgres").glob("*/postmaster.pid")
    socket_folder = Path(note.read_text().splitlines()[4])
    return Postgres(whole_mesh.state / "postgres", socket_folder, is_ephemeral=True).dsn
