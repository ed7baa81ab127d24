"""Reads what a number counts: money, time, shares, volumes, rates, or things."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from archwright.agents.v1.model_pb2 import Fact
from services.agents.roles.business_analyst import bounds, lexicon
from services.agents.roles.business_analyst.quantity import Dimension, Reading

CURRENCIES = {
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR",
    "$": "USD", "us$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD",
    "£": "GBP", "gbp": "GBP", "pound": "GBP", "pounds": "GBP", "chf": "CHF", "francs": "CHF",
}  # fmt: skip
CURRENCY_WORDS = r"US\$|€|\$|£|(?:EUR|USD|GBP|CHF|euros?|dollars?|pounds?|francs)(?![A-Za-z])"
CURRENCY_AFTER = re.compile(rf"\s?(?P<currency>{CURRENCY_WORDS})", re.IGNORECASE)
CURRENCY_BEFORE = re.compile(r"(?:US\$|€|\$|£|\b(?:EUR|USD|GBP|CHF))\s?$", re.IGNORECASE)
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
DURATION = re.compile(
    r"[ -]?(?:" + "|".join(f"(?P<{unit}>{forms})" for unit, forms in _DURATIONS.items()) + r")(?![A-Za-z])",
    re.IGNORECASE,
)
PERCENT = re.compile(r"\s?(?:%|percent\b|per cent\b|prozent\b)", re.IGNORECASE)
_VOLUME = re.compile(
    r"\s?(?P<size>[KMGTP]i?B|kilobytes?|megabytes?|gigabytes?|terabytes?|petabytes?)(?![A-Za-z])"
    r"(?P<per>\s?(?:/|per |a )\s?(?:day|week|month|year))?",
    re.IGNORECASE,
)
_RATE = re.compile(
    r"\s?(?:(?P<short>rps|tps|qps)\b|(?P<what>requests?|req|transactions?|tx|orders?|messages?|events?|calls?|queries|"
    r"readings?|payments?|searches|notifications?|uploads?|page views?|parcels?|shipments?|trips?|bookings?)"
    r"\s?(?:/|per |a |an |every |each )\s?(?P<per>s|sec|second|minute|hour|day)\b)",
    re.IGNORECASE,
)
_UNIT_WORD = re.compile(r"[ ](?P<word>[A-Za-z][A-Za-z'-]*)")


def with_unit(text: str, reading: Reading, currency: str, *, lone_m: bool) -> Reading | None:
    """Return `reading` with the unit behind it; None where its digits run into letters and are a name."""
    end = reading.end
    if not currency:
        money = CURRENCY_AFTER.match(text, end)
        if money:
            currency, end = CURRENCIES[money.group("currency").lower()], money.end()
    if currency:
        op, end = bounds.after(text, end, reading.op) if reading.op == Fact.EQ else (reading.op, end)
        return _named(replace(reading, end=end, op=op), Dimension.MONEY, currency)
    if match := PERCENT.match(text, end):
        return _named(replace(reading, end=match.end()), Dimension.PERCENT, "percent")
    if match := _RATE.match(text, end):
        unit = (match.group("short") or f"{match.group('what')}/{match.group('per')}").lower()
        return _named(replace(reading, end=match.end()), Dimension.RATE, unit)
    if match := _VOLUME.match(text, end):
        size = match.group("size").upper()
        size = {"K": "KB", "M": "MB", "G": "GB", "T": "TB", "P": "PB"}[size[0]]
        per = (match.group("per") or "").strip().lower().lstrip("/").removeprefix("per ").removeprefix("a ").strip()
        return _named(replace(reading, end=match.end()), Dimension.VOLUME, f"{size}/{per}" if per else size)
    if match := DURATION.match(text, end):
        return _named(replace(reading, end=match.end()), Dimension.DURATION, match.lastgroup or "")
    if re.match(r"[A-Za-z_]", text[end : end + 1]) and not lone_m:
        # Digits that run into letters are a name, such as 3D or 10x.
        return None
    unit, unit_end = unit_words(text, end)
    return _named(replace(reading, end=unit_end), Dimension.COUNT, unit)


def unit_words(text: str, end: int) -> tuple[str, int]:
    """Return the counted noun after a number, up to the last plural of its phrase, and where it ends."""
    words: list[tuple[str, int]] = []
    at = end
    while len(words) < 6 and (match := _UNIT_WORD.match(text, at)):
        if match.group("word").lower() in lexicon.grammar().unit_ends:
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


def _named(reading: Reading, dimension: Dimension, unit: str) -> Reading:
    value = reading.value if reading.value is not None else Decimal(0)
    plain = f"{value:f}"
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return replace(reading, dimension=dimension, unit=unit, text=plain)


def _is_plural(word: str) -> bool:
    return word in lexicon.grammar().collectives or (word.endswith("s") and not word.endswith(("ss", "us", "is")))
