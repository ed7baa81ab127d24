"""The report as Markdown: everything that matters in it, and nothing in it that breaks it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.roles.solution_architect.assembly import MARKDOWN, assemble

Outputs = Mapping[str, AgentOutput]
_BAR = re.compile(r"(?<!\\)\|")


def markdown_of(outputs: Outputs, request_input: Mapping[str, Any]) -> str:
    content, _ = assemble(outputs, request_input).files[MARKDOWN]
    return content.decode()


def is_sound(text: str) -> bool:
    """Return whether every table's rows have as many cells as its head."""
    head = 0
    for line in text.splitlines():
        bars = len(_BAR.findall(line)) if line.startswith("|") else 0
        if bars and head and bars != head:
            return False
        head = bars
    return True


def test_every_requirement_decision_and_question_is_in_it(outputs: Outputs, request_input: Mapping[str, Any]) -> None:
    text = markdown_of(outputs, request_input)

    assert text.startswith("# Claims platform\n")
    for requirement in outputs["requirements"].requirements.requirements:
        assert requirement.id in text
    for decision in outputs["solution"].solution.decisions:
        assert f"### {decision.id}: " in text
    for component in outputs["application"].application.components:
        assert component.name in text
    assert is_sound(text)


def test_the_chapters_are_those_of_arc42(outputs: Outputs, request_input: Mapping[str, Any]) -> None:
    numbers = re.findall(r"^## (\d+) ", markdown_of(outputs, request_input), re.MULTILINE)

    assert [int(number) for number in numbers] == list(range(1, 13))


@pytest.mark.parametrize(
    "text",
    ["a | b", "<script>alert(1)</script>", "**bold**", "[a](javascript:b)", "line\nbreak", "# heading", "`code`"],
)
def test_no_text_is_taken_for_a_mark(text: str, outputs: Outputs, request_input: Mapping[str, Any]) -> None:
    hostile = AgentOutput.FromString(outputs["requirements"].SerializeToString())
    hostile.requirements.requirements[0].statement = text

    found = markdown_of({**outputs, "requirements": hostile}, request_input)

    assert f"| {text} |" not in found
    assert re.sub(r"\\(.)", r"\1", " ".join(found.split())).count(" ".join(text.split())) >= 1
    assert is_sound(found)


def test_a_report_with_nothing_in_it_is_still_one() -> None:
    text = markdown_of({}, {"request": "Build an app"})

    assert "Not delivered: Requirements (business analyst), " in text
    assert is_sound(text)
