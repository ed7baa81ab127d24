"""What goes wrong, one at a time: by a seed, each kind as often as any other."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from enum import StrEnum

from redis.asyncio import Redis

from archwright.pacing import rest
from tests.bus_chaos.receiver import SILENT_SECONDS
from tests.bus_chaos.world import World, frozen, restarted


class Strike(StrEnum):
    """A kind of fault."""

    REDIS_KILLED = "Redis killed"
    REDIS_EMPTIED = "Redis emptied"
    REDIS_FROZEN = "Redis frozen"
    STREAM_DELETED = "a stream deleted"
    RECEIVER_KILLED = "a receiver killed"
    RECEIVER_FROZEN = "a receiver frozen until others take over"
    GROUP_KILLED = "all receivers of a group killed while Redis is emptied"
    REALTIME_KILLED = "the realtime service killed"
    ENGINE_KILLED = "an engine killed"
    POISONED = "what is no event published"


def schedule(seed: int, count: int) -> Iterator[Strike]:
    """Yield so many strikes; every kind comes before any comes again."""
    chance = random.Random(seed)
    while count > 0:
        kinds = list(Strike)
        chance.shuffle(kinds)
        yield from kinds[:count]
        count -= len(kinds)


async def strike(world: World, kind: Strike, chance: random.Random) -> None:
    """Do it, and undo what can be undone."""
    match kind:
        case Strike.REDIS_KILLED:
            await world.redis.kill()
            await rest(chance.uniform(0.1, 1.5))
            await world.redis.start()
        case Strike.REDIS_EMPTIED:
            await _ask(world, "FLUSHALL")
        case Strike.REDIS_FROZEN:
            world.redis.send(signal.SIGSTOP)
            await rest(chance.uniform(0.5, 4.0))
            world.redis.send(signal.SIGCONT)
        case Strike.STREAM_DELETED:
            await _ask(world, "DEL", f"archwright:events:{{{chance.randrange(16)}}}")
        case Strike.RECEIVER_KILLED:
            await restarted(chance.choice(world.receivers))
        case Strike.RECEIVER_FROZEN:
            await frozen(chance.choice(world.receivers), 2 * SILENT_SECONDS)
        case Strike.GROUP_KILLED:
            name = chance.choice(world.receivers).name.partition("-")[0]
            members = [receiver for receiver in world.receivers if receiver.name.startswith(name)]
            for receiver in members:
                receiver.kill()
                await receiver.gone()
            await rest(chance.uniform(0.2, 1.0))
            await _ask(world, "FLUSHALL")
            await rest(chance.uniform(0.2, 3.0))
            for receiver in members:
                await receiver.start()
        case Strike.REALTIME_KILLED:
            await restarted(world.realtime)
        case Strike.ENGINE_KILLED:
            engine = chance.choice(world.mesh.engines)
            engine.kill()
            await world.mesh.restart_engine(engine)
        case Strike.POISONED:
            garbage = chance.choice(["hello", "[1]", "{}", '[{"data": {"workflow_id": "x"}}]'])
            await _ask(world, "XADD", f"archwright:events:{{{chance.randrange(16)}}}", "*", "events", garbage)


async def _ask(world: World, *words: str) -> None:
    async with Redis.from_url(world.redis.url) as client:
        await client.execute_command(*words)
