"""Typed stubs for asyncio.

The generated stub classes take either kind of channel, and their types describe the blocking kind. What each
returns on a grpc.aio channel is described by a second class that exists for type checkers only, hence the casts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import grpc

from archwright.engine.v1.agent_work_pb2_grpc import AgentWorkServiceStub
from archwright.engine.v1.approvals_pb2_grpc import ApprovalServiceStub
from archwright.engine.v1.artifacts_pb2_grpc import ArtifactServiceStub
from archwright.engine.v1.dead_letters_pb2_grpc import DeadLetterServiceStub
from archwright.engine.v1.definitions_pb2_grpc import DefinitionServiceStub
from archwright.engine.v1.events_pb2_grpc import EventServiceStub
from archwright.engine.v1.queues_pb2_grpc import QueueServiceStub
from archwright.engine.v1.schedules_pb2_grpc import ScheduleServiceStub
from archwright.engine.v1.workflows_pb2_grpc import WorkflowServiceStub
from archwright.registry.v1.agent_registry_pb2_grpc import AgentRegistryServiceStub

if TYPE_CHECKING:
    from archwright.engine.v1.agent_work_pb2_grpc import AgentWorkServiceAsyncStub
    from archwright.engine.v1.approvals_pb2_grpc import ApprovalServiceAsyncStub
    from archwright.engine.v1.artifacts_pb2_grpc import ArtifactServiceAsyncStub
    from archwright.engine.v1.dead_letters_pb2_grpc import DeadLetterServiceAsyncStub
    from archwright.engine.v1.definitions_pb2_grpc import DefinitionServiceAsyncStub
    from archwright.engine.v1.events_pb2_grpc import EventServiceAsyncStub
    from archwright.engine.v1.queues_pb2_grpc import QueueServiceAsyncStub
    from archwright.engine.v1.schedules_pb2_grpc import ScheduleServiceAsyncStub
    from archwright.engine.v1.workflows_pb2_grpc import WorkflowServiceAsyncStub
    from archwright.registry.v1.agent_registry_pb2_grpc import AgentRegistryServiceAsyncStub


def agent_work(channel: grpc.aio.Channel) -> AgentWorkServiceAsyncStub:
    """Return a stub of AgentWorkService."""
    return cast("AgentWorkServiceAsyncStub", AgentWorkServiceStub(channel))


def approvals(channel: grpc.aio.Channel) -> ApprovalServiceAsyncStub:
    """Return a stub of ApprovalService."""
    return cast("ApprovalServiceAsyncStub", ApprovalServiceStub(channel))


def artifacts(channel: grpc.aio.Channel) -> ArtifactServiceAsyncStub:
    """Return a stub of ArtifactService."""
    return cast("ArtifactServiceAsyncStub", ArtifactServiceStub(channel))


def dead_letters(channel: grpc.aio.Channel) -> DeadLetterServiceAsyncStub:
    """Return a stub of DeadLetterService."""
    return cast("DeadLetterServiceAsyncStub", DeadLetterServiceStub(channel))


def definitions(channel: grpc.aio.Channel) -> DefinitionServiceAsyncStub:
    """Return a stub of DefinitionService."""
    return cast("DefinitionServiceAsyncStub", DefinitionServiceStub(channel))


def events(channel: grpc.aio.Channel) -> EventServiceAsyncStub:
    """Return a stub of EventService."""
    return cast("EventServiceAsyncStub", EventServiceStub(channel))


def queues(channel: grpc.aio.Channel) -> QueueServiceAsyncStub:
    """Return a stub of QueueService."""
    return cast("QueueServiceAsyncStub", QueueServiceStub(channel))


def schedules(channel: grpc.aio.Channel) -> ScheduleServiceAsyncStub:
    """Return a stub of ScheduleService."""
    return cast("ScheduleServiceAsyncStub", ScheduleServiceStub(channel))


def workflows(channel: grpc.aio.Channel) -> WorkflowServiceAsyncStub:
    """Return a stub of WorkflowService."""
    return cast("WorkflowServiceAsyncStub", WorkflowServiceStub(channel))


def agent_registry(channel: grpc.aio.Channel) -> AgentRegistryServiceAsyncStub:
    """Return a stub of AgentRegistryService."""
    return cast("AgentRegistryServiceAsyncStub", AgentRegistryServiceStub(channel))
