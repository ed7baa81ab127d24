"""Which parts a system needs besides its business: channels, supporting components, adapters.

A rule of the knowledge decides each, on words of the requirements or on a fact; nothing is added because systems
usually have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archwright.agents.v1.application_architect_pb2 import Component
from archwright.agents.v1.business_analyst_pb2 import Actor, Requirement, RequirementsSpec
from archwright.agents.v1.model_pb2 import Fact, Source
from services.agents.knowledge.load import table
from services.agents.naming import mentions, nouns, slug, stems, title
from services.agents.roles.application_architect.parts import Part, Reach
from services.agents.roles.application_architect.reading import Subject, functional, subject_id

NOTIFIER = "notification"
"""The supporting part that tells people what happened."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A way in which people meet the system."""

    key: str
    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Supporting:
    """A component that answers a need which many systems share."""

    key: str
    reached: Reach
    name: str
    type: str
    words: tuple[str, ...]
    responsibility: str
    entity: str
    condition: str = ""
    objects: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    external: str = ""
    """The system of others that it talks to."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """The entrance."""

    key: str
    name: str
    responsibility: str


@dataclass(frozen=True, slots=True)
class Components:
    """The table of triggers."""

    channels: tuple[Channel, ...]
    default_channel: str
    supporting: tuple[Supporting, ...]
    gateway: Gateway
    privacy_laws: tuple[str, ...]
    without_evidence: tuple[str, ...]
    external_protocols: Mapping[str, tuple[str, ...]]


def channels(spec: RequirementsSpec) -> tuple[Part, ...]:
    """Return the channels that the request names, or the usual one when people use the system by no named way."""
    rules = table("components", Components)
    people = _people(spec)
    asked = _asked_by_people(spec)
    about = stems(" . ".join([spec.problem_statement, *spec.scope.in_scope]))
    found = []
    for channel in rules.channels:
        hits = _hits(spec, channel.words)
        if hits or any(mentions(about, word) for word in channel.words):
            where = ", ".join(hits[:4]) or "the problem statement"
            found.append(_channel(channel, asked or hits, f"Named in {where}.", Source.EXPLICIT))
    if not found and (people or asked or functional(spec)):
        usual = next(one for one in rules.channels if one.key == rules.default_channel)
        who = ", ".join(one.name for one in people[:4]) or "operators at least"
        reason = f"People use the system ({who}) and no channel is named."
        req_ids = asked or tuple(one.id for one in functional(spec))
        found.append(_channel(usual, req_ids, reason, Source.ASSUMED))
    return tuple(found)


def supporting(spec: RequirementsSpec) -> tuple[Part, ...]:
    """Return the supporting parts that words of the requirements or facts ask for."""
    conditions = {"human_actors": _people_trigger(spec), "regulated": _law_trigger(spec), "privacy_law": _privacy(spec)}
    found = []
    for rule in table("components", Components).supporting:
        hits = _hits(spec, rule.words, rule.objects)
        reason, basis = (f"Asked for in {', '.join(hits[:4])}.", Source.EXPLICIT) if hits else ("", Source.DERIVED)
        condition_reason, condition_reqs = conditions.get(rule.condition, ("", ()))
        if not hits and not condition_reason:
            continue
        found.append(
            Part(
                key=rule.key,
                name=rule.name,
                type=Component.Type.Value(rule.type.upper()),
                responsibility=rule.responsibility,
                rationale=reason or condition_reason,
                rule_id=f"APP-{rule.key.upper()}",
                basis=basis,
                reach=rule.reached,
                subjects=(Subject(subject_id(rule.entity), "", rule.entity),),
                keeps=rule.keeps,
                req_ids=tuple(dict.fromkeys([*hits, *condition_reqs])),
                external_id=f"EXT-{slug(rule.external)}" if rule.external else "",
            )
        )
    return tuple(found)


def adapters(spec: RequirementsSpec, there: Sequence[Part]) -> tuple[Part, ...]:
    """Return one adapter for each system of others, except where a supporting part already talks to its kind."""
    taken = {word for part in there if part.type == Component.INTEGRATION for word in nouns(part.name)} - {"adapter"}
    found = []
    for actor in externals(spec):
        if taken & set(nouns(actor.name)):
            continue
        hits = tuple(one.id for one in _asked(spec) if mentions(stems(one.statement), actor.name))
        exchange = f"{title(actor.name)} Exchange"
        found.append(
            Part(
                key=f"{slug(actor.name)}-adapter",
                name=f"{title(actor.name)} Adapter",
                type=Component.INTEGRATION,
                responsibility=f"Translates between our words and those of {actor.name}, and survives its outages.",
                rationale=f"{actor.name} is a system of others ({', '.join(hits) or actor.id}).",
                rule_id="APP-ADAPTER",
                basis=actor.basis or Source.DERIVED,
                subjects=(Subject(subject_id(exchange), "", exchange),),
                req_ids=hits,
                external_id=f"EXT-{slug(actor.name)}",
            )
        )
    return tuple(found)


def gateway(parts: Sequence[Part], asked: Sequence[str]) -> Part | None:
    """Return the entrance, given there is a channel and more than one thing behind it."""
    behind = [part for part in parts if part.reach is Reach.REST and part.type != Component.UI]
    if len(behind) < 2 or not any(part.type == Component.UI for part in parts):
        return None
    rule = table("components", Components).gateway
    return Part(
        key=rule.key,
        name=rule.name,
        type=Component.GATEWAY,
        responsibility=rule.responsibility,
        rationale=f"Channels would otherwise need to know {len(behind)} components.",
        rule_id="APP-GATEWAY",
        basis=Source.DERIVED,
        req_ids=tuple(dict.fromkeys(asked)),
    )


def externals(spec: RequirementsSpec) -> tuple[Actor, ...]:
    """Return the systems of others that the request names."""
    return tuple(one for one in spec.actors if one.type == Actor.EXTERNAL_SYSTEM)


def external_protocol(name: str) -> str:
    """Return how a system of this kind usually talks: `file`, `event` or `rest`."""
    found = stems(name)
    kinds = table("components", Components).external_protocols
    return next((kind for kind, terms in kinds.items() if any(mentions(found, term) for term in terms)), "rest")


def has_privacy_law(spec: RequirementsSpec) -> bool:
    """Return whether a law about personal records applies."""
    return bool(_privacy(spec)[0])


def _channel(channel: Channel, req_ids: Sequence[str], rationale: str, basis: Source.Basis.ValueType) -> Part:
    return Part(
        key=channel.key,
        name=channel.name,
        type=Component.UI,
        responsibility="Shows people what they may see and takes their requests; keeps nothing itself.",
        rationale=rationale,
        rule_id="APP-CHANNEL",
        basis=basis,
        reach=Reach.NONE,
        req_ids=tuple(req_ids),
    )


def _asked(spec: RequirementsSpec) -> tuple[Requirement, ...]:
    return tuple(one for one in spec.requirements if one.priority != Requirement.WONT)


def _hits(spec: RequirementsSpec, terms: Sequence[str], objects: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the ids of the requirements, limits aside, that contain one of `terms` or are about one of `objects`."""
    return tuple(
        one.id
        for one in _asked(spec)
        if one.kind != Requirement.CONSTRAINT
        and (
            any(mentions(stems(f"{one.condition} . {one.statement}"), term) for term in terms)
            or (nouns(one.object) or ("",))[-1] in objects
        )
    )


