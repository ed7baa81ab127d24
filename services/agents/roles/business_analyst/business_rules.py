"""Finds rules of the business in the sentences of a request: limits, bans, conditions and spans of time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from archwright.agents.v1.business_analyst_pb2 import BusinessRule
from archwright.agents.v1.model_pb2 import Source
from services.agents.roles.business_analyst import clauses, phrases
from services.agents.roles.business_analyst.facts import source
from services.agents.roles.business_analyst.sentences import Sentence
from services.agents.roles.business_analyst.statements import Statement, is_mission

_LIMIT = re.compile(
    r"\b(?:above|over|below|under|more than|less than|at most|at least|up to|no more than|exceed\w*)\s+\W?\d",
    re.IGNORECASE,
)
_BAN = re.compile(r"\b(?:must|shall|may|can|will)(?: not|not|n't)\b|\bnever\b|\bnobody\b|\bno one\b", re.IGNORECASE)
_ONLY = re.compile(
    r"\bonly\b.{0,60}\b(?:can|may|must|shall|if|when|after|by)\b|\b(?:can|may|must|shall) only\b", re.IGNORECASE
)
_CONDITION = re.compile(r"\b(?:if|unless)\b|\bafter which\b", re.IGNORECASE)
_FRAME = re.compile(r"\bbudget|\bcost|go-?live|\blive\b|launch|deadline|team", re.IGNORECASE)
_SPAN = re.compile(
    r"\buntil \d|\b\d+ (?:hours?|days?|minutes?|weeks?) (?:before|after)\b|"
    r"\bwithin \d+ (?:\w+ )?(?:hours?|days?|weeks?|months?|years?)\b|\b(?:kept|retained|stored) for\b",
    re.IGNORECASE,
)
_PATTERNS = (
    ("rule.limit", _LIMIT),
    ("rule.only", _ONLY),
    ("rule.ban", _BAN),
    ("rule.condition", _CONDITION),
    ("rule.span", _SPAN),
)


def find(text: str, sentences: Sequence[Sentence], statements: Sequence[Statement]) -> tuple[BusinessRule, ...]:
    """Return the rules of a request in order, each with when it applies and what follows.

    Sentences about qualities or the project's frame limit the system, not the business, and are left out.
    """
    functions = {one.sentence.start for one in statements if one.sentence and one.quality is None}
    qualities = {one.sentence.start for one in statements if one.sentence and one.quality is not None}
    candidates = [one for one in sentences if one.start not in qualities and not is_mission(one)]
    found = [
        rule for one in candidates for rule in _rule(text, one) if one.start in functions or not _FRAME.search(one.text)
    ]
    for at, rule in enumerate(found, 1):
        rule.id = f"BR-{at:02d}"
    return tuple(found)


def _rule(text: str, sentence: Sentence) -> Iterator[BusinessRule]:
    for rule_id, pattern in _PATTERNS:
        match = pattern.search(sentence.text)
        if not match:
            continue
        found = clauses.read(sentence.text)
        condition = found[0].condition if found else ""
        trigger = condition or _subject(sentence.text, match)
        consequence = sentence.text.replace(condition, "").strip(" ,") if condition else sentence.text[match.start() :]
        yield BusinessRule(
            text=sentence.text,
            trigger=trigger,
            consequence=re.sub(r"\s+(?=[.!?])", "", consequence) or sentence.text,
            source=source(text, sentence.start, sentence.end),
            basis=Source.EXPLICIT,
            rule_id=rule_id,
        )
        return


def _subject(text: str, match: re.Match[str]) -> str:
    return phrases.noun_phrase(text) or text[: match.start()].strip() or "always"
