"""The replicas of one service: where they are, which one is spoken to, and who is next.

Addresses are separated by commas, and a name that stands for several machines counts as several. Each agent begins
at one of them by chance, and goes to the next when one does not answer. A stream gets a connection of its own each
time: gRPC shares connections between channels that look alike, and would lead back into one that is dead.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import grpc

from archwright.channel import host_of, open_channel
from archwright.connection import ATTEMPTS_MAX, CALL_SECONDS_MAX, Connection, TokenSource
from archwright.errors import DeadlinePassed, RequestInvalid, Unavailable
from archwright.pacing import Backoff, rest

LOOK_UP_SECONDS_MAX = 2.0
SHARE_OF_TIME = 0.5
"""What one of several replicas gets of the time that is left, so that some is left for the next."""

Answer = TypeVar("Answer")


class Place(NamedTuple):
    """An address as it was given, and the one machine of those that its name stands for; "" where that is all one."""

    address: str
    machine: str = ""


class Replicas:
    """One service, wherever it answers."""

    def __init__(self, addresses: str, *, token: str | TokenSource, ca_file: Path | None = None) -> None:
        """Name the replicas; raises RequestInvalid when there is none, or when one is no address of a server."""
        self._addresses = tuple(dict.fromkeys(each.strip() for each in addresses.split(",") if each.strip()))
        if not self._addresses:
            raise RequestInvalid("There is no address of a server. Write host:port, several with commas between them.")
        for address in self._addresses:
            host_of(address)
        self._token = token
        self._ca_file = ca_file
        self._places: Sequence[Place] = [Place(address) for address in self._addresses]
        self._turn = random.SystemRandom().randrange(1 << 16)
        self._connections: dict[Place, Connection] = {}

    @property
    def present(self) -> Place:
        """Who is spoken to."""
        return self._places[self._turn % len(self._places)]

    def leave(self, place: Place) -> None:
        """Speak to the next from now on, unless somebody has moved on already."""
        if place == self.present:
            self._turn += 1

    async def look_up(self) -> None:
        """Find out anew which machines the names stand for; what cannot be found out stays as it was."""
        found = await asyncio.gather(*(self._machines(address) for address in self._addresses))
        self._places = [place for places in found for place in places]

    def open(self, place: Place) -> Connection:
        """Return a new connection to a replica, shared with nobody; the caller closes it."""
        channel = open_channel(place.address, ca_file=self._ca_file, machine=place.machine, is_shared=False)
        return Connection(place.machine or place.address, channel, self._token)

    async def call(
        self, attempt: Callable[[Connection, float], Awaitable[Answer]], *, seconds_max: float = CALL_SECONDS_MAX
    ) -> Answer:
        """Return what `attempt` comes to at the first replica that answers; it is given the seconds that it has.

        It raises AioRpcError where it fails, and may be made several times, so it must be safe to repeat.
        """
        backoff = Backoff(seconds_max=2.0)
        ends_at = time.monotonic() + seconds_max
        attempts = max(ATTEMPTS_MAX, len(self._places))
        for number in range(1, attempts + 1):
            place = self.present
            connection = self._connection(place)
            has_others = len(self._places) > 1 and number < attempts
            seconds_left = ends_at - time.monotonic()
            try:
                return await attempt(connection, seconds_left * SHARE_OF_TIME if has_others else seconds_left)
            except grpc.aio.AioRpcError as failed:
                error = connection.error_of(failed)
                was_asked_first = number == 1 and has_others
                pause = 0.0 if was_asked_first else max(backoff.next_pause(), error.retry_after_seconds or 0.0)
                is_worth_it = isinstance(error, Unavailable) and (has_others or not isinstance(error, DeadlinePassed))
                if not is_worth_it or number == attempts or time.monotonic() + pause >= ends_at:
                    raise error from failed
            self.leave(place)
            await rest(pause)
        raise AssertionError("the last attempt returns or raises")

    async def aclose(self) -> None:
        """Close all that `call` has opened."""
        for connection in self._connections.values():
            await connection.aclose()
        self._connections.clear()

    def _connection(self, place: Place) -> Connection:
        if place not in self._connections:
            channel = open_channel(place.address, ca_file=self._ca_file, machine=place.machine)
            self._connections[place] = Connection(place.machine or place.address, channel, self._token)
        return self._connections[place]

    async def _machines(self, address: str) -> Sequence[Place]:
        host, port = host_of(address)
        known = [place for place in self._places if place.address == address]
        if host == "localhost":  # its two addresses are one machine
            return known
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS_MAX):
                answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError):
            return known
        machines = sorted({f"[{at[0]}]:{port}" if ":" in str(at[0]) else f"{at[0]}:{port}" for *_, at in answers})
        # One machine is left to gRPC, which looks its name up itself and goes through a proxy where there is one.
        return [Place(address, machine) for machine in machines] if len(machines) > 1 else [Place(address)]
