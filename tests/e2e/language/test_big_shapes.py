"""Shapes far larger than usual finish, and in bounded time: many at once, and many after each other."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from players import Ended, Player, Players

from archwright import Client, Task, ids
from archwright.client.definitions import text
from archwright.payloads import Json

BRANCHES, ELEMENTS, ITERATIONS, STEPS = 1_000, 2_000, 10_000, 10_000
SECONDS_MAX = 150.0


@pytest.fixture(scope="module")
async def hands(cast: Players) -> Player:
    async def play(task: Task) -> Json:
        return {"n": task.input["n"]}

    return await cast.add("hand", play, slots=500)


async def finish(client: Client, source: str, given: dict[str, Json]) -> Ended:
    definition = await client.definitions.publish(source)
    workflow = await client.start(definition.name, given)
    async with asyncio.timeout(SECONDS_MAX):
        found = Ended(await client.wait(workflow.workflow_id))
    assert found.status == "COMPLETED", found.why
    return found


async def test_a_thousand_branches_join(client: Client, hands: Player) -> None:
    branches = "\n".join(f"        b{n}: [{{name: s{n}, agent: hand, input: {{n: {n}}}}}]" for n in range(BRANCHES))
    source = f"name: wide\nsteps:\n  - name: all\n    parallel:\n      branches:\n{branches}\n"

    found = await finish(client, source, {})

    assert {name: branch["n"] for name, branch in found.output["all"].items()} == {f"b{n}": n for n in range(BRANCHES)}


async def test_two_thousand_elements_come_back_in_order(client: Client, hands: Player) -> None:
    source = """
        name: many
        steps:
          - name: each
            foreach: {items: rows, as: row, steps: [{name: do, agent: hand, input: {n: "${row}"}}]}
        """

    found = await finish(client, source, {"rows": list(range(ELEMENTS))})

    assert [element["n"] for element in found.output["each"]] == list(range(ELEMENTS))


async def test_a_loop_of_two_steps_goes_round_ten_thousand_times(client: Client, hands: Player, database: Any) -> None:
    source = f"""
        name: long
        timeout_seconds: 3600
        steps:
          - {{name: begin, set: {{n: 0}}}}
          - name: again
            loop:
              max_iterations: {ITERATIONS}
              while: vars.n < {ITERATIONS}
              steps:
                - {{name: do, agent: hand, input: {{n: "${{vars.n + 1}}"}}}}
                - {{name: keep, set: {{n: "${{steps.do.output.n}}"}}}}
        output: {{n: "${{vars.n}}"}}
        """

    found = await finish(client, source, {})

    assert found.output == {"n": ITERATIONS}
    assert found.workflow.steps_completed_count > 2 * ITERATIONS
    assert await state_bytes(database, found.workflow.workflow_id) < 10_000


async def test_a_definition_of_ten_thousand_steps_is_planned_and_carried_out(
    client: Client, hands: Player, database: Any
) -> None:
    given = ["0", *(f'"${{steps.s{n}.output.n + 1}}"' for n in range(STEPS - 1))]
    steps = "\n".join(f"  - {{name: s{n}, agent: hand, input: {{n: {of}}}}}" for n, of in enumerate(given))
    source = f'name: chain\ntimeout_seconds: 3600\nsteps:\n{steps}\noutput: {{n: "${{steps.s{STEPS - 1}.output.n}}"}}\n'

    checked = await client.definitions.validate(source)
    planned = await client.definitions.plan(text(source))
    found = await finish(client, source, {})

    assert checked.valid
    assert planned.complete
    assert [step.name for step in planned.steps] == [f"s{n}" for n in range(STEPS)]
    assert found.output == {"n": STEPS - 1}
    assert found.workflow.steps_completed_count == STEPS
    assert await state_bytes(database, found.workflow.workflow_id) < 10_000


async def state_bytes(database: Any, workflow_id: str) -> int:
    """Return how large the state of a workflow is: not the larger for having done much."""
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        size = await owner.fetchval(
            "SELECT octet_length(state) FROM engine.workflows WHERE workflow_id = $1", ids.read("wf", workflow_id)
        )
    finally:
        await owner.close()
    return int(size)
