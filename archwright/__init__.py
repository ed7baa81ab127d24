"""A durable workflow engine for teams of AI agents.

What users need is here: `Agent` and `Task` to write an agent, the errors by which its functions fail, `Client` to
start and follow workflows, `Workflow` to define them. Each is loaded when it is first named, so that importing
archwright costs nothing.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archwright.client import Client
    from archwright.language.builder import Workflow
    from archwright.sdk.agent import Agent
    from archwright.sdk.errors import Business, Capacity, Permanent, TaskFailed, TimedOut, Transient
    from archwright.sdk.task import Task

__all__ = [
    "Agent",
    "Business",
    "Capacity",
    "Client",
    "Permanent",
    "Task",
    "TaskFailed",
    "TimedOut",
    "Transient",
    "Workflow",
]

_HOMES = {
    "Agent": "archwright.sdk.agent",
    "Business": "archwright.sdk.errors",
    "Capacity": "archwright.sdk.errors",
    "Client": "archwright.client",
    "Permanent": "archwright.sdk.errors",
    "Task": "archwright.sdk.task",
    "TaskFailed": "archwright.sdk.errors",
    "TimedOut": "archwright.sdk.errors",
    "Transient": "archwright.sdk.errors",
    "Workflow": "archwright.language.builder",
}


# Whatever gRPC's core would write by itself, in a form of its own, is told by our errors and logs; it asks once, as it
# is loaded.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'archwright' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
