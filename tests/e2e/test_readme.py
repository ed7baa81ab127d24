"""The README's commands, as they are written, in one shell, against a mesh that is up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from documents import ROOT, blocks

from archwright.local.programs import ROLES

USUAL_PORT = "8443"
SECTIONS = ("Use it", "Over REST", "Over gRPC")
COMMANDS_SECONDS_MAX = 150.0

# A house test sees to it that guides run the others.
EXAMPLES = ("claims-platform.yaml", "grocery-delivery.yaml")

_BEGIN, _END = "@@@ begin", "@@@ end"


@dataclass(frozen=True, slots=True)
class Ran:
    """One command, and what came of it."""

    command: str
    printed: str
    exit_code: int

    def answer(self) -> Any:
        return json.loads(self.printed)


@dataclass(frozen=True, slots=True)
class Session:
    """All commands, in the folder that they ran in."""

    folder: Path
    ran: tuple[Ran, ...]

    def of(self, *words: str) -> Ran:
        """Return the first command that has these words."""
        return next(ran for ran in self.ran if all(word in ran.command for word in words))


@pytest.fixture(scope="module")
def checkout(whole_mesh: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a checkout, in which the mesh was started."""
    folder: Path = tmp_path_factory.mktemp("checkout")
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / ".archwright").symlink_to(whole_mesh.state)
    return folder


@pytest.fixture(scope="module")
def session(whole_mesh: Any, checkout: Path) -> Session:
    """The README's commands after they ran, those that start a mesh left out."""
    written = "".join(block for section in SECTIONS for block in blocks("README.md", section, "console"))
    commands = [command for command in split(written) if not command.startswith("make ")]
    script = "".join(f'echo; echo "{_BEGIN}"\n{command}\nprintf "\\n{_END} %d\\n" $?\n' for command in commands)
    shell = subprocess.run(
        ["bash", "-s"],
        input=at_port(script, whole_mesh),
        capture_output=True,
        text=True,
        check=True,
        cwd=checkout,
        env=environment(whole_mesh.environment),
        timeout=COMMANDS_SECONDS_MAX,
    )
    return Session(checkout, tuple(read(commands, shell.stdout)))


def test_every_command_succeeds(session: Session) -> None:
    assert [ran for ran in session.ran if ran.exit_code] == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_carried_to_its_deliverables(session: Session, example: str) -> None:
    printed = session.of("archwright run", example).printed

    said, _, folder = printed.strip().splitlines()[-1].partition(": ")
    assert said == "Deliverables"
    assert {"report.html", "model.xml"} <= {path.name for path in (session.folder / folder).iterdir()}


def test_what_ran_and_who_worked_is_shown(session: Session) -> None:
    assert session.of("workflows list").printed.count("completed") >= 2
    # An agent that has just worked may be shown as busy, which is online too.
    online, _, _ = session.of("archwright status").printed.partition("not online")
    for role in ROLES:
        assert f"{role}-1" in session.of("agents list").printed
        assert f"{role}-1" in online


def test_the_gateway_answers_curl(session: Session) -> None:
    definitions = session.of("curl", "/api/v1/definitions").answer()["definitions"]
    started = session.of("curl", "-d").answer()

    assert "architecture_creation" in [definition["name"] for definition in definitions]
    assert started["workflow_id"].startswith("wf_")
    assert started["input"]["request"].startswith("A booking site for a museum")


def test_events_come_with_their_numbers_until_the_end(session: Session) -> None:
    printed = session.of("curl", "/events").printed

    assert "id: 1\n" in printed
    assert "workflow_completed" in printed


def test_a_file_is_downloaded(session: Session) -> None:
    assert (session.folder / "report.html").read_text().lower().startswith("<!doctype html>")


def test_buf_lists_and_watches(session: Session) -> None:
    started = session.of("curl", "-d").answer()["workflow_id"]

    assert len(session.of("buf curl", "ListWorkflows").answer()["workflows"]) == 3
    assert started in session.of("buf curl", "WatchWorkflow").printed
    assert "workflow_completed" in session.of("buf curl", "WatchWorkflow").printed


def test_the_python_client_follows_a_workflow(whole_mesh: Any, checkout: Path) -> None:
    [program] = blocks("README.md", "From Python", "python")

    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=checkout,
        env=environment(whole_mesh.environment),
        timeout=COMMANDS_SECONDS_MAX,
    )

    assert ran.returncode == 0, ran.stderr
    assert "workflow_completed" in ran.stdout


def split(written: str) -> list[str]:
    """Return the commands of a block; one may go over several lines that end in a backslash."""
    commands: list[str] = []
    goes_on = False
    for line in written.splitlines():
        if goes_on:
            commands[-1] += f"\n{line}"
        else:
            commands.append(line)
        goes_on = line.endswith("\\")
    return commands


def at_port(script: str, whole_mesh: Any) -> str:
    """Return the script for the port that the mesh found, as the README says where the usual one was taken."""
    return script.replace(f"localhost:{USUAL_PORT}", f"localhost:{whole_mesh.gateway_port}")


def environment(of_mesh: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of somebody who has activated `.venv`, and told nothing more."""
    path = os.pathsep.join([str(Path(sys.executable).parent), of_mesh["PATH"]])
    return {name: value for name, value in of_mesh.items() if not name.startswith("ARCHWRIGHT_")} | {"PATH": path}


def read(commands: list[str], printed: str) -> list[Ran]:
    found = []
    for command, told in zip(commands, printed.split(f"\n{_BEGIN}\n")[1:], strict=True):
        output, _, exit_code = told.rpartition(f"\n{_END} ")
        found.append(Ran(command, output, int(exit_code)))
    return found
