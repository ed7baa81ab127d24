"""Rule 18: a word to another workflow stands and falls with its cause, and a signal may come before it is asked for."""

from __future__ import annotations

from typing import Any

from storages import TENANT, entry_of, new_key

from archwright import ids
from services.chassis.clock import ManualClock
from services.engine.domain.commands import CancelWorkflow, SignalWorkflow, StartChild
from services.engine.domain.workflow import OpenChild


async def test_a_child_is_asked_for_in_its_parents_commit_and_has_one_id_however_often_that_is_decided(
    storage: Any, owner: Any
) -> None:
    key = new_key()
    storage.clock = ManualClock(storage.now())  # the same command, decided twice
    [first, second] = [storage.beginning(key, plan="parent") for _ in range(2)]
    await storage.commit(first)

    [row] = await owner.fetch("SELECT target FROM engine.inbox")
    [child] = (await storage.load(key)).workflow.open.values()
    assert isinstance(child, OpenChild)
    assert child.child_id == ids.show("wf", row["target"])
    assert [message.workflow_id for message in second.effects.messages] == [child.child_id]
    [mail] = await storage.inbox.take(10)
    assert isinstance(mail.command, StartChild)


async def test_a_word_is_gone_with_the_commit_that_heeds_it_and_stays_while_none_does(storage: Any, owner: Any) -> None:
    sender, target = await storage.start(), await storage.start()
    word = CancelWorkflow(storage.now(), "ann", "")
    await storage.commit(storage.saying(storage.cancelling(sender), target.key, "word", word))
    await storage.commit(storage.signalling(target, "r1"))
    heeding = storage.heeding(target, word, "word")

    assert [fate.verdict for fate in await storage.commit(heeding)] == ["lost"]
    assert await owner.fetchval("SELECT count(*) FROM engine.inbox") == 1
    fresh = await storage.load(target.key)
    assert [fate.verdict for fate in await storage.commit(storage.heeding(fresh, word, "word"))] == ["won"]
    assert await owner.fetchval("SELECT count(*) FROM engine.inbox") == 0


async def test_an_early_signal_waits_in_the_state_for_the_step_that_asks_for_it(storage: Any) -> None:
    stored = await storage.start(plan="signalled")
    _, fence = await storage.claim()
    await storage.commit(entry_of(stored, SignalWorkflow(storage.now(), "go", {"by": "bob"}, "bob", "r1")))

    await storage.commit(storage.completing(await storage.load(stored.key), fence))

    after = await storage.load(stored.key)
    assert set(after.workflow.open) == {"review"}
    assert after.key.tenant == TENANT
