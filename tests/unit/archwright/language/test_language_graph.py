"""The graph of steps: its edges, what they lead to, and what nothing leads to."""

from __future__ import annotations

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from archwright.errors import DefinitionInvalid
from archwright.language.check import check
from archwright.language.graph import Graph, build
from archwright.language.model import END, AgentTask, Condition, Definition, Step
from archwright.language.plan import Plan, Scope, compile  # noqa: A004  # the language's word

AGENT = "worker"


def graph_of(*steps: Step) -> Graph:
    graph, violations = build(steps)
    assert not violations
    assert graph is not None
    return graph


def wrong_targets(*steps: Step) -> list[tuple[str, str]]:
    graph, violations = build(steps)
    assert graph is None
    return [(violation.field, violation.description) for violation in violations]


def test_steps_follow_one_another_as_they_are_written() -> None:
    graph = graph_of(Step("a", AgentTask()), Step("b", AgentTask()), Step("c", AgentTask()))

    assert [exits.edges for exits in graph.exits] == [(1,), (2,), ()]
    assert graph.incoming == (0, 1, 1)


def test_a_condition_that_leads_where_the_order_leads_is_one_edge() -> None:
    graph = graph_of(
        Step("a", AgentTask(), conditions=(Condition("x", "b"), Condition("y", "b"))), Step("b", AgentTask())
    )

    assert graph.exits[0].edges == (1,)
    assert graph.incoming == (0, 1)


def test_without_conditions_next_replaces_the_order() -> None:
    graph = graph_of(Step("a", AgentTask(), next="c"), Step("b", AgentTask()), Step("c", AgentTask()))

    assert graph.exits[0].edges == (2,)
    assert graph.unreachable() == (1,)


def test_what_only_an_unreachable_step_leads_to_is_unreachable_too() -> None:
    graph = graph_of(Step("a", AgentTask(), next=END), Step("b", AgentTask()), Step("c", AgentTask()))

    assert graph.unreachable() == (1, 2)


def test_targets_that_cannot_be_are_named() -> None:
    first = Step("analysis", AgentTask(), conditions=(Condition("x", "desing"), Condition("y", "analysis")))

    assert wrong_targets(
        first, Step("design", AgentTask(), next="analysis"), Step("c", AgentTask(), step_id="C1", next="C2")
    ) == [
        ("steps[0].conditions[0].next", "there is no step 'desing' in this body; did you mean 'design'?"),
        (
            "steps[0].conditions[1].next",
            "leads from 'analysis' to itself; use `loop` to do steps again",
        ),
        (
            "steps[1].next",
            "leads back to 'analysis', which is written earlier; use `loop` for that",
        ),
        ("steps[2].next", "there is no step 'C2' in this body"),
    ]


def test_a_target_that_is_a_step_id_is_told_the_name() -> None:
    assert wrong_targets(Step("a", AgentTask(), next="S-2"), Step("b", AgentTask(), step_id="S-2")) == [
        ("steps[0].next", "there is no step 'S-2' in this body; the name of that step is 'b'")
    ]


@st.composite
def shapes(draw: st.DrawFn) -> tuple[Step, ...]:
    """Return steps with random conditions, `else` and `next`, all of them forward."""
    count = draw(st.integers(1, 9))
    steps: list[Step] = []
    for position in range(count):
        target = st.sampled_from([*(f"s{later}" for later in range(position + 1, count)), END])
        conditions = tuple(
            Condition(f"input.choice{position} == {number}", draw(target)) for number in range(draw(st.integers(0, 3)))
        )
        otherwise = draw(st.none() | target) if conditions else None
        following = draw(st.none() | target) if otherwise is None else None
        steps.append(Step(f"s{position}", AgentTask(AGENT), conditions=conditions, otherwise=otherwise, next=following))
    return tuple(steps)


def walk(plan: Plan, choices: list[int]) -> list[int]:
    """Return the nodes that a workflow with these choices goes through."""
    given = {f"choice{position}": choice for position, choice in enumerate(choices)}
    path = [0]
    while targets := plan.nodes[path[-1]].route(Scope(given)):
        path.extend(targets)
    return path


@given(shapes())
def test_edges_and_incoming_counts_agree(steps: tuple[Step, ...]) -> None:
    plan = compile(Definition("x", steps))

    for node in plan.nodes:
        into = [other.index for other in plan.nodes if node.index in other.edges]
        assert node.incoming == len(into)
        assert node.predecessors == tuple(plan.nodes[index].step.name for index in into)
        assert list(node.edges) == sorted({*chain(*(targets for _, targets in node.routes)), *node.otherwise})
        assert all(target > node.index for target in node.edges)


