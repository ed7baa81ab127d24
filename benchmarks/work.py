"""The work that is measured: workflows of no-op steps, started through the public API.

That workflows have ended is read from the database, a few times a second: one row count, which costs the engine
nothing and cannot lie.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from archwright import Client
from benchmarks.mesh import AGENT_TYPE, TENANT, Mesh, wait

STEPS = 8
_LOOK_SECONDS = 0.05
_PATIENCE_SECONDS = 300.0


def chain(name: str, steps: int = STEPS) -> str:
    """Return a definition of so many no-op steps in a row."""
    lines = [f"  - {{name: s{number}, agent: {AGENT_TYPE}, input: {{n: '${{input.n}}'}}}}" for number in range(steps)]
    return "\n".join([f"name: {name}", "timeout_seconds: 3600", "steps:", *lines, "output: {}"]) + "\n"


@dataclass(slots=True)
class Progress:
    """How far the workflows of one definition have come."""

    mesh: Mesh
    definition: str
    started: int = 0
    refused: int = 0
    starts_seconds: list[float] = field(default_factory=list)

    async def start(self, client: Client, count: int) -> None:
        """Start so many workflows in one call."""
        began = time.perf_counter()
        outcomes = await client.start_many(self.definition, [{"n": self.started + n} for n in range(count)])
        self.starts_seconds.append(time.perf_counter() - began)
        self.started += sum(1 for outcome in outcomes if outcome.workflow_id)
        self.refused += sum(1 for outcome in outcomes if not outcome.workflow_id)

    async def run(self, client: Client, total: int, concurrent: int, *, batch: int = 100) -> float:
        """Run `total` workflows, `concurrent` at once; return how many seconds it took."""
        connection = await self.mesh.connect()
        try:
            before = await _ended(connection, self.definition)
            began = time.perf_counter()
            while True:
                ended = await _ended(connection, self.definition) - before
                if ended >= total:
                    return time.perf_counter() - began
                assert time.perf_counter() - began < _PATIENCE_SECONDS, f"only {ended} of {total} workflows ended"
                room = min(total - self.started, concurrent - (self.started - ended))
                if room >= min(batch, total - self.started) > 0:
                    await self.start(client, min(room, 1_000))
                else:
                    await wait(_LOOK_SECONDS)
        finally:
            await connection.close()


async def _ended(connection: object, definition: str) -> int:
    query = (
        "SELECT count(*) FROM engine.workflows "
        "WHERE tenant_id = $1 AND definition_name = $2 AND ended_at IS NOT NULL"
    )
    found: int = await connection.fetchval(query, TENANT, definition)  # type: ignore[attr-defined]
    return found
