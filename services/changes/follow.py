"""Keeps the approvals of one rule and its system in step. Nothing is kept here: both sides are asked again.

A question is known to the system by the approval and by the hash of what it shows, so that a change never decides
about something else than it was opened for.
"""

from __future__ import annotations

import asyncio

import structlog

from archwright import Client
from archwright.engine.v1.approvals_pb2 import Approval
from archwright.errors import ApprovalNotFound, Conflict
from services.changes.measures import Measures
from services.changes.port import ChangeManagement, Looked, Reference, Standing
from services.changes.rules import Rule
from services.changes.wording import change_of, withdrawal_of

log = structlog.get_logger(__name__)

_SHOWING = frozenset({"approval_requested", "approval_invalidated"})


class Follow:
    """What is done about one rule's approvals."""

    def __init__(
        self, rule: Rule, system: ChangeManagement, client: Client, measures: Measures, public_url: str
    ) -> None:
        self.rule = rule
        self._system = system
        self.client = client
        self._measures = measures
        self._public_url = public_url
        self._unknown: set[str] = set()
        # One at a time: whoever looks and whoever hears of an event would both find no change, and open one each.
        self._turn = asyncio.Lock()

    async def see_to_all(self) -> None:
        """See to every approval of the rule that waits."""
        async for listed in self.client.approvals.list():
            if self.rule.covers(self.rule.tenant, listed.definition_name):
                await self.see_to(listed.approval_id)

    async def see_to(self, approval_id: str) -> None:
        """Have a change for an approval that waits, and decide it as the change was decided."""
        async with self._turn:
            await self._see_to(approval_id)

    async def tidy(self, approval_id: str) -> None:
        """Withdraw the changes of what an approval showed, as far as nobody needs them any more."""
        async with self._turn:
            await self._tidy(approval_id)

    async def _see_to(self, approval_id: str) -> None:
        approval = await self._approval(approval_id)
        if approval is None or approval.status != Approval.PENDING:
            return
        change = change_of(approval, self._public_url)
        found = await self._system.find(change.correlation_id)
        if found is None:
            found = await self._system.open(change)
            self._note("opened", approval, found)
        await self._act_on(approval, found, await self._system.look(found))

    async def _tidy(self, approval_id: str) -> None:
        approval = await self._approval(approval_id)
        if approval is None:
            return
        for sha256 in await self._hashes_of(approval):
            change = change_of(approval, self._public_url, sha256)
            is_needed = approval.status == Approval.PENDING and change.correlation_id == _current(approval)
            found = None if is_needed else await self._system.find(change.correlation_id)
            if found is not None and (await self._system.look(found)).standing is Standing.WAITING:
                await self._system.withdraw(found, withdrawal_of(approval))
                self._note("withdrawn", approval, found)

    async def _act_on(self, approval: Approval, found: Reference, looked: Looked) -> None:
        said = f"{found.number} is {looked.state}" + (f" by {looked.by}" if looked.by else "")
        comment = f"{said}: {looked.comment}" if looked.comment else f"{said}."
        try:
            match looked.standing:
                case Standing.WAITING:
                    return
                case Standing.UNKNOWN:
                    self._tell_unknown(found, looked)
                    return
                case Standing.APPROVED:
                    await self.client.approvals.approve(approval, comment[:2_000], request_id=_request_of(approval))
                case Standing.REJECTED | Standing.CANCELLED:
                    await self.client.approvals.reject(approval, comment[:2_000], request_id=_request_of(approval))
        except Conflict as refused:
            # Decided, or changed, since it was read: the next look finds out which.
            log.info("decision_not_taken", approval_id=approval.approval_id, cause=refused.message)
            return
        self._note(str(looked.standing), approval, found)

    async def _hashes_of(self, approval: Approval) -> list[str]:
        """Return the hashes of all that an approval has shown, oldest first."""
        return [
            str(event.payload["shown_sha256"])
            async for event in self.client.history(approval.workflow_id)
            if event.event_type in _SHOWING and event.payload["approval_id"] == approval.approval_id
        ]

    async def _approval(self, approval_id: str) -> Approval | None:
        try:
            return await self.client.approvals.get(approval_id)
        except ApprovalNotFound:
            return None  # it went with its workflow

    def _tell_unknown(self, found: Reference, looked: Looked) -> None:
        if found.key not in self._unknown:
            self._unknown.add(found.key)
            self._measures.came_to(self.rule.system.kind, "unknown")
            log.error("change_state_unknown", rule=self.rule.name, change=found.number, state=looked.state)

    def _note(self, outcome: str, approval: Approval, found: Reference) -> None:
        self._measures.came_to(self.rule.system.kind, outcome)
        log.info(
            "change_followed",
            rule=self.rule.name,
            change=found.number,
            approval_id=approval.approval_id,
            outcome=outcome,
        )


def _current(approval: Approval) -> str:
    return change_of(approval, "").correlation_id


def _request_of(approval: Approval) -> str:
    """Return the id of the decision, the same however often it is made."""
    return f"change-{_current(approval)}"
