"""Random definitions of every kind of step: such as may be written, though not such as make sense."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from hypothesis import strategies as st

from archwright.language.model import (
    AgentTask,
    Approval,
    Branch,
    Cache,
    Case,
    CategoryPolicy,
    ChildWorkflow,
    CircuitBreaker,
    Condition,
    Constant,
    Definition,
    Emit,
    ErrorCategory,
    ErrorHandling,
    Fail,
    ForEach,
    Json,
    Kind,
    Loop,
    OnBranchFailure,
    OnExpiry,
    OnFailure,
    OnUnavailable,
    Parallel,
    Priority,
    RetryPolicy,
    Selection,
    SetVars,
    Step,
    Switch,
    Wait,
)

words = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
texts = st.text(st.characters(codec="ascii", min_codepoint=32), max_size=8)
leaves = st.none() | st.booleans() | st.integers(-9, 9) | texts
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2))
mappings = st.dictionaries(words, values, max_size=3)
templates = mappings | st.just("${input}")
seconds = st.integers(1, 9999)
schemas = st.none() | st.booleans() | st.just(cast("Json", {"type": "object", "properties": {"a": {}}}))
labels = st.dictionaries(words, texts, max_size=2)
approvers = st.lists(st.builds("{}:{}".format, st.sampled_from(["role", "user"]), words), unique=True, max_size=3)

policies = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 100),
    base_delay_seconds=st.floats(0, 5),
    max_delay_seconds=st.floats(5, 100),
    exponential_backoff=st.booleans(),
    jitter=st.booleans(),
    retriable_errors=st.frozensets(st.sampled_from(ErrorCategory)),
)

tasks = st.builds(
    AgentTask,
    agent_type=words,
    capability=st.sampled_from(["", "pricing", "pricing@^1.2", "pricing@>=1.0 <2"]),
    labels=labels,
    selection=st.sampled_from(Selection),
    task_type=st.just("") | words,
    timeout_seconds=seconds,
    queue_timeout_seconds=st.none() | seconds,
    idle_timeout_seconds=st.none() | seconds,
    retry_policy=policies,
    priority=st.sampled_from(Priority),
    on_unavailable=st.sampled_from(OnUnavailable),
    cache=st.none() | st.builds(Cache, words, seconds),
    idempotency_key=st.just("") | words,
)

waits = st.one_of(
    st.builds(Wait, seconds=st.integers(0, 99) | st.floats(0, 5) | st.just("${pause}")),
    st.builds(Wait, until=st.sampled_from(["${due}", "2030-01-31T12:00:00Z"])),
    st.builds(Wait, signal=words, timeout_seconds=st.none() | seconds),
)

approvals = st.builds(
    Approval,
    approvers=approvers.filter(bool).map(tuple),
    quorum=st.integers(1, 5),
    expires_after_seconds=st.none() | seconds,
    on_expiry=st.sampled_from(OnExpiry),
    escalate_to=approvers.map(tuple),
    on_reject=st.sampled_from([OnFailure.FAIL, OnFailure.CONTINUE]),
)


def bodies(depth: int) -> st.SearchStrategy[tuple[Step, ...]]:
    """Steps, with bodies in them while `depth` allows it."""
    return st.lists(steps(depth), min_size=1, max_size=2).map(tuple)


@st.composite
def kinds(draw: st.DrawFn, depth: int) -> Kind:
    """What a step does."""
    match draw(st.integers(0, 6 if depth == 0 else 10)):
        case 0:
            return draw(tasks)
        case 1:
            return ChildWorkflow(draw(words), draw(st.sampled_from(["", "stable", "1.2.0"])))
        case 2:
            return draw(approvals)
        case 3:
            return draw(waits)
        case 4:
            return SetVars(draw(mappings.filter(bool)))
        case 5:
            return Emit(draw(words), draw(values))
        case 6:
            return Fail(draw(st.sampled_from(ErrorCategory)), draw(words))
        case 7:
            names = draw(st.lists(words, unique=True, min_size=1, max_size=2))
            branches = tuple(Branch(name, draw(bodies(depth - 1))) for name in names)
            return Parallel(branches, draw(st.none() | st.integers(1, 3)), draw(_branch_failures))
        case 8:
            limit = draw(st.none() | st.integers(1, 9))
            return ForEach(draw(words), draw(words), draw(bodies(depth - 1)), limit, draw(_branch_failures))
        case 9:
            cases = draw(st.lists(st.builds(Case, words, bodies(depth - 1)), min_size=1, max_size=2))
            return Switch(tuple(cases), draw(st.none() | bodies(depth - 1)))
        case _:
            body, most, text = draw(bodies(depth - 1)), draw(st.integers(1, 9)), draw(words)
            return draw(st.sampled_from([Loop(body, most, until=text), Loop(body, most, while_=text)]))


_branch_failures = st.none() | st.sampled_from(OnBranchFailure)
_TAKES_INPUT = (AgentTask, ChildWorkflow)
_GIVES_NO_OUTPUT = (SetVars, Emit, Fail)


@st.composite
def steps(draw: st.DrawFn, depth: int, *, is_alone: bool = False) -> Step:
    """A step; one that is alone says nothing about neighbours."""
    kind = draw(kinds(depth))
    conditions = tuple(draw(st.lists(st.builds(Condition, words, words), max_size=0 if is_alone else 2)))
    otherwise = draw(st.none() | words) if conditions else None
    fallback = draw(st.none() | st.builds(Constant, values) | (steps(depth - 1, is_alone=True) if depth else st.none()))
    on_failure = draw(st.sampled_from(OnFailure)) if fallback is not None else draw(st.none() | _ON_FAILURE)
    return Step(
        name=draw(words),
        kind=kind,
        step_id=draw(st.just("") | texts.map(lambda text: text and f"#{text}")),
        when=draw(st.none() | words),
        depends_on=None if is_alone else draw(st.none() | st.lists(words, unique=True, max_size=2).map(tuple)),
        parallel_execution=not is_alone and draw(st.booleans()),
        input=draw(st.none() | templates) if isinstance(kind, (*_TAKES_INPUT, Approval)) else None,
        input_schema=draw(schemas) if isinstance(kind, _TAKES_INPUT) else None,
        output_schema=None if isinstance(kind, _GIVES_NO_OUTPUT) else draw(schemas),
        conditions=conditions,
        otherwise=otherwise,
        next=draw(st.none() | words) if otherwise is None and not is_alone else None,
        on_failure=on_failure,
        fallback=fallback,
        compensate=draw(st.none() | (steps(depth - 1, is_alone=True) if depth else st.none())),
    )


_ON_FAILURE = st.sampled_from([OnFailure.FAIL, OnFailure.CONTINUE, OnFailure.COMPENSATE])

definitions = st.builds(
    Definition,
    name=words,
    steps=bodies(2),
    version=st.sampled_from(["1.0.0", "0.2.0-rc.1"]),
    description=texts,
    labels=labels,
    input_schema=schemas,
    timeout_seconds=seconds,
    max_retries=st.integers(0, 9),
    error_handling=st.builds(
        ErrorHandling,
        _ON_FAILURE,
        st.dictionaries(st.sampled_from(ErrorCategory), st.sampled_from(CategoryPolicy), max_size=3),
    ),
    breaker=st.builds(CircuitBreaker, failure_threshold=st.integers(1, 9), recovery_timeout_seconds=seconds),
    output=st.none() | templates,
)


class _Sound:
    """Makes of a random definition one that may be published: names are unique, and what is named is there."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._count = 0
        self._is_undoing = False

    def body(self, given: tuple[Step, ...], readable: list[str], *, in_lone: bool = False) -> tuple[Step, ...]:
        """Return steps that follow each other, or depend on each other."""
        has_dependencies = not in_lone and self._draw(st.booleans())
        # What is done at the same time, or may be, cannot be read.
        is_plain = not has_dependencies and not any(step.parallel_execution for step in given)
        made: list[Step] = []
        earlier = list(readable)
        for step in given:
            depends_on: tuple[str, ...] | None = None
            if has_dependencies and self._draw(st.booleans()):
                names = [each.name for each in made]
                depends_on = tuple(self._draw(st.lists(st.sampled_from(names), unique=True))) if names else ()
            made.append(self.step(step, earlier if is_plain else readable, depends_on))
            earlier.append(made[-1].name)
        return tuple(made)

    def step(self, step: Step, readable: list[str], depends_on: tuple[str, ...] | None) -> Step:
        """Return a step that reads only what may be read."""
        self._count += 1
        name = f"s{self._count}"
        fallback = step.fallback
        if isinstance(fallback, Step):
            (fallback,) = self.body((fallback,), readable, in_lone=True)
        compensate = None
        if step.compensate is not None and not self._is_undoing:
            self._is_undoing = True
            (compensate,) = self.body((step.compensate,), [*readable, name], in_lone=True)
            self._is_undoing = False
        has_fallback = fallback is not None
        return replace(
            step,
            name=name,
            step_id="",
            kind=self.kind(step.kind, readable, has_fallback=has_fallback),
            when=self.condition(readable) if step.when else None,
            depends_on=depends_on,
            parallel_execution=step.parallel_execution and depends_on is None,
            input=None if step.input is None else {"read": f"${{{self.path(readable)}}}"},
            conditions=(),
            otherwise=None,
            next=None,
            on_failure=step.on_failure if has_fallback or step.on_failure is not OnFailure.FALLBACK else None,
            fallback=fallback,
            compensate=compensate,
        )

    def kind(self, kind: Kind, readable: list[str], *, has_fallback: bool) -> Kind:
        """Return a kind of step whose expressions read only what may be read."""
        match kind:
            case AgentTask(on_unavailable=OnUnavailable.FALLBACK) if not has_fallback:
                return replace(kind, on_unavailable=OnUnavailable.WAIT)
            case Parallel(branches=branches, join=join):
                made = tuple(Branch(each.name, self.body(each.steps, readable)) for each in branches)
                return replace(kind, branches=made, join=join and min(join, len(made)))
            case ForEach(steps=steps):
                self._count += 1
                items = f"[{self.path(readable)}]"
                return replace(kind, items=items, as_=f"e{self._count}", steps=self.body(steps, readable))
            case Switch(cases=cases, otherwise=otherwise):
                return Switch(
                    tuple(Case(self.condition(readable), self.body(case.steps, readable)) for case in cases),
                    None if otherwise is None else self.body(otherwise, readable),
                )
            case Loop(steps=steps):
                made_steps = self.body(steps, readable)
                end = self.condition([*readable, *(step.name for step in made_steps)])
                return replace(
                    kind, steps=made_steps, until=kind.until and end, while_=None if kind.while_ is None else end
                )
            case Approval(on_expiry=on_expiry, approvers=given):
                is_escalated = on_expiry is OnExpiry.ESCALATE
                return replace(
                    kind,
                    quorum=min(kind.quorum, len(given)),
                    expires_after_seconds=60,
                    escalate_to=(*kind.escalate_to, "role:head") if is_escalated else (),
                )
            case SetVars(values=values):
                return SetVars({name: f"${{{self.path(readable)}}}" for name in values})
            case Emit():
                return replace(kind, payload=[f"${{{self.path(readable)}}}"])
            case _:
                return kind

    def condition(self, readable: list[str]) -> str:
        """Return an expression that is true or false."""
        return f"{self.path(readable)} == {self._draw(st.integers(0, 3))}"

    def path(self, readable: list[str]) -> str:
        """Return an expression that reads a step, or the input."""
        return self._draw(st.sampled_from(["input.n", *(f"steps.{name}.output" for name in readable)]))


@st.composite
def sound_definitions(draw: st.DrawFn) -> Definition:
    """Definitions of every kind of step that may be published."""
    definition = draw(definitions)
    sound = _Sound(draw)
    steps = sound.body(definition.steps, [])
    return replace(definition, steps=steps, input_schema=None, output=None)
