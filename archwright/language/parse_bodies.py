"""Reads the kinds of steps that hold other steps."""

from __future__ import annotations

from typing import Protocol

from .fields import Fields
from .model import Branch, Case, ForEach, Loop, OnBranchFailure, Parallel, Step, Switch
from .tree import Node
from .words import STEP_NAME
from .words_of_steps import FOREACH, LOOP, PARALLEL, SWITCH


class BodyReader(Protocol):
    """Reads the steps within a step."""

    def body(self, fields: Fields, name: str) -> tuple[Step, ...]:
        """Read the body that is a field of a mapping."""
        ...

    def body_at(self, node: Node, path: str) -> tuple[Step, ...]:
        """Read the body that stands at a path."""
        ...


def read_parallel(around: Fields, reader: BodyReader) -> Parallel:
    """Read `parallel`."""
    fields = around.open("parallel", PARALLEL)
    if fields is None:
        return Parallel(())
    fields.require("branches", "`parallel` needs `branches`, a mapping from names to lists of steps")
    branches: list[Branch] = []
    for path, name, entry in fields.entries("branches", "names to lists of steps"):
        if not STEP_NAME.pattern.fullmatch(name):
            said = f"a branch's name is {STEP_NAME.words}, such as 'business', not {name[:60]!r}"
            fields.findings.object_to(path, entry.key_place, said)
        branches.append(Branch(name, reader.body_at(entry.node, path)))
    if "branches" in fields and not branches:
        fields.object_to("branches", "there must be at least one branch")
    return Parallel(
        branches=tuple(branches),
        join=_join(fields),
        on_branch_failure=fields.optional_choice("on_branch_failure", OnBranchFailure),
    )


def _join(fields: Fields) -> int | None:
    if not fields.is_text("join"):
        return fields.optional_whole_number("join")
    return 1 if fields.text("join") == "any" else None


def read_foreach(around: Fields, reader: BodyReader) -> ForEach:
    """Read `foreach`."""
    fields = around.open("foreach", FOREACH)
    if fields is None:
        return ForEach("", "", ())
    fields.require("items", "`foreach` needs `items`, an expression that gives a list")
    fields.require("as", "`foreach` needs `as`, what the element is called within its steps")
    fields.require("steps", "`foreach` needs `steps`, what is done for each element")
    return ForEach(
        items=fields.expression("items") or "",
        as_=fields.text("as"),
        steps=reader.body(fields, "steps"),
        max_concurrency=fields.optional_whole_number("max_concurrency"),
        on_item_failure=fields.optional_choice("on_item_failure", OnBranchFailure),
    )


def read_switch(around: Fields, reader: BodyReader) -> Switch:
    """Read `switch`."""
    fields = around.open("switch", SWITCH)
    if fields is None:
        return Switch(())
    fields.require("cases", "`switch` needs `cases`, a list of `if` and `steps`")
    cases: list[Case] = []
    for case in fields.nested("cases"):
        case.require("if", "a case needs `if`; what is done without one stands under the `else` of the switch")
        case.require("steps", "a case needs `steps`")
        cases.append(Case(case.expression("if") or "", reader.body(case, "steps")))
    if "cases" in fields and not cases:
        fields.object_to("cases", "there must be at least one case")
    return Switch(tuple(cases), reader.body(fields, "else") if "else" in fields else None)


def read_loop(around: Fields, reader: BodyReader) -> Loop:
    """Read `loop`."""
    fields = around.open("loop", LOOP)
    if fields is None:
        return Loop((), 1)
    fields.require("steps", "`loop` needs `steps`, what is done again and again")
    fields.require("max_iterations", "`loop` needs `max_iterations`, so that it is known to end")
    if "until" in fields and "while" in fields:
        fields.object_to("while", "a loop has `until` or `while`, not both")
    elif "while" not in fields:
        fields.require("until", "`loop` needs `until` or `while`, which says when it ends")
    return Loop(
        steps=reader.body(fields, "steps"),
        max_iterations=fields.whole_number("max_iterations", 1),
        until=fields.expression("until"),
        while_=fields.expression("while"),
    )
