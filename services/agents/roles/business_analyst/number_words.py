"""Reads numbers in words: "four nines", "hundreds to thousands", "fifty".

The decision to know: an order of magnitude is no literal number; whoever uses it knows that it was assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from archwright.agents.v1.model_pb2 import Fact
from services.agents.roles.business_analyst import bounds, units
from services.agents.roles.business_analyst.quantity import Dimension, Reading

_NINES = re.compile(r"(?<!\w)(two|three|four|five|six) nines(?!\w)", re.IGNORECASE)
_NINES_VALUES = {"two": "99", "three": "99.9", "four": "99.99", "five": "99.999", "six": "99.9999"}
_MAGNITUDES = {
    "dozens": (24, 96),
    "hundreds": (200, 900),
    "thousands": (2_000, 9_000),
    "millions": (2_000_000, 9_000_000),
}
_MAGNITUDE = re.compile(
    r"(?<!\w)(?:(?P<low>dozens|hundreds|thousands) to )?(?P<high>(?:tens|hundreds) of (?:thousands|"
    r"millions)|dozens|hundreds|"
    r"thousands|millions)(?: of)?(?!\w)",
    re.IGNORECASE,
)
_SMALL = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12,
    "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "eighty": 80, "hundred": 100,
    "a hundred": 100, "a thousand": 1000,
}  # fmt: skip
_WORD_NUMBER = re.compile(
    r"(?<![\w-])(?:" + "|".join(sorted(_SMALL, key=len, reverse=True)) + r")(?![\w-])", re.IGNORECASE
)


def nines(text: str) -> Iterator[Reading]:
    """Yield "four nines" as the share of time in service that it stands for."""
    for match in _NINES.finditer(text):
        value = _NINES_VALUES[match.group(1).lower()]
        yield Reading(match.start(), match.end(), Dimension.PERCENT, Decimal(value), "percent", value, Fact.GE)


def read(text: str) -> Iterator[Reading]:
    """Yield orders of magnitude and small numbers that are written out."""
    for match in _MAGNITUDE.finditer(text):
        yield _magnitude(text, match)
    for match in _WORD_NUMBER.finditer(text):
        yield from _word_number(text, match)


def _magnitude(text: str, match: re.Match[str]) -> Reading:
    low_word = (match.group("low") or match.group("high")).lower()
    high_word = match.group("high").lower()
    low, high = _ends(low_word)[0], _ends(high_word)[1]
    unit, end = units.unit_words(text, match.end())
    return Reading(
        match.start(), end, Dimension.COUNT, Decimal(low), unit, str(low), Fact.BETWEEN, Decimal(high), is_literal=False
    )


def _ends(word: str) -> tuple[int, int]:
    if " of " in word:
        factor = 10 if word.startswith("tens") else 100
        low, high = _MAGNITUDES[word.split(" of ")[1]]
        return low * factor // 2, high * factor
    return _MAGNITUDES[word]


def _word_number(text: str, match: re.Match[str]) -> Iterator[Reading]:
    value = _SMALL[match.group().lower()]
    op, end = bounds.after(text, match.end(), Fact.EQ)
    if duration := units.DURATION.match(text, end):
        unit, unit_end, dimension = duration.lastgroup or "", duration.end(), Dimension.DURATION
    else:
        (unit, unit_end), dimension = units.unit_words(text, end), Dimension.COUNT
    if unit:
        yield Reading(match.start(), unit_end, dimension, Decimal(value), unit, str(value), op)
