"""Which workflows may be under way: permits that this replica has borrowed, and who uses them.

A workflow uses a permit while it has a task; one that only waits, for a time, a signal or a person, uses none.
Starts that find no permit wait as PENDING, and so do those that come while others wait. Work that was begun always
goes on: when it needs a permit again and there is none, the replica owes one, and new starts wait until the debt is
paid.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from archwright.errors import LimitReached
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import OpenTask, Workflow
from services.engine.ports.commands import Change
from services.engine.ports.quota import Quota

CHUNK = 64
"""How many permits are borrowed at a time."""

_RETRY_SECONDS = 5.0


class Admission:
    """The permits of one replica."""

    def __init__(self, quota: Quota, *, workflows_max: int, queue_depth_max: int) -> None:
        self._quota = quota
        self._workflows_max = workflows_max
        self._queue_depth_max = queue_depth_max
        self._free: defaultdict[str, int] = defaultdict(int)
        self._depths: Mapping[str, int] = {}
        self._strain = ""
        self._starting: dict[tuple[str, str], None] = {}
        self._borrowing = asyncio.Lock()
        self._waiting: set[str] = set()
        self.room = asyncio.Event()
        """Set when workflows wait for permits and there may be some."""

    async def report(self) -> None:
        """Say which permits are borrowed and not used yet; what is owed is negative."""
        async with self._borrowing:  # a report must not cross with what it does not know of yet
            unused = defaultdict(int, self._free)
            for tenant, _ in self._starting:
                unused[tenant] += 1
            await self._quota.report(unused)

    async def leave(self) -> None:
        """Give back what nobody uses: this replica stops, and others should not wait until it counts as dead."""
        unused, self._free = self._free, defaultdict(int)
        await self._quota.leave(unused)

    def require_room(self, tenant: str) -> None:
        """Refuse a start when too much waits already, or the machine is strained. Raises LimitReached."""
        if self._strain:
            raise LimitReached(
                f"{self._strain} Try again in {_RETRY_SECONDS:.0f} s.", retry_after_seconds=_RETRY_SECONDS
            )
        depth = self._depths.get(tenant, 0)
        if depth >= self._queue_depth_max:
            raise LimitReached(
                f"{depth:,} tasks and workflows wait already; at most {self._queue_depth_max:,} may. "
                f"Try again in {_RETRY_SECONDS:.0f} s, or add agents.",
                retry_after_seconds=_RETRY_SECONDS,
            )

    def waiting(self) -> Collection[str]:
        """Return the tenants of which workflows wait for a permit."""
        return list(self._waiting)

    def note_waiting(self, tenants: Collection[str]) -> None:
        """Remember that workflows of these tenants wait for a permit."""
        self._waiting.update(tenants)
        if tenants:
            self.room.set()  # perhaps: others may have given permits back

    def note_served(self, tenant: str) -> None:
        """Remember that nothing of a tenant's waits any more but what was just seen."""
        self._waiting.discard(tenant)

    async def admit(self, tenant: str, workflow_id: str, *, has_waited: bool = False) -> bool:
        """Take a permit for a workflow that is about to begin; return whether there was one.

        Whoever has not waited takes none while others wait. It is kept by the commit that begins the workflow;
        `refuse` gives it back when there is no such commit.
        """
        if tenant in self._waiting and not has_waited:
            return False
        if self._free[tenant] <= 0:
            await self._borrow(tenant)
        if self._free[tenant] <= 0:
            self._waiting.add(tenant)
            return False
        self._free[tenant] -= 1
        self._starting[tenant, workflow_id] = None
        return True

    def refuse(self, tenant: str, workflow_id: str) -> None:
        """Give back the permit of a workflow that did not begin."""
        if (tenant, workflow_id) in self._starting:
            del self._starting[tenant, workflow_id]
            self._give(tenant, 1)

    def committed(self, batch_id: uuid.UUID, changes: Sequence[Change]) -> None:
        """Note who uses permits, and who has stopped."""
        for change in changes:
            tenant = change.key.tenant
            used = uses_permit(change.before)
            if self._starting and self._starting.pop((tenant, change.key.workflow_id), 0) is None:
                used = True
            self._give(tenant, used - uses_permit(change.workflow))

    def note_depths(self, depths: Mapping[str, int]) -> None:
        """Remember how much waits."""
        self._depths = depths

    def note_strain(self, strain: str) -> None:
        """Remember what the machine is short of; empty when it is short of nothing."""
        self._strain = strain

    async def settle(self) -> None:
        """Pay what is owed, and give back what is more than a chunk."""
        for tenant, free in list(self._free.items()):
            if free < 0:
                self._free[tenant] -= free
                await self._quota.owe(tenant, -free)
            elif free > 2 * CHUNK:
                self._free[tenant] -= free - CHUNK
                await self._quota.give_back(tenant, free - CHUNK)

    async def _borrow(self, tenant: str) -> None:
        async with self._borrowing:
            if self._free[tenant] <= 0:
                # On a line of its own: permits that come back meanwhile must not be lost.
                borrowed = await self._quota.borrow(tenant, CHUNK - self._free[tenant], self._workflows_max)
                self._free[tenant] += borrowed

    def _give(self, tenant: str, count: int) -> None:
        if count:
            self._free[tenant] += count
        if count > 0 and tenant in self._waiting:
            self.room.set()


def uses_permit(workflow: Workflow) -> bool:
    """Return whether a workflow is under way, and not only waiting. A child rides in its parent's place."""
    if workflow.parent is not None:
        return False
    if workflow.status not in {WorkflowStatus.RUNNING, WorkflowStatus.PAUSED}:
        return False
    return any(isinstance(step, OpenTask) for step in workflow.open.values())
