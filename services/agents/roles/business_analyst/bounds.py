"""Reads how a number bounds the truth: "at most", "no later than", "40+", "or so"."""

from __future__ import annotations

import re

from archwright.agents.v1.model_pb2 import Fact

_OPS: tuple[tuple[str, Fact.Op.ValueType], ...] = (
    (r"no (?:more|longer|later|greater|higher) than|not (?:more|longer|later|exceed(?:ing)?)(?: than)?", Fact.LE),
    (r"no (?:less|fewer) than|not (?:less|fewer) than|at least|minimum(?: of)?|min\.?|≥|>=|mindestens|from", Fact.GE),
    (r"at most|up to|within|maximum(?: of)?|max\.?|limited to|≤|<=|höchstens|maximal|bis zu|until|by|before", Fact.LE),
    (r"less than|fewer than|under|below|in under|<|unter|weniger als", Fact.LT),
    (r"more than|greater than|over|above|exceed(?:s|ing)?|>|über|mehr als", Fact.GT),
    (r"about|around|approximately|approx\.?|circa|ca\.?|roughly|nearly|almost|some|~|≈|etwa|rund", Fact.APPROX),
    (
        r"p(?:50|75|90|95|99)(?:\.9)? (?:of|under|below|<|≤|at)|(?:50|75|90|95|99)th percentile (?:of|under|below)",
        Fact.LE,
    ),
)
_OP_BEFORE = tuple((re.compile(rf"(?<![\w-])(?:{words})\s*(?:the |a )?$", re.IGNORECASE), op) for words, op in _OPS)
_SO = re.compile(r"\s?(?:\+|or more\b|or so\b|or fewer\b|or less\b)")


def before(text: str, start: int) -> tuple[int, Fact.Op.ValueType]:
    """Return the bound that stands before `start`, and where its words begin."""
    window_at = max(0, start - 32)
    window = text[window_at:start]
    for pattern, op in _OP_BEFORE:
        match = pattern.search(window)
        if match:
            return window_at + match.start(), op
    return start, Fact.EQ


def after(text: str, end: int, op: Fact.Op.ValueType) -> tuple[Fact.Op.ValueType, int]:
    """Return the bound that stands behind `end`, as in "40+", and where its words stop; `op` where none does."""
    match = _SO.match(text, end)
    if not match:
        return op, end
    word = match.group().strip()
    return {"+": Fact.GE, "or more": Fact.GE, "or so": Fact.APPROX}.get(word, Fact.LE), match.end()
