"""Decides which sentences oblige the system to something, and reads each of them as one or more statements.

The decision to know: a sentence with a modal always becomes at least one statement; a sentence without becomes one
only where people act, where it stands in a list of requirements, or where it names a measurable quality.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.model_pb2 import Fact, Source
from services.agents.naming import singular
from services.agents.roles.business_analyst import clauses, lexicon, phrases, qualities, wishes
from services.agents.roles.business_analyst.clause import Clause
from services.agents.roles.business_analyst.facts import within
from services.agents.roles.business_analyst.qualities import Quality
from services.agents.roles.business_analyst.sentences import Section, Sentence


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that the system must do or be."""

    text: str
    clause: Clause
    quality: Quality | None
    priority: Requirement.Priority.ValueType
    sentence: Sentence | None
    """Where the request says it; None where a rule says it."""
    basis: Source.Basis.ValueType = Source.EXPLICIT
    rule_id: str = ""
    confidence: float = 0.9
    rationale: str = ""
    measured_by: str = ""
    """The id of the fact that measures it, where its sentence measures several things."""


_QUALITY_OF: Mapping[int, str] = {
    Fact.LATENCY: "PE",
    Fact.TPS: "PE",
    Fact.AVAILABILITY: "A",
    Fact.RTO: "FT",
    Fact.RPO: "FT",
    Fact.CONCURRENT_USERS: "SC",
    Fact.DATA_VOLUME: "SC",
}
_MEASURED = frozenset(_QUALITY_OF)
_FRAME = frozenset({Fact.BUDGET, Fact.DEADLINE, Fact.CLOUD, Fact.REGULATION, Fact.REGION, Fact.TEAM})
_LISTED = frozenset({Section.REQUIREMENTS, Section.QUALITY, Section.CONSTRAINTS, Section.OUT_OF_SCOPE})
_FRAME_QUALITIES = frozenset({"O", "L", "PO"})
_MISSION = re.compile(
    r"\b(?:design|build|develop|create|implement|need|want|requires?|plan|launch|moderni[sz]e|replace|introduce|take)s?\b.{0,120}?"
    r"\b(?:system|platform|app|application|website|web ?site|portal|solution|software|tool|service|shop|"
    r"marketplace|architecture|online)\b",
    re.IGNORECASE | re.DOTALL,
)
_FORBIDDING = re.compile(r"(?:no|nobody|nothing|none) ")
"""What may not be must not."""
_MUST = frozenset(
    {"want", "wants to", "want to", "need", "must", "shall", "will", "has to", "have to", "needs to", "need to"}
)
_SHOULD = frozenset({"should", "can", "would like", "would like to", "is able to", "are able to", "wish"})
_COULD = frozenset({"could", "may", "might"})


def is_mission(sentence: Sentence) -> bool:
    """Return whether a sentence asks for the system as a whole."""
    return bool(_MISSION.search(sentence.text)) and not clauses.has_modal(sentence.text)


def find(sentences: Sequence[Sentence], facts: Sequence[Fact]) -> tuple[Statement, ...]:
    """Return what the sentences of a request oblige the system to, in order."""
    return tuple(statement for sentence in sentences for statement in _of_sentence(sentence, facts))


def expand(text: str, rule_id: str, rationale: str) -> tuple[Statement, ...]:
    """Return what a sentence of the knowledge obliges the system to, as assumed."""
    found = clauses.read(text)
    if not found:
        return ()
    return tuple(
        Statement(
            text=_sentence(text, one, is_alone=len(found) == 1),
            clause=one,
            quality=None,
            priority=_priority(text, one, None),
            sentence=None,
            basis=Source.ASSUMED,
            rule_id=rule_id,
            confidence=0.5,
            rationale=rationale,
        )
        for one in found
    )


def _of_sentence(sentence: Sentence, facts: Sequence[Fact]) -> Iterator[Statement]:
    text = sentence.text
    found = clauses.read(text)
    here = within(facts, sentence.start, sentence.end)
    quality = qualities.classify(text, is_action=_is_action(text, found))
    if not _obliges(sentence, found, here, quality) or _is_frame_only(found, here, quality):
        return
    if quality is not None:
        one = found[0] if found else _bare(text)
        statement = _statement(text, sentence, one, quality, is_alone=True)
        yield from _per_measure(
            statement, [fact for fact in here if fact.kind in _MEASURED and fact.HasField("number")]
        )
        return
    for one in found or (_bare(text),):
        yield from _per_actor(text, sentence, one, is_alone=len(found) <= 1)


def _is_action(text: str, found: Sequence[Clause]) -> bool:
    """Return whether a sentence in plain words tells what people do; with a modal its own patterns decide."""
    return not clauses.has_modal(text) and any(
        lexicon.is_person(one.actor) and lexicon.lemma(one.verb or "-") for one in found
    )


def _per_measure(statement: Statement, measured: Sequence[Fact]) -> Iterator[Statement]:
    """Yield one statement for each thing that the sentence measures, so that each has one measure."""
    if len({fact.kind for fact in measured}) < 2:
        yield statement
        return
    for fact in measured:
        quality = qualities.qualities()[_QUALITY_OF[fact.kind]]
        yield replace(statement, text=f"{statement.text} [{fact.source.quote}]", quality=quality, measured_by=fact.id)


