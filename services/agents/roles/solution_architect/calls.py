"""Which component waits for which: the calls of the design, followed as far as they lead."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from services.agents.roles.solution_architect.sources import Sources


def reach(sources: Sources, among: Collection[str]) -> Mapping[str, frozenset[str]]:
    """Return for each component the others `among` them that it waits for, directly or through others."""
    direct: dict[str, set[str]] = {one: set() for one in among}
    for interface in sources.application.interfaces:
        if interface.sync and interface.provider_id in direct:
            for consumer_id in interface.consumer_ids:
                if consumer_id in direct and consumer_id != interface.provider_id:
                    direct[consumer_id].add(interface.provider_id)
    return {one: frozenset(_followed(one, direct)) for one in among}


def _followed(start: str, direct: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    ahead = list(direct[start])
    while ahead:
        one = ahead.pop()
        if one not in found:
            found.add(one)
            ahead.extend(direct[one])
    return found
