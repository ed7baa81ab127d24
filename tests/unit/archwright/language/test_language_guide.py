"""The guide's examples are definitions, and its tables are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archwright.language.check import load
from archwright.language.faults import FUNCTIONS, MACROS
from archwright.language.plan import compile  # noqa: A004  # the language's word
from archwright.language.shapes import AnyOf, Nested, NestedList, Words
from archwright.language.words import CONDITION, DEFINITION
from archwright.language.words_of_steps import KINDS, STEP

GUIDE = (Path(__file__).parents[4] / "docs" / "language.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
FIRST_WORDS = dict.fromkeys(re.findall(r"`(\w+)", GUIDE))


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_may_be_published(example: str) -> None:
    compile(load(example))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


def test_there_is_an_example_of_every_kind_of_step() -> None:
    assert {kind for kind in KINDS if any(re.search(rf"\b{kind}:", example) for example in EXAMPLES)} == {*KINDS}


def all_words() -> dict[str, Words]:
    """Return every kind of mapping of the language, by its owner."""
    found: dict[str, Words] = {}
    waiting = [DEFINITION, CONDITION, *STEP.values()]
    while waiting:
        words = waiting.pop()
        if words.owner in found and words.owner != "a step":
            continue
        found[words.owner] = words
        for field in words.fields.values():
            shapes = field.shape.shapes if isinstance(field.shape, AnyOf) else (field.shape,)
            waiting.extend(shape.words for shape in shapes if isinstance(shape, Nested | NestedList))
    return found


FIELDS = {
    *(word for words in (*all_words().values(), *STEP.values()) for word in (*words.known, *words.aliases)),
}


@pytest.mark.parametrize("word", sorted(FIELDS))
def test_every_field_is_told(word: str) -> None:
    assert word in FIRST_WORDS or re.search(rf"\b{word}: ", GUIDE)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_makes_a_definition_that_may_be_published(program: str) -> None:
    made: dict[str, object] = {}
    exec(program, made)  # our own guide
    text = made["text"]
    assert isinstance(text, str)

    assert load(text) == made["definition"]


@pytest.mark.parametrize("word", sorted({word for word in FUNCTIONS if not word.startswith("get")} | {*MACROS}))
def test_every_function_is_told(word: str) -> None:
    assert word in FIRST_WORDS
