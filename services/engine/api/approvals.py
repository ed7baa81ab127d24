"""Serves ApprovalService: what waits for people, and what they decide.

Who may decide, how many must agree, and that one decides on exactly what was shown: all this is decided with the
workflow, in its commit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from archwright import ids
from archwright.engine.v1 import approvals_pb2 as pb
from archwright.errors import ApprovalNotFound
from archwright.serving.calls import Call
from archwright.serving.tokens import Caller
from services.chassis.clock import Clock
from services.engine.api.reading import Reading
from services.engine.api.requests import (
    WORDS_CHARACTERS_MAX,
    given,
    key_of,
    page_size,
    request_id_of,
    short,
    wrong,
    wrong_token,
)
from services.engine.api.steering import Steering
from services.engine.api.views import set_time, struct_of
from services.engine.domain.commands import DecideApproval
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
from services.engine.ports.approvals import ApprovalRow, Approvals
from services.engine.ports.history import History, Numbered, Summary
from services.engine.ports.keys import Key

_PAGE_DEFAULT, _PAGE_MAX = 50, 200
_READ_PAGE = 100
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ApprovalApi:
    """Answers callers about approvals."""

    def __init__(
        self, approvals: Approvals, history: History, reading: Reading, steering: Steering, clock: Clock
    ) -> None:
        self._approvals = approvals
        self._history = history
        self._reading = reading
        self._steering = steering
        self._clock = clock

    async def list_approvals(self, request: pb.ListApprovalsRequest, call: Call) -> pb.ListApprovalsResponse:
        """Return a page of the approvals that wait."""
        limit = page_size(request.page_size, _PAGE_DEFAULT, _PAGE_MAX)
        if request.page_token and not _is_id(request.page_token):
            raise wrong_token()
        if request.workflow_id:
            await self._reading.summary(key_of(request.workflow_id, call))
        found = await self._approvals.waiting(
            call.caller.tenant, limit=limit + 1, before=request.page_token, workflow_id=request.workflow_id
        )
        page = found[:limit]
        summaries = {key: await self._reading.summary(key) for key in {row.key for row in page}}
        return pb.ListApprovalsResponse(
            approvals=[view for view in _waiting(page, summaries) if not request.mine or _is_for(view, call.caller)],
            next_page_token=page[-1].approval_id if len(found) > limit else "",
        )

    async def get_approval(self, request: pb.GetApprovalRequest, call: Call) -> pb.Approval:
        """Return an approval with what it shows."""
        return await self._whole(await self._find(request.approval_id, call))

    async def decide_approval(self, request: pb.DecideApprovalRequest, call: Call) -> pb.Approval:
        """Take the caller's decision."""
        if request.decision == pb.DecideApprovalRequest.DECISION_UNSPECIFIED:
            raise wrong("decision", "decision is missing; it is APPROVE or REJECT.")
        shown = given("shown_sha256", request.shown_sha256)
        if not _SHA256.fullmatch(shown):
            raise wrong("shown_sha256", f"shown_sha256 is {shown[:80]!r}; it is 64 hexadecimal digits, in lower case.")
        row = await self._find(request.approval_id, call)
        command = DecideApproval(
            now=self._clock.now(),
            approval_id=row.approval_id,
            user_id=call.caller.subject,
            roles=call.caller.roles,
            approved=request.decision == pb.DecideApprovalRequest.APPROVE,
            comment=short("comment", request.comment, WORDS_CHARACTERS_MAX),
            shown_sha256=shown,
            request_id=request_id_of(request.request_id, call),
        )
        await self._steering.obey(row.key, command, call, f"approvals/{row.approval_id}")
        return await self._whole(row)

    async def _find(self, approval_id: str, call: Call) -> ApprovalRow:
        row = await self._approvals.find(call.caller.tenant, approval_id) if _is_id(approval_id) else None
        if row is None:
            raise ApprovalNotFound.named(approval_id)
        return row

    async def _whole(self, row: ApprovalRow) -> pb.Approval:
        """Return an approval as history tells it, from the question to its end."""
        view = _view(row, await self._reading.summary(row.key))
        cursor = row.seq - 1
        while view.status == pb.Approval.PENDING:
            page = await self._history.events(row.key, after_seq=cursor, limit=_READ_PAGE)
            if not page:
                break
            for numbered in page:
                _add(view, row, numbered)
                if view.status != pb.Approval.PENDING:
                    break
            cursor = page[-1].seq
        return view


def _is_for(view: pb.Approval, caller: Caller) -> bool:
    return not {f"user:{caller.subject}", *(f"role:{role}" for role in caller.roles)}.isdisjoint(view.approvers)


def _is_id(text: str) -> bool:
    try:
        ids.read("approval", text)
    except ids.MalformedId:
        return False
    return True


def _waiting(rows: Sequence[ApprovalRow], summaries: Mapping[Key, Summary]) -> list[pb.Approval]:
    views: list[pb.Approval] = []
    for row in rows:
        summary = summaries[row.key]
        asked = summary.workflow.open.get(row.step)
        if not isinstance(asked, OpenApproval):
            continue  # it was decided since the list was made
        view = _view(row, summary)
        view.approvers.extend(asked.approvers)
        view.quorum, view.shown_sha256, view.escalated = asked.quorum, asked.shown_sha256, asked.escalated
        view.shown_seq = asked.shown_seq
        view.decisions.extend(pb.ApprovalDecision(user_id=user_id, approved=True) for user_id in asked.agreed)
        view.requested_at.FromMilliseconds(ids.read("approval", row.approval_id).int >> 80)
        set_time(view.expires_at, asked.expires_at)
        views.append(view)
    return views


def _view(row: ApprovalRow, summary: Summary) -> pb.Approval:
    return pb.Approval(
        approval_id=row.approval_id,
        workflow_id=row.key.workflow_id,
        step=row.step,
        status=pb.Approval.PENDING,
        definition_name=summary.created.definition_name,
        definition_version=summary.created.definition_version,
    )


def _add(view: pb.Approval, row: ApprovalRow, numbered: Numbered) -> None:
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
