"""What every store of approvals promises, on PostgreSQL and in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest
from storages import OTHER_TENANT, TENANT, MemoryStorage, PostgresStorage, Storage, entry_of

from archwright import ids
from services.engine.domain.commands import DecideApproval
from services.engine.domain.workflow import OpenApproval
from services.engine.ports.approvals import Approvals, WantedApprovals
from services.engine.ports.store import Stored
from services.engine.storage.approvals import PostgresApprovals
from services.engine.storage.memory.approvals import MemoryApprovals


@pytest.fixture
def approvals(storage: Storage) -> Approvals:
    if isinstance(storage, MemoryStorage):
        return MemoryApprovals(storage.tables)
    assert isinstance(storage, PostgresStorage)
    return PostgresApprovals(storage.database)


def asked_by(stored: Stored) -> OpenApproval:
    [asked] = [step for step in stored.workflow.open.values() if isinstance(step, OpenApproval)]
    return asked


def of(stored: Stored) -> WantedApprovals:
    """Return what is wanted for those of one workflow."""
    return WantedApprovals(workflow_id=stored.key.workflow_id)


def agreeing(storage: Storage, stored: Stored, *, approved: bool = True) -> DecideApproval:
    asked = asked_by(stored)
    roles = frozenset({"operator"})
    return DecideApproval(storage.now(), asked.approval_id, "ann", roles, approved, "", asked.shown_sha256)


async def test_an_approval_is_found_by_its_id(storage: Storage, approvals: Approvals) -> None:
    stored = await storage.start(plan="approved")
    asked = asked_by(stored)

    found = await approvals.find(TENANT, asked.approval_id)

    assert found is not None
    assert (found.key, found.step, found.ended) == (stored.key, "consent", False)
    [event] = await storage.store.events(stored.key, after_seq=found.seq - 1, limit=1)
    assert getattr(event.event, "approval_id", "") == asked.approval_id


async def test_what_nobody_asked_is_not_found(storage: Storage, approvals: Approvals) -> None:
    stored = await storage.start(plan="approved")

    assert await approvals.find(TENANT, ids.show("approval", ids.new_uuid())) is None
    assert await approvals.find(OTHER_TENANT, asked_by(stored).approval_id) is None


async def test_those_that_wait_are_listed_newest_first_in_pages(storage: Storage, approvals: Approvals) -> None:
    asked = sorted([asked_by(await storage.start(plan="approved")).approval_id for _ in range(3)], reverse=True)

    first = await approvals.wanted(TENANT, WantedApprovals(), limit=2)
    second = await approvals.wanted(TENANT, WantedApprovals(after=first[-1].approval_id), limit=1)

    assert [each.approval_id for each in (*first, *second)] == asked


async def test_a_list_may_be_of_one_workflow(storage: Storage, approvals: Approvals) -> None:
    one = await storage.start(plan="approved")
    await storage.start(plan="approved")

    found = await approvals.wanted(TENANT, of(one), limit=9)

    assert [each.approval_id for each in found] == [asked_by(one).approval_id]


async def test_a_list_may_be_of_one_definition(storage: Storage, approvals: Approvals) -> None:
    one = of(await storage.start(plan="approved"))

    assert len(await approvals.wanted(TENANT, replace(one, definition_name="approved"), limit=9)) == 1
    assert not await approvals.wanted(TENANT, replace(one, definition_name="chain"), limit=9)


async def test_a_refused_decision_leaves_a_row_in_the_audit(storage: Storage, approvals: Approvals) -> None:
    before = await storage.audit_count(TENANT)

    await approvals.refused(TENANT, storage.audit_row())

    assert await storage.audit_count(TENANT) == before + 1


@pytest.mark.parametrize("approved", [True, False])
async def test_one_that_was_decided_waits_no_longer_and_is_still_found(
    storage: Storage, approvals: Approvals, approved: bool
) -> None:
    stored = await storage.start(plan="approved")

    await storage.commit(entry_of(stored, agreeing(storage, stored, approved=approved)))

    found = await approvals.find(TENANT, asked_by(stored).approval_id)
    assert found is not None
    assert found.ended
    assert not await approvals.wanted(TENANT, of(stored), limit=9)
    assert await approvals.wanted(TENANT, replace(of(stored), ended=True), limit=9) == [found]


async def test_one_whose_workflow_was_cancelled_waits_no_longer(storage: Storage, approvals: Approvals) -> None:
    stored = await storage.start(plan="approved")

    await storage.commit(storage.cancelling(stored))

    assert not await approvals.wanted(TENANT, of(stored), limit=9)


async def test_a_commit_that_lost_decides_nothing(storage: Storage, approvals: Approvals) -> None:
    stored = await storage.start(plan="approved")
    await storage.commit(storage.cancelling(await storage.start(plan="approved")))
    late = entry_of(stored, agreeing(storage, stored))
    await storage.commit(storage.cancelling(stored))

    [written] = await storage.commit(late)

    assert written.verdict == "lost"
    assert (await storage.load(stored.key)).workflow.status == "cancelled"
