"""The guide to dead letters: its commands as they are written, in one shell, against a mesh that is up."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from documents import blocks
from guide import SECONDS_MAX, environment, place_beside, printed_by, said_by_python, working

GUIDE = "docs/dead-letters.md"
SECTIONS = ("Look", "Redrive", "Discard", "Many", "Over REST")


@pytest.fixture(scope="module")
def place(whole_mesh: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder beside the mesh's state, with the guide's definition, while the guide's agent works."""
    folder = place_beside(whole_mesh, tmp_path_factory.mktemp("letters"))
    [definition] = blocks(GUIDE, "What becomes one", "yaml")
    [agent] = blocks(GUIDE, "What becomes one", "python")
    (folder / "evening.yaml").write_text(definition)
    (folder / "doorman.py").write_text(agent)
    with working(folder / "doorman.py", whole_mesh):
        yield folder


@pytest.fixture(scope="module")
def printed(whole_mesh: Any, place: Path) -> dict[str, str]:
    """What the commands of each section printed; all of them succeed."""
    return printed_by(GUIDE, SECTIONS, whole_mesh, place)


def test_what_waits_is_listed_and_shown(printed: dict[str, str]) -> None:
    words = printed["Look"]

    assert words.count("evening") >= 6
    assert "nobody can greet whom it does not know" in words
    assert "business" in words


def test_what_does_not_fit_is_refused_with_its_place_and_what_fits_is_taken(printed: dict[str, str]) -> None:
    words = printed["Redrive"]

    assert "unfit.json" in words
    assert "does not fit the input_schema" in words
    assert " redriven" in words


def test_one_is_discarded_with_a_reason(printed: dict[str, str]) -> None:
    assert printed["Discard"].strip().endswith(" discarded")


def test_many_are_told_one_by_one_and_counted(printed: dict[str, str]) -> None:
    words = printed["Many"]

    assert words.count("would be discarded\n") == 5  # each, and all together
    assert "4 would be discarded" in words
    assert "4 redriven" in words


def test_the_gateway_serves_every_call(printed: dict[str, str]) -> None:
    shown, redriven, many, discarded = map(json.loads, printed["Over REST"].splitlines())

    assert (shown["kind"], shown["state"], shown["input"]) == ("TASK", "WAITING", {"name": ""})
    assert shown["attempts"][0]["message"] == "nobody can greet whom it does not know"
    assert redriven["state"] == "REDRIVEN"
    assert {each["result"] for each in many["outcomes"]} == {"WOULD_BE_DONE"}
    assert {each["result"] for each in discarded["outcomes"]} == {"DONE"}
    assert discarded["left"] == "0"


@pytest.mark.usefixtures("printed")
def test_the_python_client_does_the_same(whole_mesh: Any, place: Path) -> None:
    said = said_by_python(GUIDE, whole_mesh, place)

    assert "nobody can greet" in said
    assert "Good evening, Mary!" in said


def test_an_input_is_edited_in_the_editor_that_is_set(whole_mesh: Any, place: Path) -> None:
    def archwright(*words: str, editor: str = "true") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).with_name("archwright")), *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=place,
            env=environment(whole_mesh) | {"EDITOR": editor},
            timeout=SECONDS_MAX,
        )

    archwright("run", "evening", "--input", "guest.json", "--watch")
    listed = archwright("dead-letters", "list", "--filter", "definition_name = evening", "--json")
    letter = json.loads(listed.stdout)[0]["letter_id"]

    unchanged = archwright("dead-letters", "redrive", letter, "--edit")
    missing = archwright("dead-letters", "redrive", letter, "--edit", editor="no-such-editor")
    changed = archwright("dead-letters", "redrive", letter, "--edit", editor="""sed -i 's/""/"Joan"/'""")

    assert (unchanged.returncode, missing.returncode) == (2, 2)
    assert "was not changed" in unchanged.stderr
    assert "cannot be started" in missing.stderr
    assert changed.stdout.strip() == f"{letter} redriven"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("redrive",), "Which?"),
        (("discard", "letter_1", "--all"), "not both"),
        (("redrive", "--all", "--edit"), "for one dead letter"),
        (("list", "--filter", "colour = red"), "cannot ask for 'colour'"),
    ],
)
def test_what_is_not_clear_is_refused(whole_mesh: Any, place: Path, words: tuple[str, ...], told: str) -> None:
    done = whole_mesh.archwright("dead-letters", *words, folder=place)

    assert done.returncode == 2
    assert told in " ".join(done.stderr.split())


def test_what_is_not_there_is_not_found(whole_mesh: Any, place: Path) -> None:
    done = whole_mesh.archwright("dead-letters", "show", "letter_1", folder=place)

    assert done.returncode == 3
    assert "dead-letters list" in " ".join(done.stderr.split())
