"""The table of work: phases, their packages, who does them and when a request needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Literal

from services.agents.knowledge.load import table


class Origin(StrEnum):
    """What a package comes from."""

    EACH = "each"
    SIGNAL = "signal"
    FUNCTIONAL = "functional"
    QUALITY = "quality"
    CONSTRAINTS = "constraints"
    GAPS = "gaps"
    NODES = "nodes"
    ACTORS = "actors"
    RISKS = "risks"


@dataclass(frozen=True, slots=True)
class PackageRule:
    """A line of the table: a package and when it is needed."""

    key: str
    name: str
    weight: float
    role: str
    traces: Origin
    after: tuple[str, ...] = ()
    with_: tuple[str, ...] = ()
    each: Literal["", "component", "node_group"] = ""
    when: str = ""
    serial: bool = False
    """Whether a component waits for those that it calls."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase: its share of the work, what comes out of it and who answers for that."""

    key: str
    name: str
    share: int
    outcome: str
    accountable: str
    consulted: tuple[str, ...]
    informed: tuple[str, ...]
    packages: tuple[PackageRule, ...]


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """Nodes that are set up together."""

    key: str
    name: str
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Role:
    """How many people of a role can work on one package."""

    people_max: int


@dataclass(frozen=True, slots=True)
class MilestoneRule:
    """A point to reach: the end of a phase or of a package."""

    name: str
    phase: str = ""
    package: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """The table of work."""

    roles: Mapping[str, Role]
    hours_per_person: float
    node_groups: tuple[NodeGroup, ...]
    phases: tuple[Phase, ...]
    milestones: tuple[MilestoneRule, ...]


@cache
def work() -> Work:
    """Return the table of work."""
    return table("work", Work)
