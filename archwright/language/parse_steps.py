"""Reads steps: what kind each is, and what all kinds have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from . import tree
from .fields import Fields
from .findings import Findings
from .model import (
    END,
    AgentTask,
    Condition,
    Constant,
    Emit,
    ErrorCategory,
    Fail,
    Kind,
    OnFailure,
    SetVars,
    Step,
)
from .parse_agents import read_task
from .parse_bodies import read_foreach, read_loop, read_parallel, read_switch
from .parse_waiting import read_approval, read_child, read_wait
from .shapes import STEPS_MAX, Words
from .tree import Node, Sequence
from .words import FALLBACK_OUTPUT, STEP_NAME
from .words_of_steps import EMIT, FAIL, KIND_OF, KINDLESS_STEP, KINDS, LONE_STEP, STEP

DEPTH_MAX = 8
"""How many bodies may stand one within another, beneath the definition's own."""

FALLBACK_SUFFIX = "_fallback"
COMPENSATION_SUFFIX = "_compensate"


@dataclass(slots=True)
class _Count:
    steps: int = 0


class StepReader:
    """Reads the steps of one body, and those within them.

    `usual` is what holds for every agent step that does not say otherwise.
    """

    def __init__(self, findings: Findings, usual: AgentTask, depth: int = 0, count: _Count | None = None) -> None:
        self._findings = findings
        self._usual = usual
        self._depth = depth
        self._count = count or _Count()

    def body(self, fields: Fields, name: str) -> tuple[Step, ...]:
        """Read the body that is a field of a mapping."""
        node = fields.node(name)
        return () if node is None else self.body_at(node, fields.at(name))

    def body_at(self, node: Node, path: str) -> tuple[Step, ...]:
        """Read the body that stands at a path."""
        if not isinstance(node, Sequence):
            self._findings.object_to(path, node.place, f"must be a list of steps, but is {tree.kind(node)}")
            return ()
        if not node.elements:
            self._findings.object_to(path, node.place, "there must be at least one step")
        steps: list[Step] = []
        for number, element in enumerate(node.elements):
            at = f"{path}[{number}]"
            if not isinstance(element, tree.Mapping):
                self._findings.object_to(at, element.place, f"must be a mapping, but is {tree.kind(element)}")
            elif self._may_go_on(element, at):
                steps.append(self._step(element, at, STEP))
        return tuple(steps)

    def _may_go_on(self, node: Node, path: str) -> bool:
        """Count a step, and object to the first of too many."""
        self._count.steps += 1
        if self._count.steps == STEPS_MAX + 1:
            said = f"the definition has more than {STEPS_MAX:,} steps; move some into a definition of their own"
            self._findings.object_to(path, node.place, said)
        return self._count.steps <= STEPS_MAX

    def _within(self, node: tree.Mapping, path: str) -> StepReader | None:
        """Return the reader for what is one body deeper, or none when that is too deep."""
        if self._depth == DEPTH_MAX:
            said = f"steps within steps may be {DEPTH_MAX} deep; move these into a definition of their own"
            self._findings.object_to(path, node.place, said)
            return None
        return StepReader(self._findings, self._usual, self._depth + 1, self._count)

    def _step(self, node: tree.Mapping, path: str, words: Mapping[str, Words], default_name: str = "") -> Step:
        kinds = list(dict.fromkeys(KIND_OF[word] for word in node.entries if word in KIND_OF))
        fields = Fields(node, path, words[kinds[0]] if len(kinds) == 1 else KINDLESS_STEP, self._findings)
        if len(kinds) > 1:
            told = " and ".join(f"`{kind}`" for kind in kinds)
            self._findings.object_to(path, node.place, f"a step does one thing, but this one has {told}")
        elif not kinds:
            told = ", ".join(f"`{kind}`" for kind in ("agent", "capability", *KINDS[1:]))
            fields.require("agent", f"a step needs a word that says what it does, one of {told}")
        name = self._name(fields, default_name)
        conditions, otherwise = _conditions(fields)
        fallback = self._fallback(fields, name)
        on_failure = fields.optional_choice("on_failure", OnFailure)
        return Step(
            name=name,
            kind=self._kind(kinds[0], fields, node) if len(kinds) == 1 else AgentTask(),
            step_id=fields.text("step_id"),
            when=fields.expression("when"),
            depends_on=fields.text_list("depends_on") if "depends_on" in fields else None,
            parallel_execution=fields.truth("parallel_execution", False),
            input=fields.template("input"),
            input_schema=fields.schema("input_schema"),
            output_schema=fields.schema("output_schema"),
            conditions=conditions,
            otherwise=otherwise,
            next=fields.optional_text("next"),
            on_failure=OnFailure.FALLBACK if fallback is not None and on_failure is None else on_failure,
            fallback=fallback,
            compensate=self._lone_step(fields, "compensate", name + COMPENSATION_SUFFIX),
        )

    def _kind(self, kind: str, fields: Fields, node: tree.Mapping) -> Kind:
        match kind:
            case "agent":
                return read_task(fields, self._usual)
            case "workflow":
                return read_child(fields)
            case "approval":
                return read_approval(fields)
            case "wait":
                return read_wait(fields)
            case "set":
                return _set(fields)
            case "emit":
                return _emit(fields)
            case "fail":
                return _fail(fields)
        reader = self._within(node, fields.at(kind))
        if reader is None:
            return AgentTask()
        match kind:
            case "parallel":
                return read_parallel(fields, reader)
            case "foreach":
                return read_foreach(fields, reader)
            case "switch":
                return read_switch(fields, reader)
            case _:
                return read_loop(fields, reader)

    def _name(self, fields: Fields, default: str) -> str:
        if "name" in fields:
            return fields.text("name")
        if "step_id" in fields and STEP_NAME.pattern.fullmatch(step_id := fields.text("step_id")):
            return step_id
        if default and not STEP_NAME.pattern.fullmatch(default):
            fields.require("name", f"needs a `name`, because {default!r} would be too long for one")
        elif not default:
            return fields.required_text("name")
        return default

    def _fallback(self, fields: Fields, name: str) -> Step | Constant | None:
        node = fields.node("fallback")
        if isinstance(node, tree.Mapping) and "output" in node.entries:
            constant = Fields(node, fields.at("fallback"), FALLBACK_OUTPUT, self._findings)
            return Constant(constant.json("output"))
        return self._lone_step(fields, "fallback", name + FALLBACK_SUFFIX)

    def _lone_step(self, fields: Fields, word: str, default_name: str) -> Step | None:
        node = fields.node(word)
        if node is None:
            return None
        if not isinstance(node, tree.Mapping):
            fields.object_to(word, f"must be a step, which is a mapping, but is {tree.kind(node)}")
            return None
        path = fields.at(word)
        reader = self._within(node, path)
        if reader is None or not self._may_go_on(node, path):
            return None
        return reader._step(node, path, LONE_STEP, default_name)


