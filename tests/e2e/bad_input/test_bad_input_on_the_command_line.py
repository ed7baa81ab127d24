"""What is wrong, typed at the command line: one clear message on standard error, and an exit code that tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NOWHERE = "wf_01k00000000000000000000000"
BUILT_IN = "architecture_creation"
MIB = 1 << 20

USAGE, NOT_FOUND, NOT_AUTHORISED, NOT_REACHABLE = 2, 3, 4, 5


@dataclass(frozen=True, slots=True)
class Case:
    """A command line, and what it says of what is wrong."""

    says: str
    words: tuple[str, ...]
    exit_code: int
    names: tuple[str, ...]
    """What the message must hold: the thing that is wrong, and what to do next."""
    file: str | bytes = ""
    """What stands in `given.yaml`."""
    token: str = ""
    """What is wrong with the token; nothing by default."""


def started(definition: str = BUILT_IN) -> tuple[str, ...]:
    return ("run", definition, "--input", "given.yaml")


START = started()
PUBLISH = ("definitions", "publish", "given.yaml")
GOOD = "request: A booking site.\n"
LIST_DEFINITIONS = "archwright definitions list"
ASK = "archwright token"

CASES = [
    Case(
        "an unknown definition is named with those that there are",
        *(started("architecture_creatoin"), NOT_FOUND, ("'architecture_creatoin'", BUILT_IN, LIST_DEFINITIONS), GOOD),
    ),
    Case("an unknown version is named", started(f"{BUILT_IN}@9.9.9"), NOT_FOUND, (BUILT_IN, "9.9.9"), GOOD),
    Case(
        "an unknown definition cannot be read",
        *(("definitions", "get", "nothing"), NOT_FOUND, ("'nothing'", LIST_DEFINITIONS)),
    ),
    Case(
        "an input that lacks something is told what",
        *(START, USAGE, (BUILT_IN, "request", "archwright definitions get"), "title: Claims\n"),
    ),
    Case(
        "an input of the wrong type is told where",
        *(START, USAGE, ("given.yaml:2:10: ", "string"), "# what we want\nrequest: 5\n"),
    ),
    Case(
        "an input with something else is told what",
        *(START, USAGE, ("colour",), "request: x\ncolour: red\n"),
    ),
    Case(
        "malformed YAML in an input is told by line and column",
        *(START, USAGE, ("given.yaml:2:13: ", "YAML"), "title: Claims\nrequest: one: two\n"),
    ),
    Case(
        "malformed YAML in a definition is told by line and column",
        *(PUBLISH, USAGE, ("given.yaml:2:17: ", "YAML"), "name: a\nsteps: [one: two: three]\n"),
    ),
    Case(
        "an unknown field of a definition is told by line and column",
        *(PUBLISH, USAGE, ("given.yaml:3:6: ", "did you mean 'name'"), "name: a\nsteps:\n  - {nme: b, agent: c}\n"),
    ),
    Case("an empty definition is refused", PUBLISH, USAGE, ("given.yaml:1:1: ", "empty")),
    Case("an empty input is refused", START, USAGE, ("given.yaml:1:1: ", "empty")),
    Case("an input that is no mapping is told what it must be", START, USAGE, ("given.yaml:1:1: ", "mapping"), "- x\n"),
    Case("an input that is no text is told so", START, USAGE, ("'given.yaml'", "UTF-8"), b"\xff\xfe\x00"),
    Case(
        "a file that is not there is named",
        *(("run", BUILT_IN, "--input", "nowhere.yaml"), USAGE, ("'nowhere.yaml'", "No such file")),
    ),
    Case("no token is told how to get one", ("workflows", "list"), NOT_AUTHORISED, ("token", ASK), token="missing"),
    Case("an expired token is told so", START, NOT_AUTHORISED, ("expired", ASK), GOOD, "expired"),
    *(
        Case(f"a token {wrong} is refused", START, NOT_AUTHORISED, ("token", ASK), GOOD, wrong)
        for wrong in ("of another key", "of another issuer", "for another audience")
    ),
    Case("what is no token is refused", ("agents", "list"), NOT_AUTHORISED, ("token", ASK), token="no token"),
    Case(
        "a role that may only look is told which roles may",
        *(START, NOT_AUTHORISED, ("admin, operator", "has viewer", "Show a token"), GOOD, "of a viewer"),
    ),
    Case(
        "an input that is too large is told the limit",
        *(START, USAGE, ("1,048,576", "artifact"), f"request: {'x' * MIB}\n"),
    ),
    Case(
        "a definition that is too large is told the limit",
        *(PUBLISH, USAGE, ("source", "1,048,576"), "#" * (MIB + 1)),
    ),
    Case(
        "an input that is too deep is told where",
        *(START, USAGE, ("input.a.a", "16 levels", "flatten"), '{"a":' * 20 + "1" + "}" * 20),
    ),
    Case(
        "an input that is absurdly deep is told where",
        *(START, USAGE, ("given.yaml:1:", "deep"), "[" * 5_000 + "]" * 5_000),
    ),
    Case(
        "a definition that is too deep is told by line and column",
        *(PUBLISH, USAGE, ("given.yaml:2:72: ", "deeper than 64"), "name: a\nlabels: " + "[" * 70 + "]" * 70),
    ),
    *(
        Case(
            f"an unknown workflow is named by {verb}",
            ("workflows", verb, NOWHERE),
            NOT_FOUND,
            (NOWHERE, "archwright workflows list"),
        )
        for verb in ("get", "cancel", "history", "tasks", "watch", "artifacts")
    ),
    Case(
        "what is no id of a workflow is named as one that is not there",
        *(("workflows", "get", "42"), NOT_FOUND, ("'42'", "archwright workflows list")),
    ),
    Case("an unknown agent is named", ("agents", "get", "nobody"), NOT_FOUND, ("'nobody'", "archwright agents list")),
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.says) for case in CASES])
def test_bad_input_is_refused_in_clear_words(
    case: Case, whole_mesh: Any, token_of: Callable[[str], str], tmp_path: Path
) -> None:
    content = case.file if isinstance(case.file, bytes) else case.file.encode()
    (tmp_path / "given.yaml").write_bytes(content)

    refused = whole_mesh.archwright(*case.words, *reaching(whole_mesh, case.token, token_of), folder=tmp_path)

    assert refused.returncode == case.exit_code, refused.stderr
    missing = [words for words in case.names if words not in refused.stderr]
    assert not missing, refused.stderr
    assert refused.stderr.startswith("archwright: ")
    assert refused.stdout == ""
    assert "Traceback" not in refused.stderr


def test_the_check_of_a_definition_prints_every_problem_as_editors_read_them(whole_mesh: Any, tmp_path: Path) -> None:
    (tmp_path / "given.yaml").write_text(
        "name: a\nsteps:\n  - {name: b, agent: c, conditions: [{if: '1 +', next: b}]}\n  - {name: b, agent: c}\n"
    )

    checked = whole_mesh.archwright("definitions", "validate", "given.yaml", folder=tmp_path)

    assert checked.returncode == USAGE
    assert [line.split(": ")[0] for line in checked.stdout.splitlines()] == [
        "given.yaml:3:43",
        "given.yaml:3:56",
        "given.yaml:4:12",
    ]


def test_without_a_mesh_the_way_to_one_is_told(whole_mesh: Any, tmp_path: Path) -> None:
    refused = whole_mesh.archwright("workflows", "list", "--state", "nowhere", folder=tmp_path)

    assert refused.returncode == NOT_REACHABLE
    assert "archwright up" in refused.stderr
    assert str(tmp_path / "nowhere") in refused.stderr


def test_a_gateway_that_does_not_answer_is_named(whole_mesh: Any, tmp_path: Path) -> None:
    reach = ("--gateway", "https://127.0.0.1:1", "--ca-file", whole_mesh.record.ca_file, "--token", "x")

    refused = whole_mesh.archwright("workflows", "list", *reach, folder=tmp_path)

    assert refused.returncode == NOT_REACHABLE
    assert "https://127.0.0.1:1" in refused.stderr


def reaching(whole_mesh: Any, wrong: str, token_of: Callable[[str], str]) -> tuple[str, ...]:
    """Return the options by which a command shows the wrong token; with the right one the local mesh needs none."""
    match wrong:
        case "":
            return ()
        case "missing":
            return ("--gateway", whole_mesh.record.gateway, "--ca-file", whole_mesh.record.ca_file)
        case _:
            return ("--token", token_of(wrong))
