"""A role's output in the making: one place that numbers, deduplicates and refuses dangling relations.

The decision to know: a relation whose other end was made by an earlier role is added only when that role's output is
there, so a role that works with less input still returns a sound model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from archwright.agents.v1.model_pb2 import Assumption, Finding, ModelOp, Question, Trace
from archwright.agents.v1.output_pb2 import AgentOutput, OutputProvenance

SCHEMA_VERSION = 1
RULES_VERSION = "1"
KNOWLEDGE_VERSION = "1"


def element_id(item_id: str) -> str:
    """Return the id in the model of the element that stands for a deliverable's item."""
    return f"id-{item_id.lower()}"


@dataclass(slots=True)
class Draft:
    """Everything of an `AgentOutput` except the deliverable, while a role fills it."""

    agent_type: str
    task_type: str
    prefix: str
    """The role's letters in ids such as `ASM-AA-01`."""
    earlier: Sequence[AgentOutput | None]
    output: AgentOutput = field(init=False)
    _known: set[str] = field(init=False)
    _ids: set[str] = field(init=False)
    _traces: set[tuple[str, str, int]] = field(init=False)

    def __post_init__(self) -> None:
        present = [output for output in self.earlier if output is not None]
        self._known = {op.id for output in present for op in output.model_ops if op.op == ModelOp.ADD_ELEMENT}
        self._ids = {op.id for output in present for op in output.model_ops}
        self._traces = set()
        self.output = AgentOutput(
            agent_type=self.agent_type,
            task_type=self.task_type,
            schema_version=SCHEMA_VERSION,
            request_id=next((output.request_id for output in present if output.request_id), ""),
            mode=AgentOutput.DETERMINISTIC,
            provenance=OutputProvenance(rules_version=RULES_VERSION, kb_version=KNOWLEDGE_VERSION),
        )

    def missing(self, key: str, consequence: str) -> None:
        """Say that an input is not there, and what the output lacks because of it."""
        self.output.degraded = True
        self.finding(Finding.WARNING, "INPUT_MISSING", f"The input {key!r} is missing: {consequence}", [key])

    def element(self, item_id: str, element: ModelOp) -> None:
        """Add the element that stands for an item: type, name, layer and why; a second one is ignored."""
        identifier = element_id(item_id)
        if identifier in self._ids:
            return
        self._ids.add(identifier)
        self._known.add(identifier)
        element.op = ModelOp.ADD_ELEMENT
        element.id = identifier
        self.output.model_ops.append(element)

    def relation(self, concept: str, source: str, target: str, *, rationale: str = "", access: str = "") -> None:
        """Relate two items, given both are in the model; a repetition is ignored."""
        source_id, target_id = element_id(source), element_id(target)
        identifier = f"id-{concept.lower()}-{source.lower()}-{target.lower()}"
        if source_id not in self._known or target_id not in self._known or identifier in self._ids:
            return
        self._ids.add(identifier)
        self.output.model_ops.add(
            op=ModelOp.ADD_RELATION,
            id=identifier,
            type=concept,
            props={"access_type": access} if access else {},
            source_id=source_id,
            target_id=target_id,
            rationale=rationale,
            trace_ids=[source, target],
        )

    def trace(self, from_id: str, to_id: str, kind: Trace.Kind.ValueType) -> None:
        """Link two items, once."""
        key = (from_id, to_id, int(kind))
        if key not in self._traces:
            self._traces.add(key)
            self.output.traces.add(from_id=from_id, to_id=to_id, kind=kind)

    def assume(self, assumption: Assumption) -> str:
        """Record an assumption, give it its id and return that."""
        assumption.id = f"ASM-{self.prefix}-{len(self.output.assumptions) + 1:02d}"
        self.output.assumptions.append(assumption)
        return assumption.id

    def ask(self, text: str, about: str, default: str) -> None:
        """Record an open question and what holds until it is answered."""
        identifier = f"Q-{self.prefix}-{len(self.output.open_questions) + 1:02d}"
        self.output.open_questions.append(Question(id=identifier, text=text, about=about, default_assumption=default))

    def finding(
        self, severity: Finding.Severity.ValueType, code: str, message: str, subjects: Iterable[str] = ()
    ) -> None:
        """Record what a reader of the deliverable should know."""
        self.output.findings.add(severity=severity, code=code, message=message, subject_ids=list(subjects))
