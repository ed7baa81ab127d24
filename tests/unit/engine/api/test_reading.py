"""What is shown of a workflow: alike for one of ten steps and one of thousands, page by page."""

from __future__ import annotations

import pytest
from storages import TENANT, MemoryStorage, entry_of, new_key

from archwright.engine.v1 import workflows_pb2 as pb
from archwright.errors import RequestInvalid, TaskNotFound
from archwright.language.parse import parse
from archwright.language.plan import compile as compile_plan
from archwright.payloads import from_struct
from archwright.serving.calls import Call
from archwright.serving.tokens import ANONYMOUS, Caller
from services.engine.api.past import EVENTS_MAX, NAMED_MAX
from services.engine.api.reading import Reading
from services.engine.api.views import DEPTH_MAX, struct_of
from services.engine.api.watch import Watching
from services.engine.domain.commands import StartWorkflow
from services.engine.domain.values import Known
from services.engine.domain.workflow import Workflow
from services.engine.live import Feed
from services.engine.memory import Memory
from services.engine.ports.history import Numbered
from services.engine.ports.keys import Key
from services.engine.ports.store import NewWorkflow, Stored
from services.engine.storage.memory.store import MemoryStore

ROUNDS = """
name: rounds
steps:
  - name: turn
    loop:
      max_iterations: 1000
      while: "!has(vars.n) || vars.n < 900"
      steps:
        - {name: count, set: {n: "${has(vars.n) ? vars.n + 1 : 1}"}}
  - {name: rest, wait: {signal: go}}
"""
CALL = Call(Caller("ann", TENANT, frozenset({"viewer"}), "", ANONYMOUS.expires_at), {}, "", "", None)


class Counted(MemoryStore):
    """A store that counts the events that are read of it, in all and at most at a time."""

    read = most = 0

    async def events(self, key: Key, *, after_seq: int, limit: int) -> list[Numbered]:
        found = list(await super().events(key, after_seq=after_seq, limit=limit))
        self.read, self.most = self.read + len(found), max(self.most, len(found))
        return found


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def store(storage: MemoryStorage) -> Counted:
    return Counted(storage.tables, accept_seconds=1)


@pytest.fixture
def reading(store: Counted) -> Reading:
    return Reading(store, Watching(store, Feed(), Memory(1_000_000)))


async def begun(storage: MemoryStorage, source: str) -> Stored:
    """Commit the beginning of a workflow of a definition of the test's own."""
    plan = compile_plan(parse(source))
    storage.tables.publish(TENANT, plan)
    key = new_key()
    new = Stored(key, plan, Workflow(key.workflow_id), 0, b"", Known())
    created = NewWorkflow(key.workflow_id, b"", plan.definition.name, "1.0.0", plan.content_hash, "ann", "")
    command = StartWorkflow(storage.now(), key.workflow_id, {}, key.workflow_id, "ann", "")
    await storage.commit(entry_of(new, command, created=created))
    return await storage.load(key)


async def test_a_workflow_of_thousands_of_events_shows_the_newest_and_counts_them_all(
    storage: MemoryStorage, store: Counted, reading: Reading
) -> None:
    stored = await begun(storage, ROUNDS)
    assert stored.workflow.last_seq > 5 * EVENTS_MAX

    shown = await reading.whole(stored.key)

    assert shown.steps_completed_count == 901
    assert len(shown.steps_completed) <= NAMED_MAX
    assert shown.steps_completed[-2:] == ["turn[899]/count", "turn"]
    assert from_struct(shown.context) == {"n": 900}
    assert from_struct(shown.input) == {}
    assert store.read <= EVENTS_MAX + 2
    assert store.most <= 100


async def test_tasks_are_listed_page_by_page_in_the_order_they_were_made(
    storage: MemoryStorage, reading: Reading
) -> None:
    stored = await storage.start(plan="large")
    pages: list[list[str]] = []
    token = ""
    while token or not pages:
        request = pb.ListTasksRequest(workflow_id=stored.key.workflow_id, page_size=30, page_token=token)
        answer = await reading.list_tasks(request, CALL)
        pages.append([task.step_id for task in answer.tasks])
        token = answer.next_page_token

    assert [len(page) for page in pages] == [30, 30, 20]
    assert [step for page in pages for step in page] == [f"look_at_each_of_them[{number}]/look" for number in range(80)]


@pytest.mark.parametrize("token", ["x", "-1", "99999", "1" * 20])
async def test_a_page_of_tasks_that_no_list_named_is_refused(
    storage: MemoryStorage, reading: Reading, token: str
) -> None:
    stored = await storage.start()

    with pytest.raises(RequestInvalid, match="page_token"):
        await reading.list_tasks(pb.ListTasksRequest(workflow_id=stored.key.workflow_id, page_token=token), CALL)


async def test_a_task_shows_what_it_was_given_and_what_came_of_it(storage: MemoryStorage, reading: Reading) -> None:
    stored = await storage.start()
    [row] = await storage.store.open_tasks(stored.key)
    request = pb.GetTaskRequest(workflow_id=stored.key.workflow_id, task_id=row.task_id)
    before = await reading.get_task(request, CALL)
    _, fence = await storage.claim("a7")
    assigned = await reading.get_task(request, CALL)
    await storage.commit(storage.completing(stored, fence, {"n": 7}))

    after = await reading.get_task(request, CALL)

    assert (before.status, before.queue, before.agent_type) == (pb.Task.PENDING, "writer", "writer")
    assert from_struct(before.input_data) == {"topic": "tea"}
    assert (assigned.status, assigned.agent_id, assigned.attempt) == (pb.Task.ASSIGNED, "a7", 1)
    assert after.status == pb.Task.COMPLETED
    assert from_struct(after.result) == {"n": 7}
    with pytest.raises(TaskNotFound):
        await reading.get_task(pb.GetTaskRequest(workflow_id=stored.key.workflow_id, task_id="task_x"), CALL)


def test_what_is_nested_deeper_than_a_message_may_be_is_told_as_text() -> None:
    value: object = "deep"
    for _ in range(DEPTH_MAX + 10):
        value = [value]

    text = struct_of({"it": value, "n": float("inf")})

    assert pb.Workflow.FromString(pb.Workflow(output=text).SerializeToString()).output == text
    assert "deep" in str(text)
    assert text.fields["n"].string_value == "inf"
