"""The live lane over Redis: one channel for each workflow that somebody watches, its messages encrypted.

What agents say about their work is nobody's business but the tenant's, and Redis keeps no secrets. A message that was
tampered with, or moved to another workflow's channel, does not decrypt and is dropped.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from redis.asyncio import Redis
from redis.exceptions import RedisError

from archwright.errors import DependencyUnavailable
from services.engine.live import ChunkTold, ProgressTold, TaskHanded, Told
from services.engine.ports.keys import Key

log = structlog.get_logger(__name__)

_PREFIX = "archwright:live:"
_NONCE_BYTES = 12
_TELL_SECONDS_MAX = 1.0
_LISTEN_SECONDS = 0.05
_KINDS: tuple[type[Told], ...] = (ProgressTold, ChunkTold, TaskHanded)


class RedisLiveLane:
    """The lane of one replica, under a key of 32 bytes that all replicas have."""

    def __init__(self, client: Redis, key: bytes, replica_id: uuid.UUID) -> None:
        self._client = client
        self._cipher = AESGCM(key)
        self._replica = replica_id.bytes
        self._own: frozenset[Key] = frozenset()

    async def tell(self, told: Sequence[Told]) -> Collection[Key]:
        """Tell all others, and return the workflows of which nobody wants to hear just now."""
        telling = self._client.pipeline(transaction=False)
        for each in told:
            channel = _channel(each.key)
            telling.publish(channel, self._sealed(each, channel))
        try:
            async with asyncio.timeout(_TELL_SECONDS_MAX):
                heard = await telling.execute()
        except (RedisError, OSError, TimeoutError) as error:
            raise _away(error) from error
        # Our own listening counts too where we watch ourselves.
        return {each.key for each, listeners in zip(told, heard, strict=True) if listeners <= (each.key in self._own)}

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[_Listening]:
        """Begin to hear."""
        try:
            async with self._client.pubsub() as channels:
                yield _Listening(self, channels)
        except (RedisError, OSError) as error:
            raise _away(error) from error
        finally:
            self._own = frozenset()

    def wants(self, keys: frozenset[Key]) -> None:
        """Note which workflows this replica itself hears of."""
        self._own = keys

    def opened(self, channel: bytes, message: bytes) -> Told | None:
        """Return what another replica told; nothing of our own, or of what makes no sense."""
        try:
            text = self._cipher.decrypt(message[:_NONCE_BYTES], message[_NONCE_BYTES:], channel)
            replica, kind, fields = msgspec.msgpack.decode(text)
            if replica == self._replica:
                return None
            key = Key(*fields.pop("key"))
            return None if _channel(key).encode() != channel else _KINDS[kind](key=key, **fields)
        except (InvalidTag, ValueError, TypeError, KeyError, IndexError, msgspec.DecodeError):
            log.warning("live_message_refused", length=len(message))
            return None

    def _sealed(self, told: Told, channel: str) -> bytes:
        fields: dict[str, Any] = {name: getattr(told, name) for name in told.__slots__}
        fields["key"] = [told.key.tenant, told.key.workflow_id]
        text = msgspec.msgpack.encode([self._replica, _KINDS.index(type(told)), fields])
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text, channel.encode())


class _Listening:
    """What one replica hears of the others."""

    def __init__(self, lane: RedisLiveLane, channels: Any) -> None:
        self._lane = lane
        self._channels = channels
        self._wanted: frozenset[Key] = frozenset()

    async def want(self, keys: Collection[Key]) -> None:
        """Hear of these workflows from now on, and of no others."""
        wanted = frozenset(keys)
        if more := wanted - self._wanted:
            await self._channels.subscribe(*map(_channel, more))
        if fewer := self._wanted - wanted:
            await self._channels.unsubscribe(*map(_channel, fewer))
        self._wanted = wanted
        self._lane.wants(wanted)

    async def next(self) -> Told | None:
        """Return what another replica told next; None when that takes a while."""
        message = await self._channels.get_message(ignore_subscribe_messages=True, timeout=_LISTEN_SECONDS)
        return None if message is None else self._lane.opened(message["channel"], message["data"])


def _channel(key: Key) -> str:
    return f"{_PREFIX}{key.tenant}:{key.workflow_id}"


def _away(error: Exception) -> DependencyUnavailable:
    return DependencyUnavailable(
        f"Replicas cannot tell each other how tasks are getting on: {error or type(error).__name__}.",
        facts={"dependency": "redis"},
    )
