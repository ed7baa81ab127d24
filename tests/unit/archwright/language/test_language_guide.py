"""The guide's examples are definitions, and its tables are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archwright.language.check import load
from archwright.language.faults import FUNCTIONS, MACROS
from archwright.language.plan import compile  # noqa: A004  # the language's word
from archwright.language.vocabulary import DEFINITION, RETRY_POLICY, STEP

GUIDE = (Path(__file__).parents[4] / "docs" / "language.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
FIRST_WORDS = dict.fromkeys(re.findall(r"`(\w+)", GUIDE))


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_may_be_published(example: str) -> None:
    compile(load(example))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("word", sorted({*DEFINITION.known, *STEP.known, *STEP.aliases}))
def test_every_field_is_told(word: str) -> None:
    assert word in FIRST_WORDS


@pytest.mark.parametrize("word", sorted({*RETRY_POLICY.known}))
def test_every_field_of_a_retry_policy_is_shown(word: str) -> None:
    assert f"{word}: " in GUIDE


@pytest.mark.parametrize("word", sorted({word for word in FUNCTIONS if not word.startswith("get")} | {*MACROS}))
def test_every_function_is_told(word: str) -> None:
    assert word in FIRST_WORDS
