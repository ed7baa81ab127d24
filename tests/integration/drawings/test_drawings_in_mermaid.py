"""Mermaid itself reads our drawings, and finds in them what the definitions say.

Mermaid and the Node.js that it takes are fetched by `make test` into `.venv-mermaid`, as `package-lock.json` has them.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from random_definitions import sound_definitions

from archwright.language.bodies import bodies_of
from archwright.language.builtin import builtin_definitions
from archwright.language.check import load
from archwright.language.draw import draw
from archwright.language.model import Definition

ROOT = Path(__file__).parents[3]
MERMAID = ROOT / ".venv-mermaid"
GUIDE = (ROOT / "docs/language.md").read_text("utf-8")
SCRIPT = Path(__file__).with_name("read_drawings.mjs").read_text("utf-8")
SECONDS_MAX = 120
DRAWN = 100
ENDS = {"start", "finish"}
_ESCAPED = re.compile("\ufb02\u00b0\u00b0(\\d+)\u00b6\u00df")
"""A letter that we escaped, as Mermaid keeps it until it draws it."""

Read = Callable[[Sequence[str]], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def read() -> Read:
    """Have Mermaid read drawings."""
    if not (MERMAID / "ready").exists():
        pytest.skip("Mermaid is not here; `make .venv-mermaid/ready` fetches it")

    def ask(drawings: Sequence[str]) -> list[dict[str, Any]]:
        # Given as text, for then Node.js looks for modules where it is started.
        command = [str(MERMAID / "bin/node"), "--input-type=module", "--eval", SCRIPT]
        done = subprocess.run(
            command,
            input=json.dumps(list(drawings)),
            cwd=MERMAID,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found

    return ask


def shown(label: str) -> str:
    """Return a label as Mermaid shows it."""
    return _ESCAPED.sub(lambda found: chr(int(found[1])), label)


def names_of(definition: Definition) -> list[str]:
    return sorted(step.name for body in bodies_of(definition) for step in body.steps)


def assert_is_drawn(definition: Definition, found: dict[str, Any]) -> None:
    """See that every step is a node or a box of its own, and every line leads from one to another."""
    assert "error" not in found, found["error"]
    boxes = {box: title for box, title, _ in found["boxes"]}
    nodes = {node: text for node, text in found["nodes"] if node not in boxes and node not in ENDS}
    labels = {**nodes, **{box: title for box, title in boxes.items() if re.fullmatch(r"s\d+", box)}}
    assert sorted(shown(label).split("<br>")[0].split("<br/>")[0] for label in labels.values()) == names_of(definition)
    assert {end for line in found["edges"] for end in line[:2]} <= {*nodes, *boxes, *ENDS}


def test_mermaid_finds_what_is_no_drawing(read: Read) -> None:
    wrong, nothing = read(["flowchart TD\n  a[[\n", "nothing at all"])

    assert "Parse error" in wrong["error"]
    assert "No diagram type detected" in nothing["error"]


def test_mermaid_reads_the_drawings_of_what_comes_with_archwright_and_of_the_guide(read: Read) -> None:
    sources = [*builtin_definitions().values(), *re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)]
    definitions = [load(source) for source in sources]

    for definition, found in zip(definitions, read([draw(each) for each in definitions]), strict=True):
        assert_is_drawn(definition, found)


def test_mermaid_reads_the_drawing_of_any_definition(read: Read) -> None:
    definitions: list[Definition] = []

    @seed(1)
    @settings(max_examples=DRAWN, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(sound_definitions())
    def keep(definition: Definition) -> None:
        definitions.append(definition)

    keep()
    for definition, found in zip(definitions, read([draw(each) for each in definitions]), strict=True):
        assert_is_drawn(definition, found)


def test_no_letter_of_a_label_is_syntax_to_mermaid(read: Read) -> None:
    odd = """"]))|}>--> end subgraph %%{init: {}}%% `md` <b>&amp;</b> #35; ;\\"""
    definition = load(json.dumps({"name": "odd", "steps": [{"name": "a", "agent": "x", "when": f"name == {odd!r}"}]}))
    [found] = read([draw(definition)])

    assert_is_drawn(definition, found)
    [label] = [text for node, text in found["nodes"] if node not in ENDS]
    assert shown(label).startswith("a<br>x<br>when name == '\"]))|}>--> end subgraph %%{init")
