"""Steps that hold others, run to their ends by agents: branches, elements, cases and iterations."""

from __future__ import annotations

import asyncio

from players import Players, echo, ended, run
from waiting import until

from archwright import Client, Task
from archwright.payloads import Json
from archwright.sdk.errors import Business


async def slow_if_told(task: Task) -> Json:
    """Finish at once, unless the step's name says that it is slow."""
    if task.step.endswith("slow"):
        await asyncio.Event().wait()
    return {"step": task.step}


async def test_a_join_of_all_waits_for_every_branch(client: Client, cast: Players) -> None:
    await cast.add("joiner")

    found = await run(
        client,
        """
        name: join_all
        steps:
          - name: both
            parallel:
              branches:
                left: [{name: l, agent: joiner, input: {n: 1}}]
                right: [{name: r, agent: joiner, input: {n: 2}}]
          - {name: after, set: {sum: "${steps.l.output.given.n + steps.r.output.given.n}"}}
        output: {sum: "${vars.sum}"}
        """,
    )

    assert found.output == {"sum": 3}


async def test_a_join_of_any_takes_the_first_and_cancels_the_others_at_their_agents(
    client: Client, cast: Players
) -> None:
    player = await cast.add("racer", slow_if_told)

    found = await run(
        client,
        """
        name: join_any
        steps:
          - name: race
            parallel:
              join: any
              branches:
                quick: [{name: quick, agent: racer, input: {}}]
                slow: [{name: slow, agent: racer, input: {}}]
                other: [{name: other_slow, agent: racer, input: {}}]
        """,
    )

    assert found.output["race"]["quick"] == {"step": "race.quick/quick"}
    await until(lambda: sorted(player.cancelled) == ["race.other/other_slow", "race.slow/slow"])


