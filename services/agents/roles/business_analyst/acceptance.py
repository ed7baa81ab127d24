"""Writes how one can tell that a requirement is met, by the class of its verb or by its measure."""

from __future__ import annotations

from archwright.agents.v1.business_analyst_pb2 import AcceptanceCriterion, Measure
from archwright.agents.v1.model_pb2 import Fact
from services.agents.roles.business_analyst import lexicon
from services.agents.roles.business_analyst.statements import Statement

_OPS = {
    Fact.EQ: "exactly",
    Fact.LT: "less than",
    Fact.LE: "at most",
    Fact.GT: "more than",
    Fact.GE: "at least",
    Fact.APPROX: "about",
}
_GIVEN = {
    "register": "no such {object} has been recorded yet",
    "delete": "the {object} exists and nothing forbids its removal",
    "search": "several of {object} exist and differ",
    "report": "records about {object} exist for the period",
    "integrate": "the other system is reachable",
    "pay": "an amount is due and approved",
    "decide": "the {object} waits for a decision",
    "notify": "the addressee has a channel on file",
}


def criteria(statement: Statement, actor_name: str) -> tuple[AcceptanceCriterion, ...]:
    """Return the criteria of a function: the usual case, and the case of somebody without the right."""
    clause = statement.clause
    verb_class = lexicon.verb_class(clause.verb or "update")
    thing = clause.object or "result"
    actor = f"the {actor_name.lower()}" if actor_name else "the system"
    third = f"{clause.verb}s" if clause.verb and clause.verb != "be" else "does so"
    given = _GIVEN.get(verb_class.id, "the {object} exists").format(object=thing)
    when = clause.condition or f"{actor} {third} {clause.rest or thing}"
    usual = AcceptanceCriterion(given=given, when=when, then=f"the {thing} {verb_class.outcome}")
    if not actor_name or verb_class.id in {"notify", "read", "search"}:
        return (usual,)
    refused = AcceptanceCriterion(
        given=f"somebody who is not {_article(actor_name)} {actor_name.lower()}",
        when=f"they try to {clause.verb or 'change'} {clause.rest or thing}",
        then="nothing changes and the attempt is recorded",
    )
    return (usual, refused)


def measured(measure: Measure) -> tuple[AcceptanceCriterion, ...]:
    """Return the criterion of a quality: its measure under the load that is expected."""
    return (
        AcceptanceCriterion(
            given="the load that is expected at the busiest hour",
            when=f"{measure.metric.replace('_', ' ')} is measured over a month",
            then=f"it is {_OPS.get(measure.op, 'exactly')} {measure.value:g} {measure.unit}".strip(),
        ),
    )


def _article(name: str) -> str:
    return "an" if name[:1].lower() in "aeiou" else "a"
