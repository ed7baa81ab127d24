"""Serves QueueService: what waits for agents, and the breakers between tasks and agents."""

from __future__ import annotations

import re

from archwright.engine.v1 import queues_pb2 as pb
from archwright.serving.calls import Call
from services.chassis.clock import Clock
from services.engine.api.audit import audit_row
from services.engine.api.requests import given, wrong
from services.engine.api.views import set_time
from services.engine.breakers import BreakerGate
from services.engine.domain.breaker import Breaker, BreakerState, at
from services.engine.ports.breakers import BreakerKey, Breakers
from services.engine.ports.roster import Roster
from services.engine.ports.task_board import TaskBoard

_STATES = {
    BreakerState.CLOSED: pb.Breaker.CLOSED,
    BreakerState.OPEN: pb.Breaker.OPEN,
    BreakerState.HALF_OPEN: pb.Breaker.HALF_OPEN,
}
_AGENT_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}")


class QueueApi:
    """Answers callers about queues and breakers."""

    def __init__(self, board: TaskBoard, breakers: Breakers, gate: BreakerGate, roster: Roster, clock: Clock) -> None:
        self._board = board
        self._breakers = breakers
        self._gate = gate
        self._roster = roster
        self._clock = clock

    async def list_queues(self, _: pb.ListQueuesRequest, call: Call) -> pb.ListQueuesResponse:
        """Return the queues in which the tenant's tasks wait."""
        tenant, response = call.caller.tenant, pb.ListQueuesResponse()
        for depth in await self._board.depths(tenant):
            takers = self._roster.agents_for(tenant, depth.queue)
            types = {agent.agent_type for agent in takers}
            queue = response.queues.add(
                requirement=depth.queue,
                waiting=depth.waiting,
                agents=len(takers),
                breaker_open=bool(types) and all(self._gate.is_open(tenant, each) for each in types),
            )
            set_time(queue.oldest_at, depth.oldest_at)
        return response

    async def list_breakers(self, _: pb.ListBreakersRequest, call: Call) -> pb.ListBreakersResponse:
        """Return the tenant's breakers."""
        now = self._clock.now()
        return pb.ListBreakersResponse(
            breakers=[
                self._view(key.agent_type, at(kept.breaker, now, self._gate.config))
                for key, kept in sorted((await self._breakers.all()).items())
                if key.tenant == call.caller.tenant
            ]
        )

    async def get_breaker(self, request: pb.GetBreakerRequest, call: Call) -> pb.Breaker:
        """Return the breaker of a type of agents."""
        agent_type = _type_of_agents(request.agent_type)
        now = self._clock.now()
        kept = (await self._breakers.all()).get(BreakerKey(call.caller.tenant, agent_type))
        return self._view(agent_type, Breaker(now) if kept is None else at(kept.breaker, now, self._gate.config))

    async def reset_breaker(self, request: pb.ResetBreakerRequest, call: Call) -> pb.Breaker:
        """Close a breaker at once."""
        agent_type = _type_of_agents(request.agent_type)
        closed = Breaker(self._clock.now())
        audit = audit_row(call, self._clock, f"breakers/{agent_type}")
        await self._breakers.reset(BreakerKey(call.caller.tenant, agent_type), closed, audit)
        self._gate.look()
        return self._view(agent_type, closed)

    def _view(self, agent_type: str, breaker: Breaker) -> pb.Breaker:
        config = self._gate.config
        view = pb.Breaker(
            agent_type=agent_type,
            state=_STATES[breaker.state],
            failures=breaker.failures,
            trials=breaker.trials,
            failure_threshold=config.failure_threshold,
            recovery_timeout_seconds=config.recovery_timeout_seconds,
            half_open_max_calls=config.half_open_max_calls,
            min_throughput=config.min_throughput,
        )
        set_time(view.since, breaker.since)
        set_time(view.open_until, breaker.open_until(config))
        return view


def _type_of_agents(asked: str) -> str:
    """Return the type that was asked for, if agents may have it: of a slip of the pen nothing must be confirmed."""
    if _AGENT_TYPE.fullmatch(given("agent_type", asked)) is None:
        raise wrong(
            "agent_type", f"agent_type is {asked!r}, which no agent has: a type is of the form [a-z][a-z0-9_]*."
        )
    return asked