async def test_a_join_of_n_ignores_the_failures_of_those_it_does_not_need(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        if task.step.endswith("no"):
            raise Business("no")
        return {"says": "yes"}

    await cast.add("voter", play)

    found = await run(
        client,
        """
        name: join_n
        steps:
          - name: votes
            parallel:
              join: 2
              branches:
                a: [{name: a, agent: voter, input: {}}]
                b: [{name: b_no, agent: voter, input: {}}]
                c: [{name: c, agent: voter, input: {}}]
        """,
    )

    assert found.output == {"votes": {"a": {"says": "yes"}, "b": None, "c": {"says": "yes"}}}


async def test_a_join_fails_once_it_is_out_of_reach(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        if task.step.endswith("no"):
            raise Business("no")
        await asyncio.Event().wait()

    player = await cast.add("objector", play)

    await run(
        client,
        """
        name: out_of_reach
        steps:
          - name: votes
            parallel:
              join: 2
              branches:
                a: [{name: a_no, agent: objector, input: {}}]
                b: [{name: b_no, agent: objector, input: {}}]
                c: [{name: c, agent: objector, input: {}}]
        """,
        ends="FAILED",
    )

    await until(lambda: player.cancelled == ["votes.c/c"])


async def test_a_failed_branch_may_cancel_the_others(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        if task.step.endswith("no"):
            raise Business("no")
        await asyncio.Event().wait()

    player = await cast.add("canceller", play)

    found = await run(
        client,
        """
        name: cancel_others
        steps:
          - name: both
            on_failure: continue
            parallel:
              on_branch_failure: cancel_others
              branches:
                a: [{name: a_no, agent: canceller, input: {}}]
                b: [{name: b, agent: canceller, input: {}}]
          - {name: after, agent: canceller_after, when: steps.both.status == 'completed', input: {}}
        """,
    )

    assert found.workflow.degraded
    await until(lambda: player.cancelled == ["both.b/b"])


async def test_foreach_keeps_the_order_and_its_concurrency(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        await asyncio.sleep(0.05 if task.input["n"] % 2 == 0 else 0.01)  # noqa: TID251  the even ones take longer
        return {"ten": task.input["n"] * 10}

    player = await cast.add("counter", play)

    found = await run(
        client,
        """
        name: foreach_in_order
        steps:
          - name: each
            foreach:
              items: numbers
              as: n
              max_concurrency: 3
              steps: [{name: tell, agent: counter, input: {n: "${n}"}}]
        """,
        {"numbers": list(range(10))},
    )

    assert found.output == {"each": [{"ten": n * 10} for n in range(10)]}
    assert player.under_way_most == 3


async def test_an_element_that_fails_may_be_left_out(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        if task.input["n"] == 1:
            raise Business("not this one")
        return {"n": task.input["n"]}

    await cast.add("picker", play)

    found = await run(
        client,
        """
        name: foreach_continue
        steps:
          - name: each
            foreach:
              items: "[0, 1, 2]"
              as: n
              on_item_failure: continue
              steps: [{name: pick, agent: picker, input: {n: "${n}"}}]
        """,
    )

    assert (found.output, found.workflow.degraded) == ({"each": [{"n": 0}, None, {"n": 2}]}, True)


async def test_foreach_over_nothing_is_an_empty_list(client: Client) -> None:
    found = await run(
        client,
        "name: nothing\n"
        "steps: [{name: each, foreach: {items: '[]', as: n, steps: [{name: tell, agent: nobody, input: {}}]}}]",
    )

    assert found.output == {"each": []}


async def test_switch_does_the_first_case_that_holds(client: Client, cast: Players) -> None:
    player = await cast.add("clerk")
    source = """
        name: cases
        steps:
          - name: route
            switch:
              cases:
                - if: amount > 100
                  steps: [{name: committee, agent: clerk, input: {}}]
                - if: amount > 10
                  steps: [{name: single, agent: clerk, input: {}}]
          - {name: book, agent: clerk, input: {}}
        """
    for amount in (1000, 50, 1):
        await run(client, source, {"amount": amount})

    assert player.steps == ["route.0/committee", "book", "route.1/single", "book", "book"]


async def test_a_loop_carries_values_from_one_iteration_to_the_next(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        return {"n": task.input["n"] + 1}

    player = await cast.add("adder", play)

    found = await run(
        client,
        """
        name: counting
        steps:
          - {name: begin, set: {n: 0}}
          - name: count
            loop:
              max_iterations: 10
              until: vars.n >= 4
              steps:
                - {name: add, agent: adder, input: {n: "${vars.n}"}}
                - {name: keep, set: {n: "${steps.add.output.n}"}}
        output: {n: "${vars.n}"}
        """,
    )

    assert found.output == {"n": 4}
    assert player.steps == [f"count[{n}]/add" for n in range(4)]


async def test_a_loop_that_is_not_done_in_time_fails(client: Client, cast: Players) -> None:
    await cast.add("looper")

    found = await run(
        client,
        """
        name: endless
        steps:
          - name: again
            loop: {max_iterations: 3, while: "true", steps: [{name: go, agent: looper, input: {}}]}
        """,
        ends="FAILED",
    )

    assert "3" in found.workflow.error_details


async def test_neighbours_that_say_so_are_one_group(client: Client, cast: Players) -> None:
    together = asyncio.Barrier(2)

    async def meet(task: Task) -> Json:
        await together.wait()
        return {"met": True}

    await cast.add("meeter", meet)
    await cast.add("judge", echo)

    found = await run(
        client,
        """
        name: group
        steps:
          - {name: one, agent: meeter, parallel_execution: true, input: {}}
          - {name: two, agent: meeter, parallel_execution: true, input: {}}
          - {name: judge, agent: judge}
        """,
    )

    assert found.output == {"judge": {"step": "judge", "given": {"one": {"met": True}, "two": {"met": True}}}}


async def test_depends_on_makes_a_graph(client: Client, cast: Players) -> None:
    player = await cast.add("builder", slots=1)

    found = await run(
        client,
        """
        name: graph
        steps:
          - {name: roof, agent: builder, depends_on: [walls], input: {}}
          - {name: walls, agent: builder, depends_on: [ground], input: {}}
          - {name: ground, agent: builder, depends_on: [], input: {}}
          - {name: paint, agent: builder, depends_on: [walls], when: "false", input: {}}
          - {name: handover, agent: builder, depends_on: [roof, paint], input: {}}
        """,
    )

    assert player.steps == ["ground", "walls", "roof", "handover"]
    assert list(found.workflow.steps_skipped) == ["paint"]


async def test_cancelling_reaches_every_agent(client: Client, cast: Players) -> None:
    player = await cast.add("sleeper", slow_if_told)
    await client.definitions.publish(
        """
        name: to_be_cancelled
        steps:
          - name: both
            parallel:
              branches:
                a: [{name: a_slow, agent: sleeper, input: {}}]
                b: [{name: b_slow, agent: sleeper, input: {}}]
        """
    )
    workflow = await client.start("to_be_cancelled", {})
    await until(lambda: player.under_way == 2)

    await client.cancel(workflow.workflow_id, "enough")

    assert (await ended(client, workflow.workflow_id)).status == "CANCELLED"
    await until(lambda: sorted(player.cancelled) == ["both.a/a_slow", "both.b/b_slow"])
