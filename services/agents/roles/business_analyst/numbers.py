"""Reads numbers as people write them, with scale, range, bound and unit.

The decision to know: each number in a text belongs to exactly one reading. Readings are looked for from
the most to the least particular form, and what one form has taken no later one can take again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from archwright.agents.v1.model_pb2 import Fact
from services.agents.roles.business_analyst import bounds, dates, number_words, units
from services.agents.roles.business_analyst.quantity import Dimension, Reading

_NUMBER = r"(?:\d{1,3}(?:[,.'’  ]\d{3})+(?!\d)(?:[.,]\d{1,2}(?!\d))?|\d+(?:[.,]\d+)?)"  # noqa: RUF001 - as typed
_SCALES = {
    "k": 10**3, "thousand": 10**3, "tsd": 10**3, "tausend": 10**3,
    "m": 10**6, "mn": 10**6, "mio": 10**6, "million": 10**6, "millions": 10**6, "millionen": 10**6,
    "bn": 10**9, "billion": 10**9, "billions": 10**9, "mrd": 10**9, "milliarden": 10**9,
}  # fmt: skip
_SCALE = re.compile(
    r"[ -]?(?P<scale>k|thousand|tsd|tausend|millions?|millionen|mio|mn|m|billions?|bn|mrd|milliarden)\.?(?![A-Za-z²³])",
    re.IGNORECASE,
)
_RANGE = re.compile(rf"\s?(?:-|–|—|to|bis)\s?(?=(?:{units.CURRENCY_WORDS})?\s?\d)", re.IGNORECASE)  # noqa: RUF001 - dashes
_AND = re.compile(r" and (?=\d)")
_PLAIN = re.compile(rf"(?<![\w.,/#§-]){_NUMBER}|(?<=[A-Za-z]-){_NUMBER}|(?<=[€$£<>~(]){_NUMBER}")


def read(text: str, taken: tuple[tuple[int, int], ...] = ()) -> tuple[Reading, ...]:
    """Return every quantity of `text` in order, leaving out the ranges that are `taken` by names."""
    blocked = list(taken)
    found: list[Reading] = []
    for reading in _candidates(text):
        if any(reading.start < end and start < reading.end for start, end in blocked):
            continue
        blocked.append((reading.start, reading.end))
        found.append(reading)
    return tuple(sorted(found, key=lambda reading: reading.start))


def _candidates(text: str) -> Iterator[Reading]:
    yield from dates.read(text)
    yield from number_words.nines(text)
    end = 0
    for match in _PLAIN.finditer(text):
        # What belongs to a range or a unit that was just read is not a number of its own.
        if match.start() >= end and not _is_label(text, match):
            reading = _number(text, match)
            if reading:
                end = reading.end
                yield reading
    yield from number_words.read(text)


def _is_label(text: str, match: re.Match[str]) -> bool:
    """Return whether digits are part of a name, an ordinal or a list marker rather than a quantity."""
    after = text[match.end() : match.end() + 3]
    if re.match(r"(?:st|nd|rd|th)\b", after) or re.match(r"[x\u00d7]\d", after):
        return True
    return bool(re.match(r"[.)]\s", after)) and not text[: match.start()].rpartition("\n")[2].strip()


def _number(text: str, match: re.Match[str]) -> Reading | None:
    value_at = match.start()
    before = units.CURRENCY_BEFORE.search(text[max(0, value_at - 5) : value_at])
    currency = units.CURRENCIES[before.group().strip().lower()] if before else ""
    start = value_at - len(before.group()) if before else value_at
    first, end, scaled, lone_m = _scaled(text, match.group(), match.end(), is_money=bool(before))
    high: Decimal | None = None
    start, op = bounds.before(text, start)
    link = _RANGE.match(text, end) or (_AND.match(text, end) if text[:start].lower().endswith("between ") else None)
    if link:
        second = re.compile(rf"(?:{units.CURRENCY_WORDS})?\s?(?P<number>{_NUMBER})", re.IGNORECASE).match(
            text, link.end()
        )
        if second:
            high, end, second_scaled, second_m = _scaled(
                text, second.group("number"), second.end(), is_money=bool(before)
            )
            lone_m = lone_m or second_m
            if second_scaled > 1 and scaled == 1 and first < high:
                first *= second_scaled
            op = Fact.BETWEEN
    if op == Fact.EQ:
        op, end = bounds.after(text, end, op)
    reading = Reading(start, end, Dimension.COUNT, first, "", "", op, high)
    return units.with_unit(text, reading, currency, lone_m=lone_m)


def _scaled(text: str, number: str, end: int, *, is_money: bool) -> tuple[Decimal, int, int, bool]:
    """Return the value with its scale, where it ends, the scale, and whether that was a bare `m`."""
    match = _SCALE.match(text, end)
    unit_follows = units.PERCENT.match(text, end) or units.DURATION.match(text, end)
    value = _plain(number, decimal_point=bool(unit_follows))
    if not match or (unit_follows and not match.group("scale").lower().startswith("mio")):
        return value, end, 1, False
    factor = _SCALES[match.group("scale").lower()]
    if match.group("scale") == "m" and not is_money and not units.CURRENCY_AFTER.match(text, match.end()):
        return value, end, 1, True
    return _plain(number, decimal_point=True) * factor, match.end(), factor, False


def _plain(number: str, *, decimal_point: bool) -> Decimal:
    """Return the value of digits with separators; a lone group of three is decimals only when a unit says so."""
    digits = re.sub(r"['’  ]", "", number)  # noqa: RUF001 - as typed
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return Decimal(digits)
    mark, whole, decimals = digits[last], digits[:last], digits[last + 1 :]
    other_mark = "," if mark == "." else "."
    is_group = len(decimals) == 3 and whole.replace(other_mark, "").replace(mark, "") != "0"
    if is_group and (mark in whole or (other_mark not in whole and not (decimal_point and mark == "."))):
        return Decimal(digits.replace(mark, "").replace(other_mark, ""))
    return Decimal(f"{whole.replace('.', '').replace(',', '')}.{decimals}")
