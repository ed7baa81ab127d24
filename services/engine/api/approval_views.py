"""Shows approvals: those that wait by the workflow's state, and all of one by its history."""

from __future__ import annotations

from archwright import ids
from archwright.engine.v1 import approvals_pb2 as pb
from archwright.serving.tokens import Caller
from services.engine.api.views import set_time, struct_of
from services.engine.domain.deciders import why_denied
from services.engine.domain.events import (
    ApprovalDecided,
    ApprovalEscalated,
    ApprovalInvalidated,
    ApprovalRequested,
    StepCancelled,
    StepCompleted,
    StepFailed,
)
from services.engine.domain.workflow import OpenApproval
from services.engine.ports.approvals import ApprovalRow
from services.engine.ports.history import Numbered, Summary

_DECIDERS = frozenset({"operator", "admin"})
"""The roles that the call takes."""


def waiting_view(row: ApprovalRow, summary: Summary, caller: Caller) -> pb.Approval | None:
    """Return an approval that waits, as lists show it; None when it was decided since the list was made."""
    asked = summary.workflow.open.get(row.step)
    if not isinstance(asked, OpenApproval):
        return None
    view = bare_view(row, summary)
    view.approvers.extend(asked.approvers)
    view.quorum, view.shown_sha256, view.escalated = asked.quorum, asked.shown_sha256, asked.escalated
    view.shown_seq = asked.shown_seq
    view.decisions.extend(pb.ApprovalDecision(user_id=user_id, approved=True) for user_id in asked.agreed)
    view.requested_at.FromMilliseconds(ids.read("approval", row.approval_id).int >> 80)
    view.denied_because = denied_because(row, summary, caller)
    set_time(view.expires_at, asked.expires_at)
    return view


def denied_because(row: ApprovalRow, summary: Summary, caller: Caller) -> str:
    """Return why the caller may not decide an approval; nothing where they may, and for one that has ended."""
    asked = summary.workflow.open.get(row.step)
    if not isinstance(asked, OpenApproval) or asked.approval_id != row.approval_id:
        return ""
    if caller.subject in asked.agreed:
        return f"{caller.subject!r} has agreed already."
    if caller.roles.isdisjoint(_DECIDERS):
        return f"{caller.subject!r} may look only: to decide takes the role operator or admin."
    return why_denied(summary.plan, summary.workflow, row.step, caller.subject, caller.roles)


def bare_view(row: ApprovalRow, summary: Summary) -> pb.Approval:
    """Return what is known of an approval without its history."""
    return pb.Approval(
        approval_id=row.approval_id,
        workflow_id=row.key.workflow_id,
        step=row.step,
        status=pb.Approval.PENDING,
        definition_name=summary.created.definition_name,
        definition_version=summary.created.definition_version,
        requested_by=summary.created.user_id,
    )


def add_to(view: pb.Approval, row: ApprovalRow, numbered: Numbered) -> None:
    """Let an event have happened to an approval."""
    event = numbered.event
    match event:
        case ApprovalRequested(approval_id=row.approval_id):
            view.approvers.extend(event.approvers)
            view.quorum, view.shown_sha256 = event.quorum, event.shown_sha256
            view.shown.CopyFrom(struct_of(event.shown))
            view.shown_seq = numbered.seq
            _show_files(view, event)
            set_time(view.requested_at, event.at)
            set_time(view.expires_at, event.expires_at)
        case ApprovalInvalidated(approval_id=row.approval_id):
            view.shown_sha256, view.shown_seq = event.shown_sha256, numbered.seq
            _show_files(view, event)
            for made in view.decisions:
                made.void = True
        case ApprovalDecided(approval_id=row.approval_id):
            decision = view.decisions.add(user_id=event.user_id, approved=event.approved, comment=event.comment)
            set_time(decision.decided_at, event.at)
        case ApprovalEscalated(approval_id=row.approval_id):
            view.escalated = True
            view.approvers[:] = event.approvers
            view.ClearField("expires_at")
            set_time(view.expires_at, event.expires_at)
        case StepCompleted(step=row.step) | StepFailed(step=row.step) | StepCancelled(step=row.step):
            view.status = _outcome(event)
            set_time(view.ended_at, event.at)
        case _:
            pass


def _show_files(view: pb.Approval, event: ApprovalRequested | ApprovalInvalidated) -> None:
    del view.artifacts[:]
    view.artifacts.extend(pb.ShownArtifact(name=file.name, sha256=file.sha256) for file in event.artifacts)


def _outcome(event: StepCompleted | StepFailed | StepCancelled) -> pb.Approval.Status.ValueType:
    match event:
        case StepCompleted(output={"approved": True}):
            return pb.Approval.APPROVED
        case StepCancelled():
            return pb.Approval.CANCELLED
        case _:
            return pb.Approval.REJECTED