def _people(spec: RequirementsSpec) -> tuple[Actor, ...]:
    return tuple(one for one in spec.actors if one.type != Actor.EXTERNAL_SYSTEM)


def _asked_by_people(spec: RequirementsSpec) -> tuple[str, ...]:
    people = {one.id for one in _people(spec)}
    return tuple(one.id for one in _asked(spec) if one.kind == Requirement.FUNCTIONAL and one.actor_id in people)


def _people_trigger(spec: RequirementsSpec) -> tuple[str, tuple[str, ...]]:
    people = _people(spec)
    if not people:
        return "", ()
    secure = tuple(one.id for one in _asked(spec) if one.quality.iso25010 == "security")
    return f"People with different rights use the system: {', '.join(one.name for one in people[:4])}.", secure


def _law_trigger(spec: RequirementsSpec) -> tuple[str, tuple[str, ...]]:
    silent = table("components", Components).without_evidence
    laws = [one for one in spec.facts if one.kind == Fact.REGULATION and one.value.upper() not in silent]
    return (f"{', '.join(one.value for one in laws)} asks for evidence.", _about(spec, laws)) if laws else ("", ())


def _privacy(spec: RequirementsSpec) -> tuple[str, tuple[str, ...]]:
    known = table("components", Components).privacy_laws
    laws = [one for one in spec.facts if one.kind == Fact.REGULATION and one.value.upper() in known]
    reason = f"{', '.join(one.value for one in laws)} gives people rights over their records."
    return (reason, _about(spec, laws)) if laws else ("", ())


def _about(spec: RequirementsSpec, laws: Sequence[Fact]) -> tuple[str, ...]:
    """Return the requirements that a law brought: those that name it."""
    return tuple(
        one.id
        for one in _asked(spec)
        if any(mentions(stems(f"{one.statement} {one.rationale} {one.rule_id}"), law.value) for law in laws)
    )
