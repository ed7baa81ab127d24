"""Finds who has a stake in the result: who asks for it, who uses it, who supervises it, who runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from archwright.agents.v1.business_analyst_pb2 import Actor, Requirement, Stakeholder
from archwright.agents.v1.model_pb2 import Fact, Source
from services.agents.naming import slug, title
from services.agents.roles.business_analyst.actors import is_organisation
from services.agents.roles.business_analyst.facts import source
from services.agents.roles.business_analyst.regulations import regulations
from services.agents.roles.business_analyst.sentences import Sentence

_ORGANISATION = (
    r"(?P<name>(?:[\w-]+ ){0,3}?(?:insurer|bank|retailer|company|university|school|hospital|clinic|"
    r"agency|ministry|municipality|city|council|"
    r"manufacturer|publisher|airline|hotel|merchant|giant|start-?up|startup|operator|utility|supermarket|chain|carrier|authority|organi[sz]ation|"
    r"association|firm|provider|broker|shop|dealer|club|charity|foundation)(?: (?:chain|group|company))?)"
)
_FOR = re.compile(rf"\bfor (?:an? |the |our |my |your )?{_ORGANISATION}\b", re.IGNORECASE)
_SUBJECT = re.compile(
    rf"^(?:an? |the |our |my |your )?{_ORGANISATION}\b(?: \w+){{0,5}}? (?:has|is|wants|needs|plans|would|"
    rf"runs|operates)",
    re.IGNORECASE,
)


def find(
    text: str,
    sentences: Sequence[Sentence],
    actors: Sequence[Actor],
    facts: Sequence[Fact],
    requirements: Sequence[Requirement],
) -> tuple[Stakeholder, ...]:
    """Return everyone with a stake, the client first."""
    found = [_client(text, sentences), *_users(actors, requirements), *_authorities(facts), _operations()]
    unique = list({slug(one.name): one for one in reversed(found)}.values())[::-1]
    for at, one in enumerate(unique, 1):
        one.id = f"STK-{at:02d}"
    return tuple(unique)


def _client(text: str, sentences: Sequence[Sentence]) -> Stakeholder:
    wants = "A system that serves the business within time and budget"
    for sentence in sentences[:6]:
        match = _FOR.search(sentence.text) or _SUBJECT.search(sentence.text)
        if match:
            start = sentence.start + match.start("name")
            return Stakeholder(
                name=title(match.group("name").strip()),
                kind=Stakeholder.ORGANIZATION,
                interest=wants,
                influence="high",
                basis=Source.EXPLICIT,
                source=source(text, start, start + len(match.group("name"))),
                rule_id="stakeholder.client",
            )
    return Stakeholder(
        name="Client",
        kind=Stakeholder.ORGANIZATION,
        interest=wants,
        influence="high",
        basis=Source.ASSUMED,
        rule_id="stakeholder.client",
    )


def _users(actors: Sequence[Actor], requirements: Sequence[Requirement]) -> Iterator[Stakeholder]:
    for actor in actors:
        if actor.type == Actor.EXTERNAL_SYSTEM:
            kind, interest, influence = Stakeholder.SYSTEM, f"Exchanges records with the system as {actor.name}", "low"
        else:
            kind = Stakeholder.ORGANIZATION if is_organisation(actor) else Stakeholder.HUMAN
            wishes = [
                f"{one.verb} {one.object}".strip() for one in requirements if one.actor_id == actor.id and one.verb
            ]
            interest = (
                f"Wants to {', '.join(dict.fromkeys(wishes[:4]))}" if wishes else "Is told or served by the system"
            )
            influence = "medium" if actor.type == Actor.PRIMARY else "low"
        yield Stakeholder(
            name=actor.name,
            kind=kind,
            interest=interest,
            influence=influence,
            basis=actor.basis,
            source=actor.source if actor.HasField("source") else None,
            rule_id="stakeholder.actor",
        )


def _authorities(facts: Sequence[Fact]) -> Iterator[Stakeholder]:
    for fact in facts:
        if fact.kind == Fact.REGULATION:
            regulation = regulations()[fact.value]
            yield Stakeholder(
                name=regulation.authority,
                kind=Stakeholder.ORGANIZATION,
                interest=f"Sees to it that {regulation.name} is kept",
                influence="high",
                basis=Source.DERIVED,
                rule_id=f"stakeholder.regulation.{fact.value}",
            )


def _operations() -> Stakeholder:
    return Stakeholder(
        name="Operations Team",
        kind=Stakeholder.HUMAN,
        interest="Wants to keep the system in service without surprises",
        influence="medium",
        basis=Source.ASSUMED,
        rule_id="stakeholder.operations",
    )
