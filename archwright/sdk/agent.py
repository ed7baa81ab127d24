"""An agent: a role, and the functions that do its tasks."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias, TypeVar

from archwright.language.requirement import Requirement
from archwright.sdk.forms import Forms, forms_of

TaskFunction: TypeAlias = Callable[..., Any]
"""Takes its task and, perhaps, its input as a type of its own; async or not."""
Registered = TypeVar("Registered", bound=TaskFunction)

_AGENT_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CAPABILITY = re.compile(r"[a-z][a-z0-9_.-]{0,63}(@[0-9A-Za-z][0-9A-Za-z.+_-]{0,31})?")
_SLOTS_MAX = 1000
_CHOSEN_MAX = 1000


@dataclass(frozen=True, slots=True)
class Duty:
    """A function, and which tasks it does: those of a type, those that ask for a capability, or, with "", any."""

    task_type: str
    function: TaskFunction
    is_async: bool
    capability: str = ""
    forms: Forms = field(default_factory=Forms)


class Agent:
    """A process that does tasks of one agent type.

    `capabilities` are `name` or `name@version`; steps may ask for them. Its functions may add theirs.
    `max_concurrent_tasks` is how many tasks it is given at a time. `agent_id` is made up when neither this nor
    `ARCHWRIGHT_AGENT_ID` names one.
    """

    def __init__(
        self,
        agent_type: str,
        *,
        capabilities: Sequence[str] = (),
        max_concurrent_tasks: int = 1,
        agent_id: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> None:
        if not _AGENT_TYPE.fullmatch(agent_type):
            raise ValueError(f"agent type {agent_type!r} must be of the form [a-z][a-z0-9_]*, at most 64 characters")
        if isinstance(capabilities, str):
            raise ValueError(f"capabilities must be a list of names: [{capabilities!r}]")
        self.agent_type = agent_type
        self.agent_id = agent_id
        self.labels = dict(labels or {})
        self.max_concurrent_tasks = max_concurrent_tasks
        self._capabilities = tuple(capabilities)
        self._duties: dict[tuple[str, str], Duty] = {}
        self._chosen: dict[tuple[str, str], Duty | None] = {}

    @property
    def max_concurrent_tasks(self) -> int:
        """How many tasks it is given at a time."""
        return self._slots

    @max_concurrent_tasks.setter
    def max_concurrent_tasks(self, slots: int) -> None:
        if not 1 <= slots <= _SLOTS_MAX:
            raise ValueError(f"max_concurrent_tasks is {slots}; it must lie between 1 and {_SLOTS_MAX}")
        self._slots = slots

    def task(self, task_type: str = "", *, capability: str = "") -> Callable[[Registered], Registered]:
        """Register a function, async or not, for tasks of this type, or for those that ask for this capability.

        With neither, it does all that no other function does. `capability` is `name` or `name@version`, and becomes
        one of the agent's. Raises ValueError when another function does these already.
        """
        if callable(task_type):
            raise TypeError("write @agent.task() with parentheses, or name a task type in them")
        if capability and not _CAPABILITY.fullmatch(capability):
            raise ValueError(f"capability {capability!r} is not `name` or `name@version`")

        def register(function: Registered) -> Registered:
            what = task_type or capability
            if (task_type, capability) in self._duties:
                raise ValueError(f"{self.agent_type} has a function for {what or 'any task'!r} already")
            forms = forms_of(function)
            is_async = inspect.iscoroutinefunction(function)
            self._duties[task_type, capability] = Duty(task_type, function, is_async, capability, forms)
            self._chosen.clear()
            return function

        return register

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What it offers: what it was made with, then what its functions add."""
        added = (duty.capability for duty in self._duties.values() if duty.capability)
        return tuple(dict.fromkeys((*self._capabilities, *added)))

    @property
    def duties(self) -> tuple[Duty, ...]:
        """Its functions."""
        return tuple(self._duties.values())

    def duty(self, task_type: str, capability: str = "") -> Duty | None:
        """Return the function for a task of this type that asks for this capability, or None when there is none.

        One that offers the capability comes first, then one of the type, then one for any task. `capability` is as
        a step asks for it: `pricing@^1.2`.
        """
        asked = task_type, capability
        if asked not in self._chosen:
            if len(self._chosen) >= _CHOSEN_MAX:
                self._chosen.clear()
            self._chosen[asked] = self._choose(task_type, capability)
        return self._chosen[asked]

    def _choose(self, task_type: str, capability: str) -> Duty | None:
        wanted = Requirement.read(f"capability:{capability}") if capability else None

        def rank(duty: Duty) -> tuple[bool, bool, bool]:
            is_able = wanted is not None and wanted.is_met_by("", (duty.capability,), {})
            is_of_type = bool(task_type) and duty.task_type == task_type
            does_any = not duty.task_type and not duty.capability
            return is_able and (is_of_type or not task_type or not duty.task_type), is_of_type, does_any

        best = max(self._duties.values(), key=rank, default=None)
        return best if best is not None and any(rank(best)) else None

    def run(self) -> NoReturn:
        """Work until the process is told to stop, then end it: with exit code 0 when it stopped well.

        Settings come from the environment, and from the local mesh that is up where the environment is silent.
        """
        from archwright.sdk.process import run_agent  # noqa: PLC0415 - an agent is defined without grpc, and tested so

        run_agent(self)
