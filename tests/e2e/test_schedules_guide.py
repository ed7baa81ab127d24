"""The guide to schedules: its commands as they are written, in one shell, against a mesh that is up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from documents import blocks
from guide import place_beside, printed_by, said_by_python

from archwright import Client
from archwright.engine.v1.workflows_pb2 import Workflow

GUIDE = "docs/schedules.md"
BEGINNING = "Start workflows on a schedule"
SECTIONS = (
    BEGINNING,
    "When it fires",
    "When the workflow before is still under way",
    "Pause, resume, delete",
    "What was missed",
    "Over REST",
)
DEFINITION = "daily_report"


@pytest.fixture(scope="module")
async def place(whole_mesh: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    """A folder beside the mesh's state, with the guide's definition; afterwards nothing of it is left."""
    folder = place_beside(whole_mesh, tmp_path_factory.mktemp("guide"))
    [definition] = blocks(GUIDE, BEGINNING, "yaml")
    (folder / "daily_report.yaml").write_text(definition)
    yield folder
    async with Client.local(whole_mesh.state) as client:
        for name in [schedule.name async for schedule in client.schedules.list()]:
            await client.schedules.delete(name)
        for workflow in [found async for found in client.list(status=Workflow.RUNNING, definition=DEFINITION)]:
            await client.cancel(workflow.workflow_id)


@pytest.fixture(scope="module")
def printed(whole_mesh: Any, place: Path) -> dict[str, str]:
    """What the commands of each section printed; all of them succeed."""
    return printed_by(GUIDE, SECTIONS, whole_mesh, place)


def test_a_schedule_is_made_shown_and_listed(printed: dict[str, str]) -> None:
    words = printed[BEGINNING]

    assert "nightly fires next at " in words
    assert "30 2 * * * Europe/Berlin" in words
    assert "active" in words


def test_firings_are_foretold_with_the_clocks_that_jump(printed: dict[str, str]) -> None:
    lines = printed["When it fires"].split()

    assert len(lines) == 5 + 10 + 4
    assert lines[-4:] == [
        "2026-03-27T01:30:00Z",
        "2026-03-28T01:30:00Z",
        "2026-03-29T01:00:00Z",
        "2026-03-30T00:30:00Z",
    ]


def test_a_second_backfill_finds_the_workflows_of_the_first(printed: dict[str, str]) -> None:
    words = printed["What was missed"]

    assert words.count("started") == 6
    assert words.count("was there") == 6
    assert len({word for word in words.split() if word.startswith("wf_")}) == 6


def test_the_gateway_serves_schedules(printed: dict[str, str]) -> None:
    words = printed["Over REST"]

    assert '"schedule_id":"sched_' in words.replace(" ", "")
    assert '"paused":true' in words.replace(" ", "")
    assert words.count('Z"') >= 3


@pytest.mark.usefixtures("printed")
def test_the_python_client_does_the_same(whole_mesh: Any, place: Path) -> None:
    said = said_by_python(GUIDE, whole_mesh, place)

    assert said.count("wf_") == 2
