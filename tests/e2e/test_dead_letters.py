"""Dead letters over gRPC: what waits for a person, redriven with another input, discarded, one and many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from small_mesh import SmallMesh, small_mesh

from archwright import Client, ids
from archwright.engine.v1.dead_letters_pb2 import DeadLetter, DeadLetterOutcome
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.errors import (
    DeadLetterNotFound,
    InputMismatch,
    LimitReached,
    PayloadTooLarge,
    RequestIdReused,
    RequestInvalid,
    RoleDenied,
    TransitionIllegal,
)
from archwright.pacing import rest
from archwright.payloads import from_struct
from archwright.problem.v1.reason_pb2 import BUSINESS
from services.bus.port import partition_of, stream_of
from services.bus.redis import writer
from services.chassis.clock import SystemClock
from services.engine.ports.dead_letters import LetterKind, LetterRow
from services.engine.storage.database import Database
from services.engine.storage.dead_letters import PostgresDeadLetters

STRICT = """
name: strict
steps:
  - name: draft
    agent: writer
    input: {refuse: "${refuse}", topic: tea}
    input_schema: {type: object, properties: {refuse: {type: boolean}}}
"""
FLAKY = """
name: flaky
steps:
  - name: draft
    agent: writer
    retry_policy: {max_attempts: 2, base_delay_seconds: 0.1}
    input: {transient_failures: 9}
