"""Who gets a task: by type, by capability and labels, by how busy they are, and the more urgent first."""

from __future__ import annotations

import asyncio

from players import Players, ended, run
from waiting import until

from archwright import Client, Task
from archwright.payloads import Json


async def test_a_capability_and_labels_choose_the_agent(client: Client, cast: Players) -> None:
    right = await cast.add("desk_one", capabilities=["weighing@1.4.0"], labels={"region": "eu"})
    old = await cast.add("desk_two", capabilities=["weighing@1.1.0"], labels={"region": "eu"})
    far = await cast.add("desk_three", capabilities=["weighing@1.4.0"], labels={"region": "us"})
    source = """
        name: by_capability
        steps:
          - name: each
            foreach:
              items: "[1, 2, 3, 4]"
              as: n
              steps: [{name: weigh, capability: "weighing@^1.2", labels: {region: eu}, input: {n: "${n}"}}]
        """

    await run(client, source)

    assert [len(player.given) for player in (right, old, far)] == [4, 0, 0]


async def test_a_type_with_a_capability_needs_both(client: Client, cast: Players) -> None:
    both = await cast.add("smith", capabilities=["gilding"])
    await cast.add("smith")
    await cast.add("painter", capabilities=["gilding"])

    await run(client, "name: needs_both\nsteps: [{name: a, agent: smith, capability: gilding, input: {}}]")

    assert both.steps == ["a"]


async def test_least_connections_goes_to_the_idle_one(client: Client, cast: Players) -> None:
    enough = asyncio.Event()

    async def play(task: Task) -> Json:
        if task.input["hold"]:
            await enough.wait()
        return {}

    first, second = [await cast.add("porter", play) for _ in range(2)]
    await client.definitions.publish(
        "name: held\nsteps: [{name: a, agent: porter, selection: least_connections, input: {hold: '${hold}'}}]"
    )
    held = await client.start("held", {"hold": True})
    await until(lambda: first.under_way + second.under_way == 1)
    busy, idle = (first, second) if first.under_way else (second, first)

    for _ in range(3):
        await ended(client, (await client.start("held", {"hold": False})).workflow_id)

    assert (len(busy.given), len(idle.given)) == (1, 3)
    enough.set()
    await ended(client, held.workflow_id)


async def test_two_agents_of_a_type_take_turns(client: Client, cast: Players) -> None:
    first, second = [await cast.add("turner") for _ in range(2)]
    await client.definitions.publish("name: turns\nsteps: [{name: a, agent: turner, input: {}}]")

    for _ in range(6):
        await ended(client, (await client.start("turns", {})).workflow_id)

    assert (len(first.given), len(second.given)) == (3, 3)


async def test_the_more_urgent_goes_first(client: Client, cast: Players) -> None:
    steps = [
        f"{{name: {each}, agent: urgent_desk, parallel_execution: true, priority: {each}, input: {{}}}}"
        for each in ("low", "normal", "high", "critical")
    ]
    await client.definitions.publish("\n".join(["name: by_urgency", "steps:", *(f"  - {step}" for step in steps)]))
    workflow = await client.start("by_urgency", {})

    player = await cast.add("urgent_desk", slots=1)

    await ended(client, workflow.workflow_id)
    assert player.steps == ["critical", "high", "normal", "low"]


async def test_a_task_waits_for_an_agent_that_comes_later(client: Client, cast: Players) -> None:
    await client.definitions.publish("name: patient\nsteps: [{name: a, agent: latecomer, input: {}}]")
    workflow = await client.start("patient", {})

    await cast.add("latecomer")

    assert (await ended(client, workflow.workflow_id)).status == "COMPLETED"
