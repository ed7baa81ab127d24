"""The critical path method: earliest and latest times of activities that wait for each other.

Durations are multiples of half a day, which binary numbers hold exactly: times and floats are exact, and an activity
is critical when its float is zero, not nearly zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never


class Tie(StrEnum):
    """How an activity is tied to one before it."""

    FINISH_START = "FS"
    START_START = "SS"
    FINISH_FINISH = "FF"


@dataclass(frozen=True, slots=True)
class Link:
    """What an activity waits for."""

    before: str
    tie: Tie = Tie.FINISH_START
    lag: float = 0.0


Links = Mapping[str, Sequence[Link]]
"""Links by the activity that waits."""


@dataclass(frozen=True, slots=True)
class Times:
    """When an activity can and must happen, in working days from the start."""

    earliest_start: float
    earliest_finish: float
    latest_start: float
    latest_finish: float
    free_float: float

    @property
    def total_float(self) -> float:
        """How late it may be without moving the end."""
        return self.latest_start - self.earliest_start

    @property
    def is_critical(self) -> bool:
        """Whether it must not be late."""
        return self.total_float == 0


class CircularPlan(ValueError):
    """Activities wait for each other in a circle."""

    def __init__(self, circle: Sequence[str]) -> None:
        super().__init__(f"These activities wait for each other: {', '.join(circle)}. Remove one of their links.")
        self.circle = tuple(circle)


def in_order(names: Sequence[str], links: Links) -> tuple[str, ...]:
    """Return the activities, each after what it waits for; raise CircularPlan where that cannot be."""
    waiting = {name: {link.before for link in links.get(name, ())} for name in names}
    ordered: list[str] = []
    while waiting:
        ready = [name for name, before in waiting.items() if not before & waiting.keys()]
        if not ready:
            raise CircularPlan(sorted(waiting))
        ordered.extend(ready)
        for name in ready:
            del waiting[name]
    return tuple(ordered)


def schedule(durations: Mapping[str, float], links: Links) -> dict[str, Times]:
    """Return the times of all activities; the last to finish marks the end."""
    ordered = in_order(tuple(durations), links)
    starts: dict[str, float] = {}
    finishes: dict[str, float] = {}
    for name in ordered:
        starts[name] = earliest_start(durations[name], links.get(name, ()), starts, finishes)
        finishes[name] = starts[name] + durations[name]
    end = max(finishes.values(), default=0.0)
    after: dict[str, list[tuple[str, Link]]] = {name: [] for name in ordered}
    for name in ordered:
        for link in links.get(name, ()):
            after[link.before].append((name, link))
    latest: dict[str, float] = {}
    free: dict[str, float] = {}
    for name in reversed(ordered):
        latest[name], free[name] = end, end - finishes[name]
        for later, link in after[name]:
            latest_start = latest[later] - durations[later]
            match link.tie:
                case Tie.FINISH_START:
                    bound = latest_start - link.lag
                    slack = starts[later] - link.lag - finishes[name]
                case Tie.START_START:
                    bound = latest_start - link.lag + durations[name]
                    slack = starts[later] - link.lag - starts[name]
                case Tie.FINISH_FINISH:
                    bound = latest[later] - link.lag
                    slack = finishes[later] - link.lag - finishes[name]
                case _:
                    assert_never(link.tie)
            latest[name] = min(latest[name], bound)
            free[name] = min(free[name], slack)
    return {
        name: Times(starts[name], finishes[name], latest[name] - durations[name], latest[name], free[name])
        for name in durations
    }


def earliest_start(
    duration: float, links: Sequence[Link], starts: Mapping[str, float], finishes: Mapping[str, float]
) -> float:
    """Return when an activity can start, given the times of all that it waits for."""
    earliest = 0.0
    for link in links:
        match link.tie:
            case Tie.FINISH_START:
                bound = finishes[link.before] + link.lag
            case Tie.START_START:
                bound = starts[link.before] + link.lag
            case Tie.FINISH_FINISH:
                bound = finishes[link.before] + link.lag - duration
            case _:
                assert_never(link.tie)
        earliest = max(earliest, bound)
    return earliest


def critical_path(times: Mapping[str, Times], links: Links) -> tuple[str, ...]:
    """Return one chain of critical activities from the start to the end, in order."""
    end = max((one.earliest_finish for one in times.values()), default=0.0)
    # Of equals the first name, so that the same plan always names the same path.
    name = next((key for key in sorted(times) if times[key].earliest_finish == end), None)
    chain: list[str] = []
    while name is not None:
        chain.append(name)
        name = _binding(name, times, links)
    return tuple(reversed(chain))


def _binding(name: str, times: Mapping[str, Times], links: Links) -> str | None:
    own = times[name]
    if own.earliest_start == 0:
        return None
    found: list[tuple[int, str]] = []
    for link in links.get(name, ()):
        before = times[link.before]
        if not before.is_critical:
            continue
        # Of several that bind, one that has to finish first explains more than one that only has to start.
        match link.tie:
            case Tie.FINISH_START if before.earliest_finish + link.lag == own.earliest_start:
                found.append((0, link.before))
            case Tie.START_START if before.earliest_start + link.lag == own.earliest_start:
                found.append((1, link.before))
            case Tie.FINISH_FINISH if before.earliest_finish + link.lag == own.earliest_finish:
                found.append((2, link.before))
            case _:
                continue
    return min(found)[1] if found else None
