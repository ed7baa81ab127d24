"""Definitions as pictures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archwright.errors import DefinitionInvalid
from archwright.language.bodies import bodies_of
from archwright.language.builtin import builtin_definitions
from archwright.language.check import load
from archwright.language.draw import draw
from archwright.language.parse import parse

GUIDE = (Path(__file__).parents[4] / "docs" / "language.md").read_text("utf-8")
DEFINITIONS = [
    *builtin_definitions().values(),
    *re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE),
]


def test_steps_are_joined_by_what_leads_from_one_to_the_other() -> None:
    text = """
    name: x
    steps:
      - name: review
        agent: clerk
        conditions: [{if: amount > 10, next: end}]
        else: pay
      - {name: pay, agent: payer, capability: payments, when: amount != 0}
    """

    assert draw(load(text)) == (
        "flowchart TD\n"
        "  start((start))\n"
        '  s0["review<br/>clerk"]\n'
        '  s1["pay<br/>payer with payments<br/>when amount != 0"]\n'
        '  s0 -->|"amount #62; 10"| finish\n'
        '  s0 -->|"else"| s1\n'
        "  s1 --> finish\n"
        "  finish((end))\n"
        "  start --> s0\n"
    )


def test_steps_that_hold_others_are_boxes_around_them() -> None:
    text = """
    name: x
    steps:
      - name: layers
        parallel: {join: any, branches: {one: [{name: a, agent: x}], two: [{name: b, wait: {seconds: 5}}]}}
        fallback: {agent: y}
    """

    assert draw(load(text)) == (
        "flowchart TD\n"
        "  start((start))\n"
        '  subgraph s0["layers<br/>1 of 2"]\n'
        '    subgraph s0_0["one"]\n'
        '      s1["a<br/>x"]\n'
        "    end\n"
        '    subgraph s0_1["two"]\n'
        '      s2(["b<br/>waits 5 s"])\n'
        "    end\n"
        "  end\n"
        '  s3["layers_fallback<br/>y"]\n'
        '  s0 -. "fallback" .-> s3\n'
        "  s0 --> finish\n"
        "  finish((end))\n"
        "  start --> s0\n"
    )


def test_all_that_begins_at_once_is_joined_to_the_start_and_to_what_waits_for_it() -> None:
    text = """
    name: x
    steps:
      - {name: a, agent: x, parallel_execution: true}
      - {name: b, agent: x, parallel_execution: true}
      - {name: c, agent: x}
    """
    lines = {line.strip() for line in draw(load(text)).splitlines()}

    assert {"start --> s0", "start --> s1", "s0 --> s2", "s1 --> s2", "s2 --> finish"} <= lines


def test_nothing_in_a_label_is_syntax() -> None:
    text = """
    name: x
    steps:
      - name: a
        agent: x
        when: 'kind == "]; end <script>`#%%"'
      - {name: b, agent: x, when: "kind == 'b' ||\\n kind == 'c'"}
    """
    shown = draw(load(text))

    assert "when kind == #34;]#59; end #60;script#62;#96;#35;#37;#37;#34;" in shown
    assert "when kind == 'b' || kind == 'c'" in shown
    assert "<script>" not in shown


def test_a_long_label_is_cut() -> None:
    shown = draw(load(f"name: x\nsteps: [{{name: a, agent: x, when: \"kind == '{'y' * 500}'\"}}]"))

    assert max(len(line) for line in shown.splitlines()) < 120


@pytest.mark.parametrize("text", DEFINITIONS)
def test_every_step_is_drawn_once_and_every_box_is_closed(text: str) -> None:
    definition = load(text)
    shown = draw(definition)
    names = [step.name for body in bodies_of(definition) for step in body.steps]

    for name in names:
        assert len(re.findall(rf'"{name}<br/>', shown)) == 1
    assert len(re.findall(r"^ *subgraph ", shown, re.MULTILINE)) == len(re.findall(r"^ *end$", shown, re.MULTILINE))
    drawn = {*re.findall(r"^ *(?:subgraph )?(s\d+)\W", shown, re.MULTILINE)}
    assert {*re.findall(r"\b(s\d+)$", shown, re.MULTILINE)} <= drawn


def test_a_definition_that_leads_nowhere_is_not_drawn() -> None:
    with pytest.raises(DefinitionInvalid, match="there is no step 'b'"):
        draw(parse("name: x\nsteps: [{name: a, agent: x, next: b}]"))
