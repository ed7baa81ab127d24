"""Rule 24: a breaker is one row that replicas change by compare-and-set; its trials are never lent twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.engine.breakers import BreakerGate
from services.engine.domain.breaker import Breaker, BreakerConfig, BreakerState
from services.engine.ports.breakers import BreakerKey

CONFIG = BreakerConfig()
KEY = BreakerKey("acme", "writer")


@pytest.fixture
def gates(storage: Any, other_storage: Any) -> tuple[BreakerGate, BreakerGate]:
    one, other = (BreakerGate(each.breakers, each.clock, CONFIG) for each in (storage, other_storage))
    return one, other


async def test_failures_that_several_replicas_saw_open_it_for_all_of_them(gates: Any) -> None:
    one, other = gates
    for gate, count in ((one, 5), (other, 5)):
        for _ in range(count):
            gate.note(*KEY, failed=True)

    await asyncio.gather(one.step(), other.step())
    await asyncio.gather(one.step(), other.step())

    assert one.is_open(*KEY)
    assert other.is_open(*KEY)
    assert not one.is_open("globex", "writer")


async def test_while_all_is_well_nothing_is_written(gates: Any, storage: Any) -> None:
    one, _ = gates
    for _ in range(1_000):
        one.note(*KEY, failed=False)

    await one.step()

    assert await storage.breakers.all() == {}


async def test_a_success_that_one_replica_saw_ends_the_row_of_another(gates: Any) -> None:
    one, other = gates
    for _ in range(4):
        one.note(*KEY, failed=True)
    await one.step()
    other.note(*KEY, failed=False)
    await other.step()
    for _ in range(4):
        one.note(*KEY, failed=True)

    await one.step()

    assert one.is_closed(*KEY)


async def test_no_more_trials_are_lent_than_there_are_whoever_asks(gates: Any, storage: Any) -> None:
    long_ago = storage.clock.now() - timedelta(seconds=61)
    await storage.breakers.replace(KEY, 0, Breaker(long_ago, BreakerState.OPEN, failures=5))
    for gate in gates:
        await gate.step()

    lent = await asyncio.gather(*(gate.admit(*KEY, 2) for gate in gates for _ in range(3)))

    assert sum(lent) == CONFIG.half_open_max_calls
    await gates[0].give_back(*KEY, 1)
    await gates[1].step()
    assert await gates[1].admit(*KEY, 2) == 1
