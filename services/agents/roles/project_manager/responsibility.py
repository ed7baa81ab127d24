"""Who answers for which work package: exactly one role does, and never does it stand in two columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from archwright.agents.v1.project_manager_pb2 import WorkRaci
from services.agents.roles.project_manager.breakdown import Planned
from services.agents.roles.project_manager.work_table import work


def raci(planned: Sequence[Planned], roles: Collection[str]) -> list[WorkRaci]:
    """Return a row for each work package; only roles of the team stand in it."""
    phases = {phase.key: phase for phase in work().phases}
    found = []
    for one in planned:
        phase, responsible = phases[one.package.phase], one.package.role
        accountable = phase.accountable if phase.accountable in roles else responsible
        consulted = [role for role in phase.consulted if role in roles and role not in {responsible, accountable}]
        informed = [
            role for role in phase.informed if role in roles and role not in {responsible, accountable, *consulted}
        ]
        found.append(
            WorkRaci(
                wbs_id=one.wbs_id,
                responsible=responsible,
                accountable=accountable,
                consulted=consulted,
                informed=informed,
            )
        )
    return found
