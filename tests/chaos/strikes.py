"""What each fault does to the world, and how it is mended."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

from checker.bus import emptied, published_last
from fault_proxy import FaultProxy

from archwright import stubs
from archwright.channel import bearer, open_channel
from archwright.engine.v1.workflows_pb2 import WatchWorkflowRequest
from services.chassis.clock import SystemClock
from tests.chaos.timetable import Fault, Strike
from tests.chaos.world import World, one_of

CRASHES = 3
DELAY_SECONDS = 0.4
SLOW_WATCHERS = 20

clock = SystemClock()


async def strike(world: World, what: Strike) -> None:
    """Let something go wrong, and mend it when its time is over."""
    await _STRIKES[what.fault](world, what)


async def _engine_killed(world: World, what: Strike) -> None:
    engine = one_of(world.mesh.engines, what.victim)
    async with world.struck(engine):
        engine.kill()
        await clock.sleep(what.lasts_seconds)
        await world.mesh.restart_engine(engine)


async def _engine_frozen(world: World, what: Strike) -> None:
    engine = one_of(world.mesh.engines, what.victim)
    async with world.struck(engine):
        engine.freeze()
        try:
            await clock.sleep(what.lasts_seconds)
        finally:
            engine.wake()


async def _engine_crashes_again(world: World, what: Strike) -> None:
    engine = one_of(world.mesh.engines, what.victim)
    async with world.struck(engine):
        for _ in range(CRASHES):
            engine.kill()
            await world.mesh.restart_engine(engine)
            await clock.sleep(what.lasts_seconds)


async def _agent_killed(world: World, what: Strike) -> None:
    agent = one_of([each for name, each in world.mesh.agents.items() if not name.startswith("fragile")], what.victim)
    async with world.struck(agent):
        if not (world.is_ours(agent) and agent.is_running):
            return  # it was replaced while this strike waited for its turn
        agent.kill()
        await agent.gone()
        await clock.sleep(what.lasts_seconds)
        await world.replace(agent)


async def _agent_frozen(world: World, what: Strike) -> None:
    agent = one_of(list(world.mesh.agents.values()), what.victim)
    async with world.struck(agent):
        if not (world.is_ours(agent) and agent.is_running):
            return  # likewise
        agent.freeze()
        try:
            await clock.sleep(what.lasts_seconds)
        finally:
            agent.wake()


async def _registry_killed(world: World, what: Strike) -> None:
    registry = world.mesh.registry
    async with world.struck(registry):
        registry.kill()
        await clock.sleep(what.lasts_seconds)
        await world.mesh.restart_engine(registry)


async def _gateway_killed(world: World, what: Strike) -> None:
    async with world.struck(world.gateway):
        await world.gateway.kill()
        await clock.sleep(what.lasts_seconds)
        await world.gateway.start()


async def _postgres_killed(world: World, what: Strike) -> None:
    async with world.struck(world.postgres):
        await world.postgres.kill()
        await clock.sleep(what.lasts_seconds)
        await world.postgres.start()


async def _redis_killed(world: World, what: Strike) -> None:
    async with world.struck(world.redis):
        world.forgotten.extend(await published_last(world.redis_url))
        await world.redis.kill()
        await clock.sleep(what.lasts_seconds)
        await world.redis.start()


async def _redis_emptied(world: World, what: Strike) -> None:
    async with world.struck(world.redis):
        world.forgotten.extend(await emptied(world.redis_url))


async def _redis_frozen(world: World, what: Strike) -> None:
    async with world.struck(world.redis):
        world.redis.send(signal.SIGSTOP)
        try:
            await clock.sleep(what.lasts_seconds)
        finally:
            world.redis.send(signal.SIGCONT)


async def _link_partitioned(world: World, what: Strike) -> None:
    await _held(world, what, FaultProxy.hold)


async def _link_one_way(world: World, what: Strike) -> None:
    await _held(world, what, FaultProxy.hold_back)


async def _held(world: World, what: Strike, hold: Callable[[FaultProxy], None]) -> None:
    link = one_of(world.links, what.victim)
    async with world.struck(link):
        hold(link)
        try:
            await clock.sleep(what.lasts_seconds)
        finally:
            link.release()


async def _link_half_open(world: World, what: Strike) -> None:
    one_of(world.links, what.victim).cut_off()


async def _link_slow(world: World, what: Strike) -> None:
    link = one_of(world.links, what.victim)
    async with world.struck(link):
        link.delay_seconds = DELAY_SECONDS
        await clock.sleep(what.lasts_seconds)
        link.delay_seconds = 0.0


async def _all_links_reset(world: World, what: Strike) -> None:
    for link in world.links:
        link.reset()


async def _watchers_slow(world: World, what: Strike) -> None:
    """Ask for many watches over one connection, and read nothing of what comes."""
    async with AsyncExitStack() as stack:
        caller = await stack.enter_async_context(world.client(through_gateway=False))
        found = [workflow.workflow_id async for workflow in caller.list()][:SLOW_WATCHERS]
        channel = await stack.enter_async_context(open_channel(f"http://{world.mesh.address}"))
        for workflow_id in found:
            request = WatchWorkflowRequest(workflow_id=workflow_id)
            call = stubs.workflows(channel).WatchWorkflow(request, metadata=bearer(world.token()))
            stack.callback(call.cancel)
        await clock.sleep(what.lasts_seconds)


async def _keys_rotated(world: World, what: Strike) -> None:
    world.rotate_keys()


_STRIKES: Mapping[Fault, Callable[[World, Strike], Awaitable[None]]] = {
    Fault.ENGINE_KILLED: _engine_killed,
    Fault.ENGINE_FROZEN: _engine_frozen,
    Fault.ENGINE_CRASHES_AGAIN: _engine_crashes_again,
    Fault.AGENT_KILLED: _agent_killed,
    Fault.AGENT_FROZEN: _agent_frozen,
    Fault.REGISTRY_KILLED: _registry_killed,
    Fault.GATEWAY_KILLED: _gateway_killed,
    Fault.POSTGRES_KILLED: _postgres_killed,
    Fault.REDIS_KILLED: _redis_killed,
    Fault.REDIS_EMPTIED: _redis_emptied,
    Fault.REDIS_FROZEN: _redis_frozen,
    Fault.LINK_PARTITIONED: _link_partitioned,
    Fault.LINK_ONE_WAY: _link_one_way,
    Fault.LINK_HALF_OPEN: _link_half_open,
    Fault.LINK_SLOW: _link_slow,
    Fault.ALL_LINKS_RESET: _all_links_reset,
    Fault.WATCHERS_SLOW: _watchers_slow,
    Fault.KEYS_ROTATED: _keys_rotated,
}
