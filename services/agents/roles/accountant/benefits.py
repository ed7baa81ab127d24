"""Benefits that the request states in money; none is ever made up.

A sum of money is a benefit when its sentence speaks of saving or earning and says how often.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from archwright.agents.v1.accountant_pb2 import Benefit
from archwright.agents.v1.business_analyst_pb2 import RequirementsSpec
from archwright.agents.v1.model_pb2 import Fact, Finding
from services.agents.draft import Draft
from services.agents.roles.accountant.money import exchange_rate, whole

_GAIN = re.compile(
    r"\b(?:sav(?:e|es|ed|ing|ings)|earn(?:s|ings)?|(?:additional|extra|more|new|increase\w*) (?:revenue|sales|income)"
    r"|(?:cut|cuts|reduc\w+|lower\w*)\b[^.]*\bcosts?)\b",
    re.IGNORECASE,
)
_PER_YEAR = (
    (re.compile(r"\b(?:a|per|each|every) year\b|\byearly\b|\bannual(?:ly)?\b|\bper annum\b", re.IGNORECASE), 1),
    (re.compile(r"\b(?:a|per|each|every) quarter\b|\bquarterly\b", re.IGNORECASE), 4),
    (re.compile(r"\b(?:a|per|each|every) month\b|\bmonthly\b", re.IGNORECASE), 12),
    (re.compile(r"\b(?:a|per|each|every) week\b|\bweekly\b", re.IGNORECASE), 52),
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s|\n")


def stated_gains(spec: RequirementsSpec, text: str) -> list[tuple[Fact, str]]:
    """Return the sums of money that the request wants to save or earn, each with its sentence."""
    found = []
    for fact in spec.facts:
        if not fact.HasField("amount_cents") or not fact.source.quote:
            continue
        sentence = _sentence(fact, spec, text)
        if _GAIN.search(sentence):
            found.append((fact, sentence))
    return found


def benefits(gains: Sequence[tuple[Fact, str]], currency: str, draft: Draft) -> list[Benefit]:
    """Return what the gains bring in a year; one that does not say how often is named in a finding instead."""
    found: list[Benefit] = []
    for fact, sentence in gains:
        times = next((count for pattern, count in _PER_YEAR if pattern.search(sentence)), None)
        rate = exchange_rate(fact.unit or currency, currency)
        if times is None or rate is None:
            draft.finding(
                Finding.WARNING, "BENEFIT_NOT_COUNTED",
                f"The request speaks of {fact.source.quote!r} but not of how often, or in a currency without a rate; "
                "it is not counted. Say how much a year.",
                [fact.id],
            )  # fmt: skip
            continue
        found.append(
            Benefit(
                id=f"BEN-{len(found) + 1:02d}",
                basis_text=sentence,
                amount_cents=whole(fact.amount_cents * times * rate),
                confidence=fact.confidence,
                source=fact.source,
                basis=fact.basis,
            )
        )
    return found


def _sentence(fact: Fact, spec: RequirementsSpec, text: str) -> str:
    """Return the sentence around a fact: by its place in the text, else the first statement that holds its words."""
    if text and len(fact.source.span) == 2 and text[fact.source.span[0] : fact.source.span[1]] == fact.source.quote:
        start, end = fact.source.span
        before = _SENTENCE_END.split(text[:start])[-1]
        after = _SENTENCE_END.split(text[end:])[0]
        return f"{before}{fact.source.quote}{after}".strip()
    return next((one.strip() for one in _statements(spec) if fact.source.quote in one), "")


def _statements(spec: RequirementsSpec) -> Iterable[str]:
    for requirement in spec.requirements:
        yield requirement.source.quote
        yield requirement.statement
    yield from _SENTENCE_END.split(spec.problem_statement)
