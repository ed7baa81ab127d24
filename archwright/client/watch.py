"""Follows one workflow over as many connections as it takes.

The cursor is the seq of the last event that was passed on. Whatever a connection does (break, fall silent, repeat
or skip), the next one starts at the cursor, so no event is lost or repeated.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from enum import Enum
from typing import TypeAlias

import grpc

from archwright import stubs
from archwright.connection import Connection
from archwright.engine.v1.workflows_pb2 import (
    TaskChunk,
    TaskProgress,
    TaskReset,
    WatchEnded,
    WatchWorkflowRequest,
    WatchWorkflowResponse,
)
from archwright.errors import DependencyUnavailable, Unavailable
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from archwright.pacing import Backoff, rest

Update: TypeAlias = WorkflowEvent | TaskProgress | TaskChunk | TaskReset | WatchEnded
"""A fact, how a task is getting on, a piece of its output, another attempt at it, or the end."""

_Responses: TypeAlias = AsyncGenerator[WatchWorkflowResponse, None]

SILENCE_SECONDS_MAX = 45.0
"""The engine sends heartbeats more often; a stream that is silent for longer is dead."""


async def follow(
    connection: Connection, workflow_id: str, after_seq: int, patience_seconds: float, *, only_end: bool = False
) -> AsyncIterator[Update]:
    """Yield what happened since `after_seq`, what happens, and a WatchEnded; see `Client.watch`."""
    cursor = after_seq
    backoff = Backoff(seconds_max=2.0)
    in_vain_since: float | None = None
    while True:
        failure: Unavailable | None = None
        try:
            async with contextlib.aclosing(_stream(connection, workflow_id, cursor, only_end=only_end)) as responses:
                async for response in responses:
                    update = _next(response, cursor, only_end=only_end)
                    if update is _Misfit.REPEATED:
                        continue
                    if update is _Misfit.EARLY:
                        break
                    in_vain_since = None
                    backoff.reset()
                    if update is None:
                        continue
                    yield update
                    if isinstance(update, WatchEnded):
                        return
                    if isinstance(update, WorkflowEvent):
                        cursor = update.seq
        except Unavailable as error:
            failure = error
        in_vain_since = in_vain_since or time.monotonic()
        if time.monotonic() - in_vain_since > patience_seconds:
            raise failure or DependencyUnavailable(
                f"{connection.address} ends every watch of workflow {workflow_id!r} after seq {cursor} too early.",
                facts={"address": connection.address, "workflow_id": workflow_id, "after_seq": str(cursor)},
            )
        await rest(backoff.next_pause())


class _Misfit(Enum):
    """Why a response cannot be passed on."""

    REPEATED = 1
    EARLY = 2
    """Events are missing before it; the next stream begins with them."""


def _next(response: WatchWorkflowResponse, cursor: int, *, only_end: bool) -> Update | _Misfit | None:
    """Return what to pass on after the event `cursor`, or None for a heartbeat."""
    match response.WhichOneof("update"):
        case "event":
            event = response.event
            if event.seq == cursor + 1:
                return event
            return _Misfit.REPEATED if event.seq <= cursor else _Misfit.EARLY
        case "progress":
            return response.progress
        case "chunk":
            return response.chunk
        case "reset":
            return response.reset
        case "ended":
            return response.ended if only_end or response.ended.last_seq <= cursor else _Misfit.EARLY
        case _:
            return None


async def _stream(connection: Connection, workflow_id: str, after_seq: int, *, only_end: bool) -> _Responses:
    """Yield one connection's responses until it ends; raises an error of ours where it breaks or falls silent."""
    request = WatchWorkflowRequest(workflow_id=workflow_id, after_seq=after_seq, only_end=only_end)
    call = stubs.workflows(connection.channel).WatchWorkflow(request, metadata=connection.metadata())
    try:
        while True:
            async with asyncio.timeout(SILENCE_SECONDS_MAX):
                response = await call.read()
            if not isinstance(response, WatchWorkflowResponse):
                return
            yield response
    except grpc.aio.AioRpcError as broken:
        raise connection.error_of(broken) from broken
    except TimeoutError:
        raise DependencyUnavailable(
            f"{connection.address} has said nothing for {SILENCE_SECONDS_MAX:g} s.",
            facts={"address": connection.address},
        ) from None
    finally:
        call.cancel()
