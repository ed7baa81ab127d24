"""A review of the whole: what the roles wrote down, and the rules across the designs that do not hold."""

from __future__ import annotations

from collections.abc import Mapping

from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.draft import Draft
from services.agents.reviewing import conclude
from services.agents.roles.solution_architect import consistency
from services.agents.roles.solution_architect.sources import Sources

_DESIGNS = ("requirements", "business", "application", "infrastructure")


def review(outputs: Mapping[str, AgentOutput]) -> AgentOutput:
    """Return the review of all deliverables at hand, by their keys."""
    draft = Draft("solution_architect", "review", "RV", list(outputs.values()))
    if not outputs:
        draft.missing("requirements", "there is nothing to review.")
    elif "solution" not in outputs:
        _check(draft, outputs)
    found = [("review", finding) for finding in draft.output.findings]
    found += [(key, finding) for key, output in outputs.items() for finding in output.findings]
    questions = sum(len(output.open_questions) for output in outputs.values())
    conclude(draft.output, found, questions=questions, deliverables=len(outputs))
    return draft.output


def _check(draft: Draft, outputs: Mapping[str, AgentOutput]) -> None:
    """Hold the designs against each other; a solution architecture would have brought these findings along."""
    absent = [key for key in _DESIGNS if key not in outputs]
    for key in absent:
        draft.missing(key, "the rules across the designs were not checked.")
    if absent:
        return
    for check in consistency.report(Sources.of(*(outputs[key] for key in _DESIGNS))):
        if not check.passed:
            draft.finding(Finding.WARNING, check.rule_id, f"Not true: {check.description}.", check.subjects)
