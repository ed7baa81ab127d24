"""An agent: a role, and the functions that do its tasks."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias, TypeVar

from archwright.sdk.task import Task

TaskFunction: TypeAlias = Callable[[Task], Any] | Callable[[Task], Awaitable[Any]]
Registered = TypeVar("Registered", bound=TaskFunction)

_AGENT_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SLOTS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Duty:
    """A function and the type of tasks that it does; "" is any type that no other function does."""

    task_type: str
    function: TaskFunction
    is_async: bool


class Agent:
    """A process that does tasks of one agent type.

    `capabilities` are `name` or `name@version`; steps may ask for them. `max_concurrent_tasks` is how many tasks
    it is given at a time. `agent_id` is made up when neither this nor `ARCHWRIGHT_AGENT_ID` names one.
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
        if not 1 <= max_concurrent_tasks <= _SLOTS_MAX:
            raise ValueError(f"max_concurrent_tasks is {max_concurrent_tasks}; it must lie between 1 and {_SLOTS_MAX}")
        if isinstance(capabilities, str):
            raise ValueError(f"capabilities must be a list of names: [{capabilities!r}]")
        self.agent_type = agent_type
        self.capabilities = tuple(capabilities)
        self.max_concurrent_tasks = max_concurrent_tasks
        self.agent_id = agent_id
        self.labels = dict(labels or {})
        self._duties: dict[str, Duty] = {}

    def task(self, task_type: str = "") -> Callable[[Registered], Registered]:
        """Register a function, async or not, for tasks of this type; without one, for all that no other does."""
        if callable(task_type):
            raise TypeError("write @agent.task() with parentheses, or name a task type in them")

        def register(function: Registered) -> Registered:
            if task_type in self._duties:
                raise ValueError(f"{self.agent_type} has a function for {task_type or 'any task'!r} already")
            self._duties[task_type] = Duty(task_type, function, inspect.iscoroutinefunction(function))
            return function

        return register

    @property
    def task_types(self) -> tuple[str, ...]:
        """The types of tasks that have a function; "" among them means any."""
        return tuple(self._duties)

    def duty(self, task_type: str) -> Duty | None:
        """Return the function for tasks of this type, or None when there is none."""
        return self._duties.get(task_type) or self._duties.get("")

    def run(self) -> NoReturn:
        """Work until the process is told to stop, then end it: with exit code 0 when it stopped well.

        Settings come from the environment, and from the local mesh that is up where the environment is silent.
        """
        from archwright.sdk.process import run_agent  # noqa: PLC0415 - an agent is defined without grpc, and tested so

        run_agent(self)
