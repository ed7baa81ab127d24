"""Agents, queues and breakers over REST, as curl and a person's own terminal see them on a whole mesh."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from whole_mesh import WholeMesh

ROLE = "project_manager"
AGENT = f"{ROLE}-1"
AGENTS = "/api/v1/agents"
Answer = tuple[int, dict[str, Any]]
Call = Callable[..., Answer]


@pytest.fixture
def call(whole_mesh: WholeMesh) -> Call:
    """Calls as one of the platform's people."""

    def answered(verb: str, path: str, body: Any = None, *, tenant: str = "platform", role: str = "admin") -> Answer:
        token = whole_mesh.token(role, tenant=tenant)
        headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
        context = ssl.create_default_context(cafile=whole_mesh.record.ca_file)
        connection = HTTPSConnection("localhost", whole_mesh.gateway_port, context=context, timeout=20)
        with closing(connection):
            connection.request(verb, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    return answered


def matched(call: Call) -> list[str]:
    _, found = call("POST", f"{AGENTS}:match", {"agent_type": ROLE})
    return [match["agent"]["agent_id"] for match in found.get("matches", [])]


def test_the_agents_of_a_type_are_listed_and_are_well(call: Call) -> None:
    status, found = call("GET", f"{AGENTS}?agent_type={ROLE}")

    assert status == 200
    assert [agent["agent_id"] for agent in found["agents"]] == [AGENT]
    assert call("GET", f"{AGENTS}/{AGENT}/health")[1]["healthy"] is True


def test_an_agent_that_is_kept_from_work_is_not_matched_until_it_is_resumed(call: Call) -> None:
    assert matched(call) == [AGENT]

    _, agent = call("PUT", f"{AGENTS}/{AGENT}/status", {"status": "draining"})
    assert (agent["status"], agent["drained_by"]) == ("DRAINING", "ann")
    assert matched(call) == []

    _, agent = call("PUT", f"{AGENTS}/{AGENT}/status", {"status": "online"})
    assert agent["status"] in ("ONLINE", "BUSY")
    assert matched(call) == [AGENT]


def test_what_waits_and_which_breakers_are_open_is_told(call: Call) -> None:
    status, queues = call("GET", "/api/v1/queues", tenant="default")

    assert status == 200
    assert all(queue["agent_type"] for queue in queues.get("queues", []))
    assert call("GET", f"/api/v1/breakers/{ROLE}", tenant="default")[1]["state"] == "CLOSED"


@pytest.mark.parametrize(
    ("verb", "path", "body", "status", "says"),
    [
        ("PUT", f"{AGENTS}/nobody/status", {"status": "DRAINING"}, 404, "nobody"),
        ("PUT", f"{AGENTS}/{AGENT}/status", {"status": "ERROR"}, 400, "status"),
        ("PUT", f"{AGENTS}/{AGENT}/status", {"status": "resting"}, 400, "resting"),
        ("PUT", f"{AGENTS}/{AGENT}/status", {}, 400, "status"),
        ("PUT", f"{AGENTS}/a%00b/status", {"status": "DRAINING"}, 400, "malformed"),
        ("POST", f"{AGENTS}:match", {}, 400, "agent_type"),
        ("POST", f"{AGENTS}:match", {"agent_type": ROLE, "strategy": "BY_CHANCE"}, 400, "BY_CHANCE"),
        ("POST", f"{AGENTS}:match", {"capability": "pricing@not-a-range"}, 400, "capability"),
        ("GET", f"{AGENTS}?agent_type=Two%20Words", None, 400, "agent_type"),
        ("GET", f"{AGENTS}?page_token=nonsense", None, 400, "page_token"),
        ("POST", f"/api/v1/breakers/{'x' * 200}:reset", {}, 400, "agent_type"),
    ],
)
def test_what_is_wrong_is_named(call: Call, verb: str, path: str, body: Any, status: int, says: str) -> None:
    answered, problem = call(verb, path, body)

    assert answered == status, problem
    assert says in problem["message"]


def test_agents_of_the_platform_are_not_for_tenants_to_stop(call: Call) -> None:
    status, problem = call("PUT", f"{AGENTS}/{AGENT}/status", {"status": "DRAINING"}, tenant="default")

    assert status in (403, 404)
    assert problem["message"]
    assert matched(call) == [AGENT]


def test_who_may_only_look_stops_no_agent(call: Call) -> None:
    status, problem = call("PUT", f"{AGENTS}/{AGENT}/status", {"status": "DRAINING"}, role="viewer")

    assert (status, problem["code"]) == (403, 7)


def test_a_person_keeps_an_agent_from_work_and_lets_it_work_again(whole_mesh: WholeMesh, tmp_path: Path) -> None:
    def archwright(*words: str) -> tuple[int, str]:
        done = whole_mesh.archwright(*words, folder=tmp_path)
        return done.returncode, done.stdout + done.stderr

    code, told = archwright("agents", "drain", AGENT)
    assert (code, f"`archwright agents resume {AGENT}` ends that." in told) == (0, True), told
    try:
        assert "draining" in archwright("agents", "list", "--type", ROLE)[1]
        assert "kept from work  by " in archwright("agents", "get", AGENT)[1]
        assert "No agent could take it now." in archwright("agents", "match", "--type", ROLE)[1]
    finally:
        code, told = archwright("agents", "resume", AGENT)
    assert (code, f"{AGENT} gets new work again" in told) == (0, True), told
    assert AGENT in archwright("agents", "match", "--type", ROLE)[1]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("agents", "drain", "nobody"), 3, "nobody"),
        (("agents", "match"), 2, "agent_type"),
        (("agents", "match", "--type", ROLE, "--label", "zone"), 2, "NAME=VALUE"),
        (("agents", "match", "--type", ROLE, "--strategy", "by_chance"), 2, "by_chance"),
        (("queues", "reset", "Two Words"), 2, "agent_type"),
    ],
)
def test_what_is_wrong_is_named_at_the_command_line(
    whole_mesh: WholeMesh, tmp_path: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    done = whole_mesh.archwright(*words, folder=tmp_path)

    assert says in done.stdout + done.stderr
    assert done.returncode == code
