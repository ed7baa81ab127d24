"""Definitions made by program.

A method for each kind of step, a keyword for each field. What is built is the document that an author would have
written, and it is read and checked as such: there is one language, and one place that knows its rules.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Literal, Unpack

from .builder_words import AgentFields, Common, Given, Made, Schemas, Target, plain, said
from .check import load
from .document import document
from .model import Definition, ErrorCategory, Json, OnBranchFailure, OnExpiry, Schema
from .yaml_writing import write_yaml

__all__ = ["ForEach", "Loop", "Made", "Parallel", "Steps", "Switch", "Workflow"]


class Steps:
    """A list of steps, to which each method adds one; usable with `with`, for the eye."""

    def __init__(self) -> None:
        self.written: list[Json] = []

    def __enter__(self) -> Steps:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @property
    def alone(self) -> Steps:
        """A new list that is part of nothing: steps of it are for `fallback` and `compensate`."""
        return Steps()

    def agent(self, name: str, agent_type: str = "", **fields: Unpack[AgentFields]) -> Made:
        """Give a task to an agent: of a type, or by `capability`, or both."""
        return self._add(Made(name, {"name": name, **said(agent=agent_type or None), **plain(fields)}))

    def parallel(
        self,
        name: str,
        *,
        join: int | Literal["all", "any"] | None = None,
        on_branch_failure: OnBranchFailure | Literal["fail", "continue", "cancel_others"] | None = None,
        **fields: Unpack[Schemas],
    ) -> Parallel:
        """Do several branches at the same time, each of which is added by `branch`."""
        return self._add(Parallel(name, said(join=join, on_branch_failure=on_branch_failure), plain(fields)))

    def foreach(
        self,
        name: str,
        *,
        items: str,
        as_: str,
        max_concurrency: int | None = None,
        on_item_failure: OnBranchFailure | Literal["fail", "continue", "cancel_others"] | None = None,
        **fields: Unpack[Schemas],
    ) -> ForEach:
        """Do steps for each element of a list; they are added to what is returned."""
        limits = said(max_concurrency=max_concurrency, on_item_failure=on_item_failure)
        return self._add(ForEach(name, "foreach", {"items": items, "as": as_, **limits}, plain(fields)))

    def switch(self, name: str, **fields: Unpack[Schemas]) -> Switch:
        """Do one of several lists of steps, which are added by `case` and `otherwise`."""
        return self._add(Switch(name, plain(fields)))

    def loop(
        self,
        name: str,
        *,
        max_iterations: int,
        until: str | None = None,
        while_: str | None = None,
        **fields: Unpack[Schemas],
    ) -> Loop:
        """Do steps again and again; they are added to what is returned."""
        ends = {"max_iterations": max_iterations, **said(until=until), **({} if while_ is None else {"while": while_})}
        return self._add(Loop(name, "loop", ends, plain(fields)))

    def workflow(self, name: str, definition: str, version: str = "", **fields: Unpack[Given]) -> Made:
        """Start another workflow, and wait for its end."""
        child: Json = {"name": definition, "version": version} if version else definition
        return self._add(Made(name, {"name": name, "workflow": child, **plain(fields)}))

    def approval(
        self,
        name: str,
        approvers: Sequence[str],
        *,
        quorum: int | None = None,
        expires_after: int | str | None = None,
        on_expiry: OnExpiry | Literal["reject", "approve", "escalate"] | None = None,
        escalate_to: Sequence[str] | None = None,
        on_reject: Literal["fail", "continue"] | None = None,
        artifacts: Sequence[str] | None = None,
        separate_from: Sequence[str] | None = None,
        **fields: Unpack[Given],
    ) -> Made:
        """Wait for people: `role:<role>` or `user:<subject>`."""
        asked = {
            "approvers": [*approvers],
            **said(quorum=quorum, expires_after=expires_after, on_expiry=on_expiry, on_reject=on_reject),
            **said(escalate_to=None if escalate_to is None else [*escalate_to]),
            **said(artifacts=None if artifacts is None else [*artifacts]),
            **said(separate_from=None if separate_from is None else [*separate_from]),
        }
        return self._add(Made(name, {"name": name, "approval": asked, **plain(fields)}))

    def wait(
        self,
        name: str,
        *,
        seconds: float | str | None = None,
        until: str | None = None,
        signal: str | None = None,
        timeout_seconds: int | None = None,
        **fields: Unpack[Schemas],
    ) -> Made:
        """Wait for some time, until a time, or for a signal."""
        wanted = said(seconds=seconds, until=until, signal=signal, timeout_seconds=timeout_seconds)
        return self._add(Made(name, {"name": name, "wait": wanted, **plain(fields)}))

    def set(self, name: str, values: Mapping[str, Json], **fields: Unpack[Common]) -> Made:
        """Name values, which are read as `vars.<name>`."""
        return self._add(Made(name, {"name": name, "set": dict(values), **plain(fields)}))

    def emit(self, name: str, event_type: str, payload: Json = None, **fields: Unpack[Common]) -> Made:
        """Publish an event."""
        event = {"type": event_type, **said(payload=payload)}
        return self._add(Made(name, {"name": name, "emit": event, **plain(fields)}))

    def fail(self, name: str, message: str, category: ErrorCategory | None = None, **fields: Unpack[Common]) -> Made:
        """Fail."""
        failure = {"message": message, **said(category=category)}
        return self._add(Made(name, {"name": name, "fail": failure, **plain(fields)}))

    def _add(self, made: Target) -> Target:
        self.written.append(made.mapping)
        return made


class _Holder(Made, Steps):
    """A step that holds one list of steps, and is that list to those who add to it."""

    def __init__(self, name: str, kind: str, inside: dict[str, Json], beside: dict[str, Json]) -> None:
        Steps.__init__(self)
        Made.__init__(self, name, {"name": name, kind: {**inside, "steps": self.written}, **beside})


class ForEach(_Holder):
    """A step that does its steps for each element of a list."""

    def __enter__(self) -> ForEach:
        return self


class Loop(_Holder):
    """A step that does its steps again and again."""

    def __enter__(self) -> Loop:
        return self


class Parallel(Made):
    """A step that does its branches at the same time."""

    def __init__(self, name: str, inside: dict[str, Json], beside: dict[str, Json]) -> None:
        self._branches: dict[str, Json] = {}
        super().__init__(name, {"name": name, "parallel": {"branches": self._branches, **inside}, **beside})

    def __enter__(self) -> Parallel:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def branch(self, name: str) -> Steps:
        """Add a branch, and return its list of steps."""
        if name in self._branches:
            raise ValueError(f"step {self.name!r} has a branch {name!r} already")
        steps = Steps()
        self._branches[name] = steps.written
        return steps


class Switch(Made):
    """A step that does the first of its cases that holds."""

    def __init__(self, name: str, beside: dict[str, Json]) -> None:
        self._cases: list[Json] = []
        self._switch: dict[str, Json] = {"cases": self._cases}
        super().__init__(name, {"name": name, "switch": self._switch, **beside})

    def __enter__(self) -> Switch:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def case(self, if_: str) -> Steps:
        """Add a case, and return its list of steps."""
        steps = Steps()
        self._cases.append({"if": if_, "steps": steps.written})
        return steps

    def otherwise(self) -> Steps:
        """Return the list of steps that are done when no case holds."""
        if "else" in self._switch:
            raise ValueError(f"step {self.name!r} has an otherwise already")
        steps = Steps()
        self._switch["else"] = steps.written
        return steps


class Workflow(Steps):
    """A definition in the making."""

    def __init__(
        self,
        name: str,
        *,
        version: str | None = None,
        description: str | None = None,
        labels: Mapping[str, str] | None = None,
        input_schema: Schema | None = None,
        timeout_seconds: int | None = None,
        max_retries: int | None = None,
        model_budget: Mapping[str, Json] | None = None,
        error_handling: Mapping[str, Json] | None = None,
        defaults: Mapping[str, Json] | None = None,
        output: Json = None,
    ) -> None:
        super().__init__()
        self._head = {
            "name": name,
            **said(
                version=version,
                description=description,
                labels=labels,
                input_schema=input_schema,
                timeout_seconds=timeout_seconds,
                max_retries=max_retries,
                model_budget=model_budget,
                error_handling=error_handling,
                defaults=defaults,
                output=output,
            ),
        }

    def __enter__(self) -> Workflow:
        return self

    def definition(self) -> Definition:
        """Return the definition, fit to be published. Raises DefinitionInvalid, whose paths name the fields."""
        return load(json.dumps(self._document()))

    def to_yaml(self) -> str:
        """Return the definition as an author would write it. Raises DefinitionInvalid."""
        return write_yaml(document(self.definition()))

    def _document(self) -> dict[str, Json]:
        return {**self._head, "steps": self.written}
