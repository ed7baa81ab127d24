"""What every review is: findings gathered, the worst first, and a verdict that follows from them alone.

It is as blind as whoever looked: what no role and no check looks for is not found here either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.solution_architect_pb2 import Review
from archwright.payloads import Json
from services.agents.draft import Draft
from services.agents.inputs import all_given, wish
from services.agents.role import Role
from services.agents.validation.given import Given
from services.agents.validation.judge import complaints, complaints_within

Found: TypeAlias = tuple[str, Finding]
"""A finding, after the key of the deliverable that it was found in."""


def review_of(task_input: Json, role: Role, own: AgentOutput | None = None) -> AgentOutput:
    """Return a role's judgement of a deliverable: what its maker found, and what does not hold.

    `own` stands for it where the input has none. Where one of those is missing that it refers to, its references are
    not judged, and the review says so.
    """
    key = role.key
    outputs = all_given(task_input)
    judged = outputs.pop(key, own)
    draft = Draft(role.agent_type, "review", "RV", list(outputs.values()))
    if judged is None:
        draft.missing(key, "there is nothing to review.")
        conclude(draft.output, [(key, one) for one in draft.output.findings], questions=0, deliverables=0)
        return draft.output
    missing = [name for name in role.refers_to if name not in outputs]
    for name in missing:
        draft.missing(name, "what refers to it was not judged.")
    given = Given(wish(task_input), outputs)
    wrong = (complaints_within if missing else complaints)(judged, given, role.check)
    found = [*judged.findings, *wrong, *draft.output.findings]
    conclude(draft.output, [(key, one) for one in found], questions=len(judged.open_questions), deliverables=1)
    return draft.output


def conclude(output: AgentOutput, found: Sequence[Found], *, questions: int, deliverables: int) -> None:
    """Write findings and verdict into `output`.

    The verdict is UNSOUND with errors, MENDABLE with warnings, OPEN where only questions remain, SOUND where nothing
    does, and UNKNOWN where there was nothing to look at.
    """
    del output.findings[:]
    for key, finding in sorted(found, key=lambda one: (-one[1].severity, one[1].code)):
        output.findings.add().CopyFrom(finding)
        output.findings[-1].deliverable = key
    errors = sum(finding.severity == Finding.ERROR for _, finding in found)
    warnings = sum(finding.severity == Finding.WARNING for _, finding in found)
    review = Review(
        verdict=_verdict(errors, warnings, questions) if deliverables else Review.UNKNOWN,
        errors=errors,
        warnings=warnings,
        open_questions=questions,
        deliverables=deliverables,
    )
    output.review.CopyFrom(review)
    output.metrics.update({"errors": errors, "warnings": warnings, "findings": len(found), "open_questions": questions})
    verdict = Review.Verdict.Name(review.verdict).lower()
    output.summary.extend(
        (
            f"verdict: {verdict}; errors: {errors}, warnings: {warnings}, open questions: {questions}",
            f"deliverables: {deliverables}, findings in all: {len(found)}",
        )
    )


def _verdict(errors: int, warnings: int, questions: int) -> Review.Verdict.ValueType:
    if errors:
        return Review.UNSOUND
    if warnings:
        return Review.MENDABLE
    return Review.OPEN if questions else Review.SOUND
