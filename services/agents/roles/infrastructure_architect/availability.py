"""How long the system is in service: a chain in which every link must work, each link as strong as its copies.

In a row: the product of the links. Side by side: one minus the chance that all copies fail at once. Copies are added
to the weakest link until the target is met or nothing more can be added.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from archwright.agents.v1.business_analyst_pb2 import RequirementsSpec
from archwright.agents.v1.infrastructure_architect_pb2 import Availability, AvailabilityLink
from archwright.agents.v1.model_pb2 import Assumption, Fact, Finding
from services.agents.draft import Draft
from services.agents.facts import largest
from services.agents.providers import services

TARGET_DEFAULT = 99.5
HIGH_FROM = 99.9
"""From this target on, everything in the chain has at least two copies in two availability zones."""

COPIES_MAX = {"load_balancer": 2, "compute": 4, "database": 2}
"""A second load balancer means a second region, a second database a synchronous copy; more is another design."""

FORMULA = "product over the chain of 1 - (1 - single) ** replicas"
_NODES = {"load_balancer": "NOD-entrance", "compute": "NOD-application", "database": "NOD-database"}


@dataclass(frozen=True, slots=True)
class Redundancy:
    """How many of each link there are."""

    load_balancer: int
    compute: int
    database: int

    @property
    def zones(self) -> int:
        """In how many availability zones they are spread."""
        return 1 if self.compute == self.database == 1 else max(2, min(3, self.compute))

    @property
    def regions(self) -> int:
        """In how many regions."""
        return self.load_balancer


def target_of(spec: RequirementsSpec, draft: Draft) -> float:
    """Return the availability that is asked for, in per cent; an assumption when the request names none."""
    stated = largest(spec.facts, Fact.AVAILABILITY)
    measured = [one.measure.value for one in spec.requirements if one.measure.metric == "availability"]
    found = max([*measured, *([stated] if stated is not None else [])], default=None)
    if found is not None and 0 < found < 100:
        return found
    if found is not None:
        draft.finding(
            Finding.WARNING,
            "AVAILABILITY_IMPOSSIBLE",
            f"An availability of {found:g} % cannot be promised by anything that can fail; 99.99 % is used.",
        )
        return 99.99
    draft.assume(
        Assumption(
            text="The request names no availability.",
            default_value=f"{TARGET_DEFAULT:g}",
            unit="percent",
            impact=Assumption.MEDIUM,
            rule_id="INF-AVAILABILITY",
        )
    )
    return TARGET_DEFAULT


def combined(single: float, copies: int) -> float:
    """Return the availability of `copies` side by side, in per cent."""
    return 100 * (1 - (1 - single / 100) ** copies)


def redundancy(target: float) -> Redundancy:
    """Return the fewest copies that reach the target, or as many as there can be."""
    single = services().single
    copies = {"load_balancer": 1, "compute": 1, "database": 1}
    if target >= HIGH_FROM:
        copies |= {"compute": 2, "database": 2}
    while serial(copies) < target:
        growing = [link for link in copies if copies[link] < COPIES_MAX[link]]
        if not growing:
            break
        weakest = min(growing, key=lambda link: combined(single[link], copies[link]))
        copies[weakest] += 1
    return Redundancy(**copies)


def serial(copies: dict[str, int]) -> float:
    """Return the availability of the whole chain, in per cent."""
    single = services().single
    return 100 * prod(combined(single[link], count) / 100 for link, count in copies.items())


def availability(target: float, chosen: Redundancy, draft: Draft) -> Availability:
    """Return the deliverable's chapter about availability; a target that is missed is a finding."""
    copies = {"load_balancer": chosen.load_balancer, "compute": chosen.compute, "database": chosen.database}
    single = services().single
    computed = serial(copies)
    if computed < target:
        draft.finding(
            Finding.WARNING,
            "AVAILABILITY_NOT_REACHED",
            f"The design gives {computed:.4f} %, {target:g} % is asked for. Ask for less, accept a planned maintenance "
            "window, or pay for a database that is written in several regions.",
            list(_NODES.values()),
        )
    return Availability(
        target=target,
        computed=computed,
        formula=FORMULA,
        chain=[
            AvailabilityLink(
                node_id=_NODES[link], single=single[link], replicas=count, combined=combined(single[link], count)
            )
            for link, count in copies.items()
        ],
    )