@given(shapes(), st.lists(st.integers(0, 3), min_size=9, max_size=9))
def test_a_route_always_leads_to_an_edge_or_to_the_end(steps: tuple[Step, ...], choices: list[int]) -> None:
    plan = compile(Definition("x", steps))
    given = {f"choice{position}": choice for position, choice in enumerate(choices)}

    for node in plan.nodes:
        targets = node.route(Scope(given))
        assert {*targets} <= {*node.edges}
        chosen = [targets for _, targets in node.routes]
        expected = chosen[choices[node.index]] if choices[node.index] < len(chosen) else node.otherwise
        assert targets == expected


@given(shapes())
def test_the_steps_that_no_choice_leads_to_are_the_unreachable_ones(steps: tuple[Step, ...]) -> None:
    graph, _ = build(steps)
    assert graph is not None
    reachable = {0}
    frontier = [0]
    while frontier:
        for target in graph.exits[frontier.pop()].edges:
            if target not in reachable:
                reachable.add(target)
                frontier.append(target)

    assert set(graph.unreachable()) == set(range(len(steps))) - reachable
    told = {violation.field for violation in check(Definition("x", steps))}
    assert told == {f"steps[{position}]" for position in graph.unreachable()}


@given(shapes(), st.lists(st.integers(0, 3), min_size=9, max_size=9))
def test_a_step_comes_after_every_step_that_was_done_before_it(steps: tuple[Step, ...], choices: list[int]) -> None:
    graph, _ = build(steps)
    assert graph is not None
    path = walk(compile(Definition("x", steps)), choices)
    earlier = graph.earlier()

    for position, index in enumerate(path):
        assert all(earlier[index] >> before & 1 for before in path[:position])
        assert not any(earlier[index] >> after & 1 for after in path[position:])


@given(shapes(), st.lists(st.integers(0, 3), min_size=9, max_size=9))
def test_by_default_the_output_is_that_of_the_step_with_which_the_path_ended(
    steps: tuple[Step, ...], choices: list[int]
) -> None:
    plan = compile(Definition("x", steps))
    path = walk(plan, choices)
    last = plan.nodes[path[-1]]
    outputs = {plan.nodes[index].name: {"at": index} for index in path}

    assert last.index in plan.bodies[0].last
    assert plan.output(Scope({}, outputs), [last.name]) == {last.name: {"at": last.index}}


@given(shapes())
def test_readers_are_those_that_read(steps: tuple[Step, ...]) -> None:
    plan = compile(Definition("x", steps))
    lasts = {plan.nodes[index].name for index in plan.bodies[0].last}

    for node in plan.nodes:
        expected = len([other for other in plan.nodes if node.name in other.reads]) + (node.name in lasts)
        assert plan.bodies[0].readers.get(node.name, 0) == expected


@given(shapes(), st.integers(0, 8), st.sampled_from(["nowhere", "s0"]))
def test_a_wrong_target_never_compiles(steps: tuple[Step, ...], position: int, target: str) -> None:
    at = position % len(steps)
    broken = (*steps[:at], Step(f"s{at}", AgentTask(AGENT), next=target), *steps[at + 1 :])

    try:
        compile(Definition("x", broken))
    except DefinitionInvalid as error:
        told = [violation.field for violation in error.violations]
    else:
        told = []

    assert told == [f"steps[{at}].next"]


def test_a_step_that_depends_on_others_waits_for_all_of_them_and_for_nothing_else() -> None:
    graph = graph_of(
        Step("a", AgentTask()),
        Step("b", AgentTask(), depends_on=()),
        Step("c", AgentTask(), depends_on=("a", "b")),
        Step("d", AgentTask(), depends_on=("a",)),
    )

    assert graph.first == (0, 1)
    assert graph.predecessors == ((), (), (0, 1), (0,))


def test_neighbours_that_go_side_by_side_are_one_group() -> None:
    graph = graph_of(
        Step("a", AgentTask()),
        Step("b", AgentTask(), parallel_execution=True),
        Step("c", AgentTask(), parallel_execution=True),
        Step("d", AgentTask()),
    )

    assert [exits.edges for exits in graph.exits] == [(1, 2), (3,), (3,), ()]
    assert graph.entered[1] == (1, 2)


def test_a_parallel_group_is_entered_at_its_first_step_and_chooses_nothing() -> None:
    assert wrong_targets(
        Step("a", AgentTask(), conditions=(Condition("x", "c"),)),
        Step("b", AgentTask(), parallel_execution=True, next="d"),
        Step("c", AgentTask(), parallel_execution=True),
        Step("d", AgentTask()),
    ) == [
        (
            "steps[0].conditions[0].next",
            "leads into the midst of a parallel group; lead to its first step, 'b'",
        ),
        ("steps[1].next", "a step of a parallel group cannot choose what follows; let the group end first"),
    ]


def test_beside_dependencies_a_step_chooses_nothing_but_the_end() -> None:
    assert wrong_targets(
        Step("a", AgentTask(), next="c"), Step("b", AgentTask(), depends_on=()), Step("c", AgentTask(), next=END)
    ) == [("steps[0].next", "beside steps with `depends_on` a step cannot choose what follows; use `when`")]
