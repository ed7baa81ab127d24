"""Asks what only the client can answer, each time with what is assumed until then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.model_pb2 import Assumption, Fact, Question, Source
from services.agents.knowledge.industries import Industry
from services.agents.knowledge.load import table
from services.agents.roles.business_analyst.facts import denies_budget


@dataclass(frozen=True, slots=True)
class Topic:
    """What an architect has to know, and what to assume until somebody answers."""

    about: str
    kinds: tuple[str, ...]
    text: str
    default: str | float
    unit: str
    impact: Literal["LOW", "MEDIUM", "HIGH"]
    terms: tuple[str, ...] = ()
    blocking: bool = False


@dataclass(frozen=True, slots=True)
class Topics:
    """The table `questions.yaml`."""

    topics: tuple[Topic, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A question and the assumption that stands in for its answer."""

    question: Question
    assumption: Assumption


_IMPACTS = {"LOW": Assumption.LOW, "MEDIUM": Assumption.MEDIUM, "HIGH": Assumption.HIGH}
_VAGUE_MAX = 12


def ask(
    text: str,
    facts: Sequence[Fact],
    requirements: Sequence[Requirement],
    industry: Industry | None,
    *,
    is_expanded: bool,
) -> tuple[Unknown, ...]:
    """Return what is unknown, in the order of how much hangs on it."""
    found = [
        *_about_functions(requirements, is_expanded=is_expanded),
        *_topics(text, facts),
        *_industry(industry),
        *_qualities(requirements),
        *_vague(requirements),
    ]
    for at, unknown in enumerate(found, 1):
        unknown.question.id = f"Q-BA-{at:02d}"
    return tuple(found)


def _about_functions(requirements: Sequence[Requirement], *, is_expanded: bool) -> Iterator[Unknown]:
    explicit = [one for one in requirements if one.kind == Requirement.FUNCTIONAL and one.basis == Source.EXPLICIT]
    if is_expanded:
        assumed = [one.id for one in requirements if one.kind == Requirement.FUNCTIONAL and one.basis == Source.ASSUMED]
        yield _unknown(
            "functions",
            "Which of the assumed functions are wanted, and which are missing?",
            "all of them, as usual in this line of business",
            "",
            "HIGH",
            rule_id="question.expanded",
            affects=assumed,
            blocking=True,
        )
    elif not explicit:
        for about, question in (
            ("functions", "What must people be able to do with the system?"),
            ("actors", "Who will use the system?"),
            ("business", "Which line of business is it for?"),
            ("goal", "What should be better once the system is there?"),
        ):
            yield _unknown(
                about, question, "nothing is assumed", "", "HIGH", rule_id="question.empty", affects=[], blocking=True
            )


def _topics(text: str, facts: Sequence[Fact]) -> Iterator[Unknown]:
    low = text.lower()
    known = {Fact.Kind.Name(fact.kind) for fact in facts}
    for topic in table("questions", Topics).topics:
        if known.intersection(topic.kinds) or any(term in low for term in topic.terms):
            continue
        if topic.about == "budget" and denies_budget(text):
            continue
        yield _unknown(
            topic.about,
            topic.text,
            topic.default if isinstance(topic.default, str) else f"{topic.default:g}",
            topic.unit,
            topic.impact,
            rule_id=f"question.{topic.about.replace(' ', '_').replace('-', '_')}",
            affects=[],
            blocking=topic.blocking,
        )


def _industry(industry: Industry | None) -> Iterator[Unknown]:
    for one in industry.questions if industry else ():
        rule_id = f"question.{industry.id}.{one.about.replace(' ', '_')}" if industry else ""
        yield _unknown(one.about, one.text, one.default, "", "MEDIUM", rule_id=rule_id, affects=[])


def _qualities(requirements: Sequence[Requirement]) -> Iterator[Unknown]:
    for one in requirements:
        if one.kind != Requirement.QUALITY or one.basis != Source.EXPLICIT or one.measure.basis != Source.ASSUMED:
            continue
        metric = one.measure.metric.replace("_", " ")
        yield _unknown(
            one.id,
            f"How much exactly is meant by “{one.source.quote[:120]}”? Which {metric} is enough?",
            f"{one.measure.value:g}",
            one.measure.unit,
            "MEDIUM",
            rule_id="question.measure",
            affects=[one.id],
        )


def _vague(requirements: Sequence[Requirement]) -> Iterator[Unknown]:
    count = 0
    for one in requirements:
        words = [issue.source.quote for issue in one.issues if issue.code in {"VAGUE", "TBD"}]
        if one.kind != Requirement.FUNCTIONAL or not words or count == _VAGUE_MAX:
            continue
        count += 1
        yield _unknown(
            one.id,
            f"What does “{words[0]}” mean in “{one.source.quote[:120]}”?",
            "what the words usually mean",
            "",
            "LOW",
            rule_id="question.vague",
            affects=[one.id],
        )


def _unknown(
    about: str,
    text: str,
    default: str,
    unit: str,
    impact: str,
    *,
    rule_id: str,
    affects: Sequence[str],
    blocking: bool = False,
) -> Unknown:
    value = f"{default} {unit}".strip()
    question = Question(text=text, about=about, default_assumption=value, blocking=blocking)
    assumption = Assumption(
        text=f"{about[:1].upper()}{about[1:]}: {value}, until the question is answered.",
        default_value=default,
        unit=unit,
        impact=_IMPACTS[impact],
        rule_id=rule_id,
        affects=affects,
    )
    return Unknown(question, assumption)
