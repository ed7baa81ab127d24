"""Rule 4: one audit row a call and none an agent's result, numbered without a gap in each writer's own chain."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from storages import TENANT


async def test_a_call_leaves_one_row_and_an_agents_work_none(storage: Any) -> None:
    before = await storage.audit_count(TENANT)
    stored = await storage.start()
    _, fence = await storage.claim()
    await storage.board.accept([fence])

    await storage.commit(storage.completing(stored, fence))

    assert await storage.audit_count(TENANT) == before + 1


async def test_each_writer_has_a_chain_of_its_own_in_which_a_lost_call_leaves_no_gap(
    storage: Any, other_storage: Any, owner: Any
) -> None:
    await owner.execute("TRUNCATE engine.audit")
    stored = await storage.start()
    calls = [replace(place.cancelling(stored), audit=(place.audit_row(),)) for place in (other_storage, storage)]
    for place, call in zip((other_storage, storage), calls, strict=True):
        await place.commit(call)
    await storage.start()
    await other_storage.start()

    rows = await owner.fetch("SELECT writer, number, previous_hash, hash FROM engine.audit ORDER BY writer, number")
    chains: dict[Any, list[Any]] = {}
    for row in rows:
        chains.setdefault(row["writer"], []).append(row)
    assert [[row["number"] for row in chain] for chain in chains.values()] == [[1, 2], [1, 2]]
    for first, second in chains.values():
        assert second["previous_hash"] == first["hash"]
