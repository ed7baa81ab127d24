"""Carries words from one workflow to another: a child's start, its end, its cancelling.

A word is a row that was written with its cause, and is gone with the commit that heeds it, so each of the two may be
delayed or repeated without the other noticing.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

import structlog

from archwright.errors import ArchwrightError, NotFound, TransitionIllegal, Unavailable, WorkflowNotFound
from services.chassis.clock import Clock
from services.engine.domain.commands import CancelWorkflow, EndChild, Repeated, Stale, StartChild
from services.engine.domain.transitions import WorkflowStatus
from services.engine.ports.commands import Asked, Change, Commands
from services.engine.ports.history import History
from services.engine.ports.inbox import Inbox, Mail
from services.engine.ports.keys import Key
from services.engine.starts import Start, Starts

log = structlog.get_logger(__name__)

_MAIL_MAX = 200
_LOOK_SECONDS = 1.0


class DeliverMessages:
    """Hands words to the workflows that they are for."""

    def __init__(self, inbox: Inbox, commands: Commands, starts: Starts, history: History, clock: Clock) -> None:
        self._inbox = inbox
        self._commands = commands
        self._starts = starts
        self._history = history
        self._clock = clock
        self._woken = asyncio.Event()

    def committed(self, batch_id: uuid.UUID, changes: Sequence[Change]) -> None:
        """Look at once when a commit wrote words."""
        if any(change.sends for change in changes):
            self._woken.set()

    async def step(self) -> None:
        """Wait for words, and deliver those that there are."""
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            pass  # nobody called: look for what other replicas left behind
        self._woken.clear()
        while mail := await self._inbox.take(_MAIL_MAX):
            async with asyncio.TaskGroup() as delivering:
                for each in mail:
                    delivering.create_task(self._deliver(each))

    async def _deliver(self, mail: Mail) -> None:
        try:
            match mail.command:
                case StartChild():
                    await self._start_child(mail, mail.command)
                case EndChild() | CancelWorkflow() as command:
                    await self._commands.submit(Asked(mail.to, command, message_key=mail.message_key))
        except (Stale, Repeated, TransitionIllegal, WorkflowNotFound) as pointless:
            log.info("message_dropped", workflow_id=mail.to.workflow_id, because=str(pointless))
            await self._inbox.drop(mail)
        except Unavailable as error:
            # It stays where it is, and is taken again when its reservation is over.
            log.warning("message_not_delivered", workflow_id=mail.to.workflow_id, error=str(error))

    async def _start_child(self, mail: Mail, wish: StartChild) -> None:
        parent = Key(mail.to.tenant, wish.parent.workflow_id)
        summary = await self._history.summary(parent)
        if summary is None or summary.workflow.status.is_final:
            raise Stale("the parent has ended")
        start = Start(
            tenant=mail.to.tenant,
            definition_name=wish.definition_name,
            definition_version=wish.definition_version,
            input=wish.input,
            request_id=f"{wish.parent.workflow_id}/{wish.child_id}",
            user_id=summary.created.user_id,
            session_id=summary.created.session_id,
            workflow_id=wish.child_id,
            parent=wish.parent,
            on_behalf_of=tuple(user for user in summary.workflow.requesters if user != summary.created.user_id),
        )
        try:
            await self._starts.start(start)
        except Unavailable:
            raise
        except ArchwrightError as refusal:
            await self._refuse(parent, wish, refusal)
        await self._inbox.drop(mail)

    async def _refuse(self, parent: Key, wish: StartChild, refusal: ArchwrightError) -> None:
        """Tell the parent that its child cannot be started."""
        is_missing = isinstance(refusal, NotFound)
        log.warning("child_not_started", workflow_id=wish.child_id, is_missing=is_missing, error=refusal.message)
        command = EndChild(
            now=self._clock.now(),
            step=wish.parent.step,
            child_id=wish.child_id,
            status=WorkflowStatus.FAILED,
            message=refusal.message,
        )
        await self._commands.submit(Asked(parent, command))
