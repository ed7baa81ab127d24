"""The guide to the controls: its commands as they are written, in one shell, against a mesh that is up."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from documents import blocks
from guide import place_beside, printed_by, said_by_python

from archwright import Client
from archwright.engine.v1.workflows_pb2 import Workflow

GUIDE = "docs/controls.md"
TITLE = "What may be done to a workflow"
SECTIONS = (
    "Start",
    "Explain",
    "Pause and resume",
    "Approve and reject",
    "Signal",
    "Retry",
    "Rerun",
    "Cancel",
    "List",
    "Over REST",
)


@pytest.fixture(scope="module")
async def place(whole_mesh: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    """A folder beside the mesh's state, with the guide's definition; afterwards nothing is under way."""
    folder = place_beside(whole_mesh, tmp_path_factory.mktemp("controls"))
    [definition] = blocks(GUIDE, TITLE, "yaml")
    (folder / "purchase.yaml").write_text(definition)
    yield folder
    async with Client.local(whole_mesh.state) as client:
        for workflow in [found async for found in client.list(status=Workflow.RUNNING, definition="purchase")]:
            await client.cancel(workflow.workflow_id)


@pytest.fixture(scope="module")
def printed(whole_mesh: Any, place: Path) -> dict[str, str]:
    """What the commands of each section printed; all of them succeed."""
    return printed_by(GUIDE, SECTIONS, whole_mesh, place)


def test_a_start_that_is_repeated_is_the_same_workflow(printed: dict[str, str]) -> None:
    [again, *shown] = [line for line in printed["Start"].splitlines() if "wf_" in line]

    assert shown[0] == f"{again} running"
    assert "consent for approval approval_" in printed["Start"]
    assert "astronomy" in printed["Start"]


def test_why_it_stands_still_is_explained(printed: dict[str, str]) -> None:
    words = printed["Explain"]

    assert "consent  waiting for approval" in words
    assert "waits for 1 more of role:admin to agree" in words
    assert "payment  waiting for steps" in words


def test_a_pause_shows_who_holds_it_and_a_resume_ends_it(printed: dict[str, str]) -> None:
    lines = printed["Pause and resume"].splitlines()

    assert lines[0].endswith(" paused")
    assert any(line.startswith("paused") and " since " in line for line in lines)
    assert lines[-1].endswith(" running")


def test_an_approval_is_listed_shown_and_given(printed: dict[str, str]) -> None:
    words = printed["Approve and reject"]

    assert "0 of 1" in words
    assert "amount: 900" in words
    assert words.splitlines()[-1].endswith(" approved")


def test_a_failure_is_retried_and_the_workflow_completes(printed: dict[str, str]) -> None:
    assert "failed" in printed["Signal"].splitlines()[0]
    assert "payment" in printed["Signal"]
    assert printed["Retry"].splitlines()[0].endswith(" running")
    assert printed["Retry"].splitlines()[-1].endswith("workflow completed")


def test_a_rerun_asks_nobody_again(printed: dict[str, str]) -> None:
    words = printed["Rerun"]

    assert "goes on from  wf_" in words
    assert "payment for signal paid" in words
    assert "amount: 950" not in words
    assert "taken over" in printed["Cancel"]
    assert "bought elsewhere" in printed["Cancel"]


def test_a_list_shows_what_the_filter_asks_for(printed: dict[str, str]) -> None:
    first = printed["List"].split("WORKFLOW")[1]

    assert first.count("wf_") == 1
    assert "cancelled" not in first


def test_the_gateway_serves_every_control(printed: dict[str, str]) -> None:
    paused, running, explained, signalled, decided, rerun, listed = map(json.loads, printed["Over REST"].splitlines())

    assert paused["status"] == "PAUSED"
    assert running["status"] == "RUNNING"
    assert explained["steps"][0]["reason"] == "WAITING_FOR_APPROVAL"
    assert signalled["status"] == "RUNNING"
    assert decided["status"] == "APPROVED"
    assert rerun["rerun_of"] == decided["workflow_id"]
    assert rerun["status"] == "COMPLETED"
    assert len(listed["workflows"]) == 2
    assert listed["next_page_token"]


@pytest.mark.usefixtures("printed")
def test_the_python_client_does_the_same(whole_mesh: Any, place: Path) -> None:
    said = said_by_python(GUIDE, whole_mesh, place)

    assert "ended with ['consent', 'payment', 'book']" in said
