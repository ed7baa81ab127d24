"""The rules that hold across the roles' designs. Each is a function that returns what breaks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from archwright.agents.v1.application_architect_pb2 import Component, DataEntity
from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.solution_architect_pb2 import ConsistencyCheck
from services.agents.roles.solution_architect import calls
from services.agents.roles.solution_architect.sources import Sources

_PERSONAL = frozenset({DataEntity.PERSONAL, DataEntity.SPECIAL})
_ELSEWHERE = frozenset({Component.SAAS})


def report(sources: Sources) -> list[ConsistencyCheck]:
    """Return every rule with whether it holds, and what breaks it."""
    checks = []
    for rule_id, (description, broken_by) in RULES.items():
        subjects = sorted(set(broken_by(sources)))
        checks.append(
            ConsistencyCheck(rule_id=rule_id, passed=not subjects, subjects=subjects, description=description)
        )
    return checks


def _functions_without_component(sources: Sources) -> Iterable[str]:
    met = {req_id for one in sources.application.components for req_id in one.req_ids}
    firm = {Requirement.MUST, Requirement.SHOULD}
    return (
        one.id
        for one in sources.wanted()
        if one.kind == Requirement.FUNCTIONAL and one.priority in firm and one.id not in met
    )


def _functions_without_capability(sources: Sources) -> Iterable[str]:
    met = {req_id for one in sources.business.capabilities for req_id in one.req_ids}
    return (one.id for one in sources.wanted() if one.kind == Requirement.FUNCTIONAL and one.id not in met)


def _components_without_reason(sources: Sources) -> Iterable[str]:
    return (one.id for one in sources.application.components if not (one.req_ids or one.rule_id))


def _components_without_host(sources: Sources) -> Iterable[str]:
    hosted = {component_id for one in sources.infrastructure.nodes for component_id in one.hosts_component_ids}
    return (one.id for one in sources.application.components if one.type not in _ELSEWHERE and one.id not in hosted)


def _hosts_of_unknown_components(sources: Sources) -> Iterable[str]:
    known = {one.id for one in sources.application.components}
    return (one.id for one in sources.infrastructure.nodes if set(one.hosts_component_ids) - known)


def _entities_without_one_owner(sources: Sources) -> Iterable[str]:
    owners = Counter(entity_id for one in sources.application.components for entity_id in one.owns_entities)
    known = {one.id for one in sources.application.components}
    return (
        one.id
        for one in sources.application.data_entities
        if one.owner_component_id not in known or owners[one.id] + owners[one.entity_id] > 1
    )


def _dangling_interfaces(sources: Sources) -> Iterable[str]:
    known = {one.id for one in sources.application.components} | {
        one.id for one in sources.application.external_systems
    }
    return (
        one.id
        for one in sources.application.interfaces
        if one.provider_id not in known or set(one.consumer_ids) - known
    )


def _personal_records_unprotected(sources: Sources) -> Iterable[str]:
    secured = {one.id for one in sources.qualities() if one.quality.iso25010 == "security"} | {
        one for ids in sources.derived.values() for one in ids
    }
    protected = {
        component_id
        for one in sources.application.quality_tactics
        if one.req_id in secured
        for component_id in one.component_ids
    }
    return (
        one.id
        for one in sources.application.data_entities
        if one.classification in _PERSONAL and one.owner_component_id not in protected
    )


def _measured_qualities_without_tactic(sources: Sources) -> Iterable[str]:
    treated = {one.req_id for one in sources.application.quality_tactics}
    served = {req_id for one in sources.infrastructure.nodes for req_id in one.serves_req_ids}
    return (
        one.id
        for one in sources.qualities()
        if one.HasField("measure") and one.id not in treated and one.id not in served
    )


def _unknown_ids(sources: Sources) -> Iterable[str]:
    requirements = {one.id for one in sources.spec.requirements}
    capabilities = {one.id for one in sources.business.capabilities}
    for component in sources.application.components:
        yield from set(component.req_ids) - requirements if requirements else ()
        yield from set(component.capability_ids) - capabilities if capabilities else ()
    for node in sources.infrastructure.nodes:
        yield from set(node.serves_req_ids) - requirements if requirements else ()


def _circles_of_calls(sources: Sources) -> Iterable[str]:
    reach = calls.reach(sources, [one.id for one in sources.application.components])
    return (one for one, others in reach.items() if one in others)


def _availability_missed(sources: Sources) -> Iterable[str]:
    found = sources.infrastructure.availability
    return ["availability"] if found.target and found.computed < found.target else []


Rule = tuple[str, Callable[[Sources], Iterable[str]]]

RULES: Mapping[str, Rule] = {
    "SA-FUNCTION-REALISED": (
        "Every function that must or should be there is realised by a component",
        _functions_without_component,
    ),
    "SA-FUNCTION-BELONGS": ("Every function belongs to a capability", _functions_without_capability),
    "SA-COMPONENT-WANTED": ("Every component has a requirement or a rule behind it", _components_without_reason),
    "SA-COMPONENT-HOSTED": ("Every component that we run has a node", _components_without_host),
    "SA-HOST-KNOWN": ("No node hosts a component that nobody designed", _hosts_of_unknown_components),
    "SA-ENTITY-OWNED": ("Every kind of record has exactly one owner", _entities_without_one_owner),
    "SA-INTERFACE-ENDS": ("Every interface leads from one known part to another", _dangling_interfaces),
    "SA-IDS-KNOWN": ("Every id that a design refers to exists", _unknown_ids),
    "SA-CALLS-END": ("No component waits for itself through a circle of calls", _circles_of_calls),
    "SA-PERSONAL-PROTECTED": (
        "Whoever keeps personal records has a tactic to protect them",
        _personal_records_unprotected,
    ),
    "SA-QUALITY-TREATED": (
        "Every measured quality has a tactic or a node that serves it",
        _measured_qualities_without_tactic,
    ),
    "SA-AVAILABILITY": ("The computed availability reaches its target", _availability_missed),
}
"""Every rule by its id: what it demands, and who looks."""
