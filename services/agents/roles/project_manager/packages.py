"""The work packages of a request: the table of work, repeated for its components and nodes, less what it does not need.

Packages wait for others by name. What a request does not need drops out of those lists; where a package is repeated
for each component, it waits for the package of the same component.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from archwright.agents.v1.application_architect_pb2 import ApplicationArchitecture
from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.infrastructure_architect_pb2 import Node
from services.agents.roles.project_manager.critical_path import Link, Tie
from services.agents.roles.project_manager.evidence import Signals
from services.agents.roles.project_manager.function_points import component_sizes
from services.agents.roles.project_manager.sources import Sources
from services.agents.roles.project_manager.work_table import Origin, PackageRule, work


@dataclass(frozen=True, slots=True)
class Package:
    """Work that one team can be given."""

    key: str
    rule: str
    name: str
    phase: str
    role: str
    weight: float
    links: tuple[Link, ...] = ()
    delivers: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Subject:
    id: str
    name: str
    points: float
    delivers: tuple[str, ...]
    traces: tuple[str, ...]


@dataclass(slots=True)
class PackageList:
    """The packages of a request, and calls among components that had to be left out because they go in a circle."""

    packages: tuple[Package, ...] = ()
    circles: list[tuple[str, str]] = field(default_factory=list)


def packages(sources: Sources, signals: Signals) -> PackageList:
    """Return the packages in the order of their phases."""
    made = PackageList()
    subjects = {"component": _components(sources), "node_group": _node_groups(sources)}
    rules = {
        rule.key: rule
        for phase in work().phases
        for rule in phase.packages
        if not rule.when or rule.when in signals
    }  # fmt: skip
    names = {
        rule.key: (tuple(f"{rule.key}:{one.id}" for one in subjects[rule.each]) if rule.each else (rule.key,))
        for rule in rules.values()
    }
    calls = _calls(sources.application, made)
    found = []
    for phase in work().phases:
        for rule in phase.packages:
            if rule.key not in rules:
                continue
            for subject in subjects[rule.each] if rule.each else (None,):
                suffix = f":{subject.id}" if subject is not None else ""
                links = [Link(one) for key in rule.after for one in _named(key, suffix, names)]
                links += [Link(one, Tie.START_START) for key in rule.with_ for one in names.get(key, ())]
                if rule.serial and subject is not None:
                    links += [Link(f"{rule.key}:{one}") for one in calls.get(subject.id, ())]
                found.append(
                    Package(
                        key=rule.key + suffix,
                        rule=rule.key,
                        name=rule.name.format(name=subject.name) if subject is not None else rule.name,
                        phase=phase.key,
                        role=rule.role,
                        weight=rule.weight * (subject.points if subject is not None else 1.0),
                        links=tuple(dict.fromkeys(links)),
                        delivers=subject.delivers if subject is not None else _delivers(rule, sources),
                        traces=subject.traces if subject is not None else _traces(rule, sources, signals),
                    )
                )
    made.packages = tuple(found)
    return made


def _named(key: str, suffix: str, names: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    same = f"{key}{suffix}"
    every = names.get(key, ())
    return (same,) if suffix and same in every else every


def _components(sources: Sources) -> tuple[_Subject, ...]:
    # Without an architecture the system is one piece, so that there is still something to build.
    sized = component_sizes(sources)
    gaps: dict[str, list[str]] = {}
    for gap in sources.solution.gaps:
        for element in gap.element_ids:
            gaps.setdefault(element, []).append(gap.id)
    if not sized:
        functional = sources.requirement_ids(Requirement.FUNCTIONAL) or ("requirements",)
        return (_Subject("CMP-whole", "the whole system", 30.0, (), functional),)
    return tuple(
        _Subject(
            one.component.id,
            one.component.name,
            one.points,
            (one.component.id,),
            (one.component.id, *one.component.req_ids, *gaps.get(f"id-{one.component.id.lower()}", ())),
        )
        for one in sized
    )


def _node_groups(sources: Sources) -> tuple[_Subject, ...]:
    found = []
    for group in work().node_groups:
        ids = tuple(one.id for one in sources.infrastructure.nodes if Node.Type.Name(one.type) in group.types)
        if ids:
            found.append(_Subject(group.key, group.name.lower(), 2.0 + len(ids) ** 0.5, ids, ids))
    return tuple(found)


def _calls(application: ApplicationArchitecture, made: PackageList) -> dict[str, tuple[str, ...]]:
    known = {one.id for one in application.components}
    providers: dict[str, list[str]] = {}
    for interface in application.interfaces:
        for consumer in interface.consumer_ids if interface.sync else ():
            provider = interface.provider_id
            if consumer == provider or not {consumer, provider} <= known or provider in providers.get(consumer, ()):
                continue
            if _reaches(provider, consumer, providers):
                made.circles.append((consumer, provider))
            else:
                providers.setdefault(consumer, []).append(provider)
    return {consumer: tuple(every) for consumer, every in providers.items()}


def _reaches(start: str, goal: str, providers: Mapping[str, list[str]]) -> bool:
    ahead, seen = [start], set[str]()
    while ahead:
        one = ahead.pop()
        if one == goal:
            return True
        if one not in seen:
            seen.add(one)
            ahead.extend(providers.get(one, ()))
    return False


def _traces(rule: PackageRule, sources: Sources, signals: Signals) -> tuple[str, ...]:
    match rule.traces:
        case Origin.SIGNAL:
            found = signals[rule.when].ids
        case Origin.FUNCTIONAL:
            found = sources.requirement_ids(Requirement.FUNCTIONAL)
        case Origin.QUALITY:
            found = sources.requirement_ids(Requirement.QUALITY)
        case Origin.GAPS:
            found = (
                *(one.id for one in sources.solution.gaps),
                *(one.id for one in sources.solution.decisions),
            )
        case Origin.NODES:
            found = tuple(one.id for one in sources.infrastructure.nodes)
        case Origin.ACTORS:
            found = tuple(one.id for one in sources.spec.actors)
        case Origin.CONSTRAINTS | Origin.RISKS | Origin.EACH:
            found = ()
    # Work that nothing in particular asks for is there because of the limits, or of the request as a whole.
    return (
        found
        or sources.requirement_ids(Requirement.CONSTRAINT)
        or sources.requirement_ids(Requirement.FUNCTIONAL)
        or tuple(one.id for one in sources.application.components)
        or ("requirements",)
    )


def _delivers(rule: PackageRule, sources: Sources) -> tuple[str, ...]:
    match rule.traces:
        case Origin.GAPS:
            return tuple(one.id for one in sources.solution.gaps)
        case Origin.NODES:
            return tuple(one.id for one in sources.infrastructure.nodes)
        case _:
            return ()
