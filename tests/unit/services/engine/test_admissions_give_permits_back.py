"""Permits that were taken for workflows which could not begin after all come back."""

from __future__ import annotations

from typing import Any

import pytest

from archwright import ids
from archwright.errors import DependencyUnavailable
from services.chassis.clock import ManualClock
from services.engine.admission import Admission
from services.engine.domain.clocks import ADMISSION_TIMER
from services.engine.loops.admissions import Admissions
from services.engine.ports.keys import Key
from services.engine.storage.memory.quota import MemoryQuota
from services.engine.storage.memory.tables import Tables, TimerRow

TENANT = "acme"


class GoesAway(MemoryQuota):
    """A quota that lends one permit, and then does not answer any more."""

    lends = True

    async def borrow(self, tenant: str, wanted: int, limit: int) -> int:
        if not self.lends:
            raise DependencyUnavailable("The database does not answer.")
        self.lends = False
        return await super().borrow(tenant, wanted, limit)


async def test_a_permit_comes_back_when_the_database_goes_while_the_next_one_asks() -> None:
    clock = ManualClock()
    tables = Tables(clock)
    keys = [Key(TENANT, ids.show("wf", ids.new_uuid())) for _ in range(2)]
    for key in keys:
        tables.timers[key, ADMISSION_TIMER] = TimerRow(key, ADMISSION_TIMER, 0, clock.now())
    quota = GoesAway(tables, ids.new_uuid())
    admission = Admission(quota, workflows_max=1, queue_depth_max=10)
    admission.note_waiting([TENANT])
    commands: Any = None  # nothing gets so far

    with pytest.raises(DependencyUnavailable):
        await Admissions(admission, quota, commands, clock).step()

    assert await admission.admit(TENANT, keys[0].workflow_id, has_waited=True)
