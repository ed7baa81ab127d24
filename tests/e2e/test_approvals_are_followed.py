"""What is done about approvals whose changes do not go as they should: a real engine, and a server as ServiceNow's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from change_server import SECRET, USER, ServiceNowServer, serving
from players import ended, players
from pydantic import SecretStr
from small_mesh import SmallMesh, small_mesh

from archwright import Client, Task
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from archwright.pacing import rest
from archwright.payloads import Json
from services.changes.follow import Follow
from services.changes.main import ALLOW_SETTING
from services.changes.measures import Measures
from services.changes.port import ChangeGone, SystemUnavailable
from services.changes.rules import Rule, ServiceNow
from services.changes.systems.servicenow import ServiceNowChanges
from services.chassis.clock import SystemClock
from services.chassis.egress import Allowance, Guard, resolve
from services.chassis.egress_http import GuardedTransport, trust_of
from services.chassis.metrics import Metrics

DEFINITIONS = (
    'name: sign\nsteps: [{name: agree, approval: {approvers: ["user:servicenow"]}, input: {what: "${what}"}}]',
    'name: two\nsteps: [{name: agree, approval: {approvers: ["role:operator"], quorum: 2}}]',
    """
    name: drift
    steps:
      - {name: first, agent: writer, input: {text: one}}
      - name: both
        parallel:
          branches:
            ask: [{name: agree, approval: {approvers: ["user:servicenow"], artifacts: ["report.md"]}}]
            edit:
              - {name: again, wait: {signal: again}}
              - {name: second, agent: writer, input: {text: two}}
              - {name: back, wait: {signal: back}}
              - {name: third, agent: writer, input: {text: one}}
    """,
)


@dataclass
class Followed:
    """A mesh, a system, and who keeps the approvals of a definition in step with it."""

    mesh: SmallMesh
    server: ServiceNowServer
    client: Client
    """Of the user that decides."""

    def follow(self, definition: str) -> Follow:
        system = ServiceNow(kind="servicenow", url=self.server.url, user=USER)
        system = system.model_copy(update={"password": SecretStr(SECRET)})
        rule = Rule.model_construct(
            name="all", tenant="acme", definitions=[definition], system=system, token_file=Path(), poll_seconds=1.0
        )
        guard = Guard(Allowance.read("127.0.0.1/32"), ALLOW_SETTING, resolve)
        changes = ServiceNowChanges(system, GuardedTransport(guard, trust_of()), SystemClock())
        return Follow(rule, changes, self.client, Measures(Metrics()), "", lambda: "servicenow")

    async def start(self, definition: str, what: str = "") -> str:
        """Start a workflow and return its approval, once that is asked for."""
        workflow_id = (await self.client.start(definition, {"what": what})).workflow_id
        [asked] = await shown(self.client, workflow_id, 1)
        return asked

    @property
    def rows(self) -> list[dict[str, Any]]:
        return list(self.server.rows.values())


@pytest.fixture(scope="module")
async def mesh(database: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SmallMesh]:
    dsn_of = {user: database.dsn(user) for user in ("archwright_engine", "archwright_registry")}
    async with small_mesh(tmp_path_factory.mktemp("mesh"), database.owner_dsn, dsn_of) as found:
        async with found.client() as client:
            for source in DEFINITIONS:
                await client.definitions.publish(source)
        yield found


@pytest.fixture
async def followed(mesh: SmallMesh) -> AsyncIterator[Followed]:
    server = ServiceNowServer()
    async with serving(server), mesh.client(user="servicenow", roles=("operator",)) as client:
        yield Followed(mesh, server, client)
        async for approval in client.approvals.list():
            await client.cancel(approval.workflow_id)


async def test_an_approval_whose_change_is_refused_holds_up_no_other(followed: Followed) -> None:
    follow = followed.follow("sign")
    for what in ("sound", "poison", "sound"):
        await followed.start("sign", what)
    followed.server.refuses = "poison"

    await follow.see_to_all()
    await follow.see_to_all()

    assert len(followed.rows) == 2


async def test_approvals_that_never_go_well_hold_up_none_that_went_wrong_once(followed: Followed) -> None:
    follow = followed.follow("sign")
    for what in ("sound", "poison", "poison", "poison"):  # the list has the newest first
        await followed.start("sign", what)
    followed.server.faults = ["500"] * 6
    for _ in range(2):
        with pytest.raises(SystemUnavailable, match="500"):
            await follow.see_to_all()
    followed.server.refuses = "poison"

    await follow.see_to_all()

    assert ['"what": "sound"' in row["description"] for row in followed.rows] == [True]


async def test_an_approval_whose_change_takes_its_time_holds_up_no_other(followed: Followed) -> None:
    follow = followed.follow("sign")
    slow, quick = await followed.start("sign"), await followed.start("sign")
    followed.server.faults = ["silent"]
    async with asyncio.TaskGroup() as group:
        seeing = group.create_task(follow.see_to(slow))
        async with asyncio.timeout(10):
            while followed.server.faults:
                await rest(0.01)
            await follow.see_to(quick)
        assert not seeing.done()
        assert len(followed.rows) == 1
        seeing.cancel()


async def test_a_later_change_that_cannot_be_withdrawn_keeps_the_older_from_nothing(followed: Followed) -> None:
    follow = followed.follow("sign")
    approval_id = await followed.start("sign")
    await follow.see_to(approval_id)
    [older] = followed.rows
    followed.server.rows["f" * 32] = older | {"sys_id": "f" * 32, "number": "CHG0999999"}
    older["approval"] = "approved"
    followed.server.faults = ["", "", "", "500"]  # found, looked at, who decided, and then of the later one

    with pytest.raises(SystemUnavailable, match="500"):
        await follow.see_to(approval_id)

    workflow_id = (await followed.client.approvals.get(approval_id)).workflow_id
    assert (await ended(followed.client, workflow_id)).status == "COMPLETED"


async def test_a_system_that_is_away_is_not_asked_for_every_approval(followed: Followed) -> None:
    follow = followed.follow("sign")
    for _ in range(5):
        await followed.start("sign")
    followed.server.faults = ["500"] * 5

    with pytest.raises(SystemUnavailable, match="500"):
        await follow.see_to_all()

    assert len(followed.server.faults) == 2, "three in a row are enough"


async def test_a_system_that_asks_for_a_pause_is_left_alone(followed: Followed) -> None:
    follow = followed.follow("sign")
    for _ in range(2):
        await followed.start("sign")
    followed.server.faults = ["busy", "busy"]

    with pytest.raises(SystemUnavailable) as away:
        await follow.see_to_all()

    assert away.value.retry_after_seconds == 7
    assert followed.server.faults == ["busy"]


async def test_of_two_changes_of_one_question_the_older_counts_and_the_other_is_withdrawn(followed: Followed) -> None:
    follow, other = followed.follow("sign"), followed.follow("sign")
    approval_id = await followed.start("sign")
    followed.server.finds_late = True
    await asyncio.gather(follow.see_to(approval_id), other.see_to(approval_id))
    assert len(followed.rows) == 2
    followed.server.finds_late = False

    await follow.see_to_all()
    await other.see_to_all()

    assert [row["state"] for row in followed.rows] == ["-5", "4"]
    followed.rows[0]["approval"] = "approved"
    await other.see_to_all()
    approval = await followed.client.approvals.get(approval_id)
    assert approval.decisions[0].comment.startswith(followed.rows[0]["number"])


async def test_a_change_that_a_search_does_not_find_yet_is_not_opened_again(followed: Followed) -> None:
    follow = followed.follow("sign")
    await followed.start("sign")
    followed.server.finds_late = True

    await follow.see_to_all()
    await follow.see_to_all()

    assert len(followed.rows) == 1


async def test_a_change_that_is_gone_decides_nothing_and_is_opened_anew(followed: Followed) -> None:
    follow = followed.follow("sign")
    approval_id = await followed.start("sign")
    followed.server.finds_late = True
    await follow.see_to(approval_id)
    followed.server.rows.clear()

    with pytest.raises(ChangeGone):
        await follow.see_to(approval_id)
    await follow.see_to(approval_id)

    assert len(followed.rows) == 1
    assert not (await followed.client.approvals.get(approval_id)).decisions


async def test_where_it_takes_more_people_an_approved_change_counts_once(followed: Followed) -> None:
    follow = followed.follow("two")
    approval_id = await followed.start("two")
    await follow.see_to_all()
    followed.server.decide("approved")

    for _ in range(3):
        await follow.see_to_all()
    await followed.follow("two").see_to_all()  # as after a restart

    approval = await followed.client.approvals.get(approval_id)
    assert [each.user_id for each in approval.decisions] == ["servicenow"]
    async with followed.mesh.client(user="bob", roles=("operator",)) as bob:
        await bob.approvals.approve(approval)
    assert (await ended(followed.client, approval.workflow_id)).status == "COMPLETED"


async def test_what_is_shown_again_after_a_change_is_another_question(followed: Followed) -> None:
    async def write(task: Task) -> Json:
        await task.put_artifact("report.md", str(task.input["text"]).encode(), "text/markdown")
        return {}

    follow = followed.follow("drift")
    async with players(followed.mesh) as cast:
        await cast.add("writer", write)
        approval_id = await followed.start("drift")
        workflow_id = (await followed.client.approvals.get(approval_id)).workflow_id
        await follow.see_to(approval_id)
        for count, signal in enumerate(("again", "back"), start=2):
            await followed.client.signal(workflow_id, signal)
            await shown(followed.client, workflow_id, count)
            await follow.tidy(approval_id)
            await follow.see_to(approval_id)

        assert [row["state"] for row in followed.rows] == ["4", "4", "-5"]
        followed.rows[0]["approval"] = "approved"  # too late, and about what came back since
        await follow.see_to_all()
        assert not (await followed.client.approvals.get(approval_id)).decisions
        followed.rows[2]["approval"] = "approved"
        await follow.see_to_all()
        assert (await ended(followed.client, workflow_id)).status == "COMPLETED"


async def shown(client: Client, workflow_id: str, count: int) -> list[str]:
    """Return the approvals of a workflow, each as often as it showed something, once those are so many."""
    found: list[str] = []
    async with asyncio.timeout(30):
        async for event in client.watch(workflow_id):
            if isinstance(event, WorkflowEvent) and event.event_type in {"approval_requested", "approval_invalidated"}:
                found.append(str(event.payload["approval_id"]))
            if len(found) == count:
                break
    return found