"""


@pytest.fixture(scope="module")
async def mesh(database: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SmallMesh]:
    """One mesh for all tests of this file, with an agent that does what its input says."""
    users = ("archwright_engine", "archwright_registry")
    folder = tmp_path_factory.mktemp("letters")
    async with small_mesh(folder, database.owner_dsn, {user: database.dsn(user) for user in users}) as found:
        async with found.client() as client:
            for source in (STRICT, FLAKY):
                await client.definitions.publish(source)
        await found.add_agent("writer")
        yield found


@pytest.fixture
async def client(mesh: SmallMesh) -> AsyncIterator[Client]:
    async with mesh.client() as found:
        yield found


async def failed(client: Client, definition: str = "strict", **given: object) -> DeadLetter:
    """Start a workflow that fails, and return the dead letter of its task."""
    workflow = await client.start(definition, {"refuse": True} | given)
    ended = await client.wait(workflow.workflow_id)
    assert ended.status == Workflow.FAILED
    [letter] = [each async for each in client.dead_letters.list(f"workflow_id = {workflow.workflow_id}")]
    return await client.dead_letters.get(letter.letter_id)


async def event_letter(database: Any, workflow_id: str) -> LetterRow:
    """Keep a dead letter of an event of a workflow."""
    row = LetterRow(
        letter_id=ids.show("letter", ids.new_uuid()),
        tenant="acme",
        kind=LetterKind.EVENT,
        workflow_id=workflow_id,
        definition_name="strict",
        definition_version="1.0.0",
        category="",
        code="EVENT_GIVEN_UP",
        attempts=5,
        created_at=SystemClock().now(),
        group="notifier",
        event_id=f"{workflow_id}:3",
        envelope=b'{"id": "3"}',
        error="the server said no",
    )
    own = Database(database.dsn("archwright_engine"), pool_max=2)
    await PostgresDeadLetters(own).add_event_letters([row])
    await own.close()
    return row


async def test_a_dead_letter_shows_what_was_given_and_what_went_wrong(client: Client) -> None:
    letter = await failed(client)

    assert (letter.kind, letter.state) == (DeadLetter.TASK, DeadLetter.WAITING)
    assert (letter.definition_name, letter.step, letter.agent_type) == ("strict", "draft", "writer")
    assert (letter.category, letter.message, letter.attempts_made) == (BUSINESS, "the domain says no", 1)
    assert from_struct(letter.input) == {"refuse": True, "topic": "tea"}
    [attempt] = letter.attempts
    assert (attempt.attempt, attempt.agent_id, attempt.message) == (1, "writer-1", "the domain says no")
    assert attempt.HasField("failed_at")


async def test_every_attempt_is_shown(client: Client) -> None:
    letter = await failed(client, "flaky")

    assert [(each.attempt, each.message) for each in letter.attempts] == [(1, "not yet"), (2, "not yet")]


async def test_one_is_redriven_with_another_input_and_its_workflow_completes(client: Client) -> None:
    letter = await failed(client)

    redriven = await client.dead_letters.redrive(letter.letter_id, {"echo": "edited"})
    workflow = await client.wait(letter.workflow_id)

    assert (redriven.state, redriven.ended_by) == (DeadLetter.REDRIVEN, "ann")
    assert from_struct(redriven.input) == {"refuse": True, "topic": "tea"}
    assert workflow.status == Workflow.COMPLETED
    assert from_struct(workflow.output)["draft"]["echo"] == "edited"
    *_, task = await client.tasks(letter.workflow_id)
    shown = await client.task(letter.workflow_id, task.task_id)
    assert from_struct(shown.input_data) == {"echo": "edited"}


async def test_one_that_fails_again_is_a_new_dead_letter(client: Client) -> None:
    letter = await failed(client)

    await client.dead_letters.redrive(letter.letter_id)
    await client.wait(letter.workflow_id)

    found = [each async for each in client.dead_letters.list(f"workflow_id = {letter.workflow_id}")]
    assert [each.state for each in found] == [DeadLetter.WAITING, DeadLetter.REDRIVEN]
    with pytest.raises(TransitionIllegal, match="waits no longer: 'ann' has redriven it"):
        await client.dead_letters.redrive(letter.letter_id)
    with pytest.raises(TransitionIllegal, match="waits no longer"):
        await client.dead_letters.discard(letter.letter_id)


async def test_a_repeated_redrive_is_one(client: Client) -> None:
    letter = await failed(client)

    first = await client.dead_letters.redrive(letter.letter_id, {"echo": 1}, request_id="once")
    again = await client.dead_letters.redrive(letter.letter_id, {"echo": 1}, request_id="once")

    assert first == again
    with pytest.raises(RequestIdReused):
        await client.dead_letters.redrive(letter.letter_id, {"echo": 2}, request_id="once")
    assert (await client.wait(letter.workflow_id)).status == Workflow.COMPLETED


async def test_one_that_is_discarded_leaves_its_workflow_as_it_is(client: Client) -> None:
    letter = await failed(client)

    first = await client.dead_letters.discard(letter.letter_id, "not worth it", request_id="away")
    again = await client.dead_letters.discard(letter.letter_id, "not worth it", request_id="away")

    assert first == again
    assert (first.state, first.ended_by, first.discard_reason) == (DeadLetter.DISCARDED, "ann", "not worth it")
    assert (await client.get(letter.workflow_id)).status == Workflow.FAILED
    with pytest.raises(TransitionIllegal, match=f"archwright workflows retry {letter.workflow_id}"):
        await client.dead_letters.redrive(letter.letter_id)


async def test_many_are_redriven_and_discarded_by_a_filter(client: Client) -> None:
    await client.dead_letters.discard_many()
    letters = {(await failed(client)).letter_id for _ in range(3)}
    flaky = await failed(client, "flaky")
    wanted = "definition_name = strict AND category = business"

    dry = await client.dead_letters.discard_many(wanted, limit=2, dry_run=True)
    done = await client.dead_letters.redrive_many(wanted, limit=2, request_id="many")
    rest = await client.dead_letters.discard_many("definition_name = flaky", "enough")

    assert [each.result for each in dry.outcomes] == [DeadLetterOutcome.WOULD_BE_DONE] * 2
    assert dry.left == 1
    assert [each.result for each in done.outcomes] == [DeadLetterOutcome.DONE] * 2
    assert {each.letter_id for each in done.outcomes} < letters
    assert [each.letter_id for each in rest.outcomes] == [flaky.letter_id]
    assert rest.left == 0


async def test_many_are_not_redriven_twice_by_one_request(client: Client) -> None:
    letter = await failed(client)
    wanted = f"workflow_id = {letter.workflow_id}"

    await client.dead_letters.redrive_many(wanted, request_id="only-once")
    await client.wait(letter.workflow_id)
    again = await client.dead_letters.redrive_many(wanted, request_id="only-once")

    [outcome] = again.outcomes
    assert (outcome.result, outcome.reason) == (DeadLetterOutcome.REFUSED, "TRANSITION_ILLEGAL")
    assert "Use a new request_id" in outcome.message
    assert (again.left, (await client.get(letter.workflow_id)).status) == (1, Workflow.FAILED)


async def test_two_who_redrive_at_once_do_it_once(client: Client) -> None:
    letter = await failed(client)

    came = await asyncio.gather(
        *(client.dead_letters.redrive(letter.letter_id, {"echo": n}) for n in range(4)), return_exceptions=True
    )

    assert sum(isinstance(each, DeadLetter) for each in came) == 1
    assert all(isinstance(each, DeadLetter | TransitionIllegal) for each in came)
    assert (await client.get(letter.workflow_id)).retries == 1


async def test_an_input_that_does_not_fit_changes_nothing(client: Client) -> None:
    letter = await failed(client)

    with pytest.raises(InputMismatch, match="does not fit the input_schema of step 'draft'") as refused:
        await client.dead_letters.redrive(letter.letter_id, {"refuse": "perhaps"})
    with pytest.raises(PayloadTooLarge):
        await client.dead_letters.redrive(letter.letter_id, {"text": "x" * 2_000_000})
    with pytest.raises(LimitReached, match="larger than max"):
        await client.dead_letters.redrive(letter.letter_id, {"text": "x" * 5_000_000})

    assert refused.value.violations[0].field == "input.refuse"
    assert (await client.dead_letters.get(letter.letter_id)) == letter


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("nonsense", "cannot be read from"),
        ("colour = red", "cannot ask for 'colour'"),
        ("kind = letter", "there are task, event"),
        ("state > waiting", "compares state by >"),
        ("workflow_id = wf_1", "which is none"),
        ("created_at >= yesterday", "write a time"),
        ("code = A AND code = B", "no dead letter has at once"),
        ("x" * 1_001, "the limit is 1,000"),
    ],
)
async def test_a_filter_that_says_nothing_is_refused(client: Client, wrong: str, told: str) -> None:
    with pytest.raises(RequestInvalid, match=told):
        _ = [each async for each in client.dead_letters.list(wrong)]
    with pytest.raises(RequestInvalid, match=told):
        await client.dead_letters.discard_many(wrong)


async def test_only_so_many_and_only_those_that_wait_are_ended(client: Client) -> None:
    with pytest.raises(RequestInvalid, match="from 0 to 1,000"):
        await client.dead_letters.redrive_many(limit=1_001)
    with pytest.raises(RequestInvalid, match="only those that wait"):
        await client.dead_letters.redrive_many("state = discarded")


async def test_what_is_not_there_or_anothers_is_not_found(mesh: SmallMesh, client: Client) -> None:
    letter = await failed(client)

    for unknown in (ids.show("letter", ids.new_uuid()), "nonsense"):
        with pytest.raises(DeadLetterNotFound):
            await client.dead_letters.get(unknown)
    async with mesh.client(tenant="rival") as rival:
        with pytest.raises(DeadLetterNotFound):
            await rival.dead_letters.redrive(letter.letter_id)
        assert not [each async for each in rival.dead_letters.list("")]


async def test_who_only_looks_redrives_and_discards_nothing(mesh: SmallMesh, client: Client) -> None:
    letter = await failed(client)

    async with mesh.client(roles=("viewer",)) as viewer:
        assert (await viewer.dead_letters.get(letter.letter_id)) == letter
        with pytest.raises(RoleDenied):
            await viewer.dead_letters.redrive(letter.letter_id)
        with pytest.raises(RoleDenied):
            await viewer.dead_letters.discard_many()


async def test_one_of_an_event_is_shown_beside_the_others_and_waits_while_there_is_no_bus(
    database: Any, client: Client
) -> None:
    of_task = await failed(client)
    row = await event_letter(database, of_task.workflow_id)

    listed = [each.letter_id async for each in client.dead_letters.list(f"workflow_id = {row.workflow_id}")]
    shown = await client.dead_letters.get(row.letter_id)

    assert listed == [row.letter_id, of_task.letter_id]
    assert (shown.kind, shown.group, shown.message) == (DeadLetter.EVENT, "notifier", "the server said no")
    assert from_struct(shown.input) == {"id": "3"}
    with pytest.raises(RequestInvalid, match="an event is given again as it happened"):
        await client.dead_letters.redrive(row.letter_id, {"id": "4"})
    many = await client.dead_letters.redrive_many(f"workflow_id = {row.workflow_id} AND kind = event")
    assert [(each.result, each.reason) for each in many.outcomes] == [
        (DeadLetterOutcome.REFUSED, "DEPENDENCY_UNAVAILABLE")
    ]
    assert (await client.dead_letters.discard(row.letter_id)).state == DeadLetter.DISCARDED


async def test_one_of_an_event_is_given_to_its_group_again(database: Any, valkey: str, tmp_path: Path) -> None:
    users = ("archwright_engine", "archwright_registry")
    dsn_of = {user: database.dsn(user) for user in users}
    async with (
        small_mesh(tmp_path, database.owner_dsn, dsn_of, ARCHWRIGHT_REDIS_URL=valkey) as with_bus,
        with_bus.client() as client,
        writer(valkey) as redis,
    ):
        row = await event_letter(database, ids.show("wf", ids.new_uuid()))

        redriven = await client.dead_letters.redrive(row.letter_id, request_id="again")
        again = await client.dead_letters.redrive(row.letter_id, request_id="again")
        assert redriven == again
        assert (redriven.state, redriven.ended_by) == (DeadLetter.REDRIVEN, "ann")
        async with asyncio.timeout(20):
            while not (given := await given_to(redis, "notifier", row)):
                await rest(0.1)
        assert given == [b"[" + row.envelope + b"]"]


async def given_to(redis: Redis, group: str, row: LetterRow) -> list[bytes]:
    """Return what is on the bus for one group alone, where a dead letter's event belongs."""
    entries = await redis.xrange(stream_of(partition_of(row.workflow_id)))
    return [fields[b"events"] for _, fields in entries if fields.get(b"group") == group.encode()]
