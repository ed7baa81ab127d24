"""One fault put into a right output: the check that is there for it says so, and names what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

import pytest
from role_chain import HOSPITAL, STEPS, outputs_of

from archwright.agents.v1.model_pb2 import ModelOp, Source
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.errors import PayloadInvalid
from services.agents.validation import schema
from services.agents.validation.given import Given
from services.agents.validation.judge import complaints

Break = Callable[[AgentOutput], object]
ROLE_OF = {key: agent.agent_type for key, agent, _ in STEPS}
KEYS = list(ROLE_OF)


@pytest.fixture(scope="module")
async def right() -> Mapping[str, AgentOutput]:
    return await outputs_of(HOSPITAL)


def found_in(right: Mapping[str, AgentOutput], key: str, breaking: Break) -> set[str]:
    """Return the codes of the complaints about one output that `breaking` has spoilt."""
    broken = AgentOutput()
    broken.CopyFrom(right[key])
    breaking(broken)
    check = import_module(f"services.agents.roles.{ROLE_OF[key]}.checks").check
    earlier = {name: right[name] for name in KEYS[: KEYS.index(key)]}
    return {one.code for one in complaints(broken, Given(HOSPITAL, earlier), check)}


def set_(path: str, value: object) -> Break:
    """Return what sets a field: `requirements.requirements.0.statement`."""

    def breaking(output: AgentOutput) -> None:
        *way, last = path.split(".")
        there: object = output
        for part in way:
            there = there[int(part)] if part.isdecimal() else getattr(there, part)  # type: ignore[index]
        setattr(there, last, value)

    return breaking


def without(path: str) -> Break:
    """Return what clears a field."""

    def breaking(output: AgentOutput) -> None:
        *way, last = path.split(".")
        there: object = output
        for part in way:
            there = there[int(part)] if part.isdecimal() else getattr(there, part)  # type: ignore[index]
        there.ClearField(last)  # type: ignore[attr-defined]

    return breaking


def invent(output: AgentOutput) -> None:
    one = next(each for each in output.requirements.requirements if each.basis == Source.EXPLICIT)
    one.statement = "The system serves 987654 patients."


def illegal(output: AgentOutput) -> None:
    goal = output.model_ops.add(op=ModelOp.ADD_ELEMENT, id="id-goal-x", type="Goal", name="X")
    other = output.model_ops.add(op=ModelOp.ADD_ELEMENT, id="id-node-x", type="Node", name="X")
    output.model_ops.add(
        op=ModelOp.ADD_RELATION, id="id-r-x", type="Composition", source_id=goal.id, target_id=other.id
    )


def dangling(output: AgentOutput) -> None:
    output.model_ops.add(op=ModelOp.ADD_RELATION, id="id-r-x", type="Serving", source_id="id-no", target_id="id-one")


def circle(output: AgentOutput) -> None:
    first, second = output.plan.activities[:2]
    first.predecessors.add(id=second.id)
    second.predecessors.add(id=first.id)


@pytest.mark.parametrize(
    ("key", "breaking", "code"),
    [
        ("requirements", set_("requirements.requirements.0.source.quote", "never said"), "QUOTE_UNTRUE"),
        ("requirements", set_("requirements.requirements.0.statement", " "), "STATEMENT_EMPTY"),
        ("requirements", set_("requirements.requirements.1.id", "REQ-F-001"), "ID_REPEATED"),
        ("requirements", set_("requirements.requirements.0.actor_id", "ACT-ghost"), "ID_UNKNOWN"),
        ("requirements", without("requirements.requirements.0.acceptance_criteria"), "CRITERION_MISSING"),
        ("requirements", without("requirements.requirements.0.basis"), "BASIS_MISSING"),
        ("requirements", invent, "NUMBER_INVENTED"),
        ("requirements", illegal, "RELATION_ILLEGAL"),
        ("requirements", dangling, "RELATION_DANGLES"),
        ("requirements", set_("model_ops.0.type", "Robot"), "ELEMENT_TYPE_UNKNOWN"),
        ("requirements", set_("model_ops.0.name", ""), "ELEMENT_UNNAMED"),
        ("business", without("business.processes.0.outcomes"), "PROCESS_INCOMPLETE"),
        ("business", set_("business.matrices.raci.0.accountable_id", ""), "NOBODY_ACCOUNTABLE"),
        ("business", set_("business.capabilities.0.level", 3), "CAPABILITY_LEVEL"),
        ("business", without("business.capabilities"), "CAPABILITY_MISSING"),
        ("application", without("application.components"), "NOT_REALISED"),
        ("application", set_("application.data_entities.0.owner_component_id", ""), "OWNER_MISSING"),
        ("application", set_("application.style.name", "spaghetti"), "STYLE_UNFOUNDED"),
        ("application", set_("application.style.score_table.0.total", 1e9), "POINTS_UNTRUE"),
        ("infrastructure", without("infrastructure.nodes"), "NOT_HOSTED"),
        ("infrastructure", set_("infrastructure.nodes.0.qty", 0), "QUANTITY_MISSING"),
        ("infrastructure", set_("infrastructure.availability.computed", 99.99999), "AVAILABILITY_UNTRUE"),
        ("solution", set_("solution.decisions.0.chosen", "a wish"), "CHOICE_UNKNOWN"),
        ("solution", without("solution.decisions.0.drivers"), "DRIVER_MISSING"),
        ("solution", without("solution.rtm"), "NOT_TRACED"),
        ("plan", circle, "PLAN_CIRCULAR"),
        ("plan", set_("plan.project_duration_days", 1), "END_UNTRUE"),
        ("plan", set_("plan.activities.0.expected_hours", 1e6), "HOURS_UNTRUE"),
        ("plan", set_("plan.wbs.0.hours", 1e6), "SUM_UNTRUE"),
        ("plan", set_("plan.risks.0.score", 99), "SCORE_UNTRUE"),
        ("plan", set_("plan.risks.0.action", ""), "RISK_UNANSWERED"),
        ("finance", set_("finance.tco.total_cents", 1), "SUM_UNTRUE"),
        ("finance", set_("finance.build_costs.0.amount_cents", 1), "AMOUNT_UNTRUE"),
        ("finance", set_("finance.npv.value_cents", 1), "WORTH_UNTRUE"),
        ("finance", without("finance.infra_costs.environments"), "NODE_UNPRICED"),
        ("scaffold", set_("scaffold.files.0.path", "../escape"), "PATH_ESCAPES"),
        ("scaffold", without("scaffold.test_map"), "NOT_PROVED"),
        ("scaffold", set_("scaffold.test_map.0.test_path", "nowhere.py"), "TEST_MISSING"),
    ],
)
def test_a_fault_is_found(right: Mapping[str, AgentOutput], key: str, breaking: Break, code: str) -> None:
    assert code in found_in(right, key, breaking)


@pytest.mark.parametrize(
    ("content", "code"),
    [("def broken(:", "NOT_PYTHON"), ('password = "hunter2hunter2"', "SECRET"), ("x = 1", "HASH_UNTRUE")],
)
def test_a_fault_in_a_file_is_found(right: Mapping[str, AgentOutput], content: str, code: str) -> None:
    def breaking(output: AgentOutput) -> None:
        output.scaffold.files.add(path="extra.py", content=content, sha256="0" * 64)

    assert code in found_in(right, "scaffold", breaking)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], "JSON object, not list"),
        ({"requirements": {"requirments": []}}, "requirments"),
        ({"mode": "GUESSING"}, "GUESSING"),
        ({"requirements": {"requirements": [{"confidence": "very"}]}}, "confidence"),
    ],
)
def test_json_that_is_no_output_is_refused_by_its_field(document: object, told: str) -> None:
    with pytest.raises(PayloadInvalid, match=told):
        schema.read(document)
