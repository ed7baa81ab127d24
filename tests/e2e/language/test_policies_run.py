"""What becomes of failures: retries, fallbacks, compensation, repairs, time-outs and degraded results."""

from __future__ import annotations

import asyncio

import pytest
from players import Players, run
from waiting import until

from archwright import Client, Task
from archwright.payloads import Json
from archwright.sdk.errors import Business, Capacity, Permanent, Transient

QUICK = "retry_policy: {max_attempts: 3, base_delay_seconds: 0.05, jitter: false}"


async def test_a_transient_failure_is_tried_again_with_growing_pauses(client: Client, cast: Players) -> None:
    times: list[float] = []

    async def play(task: Task) -> Json:
        times.append(asyncio.get_running_loop().time())
        if task.failures < 2:
            raise Transient("not yet")
        return {"failures": task.failures}

    await cast.add("hesitant", play)

    found = await run(
        client,
        """
        name: retried
        steps:
          - name: try_it
            agent: hesitant
            input: {}
            retry_policy: {max_attempts: 3, base_delay_seconds: 0.3, jitter: false}
        """,
    )

    assert found.output == {"try_it": {"failures": 2}}
    first, second = times[1] - times[0], times[2] - times[1]
    assert first >= 0.3
    assert second >= 0.6


async def test_out_of_attempts_the_workflow_fails_and_its_open_tasks_are_called_off(
    client: Client, cast: Players
) -> None:
    async def play(task: Task) -> Json:
        if task.step.endswith("gives_up"):
            raise Transient("never")
        await asyncio.Event().wait()

    player = await cast.add("quitter", play)

    found = await run(
        client,
        f"""
        name: out_of_attempts
        steps:
          - name: both
            parallel:
              branches:
                a: [{{name: gives_up, agent: quitter, input: {{}}, {QUICK}}}]
                b: [{{name: stays, agent: quitter, input: {{}}}}]
        """,
        ends="FAILED",
    )

    assert player.steps.count("both.a/gives_up") == 3
    assert "never" in found.why
    await until(lambda: player.cancelled == ["both.b/stays"])


@pytest.mark.parametrize("fault", [Permanent("bad"), Business("no")], ids=["permanent", "business"])
async def test_what_will_never_go_well_is_not_tried_again(client: Client, cast: Players, fault: Exception) -> None:
    name = type(fault).__name__.lower()

    async def play(task: Task) -> Json:
        raise fault

    player = await cast.add(f"never_{name}", play)

    await run(client, f"name: never_{name}\nsteps: [{{name: a, agent: never_{name}, input: {{}}}}]", ends="FAILED")

    assert len(player.given) == 1