def _conditions(fields: Fields) -> tuple[tuple[Condition, ...], str | None]:
    """Read `conditions` and `else`, which may also be the last of the conditions."""
    if "conditions" not in fields and "else" not in fields:
        return (), None
    otherwise = fields.optional_text("else")
    conditions: list[Condition] = []
    branches = fields.nested("conditions")
    for position, branch in enumerate(branches, 1):
        if "else" not in branch:
            branch.require("if", "a condition needs `if`; where to go without one is said by `else`")
            branch.require("next", "a condition needs `next`, the step to go to")
            conditions.append(Condition(branch.expression("if") or "", branch.text("next", END)))
            continue
        if position < len(branches) or "if" in branch or "next" in branch or otherwise is not None:
            branch.object_to("else", "`else` comes once and alone, after all conditions")
        otherwise = branch.optional_text("else")
    if otherwise is not None and not conditions:
        fields.object_to("else", "without conditions there is no `else`; say where to go on by `next`")
    if otherwise is not None and "next" in fields:
        fields.object_to("next", "would never be used, because there is an `else`; leave one of them out")
    return tuple(conditions), otherwise


def _set(fields: Fields) -> SetVars:
    values = fields.values("set")
    if not values:
        fields.object_to("set", "must name at least one value")
    return SetVars(values)


def _emit(around: Fields) -> Emit:
    fields = around.open("emit", EMIT)
    return Emit("") if fields is None else Emit(fields.required_text("type"), fields.json("payload"))


def _fail(around: Fields) -> Fail:
    fields = around.open("fail", FAIL)
    if fields is None:
        return Fail(ErrorCategory.BUSINESS, "")
    return Fail(fields.choice("category", ErrorCategory.BUSINESS), fields.required_text("message"))
