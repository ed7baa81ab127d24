"""A review: what the deliverables at hand say is wrong with them, gathered, ordered and judged.

It designs nothing. Every finding is one that a role wrote down, with that role's name; the verdict follows from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput


def review(outputs: Mapping[str, AgentOutput]) -> dict[str, Any]:
    """Return the findings of these deliverables, the worst first, and a verdict: `sound`, `mendable` or `unsound`."""
    findings = [
        {
            "severity": Finding.Severity.Name(found.severity),
            "code": found.code,
            "message": found.message,
            "subject_ids": list(found.subject_ids),
            "deliverable": key,
            "agent_type": output.agent_type,
        }
        for key, output in outputs.items()
        for found in output.findings
    ]
    findings.sort(key=lambda found: (-Finding.Severity.Value(str(found["severity"])), str(found["code"])))
    errors = sum(found["severity"] == "ERROR" for found in findings)
    warnings = sum(found["severity"] == "WARNING" for found in findings)
    verdict = "unsound" if errors else "mendable" if warnings else "sound"
    questions = sum(len(output.open_questions) for output in outputs.values())
    return {
        "verdict": verdict,
        "findings": findings,
        "title": "Architecture review",
        "summary": [
            f"{verdict}: {errors} errors and {warnings} warnings in {len(outputs)} deliverables",
            f"{len(findings)} findings in all, {questions} open questions",
        ],
        "figures": {"errors": errors, "warnings": warnings, "findings": len(findings)},
    }
