"""What requirements must be to be right: quoted truly, measurable or asked about, and each with a way to accept it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from archwright.agents.v1.model_pb2 import Finding, Source
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.validation.given import Given, wrong

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")


def check(output: AgentOutput, given: Given) -> Iterator[Finding]:
    """Yield what is wrong with a specification."""
    spec = output.requirements
    if given.text:
        yield from _quotes(spec, given.text)
    asked = {one.about for one in (*spec.open_questions, *output.open_questions)}
    for one in spec.requirements:
        if not one.statement.strip():
            yield wrong("STATEMENT_EMPTY", f"{one.id} states nothing.", one.id)
        if one.basis == Source.BASIS_UNSPECIFIED:
            yield wrong("BASIS_MISSING", f"{one.id} says neither who said it nor which rule concluded it.", one.id)
        elif one.basis != Source.EXPLICIT and not one.rule_id:
            yield wrong("RULE_MISSING", f"{one.id} was not asked for and names no rule that concluded it.", one.id)
        if one.kind == Requirement.QUALITY and not one.HasField("measure") and one.id not in asked:
            yield wrong("MEASURE_MISSING", f"{one.id} is a quality with neither a measure nor a question.", one.id)
        if one.kind == Requirement.FUNCTIONAL and not one.acceptance_criteria:
            yield wrong("CRITERION_MISSING", f"{one.id} cannot be accepted: it has no criterion.", one.id)


def _quotes(spec: RequirementsSpec, text: str) -> Iterator[Finding]:
    said = set(_NUMBER.findall(text))
    meant = {number for fact in spec.facts for number in (fact.number, fact.number_high)}
    explicit = [one for one in spec.requirements if one.basis == Source.EXPLICIT]
    quoted = [(one.id, one.source) for one in explicit]
    quoted += [(one.id, one.source) for one in spec.actors if one.basis == Source.EXPLICIT]
    quoted += [(one.id, one.source) for one in spec.entities if one.basis == Source.EXPLICIT]
    for own, source in quoted:
        begin, end = (*source.span, 0, 0)[:2]
        if not source.quote or text[begin:end] != source.quote:
            yield wrong("QUOTE_UNTRUE", f"{own} quotes {source.quote!r}, which is not at {begin}.", own)
    for one in explicit:
        for number in _NUMBER.findall(one.statement):
            if number not in said and float(number.replace(",", "")) not in meant:
                yield wrong("NUMBER_INVENTED", f"{one.id} says {number}, and the request does not.", one.id)
