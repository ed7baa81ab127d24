"""Dead letters: tasks and events that are out of retries, and what is done about them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from archwright import ids, stubs
from archwright.client.pages import walk
from archwright.connection import Connection
from archwright.engine.v1.dead_letters_pb2 import (
    DeadLetter,
    DiscardDeadLetterRequest,
    DiscardDeadLettersRequest,
    DiscardDeadLettersResponse,
    GetDeadLetterRequest,
    ListDeadLettersRequest,
    RedriveDeadLetterRequest,
    RedriveDeadLettersRequest,
    RedriveDeadLettersResponse,
)
from archwright.payloads import Json, to_struct

PAGE_SIZE = 200
MANY_SECONDS_MAX = 55.0
WAITING = "state = waiting"


class DeadLetters:
    """The dead letters of a mesh."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = stubs.dead_letters(connection.channel)

    async def list(self, filter: str = WAITING) -> AsyncIterator[DeadLetter]:  # noqa: A002 - the word of the contract
        """Yield the dead letters of which a filter is true, newest first, without input and attempts.

        Unless told otherwise those that wait.
        """

        async def page(token: str) -> tuple[Sequence[DeadLetter], str]:
            request = ListDeadLettersRequest(page_size=PAGE_SIZE, page_token=token, filter=filter)
            answer = await self._connection.unary(self._stub.ListDeadLetters, request)
            return answer.dead_letters, answer.next_page_token

        async for letter in walk(page):
            yield letter

    async def get(self, letter_id: str) -> DeadLetter:
        """Return the dead letter, with what was given and what went wrong at every attempt."""
        return await self._connection.unary(self._stub.GetDeadLetter, GetDeadLetterRequest(letter_id=letter_id))

    async def redrive(
        self,
        letter_id: str,
        input: Mapping[str, Json] | None = None,  # noqa: A002 - the word of the contract
        *,
        request_id: str | None = None,
    ) -> DeadLetter:
        """Try it again; its task is given `input` from now on, where there is one."""
        request = RedriveDeadLetterRequest(letter_id=letter_id, request_id=request_id or _new_request_id())
        if input is not None:
            request.input.CopyFrom(to_struct(dict(input), root="input"))
        return await self._connection.unary(self._stub.RedriveDeadLetter, request)

    async def discard(self, letter_id: str, reason: str = "", *, request_id: str | None = None) -> DeadLetter:
        """Mark it as one that nobody waits for; its workflow stays as it is."""
        request = DiscardDeadLetterRequest(
            letter_id=letter_id, reason=reason, request_id=request_id or _new_request_id()
        )
        return await self._connection.unary(self._stub.DiscardDeadLetter, request)

    async def redrive_many(
        self,
        filter: str = WAITING,  # noqa: A002 - the word of the contract
        *,
        limit: int = 0,
        dry_run: bool = False,
        request_id: str | None = None,
    ) -> RedriveDeadLettersResponse:
        """Try again those that wait and of which a filter is true, at most 1,000; return what came of each."""
        request = RedriveDeadLettersRequest(
            filter=filter, limit=limit, dry_run=dry_run, request_id=request_id or _new_request_id()
        )
        return await self._connection.unary(self._stub.RedriveDeadLetters, request, seconds_max=MANY_SECONDS_MAX)

    async def discard_many(
        self,
        filter: str = WAITING,  # noqa: A002 - the word of the contract
        reason: str = "",
        *,
        limit: int = 0,
        dry_run: bool = False,
        request_id: str | None = None,
    ) -> DiscardDeadLettersResponse:
        """Mark those that wait and of which a filter is true, at most 1,000; return what came of each."""
        request = DiscardDeadLettersRequest(
            filter=filter, limit=limit, dry_run=dry_run, reason=reason, request_id=request_id or _new_request_id()
        )
        return await self._connection.unary(self._stub.DiscardDeadLetters, request, seconds_max=MANY_SECONDS_MAX)


def _new_request_id() -> str:
    return ids.show("req", ids.new_uuid())
