"""What commits and tags say. The same workflow always gets the same words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archwright.engine.v1.approvals_pb2 import Approval
from archwright.engine.v1.workflows_pb2 import Workflow


def branch_of(workflow_id: str) -> str:
    """Return the name of a workflow's branch."""
    return f"workflows/{workflow_id}"


def tag_of(workflow_id: str) -> str:
    """Return the name of the tag of a workflow that people agreed to."""
    return f"approved/{workflow_id}"


def commit_message(rule: str, workflow: Workflow) -> str:
    """Say what made the files."""
    definition = f"{workflow.definition_name} {workflow.definition_version}"
    told = {
        "Definition": definition,
        "Workflow": workflow.workflow_id,
        "Started-by": _line(workflow.user_id),
        "Rule": rule,
    }
    return "\n".join([f"Keep what {definition} made", "", *(f"{name}: {says}" for name, says in told.items())]) + "\n"


def tag_message(workflow_id: str, approvals: Sequence[Approval]) -> str:
    """Say who agreed to what."""
    told = [line for approval in approvals for line in ("", *_approval(approval))]
    return "\n".join([f"Approved: {workflow_id}", *told]) + "\n"


def _approval(approval: Approval) -> Iterator[str]:
    yield f"Approval: {approval.approval_id}"
    yield f"Step: {_line(approval.step)}"
    yield f"Status: {Approval.Status.Name(approval.status).lower()}"
    yield f"Shown-sha256: {approval.shown_sha256}"
    for shown in approval.artifacts:
        yield f"Shown: {_line(shown.name)} {shown.sha256}"
    for decision in approval.decisions:
        if decision.void:
            continue
        yield f"{'Agreed' if decision.approved else 'Did-not-agree'}: {_line(decision.user_id)}"
        if decision.comment:
            yield f"Comment: {_line(decision.comment)}"


def _line(text: str) -> str:
    """Return what people wrote as one line that hides nothing and begins no other."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
