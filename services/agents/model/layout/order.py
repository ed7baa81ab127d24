"""Who stands beside whom: orders that let related boxes stand near each other, so that lines cross little."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SWEEPS = 6

Tier = list[str]


def ordered(
    tiers: Sequence[Sequence[str]], links: Sequence[tuple[str, str]], sequences: Iterable[tuple[str, str]]
) -> list[Tier]:
    """Return the tiers with their members in drawing order.

    `sequences` are pairs of which the first comes before the second in time: a tier that has any reads from left to
    right. In the other tiers everyone moves towards the mean place of those they are linked to.
    """
    placed = [list(tier) for tier in tiers]
    tier_of = {member: index for index, tier in enumerate(placed) for member in tier}
    within = [(first, then) for first, then in sequences if first != then and tier_of[first] == tier_of[then]]
    timed = {tier_of[first] for first, _ in within}
    for index in timed:
        placed[index] = _in_time(placed[index], within)
    neighbours: dict[str, list[str]] = {member: [] for member in tier_of}
    for one, other in links:
        if tier_of[one] != tier_of[other]:
            neighbours[one].append(other)
            neighbours[other].append(one)
    for sweep in range(SWEEPS):
        indexes = range(len(placed)) if sweep % 2 == 0 else reversed(range(len(placed)))
        for index in indexes:
            if index not in timed:
                placed[index] = _by_mean_place(placed[index], neighbours, _places(placed))
    return placed


def _in_time(members: Tier, before: Sequence[tuple[str, str]]) -> Tier:
    """Return the members so that whoever comes before others stands left of them; circles keep their order."""
    after: dict[str, list[str]] = {member: [] for member in members}
    waits_for = dict.fromkeys(members, 0)
    for first, then in dict.fromkeys(before):
        if first in after and then in after:
            after[first].append(then)
            waits_for[then] += 1
    result: Tier = []
    while waits_for:
        # Where everyone waits for someone there is a circle: its first member goes, so that the others can.
        chosen = next((member for member, count in waits_for.items() if count == 0), next(iter(waits_for)))
        del waits_for[chosen]
        result.append(chosen)
        for then in after[chosen]:
            if then in waits_for:
                waits_for[then] -= 1
    return result


def _places(tiers: Sequence[Tier]) -> dict[str, float]:
    """Return everyone's place in its tier as a share of the tier's width."""
    return {member: (index + 0.5) / len(tier) for tier in tiers for index, member in enumerate(tier)}


def _by_mean_place(members: Tier, neighbours: dict[str, list[str]], places: dict[str, float]) -> Tier:
    def mean_place(member: str) -> float:
        around = neighbours[member]
        return sum(places[one] for one in around) / len(around) if around else places[member]

    return sorted(members, key=mean_place)
