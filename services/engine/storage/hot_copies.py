"""Copies of live workflows in Redis, encrypted, each marked with its tenant, for as long as they are likely to be read.

A copy that is lost costs a read of PostgreSQL, and one that is behind costs a lost race: the commit is guarded by the
version. One that somebody tampered with, or moved to another key, does not decrypt and counts as missing.

Commits wait for what is read here, so a Redis that is slow to answer is not asked again for a while: PostgreSQL is
sooner than that.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from immutables import Map
from redis.asyncio import Redis
from redis.exceptions import RedisError

from archwright.errors import ArchwrightError, DependencyUnavailable
from archwright.language.plan import Plan
from services.chassis.clock import Clock
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.values import Known
from services.engine.ports.definitions import Definitions
from services.engine.ports.keys import Key
from services.engine.ports.store import Stored
from services.engine.storage.plans import PLANS
from services.engine.storage.state_codec import dump_workflow, load_workflow

log = structlog.get_logger(__name__)

KEEP = timedelta(hours=1)
"""How long a copy is kept that nobody renews."""

READ_SECONDS_MAX = 0.25
REST_SECONDS = 5.0
"""How long PostgreSQL alone is asked after Redis has not answered."""

_NONCE_BYTES = 12

# Two replicas may copy one workflow: the newer version stays, whoever comes last.
_WRITE = """
local kept = redis.call('HGET', KEYS[1], 'version')
if kept and tonumber(kept) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'copy', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""


class RedisHotCopies:
    """The copies in one Redis, under one key of 32 bytes."""

    def __init__(self, client: Redis, key: bytes, definitions: Definitions, clock: Clock) -> None:
        self._client = client
        self._cipher = AESGCM(key)
        self._definitions = definitions
        self._clock = clock
        self._asked_again_at = clock.monotonic()

    async def read(self, keys: Collection[Key]) -> Mapping[Key, Stored]:
        """Return those that there are. Never fails: what cannot be read, or not soon, is missing."""
        if self._clock.monotonic() < self._asked_again_at:
            return {}
        wanted = list(keys)
        pipeline = self._client.pipeline(transaction=False)
        for key in wanted:
            pipeline.hget(_name(key), "copy")
        try:
            async with asyncio.timeout(READ_SECONDS_MAX):
                copies = await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            self._asked_again_at = self._clock.monotonic() + REST_SECONDS
            log.info("hot_copies_not_read", error=str(error) or type(error).__name__)
            return {}
        found: dict[Key, Stored] = {}
        for key, copy in zip(wanted, copies, strict=True):
            stored = None if copy is None else await self._opened(key, copy)
            if stored is not None:
                found[key] = stored
        return found

    async def write(self, workflows: Sequence[Stored]) -> None:
        """Copy workflows, except over newer copies. Raises DependencyUnavailable."""
        pipeline = self._client.pipeline(transaction=False)
        for stored in workflows:
            pipeline.eval(
                _WRITE, 1, _name(stored.key), str(stored.version), self._sealed(stored), str(int(KEEP.total_seconds()))
            )
        try:
            await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            raise DependencyUnavailable(
                f"Redis did not take {len(workflows)} hot copies: {error or type(error).__name__}.",
                facts={"dependency": "redis"},
            ) from error

    def _sealed(self, stored: Stored) -> bytes:
        text = orjson.dumps(
            {
                "version": stored.version,
                "head": stored.head_hash.hex(),
                "definition": [stored.plan.definition.name, stored.plan.definition.version, stored.plan.content_hash],
                "status": stored.workflow.status,
                "state": dump_workflow(stored.workflow).decode(),
                "input": stored.known.input,
                "values": [[seq, value] for seq, value in stored.known.values.items()],
                "sizes": [stored.snapshot_bytes, stored.tail_bytes],
            }
        )
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text, _name(stored.key).encode())

    async def _opened(self, key: Key, copy: bytes) -> Stored | None:
        try:
            text = self._cipher.decrypt(copy[:_NONCE_BYTES], copy[_NONCE_BYTES:], _name(key).encode())
        except (InvalidTag, ValueError):
            log.warning("hot_copy_refused", workflow_id=key.workflow_id)
            return None
        found: dict[str, Any] = orjson.loads(text)
        plan = await self._plan(key.tenant, *found["definition"])
        if plan is None:
            return None
        values = Map(dict(found["values"]))
        return Stored(
            key=key,
            plan=plan,
            workflow=load_workflow(key.workflow_id, WorkflowStatus(found["status"]), found["state"].encode()),
            version=found["version"],
            head_hash=bytes.fromhex(found["head"]),
            known=Known(found["input"], values, needed=len(values)),
            snapshot_bytes=found["sizes"][0],
            tail_bytes=found["sizes"][1],
        )

    async def _plan(self, tenant: str, name: str, version: str, content_hash: str) -> Plan | None:
        if (plan := PLANS.find(content_hash)) is not None:
            return plan
        try:
            definition = await self._definitions.get(tenant, name, version)
        except ArchwrightError:
            return None
        return definition.plan if definition.content_hash == content_hash else None


def _name(key: Key) -> str:
    return f"archwright:hot:{key.tenant}:{key.workflow_id}"
