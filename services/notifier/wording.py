"""The usual words of messages: what happened, what that means, and what to do, for whoever has never heard of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_WHERE: Final = """
Workflow: {{ event.workflow_id }}
Definition: {{ event.definition_name }} {{ event.definition_version }}
Tenant: {{ event.tenant }}
When: {{ event.timestamp }}
See: {% if link %}{{ link }}{% else %}archwright workflows show {{ event.workflow_id }}{% endif %}
"""


@dataclass(frozen=True, slots=True)
class Wording:
    """The subject and the body of messages about one type of event, as templates."""

    subject: str
    body: str


def _about(subject: str, body: str) -> Wording:
    return Wording(subject, body + "\n" + _WHERE)


_WHY: Final = "{{ payload.category }}{% if payload.code %} ({{ payload.code }}){% endif %}"

WORDINGS: Final[Mapping[str, Wording]] = {
    "workflow_completed": _about(
        "Completed: {{ event.definition_name }}",
        "A workflow of {{ event.definition_name }} is complete, and its result is ready."
        "{% if payload.degraded == 'true' %}\nParts of the result are missing, because steps failed that it could do "
        "without.{% endif %}",
    ),
    "workflow_failed": _about(
        "Failed: {{ event.definition_name }}",
        "A workflow of {{ event.definition_name }} has failed and does not go on by itself.\n"
        f"Kind of failure: {_WHY}.\n"
        "To see why: archwright workflows explain {{ event.workflow_id }}\n"
        "To go on from what failed, once the cause is mended: archwright workflows retry {{ event.workflow_id }}",
    ),
    "workflow_cancelled": _about(
        "Cancelled: {{ event.definition_name }}",
        "Somebody called off a workflow of {{ event.definition_name }}. Nothing more is done for it.",
    ),
    "approval_requested": _about(
        "Your decision is needed: {{ event.definition_name }}",
        "A workflow of {{ event.definition_name }} waits at the step {{ event.step }} until people decide."
        "{% if payload.quorum %}\nHow many must agree: {{ payload.quorum }}.{% endif %}"
        "{% if payload.expires_at %}\nThe time to decide ends at {{ payload.expires_at }}.{% endif %}\n"
        "To see what is asked: archwright approvals show {{ payload.approval_id }}\n"
        "To decide: archwright approvals approve {{ payload.approval_id }}, or reject",
    ),
    "approval_escalated": _about(
        "Overdue, and now asked of you: {{ event.definition_name }}",
        "Nobody decided in time at the step {{ event.step }} of a workflow of {{ event.definition_name }}, which still "
        "waits. More people are asked now.{% if payload.expires_at %}\nThe time to decide ends at "
        "{{ payload.expires_at }}.{% endif %}\n"
        "To see what is asked: archwright approvals show {{ payload.approval_id }}\n"
        "To decide: archwright approvals approve {{ payload.approval_id }}, or reject",
    ),
    "task_failed": _about(
        "Step failed: {{ event.step }} of {{ event.definition_name }}",
        "The task of the step {{ event.step }} has failed for good: it is not tried again by itself.\n"
        f"Kind of failure: {_WHY}.\n"
        "{% if event.agent_type %}Type of its agent: {{ event.agent_type }}.\n{% endif %}"
        "The workflow may still go on, if its definition can do without the step. "
        "To see whether it does: archwright workflows explain {{ event.workflow_id }}",
    ),
    "compensation_started": _about(
        "Failing, and being undone: {{ event.definition_name }}",
        "A workflow of {{ event.definition_name }} cannot succeed any more. What its steps did is being undone; when "
        f"that is over, the workflow will have failed.\nKind of failure: {_WHY}.",
    ),
}
"""The usual words, by type of event."""

OTHERWISE: Final = _about(
    "{{ event.title }}: {{ event.definition_name }}",
    "{{ event.meaning }}{% if event.step %}\nStep: {{ event.step }}{% endif %}",
)
"""The words for every other type."""
