"""The typed service of a role, answered by the role's functions.

Which function answers a method is said in the contract, by the option `task_type`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from importlib import import_module
from types import SimpleNamespace

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from archwright.agents.v1 import options_pb2
from archwright.serving.calls import Call
from archwright.serving.pipeline import Served, answering_name
from services.agents.direct.calls import Calls


def served(role: str, calls: Calls) -> Served:
    """Return the service of a role, every method of it answered by `calls`."""
    service = descriptor(role)
    return Served(service, SimpleNamespace(**{answering_name(one): _answer(one, calls) for one in service.methods}))


def descriptor(role: str) -> ServiceDescriptor:
    """Return the service that the contract gives a role."""
    (service,) = import_module(f"archwright.agents.v1.{role}_service_pb2").DESCRIPTOR.services_by_name.values()
    assert isinstance(service, ServiceDescriptor)
    return service


def task_type(method: MethodDescriptor) -> str:
    """Return the type of task that a method does."""
    return str(method.GetOptions().Extensions[options_pb2.task_type])


def _answer(method: MethodDescriptor, calls: Calls) -> Callable[[Message, Call], AsyncGenerator[Message, None]]:
    done = task_type(method)

    async def answer(request: Message, call: Call) -> AsyncGenerator[Message, None]:
        async for update in calls.answer(done, request, call):
            yield update

    return answer
