"""Groups functions into processes, one for each thing the business works on, in the order of that thing's life.

The decision to know: the class of a verb gives its place (register, validate, assess, decide, pay, notify, report), so
the order of sentences in the request changes nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.business_architect_pb2 import (
    BusinessObject,
    BusinessService,
    CrudEntry,
    NotProcessBound,
    Process,
    ProcessStep,
    RaciEntry,
)
from archwright.agents.v1.model_pb2 import Source
from services.agents.naming import nouns, slug, title
from services.agents.roles.business_analyst.lexicon import past, verb_class
from services.agents.roles.business_architect.capabilities import CapabilityMap
from services.agents.roles.business_architect.organisation import AUTOMATED, Organisation
from services.agents.roles.business_architect.reading import Reading

_CRUD = "CRUD"
_CONDITION_WORD = re.compile(r"^(?:when|whenever|as soon as|if|once|after|while|upon)\s+", re.IGNORECASE)
_MAKES = {
    "pay": "payment",
    "approve": "decision",
    "reject": "decision",
    "decide": "decision",
    "refund": "refund",
    "assess": "assessment",
    "deliver": "delivery",
    "sell": "sale",
    "book": "booking",
    "grade": "grade",
    "bid": "bid",
}
"""What comes into being when something is done, where the business keeps records of it."""
_OVERSEEN = frozenset({"decide", "pay", "delete"})


@dataclass(frozen=True, slots=True)
class Group:
    """Functions about the same thing."""

    key: str
    name: str
    requirements: tuple[Requirement, ...]


def find(reading: Reading, capabilities: CapabilityMap, organisation: Organisation) -> tuple[Process, ...]:
    """Return the processes, in the order in which the request first speaks of their things."""
    return tuple(_process(reading, group, capabilities, organisation) for group in _groups(reading, capabilities))


def objects(reading: Reading, capabilities: CapabilityMap) -> tuple[BusinessObject, ...]:
    """Return what the work is about, each with the one capability that answers for it."""
    found = []
    for entity in reading.spec.entities:
        main = [one for one in reading.wanted if one.entity_ids[:1] == [entity.id]]
        about = main or [one for one in reading.spec.requirements if entity.id in one.entity_ids]
        owners = [capabilities.by_requirement[one.id] for one in about if one.id in capabilities.by_requirement]
        if owners:
            identifier = f"OBJ-{slug(entity.name)}"
            owner = _most_frequent(owners)
            found.append(
                BusinessObject(id=identifier, name=title(entity.name), owner_capability_id=owner, entity_id=entity.id)
            )
    return tuple(found)


def services(processes: Sequence[Process]) -> tuple[BusinessService, ...]:
    """Return what the business offers: the outcome of each process, to those who take part in it."""
    return tuple(
        BusinessService(
            id=f"BSV-{process.id.removeprefix('PRC-')}",
            name=f"{process.name} Service",
            process_id=process.id,
            role_ids=list(dict.fromkeys(s.actor_role_id for s in process.steps if s.actor_role_id != AUTOMATED)),
        )
        for process in processes
    )


def raci(processes: Sequence[Process], organisation: Organisation) -> tuple[RaciEntry, ...]:
    """Return who does, answers for, is asked about and is told of each step; exactly one answers."""
    found = []
    for process in processes:
        people = list(dict.fromkeys(s.actor_role_id for s in process.steps if s.actor_role_id != AUTOMATED))
        for step in process.steps:
            kind = verb_class(step.verb).id
            is_overseen = step.actor_role_id == AUTOMATED or kind in _OVERSEEN
            accountable = organisation.overseer_id if is_overseen else step.actor_role_id
            others = [role for role in people if role not in {step.actor_role_id, accountable}]
            is_told = kind in {"notify", "decide", "pay"}
            found.append(
                RaciEntry(
                    process_id=process.id,
                    step_id=step.id,
                    responsible_id=step.actor_role_id,
                    accountable_id=accountable,
                    consulted_ids=[] if is_told else others[:1],
                    informed_ids=others if is_told else others[1:2],
                )
            )
    return tuple(found)


def crud(reading: Reading, processes: Sequence[Process], known: Sequence[BusinessObject]) -> tuple[CrudEntry, ...]:
    """Return which process creates, reads, updates or deletes which object."""
    object_ids = {one.entity_id: one.id for one in known}
    requirements = {one.id: one for one in reading.spec.requirements}
    letters: dict[tuple[str, str], set[str]] = {}
    for process in processes:
        for step in process.steps:
            for req_id in step.req_ids:
                for at, entity_id in enumerate(requirements[req_id].entity_ids):
                    if entity_id in object_ids:
                        done = verb_class(step.verb).crud if at == 0 else "R"
                        letters.setdefault((process.id, object_ids[entity_id]), set()).update(done)
            made = object_ids.get(f"ENT-{_MAKES.get(step.verb, '')}")
            if made is not None:
                letters.setdefault((process.id, made), set()).add("C")
    return tuple(
        CrudEntry(process_id=process_id, object_id=object_id, operations="".join(c for c in _CRUD if c in done))
        for (process_id, object_id), done in letters.items()
    )


def unbound(reading: Reading) -> tuple[NotProcessBound, ...]:
    """Return the functions that no process fulfils: those that are out of scope."""
    return tuple(
        NotProcessBound(req_id=one.id, reason="The request leaves it out.")
        for one in reading.spec.requirements
        if one.kind == Requirement.FUNCTIONAL and one.priority == Requirement.WONT
    )


def _groups(reading: Reading, capabilities: CapabilityMap) -> tuple[Group, ...]:
    groups: dict[str, list[Requirement]] = {}
    names: dict[str, str] = {}
    labels = {one.id: one.name for one in capabilities.capabilities}
    for one in reading.wanted:
        entity = reading.entities.get(next(iter(one.entity_ids), ""))
        if entity is not None:
            key, name = slug(entity.name), f"{title(entity.name)} Handling"
        else:
            capability_id = capabilities.by_requirement[one.id]
            key, name = capability_id.removeprefix("CAP-"), labels[capability_id]
        groups.setdefault(key, []).append(one)
        names.setdefault(key, name)
    return tuple(Group(key, names[key], _in_order_of_life(members)) for key, members in groups.items())


def _in_order_of_life(requirements: Sequence[Requirement]) -> tuple[Requirement, ...]:
    return tuple(sorted(requirements, key=lambda one: verb_class(one.verb or "update").order))


def _process(reading: Reading, group: Group, capabilities: CapabilityMap, organisation: Organisation) -> Process:
    identifier = f"PRC-{group.key}"
    steps = [_step(reading, f"{identifier}-S{at}", one, organisation) for at, one in enumerate(group.requirements, 1)]
    first, last = group.requirements[0], group.requirements[-1]
    outcome = verb_class(last.verb or "update").outcome
    thing = " ".join(nouns(last.object)) or group.name.lower()
    quotes = {one.source.quote for one in group.requirements if one.HasField("source")}
    return Process(
        id=identifier,
        name=group.name,
        capability_id=_most_frequent([capabilities.by_requirement[one.id] for one in group.requirements]),
        trigger_event=_trigger(reading, first),
        steps=steps,
        rules=[rule.id for rule in reading.spec.business_rules if rule.source.quote in quotes],
        req_ids=[one.id for one in group.requirements],
        outcomes=[f"The {thing} {outcome}."],
        basis=Source.DERIVED,
        rule_id="process.lifecycle",
    )


def _step(reading: Reading, identifier: str, requirement: Requirement, organisation: Organisation) -> ProcessStep:
    entity = reading.entities.get(next(iter(requirement.entity_ids), ""))
    name = f"{requirement.verb} {requirement.object}".strip() or requirement.statement
    return ProcessStep(
        id=identifier,
        actor_role_id=organisation.doing(requirement),
        verb=requirement.verb or "handle",
        object_id=f"OBJ-{slug(entity.name)}" if entity else "",
        name=name[:1].upper() + name[1:],
        req_ids=[requirement.id],
    )


def _trigger(reading: Reading, first: Requirement) -> str:
    """Return what sets a process off: its first step's own condition, else the wish of whoever takes that step."""
    if first.condition:
        condition = _CONDITION_WORD.sub("", first.condition)
        return condition[:1].upper() + condition[1:]
    actor = reading.actors.get(first.actor_id)
    thing = first.object or "the work"
    if actor is not None:
        return f"{actor.name} wants to {first.verb or 'handle'} {thing}"
    return f"{thing[:1].upper()}{thing[1:]} to be {past(first.verb or 'handle')}"


def _most_frequent(names: Sequence[str]) -> str:
    counts: Mapping[str, int] = Counter(names)
    return max(counts, key=lambda name: (counts[name], -names.index(name)))
