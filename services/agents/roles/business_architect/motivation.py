"""Why the business acts and what it wants to reach: from its own words, then from its industry.

The decision to know: every must has a goal. What no goal of the industry claims falls to a general one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.business_architect_pb2 import Driver, Goal, Kpi, Principle
from archwright.agents.v1.model_pb2 import Fact, Source
from services.agents.knowledge.industries import DriverKind, GoalKind
from services.agents.naming import stems
from services.agents.roles.business_architect.capabilities import general
from services.agents.roles.business_architect.reading import Reading, contains

_AIM = re.compile(
    r"\b(?:in order to|aims? to|goal is to|want to|wants to|so as to|to)\s+(?P<aim>(?:increase|reduce|"
    r"improve|cut|speed up|shorten|grow|lower|"
    r"raise|avoid|save|capture|double|halve|expand|automate|modernise|modernize)\b[^.;\n]{3,90})",
    re.IGNORECASE,
)
_AIMS_MAX = 5
_FRAME = frozenset({Fact.BUDGET, Fact.DEADLINE, Fact.TEAM})


def drivers(reading: Reading) -> tuple[Driver, ...]:
    """Return what makes the business act; at least one where there is anything to do."""
    found = [*_known_drivers(reading)]
    if not found and reading.wanted:
        found = [_driver(kind) for kind in general().drivers if kind.pattern == "fallback"]
    for at, driver in enumerate(found, 1):
        driver.id = f"DRV-{at:02d}"
    return tuple(found)


def goals(reading: Reading, known: Sequence[Driver]) -> tuple[Goal, ...]:
    """Return what the business wants to reach, and which requirements support each."""
    found = [*_stated(reading), *_of_industry(reading), *_general(reading)]
    covered = {req_id for goal in found for req_id in goal.req_ids}
    left = [one.id for one in reading.wanted if one.id not in covered]
    if left:
        kind = next(kind for kind in general().goals if kind.pattern == "functional")
        found.append(_goal(kind, left, "goal.general"))
    touched = _touched(reading, known)
    for at, goal in enumerate(found, 1):
        goal.id = f"GOAL-{at:02d}"
        goal.driver_ids.extend(_behind(goal, known, touched))
    return tuple(found)


def principles(reading: Reading) -> tuple[Principle, ...]:
    """Return the principles that matter for this request."""
    if not reading.spec.requirements:
        return ()
    kinds = [kind for kind in general().principles if not kind.terms or reading.speaks_of(kind.terms)]
    return tuple(
        Principle(
            id=f"PRN-{at:02d}",
            name=kind.name,
            statement=kind.statement,
            rationale=kind.rationale,
            implications=kind.implications,
            rule_id="principle.general" if not kind.terms else "principle.words",
        )
        for at, kind in enumerate(kinds, 1)
    )


def _known_drivers(reading: Reading) -> Iterator[Driver]:
    for kind in reading.industry.drivers if reading.industry else ():
        if reading.hits(kind.terms, reading.spec.requirements):
            yield _driver(kind)
    words = stems(reading.text)
    for kind in general().drivers:
        holds = {
            "regulation": reading.has_regulation(),
            "frame": any(fact.kind in _FRAME for fact in reading.spec.facts),
            "fallback": False,
        }.get(kind.pattern, any(contains(words, stems(term)) for term in kind.terms))
        if holds:
            yield _driver(kind)


def _driver(kind: DriverKind) -> Driver:
    rule_id = f"driver.{kind.pattern}" if kind.pattern else "driver.words"
    return Driver(name=kind.name, description=kind.description, basis=Source.DERIVED, rule_id=rule_id)


def _stated(reading: Reading) -> Iterator[Goal]:
    """Yield the aims that the request puts in words, each with the requirements that share its words."""
    for match in list(_AIM.finditer(reading.text))[:_AIMS_MAX]:
        aim = " ".join(match.group("aim").split()).rstrip(" ,")
        words = [word for word in stems(aim)[1:] if len(word) > 3]
        supporting = [one.id for one in reading.wanted if any(word in reading.stems[one.id] for word in words)]
        start, end = match.start("aim"), match.start("aim") + len(match.group("aim").rstrip(" ,"))
        goal = Goal(name=aim[:1].upper() + aim[1:], req_ids=supporting, basis=Source.EXPLICIT, rule_id="goal.stated")
        goal.source.CopyFrom(Source(span=[start, end], quote=reading.text[start:end]))
        goal.kpi.CopyFrom(Kpi(metric=f"To be agreed for: {aim}", target="to be agreed", basis=Source.ASSUMED))
        if supporting:
            yield goal


def _of_industry(reading: Reading) -> Iterator[Goal]:
    for kind in reading.industry.goals if reading.industry else ():
        supporting = reading.hits(kind.terms, reading.wanted)
        if supporting:
            yield _goal(kind, supporting, "goal.industry")


def _general(reading: Reading) -> Iterator[Goal]:
    spec = reading.spec
    groups = {
        "frame": [one.id for one in spec.requirements if one.kind == Requirement.CONSTRAINT and not _is_law(one)],
        "regulation": [one.id for one in spec.requirements if _is_law(one)],
        "quality": [one.id for one in spec.requirements if one.kind == Requirement.QUALITY and not _is_law(one)],
    }
    for kind in general().goals:
        if groups.get(kind.pattern):
            yield _goal(kind, groups[kind.pattern], f"goal.{kind.pattern}")


def _is_law(requirement: Requirement) -> bool:
    return requirement.rule_id.startswith("regulation.") or requirement.rule_id == "fact.regulation"


def _goal(kind: GoalKind, req_ids: Sequence[str], rule_id: str) -> Goal:
    kpi = Kpi(metric=kind.metric, target=kind.target, basis=Source.ASSUMED)
    return Goal(name=kind.name, kpi=kpi, req_ids=req_ids, basis=Source.DERIVED, rule_id=rule_id)


def _touched(reading: Reading, known: Sequence[Driver]) -> Mapping[str, frozenset[str]]:
    """Return the requirements that speak of each driver, by its id."""
    kinds = (*(reading.industry.drivers if reading.industry else ()), *general().drivers)
    terms = {kind.name: kind.terms for kind in kinds}
    return {one.id: frozenset(reading.hits(terms.get(one.name, ()), reading.spec.requirements)) for one in known}


def _behind(goal: Goal, known: Sequence[Driver], touched: Mapping[str, frozenset[str]]) -> list[str]:
    """Return the drivers of a goal: that of its own kind, else the one that shares most requirements with it."""
    kind = goal.rule_id.removeprefix("goal.")
    same = [driver.id for driver in known if driver.rule_id == f"driver.{kind}"]
    if same or not known:
        return same
    shared = {driver.id: len(touched[driver.id].intersection(goal.req_ids)) for driver in known}
    return [max(shared, key=lambda driver_id: shared[driver_id])]
