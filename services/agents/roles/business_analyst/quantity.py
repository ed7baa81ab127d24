"""A quantity that a text names, and what of the text it covers."""

from __future__ import annotations

from dataclasses import dataclass
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
