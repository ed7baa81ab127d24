"""What a change says, to whoever decides it."""

from __future__ import annotations

import json

from archwright.engine.v1.approvals_pb2 import Approval
from archwright.payloads import from_struct
from services.changes.port import Change

SHOWN_LENGTH_MAX = 8_000


def correlation_of(approval_id: str, shown_seq: int, shown_sha256: str) -> str:
    """Return how the change about what an approval shows, since that event of its workflow, is found again."""
    return f"{approval_id}.{shown_seq}.{shown_sha256[:16]}"


def change_of(approval: Approval, public_url: str) -> Change:
    """Return the change about what an approval shows now."""
    sha256 = approval.shown_sha256
    summary = f"Approve {approval.step!r} of {approval.definition_name} {approval.definition_version}"
    lines = [
        f"A workflow waits for this decision: {approval.workflow_id}, step {approval.step!r}.",
        f"Approval {approval.approval_id}, asked at {approval.requested_at.ToJsonString()}.",
    ]
    if approval.HasField("expires_at"):
        lines.append(f"It expires at {approval.expires_at.ToJsonString()}.")
    if approval.quorum > 1:
        lines.append(
            f"{approval.quorum} must agree. What is decided here is the word of one; others decide in Archwright."
        )
    if public_url:
        lines.append(f"{public_url}/api/v1/approvals/{approval.approval_id}")
    lines += [f"SHA-256 of what is shown: {sha256}", "", "What is shown:", _shown(approval)]
    lines += [f"{file.name}  SHA-256 {file.sha256}" for file in approval.artifacts]
    correlation_id = correlation_of(approval.approval_id, approval.shown_seq, sha256)
    return Change(correlation_id, summary[:160], "\n".join(lines))


def withdrawal_of(approval: Approval) -> str:
    """Return why a change is not to be decided any more."""
    if approval.status == Approval.PENDING:
        return "What is to be approved has changed; another change asks about it as it is now."
    return f"It was {Approval.Status.Name(approval.status).lower()} in Archwright; nothing is left to decide."


def _shown(approval: Approval) -> str:
    text = json.dumps(from_struct(approval.shown), indent=2, ensure_ascii=False)
    if len(text) <= SHOWN_LENGTH_MAX:
        return text
    return f"{text[:SHOWN_LENGTH_MAX]}\n… and {len(text) - SHOWN_LENGTH_MAX} characters more; see the approval."