async def test_capacity_is_waited_for_and_not_charged(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        if len(player.given) < 5:
            raise Capacity(retry_after=0.05)
        return {"failures": task.failures}

    player = await cast.add("busy", play)

    found = await run(client, f"name: capacity\nsteps: [{{name: a, agent: busy, input: {{}}, {QUICK}}}]")

    assert found.output == {"a": {"failures": 0}}


async def test_a_fallback_step_takes_over_and_the_result_is_degraded(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        if task.step == "main":
            raise Business("no", code="SOLD_OUT")
        return {"because": task.input["because"]}

    await cast.add("seller", play)

    found = await run(
        client,
        """
        name: falls_back
        steps:
          - name: main
            agent: seller
            input: {}
            fallback: {agent: seller, input: {because: "${failure.code}"}}
        """,
    )

    assert (found.output, found.workflow.degraded) == ({"main": {"because": "SOLD_OUT"}}, True)


async def test_a_constant_fallback_is_taken(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        raise Business("no")

    await cast.add("naysayer", play)

    found = await run(
        client,
        "name: constant\nsteps: [{name: a, agent: naysayer, input: {}, fallback: {output: {price: 0}}}]",
    )

    assert (found.output, found.workflow.degraded) == ({"a": {"price": 0}}, True)


async def test_what_was_done_is_undone_in_reverse_order(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        if task.step == "third":
            raise Business("full")
        return {"step": task.step}

    player = await cast.add("tour", play)

    await run(
        client,
        """
        name: compensated
        error_handling: {on_failure: compensate}
        steps:
          - name: first
            agent: tour
            input: {}
            compensate: {agent: tour, input: {undo: "${steps.first.output.step}", outcome: "${outcome}"}}
          - name: second
            agent: tour
            input: {}
            compensate: {agent: tour, input: {undo: "${steps.second.output.step}", why: "${failure.message}"}}
          - {name: third, agent: tour, input: {}}
        """,
        ends="FAILED",
    )

    undone = [task.input for task in player.given if "undo" in task.input]
    assert undone == [{"undo": "second", "why": "full"}, {"undo": "first", "outcome": "completed"}]


async def test_an_output_that_does_not_fit_goes_back_to_be_repaired(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        return {"score": 5} if task.repair_errors else {"score": "five"}

    player = await cast.add("scorer", play)

    found = await run(
        client,
        """
        name: repaired
        steps:
          - name: score
            agent: scorer
            input: {}
            output_schema: {type: object, properties: {score: {type: integer}}}
        """,
    )

    assert found.output == {"score": {"score": 5}}
    assert [bool(task.repair_errors) for task in player.given] == [False, True]
    assert "score" in player.given[1].repair_errors[0]


async def test_two_repairs_that_do_not_fit_are_the_end(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        return {"score": "five"}

    player = await cast.add("unteachable", play)

    await run(
        client,
        """
        name: unrepaired
        steps:
          - name: score
            agent: unteachable
            input: {}
            output_schema: {type: object, properties: {score: {type: integer}}}
        """,
        ends="FAILED",
    )

    assert len(player.given) == 3


async def test_an_input_that_does_not_fit_fails_its_step(client: Client) -> None:
    found = await run(
        client,
        """
        name: misfit
        steps:
          - name: a
            agent: nobody
            input: {n: "${n}"}
            input_schema: {type: object, properties: {n: {type: integer}}}
        """,
        {"n": "one"},
        ends="FAILED",
    )

    assert "n" in found.why


async def test_an_expression_without_an_answer_fails_its_step(client: Client) -> None:
    found = await run(
        client, "name: no_answer\nsteps: [{name: a, set: {n: '${[1][size(rows)]}'}}]", {"rows": [1]}, ends="FAILED"
    )

    assert found.workflow.steps_failed == ["a"]


async def test_an_attempt_that_takes_too_long_is_cancelled_and_tried_again(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        if task.failures == 0:
            await asyncio.Event().wait()
        return {"failures": task.failures}

    player = await cast.add("dawdler", play)

    found = await run(
        client, f"name: timed_out\nsteps: [{{name: a, agent: dawdler, input: {{}}, timeout_seconds: 1, {QUICK}}}]"
    )

    assert found.output == {"a": {"failures": 1}}
    await until(lambda: player.cancelled == ["a"])


async def test_an_agent_that_is_silent_for_too_long_is_given_up(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        if task.failures == 0:
            await asyncio.Event().wait()
        for done in range(4):
            await asyncio.sleep(0.5)  # noqa: TID251  longer in all than it may be silent
            await task.progress(done * 25)
        return {"failures": task.failures}

    await cast.add("silent", play)

    found = await run(
        client, f"name: idle\nsteps: [{{name: a, agent: silent, input: {{}}, idle_timeout_seconds: 1, {QUICK}}}]"
    )

    assert found.output == {"a": {"failures": 1}}


async def test_a_task_that_nobody_takes_in_time_fails(client: Client) -> None:
    await run(
        client,
        "name: unclaimed\nsteps: [{name: a, agent: absent, input: {}, queue_timeout_seconds: 1}]",
        ends="FAILED",
    )


@pytest.mark.parametrize(("policy", "ends"), [("fail", "FAILED"), ("skip", "COMPLETED"), ("fallback", "COMPLETED")])
async def test_where_no_agent_is_there_the_step_says_what_happens(client: Client, policy: str, ends: str) -> None:
    fallback = ", fallback: {output: {n: 1}}" if policy == "fallback" else ""

    found = await run(
        client,
        f"name: absent_{policy}\n"
        f"steps: [{{name: a, agent: never_there, input: {{}}, on_unavailable: {policy}{fallback}}}]",
        ends=ends,
    )

    if policy == "fallback":
        assert (found.output, found.workflow.degraded) == ({"a": {"n": 1}}, True)


async def test_a_failed_workflow_is_retried_by_itself(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        if task.step == "second" and player.steps.count("second") < 2:
            raise Permanent("once")
        return {"step": task.step}

    player = await cast.add("second_wind", play)

    found = await run(
        client,
        """
        name: retried_by_itself
        max_retries: 1
        steps:
          - {name: first, agent: second_wind, input: {}}
          - {name: second, agent: second_wind, input: {}}
        """,
    )

    assert (found.workflow.retries, player.steps) == (1, ["first", "second", "second"])


async def test_an_output_is_used_again_while_its_key_is_the_same(client: Client, cast: Players) -> None:
    player = await cast.add("pricer")
    source = """
        name: cached
        steps:
          - {name: price, agent: pricer, input: {what: "${what}"}, cache: {key: "${what}", ttl_seconds: 60}}
        """
    outputs = [(await run(client, source, {"what": what})).output for what in ("tea", "tea", "milk")]

    assert outputs[0] == outputs[1]
    assert [task.input["what"] for task in player.given] == ["tea", "milk"]


async def test_policies_go_by_category(client: Client, cast: Players) -> None:
    async def play(task: Task) -> Json:
        raise Business("no")

    await cast.add("refuser", play)

    found = await run(
        client,
        """
        name: by_category
        error_handling: {on_failure: fail, policies: {BUSINESS: continue}}
        steps: [{name: a, agent: refuser, input: {}}, {name: b, set: {n: 1}}]
        """,
    )

    assert found.workflow.degraded
    assert list(found.workflow.missing) == ["a"]


async def test_an_idempotency_key_reaches_the_agent(client: Client, cast: Players) -> None:
    player = await cast.add("keyed")

    await run(client, "name: keyed\nsteps: [{name: a, agent: keyed, input: {}, idempotency_key: 'q-${n}'}]", {"n": 4})

    assert player.given[0].idempotency_key == "q-4"
