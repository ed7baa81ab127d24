"""What a change says, to whoever decides it."""

from __future__ import annotations

import json

from archwright.engine.v1.approvals_pb2 import Approval
from archwright.payloads import from_struct
from services.changes.port import Change

SHOWN_LENGTH_MAX = 8_000


def change_of(approval: Approval, public_url: str, shown_sha256: str = "") -> Change:
    """Return the change of an approval: of what it shows now, or of what it showed under another hash."""
    sha256 = shown_sha256 or approval.shown_sha256
    summary = f"Approve {approval.step!r} of {approval.definition_name} {approval.definition_version}"
    lines = [
        f"A workflow waits for this decision: {approval.workflow_id}, step {approval.step!r}.",
        f"Approval {approval.approval_id}, asked at {approval.requested_at.ToJsonString()}.",
    ]
    if approval.HasField("expires_at"):
        lines.append(f"It expires at {approval.expires_at.ToJsonString()}.")
    if public_url:
        lines.append(f"{public_url}/api/v1/approvals/{approval.approval_id}")
    lines += [f"SHA-256 of what is shown: {sha256}", "", "What is shown:", _shown(approval)]
    lines += [f"{file.name}  SHA-256 {file.sha256}" for file in approval.artifacts]
    return Change(f"{approval.approval_id}.{sha256[:16]}", summary[:160], "\n".join(lines))


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
