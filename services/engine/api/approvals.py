"""Serves ApprovalService: what waits for people, and what they decide.

Who may decide, how many must agree, and that one decides on exactly what was shown: all this is decided with the
workflow, in its commit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from archwright import ids
from archwright.engine.v1 import approvals_pb2 as pb
from archwright.errors import ApprovalNotFound, RoleDenied, TransitionIllegal
from archwright.serving.calls import Call
from services.chassis.clock import Clock
from services.engine.api.approval_views import add_to, bare_view, denied_because, waiting_view
from services.engine.api.audit import audit_row
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
from services.engine.domain.commands import DecideApproval
from services.engine.ports.approvals import ApprovalRow, Approvals, WantedApprovals
from services.engine.ports.history import History

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
        """Return a page of the approvals that wait, or of those that have ended."""
        limit = page_size(request.page_size, _PAGE_DEFAULT, _PAGE_MAX)
        if request.page_token and not _is_id(request.page_token):
            raise wrong_token()
        if request.mine and request.ended:
            raise wrong("mine", "mine is for approvals that wait: nobody may decide those that have ended.")
        if request.workflow_id:
            await self._reading.summary(key_of(request.workflow_id, call))
        wanted = WantedApprovals(request.ended, request.workflow_id, request.definition_name, request.page_token)
        found = await self._approvals.wanted(call.caller.tenant, wanted, limit=limit + 1)
        page = found[:limit]
        views = await self._ended(page, call) if request.ended else await self._waiting(page, call)
        return pb.ListApprovalsResponse(
            approvals=[view for view in views if not (request.mine and view.denied_because)],
            next_page_token=page[-1].approval_id if len(found) > limit else "",
        )

    async def get_approval(self, request: pb.GetApprovalRequest, call: Call) -> pb.Approval:
        """Return an approval with what it shows."""
        return await self._whole(await self._find(request.approval_id, call), call)

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
        resource = f"approvals/{row.approval_id}"
        try:
            await self._steering.obey(row.key, command, call, resource)
        except (RoleDenied, TransitionIllegal) as refusal:
            await self._approvals.refused(row.key.tenant, audit_row(call, self._clock, resource, refusal.reason))
            raise
        return await self._whole(row, call)

    async def _find(self, approval_id: str, call: Call) -> ApprovalRow:
        row = await self._approvals.find(call.caller.tenant, approval_id) if _is_id(approval_id) else None
        if row is None:
            raise ApprovalNotFound.named(approval_id)
        return row

    async def _waiting(self, rows: Sequence[ApprovalRow], call: Call) -> list[pb.Approval]:
        summaries = {key: await self._reading.summary(key) for key in {row.key for row in rows}}
        views = (waiting_view(row, summaries[row.key], call.caller) for row in rows)
        return [view for view in views if view is not None]

    async def _ended(self, rows: Sequence[ApprovalRow], call: Call) -> list[pb.Approval]:
        views = [await self._whole(row, call) for row in rows]
        for view in views:
            view.ClearField("shown")
            view.ClearField("artifacts")
        return views

    async def _whole(self, row: ApprovalRow, call: Call) -> pb.Approval:
        """Return an approval as history tells it, from the question to its end."""
        summary = await self._reading.summary(row.key)
        view = bare_view(row, summary)
        cursor = row.seq - 1
        while view.status == pb.Approval.PENDING:
            page = await self._history.events(row.key, after_seq=cursor, limit=_READ_PAGE)
            if not page:
                break
            for numbered in page:
                add_to(view, row, numbered)
                if view.status != pb.Approval.PENDING:
                    break
            cursor = page[-1].seq
        if view.status == pb.Approval.PENDING:
            view.denied_because = denied_because(row, summary, call.caller)
        return view


def _is_id(text: str) -> bool:
    try:
        ids.read("approval", text)
    except ids.MalformedId:
        return False
    return True
