"""The published schema of the language says what its reader does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_definitions import definitions

from archwright.errors import DefinitionInvalid
from archwright.language.builtin import builtin_definitions
from archwright.language.document import document
from archwright.language.language_schema import DIALECT, language_schema, language_schema_text
from archwright.language.model import Definition, Json
from archwright.language.parse import parse
from archwright.language.read import read
from archwright.language.schema import validator
from archwright.language.tree import plain
from archwright.language.words import DEFINITION
from archwright.language.words_of_steps import LONE_STEP, STEP

SCHEMA = validator(language_schema())
DOCS = Path(__file__).parents[4] / "docs"
WRITTEN = [
    *builtin_definitions().values(),
    *re.findall(r"^```yaml\n(.*?)^```$", (DOCS / "language.md").read_text("utf-8"), re.DOTALL | re.MULTILINE),
]


def fits(value: Json) -> bool:
    return not SCHEMA.problems(value)


def fits_text(text: str) -> bool:
    return fits(plain(read(text)))


def is_read(text: str) -> bool:
    try:
        parse(text)
    except DefinitionInvalid:
        return False
    return True


def test_it_is_a_schema_of_a_known_dialect() -> None:
    assert language_schema()["$schema"] == DIALECT
    assert json.loads(language_schema_text()) == language_schema()


@pytest.mark.parametrize("text", WRITTEN)
def test_what_is_written_in_the_guide_and_built_in_fits(text: str) -> None:
    assert SCHEMA.problems(plain(read(text))) == ()


@given(definitions)
def test_whatever_may_be_read_fits(definition: Definition) -> None:
    text = json.dumps(document(definition))
    parse(text)

    assert SCHEMA.problems(json.loads(text)) == ()


@given(definitions, st.data())
def test_whatever_is_left_out_or_changed_is_refused_by_the_reader_if_by_the_schema(
    definition: Definition, data: st.DataObject
) -> None:
    """The schema may be the more lenient of the two, never the stricter one."""
    said = document(definition)
    step = data.draw(st.sampled_from(said["steps"]))
    word = data.draw(st.sampled_from(sorted(step)))
    if data.draw(st.booleans()):
        del step[word]
    else:
        step[word] = data.draw(
            st.sampled_from([None, 0, -1, 1.5, "", "x", "X y", "${x}", [], ["x"], {}, {"x": 1}, True])
        )

    assert fits(said) or not is_read(json.dumps(said))


@pytest.mark.parametrize(
    "step",
    [
        "agent_type: x, priority: HIGH, on_failure: Continue",
        "foreach: {items: xs, as: x, body: [{name: b, agent: x}]}",
        "approval: {approvers: ['role:x'], expires_after_seconds: 5}",
        "workflow: other",
        "workflow: {name: other}",
        "agent: x, conditions: [{if: x, next: end}, {else: end}]",
        "agent: x, fallback: {output: null}",
        "parallel: {join: any, branches: {a: [{name: b, capability: c}]}}",
    ],
)
def test_other_spellings_fit_too(step: str) -> None:
    text = f"workflow: {{name: x, steps: [{{step_id: a, {step}}}]}}"

    assert is_read(text)
    assert fits_text(text)


@pytest.mark.parametrize(
    "step",
    [
        "name: a",
        "agent: x",
        "name: A, agent: x",
        "name: a, agent: x, nxt: end",
        "name: a, agent: x, wait: {seconds: 5}",
        "name: a, agent: x, timeout_seconds: 0",
        "name: a, agent: x, priority: urgent",
        "name: a, set: {x: 1}, input: {}",
        "name: a, loop: {steps: [{name: b, agent: x}], until: x}",
        "name: a, foreach: {items: xs, as: x, steps: []}",
        "name: a, wait: {}",
        "name: a, approval: {approvers: [jane]}",
        "name: a, agent: x, fallback: {agent: y, next: end}",
    ],
)
def test_what_is_refused_by_the_reader_is_refused_by_the_schema_where_it_can_say_so(step: str) -> None:
    text = f"name: x\nsteps: [{{{step}}}]"

    assert not is_read(text)
    assert not fits_text(text)


def test_every_word_has_a_description() -> None:
    for words in (DEFINITION, *STEP.values(), *LONE_STEP.values()):
        for field in words.fields.values():
            assert re.fullmatch(r"[A-Z].*[.…]", field.about), field.about
