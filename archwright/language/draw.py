"""A definition as a picture: a Mermaid flowchart.

Steps that hold others are drawn as boxes around these. What may happen besides the usual course, a fallback or a
compensation, hangs on a dotted line. Labels come from anybody who may publish, so nothing in them reaches Mermaid as
syntax.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from .bodies import PlacedBody, Role, bodies_of
from .graph import Targets
from .model import (
    AgentTask,
    Approval,
    ChildWorkflow,
    Definition,
    Emit,
    Fail,
    ForEach,
    Loop,
    Parallel,
    SetVars,
    Step,
    Switch,
    Wait,
)
from .refusal import refusal

_LABEL_MAX = 60
_INDENT = "  "
_START, _END = "start", "finish"

_ASIDE = {Role.FALLBACK: "fallback", Role.COMPENSATION: "compensate"}
"""What stands beside the usual course, and what the line to it says."""

_ESCAPES = {ord(letter): f"#{ord(letter)};" for letter in '#"`<>&\\;%'}


def draw(definition: Definition) -> str:
    """Return the flowchart of a definition. Raises DefinitionInvalid when its steps lead to what is not there."""
    return _Drawing(definition).text()


class _Drawing:
    """The bodies of one definition, and what is drawn of them so far."""

    def __init__(self, definition: Definition) -> None:
        self._bodies = [*bodies_of(definition)]
        self._inner: dict[tuple[int, int], list[PlacedBody]] = {}
        for body in self._bodies:
            if body.graph_violations:
                raise refusal(body.graph_violations)
            if body.around is not None:
                self._inner.setdefault((id(body.around), body.position), []).append(body)
        names = [step.name for body in self._bodies for step in body.steps]
        self._ids = {name: f"s{number}" for number, name in enumerate(names)}

    def text(self) -> str:
        """Return the whole picture."""
        root = self._bodies[0]
        lines = ["flowchart TD", f"{_INDENT}{_START}((start))", *self._body(root, 1), f"{_INDENT}{_END}((end))"]
        if root.graph is not None:
            lines += [f"{_INDENT}{_START} --> {self._id(root, position)}" for position in root.graph.first]
        return "\n".join(lines) + "\n"

    def _body(self, body: PlacedBody, depth: int) -> Iterator[str]:
        for position, step in enumerate(body.steps):
            yield from self._step(body, position, step, depth)
        indent = _INDENT * depth
        for position, step in enumerate(body.steps):
            for edge in self._edges(body, position, step):
                yield indent + edge

    def _step(self, body: PlacedBody, position: int, step: Step, depth: int) -> Iterator[str]:
        indent = _INDENT * depth
        inner = self._inner.get((id(body), position), [])
        held = [each for each in inner if each.role not in _ASIDE]
        if held:
            yield f"{indent}subgraph {self._ids[step.name]}[{_label(*_title(step))}]"
            for number, each in enumerate(held):
                yield from self._held(step, each, number, depth + 1)
            yield f"{indent}end"
        else:
            yield f"{indent}{self._ids[step.name]}{_shape(step)}"
        for each in inner:
            if word := _ASIDE.get(each.role):
                yield from self._body(each, depth)
                yield f'{indent}{self._ids[step.name]} -. "{word}" .-> {self._id(each, 0)}'

    def _held(self, step: Step, body: PlacedBody, number: int, depth: int) -> Iterator[str]:
        """Yield a body of a step: in a box of its own where there may be several."""
        match step.kind:
            case Parallel(branches=branches):
                title = branches[number].name
            case Switch(cases=cases):
                title = f"if {cases[number].if_}" if number < len(cases) else "else"
            case _:
                yield from self._body(body, depth)
                return
        indent = _INDENT * depth
        yield f"{indent}subgraph {self._ids[step.name]}_{number}[{_label(title)}]"
        yield from self._body(body, depth + 1)
        yield f"{indent}end"

    def _edges(self, body: PlacedBody, position: int, step: Step) -> Iterator[str]:
        assert body.graph is not None  # or there would be no picture
        exits = body.graph.exits[position]
        for condition, targets in zip(step.conditions, exits.conditions, strict=True):
            yield from self._lines(body, position, targets, condition.if_)
        yield from self._lines(body, position, exits.otherwise, "else" if step.conditions else "")

    def _lines(self, body: PlacedBody, position: int, targets: Targets, label: str) -> Iterator[str]:
        line = f"-->|{_label(label)}|" if label else "-->"
        source = self._id(body, position)
        for target in targets:
            yield f"{source} {line} {self._id(body, target)}"
        if not targets and body.role is Role.ROOT:
            yield f"{source} {line} {_END}"

    def _id(self, body: PlacedBody, position: int) -> str:
        return self._ids[body.steps[position].name]


def _shape(step: Step) -> str:
    """Return a step that holds no others: its outline says what kind it is."""
    label = _label(*_title(step))
    match step.kind:
        case Approval():
            return f"{{{{{label}}}}}"
        case Wait():
            return f"([{label}])"
        case ChildWorkflow():
            return f"[[{label}]]"
        case SetVars() | Emit():
            return f"[/{label}/]"
        case Fail():
            return f">{label}]"
        case _:
            return f"[{label}]"


def _title(step: Step) -> tuple[str, ...]:
    """Return the lines that a step is labelled with."""
    lines = (step.name, _about(step))
    return lines if step.when is None else (*lines, f"when {step.when}")


def _about(step: Step) -> str:
    match step.kind:
        case AgentTask(agent_type=agent_type, capability=capability):
            return " with ".join(part for part in (agent_type, capability) if part)
        case Parallel(branches=branches, join=join):
            return "all at the same time" if join is None else f"{join} of {len(branches)}"
        case ForEach(items=items, as_=as_):
            return f"for each {as_} in {items}"
        case Switch():
            return "the first that holds"
        case Loop(until=until, while_=while_, max_iterations=most):
            return f"until {until}, at most {most} times" if while_ is None else f"while {while_}, at most {most} times"
        case ChildWorkflow(definition=definition, version=version):
            return f"workflow {definition} {version}".strip()
        case Approval(approvers=approvers, quorum=quorum):
            return f"{quorum} of {', '.join(approvers)}"
        case Wait(seconds=seconds, until=until, signal=signal):
            if signal is not None:
                return f"waits for signal {signal}"
            return f"waits until {until}" if until is not None else f"waits {seconds} s"
        case SetVars(values=values):
            return f"sets {', '.join(values)}"
        case Emit(type=event_type):
            return f"emits {event_type}"
        case Fail(category=category):
            return f"fails: {category}"
        case _:
            assert_never(step.kind)


def _label(*lines: str) -> str:
    """Return text that Mermaid shows as it is, in quotes."""
    return '"' + "<br/>".join(_escaped(line) for line in lines if line) + '"'


def _escaped(text: str) -> str:
    text = " ".join(text.split())
    shown = text if len(text) <= _LABEL_MAX else f"{text[: _LABEL_MAX - 1]}…"
    return shown.translate(_ESCAPES)
