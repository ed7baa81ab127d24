"""Turns statements, facts and demands of laws into numbered requirements.

The decision to know: numbers are given once, in the order explicit, frame, law, quality by default; so what the client
wrote keeps its place whatever the knowledge adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from archwright.agents.v1.business_analyst_pb2 import Measure, QualityClass, Requirement
from archwright.agents.v1.model_pb2 import Fact, Source
from services.agents.naming import singular
from services.agents.roles.business_analyst import acceptance, clauses, lexicon, measures, wording
from services.agents.roles.business_analyst.actors import Cast
from services.agents.roles.business_analyst.entities import Vocabulary
from services.agents.roles.business_analyst.facts import source
from services.agents.roles.business_analyst.qualities import Quality, qualities
from services.agents.roles.business_analyst.regulations import Demand, regulations
from services.agents.roles.business_analyst.statements import Statement

_LETTERS = {Requirement.FUNCTIONAL: "F", Requirement.QUALITY: "Q", Requirement.CONSTRAINT: "C"}
_FRAME_SENTENCES: Mapping[int, str] = {
    Fact.BUDGET: "The project shall cost at most {value} {unit}.",
    Fact.DEADLINE: "The system shall be in use {within} {value} {unit}.",
    Fact.CLOUD: "The system shall run on {value}.",
    Fact.REGION: "The system shall serve users in {value}.",
    Fact.REGULATION: "The system shall comply with {value}.",
    Fact.TEAM: "The team shall have {value} {unit}.",
}
_NAMES = {"aws": "AWS", "azure": "Azure", "gcp": "Google Cloud", "onprem": "the organisation's own data centre"}
_DEFAULTS = (
    (
        "A",
        "The system shall be available {op} {value} {unit} of each month.",
        "Nobody can work or buy while it is down.",
    ),
    (
        "PE",
        "The system shall answer {op} {value} {unit} after a request, 95 times of 100.",
        "People leave what makes them wait.",
    ),
    (
        "SE",
        "The system shall let nobody see or change records without the right to do so.",
        "Records are worth protecting.",
    ),
    ("FT", "The system shall be back in service {op} {value} {unit} after the loss of a site.", "Sites do get lost."),
)


def build(
    text: str, statements: Sequence[Statement], facts: Sequence[Fact], cast: Cast, vocabulary: Vocabulary
) -> tuple[Requirement, ...]:
    """Return every requirement of a request, numbered by kind."""
    stated = [_of_statement(text, one, facts, cast, vocabulary) for one in statements]
    stated += _frame(facts)
    # By what is stated alone: a regulation more, and all that it demands, takes no requirement away.
    found = [*stated, *_demands(facts, vocabulary), *_defaults(stated)]
    counts = dict.fromkeys(_LETTERS, 0)
    for requirement in found:
        counts[requirement.kind] += 1
        requirement.id = f"REQ-{_LETTERS[requirement.kind]}-{counts[requirement.kind]:03d}"
    return tuple(found)


def _of_statement(
    text: str, statement: Statement, facts: Sequence[Fact], cast: Cast, vocabulary: Vocabulary
) -> Requirement:
    clause = statement.clause
    actor_id = cast.id_of(clause.actor)
    actor_name = next((actor.name for actor in cast.actors if actor.id == actor_id), "")
    measure = (
        measures.find(statement.quality, statement.sentence, facts, statement.measured_by)
        if statement.quality
        else None
    )
    is_measured = measure is not None and measure.basis == Source.EXPLICIT
    return Requirement(
        kind=Requirement.QUALITY if statement.quality else Requirement.FUNCTIONAL,
        statement=statement.text,
        ears_pattern=clause.pattern,
        actor_id=actor_id,
        verb=clause.verb,
        object=clause.object,
        condition=clause.condition,
        quality=_class(statement.quality) if statement.quality else None,
        measure=measure,
        priority=statement.priority,
        source=source(text, statement.sentence.start, statement.sentence.end) if statement.sentence else None,
        basis=statement.basis,
        rule_id=statement.rule_id or ("requirement.quality" if statement.quality else "requirement.function"),
        confidence=statement.confidence,
        acceptance_criteria=acceptance.measured(measure) if measure else acceptance.criteria(statement, actor_name),
        issues=wording.issues(text, statement, is_measured=is_measured),
        rationale=statement.rationale or _rationale(statement),
        entity_ids=vocabulary.of(statement),
    )


def _rationale(statement: Statement) -> str:
    return "The request says so." if statement.basis == Source.EXPLICIT else "Systems of this kind need it."


def _class(quality: Quality) -> QualityClass:
    return QualityClass(iso25010=quality.iso25010, promise_class=quality.id)


def _frame(facts: Sequence[Fact]) -> Iterator[Requirement]:
    """Yield a constraint for each fact that limits the project."""
    for fact in facts:
        sentence = _FRAME_SENTENCES.get(fact.kind)
        if sentence is None or (fact.kind == Fact.REGION and fact.value in {"GLOBAL", "NATIONAL"}):
            continue
        is_date = fact.kind == Fact.DEADLINE and not fact.HasField("number")
        value = _NAMES.get(fact.value, fact.value)
        if fact.HasField("number"):
            value = f"{fact.number:,.0f}" if fact.number == int(fact.number) else f"{fact.number:,}"
        yield Requirement(
            kind=Requirement.CONSTRAINT,
            statement=" ".join(
                sentence.format(value=value, unit=fact.unit, within="by" if is_date else "within")
                .replace(" .", ".")
                .split()
            ),
            ears_pattern=Requirement.UBIQUITOUS,
            verb="comply",
            object=Fact.Kind.Name(fact.kind).lower(),
            priority=Requirement.MUST,
            source=fact.source,
            basis=fact.basis,
            rule_id=fact.rule_id,
            confidence=fact.confidence,
            rationale="The request sets this frame.",
            measure=Measure(
                metric=Fact.Kind.Name(fact.kind).lower(),
                op=fact.op,
                value=fact.number,
                unit=fact.unit,
                basis=fact.basis,
            )
            if fact.HasField("number")
            else None,
        )


def _demands(facts: Sequence[Fact], vocabulary: Vocabulary) -> Iterator[Requirement]:
    """Yield what each regulation that the request names asks of the system."""
    for fact in facts:
        if fact.kind == Fact.REGULATION:
            regulation = regulations()[fact.value]
            for at, demand in enumerate(regulation.demands, 1):
                yield _demand(demand, f"regulation.{fact.value}.{at}", f"{regulation.name} asks for it.", vocabulary)


def _demand(demand: Demand, rule_id: str, rationale: str, vocabulary: Vocabulary) -> Requirement:
    derived = Requirement(
        statement=demand.statement if demand.statement.endswith(".") else demand.statement + ".",
        ears_pattern=Requirement.UBIQUITOUS,
        priority=Requirement.MUST,
        basis=Source.DERIVED,
        rule_id=rule_id,
        confidence=0.9,
        rationale=rationale,
    )
    found = clauses.read(demand.statement)
    if demand.quality:
        quality = qualities()[demand.quality]
        derived.kind = Requirement.QUALITY
        derived.quality.CopyFrom(_class(quality))
        derived.measure.CopyFrom(measures.of_kind(demand.measure or quality.measure, Source.DERIVED))
        derived.acceptance_criteria.extend(acceptance.measured(derived.measure))
        derived.verb, derived.object = (found[0].verb, found[0].object) if found else ("comply", "")
        return derived
    derived.kind = Requirement.FUNCTIONAL
    derived.verb, derived.object = demand.verb, demand.object
    if found:
        statement = Statement(demand.statement, found[0], None, Requirement.MUST, None)
        derived.acceptance_criteria.extend(acceptance.criteria(statement, ""))
        derived.entity_ids.extend(vocabulary.of(statement))
    return derived


def _defaults(found: Sequence[Requirement]) -> Iterator[Requirement]:
    """Yield the qualities that every system needs and this request does not speak of, as assumed."""
    if not any(requirement.kind == Requirement.FUNCTIONAL for requirement in found):
        return
    present = {requirement.quality.promise_class for requirement in found if requirement.kind == Requirement.QUALITY}
    for quality_id, sentence, rationale in _DEFAULTS:
        if quality_id in present:
            continue
        quality = qualities()[quality_id]
        measure = measures.of_kind(quality.measure, Source.ASSUMED)
        op = {Fact.GE: "at least", Fact.LE: "within" if quality_id in {"PE", "FT"} else "at most"}.get(measure.op, "")
        yield Requirement(
            kind=Requirement.QUALITY,
            statement=" ".join(sentence.format(op=op, value=f"{measure.value:g}", unit=measure.unit).split()),
            ears_pattern=Requirement.UBIQUITOUS,
            verb="be" if quality_id in {"A", "FT"} else "answer" if quality_id == "PE" else "protect",
            object=singular(quality.name.lower()),
            quality=_class(quality),
            measure=measure,
            priority=Requirement.SHOULD,
            basis=Source.ASSUMED,
            rule_id=f"quality.default.{quality_id}",
            confidence=0.4,
            acceptance_criteria=acceptance.measured(measure),
            rationale=rationale,
        )


def event_name(entity_name: str, verb: str) -> str:
    """Return the name of what has happened once `verb` was done: `claim submitted`."""
    return f"{entity_name} {lexicon.past(verb)}"