def _per_actor(text: str, sentence: Sentence, clause: Clause, *, is_alone: bool) -> Iterator[Statement]:
    """Yield a statement for each of the people in "customers and brokers can …"."""
    people = phrases.actors_of(clause.actor)
    if len(people) < 2:
        yield _statement(
            text, sentence, replace(clause, actor=people[0] if people else clause.actor), None, is_alone=is_alone
        )
        return
    for person in people:
        yield _statement(text, sentence, replace(clause, actor=person), None, is_alone=False)


def _statement(text: str, sentence: Sentence, clause: Clause, quality: Quality | None, *, is_alone: bool) -> Statement:
    known = bool(clause.verb) and lexicon.lemma(clause.verb) is not None
    confidence = 0.9 if clauses.has_modal(text) and known else 0.75 if known else 0.5
    return Statement(
        text=_sentence(text, clause, is_alone=is_alone),
        clause=clause,
        quality=quality,
        priority=_priority(text, clause, sentence.section),
        sentence=sentence,
        confidence=confidence,
        rationale=clause.benefit,
    )


def _obliges(sentence: Sentence, found: Sequence[Clause], here: Iterable[Fact], quality: Quality | None) -> bool:
    if clauses.has_modal(sentence.text):
        return True
    if any(one.pattern == Requirement.USER_STORY for one in found) or wishes.wished(sentence.text):
        return True
    is_measured = any(fact.kind in _MEASURED for fact in here)
    match sentence.section:
        case Section.CONTEXT | Section.USERS:
            return False
        case section if section in _LISTED:
            return sentence.is_bullet or bool(found) or is_measured
    if is_mission(sentence):
        return False
    if sentence.is_bullet:
        return bool(found) or quality is not None or is_measured
    return is_measured or any(lexicon.is_person(one.actor) or _system_acts(sentence, one) for one in found)


def _system_acts(sentence: Sentence, clause: Clause) -> bool:
    """Return whether the sentence says that the system itself does something."""
    if clause.actor:
        return False
    lead = re.match(r"(?:the|our|this)\s+(\w+)\b", sentence.text, re.IGNORECASE)
    return lead is not None and lexicon.is_system(lead.group(1))


def _is_frame_only(found: Sequence[Clause], here: Iterable[Fact], quality: Quality | None) -> bool:
    """Return whether a sentence says nothing but what the facts of the project's frame say already."""
    if not any(fact.kind in _FRAME for fact in here):
        return False
    if any(fact.kind in _MEASURED for fact in here):
        return False
    if quality is not None and quality.id not in _FRAME_QUALITIES:
        return False
    return not any(
        (phrases.actors_of(one.actor) and one.verb not in lexicon.grammar().project_verbs)
        or (
            one.verb not in lexicon.grammar().frame_verbs
            and (one.is_negated or lexicon.lemma(one.verb or "-") is not None)
        )
        for one in found
    )


def _bare(text: str) -> Clause:
    """Return the clause of a sentence without a verb that is known: the thing it names is to be there."""
    return Clause(Requirement.UBIQUITOUS, "", "", "provide", phrases.noun_phrase(text), text)


def _priority(text: str, clause: Clause, section: Section | None) -> Requirement.Priority.ValueType:
    low = text.lower()
    words = lexicon.wording()
    if section is Section.OUT_OF_SCOPE or any(phrase in low for phrase in words.out_of_scope):
        return Requirement.WONT
    if any(re.search(rf"\b{re.escape(word)}\b", low) for word in words.later):
        return Requirement.COULD
    modal = clause.modal
    if _FORBIDDING.match(low):
        return Requirement.MUST
    if modal in _SHOULD:
        return Requirement.SHOULD
    return Requirement.COULD if modal in _COULD else Requirement.MUST


def _sentence(text: str, clause: Clause, *, is_alone: bool) -> str:
    """Return the requirement as a sentence: the client's own where it says one thing, else one per thing."""
    if is_alone or not clause.verb:
        plain = _capital_first(" ".join(text.split()))
        return plain if plain.endswith((".", "!", "?")) else plain + "."
    modal = clause.modal if clause.modal in _COULD | {"must", "shall", "will", "should", "can"} else ""
    modal = modal or ("should" if clause.modal in _SHOULD else "must")
    negation = " not" if clause.is_negated else ""
    rest = clause.rest.strip() or clause.object
    condition = f" {clause.condition}" if clause.condition else ""
    if clause.is_passive:
        subject = _capital_first(clause.rest.removesuffix(clause.tail))
        return f"{subject} {modal}{negation} be {lexicon.past(clause.verb)}{clause.tail}{condition}."
    if lexicon.is_person(clause.actor):
        able = " be able to" if modal != "can" and not negation else ""
        return f"{_capital(clause.actor)} {modal}{negation}{able} {clause.verb} {rest}{condition}."
    return f"The system {modal}{negation} {clause.verb} {rest}{condition}."


def _capital_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _capital(actor: str) -> str:
    is_plural = actor.rsplit(maxsplit=1)[-1].lower() != singular(actor.rsplit(maxsplit=1)[-1].lower())
    phrase = actor if is_plural else f"the {actor}"
    return _capital_first(phrase)
