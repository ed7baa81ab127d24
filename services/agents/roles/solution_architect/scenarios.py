"""Quality scenarios: what happens, to what, and how one sees that the answer is good enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.model_pb2 import Fact
from archwright.agents.v1.solution_architect_pb2 import QualityScenario
from services.agents.knowledge.load import table
from services.agents.roles.solution_architect.sources import Sources

_SIGNS: Mapping[Fact.Op.ValueType, str] = {Fact.LT: "<", Fact.LE: "≤", Fact.EQ: "=", Fact.GE: "≥", Fact.GT: ">"}


@dataclass(frozen=True, slots=True)
class Wording:
    """How a characteristic is put to the test: who does what, when, and what the system does then."""

    source: str
    stimulus: str
    environment: str
    response: str


@dataclass(frozen=True, slots=True)
class Scenarios:
    """The wording for each characteristic of ISO/IEC 25010, and for any other."""

    characteristics: Mapping[str, Wording]
    other: Wording


def scenarios(sources: Sources) -> list[QualityScenario]:
    """Return a scenario for each quality that is to be met, in doubt where nothing measures or treats it."""
    return [_scenario(one, sources) for one in sources.qualities()]


def _scenario(requirement: Requirement, sources: Sources) -> QualityScenario:
    known = table("scenarios", Scenarios)
    words = known.characteristics.get(requirement.quality.iso25010, known.other)
    tactics = [one for one in sources.application.quality_tactics if one.req_id == requirement.id]
    names = {one.id: one.name for one in sources.application.components}
    treated = [names[each] for one in tactics for each in one.component_ids if each in names]
    measured = requirement.HasField("measure")
    return QualityScenario(
        req_id=requirement.id,
        source=words.source,
        stimulus=words.stimulus,
        environment=words.environment,
        artifact=", ".join(dict.fromkeys(treated)) or "The system",
        response=tactics[0].tactic if tactics else words.response,
        measure=_measure(requirement) if measured else "not measured yet: see the open questions",
        tactic_ids=list(dict.fromkeys(one.rule_id for one in tactics if one.rule_id)),
        risk=not measured or not tactics,
    )


def _measure(requirement: Requirement) -> str:
    measure = requirement.measure
    sign = _SIGNS.get(measure.op, "")
    return " ".join(part for part in (measure.metric, sign, f"{measure.value:g}", measure.unit) if part)
