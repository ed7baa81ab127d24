"""Reading the request's facts: the number of a kind, in the unit that a rule counts in."""

from __future__ import annotations

from collections.abc import Iterable

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
    return _shortest(of_kind(facts, Fact.DEADLINE), MONTHS)


def minutes(facts: Iterable[Fact], kind: Fact.Kind.ValueType) -> float | None:
    """Return the shortest duration of a kind, in minutes; None when the request gives none."""
    return _shortest(of_kind(facts, kind), MINUTES)


def _shortest(facts: Iterable[Fact], units: dict[str, float]) -> float | None:
    found = []
    for fact in facts:
        unit = fact.unit.lower()
        factor = units.get(unit, units.get(unit.removesuffix("s")))
        if factor is not None and fact.HasField("number"):
            found.append(fact.number * factor)
    return min(found, default=None)
