"""Who may decide an approval: one of its approvers, a person, and nobody whom its definition keeps from it."""

from __future__ import annotations

from collections.abc import Collection

from archwright.language.model import REQUESTER, Approval
from archwright.language.plan import Plan
from services.engine.domain.workflow import OpenApproval, Workflow

_AGENT = "agent"


def why_denied(plan: Plan, workflow: Workflow, path: str, user_id: str, roles: Collection[str]) -> str:
    """Return in a sentence why somebody may not decide what the step at `path` asks; nothing where they may."""
    asked, approval = workflow.open[path], plan.node(path).step.kind
    assert isinstance(asked, OpenApproval)
    assert isinstance(approval, Approval)
    if _AGENT in roles:
        return f"{user_id!r} is an agent, and approvals are for people."
    if {f"user:{user_id}", *(f"role:{role}" for role in roles)}.isdisjoint(asked.approvers):
        return f"{user_id!r} is none of those who may decide: {', '.join(asked.approvers)}."
    for name in approval.separate_from:
        if name == REQUESTER and user_id in workflow.requesters:
            return f"{user_id!r} may not decide: they started this workflow, or let it go on, and may not be both."
        if user_id in workflow.agreed.get(name, ()):
            return f"{user_id!r} may not decide: they agreed at step {name!r}, and may not be both."
    return ""
