"""Keeps the approvals of one rule and its system in step. Nothing here has to last: both sides are asked again.

A question is known to the system by the approval, by the event since which it shows what it does, and by the hash of
that. So a change never decides about something else than it was opened for, nor about what came back later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from weakref import WeakValueDictionary

import structlog

from archwright import Client
from archwright.engine.v1.approvals_pb2 import Approval
from archwright.errors import ApprovalNotFound, ArchwrightError, Conflict, RequestIdReused
from services.changes.each import each_of
from services.changes.measures import Measures
from services.changes.noted import Noted
from services.changes.port import Change, ChangeGone, ChangeManagement, Looked, Reference, Standing
from services.changes.rules import Rule
from services.changes.wording import change_of, correlation_of, withdrawal_of

log = structlog.get_logger(__name__)

_SHOWING = frozenset({"approval_requested", "approval_invalidated"})
_DECIDED = frozenset({Standing.APPROVED, Standing.REJECTED, Standing.CANCELLED})
_IN_A_ROW_MAX = 3


class Follow:
    """What is done about one rule's approvals, in the name of the user whose id `user_id` returns."""

    def __init__(
        self,
        rule: Rule,
        system: ChangeManagement,
        client: Client,
        measures: Measures,
        public_url: str,
        user_id: Callable[[], str],
    ) -> None:
        self.rule = rule
        self._system = system
        self.client = client
        self._measures = measures
        self._public_url = public_url
        self._user_id = user_id
        self._noted = Noted()
        # One at a time: whoever looks and whoever hears of an event would both find no change, and open one each.
        # Yet no approval waits for another, whose change may take its time.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def see_to_all(self) -> None:
        """See to every approval of the rule that waits; those with which something went wrong come last.

        Raises ArchwrightError when the system asks for a pause, or when several in a row went wrong: it is away then.
        """
        waiting = [
            listed.approval_id
            async for listed in self.client.approvals.list()
            if self.rule.covers(self.rule.tenant, listed.definition_name)
        ]
        self._noted.keep_only(waiting)
        in_a_row = 0
        for approval_id in self._noted.in_turn(waiting):
            # Until it went well it comes last, whatever happens now: nothing keeps those behind it from their turn.
            was_said = self._noted.troubled.pop(approval_id, False)
            self._noted.troubled[approval_id] = was_said
            try:
                await self.see_to(approval_id)
            except ArchwrightError as error:
                self._tell_troubled(approval_id, error)
                in_a_row += 1
                if error.retry_after_seconds is not None or in_a_row == _IN_A_ROW_MAX:
                    raise
            else:
                self._noted.troubled.pop(approval_id, None)
                in_a_row = 0

    async def see_to(self, approval_id: str) -> None:
        """Have a change for an approval that waits, and decide it as the change was decided."""
        async with self._turn(approval_id):
            await self._see_to(approval_id)

    async def tidy(self, approval_id: str) -> None:
        """Withdraw the changes of what an approval showed, as far as nobody needs them any more."""
        async with self._turn(approval_id):
            await self._tidy(approval_id)

    def _turn(self, approval_id: str) -> asyncio.Lock:
        return self._turns.setdefault(approval_id, asyncio.Lock())

    async def _see_to(self, approval_id: str) -> None:
        approval = await self._approval(approval_id)
        if approval is None or not self._is_for_us(approval):
            return
        change = change_of(approval, self._public_url)
        first, *others = await self._found_or_opened(approval, change)
        try:
            looked = await self._system.look(first)
        except ChangeGone:
            self._noted.opened.pop(change.correlation_id, None)
            raise
        await each_of(
            do()
            for do in (
                partial(self._act_on, approval, change.correlation_id, first, looked),
                *(partial(self._withdraw, approval, each, f"{first.number} asks the same already.") for each in others),
            )
        )

    def _is_for_us(self, approval: Approval) -> bool:
        """Return whether it waits, and our user has not had its say: where more must agree, others are asked."""
        user_id = self._user_id()
        has_decided = any(each.user_id == user_id and not each.void for each in approval.decisions)
        return approval.status == Approval.PENDING and not has_decided

    async def _found_or_opened(self, approval: Approval, change: Change) -> Sequence[Reference]:
        """Return the changes of a question, the one that counts first."""
        known = self._noted.opened.get(change.correlation_id)
        if found := await self._system.find(change.correlation_id) or ([known] if known else []):
            return found
        opened = await self._system.open(change)
        self._noted.opened[change.correlation_id] = opened
        self._note("opened", approval, opened)
        # Another replica may have opened one in the same moment; the oldest counts for both.
        return await self._system.find(change.correlation_id) or [opened]

    async def _tidy(self, approval_id: str) -> None:
        approval = await self._approval(approval_id)
        if approval is None:
            return
        current = change_of(approval, self._public_url).correlation_id
        asked = [each for each in await self._asked(approval) if approval.status != Approval.PENDING or each != current]
        await each_of(self._withdraw_all(approval, each) for each in asked)

    async def _withdraw_all(self, approval: Approval, correlation_id: str) -> None:
        known = self._noted.opened.get(correlation_id)
        found = await self._system.find(correlation_id) or ([known] if known else [])
        await each_of(self._withdraw(approval, each, withdrawal_of(approval)) for each in found)

    async def _withdraw(self, approval: Approval, change: Reference, why: str) -> None:
        """Withdraw a change that still waits, once."""
        if change.key in self._noted.withdrawn or (await self._system.look(change)).standing is not Standing.WAITING:
            return
        await self._system.withdraw(change, why)
        self._noted.withdrawn[change.key] = approval.approval_id
        self._note("withdrawn", approval, change)

    async def _act_on(self, approval: Approval, correlation_id: str, found: Reference, looked: Looked) -> None:
        request_id = f"change-{correlation_id}"
        said = f"{found.number} is {looked.state}" + (f" by {looked.by}" if looked.by else "")
        comment = f"{said}: {looked.comment}" if looked.comment else f"{said}."
        if looked.standing in _DECIDED:
            now = await self._approval(approval.approval_id)
            if now is None or now.shown_seq != approval.shown_seq:
                return  # it shows something else since it was read, and that is another question
        try:
            match looked.standing:
                case Standing.WAITING:
                    return
                case Standing.UNKNOWN:
                    self._tell_unknown(found, looked)
                    return
                case Standing.APPROVED:
                    await self.client.approvals.approve(approval, comment[:2_000], request_id=request_id)
                case Standing.REJECTED | Standing.CANCELLED:
                    await self.client.approvals.reject(approval, comment[:2_000], request_id=request_id)
        except (Conflict, RequestIdReused) as refused:
            # Decided, or changed, since it was read: the next look finds out which.
            log.info("decision_not_taken", approval_id=approval.approval_id, cause=refused.message)
            return
        self._note(str(looked.standing), approval, found)

    async def _asked(self, approval: Approval) -> list[str]:
        """Return how the changes about all that an approval has shown are found, oldest first."""
        return [
            correlation_of(approval.approval_id, event.seq, str(event.payload["shown_sha256"]))
            async for event in self.client.history(approval.workflow_id)
            if event.event_type in _SHOWING and event.payload["approval_id"] == approval.approval_id
        ]

    async def _approval(self, approval_id: str) -> Approval | None:
        try:
            return await self.client.approvals.get(approval_id)
        except ApprovalNotFound:
            return None  # it went with its workflow

    def _tell_unknown(self, found: Reference, looked: Looked) -> None:
        if found.key not in self._noted.unknown:
            self._noted.unknown.add(found.key)
            self._measures.came_to(self.rule.system.kind, "unknown")
            log.error("change_state_unknown", rule=self.rule.name, change=found.number, state=looked.state)

    def _tell_troubled(self, approval_id: str, error: ArchwrightError) -> None:
        if not self._noted.troubled.get(approval_id):
            self._noted.troubled[approval_id] = True
            log.warning("change_not_followed", rule=self.rule.name, approval_id=approval_id, cause=error.message)

    def _note(self, outcome: str, approval: Approval, found: Reference) -> None:
        self._measures.came_to(self.rule.system.kind, outcome)
        log.info(
            "change_followed",
            rule=self.rule.name,
            change=found.number,
            approval_id=approval.approval_id,
            outcome=outcome,
        )
