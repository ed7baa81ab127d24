"""The command line against a real mesh, with an agent of ours in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Archwright = Callable[..., subprocess.CompletedProcess[str]]

ARCHWRIGHT = Path(sys.executable).with_name("archwright")
GREETER = """
import asyncio
import sys
from pathlib import Path

from archwright import Agent, Permanent, Task

HEARD = Path(sys.argv[1])
agent = Agent("cli_greeter", agent_id="cli-greeter-1")


@agent.task("greet")
async def greet(task: Task) -> dict:
    while task.input["name"] == "Grace" and not HEARD.exists():
        await task.progress(50, "thinking of a greeting")
        await asyncio.sleep(0.05)
    if task.input["name"] == "Nobody":
        raise Permanent("there is nobody to greet")
    await task.put_artifact("cards/greeting.txt", f"Hello, {task.input['name']}!".encode(), "text/plain")
    return {"greeting": f"Hello, {task.input['name']}!"}


agent.run()
"""
GREETING = """
name: cli_greeting
version: 1.0.0
input_schema:
  type: object
  required: [name]
  properties: {name: {type: string}}
  additionalProperties: false
steps:
  - name: greet
    agent: cli_greeter
    task_type: greet
"""
UNKNOWN_WORKFLOW = "wf_01k00000000000000000000000"


@pytest.fixture(scope="module")
def greeter(mesh, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Runs an agent; it goes on about Grace until the file that this gives exists."""
    folder = tmp_path_factory.mktemp("greeter")
    (folder / "greeter.py").write_text(GREETER)
    with subprocess.Popen(
        [sys.executable, folder / "greeter.py", folder / "heard"],
        env=mesh.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert any('"ready"' in line for line in process.stdout), "the greeter ended"
            yield folder / "heard"
        finally:
            process.terminate()


@pytest.fixture
def greeting(greeter: Path, archwright: Archwright, tmp_path: Path) -> str:
    (tmp_path / "greeting.yaml").write_text(GREETING)
    published = archwright("definitions", "publish", "greeting.yaml")
    assert published.returncode == 0, published.stderr
    return "cli_greeting"


def test_a_workflow_is_followed_to_its_files(greeting: str, archwright: Archwright, tmp_path: Path) -> None:
    done = archwright("run", greeting, "--input", "-", "--watch", given="name: Ada")

    assert done.returncode == 0, done.stderr
    assert "greeting: Hello, Ada!" in done.stdout
    said, _, folder = done.stdout.splitlines()[-1].partition(": ")
    assert said == "Deliverables"
    assert (tmp_path / folder / "cards/greeting.txt").read_text() == "Hello, Ada!"


def test_what_an_agent_says_is_shown_while_it_works(greeter: Path, greeting: str, mesh, tmp_path: Path) -> None:
    with subprocess.Popen(
        [ARCHWRIGHT, "run", greeting, "--input", "-", "--watch"],
        env=mesh.environment(),
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        with running.stdin as given:
            given.write("name: Grace")

        assert any("50 %  thinking of a greeting" in line for line in running.stdout)

        greeter.touch()
        assert running.stdout.read().splitlines()[-1].startswith("Deliverables: ")


def test_a_workflow_that_fails_says_why_and_exits_with_1(greeting: str, archwright: Archwright) -> None:
    done = archwright("run", greeting, "--input", "-", "--watch", given="name: Nobody")

    assert done.returncode == 1
    assert "failed for good: there is nobody to greet" in done.stdout


def test_starting_twice_with_one_request_id_starts_one_workflow(greeting: str, archwright: Archwright) -> None:
    started = {
        archwright("run", greeting, "--input", "-", "--request-id", "twice", given="name: Ada").stdout for _ in range(2)
    }

    assert len(started) == 1


def test_everything_about_a_workflow_can_be_read_as_json(greeting: str, archwright: Archwright) -> None:
    workflow_id = archwright("run", greeting, "--input", "-", given="name: Ada").stdout.strip()
    watched = archwright("workflows", "watch", workflow_id, "--json")
    read = {
        noun: json.loads(archwright("workflows", noun, workflow_id, "--json").stdout)
        for noun in ("get", "history", "tasks", "artifacts")
    }

    assert watched.returncode == 0
    assert read["get"]["output"] == {"greet": {"greeting": "Hello, Ada!"}}
    assert read["history"][-1]["event_type"] == "workflow_completed"
    assert [task["step_id"] for task in read["tasks"]] == ["greet"]
    assert [artifact["name"] for artifact in read["artifacts"]] == ["cards/greeting.txt"]
    assert workflow_id in archwright("workflows", "list").stdout


def test_the_files_of_a_workflow_are_listed_and_fetched(greeting: str, archwright: Archwright, tmp_path: Path) -> None:
    workflow_id = archwright("run", greeting, "--input", "-", given="name: Ada").stdout.strip()
    listed = json.loads(archwright("artifacts", "list", workflow_id, "--versions", "--json").stdout)
    fetched = archwright("artifacts", "get", workflow_id, "cards/greeting.txt", "--output", str(tmp_path / "card"))
    missing = archwright("artifacts", "get", workflow_id, "cards/greeting.txt", "--version", "2")

    assert [(each["name"], each["version"]) for each in listed] == [("cards/greeting.txt", 1)]
    assert (fetched.returncode, (tmp_path / "card").read_text()) == (0, "Hello, Ada!")
    assert archwright("artifacts", "get", workflow_id, "cards/greeting.txt", "-o", "-").stdout == "Hello, Ada!"
    assert (missing.returncode, "in version 2" in missing.stderr) == (3, True)


def test_a_workflow_is_called_off(archwright: Archwright, tmp_path: Path, mesh) -> None:
    (tmp_path / "waiting.yaml").write_text(GREETING.replace("cli_greet", "cli_absent"))
    archwright("definitions", "publish", "waiting.yaml")
    workflow_id = archwright("run", "cli_absenting", "--input", "-", given="name: Ada").stdout.strip()

    assert archwright("workflows", "cancel", workflow_id, "--reason", "changed my mind").returncode == 0
    assert archwright("workflows", "watch", workflow_id).returncode == 1
    again = archwright("workflows", "cancel", workflow_id)
    assert (again.returncode, workflow_id in again.stderr) == (2, True)


def test_the_built_in_definition_is_there(archwright: Archwright) -> None:
    assert "architecture_creation" in archwright("definitions", "list").stdout
    assert "requirement_analysis" in archwright("definitions", "get", "architecture_creation").stdout


def test_an_unknown_definition_is_not_found_and_those_that_are_there_are_named(archwright: Archwright) -> None:
    refused = archwright("run", "architecture_creatoin", "--input", "-", given="request: x")

    assert refused.returncode == 3
    assert "architecture_creation" in refused.stderr


def test_an_input_that_does_not_fit_is_told_by_file_line_and_column(
    greeting: str, archwright: Archwright, tmp_path: Path
) -> None:
    (tmp_path / "input.yaml").write_text("# who\nname: 5\n")

    refused = archwright("run", greeting, "--input", "input.yaml")

    assert refused.returncode == 2
    assert "input.yaml:2:7: " in refused.stderr


def test_malformed_yaml_is_told_by_file_line_and_column(archwright: Archwright, tmp_path: Path) -> None:
    (tmp_path / "input.yaml").write_text("title: Claims\nrequest: one: two\n")

    refused = archwright("run", "architecture_creation", "--input", "input.yaml")

    assert refused.returncode == 2
    assert "input.yaml:2:13: " in refused.stderr


def test_a_definition_with_problems_is_told_by_file_line_and_column(archwright: Archwright, tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("name: broken\nsteps:\n  - nme: a\n")

    checked = archwright("definitions", "validate", "broken.yaml")
    published = archwright("definitions", "publish", "broken.yaml")

    assert (checked.returncode, published.returncode) == (2, 2)
    assert "broken.yaml:3:5: " in checked.stdout
    assert "broken.yaml:3:5: " in published.stderr


def test_an_input_that_is_too_large_is_refused(archwright: Archwright) -> None:
    refused = archwright("run", "architecture_creation", "--input", "-", given=f"request: {'x' * (1 << 20)}")

    assert refused.returncode == 2
    assert "the limit is 1,048,576" in refused.stderr


def test_an_input_that_is_too_deep_is_refused(archwright: Archwright) -> None:
    refused = archwright("run", "architecture_creation", "--input", "-", given='{"a":' * 20 + "1" + "}" * 20)

    assert refused.returncode == 2
    assert "deep" in refused.stderr


def test_what_is_not_there_is_not_found(archwright: Archwright) -> None:
    workflow, agent = archwright("workflows", "get", UNKNOWN_WORKFLOW), archwright("agents", "get", "nobody")

    assert (workflow.returncode, agent.returncode) == (3, 3)
    assert UNKNOWN_WORKFLOW in workflow.stderr
    assert "'nobody'" in agent.stderr


def test_a_wrong_token_is_not_authorised(archwright: Archwright) -> None:
    refused = archwright("workflows", "list", "--token", "not-a-token")

    assert refused.returncode == 4
    assert "archwright token" in refused.stderr


def test_no_token_is_not_authorised(mesh, archwright: Archwright) -> None:
    record = mesh.record()

    refused = archwright("workflows", "list", "--gateway", record.gateway, "--ca-file", record.ca_file)

    assert refused.returncode == 4
    assert "token" in refused.stderr


def test_a_viewer_may_look_and_not_start(archwright: Archwright) -> None:
    token = archwright("token", "--role", "viewer").stdout.strip()

    looked = archwright("workflows", "list", "--token", token)
    started = archwright("run", "architecture_creation", "--input", "-", "--token", token, given="request: x")

    assert (looked.returncode, started.returncode) == (0, 4)


def test_a_tenant_does_not_see_anothers_workflows(greeting: str, archwright: Archwright) -> None:
    workflow_id = archwright("run", greeting, "--input", "-", given="name: Ada").stdout.strip()
    token = archwright("token", "--tenant", "acme").stdout.strip()

    assert archwright("workflows", "get", workflow_id, "--token", token).returncode == 3


def test_errors_are_never_tracebacks(archwright: Archwright) -> None:
    for words in (
        ["run", "x", "--input", "nowhere.yaml"],
        ["workflows", "get", "nonsense"],
        ["token", "--ttl", "soon"],
    ):
        refused = archwright(*words)
        assert refused.returncode in {2, 3}
        assert refused.stdout == ""
        assert "Traceback" not in refused.stderr
