"""Random definitions of the whole language: what the stories of random histories are told of.

They make sense as far as that can be said before they are started: every name that is read stands for a step that
comes before. What comes out when they are run need not fit, so that expressions fail too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

STEPS_MAX = 14
DEPTH_MAX = 2

Drawn = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]


@st.composite
def definitions(draw: st.DrawFn) -> str:
    """Draw the text of a definition."""
    writer = _Writer(draw)
    steps, _ = writer.body((), DEPTH_MAX)
    # Something is named at first, so that what reads it is sure to be right at least as a definition.
    steps = [{"name": "begin", "set": {"v": "first"}}, *steps]
    definition: Drawn = {"name": "drawn", "max_retries": draw(st.sampled_from([0, 0, 1])), "steps": steps}
    policies = st.dictionaries(
        st.sampled_from(["permanent", "business", "transient"]),
        st.sampled_from(["retry", "fail", "continue", "compensate"]),
        max_size=2,
    )
    handling = {
        "on_failure": draw(st.sampled_from(["fail", "fail", "continue", "compensate"])),
        "policies": draw(policies),
    }
    definition["error_handling"] = {word: said for word, said in handling.items() if said}
    return json.dumps(definition)


class _Writer:
    """Writes steps, each with a name of its own. `seen` are the steps that come before, and may be read."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._count = 0

    def body(self, seen: Sequence[str], depth: int) -> tuple[list[Drawn], list[str]]:
        """Write steps, and return with them the names of all that they are, and of what is inside of them."""
        count = self._draw(st.integers(1, 3))
        form = self._draw(st.sampled_from(["chain", "chain", "choices", "graph", "group"]))
        steps: list[Drawn] = []
        known, named = list(seen), []
        for _ in range(count):
            step, inner = self.step(known, depth)
            steps.append(step)
            named += [step["name"], *inner]
            if form == "chain":
                known += [step["name"], *inner]
        if form == "choices":
            self._choose(steps)
        for position, step in enumerate(steps):
            if form == "graph" and position:
                earlier = [each["name"] for each in steps[:position]]
                step["depends_on"] = self._draw(st.lists(st.sampled_from(earlier), unique=True, max_size=2))
            elif form == "group":
                step["parallel_execution"] = True
        return steps, named

    def step(self, seen: Sequence[str], depth: int, *, is_alone: bool = False) -> tuple[Drawn, list[str]]:
        """Write a step, and return with it the names of what is inside of it that may be read after it."""
        self._count += 1
        step: Drawn = {"name": f"s{self._count}"}
        simple = ["agent"] * 6 + ["set", "wait", "approval", "workflow", "emit", "fail"]
        holding = ["parallel", "parallel", "foreach", "foreach", "switch", "loop"]
        may_hold = depth > 0 and self._count < STEPS_MAX
        kind = self._draw(st.sampled_from([*simple, *holding] if may_hold else simple))
        inner = getattr(self, f"_{kind}")(step, seen, depth)
        if self._rarely():
            step["when"] = self._condition(seen)
        if self._rarely():
            step["on_failure"] = self._draw(st.sampled_from(["fail", "continue", "continue", "compensate"]))
        if not is_alone and self._rarely():
            fallback, _ = self.step(seen, 0, is_alone=True)
            step["fallback"] = fallback if self._draw(st.booleans()) else {"output": self._draw(_OUTPUTS)}
            step["on_failure"] = "fallback"
            if kind == "agent" and self._draw(st.booleans()):
                step["on_unavailable"] = "fallback"
        if not is_alone and kind in {"agent", "parallel", "foreach"} and self._draw(st.booleans()):
            step["compensate"], _ = self.step([*seen, step["name"], *inner], 0, is_alone=True)
        return step, inner

    def _choose(self, steps: list[Drawn]) -> None:
        """Let steps lead past others, but leave all in reach."""
        for position, step in enumerate(steps[:-1]):
            later = [each["name"] for each in steps[position + 1 :]]
            own = [f"steps.{step['name']}.output.n > 2", f"steps.{step['name']}.status == 'completed'", "false"]
            targets = st.sampled_from([*later, "end"])
            step["conditions"] = [{"if": self._draw(st.sampled_from(own)), "next": self._draw(targets)}]

    def _agent(self, step: Drawn, seen: Sequence[str], _: int) -> list[str]:
        step["agent"] = "worker"
        step["retry_policy"] = {"max_attempts": self._draw(st.integers(1, 2)), "jitter": False}
        if self._rarely():
            step["output_schema"] = {"properties": {"n": {"type": "integer"}}}
        if self._rarely():
            step["cache"] = {"key": self._draw(st.sampled_from(["same", "${string(vars.v)}"])), "ttl_seconds": 60}
        if self._rarely():
            step["on_unavailable"] = self._draw(st.sampled_from(["skip", "fail"]))
        if self._draw(st.booleans()):
            step["input"] = {"seen": self._value(seen), "vars": "${vars}"}
        return []

    def _set(self, step: Drawn, seen: Sequence[str], _: int) -> list[str]:
        step["set"] = {"v": self._value(seen)}
        return []

    def _wait(self, step: Drawn, _: Sequence[str], __: int) -> list[str]:
        ways = [{"seconds": 5}, {"seconds": 0.0125}, {"signal": "go"}, {"signal": "go", "timeout_seconds": 9}]
        step["wait"] = self._draw(st.sampled_from(ways))
        return []

    def _approval(self, step: Drawn, _: Sequence[str], __: int) -> list[str]:
        said: Drawn = {"approvers": ["role:boss", "user:ann"], "quorum": self._draw(st.integers(1, 2))}
        if self._draw(st.booleans()):
            said["expires_after"] = 60
            said["on_expiry"] = self._draw(st.sampled_from(["reject", "approve", "escalate"]))
            if said["on_expiry"] == "escalate":
                said["escalate_to"] = ["user:eve"]
        said["on_reject"] = self._draw(st.sampled_from(["fail", "continue"]))
        step["approval"] = said
        return []

    def _workflow(self, step: Drawn, _: Sequence[str], __: int) -> list[str]:
        step["workflow"] = "other"
        return []

    def _emit(self, step: Drawn, seen: Sequence[str], _: int) -> list[str]:
        step["emit"] = {"type": "told", "payload": {"seen": self._value(seen)}}
        return []

    def _fail(self, step: Drawn, _: Sequence[str], __: int) -> list[str]:
        step["fail"] = {"category": self._draw(st.sampled_from(["business", "permanent"])), "message": "so it is"}
        return []

    def _parallel(self, step: Drawn, seen: Sequence[str], depth: int) -> list[str]:
        count = self._draw(st.integers(1, 3))
        bodies = [self.body(seen, depth - 1) for _ in range(count)]
        said: Drawn = {"branches": {f"b{number}": steps for number, (steps, _) in enumerate(bodies)}}
        said["join"] = self._draw(st.sampled_from(["all", "all", "any", count]))
        if self._draw(st.booleans()):
            said["on_branch_failure"] = self._draw(st.sampled_from(["fail", "continue", "cancel_others"]))
        step["parallel"] = said
        return [name for _, named in bodies for name in named]

    def _foreach(self, step: Drawn, seen: Sequence[str], depth: int) -> list[str]:
        body, named = self.body(seen, depth - 1)
        said: Drawn = {
            "items": self._draw(st.sampled_from(["[]", "[1]", "[1, 2, 3]", "[1, 2, 3]", "items"])),
            "as": f"each_{step['name']}",
            "steps": body,
        }
        if self._draw(st.booleans()):
            said["max_concurrency"] = self._draw(st.integers(1, 2))
        if self._draw(st.booleans()):
            said["on_item_failure"] = self._draw(st.sampled_from(["fail", "continue", "cancel_others"]))
        step["foreach"] = said
        return named

    def _switch(self, step: Drawn, seen: Sequence[str], depth: int) -> list[str]:
        bodies = [self.body(seen, depth - 1) for _ in range(self._draw(st.integers(1, 3)))]
        cases = [{"if": self._condition(seen), "steps": steps} for steps, _ in bodies]
        step["switch"] = {"cases": cases}
        if len(cases) > 1 and self._draw(st.booleans()):
            step["switch"]["else"] = cases.pop()["steps"]
        return [name for _, named in bodies for name in named]

    def _loop(self, step: Drawn, seen: Sequence[str], depth: int) -> list[str]:
        body, named = self.body(seen, depth - 1)
        word = self._draw(st.sampled_from(["until", "while"]))
        step["loop"] = {
            "steps": body,
            "max_iterations": self._draw(st.integers(1, 3)),
            word: self._condition([*seen, *named] if word == "until" else seen),
        }
        return named

    def _condition(self, seen: Sequence[str]) -> str:
        told = ["true", "true", "false", "kind == 'new'", "vars.v == 'first'"]
        for name in seen:
            told += [f"steps.{name}.output.n > 2", f"steps.{name}.status == 'completed'"]
        return str(self._draw(st.sampled_from(told)))

    def _value(self, seen: Sequence[str]) -> Any:
        told = ["${input.kind}", "${workflow.id}", 7, *(f"${{steps.{name}.output}}" for name in seen)]
        return self._draw(st.sampled_from(told))

    def _rarely(self) -> bool:
        return bool(self._draw(st.integers(0, 5)) == 0)


_OUTPUTS = st.sampled_from([{"n": 1}, {"n": 4}, {}, None, {"n": "many"}])
