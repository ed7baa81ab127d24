"""The language model that this process was told to use, and a task's work given to it."""

from __future__ import annotations

import time
from functools import cache

from archwright import Task
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.inputs import all_given, wish
from services.agents.llm.port import Allowance, LanguageModel
from services.agents.llm.refining import refine
from services.agents.llm.settings import ModelSettings, load
from services.agents.role import Role
from services.agents.validation.given import Given

RESERVE_SECONDS = 5.0
"""What is left of a task's time once the model is through with it."""
_MICROS = 1_000_000


@cache
def chosen() -> tuple[LanguageModel, ModelSettings] | None:
    """Return the model that the settings name, None for rules alone; raises RequestInvalid."""
    settings = load()
    if not settings.name:
        return None
    from services.agents.llm.provider import model_of  # noqa: PLC0415 - most roles never talk to a model

    model = model_of(settings)
    from services.agents.llm.conversation import Prices, PydanticAiModel  # noqa: PLC0415

    prices = None
    if settings.input_price is not None and settings.output_price is not None:
        prices = Prices(settings.input_price, settings.output_price)
    return PydanticAiModel(model, turn_seconds=settings.turn_seconds, prices=prices), settings


async def refined(task: Task, output: AgentOutput, role: Role) -> AgentOutput:
    """Return a task's output, refined where a language model is set up for it, and account for what that took."""
    found = chosen()
    if found is None:
        return output
    model, settings = found
    await task.progress(50, f"{model.name} looks at the draft")
    earlier = {key: one for key, one in all_given(task.input).items() if key != role.key}
    done = await refine(output, role, Given(wish(task.input), earlier), model, _allowance(task, settings))
    task.add_usage(
        model.name,
        input_tokens=done.spent.input_tokens,
        output_tokens=done.spent.output_tokens,
        cost_micros=done.spent.cost_micros,
    )
    return done.output


def _allowance(task: Task, settings: ModelSettings) -> Allowance:
    """Return the least of what the settings, the task's time and the workflow's budget allow."""
    seconds, tokens = settings.seconds, settings.tokens
    cost = None if settings.usd is None else round(settings.usd * _MICROS)
    if task.deadline is not None:
        seconds = min(seconds, task.deadline.timestamp() - time.time() - RESERVE_SECONDS)
    if task.budget is not None:
        tokens = tokens if task.budget.tokens is None else min(tokens, task.budget.tokens)
        if task.budget.cost_micros is not None:
            cost = task.budget.cost_micros if cost is None else min(cost, task.budget.cost_micros)
    return Allowance(seconds, tokens, cost)
