"""The whole chain on requests of many trades, each carried once."""

from __future__ import annotations

import pytest
from role_chain import REQUESTS, example, outputs_of

from archwright.agents.v1.output_pb2 import AgentOutput

TEXTS = REQUESTS | {name: example(name)["request"] for name in ("claims-platform", "grocery-delivery")}

Outputs = dict[str, AgentOutput]


@pytest.fixture(scope="package", params=TEXTS)
async def carried_text(request: pytest.FixtureRequest) -> tuple[str, Outputs]:
    """A request's text, and what each role made of it."""
    text = TEXTS[request.param]
    return text, await outputs_of(text)


@pytest.fixture
def text(carried_text: tuple[str, Outputs]) -> str:
    return carried_text[0]


@pytest.fixture
def outputs(carried_text: tuple[str, Outputs]) -> Outputs:
    return carried_text[1]
