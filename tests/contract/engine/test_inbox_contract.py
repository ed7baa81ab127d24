"""What every Inbox, and the Store that fills it, promise about words between workflows."""

from __future__ import annotations

from msgspec.structs import replace
from storages import TENANT, Storage

from archwright import ids
from services.engine.domain.commands import CancelWorkflow, EndChild, StartChild
from services.engine.domain.transitions import WorkflowStatus
from services.engine.ports.inbox import Mail
from services.engine.ports.keys import Key
from services.engine.ports.store import Stored


async def asked_for_child(storage: Storage) -> tuple[Stored, Mail]:
    """Start a workflow that asks for another, and take its word."""
    stored = await storage.start(plan="parent")
    [mail] = await storage.inbox.take(10)
    return stored, mail


def ended(storage: Storage, stored: Stored, mail: Mail) -> EndChild:
    assert isinstance(mail.command, StartChild)
    return EndChild(storage.now(), "child", mail.command.child_id, WorkflowStatus.COMPLETED, {"n": 1})


async def test_a_word_is_written_with_its_cause(storage: Storage) -> None:
    stored, mail = await asked_for_child(storage)

    assert isinstance(mail.command, StartChild)
    assert mail.to == Key(TENANT, mail.command.child_id)
    assert mail.command.parent.workflow_id == stored.key.workflow_id
    assert (mail.command.definition_name, mail.command.input) == ("chain", {"topic": "tea"})


async def test_a_word_of_a_loser_is_not_written(storage: Storage) -> None:
    request_id = str(ids.new_uuid())
    await storage.start(plan="parent", request_id=request_id)
    await storage.inbox.take(10)

    await storage.commit(storage.beginning(Key(TENANT, ids.show("wf", ids.new_uuid())), request_id, "parent"))

    assert not await storage.inbox.take(10)


async def test_whoever_takes_a_word_has_it_for_a_while_and_no_longer(storage: Storage) -> None:
    _, mail = await asked_for_child(storage)
    assert not await storage.inbox.take(10)

    await storage.age(60)

    assert await storage.inbox.take(10) == [mail]


async def test_older_words_come_first_and_no_more_than_asked_for(storage: Storage) -> None:
    for _ in range(3):
        await storage.start(plan="parent")
        await storage.age(1)

    taken = [len(await storage.inbox.take(2)) for _ in range(3)]

    assert taken == [2, 1, 0]


async def test_a_word_that_is_dropped_is_gone(storage: Storage) -> None:
    _, mail = await asked_for_child(storage)

    await storage.inbox.drop(mail)
    await storage.inbox.drop(mail)
    await storage.age(60)

    assert not await storage.inbox.take(10)


async def test_a_word_is_gone_with_the_commit_that_heeds_it(storage: Storage) -> None:
    stored, mail = await asked_for_child(storage)
    await storage.inbox.drop(mail)
    child = await storage.start(key=mail.to)
    # The child's end is a word to the parent, as it is written when the child has one.
    parent = ended(storage, stored, mail)
    word = await told(storage, child, stored.key, parent)

    [written] = await storage.commit(storage.heeding(stored, parent, word))
    again = await storage.load(stored.key)
    await storage.age(60)

    assert written.verdict == "won"
    assert again.workflow.status is WorkflowStatus.COMPLETED
    assert not await storage.inbox.take(10)


async def test_a_word_that_is_gone_is_heeded_by_nobody(storage: Storage) -> None:
    stored, mail = await asked_for_child(storage)
    await storage.inbox.drop(mail)

    [written] = await storage.commit(storage.heeding(stored, ended(storage, stored, mail), "end:of:nobody"))

    assert written.verdict == "fenced"
    assert await storage.load(stored.key) == stored


async def test_a_word_stays_when_the_commit_that_heeds_it_loses(storage: Storage) -> None:
    stored, mail = await asked_for_child(storage)
    await storage.inbox.drop(mail)
    child = await storage.start(key=mail.to)
    parent = ended(storage, stored, mail)
    word = await told(storage, child, stored.key, parent)

    [written] = await storage.commit(replace(storage.heeding(stored, parent, word), expected_version=9))
    await storage.age(60)

    assert written.verdict == "lost"
    assert [each.message_key for each in await storage.inbox.take(10)] == [word]


async def test_of_two_words_with_one_key_one_is_kept(storage: Storage) -> None:
    stored, mail = await asked_for_child(storage)
    await storage.inbox.drop(mail)
    child = await storage.start(key=mail.to)
    command = ended(storage, stored, mail)

    first = await told(storage, child, stored.key, command, key="once")
    await told(storage, await storage.load(child.key), stored.key, command, key="once", request_id="r2")

    assert [each.message_key for each in await storage.inbox.take(10)] == [first]


async def test_every_kind_of_word_arrives_as_it_was_said(storage: Storage) -> None:
    stored, mail = await asked_for_child(storage)
    await storage.inbox.drop(mail)
    child = await storage.start(key=mail.to)
    cancelling = CancelWorkflow(storage.now(), "engine", "its parent has ended")

    await told(storage, child, stored.key, cancelling)

    [taken] = await storage.inbox.take(10)
    assert taken.command == cancelling


async def told(
    storage: Storage,
    sender: Stored,
    to: Key,
    command: StartChild | EndChild | CancelWorkflow,
    *,
    key: str = "word",
    request_id: str = "r1",
) -> str:
    """Let a commit of one workflow say a word to another."""
    entry = storage.signalling(sender, request_id)
    await storage.commit(storage.saying(entry, to, key, command))
    return key
