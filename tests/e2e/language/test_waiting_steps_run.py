"""Steps that wait: for time, for a word from outside, for another workflow, and for people who do not answer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from players import Players, ended, run
from waiting import until

from archwright import Client, Task
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.payloads import Json, to_struct
from archwright.sdk.errors import Business


async def test_it_waits_for_seconds_and_until_a_time(client: Client) -> None:
    due = datetime.now(UTC) + timedelta(seconds=0.8)  # noqa: TID251  the mesh goes by the real clock

    found = await run(
        client,
        "name: waits\nsteps: [{name: some, wait: {seconds: 0.3}}, {name: til, wait: {until: '${due}'}}]",
        {"due": due.isoformat()},
    )

    assert found.workflow.completed_at.ToDatetime(UTC) >= due
    assert list(found.workflow.steps_completed) == ["some", "til"]


def signal(workflow_id: str, name: str, payload: Json, request_id: str = "") -> pb.SignalWorkflowRequest:
    return pb.SignalWorkflowRequest(
        workflow_id=workflow_id, name=name, payload=to_struct(payload), request_id=request_id
    )


async def test_a_signal_ends_the_wait_and_is_its_output(client: Client, workflows: Any) -> None:
    await client.definitions.publish("name: signalled\nsteps: [{name: go, wait: {signal: go}}]")
    workflow = await client.start("signalled", {})

    await workflows.SignalWorkflow(signal(workflow.workflow_id, "other", {"n": 1}))
    await workflows.SignalWorkflow(signal(workflow.workflow_id, "go", {"n": 2}))

    assert (await ended(client, workflow.workflow_id)).output == {"go": {"n": 2}}


async def test_a_signal_that_came_early_counts_once(client: Client, workflows: Any) -> None:
    await client.definitions.publish(
        "name: early\nsteps: [{name: some, wait: {seconds: 0.5}}, {name: go, wait: {signal: go}}]"
    )
    workflow = await client.start("early", {})

    for _ in range(2):  # the same request, repeated
        await workflows.SignalWorkflow(signal(workflow.workflow_id, "go", {"n": 1}, request_id="only-once"))

    assert (await ended(client, workflow.workflow_id)).output == {"go": {"n": 1}}


async def test_a_signal_that_does_not_come_is_a_time_out(client: Client) -> None:
    found = await run(
        client,
        """
        name: unheard
        steps:
          - {name: go, wait: {signal: go, timeout_seconds: 1}, on_failure: continue}
          - {name: say, set: {status: "${steps.go.status}"}}
        output: {status: "${vars.status}"}
        """,
    )

    assert (found.output, found.workflow.degraded) == ({"status": "failed"}, True)


async def test_an_approval_that_nobody_gives_expires_as_it_says(client: Client) -> None:
    found = await run(
        client,
        """
        name: expiring
        steps:
          - name: nods
            approval: {approvers: ["role:admin"], expires_after: 1, on_expiry: approve}
          - name: shakes
            approval: {approvers: ["role:admin"], expires_after: 1, on_reject: continue}
        output: {nods: "${steps.nods.output.approved}", shakes: "${steps.shakes.output.approved}"}
        """,
    )

    assert found.output == {"nods": True, "shakes": False}


async def test_an_approval_that_expires_in_vain_fails(client: Client) -> None:
    await run(
        client,
        "name: rejecting\nsteps: [{name: nods, approval: {approvers: ['role:admin'], expires_after: 1}}]",
        ends="FAILED",
    )


async def test_a_childs_output_is_the_steps(client: Client, cast: Players) -> None:
    await cast.add("child_worker")
    await client.definitions.publish(
        "name: child\nsteps: [{name: work, agent: child_worker, input: {n: '${n}'}}]\n"
        "output: {n: '${steps.work.output.given.n}'}"
    )

    found = await run(client, "name: parent\nsteps: [{name: part, workflow: child, input: {n: '${n}'}}]", {"n": 7})

    assert found.output == {"part": {"n": 7}}


async def test_a_child_that_fails_fails_its_step(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        raise Business("no")

    await cast.add("failing_child_worker", play)
    await client.definitions.publish(
        "name: failing_child\nsteps: [{name: work, agent: failing_child_worker, input: {}}]"
    )

    found = await run(
        client,
        """
        name: parent_of_failing
        steps:
          - {name: part, workflow: failing_child, input: {}, on_failure: continue}
          - {name: say, set: {status: "${steps.part.status}"}}
        output: {status: "${vars.status}"}
        """,
    )

    assert found.output == {"status": "failed"}


async def test_a_child_is_cancelled_with_its_parent(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        await asyncio.Event().wait()

    player = await cast.add("long_child_worker", play)
    await client.definitions.publish("name: long_child\nsteps: [{name: work, agent: long_child_worker, input: {}}]")
    await client.definitions.publish("name: long_parent\nsteps: [{name: part, workflow: long_child, input: {}}]")
    parent = await client.start("long_parent", {})
    await until(lambda: player.under_way == 1)

    await client.cancel(parent.workflow_id)

    child = await ended(client, player.given[0].workflow_id)
    assert (child.status, child.workflow.parent_workflow_id) == ("CANCELLED", parent.workflow_id)
    await until(lambda: player.cancelled == ["work"])


async def test_a_child_whose_definition_is_missing_fails_its_step(client: Client) -> None:
    found = await run(
        client, "name: childless\nsteps: [{name: part, workflow: there_is_no_such, input: {}}]", ends="FAILED"
    )

    assert "there_is_no_such" in found.why


async def test_set_emit_and_fail_say_what_they_say(client: Client) -> None:
    found = await run(
        client,
        """
        name: sayings
        steps:
          - {name: name_it, set: {total: "${size(rows)}"}}
          - {name: tell, emit: {type: rows.counted, payload: {total: "${vars.total}"}}}
          - {name: stop, fail: {category: BUSINESS, message: "There are ${vars.total} rows."}}
        """,
        {"rows": [1, 2, 3]},
        ends="FAILED",
    )

    history = [event async for event in client.history(found.workflow.workflow_id)]
    assert "There are 3 rows." in found.why
    assert any("rows.counted" in str(event) for event in history)


async def test_a_workflow_that_takes_too_long_fails(client: Client) -> None:
    await run(client, "name: late\ntimeout_seconds: 1\nsteps: [{name: go, wait: {signal: go}}]", ends="FAILED")
