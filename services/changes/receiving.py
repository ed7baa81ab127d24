"""Acts on events: what is asked is taken to its system at once, and what nobody needs any more is withdrawn."""

from __future__ import annotations

from collections.abc import Sequence

from archwright.errors import ArchwrightError, WorkflowNotFound
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from services.bus.port import TryLater
from services.changes.each import each_of
from services.changes.follow import Follow

_ASKS = frozenset({"approval_requested", "approval_escalated"})
_ENDS = frozenset({"workflow_cancelled", "workflow_failed", "workflow_completed"})


class ReceiveEvents:
    """Deals with the events of all rules."""

    def __init__(self, follows: Sequence[Follow]) -> None:
        self._follows = follows

    async def handle(self, event: WorkflowEvent) -> None:
        """Do what an event asks for; raises what a system or the engine does where that cannot be done now.

        That one rule's system is away holds up no other's.
        """
        try:
            await each_of(
                self._deal_with(follow, event)
                for follow in self._follows
                if follow.rule.covers(event.tenant, event.definition_name)
            )
        except ArchwrightError as failed:
            if failed.retry_after_seconds is None:
                raise
            raise TryLater(failed.message, after_seconds=failed.retry_after_seconds) from failed

    async def _deal_with(self, follow: Follow, event: WorkflowEvent) -> None:
        approval_id = str(event.payload.fields["approval_id"].string_value) if "approval_id" in event.payload else ""
        if event.event_type in _ASKS:
            await follow.see_to(approval_id)
        elif event.event_type == "approval_invalidated":
            await each_of(do(approval_id) for do in (follow.tidy, follow.see_to))
        elif event.event_type == "approval_decided":
            await follow.tidy(approval_id)
        elif event.event_type in _ENDS:
            asked = await self._asked_in(follow, event.workflow_id)
            await each_of(follow.tidy(each) for each in asked)

    @staticmethod
    async def _asked_in(follow: Follow, workflow_id: str) -> Sequence[str]:
        """Return the approvals that a workflow has asked for."""
        try:
            return [
                str(event.payload["approval_id"])
                async for event in follow.client.history(workflow_id)
                if event.event_type == "approval_requested"
            ]
        except WorkflowNotFound:
            return []
