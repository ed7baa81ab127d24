"""Keeps what finished workflows made: a branch with a commit for each, and a tag for those that people agreed to.

An event only says where to look; what is kept is read from the engine. So an event that comes twice, late or before
another changes nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC
from enum import StrEnum
from typing import Final

import structlog

from archwright.client import Client
from archwright.engine.v1.approvals_pb2 import Approval
from archwright.engine.v1.artifacts_pb2 import Artifact
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.errors import ArchwrightError
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from services.chassis.metrics import Metrics
from services.chassis.metrics_catalogue import MODEL_COMMITS
from services.repository.domain.paths import PathRefused, require_together
from services.repository.domain.rules import Limits, Rule, Rules
from services.repository.port import Kept, ModelRepository, RepositoryRefused
from services.repository.wording import branch_of, commit_message, tag_message, tag_of

log = structlog.get_logger(__name__)

HEEDED: Final = frozenset({"workflow_completed", "approval_decided"})
"""The types of events after which there may be something to keep."""


class Outcome(StrEnum):
    """What came of one workflow and one rule."""

    COMMITTED = "committed"
    REPEATED = "repeated"
    EMPTY = "empty"
    REFUSED = "refused"
    FAILED = "failed"


class Keeping:
    """Deals with the events of the bus. Repositories and clients are by the name of their rule."""

    def __init__(
        self,
        rules: Rules,
        repositories: Mapping[str, ModelRepository],
        clients: Mapping[str, Client],
        metrics: Metrics,
    ) -> None:
        self._rules = rules
        self._repositories = repositories
        self._clients = clients
        self._counter = metrics.counter(MODEL_COMMITS)
        for outcome in Outcome:
            self._counter.begin(outcome)

    async def handle(self, event: WorkflowEvent) -> None:
        """Return when all that is to be kept is kept; raises for what is not, after the rest has been."""
        if event.event_type not in HEEDED:
            return
        concerned = self._rules.concerned(tenant=event.tenant, definition_name=event.definition_name)
        told = await asyncio.gather(
            *(self._heed(rule, event.workflow_id) for rule in concerned), return_exceptions=True
        )
        for failure in told:
            if failure is not None:
                raise failure

    async def _heed(self, rule: Rule, workflow_id: str) -> None:
        client = self._clients[rule.name]
        workflow = await client.get(workflow_id)
        if workflow.status != Workflow.COMPLETED:
            return  # its end is an event too
        if not rule.concerns(tenant=rule.tenant, definition_name=workflow.definition_name):
            return
        try:
            outcome = await self._keep(rule, client, workflow)
        except RepositoryRefused as refused:
            self._counter.add(Outcome.REFUSED)
            raise RepositoryRefused(f"Rule {rule.name!r}, workflow {workflow_id}: {refused.message}") from None
        except ArchwrightError:
            self._counter.add(Outcome.FAILED)
            raise
        self._counter.add(outcome)

    async def _keep(self, rule: Rule, client: Client, workflow: Workflow) -> Outcome:
        files = await _files(client, workflow.workflow_id, rule.limits)
        if not files:
            return Outcome.EMPTY
        approvals = await _approvals(client, workflow.workflow_id)
        repository, at = self._repositories[rule.name], workflow.completed_at.ToDatetime(tzinfo=UTC)
        message = commit_message(rule.name, workflow)
        kept = await repository.commit(branch_of(workflow.workflow_id), message, files, at)
        is_tagged = False
        if approvals and _stands(approvals[-1], files):
            tagging = tag_message(workflow.workflow_id, approvals)
            is_tagged = await repository.tag(tag_of(workflow.workflow_id), kept.commit_id, tagging, at)
        _tell(rule, workflow, kept, is_tagged=is_tagged)
        return Outcome.COMMITTED if kept.is_new else Outcome.REPEATED


async def _files(client: Client, workflow_id: str, limits: Limits) -> Mapping[str, bytes]:
    artifacts = await client.artifacts(workflow_id)
    _require_fit(artifacts, limits)
    return {
        artifact.name: await client.download(workflow_id, artifact.name, version=artifact.version)
        for artifact in artifacts
    }


def _require_fit(artifacts: Sequence[Artifact], limits: Limits) -> None:
    size = sum(artifact.size_bytes for artifact in artifacts)
    if len(artifacts) > limits.files:
        raise RepositoryRefused(f"It has {len(artifacts)} files; `limits.files` allows {limits.files}.")
    if size > limits.bytes:
        raise RepositoryRefused(f"Its files have {size} bytes together; `limits.bytes` allows {limits.bytes}.")
    try:
        require_together(artifact.name for artifact in artifacts)
    except PathRefused as refused:
        raise RepositoryRefused(str(refused)) from None


async def _approvals(client: Client, workflow_id: str) -> Sequence[Approval]:
    """Return the approvals that people or time decided, in the order they were."""
    asked = [
        str(event.payload["approval_id"])
        async for event in client.history(workflow_id)
        if event.event_type == "approval_requested"
    ]
    found = [await client.approvals.get(approval_id) for approval_id in asked]
    decided = [each for each in found if each.status in {Approval.APPROVED, Approval.REJECTED}]
    return sorted(decided, key=lambda each: (each.ended_at.ToNanoseconds(), each.approval_id))


def _stands(approval: Approval, files: Mapping[str, bytes]) -> bool:
    """Return whether people agreed, and the files that they were shown are those that are kept."""
    return approval.status == Approval.APPROVED and all(
        shown.name in files and hashlib.sha256(files[shown.name]).hexdigest() == shown.sha256
        for shown in approval.artifacts
    )


def _tell(rule: Rule, workflow: Workflow, kept: Kept, *, is_tagged: bool) -> None:
    if kept.is_new or is_tagged:
        log.info(
            "model_kept",
            rule=rule.name,
            workflow_id=workflow.workflow_id,
            commit_id=kept.commit_id,
            is_new=kept.is_new,
            is_tagged=is_tagged,
        )
