"""How much a system is used: people, requests and transactions, from the request's facts and a line of business.

Every figure that the request does not give comes from the sizing table, and whoever uses it must say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archwright.agents.v1.model_pb2 import Fact
from services.agents.facts import largest
from services.agents.knowledge.load import table

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Constant:
    """A figure that stands until somebody knows better."""

    value: float
    text: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Domain:
    """How people of a line of business use its systems."""

    active_share: float
    sessions_per_day: float
    requests_per_session: float
    transactions_per_user_year: float
    documents_mb_per_transaction: float
    retention_years: float
    transaction: str = "transactions"


@dataclass(frozen=True, slots=True)
class Default(Domain):
    """The usage of a business that the table does not know."""

    users: Constant = Constant(0, "")


@dataclass(frozen=True, slots=True)
class SizingTable:
    """The packaged figures."""

    default: Default
    domains: Mapping[str, Domain]
    constants: Mapping[str, Constant]
    bursty_words: tuple[str, ...]
    machine_words: tuple[str, ...]
    """What machines send."""


def sizing_table() -> SizingTable:
    """Return the packaged figures."""
    return table("sizing", SizingTable)


def domain(industry: str) -> Domain:
    """Return how people of this line of business use a system; the default for one that the table does not know."""
    known = sizing_table()
    return known.domains.get(industry.lower().replace("-", "_"), known.default)


def stated_users(facts: Iterable[Fact]) -> float | None:
    """Return the largest number of users that the request names."""
    return largest(facts, Fact.USERS)


def daily_requests(users: float, usage: Domain) -> float:
    """Return the requests of a usual day."""
    return users * usage.active_share * usage.sessions_per_day * usage.requests_per_session
