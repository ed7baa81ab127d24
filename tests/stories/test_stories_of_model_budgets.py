"""What language models took is added up over a workflow, and what is left is told to each task."""

from __future__ import annotations

import pytest
from story import Story

from archwright.language.model import ModelBudget
from archwright.payloads import Json
from services.engine.assignments import left_of
from services.engine.domain.commands import CompleteTask

TWO = """
name: two
model_budget: {tokens: 1000, cost_cents: 5}
steps: [{name: a, agent: writer}, {name: b, agent: writer}]
"""


def done(story: Story, step: str, **usage: Json) -> None:
    story.when(CompleteTask(story.now, story.task(step), 1, "a1", {}, usage=usage))


def test_what_tasks_took_adds_up() -> None:
    story = Story.begun(TWO)

    done(story, "a", input_tokens=300, output_tokens=50, cost_micros=1200)
    done(story, "b", input_tokens=100, output_tokens=10, cost_micros=300)

    assert (story.workflow.spent_tokens, story.workflow.spent_micros) == (460, 1500)


@pytest.mark.parametrize("told", [{}, {"input_tokens": -5}, {"input_tokens": "many"}])
def test_figures_that_are_none_count_for_nothing(told: dict[str, Json]) -> None:
    story = Story.begun(TWO)

    done(story, "a", **told)

    assert story.workflow.spent_tokens == 0


def test_what_is_left_is_never_less_than_nothing() -> None:
    limit = ModelBudget(tokens=1000, cost_cents=5)

    assert left_of(limit, 400, 20_000) == (600, 30_000)
    assert left_of(limit, 1400, 90_000) == (0, 0)
    assert left_of(ModelBudget(tokens=1000), 400, 20_000) == (600, None)
