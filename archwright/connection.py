"""One server and the calls to it: every call has a deadline, shows a token, and raises `archwright.errors`.

A call that found nobody is tried again within its deadline. That is safe for all of ours: reads change nothing,
and every mutation carries a `request_id`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import grpc

from archwright.channel import Metadata, bearer, open_channel
from archwright.errors import ArchwrightError, DeadlinePassed, DependencyUnavailable, InternalFault, Unavailable
from archwright.pacing import Backoff, rest
from archwright.serving.status import DETAILS_KEY, from_rpc_error

CALL_SECONDS_MAX = 10.0
ATTEMPTS_MAX = 5

Request = TypeVar("Request")
Response = TypeVar("Response")
Answer = TypeVar("Answer")
TokenSource = Callable[[], str]


class Connection:
    """A channel to one address, and who we are there."""

    def __init__(self, address: str, channel: grpc.aio.Channel, token: str | TokenSource) -> None:
        self.address = address
        self.channel = channel
        self._token = token

    @classmethod
    def open(cls, address: str, *, token: str | TokenSource, ca_file: Path | None = None) -> Connection:
        """Return a connection of its own channel; see `open_channel`. A token that ends is best given as a source."""
        return cls(address, open_channel(address, ca_file=ca_file), token)

    def showing(self, token: str | TokenSource) -> Connection:
        """Return a connection over the same channel that shows another token."""
        return Connection(self.address, self.channel, token)

    def metadata(self) -> Metadata:
        """Return the metadata of a call that is made now."""
        return bearer(self._token if isinstance(self._token, str) else self._token())

    async def unary(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        *,
        seconds_max: float = CALL_SECONDS_MAX,
    ) -> Response:
        """Return the answer to `request`, tried again while nobody answers and `seconds_max` is not over."""

        async def attempt(seconds_left: float) -> Response:
            return await method(request, timeout=seconds_left, metadata=self.metadata())

        return await self.retried(attempt, seconds_max=seconds_max)

    async def retried(self, attempt: Callable[[float], Awaitable[Answer]], *, seconds_max: float) -> Answer:
        """Return what `attempt` comes to; it is given the seconds left, and raises AioRpcError where it fails."""
        backoff = Backoff(seconds_max=2.0)
        ends_at = time.monotonic() + seconds_max
        for attempts_left in reversed(range(ATTEMPTS_MAX)):
            try:
                return await attempt(ends_at - time.monotonic())
            except grpc.aio.AioRpcError as failed:
                error = self.error_of(failed)
                pause = max(backoff.next_pause(), error.retry_after_seconds or 0.0)
                is_worth_it = isinstance(error, Unavailable) and not isinstance(error, DeadlinePassed)
                if not is_worth_it or not attempts_left or time.monotonic() + pause >= ends_at:
                    raise error from failed
            await rest(pause)
        raise AssertionError("the last attempt returns or raises")

    def error_of(self, failed: grpc.aio.AioRpcError) -> ArchwrightError:
        """Return what a failed call means, naming the address where nobody there has spoken."""
        error = from_rpc_error(failed)
        if any(key == DETAILS_KEY for key, _ in failed.trailing_metadata() or ()):
            return error
        facts = {"address": self.address}
        if isinstance(error, DeadlinePassed):
            return DeadlinePassed(f"{self.address} did not answer in time. Is it overloaded, or stuck?", facts=facts)
        # A fault of ours comes with details. Without them it was the way that broke: a proxy reset the stream.
        if isinstance(error, Unavailable | InternalFault):
            return DependencyUnavailable(
                f"{self.address} cannot be reached: {error.message}. Is it up, and is the address right?", facts=facts
            )
        return error

    async def aclose(self) -> None:
        """Close the channel; calls under way end."""
        await self.channel.close()
