"""Numbers, money and names as readers expect them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from google.protobuf.message import Message

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}
_CENTS_SHOWN_BELOW = 100_000
_DECIMALS_FROM = 100
_DASH = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"


def money(cents: int, currency: str) -> str:
    """Return an amount, in whole units from a thousand on: `€459,000`, `$12.50`, `CHF 1,200`."""
    symbol = SYMBOLS.get(currency, f"{currency} " if currency else "")
    sign = _MINUS if cents < 0 else ""
    size = abs(cents)
    digits = f"{size / 100:,.2f}" if size < _CENTS_SHOWN_BELOW and size % 100 else f"{round(size / 100):,}"
    return f"{sign}{symbol}{digits}"


def short_money(cents: int, currency: str) -> str:
    """Return an amount as it stands beside a chart: `€1.2M`, `€459k`."""
    symbol = SYMBOLS.get(currency, f"{currency} " if currency else "")
    sign = _MINUS if cents < 0 else ""
    units = abs(cents) / 100
    for size, letter in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if units >= size * 0.9995:
            scaled = units / size
            digits = f"{scaled:.0f}" if scaled >= _DECIMALS_FROM else f"{scaled:.1f}".removesuffix(".0")
            return f"{sign}{symbol}{digits}{letter}"
    return f"{sign}{symbol}{units:,.0f}"


def number(value: float, places: int = 2) -> str:
    """Return a number with as many decimals as it has, at most `places`, and commas between thousands."""
    if not math.isfinite(value):
        return _DASH
    text = f"{value:,.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def percent(share: float) -> str:
    """Return a share of one as per cent."""
    return f"{number(share * 100, 1)} %"


def choice(message: Message, field: str) -> str:
    """Return the name of an enum field's value in lower-case words; nothing if it is unspecified or unknown."""
    enum_type = message.DESCRIPTOR.fields_by_name[field].enum_type
    value = enum_type.values_by_number.get(getattr(message, field)) if enum_type else None
    return "" if value is None or value.number == 0 else value.name.lower().replace("_", " ")


def present(message: Message, field: str) -> bool:
    """Return whether an optional field is set."""
    return message.HasField(field)


def spaced(name: str) -> str:
    """Return a key as words: `performance_efficiency` is "performance efficiency"."""
    return name.replace("_", " ").replace("-", " ").strip()


def plural(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


FILTERS: Mapping[str, Callable[..., str]] = {
    "choice": choice,
    "count": plural,
    "money": money,
    "number": number,
    "percent": percent,
    "short_money": short_money,
    "spaced": spaced,
}
"""What the templates of all reports may do with a value."""
