"""What the roles make holds every check that a language model's work would be held to."""

from __future__ import annotations

from importlib import import_module

import pytest
from role_chain import STEPS

from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.deliverables import to_json
from services.agents.validation import schema
from services.agents.validation.given import Given
from services.agents.validation.judge import complaints

Outputs = dict[str, AgentOutput]
KEYS = [key for key, *_ in STEPS]


@pytest.mark.parametrize(("key", "role"), [(key, agent.agent_type) for key, agent, _ in STEPS])
def test_nothing_is_wrong_with_what_a_role_makes(outputs: Outputs, text: str, key: str, role: str) -> None:
    check = import_module(f"services.agents.roles.{role}.checks").check
    earlier = {name: outputs[name] for name in KEYS[: KEYS.index(key)]}

    found = complaints(outputs[key], Given(text, earlier), check)

    assert [(one.code, one.message) for one in found] == []


@pytest.mark.parametrize("key", KEYS)
def test_every_output_reads_as_the_contract_says(outputs: Outputs, key: str) -> None:
    assert schema.read(to_json(outputs[key])) == outputs[key]
