"""The port's adapter: any model that pydantic-ai can talk to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
from genai_prices import Usage, calc_price
from pydantic_ai import Agent, ModelRetry, ModelSettings, RunUsage, StructuredDict, UsageLimits
from pydantic_ai.exceptions import AgentRunError, RunTimedOut, UnexpectedModelBehavior, UsageLimitExceeded
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel

from services.agents.llm.port import REPAIRS_MAX, Allowance, Answer, Assignment, Document, Judge, ModelFailed, Spent

ANSWER_BYTES_MAX = 256 << 10
COMPLAINTS_TOLD_MAX = 20
_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for a million tokens, for a model whose prices the library does not know."""

    input: Decimal
    output: Decimal


class PydanticAiModel:
    """Asks a model, tells it what is wrong with its answers, and counts what that takes."""

    def __init__(self, model: Model[Any], *, turn_seconds: float, prices: Prices | None = None) -> None:
        self._model = model if prices is None else _Priced(model, prices)
        self._turn_seconds = turn_seconds
        self._is_priced = prices is not None or _is_known(model)

    @property
    def provider(self) -> str:
        """Who serves it."""
        return self._model.system

    @property
    def name(self) -> str:
        """Which it is."""
        return self._model.model_name

    async def answer(self, assignment: Assignment, judge: Judge, allowance: Allowance) -> Answer:
        """Return the first answer that holds; see the port."""
        if allowance.cost_micros is not None and not self._is_priced:
            raise ModelFailed(
                "MODEL_PRICE_UNKNOWN",
                f"Money is limited, and what {self.name} costs is not known. Set ARCHWRIGHT_MODEL_INPUT_PRICE and "
                "ARCHWRIGHT_MODEL_OUTPUT_PRICE.",
                Spent(),
            )
        usage = RunUsage()
        last: list[str] = []

        async def judged(document: Document) -> Document:
            last[:] = _complaints(document, judge)
            if last:
                raise ModelRetry("This does not hold:\n" + "\n".join(f"- {one}" for one in last))
            return document

        agent = Agent(
            self._model,
            output_type=StructuredDict(assignment.schema, name="Refinement"),
            instructions=assignment.instructions,
            retries={"output": REPAIRS_MAX},
            model_settings=ModelSettings(timeout=min(self._turn_seconds, allowance.seconds)),
        )
        agent.output_validator(judged)
        cost_limit = None if allowance.cost_micros is None else Decimal(allowance.cost_micros) / _MICROS
        limits = UsageLimits(request_limit=REPAIRS_MAX + 1, total_tokens_limit=allowance.tokens, cost_limit=cost_limit)
        try:
            async with asyncio.timeout(allowance.seconds), self._model:
                result = await agent.run(assignment.prompt, usage=usage, usage_limits=limits)
        except UsageLimitExceeded as error:
            raise ModelFailed("MODEL_BUDGET_SPENT", str(error), self._spent(usage)) from error
        except UnexpectedModelBehavior as error:
            told = "; ".join(last) or str(error)
            raise ModelFailed("MODEL_NOT_HELD", f"Its last answer did not hold: {told}", self._spent(usage)) from error
        except (TimeoutError, RunTimedOut) as error:
            message = f"It did not answer within {allowance.seconds:g} s."
            raise ModelFailed("MODEL_UNAVAILABLE", message, self._spent(usage)) from error
        except AgentRunError as error:
            raise ModelFailed("MODEL_UNAVAILABLE", str(error), self._spent(usage)) from error
        return Answer(dict(result.output), self._spent(usage))

    def _spent(self, usage: RunUsage) -> Spent:
        cost = round((usage.cost or 0) * _MICROS)
        return Spent(usage.input_tokens, usage.output_tokens, cost, self._is_priced)


class _Priced(WrapperModel):
    """A model whose prices we were told."""

    def __init__(self, model: Model[Any], prices: Prices) -> None:
        super().__init__(model)
        self._prices = prices

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Ask, and say what that cost."""
        response = await super().request(messages, model_settings, model_request_parameters)
        usage, prices = response.usage, self._prices
        usage.cost = (usage.input_tokens * prices.input + usage.output_tokens * prices.output) / _MICROS
        return response


def _is_known(model: Model[Any]) -> bool:
    """Whether the library knows what a model costs."""
    try:
        calc_price(Usage(input_tokens=1, output_tokens=1), model.model_name, provider_id=model.system)
    except LookupError:
        return False
    return True


def _complaints(document: Document, judge: Judge) -> list[str]:
    size = len(orjson.dumps(document))
    if size > ANSWER_BYTES_MAX:
        return [f"The answer has {size:,} bytes; the limit is {ANSWER_BYTES_MAX:,}. Change less."]
    found = list(judge(document))
    more = len(found) - COMPLAINTS_TOLD_MAX
    return [*found[:COMPLAINTS_TOLD_MAX], *([f"And {more} more like these."] if more > 0 else [])]
