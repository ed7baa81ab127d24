"""What goes wrong when: drawn from a seed, so that the same seed strikes in the same order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

PAUSE_SECONDS = (0.8, 2.6)
"""From one strike to the next; several may be under way at once."""


class Fault(StrEnum):
    """What can go wrong with a process or a link."""

    ENGINE_KILLED = "engine killed"
    ENGINE_FROZEN = "engine frozen"
    ENGINE_CRASHES_AGAIN = "engine crashes again and again"
    AGENT_KILLED = "agent killed"
    AGENT_FROZEN = "agent frozen"
    REGISTRY_KILLED = "registry killed"
    GATEWAY_KILLED = "gateway killed"
    POSTGRES_KILLED = "PostgreSQL killed"
    REDIS_KILLED = "Redis killed"
    REDIS_EMPTIED = "Redis emptied"
    REDIS_FROZEN = "Redis frozen"
    LINK_PARTITIONED = "link partitioned"
    LINK_ONE_WAY = "link one way"
    LINK_HALF_OPEN = "link half open"
    LINK_SLOW = "link slow"
    ALL_LINKS_RESET = "all links reset"
    WATCHERS_SLOW = "watchers slow"
    KEYS_ROTATED = "keys rotated"


SECONDS: dict[Fault, tuple[float, float]] = {
    Fault.ENGINE_KILLED: (0.2, 2.0),
    Fault.ENGINE_FROZEN: (3.0, 6.0),
    Fault.ENGINE_CRASHES_AGAIN: (0.0, 0.5),
    Fault.AGENT_KILLED: (0.0, 2.0),
    Fault.AGENT_FROZEN: (4.0, 7.0),
    Fault.REGISTRY_KILLED: (0.5, 3.0),
    Fault.GATEWAY_KILLED: (0.2, 1.0),
    Fault.POSTGRES_KILLED: (0.2, 2.0),
    Fault.REDIS_KILLED: (0.5, 3.0),
    Fault.REDIS_EMPTIED: (0.0, 0.0),
    Fault.REDIS_FROZEN: (1.0, 4.0),
    Fault.LINK_PARTITIONED: (2.0, 6.0),
    Fault.LINK_ONE_WAY: (2.0, 6.0),
    Fault.LINK_HALF_OPEN: (0.0, 0.0),
    Fault.LINK_SLOW: (2.0, 5.0),
    Fault.ALL_LINKS_RESET: (0.0, 0.0),
    Fault.WATCHERS_SLOW: (3.0, 6.0),
    Fault.KEYS_ROTATED: (0.0, 0.0),
}
"""How long each lasts at least and at most, before it is mended. What is frozen outlives its lease."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault: when it strikes, for how long, and whom, as a share of those it may be."""

    at_seconds: float
    fault: Fault
    lasts_seconds: float
    victim: float


def timetable(seed: int, seconds: float, among: Sequence[Fault] = tuple(Fault)) -> list[Strike]:
    """Return the strikes of a round: each fault once in some order, then each again, until the time is up."""
    chance = random.Random(seed)
    strikes: list[Strike] = []
    deck: list[Fault] = []
    at = chance.uniform(*PAUSE_SECONDS)
    while at < seconds:
        if not deck:
            deck = sorted(among)
            chance.shuffle(deck)
        fault = deck.pop()
        strikes.append(Strike(round(at, 3), fault, round(chance.uniform(*SECONDS[fault]), 3), chance.random()))
        at += chance.uniform(*PAUSE_SECONDS)
    return strikes
