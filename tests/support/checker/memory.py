"""Reads the facts from storage in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checker.facts import (
    ApprovalFacts,
    AuditFacts,
    BelongingFacts,
    CachedFacts,
    CommitFacts,
    Facts,
    InboxFacts,
    TaskFacts,
    TimerFacts,
    UnpublishedFacts,
    WorkflowFacts,
)
from services.engine.ports.keys import Key
from services.engine.storage.memory.tables import Tables
from services.engine.storage.state_codec import load_workflow


def read(tables: Tables) -> Facts:
    """Return everything that these tables say."""
    now = tables.clock.now()
    return Facts(
        workflows=[
            WorkflowFacts(
                key=row.key,
                plan=tables.plan_of(row),
                request_id=row.created.request_id,
                status=row.status,
                version=row.version,
                last_seq=row.last_seq,
                head_hash=row.head_hash,
                stored=load_workflow(row.key.workflow_id, row.status, row.state),
                state_seq=row.state_seq,
                commits=[
                    CommitFacts(each.first_seq, each.count, each.hash, each.body) for each in tables.history[row.key]
                ],
            )
            for row in tables.workflows.values()
        ],
        tasks=[
            TaskFacts(row.key, row.task_id, row.step, row.status, row.attempt, row.session_id)
            for row in tables.open_tasks.values()
        ],
        timers=[TimerFacts(row.key, row.name, row.generation) for row in tables.timers.values()],
        unpublished=[
            UnpublishedFacts(row.batch_id, (now - row.committed_at).total_seconds())
            for row in tables.commits.values()
            if row.published_at is None
        ],
        audit=[
            AuditFacts(key.tenant, "", number, row.event_id, key.workflow_id, row.action)
            for number, (key, row) in enumerate(tables.audit, start=1)
        ],
        inbox=[InboxFacts(row.key, row.name, (now - row.created_at).total_seconds()) for row in tables.inbox.values()],
        approvals=[
            ApprovalFacts(row.key, row.approval_id, row.step, row.seq, row.ended) for row in tables.approvals.values()
        ],
        belongings=list(_belongings(tables)),
        cached=[CachedFacts(tenant, row.output) for (tenant, _), row in tables.step_cache.items()],
        is_audit_chained=False,
    )


def _belongings(tables: Tables) -> Iterator[BelongingFacts]:
    """Yield which workflows each table has rows of."""
    found: dict[str, Iterable[Key]] = {
        "history": tables.history,
        "artifact_references": (key for key, _ in tables.references),
        "approvals": (row.key for row in tables.approvals.values()),
        "dead_letters": (Key(row.tenant, row.workflow_id) for row in tables.letters.values()),
        "open_tasks": (row.key for row in tables.open_tasks.values()),
        "timers": (key for key, _ in tables.timers),
        "inbox": (key for key, _ in tables.inbox),
        "audit": (key for key, _ in tables.audit),
        "commits": (key for row in tables.commits.values() for key, _, _ in row.spans),
    }
    for table, keys in found.items():
        for key in dict.fromkeys(keys):
            yield BelongingFacts(table, key)
