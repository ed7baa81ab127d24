"""The agents' side: what idle agents cost, and how soon they and their work leave whoever is dead or frozen.

Each part has a mesh of its own, so that none has to do with what another left behind.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from archwright.errors import InvalidArgument
from benchmarks import freezes, moves, streams
from benchmarks.enrolment import enrol
from benchmarks.freezes import Freezing
from benchmarks.ledger import Ledger
from benchmarks.measure import agent_processes
from benchmarks.mesh import Mesh, Shape, Use

PARTS = ("streams", "moves", "freezes")
_FREEZING_AGENTS = 8
_FREEZING_SLOTS = 4


class PartUnknown(InvalidArgument):
    """No part of the benchmark has this name."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How much of what."""

    streams: int
    idle_seconds: float
    freezes: int
    seed: int


def require_part(only: str) -> None:
    """Raise PartUnknown unless it names a part, or none."""
    if only and only not in PARTS:
        raise PartUnknown(f"--only names {only!r}; it takes one of: {', '.join(PARTS)}.")


def meshes(wish: Wish, only: str, say: Callable[[str], None]) -> Iterator[tuple[Shape, Use[dict[str, Any]]]]:
    """Yield the meshes that are needed, and what is measured on each."""

    async def on_streams(mesh: Mesh) -> dict[str, Any]:
        return await streams.measure(mesh, streams=wish.streams, idle_seconds=wish.idle_seconds, say=say)

    async def on_plain_streams(mesh: Mesh) -> dict[str, Any]:
        tokens = await enrol(mesh, wish.streams)
        return {"own_connections_plain": await streams.measure_own(mesh, tokens, wish.idle_seconds)}

    async def on_moves(mesh: Mesh) -> dict[str, Any]:
        return await moves.measure(mesh, say)

    async def on_freezes(mesh: Mesh) -> dict[str, Any]:
        return await _frozen(mesh, wish, say)

    if only in ("", "streams"):
        yield streams.shape(wish.streams), on_streams
        yield streams.shape(wish.streams, is_plain=True), on_plain_streams
    if only in ("", "moves"):
        yield moves.SHAPE, on_moves
    if only in ("", "freezes"):
        shape = Shape(agents=_FREEZING_AGENTS, slots=_FREEZING_SLOTS, agent="stubborn_agent", settings=freezes.SETTINGS)
        yield shape, on_freezes


async def _frozen(mesh: Mesh, wish: Wish, say: Callable[[str], None]) -> dict[str, Any]:
    """Freeze agents, and return how many of their late results arrived and counted."""
    connection = await mesh.connect()
    try:
        async with mesh.client() as client:
            chance = random.Random(wish.seed)
            freezing = Freezing(client, connection, agent_processes(), Ledger(mesh.ledger), chance)
            frozen = await freezing.freeze(wish.freezes, say)
    finally:
        await connection.close()
    verdict = frozen.verdict
    for sentence in (*verdict.accepted, *verdict.misreported):
        say(sentence)
    return {
        "freezes": frozen.freezes,
        "woken_when": frozen.woken_when,
        "stale_results_sent": verdict.sent,
        "stale_results_answered_on_stream": verdict.answered_on_stream,
        "stale_results_answered_in_call": verdict.answered_in_call,
        "stale_results_accepted": len(verdict.accepted),
        "stale_results_misreported": len(verdict.misreported),
    }
