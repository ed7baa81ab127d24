"""All who watch one workflow at this replica: one stream from the engine for all of them.

Whoever joins is first brought to where the hub is, from what it remembers or from history, and then takes part. The
hub's place and the list of those who take part change together, so nobody misses or repeats anything in between.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence

import structlog
from websockets.asyncio.connection import broadcast

from archwright import stubs
from archwright.client.watch import Update, follow
from archwright.connection import Connection
from archwright.engine.v1.workflows_pb2 import GetWorkflowRequest, ListHistoryRequest, WatchEnded, Workflow
from archwright.errors import ArchwrightError, Unauthenticated, Unavailable
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from archwright.pacing import Backoff, rest
from services.realtime import messages
from services.realtime.closing import CloseCode, code_of
from services.realtime.watcher import Kind, Watcher

log = structlog.get_logger(__name__)

REMEMBERED_MAX = 256
"""How many of the newest events are remembered for those who join."""
_PAGE = 500
_PATIENCE_SECONDS = 2.0
_STATUS_SECONDS = 0.1
"""What changes within so long is told as one change of status."""

Cut = Callable[[Watcher, CloseCode, str, bytes], None]
"""Closes a watcher, without waiting for it."""


class Hub:
    """One workflow, followed from an event on."""

    def __init__(
        self, workflow_id: str, after_seq: int, engines: Sequence[Connection], cut: Cut, *, waiting_bytes_max: int
    ) -> None:
        self.workflow_id = workflow_id
        self.watchers: set[Watcher] = set()
        self._taking_part: set[Watcher] = set()
        self._cursor = after_seq
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=REMEMBERED_MAX)
        self._engines = engines
        self._cut = cut
        self._waiting_bytes_max = waiting_bytes_max
        self._changed = asyncio.Event()
        self._ended: WatchEnded | None = None

    async def join(self, watcher: Watcher) -> None:
        """Bring a watcher to where the hub is, and let it take part from there."""
        self.watchers.add(watcher)
        if watcher.kind is Kind.EVENTS:
            while watcher.cursor < self._cursor:
                await self._bring_on(watcher)
        # Nothing is awaited between the last look at the hub's place and this.
        self._taking_part.add(watcher)
        if self._ended is not None:
            self._bid_farewell(watcher, self._ended)
        elif watcher.cursor < self._cursor:
            self._changed.set()

    def leave(self, watcher: Watcher) -> None:
        """Let a watcher go."""
        self.watchers.discard(watcher)
        self._taking_part.discard(watcher)

    def ping(self) -> None:
        """Tell everybody that nothing happened."""
        self._send([*self._of(Kind.EVENTS), *self._of(Kind.STATUS)], messages.ping(self._cursor))

    async def run(self) -> None:
        """Follow the workflow until it has ended, and tell everybody what is told."""
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(self._tell_status())
            try:
                await self._follow()
            finally:
                telling.cancel()

    async def _follow(self) -> None:
        backoff, turn = Backoff(seconds_max=2.0), 0
        while self.watchers:
            token = self._token()
            engine = self._engines[turn % len(self._engines)].showing(token)
            try:
                async for update in follow(engine, self.workflow_id, self._cursor, _PATIENCE_SECONDS):
                    backoff.reset()
                    if isinstance(update, WatchEnded):
                        await self._end(engine, update)
                        return
                    self._pass_on(update)
            except Unavailable as away:
                log.info("engine_not_followed", workflow_id=self.workflow_id, cause=away.message)
                turn += 1
                await rest(backoff.next_pause())
            except ArchwrightError as refused:
                # Others may have better tokens than the one that was shown.
                is_of_token = isinstance(refused, Unauthenticated)
                for watcher in [each for each in self.watchers if not is_of_token or each.token == token]:
                    self._cut(watcher, code_of(refused), refused.message, messages.problem(refused))

    def _pass_on(self, update: Update) -> None:
        text = messages.update(update)
        if not isinstance(update, WorkflowEvent):
            self._send(self._of(Kind.EVENTS), text)
            return
        new_to = [watcher for watcher in self._of(Kind.EVENTS) if watcher.cursor < update.seq]
        self._send(new_to, text)
        for watcher in new_to:
            watcher.cursor = update.seq
        self._cursor = update.seq
        self._recent.append((update.seq, text))
        self._changed.set()

    async def _bring_on(self, watcher: Watcher) -> None:
        """Send a watcher some of what it has not seen."""
        if self._recent and self._recent[0][0] <= watcher.cursor + 1:
            missed = [(seq, text) for seq, text in self._recent if seq > watcher.cursor]
        else:
            request = ListHistoryRequest(workflow_id=self.workflow_id, after_seq=watcher.cursor, page_size=_PAGE)
            page = await watcher.engine.unary(stubs.workflows(watcher.engine.channel).ListHistory, request)
            missed = [(event.seq, messages.update(event)) for event in page.events]
        for seq, text in missed:
            await watcher.send(text)
            watcher.cursor = seq

    async def _tell_status(self) -> None:
        backoff = Backoff(seconds_max=2.0)
        while True:
            await self._changed.wait()
            await rest(_STATUS_SECONDS)
            self._changed.clear()
            if not self._of(Kind.STATUS):
                continue
            try:
                await self._send_status(self._engines[0].showing(self._token()))
            except ArchwrightError as error:  # whoever follows the workflow finds out what is to be done about it
                log.info("status_not_read", workflow_id=self.workflow_id, cause=error.message)
                self._changed.set()
                await rest(backoff.next_pause())
            else:
                backoff.reset()

    async def _send_status(self, engine: Connection) -> None:
        request = GetWorkflowRequest(workflow_id=self.workflow_id)
        workflow: Workflow = await engine.unary(stubs.workflows(engine.channel).GetWorkflow, request)
        new_to = [watcher for watcher in self._of(Kind.STATUS) if watcher.cursor < workflow.last_seq]
        if new_to:
            self._send(new_to, messages.status(workflow))
        for watcher in new_to:
            watcher.cursor = workflow.last_seq

    async def _end(self, engine: Connection, ended: WatchEnded) -> None:
        if self._of(Kind.STATUS):
            await self._send_status(engine)
        self._ended = ended
        for watcher in list(self._taking_part):
            self._bid_farewell(watcher, ended)

    def _bid_farewell(self, watcher: Watcher, ended: WatchEnded) -> None:
        self._cut(watcher, CloseCode.ENDED, "The workflow has ended.", messages.update(ended))

    def _of(self, kind: Kind) -> list[Watcher]:
        return [watcher for watcher in self._taking_part if watcher.kind is kind and not watcher.is_cut]

    def _send(self, watchers: Collection[Watcher], text: bytes) -> None:
        """Send to all at once; who has not taken what came before by far is cut, and holds nobody up."""
        slow = [watcher for watcher in watchers if watcher.waiting_bytes > self._waiting_bytes_max]
        broadcast([watcher.socket for watcher in watchers if watcher not in slow], text, text=True)
        for watcher in slow:
            self._cut(watcher, CloseCode.TOO_SLOW, "You read more slowly than things happen.", b"")

    def _token(self) -> str:
        """Return the token that is good for longest."""
        return max(self.watchers, key=lambda watcher: watcher.expires_at).token if self.watchers else ""
