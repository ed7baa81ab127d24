"""Where parts meet: who needs what of whom, which interfaces follow, and who does what to which record.

Calls that wait never go in a circle: a need that would close one becomes an event, and the asking part keeps a copy of
what it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from archwright.agents.v1.application_architect_pb2 import (
    ApplicationFlow,
    Component,
    ComponentCrud,
    DataEntity,
    Interface,
    InterfaceOperation,
)
from services.agents.naming import camel, last_plural, pascal, slug
from services.agents.roles.application_architect.parts import Part, Reach
from services.agents.roles.application_architect.reading import Use
from services.agents.verbs import Kind, past_participle

AUTH = "bearer token (OAuth 2.0, JWT)"
PERSONAL_MIN = DataEntity.PERSONAL
_LETTERS = "CRUD"


@dataclass(frozen=True, slots=True)
class Need:
    """A part that needs another."""

    consumer: str
    provider: str
    sync: bool
    letters: str
    req_ids: tuple[str, ...] = ()


@dataclass(slots=True)
class Needs:
    """All needs, kept free of circles among those that wait."""

    found: list[Need] = field(default_factory=list)
    turned: list[Need] = field(default_factory=list)
    """Needs that became events because waiting would have closed a circle."""

    def add(self, need: Need) -> None:
        """Add a need once; turn it into an event when waiting for the answer would close a circle."""
        if need.consumer == need.provider:
            return
        if any((one.consumer, one.provider) == (need.consumer, need.provider) for one in self.found):
            return
        if need.sync and self._waits(need.provider, need.consumer):
            need = Need(need.consumer, need.provider, sync=False, letters="R", req_ids=need.req_ids)
            self.turned.append(need)
        self.found.append(need)

    def _waits(self, start: str, goal: str) -> bool:
        return start == goal or any(
            one.sync and one.consumer == start and self._waits(one.provider, goal) for one in self.found
        )


def needs(parts: Sequence[Part], uses: Sequence[Use]) -> Needs:
    """Return who needs whom, and why."""
    found = Needs()
    owner = {subject.id: part for part in parts for subject in part.subjects}
    for use in uses:
        asking = owner.get(use.subject_id)
        # Who tells people what happened is told of it, and supporting parts know nothing of the business.
        if asking is None or not asking.is_business or use.kind is Kind.ANNOUNCE:
            continue
        for mentioned in use.mentioned:
            if mentioned in owner and owner[mentioned].reach is Reach.REST:
                found.add(Need(asking.id, owner[mentioned].id, sync=True, letters="R", req_ids=(use.req_id,)))
    business = [part for part in parts if part.is_business]
    for part in parts:
        if part.is_business or part.type in {Component.UI, Component.GATEWAY} or part.key == "identity":
            continue
        asking_parts = _concerned(part, business, uses)
        if part.reach is Reach.EVENT:
            for other in asking_parts or business:
                found.add(Need(part.id, other.id, sync=False, letters="R", req_ids=_shared(part, other)))
        else:
            # An adapter that no requirement names still needs somebody who speaks through it.
            lonely = business[:1] if part.type == Component.INTEGRATION else []
            for other in asking_parts or lonely:
                found.add(Need(other.id, part.id, sync=True, letters="CR", req_ids=_shared(part, other)))
    _entrance(parts, found)
    return found


def operations(
    part: Part,
    uses: Sequence[Use],
    entities: Mapping[str, DataEntity],
    *,
    erasable: bool,
    told: frozenset[str] = frozenset(),
) -> list[InterfaceOperation]:
    """Return what can be asked of a part: for each record the plain operations, and the moves that requirements name.

    Parts that listen make their records out of what they hear, so nobody else creates those.
    With a privacy law (`erasable`) personal records can be deleted, whether or not a sentence says so. Requirements in
    `told` are met by telling people what happened, which another part does: they ask for no operation.
    """
    found = []
    for subject in part.subjects:
        about = [use for use in uses if use.subject_id == subject.id and use.req_id not in told]
        resource = slug(last_plural(subject.name))
        singular, many = pascal(subject.name), pascal(last_plural(subject.name))
        path, one = f"/{resource}", f"/{resource}/{{id}}"
        by_kind: dict[Kind, list[str]] = {}
        for use in about:
            by_kind.setdefault(use.kind, []).append(use.req_id)
        reading = [*by_kind.get(Kind.READ, []), *by_kind.get(Kind.ANNOUNCE, [])]
        plain = [
            (f"list{many}", "GET", path, "R", reading),
            (f"get{singular}", "GET", one, "R", reading),
        ]
        if part.reach is not Reach.EVENT or Kind.CREATE in by_kind:
            plain.insert(0, (f"create{singular}", "POST", path, "C", by_kind.get(Kind.CREATE, [])))
        if Kind.UPDATE in by_kind:
            plain.append((f"update{singular}", "PATCH", one, "U", by_kind[Kind.UPDATE]))
        if Kind.DELETE in by_kind or (erasable and _may_be_erased(part, entities[subject.id])):
            plain.append((f"delete{singular}", "DELETE", one, "D", by_kind.get(Kind.DELETE, [])))
        moves: dict[str, list[str]] = {}
        for use in about:
            if use.kind is Kind.TRANSITION:
                moves.setdefault(next(iter(use.verb.lower().split())), []).append(use.req_id)
        plain += [(f"{camel(verb)}{singular}", "POST", f"{one}/{slug(verb)}", "U", ids) for verb, ids in moves.items()]
        fallback = [] if about else list(part.req_ids)
        found += [
            InterfaceOperation(
                name=name, verb=verb, path=where, entity=subject.id, crud=letter, req_ids=dict.fromkeys(ids or fallback)
            )
            for name, verb, where, letter, ids in plain
        ]
    return found


def interfaces(
    parts: Sequence[Part], asked: Needs, offered: Mapping[str, Sequence[InterfaceOperation]]
) -> list[Interface]:
    """Return the interfaces that somebody uses: calls first, then events, for each part in order."""
    found = []
    for part in parts:
        callers = [one.consumer for one in asked.found if one.provider == part.id and one.sync]
        if callers:
            found.append(
                Interface(
                    id=f"IFC-{part.key}-rest",
                    name=f"{part.name} API",
                    provider_id=part.id,
                    consumer_ids=callers,
                    protocol=Interface.REST,
                    operations=offered[part.id],
                    auth=AUTH,
                    sync=True,
                )
            )
        listeners = [one.consumer for one in asked.found if one.provider == part.id and not one.sync]
        announced = events(part, offered[part.id])
        if listeners and announced:
            found.append(
                Interface(
                    id=f"IFC-{part.key}-events",
                    name=f"{part.name} Events",
                    provider_id=part.id,
                    consumer_ids=listeners,
                    protocol=Interface.EVENT,
                    operations=announced,
                    auth="queue policy per component",
                    sync=False,
                )
            )
    return found


def events(part: Part, offered: Iterable[InterfaceOperation]) -> list[InterfaceOperation]:
    """Return what a part announces: every change that its operations can make."""
    names = {subject.id: subject.name for subject in part.subjects}
    plain = {"POST": "created", "PATCH": "updated", "DELETE": "deleted"}
    found = []
    for one in offered:
        if one.crud == "R":
            continue
        is_move = one.crud == "U" and one.verb == "POST"
        happened = past_participle(one.path.rsplit("/", 1)[-1]) if is_move else plain[one.verb]
        found.append(
            InterfaceOperation(
                name=f"{camel(names[one.entity])}{pascal(happened)}",
                verb="PUBLISH",
                path=f"{part.key}.{slug(names[one.entity])}.{happened}",
                entity=one.entity,
                crud=one.crud,
                req_ids=one.req_ids,
            )
        )
    return found


def crud_matrix(
    parts: Sequence[Part], asked: Needs, offered: Mapping[str, Sequence[InterfaceOperation]]
) -> list[ComponentCrud]:
    """Return who does what to which record: owners by their operations, the others by their needs."""
    by_id = {part.id: part for part in parts}
    rows: dict[tuple[str, str], tuple[set[str], list[str]]] = {}
    for part in parts:
        for operation in offered[part.id]:
            letters, req_ids = rows.setdefault((part.id, operation.entity), (set(), []))
            letters.add(operation.crud)
            req_ids.extend(operation.req_ids)
        if part.reach is Reach.EVENT:
            for subject in part.subjects:
                rows.setdefault((part.id, subject.id), (set(), []))[0].add("C")
    for need in asked.found:
        if by_id[need.consumer].type in {Component.UI, Component.GATEWAY}:
            continue
        for subject in by_id[need.provider].subjects:
            letters, req_ids = rows.setdefault((need.consumer, subject.id), (set(), []))
            letters.update(need.letters)
            req_ids.extend(need.req_ids)
    return [
        ComponentCrud(
            component_id=component,
            entity_id=entity,
            operations="".join(letter for letter in _LETTERS if letter in letters),
            req_ids=sorted(set(req_ids)),
        )
        for (component, entity), (letters, req_ids) in rows.items()
    ]


def flows(found: Sequence[Interface], parts: Sequence[Part], daily_requests: float | None) -> list[ApplicationFlow]:
    """Return what goes from one part to another, and between adapters and the systems of others."""
    by_id = {part.id: part for part in parts}
    channels = [part.id for part in parts if part.type == Component.UI]
    lines = []
    for interface in found:
        provider = by_id[interface.provider_id]
        kept = ", ".join(last_plural(one.name.lower()) for one in provider.subjects) or "calls of all channels"
        for consumer in interface.consumer_ids:
            source, target = (consumer, provider.id) if interface.sync else (provider.id, consumer)
            what = f"requests about {kept}" if interface.sync else f"changes of {kept}"
            line = ApplicationFlow(
                from_id=source, to_id=target, what=what, sync=interface.sync, interface_id=interface.id
            )
            if daily_requests is not None and consumer in channels and provider.type == Component.GATEWAY:
                line.volume_per_day = daily_requests / len(channels)
            lines.append(line)
    lines += [
        ApplicationFlow(from_id=part.id, to_id=part.external_id, what="translated messages", sync=True)
        for part in parts
        if part.external_id
    ]
    for at, line in enumerate(lines, start=1):
        line.id = f"FLW-{at:02d}"
    return lines


def _entrance(parts: Sequence[Part], found: Needs) -> None:
    """Let channels reach every part that keeps records, through the gateway where there is one."""
    channels = [part for part in parts if part.type == Component.UI]
    gateway = next((part for part in parts if part.type == Component.GATEWAY), None)
    callers = [gateway] if gateway is not None else channels
    if not channels:
        return
    for channel in channels if gateway is not None else ():
        found.add(Need(channel.id, callers[0].id, sync=True, letters=""))
    for part in parts:
        if part.subjects:
            for caller in callers:
                found.add(Need(caller.id, part.id, sync=True, letters=""))


def _concerned(part: Part, business: Sequence[Part], uses: Sequence[Use]) -> list[Part]:
    """Return the business parts that one of the part's requirements concerns.

    Whoever listens hears of everything that the requirement names; whoever is called is called by the keeper of what
    the requirement is about.
    """
    mine = [use for use in uses if use.req_id in part.req_ids]
    named = {use.subject_id for use in mine}
    if part.reach is Reach.EVENT:
        named |= {subject for use in mine for subject in use.mentioned}
    return [other for other in business if named & {subject.id for subject in other.subjects}]


def _shared(part: Part, other: Part) -> tuple[str, ...]:
    return tuple(sorted(set(part.req_ids) & set(other.req_ids)))


def _may_be_erased(part: Part, entity: DataEntity) -> bool:
    return entity.classification >= PERSONAL_MIN and part.key != "audit"
