"""The guide to approvals: its commands as they are written, in one shell, against a mesh that is up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from documents import blocks
from guide import place_beside, printed_by, said_by_python, working

GUIDE = "docs/approvals.md"
BEGINNING = "A workflow that asks"
SECTIONS = ("Look", "Decide", "Reject", "Over REST")


@pytest.fixture(scope="module")
def place(whole_mesh: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder beside the mesh's state, with the guide's definition, while the guide's agent works."""
    folder = place_beside(whole_mesh, tmp_path_factory.mktemp("approvals"))
    [definition], [agent] = blocks(GUIDE, BEGINNING, "yaml"), blocks(GUIDE, BEGINNING, "python")
    (folder / "contract.yaml").write_text(definition)
    (folder / "drafter.py").write_text(agent)
    with working(folder / "drafter.py", whole_mesh):
        yield folder


@pytest.fixture(scope="module")
def printed(whole_mesh: Any, place: Path) -> dict[str, str]:
    """What the commands of each section printed; all of them succeed."""
    return printed_by(GUIDE, SECTIONS, whole_mesh, place)


def test_what_is_asked_is_shown_with_its_files_and_why_one_may_not_decide(printed: dict[str, str]) -> None:
    words = printed["Look"]

    assert "user:ann, user:bob, role:admin" in words
    assert "0 of 2" in words
    assert "contract.md  " in words
    assert "what: a warehouse" in words
    assert "they started this workflow, or let it go on" in words


def test_two_people_decide_and_nobody_else(printed: dict[str, str]) -> None:
    words = printed["Decide"]

    assert "they started this workflow, or let it go on" in words
    assert "pending, 1 of 2 agree" in words
    assert "'ann' has agreed already" in words
    assert words.count(" approved\n") == 2, "what is repeated is answered alike"
    assert "ann, bob" in words


def test_one_who_does_not_agree_fails_the_workflow(printed: dict[str, str]) -> None:
    words = printed["Reject"]

    assert " rejected" in words
    assert "failed" in words


def test_the_gateway_serves_every_call(printed: dict[str, str]) -> None:
    listed, decided = map(json.loads, printed["Over REST"].splitlines())

    assert [each["denied_because"] for each in listed["approvals"]] == [""]
    assert decided["status"] == "REJECTED"
    assert decided["decisions"][0]["comment"] == "not now"


@pytest.mark.usefixtures("printed")
def test_the_python_client_does_the_same(whole_mesh: Any, place: Path) -> None:
    said = said_by_python(GUIDE, whole_mesh, place)

    assert "sign_off ann True the price is right" in said
    assert "sign_off bob False not now" in said
