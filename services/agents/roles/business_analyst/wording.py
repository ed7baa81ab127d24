"""Finds words that make a requirement hard to verify, after ISO/IEC/IEEE 29148."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from archwright.agents.v1.business_analyst_pb2 import WordingIssue
from services.agents.roles.business_analyst import lexicon
from services.agents.roles.business_analyst.facts import source
from services.agents.roles.business_analyst.statements import Statement

_MODALS = re.compile(r"\b(?:must|shall|should|will)\b", re.IGNORECASE)
_AND_OR = re.compile(r"\band/or\b", re.IGNORECASE)


def issues(text: str, statement: Statement, *, is_measured: bool) -> tuple[WordingIssue, ...]:
    """Return what is unclear about the sentence behind a statement; nothing for what a rule wrote."""
    return tuple(_issues(text, statement, is_measured=is_measured)) if statement.sentence else ()


@cache
def _any_of(group: str) -> re.Pattern[str]:
    words = sorted(getattr(lexicon.wording(), group), key=lambda word: (-len(word), word))
    return re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, words)) + r")(?![\w-])", re.IGNORECASE)


def _issues(text: str, statement: Statement, *, is_measured: bool) -> Iterator[WordingIssue]:
    sentence = statement.sentence
    if sentence is None:
        return

    def issue(code: str, start: int, end: int, suggestion: str) -> WordingIssue:
        return WordingIssue(
            code=code, source=source(text, sentence.start + start, sentence.start + end), suggestion=suggestion
        )

    if not is_measured:
        for match in _any_of("vague").finditer(sentence.text):
            yield issue(
                "VAGUE", match.start(), match.end(), f"Replace {match.group()!r} by something that can be measured."
            )
    for match in _any_of("unfinished").finditer(sentence.text):
        yield issue("TBD", match.start(), match.end(), "Decide it, or make it an open question with an owner.")
    for match in _AND_OR.finditer(sentence.text):
        yield issue("AND_OR", match.start(), match.end(), "Write one requirement for each case.")
    modals = list(_MODALS.finditer(sentence.text))
    if len(modals) > 1:
        yield issue("SEVERAL_MODALS", modals[1].start(), modals[1].end(), "Write one sentence for each obligation.")
    if statement.quality is None and statement.clause.is_passive:
        yield issue("PASSIVE", 0, len(sentence.text), "Say who does it.")
    if statement.quality is not None and not is_measured:
        yield issue(
            "NO_MEASURE", 0, len(sentence.text), f"Say how much: {statement.quality.name.lower()} needs a number."
        )
