"""Reading the request's facts: the number of a kind, in the unit that a rule counts in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archwright.agents.v1.model_pb2 import Fact

MONTHS = {"day": 1 / 30.4, "week": 1 / 4.35, "month": 1.0, "quarter": 3.0, "year": 12.0}
MINUTES = {
    "s": 1 / 60,
    "sec": 1 / 60,
    "second": 1 / 60,
    "m": 1.0,
    "min": 1.0,
    "minute": 1.0,
    "h": 60.0,
    "hour": 60.0,
    "day": 1440.0,
}


SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "minute": 60.0, "hour": 3_600.0, "day": 86_400.0}
"""Of a rate's unit, what stands behind the stroke: `orders/day`."""


def is_daily(fact: Fact) -> bool:
    """Return whether a rate is one of a whole day."""
    return fact.unit.endswith("/day")


def per_second(fact: Fact) -> float:
    """Return a rate in things a second; `rps` and its like are that already."""
    _, _, span = fact.unit.partition("/")
    number = max(fact.number, fact.number_high) if fact.HasField("number_high") else fact.number
    return number / SECONDS.get(span, 1.0)


def of_kind(facts: Iterable[Fact], kind: Fact.Kind.ValueType) -> tuple[Fact, ...]:
    """Return the facts of one kind, in the request's order."""
    return tuple(fact for fact in facts if fact.kind == kind)


def largest(facts: Iterable[Fact], kind: Fact.Kind.ValueType) -> float | None:
    """Return the largest number of a kind, upper ends of ranges included; None when the request gives none."""
    numbers = [
        max(fact.number, fact.number_high if fact.HasField("number_high") else fact.number)
        for fact in of_kind(facts, kind)
        if fact.HasField("number")
    ]
    return max(numbers, default=None)


def deadline_months(facts: Iterable[Fact]) -> float | None:
    """Return the shortest time that the request allows, in months; None when it names only a date or nothing."""
    return _shortest(_numbers(facts, Fact.DEADLINE), MONTHS)


def minutes(facts: Iterable[Fact], kind: Fact.Kind.ValueType) -> float | None:
    """Return the shortest duration of a kind, in minutes; None when the request gives none."""
    return shortest_minutes(_numbers(facts, kind))


def shortest_minutes(durations: Iterable[tuple[float, str]]) -> float | None:
    """Return the shortest of durations with their units, in minutes; None when none has a unit of time."""
    return _shortest(durations, MINUTES)


def _numbers(facts: Iterable[Fact], kind: Fact.Kind.ValueType) -> list[tuple[float, str]]:
    return [(fact.number, fact.unit) for fact in of_kind(facts, kind) if fact.HasField("number")]


def _shortest(durations: Iterable[tuple[float, str]], units: Mapping[str, float]) -> float | None:
    found = []
    for number, unit in durations:
        factor = units.get(unit.lower(), units.get(unit.lower().removesuffix("s")))
        if factor is not None:
            found.append(number * factor)
    return min(found, default=None)
