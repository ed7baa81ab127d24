"""One query for many askers."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

import pytest

from services.engine.storage.shared_query import SharedQuery


class Slow:
    """A table that is asked slowly: each query looks at once, and answers when it is let."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.queries: list[frozenset[str]] = []
        self.gates: list[asyncio.Future[None]] = []

    async def __call__(self, asked: Collection[str]) -> Mapping[str, int]:
        self.queries.append(frozenset(asked))
        seen = dict(self.rows)
        gate = asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        await gate
        return {name: seen[name] for name in asked if name in seen}

    async def let(self, number: int) -> None:
        """Let a query answer, and everybody who waited for it go on."""
        await settle()
        self.gates[number].set_result(None)
        await settle()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)  # noqa: TID251 - gives everybody their turn


async def test_those_who_come_while_a_query_is_under_way_share_the_next() -> None:
    slow = Slow()
    shared: SharedQuery[str, int] = SharedQuery(slow)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(shared.ask("a"))
        await settle()
        later = [group.create_task(shared.ask(name)) for name in "abcabcabc"]
        await slow.let(0)
        assert first.done()
        assert not any(task.done() for task in later)
        await slow.let(1)

    assert slow.queries == [{"a"}, {"a", "b", "c"}]


async def test_nobody_is_told_what_was_there_before_they_asked() -> None:
    slow = Slow()
    slow.rows["a"] = 1
    shared: SharedQuery[str, int] = SharedQuery(slow)
    async with asyncio.TaskGroup() as group:
        early = group.create_task(shared.ask("a"))
        await settle()
        slow.rows["a"] = 2
        late = group.create_task(shared.ask("a"))
        await slow.let(0)
        await slow.let(1)

    assert (early.result(), late.result()) == (1, 2)


async def test_what_is_not_found_is_none() -> None:
    slow = Slow()
    shared: SharedQuery[str, int] = SharedQuery(slow)
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(shared.ask("a"))
        await slow.let(0)

    assert asked.result() is None


async def test_an_asker_that_gives_up_leaves_the_query_to_the_others() -> None:
    slow = Slow()
    slow.rows["a"] = 1
    shared: SharedQuery[str, int] = SharedQuery(slow)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(shared.ask("x"))
        await settle()
        leader, follower, third = (group.create_task(shared.ask("a")) for _ in range(3))
        await slow.let(0)
        assert first.done()
        leader.cancel()
        await settle()
        third.cancel()
        await slow.let(2)

    assert follower.result() == 1
    assert slow.queries == [{"x"}, {"a"}, {"a"}]


async def test_a_failure_is_told_to_all_who_shared_it_and_to_nobody_after() -> None:
    slow = Slow()
    shared: SharedQuery[str, int] = SharedQuery(slow)
    async with asyncio.TaskGroup() as group:
        group.create_task(shared.ask("x"))
        await settle()
        asked = [group.create_task(_failing(shared)) for _ in range(3)]
        await slow.let(0)
        slow.gates[1].set_exception(ConnectionError("the database is away"))
        await settle()
        assert all(task.done() for task in asked)
        slow.rows["a"] = 1
        again = group.create_task(shared.ask("a"))
        await slow.let(2)

    assert again.result() == 1


async def _failing(shared: SharedQuery[str, int]) -> None:
    with pytest.raises(ConnectionError, match="away"):
        await shared.ask("a")


async def test_a_thousand_askers_make_two_queries() -> None:
    slow = Slow()
    shared: SharedQuery[str, int] = SharedQuery(slow)
    async with asyncio.TaskGroup() as group:
        for _ in range(1000):
            group.create_task(shared.ask("a"))
        await slow.let(0)
        await slow.let(1)

    assert len(slow.queries) == 2
