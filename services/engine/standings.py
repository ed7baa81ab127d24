"""What the shell knows of a workflow's open tasks: who holds them, and who could take those that wait."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from services.engine.breakers import BreakerGate
from services.engine.domain.explaining import Standing
from services.engine.domain.transitions import TaskStatus
from services.engine.ports.history import History, TaskRow
from services.engine.ports.keys import Key
from services.engine.roster import FollowedRoster

_WITH_ROOM = "ONLINE"
"""The registry's word for an agent that could take one more task."""


class Standings:
    """Tells how tasks stand, from their rows and the registry's last word."""

    def __init__(self, history: History, roster: FollowedRoster, gate: BreakerGate) -> None:
        self._history = history
        self._gate = gate
        self._roster = roster

    async def of(self, key: Key) -> Mapping[str, Standing]:
        """Return how each open task of a workflow stands, by its id."""
        found: dict[str, Standing] = {}
        waiting: defaultdict[str, list[TaskRow]] = defaultdict(list)
        for row in await self._history.open_tasks(key):
            if row.status == TaskStatus.PENDING:
                waiting[row.queue].append(row)
            else:
                status = TaskStatus(row.status)
                found[row.task_id] = Standing(status, row.agent_id, row.lease_expires_at)
        for queue, rows in waiting.items():
            found |= await self._in_queue(key.tenant, queue, rows)
        return found

    async def _in_queue(self, tenant: str, queue: str, rows: Sequence[TaskRow]) -> Mapping[str, Standing]:
        agents = self._roster.agents_for(tenant, queue)
        if not agents and self._roster.has_agent_for(tenant, queue):
            return {}  # the registry has not said anything yet
        free = sum(agent.status == _WITH_ROOM for agent in agents)
        open_until = [self._gate.open_until(tenant, agent_type) for agent_type in {each.agent_type for each in agents}]
        until = min((each for each in open_until if each is not None), default=None)
        if None in open_until:
            until = None  # another type takes them meanwhile
        places = await self._history.places(tenant, queue, [row.task_id for row in rows])
        # A task that is not among the first so many has at least as many before it.
        last = max(places.values(), default=0)
        return {
            row.task_id: Standing(
                ahead=places.get(row.task_id, last), agents=len(agents), free=free, breaker_open_until=until
            )
            for row in rows
        }
