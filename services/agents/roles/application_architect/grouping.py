"""Which things belong together: single-linkage clusters by how often requirements speak of them at once.

Cohesion decides, size only limits: two things join when they share requirements or a capability, until a group would
grow beyond what one team keeps in mind, and the number of groups stays between three and nine where there is enough.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

from services.agents.roles.application_architect.entities import is_person
from services.agents.roles.application_architect.reading import Subject, Use

GROUPS_MAX = 9
GROUPS_MIN = 3
GROUP_SIZE_MAX = 4
AFFINITY_MIN = 0.51
PERSON_FACTOR = 0.5
SAME_CAPABILITY = 0.3
"""Less than AFFINITY_MIN: one capability alone does not join what no requirement mentions together."""


def groups(things: Sequence[Subject], uses: Sequence[Use]) -> tuple[tuple[Subject, ...], ...]:
    """Return `things` in groups; the first of each is the one that most requirements are about.

    Raises nothing and loses nothing: every thing is in exactly one group.
    """
    weight = Counter(use.subject_id for use in uses)
    order = {one.id: at for at, one in enumerate(things)}
    group_of = {one.id: {one.id} for one in things}
    pairs = _pairs(things, uses)
    count = len(things)
    for score, first, second in pairs:
        left, right = group_of[first], group_of[second]
        if left is right or score < AFFINITY_MIN or count <= GROUPS_MIN or len(left) + len(right) > GROUP_SIZE_MAX:
            continue
        _join(group_of, left, right)
        count -= 1
    while count > GROUPS_MAX:
        left, right = _smallest_two(group_of, order)
        _join(group_of, left, right)
        count -= 1
    by_id = {one.id: one for one in things}
    unique = {id(group): group for group in group_of.values()}.values()
    ranked = [sorted(group, key=lambda one: (-weight[one], order[one])) for group in unique]
    ranked.sort(key=lambda group: min(order[one] for one in group))
    return tuple(tuple(by_id[one] for one in group) for group in ranked)


def affinity(first: Subject, second: Subject, mentions: Mapping[str, frozenset[str]]) -> float:
    """Return how much two things belong together, from 0 up.

    Of the thing that fewer requirements speak of: the share of them that speak of the other too. Half of that when
    only one of the two is a person, because people outlive what they deal with; more when one capability owns both.
    """
    left, right = mentions[first.id], mentions[second.id]
    fewer = min(len(left), len(right))
    together = len(left & right) / fewer if fewer else 0.0
    if is_person(first.name) != is_person(second.name):
        together *= PERSON_FACTOR
    same = first.capability_id != "" and first.capability_id == second.capability_id
    return together + (SAME_CAPABILITY if same else 0.0)


def _pairs(things: Sequence[Subject], uses: Sequence[Use]) -> list[tuple[float, str, str]]:
    mentions = {
        one.id: frozenset(use.req_id for use in uses if one.id == use.subject_id or one.id in use.mentioned)
        for one in things
    }
    scored = [(affinity(one, other, mentions), one.id, other.id) for one, other in combinations(things, 2)]
    return sorted(scored, key=lambda pair: (-pair[0], pair[1], pair[2]))


def _join(group_of: dict[str, set[str]], left: set[str], right: set[str]) -> None:
    left |= right
    for one in right:
        group_of[one] = left


def _smallest_two(group_of: dict[str, set[str]], order: dict[str, int]) -> tuple[set[str], set[str]]:
    unique = list({id(group): group for group in group_of.values()}.values())
    unique.sort(key=lambda group: (len(group), min(order[one] for one in group)))
    return unique[0], unique[1]
