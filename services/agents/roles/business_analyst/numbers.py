"""Reads numbers, amounts, spans of time, dates and orders of magnitude as people write them.

The decision to know: each number in a text belongs to exactly one reading. Readings are looked for from
the most to the least particular form, and what one form has taken no later one can take again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from archwright.agents.v1.model_pb2 import Fact


class Dimension(StrEnum):
    """What kind of quantity a number is."""

    MONEY = "money"
    DURATION = "duration"
    PERCENT = "percent"
    VOLUME = "volume"
    RATE = "rate"
    DATE = "date"
    TIME_OF_DAY = "time of day"
    SERVICE_TIME = "service time"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Reading:
    """A number with its unit, and what of the text it covers."""

    start: int
    end: int
    dimension: Dimension
    value: Decimal | None
    unit: str
    text: str
    """The value in its plainest form, also for what is no number: `2027-Q3`."""
    op: Fact.Op.ValueType = Fact.EQ
    high: Decimal | None = None
    is_literal: bool = True
    """Whether the text names the number itself rather than its order of magnitude."""


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
_CURRENCIES = {
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR",
    "$": "USD", "us$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD",
    "£": "GBP", "gbp": "GBP", "pound": "GBP", "pounds": "GBP", "chf": "CHF", "francs": "CHF",
}  # fmt: skip
_CURRENCY_WORDS = r"US\$|€|\$|£|(?:EUR|USD|GBP|CHF|euros?|dollars?|pounds?|francs)(?![A-Za-z])"
_CURRENCY_AFTER = re.compile(rf"\s?(?P<currency>{_CURRENCY_WORDS})", re.IGNORECASE)
_CURRENCY_BEFORE = re.compile(r"(?:US\$|€|\$|£|\b(?:EUR|USD|GBP|CHF))\s?$", re.IGNORECASE)
_DURATIONS = {
    "ms": r"ms|msecs?|milliseconds?|millisekunden?",
    "seconds": r"s|secs?|seconds?|sekunden?",
    "minutes": r"mins?|minutes?|minuten?",
    "hours": r"h|hrs?|hours?|stunden?",
    "days": r"(?:working |business |calendar )?days?|tagen?|tage?",
    "weeks": r"weeks?|wochen?",
    "months": r"months?|monaten?|monate?",
    "years": r"years?|yrs?|jahren?|jahre?",
}
_DURATION = re.compile(
    r"[ -]?(?:" + "|".join(f"(?P<{unit}>{forms})" for unit, forms in _DURATIONS.items()) + r")(?![A-Za-z])",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"\s?(?:%|percent\b|per cent\b|prozent\b)", re.IGNORECASE)
_VOLUME = re.compile(
    r"\s?(?P<size>[KMGTP]i?B|kilobytes?|megabytes?|gigabytes?|terabytes?|petabytes?)(?![A-Za-z])"
    r"(?P<per>\s?(?:/|per |a )\s?(?:day|week|month|year))?",
    re.IGNORECASE,
)
_RATE = re.compile(
    r"\s?(?:(?P<short>rps|tps|qps)\b|(?P<what>requests?|req|transactions?|tx|orders?|messages?|events?|calls?|queries)"
    r"\s?(?:/|per |a )\s?(?P<per>s|sec|second|minute|hour)\b)",
    re.IGNORECASE,
)
_SO = re.compile(r"\s?(?:\+|or more\b|or so\b|or fewer\b|or less\b)")
_RANGE = re.compile(rf"\s?(?:-|–|—|to|bis)\s?(?=(?:{_CURRENCY_WORDS})?\s?\d)", re.IGNORECASE)  # noqa: RUF001 - dashes
_AND = re.compile(r" and (?=\d)")
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
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DATES = (
    re.compile(r"(?<!\w)(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)(?!\w)"),
    re.compile(r"(?<!\w)(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>20\d\d)(?!\w)"),
    re.compile(
        rf"(?<!\w)(?P<day>\d{{1,2}})(?:st|nd|rd|th)? (?P<name>{_MONTH})\.?,? (?P<year>20\d\d)(?!\w)", re.IGNORECASE
    ),
    re.compile(
        rf"(?<!\w)(?P<name>{_MONTH})\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>20\d\d)(?!\w)", re.IGNORECASE
    ),
    re.compile(rf"(?<!\w)(?P<name>{_MONTH})\.? (?P<year>20\d\d)(?!\w)", re.IGNORECASE),
    re.compile(r"(?<!\w)(?P<quarter>Q[1-4])[ /-]?(?P<year>20\d\d)(?!\w)", re.IGNORECASE),
    re.compile(r"(?<!\w)(?:the )?(?P<part>end|start|beginning|middle) of (?P<year>20\d\d)(?!\w)", re.IGNORECASE),
    re.compile(
        r"(?<=\bby )(?P<year>20\d\d)(?!\w)|(?<=\bin )(?P<year2>20\d\d)(?!\w)|(?<=\buntil )(?P<year3>20\d\d)(?!\w)"
    ),
)
_TIME_OF_DAY = re.compile(r"(?<![\w.])(?:\d{1,2}(?::\d{2})?\s?[ap]\.?m\b\.?|\d{1,2}:\d{2})(?!\w)", re.IGNORECASE)
_SERVICE_TIME = re.compile(r"(?<!\w)24 ?[x/×] ?7(?: ?[x/×] ?365)?(?!\w)", re.IGNORECASE)  # noqa: RUF001 - as typed
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
_PLAIN = re.compile(rf"(?<![\w.,/#§-]){_NUMBER}|(?<=[A-Za-z]-){_NUMBER}|(?<=[€$£<>~(]){_NUMBER}")
_UNIT_WORD = re.compile(r"[ ](?P<word>[A-Za-z][A-Za-z'-]*)")
_COLLECTIVES = frozenset({"staff", "people", "personnel"})
_STOP_WORDS = frozenset(
    [
        "per",
        "a",
        "an",
        "the",
        "of",
        "in",
        "on",
        "at",
        "by",
        "to",
        "for",
        "from",
        "with",
        "and",
        "or",
        "is",
        "are",
        "was",
        "were",
        "be",
        "can",
        "must",
        "shall",
        "should",
        "will",
        "may",
        "have",
        "has",
        "who",
        "that",
        "which",
        "each",
        "every",
        "within",
        "as",
        "into",
        "via",
        "when",
        "if",
        "than",
        "more",
        "less",
        "so",
        "it",
        "we",
        "they",
    ]
)


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
    for pattern in _DATES:
        yield from (_date(text, match) for match in pattern.finditer(text))
    for match in _SERVICE_TIME.finditer(text):
        yield Reading(match.start(), match.end(), Dimension.SERVICE_TIME, None, "", "24x7")
    for match in _TIME_OF_DAY.finditer(text):
        yield Reading(match.start(), match.end(), Dimension.TIME_OF_DAY, None, "", match.group().lower())
    for match in _NINES.finditer(text):
        value = _NINES_VALUES[match.group(1).lower()]
        yield Reading(match.start(), match.end(), Dimension.PERCENT, Decimal(value), "percent", value, Fact.GE)
    end = 0
    for match in _PLAIN.finditer(text):
        # What belongs to a range or a unit that was just read is not a number of its own.
        if match.start() >= end and not _is_label(text, match):
            reading = _number(text, match)
            if reading:
                end = reading.end
                yield reading
    for match in _MAGNITUDE.finditer(text):
        yield _magnitude(text, match)
    for match in _WORD_NUMBER.finditer(text):
        yield from _word_number(text, match)


def _date(text: str, match: re.Match[str]) -> Reading:
    parts = {key: value for key, value in match.groupdict().items() if value}
    plain = parts.get("year") or parts.get("year2") or parts.get("year3") or ""
    if "quarter" in parts:
        plain += "-" + parts["quarter"].upper()
    elif "part" in parts:
        plain += {"end": "-12-31", "middle": "-06-30"}.get(parts["part"].lower(), "-01-01")
    else:
        if "name" in parts:
            month = next(at for at, name in enumerate(_MONTHS, 1) if name.startswith(parts["name"].lower()[:3]))
            plain += f"-{month:02d}"
        elif "month" in parts:
            plain += f"-{int(parts['month']):02d}"
        if "day" in parts:
            plain += f"-{int(parts['day']):02d}"
    start, op = _operator(text, match.start())
    return Reading(start, match.end(), Dimension.DATE, None, "", plain, Fact.LE if op == Fact.EQ else op)


def _is_label(text: str, match: re.Match[str]) -> bool:
    """Return whether digits are part of a name, an ordinal or a list marker rather than a quantity."""
    after = text[match.end() : match.end() + 3]
    if re.match(r"(?:st|nd|rd|th)\b", after) or re.match(r"[x\u00d7]\d", after):
        return True
    return bool(re.match(r"[.)]\s", after)) and not text[: match.start()].rpartition("\n")[2].strip()


def _number(text: str, match: re.Match[str]) -> Reading | None:
    value_at = match.start()
    before = _CURRENCY_BEFORE.search(text[max(0, value_at - 5) : value_at])
    currency = _CURRENCIES[before.group().strip().lower()] if before else ""
    start = value_at - len(before.group()) if before else value_at
    first, end, scaled, lone_m = _scaled(text, match.group(), match.end(), is_money=bool(before))
    high: Decimal | None = None
    start, op = _operator(text, start)
    link = _RANGE.match(text, end) or (_AND.match(text, end) if text[:start].lower().endswith("between ") else None)
    if link:
        second = re.compile(rf"(?:{_CURRENCY_WORDS})?\s?(?P<number>{_NUMBER})", re.IGNORECASE).match(text, link.end())
        if second:
            high, end, second_scaled, second_m = _scaled(
                text, second.group("number"), second.end(), is_money=bool(before)
            )
            lone_m = lone_m or second_m
            if second_scaled > 1 and scaled == 1 and first < high:
                first *= second_scaled
            op = Fact.BETWEEN
    if op == Fact.EQ:
        op, end = _after(text, end, op)
    reading = Reading(start, end, Dimension.COUNT, first, "", "", op, high)
    return _with_unit(text, reading, currency, lone_m=lone_m)


def _scaled(text: str, number: str, end: int, *, is_money: bool) -> tuple[Decimal, int, int, bool]:
    """Return the value with its scale, where it ends, the scale, and whether that was a bare `m`."""
    match = _SCALE.match(text, end)
    unit_follows = _PERCENT.match(text, end) or _DURATION.match(text, end)
    value = _plain(number, decimal_point=bool(unit_follows))
    if not match or (unit_follows and not match.group("scale").lower().startswith("mio")):
        return value, end, 1, False
    factor = _SCALES[match.group("scale").lower()]
    if match.group("scale") == "m" and not is_money and not _CURRENCY_AFTER.match(text, match.end()):
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


def _operator(text: str, start: int) -> tuple[int, Fact.Op.ValueType]:
    window_at = max(0, start - 32)
    window = text[window_at:start]
    for pattern, op in _OP_BEFORE:
        match = pattern.search(window)
        if match:
            return window_at + match.start(), op
    return start, Fact.EQ


def _after(text: str, end: int, op: Fact.Op.ValueType) -> tuple[Fact.Op.ValueType, int]:
    match = _SO.match(text, end)
    if not match:
        return op, end
    word = match.group().strip()
    return {"+": Fact.GE, "or more": Fact.GE, "or so": Fact.APPROX}.get(word, Fact.LE), match.end()


def _with_unit(text: str, reading: Reading, currency: str, *, lone_m: bool) -> Reading | None:
    end = reading.end
    if not currency:
        money = _CURRENCY_AFTER.match(text, end)
        if money:
            currency, end = _CURRENCIES[money.group("currency").lower()], money.end()
    if currency:
        op, end = _after(text, end, reading.op) if reading.op == Fact.EQ else (reading.op, end)
        return _named(replace(reading, end=end, op=op), Dimension.MONEY, currency)
    if match := _PERCENT.match(text, end):
        return _named(replace(reading, end=match.end()), Dimension.PERCENT, "percent")
    if match := _RATE.match(text, end):
        unit = (match.group("short") or f"{match.group('what')}/{match.group('per')}").lower()
        return _named(replace(reading, end=match.end()), Dimension.RATE, unit)
    if match := _VOLUME.match(text, end):
        size = match.group("size").upper()
        size = {"K": "KB", "M": "MB", "G": "GB", "T": "TB", "P": "PB"}[size[0]]
        per = (match.group("per") or "").strip().lower().lstrip("/").removeprefix("per ").removeprefix("a ").strip()
        return _named(replace(reading, end=match.end()), Dimension.VOLUME, f"{size}/{per}" if per else size)
    if match := _DURATION.match(text, end):
        return _named(replace(reading, end=match.end()), Dimension.DURATION, match.lastgroup or "")
    if re.match(r"[A-Za-z_]", text[end : end + 1]) and not lone_m:
        # Digits that run into letters are a name, such as 3D or 10x.
        return None
    unit, unit_end = _unit_words(text, end)
    return _named(replace(reading, end=unit_end), Dimension.COUNT, unit)


def _named(reading: Reading, dimension: Dimension, unit: str) -> Reading:
    value = reading.value if reading.value is not None else Decimal(0)
    plain = f"{value:f}"
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return replace(reading, dimension=dimension, unit=unit, text=plain)


def _unit_words(text: str, end: int) -> tuple[str, int]:
    """Return the counted noun after a number, up to the last plural of its phrase, and where it ends."""
    words: list[tuple[str, int]] = []
    at = end
    while len(words) < 6 and (match := _UNIT_WORD.match(text, at)):
        if match.group("word").lower() in _STOP_WORDS:
            break
        words.append((match.group("word").lower(), match.end()))
        at = match.end()
    plurals = [at for at, (word, _) in enumerate(words) if _is_plural(word)]
    if plurals:
        last = plurals[-1]
        run = last
        while run - 1 in plurals:
            run -= 1
        return " ".join(word for word, _ in words[run : last + 1]), words[last][1]
    return "", end


def _is_plural(word: str) -> bool:
    return word in _COLLECTIVES or (word.endswith("s") and not word.endswith(("ss", "us", "is")))


def _magnitude(text: str, match: re.Match[str]) -> Reading:
    low_word = (match.group("low") or match.group("high")).lower()
    high_word = match.group("high").lower()
    low, high = _bounds(low_word)[0], _bounds(high_word)[1]
    unit, end = _unit_words(text, match.end())
    return Reading(
        match.start(), end, Dimension.COUNT, Decimal(low), unit, str(low), Fact.BETWEEN, Decimal(high), is_literal=False
    )


def _bounds(word: str) -> tuple[int, int]:
    if " of " in word:
        factor = 10 if word.startswith("tens") else 100
        low, high = _MAGNITUDES[word.split(" of ")[1]]
        return low * factor // 2, high * factor
    return _MAGNITUDES[word]


def _word_number(text: str, match: re.Match[str]) -> Iterator[Reading]:
    value = _SMALL[match.group().lower()]
    op, end = _after(text, match.end(), Fact.EQ)
    if duration := _DURATION.match(text, end):
        unit, unit_end, dimension = duration.lastgroup or "", duration.end(), Dimension.DURATION
    else:
        (unit, unit_end), dimension = _unit_words(text, end), Dimension.COUNT
    if unit:
        yield Reading(match.start(), unit_end, dimension, Decimal(value), unit, str(value), op)
