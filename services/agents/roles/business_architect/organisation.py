"""Who does the work: roles of the people in the request, of those who answer for it, and of the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archwright.agents.v1.business_analyst_pb2 import Actor, Requirement
from archwright.agents.v1.business_architect_pb2 import BusinessRole, OrgImpact, Process
from archwright.agents.v1.model_pb2 import Source
from services.agents.naming import slug, title
from services.agents.roles.business_architect.reading import Reading

AUTOMATED = "ROLE-automated-processing"
"""The role of the system itself, for steps that nobody does by hand."""
_OVERSEER = "process owner"
_MANY_STEPS, _SOME_STEPS = 5, 2


@dataclass(frozen=True, slots=True)
class Organisation:
    """The roles, who takes which, and who answers for the work as a whole."""

    roles: tuple[BusinessRole, ...]
    by_actor: Mapping[str, str]
    overseer_id: str

    def doing(self, requirement: Requirement) -> str:
        """Return the role that does what a requirement says."""
        return self.by_actor.get(requirement.actor_id, AUTOMATED)


def find(reading: Reading) -> Organisation:
    """Return the roles that the request needs: one for each kind of people, one for the system, one that answers."""
    people = [actor for actor in reading.spec.actors if actor.type != Actor.EXTERNAL_SYSTEM]
    roles = [
        BusinessRole(
            id=f"ROLE-{slug(actor.name)}",
            name=title(actor.name),
            actor_ids=[actor.id],
            basis=actor.basis,
            rule_id="role.actor",
        )
        for actor in people
    ]
    if any(not one.actor_id for one in reading.wanted):
        roles.append(
            BusinessRole(id=AUTOMATED, name="Automated Processing", basis=Source.DERIVED, rule_id="role.system")
        )
    overseer = reading.industry.lead.oversight if reading.industry else _OVERSEER
    overseer_id = f"ROLE-{slug(overseer)}"
    if reading.wanted and overseer_id not in {role.id for role in roles}:
        roles.append(
            BusinessRole(id=overseer_id, name=title(overseer), basis=Source.ASSUMED, rule_id="role.accountable")
        )
    return Organisation(tuple(roles), {role.actor_ids[0]: role.id for role in roles if role.actor_ids}, overseer_id)


def impact(organisation: Organisation, processes: Sequence[Process]) -> tuple[OrgImpact, ...]:
    """Return what changes for each role, by how much of the work it does."""
    found = []
    for role in organisation.roles:
        steps = [step for process in processes for step in process.steps if step.actor_role_id == role.id]
        if role.id == AUTOMATED or not steps:
            continue
        verbs = ", ".join(dict.fromkeys(step.name[:1].lower() + step.name[1:] for step in steps[:_MANY_STEPS]))
        degree = "high" if len(steps) >= _MANY_STEPS else "medium" if len(steps) >= _SOME_STEPS else "low"
        found.append(OrgImpact(role_id=role.id, change=f"Works with the new system to {verbs}.", degree=degree))
    return tuple(found)
