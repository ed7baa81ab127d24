"""Says what a reader should know about a request: what contradicts, what is missing, what was taken as mere text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.model_pb2 import Fact, Finding, Source
from services.agents.knowledge.industries import Industry
from services.agents.roles.business_analyst import lexicon
from services.agents.roles.business_analyst.sentences import blank_markup

_SINGLE = (Fact.BUDGET, Fact.DEADLINE, Fact.AVAILABILITY, Fact.RTO, Fact.RPO)
_DATED = re.compile(r"\d{4}")


def find(
    text: str,
    language: str,
    facts: Sequence[Fact],
    requirements: Sequence[Requirement],
    industry: Industry | None,
    *,
    is_expanded: bool,
    left_out: int,
) -> tuple[Finding, ...]:
    """Return the findings about a request, worst first."""
    found = [
        *_contradictions(facts),
        *_thinness(text, requirements, industry, is_expanded=is_expanded),
        *_reading(text, language, left_out),
        *_unclear(requirements),
    ]
    return tuple(sorted(found, key=lambda finding: -finding.severity))


def _contradictions(facts: Sequence[Fact]) -> Iterator[Finding]:
    for kind in _SINGLE:
        same = [fact for fact in facts if fact.kind == kind and fact.basis == Source.EXPLICIT and fact.value != "24x7"]
        if kind == Fact.DEADLINE:
            # A date and a span may well mean the same day.
            same = [fact for fact in same if not _DATED.match(fact.value)]
        if len({(fact.value, fact.unit) for fact in same}) > 1:
            name = Fact.Kind.Name(kind)
            quotes = " and ".join(f"“{fact.source.quote}”" for fact in same)
            yield Finding(
                severity=Finding.ERROR,
                code=f"{name}_CONTRADICTS",
                subject_ids=[fact.id for fact in same],
                message=(
                    f"The request names more than one {name.lower()}: {quotes}. The strictest is used until "
                    f"it is settled."
                ),
            )


def _thinness(
    text: str, requirements: Sequence[Requirement], industry: Industry | None, *, is_expanded: bool
) -> Iterator[Finding]:
    if not any(character.isalnum() for character in text):
        yield Finding(
            severity=Finding.ERROR,
            code="REQUEST_EMPTY",
            message="The request holds no words. Say what the system is for.",
        )
        return
    functions = [one for one in requirements if one.kind == Requirement.FUNCTIONAL]
    if is_expanded and industry:
        yield Finding(
            severity=Finding.WARNING,
            code="REQUEST_THIN",
            subject_ids=[one.id for one in functions if one.basis == Source.ASSUMED],
            message=(
                f"The request names hardly any function. Those usual in {industry.name.lower()} were "
                f"assumed; confirm or strike each."
            ),
        )
    elif not functions:
        yield Finding(
            severity=Finding.WARNING,
            code="NO_FUNCTIONS",
            message=(
                "The request names no function and no line of business that is known. Answer the open questions first."
            ),
        )
    if industry is None:
        yield Finding(
            severity=Finding.INFO,
            code="INDUSTRY_UNKNOWN",
            message="No line of business was recognised; general knowledge is used.",
        )


def _reading(text: str, language: str, left_out: int) -> Iterator[Finding]:
    if language not in {"en", "und"}:
        yield Finding(
            severity=Finding.WARNING,
            code="LANGUAGE_NOT_ENGLISH",
            message=(
                f"The request seems to be written in {language!r}. Only its numbers and names are read with "
                f"care; an English text gives more."
            ),
        )
    low = text.lower()
    steering = [phrase for phrase in lexicon.wording().steering if phrase in low]
    if steering:
        yield Finding(
            severity=Finding.WARNING,
            code="STEERING_TEXT",
            message=(
                f"The request holds text that addresses its reader: “{steering[0]}”. It was read as any "
                f"other text and changed nothing."
            ),
        )
    if blank_markup(text) != text:
        yield Finding(
            severity=Finding.INFO,
            code="MARKUP_IGNORED",
            message="Markup and control characters in the request were ignored.",
        )
    if left_out:
        yield Finding(
            severity=Finding.WARNING,
            code="REQUEST_TOO_LONG",
            message=(
                f"{left_out} further sentences oblige the system to something and were left out. Split the request."
            ),
        )


def _unclear(requirements: Sequence[Requirement]) -> Iterator[Finding]:
    unclear = [
        one.id for one in requirements if any(issue.code in {"VAGUE", "TBD", "NO_MEASURE"} for issue in one.issues)
    ]
    if unclear:
        yield Finding(
            severity=Finding.INFO,
            code="WORDING_UNCLEAR",
            subject_ids=unclear,
            message=(
                f"{len(unclear)} requirements hold words that cannot be verified; each names them with a suggestion."
            ),
        )
