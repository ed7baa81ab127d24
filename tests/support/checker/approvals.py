"""Whether the questions to people are those that the workflows ask."""

from __future__ import annotations

from collections.abc import Iterator

from checker.facts import ApprovalFacts, Facts, Outside, WorkflowFacts
from services.engine.domain.events import ApprovalRequested
from services.engine.domain.workflow import OpenApproval


def i3_questions_are_as_told(facts: Facts, outside: Outside) -> Iterator[str]:
    """The rows of questions to people are what folding the histories gives: the same ones, and open as long."""
    rows = {(row.key, row.approval_id): row for row in facts.approvals}
    for found in facts.workflows:
        for told in _asked(found):
            row = rows.pop((told.key, told.approval_id), None)
            if row is None:
                yield f"I3 approval {told.approval_id} of {found.key.workflow_id} has no row, nobody can find it"
            elif row != told:
                yield f"I3 approval {told.approval_id} of {found.key.workflow_id} is kept as {row}, not as {told}"
    for key, approval_id in rows:
        yield f"I3 approval {approval_id} has a row, and {key.workflow_id} never asked for it"


def _asked(found: WorkflowFacts) -> Iterator[ApprovalFacts]:
    """Yield the rows that a workflow's history comes to."""
    current = found.current
    waiting = {step.approval_id for step in current.open.values() if isinstance(step, OpenApproval)}
    for seq, event in enumerate(found.events, start=1):
        if isinstance(event, ApprovalRequested):
            is_over = current.status.is_final or event.approval_id not in waiting
            yield ApprovalFacts(found.key, event.approval_id, event.step, seq, is_over)
