"""What is wrong with definitions, asked over gRPC, over REST and at the command line: refused alike, in clear words."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict

from archwright import Client, stubs
from archwright.channel import open_channel
from archwright.engine.v1 import definitions_pb2 as pb
from archwright.engine.v1 import workflows_pb2
from archwright.errors import ArchwrightError
from archwright.serving.status import from_rpc_error

THERE = "ledger-of-bad-input"
USAGE, NOT_FOUND, NOT_AUTHORISED = 2, 3, 4
CALL_SECONDS_MAX = 30.0
VERSIONS = f"archwright definitions versions {THERE}"
INVALID, BROKEN, NOWHERE = "REQUEST_INVALID", "DEFINITION_INVALID", "DEFINITION_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Case:
    """A request, and the refusal that it gets however it comes."""

    says: str
    method: str
    body: dict[str, Any]
    reason: str
    names: tuple[str, ...]
    """What the message, or a violation, must hold: the thing that is wrong, and what to do next."""
    words: tuple[str, ...] = ()
    """The same at the command line; none where its options cannot say it."""
    status: int = 400
    exit_code: int = USAGE


def text(version: str = "1.0.0", agent: str = "clerk") -> str:
    return f"name: {THERE}\nversion: {version}\nsteps:\n  - {{name: book, agent: {agent}}}\n"


def steps(*lines: str, head: str = "") -> str:
    return f"name: bad\n{head}steps:\n" + "".join(f"  - {line}\n" for line in lines)


def many_steps(count: int) -> str:
    return steps(*(f"{{name: s{number}, agent: a}}" for number in range(count)))


TEXTS = {
    "a circle of depends_on is drawn": (
        steps("{name: a, agent: x, depends_on: [b]}", "{name: b, agent: x, depends_on: [a]}"),
        ("'a' waits for 'b' waits for 'a'",),
    ),
    "a step that no path leads to is named": (
        steps("{name: a, agent: x, next: end}", "{name: b, agent: x}"),
        ("no path leads to 'b'",),
    ),
    "an unknown target is told which may be meant": (
        steps("{name: review, agent: x, next: paay}", "{name: pay, agent: x}"),
        ("'paay'", "did you mean 'pay'?"),
    ),
    "an unknown name in an expression is told which may be meant": (
        steps("{name: a, agent: x, when: 'reqest.amount > 1'}", head="input_schema: {properties: {request: {}}}\n"),
        ("'reqest'", "request"),
    ),
    "an error of types in an expression is told": (steps("{name: a, agent: x, when: '1 + true > 2'}"), ("line 3",)),
    "an expression that is nested without end is refused": (
        steps(f"{{name: a, agent: x, when: '{'(' * 400}true{')' * 400}'}}"),
        ("too deep", "line 3"),
    ),
    "an expression of any length is refused": (
        steps(f"{{name: a, agent: x, when: '{' && '.join(['true'] * 1_000)}'}}"),
        ("4,096",),
    ),
    "aliases are refused, so there are no bombs of them": (
        "name: bad\nlabels: &a {x: y}\nsteps:\n  - {name: s, agent: x, input: *a}\n",
        ("alias",),
    ),
    "a key that comes twice is named": (steps("{name: a, agent: x, agent: y}"), ("'agent'", "line 3")),
    "more than ten thousand steps are too many": (many_steps(10_001), ("10,000",)),
    "a schema that is elsewhere is not fetched": (
        steps("{name: a, agent: x, output_schema: {$ref: 'https://example.com/schema.json'}}"),
        ("https://example.com/schema.json",),
    ),
    "two steps of one name are told": (steps("{name: a, agent: x}", "{name: a, agent: y}"), ("'a' is the name of",)),
}

CASES = [
    *(
        Case(says, "PublishDefinition", {"source": source}, BROKEN, names, ("publish", "given.yaml"))
        for says, (source, names) in TEXTS.items()
    ),
    Case(
        "other content under a published version is refused",
        *("PublishDefinition", {"source": text(agent="thief")}, "DEFINITION_VERSION_TAKEN", ("1.0.0", "new version")),
        ("publish", "given.yaml"),
        409,
    ),
    Case(
        "nothing is published when one of its channels is wrong",
        *("PublishDefinition", {"source": text("3.0.0"), "channels": ["fine", "Not Fine"]}, INVALID),
        ("'Not Fine'", "lower-case letters"),
        ("publish", "given.yaml", "--channel", "fine", "--channel", "Not Fine"),
    ),
    Case(
        "nothing is published when it should be the latest by force",
        *("PublishDefinition", {"source": text("3.0.0"), "channels": ["latest"]}, INVALID, ("'latest' is reserved",)),
        ("publish", "given.yaml", "--channel", "latest"),
    ),
    Case(
        "a deprecated version gets no channel by being published again",
        *(
            "PublishDefinition",
            {"source": text(), "channels": ["back"]},
            "DEFINITION_DEPRECATED",
            ("its sums are off",),
        ),
        ("publish", "given.yaml", "--channel", "back"),
    ),
    Case(
        "an unknown version is told which there are",
        *("GetDefinition", {"name": THERE, "version": "9.9.9"}, NOWHERE, ("'9.9.9'", "1.1.0", VERSIONS)),
        ("get", f"{THERE}@9.9.9"),
        404,
        NOT_FOUND,
    ),
    Case(
        "an unknown channel is told which there are",
        *("GetDefinition", {"name": THERE, "version": "stabel"}, NOWHERE, ("'stabel'", "latest, stable", VERSIONS)),
        ("get", f"{THERE}@stabel"),
        404,
        NOT_FOUND,
    ),
    Case(
        "what has no releases has no latest version",
        *("GetDefinition", {"name": f"early-{THERE}"}, NOWHERE, ("pre-releases", "0.1.0-alpha")),
        ("get", f"early-{THERE}"),
        404,
        NOT_FOUND,
    ),
    *(
        Case(
            f"an unknown definition is named: {words[0]}",
            *(method, {"name": "nothing", **body}, NOWHERE, ("'nothing'", "architecture_creation")),
            words,
            404,
            NOT_FOUND,
        )
        for method, body, words in (
            ("ListDefinitionVersions", {}, ("versions", "nothing")),
            ("ListChannels", {}, ("channel", "list", "nothing")),
            ("DeprecateDefinition", {"version": "1.0.0"}, ("deprecate", "nothing@1.0.0")),
            ("RestoreDefinition", {"version": "1.0.0"}, ("restore", "nothing@1.0.0")),
            ("SetChannel", {"version": "1.0.0", "channel": "x"}, ("channel", "set", "nothing", "x", "1.0.0")),
            ("PlanDefinition", {}, ("plan", "nothing")),
            ("DrawDefinition", {}, ("draw", "nothing")),
        )
    ),
    Case(
        "an unknown definition is not compared",
        "DiffDefinitions",
        {"before": {"name": "nothing"}, "after": {"name": THERE}},
        *(NOWHERE, ("'nothing'",), ("diff", "nothing", THERE), 404, NOT_FOUND),
    ),
    Case(
        "a comparison with nothing is told what it takes",
        *("DiffDefinitions", {"before": {"name": THERE}}, INVALID, ("after", "one of the two")),
    ),
    Case(
        "a comparison with a broken text is told what is wrong with it",
        *("DiffDefinitions", {"before": {"name": THERE}, "after": {"source": "name: bad\nsteps: 5\n"}}, BROKEN),
        ("steps",),
        ("diff", THERE, "given.yaml"),
    ),
    Case("a plan of nothing is told what it takes", "PlanDefinition", {}, INVALID, ("one of the two",)),
    Case(
        "a plan of two things is told to choose",
        *("PlanDefinition", {"source": text(), "name": THERE}, INVALID, ("one of the two",)),
    ),
    Case(
        "a plan of a broken text is told what is wrong with it",
        *("PlanDefinition", {"source": "name: bad\nsteps: 5\n"}, BROKEN, ("steps", "line 2"), ("plan", "given.yaml")),
    ),
    Case(
        "a drawing of a broken text is told what is wrong with it",
        *("DrawDefinition", {"source": "name: bad\nsteps: 5\n"}, BROKEN, ("steps", "line 2"), ("draw", "given.yaml")),
    ),
    Case(
        "a plan of a text that is too large is told the limit",
        *("PlanDefinition", {"source": "#" * ((1 << 20) + 1)}, "PAYLOAD_TOO_LARGE", ("source", "1,048,576")),
        ("plan", "given.yaml"),
    ),
    Case(
        "a version that a channel points at is not deprecated",
        *("DeprecateDefinition", {"name": THERE, "version": "1.1.0"}, "CHANNEL_IN_USE", ("'stable'", "channel set")),
        ("deprecate", f"{THERE}@1.1.0"),
    ),
    Case(
        "a channel is not deprecated",
        *("DeprecateDefinition", {"name": THERE, "version": "stable"}, INVALID, ("'stable'", "version itself")),
        ("deprecate", f"{THERE}@stable"),
    ),
    Case(
        "an unknown version is not deprecated",
        *("DeprecateDefinition", {"name": THERE, "version": "9.9.9"}, NOWHERE, ("'9.9.9'", "1.1.0")),
        *(("deprecate", f"{THERE}@9.9.9"), 404, NOT_FOUND),
    ),
    Case(
        "a note that is too long is told the limit",
        "DeprecateDefinition",
        {"name": THERE, "version": "1.1.0", "note": "x" * 1001},
        *(INVALID, ("1001 characters", "1000"), ("deprecate", f"{THERE}@1.1.0", "--note", "x" * 1001)),
    ),
    Case(
        "the latest version is nobody's to set",
        *("SetChannel", {"name": THERE, "channel": "latest", "version": "1.1.0"}, INVALID, ("'latest' is reserved",)),
        ("channel", "set", THERE, "latest", "1.1.0"),
    ),
    Case(
        "what looks like a version is no channel",
        *("SetChannel", {"name": THERE, "channel": "2.0.0", "version": "1.1.0"}, INVALID, ("'2.0.0'", "'stable'")),
        ("channel", "set", THERE, "2.0.0", "1.1.0"),
    ),
    Case(
        "a channel does not point at a channel",
        *("SetChannel", {"name": THERE, "channel": "x", "version": "stable"}, INVALID, ("'stable'", "version itself")),
        ("channel", "set", THERE, "x", "stable"),
    ),
    Case(
        "a channel does not point at a deprecated version",
        "SetChannel",
        {"name": THERE, "channel": "x", "version": "1.0.0"},
        *("DEFINITION_DEPRECATED", ("1.0.0", "its sums are off", VERSIONS)),
        ("channel", "set", THERE, "x", "1.0.0"),
    ),
    Case(
        "an unknown channel is not deleted",
        "DeleteChannel",
        {"name": THERE, "channel": "x"},
        *("CHANNEL_NOT_FOUND", ("'x'", f"channel list {THERE}"), ("channel", "delete", THERE, "x"), 404, NOT_FOUND),
    ),
    Case(
        "the latest version is nobody's to delete",
        *("DeleteChannel", {"name": THERE, "channel": "latest"}, INVALID, ("'latest' is reserved",)),
        ("channel", "delete", THERE, "latest"),
    ),
    *(
        Case("a page of less than nothing is refused", method, {"page_size": -1, **body}, INVALID, ("page_size is -1",))
        for method, body in (("ListDefinitions", {}), ("ListDefinitionVersions", {"name": THERE}))
    ),
    Case(
        "a page that no list returned is refused",
        *("ListDefinitionVersions", {"name": THERE, "page_token": "next"}, INVALID, ("page_token",)),
    ),
]

ONLY_TYPED = [
    (("deprecate", THERE), ("Say which version", VERSIONS)),
    (("restore", THERE), ("Say which version",)),
    (("plan", "nowhere.yaml"), ("'nowhere.yaml'", "No such file")),
    (("draw", "empty.yaml"), ("'empty.yaml' is empty",)),
    (("diff", "given.yaml", THERE), ("given.yaml:1:1: ",)),
]

PATHS = {
    "PublishDefinition": ("POST", "/api/v1/definitions"),
    "GetDefinition": ("GET", "/api/v1/definitions/{name}"),
    "ListDefinitions": ("GET", "/api/v1/definitions"),
    "ListDefinitionVersions": ("GET", "/api/v1/definitions/{name}/versions"),
    "DiffDefinitions": ("POST", "/api/v1/definitions:diff"),
    "PlanDefinition": ("POST", "/api/v1/definitions:plan"),
    "DrawDefinition": ("POST", "/api/v1/definitions:draw"),
    "DeprecateDefinition": ("POST", "/api/v1/definitions/{name}:deprecate"),
    "RestoreDefinition": ("POST", "/api/v1/definitions/{name}:restore"),
    "ListChannels": ("GET", "/api/v1/definitions/{name}/channels"),
    "SetChannel": ("PUT", "/api/v1/definitions/{name}/channels/{channel}"),
    "DeleteChannel": ("DELETE", "/api/v1/definitions/{name}/channels/{channel}"),
}


@pytest.fixture(scope="module", autouse=True)
async def _definition_that_is_there(whole_mesh: Any) -> AsyncIterator[None]:
    async with Client.local(whole_mesh.state) as client:
        await client.definitions.publish(text())
        await client.definitions.publish(text("1.1.0"), channels=["stable"])
        await client.definitions.publish(text("0.1.0-alpha").replace(THERE, f"early-{THERE}"))
        await client.definitions.deprecate(THERE, "1.0.0", "its sums are off")
        yield
        versions = [(each.version, list(each.channels)) async for each in client.definitions.versions(THERE)]
        assert versions == [("1.1.0", ["latest", "stable"]), ("1.0.0", [])], "what was refused has left a trace"
        assert "bad" not in [each.name async for each in client.definitions.list()]
        assert [each async for each in client.list(definition=THERE)] == []


def assert_told(case: Case, message: str) -> None:
    missing = [words for words in case.names if words not in message]
    assert not missing, message


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.method}: {case.says}") for case in CASES])
async def test_over_grpc(case: Case, whole_mesh: Any) -> None:
    request = ParseDict(case.body, getattr(pb, f"{case.method}Request")())
    metadata = (("authorization", f"Bearer {whole_mesh.token('operator')}"),)
    async with open_channel(whole_mesh.record.gateway, ca_file=Path(whole_mesh.record.ca_file)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await getattr(stubs.definitions(channel), case.method)(request, timeout=CALL_SECONDS_MAX, metadata=metadata)

    error: ArchwrightError = from_rpc_error(refused.value)
    assert error.reason == case.reason, error.message
    assert_told(case, error.message + "".join(each.description for each in error.violations))


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.method}: {case.says}") for case in CASES])
def test_over_rest(case: Case, whole_mesh: Any) -> None:
    verb, path = PATHS[case.method]
    body = {name: value for name, value in case.body.items() if f"{{{name}}}" not in path}
    query = "" if verb in {"POST", "PUT"} else "&".join(f"{name}={value}" for name, value in body.items())
    request = urllib.request.Request(
        whole_mesh.record.gateway + path.format(**case.body) + (f"?{query}" if query else ""),
        method=verb,
        data=json.dumps(body).encode() if verb in {"POST", "PUT"} else None,
        headers={"Authorization": f"Bearer {whole_mesh.token('operator')}", "Content-Type": "application/json"},
    )
    trusted = ssl.create_default_context(cafile=whole_mesh.record.ca_file)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=CALL_SECONDS_MAX, context=trusted)

    answer = json.loads(refused.value.read())
    refused.value.close()
    assert refused.value.code == case.status, answer
    assert answer["details"][0]["reason"] == case.reason, answer
    assert_told(case, answer["message"] + json.dumps(answer["details"], ensure_ascii=False))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.says) for case in CASES if case.words])
def test_at_the_command_line(case: Case, whole_mesh: Any, tmp_path: Path) -> None:
    given = case.body.get("source") or case.body.get("after", {}).get("source", "")
    (tmp_path / "given.yaml").write_text(given)

    refused = whole_mesh.archwright("definitions", *case.words, folder=tmp_path)

    assert refused.returncode == case.exit_code, refused.stderr
    places = refused.stderr.replace("given.yaml:", "line ").replace(":", ", column ")
    assert_told(case, refused.stderr + places)
    assert refused.stderr.startswith("archwright: ")
    assert refused.stdout == ""
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(("words", "names"), ONLY_TYPED)
def test_what_only_options_can_say_wrong(
    words: tuple[str, ...], names: tuple[str, ...], whole_mesh: Any, tmp_path: Path
) -> None:
    (tmp_path / "given.yaml").write_text("steps: []\n")
    (tmp_path / "empty.yaml").write_text("\n")

    refused = whole_mesh.archwright("definitions", *words, folder=tmp_path)

    assert refused.returncode == USAGE
    assert [each for each in names if each not in refused.stderr] == [], refused.stderr


async def test_a_deprecated_version_is_not_started(whole_mesh: Any, tmp_path: Path) -> None:
    (tmp_path / "given.yaml").write_text("{}")
    token = whole_mesh.token("operator")
    async with open_channel(whole_mesh.record.gateway, ca_file=Path(whole_mesh.record.ca_file)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stubs.workflows(channel).StartWorkflow(
                workflows_pb2.StartWorkflowRequest(definition_name=THERE, definition_version="1.0.0"),
                timeout=CALL_SECONDS_MAX,
                metadata=(("authorization", f"Bearer {token}"),),
            )

    assert from_rpc_error(refused.value).reason == "DEFINITION_DEPRECATED"
    typed = whole_mesh.archwright("run", f"{THERE}@1.0.0", "--input", "given.yaml", folder=tmp_path)
    assert (typed.returncode, "its sums are off" in typed.stderr) == (USAGE, True)


def test_a_viewer_may_look_and_not_touch(whole_mesh: Any, tmp_path: Path) -> None:
    viewer = ("--token", whole_mesh.token("viewer"))

    for words in (("get", THERE), ("plan", "architecture_creation"), ("diff", THERE, THERE), ("draw", THERE)):
        assert whole_mesh.archwright("definitions", *words, *viewer, folder=tmp_path).returncode == 0
    for words in (
        ("deprecate", f"{THERE}@1.0.0"),
        ("restore", f"{THERE}@1.0.0"),
        ("channel", "set", THERE, "x", "1.1.0"),
        ("channel", "delete", THERE, "stable"),
    ):
        refused = whole_mesh.archwright("definitions", *words, *viewer, folder=tmp_path)
        assert refused.returncode == NOT_AUTHORISED


def test_another_tenants_definition_is_not_there(whole_mesh: Any, tmp_path: Path) -> None:
    other = ("--token", whole_mesh.token("admin", tenant="globex"))

    for words in (("get", THERE), ("versions", THERE), ("deprecate", f"{THERE}@1.0.0"), ("channel", "list", THERE)):
        refused = whole_mesh.archwright("definitions", *words, *other, folder=tmp_path)
        assert refused.returncode == NOT_FOUND
        assert "1.1.0" not in refused.stderr
