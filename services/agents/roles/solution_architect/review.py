"""A review: what is wrong with the deliverables at hand, gathered, ordered and judged.

It designs nothing. A finding is one that a role wrote down, or a rule across the designs that does not hold; the
verdict follows from them alone. It is as blind as they are: what no role looks for is not found here either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.deliverables import to_json
from services.agents.draft import Draft
from services.agents.roles.solution_architect import consistency
from services.agents.roles.solution_architect.sources import Sources

_DESIGNS = ("requirements", "business", "application", "infrastructure")


def review(outputs: Mapping[str, AgentOutput]) -> dict[str, Any]:
    """Return an agent's output whose findings are those of all deliverables, the worst first, and a verdict.

    The verdict is `unsound` with errors, `mendable` with warnings, `open` where only questions remain, `sound` where
    nothing does, and `unknown` where there was nothing to look at.
    """
    draft = Draft("solution_architect", "review", "RV", list(outputs.values()))
    if not outputs:
        draft.missing("requirements", "there is nothing to review.")
    elif "solution" not in outputs:
        _check(draft, outputs)
    found = [("review", finding) for finding in draft.output.findings]
    found += [(key, finding) for key, output in outputs.items() for finding in output.findings]
    found.sort(key=lambda one: (-one[1].severity, one[1].code))
    errors = sum(finding.severity == Finding.ERROR for _, finding in found)
    warnings = sum(finding.severity == Finding.WARNING for _, finding in found)
    questions = sum(len(output.open_questions) for output in outputs.values())
    verdict = _verdict(errors, warnings, questions) if outputs else "unknown"
    figures = {"errors": errors, "warnings": warnings, "findings": len(found), "open_questions": questions}
    del draft.output.findings[:]
    draft.output.findings.extend(finding for _, finding in found)
    draft.output.metrics.update(figures)
    output = to_json(draft.output)
    output["findings"] = [
        {**told, "deliverable": key} for told, (key, _) in zip(output.get("findings", []), found, strict=True)
    ]
    return output | {
        "verdict": verdict,
        "title": "Architecture review",
        "summary": [
            f"{verdict}; errors: {errors}, warnings: {warnings}, open questions: {questions}",
            f"deliverables: {len(outputs)}, findings in all: {len(found)}",
        ],
        "figures": figures,
    }


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


def _verdict(errors: int, warnings: int, questions: int) -> str:
    if errors:
        return "unsound"
    if warnings:
        return "mendable"
    return "open" if questions else "sound"
