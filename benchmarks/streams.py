"""What streams of idle agents cost an engine, and how soon all are back after it was killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import psutil

from archwright.pacing import rest
from benchmarks.enrolment import enrol
from benchmarks.idle_agents import IdleAgents, idle_agents
from benchmarks.measure import processes
from benchmarks.mesh import Mesh, Shape

_FIRST_SHARE = 0.05
"""These come before anything is counted: what the first ones load is no growth."""
_SETTLE_SECONDS_MAX = 5.0
_LOOK_SECONDS = 0.02


def shape(streams: int, *, is_plain: bool = False) -> Shape:
    """Return a mesh of one engine that lets so many agents of a type connect, and has none yet."""
    return Shape(agents=0, is_plain=is_plain, settings={"MAX_AGENT_INSTANCES": str(streams)})


async def measure(mesh: Mesh, *, streams: int, idle_seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure streams that share a connection, kill the engine and wait for them; then streams with their own."""
    tokens = await enrol(mesh, streams)
    async with idle_agents(mesh, is_sharing=True) as agents:
        shared = await _held(agents, tokens, idle_seconds)
        say(f"{streams:,} streams on one connection: {shared['bytes_per_stream']:,} bytes each")
        reconnect_seconds = await _killed(agents, streams)
        say(f"all are back {reconnect_seconds:.1f} s after the engine was killed")
    await _replaced()
    return {
        "streams": streams,
        **shared,
        "reconnect_all_seconds": round(reconnect_seconds, 2),
        "own_connections_tls": await measure_own(mesh, tokens, idle_seconds),
    }


async def measure_own(mesh: Mesh, tokens: Mapping[str, str], idle_seconds: float) -> dict[str, Any]:
    """Measure streams with a connection each, on an engine that has had none before."""
    async with idle_agents(mesh, is_sharing=False) as agents:
        return await _held(agents, tokens, idle_seconds)


async def _held(agents: IdleAgents, tokens: Mapping[str, str], idle_seconds: float) -> dict[str, Any]:
    """Have the agents come, and return what each added to the engine and what all of them cost it while idle."""
    names = list(tokens)
    first = names[: max(1, int(len(names) * _FIRST_SHARE))]
    await agents.come({name: tokens[name] for name in first})
    settle_seconds = min(_SETTLE_SECONDS_MAX, idle_seconds)
    await rest(settle_seconds)
    engine = _engine()
    before = engine.memory_full_info()
    await agents.come({name: tokens[name] for name in names[len(first) :]})
    await rest(settle_seconds)
    after = engine.memory_full_info()
    came = max(1, len(names) - len(first))
    return {
        "bytes_per_stream": round((after.rss - before.rss) / came),
        "pss_bytes_per_stream": round((after.pss - before.pss) / came),
        "engine_memory_mb": round(after.rss / 2**20, 1),
        "idle_cpu_percent": await _cpu_percent(engine, idle_seconds),
    }


async def _cpu_percent(engine: psutil.Process, seconds: float) -> float:
    """Return what share of one core the engine uses during so many seconds."""
    before, began = engine.cpu_times(), time.perf_counter()
    await rest(seconds)
    after, took = engine.cpu_times(), time.perf_counter() - began
    return round(100 * (after.user - before.user + after.system - before.system) / took, 2)


async def _killed(agents: IdleAgents, streams: int) -> float:
    """Kill the engine, which its supervisor starts again, and return the seconds until all agents are welcomed."""
    engine, began = _engine(), time.perf_counter()
    engine.kill()
    await agents.until(lambda: agents.connected == 0, "every agent knows that the engine is gone")
    await agents.until(lambda: agents.connected == streams, "all agents are back")
    return time.perf_counter() - began


async def _replaced() -> None:
    """Kill the engine and wait for the one that takes its place: what the streams before left is no longer there."""
    old = _engine()
    old.kill()
    while not (now := processes().get("engine 1")) or now[0].pid == old.pid:
        await rest(_LOOK_SECONDS)


def _engine() -> psutil.Process:
    return processes()["engine 1"][0]
