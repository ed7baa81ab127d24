from __future__ import annotations

import json

import pytest

from archwright.agents.v1.accountant_pb2 import FinancialAssessment
from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.errors import PayloadInvalid
from services.agents.deliverables import from_json, to_json


def test_an_output_comes_back_as_it_was_written() -> None:
    output = AgentOutput(
        agent_type="accountant",
        finance=FinancialAssessment(currency="EUR", break_even_benefit_cents_per_year=2**60),
        findings=[Finding(severity=Finding.WARNING, code="BUDGET_TIGHT")],
        metrics={"lines": 2.0},
    )

    document = json.loads(json.dumps(to_json(output)))

    assert from_json(document) == output


def test_field_names_are_those_of_the_proto_and_enums_are_words() -> None:
    document = to_json(AgentOutput(agent_type="accountant", mode=AgentOutput.DETERMINISTIC))

    assert document == {"agent_type": "accountant", "mode": "DETERMINISTIC"}


def test_fields_of_a_newer_version_are_ignored() -> None:
    assert from_json({"agent_type": "accountant", "mood": "good"}).agent_type == "accountant"


@pytest.mark.parametrize("document", [[], "text", None, 3])
def test_what_is_no_object_is_refused(document: object) -> None:
    with pytest.raises(PayloadInvalid, match="JSON object"):
        from_json(document)


def test_a_field_of_the_wrong_kind_is_named() -> None:
    with pytest.raises(PayloadInvalid, match="findings"):
        from_json({"findings": "none"})
