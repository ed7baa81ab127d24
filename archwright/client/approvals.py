"""Approvals: what waits for people, and what they decide."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from archwright import ids, stubs
from archwright.client.pages import walk
from archwright.connection import Connection
from archwright.engine.v1.approvals_pb2 import (
    Approval,
    DecideApprovalRequest,
    GetApprovalRequest,
    ListApprovalsRequest,
)

PAGE_SIZE = 200


class Approvals:
    """The approvals of a mesh."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = stubs.approvals(connection.channel)

    async def list(
        self, workflow_id: str = "", *, definition_name: str = "", mine: bool = False, ended: bool = False
    ) -> AsyncIterator[Approval]:
        """Yield the approvals that wait, newest first, without what they show.

        `mine` are those that I may decide; `ended` are those that have ended, instead of those that wait.
        """

        async def page(token: str) -> tuple[Sequence[Approval], str]:
            request = ListApprovalsRequest(
                page_size=PAGE_SIZE,
                page_token=token,
                workflow_id=workflow_id,
                definition_name=definition_name,
                mine=mine,
                ended=ended,
            )
            answer = await self._connection.unary(self._stub.ListApprovals, request)
            return answer.approvals, answer.next_page_token

        async for approval in walk(page):
            yield approval

    async def get(self, approval_id: str) -> Approval:
        """Return the approval, with what it shows and what was decided so far."""
        return await self._connection.unary(self._stub.GetApproval, GetApprovalRequest(approval_id=approval_id))

    async def approve(self, approval: Approval, comment: str = "", *, request_id: str | None = None) -> Approval:
        """Agree to what this approval shows."""
        return await self._decide(approval, DecideApprovalRequest.APPROVE, comment, request_id)

    async def reject(self, approval: Approval, comment: str = "", *, request_id: str | None = None) -> Approval:
        """Do not agree to what this approval shows."""
        return await self._decide(approval, DecideApprovalRequest.REJECT, comment, request_id)

    async def _decide(
        self,
        approval: Approval,
        decision: DecideApprovalRequest.Decision.ValueType,
        comment: str,
        request_id: str | None,
    ) -> Approval:
        # The hash of what the caller has seen goes along: should it have changed meanwhile, nothing is decided.
        request = DecideApprovalRequest(
            approval_id=approval.approval_id,
            decision=decision,
            comment=comment,
            shown_sha256=approval.shown_sha256,
            request_id=request_id or ids.show("req", ids.new_uuid()),
        )
        return await self._connection.unary(self._stub.DecideApproval, request)
